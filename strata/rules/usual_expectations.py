"""The expectations that most organizations want, as far as a configuration keeps them: what `strata adopt` writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from strata.config import EXPECTATIONS
from strata.config.expectations import ENTRIES, OTHER_REGIONS, Expectation
from strata.config.models import MANAGEMENT
from strata.config.source import SourceFile, parse
from strata.evaluation.expectations import Examiner
from strata.evaluation.landing_zone import Evaluated
from strata.evaluation.sentences import problems, resolved
from strata.landing_zone import ROOT, LandingZone
from strata.landing_zone.permission_sets import FULL_ACCESS, ManagedPolicy

Entry = dict[str, Any]
"""An entry as expectations.yaml has it."""

FILES = (Path(__file__).parents[1] / "template" / EXPECTATIONS, Path(__file__).with_name("usual_expectations.yaml"))
ADMINISTRATOR = "Administrator"


def usual() -> Iterator[Entry]:
    """Yields the usual expectations as a new configuration has them."""
    for path in FILES:
        source_file = SourceFile(path.name)
        parse(path.read_text(encoding="utf-8"), source_file, ENTRIES)
        yield from source_file.data[ENTRIES]


def holding(landing_zone: LandingZone) -> list[Entry]:
    """Returns the usual expectations that a configuration keeps, each where it does; one that cannot fail is none."""
    examination = Examiner(Evaluated(landing_zone))
    kept = (_where_it_holds(examination, adapted(landing_zone, entry)) for entry in usual())
    return [entry for entry in kept if entry]


def adapted(landing_zone: LandingZone, entry: Entry) -> Entry:
    """Returns an expectation in the words of a configuration: its own roles, its administrators, its regions."""
    changed = {**entry, "except": dict(entry.get("except", {}))}
    if "as" in changed["except"]:
        changed["except"]["as"] = with_roles(changed["except"]["as"], landing_zone.project.exempt_roles)
    if entry.get("region") == OTHER_REGIONS and (restriction := landing_zone.organization.region_restriction):
        open_too = sorted({*restriction.allowed} - {*landing_zone.project.regions.all_governed})
        changed["except"] |= {"region": open_too} if open_too else {}
        changed["except"]["as"] = with_roles(entry["except"]["as"], restriction.exempt_roles)
    if entry.get("as") == ADMINISTRATOR and ADMINISTRATOR not in landing_zone.permission_sets:
        sets = landing_zone.permission_sets
        held = sorted({grant.permission_set for grant in landing_zone.grants if grant.account == MANAGEMENT})
        full = (key for key in held if ManagedPolicy(aws=FULL_ACCESS) in sets[key].policies and not sets[key].option)
        changed["as"] = next(full, ADMINISTRATOR)
    return {key: value for key, value in changed.items() if value}


def with_roles(written: str | Sequence[str], roles: Iterable[str]) -> str | list[str]:
    """Returns the names that are left out, and some roles besides."""
    named = [written] if isinstance(written, str) else list(written)
    both = list(dict.fromkeys([*named, *(f"role/{name}" for name in roles)]))
    return both if both[1:] else both[0]


def _where_it_holds(examination: Examiner, entry: Entry) -> Entry | None:
    """Returns an expectation with the units at the top where it holds, None where it holds in none."""
    expectation = Expectation.model_validate(entry)
    if next(problems(examination.evaluated, expectation), None):
        return None
    sentence = resolved(examination.evaluated, expectation)
    result = examination.examine(0, sentence)
    if result.holds:
        return entry if sentence.accounts else None
    zone = examination.evaluated.landing_zone
    places = []
    for unit in zone.units.values() if entry["in"] == ROOT else ():
        accounts = zone.selector.in_unit(unit.key) & zone.members.keys()
        if unit.parent is None and accounts and not result.fails_in(accounts):
            places.append(f"ou/{unit.key}")
    if not places:
        return None
    return {**entry, "in": places if places[1:] else places[0]}
