"""Rules on the names in policies: AWS has every action, condition key and managed policy, or somebody accepts it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from strata.config import ACCEPTED, ORGANIZATION
from strata.config.accepted import by_finding, hint
from strata.config.limits import Limits
from strata.config.loader import PartialConfiguration
from strata.config.models import Organization
from strata.config.source import Location
from strata.config.text import short
from strata.errors import Fault, Message
from strata.landing_zone import LandingZone
from strata.landing_zone.placeholders import misplaced
from strata.policy import spelling as iam
from strata.policy.findings import DocumentFinding
from strata.policy.grammar import TOP_KEYS
from strata.policy.reference import reference
from strata.rules.documents import Named


class _Unknown(NamedTuple):
    """A name that AWS does not have, as far as the reference data goes."""

    finding: str
    at: str
    """Its place as accepted.yaml names it."""
    file: str
    location: Location
    value: str
    problem: str


def spelling(partial: PartialConfiguration, _: Limits) -> Iterator[Fault]:
    """AWS has the names in policies; newer names are accepted in accepted.yaml."""
    accepted = by_finding(partial.accepted)
    for unknown in _unknown(Named.of_partial(partial), partial.organization):
        entry = accepted.get((unknown.finding, unknown.at))
        if {"", unknown.at} & partial.accepted_until_mended or (entry and not entry.ended(partial.day)):
            continue
        over = f", accepted until {entry.until} only" if entry else ""
        remedy = f"correct it; or, if AWS has it since {reference().date}, accept it in {ACCEPTED}"
        text, until = f"{unknown.problem}{over}", str(entry.until) if entry else None
        message = Message(unknown.finding, text, value=unknown.value, at=unknown.at, accepted_until=until)
        remedy = f"{remedy} [{hint(unknown.finding, unknown.at)}]"
        yield partial.fault(unknown.file, unknown.location, message, remedy)


def unknown_names(landing_zone: LandingZone) -> Iterator[tuple[str, str]]:
    """Yields the finding and the place of every unknown name, all accepted in a loaded configuration."""
    named = Named.of(landing_zone)
    yield from ((unknown.finding, unknown.at) for unknown in _unknown(named, landing_zone.organization))


def unknown_in(partial: PartialConfiguration) -> Iterator[tuple[str, str]]:
    """Yields the unknown names of a configuration in which some may not be accepted."""
    yield from ((unknown.finding, unknown.at) for unknown in _unknown(Named.of_partial(partial), partial.organization))


def _unknown(named: Named, organization: Organization | None) -> Iterator[_Unknown]:
    seen: set[str] = set()
    for use in named.files():
        # A placeholder for a list in the wrong place is a fault of its own, and breaks the document.
        if use.file in seen or misplaced(use.document.template):
            continue
        seen.add(use.file)
        for finding in misspelt(use.document.text, management=use.type in TOP_KEYS):
            place = finding.at(use.file)
            yield _Unknown(finding.id, place, use.file, finding.location, finding.value, finding.problem)
    restriction = organization.region_restriction if organization else None
    at: Location = ("region_restriction", "exempt_actions")
    for finding in iam.misspelt_actions(restriction.exempt_actions if restriction else ()):
        place, where = finding.at(f"{at[0]}.{at[1]}"), (*at, *finding.location)
        yield _Unknown(finding.id, place, ORGANIZATION, where, finding.value, finding.problem)
    for policy in named.of_aws():
        if problem := iam.unknown_managed_policy(policy.name):
            yield _Unknown("unknown-managed-policy", policy.place, policy.file, policy.location, policy.name, problem)


@lru_cache(maxsize=256)
def misspelt(document: str, *, management: bool) -> tuple[DocumentFinding, ...]:
    """Returns the names in the text of a document that AWS does not have; management policies are no IAM policies."""
    content = json.loads(document)
    return tuple(iam.misspelt_operators(content) if management else iam.misspelt(content))


def attachable(partial: PartialConfiguration, _: Limits) -> Iterator[Fault]:
    """AWS managed policies of a permission set or the deployer can be attached to a role.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html
    """
    for policy in Named.of_partial(partial).of_aws():
        full = reference().managed_policy(policy.name) or policy.name
        if full.startswith("aws-service-role/"):
            problem = f"{short(policy.name)} is for service-linked roles, and AWS attaches it to no other"
            message = Message("service-linked-policy", problem, policy=policy.name)
            yield partial.fault(policy.file, policy.location, message, "write an inline policy, or name another")
