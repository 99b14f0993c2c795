"""Keys that change: no call reaches AWS that writes anything, and nothing is left to do after that."""

from __future__ import annotations

import json

import pytest

from tests.scenarios.site import TABLE, Site

RENAMES = (
    ("account", "shared", "common"),
    ("ou", "shared", "common"),
    ("policy", "deny-root-user", "no-root"),
    ("group", "devops", "builders"),
    ("user", "jane-doe", "jane"),
    ("permission-set", "DevOps", "Builder"),
)


@pytest.mark.large
@pytest.mark.only("real")
def test_renames_with_the_real_provider(shipped: Site) -> None:
    """A move within a type is Terraform's own work, so that CI does without the deploy that comes before."""
    test_every_kind_is_renamed_in_one_deploy_that_changes_nothing(shipped)


@pytest.mark.only("stand-in")
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


@pytest.mark.only("stand-in")
def test_a_rename_with_a_change_makes_the_change_alone(shipped: Site) -> None:
    _renamed(shipped, "group", "finops", "money")
    shipped.edit("sso.yaml", ("description: Watches the bill.", "description: Counts the money."))

    _deployed(shipped)

    assert shipped.aws.writing_calls(by="provider") == {"identitystore:UpdateGroup": 1}
    _nothing_left(shipped)


@pytest.mark.only("stand-in")
def test_what_was_never_deployed_is_renamed_and_then_made_once(shipped: Site) -> None:
    shipped.edit("sso.yaml", ("  finops:\n", "  auditors:\n    members:\n      - jane-doe\n  finops:\n"))
    _renamed(shipped, "group", "auditors", "reviewers")

    _deployed(shipped)

    made = {"identitystore:CreateGroup": 1, "identitystore:CreateGroupMembership": 1}
    assert shipped.aws.writing_calls(by="provider") == made
    _nothing_left(shipped)
    _pruned(shipped)


@pytest.mark.only("stand-in")
def test_a_rename_is_undone_before_and_after_its_deploy(shipped: Site) -> None:
    before = (shipped.config / "sso.yaml").read_text()
    _renamed(shipped, "user", "jane-doe", "jane")
    _renamed(shipped, "user", "jane", "jane-doe")
    _nothing_left(shipped)
    _renamed(shipped, "user", "jane-doe", "jane")
    _deployed(shipped)
    assert "aws_identitystore_user.jane" in shipped.addresses("sso")

    _renamed(shipped, "user", "jane", "jane-doe")
    _deployed(shipped)

    assert "aws_identitystore_user.jane-doe" in shipped.addresses("sso")
    assert not shipped.aws.writing_calls(by="provider")
    assert (shipped.config / "sso.yaml").read_text() == before
    _pruned(shipped)
    _nothing_left(shipped)


@pytest.mark.only("stand-in")
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


@pytest.mark.only("stand-in")
def test_moves_of_two_branches_are_made_in_whatever_order_they_came(shipped: Site) -> None:
    """One was deployed before the other was merged above it."""
    _renamed(shipped, "group", "devops", "builders")
    _deployed(shipped)
    _renamed(shipped, "account", "shared", "common")
    file = shipped.config / "moves.yaml"
    *head, first, second = file.read_text().splitlines(keepends=True)
    file.write_text("".join([*head, second, first]))

    _deployed(shipped)

    assert not shipped.aws.writing_calls(by="provider")
    assert "aws_ssoadmin_account_assignment.common_DevOps_group_builders" in shipped.addresses("sso")
    _nothing_left(shipped)


@pytest.mark.only("stand-in")
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


@pytest.mark.only("stand-in")
def test_plain_cdktf_lets_go_of_the_old_one_too(shipped: Site) -> None:
    """Terraform alone would destroy it, with a warning."""
    _renamed(shipped, "policy", "deny-root-user", "no-root")
    _twice(shipped, "aws_organizations_policy", "deny-root-user", "no-root")
    shipped.synth()
    assert shipped.terraform("organizations", "init", "-reconfigure").code == 0

    applied = shipped.apply("organizations")

    assert applied.code == 0, applied.text[-3000:]
    assert not shipped.aws.writing_calls(by="provider")
    assert "aws_organizations_policy.deny-root-user" not in shipped.addresses("organizations")
    assert "aws_organizations_policy.no-root" in shipped.addresses("organizations")


