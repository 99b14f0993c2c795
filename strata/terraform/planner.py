"""Makes the plans of a run with Terraform, each saved to a file that goes with the run, and applies them."""

from __future__ import annotations

import json
import re
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

from strata.config.layers import IN_ACCOUNT
from strata.config.models import ACCESS_ROLE
from strata.errors import Message, StrataError
from strata.terraform import fleet
from strata.terraform.errors import TerraformError
from strata.terraform.events import Events, Failure
from strata.terraform.expressions import expressions, terraform
from strata.terraform.plans import Plan, Versions, changed_outputs, changes
from strata.terraform.preview import known_outputs
from strata.terraform.process import ProcessResult
from strata.terraform.progress import Progress
from strata.terraform.signals import Signals
from strata.terraform.situation import Situation
from strata.terraform.workspace import NOT_KNOWN, Workspace
from strata.text import counted

_HAS_CHANGES = 2
"""The exit code of `terraform plan -detailed-exitcode` where there is something to do; 0 is nothing, 1 an error."""
_LONG = 10
"""Seconds after which a plan that takes long says how far it is."""


@dataclass
class Planner:
    """Makes the plans of a run, in a folder that goes with it."""

    workspace: Workspace
    folder: Path
    situation: Situation
    progress: Progress
    verbose: bool = False
    adopt: Callable[[Plan], bool] = lambda _: False
    """Has the next plan import what this would create and AWS has; says whether there is any."""
    learn: Callable[[str, Mapping[str, Any]], None] = lambda *_: None
    """Hears each plan that would do something, in Terraform's JSON."""
    gone: Callable[[Sequence[Failure]], Collection[str]] = lambda _: ()
    """Returns the addresses of errors that are imports of what AWS does not have, and that need not stop the plan."""
    explain: Callable[[str, Sequence[Failure]], Sequence[Failure]] = lambda _, failures: failures
    """Returns the errors of a stack, with what is to be done about those of which only AWS knows why."""
    remarked: Callable[[Plan], Plan] = lambda planned: planned
    """Returns a plan with what is told of it besides; raises an error where it is not even to be shown."""
    together: frozenset[str] = frozenset()
    """The stacks in member accounts that are planned and deployed beside each other."""
    at_once: int = 1
    muted: Progress | None = None
    """Hears how far each of these is."""
    _initialized: set[str] = field(default_factory=set)
    _outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What plans know of the outputs that their stacks have yet to give, such as the id of what is imported."""

    def plan_all(self, stacks: Sequence[str]) -> list[Plan]:
        """Plans stacks in their order; what reads what another has yet to write waits for it."""
        plans: dict[str, Plan] = {}

        def plan(stack: str) -> Plan:
            before = [plans[name] for name in self.workspace.producers(stack) if name in plans]
            waiting = tuple(planned.stack for planned in before if planned.waits_for)
            if waiting:
                return self._waiting(stack, waiting)
            return self.plan(stack, [planned.stack for planned in before if planned.differs])

        for group in fleet.groups(self.workspace, stacks, self.together):
            plans |= self.plan_at_once(group, plan) if group[1:] else {stack: plan(stack) for stack in group}
        return list(plans.values())

    def plan_at_once(self, stacks: Sequence[str], plan: Callable[[str], Plan]) -> dict[str, Plan]:
        """Plans stacks in member accounts; whatever goes wrong with a stack is its error."""

        def isolated(stack: str) -> Plan:
            try:
                return plan(stack)
            except StrataError as error:
                return self._unplanned(stack, [Failure(str(arg), id=arg.id) for arg in error.args], ())

        first = {fleet.layer_of(stack): stack for stack in reversed(stacks)}
        for stack in first.values():  # fills the folder of plugins, which Terraform does not write in parallel
            self.initialize(stack)
        at_once = min(self.at_once, len(stacks))
        self.progress.doing(f"{counted(len(stacks), 'account stack')}: planning, {at_once} at once")
        return fleet.each(isolated, stacks, at_once, self.progress)

    def plan(self, stack: str, pending: Sequence[str] = ()) -> Plan:
        """Plans a stack and locks nothing; `pending` are those it reads from whose changes are yet to be applied."""
        planned = self._plan(stack, pending)
        while addresses := self.gone(planned.failures):
            self.workspace.import_not(stack, addresses)
            planned = self._plan(stack, pending)
        planned = self._plan(stack, pending) if self.adopt(planned) else planned
        try:
            return self.remarked(planned)
        except StrataError as error:
            if IN_ACCOUNT not in stack:
                raise
            return self._unplanned(stack, [Failure(str(arg), id=arg.id) for arg in error.args], ())

    def _plan(self, stack: str, pending: Sequence[str]) -> Plan:
        self.watch(stack).doing(f"{stack}: planning")
        if failed := self.initialize(stack):
            return self._unplanned(stack, [failed], pending)
        versions = self.versions(stack)
        file = self.folder / f"{stack}.tfplan"
        file.unlink(missing_ok=True)
        refresh = () if self.situation.refreshes(stack) else ("-refresh=false",)
        events = Events(self.watch(stack), stack, verbose=self.verbose)
        result = self.workspace.terraform(
            stack,
            *("plan", "-json", "-input=false", "-lock=false", "-detailed-exitcode", *refresh),
            *(
                *fleet.limit(self.workspace, stack),
                *self.workspace.assuming(stack, self.situation.reader),
                f"-out={file}",
            ),
            heard=self._hearing(stack, events),
        )
        if result.code == _HAS_CHANGES:
            shown = self._shown(stack, file)
            self.learn(stack, shown)
            self._outputs[stack] = known_outputs(self.workspace.document(stack), shown)
            to_do, outputs = dict(sorted(changes(shown))), tuple(changed_outputs(shown))
            written = expressions(self._terraform(stack), shown)
            return Plan(stack, to_do, outputs, file=file, versions=versions, written=written)
        partial = dict(changes(self._shown(stack, file))) if result.code and file.exists() else {}
        file.unlink(missing_ok=True)
        if not result.code:
            return Plan(stack, versions=versions)
        failures = self.explain(stack, events.failures or [ended(result, events)])
        planned = self._unplanned(stack, failures, pending)
        return replace(planned, partial=partial) if planned.error else planned

    def _shown(self, stack: str, file: Path) -> dict[str, Any]:
        """Returns a plan as Terraform's JSON; Terraform saves one with an error, too."""
        result = self.workspace.terraform(stack, "show", "-json", str(file))
        if result.code:
            text = f"{stack}: the plan cannot be read: {result.errors.strip() or result.text.strip()}"
            raise StrataError(Message("tool-failed", text, tool="terraform show", stack=stack))
        shown: dict[str, Any] = json.loads(result.text)
        return shown

    def initialize(self, stack: str) -> Failure | None:
        """Prepares Terraform in the folder of a stack, once a run; returns why it cannot be."""
        if stack in self._initialized:
            return None
        if not (self.workspace.stack_folder(stack) / ".terraform").exists():
            self.watch(stack).at("preparing Terraform")
            self.watch(stack).still(f"{stack}: preparing Terraform")
        result = self.workspace.initialize(stack)
        if result.code:
            said = f"{result.text}\n{result.errors}".partition("Error: ")[2] or result.errors or result.text
            said = said.partition("Warning: ")[0]  # such as that the lock file is of one platform, which it is
            return Failure(" ".join(re.sub(r"[│╷╵]", " ", said).split()) or f"init ended with {result.code}")
        self._initialized.add(stack)
        return None

    def versions(self, stack: str) -> Versions:
        """Returns the versions of the states that a plan of a stack rests on, as they are now.

        Of what a stack in a member account reads from others the values count: else an account that is added had all
        others planned again.
        """
        read = self.workspace.outputs_read(stack) if IN_ACCOUNT in stack else {}
        return {
            state: self.situation.digest(state, read[state]) if state in read else self.situation.version(state)
            for state in self.workspace.reads(stack)
        }

    def _unplanned(self, stack: str, failures: Sequence[Failure], pending: Sequence[str]) -> Plan:
        if all(_ABSENT.match(failure.text) and failure.reads.intersection(pending) for failure in failures):
            stacks = [name for name in pending if any(name in each.reads for each in failures)]
            return self._assuming(stack, stacks, failures)
        # What it lacks of other stacks may be there once what is wrong with itself is mended.
        failures = [failure for failure in failures if not (failure.reads and _ABSENT.match(failure.text))] or failures
        absent = sorted({name for failure in failures for name in failure.reads if _ABSENT.match(failure.text)})
        if absent and all(failure.reads for failure in failures):
            both = f"{' '.join(absent)} {stack}"
            text = (
                f"needs outputs that {' and '.join(absent)} lacks; look at strata plan {both}, run strata deploy {both}"
            )
            failures = [Failure(text, reads=frozenset(absent), id="outputs-missing")]
        error = TerraformError(self.workspace, stack, failures)
        place, text = failures[0].place if not failures[1:] else "", "; ".join(each.told for each in failures)
        why = Message(failures[0].id, text, place=place, stack=stack)
        return Plan(stack, error=why, failed=error, told=tuple(error.told))

    def _assuming(self, stack: str, stacks: Sequence[str], failures: Sequence[Failure]) -> Plan:
        """Plans a copy in which outputs that other stacks have yet to give are as planned, or waits for them.

        It waits in a member account, whose provider needs an id, and where `for_each` or an import block needs it.
        """
        absent = {match[1] if (match := _NO_OUTPUT.search(failure.text)) else None for failure in failures}
        waiting = self._waiting(stack, stacks)
        if IN_ACCOUNT in stack or None in absent:
            return waiting
        known = dict(chain.from_iterable(self._outputs.get(name, {}).items() for name in stacks))
        given = {name: known.get(name) for name in absent if name}
        workspace = self.workspace.not_known(stack, given, self.folder)
        planned = replace(self, workspace=workspace, _initialized=set())._plan(stack, stacks)
        if planned.error:
            text = f"no preview of it: {planned.failures[0].told}"
            return replace(waiting, remarks=(Message("not-previewed", text, stack=stack),))
        made = {address: change for address, change in planned.changes.items() if NOT_KNOWN not in address}
        assumes = tuple(dict.fromkeys((*stacks, *planned.assumes)))
        return waiting if planned.waits_for else replace(planned, changes=made, assumes=assumes, file=None, versions={})

    def _waiting(self, stack: str, stacks: Sequence[str]) -> Plan:
        return Plan(stack, waits_for=tuple(stacks), terraform=self._terraform(stack) if IN_ACCOUNT in stack else {})

    def _terraform(self, stack: str) -> dict[str, Any]:
        return terraform(self.workspace.document(stack))

    def watch(self, stack: str) -> Progress:
        """Returns how it is told how far a stack is."""
        return self.muted if self.muted and stack in self.together else self.progress

    def _hearing(self, stack: str, events: Events) -> Callable[[str], None]:
        said = time.monotonic()

        def heard(line: str) -> None:
            nonlocal said
            events.take(line)
            if time.monotonic() - said > _LONG:
                said = time.monotonic()
                self.watch(stack).still(f"{stack}: planning, {events.compared} resources compared with AWS so far")

        return heard


