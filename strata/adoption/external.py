"""external.yaml: what AWS has in what is declared `external: true`, and the text of the file."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from typing import Any

from strata.adoption import rendering
from strata.config import EXTERNAL
from strata.config.external import External, ExternalGroup, ExternalPermissionSet, ExternalPolicy
from strata.config.text import text_problem
from strata.kinds import at_aws
from strata.kinds.at_aws import Inventory
from strata.kinds.group import is_filled_by_people
from strata.kinds.permission_set import fields_as_read, live_policy
from strata.kinds.thing import as_read, content
from strata.landing_zone import LandingZone
from strata.landing_zone.groups import Group, is_of_control_tower
from strata.landing_zone.permission_sets import PermissionSet
from strata.landing_zone.policies import Policy
from strata.sides.join import Keys


def external_at_aws(zone: LandingZone, inventory: Inventory, keys: Keys, day: dt.date | None) -> External:
    """Returns what AWS has in what is external, without what AWS has not or has no document in."""
    sets, policies, groups = declared_external(zone)
    external = External(read=day)
    for center in inventory.centers:
        for permission_set in center.permission_sets:
            if (
                permission_set.name in sets
                and keys["permission-set"].get(permission_set.arn) == sets[permission_set.name].key
            ):
                external.permission_sets[permission_set.name] = _set(permission_set)
        names = {user.id: as_read(user.user_name) for user in center.users}
        for group in center.groups:
            its = groups.get(keys["group"].get(group.id, ""))
            if its and is_filled_by_people(its, group):
                members = sorted(names[id] for id in group.members if id in names)
                external.groups[its.name] = ExternalGroup(members=tuple(members))
    for policy in inventory.organization.policies:
        here = policies.get(keys["policy"].get(policy.id, ""))
        if here and isinstance(content(policy.content), dict):
            read = ExternalPolicy(id=policy.id, description=as_read(policy.description), document=policy.content)
            external.policies.setdefault(here.type, {})[here.name] = read
    return external


def declared_external(
    zone: LandingZone,
) -> tuple[Mapping[str, PermissionSet], Mapping[str, Policy], Mapping[str, Group]]:
    """Returns what is external: permission sets by name, policies by key, and Control Tower's groups by key."""
    sets = {
        permission_set.name: permission_set
        for permission_set in zone.permission_sets.values()
        if permission_set.external
    }
    groups = {key: group for key, group in zone.groups.items() if is_of_control_tower(group)}
    return sets, {key: policy for key, policy in zone.policies.items() if policy.external}, groups


def is_any_external(zone: LandingZone) -> bool:
    """Returns whether external.yaml has to have something."""
    return any(declared_external(zone))


def overtaken(before: External, now: External) -> list[str]:
    """Returns what the file has otherwise than a later reading, or lacks of it."""
    return list(told(before, completed(now, before), new="is not there"))


def completed(before: External, now: External) -> External:
    """Returns what the file has, and what it lacks of a later reading: what it has differs outside, if at all."""
    policies = {
        type: {**now.policies.get(type, {}), **before.policies.get(type, {})}
        for type in {**before.policies, **now.policies}
    }
    sets = {**now.permission_sets, **before.permission_sets}
    groups = {**now.groups, **before.groups}
    return External(read=before.read or now.read, permission_sets=sets, policies=policies, groups=groups)


def told(before: External, now: External, new: str = "read for the first time") -> Iterator[str]:
    """Yields what is other in a later reading, a line each; of what is new that it is so."""
    for what, then, later in _parts(before, now):
        for name in sorted({*then, *later}):
            if name not in later:
                yield f"{what} {name}: no longer declared external, and taken out"
            elif name not in then:
                yield f"{what} {name}: {new}"
            elif parts := [part for part in type(later[name]).model_fields if _differs(then[name], later[name], part)]:
                yield f"{what} {name}: {', '.join(parts).replace('_', ' ')}"


def _parts(before: External, now: External) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    yield "permission set", before.permission_sets, now.permission_sets
    for type in sorted({*before.policies, *now.policies}):
        yield "policy", before.policies.get(type, {}), now.policies.get(type, {})
    yield "group", before.groups, now.groups


def _differs(then: Any, later: Any, part: str) -> bool:
    return bool(getattr(then, part) != getattr(later, part))


def text_of(external: External) -> dict[str, str]:
    """Returns external.yaml by its path; none where nothing was read."""
    if not (external.permission_sets or external.policies or external.groups):
        return {}
    found = external.model_dump(exclude_defaults=True)
    sets, policies = found.get("permission_sets", {}), found.get("policies", {})
    contents = {
        **({"read": external.read} if external.read else {}),
        "permission_sets": {name: _shown(one) for name, one in sorted(sets.items())},
        "policies": {
            str(type): {name: _shown(one) for name, one in sorted(some.items())}
            for type, some in sorted(policies.items())
        },
        "groups": {
            name: {"members": list(external_group.members)} for name, external_group in sorted(external.groups.items())
        },
    }
    return rendering.files({EXTERNAL: contents}, {})


def _shown(one: Mapping[str, Any]) -> dict[str, Any]:
    """Returns an entry with its documents over several lines."""
    documents = {name: document_lines(one[name]) for name in ("inline", "document") if one.get(name)}
    lists = {"policies": list(one["policies"])} if "policies" in one else {}
    return {**one, **lists, **documents}


def document_lines(text: str) -> str:
    """Returns a document over several lines, in ASCII where it has what nobody sees."""
    return json.dumps(json.loads(text), indent=2, ensure_ascii=text_problem(text) is not None) + "\n"


def _set(permission_set: at_aws.LivePermissionSet) -> ExternalPermissionSet:
    return ExternalPermissionSet.model_validate(
        {
            **fields_as_read(permission_set),
            "policies": [
                *map(live_policy, permission_set.aws_managed),
                *map(live_policy, permission_set.customer_managed),
            ],
            "inline": permission_set.inline
            if isinstance(content(permission_set.inline), dict) and permission_set.inline
            else None,
            "boundary": live_policy(permission_set.boundary) if permission_set.boundary else None,
        }
    )
