"""What exists keeps what it has: things made by hand are adopted, and nothing changes that the YAML does not write."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.scenarios.site import Site

ADOPTED = {"env": "prod", "owner": "Web & Mail"}
TAGS = [{"Key": key, "Value": value} for key, value in ADOPTED.items()]
PERSON = {
    "DisplayName": "Berg, Kim",
    "Name": {"GivenName": "Kim", "FamilyName": "Berg", "MiddleName": "J.", "HonorificPrefix": "Dr."},
    "Emails": [{"Value": "kim@example.com", "Type": "home", "Primary": True}],
    "Title": "Archivist",
    "Locale": "en-GB",
    "PhoneNumbers": [{"Value": "+44 20 7946 0000", "Type": "work"}],
    "Addresses": [{"Locality": "London", "Country": "GB"}],
    "NickName": "KB",
    "PreferredLanguage": "en-GB",
    "ProfileUrl": "https://example.com/kim",
    "Timezone": "Europe/London",
    "UserType": "Employee",
}

_GITHUB = """github_actions:
  mode: on
  repository: example/landing-zone
  repository_id: "123456789"
  owner_id: "987654"
"""


class ByHand:
    """An account, a unit, a policy, a user, a group and a permission set that somebody made without Strata."""

    def __init__(self, site: Site) -> None:
        self.organizations, self.store = site.client("organizations"), site.client("identitystore")
        self.center = site.client("sso-admin")
        root = self.organizations.list_roots()["Roots"][0]["Id"]
        document = (site.config / "policies" / "deny-root-user.json").read_text()
        self.account = site.open_account("legacy@example.com")
        self.unit = self.organizations.create_organizational_unit(ParentId=root, Name="labs", Tags=TAGS)[
            "OrganizationalUnit"
        ]["Id"]
        self.policy = self.organizations.create_policy(
            Name="old-guard", Type="SERVICE_CONTROL_POLICY", Description="Old.", Content=document, Tags=TAGS
        )["Policy"]["PolicySummary"]["Id"]
        self.organizations.tag_resource(ResourceId=self.account, Tags=TAGS)
        instance = self.center.list_instances()["Instances"][0]
        self.of_store = {"IdentityStoreId": instance["IdentityStoreId"]}
        self.of_center = {"InstanceArn": instance["InstanceArn"]}
        self.user = self.store.create_user(**self.of_store, UserName="kim", **PERSON)["UserId"]
        self.group = self.store.create_group(**self.of_store, DisplayName="Old Builders", Description="Build.")[
            "GroupId"
        ]
        self.set = self.center.create_permission_set(
            **self.of_center,
            Name="OldBuilder",
            Description="Builds.",
            SessionDuration="PT8H",
            RelayState="https://console.aws.amazon.com/s3",
            Tags=TAGS,
        )["PermissionSet"]["PermissionSetArn"]

    def declare(self, site: Site) -> None:
        """Writes what has to be written of each, and the ids of those that Strata does not find by itself."""
        store, instance = self.of_store["IdentityStoreId"], self.of_center["InstanceArn"]
        site.edit(
            "organization.yaml",
            ("organizational_units:\n  security:\n", "organizational_units:\n  labs:\n  security:\n"),
            (
                "accounts:\n  security:\n",
                "accounts:\n  legacy:\n    email: legacy@example.com\n    organizational_unit: root\n  security:\n",
            ),
            (
                "  deny-root-user:\n",
                "  old-guard:\n    type: SERVICE_CONTROL_POLICY\n    file: policies/deny-root-user.json\n"
                "  deny-root-user:\n",
            ),
        )
        kim = "  kim:\n    given_name: Kim\n    family_name: Berg\n    email: kim@example.com\n    user_name: kim\n"
        site.edit(
            "sso.yaml",
            ("\ngroups:\n", f"{kim}\ngroups:\n"),
            ("\npermission_sets:\n", "  builders:\n    name: Old Builders\n\npermission_sets:\n"),
            (
                "\nassignments:\n",
                "  Builder:\n    name: OldBuilder\n    policies:\n      - aws: PowerUserAccess\n\nassignments:\n",
            ),
        )
        site.append(
            "imports.yaml",
            f'aws_identitystore_user.kim: "{store}/{self.user}"\n'
            f'aws_identitystore_group.builders: "{store}/{self.group}"\n'
            f'aws_ssoadmin_permission_set.Builder: "{self.set},{instance}"\n',
        )

    def seen(self) -> dict[str, Any]:
        """Returns everything that AWS says of each."""
        tags = self.organizations.list_tags_for_resource
        center = self.center
        found = {
            "account": self.organizations.describe_account(AccountId=self.account)["Account"],
            "unit": self.organizations.describe_organizational_unit(OrganizationalUnitId=self.unit),
            "policy": self.organizations.describe_policy(PolicyId=self.policy)["Policy"]["PolicySummary"],
            "user": self.store.describe_user(**self.of_store, UserId=self.user),
            "group": self.store.describe_group(**self.of_store, GroupId=self.group),
            "set": center.describe_permission_set(**self.of_center, PermissionSetArn=self.set)["PermissionSet"],
            "tags": {name: tags(ResourceId=id)["Tags"] for name, id in self.tagged.items()},
            "tags of set": center.list_tags_for_resource(**self.of_center, ResourceArn=self.set)["Tags"],
        }
        for answer in found.values():
            if isinstance(answer, dict):
                answer.pop("ResponseMetadata", None)
        return found

    @property
    def tagged(self) -> dict[str, str]:
        """The things of the organization that have tags."""
        return {"account": self.account, "unit": self.unit, "policy": self.policy}


@pytest.mark.long("real")
def test_what_was_made_by_hand_is_adopted_and_stays(shipped: Site) -> None:
    """With Strata's tags off its tags and descriptions stay; what is written changes, and the plan says what goes."""
    shipped.edit("project.yaml", ("short_name: ex\n", "short_name: ex\ndefault_tags: false\n"))
    untagged = shipped.strata("deploy", "--yes")
    assert untagged.code == 0, untagged.text[-4000:]
    _only_the_state_store_is_tagged(shipped)
    by_hand = ByHand(shipped)
    by_hand.declare(shipped)
    before, so_far = by_hand.seen(), shipped.aws.writing_calls(by="provider")

    words = ["import:aws_organizations_organizational_unit.labs", "import:aws_organizations_policy.old-guard"]
    allowed = [argument for word in words for argument in ("--allow", word)]
    adopted = shipped.strata("deploy", "organizations", "sso", "--yes", *allowed)

    assert adopted.code == 0, adopted.text[-4000:]
    writes = shipped.aws.writing_calls(by="provider") - so_far
    assert not [action for action in writes if "Delete" in action]
    # An account, a policy, a user and a set get the defaults of the fields that no file gives. The rest is as it was.
    found = by_hand.seen()
    assert found["account"].pop("Name") == "example-legacy"
    assert found["user"].pop("DisplayName") == "Kim Berg"
    assert found["set"].pop("SessionDuration") == "PT1H"
    assert found["policy"].pop("Description", "") == ""
    del found["user"]["Revision"]
    expected = copy.deepcopy(before)
    for name, field in (
        ("account", "Name"),
        ("policy", "Description"),
        ("user", "DisplayName"),
        ("user", "Revision"),
        ("set", "SessionDuration"),
        ("set", "RelayState"),
    ):
        del expected[name][field]
    assert found == expected
    before = by_hand.seen()
    assert (shipped.plan("organizations"), shipped.plan("sso")) == ({}, {})

    account = "  legacy:\n    email: legacy@example.com\n"
    written = f"{account}    name: Legacy Web\n    tags:\n      env: test\n"
    shipped.edit("organization.yaml", (account, written))
    shipped.edit("sso.yaml", ("  Builder:\n", "  Builder:\n    description: Makes.\n"))
    planned = shipped.strata("plan", "organizations", "sso")
    deployed = shipped.strata("deploy", "organizations", "sso", "--yes")

    assert deployed.code == 0, deployed.text[-4000:]
    for told in ("tags.env: prod -> test", "tags.owner: Web & Mail -> (none)"):
        assert told in planned.stdout, planned.text
    after = by_hand.seen()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"account", "tags", "set"}
    assert after["account"] == {**before["account"], "Name": "Legacy Web"}
    assert after["tags"] == {**before["tags"], "account": [{"Key": "env", "Value": "test"}]}
    assert after["set"] == {**before["set"], "Description": "Makes."}
    assert (shipped.plan("organizations"), shipped.plan("sso")) == ({}, {})


