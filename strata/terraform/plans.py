"""Plans of stacks, saved to files: what each would do, what it rests on, and how a second goes beyond a first."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

from strata.aws.states import Version
from strata.config.layers import IN_ACCOUNT
from strata.config.models import ACCESS_ROLE, state_key
from strata.errors import Message, StrataError
from strata.kinds.assignment import ASSIGNMENT
from strata.kinds.control import CONTACT
from strata.kinds.members.primary_contact import PRIMARY_CONTACT
from strata.terraform import fleet
from strata.terraform.attributes import (
    MASKED,
    Attribute,
    any_true,
    attributes,
    digest,
    identity,
    masked,
    sensitive_marks,
)
from strata.terraform.errors import TerraformError
from strata.terraform.events import Events, Failure
from strata.terraform.expressions import ParsedExpression, expressions, terraform
from strata.terraform.preview import known_outputs
from strata.terraform.process import ProcessResult
from strata.terraform.progress import Progress
from strata.terraform.workspace import NOT_KNOWN, StateObject, Workspace
from strata.text import counted

Versions = Mapping[StateObject, Version | str | None]
"""What a plan rests on: versions of states, or a digest of what is read from a state."""

_HAS_CHANGES = 2
"""The exit code of `terraform plan -detailed-exitcode` where there is something to do; 0 is nothing, 1 an error."""
_LONG = 10
"""Seconds after which a plan that takes long says how far it is."""
IMPORTS = ("import", "import and update")


@dataclass(frozen=True)
class PlannedChange:
    """What would be done to a thing."""

    action: str
    values: Mapping[str, str] = field(default_factory=dict)
    """A digest of each value that it would get: a plan may hold what nobody shall read."""
    unknown: frozenset[str] = frozenset()
    """The arguments whose value is known after the apply only."""
    arguments: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What a thing that would be created is created with, as far as it is known."""
    loses: tuple[str, ...] = ()
    """The tags and the entries of lists that it has at AWS and would have no longer."""
    attributes: tuple[Attribute, ...] = field(default=(), repr=False)
    """The attributes that would change, with both values."""
    import_id: str | None = None
    """The id by which it is imported."""
    moved_from: str | None = None
    """The address that it has in the state."""
    goes: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What names the thing that is destroyed or forgotten."""
    before: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What it is, empty of what is created; never to be printed."""

    def covers(self, later: PlannedChange) -> bool:
        """Says whether who has seen this change has seen the later change, too."""
        if self.action == "create" and later.action in IMPORTS:
            return not later.loses  # it turned out to exist
        if later.action != self.action and (self.action, later.action) != ("replace", "create"):
            return False
        return all(name in self.unknown or self.values.get(name) == digest for name, digest in later.values.items())

    def as_json(self, address: str) -> dict[str, Any]:
        """Returns it as `--json` prints it."""
        return {
            "address": address,
            "action": self.action,
            "moved_from": self.moved_from,
            "import_id": self.import_id,
            "attributes": {attribute.name: attribute.as_json() for attribute in self.attributes},
            "loses": list(self.loses),
        }


