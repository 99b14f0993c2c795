"""Rules on imports.yaml: every address is one that a stack makes and does not find by itself, every id has its form."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config import IMPORTS, ORGANIZATION, PROJECT, SECURITY, SSO
from strata.config.import_ids import check_import_id
from strata.config.limits import Limits
from strata.config.loader import Draft
from strata.config.text import Problem, matches, short
from strata.config.tree import Location
from strata.config.types import IMPORT_ADDRESS, did_you_mean
from strata.errors import Fault
from strata.landing_zone import LandingZone
from strata.landing_zone.addresses import addresses, imported


def imports(draft: Draft, _: Limits) -> Iterator[Fault]:
    """Addresses are made by a stack, ids have their form, and each thing is imported once."""
    if not draft.imports:
        return
    owners: dict[tuple[str, str], str] = {}
    landing_zone = _whole(draft)
    made = frozenset[str]().union(*addresses(landing_zone).values()) if landing_zone else None
    found = imported(landing_zone) if landing_zone else frozenset[str]()
    for address, import_id in draft.imports.items():
        at: Location = (address,)
        if not matches(IMPORT_ADDRESS.pattern, address):
            problem = f"{short(address)} is not a Terraform address"
            yield draft.fault(IMPORTS, at, problem, "write it as in aws_budgets_budget.monthly")
            continue
        if address in found:
            yield draft.fault(IMPORTS, at, f"Strata finds and imports {short(address)} itself", "remove it")
        elif made is not None and address not in made:
            problem = f"no stack makes {short(address)}{did_you_mean(address, made - found)}"
            yield draft.fault(IMPORTS, at, problem, "correct the address, or remove it")
        if address in found or (made is not None and address not in made):
            continue
        yield from _id(draft, at, address, import_id)
        owner = owners.setdefault((address.partition(".")[0], import_id), address)
        if owner != address:
            problem = f"{short(import_id)} is also imported to {short(owner)}"
            yield draft.fault(IMPORTS, at, problem, "import it to one address")


def _id(draft: Draft, at: Location, address: str, import_id: str) -> Iterator[Fault]:
    try:
        check_import_id(address.partition(".")[0], import_id)
    except Problem as found:
        yield draft.fault(IMPORTS, at, found.problem, found.remedy)


def _whole(draft: Draft) -> LandingZone | None:
    """Returns the landing zone if every entry was read and names what exists, so that its addresses are certain."""
    if any(draft.left_out.get(file) or draft.trees[file].incomplete for file in (ORGANIZATION, PROJECT, SECURITY, SSO)):
        return None
    return LandingZone.of(draft)