@pytest.mark.only("stand-in")
def test_a_name_changed_by_hand_is_put_back_and_tags_stay(shipped: Site) -> None:
    """The plan says that a name is put back to its default. Tags of others and details of a user are left alone."""
    organizations = shipped.client("organizations")
    state = shipped.state("organizations")
    account = state["aws_organizations_account.shared"]["id"]
    policy = state["aws_organizations_policy.deny-root-user"]["id"]
    store = {"IdentityStoreId": shipped.state("sso")["aws_identitystore_user.jane-doe"]["identity_store_id"]}
    user = shipped.state("sso")["aws_identitystore_user.jane-doe"]["user_id"]
    organizations.tag_resource(ResourceId=account, Tags=TAGS)
    organizations.tag_resource(ResourceId=policy, Tags=TAGS)
    organizations.update_policy(PolicyId=policy, Name="no-root")
    shipped.client("account").put_account_name(AccountId=account, AccountName="Shared Services")
    title = [{"AttributePath": "title", "AttributeValue": "Captain"}]
    shipped.client("identitystore").update_user(**store, UserId=user, Operations=title)

    plans = {stack: shipped.strata("plan", stack) for stack in ("organizations", "sso")}

    assert "no changes" in plans["sso"].stdout, plans["sso"].text
    for told in ("Shared Services -> example-shared", "no-root -> deny-root-user"):
        assert f"name: {told} (put back to the default)" in plans["organizations"].stdout, plans["organizations"].text
    shipped.edit("project.yaml", ("short_name: ex\n", "short_name: ex\ntags:\n  team: core\n"))
    deployed = shipped.strata("deploy", "--yes")
    assert deployed.code == 0, deployed.text[-4000:]
    tags = organizations.list_tags_for_resource(ResourceId=account)["Tags"]
    found = {tag["Key"]: tag["Value"] for tag in tags}
    assert found == {**ADOPTED, "team": "core", "Project": "example", "Layer": "organizations", "ManagedBy": "strata"}
    assert organizations.describe_account(AccountId=account)["Account"]["Name"] == "example-shared"
    assert organizations.describe_policy(PolicyId=policy)["Policy"]["PolicySummary"]["Name"] == "deny-root-user"
    assert (shipped.plan("organizations"), shipped.plan("sso")) == ({}, {})


