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
from strata.commands.adopt import configuration
from strata.commands.drift import _summary
from strata.commands.explain import Explained
from strata.config.models import RegionalSetting, Security, Setting
from strata.config.moves import Kind
from strata.drift.comparison import Drift, compare, controls_of
from strata.drift.recorded import states_of
from strata.errors import StrataError
from strata.files.config_edit import write_texts
from strata.inventory.controls import recorded_controls
from strata.inventory.progress import Reading
from strata.inventory.reading import CENTER, DELEGATIONS, ENTITLEMENTS, POLICIES, TRUSTED_SERVICES
from strata.inventory.things import Inventory
from strata.landing_zone import LandingZone
from strata.live import reading as live_reading
from strata.live.evidence import Evidence, canonical, kept_in
from strata.live.reading import Read, told
from strata.load import load
from strata.report.data import as_data
from strata.report.edition import Edition
from strata.report.guardrails import guardrails
from strata.report.mermaid import flowchart
from strata.report.page import page
from strata.report.tables import Table, as_csv, as_markdown, as_text, tables
from tests.after_deploy import inventory_of
from tests.synthesized import CHECKOUT, COMPANY
from tests.test_describing import DENY, PROJECT_, account, grant, group, permission_set, policy, unit, user, uuid
from tests.test_drift import SHOP, cases, changed, deployed, states

AT = dt.datetime(2025, 1, 31, 12, 30, 15, tzinfo=dt.UTC)
CALLER = "arn:aws:sts::111111111111:assumed-role/Auditor/ana"
OF_LIVE = ("Evidence", "Differences to the configuration", "Account ids")
Json = dict[str, Any]


@cache
def clean() -> Inventory:
    """Returns what AWS has right after a deploy, and nothing that others look after."""
    return alone(changed(deployed(), settings={name: _as_set(kind) for name, kind in Security.kinds(Setting).items()}))


def _as_set(kind: type[Setting]) -> dict[str, Json]:
    """Returns what AWS has of a setting that is as Strata sets it."""
    chosen = {argument: getattr(kind(), parameter) for parameter, argument in kind.arguments.items()}
    regions = PROJECT_.regions.all_governed if issubclass(kind, RegionalSetting) else ("",)
    return {region: {**chosen, **kind.always} for region in regions}


def alone(live: Inventory) -> Inventory:
    """Returns an inventory without what an identity provider made."""
    own = {part: tuple(one for one in getattr(live.center, part) if not one.external) for part in ("users", "groups")}
    return changed(live, **own)


def by_hand(name: str) -> Inventory:
    """Returns what AWS has after a change by hand, in one of the cases of drift."""
    return alone(changed(_cases()[name][0], settings=clean().settings))


