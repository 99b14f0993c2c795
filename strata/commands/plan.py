"""`strata plan`: shows what a deploy would change, stack by stack; applies nothing and takes no lock."""

from __future__ import annotations

import json as json_module
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from strata.commands.deploy_errors import failures
from strata.commands.preflight import prepare
from strata.workspace import Result, Workspace

if TYPE_CHECKING:
    from strata.cli import Options

DIFFERS = 3


def run(options: Options, *, stacks: Sequence[str], exit_code: bool, json: bool, allow: Sequence[str]) -> int:
    """Checks, compares, plans and prints; returns 3 where something would change and that was asked."""
    prepared = prepare(options, stacks=stacks, allow=allow)
    plans = plan_stacks(options, prepared.workspace, prepared.chosen)
    if json:
        print(json_module.dumps([_as_json(planned) for planned in plans], indent=2))
    else:
        show(plans, sys.stdout)
    if any(planned.error for planned in plans):
        return 1
    return DIFFERS if exit_code and any(planned.count or planned.waits_for for planned in plans) else 0


@dataclass(frozen=True)
class Changes:
    """What a plan of one stack would do, why there is none, or what has to be applied before there can be one."""

    stack: str
    changes: tuple[tuple[str, str], ...] = ()
    error: str | None = None
    waits_for: str | None = None

    @property
    def count(self) -> int:
        """Returns how many resources and outputs would change."""
        return len(self.changes)


def _as_json(planned: Changes) -> dict[str, Any]:
    return {
        "stack": planned.stack,
        "changes": dict(planned.changes),
        "error": planned.error,
        "waits_for": planned.waits_for,
    }


def plan_stacks(options: Options, workspace: Workspace, stacks: Sequence[str]) -> list[Changes]:
    """Plans stacks in their order; one that reads what another has yet to write waits for it."""
    plans: dict[str, Changes] = {}
    for stack in stacks:
        options.note(f"{stack}: planning")
        pending = [name for name in workspace.producers(stack) if name in plans and _is_pending(plans[name])]
        waiting = [name for name in pending if plans[name].waits_for]
        planned = Changes(stack, waits_for=waiting[0]) if waiting else plan_stack(workspace, stack, pending)
        plans[stack] = planned
    return list(plans.values())


def _is_pending(planned: Changes) -> bool:
    return bool(planned.count or planned.waits_for)


def plan_stack(workspace: Workspace, stack: str, pending: Sequence[str] = ()) -> Changes:
    """Plans one stack; `pending` are the stacks it reads from whose changes are not applied yet."""
    initialized = workspace.initialize(stack)
    result, shown = (initialized, {}) if initialized.code else workspace.plan(stack)
    if not result.code:
        return Changes(stack, tuple(sorted(_changes(shown))))
    producer = _lacking(result)
    if producer in pending:
        return Changes(stack, waits_for=producer)
    return Changes(stack, error=_why_not(stack, producer, result))


def _lacking(result: Result) -> str | None:
    """Returns the stack whose state lacks what a plan reads from it: all of it, or one output."""
    reading = r"cross-stack-reference-input-([\w-]+)"
    absent = re.search(rf"Unable to find remote state.*?{reading}", result.text, re.DOTALL)
    output = re.search(rf"Unsupported attribute.*?{reading}\.outputs", result.text, re.DOTALL)
    found = absent or output
    return found[1] if found else None


def _why_not(stack: str, producer: str | None, result: Result) -> str:
    if producer:
        return f"reads from {producer} what is not there yet; run strata deploy {producer} {stack}"
    found = failures(result.text)
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
    for name, change in shown.get("output_changes", {}).items():
        if change["actions"] != ["no-op"]:
            yield f"output.{name}", change["actions"][0]


def show(plans: Iterable[Changes], to: TextIO) -> None:
    """Prints plans for a person."""
    for planned in plans:
        number = f"{planned.count} change{'s' if planned.count > 1 else ''}" if planned.count else "no changes"
        waits = f"can be planned once {planned.waits_for} is applied" if planned.waits_for else None
        print(f"{planned.stack}: {planned.error or waits or number}", file=to)
        for address, action in planned.changes:
            print(f"  {action:<18}{address}", file=to)
    to.flush()
