"""What Terraform says and plans is understood; an apply is interrupted once at the most."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from strata.aws.states import Version
from strata.config import layers
from strata.deploy.chosen import chosen
from strata.errors import StrataError
from strata.load import load
from strata.options import Options
from strata.terraform import tools
from strata.terraform.errors import TerraformError, advice, known_errors
from strata.terraform.events import Events, Failure, failure
from strata.terraform.planner import Applied, Planner, apply
from strata.terraform.plans import Plan, PlannedChange, changes
from strata.terraform.process import run
from strata.terraform.progress import Progress
from strata.terraform.signals import Signals, StoppedError
from strata.terraform.situation import Request
from strata.terraform.workspace import StateObject, Workspace
from tests import fake_terraform
from tests.deploying import no_states
from tests.processes import interrupts
from tests.said import Said
from tests.synthesized import CHECKOUT, SHIPPED

Json = dict[str, Any]

REMOTE = "data.terraform_remote_state.cross-stack-reference-input-"
GUARDED, ABSENT = "Instance cannot be destroyed", "Unable to find remote state"
"""How Terraform begins."""


def hook(type: str, address: str, action: str, **more: Any) -> Json:
    return {"type": type, "hook": {"resource": {"addr": address}, "action": action, **more}}


def error(summary: str, detail: str = "", **more: Any) -> Json:
    return {"type": "diagnostic", "diagnostic": {"severity": "error", "summary": summary, "detail": detail, **more}}


@dataclass(frozen=True)
class Recorded(Options):
    """Options that keep what is said, as a pipe gets it."""

    said: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.said.append(text)


def recorded(said: list[str]) -> Progress:
    return Progress(Recorded(Path("config"), said=said))


def heard(*lines: Json | str, verbose: bool = False, steps: int = 0, stack: str = "sso") -> tuple[Events, list[str]]:
    said: list[str] = []
    events = Events(recorded(said), stack, steps=steps, verbose=verbose)
    for line in lines:
        events.take(line if isinstance(line, str) else json.dumps(line))
    return events, said


# Events


def test_progress_and_how_far_an_apply_came() -> None:
    """What is only read is neither progress nor a change; what was begun and did not end is known by its address."""
    events, said = heard(
        hook("apply_start", "data.aws_x.read", "read"),
        hook("apply_complete", "data.aws_x.read", "read"),
        hook("apply_start", "aws_a.new", "create"),
        hook("apply_progress", "aws_a.new", "create", elapsed_seconds=10),
        hook("apply_complete", "aws_a.new", "create", elapsed_seconds=12),
        hook("apply_start", "aws_a.other", "update"),
        hook("apply_complete", "aws_a.other", "update"),
        hook("apply_start", "aws_a.old", "delete"),
        hook("apply_complete", "aws_a.old", "delete"),
        hook("apply_start", "aws_a.half", "create"),
        hook("apply_errored", "aws_a.half", "create"),
        steps=12,
    )

    assert said == [
        "sso: still creating aws_a.new, 10 s",
        "sso: [1/12] created aws_a.new, 12 s",
        "sso: [2/12] modified aws_a.other",
        "sso: [3/12] destroyed aws_a.old",
    ]
    assert events.done == Counter(added=1, changed=1, destroyed=1)
    assert events.begun == {"aws_a.half": "create"}


def test_errors_on_one_line_each_once_with_what_they_are_about() -> None:
    """Warnings are none; what a plan lacks of other stacks is found wherever Terraform names it."""
    source = "data.terraform_remote_state.cross-stack-reference-input-"
    missing = error(ABSENT, address=f"{source}backend")
    value = {"traversal": f"{source}organizations.outputs", "statement": "is object"}
    events, _ = heard(
        error(GUARDED.replace("t b", "t\nb"), "Resource x\n\nhas it.", address="aws_a.b"),
        {"type": "diagnostic", "diagnostic": {"severity": "warning", "summary": "Deprecated Parameter"}},
        missing,
        missing,
        error("Unsupported attribute", snippet={"code": f'"${{{source}security.outputs.x}}"', "values": [value]}),
    )

    assert events.failures == [
        Failure(f"{GUARDED}: Resource x has it.", "aws_a.b"),
        Failure(ABSENT, f"{source}backend", frozenset({"backend"})),
        Failure("Unsupported attribute", None, frozenset({"organizations", "security"})),
    ]


@pytest.mark.parametrize(
    "line",
    ["panic: runtime error", "{", "[]", "7", '{"type": "apply_start"}', '{"type": "diagnostic", "diagnostic": 7}'],
)
def test_what_is_no_event_is_kept_and_stops_nothing(line: str) -> None:
    events, said = heard(line, "", hook("apply_complete", "aws_a.b", "create"))

    assert events.other == [line]
    assert said == ["sso: [1/1] created aws_a.b"]


def test_verbose_is_what_terraform_says_itself() -> None:
    _, said = heard({"@message": "aws_a.b: Creating...", **hook("apply_start", "aws_a.b", "create")}, verbose=True)

    assert said == ["sso: aws_a.b: Creating..."]


# Plans


def resource(actions: list[str], before: Json | None = None, after: Json | None = None, **more: Any) -> Json:
    change = {"actions": actions, "before": before, "after": after, **more.pop("change", {})}
    return {"address": "aws_a.b", "mode": "managed", "change": change, **more}


def only(*found: Json, **outputs: Json) -> dict[str, PlannedChange]:
    return dict(changes({"resource_changes": found, "output_changes": outputs}))


@pytest.mark.parametrize(
    ("found", "action"),
    [
        (resource(["create"]), "create"),
        (resource(["update"]), "update"),
        (resource(["delete"]), "delete"),
        (resource(["forget"]), "forget"),
        (resource(["delete", "create"]), "replace"),
        (resource(["create", "delete"]), "replace"),
        (resource(["create", "forget"]), "replace"),
        (resource(["no-op"], change={"importing": {"id": "x"}}), "import"),
        (resource(["update"], change={"importing": {"id": "x"}}), "import and update"),
        (resource(["delete", "create"], change={"importing": {"id": "x"}}), "replace"),
        (resource(["no-op"], previous_address="aws_a.old"), "move"),
        (resource(["no-op"]), None),
        (resource(["read"], mode="data"), None),
    ],
)
def test_a_plan_says_what_would_be_done(found: Json, action: str | None) -> None:
    assert {address: change.action for address, change in only(found).items()} == (
        {"aws_a.b": action} if action else {}
    )


def test_a_deposed_object_hides_nothing() -> None:
    """What is left of a replacement that failed has the address of what replaced it."""
    found = only(
        resource(["update"]), resource(["delete"], deposed="0f1e"), x={"actions": ["update"]}, y={"actions": ["no-op"]}
    )

    assert {address: change.action for address, change in found.items()} == {
        "aws_a.b": "update",
        "aws_a.b (deposed 0f1e)": "delete",
    }


def test_what_no_event_tells_of_is_counted_by_the_plan() -> None:
    actions = ("import", "import and update", "move", "forget", "create", "update", "replace")
    planned = Plan("sso", {f"aws_a.{action}": PlannedChange(action) for action in actions})

    assert planned.counts == {"imported": 2, "moved": 1, "forgotten": 1}


_OLD = {"policy": "old", "name": "n"}
_SAME, _WIDER = resource(["update"], _OLD, {**_OLD, "policy": "new"}), {**_OLD, "policy": "wider"}
_UNKNOWN = resource(["update"], _OLD, {"name": "n"}, change={"after_unknown": {"policy": True}})
_NESTED = resource(["create"], None, {"tags": {"a": "1"}}, change={"after_unknown": {"tags": {"b": True, "c": False}}})


@pytest.mark.parametrize(
    ("shown", "later", "asks"),
    [
        ([_SAME], [_SAME], False),
        ([_SAME], [], False),
        ([], [resource(["create"], None, {"name": "n"})], True),
        ([], [_SAME], True),
        ([], [resource(["delete"], _OLD)], True),
        ([], [resource(["forget"], _OLD)], True),
        ([_SAME], [resource(["delete", "create"], _OLD, _OLD)], True),
        ([_SAME], [resource(["update"], _OLD, _WIDER)], True),
        ([_SAME], [resource(["update"], _OLD, {"policy": "new", "name": "another"})], True),
        ([_UNKNOWN], [resource(["update"], _OLD, _WIDER)], False),
        ([_NESTED], [resource(["create"], None, {"tags": {"a": "1", "b": "2"}})], False),
        ([resource(["create"], None, _OLD)], [resource(["create"], None, _WIDER)], True),
        (
            [resource(["create"], None, _OLD)],
            [resource(["no-op"], _OLD, _OLD, change={"importing": {"id": "x"}})],
            False,
        ),
        ([resource(["create", "delete"], _OLD, _WIDER)], [resource(["create"], None, _WIDER)], False),
        ([resource(["create"], None, _OLD)], [resource(["create", "delete"], _OLD, _OLD)], True),
    ],
)
def test_a_second_plan_is_asked_about_for_what_the_first_did_not_show(
    shown: list[Json], later: list[Json], asks: bool
) -> None:
    """Outputs alone are not asked about: they give nobody anything."""
    output = {"x": {"actions": ["update"]}}
    news = Plan("sso", only(*later, **output)).beyond(Plan("sso", only(*shown)))

    assert list(news.changes) == (["aws_a.b"] if asks else [])


def test_a_plan_keeps_no_value_where_it_could_be_printed() -> None:
    found = only(resource(["create"], None, {"password": "hunter2", "name": "n"}))["aws_a.b"]

    assert "hunter2" not in repr(found)
    assert found.arguments["name"] == "n"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Two stacks, `b` after `a`, and a Terraform that does as it is told."""
    stacks = {"a": [], "b": ["a"]}
    for name in stacks:
        folder = tmp_path / "out/stacks" / name
        folder.mkdir(parents=True)
        state = {"bucket": "states", "key": name, "region": "us-east-1"}
        reads = {"a": {"backend": "s3", "config": {**state, "key": "a"}}, "file": {"backend": "local", "config": {}}}
        document = {"terraform": {"backend": {"s3": state}}, "data": {"terraform_remote_state": reads}}
        (folder / "cdk.tf.json").write_text(json.dumps(document))
        fake_terraform.plans(folder, {"resource_changes": [resource(["create"], None, {"x": 1})]})
    manifest = {"stacks": {name: {"dependencies": needs} for name, needs in stacks.items()}}
    (tmp_path / "out/manifest.json").write_text(json.dumps(manifest))
    variables = {"TERRAFORM_BINARY_NAME": str(fake_terraform.install(tmp_path)), "PATH": os.environ["PATH"]}
    return Workspace(tmp_path / "out", variables)


