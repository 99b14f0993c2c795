"""An example of a test of one's own: `make own` runs what is in this folder, which is yours.

It may read your configuration, config/ or what STRATA_CONFIG names, and the Terraform that it becomes, by the fixture
`own`: every stack as the JSON that is written. The fixture `zone` answers who can do what, as AWS would;
docs/guardrails.md has more of it.
"""

from __future__ import annotations

from strata.load import load
from strata.testing import Zone
from tests.synthesized import OWN, Deployment


def test_every_account_of_the_configuration_is_made(own: Deployment) -> None:
    """No account is lost on the way from the YAML to Terraform."""
    names = {account["name"] for account in own["organizations"].all("aws_organizations_account").values()}

    assert names == {account.name for account in load(OWN).accounts.values()}


def test_nobody_but_the_access_role_stops_the_trail(zone: Zone) -> None:
    """Whoever wants to hide something begins there."""
    zone.anybody(but="role/OrganizationAccountAccessRole").cannot("cloudtrail:StopLogging", account="root")


def test_the_state_is_in_a_bucket_that_stays() -> None:
    """A stack can be made alone, for `cdktf.Testing`; import the bindings after `stacks`, which loads them fast."""
    from stacks.backend import BackendStack

    # isort: split
    from cdktf import Testing

    project = load(OWN).project
    found = Testing.synth(BackendStack(Testing.app(), "backend", project=project))

    properties = {"bucket": project.state_bucket, "lifecycle": {"prevent_destroy": True}}
    assert Testing.to_have_resource_with_properties(found, "aws_s3_bucket", properties)
