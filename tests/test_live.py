"""`--live`: the report and the answers from what AWS has are the declared ones where nothing differs, with evidence."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
import os
import re
import shutil
import stat
import subprocess
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from strata.aws.session import AwsError, Caller
from strata.cli import app
from strata.commands.drift import _summary
from strata.commands.explain import Explained
from strata.config.moves import Kind
from strata.drift.comparison import Drift, compare
from strata.errors import Message, StrataError
from strata.inventory.progress import InventoryReading
from strata.inventory.reading import CENTER, DELEGATIONS, ENTITLEMENTS, POLICIES, TRUSTED_SERVICES
from strata.landing_zone import LandingZone
from strata.live import reading as live_reading
from strata.live.evidence import Evidence, canonical, kept_in
from strata.live.reading import Read, told
from strata.load import load
from strata.report.data import as_data
from strata.report.edition import Edition
from strata.report.guardrails import guardrails
from strata.report.live import NOT_READ, summary
from strata.report.mermaid import flowchart
from strata.report.page import page
from strata.report.tables import Table, as_csv, as_markdown, as_text, tables
from strata.sides.recorded import states_of
from tests.after_deploy import inventory_of
from tests.organizations import (
    DENY,
    MANAGEMENT,
    Organization,
    account,
    changed,
    control,
    denied,
    gone,
    grant,
    group,
    no_full_access,
    permission_set,
    policy,
    policy_type,
    service,
    unit,
    user,
)
from tests.organizations.answers import CALLER
from tests.organizations.deployed import CLEAN, SHOP
from tests.organizations.drifts import BY_HAND
from tests.said import Said
from tests.synthesized import CHECKOUT, COMPANY

AT = dt.datetime(2025, 1, 31, 12, 30, 15, tzinfo=dt.UTC)
OF_LIVE = ("Evidence", "Differences to", "Account ids")
"""How the titles of tables begin that only a report from AWS has."""
Json = dict[str, Any]
LOGGED = CLEAN.but(control("trail"))
STOPPED = LOGGED.at_aws(changed("control", "trail", at={"": {"enable_logging": False}}))


@cache
def by_hand(name: str) -> Organization:
    """Returns the organization after a change by hand, in one of the cases of drift."""
    return CLEAN.at_aws(*BY_HAND[name].changes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of what was deployed."""
    return CLEAN.write(tmp_path_factory.mktemp("live"))


@pytest.fixture(scope="module")
def zone() -> LandingZone:
    return CLEAN.zone


def evidence(there: Organization) -> Evidence:
    return Evidence.of(AT, CALLER, there.inventory, states_of(there.states, there.zone))


def read(there: Organization) -> Read:
    """Returns what a reading says beside the configuration."""
    return told(there.zone, evidence(there))


def why(there: Organization) -> str:
    """Returns why a part is unread."""
    return next(iter(there.inventory.unread.values()))


@pytest.fixture
def kept(tmp_path: Path) -> Callable[[Organization], Path]:
    """Keeps what AWS has, as --save does."""

    def keep(there: Organization) -> Path:
        file = tmp_path / "reading.json"
        file.write_bytes(evidence(there).written())
        return file

    return keep


def strata(folder: Path, *words: str | Path) -> Result:
    return CliRunner().invoke(app, [*map(str, words), "--config", str(folder)])


def declared_and_live(there: Organization) -> tuple[list[Table], list[Table]]:
    """Returns the tables of the configuration, and those of AWS, both without what only these have."""
    found = read(there)
    here = tables(there.zone, Edition(AT.date()))
    shown = [
        one for one in tables(found.zone, Edition(AT.date(), None, found.live)) if not one.title.startswith(OF_LIVE)
    ]
    return [_without_evidence(here[0]), *here[1:]], [_without_evidence(shown[0]), *shown[1:]]


def _without_evidence(glance: Table) -> Table:
    """Returns the first screen without the differences, the controls and what is said of a report from AWS alone."""
    rows, title = [], ""
    for name, answer in glance.rows:
        title = name or title
        if not title.removeprefix("! ").startswith(("Differences to", "Controls that")):
            rows.append((name, answer))
    notes = tuple(one for one in glance.notes if not one.startswith("Differences to"))
    return replace(glance, rows=rows, notes=notes, lead=())


def rows_that_differ(there_: Organization) -> set[str]:
    """Returns the rows that only one of the two reports has, without the controls."""
    here, there = (
        {" | ".join((one.title, *row)) for one in each if one.title != "Controls" for row in one.rows}
        for each in declared_and_live(there_)
    )
    return {f"- {one}" for one in here - there} | {f"+ {one}" for one in there - here}


# Where nothing differs


def test_the_tables_are_the_declared_ones() -> None:
    here, there = declared_and_live(CLEAN)

    assert [one for one in there if one.title != "Controls"] == [one for one in here if one.title != "Controls"]
    assert read(CLEAN).live.differences == ()


def test_what_options_make_is_told_alike() -> None:
    """But for accounts that were let go of."""
    zone = load(COMPANY)
    kept = {key: account for key, account in zone.organization.accounts.items() if not account.retired}
    organization = zone.organization.model_copy(update={"accounts": kept})
    zone = replace(zone, organization=organization)
    found = told(zone, Evidence.of(AT, CALLER, inventory_of(zone)))
    here, there = (
        [one for one in tables(each, Edition(AT.date())) if one.title != "Controls"] for each in (zone, found.zone)
    )

    assert there == here
    assert found.live.differences == ()


def test_the_modes_are_declared_and_what_aws_has_stands_beside() -> None:
    other = CLEAN.at_aws(
        changed("control", "ebs_encryption", at={"us-east-1": {"enabled": False}}),
        gone("control", "image_public_access"),
        denied("s3:GetPublicAccessBlock"),
    )
    here, there = (
        {row[0]: row[1:] for row in one.rows}
        for each in declared_and_live(other)
        for one in each
        if one.title == "Controls"
    )

    assert {name: mode for name, (mode, _) in there.items()} == {name: mode for name, (mode, _) in here.items()}
    live = read(other).live.controls
    assert {name: words for name, (_, words) in there.items()} == {name: live[name].words for name in there}
    assert {name for name, one in live.items() if one.differs} == {"ebs_encryption"}
    assert live["ebs_encryption"].words.endswith("sets it in us-east-1")
    assert live["password_policy"].was_read
    assert live["image_public_access"].words.endswith("would set it in us-east-1")
    assert live["instance_metadata"].words.endswith("would set it")
    assert (live["trail"], live["s3_public_access"]) == (NOT_READ, NOT_READ)