@cache
def _cases() -> dict[str, tuple[Inventory, list[str], str]]:
    return cases()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of what was deployed, with a reason and a last day."""
    path = tmp_path_factory.mktemp("live")
    write_texts(path, configuration(PROJECT_, clean())[1])
    sso = (path / "sso.yaml").read_text()
    entry = "  - permission_sets:\n      - Rich\n    users:\n      - ana\n"
    assert entry in sso
    (path / "sso.yaml").write_text(sso.replace(entry, f"{entry}    reason: Her shop.\n    until: 2025-02-15\n"))
    return path


@pytest.fixture(scope="module")
def zone(folder: Path) -> LandingZone:
    return load(folder)


def evidence(zone: LandingZone, live: Inventory) -> Evidence:
    return Evidence.of(AT, CALLER, live, states_of(states(deployed())))


def read(zone: LandingZone, live: Inventory) -> Read:
    return told(zone, evidence(zone, live))


@pytest.fixture
def kept(zone: LandingZone, tmp_path: Path) -> Callable[[Inventory], Path]:
    """Keeps what AWS has, as --save does."""

    def keep(live: Inventory) -> Path:
        file = tmp_path / "reading.json"
        file.write_bytes(evidence(zone, live).written())
        return file

    return keep


def strata(folder: Path, *words: str | Path) -> Result:
    return CliRunner().invoke(app, [*map(str, words), "--config", str(folder)])


def declared_and_live(zone: LandingZone, live: Inventory) -> tuple[list[Table], list[Table]]:
    """Returns the tables of the configuration, and those of AWS, both without what only these have."""
    found = read(zone, live)
    here = tables(zone, Edition(AT.date()))
    there = [one for one in tables(found.zone, Edition(AT.date(), None, found.live)) if one.title not in OF_LIVE]
    return [_without_evidence(here[0]), *here[1:]], [_without_evidence(there[0]), *there[1:]]


def _without_evidence(glance: Table) -> Table:
    """Returns the first screen without the differences, the controls and what is said of a report from AWS alone."""
    rows, title = [], ""
    for name, answer in glance.rows:
        title = name or title
        if title.removeprefix("! ") not in ("Differences to the configuration", "Controls that are off"):
            rows.append((name, answer))
    notes = tuple(one for one in glance.notes if not one.startswith("strata drift"))
    return replace(glance, rows=rows, notes=notes, lead=())


def rows_that_differ(zone: LandingZone, live: Inventory) -> set[str]:
    """Returns the rows that only one of the two reports has, without the controls."""
    here, there = (
        {" | ".join((one.title, *row)) for one in each if one.title != "Controls" for row in one.rows}
        for each in declared_and_live(zone, live)
    )
    return {f"- {one}" for one in here - there} | {f"+ {one}" for one in there - here}


# Where nothing differs


def test_the_tables_are_the_declared_ones(zone: LandingZone) -> None:
    here, there = declared_and_live(zone, clean())

    assert [one for one in there if one.title != "Controls"] == [one for one in here if one.title != "Controls"]
    assert read(zone, clean()).live.differences == ()


@pytest.mark.parametrize("config", [COMPANY, CHECKOUT / "tests/every_option"])
def test_what_options_make_is_told_as_what_options_make(config: Path) -> None:
    zone = load(config)
    found = told(zone, Evidence.of(AT, CALLER, inventory_of(zone)))
    here, there = (
        [one for one in tables(each, Edition(AT.date())) if one.title != "Controls"] for each in (zone, found.zone)
    )

    assert there == here
    assert found.live.differences == ()


def test_the_modes_are_declared_and_what_aws_has_stands_beside(zone: LandingZone) -> None:
    regions = {"us-east-1": {"enabled": True}, "us-west-2": {}}
    settings = {**clean().settings, "ebs_encryption": regions, "image_public_access": regions, "s3_public_access": {}}
    here, there = (
        {row[0]: row[1:] for row in one.rows}
        for each in declared_and_live(zone, changed(clean(), settings=settings))
        for one in each
        if one.title == "Controls"
    )

    assert {name: mode for name, (mode, _) in there.items()} == {name: mode for name, (mode, _) in here.items()}
    assert there["ebs_encryption"] == ("on", "not as Strata sets it in us-west-2")
    assert there["password_policy"] == ("on", "as Strata sets it")
    assert there["image_public_access"] == ("unmanaged", "not as Strata would set it in us-east-1, us-west-2")
    assert there["instance_metadata"] == ("unmanaged", "as Strata would set it")
    assert there["trail"] == ("unmanaged", "not read")
    assert there["s3_public_access"] == ("on", "not read")


def test_the_other_formats_are_the_declared_ones(zone: LandingZone) -> None:
    found = read(zone, clean())
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
    found = read(zone, by_hand("assignment made"))
    shown = page(found.zone, Edition(AT.date(), None, found.live))

    for words in ("2025-01-31 12:30:15 UTC", CALLER, found.live.sha256, "o-abcdefghij", SHOP, "d-1234567890"):
        assert words in shown
    assert "assignment Admin of group readers-of-it in a3: at AWS only" in shown
    assert 'href="#differences"' in shown
    assert "evidence" not in page(zone, Edition(AT.date()))


def test_answers_are_the_declared_ones(zone: LandingZone) -> None:
    here, live = Explained(zone), Explained(read(zone, clean()).zone)

    assert [*live.user_lines("ana", "a3")] == [*here.user_lines("ana", "a3")]
    assert [*live.account_lines("a3")] == [*here.account_lines("a3")]
    assert [*live.group_lines("admins")] == [*here.group_lines("admins")]
    assert [*live.permission_set_lines("Rich")] == [*here.permission_set_lines("Rich")]
    assert live.user_facts("ana") == here.user_facts("ana")


def test_an_answer_from_aws_has_its_evidence_below(folder: Path, kept: Callable[[Inventory], Path]) -> None:
    live = strata(folder, "explain", "ana", "--from", kept(clean()))
    answer, _, rest = live.stdout.partition("\nLive: ")

    assert (live.exit_code, live.stderr) == (0, "")
    assert answer.startswith("ana: Ana Adler, ")
    assert rest.startswith(f"as AWS had it on 2025-01-31 at 12:30:15 UTC, read by {CALLER}\n")
    assert rest.endswith("Differences to the configuration here: none\n")


# Where something was done by hand


def test_a_session_length_that_no_file_writes_is_compared_with_the_default(
    folder: Path, tmp_path: Path, kept: Callable[[Inventory], Path]
) -> None:
    """Whatever the states say of it; no file has it, so the answer of the configuration is the default."""
    own = Path(shutil.copytree(folder, tmp_path / "config"))
    text = (own / "sso.yaml").read_text()
    (own / "sso.yaml").write_text(text.replace("    session_duration: PT2H\n", ""))
    center = clean().center
    assert center
    (*rest, rich), said = center.permission_sets, dict[str, tuple[str, list[Json]]]()
    assert rich.name == "Rich"
    for length in ("PT1H", "PT12H"):
        file = kept(changed(clean(), permission_sets=(*rest, replace(rich, session_duration=length))))
        answer = strata(own, "explain", "--permission-set", "Rich", "--from", file).stdout
        report = json.loads(strata(own, "report", "--format", "json", "--from", file).stdout)
        said[length] = answer.rpartition("Differences")[2], report["live"]["differences"]

    assert said["PT1H"] == (" to the configuration here: none\n", [])
    what = "permission set Rich: session_duration is 'PT12H' at AWS, 'PT1H' here, sso.yaml:35"
    assert said["PT12H"][0] == f" to the configuration here: 1 difference\n  {what}\n"
    assert [(one["at_aws"], one["declared"]) for one in said["PT12H"][1]] == [("PT12H", "PT1H")]
    assert "session of 1 h" in strata(own, "explain", "--permission-set", "Rich").stdout


def test_every_change_by_hand_is_told_as_drift_tells_it(zone: LandingZone) -> None:
    missed: dict[str, Any] = {}
    for name, (_, expected, _) in _cases().items():
        found = [
            f"{one.how} {one.kind} {one.name}{f': {one.attribute} is {one.at_aws}' if one.attribute else ''}"
            for one in read(zone, by_hand(name)).live.differences
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
            "+ Policies | policy-1 | SCP | root no file, organizational unit workloads organization.yaml:40, "
            "account a3 no file | 87 of 10,240",
        ),
        (
            "inline policy changed",
            {"Permission sets"},
            "+ Permission sets | Rich | AWS policy ReadOnlyAccess; your policy /teams/Billing; inline policy of Rich "
            "at AWS: s3 (all); at most your policy /teams/Billing (boundary); session of 2 h | sso.yaml:35",
        ),
        ("user made", {"acme: at a glance", "Layers"}, "+ acme: at a glance | People without access | bo, eve"),
        ("group's description", set(), ""),
        ("account closed", {"By account", "By group", "Organization", "acme: at a glance", "By person", "Layers"}, ""),
    ],
)
def test_the_report_differs_where_that_was_done_and_nowhere_else(
    zone: LandingZone, name: str, where: set[str], row: str
) -> None:
    found = rows_that_differ(zone, by_hand(name))

    assert {one[2:].partition(" | ")[0] for one in found} == where
    assert not row or row in found


def test_somebody_has_an_assignment_that_was_made_in_the_console(
    folder: Path, kept: Callable[[Inventory], Path]
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


def test_an_answer_has_the_differences_that_concern_it(zone: LandingZone) -> None:
    reads = {name: read(zone, by_hand(name)) for name, *_ in CONCERNED}
    found = [(name, kind, key, len(reads[name].about(kind, key).differences)) for name, kind, key, _ in CONCERNED]

    assert found == list(CONCERNED)


def test_what_accepted_yaml_has_is_told_as_accepted(folder: Path, tmp_path: Path) -> None:
    own = Path(shutil.copytree(folder, tmp_path / "config"))
    entry = "- finding: made-outside\n  at: assignment Admin of group readers-of-it in a3\n  reason: agreed\n"
    (own / "accepted.yaml").write_text(entry)
    live = read(load(own), by_hand("assignment made")).live
    (own / "accepted.yaml").write_text(f"{entry}  until: {AT.date() - dt.timedelta(days=1)}\n")
    later = read(load(own), by_hand("assignment made")).live

    assert [one.what for one in live.differences] == [
        "assignment Admin of group readers-of-it in a3: at AWS only, accepted"
    ]
    assert [one.accepted for one in later.differences] == [False]


def test_what_is_accepted_as_left_on_is_told_as_accepted(folder: Path, tmp_path: Path) -> None:
    """The state has what a deploy noted; without one nobody can tell it from what is new."""
    own = Path(shutil.copytree(folder, tmp_path / "config"))
    service = "trusted service ssm.amazonaws.com"
    (own / "accepted.yaml").write_text(f"- finding: left-on\n  at: {service}\n  reason: agreed\n")
    on = clean().organization.trusted_services
    left = changed(clean(), trusted_services=(*on, "ssm.amazonaws.com"))
    noted = told(load(own), Evidence.of(AT, CALLER, left, states_of(states(left)))).live
    unknown = told(load(own), Evidence.of(AT, CALLER, left)).live

    for live in (noted, unknown):
        assert [one.what for one in live.differences] == [f"{service}: at AWS only, accepted"]


def test_another_name_of_the_management_account_is_told(zone: LandingZone) -> None:
    own, *others = clean().organization.accounts
    live = changed(clean(), accounts=(replace(own, name="Acme Inc", email="root@example.com"), *others))
    found = read(zone, live)

    assert [(one.what, one.place) for one in found.live.differences] == [
        ("account management: name is 'Acme Inc' at AWS, 'acme' here, no drift", "project.yaml:9"),
        ("account management: email is 'root@example.com' at AWS, 'aws@example.com' here, no drift", "project.yaml:10"),
    ]
    assert (found.live.exit_code, found.live.summary) == (0, "none; 2 that are no drift")
    assert found.zone.accounts["management"].name == "Acme Inc"


# As drift tells it


TRAIL = "aws_cloudtrail.organization"


class Logged:
    """A landing zone with a trail: its configuration, what its states say, and what AWS has."""

    def __init__(self, folder: Path, path: Path) -> None:
        self.path = Path(shutil.copytree(folder, path))
        text = (self.path / "security.yaml").read_text()
        (self.path / "security.yaml").write_text(text.replace("trail:\n  mode: unmanaged", "trail:\n  mode: on"))
        on = ("enable_logging", "enable_log_file_validation", "is_organization_trail", "is_multi_region_trail")
        trail = {"attributes": {**dict.fromkeys(on, True), "s3_bucket_name": "logs"}}
        held = {"mode": "managed", "type": "aws_cloudtrail", "name": "organization", "instances": [trail]}
        self.states = {**states(deployed()), "security": {"resources": [held]}}
        self.zone = load(self.path)
        self.live = replace(clean(), controls=dict(recorded_controls(controls_of(self.zone, self.states))))

    def stopped(self, **parts: Any) -> Inventory:
        """Returns what AWS has where somebody stopped the trail."""
        assert self.live.controls
        return replace(self.live, controls={TRAIL: {**self.live.controls[TRAIL], "logging": False}}, **parts)

    def read(self, live: Inventory) -> Read:
        return told(self.zone, Evidence.of(AT, CALLER, live, states_of(self.states)))

    def drift(self, live: Inventory) -> Drift:
        return compare(self.zone, self.states, live)


@pytest.fixture
def logged(folder: Path, tmp_path: Path) -> Logged:
    return Logged(folder, tmp_path / "logged")


def first_page(found: Read) -> dict[str, list[str]]:
    """Returns the answers of the first page by question."""
    rows, title = dict[str, list[str]](), ""
    for name, answer in tables(found.zone, Edition(AT.date(), None, found.live))[0].rows:
        title = name or title
        rows.setdefault(title, []).append(answer)
    return rows


def test_a_stopped_trail_is_on_the_first_page_of_every_format(logged: Logged, tmp_path: Path) -> None:
    found, edition = logged.read(logged.stopped()), Edition(AT.date())
    edition = replace(edition, live=found.live)
    what = "control trail: logging is false at AWS, true here"
    data = as_data(found.zone, edition)

    assert [one.at for one in logged.drift(logged.stopped()).differences] == ["control trail: logging is false"]
    assert first_page(found)["! Differences to the configuration"] == ["1 difference", what]
    assert first_page(found)["Controls that are off"][0] == what.removeprefix("control ")
    assert f"| {what} |" in as_markdown(tables(found.zone, edition)[:1]).replace("\\", "")
    assert what.partition(": ")[2] in page(found.zone, edition).partition('id="evidence')[0]
    assert [(one["finding"], one["name"]) for one in data["live"]["differences"]] == [("changed-outside", "trail")]
    assert data["live"]["controls"]["trail"] == what.removeprefix("control trail: ")
    assert {row.rpartition(",")[2] for row in as_csv(found.zone, live=found.live).splitlines()[1:]} == {
        '"1 difference"'
    }
    assert "%% Differences: 1 difference\n" in flowchart(found.zone, found.live)


def test_the_exit_code_and_the_counts_are_those_of_drift(logged: Logged, tmp_path: Path) -> None:
    """Nothing differs, it differs, a part is unread, both; and the reading that is kept tells the same."""
    unread = {"trusted services": WHY}
    cases = {
        "none": (logged.live, 0, "none"),
        "stopped": (logged.stopped(), 3, "1 difference"),
        "unread": (replace(logged.live, unread=unread), 1, "none in what could be read, 1 part unread"),
        "both": (logged.stopped(unread=unread), 1, "1 difference in what could be read, 1 part unread"),
    }
    file = tmp_path / "reading.json"
    for live, code, counts in cases.values():
        found, drift = logged.read(live), logged.drift(live)
        file.write_bytes(found.evidence.written())
        again = strata(logged.path, "report", "--from", file)
        assert (found.live.exit_code, found.live.summary, again.exit_code) == (code, counts, code)
        assert _summary(drift) == counts.replace("none", "no drift")
        assert not code or again.stderr.endswith(f"differences to the configuration: {counts}\n")


def test_what_was_not_read_is_never_on_and_never_fine(logged: Logged) -> None:
    """Of the trail that is there its bucket's policy; the trail where AWS was not asked; what no report reads."""
    as_it_is, denied = logged.read(logged.live), logged.read(replace(logged.live, controls={}, unread={"trail": WHY}))
    unasked = logged.read(replace(logged.live, controls=None))

    assert as_it_is.live.controls["trail"].words == "as deployed; its bucket and event selectors are not read"
    for found in (denied, unasked):
        rows = {row[0]: row[1:] for one in tables(found.zone, Edition(AT.date(), None, found.live)) for row in one.rows}
        assert rows["trail"] == ("on", "not read")
        assert "trail" in first_page(found)["Controls that are off"][-1].removeprefix("not read: ").split(", ")
        assert "trail" in as_data(found.zone, Edition(AT.date(), None, found.live))["live"]["controls_not_read"]
        assert found.live.exit_code == 1
    assert "github_actions" in first_page(as_it_is)["Controls that are off"][-1]
    assert "none" not in first_page(as_it_is)["Controls that are off"]