@dataclass(frozen=True)
class Plan:
    """The plan of a stack, the reason for none, or the stacks to apply first."""

    stack: str
    changes: Mapping[str, PlannedChange] = field(default_factory=dict)
    """What would be done to resources, by address."""
    outputs: tuple[str, ...] = ()
    """The outputs that would change in the state, which nobody but other stacks notices."""
    error: Message | None = None
    partial: Mapping[str, PlannedChange] = field(default_factory=dict, repr=False)
    """What a plan with an error would do, as far as it came."""
    failures: tuple[Failure, ...] = ()
    advice: tuple[Message, ...] = ()
    """What to do about the error."""
    told: tuple[str, ...] = ()
    """The errors as they are printed, each with what to do about it."""
    waits_for: tuple[str, ...] = ()
    assumes: tuple[str, ...] = ()
    """The stacks whose outputs it takes for unknown, since they have yet to be applied: for reading, never applied."""
    file: Path | None = None
    versions: Versions = field(default_factory=dict)
    """The states that it rests on, as they were before it was created."""
    written: Mapping[str, Mapping[str, ParsedExpression]] = field(default_factory=dict, repr=False)
    """The Terraform of arguments that are not known yet, by address."""
    terraform: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """All Terraform of a stack in a member account that cannot be planned yet."""
    remarks: tuple[Message, ...] = ()
    """What is told besides: what may be lost by its changes."""
    spared: bool = False
    """Nothing that it follows from has changed since the last whole run: no Terraform was started, nobody asked AWS."""

    @property
    def count(self) -> int:
        """Returns how many resources would change."""
        return len(self.changes)

    @property
    def differs(self) -> bool:
        """Says whether there is something to do, and be it an output that other stacks read."""
        return bool(self.changes or self.outputs)

    @property
    def counts(self) -> Counter[str]:
        """Returns how much of what no event tells of would be done: imports, moves, forgetting."""
        words = {"import": "imported", "import and update": "imported", "move": "moved", "forget": "forgotten"}
        return Counter(words[change.action] for change in self.changes.values() if change.action in words)

    @property
    def events(self) -> int:
        """Returns how many events of an apply tell that something is done."""
        return sum(_EVENTS.get(change.action, 0) for change in self.changes.values())

    def beyond(self, shown: Plan) -> Plan:
        """Returns the changes of this plan that were not shown; outputs alone give nobody anything."""
        news = {
            address: change
            for address, change in self.changes.items()
            if not (address in shown.changes and shown.changes[address].covers(change))
        }
        return Plan(self.stack, news, written=self.written)

    def as_json(self) -> dict[str, Any]:
        """Returns the plan as `--json` prints it."""
        return {
            "stack": self.stack,
            "changes": [change.as_json(address) for address, change in self.changes.items()],
            "outputs": list(self.outputs),
            "remarks": list(self.remarks),
            "waits_for": list(self.waits_for),
            "assumes": list(self.assumes),
            "spared": self.spared,
            "error": self.error,
            "advice": list(self.advice),
        }


_EVENTS = {"create": 1, "update": 1, "import and update": 1, "delete": 1, "replace": 2}


@dataclass
class Planner:
    """Makes the plans of a run, in a folder that goes with it."""

    workspace: Workspace
    folder: Path
    version: Callable[[StateObject], Version | None]
    progress: Progress
    verbose: bool = False
    adopt: Callable[[Plan], bool] = lambda _: False
    """Has the next plan import what this would create and AWS has; says whether there is any."""
    learn: Callable[[str, Mapping[str, Any]], None] = lambda *_: None
    """Hears each plan that would do something, in Terraform's JSON."""
    gone: Callable[[Sequence[Failure]], Collection[str]] = lambda _: ()
    """Returns the addresses of errors that are imports of what AWS does not have, and that need not stop the plan."""
    refuse: Sequence[Callable[[Plan], None]] = ()
    """Each raises an error where a plan shall not even be shown."""
    explain: Callable[[str, Sequence[Failure]], Sequence[Failure]] = lambda _, failures: failures
    """Returns the errors of a stack, with what is to be done about those of which only AWS knows why."""
    reader: Callable[[str], str] = lambda _: ACCESS_ROLE
    """Returns the role by which a stack in a member account is planned."""
    remarked: Callable[[Plan], Plan] = lambda planned: planned
    """Returns a plan with what is told of it besides."""
    refresh: Callable[[str], bool] = lambda _: True
    """Says whether the plan of a stack asks AWS about every object of its state."""
    digest: Callable[[StateObject, Collection[str]], str] = lambda *_: ""
    """Returns a digest of the values of outputs as they are now."""
    many: Collection[str] = ()
    """The stacks in member accounts that are planned beside each other."""
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

        for group in fleet.groups(self.workspace, stacks, self.many):
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
        for refuse in self.refuse:
            refuse(planned)
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
        refresh = () if self.refresh(stack) else ("-refresh=false",)
        events = Events(self.watch(stack), stack, verbose=self.verbose)
        result = self.workspace.terraform(
            stack,
            *("plan", "-json", "-input=false", "-lock=false", "-detailed-exitcode", *refresh),
            *(*limit(self.workspace, stack), *self.workspace.assuming(stack, self.reader), f"-out={file}"),
            heard=self._hearing(stack, events),
        )
        if result.code == _HAS_CHANGES:
            shown = self._shown(stack, file)
            self.learn(stack, shown)
            self._outputs[stack] = dict(known_outputs(self.workspace.document(stack), shown, None))
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

    def prepare(self, stack: str) -> None:
        """Prepares Terraform in the folder of a stack.

        Raises:
            TerraformError: it cannot be.
        """
        if failed := self.initialize(stack):
            raise TerraformError(self.workspace, stack, [failed])

    def versions(self, stack: str) -> Versions:
        """Returns the versions of the states that a plan of a stack rests on, as they are now.

        Of what a stack in a member account reads from others the values count: else an account that is added had all
        others planned again.
        """
        read = self.workspace.outputs_read(stack) if IN_ACCOUNT in stack else {}
        return {
            state: self.digest(state, read[state]) if state in read else self.version(state)
            for state in self.workspace.reads(stack)
        }

    def _unplanned(self, stack: str, failures: Sequence[Failure], pending: Sequence[str]) -> Plan:
        if all(_ABSENT.match(failure.text) and failure.reads.intersection(pending) for failure in failures):
            stacks = [name for name in pending if any(name in each.reads for each in failures)]
            return self._assuming(stack, stacks, failures)
        # What it lacks of other stacks may be there once what is wrong with itself is mended.
        failures = [failure for failure in failures if not (failure.reads and _ABSENT.match(failure.text))] or failures
        error = TerraformError(self.workspace, stack, failures)
        absent = sorted({name for failure in failures for name in failure.reads if _ABSENT.match(failure.text)})
        if absent and all(failure.reads for failure in failures):
            both = f"{' '.join(absent)} {stack}"
            text = (
                f"needs outputs that {' and '.join(absent)} lacks; look at strata plan {both}, run strata deploy {both}"
            )
            why = Message("outputs-missing", text, stack=stack, producers=absent)
            told: list[str] = [why]
        else:
            place, text = failures[0].place if not failures[1:] else "", "; ".join(each.told for each in failures)
            why, told = Message(failures[0].id, text, place=place, stack=stack), error.told
        return Plan(stack, error=why, failures=tuple(failures), advice=tuple(error.advice), told=tuple(told))

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
        return self.muted if self.muted and stack in self.many else self.progress

    def _hearing(self, stack: str, events: Events) -> Callable[[str], None]:
        said = time.monotonic()

        def heard(line: str) -> None:
            nonlocal said
            events.take(line)
            if time.monotonic() - said > _LONG:
                said = time.monotonic()
                self.watch(stack).still(f"{stack}: planning, {events.compared} resources compared with AWS so far")

        return heard


