"""What has ended is listed and taken out of sso.yaml, and not one byte of the rest changes."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from strata.cli import app
from strata.config.entries import without_places
from strata.errors import StrataError
from strata.landing_zone.expiry import day_of, due
from strata.load import load
from tests.bad_configurations import read, write
from tests.conftest import Golden
from tests.said import Said

ENTRIES = """\
  # Heading of contractors, which stays

  - permission_sets:   # why
      - Dev
    groups:
      - admins
    accounts:
      - shop
    reason: Migration of
      the shop
    until: 2026-11-23
    # inside, goes with it

  # Above another entry: stays

  - permission_sets: [Dev]
    users: ['ada']
    organizational_units:
      - root
    except:
      accounts:
        - audit
    until: "2026-12-08"
  # Last words, which stay
"""
LATER = "access_control_attributes: {}  # one line, odd  spacing\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, read()[0])
    with (tmp_path / "sso.yaml").open("a") as file:
        file.write(ENTRIES + LATER)
    return tmp_path


# What ends


def test_check_lists_what_has_expired_or_is_due_and_exits_3(folder: Path, golden: Golden, said: Said) -> None:
    done = strata("check", "--config", str(folder), "--as-of", "2026-11-24", "-q")
    assert (done.exit_code, said.ids(done.stderr)) == (3, ["unbound-account"])
    golden("check/endings.txt", done.stdout.replace(str(folder), "config"))


def test_check_lists_what_is_accepted_until_a_day_as_well(folder: Path, golden: Golden, said: Said) -> None:
    """What is over is warned of again; what is near is listed, and what lasts is neither."""
    accepted = "# By whom\n- {finding: unbound-account, at: accounts.audit, reason: to\n  come, until: 2026-11-04}\n"
    (folder / "accepted.yaml").write_text(accepted)
    done = strata("check", "--config", str(folder), "--as-of", "2026-11-05", "-q")
    assert (done.exit_code, said.ids(done.stderr)) == (3, ["unbound-account"])
    assert "2026-11-04" in done.stderr, "its last day, over which it was accepted"
    golden("check/acceptance-over.txt", done.stdout.replace(str(folder), "config"))

    near = strata("check", "--config", str(folder), "--as-of", "2026-11-03", "--json")
    (one,) = json.loads(near.stdout)["acceptances"]
    assert (near.exit_code, one["line"], one["until"], one["expired"]) == (3, 2, "2026-11-04", False)
    assert due(load(folder).accepted, dt.date(2026, 10, 20), dt.timedelta(14)) == []
    assert due(load(folder).accepted, dt.date.max, dt.timedelta(14)), "the calendar ends, and no day is lost"


@pytest.mark.parametrize(
    ("day", "found"),
    [
        ("2026-11-08", []),
        ("2026-11-09", [("2026-11-23", False)]),
        ("2026-11-23", [("2026-11-23", False)]),
        ("2026-11-24", [("2026-11-23", True), ("2026-12-08", False)]),
        ("2026-12-09", [("2026-11-23", True), ("2026-12-08", True)]),
    ],
)
def test_an_entry_is_due_14_days_before_its_last_day_and_expired_after_it(
    folder: Path, day: str, found: list[tuple[str, bool]]
) -> None:
    done = strata("check", "--config", str(folder), "--as-of", day, "--json")
    printed = json.loads(done.stdout)
    assert [(one["until"], one["expired"]) for one in printed["endings"]] == found
    assert done.exit_code == (3 if found else 0)


def test_without_a_day_nothing_is_said_of_last_days(folder: Path) -> None:
    done = strata("check", "--config", str(folder), "--json")
    assert (done.exit_code, "endings" in json.loads(done.stdout)) == (0, False)


def test_plan_and_check_tell_each_last_day_that_is_over_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    """As strata add does: nothing is refused by it, and what is still to come is not told."""
    write(tmp_path, read()[0])
    entries = ENTRIES.replace("2026-11-23", "2020-01-01").replace("2026-12-08", "9999-12-31")
    (tmp_path / "sso.yaml").write_text((tmp_path / "sso.yaml").read_text() + entries)
    accepted = "- {{finding: unbound-account, at: accounts.{}, reason: For now, until: {}}}\n"
    (tmp_path / "accepted.yaml").write_text(accepted.format("audit", "2020-01-02") + accepted.format("x", "9999-12-31"))
    expected = "- {id: stays, reason: For now, denied: organizations:LeaveOrganization, in: shop, until: 2020-01-03}\n"
    (tmp_path / "expectations.yaml").write_text(expected)
    for name, value in {"ENDPOINT_URL": "http://127.0.0.1:1", "ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "a"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)

    done, checked = (strata(name, "--config", str(tmp_path)) for name in ("plan", "check"))
    as_json = json.loads(strata("check", "--config", str(tmp_path), "--json").stdout)["warnings"]

    told = said(done.stderr)
    over = [one.place for one in told if one.id == "last-day-over"]
    assert [one.place for one in said(checked.stderr) if one.id == "last-day-over"] == over
    assert [f"{one['file']}:{one['line']}: {one['path']}" for one in as_json if one["id"] == "last-day-over"] == over
    assert [(one.place, one.data) for one in told if one.id == "last-day-over"] == [
        (f"{tmp_path}/sso.yaml:33: assignments[2].until", {"kind": "assignment", "until": "2020-01-01"}),
        (f"{tmp_path}/accepted.yaml:1: accepted[1].until", {"kind": "acceptance", "until": "2020-01-02"}),
        (f"{tmp_path}/expectations.yaml:1: expectations[1].until", {"kind": "expectation", "until": "2020-01-03"}),
    ]
    assert [one.id for one in told if one.id != "last-day-over"] == ["aws-unreachable"]


@pytest.mark.parametrize("text", ["today", "24.11.2026", "20261124", "", "2026-02-30"])
def test_a_day_that_is_none_is_refused(text: str, said: Said) -> None:
    with pytest.raises(StrataError) as error:
        day_of(text)
    assert [(told.id, told.data["value"]) for told in said(error)] == [("argument-malformed", text)]


# What is taken out


def test_expire_cuts_out_the_expired_entry_and_nothing_else(folder: Path) -> None:
    before = (folder / "sso.yaml").read_bytes()
    done = strata("expire", "--config", str(folder), "--as-of", "2026-11-24", "--yes")
    assert done.exit_code == 0, done.stderr
    start = ENTRIES.index("  - permission_sets:   # why")
    gone = ENTRIES[start : ENTRIES.index("  # Above another")].encode()
    assert (folder / "sso.yaml").read_bytes() == before.replace(gone, b"")
    assert len(load(folder).sso.assignments) == 2
    assert f"strata deploy sso --config {folder}; until then" in done.stderr


def test_the_change_is_shown_and_its_reason_said(folder: Path) -> None:
    done = strata("expire", "--config", str(folder), "--as-of", "2026-11-24", "--dry-run")
    assert "-    # inside, goes with it" in done.stdout.splitlines()
    assert f"{folder}/sso.yaml:25: " in done.stderr
    assert "; Migration of" in done.stderr
    assert len(load(folder).sso.assignments) == 3


def test_nothing_expired_is_said_and_fine(folder: Path) -> None:
    done = strata("expire", "--config", str(folder), "--as-of", "2026-11-23", "--yes")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr.startswith("nothing to do: ")


def test_line_breaks_of_another_system_stay(folder: Path) -> None:
    path = folder / "sso.yaml"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert strata("expire", "--config", str(folder), "--as-of", "2027-01-01", "--yes").exit_code == 0
    text = path.read_bytes()
    assert text.count(b"\n") == text.count(b"\r\n") > 20
    assert b"Last words" in text


def test_the_last_administrator_is_not_taken_out(folder: Path, said: Said) -> None:
    path = folder / "sso.yaml"
    path.write_text(path.read_text().replace("accounts: all\n", "accounts: all\n    until: 2026-01-01\n"))
    before = path.read_bytes()
    done = strata("expire", "--config", str(folder), "--as-of", "2026-02-01", "--yes")
    assert (done.exit_code, path.read_bytes()) == (1, before)
    assert said.ids(done.stderr)[-1] == "last-admin-lost"


@pytest.mark.parametrize(
    "text",
    [
        "assignments:\n  -\n    a: b\n  - c: d\n",
        "assignments:\n  - &x\n    a: b\n  - *x\n",
        "assignments:\n  - a: &x b\n  - c: *x\n",
        "assignments: [{a: b}, {c: d}]\n",
    ],
)
def test_what_cannot_be_cut_out_alone_is_left_to_a_person(text: str, said: Said) -> None:
    with pytest.raises(StrataError) as error:
        without(text, [0])
    assert [(told.id, told.place.partition(":")[0]) for told in said(error)] == [("not-editable", "sso.yaml")]


def without(text: str, entries: list[int]) -> str:
    return without_places(text, [("assignments", entry) for entry in entries], "sso.yaml")


def strata(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)
