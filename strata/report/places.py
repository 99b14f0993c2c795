"""Many accounts in few words: whole organizational units by their name."""

from __future__ import annotations

from collections.abc import Collection

from strata.config.models import MANAGEMENT
from strata.landing_zone import LandingZone
from strata.text import NAMED, accounts_in_words, counted, listed, plural


def places(landing_zone: LandingZone, accounts: Collection[str], *, most: int = NAMED) -> str:
    """Returns accounts as text: `all 12 accounts`, `OU workloads (6 accounts), shared`; the first few of many."""
    if every := accounts_in_words(accounts, landing_zone.accounts):
        return every
    members, rest = frozenset(landing_zone.members), frozenset(accounts)
    if len(members) > 1 and members <= rest:
        return listed([f"all {len(members):,} member accounts", *sorted(rest - members)], most)
    whole: list[str] = []
    number = 0
    for unit in landing_zone.units.values():
        inside = landing_zone.selector.in_unit(unit.key) & members
        # Parents come first, so what is below a unit that is named is gone already.
        if len(inside) > 1 and inside <= rest:
            whole.append(unit.key)
            number += len(inside)
            rest -= inside
    first = [MANAGEMENT] if MANAGEMENT in rest else []
    units = [f"{plural(len(whole), 'OU')} {', '.join(whole)} ({counted(number, 'account')})"] if whole else []
    return listed([*first, *units, *sorted(rest - {MANAGEMENT})], most)
