"""Edits that would lose something: `strata deploy` refuses them before anything changes, and so do the stacks.

Each edit is made on a deployed landing zone; AWS must be asked to change nothing, and the states must be as before.
"""

from __future__ import annotations

import datetime as dt
import json

import pytest

from tests.scenarios.hand import Hand
from tests.scenarios.site import STACKS, Site

pytestmark = pytest.mark.only("stand-in")
STATE_LOCK = "terraform.tfstate.tflock"


def test_the_line_of_a_refusal_records_it(shipped: Site) -> None:
    """The guards of the stacks let pass what is recorded, and nothing is left to do after it."""
    shipped.edit("organization.yaml", ("\n  shared:\n    email", "\n  common:\n    email"))
    sso = shipped.config / "sso.yaml"
    sso.write_text(sso.read_text().replace("      - shared\n", "      - common\n"))
    states = {stack: shipped.state(stack) for stack in STACKS}
    refused = shipped.strata("deploy", "organizations", "sso", "--yes")
    lines = [line for line in refused.lines if line.startswith("strata rename ")]
    assert refused.code == 1, refused.text
    assert shipped.aws.writing_calls() == {}
    assert {stack: shipped.state(stack) for stack in STACKS} == states

    recorded = [shipped.strata(*line.split()[1:], "--yes") for line in lines]
    done = shipped.strata("deploy", "organizations", "sso", "--yes")
    planned = shipped.strata("plan", "organizations", "sso", "--exit-code")

    assert len(lines) == 1
    assert {run.code for run in recorded} == {0}, recorded
    assert done.code == 0, done.text
    # Without `name` an account is called after its key.
    assert shipped.aws.writing_calls(by="provider") == {"account:PutAccountName": 1}
    assert planned.code == 0, planned.text


def test_a_file_of_a_team_that_is_gone_is_refused_by_its_name(shipped: Site) -> None:
    """What it declared is known by what the last run wrote down, and can go on purpose."""
    file = shipped.config / "sso/data.yaml"
    file.parent.mkdir()
    file.write_text("groups:\n  data:\n    members:\n      - jane-doe\n")
    assert shipped.strata("deploy", "sso", "--yes").code == 0
    file.rename(file.with_name(".data.yaml"))

    refused = shipped.strata("deploy", "sso", "--yes", "--json")
    planned = shipped.strata("plan", "sso", "--exit-code", "--allow", "mass-deletion")
    file.write_text("groups: {}\n")
    emptied = shipped.strata("deploy", "sso", "--yes")
    file.unlink()
    done = shipped.strata("plan", "sso", "--exit-code")

    assert refused.code == 1, refused.text
    (told,) = refused.told
    assert (told.id, told.data) == ("mass-deletion", {"sections": ["groups"], "gone": ["data"]})
    assert told.place.endswith("/sso/data.yaml:1")
    assert (planned.code, emptied.code, done.code) == (3, 0, 0), planned.text + emptied.text + done.text


def test_a_rename_that_was_lost_between_two_stacks_makes_no_grant_anew(shipped: Site) -> None:
    """The state of organizations has the new key, that of sso the old one: the ids are the same."""
    assert shipped.strata("rename", "account", "shared", "common", "--yes").code == 0
    assert shipped.strata("deploy", "organizations", "--yes").code == 0
    moves = shipped.config / "moves.yaml"
    moves.unlink()

    refused = shipped.strata("deploy", "sso", "--yes", "--json")
    recorded = [shipped.strata(*one.split()[1:], "--yes") for one in refused.lines if one.startswith("strata rename ")]
    done = shipped.strata("deploy", "sso", "--yes")

    assert refused.code == 1, refused.text
    lost = next(one.data for one in refused.told if one.id == "move-lost")
    assert (lost["kind"], lost["old"], lost["stacks"]) == ("account", "shared", ["sso"])
    assert [run.code for run in recorded] == [0]
    assert done.code == 0, done.text
    assert shipped.aws.writing_calls(by="provider") == {}


