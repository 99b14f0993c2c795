"""`strata adopt` into a configuration that was adopted and deployed: edits stay, and what is new is imported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.aws.center import INSTANCE, STORE
from tests.aws.client import Aws
from tests.organizations.emulated import Emulated, emulate
from tests.scenarios.seeds import SMALL
from tests.scenarios.site import Provider, Site

pytestmark = pytest.mark.only("stand-in")

_NEW = ("--name", "acme", "--short-name", "ac", "--primary", "us-east-1", "--secondary", "us-west-2")


def test_what_came_since_is_added_and_imported(running_aws: Aws, provider: Provider, tmp_path: Path) -> None:
    running_aws.restore()
    made = emulate(SMALL, running_aws)
    site = Site(running_aws, provider, tmp_path)
    assert site.strata("adopt", "--to", str(site.config), *_NEW, "--yes").code == 0
    _make_again(site, made)
    again = site.strata("adopt", "--to", str(site.config), "--yes", "--json")
    assert again.code == 0, again.text
    assert any(one.startswith("group ops, ") for one in json.loads(again.stdout)["added"])
    site.sign_in_as_deployer()
    site.bootstrap()
    deployed = site.strata("deploy", "--yes")
    assert deployed.code == 0, deployed.text[-4000:]
    assert site.strata("adopt", "--prune", "--yes").code == 0
    renamed = site.strata("rename", "group", "ops", "operators", "--yes")
    assert renamed.code == 0, renamed.text
    deployed = site.strata("deploy", "--yes")
    assert deployed.code == 0, deployed.text[-4000:]
    texts = {path: path.read_bytes() for path in site.config.rglob("*") if path.is_file()}
    nothing = site.strata("adopt", "--to", str(site.config), "--yes")
    assert nothing.code == 0, nothing.text
    assert "nothing to do" in nothing.stderr, nothing.stdout
    assert {path: path.read_bytes() for path in site.config.rglob("*") if path.is_file()} == texts

    people, center = site.client("identitystore"), site.client("sso-admin")
    group = people.create_group(IdentityStoreId=STORE, DisplayName="Auditors")["GroupId"]
    arn = center.create_permission_set(InstanceArn=INSTANCE, Name="Audit")["PermissionSet"]["PermissionSetArn"]
    account = json.loads((site.config / "adopted.json").read_text())["keys"]["account"]
    for id in sorted(account)[:2]:
        center.create_account_assignment(
            InstanceArn=INSTANCE,
            TargetId=id,
            TargetType="AWS_ACCOUNT",
            PermissionSetArn=arn,
            PrincipalType="GROUP",
            PrincipalId=group,
        )
    site.aws.wait_an_hour()
    before = len(site.aws.calls())

    shown = site.strata("adopt", "--to", str(site.config), "--dry-run", "--json")
    again = site.strata("adopt", "--to", str(site.config), "--yes")

    assert again.code == 0, again.text
    assert json.loads(shown.stdout)["added"] == ["group auditors", "permission set Audit", "2 assignments in 1 rule"]
    assert not site.aws.writing_calls(by="strata", since=before)
    planned = json.loads(site.strata("plan", "--json").stdout)
    changes = [change for one in planned["stacks"] for change in one["changes"]]
    assert {change["action"] for change in changes} == {"import"}, changes
    assert len(changes) == 4
    before = len(site.aws.calls())
    deployed = site.strata("deploy", "--yes")
    assert deployed.code == 0, deployed.text[-4000:]
    assert not [one for one in site.aws.writing_calls(since=before) if one.startswith(("sso-admin", "identitystore"))]
    assert site.strata("plan", "--exit-code").code == 0


def _make_again(site: Site, made: Emulated) -> None:
    """Deletes the group and makes it again, as people do to be rid of what it has; its assignment ends with it."""
    people = site.client("identitystore")
    people.delete_group(IdentityStoreId=STORE, GroupId=made.id("group", "ops"))
    group = people.create_group(IdentityStoreId=STORE, DisplayName="ops", Description="Operates.")["GroupId"]
    people.create_group_membership(IdentityStoreId=STORE, GroupId=group, MemberId={"UserId": made.id("user", "ana")})
