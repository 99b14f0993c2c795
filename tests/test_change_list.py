"""The list of changes is the same for the same changes, and `strata deploy --expect` applies nothing else."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from strata.cli import app
from strata.commands import plan as plan_command
from strata.deploy.run import DIFFERS
from strata.deploy.schedule import AGAIN
from strata.errors import Message, StrataError, UsageError
from strata.options import Options
from strata.terraform.change_list import ApprovedList, ChangeList
from strata.terraform.plans import Plan, changed_outputs, changes
from strata.terraform.preview import Preview
from tests import deploying
from tests.deploying import ACCOUNT, ATTACHED, MADE, STACKS, WAITS, Json, Site, planned
from tests.documents import CHECKOUT
from tests.said import Said

site = deploying.site  # the fixture

POLICY = "aws_organizations_policy.deny"


def shown(now: str = "2027-01-01T00:00:00Z", seed: int = 0, **policy: Any) -> Json:
    """Returns a plan in Terraform's JSON as one run has it: its time, its order, what AWS gives meanwhile."""
    there = {"name": "deny", "content": '{"Statement": []}', "description": "old", "arn": "arn:1"}
    resources = [
        {
            "address": POLICY,
            "mode": "managed",
            "change": {
                "actions": ["update"],
                "before": {**there, "seen_at": now},
                "after": {**there, "description": "new", **policy},
                "after_unknown": {"seen_at": True, "tags_all": {}},
            },
        },
        {
            "address": "aws_organizations_account.lab",
            "mode": "managed",
            "change": {
                "actions": ["create"],
                "before": None,
                "after": {"email": "lab@example.com", "tags": {"team": "lab"}, "created": now},
                "after_unknown": {"id": True, "arn": True, "parent_id": True, "tags": {"stamp": True}},
            },
        },
        {
            "address": "aws_iam_user.breakglass",
            "mode": "managed",
            "change": {
                "actions": ["update"],
                "before": {"password": f"old {seed}", "nested": [{"token": "t"}]},
                "after": {"password": f"new {seed}", "nested": [{"token": f"s{seed}"}]},
                "before_sensitive": {"password": True},
                "after_sensitive": {"password": True, "nested": [{"token": True}]},
            },
        },
        {
            "address": "data.aws_caller_identity.me",
            "mode": "data",
            "change": {"actions": ["read"], "after": {"at": now}},
        },
        {"address": "aws_s3_bucket.state", "mode": "managed", "change": {"actions": ["no-op"], "before": {"at": now}}},
    ]
    written = {
        POLICY: {"name", "content", "description"},
        "aws_organizations_account.lab": {"email", "tags", "parent_id"},
        "aws_iam_user.breakglass": {"password", "nested"},
    }
    return {
        "timestamp": now,
        "terraform_version": f"1.{seed}",
        "resource_changes": [*resources[seed % 5 :], *resources[: seed % 5]],
        "output_changes": {"account_ids": {"actions": ["update"], "after_unknown": True}},
        "configuration": {
            "root_module": {
                "resources": [
                    {"address": one, "expressions": {name: {} for name in names}} for one, names in written.items()
                ]
            }
        },
    }


def listed(found: Json) -> ChangeList:
    plans = [
        Plan("backend"),
        Plan("organizations", dict(sorted(changes(found))), tuple(changed_outputs(found))),
        Plan("sso", waits_for=("organizations",)),
    ]
    return ChangeList.of(plans, ACCOUNT)


# The list


def test_two_plans_of_the_same_thing_have_the_same_hash() -> None:
    """Whenever they are made, by whichever Terraform, in whatever order its JSON has them."""
    hashes = {listed(shown(f"20{year}-03-04T05:06:07Z", year)).sha256 for year in range(27, 60)}

    assert len(hashes) == 1


@pytest.mark.parametrize(
    "other",
    [{"description": "newer"}, {"content": '{"Statement": [{}]}'}, {"name": "deny-all"}, {"description": None}],
    ids=str,
)
def test_another_value_is_another_list(other: Json) -> None:
    assert listed(shown()).sha256 != listed(shown(**other)).sha256


