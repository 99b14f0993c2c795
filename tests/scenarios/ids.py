"""The ids of what the shipped configuration deployed."""

from __future__ import annotations

from tests.scenarios.site import Site


class Ids:
    """The ids of what was deployed, by key."""

    def __init__(self, site: Site) -> None:
        state = {**site.state("organizations"), **site.state("sso")}
        self.user = state["aws_identitystore_user.jane-doe"]["user_id"]
        groups, sets, both = (
            ("devops", "finops", "readonly"),
            ("Administrator", "FinOps", "DevOps"),
            ("security", "shared"),
        )
        self.group = {key: state[f"aws_identitystore_group.{key}"]["group_id"] for key in groups}
        self.arn = {key: state[f"aws_ssoadmin_permission_set.{key}"]["arn"] for key in sets}
        self.account = {key: state[f"aws_organizations_account.{key}"]["id"] for key in both}
        self.unit = {key: state[f"aws_organizations_organizational_unit.{key}"]["id"] for key in both}
        self.policy = state["aws_organizations_policy.deny-root-user"]["id"]
