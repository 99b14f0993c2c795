"""A deploy without one of the permissions that it needs: it fails, and the message names the action and its policy."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping

import pytest
import yaml

from strata.config.models import Project
from strata.landing_zone.permissions import NAMES, STACKS, permissions
from tests.provider.facts import table
from tests.scenarios.site import Site

SEED = 20261125
SIZE = 10
IN_CI = 2
DRAWN = [pytest.param(number, marks=() if number < IN_CI else pytest.mark.large) for number in range(SIZE)]

Policies = Mapping[str, str]

NOT_CALLED = {
    "dynamodb:CreateTable": "bootstrap creates the table",
    "dynamodb:UpdateContinuousBackups": "bootstrap sets them",
    "organizations:CreateOrganization": "bootstrap creates it",
    "s3:PutBucketTagging": "the provider tags by s3:TagResource",
    "s3:TagResource": "the provider falls back to s3:PutBucketTagging",
}
"""Actions of a creation that a first deploy does not need."""


def policies(site: Site) -> Policies:
    """Returns the policies of a configuration."""
    project = Project.model_validate(yaml.safe_load((site.config / "project.yaml").read_text()))
    return {name: document.text for name, document in permissions(project).items()}


def without(action: str, policy: str) -> str:
    """Returns a policy that does not allow an action."""
    content = json.loads(policy)
    for statement in content["Statement"]:
        statement["Action"] = [one for one in statement["Action"] if one != action]
    return json.dumps({**content, "Statement": [one for one in content["Statement"] if one["Action"]]})


def places(action: str, found: Policies) -> Iterator[str]:
    """Yields the policies and statements with an action, as a message names them."""
    for name in NAMES:
        for statement in json.loads(found[name])["Statement"]:
            if action in statement["Action"]:
                yield f"`strata permissions {name}` (statement {statement['Sid']})"


def drawn(site: Site, found: Policies) -> list[str]:
    """Returns actions that create what the configuration has, drawn with the seed."""
    site.synth()
    types = {
        type
        for stack in STACKS
        for type in json.loads((site.output / "stacks" / stack / "cdk.tf.json").read_text())["resource"]
    }
    asked = {
        action
        for type in types
        for action in table()["resources"][type]["creates"]
        if not type.startswith("aws_ssoadmin_account")
    }
    granted = {one for name in STACKS for part in json.loads(found[name])["Statement"] for one in part["Action"]}
    return random.Random(SEED).sample(sorted((asked & granted) - NOT_CALLED.keys()), SIZE)  # noqa: S311  # the same ten


@pytest.mark.only("stand-in")
@pytest.mark.parametrize("number", DRAWN)
def test_an_action_that_is_missing_is_named(number: int, fresh: Site) -> None:
    found = policies(fresh)
    action = drawn(fresh, found)[number]
    fresh.aws.allow_only(*(without(action, policy) for policy in found.values()))

    refused = fresh.strata("deploy", "--yes")

    assert refused.code == 1, f"{action}: {refused.text[-3000:]}"
    assert f"allows {action}" in refused.text
    assert all(place in refused.text for place in places(action, found)), f"{action}: {refused.text[-3000:]}"
