"""`strata selftest` asks each question once, says how AWS answers, and goes on where it may not ask."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from strata.aws.session import Aws as Session
from strata.aws.witness import SeenCall, seeing
from strata.cli import app
from strata.commands.selftest import Outcome, Selftest
from tests.aws.client import Aws
from tests.organizations.emulated import emulate
from tests.said import Said
from tests.scenarios.seeds import SMALL
from tests.test_json import differences

_REFUSED = {
    "AccessDeniedException": (Outcome.DENIED, 1),
    "TooManyRequestsException": (Outcome.THROTTLED, 1),
    "ParliamentDissolvedException": (Outcome.UNKNOWN, 3),
}


@pytest.fixture(scope="module")
def snapshot(emulated: Aws) -> bytes:
    emulated.restore()
    emulate(SMALL, emulated)
    emulated.client("organizations").enable_aws_service_access(ServicePrincipal="account.amazonaws.com")
    emulated.wait_an_hour()
    return emulated.snapshot()


@pytest.fixture
def aws(emulated: Aws, snapshot: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    emulated.restore(snapshot)
    for name, value in emulated.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("time.sleep", lambda _: None)
    yield emulated
    emulated.heal()


def selftest(folder: Path, *words: str) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(app, ["--config", str(folder / "none"), "selftest", "--json", *words])
    return done.exit_code, json.loads(done.stdout)


def test_an_organization_without_a_configuration_is_asked_and_nothing_is_written(aws: Aws, tmp_path: Path) -> None:
    before = len(aws.calls())
    code, found = selftest(tmp_path)

    assert differences("strata selftest", json.dumps(found)) == []
    assert [call for call in found["calls"] if call["outcome"] not in ("ok", "empty")] == []
    assert (code, len(found["calls"]) > 60) == (0, True)
    written = {call.action for call in aws.calls(since=before) if call.writes}
    assert written == {"sts:AssumeRole"}


@pytest.mark.parametrize("code", _REFUSED)
def test_a_refusal_has_its_line_and_all_else_is_asked(aws: Aws, tmp_path: Path, code: str) -> None:
    aws.fail("organizations:ListRoots", code=code, times=99)
    outcome, ends = _REFUSED[code]

    exit_code, found = selftest(tmp_path)

    lines = [call for call in found["calls"] if call["outcome"] not in ("ok", "empty")]
    assert [(line["call"], line["outcome"], line["detail"]) for line in lines] == [
        ("organizations:ListRoots", outcome, code)
    ]
    assert exit_code == ends
    assert {"sso:ListPermissionSets", "ec2:DescribeVpcs"} <= {call["call"] for call in found["calls"]}


def test_an_answer_that_aws_describes_otherwise_differs(aws: Aws) -> None:
    seen = list[SeenCall]()
    with seeing(seen.append):
        Session(None, "us-east-1").client("organizations").list_roots()
    (call,) = seen
    root = {"Id": "r-1", "PolicyTypes": [{"Type": "NEW_POLICY", "Status": "ENABLED"}]}
    other = SeenCall(call.model, call.region, "", {}, {"Roots": [root, {"Id": 1}], "NextToken": []}, "")

    assert list(call.differences()) == []
    assert list(other.differences()) == [
        "Roots[].PolicyTypes[].Type is 'NEW_POLICY', none of its values",
        "Roots[].Id is int, not string",
        "NextToken is list, not string",
    ]
    assert aws.calls()


def test_an_answer_that_lacks_what_a_reader_needs_differs() -> None:
    looked = Selftest()

    looked.ask(dict[str, Any]().__getitem__, "Roots")

    (line,) = looked.answered()
    assert (line.outcome, "KeyError 'Roots'" in line.detail) == (Outcome.DIFFERS, True)


def test_credentials_that_cannot_be_used_end_it(aws: Aws, tmp_path: Path, said: Said) -> None:
    aws.fail("sts:GetCallerIdentity", code="ExpiredToken", times=99)

    done = CliRunner().invoke(app, ["--config", str(tmp_path / "none"), "selftest"])

    assert (done.exit_code, said.ids(done)) == (1, ["sign-in-expired"])
