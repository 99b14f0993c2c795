"""Rules on organization policies: documents, sizes, names, where they are attached, what they conflict with."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from strata.config import ORGANIZATION, SECURITY, models
from strata.config.limits import Limit, Limits
from strata.config.loader import PartialConfiguration
from strata.config.models import MANAGEMENT, ROOT, PolicyType
from strata.config.source import Location
from strata.config.text import PLACEHOLDER, Problem, short, text_problem
from strata.errors import Fault, Message
from strata.landing_zone.placeholders import BASELINE_ROLES, DocumentTemplate, misplaced, placeholder_problems, texts
from strata.landing_zone.policies import (
    FULL_ACCESS,
    Policy,
    all_policies,
    declared_settings,
    is_full_access,
    without_full_access,
)
from strata.landing_zone.units import THE_ROOT, Target
from strata.policy.grammar import document_problems
from strata.rules.organization import retired, unit_keys
from strata.rules.reporting import report_duplicates, report_made_by_option, report_taken, report_unknown
from strata.text import listed

_AWS_NAMES = frozenset(name.casefold() for name in FULL_ACCESS.values())
"""The AWS policies that occupy a slot of every target."""


def policies(partial: PartialConfiguration, limits: Limits) -> Iterator[Fault]:
    """Names are unique per type, documents are right and short enough."""
    organization = partial.organization
    if not organization:
        return
    names: dict[tuple[PolicyType, str], str] = {}
    made: dict[str, str] = {}
    for policy in all_policies(organization, partial.project, partial.documents, partial.layers):
        key, name, at, size = policy.key, policy.name, policy.location, limits.policy_type(policy.type).size
        if policy.option:
            names[policy.type, name] = made[key] = policy.option
            yield from _too_long(partial, at, "its policy", policy.document.length, size)
            continue
        other = names.setdefault((policy.type, name), key)
        if key in made:
            yield from report_made_by_option(partial, ORGANIZATION, at, "policy", key, made[key])
        elif other != key:
            remedy = renamed(organization.policies, key, other)
            yield from report_taken(partial, ORGANIZATION, at, "policy", name, other, remedy, ", of the same type")
        if name.casefold() in _AWS_NAMES:
            problem = f"the name {short(name)} is that of a policy AWS has in every organization"
            message = Message("name-reserved", problem, value=name)
            remedy = "take it out: Strata counts it without" if policy.external else "give it another name"
            yield partial.fault(ORGANIZATION, at, message, remedy)
        if policy.file and policy.file in partial.documents:
            yield from wrong_document(partial, ORGANIZATION, (*at, "file"), policy.file, policy.document, policy.type)
            yield from _too_long(partial, (*at, "file"), policy.file, policy.document.length, size)


def renamed(entries: Mapping[str, models.PolicyEntry] | Mapping[str, models.PermissionSetEntry], *keys: str) -> str:
    """Returns the remedy where two have the same name; others give theirs no other."""
    external = any(key in entries and entries[key].external for key in keys)
    return "take one of the two out" if external else "give it another name"


def full_access(partial: PartialConfiguration, _: Limits) -> Iterator[Fault]:
    """AWS's own policies that allow everything are attached wherever nothing says that they are not."""
    for key, policy in partial.organization.policies.items() if partial.organization else ():
        full, at = is_full_access(key, policy), ("policies", key)
        if full and not policy.targets.empty:
            message = Message("managed-elsewhere", f"AWS attaches {policy.name or key} to everything", key="targets")
            yield partial.fault(ORGANIZATION, (*at, "targets"), message, "say under detached where it is not")
        if not full and not policy.detached.empty:
            problem = f"only external {listed([*FULL_ACCESS.values()])} have it"
            message = Message("managed-elsewhere", problem, key="detached")
            yield partial.fault(ORGANIZATION, (*at, "detached"), message, "take it out")


def _too_long(partial: PartialConfiguration, at: Location, what: str, length: int, size: Limit) -> Iterator[Fault]:
    if length > size.value:
        problem = f"{what} has {length} characters minified, AWS allows {size.value} ({size.cited})"
        message = Message("text-too-long", problem, length=length, limit=size.value)
        yield partial.fault(ORGANIZATION, at, message, "split it, or shorten it with wildcards")


