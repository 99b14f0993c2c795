"""Things with another key, which moves.yaml records: Terraform moves them, and AWS is asked for nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from strata.config.moves import Kind, Move
from strata.diff.change import Change, Topic
from strata.kinds import WORDS
from strata.kinds.moves import histories
from strata.landing_zone import LandingZone

_TOPICS: Mapping[Kind, Topic] = {
    "account": Topic.ACCOUNTS,
    "ou": Topic.ACCOUNTS,
    "policy": Topic.GUARDRAILS,
    "group": Topic.ACCESS,
    "user": Topic.ACCESS,
    "permission-set": Topic.PERMISSION_SETS,
}


def renames(moves: Sequence[Move], before: LandingZone, after: LandingZone) -> Iterator[Change]:
    """Yields each thing that goes on under another key, once, however many keys it had in between."""
    first = {(kind, keys[0]): new for (kind, new), keys in histories(moves).items()}
    for (kind, old), new in sorted(first.items()):
        if old != new:
            but = ", and ".join(_named_by_key(before, after, new)) if kind == "account" else ""
            text = f"it stays the same at AWS{f', but for {but}' if but else ''}"
            yield Change(_TOPICS[kind], f"{WORDS[kind]} {new} is renamed from {old}; {text}")


def _named_by_key(before: LandingZone, after: LandingZone, account: str) -> Iterator[str]:
    """Yields what an account had under the old key, and has under the new one by another name."""
    settings = [zone.member_settings.get(account) for zone in (before, after)]
    aliases = [its.account_alias for its in settings if its and its.account_alias]
    if len(aliases) == len(settings) and all(alias.on and "{key}" in (alias.name or "") for alias in aliases):
        yield f"its alias, which becomes {(aliases[-1].name or '').replace('{key}', account)}"
    budgets = [zone.attributes[account].budget for zone in (before, after) if account in zone.attributes]
    if len(budgets) == len(settings) and all(budget and budget.on for budget in budgets):
        yield "its budget, which is deleted and created again"
