"""`strata deploy`: checks, plans, asks, and applies the plan that it showed, stack by stack.

Plain `cdktf deploy` applies the same Terraform. Here is what only a command that looks before, during and after can do.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from strata.aws.access_role import account_ids
from strata.aws.runs import NO_STATE
from strata.aws.runs import begin as begin_run
from strata.aws.runs import read as read_runs
from strata.aws.runs import write as write_runs
from strata.aws.session import AwsError
from strata.aws.states import Version, read_state
from strata.config.layers import Rollout
from strata.config.models import ACCESS_ROLE, MANAGEMENT, Locking
from strata.deploy.access import await_access, not_let_in
from strata.deploy.reading import prepare
from strata.drift.permission_sets import otherwise
from strata.errors import Message, StrataError
from strata.identity.held import STACK
from strata.kinds import TYPES, resource_of
from strata.options import Options
from strata.outputs import error_facts, output, warning_facts
from strata.printing import document, line
from strata.terminal import confirmed, require_terminal
from strata.terraform import fleet, whole
from strata.terraform.administrators import refuse_second_administrator
from strata.terraform.apply import Applied, apply
from strata.terraform.change_list import ApprovedList
from strata.terraform.errors import PAUSES, TerraformError, is_being_made, settling, wait
from strata.terraform.events import Failure
from strata.terraform.existing import ExistingTable, GoneImports, exists_already
from strata.terraform.guarded import Verdict, judged
from strata.terraform.locks import abandoned
from strata.terraform.lookups import explained, refuse_handed_on
from strata.terraform.losses import existing_in_layer, taken_over
from strata.terraform.names import Names
from strata.terraform.plan_text import names_of, show
from strata.terraform.plans import STOPPED, Plan, Planner, Versions, own_version, plan_folder
from strata.terraform.progress import Progress, duration
from strata.terraform.provisioning import provision_permission_sets, refuse_by_hand
from strata.terraform.recovery import (
    adopt_interrupted,
    adopt_taken,
    adopt_what_exists,
    drop_digests,
    half_made,
    looked_up,
    report_kept,
    tainted,
    unreached,
    untaint,
)
from strata.terraform.signals import Signals, StoppedError
from strata.terraform.situation import RefusedError, Request, Situation
from strata.terraform.workspace import StateObject
from strata.text import counted, listed, plural

DIFFERS = 3
"""The exit code where the plan is not the expected one; nothing was changed."""
AGAIN = 4
"""The exit code where what was expected is deployed, and what can be planned only now needs a list of its own."""
ACTIONS = ("imported", "moved", "added", "changed", "destroyed", "forgotten")
MAX_TRIES = 20
"""How often a stack is applied: again after things that exist already were imported, or its state changed.

