"""The rules of EventBridge that alerts are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from strata.aws.session import Aws, unless_absent


@dataclass(frozen=True)
class Rule:
    """A rule of the default bus as AWS describes it, with its tags and targets."""

    described: Mapping[str, Any]
    tags: Mapping[str, str]
    targets: tuple[Mapping[str, Any], ...]


def rule(aws: Aws, region: str, name: str) -> Rule | None:
    """Returns a rule of the default bus, None where AWS has none of the name."""
    client = aws.client("events", region)
    described = unless_absent(lambda: client.describe_rule(Name=name))
    if described is None:
        return None
    tags = client.list_tags_for_resource(ResourceARN=described["Arn"])["Tags"]
    targets = tuple(client.items("list_targets_by_rule", "Targets[]", Rule=name))
    return Rule(described, {tag["Key"]: tag["Value"] for tag in tags}, targets)