_STALE = "Saved plan is stale"


@dataclass(frozen=True)
class Applied:
    """How far an apply came."""

    finished: bool
    events: Events
    failures: tuple[Failure, ...] = ()

    @property
    def stale(self) -> bool:
        """Says whether nothing was done, because somebody else wrote the state since the plan."""
        return any(failure.text.startswith(_STALE) for failure in self.failures)

    def did_unsaid(self, planned: Plan, later: Plan) -> Counter[str]:
        """Returns how much of a plan it did though it failed, and told by no event: a later plan has it no more."""
        gone = {} if self.stale else {at: change for at, change in planned.changes.items() if at not in later.changes}
        failed = {failure.address for failure in self.failures}
        changed = sum(change.action == "update" and at in failed for at, change in gone.items())
        return Plan(planned.stack, gone).counts + Counter(changed=changed)


def apply(
    workspace: Workspace,
    planned: Plan,
    signals: Signals,
    progress: Progress,
    *,
    writer: Callable[[str], str] = lambda _: ACCESS_ROLE,
    verbose: bool,
) -> Applied:
    """Applies the file of a plan. Of the signals of a run, Terraform receives one SIGINT at the most.

    Args:
        writer: returns the role by which a stack in a member account is deployed.
    """
    events = Events(progress, planned.stack, steps=planned.events, verbose=verbose)
    said = stopped = False
    most = (*fleet.limit(workspace, planned.stack), *workspace.assuming(planned.stack, writer))
    with signals.shield():
        process = workspace.started(planned.stack, "apply", "-json", "-input=false", *most, str(planned.file))

        def look() -> None:
            nonlocal said, stopped
            if signals.stops and not stopped:
                stopped = True
                process.interrupt()
                text = f"{planned.stack}: stopping; Terraform saves what was done, do not kill it"
                progress.note(Message("stopping-now", text, stack=planned.stack))
            elif signals.ends and not said:
                text = f"{planned.stack}: finishing this stack, then stopping; interrupt again to stop it now"
                progress.note(Message("stopping-after-stack", text, stack=planned.stack))
            said = said or signals.ends

        try:
            for line in process.lines(look):
                events.take(line)
        finally:
            result = process.result()
    if not result.code:
        return Applied(True, events)
    return Applied(False, events, tuple(events.failures or [ended(result, events)]))


@contextmanager
def plan_folder(workspace: Workspace) -> Iterator[Path]:
    """Gives a folder for plans that nobody else may look into, and that goes at the end with all that is in it.

    Where a killed run has left one, it goes at the beginning of the next.
    """
    folder = workspace.folder / "plans"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(0o700, parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


STOPPED = "terraform-stopped"
"""The case of a Terraform that somebody, or the system, has killed."""


def ended(result: ProcessResult, events: Events) -> Failure:
    """Returns how Terraform ended that says no reason itself."""
    if result.code < 0:
        why = (
            ": the machine may have too little memory, so run fewer --at-once" if -result.code == signal.SIGKILL else ""
        )
        text = f"Terraform was stopped before it finished, by signal {-result.code}{why}"
        return Failure(text, id=STOPPED)
    said = "\n".join([*events.other, result.errors]).strip()[-300:]
    return Failure(f"Terraform ended with {result.code}: {said or 'it gave no reason'}")


_ABSENT = re.compile(r"Unable to find remote state|Unsupported attribute|Invalid index")
"""How Terraform begins when a state is not there, or has no such output, or an output has no such key."""


_NO_OUTPUT = re.compile(r'does not have an attribute named "([\w-]+)"')
