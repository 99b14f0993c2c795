"""The list of changes that people approve: two plans of the same thing have the same, whenever and wherever made.

It holds what a plan would do as far as that is known before: no time, no id that AWS has yet to give, no secret.
It is for reading and comparing. Nothing is applied from it. What is the same in several accounts is a class of it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from strata.atomic import MEGABYTE, read_text
from strata.config.layers import IN_ACCOUNT
from strata.errors import Message, StrataError, UsageError
from strata.kinds.members.alias import ALIAS
from strata.printing import as_json, line
from strata.terraform.attributes import ACCOUNT, UNKNOWN, Attribute, in_words
from strata.terraform.expressions import PROVISIONER, ParsedExpression
from strata.terraform.fleet import layer_of
from strata.terraform.plans import Plan, PlannedChange, own_version
from strata.text import counted, listed

Json = dict[str, Any]
FORMATS = (1, 2)
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
    expression: Any = None
    """Where it is not known: its Terraform, and what that refers to."""


class Listed(_Part):
    """What would be done to a resource."""

    action: str
    moved_from: str | None = None
    import_id: str | None = None
    goes: dict[str, Any] = {}
    """In a class, what names the thing that is destroyed or forgotten."""
    attributes: dict[str, Values] = {}


class StackChanges(_Part):
    """What would be done in a stack."""

    changes: dict[str, Listed] = {}
    """By Terraform's address."""
    outputs: list[str] = []
    """The outputs that other stacks read and that change."""


class ClassChanges(StackChanges):
    """What would be done in several accounts of a layer, with `(account)` for the id of each."""

    layer: str
    accounts: list[str]
    """Their keys."""
    steps: list[str] = []
    """The commands that Terraform runs where it creates something, by address."""
    secrets: dict[str, str] = {}
    """A keyed hash of the sensitive values that an account gets: whether they are others than another time."""

    def stack_in(self, account: str) -> str:
        """Returns the stack of the layer in an account."""
        return f"{self.layer}{IN_ACCOUNT}{account}"

    @property
    def effect(self) -> str:
        """Returns the change of each account as text."""
        return as_json(_sorted(self.model_dump(exclude={"accounts", "secrets"}, exclude_defaults=True)))

    def without(self, stacks: Collection[str]) -> Self:
        """Returns the changes of the other accounts."""
        accounts = [account for account in self.accounts if self.stack_in(account) not in stacks]
        secrets = {account: secret for account, secret in self.secrets.items() if account in accounts}
        return self.model_copy(update={"accounts": accounts, "secrets": secrets})