def test_the_other_formats_are_the_declared_ones(zone: LandingZone) -> None:
    found = read(CLEAN)
    edition, live = Edition(AT.date()), Edition(AT.date(), None, found.live)
    told_data = as_data(found.zone, live)

    assert told_data.pop("live") == found.live.as_data()
    assert told_data == as_data(zone, edition)
    assert flowchart(found.zone) == flowchart(zone)
    rows = list(csv.reader(io.StringIO(as_csv(found.zone, live=found.live))))
    assert [row[:-3] for row in rows] == list(csv.reader(io.StringIO(as_csv(zone))))
    assert {tuple(row[-3:]) for row in rows[1:]} == {("2025-01-31T12:30:15+00:00", found.live.sha256, "none")}
    shown = page(found.zone, edition)
    for key in found.zone.members:
        shown = shown.replace(f"{found.live.accounts[key]} · ", "")
    assert shown == page(zone, edition)


def test_a_page_from_aws_has_the_evidence_and_the_ids_of_accounts(zone: LandingZone) -> None:
    found = read(by_hand("assignment made"))
    shown = page(found.zone, Edition(AT.date(), None, found.live))

    for words in ("2025-01-31 12:30:15 UTC", CALLER, found.live.sha256, "o-abcdefghij", SHOP, "d-1234567890"):
        assert words in shown
    assert "assignment Admin of group readers-of-it in a3: at AWS only" in shown
    assert 'href="#differences"' in shown
    assert "evidence" not in page(zone, Edition(AT.date()))


def test_answers_are_the_declared_ones(zone: LandingZone) -> None:
    here, live = Explained(zone), Explained(read(CLEAN).zone)

    assert [*live.user_lines("ana", "a3")] == [*here.user_lines("ana", "a3")]
    assert [*live.account_lines("a3")] == [*here.account_lines("a3")]
    assert [*live.group_lines("admins")] == [*here.group_lines("admins")]
    assert [*live.permission_set_lines("Rich")] == [*here.permission_set_lines("Rich")]
    assert live.user_facts("ana") == here.user_facts("ana")


def test_an_answer_from_aws_has_its_evidence_below(folder: Path, kept: Callable[[Organization], Path]) -> None:
    live = strata(folder, "explain", "ana", "--from", kept(CLEAN))
    answer, _, rest = live.stdout.partition("\nLive: ")

    assert (live.exit_code, live.stderr) == (0, "")
    assert answer.startswith("ana: Ana Adler, ")
    evidence_, *_, differences = rest.splitlines()
    assert f"Live: {evidence_}" == str(read(CLEAN).live)
    assert "2025-01-31 at 12:30:15 UTC" in evidence_
    assert evidence_.endswith(CALLER)
    assert differences.endswith(" here: none")


# Where something was done by hand


def test_a_session_length_that_no_file_writes_is_compared_with_the_default(
    folder: Path, tmp_path: Path, kept: Callable[[Organization], Path]
) -> None:
    """Whatever the states say of it; no file has it, so the answer of the configuration is the default."""
    unsaid = CLEAN.in_yaml(changed("permission set", "Rich", session=None))
    own, said = unsaid.write(tmp_path / "config"), dict[str, tuple[str, list[Json]]]()
    for length in ("PT1H", "PT12H"):
        file = kept(CLEAN.at_aws(changed("permission set", "Rich", session=length)))
        answer = strata(own, "explain", "--permission-set", "Rich", "--from", file).stdout
        report = json.loads(strata(own, "report", "--format", "json", "--from", file).stdout)
        said[length] = answer.rpartition("Differences")[2], report["live"]["differences"]

    assert (said["PT1H"][0].endswith(" here: none\n"), said["PT1H"][1]) == (True, [])
    what = "permission set Rich: session_duration is 'PT12H' at AWS, 'PT1H' here, sso.yaml:27"
    assert said["PT12H"][0].endswith(f" here: 1 difference\n  {what}\n")
    assert [(one["at_aws"], one["declared"]) for one in said["PT12H"][1]] == [("PT12H", "PT1H")]
    assert "session of 1 h" in strata(own, "explain", "--permission-set", "Rich").stdout


def test_every_change_by_hand_is_told_as_drift_tells_it() -> None:
    missed: dict[str, Any] = {}
    for name, expected in ((name, case.told) for name, case in BY_HAND.items()):
        found = [
            f"{one.how} {one.kind} {one.name}{f': {one.attribute} is {one.at_aws}' if one.attribute else ''}"
            for one in read(by_hand(name)).live.differences
            if one.is_drift
        ]
        if sorted(found) != sorted(expected):
            missed[name] = found, expected

    assert not missed


@pytest.mark.parametrize(
    ("name", "where", "row"),
    [
        (
            "assignment made",
            {"acme: at a glance", "By person", "By group", "By account", "Layers"},
            "+ By person | ana | Admin | a3 | readers-of-it no file",
        ),
        (
            "attachment made",
            {"By account", "Organization", "Policies", "Layers"},
            "+ Policies | policy-1 | SCP | root no file, organizational unit workloads organization.yaml:34, "
            "account a3 no file | 87 of 10,240",
        ),
        (
            "inline policy changed",
            {"Permission sets"},
            "+ Permission sets | Rich | AWS policy ReadOnlyAccess; your policy /teams/Billing; inline policy of Rich "
            "at AWS: s3 (all); at most your policy /teams/Billing (boundary); session of 2 h | sso.yaml:27",
        ),
        ("user made", {"acme: at a glance", "Layers"}, "+ acme: at a glance | People without access | bo, eve"),
        ("group's description", set(), ""),
        ("account closed", {"By account", "By group", "Organization", "acme: at a glance", "By person", "Layers"}, ""),
    ],
)
def test_the_report_differs_where_that_was_done_and_nowhere_else(name: str, where: set[str], row: str) -> None:
    found = rows_that_differ(by_hand(name))

    assert {one[2:].partition(" | ")[0] for one in found} == where
    assert not row or row in found


def test_somebody_has_an_assignment_that_was_made_in_the_console(
    folder: Path, kept: Callable[[Organization], Path]
) -> None:
    file = kept(by_hand("assignment made"))
    text = strata(folder, "explain", "ana", "a3", "--from", file)
    data = json.loads(strata(folder, "explain", "ana", "--from", file, "--json").stdout)
    bo = json.loads(strata(folder, "explain", "bo", "--from", file, "--json").stdout)

    assert "Admin in a3\n  through group readers-of-it, " in text.stdout
    assert "\n  given by no file\n" in text.stdout
    assert text.stdout.endswith("\n  assignment Admin of group readers-of-it in a3: at AWS only\n")
    (made,) = [one for one in data["access"] if (one["account"], one["permission_set"]) == ("a3", "Admin")]
    assert [way["entry"] for way in made["ways"]] == ["no file"]
    assert [one["name"] for one in data["live"]["differences"]] == ["Admin of group readers-of-it in a3"]
    assert bo["live"]["differences"] == []
    assert bo["live"]["sha256"] == data["live"]["sha256"]