def wrong_document(
    partial: PartialConfiguration,
    yaml_file: str,
    at: Location,
    file: str,
    document: DocumentTemplate,
    kind: PolicyType | None,
) -> Iterator[Fault]:
    """Reports the faults of a policy file, in its final text, at the place that names it."""
    for name in sorted(misplaced(document.template)):
        text = f"{file}: {{{{{name}}}}} stands for a list and is not an entry of one"
        beside = '"{{exempt_role_arns}}", ' if name == BASELINE_ROLES else ""  # the list may be empty
        message = Message("placeholder-misplaced", text, file=file, placeholder=name)
        yield partial.fault(yaml_file, at, message, f'write [{beside}"{{{{{name}}}}}"]')
        return
    problems = problems_of(document.template, document.content, kind)
    if partial.project:
        problems += placeholder_problems(json.loads(document.template), document.values)
    for problem in problems:
        message = problem.problem.saying(f"{file}: {problem.problem}", file=file)
        yield partial.fault(yaml_file, at, message, problem.remedy)


def problems_of(text: str, content: Any, kind: PolicyType | None) -> list[Problem]:
    """Returns the problems of a document, by its text and what it says."""
    plain = text.isascii() and text.isprintable() and "\\u0" not in text and PLACEHOLDER not in text
    refused = () if plain else filter(None, map(text_problem, texts(json.loads(text))))
    return [*refused, *document_problems(content, kind)]


def targets(partial: PartialConfiguration, limits: Limits) -> Iterator[Fault]:
    """Targets exist, are named once, and have slots for their policies."""
    organization = partial.organization
    if not organization:
        return
    units = partial.declared(ORGANIZATION, "organizational_units", unit_keys(organization))
    accounts = partial.declared(ORGANIZATION, "accounts", organization.accounts)
    every = all_policies(organization, partial.project, partial.documents, partial.layers)
    ordered = sorted(every, key=lambda policy: (bool(policy.option), not policy.external, policy.key))
    named = [((*policy.location, "targets"), policy.targets) for policy in ordered]
    named += [(("policies", key, "detached"), policy.detached) for key, policy in organization.policies.items()]
    for at, where in named:
        for index, unit in enumerate(where.organizational_units):
            here: Location = (*at, "organizational_units", index)
            if unit == ROOT:
                message = Message("root-is-no-unit", "the root is no organizational unit")
                yield partial.fault(ORGANIZATION, here, message, "write root: true under targets")
            else:
                yield from report_unknown(partial, ORGANIZATION, here, unit, units, "organizational unit")
        for index, account in enumerate(where.accounts):
            here = (*at, "accounts", index)
            yield from report_unknown(partial, ORGANIZATION, here, account, accounts, "account", MANAGEMENT)
            yield from retired(partial, ORGANIZATION, here, account)
        yield from report_duplicates(partial, ORGANIZATION, (*at, "organizational_units"), where.organizational_units)
        yield from report_duplicates(partial, ORGANIZATION, (*at, "accounts"), where.accounts)
    yield from _slots(partial, limits, ordered)


def _slots(partial: PartialConfiguration, limits: Limits, ordered: Iterable[Policy]) -> Iterator[Fault]:
    slots: dict[tuple[PolicyType, Target], list[tuple[str, Location]]] = defaultdict(list)
    for policy in ordered:
        for target in policy.attachments:
            slots[policy.type, target].append((policy.key, policy.location))
    bare = without_full_access(partial.organization) if partial.organization else ()
    for (kind, target), attached in sorted(slots.items()):
        most, occupied = limits.policy_type(kind).attachments, limits.policy_type(kind).occupied
        if (kind, target) in bare:
            occupied = 0
        if len(attached) > most.value - occupied:
            taken = f", one of them taken by {FULL_ACCESS[kind]}" if occupied else ""
            place, count = "the root" if target == THE_ROOT else target, len(attached)
            problem = f"{place} has {count} policies of type {kind} ({', '.join(name for name, _ in attached)}), "
            problem += f"AWS has {most.value} slots{taken} ({most.cited})"
            message = Message("too-many", problem, kind=kind, target=place, count=count, limit=most.value)
            here = (*attached[-1][1], "targets")
            yield partial.fault(ORGANIZATION, here, message, "merge policies, or attach some higher up")


def conflicts(partial: PartialConfiguration, _: Limits) -> Iterator[Fault]:
    """An account cannot set what a declarative policy sets for it, so no control may try."""
    if not partial.organization or not partial.security:
        return
    every = all_policies(partial.organization, partial.project, partial.documents, partial.layers)
    for policy, attribute, control in declared_settings(policy for policy in every if not policy.option):
        if getattr(partial.security, control).on and partial.complete(SECURITY, control):
            problem = f"sets {attribute} in the management account, where AWS then rejects security.yaml's {control}"
            remedy = f"set mode of {control} to unmanaged, or attach the policy below the root"
            message = Message("policy-forbids-control", problem, attribute=attribute, control=control)
            yield partial.fault(ORGANIZATION, policy.location, message, remedy)