def planner(workspace: Workspace, folder: Path, version: Callable[[StateObject], Version | None]) -> Planner:
    plans = folder / "plans"
    plans.mkdir(mode=0o700, exist_ok=True)
    return Planner(workspace, plans, no_states(version), recorded([]))


def test_a_plan_knows_the_states_it_rests_on_as_they_were_before_it(workspace: Workspace, tmp_path: Path) -> None:
    """Its own and those whose outputs it reads; a write by anybody makes the plan old, in another lineage as well."""
    serials = {"a": Version("one", 3), "b": Version("two", 5)}
    made = planner(workspace, tmp_path, lambda state: serials.get(state.key))

    planned = made.plan("b")

    assert {state.key: version for state, version in planned.versions.items()} == serials
    assert planned.versions == made.versions("b")
    for key, version in (("a", Version("one", 4)), ("b", Version("two", 6)), ("a", Version("restored", 3))):
        before = serials[key]
        serials[key] = version
        assert planned.versions != made.versions("b")
        serials[key] = before


def test_the_file_of_a_plan_is_nobody_elses_and_stays_only_while_there_is_something_to_do(
    workspace: Workspace, tmp_path: Path
) -> None:
    made = planner(workspace, tmp_path, lambda _: None)

    file = made.plan("a").file

    assert file
    assert file.stat().st_mode & 0o777 == 0o600
    fake_terraform.plans(workspace.stack_folder("a"), {})
    assert made.plan("a").file is None
    assert not file.exists()