CONCERNED: tuple[tuple[str, Kind, str, int], ...] = (
    ("entitlement", "user", "ana", 1),
    ("entitlement", "user", "bo", 0),
    ("membership made", "user", "bo", 1),
    ("membership made", "group", "admins", 1),
    ("membership made", "group", "readers-of-it", 0),
    ("own policy made", "permission-set", "Rich", 1),
    ("own policy made", "user", "ana", 1),
    ("own policy made", "user", "bo", 0),
    ("own policy made", "account", "a3", 1),
    ("own policy made", "account", "a4", 0),
    ("set made", "permission-set", "Back", 1),
    ("user made", "user", "eve", 1),
    ("attachment made", "account", "a3", 2),
    ("attachment made", "account", "a4", 1),
    ("policy made", "account", "a4", 1),
    ("policy made", "user", "ana", 0),
    ("delegation made", "account", "a3", 1),
    ("unit renamed", "account", "a3", 1),
    ("assignment of an undeclared set", "user", "ana", 2),
)


def test_an_answer_has_the_differences_that_concern_it() -> None:
    reads = {name: read(by_hand(name)) for name, *_ in CONCERNED}
    found = [(name, kind, key, len(reads[name].about(kind, key).differences)) for name, kind, key, _ in CONCERNED]

    assert found == list(CONCERNED)


def test_what_accepted_yaml_has_is_told_as_accepted() -> None:
    entry = "- finding: made-outside\n  at: assignment Admin of group readers-of-it in a3\n  reason: agreed\n"
    ended = f"{entry}  until: {AT.date() - dt.timedelta(days=1)}\n"
    live, later = (read(by_hand("assignment made").with_texts({"accepted.yaml": text})).live for text in (entry, ended))

    assert [one.what for one in live.differences] == [
        "assignment Admin of group readers-of-it in a3: at AWS only, accepted"
    ]
    assert [one.accepted for one in later.differences] == [False]


def test_what_is_accepted_as_left_on_is_told_as_accepted() -> None:
    """The state has what a deploy noted; without one nobody can tell it from what is new."""
    ssm = service("ssm.amazonaws.com")
    entry = "- finding: left-on\n  at: trusted service ssm.amazonaws.com\n  reason: agreed\n"
    left = CLEAN.at_aws(ssm).in_state(ssm).with_texts({"accepted.yaml": entry})
    unknown = told(left.zone, Evidence.of(AT, CALLER, left.inventory)).live

    for live in (read(left).live, unknown):
        assert [(one.name, one.accepted) for one in live.differences] == [("ssm.amazonaws.com", True)]


def test_another_name_of_the_management_account_is_told() -> None:
    found = read(CLEAN.at_aws(changed("account", "management", name="Acme Inc", email="root@example.com")))

    assert [(one.what, one.place) for one in found.live.differences] == [
        ("account management: name is 'Acme Inc' at AWS, 'acme' here, no drift", "project.yaml:5"),
        ("account management: email is 'root@example.com' at AWS, 'aws@example.com' here, no drift", "project.yaml:6"),
    ]
    assert (found.live.exit_code, found.live.summary) == (0, "none; 2 that are no drift")
    assert found.zone.accounts["management"].name == "Acme Inc"


# As drift tells it


def first_page(found: Read) -> dict[str, list[str]]:
    """Returns the answers of the first page by what a question begins with."""
    rows, title = dict[str, list[str]](), ""
    for name, answer in tables(found.zone, Edition(AT.date(), None, found.live))[0].rows:
        title = " ".join(name.split()[:3]) or title
        rows.setdefault(title, []).append(answer)
    return rows


def test_an_address_in_another_case_is_the_same() -> None:
    key = next(iter(CLEAN.zone.members))
    other = CLEAN.zone.accounts[key].email.replace("@", "+Shop@")

    assert (
        read(
            CLEAN.but(changed("account", key, email=other)).in_yaml(changed("account", key, email=other.lower()))
        ).live.differences
        == ()
    )


def test_a_stopped_trail_is_on_the_first_page_of_every_format() -> None:
    found, edition = read(STOPPED), Edition(AT.date())
    edition = replace(edition, live=found.live)
    what = "control trail: logging is false at AWS, true here"
    data = as_data(found.zone, edition)

    assert [one.at for one in drift_of(STOPPED).differences] == ["control trail: logging is false"]
    assert first_page(found)["! Differences to"] == ["1 difference", what]
    assert first_page(found)["Controls that are"][0] == what.removeprefix("control ")
    assert f"| {what} |" in as_markdown(tables(found.zone, edition)[:1]).replace("\\", "")
    assert what.partition(": ")[2] in page(found.zone, edition).partition('id="evidence')[0]
    assert [(one["finding"], one["name"]) for one in data["live"]["differences"]] == [("changed-outside", "trail")]
    assert data["live"]["controls"]["trail"] == what.removeprefix("control trail: ")
    assert {row.rpartition(",")[2] for row in as_csv(found.zone, live=found.live).splitlines()[1:]} == {
        '"1 difference"'
    }
    assert "%% Differences: 1 difference\n" in flowchart(found.zone, found.live)


def drift_of(there: Organization) -> Drift:
    return compare(there.zone, there.states, there.inventory)


def test_the_exit_code_and_the_counts_are_those_of_drift(tmp_path: Path) -> None:
    """Nothing differs, it differs, a part is unread, both; and the reading that is kept tells the same."""
    unseen = denied(ACTIONS[TRUSTED_SERVICES])
    cases = {
        "none": (LOGGED, 0, "none"),
        "stopped": (STOPPED, 3, "1 difference"),
        "unread": (LOGGED.at_aws(unseen), 1, summary(0, 0, 1)),
        "both": (STOPPED.at_aws(unseen), 1, summary(1, 0, 1)),
    }
    assert [counts.split()[0] for _, _, counts in cases.values()] == ["none", "1", "none", "1"]
    assert [counts.endswith(", 1 part unread") for _, _, counts in cases.values()] == [False, False, True, True]
    file, path = tmp_path / "reading.json", LOGGED.write(tmp_path / "config")
    for there, code, counts in cases.values():
        found, drift = read(there), drift_of(there)
        file.write_bytes(found.evidence.written())
        again = strata(path, "report", "--from", file)
        assert (found.live.exit_code, found.live.summary, again.exit_code) == (code, counts, code)
        assert _summary(drift) == counts.replace("none", "no drift")
        assert not code or again.stderr.endswith(f": {counts}\n")


