"""The list of changes that people approve: two plans of the same thing have the same, whenever and wherever made.

It holds what a plan would do as far as that is known before: no time, no id that AWS has yet to give, no secret.
It is for reading and comparing. Nothing is applied from it. Accounts in which the same is done are one group of it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from strata.atomic import MEGABYTE, read_text
from strata.config.layers import IN_ACCOUNT
from strata.errors import Message, StrataError, UsageError
from strata.printing import as_json, line
from strata.terraform.attributes import ACCOUNT, KEY, UNKNOWN
from strata.terraform.expressions import PROVISIONER, ParsedExpression
from strata.terraform.fleet import layer_of
from strata.terraform.plans import Plan, PlannedChange
from strata.text import counted, listed

Json = dict[str, Any]
MOST = 50 * MEGABYTE
"""The maximum size of a list: a first deploy of four thousand accounts has a tenth of it."""
_ANEW = "run strata plan --changes again, and approve that list"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Change(_Part):
    """What would be done to a resource."""

    action: str
    moved_from: str | None = None
    import_id: str | None = None
    goes: Json = {}
    """What names the thing that is destroyed or forgotten."""
    attributes: dict[str, Json] = {}
    """`before` and `after`, with words for what is sensitive or not known yet, `replaces`, `expression`."""
    commands: Any = None
    """What Terraform runs when it creates it."""


class Group(_Part):
    """What would be done in a stack, or in each of the stacks of a layer in several accounts."""

    stacks: list[str]
    changes: dict[str, Change] = {}
    """By Terraform's address."""
    outputs: list[str] = []
    """The outputs that other stacks read and that change."""
    secrets: str = ""
    """A keyed hash of the sensitive values that accounts get: whether they are others than another time."""

    def lines(self) -> Iterator[str]:
        """Yields what would be done in each of the stacks, a line for each part of it."""
        for address, change in self.changes.items():
            details = change.model_dump(exclude={"action"}, exclude_defaults=True)
            yield f"{change.action} {address} {json.dumps(details, sort_keys=True)}".removesuffix(" {}")
        yield from (f"output {name}" for name in self.outputs)
        if self.secrets:
            yield f"sensitive values {self.secrets}"


