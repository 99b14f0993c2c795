"""The report as plain data, for scripts."""

from __future__ import annotations

from typing import Any

from strata.config import ORGANIZATION, SSO
from strata.landing_zone import LandingZone
from strata.report.access import access, access_as_json, allowances
from strata.report.layers import layers
from strata.report.policies import slots


def as_data(landing_zone: LandingZone) -> dict[str, Any]:
    """Returns people, access, organization, policies and layers as --format json prints them."""
    source = landing_zone.source
    return {
        "project": landing_zone.project.name,
        "users": {key: {"name": one.shown_name, "email": one.email} for key, one in landing_zone.users.items()},
        "groups": {
            key: {"name": one.name, "external": one.external, "members": list(one.members)}
            for key, one in landing_zone.groups.items()
        },
        "permission_sets": {
            key: {"name": one.name, "allows": allowances(one), "place": str(source(SSO, one.location))}
            for key, one in landing_zone.permission_sets.items()
        },
        "access": [access_as_json(one) for one in access(landing_zone)],
        "organization": _organization(landing_zone),
        "policies": [
            {
                "policy": policy.key,
                "type": policy.type.value,
                "description": policy.description,
                "file": policy.file,
                "characters": len(policy.document.text),
                "place": str(source(ORGANIZATION, policy.location)),
                "targets": [
                    {"kind": target.kind, "key": target.key, "place": str(source(ORGANIZATION, where))}
                    for target, where in policy.attachments.items()
                ],
            }
            for policy in landing_zone.policies.values()
        ],
        "layers": [
            {"stack": one.name, "owns": list(one.owns), "reads": list(one.reads), "state": one.state}
            for one in layers(landing_zone)
        ],
    }


def _organization(landing_zone: LandingZone) -> list[dict[str, Any]]:
    found = slots(landing_zone)
    return [
        {
            "kind": target.kind,
            "key": target.key,
            **({"name": landing_zone.accounts[target.key].name} if target.kind == "account" else {}),
            "path": [one.key for one in way[:-1]],
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
        for target, way in landing_zone.ancestors.items()
    ]