@pytest.mark.only("stand-in")
def test_a_terraform_that_is_killed_in_a_rename_has_moved_everything_once(shipped: Site) -> None:
    """The change beside the moves is done and its answer is awaited: no state has it, nor the moves of that stack."""
    for kind, old, new in RENAMES:
        _renamed(shipped, kind, old, new)
    shipped.edit("sso.yaml", ("description: Watches the bill.", "description: Counts the money."))
    held = {stack: _ids(shipped, stack) for stack in ("organizations", "sso")}

    broken = shipped.stopped("identitystore:UpdateGroup", "strata", "deploy", "--yes")
    assert broken.code == 1, broken.text[-3000:]
    assert "Terraform was stopped" in broken.text
    _free(shipped)
    _deployed(shipped)

    assert set(shipped.aws.writing_calls(by="provider")) == {"identitystore:UpdateGroup"}
    assert {stack: _ids(shipped, stack) for stack in held} == held
    addresses = shipped.addresses("organizations") | shipped.addresses("sso")
    assert not [one for _, old, _ in RENAMES[4:] for one in addresses if old in one.partition(".")[2].split("_")]
    assert "aws_ssoadmin_account_assignment.common_Builder_group_builders" in addresses
    _nothing_left(shipped)
    _pruned(shipped)


def _free(site: Site) -> None:
    """Frees the lock of a run that was killed."""
    s3 = site.client("s3")
    for found in s3.list_objects_v2(Bucket=site.bucket).get("Contents", []):
        if found["Key"].endswith(".tflock"):
            s3.delete_object(Bucket=site.bucket, Key=found["Key"])
    table = site.client("dynamodb")
    for row in table.scan(TableName=TABLE)["Items"]:
        if "Info" in row:
            table.delete_item(TableName=TABLE, Key={"LockID": row["LockID"]})


@pytest.mark.only("stand-in")
@pytest.mark.parametrize("plain", [False, True], ids=["strata", "cdktf"])
def test_a_move_that_joins_two_things_is_refused(shipped: Site, *, plain: bool) -> None:
    _renamed(shipped, "group", "finops", "money")
    shipped.edit("sso.yaml", ("    name: finops\n", "    name: cash\n"))
    if plain:
        shipped.synth()
        assert shipped.terraform("sso", "init", "-reconfigure").code == 0
        refused = shipped.apply("sso")
        assert "(group): money (was finops)" in refused.text
    else:
        refused = shipped.strata("deploy", "--yes", "--json")
        (told,) = [one for one in refused.told if one.id == "move-of-another"]
        assert told.place.endswith("moves.yaml:3: moves[1]")
        assert told.data == {"kind": "group", "old": "finops", "new": "money"}
    assert refused.code == 1
    assert not shipped.aws.writing_calls(by="provider")


@pytest.mark.only("stand-in")
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


SETTLED = {
    "short name": ("short_name: ex", "short_name: xy", "states-elsewhere", "ex-terraform-state-123456789012"),
    "short name and not the bucket": (
        "short_name: ex",
        "short_name: xy\nstate:\n  bucket: ex-terraform-state-123456789012\n  table: ex-terraform-lock",
        "setting-settled",
        "ex-organization-trail-123456789012",
    ),
    "state bucket": ("short_name: ex", "short_name: ex\nstate:\n  bucket: xy-state", "states-elsewhere", ""),
    "lock table": (
        "short_name: ex",
        "short_name: ex\nstate:\n  table: xy-lock",
        "setting-settled",
        "ex-terraform-lock",
    ),
    "secondary region": ("secondary: us-west-2", "secondary: eu-west-1", "setting-settled", "us-west-2"),
    "primary region": ("primary: us-east-1", "primary: eu-west-1", "setting-settled", "us-east-1"),
}


@pytest.mark.only("stand-in")
@pytest.mark.parametrize("setting", SETTLED)
def test_a_setting_that_the_states_have_settled_is_refused_before_a_plan(shipped: Site, setting: str) -> None:
    old, new, id, value = SETTLED[setting]
    shipped.edit("project.yaml", (old, new))

    refused = shipped.strata("plan", "--json")
    drifted = shipped.strata("drift", "--json") if id == "states-elsewhere" else refused

    assert refused.code == 1
    for run in (refused, drifted):
        assert [one for one in run.told if one.id == id and value in one.text], run.text
    assert "planning" not in refused.text
    assert not shipped.aws.writing_calls(by="provider")


@pytest.mark.only("stand-in")
def test_a_layer_that_got_another_name_is_refused_while_its_state_holds_something(shipped: Site) -> None:
    s3, key = shipped.client("s3"), "management/{}/terraform.tfstate"
    state = s3.get_object(Bucket=shipped.bucket, Key=key.format("security"))["Body"].read()
    s3.put_object(Bucket=shipped.bucket, Key=key.format("directory"), Body=state)

    refused = shipped.strata("plan", "--json")

    assert refused.code == 1
    assert [one.data["stack"] for one in refused.told if one.id == "state-without-stack"] == ["directory"]