def test_the_list_says_what_is_known_and_nothing_else() -> None:
    found = json.loads(listed(shown()).text)

    assert found == {
        "account": ACCOUNT,
        "format": 3,
        "later": ["sso"],
        "groups": [
            {
                "stacks": ["organizations"],
                "changes": {
                    POLICY: {"action": "update", "attributes": {"description": {"before": "old", "after": "new"}}},
                    "aws_organizations_account.lab": {
                        "action": "create",
                        "attributes": {
                            "email": {"after": "lab@example.com"},
                            "parent_id": {"after": "(known after apply)"},
                            "tags": {"after": {"team": "lab", "stamp": "(known after apply)"}},
                        },
                    },
                    "aws_iam_user.breakglass": {
                        "action": "update",
                        "attributes": {
                            "password": {"before": "(sensitive)", "after": "(sensitive)"},
                            "nested": {"before": [{"token": "(sensitive)"}], "after": [{"token": "(sensitive)"}]},
                        },
                    },
                },
                "outputs": ["account_ids"],
            }
        ],
    }


def test_a_difference_says_what_was_expected_and_what_is_planned(said: Said) -> None:
    old = shown()
    new = shown(description="newer")
    lab = next(one for one in new["resource_changes"] if one["address"].endswith(".lab"))
    lab["change"]["actions"] = ["delete"]
    lab["change"] |= {"before": lab["change"]["after"], "after": None, "after_unknown": {}}
    new["resource_changes"].append({"address": "aws_a.b", "mode": "managed", "change": {"actions": ["delete"]}})
    new["output_changes"] = {}

    told = ApprovedList(listed(old).sha256, listed(old)).differences(listed(new))

    head, *lines = said(told)
    lab = "aws_organizations_account.lab"
    assert (head.id, head.data) == ("plan-unexpected", {"expected": listed(old).sha256, "planned": listed(new).sha256})
    assert {tuple(one.data["stacks"]) for one in lines} == {("organizations",)}
    assert [(one.id, one.data["change"].partition(" {")[0]) for one in lines] == [
        ("change-missing", f"create {lab}"),
        ("change-missing", "output account_ids"),
        ("change-missing", f"update {POLICY}"),
        ("change-unexpected", "delete aws_a.b"),
        ("change-unexpected", f"delete {lab}"),
        ("change-unexpected", f"update {POLICY}"),
    ]
    assert lines[-1].text.endswith('{"attributes": {"description": {"after": "newer", "before": "old"}}}')


def test_stacks_and_the_account_are_compared_too(said: Said) -> None:
    one = ChangeList.of([Plan("sso", waits_for=("organizations",))], ACCOUNT)
    other = ChangeList.of([Plan("sso", outputs=("portal_url",))], "210987654321")

    assert [(told.id, told.data) for told in said(one.differences(other))] == [
        ("account-differs", {"expected": ACCOUNT, "planned": "210987654321"}),
        ("change-missing", {"stacks": ["sso"], "change": "to be planned later"}),
        ("change-unexpected", {"stacks": ["sso"], "change": "output portal_url"}),
    ]


def test_a_hash_alone_tells_that_the_list_is_another() -> None:
    found = listed(shown())

    for given in (found.sha256, found.sha256.upper(), f"sha256:{found.sha256}", f"SHA256:{found.sha256.upper()}"):
        assert ApprovedList.of(given).differences(found) == []
    (told,) = ApprovedList.of("0" * 64).differences(found)
    assert (told.id, told.data["planned"]) == ("plan-unexpected", found.sha256)