def test_who_administers_everything_is_said_to_be_of_identity_center(logged: Logged) -> None:
    nobody = logged.read(changed(logged.live, assignments=frozenset()))

    for rows in (first_page(logged.read(logged.live)), first_page(nobody)):
        assert rows["! Administers everything"][-1] == (
            "all through Identity Center; IAM users and roles of the management account, and its root user, "
            "are not read"
        )
    assert first_page(nobody)["! Administers everything"][0] == "nobody"


def test_what_waits_for_a_deploy_is_told_and_is_no_drift(logged: Logged) -> None:
    text = (logged.path / "sso.yaml").read_text()
    (logged.path / "sso.yaml").write_text(text.replace("session_duration: PT2H", "session_duration: PT3H"))
    logged.zone = load(logged.path)
    found = logged.read(logged.live)

    assert [one.what for one in found.live.differences] == [
        "permission set Rich: session_duration is 'PT2H' at AWS, 'PT3H' here, no drift"
    ]
    assert (found.live.summary, found.live.exit_code) == ("none; 1 that is no drift", 0)


def test_a_reading_of_format_1_is_readable_and_does_not_know_the_controls(logged: Logged, tmp_path: Path) -> None:
    file = tmp_path / "reading.json"
    file.write_bytes(logged.read(logged.stopped()).evidence.written())

    def as_format_1(found: Json) -> None:
        said, center, organization = found["states"], found["data"]["center"], found["data"]["organization"]
        found.update(format=1)
        del said["broken"], said["whole"]
        found["data"]["controls"] = None
        organization["trusted_services"].append("ssm.amazonaws.com")
        center["permission_sets"][-1]["session_duration"] = "PT9H"
        for named in said["attributes"].values():
            for one in named.values():
                kept = {word: one[word] for word in ("tags", "tags_all", "user_id", "group_id") if word in one}
                one.clear()
                one.update(kept)

    edited(file, as_format_1, hashed=True)
    found = json.loads(strata(logged.path, "report", "--from", file, "--format", "json").stdout)["live"]

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
    Told(monkeypatch, clean()).held = True
    result = strata(folder, "report", "--live")
    answer = strata(folder, "explain", "ana", "--live")

    assert result.exit_code == 1
    assert "what waits for a deploy): ana@laptop has held the state of sso since 2025-01-31 12:00 UTC" in result.stderr
    assert answer.exit_code == 0


