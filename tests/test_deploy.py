"""`strata deploy` applies the plan that it showed, and asks about what it could not show."""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import re
import signal
import socket
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from strata import kinds
from strata.aws import begun
from strata.aws.identity_center import CenterClient
from strata.aws.session import Aws, AwsError
from strata.commands import deploy as command
from strata.config.layers import Code, Deploying, Layer, Roles
from strata.config.models import state_key
from strata.deploy import access, applying, ending
from strata.deploy.access import named_stacks
from strata.deploy.deploying import check_producers
from strata.deploy.ending import finish
from strata.deploy.schedule import AGAIN, Status
from strata.errors import Message, StrataError, UsageError
from strata.options import Options
from strata.terraform import names, whole
from strata.terraform.change_list import ApprovedList, ChangeList
from strata.terraform.events import Events
from strata.terraform.planner import Applied, ended, plan_folder
from strata.terraform.plans import Plan
from strata.terraform.process import ProcessResult
from strata.terraform.situation import RefusedError, Request
from strata.terraform.workspace import Workspace
from tests import deploying
from tests.deploying import (
    ACCOUNT,
    ATTACHED,
    MADE,
    STACKS,
    STALE,
    TEMPLATE,
    WAITS,
    Json,
    Site,
    planned,
    waits_for,
)
from tests.said import Said

site = deploying.site  # the fixture
DENIAL = AwsError(Message("aws-denied", ""), "AccessDenied")


def test_the_plan_that_was_shown_is_applied(site: Site) -> None:
    """What has no changes is not applied, and no plan is made twice where nothing was written."""
    site.plans("security", MADE)

    assert site.deploys() == 0

    assert (site.did("backend"), site.did("organizations"), site.did("security")) == ("plan", "plan", "plan apply")
    assert site.statuses == ["applied"] * 3
    assert site.questions == [f"deploy security to account {ACCOUNT}?"]
    applied = (site.of("security") / "commands.txt").read_text().splitlines()[-1]
    assert applied == f"apply -json -input=false {site.plan_folder}/security.tfplan"
    assert not site.plan_folder.exists()


def test_session_variables_that_ended_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", "2020-01-01T00:00:00Z")

    with pytest.raises(AwsError) as error:
        Aws(profile=None, region="us-east-1").caller()
    assert [told.id for told in error.value.args] == ["sign-in-expired"]


def test_an_endpoint_that_is_no_url_is_a_plain_error(monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "file:///etc")

    with pytest.raises(AwsError) as refused:
        Aws(profile=None, region="us-east-1").caller()
    assert said.ids(refused) == ["not-aws"]


def test_nothing_to_do_asks_nothing(site: Site, capsys: pytest.CaptureFixture[str], said: Said) -> None:
    assert site.deploys() == 0
    assert finish(site.run, 0, json=False) == 0

    assert (site.questions, site.statuses) == ([], ["applied"] * 3)
    assert said.ids(site.said[-1]) == ["nothing-to-do"]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("found", ["move", "import", "forget", "output"])
def test_what_changes_nothing_at_aws_is_something_to_do(site: Site, found: str) -> None:
    """A state that is not written does not know it the next time."""
    plan = planned(("forget" if found == "forget" else "no-op", "aws_a.new"))
    change = plan["resource_changes"][0]
    if found == "move":
        change["previous_address"] = "aws_a.old"
    if found == "import":
        change["change"]["importing"] = {"id": "i"}
    if found == "output":
        plan["output_changes"] = {"x": {"actions": ["update"]}}
    site.plans("security", plan)

    assert site.deploys() == 0

    assert site.questions == [f"deploy security to account {ACCOUNT}?"]
    assert site.did("security") == "plan apply"


