"""What policies say that is unlikely to be meant, what stands in accepted.yaml in vain, and how a place is named."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from strata.config.accepted import ACCEPTED_FILE, ENTRIES
from strata.config.documents import TOP_KEYS
from strata.config.guardrails import guardrails
from strata.config.limits import aws_limits
from strata.config.models import ACCESS_ROLE, LandingZone, PolicyType
from strata.config.placeholders import fill, placeholder_values
from strata.config.text import short
from strata.config.tree import Location, dotted
from strata.config.types import did_you_mean
from strata.iam.effects import Kind, doubtful
from strata.iam.findings import LONGEST, SPELLING
from strata.iam.reference import reference

Doubt = tuple[str, Location, str]
"""The file, the place in it, and what is doubtful there."""

Named = tuple[str, str, Doubt]
"""The finding and its place, as accepted.yaml names them, and the doubt."""

_KINDS = {
    PolicyType.SERVICE_CONTROL: Kind.SERVICE_CONTROL,
    PolicyType.RESOURCE_CONTROL: Kind.RESOURCE_CONTROL,
    None: Kind.PERMISSION_SET,
}


def document_doubts(landing_zone: LandingZone) -> list[Named]:
    """Returns what is doubtful in policies: in their files, in options that stand for one, in names of AWS's."""
    found = (_files, _options, _managed_policies, _service_principals)
    return list(dict.fromkeys(one for rule in found for one in rule(landing_zone)))


def _documents(landing_zone: LandingZone) -> Iterator[tuple[str, PolicyType | None]]:
    """Yields every policy file with its type, twice if it is of two; that of an inline policy is None."""
    kinds = {(policy.file, policy.type): None for policy in landing_zone.organization.policies.values()}
    yield from kinds
    inline = [one.inline for one in landing_zone.sso.permission_sets.values() if one.inline]
    yield from ((file, None) for file in dict.fromkeys(inline))


def _files(landing_zone: LandingZone) -> Iterator[Named]:
    values = placeholder_values(landing_zone.project)
    for file, kind in _documents(landing_zone):
        if kind in TOP_KEYS or file not in landing_zone.policies:
            continue
        document = json.loads(fill(landing_zone.policies[file], values))
        for found in doubtful(document, _KINDS[kind], ACCESS_ROLE):
            yield found.id, found.at(file), (file, found.location, f"{found.problem}; {found.remedy}")


def _options(landing_zone: LandingZone) -> Iterator[Named]:
    """What makes a guardrail of Strata's do nothing; the rest of its document is not the operator's."""
    for guardrail in guardrails(landing_zone.organization):
        if guardrail.type is not PolicyType.SERVICE_CONTROL:
            continue
        for found in doubtful(guardrail.document, Kind.SERVICE_CONTROL, ACCESS_ROLE):
            if found.id == "exempts-everybody":
                location: Location = (guardrail.option, "exempt_roles")
                text = "exempts every role, so the policy denies next to nothing; name roles"
                yield found.id, dotted(location), ("organization.yaml", location, text)
                break


def _managed_policies(landing_zone: LandingZone) -> Iterator[Named]:
    known = reference()
    for key, permission_set in sorted(landing_zone.sso.permission_sets.items()):
        at: Location = ("permission_sets", key)
        named = [((*at, "policies", index, "aws"), one.aws) for index, one in enumerate(permission_set.policies)]
        named.append(((*at, "boundary", "aws"), permission_set.boundary.aws if permission_set.boundary else None))
        for location, name in named:
            full = known.managed_policy(name) if name else None
            if name and full and full != name:
                text = f"{short(name)} is not the name of a policy of AWS's; write {full}"
                yield "managed-policy-path", f"permission_sets.{key} {name}", ("sso.yaml", location, text)


def _service_principals(landing_zone: LandingZone) -> Iterator[Named]:
    limits, organization = aws_limits(), landing_zone.organization
    types = (limit.service for limit in limits.policy_types.values() if limit.service)
    known = {*reference().service_principals, *limits.delegable, *types}
    for part in ("trusted_services", "disable_services"):
        for index, service in enumerate(getattr(organization, part)):
            if service not in known:
                text = f"{short(service)} is no service known on {reference().date}{did_you_mean(service, known)}"
                named: Doubt = ("organization.yaml", (part, index), text)
                yield "unknown-service-principal", f"{part} {service}", named


# accepted.yaml

_IN_VAIN = "unused-acceptance"


def unused(landing_zone: LandingZone, doubts: Iterable[Named]) -> Iterator[Named]:
    """Yields the entries of accepted.yaml that accept nothing: what they were for is mended, or named otherwise."""
    if not landing_zone.accepted:
        return
    from strata.config.rules.spelling import unknown_names

    met = {(finding, at) for finding, at, _ in doubts} | set(unknown_names(landing_zone))
    in_vain = {f"{one.finding} {one.at}" for one in landing_zone.accepted if (one.finding, one.at) not in met}
    for index, one in enumerate(landing_zone.accepted):
        if one.finding == _IN_VAIN and one.at in in_vain:
            continue
        if (one.finding, one.at) not in met:
            why = "AWS has the name now, or it is gone" if one.finding in SPELLING else "there is none"
            text = f"accepts {one.finding} at {short(one.at)}, and {why}; remove it"
            yield _IN_VAIN, f"{one.finding} {one.at}", (ACCEPTED_FILE, (ENTRIES, index), text)


# Places


def place(landing_zone: LandingZone, doubt: Doubt) -> str:
    """Returns the place of a doubt as accepted.yaml names it: keys, and the value itself for what is in a list.

    A position would go over to another entry when one is put before it.
    """
    file, location, _ = doubt
    tree = landing_zone.trees.get(file)
    keys = next((index for index, part in enumerate(location) if isinstance(part, int)), len(location))
    value: Any = tree.data if tree else {}
    for part in location[: keys + 1]:
        if isinstance(value, dict):
            value = value.get(str(part))
        elif isinstance(value, list) and isinstance(part, int):
            value = value[part]
    named = f" {_in_words(value)[:LONGEST]}" if keys < len(location) else ""
    return f"{dotted(location[:keys])}{named}"


_WHO_AND_WHAT = ("permission_sets", "groups", "users", "accounts", "organizational_units", "tags")


def _in_words(value: Any) -> str:
    """Returns an entry of a list in words: an assignment by whom it gives what where, anything else as it is."""
    if isinstance(value, dict):
        parts = [value[key] for key in _WHO_AND_WHAT if key in value] or [f"{key}={one}" for key, one in value.items()]
        return " ".join(map(_in_words, parts))
    return " ".join(map(_in_words, value)) if isinstance(value, list) else str(value)