# Keys and places


def test_what_no_file_has_gets_a_key_of_its_own(zone: LandingZone) -> None:
    center = clean().center
    assert center
    live = changed(
        clean(),
        accounts=(*clean().organization.accounts, account(9, name="acme-a3", email="other@example.com")),
        units=(*clean().organization.units, unit(7, "Prod")),
        users=(*center.users, user(9, "ana@elsewhere.example.com")),
        groups=(*center.groups, group(15, "Admins!", 9)),
        permission_sets=(*center.permission_sets, permission_set("Late")),
    )
    found = read(zone, live).zone

    assert found.accounts.keys() - zone.accounts.keys() == {"acme-a3"}
    assert (found.accounts["a3"].id, found.accounts["acme-a3"].id) == (SHOP, "000000000009")
    assert found.units.keys() - zone.units.keys() == {"prod-00000007"}
    assert found.users.keys() - zone.users.keys() == {"ana-elsewhere-example-com"}
    assert found.groups.keys() - zone.groups.keys() == {"admins-2"}
    assert found.permission_sets.keys() - zone.permission_sets.keys() == {"Late"}
    assert found.groups["admins-2"].members == ("ana-elsewhere-example-com",)


def test_what_moved_keeps_its_line_and_what_came_has_none(zone: LandingZone) -> None:
    center, live = clean().center, clean().organization
    assert center
    members = {uuid(2): uuid(88), **center.groups[0].members}
    moved = changed(
        clean(),
        units=(live.units[0], replace(live.units[1], parent=live.root)),
        groups=(replace(center.groups[0], members=members), *center.groups[1:]),
    )
    found = read(zone, moved).zone

    unit_, group_ = found.units["prod"], found.groups["admins"]
    assert unit_.location != zone.units["prod"].location
    assert found.source("organization.yaml", unit_.location) == zone.source(
        "organization.yaml", zone.units["prod"].location
    )
    assert group_.members == ("ana", "bo")
    places = [str(found.source("sso.yaml", ("groups", "admins", "members", index))) for index in (0, 1)]
    assert places == [str(zone.source("sso.yaml", ("groups", "admins", "members", 0))), "no file"]


