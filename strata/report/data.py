"""The report as plain data, for scripts."""

from __future__ import annotations

from typing import Any

from strata.landing_zone import LandingZone
from strata.report.access import access, allowances, as_facts, permission_sets
from strata.report.guardrails import account_label, in_tree_order, policies, slots, ways_up
from strata.report.layers import layers


def as_data(landing_zone: LandingZone) -> dict[str, Any]:
    """Returns people, access, organization, policies and layers as --format json prints them."""
    sso = landing_zone.sso
    return {
        "project": landing_zone.project.name,
        "users": {
            key: {"name": f"{user.given_name} {user.family_name}", "email": user.email}
            for key, user in sorted(sso.users.items())
        },
        "groups": {
            key: {"name": group.name or key, "external": group.external, "members": list(group.members)}
            for key, group in sorted(sso.groups.items())
        },
        "permission_sets": {
            key: {"name": one.name or key, "allows": allowances(one), "place": str(where)}
            for key, (one, where) in permission_sets(landing_zone).items()
        },
        "access": [as_facts(one) for one in access(landing_zone)],
        "organization": _organization(landing_zone),
        "policies": [
            {
                "policy": policy.key,
                "type": policy.type.value,
                "description": policy.description,
                "file": policy.file,
                "characters": len(policy.document),
                "place": str(policy.place),
                "targets": [
                    {"kind": target.kind, "key": target.key, "place": str(where)}
                    for target, where in policy.targets.items()
                ],
            }
            for policy in policies(landing_zone)
        ],
        "layers": [
            {"stack": one.name, "owns": list(one.owns), "reads": list(one.reads), "state": one.state}
            for one in layers(landing_zone)
        ],
    }


def _organization(landing_zone: LandingZone) -> list[dict[str, Any]]:
    above, found = ways_up(landing_zone), slots(landing_zone)
    return [
        {
            "kind": target.kind,
            "key": target.key,
            **({"name": account_label(landing_zone, target.key)} if target.kind == "account" else {}),
            "path": [one.key for one in above[target][:-1]],
            "slots": [
                {
                    "type": one.type.value,
                    "policies": list(one.policies),
                    "used": one.used,
                    "free": one.free,
                    "limit": one.limit,
                }
                for one in found[target]
            ],
        }
        for target in in_tree_order(landing_zone)
    ]