@pytest.mark.only("stand-in")
def test_settings_of_several_parts_are_added_to(backend: Site) -> None:
    """What is on already stays, or the plan says which part goes; a setting without an import is told of as well."""
    backend.sign_in_as_administrator()  # of whom github_actions makes one more
    iam, organizations, ec2 = backend.client("iam"), backend.client("organizations"), backend.client("ec2")
    organizations.enable_aws_service_access(ServicePrincipal="iam.amazonaws.com")
    backend.aws.wait_an_hour()
    iam.enable_organizations_root_sessions()
    iam.update_account_password_policy(MinimumPasswordLength=8, MaxPasswordAge=90)
    ec2.modify_instance_metadata_defaults(HttpEndpoint="enabled", InstanceMetadataTags="enabled")
    provider = iam.create_open_id_connect_provider(
        Url="https://token.actions.githubusercontent.com", ClientIDList=["sts.amazonaws.com", "vault"]
    )["OpenIDConnectProviderArn"]
    backend.append("organization.yaml", "member_root_access:\n  sessions: false\n")
    backend.append("security.yaml", _GITHUB)

    planned = backend.strata("plan", "organizations")
    word = "weaken:aws_iam_organizations_features.main"
    refused = backend.strata("deploy", "organizations", "--yes")
    deployed = backend.strata("deploy", "organizations", "--yes", "--allow", word)
    passwords = backend.strata("plan", "security")
    secured = backend.strata("deploy", "security", "--yes")

    assert (deployed.code, secured.code) == (0, 0), deployed.text + secured.text
    assert "enabled_features: - RootSessions" in planned.stdout, planned.text
    assert (planned.code, refused.code) == (3, 1)
    assert f"--allow {word}" in refused.stderr
    assert iam.list_organizations_features()["EnabledFeatures"] == ["RootCredentialsManagement"]
    assert "minimum_password_length: 8 -> 14" in passwords.stdout, passwords.text
    assert "client_id_list: - vault" in passwords.stdout, passwords.text
    assert backend.state("security")["aws_iam_openid_connect_provider.github"]["arn"] == provider
    lost = "aws_ec2_instance_metadata_defaults.main_us-east-1 loses instance_metadata_tags=enabled"
    assert f"warning: security: {lost}" in passwords.stderr
    policy = iam.get_account_password_policy()["PasswordPolicy"]
    assert (policy["MinimumPasswordLength"], policy["MaxPasswordAge"]) == (14, 90)
    assert (backend.plan("organizations"), backend.plan("security")) == ({}, {})


@pytest.mark.only("stand-in")
def test_the_third_plan_is_empty(company: Site) -> None:
    """After a change, too: an age of passwords that is written as zero is never, and is no difference after that."""
    company.edit("security.yaml", ("max_age_days: 90", "max_age_days: 0"))

    deployed = company.strata("deploy", "--yes")
    plans = company.strata("plan", "--exit-code")

    assert deployed.code == 0, deployed.text[-4000:]
    assert not company.client("iam").get_account_password_policy()["PasswordPolicy"].get("MaxPasswordAge")
    assert plans.code == 0, plans.text


def _only_the_state_store_is_tagged(site: Site) -> None:
    """Looks at one thing of each stack that Strata alone makes, and at the two that it is told by."""
    s3, table = site.client("s3"), site.client("dynamodb")
    bucket = {tag["Key"] for tag in s3.get_bucket_tagging(Bucket=site.bucket)["TagSet"]}
    arn = table.describe_table(TableName="ex-terraform-lock")["Table"]["TableArn"]
    lock = {tag["Key"] for tag in table.list_tags_of_resource(ResourceArn=arn)["Tags"]}
    assert {"ManagedBy", "Project"} <= bucket & lock
    role = site.client("iam").get_role(RoleName="ex-terraform-state-replication")["Role"]
    trail = site.client("cloudtrail")
    arns = [found["TrailARN"] for found in trail.list_trails()["Trails"]]
    tagged = trail.list_tags(ResourceIdList=arns)["ResourceTagList"]
    assert (role.get("Tags", []), [found["TagsList"] for found in tagged]) == ([], [[]])
