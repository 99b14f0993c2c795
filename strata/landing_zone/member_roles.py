"""The roles of baseline.yaml as what they allow: a role is compared and judged as the role of a permission set is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from strata.config.layers import BASELINE_LAYER, Layer
from strata.config.models import Project
from strata.config.source import Location
from strata.landing_zone.permission_sets import PermissionSet, managed_policy, referenced_policy
from strata.landing_zone.placeholders import placeholder_values

if TYPE_CHECKING:
    from strata.config.baseline import MemberRole


def permissions(
    name: str, role: MemberRole, documents: Mapping[str, str], values: Mapping[str, str], at: Location = ()
) -> PermissionSet:
    """Returns what a role allows, in the form of a permission set, which AWS makes a role of as well."""
    return PermissionSet(
        name,
        name,
        tuple(referenced_policy(policy, documents, values) for policy in role.policies),
        at,
        description=role.description,
        session_duration=f"PT{role.session_hours}H",
        boundary=managed_policy(role.boundary) if role.boundary else None,
    )


def written_roles(
    layers: Mapping[str, Layer], documents: Mapping[str, str], project: Project | None
) -> list[PermissionSet]:
    """Returns what each role allows that baseline.yaml has at a place."""
    layer, values = layers.get(BASELINE_LAYER), placeholder_values(project)
    settings = getattr(layer.settings, "settings", {}) if layer and layer.source else {}
    return [
        permissions(name, role, documents, values, ("settings", place, "roles", name))
        for place, its in settings.items()
        for name, role in (its.roles or {}).items()
        if role
    ]
