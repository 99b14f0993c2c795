"""What a plan shows to a person, and the line that says how far a run is."""

from __future__ import annotations

import fcntl
import io
import json
import os
import re
import struct
import sys
import termios
import threading
from pathlib import Path
from typing import Any

import pytest

from strata.options import Options
from strata.printing import cell_count
from strata.terraform.attributes import Attribute
from strata.terraform.document_diff import document, document_diff
from strata.terraform.expressions import ParsedExpression
from strata.terraform.plan_text import names_of, show
from strata.terraform.plans import Plan, PlannedChange, changed_outputs, changes
from strata.terraform.progress import Progress, duration
from tests.conftest import Golden

Json = dict[str, Any]


class Terminal(io.StringIO):
    """A terminal that keeps what it is sent."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    for name in ("CI", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return Terminal()


def change(action: str | list[str], before: Json | None = None, after: Json | None = None, **more: Any) -> Json:
    actions = [action] if isinstance(action, str) else action
    top: Json = {name: more.pop(name) for name in ("previous_address", "address") if name in more}
    return {
        "address": "aws_a.b",
        "mode": "managed",
        **top,
        "change": {"actions": actions, "before": before, "after": after, **more},
    }


def shown(*found: Json, to: io.StringIO | None = None, every: bool = False, written: list[str] | None = None) -> str:
    """Returns what a plan shows, without its first line."""
    plan: Json = {"resource_changes": found}
    if written is not None:
        expressions: Json = {key: {} for key in written}
        plan["configuration"] = {"root_module": {"resources": [{"address": "aws_a.b", "expressions": expressions}]}}
    stream = to or io.StringIO()
    show([Plan("sso", dict(sorted(changes(plan))))], stream, {"ou-1": "shared", "ou-2": "security"}, every=every)
    return stream.getvalue().partition("\n")[2]


def policy(*statements: Json, **more: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements), **more})


DENY = {"Sid": "A", "Effect": "Deny", "Action": ["s3:b", "s3:a"], "Resource": "*"}


@pytest.mark.parametrize(
    ("found", "lines"),
    [
        (change("update", {"x": "PT1H"}, {"x": "PT8H"}), ["x: PT1H -> PT8H"]),
        (change("update", {"x": 1, "y": 2}, {"x": 1, "y": None}), ["y: 2 -> (none)"]),
        (change("update", {"x": False}, {"x": True}), ["x: false -> true"]),
        (change("update", {"x": None}, {"x": "a"}), ["x: a"]),
        (change("update", {"x": "a"}, {}, after_unknown={"x": True}), ["x: a -> (known after apply)"]),
        (change("update", {"x": "ou-1"}, {"x": "ou-2"}), ["x: ou-1 (shared) -> ou-2 (security)"]),
        (
            change("update", {"x": {"a": "1", "b": "2"}}, {"x": {"a": "1", "b": "3", "c": "4"}}),
            ["x.b: 2 -> 3", "x.c: 4"],
        ),
        (change("update", {"x": ["a", "b"]}, {"x": ["b", "c"]}), ["x: - a", "x: + c"]),
        (change("update", {"x": ["a", "b"]}, {"x": ["b", "a"]}), ['x: ["a", "b"] -> ["b", "a"]']),
        (change("update", {"x": [{"d": 1, "e": 2}]}, {"x": [{"d": 3, "e": 2}]}), ["x.d: 1 -> 3"]),
        (
            change("update", {"x": [{"d": 1}, {"d": 2}]}, {"x": [{"d": 1}, {"d": 3}]}),
            ["x[2].d: 2 -> 3"],
        ),
        (change("update", {"x": []}, {"x": [{"d": 1}]}), ['x: + {"d": 1}']),
        (
            change(
                "update", {"tags": {"a": "1"}, "tags_all": {"a": "1", "P": "x"}}, {"tags": {}, "tags_all": {"P": "x"}}
            ),
            ["tags.a: 1 -> (none)"],
        ),
        (change("update", {"x": "a\x1b[2J"}, {"x": "b\nc"}), [r"x: a\u001b[2J -> b\nc"]),
        (
            change("update", {"x": "o" * 40}, {"x": "n" * 40}),
            ["x", f"  - {'o' * 40}", f"  + {'n' * 40}"],
        ),
    ],
)
def test_an_update_shows_what_differs(found: Json, lines: list[str]) -> None:
    assert shown(found) == "".join(f"{one}\n" for one in ["  update   aws_a.b", *(f"      {one}" for one in lines)])


DEEP = {"deep": "hunter2", "n": "1"}


@pytest.mark.parametrize(
    ("before", "after", "marks"),
    [
        ("hunter2", "hunter3", {"before_sensitive": {"x": True}}),
        ("hunter2", "hunter3", {"after_sensitive": {"x": True}}),
        ("hunter2", None, {"before_sensitive": {"x": True}}),
        ("hunter2", "hunter3", {"after_sensitive": True, "before_sensitive": True}),
        ("hunter2", "hunter3", {"after_sensitive": {"x": True}, "importing": {"id": "i"}}),
        (DEEP, {"deep": "hunter3", "n": "2"}, {"after_sensitive": {"x": {"deep": True}}}),
        ([DEEP], [DEEP, {"deep": "hunter3"}], {"after_sensitive": {"x": [{"deep": True}, {"deep": True}]}}),
        (["hunter2"], ["hunter3"], {"after_sensitive": {"x": True}, "importing": {"id": "i"}}),
    ],
)
def test_nothing_sensitive_is_shown(before: object, after: object, marks: Json) -> None:
    found = change("update", {"x": before}, {"x": after}, **marks)
    ((address, one),) = changes({"resource_changes": [found]})

    told = (shown(found), repr(one), json.dumps(one.as_json(address)))

    assert not [text for text in told if "hunter" in text]
    assert "(sensitive)" in told[0] or "x.n: 1 -> 2" in told[0]
    assert one.attributes[0].sensitive


def test_what_is_created_shows_its_arguments_on_request() -> None:
    found = change("create", None, {"name": "n", "policy": policy(DENY)}, after_unknown={"arn": True})

    assert shown(found) == "  create   aws_a.b\n"
    told = shown(found, every=True)
    assert "      name: n\n" in told
    assert '        +     "Sid": "A"' in told.replace('      "Sid"', '    "Sid"')
    assert "      arn: (known after apply)\n" in told


def test_what_aws_gives_is_not_shown_and_what_forces_a_replacement_is() -> None:
    found = change(
        ["delete", "create"],
        {"name": "a", "arn": "arn:1", "ref": "r"},
        {"name": "b"},
        after_unknown={"arn": True, "ref": True},
        replace_paths=[["name"]],
    )

    assert shown(found, written=["name", "ref"]) == (
        "  replace  aws_a.b\n      name: a -> b (forces the replacement)\n      ref: r -> (known after apply)\n"
    )


def test_imports_moves_and_what_is_let_go(golden: Golden) -> None:
    told = shown(
        change("no-op", {}, {}, address="aws_a.c", previous_address="aws_a.d"),
        change(
            "update", {"x": "a", "force": None}, {"x": "b", "force": False}, address="aws_a.e", importing={"id": "i"}
        ),
        change("forget", {"x": "a"}, None, address="aws_a.f"),
        change("forget", {"x": "a"}, None, address="aws_guardduty_detector.main_eu-west-1"),
        change("forget", {"x": "a"}, None, address="aws_config_configuration_recorder.main_eu-west-1"),
        change("delete", {"x": "a"}, None, address="aws_a.g"),
    )

    golden("plan/imports-and-moves.txt", told)


def test_what_is_the_same_in_many_accounts_is_shown_once(golden: Golden) -> None:
    """Only the account's own id may differ: not another's, not a name, nor what is known after the apply alone."""

    def plan(stack: str, name: str, arn: str = "one") -> Plan:
        found = {"resource_changes": [change("create", None, {"name": name}, after_unknown={"arn": True})]}
        return Plan(stack, dict(changes(found)), written={"aws_a.b": {"arn": ParsedExpression({"arn": arn})}})

    ids = {"111111111111": "a", "222222222222": "b", "333333333333": "c", "444444444444": "d", "555555555555": "e"}
    plans = [plan(f"log_{key}", f"log-{id}") for id, key in ids.items()]
    plans[2], plans[3] = plan("log_c", "log-111111111111"), plan("log_d", "log-444444444444", arn="another")
    to = io.StringIO()

    show(plans, to, {}, every=True, accounts={f"log_{key}": id for id, key in ids.items()})

    golden("plan/alike.txt", to.getvalue())


def test_outputs_are_neither_listed_nor_counted(golden: Golden) -> None:
    found = {"output_changes": {"declared_keys": {"actions": ["update"]}}}
    to = io.StringIO()

    show([Plan("sso", dict(changes(found)), tuple(changed_outputs(found)))], to, {})

    golden("plan/outputs-only.txt", to.getvalue())


# Documents


def test_a_document_is_compared_line_by_line() -> None:
    """Under the name of the statement, where that is not among the lines."""
    before = {**DENY, "Resource": [f"arn:aws:s3:::{one}" for one in "abcdef"]}
    after = {**before, "Resource": [*before["Resource"][:-1], "arn:aws:s3:::z"]}

    told = shown(change("update", {"policy": policy(before)}, {"policy": policy(after)}))

    assert told.splitlines()[1:] == [
        "      policy",
        "          ... A",
        '                  "arn:aws:s3:::d",',
        '                  "arn:aws:s3:::e",',
        '        -         "arn:aws:s3:::f"',
        '        +         "arn:aws:s3:::z"',
        "                ]",
        "              }",
    ]


def test_the_order_of_keys_and_of_lists_without_an_order_is_no_difference(golden: Golden) -> None:
    same = {"Resource": ["*"], "Action": ["s3:a", "s3:b"], "Effect": "Deny", "Sid": "A"}

    told = shown(change("update", {"policy": policy(DENY)}, {"policy": json.dumps(json.loads(policy(same)), indent=4)}))

    golden("plan/written-otherwise.txt", told)


def test_the_order_of_statements_is_a_difference() -> None:
    other = {**DENY, "Sid": "B"}

    assert document_diff(document(policy(DENY, other)), document(policy(other, DENY)))


def test_text_that_only_looks_like_a_document_is_text() -> None:
    assert shown(change("update", {"x": "{a"}, {"x": "{b"})) == "  update   aws_a.b\n      x: {a -> {b\n"


# At a terminal


def test_red_is_what_is_destroyed_and_lines_keep_to_the_width(terminal: Terminal) -> None:
    long = "aws_organizations_policy_attachment.deny-leaving-organization_ou_security"
    told = shown(
        change("delete", {}, None, address=long),
        change("update", {"x": "a"}, {"x": f"{'word ' * 20}end"}),
        to=terminal,
    )

    assert f"\x1b[31m  delete   {long.split('.', maxsplit=1)[0]}.\x1b[0m\n" in told
    assert "\x1b[33m  update   aws_a.b\x1b[0m\n" in told
    assert all(len(line.replace("\x1b[0m", "").partition("m")[2] or line) <= 60 for line in told.splitlines())


def test_wide_letters_keep_to_the_width(terminal: Terminal) -> None:
    told = shown(change("update", {"x": "a"}, {"x": "請求 担当 " * 12}), to=terminal)
    assert max(map(cell_count, re.sub(r"\x1b\[\d*m", "", told).splitlines())) <= 60


def test_keys_are_known_by_the_ids_in_the_states() -> None:
    unit = {
        "type": "aws_organizations_organizational_unit",
        "name": "lab",
        "instances": [{"attributes": {"id": "ou-9"}}],
    }
    other = {"type": "aws_s3_bucket", "name": "state", "instances": [{"attributes": {"id": "b"}}]}

    assert names_of([{}, {"resources": [unit, other]}]) == {"ou-9": "lab"}


# How far a run is


def test_a_terminal_has_one_line_that_gives_way(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is printed stands above it, and a question is not overwritten."""
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(threading.Thread, "start", lambda _: None)
    monkeypatch.setattr(threading.Thread, "join", lambda _: None)
    options = Options(Path("config"))
    with Progress(options) as progress:
        progress.doing("sso: deploying")
        progress.at("[1/2] created aws_a.b")
        progress.done("sso: [1/2] created aws_a.b")

    assert terminal.getvalue() == (
        "\rsso: deploying, 1 s\x1b[K\rsso: deploying, 1 s  [1/2] created aws_a.b\x1b[K\r\x1b[K"
    )