def test_accounts_that_are_left_to_others_are_told_with_their_line(folder: Path, tmp_path: Path) -> None:
    own = Path(shutil.copytree(folder, tmp_path / "config"))
    text = (own / "organization.yaml").read_text()
    (own / "organization.yaml").write_text(f"unmanaged_accounts:\n  - Other@example.com\n\n{text}")
    accounts = (*clean().organization.accounts, account(9, name="other", email="other@example.com"))
    found = read(load(own), changed(clean(), accounts=accounts))

    assert str(found.zone.source("organization.yaml", found.zone.accounts["other"].location)) == "organization.yaml:2"
    assert found.live.differences == ()


def test_members_of_an_external_group_are_known_at_aws(zone: LandingZone) -> None:
    center = clean().center
    assert center
    synced = (group(20, "synced", 1, 2, external=True), group(21, "unsynced", external=True))
    given = {grant("Reader", 20, SHOP), grant("Reader", 21, SHOP)}
    live = changed(clean(), groups=(*center.groups, *synced), assignments=center.assignments | given)
    found = read(zone, live)
    rows = next(one.rows for one in tables(found.zone, Edition(AT.date())) if one.title == "By person")

    assert ("bo", "Reader", "a3", "synced no file") in rows
    assert "members of synced" not in {row[0] for row in rows}
    assert ("members of unsynced", "Reader", "a3", "unsynced no file") in rows


def test_what_ended_and_gives_nothing_any_more_does_not_end(zone: LandingZone) -> None:
    ends = "acme: at a glance | Ends within 30 days"
    here = rows_that_differ(zone, by_hand("assignment gone"))

    assert f"+ {ends} | nothing" in here
    assert any(one.startswith(f"- {ends} | ends on 2025-02-15, in 15 days: Rich of user ana") for one in here)


def test_full_access_that_is_not_attached_and_closed_accounts_are_noted(zone: LandingZone) -> None:
    live = clean().organization
    full, *others = live.policies
    accounts = (*live.accounts, account(9, name="old", state="SUSPENDED"))
    kept_on = tuple(id for id in full.targets if id != SHOP)
    new = policy(7, name="later", type="A_NEW_POLICY")
    notes = read(
        zone, changed(clean(), accounts=accounts, policies=(replace(full, targets=kept_on), *others, new))
    ).live

    assert list(notes.notes) == [
        "not open, and so not among the accounts: old (000000000009, SUSPENDED)",
        "policies of types that are not shown: later (A_NEW_POLICY)",
        "FullAWSAccess is not attached to account acme-a3, and answers here take it as attached",
    ]


def test_expectations_are_asked_of_what_aws_has(zone: LandingZone) -> None:
    (expected,) = zone.expectations
    center = clean().center
    assert center
    open_ = changed(clean(), policies=clean().organization.policies[:1])
    found = read(zone, open_)

    assert expected.id in page(found.zone, Edition(AT.date(), None, found.live))
    assert found.zone.policies == {}
    assert as_data(found.zone, Edition(AT.date()))["overview"]["accounts_bound_by_no_scp"] == ["a3", "a4", "shop-one"]


def test_an_expectation_that_names_what_aws_has_no_more_does_not_hold(folder: Path, tmp_path: Path) -> None:
    own = Path(shutil.copytree(folder, tmp_path / "config"))
    names = {"set": "in: all, as: Rich", "unit": "in: ou/prod", "person": "in: a3, as: bo", "fine": "in: a3, as: Admin"}
    names["account"] = "in: a3, as: Admin, on: 'arn:aws:s3:*:a4:accesspoint/*/object/*'"
    entries = [f"- {{id: {id}, reason: test, denied: s3:GetObject, {rest}}}\n" for id, rest in names.items()]
    (own / "expectations.yaml").write_text("".join(entries))
    center = clean().center
    assert center
    less = changed(
        by_hand("unit gone"),
        permission_sets=tuple(one for one in center.permission_sets if one.name != "Rich"),
        users=center.users[:1],
        accounts=by_hand("unit gone").organization.accounts[:-1],
        assignments=frozenset(
            one for one in center.assignments if one.account != "000000000004" and "rich" not in one.permission_set
        ),
    )
    found = guardrails(read(load(own), less).zone, AT.date())
    broken = {one.expectation.id: " ".join(one.broken) for one in found.expected}

    assert broken["set"].startswith("'Rich' is neither a user, a group nor a permission set")
    assert broken["person"].startswith("'bo' is neither a user, a group nor a permission set")
    assert broken["unit"].startswith("'ou/prod' is neither an account nor an organizational unit")
    assert broken["account"].startswith("'arn:aws:s3:*:a4:accesspoint/*/object/*' is in 'a4', which is no account")
    assert broken["fine"] == ""
    assert not any(one.ended for one in found.expected)


def test_a_document_that_no_answer_can_rest_on_is_named(zone: LandingZone) -> None:
    strange = DENY.replace('"Resource": "*"', '"Resource": "*", "Condition": {"QuantumEquals": {"aws:userid": "x"}}')
    live = clean().organization.policies
    found = read(zone, changed(clean(), policies=(live[0], replace(live[1], content=strange))))
    why = "policy policy-1 at AWS: statement 1 has the unknown operator 'QuantumEquals'"
    shown = as_text(tables(found.zone, Edition(AT.date(), None, found.live)), 1000)

    assert found.zone.unread == {"documents": why}
    assert f"documents (expectations, who can undo a deploy): {why}" in shown
    assert re.search(f"! Expectations +unread: {why}", shown)
    assert "guardrails" not in as_data(found.zone, Edition(AT.date()))
    assert escape(why) in page(found.zone, Edition(AT.date()))
    assert [one.kind for one in found.live.differences] == ["policy"]


# What may not be read


WHY = "organizations:ListPolicies is not allowed"


