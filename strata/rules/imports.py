"""Rules on imports.yaml: a stack creates every address and does not import it by itself, every id has its form."""

from __future__ import annotations

from collections.abc import Iterator

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
    for address, import_id in partial.imports.items():
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
            remedy = "correct the address, or take the line out, as of what is external"
            yield partial.fault(IMPORTS, at, message, remedy)
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


def _whole(partial: PartialConfiguration) -> LandingZone | None:
    """Returns the landing zone if every entry was read and names what exists, so that its addresses are certain."""
    if any(
        partial.skipped.get(file) or partial.source_files[file].incomplete
        for file in (ORGANIZATION, PROJECT, SECURITY, SSO)
    ):
        return None
    return LandingZone.of(partial)