def test_terraform_is_prepared_once_and_its_lock_is_not_taken(workspace: Workspace, tmp_path: Path) -> None:
    made = planner(workspace, tmp_path, lambda _: None)

    made.plan("a")
    made.plan("a")

    lines = (workspace.stack_folder("a") / "commands.txt").read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["init", "plan", "show", "plan", "show"]
    assert all("-lock=false" in line for line in lines if line.startswith("plan"))


def test_a_guard_is_told_with_our_way_and_not_with_terraforms(workspace: Workspace, tmp_path: Path, said: Said) -> None:
    """Terraform's would take the guard away, or leave the stack half applied."""
    guarded = error(
        GUARDED,
        "Resource aws_organizations_organizational_unit.x has lifecycle.prevent_destroy set, but the plan calls for "
        "this resource to be destroyed. To avoid this error and continue with the plan, disable it or use -target.",
    )
    fake_terraform.plans(workspace.stack_folder("b"), guarded)

    planned = planner(workspace, tmp_path, lambda _: None).plan("b")

    assert planned.error is not None
    assert planned.error.endswith("but the plan calls for this resource to be destroyed.")
    assert planned.error.id == "terraform-failed"
    assert [(one.id, one.data) for one in said(planned.as_json()["advice"])] == [("unit-moved", {"stack": "b"})]