def without(*parts: str) -> Inventory:
    """Returns what is read without some parts."""
    whole = replace(clean(), unread=dict.fromkeys(parts, WHY))
    if CENTER in parts:
        whole = replace(whole, center=None)
    if POLICIES in parts:
        whole = replace(whole, organization=replace(whole.organization, policies=()))
    if DELEGATIONS in parts:
        whole = replace(whole, organization=replace(whole.organization, delegations={}))
    return whole


@pytest.mark.parametrize("part", [CENTER, POLICIES, DELEGATIONS, TRUSTED_SERVICES, ENTITLEMENTS])
def test_what_could_not_be_read_is_named_and_the_rest_is_reported(zone: LandingZone, part: str) -> None:
    found = read(zone, replace(clean(), entitlements=WHY) if part == ENTITLEMENTS else without(part))
    edition = Edition(AT.date(), None, found.live)
    formats = {
        "text": as_text(tables(found.zone, edition), 1000),
        "html": page(found.zone, edition),
        "json": json.dumps(as_data(found.zone, edition)),
        "mermaid": flowchart(found.zone, found.live),
    }

    assert {name for name, text in formats.items() if part in text and WHY in text} == formats.keys()
    assert (found.live.summary, found.live.exit_code) == ("none in what could be read, 1 part unread", 1)


def test_a_report_of_which_a_part_is_unread_is_written_and_ends_with_1(
    folder: Path, kept: Callable[[Inventory], Path], tmp_path: Path
) -> None:
    result = strata(folder, "report", "--from", kept(without(POLICIES)), "--output", tmp_path / "report.txt")

    assert result.exit_code == 1
    assert f"unread: policies (policy, attachment): {WHY}" in result.stderr
    assert WHY in (tmp_path / "report.txt").read_text()


def test_no_answer_rests_on_people_that_were_not_read(zone: LandingZone) -> None:
    found = read(zone, without(CENTER))
    edition = Edition(AT.date(), None, found.live)
    told_tables = {one.title: one for one in tables(found.zone, edition)}
    glance = {name: answer for name, answer in told_tables["acme: at a glance"].rows if name}

    assert glance["Numbers"] == f"people and access are unread: {WHY}"
    by_answer = {name for name, answer in glance.items() if answer == f"unread: {WHY}"}
    assert by_answer == {
        "! Administers everything",
        "! Break-glass",
        "! Full access to single accounts",
        "! Ends within 30 days",
        "! Expectations",
        "! Can undo a deploy",
        "! People without a group",
        "! People without access",
        "! Groups with access and without members",
    }
    for title in ("By person", "By group", "Permission sets"):
        assert [row[0] for row in told_tables[title].rows] == ["! unread"]
        assert told_tables[title].notes == (WHY,)
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


def test_no_answer_rests_on_policies_that_were_not_read(zone: LandingZone) -> None:
    found = read(zone, without(POLICIES))
    edition = Edition(AT.date(), None, found.live)
    text, data, shown = (
        as_text(tables(found.zone, edition), 200),
        as_data(found.zone, edition),
        page(found.zone, edition),
    )

    assert "no policy" not in text
    assert "no policy" not in shown
    assert f"! Accounts bound by no SCP unread: {WHY}" in " ".join(text.split())
    assert not data.keys() & {"policies", "guardrails"}
    assert "accounts_bound_by_no_scp" not in data["overview"]
    assert all("slots" not in one for one in data["organization"])
    assert "policies unread" in flowchart(found.zone)
    assert "policies: unread" in text


def test_explain_tells_what_could_not_be_read(
    folder: Path, zone: LandingZone, kept: Callable[[Inventory], Path]
) -> None:
    live = without(CENTER, POLICIES, DELEGATIONS)
    explained = Explained(read(zone, live).zone)
    text, file = "\n".join(explained.account_lines("a3")), kept(live)

    assert f"Policies that bind it\n  unread: {WHY}\n\nWho gets in\n  unread: {WHY}" in text
    assert f"administers: unread: {WHY}" in text
    assert not explained.account_facts("a3").keys() & {"policies", "access", "administers"}
    assert strata(folder, "explain", "a3", "--from", file).exit_code == 1
    user_ = strata(folder, "explain", "ana", "--from", file)
    told_error = f"error: people and access are unread, so that only accounts can be explained: {WHY}\n"
    assert (user_.exit_code, user_.stderr) == (1, told_error)
    table = strata(folder, "report", "--from", file, "--format", "csv")
    assert (table.exit_code, table.stdout) == (1, "")
    assert "unread" in table.stderr


def test_identity_center_that_is_off_is_unread_as_in_drift(zone: LandingZone) -> None:
    live = read(zone, replace(clean(), center=None))

    assert [(one.part, one.reason) for one in live.live.unread] == [(CENTER, "it is not enabled in us-east-1")]
    assert live.zone.unread["people"] == "Identity Center is not enabled in us-east-1"


# The evidence


def test_the_hash_is_that_of_the_file_as_the_page_says_to_check_it(kept: Callable[[Inventory], Path]) -> None:
    """The commands of docs/reports.md, on text that is not ASCII."""
    center = clean().center
    assert center
    people = (*center.users, user(9, '\U0001f600é"\\'))
    tagged = replace(clean().organization.accounts[1], tags={"\U0001f600": "1", "\ufb33": "2", "é": "a\tb"})
    file = kept(changed(clean(), users=people, accounts=(*clean().organization.accounts[:1], tagged)))
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


def test_the_same_reading_has_the_same_hash_in_whatever_order_aws_told_it(zone: LandingZone) -> None:
    live = clean().organization
    turned = changed(clean(), units=(*live.units[:1], *live.units[1:], unit(7, "Attic")))
    other = changed(clean(), units=(unit(7, "Attic"), *live.units))

    assert evidence(zone, turned).sha256 == evidence(zone, other).sha256
    assert evidence(zone, turned).sha256 != evidence(zone, clean()).sha256


