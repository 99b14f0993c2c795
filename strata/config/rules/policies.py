"""Rules on organization policies: documents, sizes, names, where they are attached, what they conflict with."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from strata.config.documents import document_problems
from strata.config.guardrails import guardrails
from strata.config.limits import Limit, Limits
from strata.config.loader import Draft
from strata.config.models import MANAGEMENT, ROOT, Organization, PolicyType, Targets
from strata.config.placeholders import fill, misplaced, placeholder_problems, placeholder_values, texts
from strata.config.rules.faults import ORGANIZATION, too_many, twice, unknown
from strata.config.rules.organization import retired, unit_keys
from strata.config.text import Problem, short, text_problem
from strata.config.tree import Location
from strata.errors import Fault

_OCCUPANTS = {PolicyType.SERVICE_CONTROL: "FullAWSAccess", PolicyType.RESOURCE_CONTROL: "RCPFullAWSAccess"}
"""The policy of AWS's own that takes a slot of every target."""

_AWS_NAMES = frozenset(name.casefold() for name in _OCCUPANTS.values())


def policies(draft: Draft, limits: Limits) -> Iterator[Fault]:
    """Names are unique per type, documents are right and short enough, and there are not too many."""
    organization = draft.organization
    if not organization:
        return
    names: dict[tuple[PolicyType, str], str] = {}
    counts: Counter[PolicyType] = Counter()
    for guardrail in guardrails(organization):
        names[guardrail.type, guardrail.key] = guardrail.option
        counts[guardrail.type] += 1
        size = limits.policy_type(guardrail.type).size
        yield from _too_long(draft, (guardrail.option,), "its policy", guardrail.minified, size)
        if guardrail.key in organization.policies:
            problem = f"the option {guardrail.option} makes the policy {short(guardrail.key)} itself"
            yield draft.fault(ORGANIZATION, ("policies", guardrail.key), problem, "choose another key")
    for key, policy in organization.policies.items():
        at: Location = ("policies", key)
        counts[policy.type] += 1
        name = policy.name or key
        other = names.setdefault((policy.type, name), key)
        if other != key and not (name == key and other in ("region_restriction", "ec2_defaults")):
            problem = f"the name {short(name)} is also that of {short(other)}, of the same type"
            yield draft.fault(ORGANIZATION, at, problem, "give it another name")
        if name.casefold() in _AWS_NAMES:
            problem = f"the name {short(name)} is that of a policy AWS has in every organization"
            yield draft.fault(ORGANIZATION, at, problem, "give it another name")
        if policy.file in draft.policies:
            document = filled(draft, policy.file)
            yield from wrong_document(draft, ORGANIZATION, (*at, "file"), policy.file, policy.type)
            size = limits.policy_type(policy.type).size
            yield from _too_long(draft, (*at, "file"), policy.file, document, size)
    for kind, number in sorted(counts.items()):
        yield from too_many(draft, ORGANIZATION, ("policies",), number, limits.policy_type(kind).count, f"{kind}: ")


def _too_long(draft: Draft, at: Location, what: str, document: str, size: Limit) -> Iterator[Fault]:
    if len(document) > size.value:
        problem = f"{what} has {len(document)} characters minified, AWS takes {size.value} ({size.cited})"
        yield draft.fault(ORGANIZATION, at, problem, "split it, or shorten it with wildcards")


def filled(draft: Draft, file: str) -> str:
    """Returns a policy document with its placeholders replaced, as far as project.yaml could be read."""
    document = draft.policies[file]
    return fill(document, placeholder_values(draft.project)) if draft.project else document


def wrong_document(draft: Draft, yaml_file: str, at: Location, file: str, kind: PolicyType | None) -> Iterator[Fault]:
    """Reports what is wrong in a policy file as AWS will get it, at the place that names it."""
    written = draft.policies[file]
    for name in sorted(misplaced(written)):
        text = f"{file}: {{{{{name}}}}} stands for a list and is not an entry of one"
        yield draft.fault(yaml_file, at, text, f'write ["{{{{{name}}}}}"]')
        return
    problems = [*_characters(written), *document_problems(json.loads(filled(draft, file)), kind)]
    if draft.project:
        problems += placeholder_problems(json.loads(written), placeholder_values(draft.project))
    for problem in problems:
        yield draft.fault(yaml_file, at, f"{file}: {problem.problem}", problem.remedy)


def _characters(document: str) -> Iterator[Problem]:
    if document.isascii() and document.isprintable() and "\\u0" not in document:
        return
    for text in texts(json.loads(document)):
        found = text_problem(text)
        if found:
            yield found