@contextmanager
def plan_folder() -> Iterator[Path]:
    """Gives a folder for plans that nobody else may look into, and that goes at the end with all that is in it."""
    for leftover in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_HELD}"):
        _remove_unheld(leftover)
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as name:
        folder = Path(name)
        with (folder / "new").open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            (folder / "new").rename(folder / _HELD)  # locked before another run can find it
            yield folder


_PREFIX, _HELD = "strata-plans-", "held"


def _remove_unheld(file: Path) -> None:
    """Removes what a run left that was killed: nobody holds the lock any more, and it is ours."""
    with suppress(OSError):
        if file.parent.lstat().st_uid != os.getuid():
            return
        with file.open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(file.parent)


def limit(workspace: Workspace, stack: str) -> tuple[str, ...]:
    """Returns how many things at a time Terraform may ask of AWS, where more would be refused and asked for again."""
    made = workspace.document(stack).get("resource", {})
    limits = [at_once for type, (some, at_once) in _AT_ONCE.items() if len(made.get(type, ())) > some]
    return (f"-parallelism={min(limits)}",) if limits else ()


_AT_ONCE = {ASSIGNMENT.type: (0, 8), CONTACT.type: (15, 4), PRIMARY_CONTACT.type: (8, 2)}
"""For more things of a type than so many, so many at once.

Identity Center answers about 20 calls a second and refuses more than 10 assignments under way; of contacts AWS gives 10
a second, and 15 at once: https://docs.aws.amazon.com/accounts/latest/reference/quotas.html. Of 300 contacts, ten at
once were refused 105 times and took 57 seconds, four 24 times and 40 seconds (provider 5.100, 0.15 s a call).
"""


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


def own_version(versions: Versions, stack: str) -> Version | None:
    """Returns the version of a stack's own state among those that a plan of it rests on."""
    own = (version for state, version in versions.items() if state.key == state_key(stack))
    return next((version for version in own if isinstance(version, Version)), None)


_ABSENT = re.compile(r"Unable to find remote state|Unsupported attribute|Invalid index")
"""How Terraform begins when a state is not there, or has no such output, or an output has no such key."""


_NO_OUTPUT = re.compile(r'does not have an attribute named "([\w-]+)"')


