"""What could not be read of what is compared, and how many differences there are beside it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from strata.config.layers import IN_ACCOUNT
from strata.errors import Message
from strata.inventory import reading
from strata.inventory.of_accounts import part_of
from strata.kinds import KINDS
from strata.kinds.assignment import ENTITLEMENT
from strata.kinds.at_aws import Inventory
from strata.kinds.control import TRAIL
from strata.kinds.kind import OF, Kind, account_of
from strata.kinds.organization import DELEGATED, ROOT_ACCESS, TRUSTED
from strata.kinds.policy import ATTACHMENT, POLICY
from strata.kinds.setting import key_of
from strata.landing_zone import LandingZone
from strata.text import counted, listed

_CONTROLS, _OF_ACCOUNTS = "controls", "settings of accounts"
"""Parts that may be missing beside those of the inventory."""
HIDDEN: Mapping[str, tuple[str, ...]] = {
    reading.POLICIES: (POLICY.name, ATTACHMENT.name),
    reading.TRUSTED_SERVICES: (TRUSTED.name,),
    reading.DELEGATIONS: (DELEGATED.name,),
    reading.ROOT_ACCESS: (ROOT_ACCESS.name,),
    reading.CENTER: tuple(kind.name for kind in KINDS if kind.is_compared and kind.stack == "sso"),
    reading.ENTITLEMENTS: (ENTITLEMENT.name,),
    _CONTROLS: (TRAIL.name,),
    _OF_ACCOUNTS: tuple(dict.fromkeys(kind.name for kind in KINDS if kind.is_shipped)),
}
"""The kinds of which nothing is known where a part was not read."""


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


def hidden_parts(inventory: Inventory, unread: Iterable[str]) -> frozenset[str]:
    """Returns the parts of which nothing is known, those that nobody asked for among them."""
    unasked = {_CONTROLS: inventory.controls, _OF_ACCOUNTS: inventory.of_accounts}
    return frozenset((*unread, *(part for part, things in unasked.items() if things is None)))


def is_unread(kind: Kind, name: str, parts: Collection[str]) -> bool:
    """Returns whether nothing is known of a thing, by the parts that were not read."""
    its = {part for part, kinds in HIDDEN.items() if kind.name in kinds}
    if kind.is_control:
        its.add(key_of(name))
    if kind.is_shipped:
        account = account_of(name) if kind.is_in_account(name) else ""
        its |= {kind.stack_of(name), part_of(kind, account)}
    return not its.isdisjoint(parts)


@dataclass(frozen=True)
class Unread:
    """A part that could not be read, and why."""

    part: str
    reason: Message

    @property
    def kinds(self) -> tuple[str, ...]:
        """Returns the kinds that were not compared: of a stack in an account all that it has."""
        word = self.part.rpartition(OF)[0] or self.part
        stack = self.part.partition(IN_ACCOUNT)[0]
        of_part = (
            kind.name for kind in KINDS if kind.is_shipped and (kind.stack == stack or part_of(kind, "") == word)
        )
        return HIDDEN.get(self.part) or tuple(dict.fromkeys(of_part))

    def as_data(self) -> dict[str, Any]:
        """Returns the part as --json has it."""
        return {"part": self.part, "kinds": list(self.kinds), "reason": self.reason, "id": self.reason.id}


def together(parts: Iterable[Unread]) -> Iterator[str]:
    """Yields what is unread, in words; accounts in which it is so for the same reason once, with the first reason."""
    alike: dict[tuple[str, Sequence[str], str], dict[str, Unread]] = {}
    for unread in parts:
        account = re.split(f"{IN_ACCOUNT}|{OF}", unread.part)[-1]
        word = unread.part.removesuffix(account).removesuffix(IN_ACCOUNT).removesuffix(OF)
        reason = re.sub(rf"\b(\d{{12}}|{re.escape(account)})\b", "", unread.reason)
        alike.setdefault((word, unread.kinds, reason), {})[account] = unread
    for (word, kinds, _), by_account in alike.items():
        first, *others = by_account.values()
        part = f"{word} in {len(by_account):,} accounts, {listed([*by_account])}" if others else first.part
        inside = f" ({', '.join(kinds)})" if kinds and kinds != (part,) else ""
        yield f"{part}{inside}: {first.reason}"


def summary(differences: int, accepted: int, unread: int) -> str:
    """Returns how many differences there are, and how many parts could not be read."""
    text = counted(differences, "difference") if differences else "no drift"
    text += f", {accepted:,} accepted" if accepted else ""
    return f"{text} in what could be read, {counted(unread, 'part')} unread" if unread else text
