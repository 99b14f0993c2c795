"""The id of the organization, as policy documents name it: everything but it stays out of a perimeter."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from strata.config.source import Location
from strata.errors import Fault, Message
from strata.landing_zone import LandingZone
from strata.policy.documents import statements

_ID = re.compile(r"(?<![\w-])o-[a-z0-9]{10,32}(?![\w-])")
"""https://docs.aws.amazon.com/organizations/latest/APIReference/API_Organization.html"""


class NamedOrganization(NamedTuple):
    """A place where a document names the organization."""

    id: str
    file: str
    location: Location


def organization_fault(landing_zone: LandingZone, id: str) -> Fault | None:
    """Returns that the documents name another organization than AWS has, at the first place."""
    named = named_organization(landing_zone)
    if named is None or named.id == id:
        return None
    problem = Message("organization-differs", f"names the organization {named.id}, and yours is {id}", aws=id)
    remedy = f"write {id}; or add it, where another one is meant as well"
    return landing_zone.fault(named.file, named.location, problem, remedy)


def named_organization(landing_zone: LandingZone) -> NamedOrganization | None:
    """Returns where a document denies what is not in an organization, if none names another one: it is ours."""
    first = next(_named(landing_zone), None)
    if first is None:
        return None
    texts = [*landing_zone.documents.values(), landing_zone.external.model_dump_json()]
    ids = {id for text in texts for id in _ID.findall(text)}
    return first if ids == {first.id} else None


def _named(landing_zone: LandingZone) -> Iterator[NamedOrganization]:
    for file, text in sorted(landing_zone.documents.items()):
        for statement in statements(json.loads(text)) if _ID.search(text) else ():
            for test in statement.condition if statement.denies else ():
                for id in test.texts if test.is_negated else ():
                    if _ID.fullmatch(id):
                        yield NamedOrganization(id, file, test.at)