def test_what_was_not_read_is_never_on_and_never_fine() -> None:
    """Of the trail that is there its bucket's policy; the trail where AWS was not asked; what no report reads."""
    as_it_is, refused = read(LOGGED), read(LOGGED.at_aws(denied("cloudtrail:DescribeTrails")))
    uncontrolled = replace(LOGGED.inventory, controls=None)
    unasked = told(LOGGED.zone, Evidence.of(AT, CALLER, uncontrolled, states_of(LOGGED.states, LOGGED.zone)))

    assert as_it_is.live.controls["trail"].words.startswith("as deployed; its bucket ")
    assert as_it_is.live.controls["trail"].words.endswith("not read")
    for found in (refused, unasked):
        rows = {row[0]: row[1:] for one in tables(found.zone, Edition(AT.date(), None, found.live)) for row in one.rows}
        assert rows["trail"] == ("on", "not read")
        assert "trail" in first_page(found)["Controls that are"][-1].removeprefix("not read: ").split(", ")
        assert "trail" in as_data(found.zone, Edition(AT.date(), None, found.live))["live"]["controls_not_read"]
        assert found.live.exit_code == 1
    assert "github_actions" in first_page(as_it_is)["Controls that are"][-1]
    assert "none" not in first_page(as_it_is)["Controls that are"]


def test_who_administers_everything_is_said_to_be_of_identity_center() -> None:
    nobody = read(LOGGED.at_aws(gone(LOGGED.aws.of("grant").values())))

    for rows in (first_page(read(LOGGED)), first_page(nobody)):
        said = rows["! Administers everything"][-1]
        assert said.startswith("all through Identity")
        assert said.endswith(" not read")
    assert first_page(nobody)["! Administers everything"][0] == "nobody"


def test_what_waits_for_a_deploy_is_told_and_is_no_drift() -> None:
    found = read(LOGGED.in_yaml(changed("permission set", "Rich", session="PT3H")))

    assert [one.what for one in found.live.differences] == [
        "permission set Rich: session_duration is 'PT2H' at AWS, 'PT3H' here, no drift"
    ]
    assert (found.live.summary, found.live.exit_code) == ("none; 1 that is no drift", 0)


def test_a_reading_of_format_1_is_readable_and_does_not_know_the_controls(
    kept: Callable[[Organization], Path], tmp_path: Path
) -> None:
    file = kept(STOPPED)

    def as_format_1(found: Json) -> None:
        said, center, organization = found["states"], found["data"]["center"], found["data"]["organization"]
        found.update(format=1)
        del said["broken"], said["whole"]
        found["data"]["controls"] = None
        organization["trusted_services"].append("ssm.amazonaws.com")
        for one in center["permission_sets"]:
            described = one.pop("described")
            one.update(description=described.get("Description", ""), relay_state=described.get("RelayState", ""))
            one.update(session_duration=described["SessionDuration"])
        center["permission_sets"][-1]["session_duration"] = "PT9H"
        for named in said["attributes"].values():
            for one in named.values():
                kept = {word: one[word] for word in ("tags", "tags_all", "user_id", "group_id") if word in one}
                one.clear()
                one.update(kept)

    edited(file, as_format_1, hashed=True)
    path = LOGGED.write(tmp_path / "config")
    found = json.loads(strata(path, "report", "--from", file, "--format", "json").stdout)["live"]

    assert [(one["finding"], one["kind"]) for one in found["differences"]] == [
        ("changed-outside", "permission set"),
        ("left-on", "trusted service"),
    ]
    assert [(one["part"], one["kinds"]) for one in found["unread"]] == [("controls", ["trail"])]
    assert found["controls"]["trail"] == "not read"


