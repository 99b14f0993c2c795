"""`strata plan`: shows what a deploy would change, stack by stack; applies nothing and takes no lock."""

from __future__ import annotations

import json as json_module
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

from strata.commands.deploy_errors import Failure, failures
from strata.commands.preflight import prepare
from strata.workspace import Result, Workspace

if TYPE_CHECKING:
    from strata.cli import Options

DIFFERS = 3
FORMAT = 1


def run(options: Options, *, stacks: Sequence[str], exit_code: bool, json: bool, allow: Sequence[str]) -> int:
    """Checks, compares, plans and prints; returns 3 where something would change and that was asked."""
    prepared = prepare(options, stacks=stacks, allow=allow)
    plans = plan_stacks(options, prepared.workspace, prepared.chosen)
    if json:
        print(json_module.dumps({"format": FORMAT, "stacks": [asdict(planned) for planned in plans]}, indent=2))
    else:
        show(plans, sys.stdout)
    if any(planned.error for planned in plans):
        return 1
    return DIFFERS if exit_code and any(planned.count or planned.waits_for for planned in plans) else 0


@dataclass(frozen=True)
class Changes:
    """What a plan of one stack would do, why there is none, or what has to be applied before there can be one."""

    stack: str
    changes: dict[str, str] = field(default_factory=dict)
    """What would be done, by address."""
    error: str | None = None
    waits_for: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """Returns how many resources and outputs would change."""
        return len(self.changes)


def plan_stacks(options: Options, workspace: Workspace, stacks: Sequence[str]) -> list[Changes]:
    """Plans stacks in their order; one that reads what another has yet to write waits for it."""
    plans: dict[str, Changes] = {}
    for stack in stacks:
        options.note(f"{stack}: planning")
        pending = [name for name in workspace.producers(stack) if name in plans and _is_pending(plans[name])]
        waiting = tuple(name for name in pending if plans[name].waits_for)
        plans[stack] = Changes(stack, waits_for=waiting) if waiting else plan_stack(workspace, stack, pending)
    return list(plans.values())


def _is_pending(planned: Changes) -> bool:
    return bool(planned.count or planned.waits_for)


def plan_stack(workspace: Workspace, stack: str, pending: Sequence[str] = ()) -> Changes:
    """Plans one stack; `pending` are the stacks it reads from whose changes are not applied yet."""
    initialized = workspace.initialize(stack)
    result, shown = (initialized, {}) if initialized.code else workspace.plan(stack)
    if not result.code:
        return Changes(stack, dict(sorted(_changes(shown))))
    found = failures(result.text)
    waits_for = _waits_for(found, pending)
    return Changes(stack, error=None if waits_for else _why_not(stack, found, result), waits_for=waits_for)


_ABSENT = re.compile(r"Unable to find remote state|Unsupported attribute|Invalid index")
"""How Terraform begins when a state is not there, or has no such output, or an output has no such key."""


def _waits_for(found: Sequence[Failure], pending: Sequence[str]) -> tuple[str, ...]:
    """Returns the stacks whose changes will write what a plan lacks, none if anything else is wrong with it."""
    if not all(_ABSENT.match(failure.text) and failure.reads.intersection(pending) for failure in found):
        return ()
    return tuple(stack for stack in pending if any(stack in failure.reads for failure in found))


def _why_not(stack: str, found: Sequence[Failure], result: Result) -> str:
    absent = sorted({name for failure in found for name in failure.reads if _ABSENT.match(failure.text)})
    if absent and all(failure.reads for failure in found):
        return f"reads from {' and '.join(absent)} what is not there yet; run strata deploy {' '.join(absent)} {stack}"
    return "; ".join(failure.text for failure in found) or result.text.strip()[-300:]


def _changes(shown: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for change in shown.get("resource_changes", ()):
        actions, address = change["change"]["actions"], change["address"]
        if change["mode"] != "managed":
            continue
        if change["change"].get("importing"):
            yield address, "import" if actions == ["no-op"] else "import and update"
        elif actions in (["delete", "create"], ["create", "delete"]):
            yield address, "replace"
        elif actions not in (["no-op"], ["read"]):
            yield address, actions[0]
        elif change.get("previous_address"):
            yield address, "move"
    for name, change in shown.get("output_changes", {}).items():
        if change["actions"] != ["no-op"]:
            yield f"output.{name}", change["actions"][0]


def show(plans: Iterable[Changes], to: TextIO) -> None:
    """Prints plans for a person."""
    for planned in plans:
        number = f"{planned.count} change{'s' if planned.count > 1 else ''}" if planned.count else "no changes"
        print(f"{planned.stack}: {planned.error or _waits(planned) or number}", file=to)
        for address, action in planned.changes.items():
            print(f"  {action:<18}{address}", file=to)
    to.flush()


def _waits(planned: Changes) -> str:
    if not planned.waits_for:
        return ""
    return f"can be planned once {' and '.join(planned.waits_for)} {'are' if planned.waits_for[1:] else 'is'} applied"