def test_the_line_keeps_to_the_terminal_that_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where stdout is a file: a longer one would stay there, once for each time it is drawn."""
    master, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(threading.Thread, "start", lambda _: None)
    monkeypatch.setattr(threading.Thread, "join", lambda _: None)
    with os.fdopen(terminal, "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        with Progress(Options(Path("config"))) as progress:
            progress.doing("sso: deploying " * 9)
        shown = os.read(master, 1000).decode()
    os.close(master)
    assert shown.count("sso: deploying") >= 1
    assert max(map(len, re.split(r"[\r\n]|\x1b\[K", shown))) < 40


def test_a_pipe_has_a_line_for_each_thing_done(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(Options(Path("config"))) as progress:
        progress.doing("sso: deploying")
        progress.doing("asking AWS", seen_only=True)
        progress.at("[1/2] creating aws_a.b")
        progress.done("sso: [1/2] created aws_a.b")

    assert capsys.readouterr().err == "sso: deploying\nsso: [1/2] created aws_a.b\n"


def test_time_in_words() -> None:
    assert [duration(seconds) for seconds in (0.2, 12, 61, 600)] == ["1 s", "12 s", "1 min 1 s", "10 min 0 s"]


@pytest.mark.parametrize(
    ("address", "argument", "before", "after"),
    [
        ("aws_ssoadmin_permission_set.Auditor", "session_duration", "PT12H", "PT1H"),
        ("aws_ssoadmin_permission_set.Auditor", "relay_state", "https://console.aws.amazon.com/s3", ""),
        ("aws_identitystore_group.devops", "display_name", "devops-old", "devops"),
        ("aws_organizations_account.shop", "name", "Shop", "acme-shop"),
    ],
)
def test_what_goes_back_to_its_default_is_marked(address: str, argument: str, before: str, after: str) -> None:
    """A session length that somebody set by hand goes back, and so does a name."""
    told = []
    for action, was in (("update", before), ("create", None)):
        one = PlannedChange(action, attributes=(Attribute(argument, was, after),))
        show([Plan("sso", {address: one})], seen := io.StringIO(), {}, every=True)
        told.append("put back to the default" in seen.getvalue())

    assert told == [True, False]