def test_beside_a_run_nobody_knows_what_the_states_say(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it is about to do would look as if done outside; an answer about somebody does not wait for it."""
    Told(monkeypatch, CLEAN).held = True
    result = strata(folder, "report", "--live")
    answer = strata(folder, "explain", "ana", "--live")

    assert result.exit_code == 1
    assert f"): {HELD}" in result.stderr
    assert answer.exit_code == 0


# Keys and places


def test_what_no_file_has_gets_a_key_of_its_own(zone: LandingZone) -> None:
    there = CLEAN.at_aws(
        [account("a9", name="acme-a3", email="other@example.com"), unit("u7", "Prod")],
        [user("ana@elsewhere.example.com"), group("Admins!", "ana@elsewhere.example.com"), permission_set("Late")],
    )
    found = read(there).zone

    assert found.accounts.keys() - zone.accounts.keys() == {"acme-a3"}
    assert (found.accounts["a3"].id, found.accounts["acme-a3"].id) == (SHOP, "000000000009")
    assert found.units.keys() - zone.units.keys() == {"prod-00000007"}
    assert found.users.keys() - zone.users.keys() == {"ana-elsewhere-example-com"}
    assert found.groups.keys() - zone.groups.keys() == {"admins-2"}
    assert found.permission_sets.keys() - zone.permission_sets.keys() == {"Late"}
    assert found.groups["admins-2"].members == ("ana-elsewhere-example-com",)


def test_what_moved_keeps_its_line_and_what_came_has_none(zone: LandingZone) -> None:
    moved = changed("unit", "prod", within="root"), changed("group", "admins", members=("bo", "ana"))
    found = read(CLEAN.at_aws(moved)).zone

    unit_, group_ = found.units["prod"], found.groups["admins"]
    assert unit_.location != zone.units["prod"].location
    assert found.source("organization.yaml", unit_.location) == zone.source(
        "organization.yaml", zone.units["prod"].location
    )
    assert group_.members == ("ana", "bo")
    places = [str(found.source("sso.yaml", ("groups", "admins", "members", index))) for index in (0, 1)]
    assert places == [str(zone.source("sso.yaml", ("groups", "admins", "members", 0))), "no file"]


def test_accounts_that_are_left_to_others_are_told_with_their_line() -> None:
    text = f"unmanaged_accounts:\n  - Other@example.com\n\n{CLEAN.texts['organization.yaml']}"
    found = read(CLEAN.with_texts({"organization.yaml": text}).at_aws(account("other", name="other")))

    assert str(found.zone.source("organization.yaml", found.zone.accounts["other"].location)) == "organization.yaml:2"
    assert found.live.differences == ()


def test_members_of_an_external_group_are_known_at_aws() -> None:
    there = CLEAN.at_aws(
        [group("synced", "ana", "bo", external=True), group("unsynced", external=True)],
        [grant("Reader", "synced", "a3"), grant("Reader", "unsynced", "a3")],
    )
    found = read(there)
    rows = next(one.rows for one in tables(found.zone, Edition(AT.date())) if one.title == "By person")

    assert ("bo", "Reader", "a3", "synced no file") in rows
    assert "members of synced" not in {row[0] for row in rows}
    assert ("members of unsynced", "Reader", "a3", "unsynced no file") in rows


def test_what_ended_and_gives_nothing_any_more_does_not_end() -> None:
    ends = "acme: at a glance | Ends within 30 days"
    here = rows_that_differ(by_hand("assignment gone"))

    assert f"+ {ends} | nothing" in here
    assert any(one.startswith(f"- {ends} | ends on 2025-02-15, in 15 days: Rich of user ana") for one in here)


def test_full_access_that_is_not_attached_and_closed_accounts_are_noted(said: Said) -> None:
    new = policy_type("A_NEW_POLICY"), policy("later", type="A_NEW_POLICY")
    old = account("a9", name="old", state="SUSPENDED")
    notes = read(CLEAN.at_aws(old, new, no_full_access("a3"))).live

    assert [(one.id, one.data) for one in said(notes.notes)] == [
        ("account-inactive", {"accounts": ["000000000009"]}),
        ("not-declarable", {"policies": ["later"]}),
        ("full-access-not-attached", {"targets": ["account acme-a3"]}),
    ]


def test_expectations_are_asked_of_what_aws_has(zone: LandingZone) -> None:
    (expected,) = zone.expectations
    found = read(CLEAN.at_aws(gone("policy", "policy-1")))

    assert expected.id in page(found.zone, Edition(AT.date(), None, found.live))
    assert found.zone.policies == {}
    assert as_data(found.zone, Edition(AT.date()))["overview"]["accounts_bound_by_no_scp"] == ["a2", "a3", "a4"]


def test_an_expectation_that_names_what_aws_has_no_more_does_not_hold() -> None:
    names = {"set": "in: all, as: Rich", "unit": "in: ou/prod", "person": "in: a3, as: bo", "fine": "in: a3, as: Admin"}
    names["account"] = "in: a3, as: Admin, on: 'arn:aws:s3:*:a4:accesspoint/*/object/*'"
    entries = [f"- {{id: {id}, reason: test, denied: s3:GetObject, {rest}}}\n" for id, rest in names.items()]
    less = by_hand("unit gone").at_aws(gone("permission set", "Rich"), gone("user", "bo"), gone("account", "a4"))
    found = guardrails(read(less.with_texts({"expectations.yaml": "".join(entries)})).zone, AT.date())
    broken = {one.expectation.id: " ".join(one.broken) for one in found.expected}

    assert broken["set"].startswith("'Rich' is neither ")
    assert broken["person"].startswith("'bo' is neither ")
    assert broken["unit"].startswith("'ou/prod' is neither ")
    assert broken["account"].startswith("'arn:aws:s3:*:a4:accesspoint/*/object/*' is in 'a4'")
    assert broken["fine"] == ""
    assert not any(one.ended for one in found.expected)


def test_a_document_that_no_answer_can_rest_on_is_named() -> None:
    strange = DENY.replace('"Resource": "*"', '"Resource": "*", "Condition": {"QuantumEquals": {"aws:userid": "x"}}')
    found = read(CLEAN.at_aws(changed("policy", "policy-1", document=strange)))
    why = found.zone.unread["documents"]
    shown = as_text(tables(found.zone, Edition(AT.date(), None, found.live)), 1000)

    assert found.zone.unread == {"documents": why}
    assert why.startswith("policy policy-1 at AWS: statement 1 ")
    assert why.endswith("'QuantumEquals'")
    assert [(one.part, one.reason, one.reason.id) for one in found.live.unread] == [
        ("documents", why, "document-unreadable")
    ]
    assert f": {why}" in shown.partition("! Unread")[2]
    assert re.search(f"! Expectations +unread: {why}", shown)
    assert "guardrails" not in as_data(found.zone, Edition(AT.date()))
    assert escape(why) in page(found.zone, Edition(AT.date()))
    assert [one.kind for one in found.live.differences] == ["policy"]


# What may not be read


ACTIONS = {
    CENTER: "sso:ListInstances",
    POLICIES: "organizations:ListPolicies",
    DELEGATIONS: "organizations:ListDelegatedAdministrators",
    TRUSTED_SERVICES: "organizations:ListAWSServiceAccessForOrganization",
    ENTITLEMENTS: "account-access:ListApplications",
}


def without(*parts: str) -> Organization:
    """Returns what is read where some parts may not be read."""
    return CLEAN.at_aws([denied(ACTIONS[part]) for part in parts])


@pytest.mark.parametrize("part", [CENTER, POLICIES, DELEGATIONS, TRUSTED_SERVICES, ENTITLEMENTS])
def test_what_could_not_be_read_is_named_and_the_rest_is_reported(part: str) -> None:
    found = read(without(part))
    edition = Edition(AT.date(), None, found.live)
    formats = {
        "text": as_text(tables(found.zone, edition), 1000),
        "html": page(found.zone, edition),
        "json": json.dumps(as_data(found.zone, edition)),
        "mermaid": flowchart(found.zone, found.live),
    }

    assert {name for name, text in formats.items() if part in text and ACTIONS[part] in text} == formats.keys()
    assert (found.live.summary, found.live.exit_code) == (summary(0, 0, 1), 1)


def test_a_report_of_which_a_part_is_unread_is_written_and_ends_with_1(
    folder: Path, kept: Callable[[Organization], Path], tmp_path: Path
) -> None:
    result = strata(folder, "report", "--from", kept(without(POLICIES)), "--output", tmp_path / "report.txt")

    assert result.exit_code == 1
    assert f"unread: policies (policy, attachment): {ACTIONS[POLICIES]}" in result.stderr
    assert ACTIONS[POLICIES] in (tmp_path / "report.txt").read_text()


def test_no_answer_rests_on_people_that_were_not_read() -> None:
    found, reason = read(without(CENTER)), why(without(CENTER))
    edition = Edition(AT.date(), None, found.live)
    told_tables = {one.title: one for one in tables(found.zone, edition)}
    glance = {name: answer for name, answer in told_tables["acme: at a glance"].rows if name}

    assert glance["Numbers"].endswith(f" unread: {reason}")
    by_answer = {" ".join(name.split()[:4]) for name, answer in glance.items() if answer == f"unread: {reason}"}
    assert by_answer == {
        "! Administers everything",
        "! Break-glass",
        "! Full access to",
        "! Ends within 30",
        "! Expectations",
        "! Can undo a",
        "! People without a",
        "! People without access",
        "! Groups with access",
    }
    for title in ("By person", "By group", "Permission sets"):
        assert [row[0] for row in told_tables[title].rows] == ["! unread"]
        assert told_tables[title].notes == (reason,)
    assert {row[3] for row in told_tables["By account"].rows} == {"! unread"}
    assert "nobody" not in as_text(told_tables.values(), 100)
    data = as_data(found.zone, edition)
    assert not data.keys() & {"users", "groups", "permission_sets", "access", "guardrails"}
    assert not data["overview"].keys() & {"people", "administrators", "assignments", "ends_soon"}
    shown = page(found.zone, edition)
    assert "nobody" not in shown[: shown.index("<script")]
    assert '<section id="access" hidden ' in shown
    assert 'href="#access"' not in shown
    assert "0 people" not in re.sub(r"<[^>]+>", "", shown)


def test_no_answer_rests_on_policies_that_were_not_read() -> None:
    found = read(without(POLICIES))
    edition = Edition(AT.date(), None, found.live)
    text, data, shown = (
        as_text(tables(found.zone, edition), 200),
        as_data(found.zone, edition),
        page(found.zone, edition),
    )

    assert "no policy" not in text
    assert "no policy" not in shown
    assert f"by no SCP unread: {ACTIONS[POLICIES]}" in " ".join(text.split())
    assert not data.keys() & {"policies", "guardrails"}
    assert "accounts_bound_by_no_scp" not in data["overview"]
    assert all("slots" not in one for one in data["organization"])
    assert "policies unread" in flowchart(found.zone)
    assert "policies: unread" in text


def test_explain_tells_what_could_not_be_read(folder: Path, kept: Callable[[Organization], Path], said: Said) -> None:
    live = without(CENTER, POLICIES, DELEGATIONS)
    explained, reasons = Explained(read(live).zone), live.inventory.unread
    text, file = "\n".join(explained.account_lines("a3")), kept(live)

    assert f"bind it\n  unread: {reasons[POLICIES]}\n" in text
    assert f"gets in\n  unread: {reasons[CENTER]}" in text
    assert f"administers: unread: {reasons[DELEGATIONS]}" in text
    assert not explained.account_facts("a3").keys() & {"policies", "access", "administers"}
    assert strata(folder, "explain", "a3", "--from", file).exit_code == 1
    user_ = strata(folder, "explain", "ana", "--from", file)
    ((id, _, data, _),) = said(user_.stderr)
    assert (user_.exit_code, id, data) == (1, "people-unread", {"reason": reasons[CENTER]})
    table = strata(folder, "report", "--from", file, "--format", "csv")
    assert (table.exit_code, table.stdout) == (1, "")
    assert "unread" in table.stderr


def test_identity_center_that_is_off_is_unread_as_in_drift(said: Said) -> None:
    live = read(CLEAN.without_center())

    (told_once,) = said(live.live.unread[0].reason)
    assert [one.part for one in live.live.unread] == [CENTER]
    assert (told_once.id, told_once.data) == ("identity-center-off", {"region": "us-east-1"})
    assert said.ids(live.zone.unread["people"]) == ["identity-center-off"]


# The evidence


def test_the_hash_is_that_of_the_file_as_the_page_says_to_check_it(kept: Callable[[Organization], Path]) -> None:
    """The commands of docs/reports.md, on text that is not ASCII."""
    odd = (
        user("u9", name='\U0001f600é"\\'),
        changed("account", "a2", tags={"\U0001f600": "1", "\ufb33": "2", "é": "a\tb"}),
    )
    file = kept(CLEAN.at_aws(odd))
    told_hash = json.loads(file.read_text())["sha256"]
    text = (CHECKOUT / "docs/reports.md").read_text()
    commands = re.findall(r"^jq [^`]*?sha256sum$", text, flags=re.MULTILINE)

    assert len(commands) == 2
    for one in commands:
        done = subprocess.run(["bash", "-c", one], cwd=file.parent, capture_output=True, text=True, check=True)
        assert done.stdout.split()[0] == told_hash, one


def test_data_are_written_in_one_form() -> None:
    """The strings of RFC 8785, section 3.2.2.2."""
    found = canonical({"\ufb33": [True, None, '\u20ac$\x0f\nA\'B"\\\\"/\x7f'], "a": {}, "\u20ac": 1})

    assert found.decode() == '{"a":{},"\u20ac":1,"\ufb33":[true,null,"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/\x7f"]}'


def test_the_same_reading_has_the_same_hash_in_whatever_order_aws_told_it() -> None:
    attic, box = unit("attic", "Attic"), unit("box", "Box")
    one, other = CLEAN.at_aws(attic, box), CLEAN.at_aws(box, attic)

    assert [each.id for each in one.inventory.organization.units] != [
        each.id for each in other.inventory.organization.units
    ]
    assert evidence(one).sha256 == evidence(other).sha256
    assert evidence(one).sha256 != evidence(CLEAN).sha256


def test_a_kept_reading_reads_back(zone: LandingZone, kept: Callable[[Organization], Path]) -> None:
    made = evidence(by_hand("entitlement"))
    found = kept_in(kept(by_hand("entitlement")))

    assert (found.read_at, found.caller, found.sha256) == (AT, CALLER, made.sha256)
    assert found.inventory == made.inventory == by_hand("entitlement").inventory
    assert found.states == made.states
    assert told(zone, found).live == told(zone, made).live


@pytest.mark.parametrize(
    ("edit", "case"),
    [
        (lambda text: text.replace("ana@example.com", "ada@example.com"), "reading-changed"),
        (lambda text: text.replace('"format": 2', '"format": 3'), "unknown-format"),
        (lambda text: text.replace('"format": 2', '"format": [NaN]'), "unknown-format"),
        (lambda text: text[:-20], "not-a-reading"),
        (lambda _: "[]", "not-a-reading"),
        (lambda _: '{"format": 2}', "not-a-reading"),
    ],
)
def test_a_file_that_is_no_reading_is_refused(
    kept: Callable[[Organization], Path], edit: Callable[[str], str], case: str
) -> None:
    file = kept(CLEAN)
    file.write_text(edit(file.read_text()))

    with pytest.raises(StrataError) as refused:
        kept_in(file)

    (message,) = refused.value.args
    assert (message.id, message.place) == (case, str(file))
    assert json.dumps(dict(message.data), allow_nan=False)


def edited(file: Path, edit: Callable[[Json], object], *, hashed: bool) -> None:
    """Edits what a file keeps, with the hash of that where wanted, as somebody does who knows how it is made."""
    found = json.loads(file.read_text())
    told_hash = found.pop("sha256")
    edit(found)
    text = json.dumps(found, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    new = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() if hashed else told_hash
    file.write_text(json.dumps({**found, "sha256": new}))


@pytest.mark.parametrize(
    "edit",
    [
        lambda found: found["states"]["elsewhere"].append(["aws_identitystore_user", user("u9").id]),
        lambda found: found["states"]["ids"].clear(),
        lambda found: found.update(states=None),
        lambda found: found.update(read_at="2024-12-31T00:00:00+00:00"),
        lambda found: found.update(caller=f"arn:aws:iam::{MANAGEMENT}:root"),
        lambda found: found.update(note="reviewed"),
        lambda found: found["data"]["unread"].update(policies="not allowed"),
    ],
)
def test_no_part_of_a_kept_reading_can_be_edited(
    kept: Callable[[Organization], Path], edit: Callable[[Json], Any]
) -> None:
    file = kept(by_hand("user made"))
    edited(file, edit, hashed=False)

    with pytest.raises(StrataError) as refused:
        kept_in(file)

    (message,) = refused.value.args
    assert (message.id, message.place) == ("reading-changed", str(file))


def _first(found: Json, kind: str) -> Json:
    first: Json = found["data"]["organization"][kind][0]
    return first


@pytest.mark.parametrize(
    "edit",
    [
        lambda found: _first(found, "accounts").update(name="\ud800"),
        lambda found: found.update(caller="\ud800"),
        lambda found: found.update(caller=["arn"]),
        lambda found: found.update(states=[]),
        lambda found: found["states"].update(attributes={"aws_organizations_account": {"a4": {"tags_all": "null"}}}),
        lambda found: found.update(read_at=20250131),
        lambda found: found.update(read_at="2025-01-31T12:30:15"),
        lambda found: found.update(read_at="0001-01-01T00:00:00+14:00"),
        lambda found: _first(found, "units").update(parent=_first(found, "units")["id"]),
        lambda found: found["data"]["organization"]["units"].reverse(),
        lambda found: _first(found, "accounts").update(parent="ou-abcd-99999999"),
        lambda found: found["data"]["organization"]["accounts"].clear(),
        lambda found: found["data"]["organization"].update(management="222222222222"),
        lambda found: found["data"]["organization"].pop("units"),
        lambda found: found["data"]["center"]["permission_sets"].clear(),
        lambda found: found["data"]["center"]["permission_sets"][0].update(described={"SessionDuration": 7}),
        lambda found: found["data"]["center"]["permission_sets"][0].update(described=None),
        lambda found: found["data"].update(settings={"password_policy": {"": {"max_password_age": float("nan")}}}),
    ],
)
def test_what_no_reading_has_is_refused_whatever_its_hash(
    folder: Path, kept: Callable[[Organization], Path], edit: Callable[[Json], Any], said: Said
) -> None:
    file = kept(CLEAN)
    edited(file, edit, hashed=True)
    result = strata(folder, "report", "--from", file)

    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert [(one.id, one.place) for one in said(result)] == [("not-a-reading", str(file))]


def test_the_time_of_a_reading_is_told_in_utc_and_is_past(folder: Path, kept: Callable[[Organization], Path]) -> None:
    file, now = kept(CLEAN), dt.datetime.now(dt.UTC)
    edited(file, lambda found: found.update(read_at="2025-01-31T23:30:15-05:00"), hashed=True)
    elsewhere = strata(folder, "explain", "ana", "--from", file)
    edited(file, lambda found: found.update(read_at=(now + dt.timedelta(minutes=2)).isoformat()), hashed=True)
    ahead = strata(folder, "explain", "ana", "--from", file)
    edited(file, lambda found: found.update(read_at="2099-01-01T01:00:00+01:00"), hashed=True)
    future = strata(folder, "explain", "ana", "--from", file, "--json")

    assert "2025-02-01 at 04:30:15 UTC" in elsewhere.stdout
    assert ahead.exit_code == 0
    (told_error,) = json.loads(future.stdout)["messages"]
    assert (future.exit_code, told_error["id"], told_error["place"]) == (1, "reading-of-the-future", str(file))
    assert told_error["data"] == {"read_at": "2099-01-01T00:00:00+00:00"}


def test_a_reading_of_another_organization_is_refused(tmp_path: Path, said: Said) -> None:
    theirs, (own, *others) = (
        CLEAN.inventory,
        sorted(CLEAN.inventory.organization.accounts, key=lambda one: one.id != MANAGEMENT),
    )
    accounts = (replace(own, id="222222222222"), *others)
    other = replace(theirs, organization=replace(theirs.organization, management="222222222222", accounts=accounts))
    (tmp_path / "reading.json").write_bytes(Evidence.of(AT, CALLER, other).written())
    folder = CLEAN.write(tmp_path / "config")
    result = strata(folder, "explain", "ana", "--from", tmp_path / "reading.json")
    none = strata(folder, "report", "--from", tmp_path / "none.json")

    ((id, place, data, _),) = said(result)
    assert (result.exit_code, id, place) == (1, "other-organization", str(tmp_path / "reading.json"))
    assert data == {"account": "222222222222"}
    assert [(one.id, one.place) for one in said(none)] == [("file-unreadable", str(tmp_path / "none.json"))]


def test_a_report_does_not_replace_what_it_is_made_of(folder: Path, kept: Callable[[Organization], Path]) -> None:
    """Nothing has that reading again."""
    file = kept(CLEAN)
    before = file.read_bytes()
    result = strata(folder, "report", "--from", file, "--output", file)

    assert result.exit_code == 2
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "case", "named"),
    [
        (("report", "--live", "--diff", "HEAD"), "arguments-conflict", ["--diff", "--live", "--from"]),
        (("report", "--from", "x", "--diff", "HEAD"), "arguments-conflict", ["--diff", "--live", "--from"]),
        (("report", "--live", "--as-of", "2027-01-01"), "arguments-conflict", ["--as-of", "--live", "--from"]),
        (("report", "--live", "--from", "x"), "arguments-conflict", ["--live", "--from"]),
        (("report", "--save", "x"), "argument-missing", "--live"),
        (("report", "--live", "--save", "x", "--output", "./x"), "arguments-conflict", ["--save", "--output"]),
        (("report", "--from", "x", "--output", "./x"), "arguments-conflict", ["--from", "--output"]),
        (("explain", "ana", "--save", "x"), "argument-missing", "--live"),
        (("explain", "ana", "--live", "--from", "x"), "arguments-conflict", ["--live", "--from"]),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    folder: Path, words: tuple[str, ...], case: str, named: object, said: Said
) -> None:
    result = strata(folder, *words)

    assert (result.exit_code, result.stdout) == (2, "")
    assert [(one.id, *one.data.values()) for one in said(result)] == [(case, named)]


def test_a_configuration_is_needed(tmp_path: Path, said: Said) -> None:
    result = strata(tmp_path / "none", "report", "--live")

    assert result.exit_code == 1
    assert [(one.id, one.place) for one in said(result)] == [("no-configuration", str(tmp_path / "none"))]


HELD = Message("other-run-active", "ana@laptop holds the state", stack="sso")


class Told:
    """An AWS that answers what a reading asks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, there: Organization) -> None:
        self.denied = self.held = False
        live = there.inventory
        monkeypatch.setattr(live_reading, "connect", lambda *_: None)
        monkeypatch.setattr(live_reading, "management_caller", lambda *_: Caller(MANAGEMENT, CALLER))
        monkeypatch.setattr(live_reading, "read_states", self.states)
        monkeypatch.setattr(live_reading, "check_same", self.unchanged)
        monkeypatch.setattr(InventoryReading, "read", lambda *_, **how: live if how == {"partly": True} else None)
        monkeypatch.setattr(InventoryReading, "controls", lambda *asked: replace(asked[2], controls={}))

    def unchanged(self, *_: Any) -> None:
        if self.held:
            raise StrataError(HELD)

    def states(self, *_: Any) -> dict[str, Json]:
        if self.denied:
            raise AwsError(Message("aws-denied", "s3:ListBucket is not allowed"), "AccessDenied")
        return CLEAN.states