def targets(draft: Draft, limits: Limits) -> Iterator[Fault]:
    """Targets exist, are named once, and have slots for what is attached to them."""
    organization = draft.organization
    if not organization:
        return
    units = draft.declared(ORGANIZATION, "organizational_units", unit_keys(organization))
    accounts = draft.declared(ORGANIZATION, "accounts", organization.accounts)
    slots: dict[tuple[PolicyType, str], list[tuple[str, Location]]] = defaultdict(list)
    for at, name, kind, where in targeted(organization):
        for index, unit in enumerate(where.organizational_units):
            here: Location = (*at, "targets", "organizational_units", index)
            if unit == ROOT:
                yield draft.fault(
                    ORGANIZATION, here, "the root is no organizational unit", "write root: true under targets"
                )
            else:
                yield from unknown(draft, ORGANIZATION, here, unit, units, "organizational unit")
        for index, account in enumerate(where.accounts):
            here = (*at, "targets", "accounts", index)
            yield from unknown(draft, ORGANIZATION, here, account, accounts, "account", MANAGEMENT)
            yield from retired(draft, ORGANIZATION, here, account)
        yield from twice(draft, ORGANIZATION, (*at, "targets", "organizational_units"), where.organizational_units)
        yield from twice(draft, ORGANIZATION, (*at, "targets", "accounts"), where.accounts)
        for target in target_names(where):
            slots[kind, target].append((name, at))
    for (kind, target), attached in sorted(slots.items()):
        yield from _too_few_slots(draft, limits, kind, target, attached)


def _too_few_slots(
    draft: Draft, limits: Limits, kind: PolicyType, target: str, attached: list[tuple[str, Location]]
) -> Iterator[Fault]:
    limit = limits.policy_type(kind)
    if len(attached) > limit.attachments.value - limit.occupied:
        taken = f", one of them taken by {_OCCUPANTS[kind]}" if limit.occupied else ""
        problem = (
            f"{target} has {len(attached)} policies of type {kind} ({', '.join(name for name, _ in attached)}), "
            f"AWS has {limit.attachments.value} slots{taken} ({limit.attachments.cited})"
        )
        yield draft.fault(
            ORGANIZATION, (*attached[-1][1], "targets"), problem, "merge policies, or attach some higher up"
        )


def targeted(organization: Organization) -> Iterator[tuple[Location, str, PolicyType, Targets]]:
    """Yields everything that is attached as a policy: where it stands, its key, its type, its targets."""
    for key, policy in sorted(organization.policies.items()):
        yield ("policies", key), key, policy.type, policy.targets
    for guardrail in guardrails(organization):
        yield (guardrail.option,), guardrail.key, guardrail.type, guardrail.targets


def target_names(targets: Targets) -> list[str]:
    """Returns every target in words, once."""
    names = ["the root"] if targets.root else []
    names += [f"organizational unit {unit}" for unit in targets.organizational_units]
    return list(dict.fromkeys(names + [f"account {account}" for account in targets.accounts]))


_DECLARED: Mapping[PolicyType, tuple[str, Mapping[str, str]]] = {
    PolicyType.DECLARATIVE_EC2: (
        "ec2_attributes",
        {
            "instance_metadata_defaults": "instance_metadata",
            "snapshot_block_public_access": "snapshot_public_access",
        },
    ),
    PolicyType.S3: ("s3_attributes", {"public_access_block_configuration": "s3_public_access"}),
}
"""What a declarative policy sets, under its top key, that a control of security.yaml sets as well."""


def conflicts(draft: Draft, _: Limits) -> Iterator[Fault]:
    """An account cannot set what a declarative policy sets for it, so no control may try."""
    organization, security = draft.organization, draft.security
    for key, policy in organization.policies.items() if organization and security else ():
        reaches_management = policy.targets.root or MANAGEMENT in policy.targets.accounts
        if policy.type not in _DECLARED or not reaches_management:
            continue
        top, controls = _DECLARED[policy.type]
        attributes = _object(_object(json.loads(draft.policies.get(policy.file, "{}"))).get(top))
        for attribute, control in controls.items():
            if attribute in attributes and getattr(security, control).on:
                problem = (
                    f"sets {attribute} in the management account, where AWS then refuses security.yaml's {control}"
                )
                remedy = f"set mode of {control} to unmanaged, or attach the policy below the root"
                yield draft.fault(ORGANIZATION, ("policies", key), problem, remedy)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