def test_what_a_run_beside_it_makes_is_nobody_elses(shipped: Site) -> None:
    """Who is there and in no state is called a stranger only where no run holds the state."""
    store = shipped.client("sso-admin").list_instances()["Instances"][0]["IdentityStoreId"]
    shipped.client("identitystore").create_group(IdentityStoreId=store, DisplayName="builders")
    shipped.edit("sso.yaml", ("\npermission_sets:\n", "  builders:\n    description: Try.\n\npermission_sets:\n"))
    lock, since = f"management/sso/{STATE_LOCK}", dt.datetime.now(dt.UTC).isoformat()
    held = {"ID": "0a1b2c3d-1111-2222-3333-444455556666", "Who": "kim@elsewhere", "Created": since}
    shipped.client("s3").put_object(Bucket=shipped.bucket, Key=lock, Body=json.dumps(held).encode())

    beside = shipped.strata("deploy", "sso", "--yes", "--json")
    shipped.client("s3").delete_object(Bucket=shipped.bucket, Key=lock)
    alone = shipped.strata("deploy", "sso", "--yes", "--json")

    assert (beside.code, alone.code) == (1, 1), beside.text + alone.text
    assert "other-run-active" in beside.ids
    assert "kim@elsewhere" in beside.text
    assert "made-by-others" not in beside.ids
    assert [(one.data["kind"], one.data["key"]) for one in alone.told if one.id == "made-by-others"] == [
        ("group", "builders")
    ]


def test_a_state_from_before_the_guards_is_no_obstacle(shipped: Site) -> None:
    """It gets the output that they read, and from then on they hold."""
    shipped.synth()
    state = json.loads(shipped.terraform("organizations", "state", "pull").stdout)
    del state["outputs"]["declared_keys"]
    (shipped.output / "older.tfstate").write_text(json.dumps({**state, "serial": state["serial"] + 1}))
    assert shipped.terraform("organizations", "state", "push", str(shipped.output / "older.tfstate")).code == 0

    upgraded = shipped.apply("organizations")

    assert upgraded.code == 0, upgraded.text
    outputs = json.loads(shipped.terraform("organizations", "output", "-json").stdout)
    assert outputs["declared_keys"]["value"]["account"]["shared"]
    assert shipped.plan("organizations") == {}


def test_more_accounts_than_aws_gives_are_refused_before_one_is_made(shipped: Site) -> None:
    """Those that exist have their room, however many they are."""
    shipped.aws.order("organization", account_limit=2)
    assert shipped.strata("plan", "organizations").code == 0

    _account_in_a_new_unit(shipped, "sandbox", "lab")
    refused = shipped.strata("plan", "organizations", "--json")

    assert refused.code == 1
    (told,) = [one for one in refused.told if one.id == "account-quota-reached"]
    assert told.data == {"accounts": 1, "has": 3, "limit": 2}
    assert "--quota-code L-E619E033 --desired-value 4" in refused.stderr


def test_a_new_account_in_a_new_unit_is_one_deploy(shipped: Site) -> None:
    """Its access is in the same plan, with an id that nobody knows yet, and in the same list that people approve."""
    added = ("add", "account", "sandbox", "email=aws+sandbox@example.com", "organizational_unit=lab", "--yes")
    assert shipped.strata("add", "ou", "shared/lab", "--yes").code == 0
    assert shipped.strata(*added).code == 0
    given = ("permission_sets=DevOps", "groups=devops", "organizational_units=lab")
    assert shipped.strata("add", "assignment", *given, "--yes").code == 0
    access, approved = "aws_ssoadmin_account_assignment.sandbox_DevOps_group_devops", shipped.folder / "approved.json"

    planned = shipped.strata("plan", "organizations", "sso", "--exit-code", "--json", "--changes", str(approved))
    unasked = shipped.strata("deploy", "organizations", "sso")
    refused = shipped.strata_at_a_terminal("n", "deploy", "organizations", "sso")

    assert planned.code == 3, planned.text
    sso = json.loads(planned.stdout)["stacks"][-1]
    assert planned.planned["organizations"]["aws_organizations_account.sandbox"] == "create"
    assert planned.planned["sso"].items() >= {access: "create"}.items()
    assert (sso["waits_for"], sso["assumes"], sso["error"]) == ([], ["organizations"], None)
    (change,) = [change for change in sso["changes"] if change["address"] == access]
    assert change["attributes"]["target_id"]["unknown"] is True
    listed = json.loads(approved.read_text())
    assert (listed["stacks"].keys(), listed["later"]) == ({"organizations", "sso"}, [])
    assert unasked.code == 2, unasked.text
    assert "give --yes" in unasked.stderr
    assert refused.code == 1, refused.text
    assert shipped.aws.writing_calls() == {}

    deployed = shipped.strata("deploy", "organizations", "sso", "--yes", "--expect", str(approved))

    assert deployed.code == 0, deployed.text[-4000:]
    assert "aws_organizations_account.sandbox" in shipped.addresses("organizations")
    assert access in shipped.addresses("sso")

    _account_in_a_new_unit(shipped, "trial", "attic")
    done = shipped.strata("deploy", "organizations", "sso", "--yes")

    assert done.code == 0, done.text
    made = {f"aws_ssoadmin_account_assignment.{key}_DevOps_group_devops" for key in ("sandbox", "trial")}
    assert made <= shipped.addresses("sso")


