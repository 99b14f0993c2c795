"""Edits that would lose something: `strata deploy` refuses them before anything changes, and so do the stacks.

Each edit is made on a deployed landing zone; AWS must be asked to change nothing, and the states must be as before.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from ruamel.yaml import YAML

from tests.scenarios.site import STACKS, Site

pytestmark = pytest.mark.only("stand-in")
Files = dict[str, Any]


class Edit(NamedTuple):
    """What is done to the files, the refusals by id, each with some of its data, and the word that allows it."""

    change: Callable[[Files], None]
    refusals: dict[str, dict[str, Any]]
    allow: str = ""
    plain: str = ""
    """The stack whose plain apply refuses it as well."""


def _rekey(section: str, old: str, new: str, **values: str) -> Callable[[dict[str, Any]], None]:
    def change(data: dict[str, Any]) -> None:
        data[section] = {new if key == old else key: entry for key, entry in data[section].items()}
        data[section][new] = {**(data[section][new] or {}), **values}

    return change


def _account_key(files: Files) -> None:
    _rekey("accounts", "shared", "common")(files["organization.yaml"])
    _each_assignment(files, lambda accounts: ["common" if key == "shared" else key for key in accounts])


def _each_assignment(files: Files, change: Callable[[list[str]], list[str]]) -> None:
    kept = []
    for entry in files["sso.yaml"]["assignments"]:
        if entry["accounts"] != "all":
            entry["accounts"] = change(entry["accounts"])
        if entry["accounts"]:
            kept.append(entry)
    files["sso.yaml"]["assignments"] = kept


def _emails_swapped(files: Files) -> None:
    accounts = files["organization.yaml"]["accounts"]
    accounts["security"]["email"], accounts["shared"]["email"] = (
        accounts["shared"]["email"],
        accounts["security"]["email"],
    )


def _user_key(files: Files) -> None:
    _rekey("users", "jane-doe", "jane")(files["sso.yaml"])
    for group in files["sso.yaml"]["groups"].values():
        group["members"] = ["jane" if key == "jane-doe" else key for key in group.get("members") or []]


def _names_swapped(files: Files) -> None:
    groups = files["sso.yaml"]["groups"]
    groups["finops"]["name"], groups["devops"]["name"] = "devops", "finops"


def _no_administrator(files: Files) -> None:
    files["sso.yaml"]["groups"]["administrators"]["members"] = []


def _most_assignments(files: Files) -> None:
    del files["sso.yaml"]["assignments"][1:]


def _set(file: str, *path: str, value: Any) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        data = files[file]
        for part in path[:-1]:
            data = data[part]
        data[path[-1]] = value

    return change


EDITS = {
    "an account's key": Edit(
        _account_key, {"key-renamed": {"kind": "account", "old": "shared", "new": "common"}}, plain="organizations"
    ),
    "two addresses swapped": Edit(_emails_swapped, {"identity-taken": {"kind": "account"}}, plain="organizations"),
    "an address that is mistyped": Edit(
        _set("organization.yaml", "accounts", "shared", "email", value="aws+shered@example.com"),
        {"email-of-no-account": {"account": "shared"}},
        plain="organizations",
    ),
    "a user's key": Edit(_user_key, {"key-renamed": {"kind": "user", "old": "jane-doe"}}, plain="sso"),
    "two group names swapped": Edit(_names_swapped, {"identity-taken": {"kind": "group"}}, plain="sso"),
    "the last administrator": Edit(
        _no_administrator, {"last-administrator": {}}, allow="last-administrator", plain="sso"
    ),
    "most assignments": Edit(
        _most_assignments,
        {"mass-deletion": {"type": "aws_ssoadmin_account_assignment", "of": 9}},
        allow="many:aws_ssoadmin_account_assignment",
    ),
    "a permission set's name": Edit(
        _set("sso.yaml", "permission_sets", "FinOps", "name", value="CostControl"),
        {"would-be-replaced": {"key": "FinOps", "lost": ["FinOps of group finops in management"]}},
        allow="destroy:aws_ssoadmin_permission_set.FinOps",
    ),
}
"""What the stacks refuse too, and one each of a replacement and of many; tests/test_losses.py has all refusals."""


@pytest.fixture
def edited(shipped: Site, request: pytest.FixtureRequest) -> Edit:
    """Makes an edit."""
    edit = EDITS[request.param]
    yaml = YAML()
    files = {file.name: yaml.load(file) for file in shipped.config.glob("*.yaml")}
    edit.change(files)
    for name, data in files.items():
        yaml.dump(data, shipped.config / name)
    return edit


@pytest.mark.parametrize("edited", EDITS, indirect=True)
def test_an_edit_loses_nobody(shipped: Site, edited: Edit) -> None:
    states = {stack: shipped.state(stack) for stack in STACKS}

    refused = shipped.strata("deploy", "--yes", "--json")

    assert refused.code == 1, refused.text
    assert "nothing was changed" in refused.stderr
    for id, data in edited.refusals.items():
        assert [one for one in refused.told if one.id == id and one.data.items() >= data.items()], refused.text
    assert not edited.allow or f"--allow {edited.allow}" in refused.text
    assert shipped.aws.writing_calls() == {}
    if edited.plain:
        shipped.synth()
        plain = shipped.terraform(edited.plain, "plan", "-lock=false")
        assert plain.code == 1, plain.text
        assert "Nothing was changed" in " ".join(plain.text.split())
    assert {stack: shipped.state(stack) for stack in STACKS} == states


@pytest.mark.parametrize("edited", ["an account's key"], indirect=True)
def test_the_line_of_a_refusal_records_it(shipped: Site, edited: Edit) -> None:
    """The guards of the stacks let pass what is recorded, and nothing is left to do after it."""
    refused = shipped.strata("deploy", "organizations", "sso", "--yes")
    lines = [line for line in refused.lines if line.startswith("strata rename ")]

    recorded = [shipped.strata(*line.split()[1:], "--yes") for line in lines]
    done = shipped.strata("deploy", "organizations", "sso", "--yes")
    planned = shipped.strata("plan", "organizations", "sso", "--exit-code")

    assert len(lines) == 1
    assert {run.code for run in recorded} == {0}, recorded
    assert done.code == 0, done.text
    # Without `name` an account is called after its key.
    assert shipped.aws.writing_calls(by="provider") == {"account:PutAccountName": 1}
    assert planned.code == 0, planned.text


def test_who_goes_stands_in_red_with_all_that_goes_along(shipped: Site) -> None:
    """A leaver is everyday work: it is told, and taken with the plan."""
    file = shipped.config / "sso/data.yaml"
    file.parent.mkdir()
    file.write_text("groups:\n  data:\n    members:\n      - jane-doe\n")
    assert shipped.strata("deploy", "sso", "--yes").code == 0
    file.unlink()

    planned = shipped.strata("plan", "sso", "--exit-code", "--json")
    done = shipped.strata("deploy", "sso", "--yes")

    assert planned.code == 3, planned.text
    (loss,) = json.loads(planned.stdout)["losses"]
    (gone,) = [one for one in planned.told if one.id == "identity-destroyed"]
    assert loss["how"] == "told"
    assert loss["message"].endswith(gone.text)
    assert gone.data["lost"] == ["user jane-doe in group data"]
    assert done.code == 0, done.text
    assert "goes: " in done.text


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
    assert ([one["stacks"] for one in listed["groups"]], listed["later"]) == ([["organizations"], ["sso"]], [])
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
