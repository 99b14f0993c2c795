"""The reader and the writer of a baseline: no stack makes them, so that neither has a say in what it may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from strata.config.layers import Layer
from strata.config.models import OWN_TAGS, PARTITION, Project
from strata.landing_zone.permissions import layer_permissions


@dataclass(frozen=True)
class BaselineRole:
    """A role as Strata makes it in each member account."""

    name: str
    description: str
    trust: Mapping[str, Any]
    policy: Mapping[str, Any]
    tags: Mapping[str, str]

    def as_json(self) -> list[Any]:
        """Returns all that it is made of."""
        return [self.name, self.description, self.trust, self.policy, self.tags]


def baseline_roles(project: Project, layer: Layer) -> tuple[BaselineRole, ...]:
    """Returns the reader and the writer of a baseline that names no others; whom they let in is decided by IAM there.

    They have the tags by which Strata knows them whatever project.yaml says of tags.
    """
    management = {"AWS": f"arn:{PARTITION}:iam::{project.management_account.id}:root"}
    statement = {"Effect": "Allow", "Principal": management, "Action": "sts:AssumeRole"}
    trust, policies = {"Version": "2012-10-17", "Statement": [statement]}, layer_permissions(project, layer)
    tags = {**project.tags, **dict(zip(OWN_TAGS, (project.name, layer.name, "strata"), strict=True))}
    words = {
        "reader": "Strata plans the baseline of this account",
        "writer": "Strata deploys the baseline of this account",
    }
    return tuple(
        BaselineRole(getattr(layer.roles, part), words[part], trust, policies[f"{layer.name}/{part}"], tags)
        for part in words
    )