def changes(shown: Mapping[str, Any]) -> Iterator[tuple[str, PlannedChange]]:
    """Yields what a plan in Terraform's JSON would do to resources, by address."""
    written: dict[str, Collection[str]] | None = None  # the arguments of the configuration, where the plan has it
    if "configuration" in shown:
        resources = shown["configuration"].get("root_module", {}).get("resources", ())
        written = {resource["address"]: resource.get("expressions", {}).keys() for resource in resources}
    for resource in shown.get("resource_changes", ()):
        action = _action(resource)
        if resource["mode"] == "managed" and action:
            address = resource["address"]
            change = _with_values(action, resource, written and written.get(address.partition("[")[0], ()))
            if deposed := resource.get("deposed"):
                address = f"{address} (deposed {deposed})"
            yield address, change


def changed_outputs(shown: Mapping[str, Any]) -> Iterator[str]:
    """Yields the outputs that a plan in Terraform's JSON would change."""
    for name, change in sorted(shown.get("output_changes", {}).items()):
        if change["actions"] != ["no-op"]:
            yield name


def _action(resource: Mapping[str, Any]) -> str | None:
    change = resource["change"]
    actions = change["actions"]
    if change.get("importing"):
        return "import" if actions == ["no-op"] else "replace" if "delete" in actions else "import and update"
    if "create" in actions and actions != ["create"]:
        return "replace"
    if actions not in (["no-op"], ["read"]):
        return str(actions[0])
    return "move" if resource.get("previous_address") else None


def _with_values(action: str, resource: Mapping[str, Any], written: Collection[str] | None) -> PlannedChange:
    change = resource["change"]
    before = {} if action in ("create", "replace") else change.get("before") or {}
    after = change.get("after") or {}
    unknown = frozenset(name for name, value in (change.get("after_unknown") or {}).items() if any_true(value))
    known = {name: value for name, value in after.items() if value is not None}
    new = {name: digest(value) for name, value in known.items() if name not in unknown and value != before.get(name)}
    hidden = sensitive_marks(change)
    seen, coming = ({} if True in hidden else masked(side, hidden) for side in (before, after))
    lost = _lost(seen, coming, unknown)
    if action == "import and update":
        lost = chain(_replaced(before, after, unknown, hidden), lost)
    return PlannedChange(
        action,
        new,
        unknown,
        known if action == "create" else {},
        tuple(lost),
        () if action in _LEAVES else tuple(attributes(change, written)),
        (change.get("importing") or {}).get("id"),
        resource.get("previous_address"),
        identity(change) if action in _LEAVES or "delete" in change["actions"] else {},
        {} if action == "create" else change.get("before") or {},
    )


_LEAVES = ("delete", "forget")
"""Actions after which there are no attributes."""


def _replaced(
    before: Mapping[str, Any], after: Mapping[str, Any], unknown: Collection[str], hidden: Sequence[Any]
) -> Iterator[str]:
    """Yields the plain values that a thing has at AWS and the configuration has otherwise."""
    for name in sorted(before.keys() & after.keys() - unknown):
        old, new = before[name], after[name]
        if old and isinstance(old, (str, int)) and old != new:
            secret = any(marks is True or marks.get(name) for marks in hidden)
            told = (MASKED, "another") if secret else (old, "nothing" if new is None else new)
            yield f"{name}={told[0]} for {told[1]}"


def _lost(before: Mapping[str, Any], after: Mapping[str, Any], unknown: Collection[str]) -> Iterator[str]:
    """Yields what goes of the settings that have several parts, which the action alone does not say."""
    if after:
        old, new = before.get("tags_all") or {}, after.get("tags_all") or {}
        for name in sorted(old) if "tags_all" not in unknown else ():
            if name not in new:
                yield f"tag {name}={old[name]}"
            elif new[name] != old[name]:
                yield f"tag {name}={old[name]} for {new[name]}"
    for name in sorted(before.keys() & after.keys()):
        old, new = before[name], after[name]
        if name not in unknown and _are_texts(old) and (_are_texts(new) or new is None):
            yield from (f"{text} of {name}" for text in sorted({*old} - {*(new or ())}))
        elif name not in unknown and (gone := _keys(old) - _keys(new)):
            yield from (f"{key} of {name}" for key in sorted(gone))


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(member, str) for member in value)


def _keys(value: object) -> set[str]:
    """Returns the keys of entries that have any, such as attributes for access control."""
    entries = value if isinstance(value, list) else ()
    return {str(entry["key"]) for entry in entries if isinstance(entry, dict) and "key" in entry}
