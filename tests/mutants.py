"""Changes each statement of the shipped and the company policies in turn.

Each mutant is a configuration with one edit: a statement removed, an action taken out or put in, a condition added or
taken out, a resource narrowed or widened, an exemption widened, a policy taken off a unit. A test asks
whether the edit is noticed, given the configuration before and after it.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from strata import diff
from strata.diff.bindings import IAM
from strata.landing_zone import LandingZone
from strata.load import load
from strata.rules.expectations import examined
from tests.synthesized import COMPANY, SHIPPED

SEED = 20261125

Edit = Callable[[dict[str, Any]], None]
"""An edit of one statement."""


@dataclass(frozen=True)
class Mutant:
    """A configuration with one edit."""

    name: str
    before: LandingZone
    after: LandingZone
    loosens: bool
    """Whether the edit is one that loosens a guardrail or widens access; else it takes access away."""


def asks(before: LandingZone, after: LandingZone) -> bool:
    """Returns whether the gate of `report --diff` asks."""
    return bool(diff.risks(diff.compare(before, after)) & {"access", "guardrails"})


def tells(before: LandingZone, after: LandingZone) -> bool:
    """Returns whether `report --diff` tells of it, whether or not it asks."""
    return bool(diff.compare(before, after))


def breaks_an_expectation(_: LandingZone, after: LandingZone) -> bool:
    """Returns whether an expectation holds no more."""
    return not all(one.holds for one in examined(after))


def mutants(configurations: Mapping[str, LandingZone] | None = None) -> Iterator[Mutant]:
    """Yields the mutants of every policy that binds or is given to somebody, the same ones each time."""
    found = configurations or {"shipped": load(SHIPPED), "company": load(COMPANY)}
    for name, zone in found.items():
        for file in _files(zone):
            document = json.loads(zone.documents[file])
            for index, statement in enumerate(document["Statement"]):
                chance = random.Random(f"{SEED} {file} {index}")  # noqa: S311
                for words, loosens, edit in edits(statement, chance, guardrail=file in _guardrails(zone)):
                    changed = edited(document, index, edit)
                    after = replace(zone, documents={**zone.documents, file: json.dumps(changed)})
                    yield Mutant(f"{name} {file} {statement.get('Sid', index + 1)}: {words}", zone, after, loosens)
        for words, loosens, update in _of_organization(zone):
            after = replace(zone, organization=zone.organization.model_copy(update=update))
            yield Mutant(f"{name} {words}", zone, after, loosens)


def _of_organization(zone: LandingZone) -> Iterator[tuple[str, bool, dict[str, Any]]]:
    """Yields what organization.yaml says less about guardrails: a policy gone or on no unit, a region more."""
    policies = zone.organization.policies
    for key, policy in policies.items():
        if policy.type in IAM and zone.policies[key].attachments:
            yield f"{key}: gone", True, {"policies": {other: one for other, one in policies.items() if other != key}}
            for unit in policy.targets.organizational_units:
                units = tuple(one for one in policy.targets.organizational_units if one != unit)
                targets = policy.targets.model_copy(update={"organizational_units": units})
                changed = policy.model_copy(update={"targets": targets})
                yield f"{key}: not on {unit}", True, {"policies": {**policies, key: changed}}
    restriction = zone.organization.region_restriction
    if restriction:
        yield "region-restriction: gone", True, {"region_restriction": None}
        for part, more in (("allowed", "ap-south-1"), ("exempt_roles", "Mutant"), ("exempt_actions", "sqs:*")):
            longer, shorter = (*getattr(restriction, part), more), getattr(restriction, part)[1:]
            changed_ = restriction.model_copy(update={part: longer})
            yield f"region-restriction: {part} {more}", True, {"region_restriction": changed_}
            if shorter:
                changed_ = restriction.model_copy(update={part: shorter})
                yield f"region-restriction: {part} less", False, {"region_restriction": changed_}


def _files(zone: LandingZone) -> list[str]:
    """Returns the files of SCPs and RCPs, and of permission sets that somebody has."""
    given = {grant.permission_set for grant in zone.grants}
    inline = {one.inline.file for key, one in zone.permission_sets.items() if key in given and one.inline}
    return sorted(file for file in inline | _guardrails(zone) if file)


def _guardrails(zone: LandingZone) -> set[str | None]:
    return {one.file for one in zone.policies.values() if one.type in IAM and one.attachments}


def edited(document: dict[str, Any], index: int, edit: Edit | None) -> dict[str, Any]:
    """Returns a document with one statement edited, or without it."""
    changed = copy.deepcopy(document)
    if edit is None:
        del changed["Statement"][index]
    else:
        edit(changed["Statement"][index])
    return changed


def edits(
    statement: dict[str, Any], chance: random.Random, *, guardrail: bool
) -> Iterator[tuple[str, bool, Edit | None]]:
    """Yields edits of a statement in words, whether they loosen, and the edit; none for its removal."""
    denies = statement["Effect"] == "Deny"
    yield "removed", denies, None
    actions = _list(statement.get("Action", []))
    for action in chance.sample(actions, min(4, len(actions))) if len(actions) > 1 else []:
        yield f"without {action}", denies, lambda one, action=action: one["Action"].remove(action)  # type: ignore[misc]
    yield "with a condition more", denies, _with_condition("NotIpAddress", "aws:SourceIp", "203.0.113.0/24")
    if guardrail:
        exempt = _with_condition("ArnNotLike", "aws:PrincipalArn", "arn:*:iam::*:role/Mutant")
        yield "with an exempt role", denies, exempt
    narrow = f"arn:aws:{_service(actions)}:eu-central-1:*:mutant/*"
    # A permission for something else is one more.
    elsewhere = "*" not in _list(statement.get("Resource", "*"))
    yield f"on {narrow} only", denies or elsewhere, lambda one: one.update(Resource=narrow)
    if not denies:
        yield "with sns:Publish", True, lambda one: one.update(Action=[*_list(one["Action"]), "sns:Publish"])
    if elsewhere:
        yield "on every resource", not denies, lambda one: one.update(Resource="*")
        if len(_list(statement["Resource"])) > 1:
            yield "without its first resource", denies, lambda one: one["Resource"].pop(0)
    yield from _of_conditions(statement, denies)


def _of_conditions(statement: dict[str, Any], denies: bool) -> Iterator[tuple[str, bool, Edit | None]]:
    """Yields edits of the tests of a condition: gone, with a value more, without one."""
    for operator, keys in statement.get("Condition", {}).items():
        for key, written in keys.items():
            where, values = f"{operator} {key}", _list(written)
            yield f"without {where}", not denies, _without_condition(operator, key)
            if operator == "Null" or "Bool" in operator:
                yield f"with {where} turned", denies, _with_values(operator, key, ["maybe"])
                continue
            excepts = "Not" in operator
            more = [*values, "arn:*:iam::*:role/Another" if "Arn" in operator else "another"]
            yield f"with a value more of {where}", excepts is denies, _with_values(operator, key, more)
            if values[1:]:
                yield f"with a value less of {where}", excepts is not denies, _with_values(operator, key, values[1:])


def _with_condition(operator: str, key: str, value: str) -> Edit:
    def edit(statement: dict[str, Any]) -> None:
        keys = statement.setdefault("Condition", {}).setdefault(operator, {})
        keys[key] = [*_list(keys.get(key, [])), value]

    return edit


def _without_condition(operator: str, key: str) -> Edit:
    def edit(statement: dict[str, Any]) -> None:
        del statement["Condition"][operator][key]
        if not statement["Condition"][operator]:
            del statement["Condition"][operator]

    return edit


def _with_values(operator: str, key: str, values: list[str]) -> Edit:
    def edit(statement: dict[str, Any]) -> None:
        statement["Condition"][operator][key] = values

    return edit


def _service(actions: list[str]) -> str:
    return actions[0].partition(":")[0] if actions and ":" in actions[0] else "s3"


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]
