"""The report as an HTML page, from the template beside it: all of it is there without a script, which filters only.

The page asks the network for nothing: style and script are in it, and its content security policy allows only them.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter, defaultdict
from pathlib import Path

from strata.landing_zone import MANAGEMENT, LandingZone
from strata.landing_zone.groups import known_to
from strata.landing_zone.units import THE_ROOT, Target, children
from strata.printing import flat
from strata.report.access import GroupedAccess, undecided
from strata.report.edition import Edition
from strata.report.facts import Facts, says_more
from strata.report.layout import FOLDED
from strata.report.places import places
from strata.report.points import numbers, points
from strata.report.reviews import Alike
from strata.report.tables import common_tables, group_size, slots_note, slots_used
from strata.text import counted

OPEN = 30
"""Entries of a section up to which they are open from the start."""


def page(landing_zone: LandingZone, edition: Edition) -> str:
    """Returns the page."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, finalize=_visible, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"hashed": _hashed, "counted": counted, "says_more": says_more}
    lines = Path(__file__).with_name("page.html.j2").read_text(encoding="utf-8").splitlines()
    template = environment.from_string("\n".join(line.strip() for line in lines if line.strip()))
    facts = Facts(landing_zone, edition)
    held, groups_of = defaultdict[str, list[GroupedAccess]](list), defaultdict[str, list[str]](list)
    for given in facts.given:
        if not given.holder.external:
            held[given.holder.key].append(given)
    for group in landing_zone.groups.values():
        for member in group.members:
            groups_of[member].append(group.key)
    families, inside = defaultdict[str, list[Alike]](list), Counter[Target]()
    for alike in facts.families:
        families[alike.path[-1]].append(alike)
    for target, way in landing_zone.ancestors.items():
        inside.update(way if target.kind == "account" else ())
    known: dict[tuple[str, ...], str] = {}

    def where(accounts: tuple[str, ...]) -> str:
        """Returns accounts in words, of which hundreds of entries have the same."""
        if accounts not in known:
            known[accounts] = places(landing_zone, accounts)
        return known[accounts]

    return template.render(
        facts=facts,
        zone=landing_zone,
        numbers=numbers(facts.overview),
        points=points(facts.overview),
        tables=common_tables(facts),
        held=held,
        groups_of=groups_of,
        families=families,
        inside=inside,
        below=children(landing_zone.ancestors),
        root=THE_ROOT,
        management=MANAGEMENT,
        slots_note=slots_note(landing_zone),
        slots_used=slots_used,
        places=where,
        known_to=known_to,
        group_size=group_size,
        undecided=undecided,
        OPEN=OPEN,
        FOLDED=FOLDED,
    )


def _visible(value: object) -> object:
    """Returns what the template writes: markup of its own as it is, any other text so that all of it can be seen."""
    return value if hasattr(value, "__html__") else flat(value)


def _hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
