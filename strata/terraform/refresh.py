"""Decides of each plan whether Terraform asks AWS about every object, or a reading in bulk has answered for all.

A refresh asks once for each assignment, at 20 calls a second. The reading asks once for each principal and six times
for each permission set. It counts only where it covers a state whole and equals it; in every other case Terraform
refreshes. A stack's first plan waits for the reading, which goes on beside the synth and the plans of other stacks.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import partial
from threading import Event
from typing import Any, Self

from strata.aws import runs
from strata.aws.session import Aws, AwsError, unless_absent
from strata.aws.states import Version
from strata.config.layers import IN_ACCOUNT
from strata.config.models import Project
from strata.errors import Message
from strata.inventory.pace import Pace
from strata.inventory.reading import read_center
from strata.kinds.at_aws import LiveCenter
from strata.kinds.reading import BulkReading, EventRule
from strata.options import Options
from strata.sides.states import State
from strata.terraform import reread
from strata.terraform.plans import Versions, own_version
from strata.terraform.progress import Progress
from strata.terraform.workspace import Workspace
from strata.text import counted

READ = frozenset({"sso"})
"""The stacks that are read in bulk."""
GOOD_FOR = 600.0
"""Seconds for which a reading counts: an apply of other stacks, or an answer, may have taken longer."""
_SAYS = 10.0
"""Seconds after which a reading that is waited for says how far it is."""


class Refreshing:
    """The refreshes of a run; a reading that is under way ends with its block."""

    def __init__(
        self, options: Options | None = None, progress: Progress | None = None, *, always: bool = True
    ) -> None:
        self._progress, self._verbose = progress, bool(options and options.verbose)
        self._always = always
        self._executor = ThreadPoolExecutor(1)
        self._runs: Mapping[str, runs.Run] = {}
        self._no_runs: Message | None = None
        self._begun: dict[str, _ReadingBegun] = {}
        self._changed: set[str] = set()
        self._states: Mapping[str, State] = {}
        self._read: Callable[[State, Event], BulkReading | None] = lambda *_: None
        self._requests: Callable[[], int] = lambda: 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for begun in self._begun.values():
            begun.ended.set()
        self._executor.shutdown(cancel_futures=True)

    def begin(self, aws: Aws, project: Project, states: Mapping[str, State], stacks: Collection[str]) -> None:
        """Begins to read AWS for the stacks that may do without a refresh; nothing that goes wrong here is an error."""
        if self._always:
            return
        try:
            self._runs = runs.read(aws, project)
        except (AwsError, ValueError) as error:
            text = f"{runs.shown(project)} cannot be read: {error}"
            self._no_runs = Message("kept-file-unreadable", text, place=runs.shown(project))
        note = self._progress.note if self._progress else lambda _: None
        pace = Pace(waits=lambda service, _: note(f"{service} throttles: it is asked again in some seconds"))
        paced = replace(aws, before_send=pace.wait, throttled=pace.throttled)
        self._requests = lambda: sum(pace.requests.values())
        self._read = partial(_read, paced, project)
        self._states = states
        for stack in stacks:
            if self._why_not(stack) is None:
                self._start(stack)

    @property
    def always(self) -> bool:
        """Says whether every plan refreshes since that was asked for."""
        return self._always

    def needed(self, workspace: Workspace, stack: str, versions: Versions) -> bool:
        """Says whether a plan that rests on these versions of states refreshes, and with --verbose why."""
        why = self.why(workspace, stack, versions)
        if self._verbose and self._progress and IN_ACCOUNT not in stack:  # there the reason is the same for all
            number = counted(reread.count(self._states.get(stack, {})), "object")
            spared = f"with -refresh=false: AWS has its {number} as the state has them"
            told = f"with a full refresh: {why}" if why else spared
            case, data = (why.id, why.data) if why else ("refresh-spared", {})
            self._progress.note(Message(case, f"{stack}: planned {told}", **{**data, "stack": stack}))
        return why is not None

    def changed(self, stack: str) -> None:
        """Has every later plan of a stack refresh: it is being applied."""
        self._changed.add(stack)

    def ended_whole(self, stack: str) -> bool:
        """Says whether the last run of a stack ended whole, and left the state that this run began with."""
        run, state = self._runs.get(stack), self._states.get(stack, {})
        return run is not None and bool(state) and run.version == _version(state)

    def center(self, stack: str, state: State) -> LiveCenter | None:
        """Returns Identity Center as a plan of a stack has read it, None where its state is another by now."""
        begun = self._begun.get(stack)
        old = begun is None or stack in self._changed or time.monotonic() - begun.at > GOOD_FOR
        if old or begun is None or not begun.future.done() or _version(state) != _version(self._states[stack]):
            return None
        reading = None if begun.future.exception() else begun.future.result()
        return reading.center if reading else None

    def why(self, workspace: Workspace, stack: str, versions: Versions) -> Message | None:
        """Returns why a plan refreshes, None where it need not."""
        if why := self._why_not(stack):
            return why
        if own_version(versions, stack) != _version(self._states[stack]):
            return Message("changed-meanwhile", "its state has changed since it was read")
        known, now = self._runs[stack].providers, providers(workspace, stack)
        if known != now:
            text = f"it was deployed with {_named(known)}, and this is {_named(now)}"
            return Message("other-provider", text, was=_named(known), now=_named(now))
        if any(name.startswith("TF_AWS_") for name in workspace.environment):
            return Message("tags-from-environment", "a variable TF_AWS_... of the environment sets tags")
        reading = self._wait(stack)
        if isinstance(reading, Message):
            return reading
        return reread.difference(self._states[stack], reading, _default_tags(workspace.document(stack)))

    def _why_not(self, stack: str) -> Message | None:
        """Returns why the state of a stack cannot do without a refresh, before anything is read."""
        if self._always:
            return Message("refresh-asked-for", "it was asked for")
        if stack in self._changed:
            return Message("changed-by-this-run", "this run has changed it")
        if stack not in self._states:
            return Message("not-read-in-bulk", "it is not read in bulk")
        state = self._states[stack]
        if not state:
            return Message("without-state", "it has no state")
        if why := reread.tainted_or_deposed(state) or reread.uncovered(state):
            return why
        if stack not in READ:
            return Message("not-read-in-bulk", "it is not read in bulk")
        run = self._runs.get(stack)
        if run is None:
            return self._no_runs or Message("no-whole-run", "no finished deploy of it is known")
        if not self.ended_whole(stack):
            return Message("state-of-another-run", "its last finished deploy left another state")
        return None

    # The reading

    def _start(self, stack: str) -> None:
        ended = Event()
        future = self._executor.submit(self._read, self._states[stack], ended)
        self._begun[stack] = _ReadingBegun(future, ended, time.monotonic())

    def _wait(self, stack: str) -> BulkReading | Message:
        """Returns the reading of a stack, or why there is none."""
        old = self._begun.get(stack)
        if old is None or time.monotonic() - old.at > GOOD_FOR:
            if old:
                old.ended.set()
            self._start(stack)
        begun, said = self._begun[stack], time.monotonic()
        while not wait([begun.future], 0.5).done:
            if self._progress:
                self._progress.at(f"{counted(self._requests(), 'call')} to read AWS in bulk")
                if time.monotonic() - said > _SAYS:
                    said = time.monotonic()
                    self._progress.still(f"{stack}: {counted(self._requests(), 'call')} to read AWS in bulk so far")
        try:
            return begun.future.result() or Message("identity-center-off", "Identity Center is not enabled")
        except (AwsError, CancelledError) as error:
            return Message("aws-failed", f"AWS cannot be read in bulk: {error}")


@dataclass(frozen=True)
class _ReadingBegun:
    """A reading that has begun."""

    future: Future[BulkReading | None]
    ended: Event
    """Nothing more is asked once it is set."""
    at: float


def _read(aws: Aws, project: Project, state: State, ended: Event) -> BulkReading | None:
    center = read_center(aws, project, reread.wanted(state), ended)
    if center is None:
        return None
    return BulkReading(center, {name: _rule(aws, region, name) for name, region in reread.rules(state).items()})


def _rule(aws: Aws, region: str, name: str) -> EventRule | None:
    """Returns a rule of the default bus, None where AWS has none of the name."""
    client = aws.client("events", region)
    described = unless_absent(lambda: client.describe_rule(Name=name))
    if described is None:
        return None
    tags = client.list_tags_for_resource(ResourceARN=described["Arn"])["Tags"]
    targets = tuple(client.items("list_targets_by_rule", "Targets[]", Rule=name))
    return EventRule(described, {tag["Key"]: tag["Value"] for tag in tags}, targets)


def _version(state: State) -> Version:
    return Version(str(state.get("lineage")), int(state.get("serial") or 0))


# The provider

_LOCKED = re.compile(r'provider "([^"]+)" \{\s+version\s+= "([^"]+)"')
_LOCK = ".terraform.lock.hcl"


def providers(workspace: Workspace, stack: str) -> dict[str, str]:
    """Returns the version by source of the providers of a stack whose folder is initialized.

    A provider that runs already, as a developer's does, stands in no lock file: then the version that is asked for.
    """
    file = workspace.stack_folder(stack) / _LOCK
    if file.exists() and (locked := dict(_LOCKED.findall(file.read_text(encoding="utf-8")))):
        return locked
    asked: Mapping[str, Any] = workspace.document(stack)["terraform"].get("required_providers", {})
    return {str(pin.get("source", name)): str(pin.get("version", "")) for name, pin in asked.items()}


def _named(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{source.rpartition('/')[2]} {version}" for source, version in sorted(versions.items()))


def _default_tags(document: Mapping[str, Any]) -> dict[str, str]:
    """Returns the tags that the provider gives to everything, as Terraform takes the text of the JSON."""
    tags: dict[str, str] = {}
    for provider in document.get("provider", {}).get("aws", ()):
        blocks = provider.get("default_tags") or ()
        for block in [blocks] if isinstance(blocks, dict) else blocks:
            tags |= {_plain(key): _plain(value) for key, value in (block.get("tags") or {}).items()}
    return tags


def _plain(text: str) -> str:
    return text.replace("$${", "${").replace("%%{", "%{")
