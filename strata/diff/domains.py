"""The mail domains of a configuration: what writes to another is told, whoever reads there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from strata.diff.change import Change, Topic
from strata.landing_zone import LandingZone


class Domains:
    """The mail domains that a configuration has: of accounts, people, contacts, budgets and alerts."""

    def __init__(self, zone: LandingZone) -> None:
        accounts = (account.email for account in (*zone.accounts.values(), *zone.retired.values()))
        people = (user.email for user in zone.sso.users.values() if user.email)
        attributes = (given.value for its in zone.attributes.values() for given in its.given.values())
        others = addresses(dict(zone.security)) | addresses(tuple(attributes))
        self._known = frozenset(map(_domain, (*accounts, *people, *others)))

    def changes(self, what: str, was: Any, now: Any) -> Iterator[Change]:
        """Yields the addresses of a new value of which no other has the domain."""
        for address in sorted(addresses(now) - addresses(was)):
            if _domain(address) not in self._known:
                text = f"{what} writes to {address}, of a domain that nothing else has"
                yield Change(Topic.SECURITY, text, "access")


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()


def addresses(value: Any) -> set[str]:
    """Returns the e-mail addresses in a value."""
    if isinstance(value, BaseModel):
        value = dict(value)
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, tuple):
        return {address for inner in value for address in addresses(inner)}
    return {value} if isinstance(value, str) and "@" in value else set()
