"""Compares the three sides: what was made, changed or taken away outside, and what merely waits for a deploy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from strata.aws.access_role import account_ids
from strata.config.layers import IN_ACCOUNT
from strata.config.models import OPEN
from strata.drift.difference import CHANGED_SINCE, Difference, DifferenceKind, lasting, written
from strata.drift.ways import way_back
from strata.errors import Message
from strata.inventory import reading
from strata.inventory.controls import KEYS, Held
from strata.inventory.of_accounts import HeldStack, part_of
from strata.kinds import KINDS, TYPES, kind_of
from strata.kinds.account import ACCOUNT
from strata.kinds.arguments import Attributes, text
from strata.kinds.assignment import ASSIGNMENT, ENTITLEMENT
from strata.kinds.at_aws import Inventory
from strata.kinds.control import CONTACT, TRAIL
from strata.kinds.kind import OF, Kind, account_of
from strata.kinds.moves import newest_keys
from strata.kinds.organization import DELEGATED, ROOT_ACCESS, TRUSTED
from strata.kinds.permission_set import SET
from strata.kinds.policy import ATTACHMENT, POLICY
from strata.kinds.setting import key_of
from strata.kinds.thing import AS_IT_IS, AtAws, Side, Thing, side
from strata.landing_zone import LandingZone
from strata.policy.equality import meaning
from strata.sides.join import Keys, known_keys
from strata.sides.recorded import States, moved, recorded_side, shipped_now, states_of
from strata.sides.side import declared_side, live_side
from strata.sides.states import State
from strata.text import folded, listed


@dataclass(frozen=True)
class Drift:
    """What the comparison tells.

    Attributes:
        differences: those that nobody accepted, by kind.
        accepted: those that accepted.yaml has.
        waiting: kind and name of what differs only because it was not deployed yet.
        unread: what could not be compared, by part, with the reason.
        otherwise: what AWS has otherwise than the configuration without being drift: a deploy is due, or leaves it.
    """

    differences: tuple[Difference, ...] = ()
    accepted: tuple[Difference, ...] = ()
    waiting: tuple[str, ...] = ()
    unread: Mapping[str, Message] = field(default_factory=dict)
    otherwise: tuple[Difference, ...] = ()


def compare(
    zone: LandingZone, states: Mapping[str, State], inventory: Inventory, accepted: Collection[tuple[str, str]] = ()
) -> Drift:
    """Returns what differs, with the way back.

    Args:
        zone: the configuration.
        states: the states by stack, those of your own layers among them.
        inventory: what AWS has.
        accepted: finding and place of what is meant.
    """
    said = states_of(states, zone)
    before = recorded_side(zone, said)
    unread = unread_parts(zone, inventory, center=any(kind in _PEOPLE_AND_ACCESS for kind, _ in before))
    known = known_keys(zone, inventory, imported=said.ids)
    return differing(zone, said, inventory, known, unread, accepted)


def differing(
    zone: LandingZone,
    states: States | None,
    inventory: Inventory,
    known: Keys,
    unread: Mapping[str, Message],
    accepted: Collection[tuple[str, str]] = (),
    kinds: Sequence[Kind] = KINDS,
) -> Drift:
    """Returns what differs.

    Where nobody knows the states, what a deploy left is taken for what is declared: then nothing waits, and whatever
    AWS has otherwise is drift.

    Args:
        zone: the configuration.
        states: what the states say, None where nobody could read them.
        inventory: what AWS has.
        known: the key of what AWS has by kind and id.
        unread: what was not read, by part, with the reason.
        accepted: finding and place of what is meant.
        kinds: what is compared; of others the inventory need not have anything.
    """
    said, accepted = states or States(), {(finding, lasting(at)) for finding, at in accepted}
    by_type = moved(zone, said.held())
    gone = _gone_accounts(zone, said, by_type, inventory, known)
    zone = zone.knowing({**dict.fromkeys(gone, ""), **{key: id for id, key in known["account"].items()}})
    aws = AtAws(zone, inventory, known, by_type, said.elsewhere)
    given = side(thing for kind in kinds for thing in kind.given(aws))
    here, live = {**declared_side(zone, kinds), **given}, live_side(aws, kinds)
    if not said.whole:  # what a deploy of today would have left, with what it would not have switched off
        before = {at: thing for at, thing in live.items() if thing.noted} | here
    else:
        before = dict(recorded_side(zone, said))
        if said.broken:  # which the next deploy makes anew, whether a run had made it or not
            sound = recorded_side(zone, said, said.broken)
            before = {at: thing for at, thing in before.items() if at in sound or at not in here}
    # Deploys leave out what is closed at AWS, and have their states forget it: it is no change that waits for a deploy.
    shut = gone | {
        known["account"].get(account.id, "") for account in inventory.organization.accounts if account.state not in OPEN
    }
    before = {**{at: here[at] for at in here if at[0] == ACCOUNT.name and at[1] in shut}, **before, **given}
    before = {at: thing for at, thing in before.items() if kind_of(*at) in kinds}
    for at, thing in before.items():  # of what is external no state has the ids
        if thing.external and (ids_of := kind_of(*at).ids_at_aws):
            before[at] = replace(thing, ids=ids_of(aws, thing))
    out_of_reach = _out_of_reach(zone, inventory, known, live)
    outside, waiting, otherwise = list[Difference](), list[str](), list[Difference]()
    parts = {*unread, *([CONTROLS] if inventory.controls is None else [])}
    parts |= {OF_ACCOUNTS} if inventory.of_accounts is None else set()
    hidden = {kind for part in parts for kind in HIDDEN.get(part, ())}
    for at in sorted({*here, *before, *live}, key=lambda at: (ORDER[at[0]], -_depth(at, live), at[1])):
        kind, account = kind_of(*at), _account_of(*at)
        unseen = at[0] in hidden or (kind.is_control and key_of(at[1]) in parts) or _is_unread(kind, at[1], parts)
        if not (unseen or account in out_of_reach):
            compared = _Compared(aws, kind, at[1], here.get(at), before.get(at), live.get(at), parts)
            differences = list(compared.differences())
            outside += differences
            if compared.waits() and account not in shut:
                waiting.append(" ".join(at))
            otherwise += compared.otherwise({each.attribute for each in differences})
    outside = _under_what_was_made_again(_by_their_causes(outside))
    outside.sort(key=lambda difference: ORDER[difference.kind])
    silenced = tuple(difference for difference in outside if difference.is_meant(accepted))
    left = tuple(
        _beside(aws, difference, silenced, accepted) for difference in outside if not difference.is_meant(accepted)
    )
    return Drift(left, silenced, tuple(waiting), unread, tuple(otherwise))


def _gone_accounts(
    zone: LandingZone,
    said: States,
    by_type: Mapping[str, Mapping[str, Attributes]],
    inventory: Inventory,
    known: Keys,
) -> frozenset[str]:
    """Returns the keys of declared accounts that were deployed, and that AWS lists no more."""
    if not inventory.organization.accounts:
        return frozenset()
    had = {folded(text(account, "email")) for account in by_type.get(TYPES["account"], {}).values()} | said.let_go
    there = {*known["account"].values()}
    return frozenset(key for key, account in zone.members.items() if key not in there and folded(account.email) in had)


def _out_of_reach(zone: LandingZone, inventory: Inventory, known: Keys, live: Side) -> frozenset[str]:
    """Returns the accounts, as names have them, that still have assignments or delegations which no line takes away.

    AWS lists them no more, or they are closed and nobody declares them.
    """
    accounts = inventory.organization.accounts
    closed = {known["account"].get(account.id, account.id) for account in accounts if account.state not in OPEN}
    named = {thing.ids["account"] for thing in live.values() if thing.kind in _BY_ACCOUNT and thing.ids.get("account")}
    unlisted = named - {account.id for account in accounts} if accounts else set[str]()
    return frozenset((closed - zone.members.keys()) | unlisted)


_BY_ACCOUNT = (ASSIGNMENT.name, DELEGATED.name)


def _account_of(kind: str, name: str) -> str:
    """Returns the account that something hangs on, by the name that it has of it; empty for everything else."""
    if kind == ASSIGNMENT.name:
        return name.rpartition(" in ")[2]
    if kind == ATTACHMENT.name:
        return name.partition(" on account ")[2]
    if kind == DELEGATED.name:
        return name.partition(" of ")[0]
    its = kind_of(kind, name)
    return account_of(name) if its is CONTACT or its.is_shipped else ""


def _by_their_causes(differences: Sequence[Difference]) -> list[Difference]:
    """Returns the differences without those that say only that others have deleted what had something, or who had."""
    gone = [each for each in differences if each.how is DifferenceKind.GONE and each.declared]
    external = (each for each in gone if each.declared and each.declared.external)
    whole = {each.name for each in external if each.kind in (SET.name, POLICY.name)}
    theirs = ((each.recorded, each.attribute) for each in differences if each.recorded and each.recorded.external)
    deleted = {before.ids.get("id", "") for before, attribute in theirs if attribute in ("", "id")}
    return [
        difference
        for difference in differences
        if not difference.recorded
        or difference.how is DifferenceKind.MADE
        or difference.recorded.ids.get("principal") not in deleted
        if not (difference.how is DifferenceKind.GONE and difference.declared and _holder(difference) in whole)
    ]


def _under_what_was_made_again(differences: Sequence[Difference]) -> list[Difference]:
    """Returns the differences; what a user, group or set lost as it was deleted, and has again, is told with it."""
    again = [
        difference
        for difference in differences
        if difference.attribute == "id" and difference.way.undo and kind_of(difference.kind, difference.name).key
    ]
    told, told_with = set[int](), list[Difference]()
    for new in again:
        old = new.recorded.ids["id"] if new.recorded else ""
        its = [
            number
            for number, each in enumerate(differences)
            if number not in told and each not in again and each.how is not DifferenceKind.MADE
            if each.recorded and old in each.recorded.ids.values()
        ]
        told.update(its)
        lost = [differences[number] for number in its]
        names = list(dict.fromkeys(f"{each.kind} {each.name}" for each in lost if each.kind != new.kind))
        by_hand = new.way.by_hand
        if names and by_hand:
            by_hand = by_hand.saying(f"{by_hand}, and gives it {listed(names)}", things=names)
        lines = [line for each in lost if each.attribute == "id" for line in each.way.undo]
        told_with.append(new.with_way(undo=(*lines, *new.way.undo), by_hand=by_hand))
    rest = (each for number, each in enumerate(differences) if number not in told and each not in again)
    return [*rest, *told_with]


def _beside(
    aws: AtAws, difference: Difference, silenced: Sequence[Difference], accepted: Collection[tuple[str, str]]
) -> Difference:
    """Returns a difference, beside what is accepted.

    Where its lines give other values of the thing as well, what is accepted stays as it is. Where somebody accepted it
    as it was before, no line deletes the whole.
    """
    if any(difference.was_meant(*entry) for entry in accepted):
        text = "take back at AWS what was changed since; or put the new entry of accepted.yaml in place of the old one"
        return difference.with_way(undo=(), by_hand=Message(CHANGED_SINCE, text))
    its = [each for each in silenced if (each.kind, each.name) == (difference.kind, difference.name)]
    meant = {each.attribute: each.live.values[each.attribute] for each in its if each.live and each.attribute}
    if not (meant and difference.recorded and difference.way.undo):
        return difference
    before = replace(difference.recorded, values={**difference.recorded.values, **meant})
    kind, sides = kind_of(difference.kind, difference.name), (difference.declared, before, difference.live)
    return replace(difference, way=way_back(aws, kind, difference.attribute, *sides))


def _holder(difference: Difference) -> str:
    """Returns the permission set that is given, or the policy that is attached."""
    if difference.kind == ASSIGNMENT.name:
        return difference.name.partition(" of ")[0]
    if difference.kind == ATTACHMENT.name:
        return difference.name.partition(" on ")[0]
    return ""


def controls_of(zone: LandingZone, states: Mapping[str, State]) -> Held:
    """Returns the controls that the state has, of which AWS is asked."""
    by_type = moved(zone, states_of(states, zone).held())
    return {type: by_type.get(type, {}) for type in KEYS}


def shipped_stacks(
    zone: LandingZone, states: Mapping[str, State], inventory: Inventory, only: str = ""
) -> list[HeldStack]:
    """Returns what the layers that come with Strata have in and of accounts, of which AWS is asked.

    Args:
        zone: the configuration.
        states: the states by stack.
        inventory: the accounts that AWS has.
    """
    said, now = states_of(states, zone), newest_keys(zone.moves)
    before = (stack.partition(IN_ACCOUNT)[2] for stack in states)
    ids = {now.get(("account", key), key): id for key, id in account_ids(states.get("organizations", {}), before)}
    active = {folded(account.email) for account in inventory.organization.accounts if account.state in OPEN}
    emails = {key: folded(account.email) for key, account in (*zone.retired.items(), *zone.members.items())}
    let_go = {key for key, email in emails.items() if key not in ids and email not in active}
    recorded: defaultdict[str, dict[str, Mapping[str, Any]]] = defaultdict(dict)
    for thing in recorded_side(zone, said).values():
        if (kind := kind_of(thing.kind, thing.name)).is_shipped:
            recorded[kind.stack_of(thing.name)][str(thing)] = thing.values
    return [
        HeldStack(
            *(stack, held, ids.get(account, ""), layer.roles.reader, recorded[stack]),
            is_let_go=account in let_go,
        )
        for stack, held in shipped_now(zone, said).items()
        for name, _, account in (stack.partition(IN_ACCOUNT),)
        for layer in (zone.layers[name],)
        if held and only in ("", account or only)
    ]


ORDER: Mapping[str, int] = {kind.name: place for place, kind in enumerate(KINDS) if kind.is_compared}
"""The place of each kind, what hangs on others first."""


def _depth(at: tuple[str, str], live: Side) -> int:
    """Returns how many of its kind hold a thing, which goes before these."""
    depth, inside = 0, kind_of(*at).inside
    while inside and at in live:
        depth, at = depth + 1, (at[0], str(live[at].values[inside]))
    return depth


# What was not read


_PEOPLE_AND_ACCESS = tuple(kind.name for kind in KINDS if kind.is_compared and kind.stack == "sso")
CONTROLS, OF_ACCOUNTS = "controls", "settings of accounts"
"""Parts that may be missing beside those of the inventory."""
HIDDEN: Mapping[str, tuple[str, ...]] = {
    reading.POLICIES: (POLICY.name, ATTACHMENT.name),
    reading.TRUSTED_SERVICES: (TRUSTED.name,),
    reading.DELEGATIONS: (DELEGATED.name,),
    reading.ROOT_ACCESS: (ROOT_ACCESS.name,),
    reading.CENTER: _PEOPLE_AND_ACCESS,
    reading.ENTITLEMENTS: (ENTITLEMENT.name,),
    CONTROLS: (TRAIL.name,),
    OF_ACCOUNTS: tuple(dict.fromkeys(kind.name for kind in KINDS if kind.is_shipped)),
}
"""The kinds of which nothing is known where a part was not read."""


def hidden_by(part: str) -> tuple[str, ...]:
    """Returns the kinds of which nothing is known where a part was not read: of a stack in an account, all that it has.

    Where a kind was not read in an account, the part has its word and that account.
    """
    of_part = (kind.name for kind in KINDS if kind.is_shipped and _is_of(kind, part))
    return HIDDEN.get(part) or tuple(dict.fromkeys(of_part))


def account_of_part(part: str) -> str | None:
    """Returns the account in or of which something was not read, None where it is about no account."""
    if not any(_is_of(kind, part) for kind in KINDS if kind.is_shipped):
        return None
    return part.partition(IN_ACCOUNT)[2] or (account_of(part) if OF in part else "")


def _is_of(kind: Kind, part: str) -> bool:
    in_account = kind.is_in_account(part.replace(IN_ACCOUNT, OF))
    account = account_of(part) if in_account else ""
    return part_of(kind, account) == part or (in_account and part.startswith(f"{kind.stack}{IN_ACCOUNT}"))


def _is_unread(kind: Kind, name: str, parts: Collection[str]) -> bool:
    """Returns whether a thing in or of an account was not read, by the parts that were not."""
    if not kind.is_shipped:
        return False
    account = account_of(name) if kind.is_in_account(name) else ""
    return bool({kind.stack_of(name), part_of(kind, account)} & {*parts})


def unread_parts(zone: LandingZone, inventory: Inventory, *, center: bool) -> dict[str, Message]:
    """Returns what was not read, by part, with the reason.

    Args:
        zone: the configuration.
        inventory: what AWS has.
        center: whether Identity Center is looked for, so that where it is off, it counts as not read.
    """
    reasons = dict(inventory.unread)
    if isinstance(inventory.entitlements, str):
        reasons[reading.ENTITLEMENTS] = inventory.entitlements
    messages = {part: Message("part-unread", reason, part=part) for part, reason in reasons.items()}
    if center and not inventory.center:
        region = zone.project.identity_center_region
        off = Message("identity-center-off", f"it is not enabled in {region}", region=region)
        messages.setdefault(reading.CENTER, off)
    return dict(sorted(messages.items()))


# One thing on three sides


@dataclass(frozen=True)
class _Compared:
    aws: AtAws
    kind: Kind
    name: str
    here: Thing | None
    before: Thing | None
    now: Thing | None
    unread: Collection[str]

    def differences(self) -> Iterator[Difference]:
        """Yields what somebody did outside."""
        if self.now and not self.here and self.before and self.before.noted:
            if not self.kind.stays:
                yield self._difference(DifferenceKind.LEFT)
        elif self.now and not self.here and not self.before:
            rights = self.now.rights
            yield self._difference(DifferenceKind.MADE, at_aws="" if rights is None else written(rights))
        elif self.before and not self.now and (self.here or self.kind.stays):
            yield self._difference(DifferenceKind.GONE)
        elif self.here and self.before and self.now:
            for attribute, declared, recorded, live in self._values(self.here, self.before, self.now):
                # A deploy that leaves a value notes it in the state, whoever set it.
                same = (declared,) if attribute in self.here.left else (declared, recorded)
                if not any(self._are_same(attribute, live, value) for value in same):
                    values = written(live), written(recorded), written(declared)
                    yield self._difference(DifferenceKind.CHANGED, attribute, *values)

    def waits(self) -> bool:
        """Returns whether a deploy would change something here that nobody changed outside."""
        sides = [thing for thing in (self.here, self.before) if thing]
        if any(thing.external for thing in sides) and not all((self.here, self.before, self.now)):
            return False  # a deploy makes nothing of it
        if self.here and self.before and self.now:
            left = {self.kind.left, *self.here.left}
            return any(
                meaning(declared) != meaning(recorded) and self._are_same(attribute, recorded, live)
                for attribute, declared, recorded, live in self._values(self.here, self.before, self.now)
                if attribute not in left
            )
        if self.here and self.now:
            return not self.kind.is_entry  # Terraform has yet to import it
        if self.before and self.before.noted:
            return bool(self.here)  # no deploy switches it off
        return bool(self.here and not self.before) or bool(self.before and self.now)

    def otherwise(self, told: Collection[str]) -> Iterator[Difference]:
        """Yields what AWS has otherwise than the configuration, but for what somebody did outside.

        Args:
            told: the attributes of which that is told already, an empty text for the whole.
        """
        if "" in told:
            return
        if self.now and not self.here and not (self.before and self.before.noted):
            yield self._difference(DifferenceKind.MADE)
        elif self.here and not self.now:
            yield self._difference(DifferenceKind.GONE)
        elif self.here and self.now:
            for attribute, declared in self.here.values.items():
                live = self.now.values.get(attribute)
                unknown = declared is AS_IT_IS or attribute in told or self._are_unread_tags(attribute)
                if not unknown and not self._are_same(attribute, live, declared):
                    yield self._difference(DifferenceKind.CHANGED, attribute, written(live), "", written(declared))

    def _values(self, here: Thing, before: Thing, now: Thing) -> Iterator[tuple[str, Any, Any, Any]]:
        """Yields the attributes that count, with their values: declared, recorded, live."""
        for attribute, declared in here.values.items():
            recorded = before.values.get(attribute)
            wanted = recorded if declared is AS_IT_IS else declared
            unknown = wanted is AS_IT_IS or self._are_unread_tags(attribute)
            if not unknown:
                yield attribute, wanted, recorded, now.values.get(attribute)

    def _are_same(self, attribute: str, value: Any, other: Any) -> bool:
        return bool(self.kind.meaning(attribute, value) == self.kind.meaning(attribute, other))

    def _are_unread_tags(self, attribute: str) -> bool:
        """Returns whether an attribute is tags that were not read; those of permission sets are read with them."""
        return attribute == reading.TAGS and reading.TAGS in self.unread and self.kind.stack != "sso"

    def _difference(
        self, how: DifferenceKind, attribute: str = "", at_aws: str = "", before: str = "", declared: str = ""
    ) -> Difference:
        place = str(self.aws.zone.source(self.here.file, self.here.location)) if self.here and self.here.file else ""
        sides = self.here, self.before, self.now
        way = way_back(self.aws, self.kind, attribute, *sides)
        return Difference(how, self.kind.name, self.name, way, attribute, at_aws, before, declared, place, *sides)