def test_what_is_wrong_with_a_stack_itself_is_told_without_what_it_lacks_of_others(
    workspace: Workspace, tmp_path: Path, said: Said
) -> None:
    lacks = Failure(ABSENT, f"{REMOTE}a", reads=frozenset({"a"}))
    made = planner(workspace, tmp_path, lambda _: None)

    assert made._unplanned("b", [lacks, Failure("Invalid value")], ()).told == ("Invalid value",)
    assert [one.id for one in said(made._unplanned("b", [lacks], ()).error)] == ["outputs-missing"]


def test_who_interrupts_what_changes_nothing_has_terraform_stop(tmp_path: Path) -> None:
    stopped = tmp_path / "stopped"
    script = f"""
import pathlib, time
try:
    print("begun", flush=True)
    time.sleep(20)
except KeyboardInterrupt:
    pathlib.Path({str(stopped)!r}).touch()
"""

    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    with interrupts(), pytest.raises(KeyboardInterrupt):
        run([sys.executable, "-c", script], dict(os.environ), interrupt)
    assert stopped.exists()


def test_stacks_in_accounts_come_last_unless_one_reads_from_them(tmp_path: Path) -> None:
    needs = {
        "baseline_a": ["org"],
        "org": [],
        "security": ["org"],
        "sso": ["security"],
        "read": ["trail_b"],
        "trail_b": [],
    }
    stacks = {name: {"dependencies": others} for name, others in needs.items()}
    (tmp_path / "manifest.json").write_text(json.dumps({"stacks": stacks}))

    assert list(Workspace(tmp_path, {}).stacks) == ["org", "security", "sso", "baseline_a", "trail_b", "read"]


def test_stacks_that_wait_for_each_other_are_refused(tmp_path: Path) -> None:
    stacks = {"a": {"dependencies": ["b"]}, "b": {"dependencies": ["a"]}}
    (tmp_path / "manifest.json").write_text(json.dumps({"stacks": stacks}))

    with pytest.raises(StrataError) as refused:
        _ = Workspace(tmp_path, {}).stacks
    (told,) = refused.value.args
    assert (told.id, told.data) == ("stacks-in-a-circle", {"stacks": ["a", "b"]})


# Signals


