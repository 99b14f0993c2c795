"""The report as plain data, for scripts."""

from __future__ import annotations

from typing import Any

from strata.config import ORGANIZATION, SSO
from strata.landing_zone import LandingZone
from strata.landing_zone.layers import layers
from strata.report import inherited
from strata.report.access import access_as_json, allowances
from strata.report.edition import Edition
from strata.report.facts import Facts
from strata.report.reviews import GroupReview


def as_data(landing_zone: LandingZone, edition: Edition) -> dict[str, Any]:
    """Returns the first screen, people, access, organization, policies, controls and layers for --format json."""
    source, facts = landing_zone.source, Facts(landing_zone, edition)
    return {
        "project": landing_zone.project.name,
        **edition.as_data(),
        "overview": facts.overview.as_data(),
        "users": {
            key: {"name": user.shown_name, "email": user.email, "external": user.external}
            for key, user in landing_zone.users.items()
        },
        "groups": {review.group.key: _group(review) for review in facts.groups},
        "permission_sets": {
            key: {
                "name": permission_set.name,
                "allows": allowances(permission_set),
                "full_access": key in facts.full_access,
                "external": permission_set.external,
                "known": permission_set.is_known,
                "place": str(source(SSO, permission_set.location)),
            }
            for key, permission_set in landing_zone.permission_sets.items()
        },
        "access": [access_as_json(granted) for granted in facts.access],
        "organization": _organization(facts),
        "policies": [
            {
                "policy": policy.key,
                "type": policy.type.value,
                "description": policy.description,
                "file": policy.file,
                "external": policy.external,
                "known": policy.is_known,
                "characters": policy.document.length,
                "place": str(source(ORGANIZATION, policy.location)),
                "targets": [
                    {"kind": target.kind, "key": target.key, "place": str(source(ORGANIZATION, where))}
                    for target, where in policy.attachments.items()
                ],
            }
            for policy in landing_zone.policies.values()
        ],
        "guardrails": facts.guardrails.as_data(),
        "controls": {name: control.mode.value for name, control in landing_zone.security.controls.items()},
        "layers": [
            {"stack": layer.name, "owns": list(layer.owns), "reads": list(layer.reads), "state": layer.state}
            for layer in layers(landing_zone)
        ],
    }


def _group(review: GroupReview) -> dict[str, Any]:
    group = review.group
    return {
        "name": group.name,
        "external": group.external,
        "members": list(group.members),
        "place": str(review.place),
        "given": [
            {
                "permission_set": given.permission_set,
                "accounts": list(given.accounts),
                "reason": given.way.reason,
                "until": given.way.until,
                "entry": str(given.way.entry),
            }
            for given in review.given
        ],
    }


def _organization(facts: Facts) -> list[dict[str, Any]]:
    landing_zone = facts.landing_zone
    return [
        {
            "kind": target.kind,
            "key": target.key,
            **({"name": landing_zone.accounts[target.key].name} if target.kind == "account" else {}),
            "path": [target.key for target in way[:-1]],
            **(inherited.as_data(inherited.words_of(landing_zone, target.key)) if target.kind == "account" else {}),
            "slots": [
                {
                    "type": of_type.type.value,
                    "policies": list(of_type.policies),
                    "used": of_type.used,
                    "free": of_type.free,
                    "limit": of_type.limit,
                }
                for of_type in facts.slots[target]
            ],
        }
        for target, way in landing_zone.ancestors.items()
    ]