class ChangeList(_Part):
    """What would be done in all stacks that were planned, and what has to be planned later."""

    format: Literal[3]
    account: str
    """The management account."""
    groups: list[Group]
    """The stacks in which something would change."""
    later: list[str]
    """The stacks that can be planned once others are applied: they are in no list before that."""

    @classmethod
    def of(
        cls,
        plans: Sequence[Plan],
        account: str,
        *,
        later: Collection[str] = (),
        accounts: Mapping[str, str] | None = None,
        lineage: str = "",
    ) -> Self:
        """Returns the list of plans without an error.

        Args:
            plans: each of another stack.
            account: the management account.
            later: stacks of which there is only a preview, since another was never deployed.
            accounts: the id of its account, as far as it is known, by the stack in a member account.
            lineage: of the state of `organizations`, the key of the hashes of sensitive values.
        """
        waiting = {planned.stack for planned in plans if planned.waits_for}.union(later)
        differing = (planned for planned in plans if planned.differs and planned.stack not in waiting)
        now = [replace(planned, remarks=()) for planned in differing]  # of what is not done nobody approves anything
        groups = [_group(same, accounts or {}, lineage) for same in classes(now, accounts or {})]
        groups.sort(key=lambda group: group.stacks)
        return cls(format=3, account=account, groups=groups, later=sorted(waiting))

    def only(self, stacks: Collection[str]) -> Self:
        """Returns the list of these stacks."""
        groups = []
        for group in self.groups:
            kept = [stack for stack in group.stacks if stack in stacks]
            groups += [group.model_copy(update={"stacks": kept})] if kept else []
        return self.model_copy(update={"groups": groups, "later": [stack for stack in self.later if stack in stacks]})

    @property
    def text(self) -> str:
        """Returns it as it is written to a file: JSON whose order is always the same."""
        return as_json(json.loads(json.dumps(self.model_dump(exclude_defaults=True), sort_keys=True))) + "\n"

    @property
    def sha256(self) -> str:
        """Returns the hash of its text, which `sha256sum` prints for the file."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def count(self) -> int:
        """Returns how many resources would change."""
        return sum(len(group.changes) * len(group.stacks) for group in self.groups)

    def lines(self) -> dict[str, frozenset[str]]:
        """Returns what would be done in each stack, as lines: of one that stands twice, which no plan has, all."""
        lines = dict.fromkeys(self.later, frozenset({"to be planned later"}))
        for group in self.groups:
            done = frozenset(group.lines())
            for stack in group.stacks:
                lines[stack] = done | lines.get(stack, done)
        return lines

    def differences(self, now: ChangeList) -> Iterator[Message]:
        """Yields what is on this list and not on another, and the other way round, once for accounts that are alike."""
        if self.account != now.account:
            text = f"  account: {self.account} expected, {now.account} planned"
            yield Message("account-differs", text, expected=self.account, planned=now.account)
        before, after, none = self.lines(), now.lines(), frozenset[str]()
        alike: dict[tuple[str, frozenset[str], frozenset[str]], list[str]] = {}
        for stack in sorted({*before, *after}):
            old, new = before.get(stack, none), after.get(stack, none)
            alike.setdefault((layer_of(stack), old - new, new - old), []).append(stack)
        for (layer, missing, unexpected), stacks in alike.items():
            keys = [_key(stack) for stack in stacks]
            where = f"{layer} in {counted(len(keys), 'account')} ({listed(keys)})" if keys[1:] else stacks[0]
            for case, sign, lines in (("change-missing", "-", missing), ("change-unexpected", "+", unexpected)):
                for change in sorted(lines):
                    yield Message(case, f"{sign} {where}: {change}", stacks=stacks, change=change)


# Classes


def classes(plans: Iterable[Plan], accounts: Mapping[str, str]) -> list[list[Plan]]:
    """Groups the plans of a layer that do the same in their accounts, of each layer the largest group first.

    What has nothing to do and no error comes last. Of their texts only the account's own id and key may differ. What
    is known after the apply is the same where its Terraform is, and so is what cannot be planned yet.

    Args:
        accounts: the id of its account, as far as it is known, by the stack in a member account.
    """
    by_effect: dict[str, list[Plan]] = {}
    for planned in plans:
        by_effect.setdefault(json.dumps(_effect(planned, accounts), sort_keys=True), []).append(planned)
    order = list(dict.fromkeys(layer_of(same[0].stack) for same in by_effect.values()))

    def place(same: Sequence[Plan]) -> tuple[int, bool, int]:
        first = same[0]
        return order.index(layer_of(first.stack)), not (first.differs or first.error or first.waits_for), -len(same)

    return sorted(by_effect.values(), key=place)


def _effect(planned: Plan, accounts: Mapping[str, str]) -> Json:
    """Returns the effect of a plan in its account, as data that is the same in every account where it does the same."""
    own = partial(without_own, id=accounts.get(planned.stack, ""), key=_key(planned.stack))
    not_planned = [planned.error, planned.waits_for, planned.spared, planned.terraform]
    return {
        "layer": layer_of(planned.stack),
        "changes": {
            address: {"action": change.action, **own(_details(change, planned.written.get(address, {})))}
            for address, change in planned.changes.items()
        },
        "outputs": own(planned.outputs),
        "secrets": own(list(_secrets(planned))),
        "rest": own([*not_planned, planned.remarks]),
    }


def without_own(value: Any, id: str, key: str) -> Any:
    """Returns data whose texts have `(account)` for the id of an account and `(key)` for its key.

    Where these stood already they become another text. A key counts where it may be no name of Terraform's: these stand
    behind a dot, and as names of members.
    """
    if isinstance(value, dict):
        return {without_own(name, id, ""): without_own(member, id, key) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [without_own(member, id, key) for member in value]
    if not isinstance(value, str):
        return value
    text = re.sub(r"\((account|key)( *)\)", r"(\1\2 )", value)
    for own, letter, word in ((key, r"[\w.]", KEY), (id, r"\d", ACCOUNT)):
        if own and own in text:
            text = re.sub(rf"(?<!{letter}){re.escape(own)}(?!{letter})", word, text)
    return text


def _details(change: PlannedChange, written: Mapping[str, ParsedExpression]) -> Json:
    """Returns a change without what AWS gives while it is applied, and without times, which no two runs have alike."""
    attributes = {}
    for attribute in change.attributes:
        behind = written.get(attribute.name)
        given = attribute.after == UNKNOWN or _TIME.match(str(attribute.after))
        if attribute.computed and given and not behind:
            continue
        values = {
            "before": attribute.before,
            "after": attribute.after,
            "replaces": attribute.replaces or None,
            "expression": behind.written if behind and not attribute.sensitive else None,
        }
        attributes[attribute.name] = {name: value for name, value in values.items() if value is not None}
    return {
        "moved_from": change.moved_from,
        "import_id": change.import_id,
        "goes": dict(change.goes),
        "attributes": attributes,
        "commands": written[PROVISIONER].written if PROVISIONER in written else None,
    }


_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d")


def _secrets(planned: Plan) -> Iterator[list[Any]]:
    """Yields digests of what is sensitive in a plan: of values, and of what is behind those that it does not know."""
    for address, change in planned.changes.items():
        written = planned.written.get(address, {})
        hidden = [attribute for attribute in change.attributes if attribute.sensitive]
        values = [[attribute.name, attribute.secret, written.get(attribute.name)] for attribute in hidden]
        behind = [[name, expression.secret] for name, expression in written.items() if expression.secret]
        if values or behind:
            yield [address, values, behind]


def _group(same: Sequence[Plan], accounts: Mapping[str, str], lineage: str) -> Group:
    effect, stacks, secrets = _effect(same[0], accounts), sorted(planned.stack for planned in same), ""
    if effect["secrets"] and _key(stacks[0]):
        text = json.dumps(effect["secrets"], sort_keys=True)
        secrets = hmac.new(lineage.encode(), text.encode(), hashlib.sha256).hexdigest()
    return Group(stacks=stacks, changes=effect["changes"], outputs=effect["outputs"], secrets=secrets)


def _key(stack: str) -> str:
    return stack.partition(IN_ACCOUNT)[2]


# What was approved


@dataclass(frozen=True)
class ApprovedList:
    """The list that somebody has approved, or its hash alone."""

    sha256: str
    changes: ChangeList | None = None

    @classmethod
    def of(cls, given: str) -> ApprovedList:
        """Returns the list that `--expect` names: a file with a list, or the hash of a list.

        Raises:
            UsageError: it is neither.
            StrataError: the file holds no list, or another text than that of the list.
        """
        if not given:
            text = "--expect is empty; give the list that was approved, or its hash"
            raise UsageError(Message("argument-missing", text, option="--expect"))
        if match := re.fullmatch(r"(?:sha256:)?([0-9a-f]{64})", given.lower()):
            return cls(match[1])
        try:
            text = read_text(Path(given), MOST)
            changes = ChangeList.model_validate_json(text)
        except (FileNotFoundError, NotADirectoryError):
            text = f"--expect {given}: neither a file nor a hash of 64 digits"
            raise UsageError(Message("argument-malformed", text, option="--expect", value=given)) from None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            why = f"{where}: {first['msg']}" if where else first["msg"]
            text = line(f"{given} is no list of changes of format 3: {why}; {_ANEW}")
            raise StrataError(Message("list-malformed", text, place=given, at=where)) from None
        if text != changes.text:  # what stands twice or in another order, people may read otherwise
            text = f"{given} is not as strata plan wrote it: somebody edited or formatted it; {_ANEW}"
            raise StrataError(Message("list-edited", text, place=given))
        return cls(changes.sha256, changes)

    def only(self, stacks: Collection[str]) -> ApprovedList:
        """Returns the approved changes of these stacks; a hash alone says nothing of them."""
        if not self.changes:
            return self
        changes = self.changes.only(stacks)
        return ApprovedList(changes.sha256, changes)

    def without(self, stacks: Collection[str]) -> ApprovedList:
        """Returns the approved changes of the other stacks."""
        return self.only(self.changes.lines().keys() - {*stacks}) if self.changes else self

    def differences(self, now: ChangeList) -> list[Message]:
        """Returns the differences of the plan to the list, in words; none where the lists are the same."""
        if self.sha256 == now.sha256:
            return []
        text = f"the plan is not the expected one: sha256 {self.sha256} expected, {now.sha256} planned"
        head = Message("plan-unexpected", text, expected=self.sha256, planned=now.sha256)
        return [head, *(self.changes.differences(now) if self.changes else ())]

    def stops(self, now: ChangeList) -> list[Message]:
        """Returns the differences that end a deploy before anything happens; those in accounts stop nothing else."""
        if not self.changes:
            return self.differences(now)
        others = {stack for stack in self.changes.lines().keys() | now.lines().keys() if not _key(stack)}
        return self.only(others).differences(now.only(others))

    def of_stacks(self, stacks: Collection[str], now: ChangeList) -> list[Message]:
        """Returns the differences in some stacks."""
        return list(self.changes.only(stacks).differences(now.only(stacks))) if self.changes else []

    def on_no_list(self, now: ChangeList) -> set[str]:
        """Returns the stacks in accounts of which something else was approved, or nothing."""
        if not self.changes:
            return set()
        approved = self.changes.lines()
        planned = {stack: lines for stack, lines in now.lines().items() if _key(stack) and stack not in now.later}
        return {stack for stack, lines in planned.items() if approved.get(stack) != lines}
