"""The organization chart as a Mermaid flowchart, which GitHub draws."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from strata.landing_zone import LandingZone
from strata.printing import mermaid
from strata.report.policies import short_type
from strata.text import counted

MANY = 60
"""Accounts from which on the chart counts them unit by unit: Mermaid draws 500 lines and no more."""


def flowchart(landing_zone: LandingZone) -> str:
    """Returns the chart: root, units, accounts, with the policies attached to each."""
    return "\n".join(["flowchart LR", *(f"  {line}" for line in _lines(landing_zone)), ""])


def _lines(landing_zone: LandingZone) -> Iterator[str]:
    ways, attached = landing_zone.ancestors, landing_zone.policies.values()
    accounts = Counter(way[-2] for target, way in ways.items() if target.kind == "account")
    grouped = sum(accounts.values()) > MANY
    names = {target: f"n{index}" for index, target in enumerate(ways)}
    for target, way in ways.items():
        own = [
            f"{short_type(policy.type)} {policy.key}{' (external)' if policy.external else ''}"
            for policy in attached
            if target in policy.attachments
        ]
        if grouped and target.kind == "account" and not own:
            continue
        name = landing_zone.accounts[target.key].name if target.kind == "account" else ""
        text = [f"{target.key}: {name}" if name and not name.endswith(f"-{target.key}") else target.key, *own]
        if grouped and accounts[target]:
            text.insert(1, counted(accounts[target], "account"))
        shape = ("([", "])") if target.kind == "account" else ("[", "]")
        yield f'{names[target]}{shape[0]}"{"<br>".join(map(mermaid, text))}"{shape[1]}'
        if way[1:]:
            yield f"{names[way[-2]]} --> {names[target]}"