def test_a_kept_reading_reads_back(zone: LandingZone, kept: Callable[[Inventory], Path]) -> None:
    made = evidence(zone, by_hand("entitlement"))
    found = kept_in(kept(by_hand("entitlement")))

    assert (found.read_at, found.caller, found.sha256) == (AT, CALLER, made.sha256)
    assert found.inventory == made.inventory == by_hand("entitlement")
    assert found.states == made.states
    assert told(zone, found).live == told(zone, made).live


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda text: text.replace("u1@example.com", "u7@example.com"), "has been changed: its hash is "),
        (lambda text: text.replace('"format": 2', '"format": 3'), "has format 3, and this Strata reads 1 to 2"),
        (lambda text: text[:-20], "is no reading that --save kept"),
        (lambda _: "[]", "is no reading that --save kept"),
        (lambda _: '{"format": 2}', "is no reading that --save kept"),
    ],
)
def test_a_file_that_is_no_reading_is_refused(
    kept: Callable[[Inventory], Path], edit: Callable[[str], str], words: str
) -> None:
    file = kept(clean())
    file.write_text(edit(file.read_text()))

    with pytest.raises(StrataError, match=re.escape(f"{file} {words}")):
        kept_in(file)


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
        lambda found: found["states"]["elsewhere"].append(["aws_identitystore_user", uuid(9)]),
        lambda found: found["states"]["ids"].clear(),
        lambda found: found.update(states=None),
        lambda found: found.update(read_at="2024-12-31T00:00:00+00:00"),
        lambda found: found.update(caller="arn:aws:iam::111111111111:root"),
        lambda found: found.update(note="reviewed"),
        lambda found: found["data"]["unread"].update(policies="not allowed"),
    ],
)
def test_no_part_of_a_kept_reading_can_be_edited(
    kept: Callable[[Inventory], Path], edit: Callable[[Json], Any]
) -> None:
    file = kept(by_hand("user made"))
    edited(file, edit, hashed=False)

    with pytest.raises(StrataError, match=re.escape(f"{file} has been changed: its hash is ")):
        kept_in(file)


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
        lambda found: found["data"].update(settings={"password_policy": {"": {"max_password_age": float("nan")}}}),
    ],
)
def test_what_no_reading_has_is_refused_whatever_its_hash(
    folder: Path, kept: Callable[[Inventory], Path], edit: Callable[[Json], Any]
) -> None:
    file = kept(clean())
    edited(file, edit, hashed=True)
    result = strata(folder, "report", "--from", file)

    told_error = f"error: {file} is no reading that --save kept; name the file that it made\n"
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", told_error)


def test_the_time_of_a_reading_is_told_in_utc_and_is_past(folder: Path, kept: Callable[[Inventory], Path]) -> None:
    file, now = kept(clean()), dt.datetime.now(dt.UTC)
    edited(file, lambda found: found.update(read_at="2025-01-31T23:30:15-05:00"), hashed=True)
    elsewhere = strata(folder, "explain", "ana", "--from", file)
    edited(file, lambda found: found.update(read_at=(now + dt.timedelta(minutes=2)).isoformat()), hashed=True)
    ahead = strata(folder, "explain", "ana", "--from", file)
    edited(file, lambda found: found.update(read_at="2099-01-01T01:00:00+01:00"), hashed=True)
    future = strata(folder, "explain", "ana", "--from", file)

    assert "Live: as AWS had it on 2025-02-01 at 04:30:15 UTC, read by " in elsewhere.stdout
    assert ahead.exit_code == 0
    assert (future.exit_code, future.stdout) == (1, "")
    assert f"{file} says that AWS was read at 2099-01-01 00:00:00 UTC, and it is 20" in future.stderr


def test_a_reading_of_another_organization_is_refused(folder: Path, tmp_path: Path) -> None:
    other = replace(clean(), organization=replace(clean().organization, management="222222222222"))
    own = replace(clean().organization.accounts[0], id="222222222222")
    other = changed(other, accounts=(own, *clean().organization.accounts[1:]))
    (tmp_path / "reading.json").write_bytes(Evidence.of(AT, CALLER, other).written())
    result = strata(folder, "explain", "ana", "--from", tmp_path / "reading.json")

    assert result.exit_code == 1
    assert "is about management account 222222222222, and " in result.stderr
    assert strata(folder, "report", "--from", tmp_path / "none.json").stderr == (
        f"error: {tmp_path}/none.json cannot be read: No such file or directory; name a file that --save made\n"
    )


def test_a_report_does_not_replace_what_it_is_made_of(folder: Path, kept: Callable[[Inventory], Path]) -> None:
    """Nothing has that reading again."""
    file = kept(clean())
    before = file.read_bytes()
    result = strata(folder, "report", "--from", file, "--output", file)

    assert result.exit_code == 2
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "told_error"),
    [
        (("report", "--live", "--diff", "HEAD"), "--diff compares files with a revision"),
        (("report", "--from", "x", "--diff", "HEAD"), "--diff compares files with a revision"),
        (("report", "--live", "--as-of", "2027-01-01"), "ends are seen from the day on which AWS was read"),
        (("report", "--live", "--from", "x"), "--live reads AWS, and --from a file"),
        (("report", "--save", "x"), "--save keeps what --live reads"),
        (("report", "--live", "--save", "x", "--output", "./x"), "--save and --output name one file"),
        (("report", "--from", "x", "--output", "./x"), "--from and --output name one file"),
        (("explain", "ana", "--save", "x"), "--save keeps what --live reads"),
        (("explain", "ana", "--live", "--from", "x"), "--live reads AWS, and --from a file"),
    ],
)
def test_options_that_do_not_go_together_are_refused(folder: Path, words: tuple[str, ...], told_error: str) -> None:
    result = strata(folder, *words)

    assert (result.exit_code, result.stdout) == (2, "")
    assert told_error in result.stderr


def test_a_configuration_is_needed(tmp_path: Path) -> None:
    result = strata(tmp_path / "none", "report", "--live")

    assert result.exit_code == 1
    assert "have strata adopt --to DIR write one of what AWS has" in result.stderr