class ChangeList(_Part):
    """What would be done in all stacks that were planned, and what has to be planned later."""

    format: Literal[1, 2]
    """2 where stacks in accounts change."""
    account: str
    """The management account."""
    stacks: dict[str, StackChanges]
    """The stacks in which something would change."""
    classes: list[ClassChanges] = []
    """The stacks in accounts in which something would change."""
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
            accounts: the id of its account, as far as it is known, by the stack in a member account; of format 1 where
                there are none.
            lineage: of a state, for the hashes of the sensitive values of stacks that have none.
        """
        waiting = {planned.stack for planned in plans if planned.waits_for}.union(later)
        differing = (planned for planned in plans if planned.differs and planned.stack not in waiting)
        now = [replace(planned, remarks=()) for planned in differing]  # of what is not done nobody approves anything
        ids = accounts or {}
        in_accounts = [_class(same, ids, lineage) for same in classes(now, ids) if same[0].stack in ids]
        return cls(
            format=2 if in_accounts else 1,
            account=account,
            stacks={planned.stack: _stack(planned) for planned in now if planned.stack not in ids},
            classes=sorted(in_accounts, key=lambda same: (same.layer, same.accounts)),
            later=sorted(waiting),
        )

    def without(self, stacks: Collection[str]) -> Self:
        """Returns the list of the other stacks."""
        classes = [left for same in self.classes if (left := same.without(stacks)).accounts]
        others = {name: changes for name, changes in self.stacks.items() if name not in stacks}
        later = [stack for stack in self.later if stack not in stacks]
        update = {"format": 2 if classes else 1, "stacks": others, "classes": classes, "later": later}
        return self.model_copy(update=update)

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
        here = sum(len(stack.changes) for stack in self.stacks.values())
        return here + sum(len(same.changes) * len(same.accounts) for same in self.classes)

    def differences(self, now: ChangeList) -> Iterator[Message]:
        """Yields what another list has more, less or otherwise, in words."""
        if self.account != now.account:
            text = f"  account: {self.account} expected, {now.account} planned"
            yield Message("account-differs", text, expected=self.account, planned=now.account)
        for stack in sorted({*self.stacks, *now.stacks}):
            yield from _between(stack, self.stacks.get(stack, StackChanges()), now.stacks.get(stack, StackChanges()))
        yield from self.differences_in_accounts(now)
        for stack in sorted({*self.later} - {*now.later}):
            yield Message("later-missing", f"- {stack}: to be planned later", stack=stack)
        for stack in sorted({*now.later} - {*self.later}):
            yield Message("later-unexpected", f"+ {stack}: to be planned later", stack=stack)

    def differences_in_accounts(self, now: ChangeList) -> Iterator[Message]:
        """Yields what differs in accounts, once where it is the same in several."""
        before, after = self.by_account(), now.by_account()
        groups: dict[tuple[int | None, int | None, bool], list[str]] = {}
        for stack in sorted({*before, *after}):
            (old, secret), (new, other) = before.get(stack, (None, "")), after.get(stack, (None, ""))
            groups.setdefault((old, new, secret != other), []).append(stack)
        for same, stacks in groups.items():
            keys = [stack.partition(IN_ACCOUNT)[2] for stack in stacks]
            layer = f"{layer_of(stacks[0])} in {counted(len(keys), 'account')} ({listed(keys)})"
            for told in self._in_class(layer if keys[1:] else stacks[0], now, *same):
                facts = {name: value for name, value in told.data.items() if name != "stack"}
                yield Message(told.id, told, place=told.place, stacks=stacks, **facts) if keys[1:] else told

    def _in_class(
        self, where: str, now: ChangeList, old: int | None, new: int | None, secrets_differ: bool
    ) -> Iterator[Message]:
        none = ClassChanges(layer="", accounts=[])
        expected = none if old is None else self.classes[old]
        planned = none if new is None else now.classes[new]
        yield from _between(where, expected, planned)
        yield from _beyond("- ", "step-missing", where, {*expected.steps} - {*planned.steps}, "step")
        yield from _beyond("+ ", "step-unexpected", where, {*planned.steps} - {*expected.steps}, "step")
        if secrets_differ and old is not None and new is not None:
            yield Message("secrets-differ", f"  {where}: other sensitive values than expected", stack=where)

    @property
    def in_accounts(self) -> set[str]:
        """Returns the stacks in accounts that it names."""
        return {*self.by_account(), *(stack for stack in self.later if IN_ACCOUNT in stack)}

    @property
    def stacks_named(self) -> set[str]:
        """Returns all stacks that it names."""
        return {*self.stacks, *self.later, *self.by_account()}

    def by_account(self) -> dict[str, tuple[int, str]]:
        """Returns which class a stack in an account is of, and the hash of its sensitive values."""
        return {
            same.stack_in(account): (number, same.secrets.get(account, ""))
            for number, same in enumerate(self.classes)
            for account in same.accounts
        }


def _between(stack: str, old: StackChanges, new: StackChanges) -> Iterator[Message]:
    """Yields how the changes of a stack differ."""
    for address in sorted({*old.changes, *new.changes}):
        yield from _of_one(stack, address, old.changes.get(address), new.changes.get(address))
    yield from _beyond("- ", "output-missing", stack, {*old.outputs} - {*new.outputs})
    yield from _beyond("+ ", "output-unexpected", stack, {*new.outputs} - {*old.outputs})


# Classes


def classes(plans: Iterable[Plan], accounts: Mapping[str, str]) -> list[list[Plan]]:
    """Groups the plans of a layer that do the same in their accounts, of each layer the largest group first.

    What has nothing to do and no error comes last. Of their texts only the account's own id may differ. What is known
    after the apply is the same where its Terraform is, and so is what cannot be planned yet.

    Args:
        accounts: the id of its account, as far as it is known, by the stack in a member account.
    """
    by_effect: dict[str, list[Plan]] = {}
    for planned in plans:
        id = accounts.get(planned.stack)
        effect = planned.stack if id is None else json.dumps(_effect(planned, id), sort_keys=True)
        by_effect.setdefault(effect, []).append(planned)
    order = list(dict.fromkeys(layer_of(same[0].stack) for same in by_effect.values()))

    def place(same: Sequence[Plan]) -> tuple[int, bool, int]:
        first = same[0]
        return order.index(layer_of(first.stack)), not (first.differs or first.error or first.waits_for), -len(same)

    return sorted(by_effect.values(), key=place)


def _effect(planned: Plan, id: str) -> Json:
    """Returns the effect of a plan in its account, as data that is the same in every account where it does the same."""
    planned = with_alias_of_all(planned)
    steps = [
        f"{address}: {json.dumps(arguments[PROVISIONER].written, sort_keys=True)}"
        for address, arguments in sorted(planned.written.items())
        if PROVISIONER in arguments
    ]
    effect = {
        "changes": {
            **_stack(planned, in_class=True).model_dump(exclude_defaults=True),
            "steps": steps,
        },
        "layer": layer_of(planned.stack),
        "not planned": [planned.error, planned.advice, planned.waits_for, planned.spared, planned.terraform],
        "remarks": planned.remarks,
        "secrets": list(_secrets(planned)),
    }
    without: Json = without_id(effect, id)
    return without


def with_alias_of_all(planned: Plan) -> Plan:
    """Returns a plan whose account alias has `(key)` for the key of its account, as baseline.yaml writes `{key}`."""
    address, key = f"{ALIAS.type}.main", planned.stack.partition(IN_ACCOUNT)[2]

    def own(value: Any) -> Any:
        known = isinstance(value, str) and key
        return re.sub(rf"(?<![a-z0-9]){re.escape(key)}(?![a-z0-9])", "(key)", value) if known else value

    changes, unplanned = dict(planned.changes), planned.terraform
    if change := changes.get(address):
        attributes = (replace(each, before=own(each.before), after=own(each.after)) for each in change.attributes)
        goes = {name: own(value) for name, value in change.goes.items()}
        changes[address] = replace(change, attributes=tuple(attributes), goes=goes)
    if written := unplanned.get("resource", {}).get(ALIAS.type):
        aliases = {name: {part: own(value) for part, value in its.items()} for name, its in written.items()}
        unplanned = {**unplanned, "resource": {**unplanned["resource"], ALIAS.type: aliases}}
    return replace(planned, changes=changes, terraform=unplanned)


def without_id(value: Any, id: str) -> Any:
    """Returns data whose texts have `(account)` for the id of an account, and another text where that stood already."""
    if isinstance(value, dict):
        return {without_id(name, id): without_id(member, id) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [without_id(member, id) for member in value]
    if not isinstance(value, str):
        return value
    text = re.sub(r"\(account( *)\)", r"(account\1 )", value)
    return re.sub(rf"(?<!\d){id}(?!\d)", ACCOUNT, text) if id else text


def _secrets(planned: Plan) -> Iterator[list[Any]]:
    """Yields digests of what is sensitive in a plan: of values, and of what is behind those that it does not know."""
    for address, change in planned.changes.items():
        written = planned.written.get(address, {})
        hidden = {
            attribute.name: written[attribute.name].written
            for attribute in change.attributes
            if attribute.sensitive and attribute.name in written
        }
        digests = [
            {attribute.name: attribute.secret for attribute in change.attributes if attribute.secret},
            {name: behind.secret for name, behind in written.items() if behind.secret},
            hidden,
        ]
        if any(digests):
            yield [address, *digests]


def _class(same: Sequence[Plan], accounts: Mapping[str, str], lineage: str) -> ClassChanges:
    secrets = {}
    for planned in same:
        if digests := list(_secrets(planned)):
            own = own_version(planned.versions, planned.stack)
            key, text = own.lineage if own else lineage, json.dumps(digests, sort_keys=True)
            secrets[_key(planned)] = hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
    first = same[0]
    return ClassChanges(
        layer=layer_of(first.stack),
        accounts=sorted(map(_key, same)),
        secrets=secrets,
        **_effect(first, accounts[first.stack])["changes"],
    )


def _key(planned: Plan) -> str:
    return planned.stack.partition(IN_ACCOUNT)[2]


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
        path = Path(given)
        try:
            text = read_text(path, MOST)
            changes = ChangeList.model_validate_json(text)
        except (FileNotFoundError, NotADirectoryError):
            text = f"--expect {given}: neither a file nor a hash of 64 digits"
            raise UsageError(Message("argument-malformed", text, option="--expect", value=given)) from None
        except ValidationError as error:
            first, formats = error.errors()[0], [at["input"] for at in error.errors() if at["loc"] == ("format",)]
            if formats and isinstance(formats[0], int) and formats[0] > max(FORMATS):
                read = " and ".join(map(str, FORMATS))
                text = f"{given} is a list of format {formats[0]}; this Strata reads {read}; upgrade Strata"
                raise StrataError(Message("list-too-new", text, place=given, format=formats[0])) from None
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

    def without(self, stacks: Collection[str]) -> ApprovedList:
        """Returns the approved changes of the other stacks; a hash alone says nothing of them."""
        if not stacks or not self.changes:
            return self
        changes = self.changes.without(stacks)
        return replace(self, sha256=changes.sha256, changes=changes)

    def only(self, stacks: Collection[str]) -> ApprovedList:
        """Returns the approved changes of these stacks."""
        return self.without(self.changes.stacks_named.difference(stacks)) if self.changes else self

    @property
    def by_account(self) -> ChangeList | None:
        """Returns the list where accounts are held against it singly: they are not among its other stacks."""
        return self.changes if self.changes and not any(IN_ACCOUNT in stack for stack in self.changes.stacks) else None

    def differences(self, *now: ChangeList) -> list[Message]:
        """Returns the differences of the plan to the list, in words; none where the lists are the same.

        Args:
            now: the list in each format.
        """
        if self.sha256 in [change_list.sha256 for change_list in now]:
            return []
        planned = next(
            (change_list for change_list in now if self.changes and change_list.format == self.changes.format), now[0]
        )
        text = f"the plan is not the expected one: sha256 {self.sha256} expected, {planned.sha256} planned"
        head = Message("plan-unexpected", text, expected=self.sha256, planned=planned.sha256)
        return [head, *(self.changes.differences(planned) if self.changes else ())]

    def stops(self, *now: ChangeList) -> list[Message]:
        """Returns the differences that end a deploy before anything happens; those in accounts stop nothing else."""
        if not (approved := self.by_account):
            return self.differences(*now)
        accounts = approved.in_accounts | now[0].in_accounts
        return self.without(accounts).differences(now[0].without(accounts))

    def of_stacks(self, stacks: Collection[str], now: ChangeList) -> list[Message]:
        """Returns the differences in stacks in accounts."""
        if not self.changes:
            return []
        others = self.changes.in_accounts.union(now.in_accounts).difference(stacks)
        return list(self.changes.without(others).differences_in_accounts(now.without(others)))

    def on_no_list(self, now: ChangeList) -> set[str]:
        """Returns the stacks in accounts of which something else was approved, or nothing."""
        if not (known := self.by_account):
            return set()
        approved, planned = ({number: same.effect for number, same in enumerate(of.classes)} for of in (known, now))
        before = known.by_account()
        differing = set()
        for stack, (number, secret) in now.by_account().items():
            old, other = before.get(stack, (-1, ""))
            if approved.get(old) != planned[number] or secret != other:
                differing.add(stack)
        return differing


def _beyond(sign: str, case: str, stack: str, names: Collection[str], what: str = "output") -> Iterator[Message]:
    for name in sorted(names):
        yield Message(case, f"{sign}{stack}: {what} {name}", stack=stack, **{what: name})


def _of_one(stack: str, address: str, old: Listed | None, new: Listed | None) -> Iterator[Message]:
    """Yields how the change of a resource differs."""
    if old == new:
        return
    if old is None or new is None or old.action != new.action:
        for sign, case, side in (("-", "change-missing", old), ("+", "change-unexpected", new)):
            if side:
                text = f"{sign} {stack}: {side.action} {address}"
                yield Message(case, text, place=address, stack=stack, action=side.action)
        return
    said = f"  {stack}: {new.action} {address}"
    parts = [{"moved_from": side.moved_from, "import_id": side.import_id, **side.goes} for side in (old, new)]
    for name in dict.fromkeys([*parts[0], *parts[1]]):
        before, after = (part.get(name) for part in parts)
        if before != after:
            text = f"{said}: {name}: {in_words(before)} expected, {in_words(after)} planned"
            facts = {"stack": stack, "argument": name, "expected": before, "planned": after}
            yield Message("change-differs", text, place=address, **facts)
    for name in sorted({*old.attributes, *new.attributes}):
        if old.attributes.get(name) != new.attributes.get(name):
            both = [side.attributes.get(name) for side in (old, new)]
            text = f"{said}: {name}: {' expected, '.join(_brief(values, in_words) for values in both)} planned"
            before, after = (_brief(values, partial(json.dumps, sort_keys=True)) for values in both)
            facts = {"stack": stack, "argument": name, "expected": before, "planned": after}
            yield Message("change-differs", text, place=address, **facts)


def _brief(values: Values | None, said: Callable[[Any], str]) -> str:
    if values is None:
        return "unchanged"
    by = f" by {json.dumps(values.expression, sort_keys=True)}" if values.expression else ""
    before = "" if values.before is None and said is in_words else f"{said(values.before)} -> "
    return f"{before}{said(values.after)}{by}"


def _stack(planned: Plan, *, in_class: bool = False) -> StackChanges:
    behind = planned.written if in_class or IN_ACCOUNT not in planned.stack else {}  # format 1 has none in accounts
    changes = {
        address: _listed(change, behind.get(address, {}), change.goes if in_class else {})
        for address, change in planned.changes.items()
    }
    return StackChanges(changes=changes, outputs=list(planned.outputs))


def _listed(change: PlannedChange, written: Mapping[str, ParsedExpression], goes: Mapping[str, Any]) -> Listed:
    """Returns a change without what AWS gives while it is applied, and without times, which no two runs have alike."""
    return Listed(
        action=change.action,
        moved_from=change.moved_from,
        import_id=change.import_id,
        goes=dict(goes),
        attributes={
            attribute.name: Values(
                before=attribute.before,
                after=attribute.after,
                replaces=attribute.replaces,
                expression=written[attribute.name].written
                if attribute.name in written and not attribute.sensitive
                else None,
            )
            for attribute in change.attributes
            if not attribute.computed
            or ((attribute.name in written or attribute.after != UNKNOWN) and not _is_time(attribute))
        },
    )


def _is_time(attribute: Attribute) -> bool:
    values = [value for value in (attribute.before, attribute.after) if value is not None]
    return all(isinstance(value, str) and _TIME.match(value) for value in values)


_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d")


def _sorted(value: Any) -> Any:
    """Returns data whose objects have their keys in order."""
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(member) for member in value] if isinstance(value, list) else value