@pytest.mark.parametrize(
    ("content", "at"),
    [
        ("", ""),
        ("[]", ""),
        ('{"format": 2, "account": "1", "stacks": {}, "later": []}', "format"),
        ('{"format": 4, "account": "1", "waves": []}', "format"),
        ('{"format": 3, "account": "1", "groups": []}', "later"),
        ('{"format": 3, "account": "1", "groups": [], "later": [], "\\u001b[2J::error::": 1}', "\u001b[2J::error::"),
        (f'{{"format": 3, "account": {"[" * 5000}', ""),
    ],
    ids=["empty", "no object", "an older format", "a newer format", "incomplete", "a name that commands", "deep"],
)
def test_what_is_no_list_is_refused(tmp_path: Path, content: str, at: str, said: Said) -> None:
    file = tmp_path / "changes.json"
    file.write_text(content)

    with pytest.raises(StrataError) as refused:
        ApprovedList.of(str(file))

    (told,) = said(refused)
    assert (told.id, told.place, told.data) == ("list-malformed", str(file), {"at": at})
    assert str(refused.value).isprintable()


EDITS = {
    "a key twice": ('{\n  "account"', '{\n  "account": "210987654321",\n  "account"'),
    "a change twice": (f'        "{POLICY}"', f'        "{POLICY}": {{"action": "delete"}},\n        "{POLICY}"'),
    "spaces": ("  ", " "),
    "other line ends": ("\n", "\r\n"),
    "no last line end": ("}\n", "}"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_list_that_was_edited_is_refused(tmp_path: Path, edit: str, said: Said) -> None:
    """Its hash is not that of the file, and of two values for a key people may have read the other one."""
    file = tmp_path / "changes.json"
    before = listed(shown()).text
    after = before.replace(*EDITS[edit])
    assert after != before
    assert ChangeList.model_validate_json(after) == listed(shown())
    file.write_bytes(after.encode())

    with pytest.raises(StrataError) as refused:
        ApprovedList.of(str(file))

    (told,) = said(refused)
    assert (told.id, told.place) == ("list-edited", str(file))


def test_what_is_neither_file_nor_hash_is_a_wrong_command(tmp_path: Path, said: Said) -> None:
    with pytest.raises(UsageError) as refused:
        ApprovedList.of(str(tmp_path / "nothing"))

    (told,) = said(refused)
    assert (told.id, told.data) == ("argument-malformed", {"option": "--expect", "value": str(tmp_path / "nothing")})


@pytest.mark.parametrize("command", ["plan", "deploy"])
def test_an_empty_expectation_is_a_wrong_command(command: str, said: Said) -> None:
    """A variable that is not set makes it; whatever is planned would count as approved."""
    words = [command, "--expect", "", *(["--yes"] if command == "deploy" else [])]

    done = CliRunner().invoke(app, words)

    assert (done.exit_code, done.stdout) == (2, "")
    (told,) = said(done)
    assert (told.id, told.data) == ("argument-missing", {"option": "--expect"})


NO_PLACES = {
    "out": "not-a-file",
    "nowhere/changes.json": "file-unwritable",
    "to-nowhere": "file-unwritable",
    "approved.json/changes.json": "file-unwritable",
    "pipe": "not-a-file",
    "/dev/full": "not-a-file",
    "closed/changes.json": "file-unwritable",
    "config/sso.yaml": "file-in-configuration",
    "config/changes.json": "file-in-configuration",
    **dict.fromkeys(["approved.json", "out/../approved.json", "to-approved"], "arguments-conflict"),
}
"""Where no list can be written, or none may, and why."""


@pytest.fixture
def places(tmp_path: Path) -> Path:
    """A folder with a configuration, an approved list, and what is in the way of a list."""
    for name in ("config", "out", "closed"):
        (tmp_path / name).mkdir()
    (tmp_path / "config/sso.yaml").write_text("users: {}\n")
    (tmp_path / "approved.json").write_text(listed(shown()).text)
    os.mkfifo(tmp_path / "pipe")
    for link, to in {"to-nowhere": "nowhere/x", "to-approved": "approved.json"}.items():
        (tmp_path / link).symlink_to(to)
    return tmp_path


def begins(places: Path, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs `strata plan` up to where it asks AWS."""

    def asks(*_: object, **__: object) -> None:
        raise StrataError(Message("asked", "AWS is asked"))

    monkeypatch.setattr(plan_command, "prepare", asks)
    given: Json = {"stacks": (), "exit_code": False, "json": False, "allow": ()}
    plan_command.run(Options(places / "config"), **given, changes=places / place, expect=str(places / "approved.json"))


@pytest.mark.parametrize("place", NO_PLACES)
def test_a_place_for_no_list_is_told_before_anything_is_asked(
    places: Path, place: str, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    """Nobody waits for a plan that ends so, the approved list stays, and the configuration too."""
    monkeypatch.setattr(os, "access", lambda path, _: path != places / "closed")  # of root nothing is closed
    before = {file: file.read_text() for file in (places / "approved.json", places / "config/sso.yaml")}

    with pytest.raises(StrataError) as refused:
        begins(places, place, monkeypatch)

    (told,) = said(refused)
    assert (told.id, told.place, told.data["option"]) == (NO_PLACES[place], str(places / place), "--changes")
    assert {file: file.read_text() for file in before} == before


@pytest.mark.parametrize("place", ["now.json", "out/now.json", "older.json", "to-older"])
def test_a_place_for_a_list_is_taken(places: Path, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new file, one that is there, and the one to which a link leads."""
    (places / "older.json").write_text("{}\n")
    (places / "to-older").symlink_to("older.json")

    with pytest.raises(StrataError, match="AWS is asked"):
        begins(places, place, monkeypatch)


# Planning and deploying


def plans(site: Site, monkeypatch: pytest.MonkeyPatch, *, code: int = 0, **more: Any) -> None:
    """Runs `strata plan` behind its first checks."""
    monkeypatch.setattr(plan_command, "prepare", lambda _, __, request: replace(site.prepared(), request=request))
    site.states = {stack: {"resources": []} for stack in site.stacks}
    given = {"stacks": (), "exit_code": False, "json": False, "allow": ()}
    assert plan_command.run(site.options(), **{**given, **more}) == code


@pytest.mark.parametrize(("refresh", "asks"), [(None, True), (True, True), (False, False)])
def test_a_plan_takes_objects_to_be_as_the_state_has_them_only_where_that_is_asked(
    site: Site, monkeypatch: pytest.MonkeyPatch, refresh: bool | None, asks: bool
) -> None:
    site.stacks = ("backend",)
    plans(site, monkeypatch, refresh=refresh)

    commands = (site.of("backend") / "commands.txt").read_text().splitlines()
    (command,) = [text for text in commands if text.startswith("plan ")]
    assert ("-refresh=false" not in command) is asks


DELETED = planned(("delete", ATTACHED))


@pytest.fixture
def approved(site: Site, tmp_path: Path) -> Path:
    """The list of what two stacks would do, as `strata plan` writes it."""
    site.plans("backend", MADE)
    site.plans("organizations", DELETED)
    found = {"backend": MADE, "organizations": DELETED}
    file = tmp_path / "changes.json"
    file.write_text(ChangeList.of([Plan(stack, dict(changes(one))) for stack, one in found.items()], ACCOUNT).text)
    return file


def stacks(file: Path) -> list[str]:
    """Returns the stacks in which a list changes something."""
    return [stack for group in json.loads(file.read_text())["groups"] for stack in group["stacks"]]


def deploys(site: Site, expect: Path | str) -> int:
    return site.deploys(yes=True, expected=ApprovedList.of(str(expect)))


@pytest.mark.e2e
def test_a_plan_writes_the_list_and_compares_it_with_the_one_that_was_reviewed(
    approved: Path, site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], said: Said
) -> None:
    file = approved.with_name("now.json")
    plans(site, monkeypatch, changes=file, expect=str(approved))
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    same = capsys.readouterr().out.splitlines()
    site.plans("backend", {})
    plans(site, monkeypatch, code=3, changes=file, expect=str(approved))

    assert f"2 resources, sha256 {digest}" in same[-1]
    told = said(capsys.readouterr().out.splitlines()[-1])
    assert [(one.id, one.data["stacks"]) for one in told] == [("change-missing", ["backend"])]
    assert stacks(file) == ["organizations"]


@pytest.mark.e2e
@pytest.mark.parametrize(("same", "code"), [(True, 1), (False, 3)])
def test_a_plan_without_an_account_has_the_list_of_the_rest(
    approved: Path,
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    same: bool,
    code: int,
) -> None:
    """`pipeline/run.sh` goes on by the line that says so, and stops where the list is not the reviewed one."""
    site.adds_accounts({"lab": "111111111111"})
    site.plans("log_lab", "Instance cannot be destroyed")
    if not same:
        site.plans("backend", {})
    file = approved.with_name("now.json")
    plans(site, monkeypatch, code=code, changes=file, expect=str(approved))

    (pattern,) = re.findall(r"without='(.*)'", (CHECKOUT / "pipeline/run.sh").read_text())
    (told,) = [text for text in capsys.readouterr().out.splitlines() if re.fullmatch(pattern, text)]
    assert "log_lab" in told
    assert stacks(file) == ["backend", "organizations"][not same :]


@pytest.mark.e2e
def test_a_plan_that_fails_writes_no_list(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site.plans("backend", "Instance cannot be destroyed")
    plans(site, monkeypatch, code=1, changes=tmp_path / "changes.json")

    assert not (tmp_path / "changes.json").exists()


def test_the_same_list_is_applied(approved: Path, site: Site) -> None:
    assert deploys(site, approved) == 0

    assert (site.did("backend"), site.did("organizations")) == ("plan apply", "plan plan apply")
    assert site.questions == []


@pytest.mark.parametrize("as_hash", [False, pytest.param(True, marks=pytest.mark.e2e)])
def test_another_list_is_refused_and_nothing_is_applied(
    approved: Path, site: Site, said: Said, *, as_hash: bool
) -> None:
    """Also one that does less: what people agreed to is the whole."""
    site.plans("organizations", {})
    expect = hashlib.sha256(approved.read_bytes()).hexdigest() if as_hash else approved

    assert deploys(site, expect) == DIFFERS

    assert (site.did("backend"), site.statuses) == ("plan", ["not started"] * 3)
    told = [(one.id, one.data.get("stacks")) for one in said(site.to.getvalue())]
    assert told == [("plan-unexpected", None), *([] if as_hash else [("change-missing", ["organizations"])])]
    assert said.ids(site.said[-1]) == ["nothing-changed"]


def test_more_than_was_approved_waits_for_another_list(approved: Path, site: Site, said: Said) -> None:
    """A stack whose producer was applied, and whose plan is another one then, is left for the next round."""
    site.plans("organizations", planned(("delete", ATTACHED)), planned(("delete", ATTACHED), ("delete", "aws_a.b")))

    assert deploys(site, approved) == AGAIN

    assert (site.did("backend"), site.did("organizations")) == ("plan apply", "plan plan")
    assert site.statuses == ["applied", "not started", "not started"]
    (told,) = said(site.said[-1])
    assert (told.id, told.data) == ("on-no-list", {"stacks": ["organizations"]})


@pytest.mark.e2e
def test_what_can_be_planned_only_after_its_producer_waits_for_another_list(approved: Path, site: Site) -> None:
    site.plans("organizations", WAITS, MADE)
    found = [Plan("backend", dict(changes(MADE))), Plan("organizations", waits_for=("backend",))]
    approved.write_text(ChangeList.of(found, ACCOUNT).text)
    site.stacks = STACKS[:2]

    assert deploys(site, approved) == AGAIN

    assert (site.did("backend"), site.did("organizations")) == ("plan apply", "plan plan")


def test_a_preview_is_on_no_list(site: Site, tmp_path: Path) -> None:
    """Before the first deploy a plan shows what `strata deploy` cannot plan yet; the list has what it can."""
    prepared = site.prepared()
    preview = Preview.of(
        *(prepared.workspace, prepared.chosen),
        without_state=set(STACKS),
        lacking=(),
        folder=tmp_path,
    )

    found = plan_command._lists(prepared, preview, [Plan(stack, dict(changes(MADE))) for stack in STACKS])

    assert ([one.stacks for one in found.groups], found.later) == ([["backend"]], ["organizations", "security"])
