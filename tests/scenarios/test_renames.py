"""Keys that change: no call reaches AWS that writes anything, and nothing is left to do after that."""

from __future__ import annotations

import json

import pytest

from tests.scenarios.layers import free_locks
from tests.scenarios.site import TABLE, Site

pytestmark = pytest.mark.only("stand-in")

RENAMES = (
    ("account", "shared", "common"),
    ("ou", "shared", "common"),
    ("policy", "deny-root-user", "no-root"),
    ("group", "devops", "builders"),
    ("user", "jane-doe", "jane"),
    ("permission-set", "DevOps", "Builder"),
)


def test_every_kind_is_renamed_in_one_deploy_that_changes_nothing(shipped: Site) -> None:
    for kind, old, new in RENAMES:
        _renamed(shipped, kind, old, new)
    held = {id for stack in ("organizations", "sso") for id in _ids(shipped, stack)}

    _deployed(shipped)

    assert not shipped.aws.writing_calls(by="provider")
    assert {id for stack in ("organizations", "sso") for id in _ids(shipped, stack)} == held
    addresses = {one for stack in ("organizations", "sso") for one in shipped.addresses(stack)}
    assert "aws_ssoadmin_account_assignment.common_Builder_group_builders" in addresses
    assert "aws_identitystore_group_membership.administrators_jane" in addresses
    _nothing_left(shipped)
    _pruned(shipped)
    _nothing_left(shipped)


def _renamed(site: Site, *arguments: str) -> None:
    done = site.strata("rename", *arguments, "--yes")
    assert done.code == 0, done.text


def _deployed(site: Site) -> str:
    done = site.strata("deploy", "--yes")
    assert done.code == 0, done.text[-4000:]
    return done.text


def _nothing_left(site: Site) -> None:
    planned = site.strata("plan", "--exit-code")
    assert planned.code == 0, planned.text[-4000:]


def _ids(site: Site, stack: str) -> list[str]:
    return sorted(str(one.get("id")) for one in site.state(stack).values())


def test_a_run_that_ends_between_the_stacks_is_gone_on_with(shipped: Site) -> None:
    """The account has its new key in one state, and the old one in what the other names after it."""
    _renamed(shipped, "account", "shared", "common")
    done = shipped.strata("deploy", "organizations", "--yes")
    assert done.code == 0, done.text
    kept = shipped.strata("rename", "--prune", "--yes")
    assert "shared to common stays" in kept.text

    _deployed(shipped)

    assert not shipped.aws.writing_calls(by="provider")
    _nothing_left(shipped)
    _pruned(shipped)


def test_a_thing_at_both_addresses_is_let_go_of_at_the_old_one(shipped: Site) -> None:
    """A rename that was not recorded and broke off has adopted the policy under its new key as well."""
    _renamed(shipped, "policy", "deny-root-user", "no-root")
    _twice(shipped, "aws_organizations_policy", "deny-root-user", "no-root")

    _deployed(shipped)

    assert not shipped.aws.writing_calls(by="provider")
    assert "aws_organizations_policy.deny-root-user" not in shipped.addresses("organizations")
    _nothing_left(shipped)

    _renamed(shipped, "policy", "no-root", "deny-root-user")
    _twice(shipped, "aws_organizations_policy", "no-root", "deny-root-user", id="p-12345678")
    refused = shipped.strata("deploy", "--yes", "--json")
    assert refused.code == 1
    assert [one.data["old"] for one in refused.told if one.id == "move-onto-another"] == [
        "aws_organizations_policy.no-root"
    ]
    assert not shipped.aws.writing_calls(by="provider")


def test_a_terraform_that_is_killed_in_a_rename_has_moved_everything_once(shipped: Site) -> None:
    """The change beside the moves is done and its answer is awaited: no state has it, nor the moves of that stack."""
    for kind, old, new in RENAMES:
        _renamed(shipped, kind, old, new)
    shipped.edit("sso.yaml", ("description: Watches the bill.", "description: Counts the money."))
    held = {stack: _ids(shipped, stack) for stack in ("organizations", "sso")}

    broken = shipped.stopped("identitystore:UpdateGroup", "strata", "deploy", "--yes")
    assert broken.code == 1, broken.text[-3000:]
    assert "Terraform was stopped" in broken.text
    free_locks(shipped)
    _deployed(shipped)

    assert set(shipped.aws.writing_calls(by="provider")) == {"identitystore:UpdateGroup"}
    assert {stack: _ids(shipped, stack) for stack in held} == held
    addresses = shipped.addresses("organizations") | shipped.addresses("sso")
    assert not [one for _, old, _ in RENAMES[4:] for one in addresses if old in one.partition(".")[2].split("_")]
    assert "aws_ssoadmin_account_assignment.common_Builder_group_builders" in addresses
    _nothing_left(shipped)
    _pruned(shipped)


def test_plain_cdktf_makes_a_recorded_move(shipped: Site) -> None:
    _renamed(shipped, "account", "shared", "common")
    _renamed(shipped, "user", "jane-doe", "jane")
    shipped.synth()
    for stack in ("organizations", "security", "sso"):
        assert shipped.terraform(stack, "init", "-reconfigure").code == 0
        applied = shipped.apply(stack)
        assert applied.code == 0, applied.text
    assert not shipped.aws.writing_calls(by="provider")
    assert "aws_organizations_account.common" in shipped.addresses("organizations")
    _nothing_left(shipped)


def _pruned(site: Site) -> None:
    done = site.strata("rename", "--prune", "--yes")
    assert done.code == 0, done.text
    assert "kind:" not in (site.config / "moves.yaml").read_text()


def _twice(site: Site, type: str, held: str, also: str, **attributes: str) -> None:
    """Has a state hold what it has at one address at another as well."""
    s3, key = site.client("s3"), "management/organizations/terraform.tfstate"
    state = json.load(s3.get_object(Bucket=site.bucket, Key=key)["Body"])
    found = next(one for one in state["resources"] if (one["type"], one["name"]) == (type, held))
    copy = json.loads(json.dumps(found)) | {"name": also}
    copy["instances"][0]["attributes"] |= attributes
    state["resources"].append(copy)
    state["serial"] += 1
    s3.put_object(Bucket=site.bucket, Key=key, Body=json.dumps(state).encode())
    for row in site.client("dynamodb").scan(TableName=TABLE)["Items"]:
        site.client("dynamodb").delete_item(TableName=TABLE, Key={"LockID": row["LockID"]})