def test_who_has_access_in_an_account_that_is_imported_has_it_in_the_plan_too(shipped: Site) -> None:
    """Account Factory opens an account and gives access there: a plan knows its id and imports what is given."""
    hand, access = Hand(shipped), "aws_ssoadmin_account_assignment.pay_DevOps_group_devops"
    account = shipped.open_account("aws+pay@example.com")
    given = {**hand.assignment("DevOps", "devops", "shared"), "TargetId": account}
    hand.center.create_account_assignment(**given)
    shipped.aws.wait_an_hour()
    added = ("add", "account", "pay", "email=aws+pay@example.com", "organizational_unit=shared", "--yes")
    assert shipped.strata(*added).code == 0
    _give(shipped, "pay")
    approved = shipped.folder / "approved.json"

    planned = shipped.strata("plan", "--json", "--changes", str(approved))

    assert planned.code == 0, planned.text[-4000:]
    assert planned.planned["organizations"]["aws_organizations_account.pay"].startswith("import")
    assert planned.planned["sso"].items() >= {access: "import"}.items()
    assert "replace" not in planned.planned["sso"].values()

    deployed = shipped.strata("deploy", "--yes", "--expect", str(approved))

    assert deployed.code == 0, deployed.text[-4000:]
    assert access in shipped.addresses("sso")


def _account_in_a_new_unit(site: Site, key: str, unit: str) -> None:
    site.edit(
        "organization.yaml",
        ("  security:\n    name", f"  {unit}:\n  security:\n    name"),
        (
            "  security:\n    email",
            f"  {key}:\n    email: aws+{key}@example.com\n    organizational_unit: {unit}\n  security:\n    email",
        ),
    )
    _give(site, key)


def _give(site: Site, key: str) -> None:
    site.append(
        "sso.yaml",
        f"  - permission_sets:\n      - DevOps\n    groups:\n      - devops\n    accounts:\n      - {key}\n",
    )


def test_one_object_never_has_two_addresses(shipped: Site) -> None:
    """Neither by a line of imports.yaml, nor after somebody gave a unit at AWS the name of a declared new one."""
    known = shipped.state("sso")["aws_identitystore_group.finops"]["id"]
    unit = shipped.state("organizations")["aws_organizations_organizational_unit.shared"]["id"]
    shipped.edit("sso.yaml", ("\npermission_sets:\n", "  builders:\n    description: Try.\n\npermission_sets:\n"))
    shipped.append("imports.yaml", f'aws_identitystore_group.builders: "{known}"\n')
    shipped.edit(
        "organization.yaml",
        ("organizational_units:\n  security:\n    name", "organizational_units:\n  lab:\n  security:\n    name"),
    )
    shipped.client("organizations").update_organizational_unit(OrganizationalUnitId=unit, Name="lab")

    refused = shipped.strata("deploy", "--yes", "--json")

    assert refused.code == 1, refused.text
    told = {one.id: one.data for one in refused.told}
    assert told["import-in-state"] == {"id": known, "at": "aws_identitystore_group.finops"}
    assert (told["identity-taken"]["key"], told["identity-taken"]["owner"]) == ("lab", "shared")
    assert shipped.aws.writing_calls(by="provider") == {}


def test_states_that_are_empty_while_everything_exists_are_refused(shipped: Site) -> None:
    """As after another bucket or short name: all would be made again. With the states back nothing is to do."""
    s3, keys = shipped.client("s3"), [f"management/{stack}/terraform.tfstate" for stack in STACKS]
    kept = {key: s3.get_object(Bucket=shipped.bucket, Key=key)["Body"].read() for key in keys}
    for key in keys:
        s3.delete_object(Bucket=shipped.bucket, Key=key)

    refused = shipped.strata("deploy", "--yes", "--json")

    assert refused.code == 1, refused.text
    (told,) = refused.told
    assert (told.id, {*told.data["replica"]}) == ("states-gone", {*STACKS})
    assert f"s3://{shipped.bucket}" in told.text
    assert shipped.aws.writing_calls(by="provider") == {}
    for key, body in kept.items():
        s3.put_object(Bucket=shipped.bucket, Key=key, Body=body)
    assert shipped.strata("plan", "organizations", "--exit-code").code == 0
