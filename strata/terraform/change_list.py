"""The list of changes that people approve: two plans of the same thing have the same, whenever and wherever made.

It holds what a plan would do as far as that is known before: no time, no id that AWS has yet to give, no secret.
It is for reading and comparing. Nothing is applied from it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from strata.atomic import MEGABYTE, read_text
from strata.errors import Message, StrataError, UsageError
from strata.printing import as_json, line
from strata.terraform.attributes import UNKNOWN, Attribute
from strata.terraform.plans import Change, Plan

MOST = 50 * MEGABYTE
"""The maximum size of a list: a first deploy of four thousand accounts has a tenth of it."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Values(_Part):
    """One attribute, with `(sensitive)` and `(known after apply)` in the place of what is so."""

    before: Any = None
    after: Any = None
    replaces: bool = False
    """It is why the resource is replaced."""


class Listed(_Part):
    """What would be done to one resource."""

    action: str
    moved_from: str | None = None
    import_id: str | None = None
    attributes: dict[str, Values] = {}


class StackChanges(_Part):
    """What would be done in one stack."""

    changes: dict[str, Listed] = {}
    """By Terraform's address."""
    outputs: list[str] = []
    """The outputs that other stacks read and that change."""


class ChangeList(_Part):
    """What would be done in all stacks that were planned, and what has to be planned later."""

    format: Literal[1]
    account: str
    """The management account."""
    stacks: dict[str, StackChanges]
    """The stacks in which something would change."""
    later: list[str]
    """The stacks that can be planned once others are applied: they are in no list before that."""

    @classmethod
    def of(cls, plans: Sequence[Plan], account: str, *, later: Collection[str] = ()) -> Self:
        """Returns the list of plans without an error.

        Args:
            plans: one for each stack.
            account: the management account.
            later: stacks of which there is only a preview, since another one was never deployed.
        """
        waiting = {planned.stack for planned in plans if planned.waits_for}.union(later)
        now = {
            planned.stack: StackChanges(
                changes={address: _listed(change) for address, change in planned.changes.items()},
                outputs=list(planned.outputs),
            )
            for planned in plans
            if planned.differs and planned.stack not in waiting
        }
        return cls(format=1, account=account, stacks=now, later=sorted(waiting))

    def without(self, stacks: Collection[str]) -> Self:
        """Returns the list of the other stacks."""
        others = {name: changes for name, changes in self.stacks.items() if name not in stacks}
        return self.model_copy(update={"stacks": others, "later": [one for one in self.later if one not in stacks]})

    @property
    def text(self) -> str:
        """Returns it as it is written to a file: JSON whose order is always the same."""
        return as_json(_sorted(self.model_dump(exclude_defaults=True))) + "\n"

    @property
    def sha256(self) -> str:
        """Returns the hash of its text, which `sha256sum` prints for the file."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def count(self) -> int:
        """Returns how many resources would change."""
        return sum(len(stack.changes) for stack in self.stacks.values())

    def differences(self, now: ChangeList) -> Iterator[Message]:
        """Yields what another list has more, less or otherwise, in words."""
        if self.account != now.account:
            text = f"  account: {self.account} expected, {now.account} planned"
            yield Message("account-differs", text, expected=self.account, planned=now.account)
        for stack in sorted({*self.stacks, *now.stacks}):
            old, new = self.stacks.get(stack, StackChanges()), now.stacks.get(stack, StackChanges())
            for address in sorted({*old.changes, *new.changes}):
                yield from _of_one(stack, address, old.changes.get(address), new.changes.get(address))
            yield from _beyond("- ", "output-missing", stack, {*old.outputs} - {*new.outputs})
            yield from _beyond("+ ", "output-unexpected", stack, {*new.outputs} - {*old.outputs})
        for stack in sorted({*self.later} - {*now.later}):
            yield Message("later-missing", f"- {stack}: to be planned later", stack=stack)
        for stack in sorted({*now.later} - {*self.later}):
            yield Message("later-unexpected", f"+ {stack}: to be planned later", stack=stack)


@dataclass(frozen=True)
class Expected:
    """The list that somebody has approved, or its hash alone."""

    sha256: str
    changes: ChangeList | None = None

    @classmethod
    def of(cls, given: str) -> Expected:
        """Returns what `--expect` names: a file with a list, or the hash of one.

        Raises:
            UsageError: it is neither.
            StrataError: the file holds no list, or another text than that of the list.
        """
        if not given:
            text = "--expect is empty; give the list that was approved, or its hash"
            raise UsageError(Message("argument-missing", text, option="--expect"))
        if found := re.fullmatch(r"(?:sha256:)?([0-9a-f]{64})", given.lower()):
            return cls(found[1])
        path = Path(given)
        try:
            text = read_text(path, MOST)
            changes = ChangeList.model_validate_json(text)
        except (FileNotFoundError, NotADirectoryError):
            text = f"--expect {given}: neither a file nor a hash of 64 digits"
            raise UsageError(Message("argument-malformed", text, option="--expect", value=given)) from None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            text = line(f"{given} is no list of changes: {f'{where}: ' if where else ''}{first['msg']}")
            raise StrataError(Message("list-malformed", text, place=given, at=where)) from None
        if text != changes.text:  # what stands twice or in another order, people may read otherwise
            text = (
                f"{given} is not as strata plan wrote it: a key stands twice, or somebody edited or formatted it; "
                "run strata plan --changes again, and approve that list"
            )
            raise StrataError(Message("list-edited", text, place=given))
        return cls(changes.sha256, changes)

    def without(self, stacks: Collection[str]) -> Expected:
        """Returns what was approved of the other stacks; a hash alone says nothing of them."""
        if not stacks or not self.changes:
            return self
        changes = self.changes.without(stacks)
        return Expected(changes.sha256, changes)

    def differences(self, now: ChangeList) -> list[Message]:
        """Returns what is planned otherwise than expected, in words; nothing where the lists are the same."""
        if self.sha256 == now.sha256:
            return []
        text = f"the plan is not the expected one: sha256 {self.sha256} expected, {now.sha256} planned"
        head = Message("plan-unexpected", text, expected=self.sha256, planned=now.sha256)
        return [head, *(self.changes.differences(now) if self.changes else ())]


def _beyond(sign: str, case: str, stack: str, outputs: Collection[str]) -> Iterator[Message]:
    for name in sorted(outputs):
        yield Message(case, f"{sign}{stack}: output {name}", stack=stack, output=name)


def _of_one(stack: str, address: str, old: Listed | None, new: Listed | None) -> Iterator[Message]:
    """Yields how the change of one resource differs."""
    if old == new:
        return
    if old is None or new is None or old.action != new.action:
        for sign, case, side in (("-", "change-missing", old), ("+", "change-unexpected", new)):
            if side:
                text = f"{sign} {stack}: {side.action} {address}"
                yield Message(case, text, place=address, stack=stack, action=side.action)
        return
    said = f"  {stack}: {new.action} {address}"
    for name in ("moved_from", "import_id"):
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            text = f"{said}: {name}: {before} expected, {after} planned"
            facts = {"stack": stack, "argument": name, "expected": before, "planned": after}
            yield Message("change-differs", text, place=address, **facts)
    for name in sorted({*old.attributes, *new.attributes}):
        if old.attributes.get(name) != new.attributes.get(name):
            one, other = (_brief(side.attributes.get(name)) for side in (old, new))
            text = f"{said}: {name}: {one} expected, {other} planned"
            facts = {"stack": stack, "argument": name, "expected": one, "planned": other}
            yield Message("change-differs", text, place=address, **facts)


def _brief(values: Values | None) -> str:
    if values is None:
        return "unchanged"
    before, after = (json.dumps(one, sort_keys=True) for one in (values.before, values.after))
    return f"{before} -> {after}"


def _listed(change: Change) -> Listed:
    return Listed(
        action=change.action,
        moved_from=change.moved_from,
        import_id=change.import_id,
        attributes={
            one.name: Values(before=one.before, after=one.after, replaces=one.replaces)
            for one in change.attributes
            if not _is_given_later(one) and not _says_when(one)
        },
    )


def _is_given_later(attribute: Attribute) -> bool:
    """Says whether AWS or the provider gives a value while it is applied; it says nothing of what is asked for."""
    return attribute.computed and attribute.after == UNKNOWN


def _says_when(attribute: Attribute) -> bool:
    """Says whether a value that the configuration does not write is a time, which no two runs have the same."""
    values = [one for one in (attribute.before, attribute.after) if one is not None]
    return attribute.computed and all(isinstance(one, str) and _TIME.match(one) for one in values)


_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d")


def _sorted(value: Any) -> Any:
    """Returns data whose objects have their keys in order."""
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(one) for one in value] if isinstance(value, list) else value