@pytest.fixture
def signals() -> Iterator[Signals]:
    """Signals that a run takes, whatever this process ignores."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    for number in before:
        signal.signal(number, signal.SIG_DFL)
    with Signals() as taken:
        yield taken
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_while_nothing_is_applied_a_signal_ends_the_run_at_once(signals: Signals, number: int, code: int) -> None:
    with pytest.raises(StoppedError) as stopped:
        os.kill(os.getpid(), number)

    assert stopped.value.code == code
    assert not signals.ends


def interrupted(workspace: Workspace, signals: Signals, tmp_path: Path, *numbers: int) -> tuple[Applied, list[str]]:
    """Applies, sends signals while Terraform is at work, and lets it go on when all of them were noticed."""
    folder = workspace.stack_folder("a")
    says = [hook("apply_start", "aws_a.b", "create")]
    (folder / "apply.json").write_text(json.dumps({"says": says, "waits": True}))
    planned = planner(workspace, tmp_path, lambda _: None).plan("a")
    said: list[str] = []

    def press() -> None:
        wait_for((folder / "applying").exists)
        for number in numbers:
            received = len(signals._received)
            os.kill(os.getpid(), number)
            wait_for(lambda before=received: len(signals._received) > before)  # type: ignore[misc]
        if not signals.stops:
            wait_for(lambda: any("then stopping" in text for text in said))
            (folder / "go").touch()

    presser = threading.Thread(target=press)
    presser.start()
    done = apply(workspace, planned, signals, recorded(said), verbose=False)
    presser.join()
    return done, said


def wait_for(what: Callable[[], bool]) -> None:
    for _ in range(3000):
        if what():
            return
        time.sleep(0.01)
    raise TimeoutError


@pytest.mark.parametrize(
    ("numbers", "sent", "code"),
    [
        ([signal.SIGINT], 0, 130),
        ([signal.SIGINT, signal.SIGINT], 1, 130),
        ([signal.SIGINT, signal.SIGINT, signal.SIGINT], 1, 130),
        ([signal.SIGTERM], 1, 143),
        ([signal.SIGHUP, signal.SIGHUP], 0, 129),
        ([signal.SIGHUP, signal.SIGINT], 1, 129),
    ],
    ids=["Ctrl-C", "Ctrl-C twice", "Ctrl-C three times", "TERM", "a closed terminal", "a closed terminal and Ctrl-C"],
)
def test_terraform_gets_one_sigint_at_the_most(
    workspace: Workspace, signals: Signals, tmp_path: Path, numbers: list[int], sent: int, code: int
) -> None:
    """A second one would have it forget what it has done."""
    done, said = interrupted(workspace, signals, tmp_path, *numbers)

    commands = (workspace.stack_folder("a") / "commands.txt").read_text().splitlines()
    assert commands.count("SIGINT") == sent
    assert done.finished is not bool(sent)
    assert (signals.ends, signals.stops, signals.code) == (True, bool(sent), code)
    assert sum(text.startswith("a: stopping") for text in said) == sent
    assert done.events.begun == {"aws_a.b": "create"}


def test_terraform_is_not_in_the_process_group_of_the_terminal(workspace: Workspace) -> None:
    """Ctrl-C at a terminal goes to the whole group."""
    (workspace.stack_folder("a") / "apply.json").write_text(json.dumps({"waits": True}))
    process = workspace.started("a", "apply")
    wait_for((workspace.stack_folder("a") / "applying").exists)

    assert os.getsid(process._process.pid) == process._process.pid

    process.interrupt()
    assert process.result().code == 1


# Errors and rooms


def test_what_to_do_about_errors_is_said_once(workspace: Workspace, said: Said) -> None:
    """A lock is told with who holds it and the command that frees it."""
    lock = (
        "Error acquiring the state lock: ... Lock Info: ID: db7d2454-634f-48f0-b6af-5d41a93c6708 Path: x Who: root@vm"
    )
    found = [Failure("NoSuchBucket"), Failure("S3 bucket x does not exist"), Failure(lock)]

    told = said(list(advice(workspace, "a", found)))

    held = {"stack": "a", "lock": "db7d2454-634f-48f0-b6af-5d41a93c6708"}
    assert [(one.id, one.data) for one in told] == [
        ("state-bucket-missing", {"stack": "a"}),
        ("state-locked", {**held, "who": "root@vm"}),
        ("lock-of-killed-run", held),
    ]
    assert told[2].text.endswith("stacks/a force-unlock -force db7d2454-634f-48f0-b6af-5d41a93c6708")


def test_a_failed_call_is_one_line_with_where_it_was_made_and_what_to_do(workspace: Workspace) -> None:
    """Services with one endpoint are in us-east-1, states in the management account; a remedy is written out once."""
    document = {
        "terraform": {"backend": {"s3": {"region": "eu-north-1", "allowed_account_ids": ["111111111111"]}}},
        "provider": {"aws": [{"region": "eu-west-1", "allowed_account_ids": ["222222222222"]}]},
        "resource": {"aws_sns_topic": {"there": {"region": "us-west-2"}}},
    }
    (workspace.stack_folder("a") / "cdk.tf.json").write_text(json.dumps(document))
    told = {
        "aws_sns_topic.here": "operation error SNS: CreateTopic, StatusCode: 500",
        "aws_sns_topic.there": "operation error SNS: CreateTopic, StatusCode: 503",
        "aws_iam_role.x": "operation error IAM: CreateRole, StatusCode: 400, Throttling: x",
        "": "operation error S3: HeadObject, StatusCode: 400, Throttling: x",
        "aws_x.y": "Invalid value",
    }

    lines = TerraformError(workspace, "a", [Failure(text, address) for address, text in told.items()]).lines()

    cut = [re.match(r"error: a: (?:(aws_\S+): )?.* \(account (\d+), (.*?)\); (.*)", line) for line in lines]
    ways = {known.message.id: known.message for known in known_errors()}
    assert [one and one.groups() for one in cut] == [
        ("aws_sns_topic.here", "222222222222", "eu-west-1", ways["aws-failed"]),
        ("aws_sns_topic.there", "222222222222", "us-west-2", "do as for aws_sns_topic.here"),
        ("aws_iam_role.x", "222222222222", "us-east-1", ways["aws-throttled"]),
        (None, "111111111111", "eu-north-1", "do as for aws_iam_role.x"),
        None,
    ]


BECAUSE = "User: arn:aws:sts::123456789012:assumed-role/deployer/x is not authorized to perform:"
DENIALS = {
    f"operation error SNS: CreateTopic, StatusCode: 403, api error AuthorizationError: {BECAUSE} SNS:CreateTopic on "
    "resource: arn:aws:sns:us-east-1:123456789012:ex-alerts because no identity-based policy allows it": (
        *("policy-not-attached", {"action": "SNS:CreateTopic"}, "`strata permissions security` (statement Alerts)"),
    ),
    "operation error Organizations: MoveAccount, https response error StatusCode: 400, AccessDeniedException: You "
    "don't have permissions to access this resource.": (
        "policy-not-attached",
        {"action": "organizations:MoveAccount"},
        "`strata permissions organizations` (statement Parts)",
    ),
    "operation error S3: HeadBucket, https response error StatusCode: 403, api error Forbidden: Forbidden": (
        *("policy-not-attached", {"action": "s3:ListBucket"}, "`strata permissions reader` (statement Buckets)"),
    ),
    f"Error acquiring the state lock: Error message: AccessDenied: {BECAUSE} dynamodb:PutItem on resource: x": (
        *("policy-not-attached", {"action": "dynamodb:PutItem"}, "LockTable"),
    ),
    f"AccessDenied: {BECAUSE} s3:PutBucketPolicy on resource: x with an explicit deny in a permissions boundary": (
        "denied-explicitly",
        {"action": "s3:PutBucketPolicy", "by": "permissions boundary"},
        "",
    ),
    f"AccessDenied: {BECAUSE} s3:DeleteBucket on resource: arn:aws:s3:::x because no identity-based policy allows it": (
        *("action-in-no-policy", {"action": "s3:DeleteBucket"}, ""),
    ),
}


@pytest.mark.parametrize("by_aws", DENIALS)
def test_a_denial_names_the_policy_that_allows_it(workspace: Workspace, by_aws: str, said: Said) -> None:
    """In the words of every service: SNS has capitals, Organizations and HEAD do not name the action."""
    case, data, document = DENIALS[by_aws]
    (told,) = said(list(advice(workspace, "a", [Failure(by_aws), Failure(by_aws)])))
    assert (told.id, told.data) == (case, data)
    assert document in told.text


def test_a_terraform_that_was_killed_is_no_success(workspace: Workspace, signals: Signals, tmp_path: Path) -> None:
    (workspace.stack_folder("a") / "apply.json").write_text(json.dumps({"says": ["Killed"], "code": 137}))
    planned = planner(workspace, tmp_path, lambda _: None).plan("a")

    done = apply(workspace, planned, signals, recorded([]), verbose=False)

    assert not done.finished
    assert done.failures == (Failure("Terraform ended with 137: Killed"),)


@pytest.mark.parametrize(
    ("type", "number", "limit"),
    [
        ("aws_ssoadmin_account_assignment", 1, "-parallelism=8"),
        ("aws_account_alternate_contact", 15, None),
        ("aws_account_alternate_contact", 16, "-parallelism=4"),
        ("aws_sns_topic", 99, None),
    ],
)
def test_no_more_is_asked_at_once_than_aws_answers(
    workspace: Workspace, signals: Signals, tmp_path: Path, type: str, number: int, limit: str | None
) -> None:
    """Neither by the refresh of a plan nor by an apply."""
    folder = workspace.stack_folder("a")
    (folder / "cdk.tf.json").write_text(
        json.dumps({**workspace.document("a"), "resource": {type: {str(n): {} for n in range(number)}}})
    )
    planned = planner(workspace, tmp_path, lambda _: None).plan("a")
    apply(workspace, planned, signals, recorded([]), verbose=False)

    asked = [line.split() for line in (folder / "commands.txt").read_text().splitlines()]
    limits = {line[0]: [word for word in line if "parallelism" in word] for line in asked}
    assert limits["plan"] == limits["apply"] == ([limit] if limit else [])


@pytest.mark.parametrize("room", ["terraform", "identity"])
def test_what_commands_are_made_of_imports_no_command(room: str) -> None:
    files = (CHECKOUT / "strata" / room).glob("*.py")

    found = {
        name for file in files for name in re.findall(r"^ *(?:from|import) (strata\S*)", file.read_text(), re.MULTILINE)
    }

    assert not {name for name in found if name.startswith(("strata.commands", "strata.cli"))}


def synth_error(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> StrataError:
    """Returns the error with which main.py of a checkout ends."""
    monkeypatch.setattr(tools, "CHECKOUT", checkout)
    workspace = Workspace(checkout / "out", {"TF_PLUGIN_CACHE_DIR": str(checkout / "cache")})
    with pytest.raises(StrataError) as raised:
        workspace.synth()
    assert len(list(raised.value.lines())) == 1
    return raised.value


def test_a_synth_that_breaks_says_why_and_where_on_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    """What came first counts, as a full disk does of which jsii makes an AttributeError."""
    (tmp_path / "main.py").write_text(
        "try:\n    raise OSError(28, 'No space left on device')\nexcept OSError:\n    None.process\n"
    )
    (told,) = said(synth_error(tmp_path, monkeypatch))

    assert (told.id, told.place) == ("synth-failed", "main.py:2")
    assert "main.py:2: OSError: [Errno 28]" in told.text


def test_a_synth_that_breaks_in_what_stacks_call_blames_the_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    """A wrong argument of a layer is noticed in stacks/base.py and mended in the layer."""
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks/__init__.py").touch()
    (tmp_path / "stacks/base.py").write_text("def add(**given):\n    raise TypeError('has no argument')\n")
    (tmp_path / "main.py").write_text("from stacks.base import add\n\nadd(nme='x')\n")
    (told,) = said(synth_error(tmp_path, monkeypatch))

    assert (told.id, told.place) == ("synth-failed", "main.py:3")
    assert "main.py:3: TypeError: has no argument" in told.text


@pytest.mark.parametrize(
    ("code", "case", "text"),
    [
        ("import os\nos._exit(0)\n", "synth-ended-early", ""),
        (
            "class JavaScriptError(Exception): ...\nraise JavaScriptError('\\n  Error: twice\\n    at kernel')\n",
            "synth-failed",
            "main.py:2: JavaScriptError: Error: twice; ",
        ),
    ],
)
def test_the_terraform_of_the_run_before_is_never_taken_for_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, case: str, text: str, said: Said
) -> None:
    (tmp_path / "main.py").write_text(code)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/manifest.json").write_text('{"stacks": {}}')
    (told,) = said(synth_error(tmp_path, monkeypatch))

    assert told.id == case
    assert text in told.text
    assert not (tmp_path / "out/manifest.json").exists()


def test_a_stack_that_is_none_is_told_with_what_is_near(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    """The code of a layer alone makes no stack: a file of the configuration switches it on."""
    workspace: Any = SimpleNamespace(stacks=("backend", "sso"), environment={"STRATA_CONFIG": "etc"})
    (tmp_path / "topics").mkdir()
    (tmp_path / "topics/stack.py").touch()
    monkeypatch.setattr(layers, "CODE", tmp_path)
    for name, near in {"ssso": "did you mean 'sso'?", "topics": ": etc/layers/topics.yaml"}.items():
        with pytest.raises(StrataError) as raised:
            list(chosen(workspace, load(SHIPPED), Request([name])))
        (told,) = said(raised)
        assert (told.id, told.data) == ("no-such-stack", {"stack": name})
        assert near in told.text


@pytest.mark.parametrize(
    ("diagnostic", "told"),
    [
        ({"address": 'aws_sns_topic.t["a"]'}, 'aws_sns_topic.t["a"]: Taken: it exists'),
        ({"snippet": {"context": "resource.aws_sns_topic.t"}}, "aws_sns_topic.t: Taken: it exists"),
        ({"snippet": {"context": "data.aws_region.here"}}, "data.aws_region.here: Taken: it exists"),
        ({"snippet": {"context": "output.keys"}}, "Taken: it exists"),
        ({"snippet": {"context": None}}, "Taken: it exists"),
        ({"summary": "Module output value precondition failed"}, "it exists"),
        ({"address": "aws_sns_topic.t", "detail": "aws_sns_topic.t exists"}, "Taken: aws_sns_topic.t exists"),
    ],
)
def test_an_error_names_the_resource_that_it_is_about(diagnostic: dict[str, Any], told: str) -> None:
    assert failure({"summary": "Taken", "detail": "it exists", **diagnostic}).told == told


HOLDS = """
import pathlib, sys
from strata.terraform.workspace import Workspace
workspace = Workspace.of(pathlib.Path("config"))
print(workspace.folder.name, flush=True)
sys.stdin.read()
"""


STATE_NOTED = "stacks/a/.terraform/terraform.tfstate"


def test_two_commands_do_not_write_into_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDKTF_OUTPUT", str(tmp_path / "out"))
    with contextlib.ExitStack() as both:
        running = [
            both.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", HOLDS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
                )
            )
            for _ in range(2)
        ]
        names = {one.stdout.readline().strip() for one in running if one.stdout}
        for one in running:
            one.communicate()

    assert names == {"out", "out-2"}
    assert Workspace.of(Path("config")).folder.name == "out"


@pytest.mark.parametrize("content", [b"", b"\xd0\x00", b"{}"])
def test_what_terraform_noted_of_a_state_stops_no_run(workspace: Workspace, content: bytes) -> None:
    file = workspace.folder / STATE_NOTED
    file.parent.mkdir()
    file.write_bytes(content)
    workspace.initialize("a")

    assert not file.exists()