@pytest.mark.parametrize("there", [False, True])
def test_aws_is_read_and_kept(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    Told(monkeypatch, by_hand("group made"))
    file = tmp_path / "reading.json"
    if there:
        file.touch(0o644)
    before = dt.datetime.now(dt.UTC).replace(microsecond=0)
    live = strata(folder, "report", "--live", "--save", file)
    again = strata(folder, "report", "--from", file)

    assert (live.exit_code, again.exit_code) == (3, 3)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600, "it has names and addresses"
    assert live.stdout == again.stdout
    assert "AWS was asked" in live.stderr
    assert (again.stderr.count("\n"), again.stderr.endswith(": 1 difference\n")) == (1, True)
    assert before <= kept_in(file).read_at <= dt.datetime.now(dt.UTC)
    assert f"group night ({group('g15').id}): at AWS only" in " ".join(live.stdout.split())


@pytest.fixture
def unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """An AWS that nobody may ask."""

    def connect(*_: Any) -> None:
        raise AssertionError("AWS is asked")

    monkeypatch.setattr(live_reading, "connect", connect)


@pytest.mark.parametrize("command", [("report",), ("explain", "ana")])
@pytest.mark.parametrize(
    ("file", "case"),
    [
        ("config/sso.yaml", "file-in-configuration"),
        ("config/reading.json", "file-in-configuration"),
        (".", "not-a-file"),
        ("none/reading.json", "folder-missing"),
        ("file/reading.json", "file-unwritable"),
        ("pipe", "not-a-file"),
        ("/dev/full", "not-a-file"),
    ],
)
def test_a_file_that_cannot_keep_a_reading_is_refused_before_it(
    folder: Path, tmp_path: Path, unasked: None, command: tuple[str, ...], file: str, case: str, said: Said
) -> None:
    own = Path(shutil.copytree(folder, tmp_path / "config"))
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    before = {one: one.read_bytes() for one in own.rglob("*.*")}
    result = strata(own, *command, "--live", "--save", tmp_path / file)

    assert (result.exit_code, result.stdout) == (2 if "config" in file else 1, "")
    (told_error,) = said(result)
    assert (told_error.id, told_error.place) == (case, str(tmp_path / file))
    assert told_error.data["option"] == "--save"
    assert {one: one.read_bytes() for one in own.rglob("*.*")} == before


@pytest.mark.parametrize(
    ("file", "case"),
    [
        ("config/sso.yaml", "file-in-configuration"),
        (".", "not-a-file"),
        ("none/report.txt", "folder-missing"),
    ],
)
@pytest.mark.parametrize("source", [("--live",), ("--diff", "HEAD"), ()])
def test_a_file_that_cannot_have_the_report_is_refused_before_it(
    folder: Path, tmp_path: Path, unasked: None, source: tuple[str, ...], file: str, case: str, said: Said
) -> None:
    own = Path(shutil.copytree(folder, tmp_path / "config"))
    before = (own / "sso.yaml").read_bytes()
    result = strata(own, "report", *source, "--output", tmp_path / file)

    assert (result.exit_code, result.stdout) == (2 if "config" in file else 1, "")
    (told_error,) = said(result)
    assert (told_error.id, told_error.place) == (case, str(tmp_path / file))
    assert told_error.data["option"] == "--output"
    assert (own / "sso.yaml").read_bytes() == before


@pytest.mark.parametrize("words", [("report", "--person", "nosuch"), ("explain", "nosuch")])
def test_an_unknown_name_keeps_no_reading(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    Told(monkeypatch, CLEAN)
    file = tmp_path / "reading.json"
    unknown = strata(folder, *words, "--live", "--save", file)
    there = file.exists()
    known = strata(folder, *(word.replace("nosuch", "ana") for word in words), "--live", "--save", file)

    assert (unknown.exit_code, unknown.stdout, there) == (1, "", False)
    assert "nosuch" in unknown.stderr
    assert (known.exit_code, kept_in(file).caller) == (0, CALLER)


def test_who_may_not_read_the_states_is_told_that(
    folder: Path, zone: LandingZone, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    """A name alone does not tell what a thing was, nor which tags Strata put on it."""
    Told(monkeypatch, by_hand("account tags")).denied = True
    result = strata(folder, "report", "--live")
    found = told(zone, Evidence.of(AT, CALLER, by_hand("account tags").inventory))

    assert (result.exit_code, said.ids(result.stderr)) == (1, ["states-denied"])
    assert found.live.differences == ()
    assert read(by_hand("account tags")).live.differences != ()


def test_what_was_renamed_at_aws_keeps_its_key(zone: LandingZone) -> None:
    there = CLEAN.at_aws(changed("group", "readers-of-it", name="Lookers"))
    found, by_name = read(there), told(zone, Evidence.of(AT, CALLER, there.inventory))

    assert [one.what for one in found.live.differences] == [
        "group readers-of-it: name is 'Lookers' at AWS, 'Readers of it' here"
    ]
    assert found.zone.groups["readers-of-it"].name == "Lookers"
    assert by_name.zone.groups.keys() == {"admins", "lookers"}
    assert "group readers-of-it: declared only" in [one.what for one in by_name.live.differences]


def test_a_key_that_was_renamed_after_a_reading_keeps_its_tags() -> None:
    """A kept reading has the states of its day: with the tags that Strata gives under the keys of then."""
    made = evidence(CLEAN)
    renamed = {
        name: text.replace("  a2:", "  boutique:").replace("- a2\n", "- boutique\n")
        for name, text in CLEAN.texts.items()
    }
    renamed["organization.yaml"] = renamed["organization.yaml"].replace(": a2\n", ": boutique\n")
    renamed["moves.yaml"] = "- {kind: account, from: a2, to: boutique}\n"
    before, after = told(CLEAN.zone, made), told(CLEAN.with_texts(renamed).zone, made)

    assert [one.what for one in (*before.live.differences, *after.live.differences)] == []
    assert "boutique" in after.zone.accounts