def test_a_run_ends_with_a_line_for_each_stack_and_the_ids_of_new_accounts(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    new = {"resource": {"addr": "aws_organizations_account.new"}, "action": "create"}
    site.plans("organizations", planned(("create", "aws_organizations_account.new")))
    site.applies("organizations", ends=[{"type": "apply_complete", "hook": new}], code=0)
    ids = {"old": "111111111111", "new": "222222222222", "renamed": "333333333333", "management": ACCOUNT}
    ids["imported"] = "444444444444"
    before = {"old": "111111111111", "formerly": "333333333333"}
    site.states["organizations"] = {"outputs": {"account_ids": {"value": before}}}
    site.write_state("organizations", 1, outputs={"account_ids": {"value": ids}})

    code = site.deploys()
    finish(site.run, code, json=False)

    assert capsys.readouterr().out == "  new account 222222222222  new\n"
    ended = [re.sub(r"  \d+ s$", "", line) for line in site.to.getvalue().splitlines()[-3:]]
    assert ended == ["backend        no changes", "organizations  1 added", "security       no changes"]


def test_an_interrupted_stack_says_what_was_done(site: Site) -> None:
    site.plans("backend", MADE)
    assert site.deploys() == 0
    entry = site.run.schedule.entries["backend"]
    entry.status, entry.counts, entry.is_told = Status.INTERRUPTED, Counter(added=3), False

    finish(site.run, 130, json=False)

    assert "backend        interrupted after 3 added" in site.to.getvalue()


def _roll_out(site: Site, *plans: Json, stop_after: int = 0) -> None:
    """Adds a layer whose stacks in two accounts are deployed one after the other."""
    deploying = Deploying.model_validate({"rollout": {"waves": [["shared"], ["all"]], "stop_after": stop_after}})
    layer = Layer("topics", Code(site.folder, in_accounts=True), deploying=deploying)
    site.landing_zone = replace(site.landing_zone, layers={"topics": layer})
    for stack in ("topics_security", "topics_shared"):
        site.add(stack, "organizations")
        site.plans(stack, *plans or [MADE])


SHUT = Message("role-not-assumable", "its role cannot be assumed", stacks=["topics_shared"])


@pytest.mark.parametrize(("allowed", "ended"), [(0, "not started"), (1, "applied")])
def test_a_wave_waits_for_an_account_that_lets_nobody_in(
    site: Site, capsys: pytest.CaptureFixture[str], allowed: int, ended: str
) -> None:
    _roll_out(site, stop_after=allowed)
    site.shut_out = {"topics_shared": SHUT}

    assert site.deployment_ends(yes=True) == 1

    found = json.loads(capsys.readouterr().out)
    assert {one["stack"]: one["status"] for one in found["stacks"] if "topics" in one["stack"]} == {
        "topics_security": ended,
        "topics_shared": "not started",
    }
    stopped = [one["data"]["left"] for one in found["messages"] if one["id"] == "rollout-stopped"]
    assert stopped == [["topics_security"]] * (not allowed)


@pytest.mark.parametrize(("state", "code"), [({}, 0), ({"lineage": "one"}, 1)])
def test_an_account_that_lets_nobody_in_any_more_ends_a_deploy_with_1(
    site: Site, said: Said, state: Json, code: int
) -> None:
    """One that never let anybody in does not, and either is named where nothing else is to do."""
    site.adds_accounts({"a": "111111111111", "b": "222222222222"})
    site.states["log_a"], site.shut_out = state, {"log_a": SHUT}

    assert site.deploys() == code
    assert finish(site.run, code, json=False) == code

    (told,) = [one for text in site.said for one in said(text)]
    assert (told.id, site.questions) == ("nothing-to-do", [])
    assert "log_a" in told.text


@pytest.mark.parametrize("named", [(), ("topics",), ("topics_shared",)])
def test_a_part_whose_accounts_let_nobody_in_is_a_warning_where_nobody_named_it(
    site: Site, said: Said, monkeypatch: pytest.MonkeyPatch, named: tuple[str, ...]
) -> None:
    """The warning says whose policies the role needs."""
    _roll_out(site)
    layer = site.landing_zone.layers["topics"]
    roles = Roles(reader="ci/topics")
    layer = replace(layer, deploying=layer.deploying.model_copy(update={"roles": roles}))
    site.landing_zone = replace(site.landing_zone, layers={"topics": layer})
    site.states["organizations"] = {"outputs": {"account_ids": {"value": {"shared": "111111111111"}}}}
    monkeypatch.setattr(access, "closed_to_us", lambda _aws, accounts, _role="": dict.fromkeys(accounts, DENIAL))
    monkeypatch.setattr(access, "is_new", lambda *_: False)
    situation = replace(site.prepared(), chosen=("topics_shared",), request=Request(named))
    situation = replace(situation, chosen=(), shut_out=access.shut_out(situation, site.said.append))

    findings = [*named_stacks(situation)]
    warnings = [finding for finding in findings if isinstance(finding, Message)]
    errors = [text for finding in findings if isinstance(finding, StrataError) for text in finding.args]
    told = [one for text in (*warnings, *errors) for one in said(text)]
    assert [one.data["stacks"] for one in told if one.id == "role-not-assumable"] == [["topics_shared"]]
    assert " strata permissions topics/reader prints its policy" in told[0].text
    expected = {(): [], ("topics",): ["no-account-left"], ("topics_shared",): ["role-not-assumable"]}
    assert [error.id for error in errors] == expected[named]
    assert site.said == []


@pytest.fixture
def two_accounts(site: Site, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A layer in two accounts, one of which lets nobody in before somebody waits; returns what was applied by then."""
    layer = Layer("topics", Code(site.folder, in_accounts=True))
    site.landing_zone = replace(site.landing_zone, layers={"topics": layer})
    ids, opened, applied = {"security": "111111111111", "shared": "222222222222"}, list[str](), list[str]()
    for key in ids:
        site.add(f"topics_{key}", "organizations")
        site.plans(f"topics_{key}", MADE)
    site.write_state("organizations", 1, outputs={"account_ids": {"value": ids}})
    site.states["organizations"] = {"outputs": {"account_ids": {"value": ids}}}

    def waits(_seconds: float) -> None:
        opened.append("security")
        applied.extend(stack for stack in site.stacks if "apply" in site.did(stack))

    monkeypatch.setattr(
        access,
        "closed_to_us",
        lambda _aws, accounts, _role="": dict.fromkeys({*accounts} - {"shared", *opened}, DENIAL),
    )
    monkeypatch.setattr(access, "is_new", lambda *_: True)
    monkeypatch.setattr(access, "wait", waits)
    return applied


def test_a_new_account_that_lets_nobody_in_yet_is_waited_for(site: Site, said: Said, two_accounts: list[str]) -> None:
    site.plans("organizations", planned(("create", "aws_organizations_account.security")))
    site.plans("topics_security", waits_for("organizations"), MADE)

    assert site.deploys() == 0

    assert two_accounts == ["organizations"], "applied by then"
    assert (site.did("topics_security"), site.did("topics_shared")) == ("plan plan apply", "plan apply")
    assert [one.id for one in said("\n".join(site.said)) if one.id.startswith("access")] == ["access-role-not-seen"]


def test_a_new_account_that_never_lets_anybody_in_is_left_out(
    site: Site, said: Said, two_accounts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    site.plans("organizations", planned(("create", "aws_organizations_account.security")))
    site.plans("topics_security", waits_for("organizations"))
    monkeypatch.setattr(access, "wait", lambda _: None)

    assert site.deploys() == 1

    assert ("apply" in site.did("topics_security"), "apply" in site.did("topics_shared")) == (False, True)
    assert site.run.schedule.entries["topics_security"].status.word == "not started"
    told = [one for one in said("\n".join(site.said)) if one.id == "role-not-assumable"]
    assert [one.data["stacks"] for one in told] == [["topics_security"]]


def test_a_deploy_waits_for_a_new_account_that_lets_nobody_in_yet_and_a_plan_leaves_it_out(
    site: Site, said: Said, two_accounts: list[str]
) -> None:
    chosen = ("topics_security", "topics_shared")
    situation = replace(site.prepared(), chosen=chosen)

    plans = access.shut_out(replace(situation, request=Request(preview=True)), site.said.append)
    assert ([*plans], site.said) == (["topics_security"], [])
    assert access.shut_out(situation, site.said.append) == {}
    assert [one.id for one in said("\n".join(site.said))] == ["access-role-not-seen"]


def test_a_wave_without_an_account_is_said_to_be_empty_and_nothing_else(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prepared = replace(site.prepared(), chosen=(), request=Request(wave=2))
    monkeypatch.setattr(site, "prepared", lambda _: prepared)

    assert site.deploys() == 0
    assert [finish(site.run, 0, json=json) for json in (False, True)] == [0, 0]

    assert site.said == [], "the start of the run has said it"
    assert [one["id"] for one in json.loads(capsys.readouterr().out)["messages"]] == ["part-empty"]


FAILS: Json = {"says": [{"type": "diagnostic", "diagnostic": {"severity": "error", "summary": "no"}}], "code": 1}


@pytest.mark.parametrize(
    ("allowed", "ended", "left"),
    [(0, ["failed", "not started"], [["topics_security"]]), (1, ["failed", "applied"], [])],
)
def test_a_wave_waits_for_the_one_before(
    site: Site, said: Said, allowed: int, ended: list[str], left: list[list[str]]
) -> None:
    """All are planned and asked about at once; of more failures than the file allows no later wave begins."""
    _roll_out(site, stop_after=allowed)
    site.applies("topics_shared", **FAILS)

    assert site.deploys() == 1

    assert [site.run.schedule.entries[f"topics_{key}"].status.word for key in ("shared", "security")] == ended
    stopped = [one.data for one in said("\n".join(site.said)) if one.id == "rollout-stopped"]
    assert [one["left"] for one in stopped] == left
    assert site.questions == ["deploy topics to 2 member accounts?"]


LACKS = waits_for("topics_security")


def _shut_out(site: Site) -> None:
    site.shut_out, site.states["topics_security"] = {"topics_security": SHUT}, {}
    site.plans("alarms", LACKS)


def _unplanned(site: Site) -> None:
    site.plans("topics_security", "no")
    site.plans("alarms", LACKS)


def _unapplied(site: Site) -> None:
    site.applies("topics_security", **FAILS)


@pytest.mark.parametrize("wrong", [_shut_out, _unplanned, _unapplied])
def test_what_reads_from_a_stack_in_an_account_stops_with_it_alone(
    site: Site, capsys: pytest.CaptureFixture[str], wrong: Callable[[Site], None]
) -> None:
    """Whatever is wrong there, before the plan, in it or after: the rest is deployed."""
    deploying = Deploying.model_validate({"account": "security"})
    layers = {
        "topics": Layer("topics", Code(site.folder, in_accounts=True), deploying=deploying),
        "alarms": Layer("alarms", Code(site.folder, ("topics",))),
    }
    site.landing_zone = replace(site.landing_zone, layers=layers)
    site.add("topics_security", "organizations")
    site.add("alarms", "topics_security")
    for stack in ("security", "topics_security", "alarms"):
        site.plans(stack, MADE)
    wrong(site)

    assert site.deployment_ends(yes=True) == 1

    found = json.loads(capsys.readouterr().out)
    ended = {one["stack"]: one["status"] for one in found["stacks"]}
    there = "not started" if site.shut_out else "failed"
    assert ended == {
        **dict.fromkeys(("backend", "organizations", "security"), "applied"),
        "topics_security": there,
        "alarms": "not started",
    }
    left = [one["data"] for one in found["messages"] if one["id"] == "producer-failed"]
    assert left == [{"stack": "alarms", "producers": ["topics_security"]}]
    assert len(found["errors"]) == (there == "failed"), "who reads from it has nothing to say"


def test_a_layer_that_is_read_and_has_changes_is_deployed_first(site: Site, said: Said) -> None:
    site.add("base", "security")
    site.add("alarms", "base")
    site.plans("base", MADE)
    prepared = replace(site.prepared(), chosen=("alarms",))
    vars(site)["prepared"] = lambda _: prepared
    site.states.update({stack: {"serial": 1} for stack in site.stacks})
    site.deploys()
    site.run.planner.folder = site.folder

    with pytest.raises(StrataError) as refused:
        check_producers(site.run)

    (told,) = said(refused)
    assert (told.id, told.data["stack"]) == ("changes-not-deployed", "base")


def test_what_another_run_wrote_during_the_question_is_asked_about_again(site: Site) -> None:
    """Those of all accounts together: once they are deployed beside each other nobody can be asked."""
    more = planned(("create", "aws_a.new"), ("create", "aws_a.more"))
    _roll_out(site, MADE, more)

    def answer(_: str) -> bool:
        if len(site.questions) == 1:
            for stack in ("topics_security", "topics_shared"):
                site.write_state(stack, 2)
        return True

    site.answer = answer
    assert site.deploys() == 0

    assert site.questions == ["deploy topics to 2 member accounts?"] * 2


def test_accounts_that_are_all_put_off_end_with_a_list_of_their_own(site: Site, said: Said) -> None:
    """The later wave was put off as well, so the earlier one stops nothing; the line is one."""
    _roll_out(site)
    expected = ApprovedList("0", ChangeList(format=3, account=ACCOUNT, groups=[], later=[]))

    assert site.deploys(yes=True, expected=expected) == AGAIN

    told = [(one.id, one.data) for one in said("\n".join(site.said)) if one.id in ("on-no-list", "rollout-stopped")]
    assert told == [("on-no-list", {"stacks": ["topics_security", "topics_shared"]})]


def test_whose_terraform_was_killed_is_told_how_its_lock_is_freed(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site.plans("backend", MADE)
    id, now = "0f2b1f6e-6f0e-4c1c-9d3c-0f2b1f6e6f0e", dt.datetime.now(tz=dt.UTC)

    def killed(workspace: Workspace, planned: Plan, *_: object, **__: object) -> Applied:
        lock = {"ID": id, "Who": f"me@{socket.gethostname()}", "Created": f"{now:%Y-%m-%dT%H:%M:%S}Z"}
        key = f"{state_key('backend')}.tflock"
        site.aws.client("s3").put_object(Bucket=site.bucket, Key=key, Body=json.dumps(lock).encode())
        events = Events(site.run.progress, "backend")
        return Applied(False, events, (ended(ProcessResult(-signal.SIGKILL, ""), events),))

    monkeypatch.setattr(applying, "apply", killed)

    assert site.deploys() == 1

    (line,) = capsys.readouterr().err.splitlines()
    assert "by signal 9" in line
    assert line.endswith(f" -chdir={site.of('backend')} force-unlock -force {id}")


def test_nobody_agrees_and_nothing_is_done(site: Site) -> None:
    site.plans("backend", MADE)
    site.answer = lambda _: False

    assert site.deploys() == 1

    assert site.did("backend") == "plan"
    assert site.said[-1] == "nothing was changed"


def test_a_stack_is_planned_anew_after_its_producer_and_asked_about_only_for_more(site: Site) -> None:
    site.plans("backend", MADE)
    site.plans("organizations", MADE)
    site.plans("security", MADE, planned(("create", "aws_a.new"), ("delete", "aws_b.old")))
    site.answer = lambda question: "backend" in question

    assert site.deploys() == 1

    assert (site.did("backend"), site.did("organizations")) == ("plan apply", "plan plan apply")
    assert site.did("security") == "plan plan"
    assert site.questions[1:] == [f"deploy security to account {ACCOUNT}?"]
    assert site.to.getvalue().endswith("security: 1 change\n  delete   aws_b.old\n")
    assert site.statuses == ["applied", "applied", "not started"]
    assert site.said[-1] == "not deployed: security"


def test_yes_answers_that_too(site: Site) -> None:
    site.plans("organizations", MADE)
    site.plans("security", {}, planned(("replace", "aws_b.old")))

    assert site.deploys(yes=True) == 0

    assert site.questions == []
    assert site.did("security") == "plan plan apply"
    assert "replace  aws_b.old" in site.to.getvalue()


def test_a_guardrail_that_goes_is_asked_about_by_itself(site: Site) -> None:
    """It stands below the plan in red; whoever agrees to the plan alone has not agreed to that."""
    site.plans("security", planned(("delete", ATTACHED)))
    site.answer = lambda question: "deploy" in question

    assert site.deploys() == 1

    assert "goes: " in site.to.getvalue()
    assert [question.partition(" ")[0] for question in site.questions] == ["deploy", "without"]
    assert site.did("security") == "plan"


def test_nobody_is_asked_about_a_guardrail_with_yes_so_that_it_needs_its_word(site: Site, said: Said) -> None:
    site.plans("backend", MADE)
    site.plans("security", planned(("delete", ATTACHED)))

    with pytest.raises(RefusedError) as raised:
        site.deploys(yes=True)

    assert [one.kind for one in raised.value.refusals] == [f"weaken:{ATTACHED}"]
    assert said.ids(raised.value.refusals) == ["guardrail-goes"]
    assert site.did("backend") == "plan"


def test_a_stack_that_could_not_be_planned_is_asked_about_in_its_turn(site: Site) -> None:
    site.stacks = STACKS[:2]
    site.plans("backend", MADE)
    site.plans("organizations", WAITS, MADE)

    assert site.deploys() == 0

    assert "once backend is applied" in site.to.getvalue()
    assert [question.split(" to ")[0] for question in site.questions] == ["deploy backend", "deploy organizations"]
    assert site.did("organizations") == "plan plan apply"


@pytest.mark.parametrize(("stack", "serial", "lineage"), [("security", 2, "one"), ("organizations", 1, "two")])
def test_a_plan_counts_only_while_the_states_it_rests_on_stay(
    site: Site, stack: str, serial: int, lineage: str
) -> None:
    """Somebody else deploys while the question stands: its own state, or one that it reads, is another one then."""
    site.plans("security", MADE)

    def answer(_: str) -> bool:
        site.write_state(stack, serial, lineage)
        return True

    site.answer = answer

    assert site.deploys() == 0
    assert site.did("security") == "plan plan apply"
    assert len(site.questions) == 1


def test_a_plan_that_terraform_finds_stale_is_made_again(site: Site) -> None:
    """Somebody was quicker between the last look and the lock."""
    site.plans("backend", MADE, {})
    site.applies("backend", says=[STALE], code=1)

    assert site.deploys() == 0
    assert site.did("backend") == "plan apply plan"


def test_a_stack_that_lacks_what_a_failed_one_would_write_adds_no_error(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.plans("backend", "Invalid value")
    site.plans("organizations", WAITS)

    assert site.deploys(yes=True) == 1

    assert [text for text in capsys.readouterr().err.splitlines() if "error" in text] == [
        "error: backend: Invalid value"
    ]


def test_an_error_in_any_plan_stops_before_anything_is_applied(
    site: Site, capsys: pytest.CaptureFixture[str], said: Said
) -> None:
    site.plans("backend", MADE)
    site.plans("security", "Instance cannot be destroyed")

    assert site.deploys(yes=True) == 1

    assert site.did("backend") == "plan"
    told = [(one.id, one.data["stack"]) for one in said(capsys.readouterr().err)]
    assert told == [("terraform-failed", "security"), ("guarded-from-replacement", "security")]


GROUP = "aws_identitystore_group.finops"


@pytest.fixture
def remade(site: Site, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Has the last stack record a group that is at AWS under another id; returns each look into Identity Center."""
    _has_finops(site, monkeypatch)
    of, asked = CenterClient.of, list[str]()

    def looked(*arguments: Any) -> Any:
        asked.append("center")
        return of(*arguments)

    monkeypatch.setattr(names, "CenterClient", SimpleNamespace(of=looked))
    group = {"type": "aws_identitystore_group", "name": "finops", "instances": [{"attributes": {"id": "d-1/old"}}]}
    site.states["security"] = {"resources": [group]}
    site.write_state("security", 1, resources=[group])
    return asked


def _has_finops(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    instance = site.aws.client("sso-admin").list_instances()["Instances"][0]
    site.aws.client("identitystore").create_group(IdentityStoreId=instance["IdentityStoreId"], DisplayName="finops")
    monkeypatch.setattr(names, "STACK", "security")
    monkeypatch.setattr(names, "STACKS", {**kinds.STACKS, "group": "security"})


def test_what_was_made_again_by_hand_stops_before_anybody_is_asked(site: Site, remade: list[str], said: Said) -> None:
    site.plans("backend", MADE)
    site.plans("security", planned(("create", GROUP)))

    with pytest.raises(RefusedError) as raised:
        site.deploys()

    (told,) = said(raised)
    assert (told.id, told.data["key"], told.data["kind"]) == ("made-again", "finops", "group")
    assert list(raised.value.lines())[-1] == "nothing was changed"
    assert any(f"stacks/security state rm {GROUP}" in text for text in raised.value.lines())
    assert site.questions == []
    assert site.did("backend") == site.did("security") == "plan"


def test_aws_is_asked_only_where_something_with_a_name_is_created(site: Site, remade: list[str]) -> None:
    site.plans("security", planned(("update", GROUP), ("create", "a.b")))

    assert site.deploys(yes=True) == 0

    assert remade == []


def another_run_holds_the_lock(site: Site) -> None:
    now = dt.datetime.now(dt.UTC).isoformat()
    lock = {"ID": "0a1b2c3d-1111-2222-3333-444455556666", "Who": "kim@elsewhere", "Created": now}
    key = f"{state_key('security')}.tflock"
    site.aws.client("s3").put_object(Bucket=site.bucket, Key=key, Body=json.dumps(lock).encode())


OTHERS: dict[str, tuple[Callable[[Site], None], str, Json]] = {
    "another run": (
        another_run_holds_the_lock,
        "other-run-active",
        {"stack": "security", "lock": "0a1b2c3d-1111-2222-3333-444455556666", "who": "kim@elsewhere"},
    ),
    "another run that has ended": (
        lambda site: site.write_state("security", 2),
        "changed-meanwhile",
        {"stack": "security"},
    ),
    "nobody": (lambda _: None, "import-by-name", {"kind": "group", "key": "finops"}),
}


@pytest.mark.parametrize("who", OTHERS)
def test_what_another_run_is_making_is_nobody_elses(site: Site, who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A group is there that no state has; before anything is said of it, lock and state are read again."""
    _has_finops(site, monkeypatch)
    happens, case, data = OTHERS[who]
    of = CenterClient.of

    def looked(*arguments: Any) -> Any:
        happens(site)
        return of(*arguments)

    monkeypatch.setattr(names, "CenterClient", SimpleNamespace(of=looked))
    site.plans("security", planned(("create", GROUP)), planned(("no-op", GROUP)))

    with pytest.raises(StrataError) as raised:
        site.deploys(yes=True)

    (problem,) = raised.value.args
    assert (problem.id, {**problem.data, **data}) == (case, problem.data)
    assert isinstance(raised.value, RefusedError) == (who == "nobody")
    assert "apply" not in site.did("security")


def test_a_group_with_members_that_nobody_declares_is_taken_over_by_no_deploy(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where a run began it: somebody has put others into it since."""
    _has_finops(site, monkeypatch)
    people = site.aws.client("identitystore")
    store = {"IdentityStoreId": site.aws.client("sso-admin").list_instances()["Instances"][0]["IdentityStoreId"]}
    (group,) = people.list_groups(**store)["Groups"]
    who = {"UserName": "mallory", "DisplayName": "M", "Name": {"GivenName": "M", "FamilyName": "M"}}
    user = people.create_user(**store, **who)["UserId"]
    people.create_group_membership(**store, GroupId=group["GroupId"], MemberId={"UserId": user})
    line = f'{GROUP}: "{store["IdentityStoreId"]}/{group["GroupId"]}"'

    for began, case in (({}, "made-by-others"), ({GROUP: "finops"}, "leftover-changed")):
        begun.write(site.aws, site.landing_zone.project, "security", began)
        site.plans("security", planned(("create", GROUP)))
        with pytest.raises(RefusedError) as raised:
            site.deploys(yes=True)

        (refusal,) = raised.value.refusals
        problem = refusal.fault.problem
        assert (problem.id, problem.data["holds"]) == (case, ["member mallory"])
        assert (refusal.kind, refusal.lines) == ("", (line,))


def test_what_was_done_is_counted_by_events_and_what_was_imported_by_the_plan(site: Site) -> None:
    new = {"resource": {"addr": "aws_a.new"}, "action": "create"}
    forgotten = planned(("create", "aws_a.new"), ("forget", "aws_a.old"))
    forgotten["resource_changes"][0]["previous_address"] = "aws_a.before"
    site.plans("backend", forgotten)
    site.applies("backend", ends=[{"type": "apply_complete", "hook": new}], code=0)

    assert site.deploys() == 0
    assert site.run.schedule.entries["backend"].counts == {"added": 1, "forgotten": 1}


def test_what_exists_already_is_imported_and_not_asked_about(site: Site) -> None:
    """What a killed run made is found by the id that follows from the configuration."""
    exists = {"severity": "error", "summary": "DuplicatePolicyAttachmentException", "address": ATTACHED}
    imported = planned(("no-op", ATTACHED))
    imported["resource_changes"][0]["change"]["importing"] = {"id": "r-1:p-1"}
    shown = planned(("create", ATTACHED))
    site.plans("backend", shown, shown, imported, {})
    site.applies("backend", says=[{"type": "diagnostic", "diagnostic": exists}], code=1)

    site.deploys()

    assert site.did("backend").startswith("plan apply plan plan apply")
    document = json.loads((site.of("backend") / "cdk.tf.json").read_text())
    assert document["import"] == [{"to": ATTACHED, "id": "r-1:p-1"}]
    assert len(site.questions) == 1


@pytest.mark.parametrize(
    ("tags", "own_tags", "ours"),
    [
        ({"Layer": "things"}, True, True),
        ({"Layer": "things"}, False, False),
        ({}, True, False),
        ({"owner": "payroll"}, True, False),
    ],
)
@pytest.mark.parametrize("yes", [True, False])
def test_what_somebody_else_made_is_taken_into_no_layer_of_ones_own(
    site: Site, capsys: pytest.CaptureFixture[str], tags: dict[str, str], *, own_tags: bool, ours: bool, yes: bool
) -> None:
    """Whoever agreed has seen that it is created; what a killed run of the layer made has its tags."""
    bucket, layer = "aws_s3_bucket.main", Layer("things", Code(site.folder))
    project = site.landing_zone.project.model_copy(update={"default_tags": own_tags})
    site.landing_zone = replace(site.landing_zone, layers={"things": layer}, project=project)
    site.add("things", "organizations")
    exists = {"severity": "error", "summary": "BucketAlreadyOwnedByYou", "address": bucket}
    shown, imported = planned(("create", bucket)), planned(("update", bucket))
    made = {"bucket": "hand-made", "tags": {"Layer": "things"}, "tags_all": {"Layer": "things"}}
    shown["resource_changes"][0]["change"]["after"] = made
    change = {
        "before": {**made, "force_destroy": None, "tags": tags, "tags_all": tags},
        "importing": {"id": "hand-made"},
    }
    imported["resource_changes"][0]["change"] |= {**change, "after": {**made, "force_destroy": False}}
    site.plans("things", shown, shown, imported, {})
    site.applies("things", says=[{"type": "diagnostic", "diagnostic": exists}], code=1)

    assert site.deploys(yes=yes) == 1

    told = capsys.readouterr().err.splitlines()[-1]
    line = f'self.import_resource("{bucket}", "hand-made")'
    assert (site.did("things").count("apply"), line in told) == ((2, False) if ours else (1, True))
    assert len(site.questions) == (not yes)


def test_a_plan_that_nobody_can_see_is_not_applied(site: Site, said: Said) -> None:
    """`strata deploy --yes | head` is no success of a run that did nothing."""

    class Closed(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    site.plans("backend", MADE)
    site.to = Closed()

    with pytest.raises(StrataError) as raised:
        site.deploys(yes=True)

    assert said.ids(raised) == ["plan-not-shown"]
    assert site.did("backend") == "plan"


# Interrupted


def press(site: Site, stack: str, times: int) -> threading.Thread:
    """Presses Ctrl-C while a stack is applied; after one, Terraform goes on."""

    def pressing() -> None:
        wait_for((site.of(stack) / "applying").exists)
        for number in range(1, times + 1):
            os.kill(os.getpid(), signal.SIGINT)
            wait_for(lambda number=number: len(site.signals._received) >= number)  # type: ignore[misc]
        if times == 1:
            wait_for(lambda: any("then stopping" in text for text in site.said))
            (site.of(stack) / "go").touch()

    thread = threading.Thread(target=pressing)
    thread.start()
    return thread


def wait_for(what: Callable[[], bool]) -> None:
    """Waits as long as a loaded machine may take."""
    for _ in range(3000):
        if what():
            return
        threading.Event().wait(0.01)
    raise TimeoutError


def test_the_first_interrupt_lets_the_stack_finish_and_starts_no_other(site: Site, said: Said) -> None:
    site.plans("backend", MADE)
    site.plans("organizations", MADE)
    site.applies("backend", waits=True)
    thread = press(site, "backend", 1)

    assert site.deploys(yes=True) == 130

    thread.join()
    assert site.statuses == ["applied", "not started", "not started"]
    assert "SIGINT" not in site.did("backend")
    (told,) = said(site.said[-1])
    assert (told.id, told.data) == ("run-interrupted", {"changed": True})


def test_the_second_stops_it(site: Site) -> None:
    """The next run keeps what was being made."""
    site.plans("backend", planned(("create", ATTACHED)))
    begun = {"type": "apply_start", "hook": {"resource": {"addr": ATTACHED}, "action": "create"}}
    site.applies("backend", says=[begun], waits=True)
    thread = press(site, "backend", 2)

    assert site.deploys(yes=True) == 130

    thread.join()
    assert site.statuses == ["interrupted", "not started", "not started"]
    assert site.did("backend") == "plan apply SIGINT"


def test_an_interrupt_at_the_question_changes_nothing(site: Site, said: Said) -> None:
    site.plans("backend", MADE)

    def answer(_: str) -> bool:
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError

    site.answer = answer

    assert site.deploys() == 130
    (told,) = said(site.said[-1])
    assert (told.id, told.data) == ("run-interrupted", {"changed": False})
    assert not site.plan_folder.exists()


def test_what_a_killed_run_left_of_its_plans_is_removed(site: Site) -> None:
    workspace = site.prepared().workspace
    left = workspace.folder / "plans/a.tfplan"
    left.parent.mkdir()
    left.touch()

    with plan_folder(workspace) as folder:
        assert [*folder.iterdir()] == []
        assert folder.stat().st_mode & 0o077 == 0

    assert not folder.exists()


def test_what_an_earlier_run_made_half_way_is_kept_before_the_plan(site: Site, said: Said) -> None:
    """What is replaced is gone for a moment; the plan that is shown has nothing of it, but for others' Terraform."""
    half = {"type": "aws_organizations_policy_attachment", "name": "deny_root", "instances": [{"status": "tainted"}]}
    block = {"type": "aws_s3_bucket_public_access_block", "name": "trail", "instances": [{"status": "tainted"}]}
    other = {"type": "aws_vpc", "name": "x", "instances": [{"status": "tainted"}]}
    site.states["organizations"] = {"resources": [half, block, other]}

    assert site.deploys() == 0
    assert site.did("organizations") == "untaint untaint plan"
    kept = [one for one in said(site.said) if one.id == "half-made-kept"]
    assert [one.place for one in kept] == [ATTACHED, "aws_s3_bucket_public_access_block.trail"]


def test_without_a_terminal_the_run_ends_at_its_start(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is read, and with the exit code of wrong usage."""
    monkeypatch.setattr("strata.terminal.interactive", lambda: False)
    monkeypatch.setattr(command, "prepare", lambda *_, **__: pytest.fail("it went on"))

    with pytest.raises(UsageError, match="give --yes"):
        command.run(Options(TEMPLATE), stacks=(), json=False, yes=False, allow=())


# What AWS rejects for some minutes only

NOT_YET = {"severity": "error", "summary": "CloudTrailAccessNotEnabledException", "address": "aws_cloudtrail.main"}


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that a run waited, without the waiting."""
    waited: list[float] = []
    monkeypatch.setattr(applying, "wait", waited.append)
    return waited


def test_what_passes_by_itself_is_tried_again_and_not_asked_about(site: Site, pauses: list[float], said: Said) -> None:
    site.plans("backend", MADE, MADE, {})
    site.applies("backend", says=[{"type": "diagnostic", "diagnostic": NOT_YET}], code=1)

    assert site.deploys() == 0

    assert site.did("backend") == "plan apply plan apply plan"
    assert len(site.questions) == 1
    assert pauses == [5, 15]
    tries = [one.data for one in said(site.said) if one.id == "aws-settling"]
    assert tries == [{"stack": "backend", "seconds": each, "reasons": ["trusted-access-off"]} for each in (5, 15)]
    assert site.statuses[0] == "applied"


def test_what_exists_beside_it_is_imported_by_the_next_try(site: Site, pauses: list[float]) -> None:
    """And no try is lost: it is waited once."""
    there = {"severity": "error", "summary": "DuplicatePolicyAttachmentException", "address": ATTACHED}
    site.plans("backend", planned(("create", ATTACHED)), planned(("create", ATTACHED)), {})
    both = [{"type": "diagnostic", "diagnostic": each} for each in (NOT_YET, there)]
    site.applies("backend", says=both, code=1)

    assert site.deploys() == 0

    assert pauses == [5]
    assert site.did("backend") == "plan apply plan plan"
    document = json.loads((site.of("backend") / "cdk.tf.json").read_text())
    assert [one["to"] for one in document["import"]] == [ATTACHED]


def test_waiting_ends_with_the_remedy(
    site: Site, pauses: list[float], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], said: Said
) -> None:
    monkeypatch.setattr(applying, "PAUSES", (5, 15))
    site.plans("backend", MADE)
    site.applies("backend", says=[{"type": "diagnostic", "diagnostic": NOT_YET}], code=1)

    assert site.deploys() == 1

    assert site.did("backend") == "plan apply plan apply plan apply"
    assert pauses == [5, 15]
    assert site.statuses == ["failed", "not started", "not started"]
    assert said.ids(capsys.readouterr().err) == ["terraform-failed", "access-not-settled"]


def test_an_interrupt_ends_the_waiting(site: Site, monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    site.plans("backend", MADE)
    site.applies("backend", says=[{"type": "diagnostic", "diagnostic": NOT_YET}], code=1)
    monkeypatch.setattr(applying, "wait", lambda _: os.kill(os.getpid(), signal.SIGINT))

    assert site.deploys() == 130

    assert site.did("backend") == "plan apply"
    assert site.statuses[0] == "interrupted"
    assert said.ids(site.said[-1]) == ["run-interrupted"]


def test_what_it_left_half_made_is_kept_before_the_next_try(site: Site, pauses: list[float]) -> None:
    trail = {"mode": "managed", "type": "aws_cloudtrail", "name": "main", "instances": [{"status": "tainted"}]}
    site.write_state("backend", 2, resources=[trail])
    site.plans("backend", MADE, {})
    site.applies("backend", says=[{"type": "diagnostic", "diagnostic": NOT_YET}], code=1)

    site.deploys()

    assert "untaint" in site.did("backend")
    assert pauses[0] == 5


@pytest.mark.parametrize(
    ("status", "code", "provisions"),
    [(Status.FAILED, 1, True), (Status.APPLIED, 0, True), (Status.UNCHANGED, 0, True), (Status.FAILED, 130, False)],
)
def test_accounts_get_the_newest_permission_sets_after_a_failure_too(
    site: Site, status: Status, code: int, provisions: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A provisioning that fails leaves nothing in the state that a later plan would show."""
    asked: list[object] = []
    monkeypatch.setattr(ending, "provision_permission_sets", lambda *looked: asked.append(looked))
    site.add("sso")
    site.deploys()
    site.run.schedule.entries["sso"].status = status
    site.run.written.add("sso")

    finish(site.run, code, json=True)

    assert bool(asked) is provisions


def test_a_record_that_is_refused_fails_nothing(site: Site, monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AwsError(Message("aws-denied", "s3:PutObject is not allowed"), "AccessDenied")

    monkeypatch.setattr(whole, "write", refused)
    site.adds_accounts({"a": "111111111111"})

    assert site.deployment_ends() == 0
    assert "kept-file-unwritable" in said.ids(site.said)


def test_a_line_of_imports_whose_thing_is_gone_is_told_and_left_out(
    site: Site, capsys: pytest.CaptureFixture[str], said: Said
) -> None:
    """Two are gone, of which one shows only once the other is out of the way; what is no line stays an error."""
    site.landing_zone = replace(site.landing_zone, imports={"aws_iam_role.a": "a", "aws_iam_role.b": "b"})
    document = json.loads((site.of("backend") / "cdk.tf.json").read_text())
    document["import"] = [{"to": f"aws_iam_role.{name}", "id": name} for name in "abc"]
    (site.of("backend") / "cdk.tf.json").write_text(json.dumps(document))
    site.plans("backend", _gone("aws_iam_role.a"), _gone("aws_iam_role.b"), {})
    site.plans("organizations", _gone("aws_iam_role.c"))

    code = site.deploys(yes=True)

    assert code == 1
    told = [(one.id, one.place.partition(": ")[2] or one.data["stack"]) for one in said(capsys.readouterr().err)]
    assert told == [
        ("import-of-nothing", "aws_iam_role.a"),
        ("import-of-nothing", "aws_iam_role.b"),
        ("terraform-failed", "organizations"),
    ]
    left = json.loads((site.of("backend") / "cdk.tf.json").read_text())["import"]
    assert left == [{"to": "aws_iam_role.c", "id": "c"}]


def _gone(address: str) -> Json:
    detail = (
        f'While attempting to import an existing object to "{address}", the provider detected that no object exists'
    )
    summary = "Cannot import non-existent remote object"
    return {"type": "diagnostic", "diagnostic": {"severity": "error", "summary": summary, "detail": detail}}
