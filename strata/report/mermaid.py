"""The organization chart as a Mermaid flowchart, which GitHub draws."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from strata.config.models import LandingZone
from strata.printing import mermaid
from strata.report.guardrails import Target, account_label, in_tree_order, policies, short_type, ways_up

MANY = 60
"""Accounts from which on the chart counts them unit by unit: Mermaid draws 500 lines and no more."""


def flowchart(landing_zone: LandingZone) -> str:
    """Returns the chart: root, units, accounts, with the policies attached to each."""
    return "\n".join(["flowchart LR", *(f"  {line}" for line in _lines(landing_zone)), ""])


def _lines(landing_zone: LandingZone) -> Iterator[str]:
    way_up, attached = ways_up(landing_zone), policies(landing_zone)
    targets = in_tree_order(landing_zone)
    accounts = Counter(way_up[target][-2] for target in targets if target.kind == "account")
    counted = sum(accounts.values()) > MANY
    names = {target: f"n{index}" for index, target in enumerate(targets)}
    for target in targets:
        own = [f"{short_type(policy.type)} {policy.key}" for policy in attached if target in policy.targets]
        if counted and target.kind == "account" and not own:
            continue
        text = [_label(landing_zone, target), *own]
        if counted and accounts[target]:
            text.insert(1, f"{accounts[target]:,} accounts")
        shape = ("([", "])") if target.kind == "account" else ("[", "]")
        yield f'{names[target]}{shape[0]}"{"<br>".join(map(mermaid, text))}"{shape[1]}'
        if way_up[target][1:]:
            yield f"{names[way_up[target][-2]]} --> {names[target]}"


def _label(landing_zone: LandingZone, target: Target) -> str:
    if target.kind != "account":
        return target.key
    name = account_label(landing_zone, target.key)
    return target.key if name.endswith(f"-{target.key}") else f"{target.key}: {name}"
