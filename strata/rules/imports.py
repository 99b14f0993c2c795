"""Rules on imports.yaml: a stack creates every address and does not import it by itself, every id has its form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from strata.config import IMPORTS, ORGANIZATION, PROJECT, SECURITY, SSO
from strata.config.limits import Limits
from strata.config.loader import PartialConfiguration
from strata.config.source import Location
from strata.config.text import Problem, matches, short
from strata.config.types import IMPORT_ADDRESS, did_you_mean
from strata.errors import Fault, Message
from strata.landing_zone import LandingZone


def imports(partial: PartialConfiguration, _: Limits) -> Iterator[Fault]:
    """Stacks create the addresses, ids have their form, and each resource is imported once."""
    if not partial.imports:
        return
    from strata.kinds import addresses, imported
    from strata.kinds.import_ids import check_import_id

    owners: dict[tuple[str, str], str] = {}
    landing_zone = _whole(partial)
    made = frozenset[str]().union(*addresses(landing_zone).values()) if landing_zone else None
    by_strata = imported(landing_zone) if landing_zone else frozenset[str]()
    theirs = _of_external(landing_zone, partial.imports.keys() - (made or ())) if landing_zone else {}
    yield from _external(partial, theirs)
    for address, import_id in partial.imports.items():
        if address in theirs:
            continue
        at: Location = (address,)
        if not matches(IMPORT_ADDRESS.pattern, address):
            problem = f"{short(address)} is not a Terraform address"
            message = Message("text-malformed", problem, kind="Terraform address", value=address)
            yield partial.fault(IMPORTS, at, message, f"write it as in {IMPORT_ADDRESS.example}")
            continue
        if address in by_strata:
            problem = f"Strata finds and imports {short(address)} itself"
            yield partial.fault(IMPORTS, at, Message("imported-by-strata", problem, address=address), "remove it")
        elif made is not None and address not in made:
            problem = f"no stack creates {short(address)}{did_you_mean(address, made - by_strata)}"
            message = Message("address-not-made", problem, address=address)
            yield partial.fault(IMPORTS, at, message, "correct the address, or take the line out")
        if address in by_strata or (made is not None and address not in made):
            continue
        try:
            check_import_id(address.partition(".")[0], import_id)
        except Problem as error:
            yield partial.fault(IMPORTS, at, error.problem, error.remedy)
        owner = owners.setdefault((address.partition(".")[0], import_id), address)
        if owner != address:
            problem = f"{short(import_id)} is also imported to {short(owner)}"
            message = Message("imported-twice", problem, value=import_id, address=owner)
            yield partial.fault(IMPORTS, at, message, "import it to one address")


def _of_external(landing_zone: LandingZone, addresses: Iterable[str]) -> dict[str, str]:
    """Returns by address what others look after, of which no stack creates anything."""
    from strata.kinds.moves import address_parts

    things: Mapping[str, Mapping[str, Any]] = {
        "user": landing_zone.users,
        "group": landing_zone.groups,
        "permission-set": landing_zone.permission_sets,
        "policy": landing_zone.policies,
    }
    theirs = dict[str, str]()
    for address in addresses:
        kind, key = address_parts(address)[0]
        if (thing := things.get(kind or "", {}).get(key)) and thing.external:
            theirs[address] = f"{str(kind).replace('-', ' ')} {key}"
    return theirs


def _external(partial: PartialConfiguration, theirs: Mapping[str, str]) -> Iterator[Fault]:
    """Yields a fault for each thing that is external, at the first line that would import something of it."""
    for thing in sorted(set(theirs.values())):
        first, *others = [address for address in partial.imports if theirs.get(address) == thing]
        more = f" (this line, and {len(others)} more)" if others else ""
        text = f"{thing} is external, and no deploy imports it{more}"
        message = Message("import-of-external", text, addresses=[first, *others], thing=thing)
        remedy = "take the lines out; or remove external: true, if it is your own"
        yield partial.fault(IMPORTS, (first,), message, remedy)


def _whole(partial: PartialConfiguration) -> LandingZone | None:
    """Returns the landing zone if every entry was read and names what exists, so that its addresses are certain."""
    if any(
        partial.skipped.get(file) or partial.source_files[file].incomplete
        for file in (ORGANIZATION, PROJECT, SECURITY, SSO)
    ):
        return None
    return LandingZone.of(partial)