class Told:
    """An AWS that answers what a reading asks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, live: Inventory) -> None:
        self.denied = self.held = False
        monkeypatch.setattr(live_reading, "connect", lambda *_: None)
        monkeypatch.setattr(live_reading, "management_caller", lambda *_: Caller("111111111111", CALLER))
        monkeypatch.setattr(live_reading, "read_states", self.states)
        monkeypatch.setattr(live_reading, "check_same", self.unchanged)
        monkeypatch.setattr(Reading, "read", lambda *_, **how: live if how == {"partly": True} else None)
        monkeypatch.setattr(Reading, "controls", lambda *asked: replace(asked[2], controls={}))

    def unchanged(self, *_: Any) -> None:
        if self.held:
            raise StrataError("ana@laptop has held the state of sso since 2025-01-31 12:00 UTC")

    def states(self, *_: Any) -> dict[str, Json]:
        if self.denied:
            raise AwsError("s3:ListBucket is not allowed", "AccessDenied")
        return states(deployed())


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
    assert again.stderr == "differences to the configuration: 1 difference\n"
    assert before <= kept_in(file).read_at <= dt.datetime.now(dt.UTC)
    assert f"group night ({uuid(15)}): at AWS only" in " ".join(live.stdout.split())


@pytest.fixture
def unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """An AWS that nobody may ask."""

    def connect(*_: Any) -> None:
        raise AssertionError("AWS is asked")

    monkeypatch.setattr(live_reading, "connect", connect)


@pytest.mark.parametrize("command", [("report",), ("explain", "ana")])
@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("config/sso.yaml", "is in the configuration folder "),
        ("config/reading.json", "is in the configuration folder "),
        (".", "is a folder, not a file; name a file"),
        ("none/reading.json", "cannot be written: there is no folder "),
        ("file/reading.json", "cannot be written: Not a directory; name another file"),
        ("pipe", "is a named pipe, not a file; name a file"),
        ("/dev/full", "is a device, not a file; name a file"),
    ],
)
def test_a_file_that_cannot_keep_a_reading_is_refused_before_it(
    folder: Path, tmp_path: Path, unasked: None, command: tuple[str, ...], file: str, words: str
) -> None:
    own = Path(shutil.copytree(folder, tmp_path / "config"))
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    before = {one: one.read_bytes() for one in own.rglob("*.*")}
    result = strata(own, *command, "--live", "--save", tmp_path / file)

    assert (result.exit_code, result.stdout) == (2 if "config" in file else 1, "")
    assert f"--save {tmp_path / file} {words}" in result.stderr
    assert {one: one.read_bytes() for one in own.rglob("*.*")} == before


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("config/sso.yaml", "is in the configuration folder "),
        (".", "is a folder, not a file; name a file"),
        ("none/report.txt", "cannot be written: there is no folder "),
    ],
)
@pytest.mark.parametrize("source", [("--live",), ("--diff", "HEAD"), ()])
def test_a_file_that_cannot_have_the_report_is_refused_before_it(
    folder: Path, tmp_path: Path, unasked: None, source: tuple[str, ...], file: str, words: str
) -> None:
    own = Path(shutil.copytree(folder, tmp_path / "config"))
    before = (own / "sso.yaml").read_bytes()
    result = strata(own, "report", *source, "--output", tmp_path / file)

    assert (result.exit_code, result.stdout) == (2 if "config" in file else 1, "")
    assert f"--output {tmp_path / file} {words}" in result.stderr
    assert (own / "sso.yaml").read_bytes() == before


@pytest.mark.parametrize("words", [("report", "--person", "nosuch"), ("explain", "nosuch")])
def test_an_unknown_name_keeps_no_reading(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    Told(monkeypatch, clean())
    file = tmp_path / "reading.json"
    unknown = strata(folder, *words, "--live", "--save", file)
    there = file.exists()
    known = strata(folder, *(word.replace("nosuch", "ana") for word in words), "--live", "--save", file)

    assert (unknown.exit_code, unknown.stdout, there) == (1, "", False)
    assert "nosuch" in unknown.stderr
    assert (known.exit_code, kept_in(file).caller) == (0, CALLER)


def test_who_may_not_read_the_states_is_told_that(
    folder: Path, zone: LandingZone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name alone does not tell what a thing was, nor which tags Strata put on it."""
    Told(monkeypatch, by_hand("account tags")).denied = True
    result = strata(folder, "report", "--live")
    found = told(zone, Evidence.of(AT, CALLER, by_hand("account tags")))

    assert result.exit_code == 1
    assert "unread: states (keys of what was renamed at AWS, tags, what waits for a deploy): reading" in result.stderr
    assert found.live.differences == ()
    assert read(zone, by_hand("account tags")).live.differences != ()


def test_what_was_renamed_at_aws_keeps_its_key(folder: Path, tmp_path: Path) -> None:
    own = Path(shutil.copytree(folder, tmp_path / "config"))
    (own / "imports.yaml").unlink()
    zone, center = load(own), clean().center
    assert center
    live = changed(clean(), groups=(center.groups[0], replace(center.groups[1], name="Lookers")))
    found, by_name = read(zone, live), told(zone, Evidence.of(AT, CALLER, live))

    assert [one.what for one in found.live.differences] == [
        "group readers-of-it: name is 'Lookers' at AWS, 'Readers of it' here"
    ]
    assert found.zone.groups["readers-of-it"].name == "Lookers"
    assert by_name.zone.groups.keys() == {"admins", "lookers"}
    assert "group readers-of-it: declared only" in [one.what for one in by_name.live.differences]


def test_a_key_that_was_renamed_after_a_reading_keeps_its_tags(folder: Path, tmp_path: Path) -> None:
    """A kept reading has the states of its day: with the tags that Strata gives under the keys of then."""
    own = Path(shutil.copytree(folder, tmp_path / "config"))
    (own / "imports.yaml").unlink()
    tagged = [replace(one, tags={**one.tags, "Project": "acme"}) for one in clean().organization.accounts]
    made = evidence(load(own), changed(clean(), accounts=tuple(tagged)))
    before = told(load(own), made)
    organization = (own / "organization.yaml").read_text()
    (own / "organization.yaml").write_text(organization.replace("shop-one", "boutique"))
    (own / "moves.yaml").write_text("- {kind: account, from: shop-one, to: boutique}\n")
    after = told(load(own), made)

    assert [one.what for one in (*before.live.differences, *after.live.differences)] == []
    assert "boutique" in after.zone.accounts