Of a permission set with several policies a try may find one: each waits for the one before.
"""
MAX_PLANS = 4
"""How often a stack is planned while its inputs change."""
DEPLOY = "strata deploy"
ORGANIZATIONS = "organizations"


@dataclass
class StackOutcome:
    """How one stack ended."""

    stack: str
    status: str = "not started"
    seconds: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)


def run(
    options: Options,
    *,
    stacks: Sequence[str],
    json: bool,
    yes: bool,
    allow: Sequence[str],
    expect: str | None = None,
    refresh: bool = False,
    at_once: int | None = None,
    wave: int | None = None,
) -> int:
    """Shows the plan, asks and applies it; one that can be planned only after another is asked about in its turn.

    Args:
        expect: the list that was approved, or its hash: nothing else is applied, and nobody is asked about more.
        refresh: whether Terraform is started in accounts that are as the last deploy left them.
    """
    expected = ApprovedList.of(expect) if expect is not None else None
    taken = fleet.Fleet.of(at_once, wave)
    if not yes:
        require_terminal("strata plan")
    with (
        Signals() as signals,
        plan_folder() as folder,
        Progress(options) as progress,
    ):
        try:
            situation = prepare(options, progress, Request(stacks, allow, taken, refresh=refresh))
            to = sys.stderr if json else sys.stdout
            deployment = Deployment(*(options, situation, signals, folder, to, progress), yes=yes, expected=expected)
            deployment.check_producers()
        except StoppedError as stopped:
            options.note(Message("run-interrupted", "interrupted; nothing was changed"))
            return stopped.code
        try:
            code = deployment.run()
        except StrataError as error:
            deployment.finish(1, json=json, error=error)
            raise
        return deployment.finish(code, json=json)


class Deployment:
    """One run of `strata deploy`."""

    def __init__(
        self,
        options: Options,
        situation: Situation,
        signals: Signals,
        folder: Path,
        to: TextIO,
        progress: Progress,
        *,
        yes: bool,
        expected: ApprovedList | None = None,
    ) -> None:
        self.options, self.situation, self.signals, self.to, self.yes = options, situation, signals, to, yes
        self.progress = progress
        self.landing_zone, self.aws, self.workspace = situation.landing_zone, situation.aws, situation.workspace
        self._names = Names.of(situation, otherwise)
        zone = situation.landing_zone
        self._existing = ExistingTable.of(self.aws, zone, situation.reader)
        self._gone = GoneImports(situation.landing_zone)
        self._muted = fleet.Muted(options)
        going = [stack for stack in situation.chosen if stack not in situation.spared]  # what fails stops waves, too
        self._many = fleet.many(self.workspace, going, situation.landing_zone.account_stacks)
        self._planner = Planner(
            *(self.workspace, folder, situation.version, progress),
            verbose=options.verbose,
            adopt=self._adopt_taken,
            gone=self._gone.among,
            refuse=(
                lambda planned: refuse_handed_on(situation, planned, applied=bool(self._written)),
                lambda planned: refuse_second_administrator(situation, planned, applied=bool(self._written)),
                lambda planned: refuse_by_hand(situation, otherwise, planned, applied=bool(self._written)),
            ),
            explain=partial(explained, situation),
            reader=situation.reader,
            remarked=situation.remarks.on,
            refresh=situation.refreshes,
            digest=situation.digest,
            many=self._many,
            at_once=situation.request.fleet.at_once,
            muted=self._muted,
        )
        self._expected = expected
        self._unfinished = 1
        """The exit code of a run that stops by itself."""
        self._unexpected: list[Message] = []
        """What is planned otherwise than expected."""
        self._kept: dict[str, list[str]] = {}
        """What runs partly created and this one keeps, by stack."""
        self._shown: dict[str, Plan] = {}
        """The plans that somebody has seen and agreed to."""
        self._written: set[str] = set()
        """The stacks that this run has applied."""
        self._created: set[str] = set()
        """The addresses that it has begun to create."""
        self._whole: dict[str, Version | None] = {}
        """The stacks in the management account that it has brought to an end, with the version that this left."""
        self._unwritable: Exception | None = None
        """Why it could not be written how a stack ended."""
        self._provisions = False
        """Something was changed that AWS takes to all accounts with a permission set."""
        self._idle = False
        """Nothing is to be done."""
        self._told: set[str] = set()
        """The stacks whose end was told."""
        self._failures: list[StrataError] = []
        self._shut: list[Message] = []
        """What is told of new accounts that let nobody in."""
        self._odd: dict[str, int] = dict.fromkeys(self._shut_out(), 1)
        """The exit code for each stack that failed or was put off while others went on."""
        took_part = {*situation.chosen, *self._odd}
        self.outcomes = {stack: StackOutcome(stack) for stack in self.workspace.stacks if stack in took_part}
        self._reasons: list[Message] = [situation.empty] if situation.empty else []
        """Why stacks were left to another run."""

    def _adopt_taken(self, planned: Plan) -> bool:
        return adopt_taken(self.workspace, self._existing, self._names, planned, self._note_of(planned.stack))

    def note(self, text: str) -> None:
        """Prints a note; a closed terminal must not end an apply."""
        with suppress(OSError, ValueError):
            self.progress.note(text)

    def _words(self, stacks: Iterable[str]) -> list[str]:
        return fleet.words(stacks, self.landing_zone.account_stacks)

    def _leave(self, why: Message) -> None:
        """Says why a stack is left to another run, and keeps it for a script."""
        self._reasons.append(why)
        self.note(why)

    def _note_of(self, stack: str) -> Callable[[str], None]:
        return self._muted.done if stack in self._many else self.note

    def check_producers(self) -> None:
        """Stops when a stack that is read from, but not deployed now, has changes or was never deployed.

        Of one in a member account, whatever is wrong there, others read what it has recorded.
        """
        stacks, accounts = self.situation.asked, self.landing_zone.account_stacks
        skipped = [
            stack for stack in self.workspace.producers(*stacks) if stack not in stacks and stack not in accounts
        ]
        for producer in skipped:
            readers = self._words(s for s in (*skipped, *stacks) if producer in self.workspace.stacks[s])
            reads = f"{', '.join(readers)} {plural(len(readers), 'reads', 'read')} from it"
            self.progress.doing(f"{producer}: looking for changes, because {reads}")
            if not self.situation.states[producer]:
                text = f"{producer} was never deployed; run strata deploy {producer} {' '.join(self._words(stacks))}"
                raise StrataError(Message("never-deployed", text, stack=producer, stacks=list(stacks)))
            changes = self._planner.plan(producer)
            if changes.error:
                text = f"{producer} cannot be planned: {'; '.join(changes.told)}"
                raise StrataError(Message("not-planned", text, stack=producer))
            if changes.differs and not (
                changes.changes and self.situation.left_out.get(producer, frozenset()).issuperset(changes.changes)
            ):
                what = counted(changes.count, "change") if changes.count else "outputs"
                text = (
                    f"{producer} has {what} not deployed yet; nothing was changed; "
                    f"run strata deploy {producer} {' '.join(self._words(stacks))}"
                )
                raise StrataError(Message("changes-not-deployed", text, stack=producer, changes=changes.count))

    def run(self) -> int:
        """Plans, asks and applies; returns the exit code, and leaves in `outcomes` how each stack ended."""
        try:
            for stack in self.situation.asked:
                self._keep_half_made(stack, self.situation.states[stack])
            if not self._agreed():
                return self._unfinished
            for group in fleet.groups(self.workspace, [*self.outcomes], self.landing_zone.account_stacks):
                for stack in self._spared(group):
                    self.outcomes[stack].status = "applied"
                many = self._many.union(self._odd).intersection(group, self.landing_zone.account_stacks)
                goes_on = self._deploy_waves(group) if many else all(map(self._isolated, self._left(group)))
                if self.signals.ends:
                    return self._interrupted(self.signals.code)
                if not goes_on:
                    return self._worst(self._unfinished)
        except StoppedError as stopped:
            return self._interrupted(stopped.code)
        return self._worst(0)

    def _worst(self, code: int) -> int:
        return max([code, *self._odd.values()], key=(0, AGAIN, 1).index)

    def finish(self, code: int, *, json: bool, error: StrataError | None = None) -> int:
        """Says how it went, and returns the exit code."""
        accounts = () if json else self.landing_zone.account_stacks
        stacks = [
            outcome.stack
            for outcome in self.outcomes.values()
            if outcome.status == "applied" and outcome.stack not in accounts
        ]
        try:
            if self._may_be_outdated() and not (code in (0, 1, AGAIN) and self._provisioned()):
                self._whole.pop(STACK, None)
            self._write_down()
        except StoppedError as stopped:
            code = self._interrupted(stopped.code)
        outputs = {} if code else self._outputs(stacks)
        self.progress.rest()
        with suppress(OSError):  # how the run ended is known also where nobody reads it
            if json:
                self._print_json(outputs, error)
            else:
                self._print_end(outputs)
        return code

    def _may_be_outdated(self) -> bool:
        """Says whether accounts may have older permission sets; after a failed apply the state says that none has."""
        sso = self.outcomes.get(STACK)
        if sso is None or sso.status != "applied":
            return sso is not None and sso.status == "failed" and STACK in self._written
        return self._provisions or not _began_whole(self.situation)

    def _provisioned(self) -> bool:
        """Brings accounts the newest permission sets, unless somebody ends the run; says whether all have them."""
        if self.signals.ends:
            return False
        self.progress.doing("looking for permission sets to provision", seen_only=True)
        return provision_permission_sets(self.aws, self.landing_zone, otherwise, self.note)

    def _write_down(self) -> None:
        """Writes down which stacks ended whole."""
        ended = {stack: version or NO_STATE for stack, version in self._whole.items()}
        project = self.landing_zone.project
        try:
            write_runs(self.aws, project, ended)
        except (AwsError, ValueError) as error:
            self._unwritable = error
        if why := self._unwritable:
            text = f"how this run ended is not written: {why}"
            self.note(Message("kept-file-unwritable", text))

    def _ended_whole(self, planned: Plan, version: Version | None) -> bool:
        """Keeps that a stack is as its plan has it, one in an account beside its state; returns that it is.

        Args:
            version: of its state, none where this run has just written it.
        """
        stack, project = planned.stack, self.landing_zone.project
        if stack not in self.landing_zone.account_stacks:
            self._whole[stack] = version or own_version(self._planner.versions(stack), stack)
        elif not planned.remarks:  # else the next plan looks again
            digest = partial(_planned_with, planned.versions)
            try:
                origin, applied = self.situation.origin(stack), planned.differs
                whole.write(self.aws, project, stack, origin, digest, version, applied=applied)
            except AwsError as error:
                self._unwritable = error
        return self._finished(self.outcomes[stack])

    def _print_json(self, outputs: dict[str, Any], error: StrataError | None) -> None:
        errors = [error_facts(failure) for failure in (*self._failures, *([error] if error else []))]
        facts = {
            "stacks": [asdict(outcome) for outcome in self.outcomes.values()],
            "outputs": outputs,
            "new_accounts": self._new_accounts(outputs),
            "unexpected": self._unexpected,
            "warnings": [
                warning_facts(text) for text in (*self.situation.warnings, *self._gone.warnings.values(), *self._shut)
            ],
            **{part: [fact for answer in errors for fact in answer[part]] for part in ("faults", "errors", "advice")},
        }
        document(output("deploy", facts, self._reasons))
        if error:
            error.printed = True

    def _print_end(self, outputs: dict[str, Any]) -> None:
        if self.situation.empty:
            pass  # it was said
        elif self._idle:
            said = (stack for stack, planned in self._shown.items() if planned.remarks)
            unseen = sorted(self.situation.spared.union(self.situation.shut_out, said))
            but = f", but for {left}, see above" if (left := ", ".join(self._words(unseen))) else ""
            self.note(Message("nothing-to-do", f"nothing to do: AWS is as the configuration says{but}"))
        elif any(outcome.status != "not started" for outcome in self.outcomes.values()):
            together = self._many.union(self.situation.spared, self.situation.shut_out)
            for outcome in self.outcomes.values():
                if self.options.verbose or outcome.stack not in together:
                    self._tell(outcome)
            if not self.options.verbose:
                self._tell_together([outcome for stack, outcome in self.outcomes.items() if stack in together])
            if self._written and outputs.get("portal_url"):
                print(line(f"sign in at {outputs['portal_url']}"))
        self._tell_waiting()
        for key, account_id in self._new_accounts(outputs).items():
            print(line(f"  new account {account_id}  {key}"))

    def _tell_waiting(self) -> None:
        """Says at the end again that the trail waits for the plan after this one."""
        for warning in self.situation.warnings if self._written else ():
            if warning.id == "trail-not-moved":
                self.note(warning)

    def _new_accounts(self, outputs: dict[str, Any]) -> dict[str, str]:
        """Returns the ids of the accounts that were in no state when the run began and that this run did not import."""
        known = (
            self.situation.states.get(ORGANIZATIONS, {}).get("outputs", {}).get("account_ids", {}).get("value") or {}
        )
        account_ids = outputs.get("account_ids") or {}
        there = set(known.values())  # by id: an account that was renamed has a new key only
        made = {key for key in account_ids if f"{TYPES['account']}.{key}" in self._created}
        return {key: account_ids[key] for key in sorted(made) if account_ids[key] not in there and key != MANAGEMENT}

    def _tell(self, outcome: StackOutcome) -> None:
        """Prints how a stack ended, once."""
        if outcome.stack in self._told:
            return
        self._told.add(outcome.stack)
        did = _did(outcome.counts)
        if outcome.status == "applied":
            what = did or ("outputs only" if outcome.seconds else "no changes")
        else:
            what = f"{outcome.status}{f' after {did}' if did else ''}"
        width = max(map(len, self.outcomes))
        took = f"  {duration(outcome.seconds)}" if outcome.seconds else ""
        print(f"{outcome.stack:<{width}}  {what}{took}", file=self.to, flush=True)

    def _tell_together(self, outcomes: Sequence[StackOutcome]) -> None:
        """Prints how the stacks in member accounts ended, a line for each layer."""
        for layer in dict.fromkeys(fleet.layer_of(outcome.stack) for outcome in outcomes):
            some = [outcome for outcome in outcomes if fleet.layer_of(outcome.stack) == layer]
            counts = sum((Counter(outcome.counts) for outcome in some), Counter())
            did = _did(counts)
            ended = Counter(
                "unchanged" if outcome.status == "applied" and not outcome.seconds else outcome.status
                for outcome in some
            )
            how = ", ".join(f"{number} {status}" for status, number in ended.items())
            print(f"{layer} in {counted(len(some), 'account')}: {how}{f'; {did}' if did else ''}", file=self.to)

    # One stack

    def _shut_out(self) -> Iterator[str]:
        """Yields the stacks left out in accounts that let nobody in, but for those that were never let in.

        That is the account of a layer without a rollout that has no state, that nobody has approved or reads from.
        """
        approved = self._expected.changes.stacks_named if self._expected and self._expected.changes else ()
        read = self.workspace.producers(*self.situation.chosen)
        for stack in self.situation.shut_out:
            if stack in approved or stack in read or self.situation.states[stack] or self._rollout(stack):
                yield stack

    def _left_out(self, stack: str) -> bool:
        """Says whether a stack cannot be deployed, since it failed before, or another did that it reads from."""
        odd = [producer for producer in self.workspace.producers(stack) if producer in self._odd]
        if odd and stack not in self._odd:
            self._odd[stack] = 1
            text = f"{stack}: not started, since it reads from {listed(odd)}"
            self._leave(Message("producer-failed", text, stack=stack, producers=odd))
        return stack in self._odd

    def _spared(self, stacks: Iterable[str]) -> Collection[str]:
        """Returns the stacks that are as their last whole run left them, also after what this run wrote."""
        spared = [stack for stack in stacks if stack in self.situation.spared]
        if not self._written.intersection(self.workspace.producers(*spared)):
            return spared
        return self.situation.left_whole(spared)

    def _left(self, stacks: Iterable[str]) -> list[str]:
        """Returns those of stacks that are still to be deployed, and can be."""
        return [stack for stack in stacks if self.outcomes[stack].status != "applied" and not self._left_out(stack)]

    def _deploy_waves(self, stacks: Sequence[str]) -> bool:
        """Deploys stacks in member accounts by waves, once the new ones among the accounts let us in."""
        self._enter(self._left(stacks))
        if not self._agreed_anew(stacks):
            return False
        for wave in fleet.waves(stacks, self.landing_zone.wave):
            self._deploy_at_once(wave)
            if self.signals.ends:
                return False
            if not self._idle:
                self._stop_rollouts(wave)
        return True

    def _enter(self, stacks: Sequence[str]) -> None:
        """Waits for the accounts of stacks that let nobody in yet, and leaves out those that still do not."""
        closed = await_access(self.aws, self._new_ids(stacks), self.note)
        if shut := [stack for stack in stacks if self.landing_zone.account_stacks[stack] in closed]:
            why = not_let_in(self.situation, ACCESS_ROLE, shut)
            self.note(f"warning: {why}")
            self._shut.append(why)
            self._odd |= dict.fromkeys(shut, 1)

    def _agreed_anew(self, stacks: Sequence[str]) -> bool:
        """Plans and asks about those together whose plan is out of date, and says whether the run goes on."""
        outdated = [stack for stack in self._left(stacks) if self._is_outdated(stack)]
        return not outdated or self._agreed_again(self._planner.plan_at_once(outdated, self._planner.plan))

    def _deploy_at_once(self, some: Sequence[str]) -> None:
        stacks = self._left(some)
        if not stacks:
            return
        rollouts = {fleet.layer_of(stack): self._rollout(stack) for stack in stacks}
        waves = {name: len(self.landing_zone.waves[name]) for name, rollout in rollouts.items() if rollout}
        parts = [f"{name}: wave {self.landing_zone.wave(stacks[0])} of {number}" for name, number in waves.items()]
        told = ", ".join([*parts, counted(len(stacks), "account stack")])
        bounds = [
            rollout.at_once
            for rollout in rollouts.values()
            if rollout and rollout.at_once and not self.situation.request.fleet.bound
        ]
        at_once = min([self._planner.at_once, len(stacks), *bounds])
        if not self._idle:
            self.progress.doing(f"{told}: deploying, {at_once} at once")
        with self.signals.shield():
            fleet.each(self._isolated, stacks, at_once, self.progress)

    def _rollout(self, stack: str) -> Rollout | None:
        layer = self.landing_zone.layers.get(fleet.layer_of(stack))
        return layer.deploying.rollout if layer else None

    def _stop_rollouts(self, wave: Sequence[str]) -> None:
        """Leaves later waves of a layer where more stacks of this one failed, or were put off, than its file allows."""
        number = self.landing_zone.wave(wave[0])
        for layer, rollout in {fleet.layer_of(stack): self._rollout(stack) for stack in wave}.items():
            failed = [stack for stack in wave if fleet.layer_of(stack) == layer and stack in self._odd]
            if rollout is None or len(failed) <= rollout.stop_after:
                continue
            theirs = [stack for stack in self.situation.chosen if fleet.layer_of(stack) == layer]
            later = [its for its in theirs if self.landing_zone.wave(its) > number and its not in self._odd]
            self._odd |= dict.fromkeys(later, 1)
            left = [stack for stack in later if stack not in self.situation.spared]
            if left:
                names = ", ".join(left) if self.options.verbose else listed(left)
                lost = counted(len(failed), "account")
                text = f"{layer}: failed or put off in wave {number}: {lost}; not started: {names}"
                self._leave(Message("rollout-stopped", text, layer=layer, wave=number, failed=failed, left=left))

    def _watch(self, stack: str) -> Progress:
        return self._muted if stack in self._many else self.progress

    def _agreed_again(self, plans: Mapping[str, Plan]) -> bool:
        """Asks about what the plans of stacks in member accounts do beyond what was shown."""
        news = []
        for stack, planned in plans.items():
            shown, self._shown[stack] = self._shown[stack], planned
            if planned.error:
                self.outcomes[stack].status, self._odd[stack] = "failed", 1
                self._report(stack, planned.failures)
                continue
            beyond = planned if shown.waits_for else planned.beyond(shown)
            if beyond.count:
                news.append(beyond)
        verdict = self._judged(news)
        self._show(news)
        if self._expected and news:
            self._put_off(*(planned.stack for planned in news))
        return bool(self._expected) or not news or self._confirmed([planned.stack for planned in news], verdict)

    def _isolated(self, stack: str) -> bool:
        """Deploys a stack, and says whether the run goes on: whatever is wrong in a member account stops no other."""
        if self.signals.ends:
            return False
        try:
            finished = self._deploy(stack)
        except StrataError as error:
            if stack not in self.landing_zone.account_stacks:
                raise
            self.outcomes[stack].status = "failed"
            self._fails(error)
            finished = False
        if self.outcomes[stack].status == "failed":
            self._odd[stack] = 1
        return finished or (stack in self.landing_zone.account_stacks and stack in self._odd)

    def _is_outdated(self, stack: str) -> bool:
        """Says whether a stack was planned before what it reads was written: by this run, or another while it asked."""
        shown = self._shown[stack]
        if shown.waits_for or not shown.versions:
            return True
        wrote = bool(self._written.intersection(self.workspace.producers(stack)))
        if stack not in self.landing_zone.account_stacks:
            return wrote
        took_time = self._expected is None and not self.yes
        return (wrote or took_time) and shown.versions != self._planner.versions(stack)

    def _deploy(self, stack: str) -> bool:
        """Applies the plan of a stack, a new one where it is out of date; returns whether it finished."""
        outcome, in_account = self.outcomes[stack], stack in self.landing_zone.account_stacks
        planned = None if not in_account and self._is_outdated(stack) else self._shown[stack]
        await_access(self.aws, self._new_ids([stack]), self.note)
        left, pauses = MAX_TRIES, iter(PAUSES)
        unsaid: Callable[[Plan], Counter[str]] = lambda _: Counter()  # noqa: E731  # there was no apply yet
        while left:
            planned = self._current(stack, planned)
            if planned is None:
                outcome.status = "failed" if stack in self._written else outcome.status
                return False
            outcome.counts = dict(Counter(outcome.counts) + unsaid(planned))
            if not (planned.changes or planned.outputs):
                return self._ended_whole(planned, own_version(planned.versions, stack))
            applied = self._apply(planned)
            outcome.counts = dict(Counter(outcome.counts) + applied.events.done)
            if applied.finished:
                outcome.counts = dict(Counter(outcome.counts) + planned.counts)
                return self._ended_whole(planned, None)
            if self.signals.stops:
                outcome.status = "interrupted"
                self._recover(planned, applied)
                return False
            failures = self._looked_up(self._unreached(stack, applied.failures))
            reached = len(failures) < len(applied.failures)
            reasons = {failure: settling(failure) for failure in failures}
            staying = [failure for failure, reason in reasons.items() if reason is None]
            adopted = not applied.stale and self._adopt(stack, staying)
            if not self._settles(stack, [*filter(None, reasons.values())], staying, pauses):
                left -= 1
                if not applied.stale and not adopted and not reached:
                    break
            while any(map(is_being_made, failures)):
                failures = self._looked_up(failures)
                if not self._settles(
                    stack, [*filter(None, map(settling, filter(is_being_made, failures)))], (), pauses
                ):
                    break
            unsaid, planned = partial(applied.did_unsaid, planned), None
        outcome.status = "failed"
        self._report(stack, failures or applied.failures)
        return False

    def _new_ids(self, stacks: Iterable[str]) -> dict[str, str]:
        """Returns the ids of the accounts of stacks that may let nobody in yet: AWS has just made them."""
        keys = {
            account
            for stack in stacks
            if (account := self.landing_zone.account_stacks.get(stack))
            and f"{TYPES['account']}.{account}" in self._created
            and ACCESS_ROLE in self.landing_zone.roles(stack).model_dump().values()
        }
        state = read_state(self.aws, self.landing_zone.project, ORGANIZATIONS) if keys else {}
        return dict(account_ids(state, sorted(keys)))

    def _current(self, stack: str, planned: Plan | None) -> Plan | None:
        """Returns the approved plan if its states are unchanged, else None."""
        for _ in range(MAX_PLANS):
            if planned and planned.versions == self._planner.versions(stack):
                return planned
            planned, shown = self._planner.plan(stack), self._shown[stack]
            if planned.error:
                self.outcomes[stack].status = "failed"
                self._report(stack, planned.failures)
                return None
            if taken := taken_over(self.landing_zone, planned, shown):
                self.outcomes[stack].status = "failed"
                self._report(stack, taken)
                return None
            news = planned if shown.waits_for else planned.beyond(shown)
            verdict = self._judged([news])
            nobody = self._expected is not None or stack in self._many  # is asked
            if (shown.waits_for or news.count) and stack not in self._many:
                self._show([news])
            if news.count and not (self._put_off(stack) if nobody else self._confirmed([stack], verdict)):
                return None
            self._shown[stack] = planned
        text = f"{stack}: its inputs keep changing; wait until no other deploy runs"
        raise StrataError(Message("changed-meanwhile", text, stack=stack))

    def _apply(self, planned: Plan) -> Applied:
        stack, begun = planned.stack, time.monotonic()
        if self.landing_zone.project.state.locking is Locking.S3:
            drop_digests(self.aws, self.landing_zone, [stack])
        if stack == STACK:
            self._names.begin(planned)
        self._watch(stack).doing(f"{stack}: deploying")
        self._written.add(stack)
        if any(resource_of(address).provisioned for address in planned.changes):
            self._provisions = True
            with suppress(AwsError, ValueError):  # told when the run ends
                begin_run(self.aws, self.landing_zone.project, STACK)
        self._created |= {address for address, change in planned.changes.items() if change.action == "create"}
        try:
            return apply(
                self.workspace,
                planned,
                self.signals,
                self._watch(stack),
                writer=self.situation.writer,
                verbose=self.options.verbose,
            )
        finally:
            outcome = self.outcomes[stack]
            outcome.seconds = round(outcome.seconds + time.monotonic() - begun, 1)

    def _finished(self, outcome: StackOutcome) -> bool:
        outcome.status = "applied"
        if outcome.stack == STACK:
            self._names.end()
        if not self._idle and outcome.stack not in self._many:
            with suppress(OSError):
                self._tell(outcome)
        return True

    # Asking

    def _agreed(self) -> bool:
        """Plans all stacks, shows the plans, and asks about those that can be applied."""
        plans = [*self._planner.plan_all(self.situation.asked), *self.situation.unasked()]
        self._shown |= {planned.stack: planned for planned in plans}
        verdict = self._judged(plans)
        cannot = Message("not-planned", "cannot be planned")
        self._show([replace(plan, error=plan.error and cannot, advice=(), told=()) for plan in plans])
        for planned in plans:
            report_kept(planned, self._kept.get(planned.stack, ()), self.note)
        failed = {planned.stack: planned.failures for planned in plans if planned.error}
        unready = {planned.stack for planned in plans if planned.error or planned.differs or planned.waits_for}
        for stack, failures in failed.items():
            # A stack that lacks outputs of one that failed, or waits behind it, has nothing more to say.
            behind = {*self._odd}.intersection(self.workspace.producers(stack))
            if not behind and not (failures and all(unready & failure.reads for failure in failures)):
                self._report(stack, failures)
            if stack in self.landing_zone.account_stacks and not self._left_out(stack):
                self.outcomes[stack].status, self._odd[stack] = "failed", 1
        plans = [planned for planned in plans if not self._left_out(planned.stack)]
        idle = not any(planned.differs or planned.waits_for for planned in plans)
        if failed.keys() - self._odd.keys() or (failed and idle):
            self.note(Message("nothing-changed", "nothing was changed"))
            return False
        if self._expected and self._is_another_list(self._expected, plans):
            self._unfinished = DIFFERS
            text = "nothing was changed; look at the list of another strata plan, and approve that"
            self.note(Message("nothing-changed", text))
            return False
        plans = [planned for planned in plans if planned.stack not in self._odd]
        if not any(planned.differs or planned.waits_for for planned in plans):
            self._idle = idle
            return True
        return self._confirmed([planned.stack for planned in plans if planned.differs], verdict)

    def _judged(self, plans: Sequence[Plan]) -> Verdict:
        """Returns what plans take away, once nothing of it is refused; what it needs no word for is said.

        Raises:
            RefusedError: something needs its word.
        """
        verdict = judged(self.situation, self._names, plans, asks=not self.yes, approved=self._expected is not None)
        for text in verdict.unused:
            self.note(f"warning: {text}")
        if verdict.refused:
            raise RefusedError(verdict.refused, applied=bool(self._written))
        return verdict

    def _show(self, plans: Sequence[Plan]) -> None:
        try:
            self.progress.rest()
            made = ORGANIZATIONS in self._written
            state = read_state(self.aws, self.landing_zone.project, ORGANIZATIONS) if made else None
            names, accounts = names_of(self.situation.states.values()), self.situation.account_ids(state)
            wave = self.landing_zone.wave
            show(plans, self.to, names, every=self.options.verbose, accounts=accounts, wave=wave)
        except OSError as error:  # also a closed pipe, which is the end of other commands only
            text = f"the plan cannot be shown, so it is not applied: {error.strerror}"
            raise StrataError(Message("plan-not-shown", text)) from error

    def _confirmed(self, stacks: Sequence[str], verdict: Verdict) -> bool:
        self.progress.rest()
        verdict.show(self.to)
        if self.yes or (confirmed(f"deploy {self._places(stacks)}?") and self._weakens(verdict)):
            return True
        left = [outcome.stack for outcome in self.outcomes.values() if outcome.status == "not started"]
        text = f"not deployed: {', '.join(self._words(left))}" if self._written else "nothing was changed"
        self.note(Message("not-agreed" if self._written else "nothing-changed", text, stacks=left))
        return False

    def _weakens(self, verdict: Verdict) -> bool:
        """Asks about guardrails that go, by themselves."""
        number = counted(len(verdict.alone), "guardrail")
        return not verdict.alone or confirmed(f"without {number}, as above?")

    def _places(self, stacks: Sequence[str]) -> str:
        """Returns stacks with the account that they go to, those in member accounts by their layer."""
        accounts, management = self.landing_zone.account_stacks, self.landing_zone.project.management_account.id
        here = [stack for stack in stacks if stack not in accounts]
        layers = Counter(fleet.layer_of(stack) for stack in stacks if stack in accounts)
        to = [f"{', '.join(here)} to account {management}"] if here else []
        return " and ".join(
            [*to, *(f"{name} to {counted(number, 'member account')}" for name, number in layers.items())]
        )

    # Expecting

    def _is_another_list(self, expected: ApprovedList, plans: Sequence[Plan]) -> bool:
        """Says whether more is planned otherwise than expected than what is put off: accounts."""
        expected, now = self.situation.approved(expected).without(self._odd), self.situation.lists(plans)
        stops, accounts = expected.stops(now), expected.on_no_list(now)
        self._unexpected = stops or expected.of_stacks(accounts, now)
        if self._unexpected:
            with suppress(OSError):
                print(*map(line, self._unexpected), sep="\n", file=self.to, flush=True)
        if accounts and not stops:
            self._put_off(*sorted(accounts))
        return bool(stops)

    def _put_off(self, *stacks: str) -> bool:
        """Leaves stacks whose plan nobody could see before to a run of their own; says that they are not confirmed."""
        self._odd |= {stack: 1 if stack in self._written else AGAIN for stack in stacks}
        self._unfinished = self._worst(0)
        named = listed(self._words(stacks))
        text = f"{named}: not deployed, since no approved list has it: run strata plan, and approve the new list"
        self._leave(Message("on-no-list", text, stacks=list(stacks)))
        return False

    # What went wrong

    def _keep_half_made(self, stack: str, state: Mapping[str, Any], by: str = "an earlier run") -> None:
        if addresses := half_made(self.workspace, stack, state):
            self._planner.prepare(stack)
            untaint(self.workspace, stack, addresses, self._note_of(stack), by=by)
            self._kept[stack] = addresses

    def _adopt(self, stack: str, failures: Sequence[Failure]) -> bool:
        return adopt_what_exists(
            self.workspace,
            lambda: self._planned_again(stack),
            failures,
            self._existing,
            self._note_of(stack),
        )

    def _settles(
        self, stack: str, reasons: Sequence[Message], staying: Sequence[Failure], pauses: Iterator[int]
    ) -> bool:
        """Waits where AWS rejects something for some minutes only; returns whether to try again.

        What fails beside it, and is not imported, is told before the wait: it is tried again, too, and ends the run
        where it fails alone.
        """
        seconds = next(pauses, None) if reasons and not self.signals.ends else None
        if seconds is None:
            return False
        for failure in staying:
            if exists_already(str(failure.address), failure.text):
                continue
            text = f"{stack}: {failure.told}; retried together with errors that pass by themselves"
            self._note_of(stack)(Message("failed-beside", text, place=failure.address or "", stack=stack))
        reasons = list(dict.fromkeys(reasons))
        text = f"{stack}: {'; '.join(reasons)}; trying again in {seconds} s"
        self._note_of(stack)(
            Message("aws-settling", text, stack=stack, seconds=seconds, reasons=[message.id for message in reasons])
        )
        self.outcomes[stack].status = "interrupted"  # by who stops it now
        wait(seconds)
        self._keep_half_made(stack, read_state(self.aws, self.landing_zone.project, stack), by="this run")
        return True

    def _unreached(self, stack: str, failures: Sequence[Failure]) -> Sequence[Failure]:
        staying = unreached(self.aws, self.landing_zone, failures, otherwise, self.note)
        if len(staying) < len(failures):
            self._keep_half_made(stack, read_state(self.aws, self.landing_zone.project, stack), by="this run")
        return staying

    def _looked_up(self, failures: Sequence[Failure]) -> list[Failure]:
        return [looked_up(self.aws, self.landing_zone, replace(failure, remedy=None)) for failure in failures]

    def _planned_again(self, stack: str) -> Plan:
        """Plans after an apply that failed, and has the plan replace nothing that it made half way."""
        self._keep_half_made(stack, read_state(self.aws, self.landing_zone.project, stack), by="this run")
        return self._planner.plan(stack)

    def _recover(self, planned: Plan, applied: Applied) -> None:
        """Keeps the resources that the stack was creating when it stopped, so that the next plan replaces none."""
        stack = planned.stack
        try:
            half = tainted(read_state(self.aws, self.landing_zone.project, stack))
            ours = sorted(set(half) - set(tainted(self.situation.states.get(stack, {}))))
            untaint(self.workspace, stack, ours, self._note_of(stack), by="this run")
            begun = [address for address, action in applied.events.begun.items() if action == "create"]
            if begun and not fleet.own_layer(self.landing_zone, stack):  # there the next plan says whose it is
                adopt_interrupted(
                    self.workspace, self._planner.plan(stack), begun, self._existing, self._note_of(stack)
                )
        except StrataError as error:
            for text in error.lines():
                self._note_of(stack)(text)

    def _interrupted(self, code: int) -> int:
        if self._written:
            text = f"interrupted; run {DEPLOY} again: it is safe and continues where this run ended"
        else:
            text = "interrupted; nothing was changed"
        self.note(Message("run-interrupted", text, changed=bool(self._written)))
        return code

    def _report(self, stack: str, failures: Sequence[Failure]) -> None:
        if any(failure.id == STOPPED for failure in failures):
            project, now = self.landing_zone.project, dt.datetime.now(tz=dt.UTC)
            lock = next(abandoned(self.aws, project, self.workspace, [stack], now), None)
            failures = [
                replace(failure, remedy=lock if failure.id == STOPPED else failure.remedy) for failure in failures
            ]
        self._fails(TerraformError(self.workspace, stack, existing_in_layer(self.landing_zone, stack, failures)))

    def _fails(self, error: StrataError) -> None:
        self._failures.append(error)
        with suppress(OSError):
            print("\n".join(error.lines()), file=sys.stderr, flush=True)

    # AWS

    def _outputs(self, stacks: Sequence[str]) -> dict[str, Any]:
        outputs_of_all: dict[str, Any] = {}
        for stack in stacks:
            outputs = read_state(self.aws, self.landing_zone.project, stack).get("outputs", {})
            plain = {name: output["value"] for name, output in outputs.items() if not output.get("sensitive")}
            outputs_of_all |= {stack: plain} if stack in self.landing_zone.account_stacks and plain else plain
        return dict(sorted(outputs_of_all.items()))


def _did(counts: Mapping[str, int]) -> str:
    """Returns how many things a run did, by action."""
    return ", ".join(f"{counts[action]} {action}" for action in ACTIONS if counts.get(action))


def _planned_with(versions: Versions, state: StateObject, _outputs: Collection[str]) -> str:
    """Returns the digest of the outputs that a plan has read of a state."""
    return str(versions[state])


def _began_whole(situation: Situation) -> bool:
    """Says whether the last run of `sso` ended whole, and left the state that this run began with."""
    try:
        run = read_runs(situation.aws, situation.landing_zone.project).get(STACK)
    except (AwsError, ValueError):
        return False
    state = situation.states.get(STACK, {})
    return run is not None and bool(state) and run == Version.of(state)
