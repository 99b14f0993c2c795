"""The role that deploys, with what is attached to it, as far as project.yaml says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from strata.config.models import Project
from strata.landing_zone.permission_sets import InlinePolicy, ManagedPolicy, referenced_policy
from strata.landing_zone.placeholders import placeholder_values


class Deployer(NamedTuple):
    """A role of the management account that Strata neither makes nor changes."""

    role: str
    policies: tuple[ManagedPolicy | InlinePolicy, ...]
    """Empty if nobody says what is attached to it."""


def deployer_of(project: Project | None, documents: Mapping[str, str]) -> Deployer | None:
    """Returns the role that project.yaml names."""
    if project is None or project.deployer is None:
        return None
    values = placeholder_values(project)
    policies = tuple(
        referenced_policy(policy_reference, documents, values) for policy_reference in project.deployer.policies
    )
    return Deployer(project.deployer.role, policies)
