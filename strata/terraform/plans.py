"""Plans of stacks, saved to files: what each would do, what it rests on, and how a second goes beyond a first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from strata.aws.states import Version
from strata.config.models import state_key
from strata.errors import Message
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
from strata.terraform.events import Failure
from strata.terraform.expressions import ParsedExpression
from strata.terraform.workspace import StateObject

Versions = Mapping[StateObject, Version | str | None]
"""What a plan rests on: versions of states, or a digest of what is read from a state."""

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
    failed: TerraformError | None = None
    """The errors behind that, with what to do about each."""
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
    def failures(self) -> Sequence[Failure]:
        """Returns the errors of Terraform, none of a plan without an error."""
        return self.failed.failures if self.failed else ()

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
            "advice": self.failed.advice if self.failed else [],
        }


_EVENTS = {"create": 1, "update": 1, "import and update": 1, "delete": 1, "replace": 2}


def own_version(versions: Versions, stack: str) -> Version | None:
    """Returns the version of a stack's own state among those that a plan of it rests on."""
    own = (version for state, version in versions.items() if state.key == state_key(stack))
    return next((version for version in own if isinstance(version, Version)), None)


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
