"""A deploy with the policies of `strata permissions`: they are enough, and a message names an action that is not there."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping

import pytest
import yaml

from strata.config.models import Project
from strata.landing_zone.permissions import NAMES, STACKS, permissions
from strata.landing_zone.placeholders import Document
from tests.aws.client import Recorded
from tests.scenarios.site import Site, Snapshot

SEED = 20261125
SIZE = 10
IN_CI = 2
SAMPLE = [
    pytest.param(number, marks=pytest.mark.e2e if number < IN_CI else pytest.mark.large) for number in range(SIZE)
]

FORGIVEN = {
    "s3:PutBucketTagging": "the provider tags by s3:TagResource",
    "s3:TagResource": "the provider falls back to s3:PutBucketTagging",
}
"""Actions without which a deploy succeeds."""


def documents(site: Site) -> Mapping[str, Document]:
    """Returns the policies of a configuration."""
    return permissions(Project.model_validate(yaml.safe_load((site.config / "project.yaml").read_text())))


def without(action: str, document: Document) -> str:
    """Returns a policy that does not allow an action."""
    content = document.content
    for statement in content["Statement"]:
        statement["Action"] = [one for one in statement["Action"] if one != action]
    return json.dumps({**content, "Statement": [one for one in content["Statement"] if one["Action"]]})


def places(action: str, found: Mapping[str, Document]) -> list[str]:
    """Returns the policies and statements with an action, as a message names them."""
    return [
        f"`strata permissions {name}` (statement {statement['Sid']})"
        for name in NAMES
        for statement in found[name].content["Statement"]
        if action in statement["Action"]
    ]


def sample(calls: Iterable[Recorded], found: Mapping[str, Document]) -> list[str]:
    """Returns actions that a first deploy needs and a policy of a stack allows, drawn with the seed."""
    needed = {action for call in calls for action in call.needs}
    changing = {action for stack in STACKS for one in found[stack].content["Statement"] for action in one["Action"]}
    drawn = random.Random(SEED)  # noqa: S311  # the same ten every time
    return drawn.sample(sorted((needed & changing) - FORGIVEN.keys()), SIZE)


@pytest.mark.e2e
def test_a_first_deploy_needs_these_policies_only(deployed_company: Snapshot) -> None:
    """Every scenario signs in with them; here nothing was refused, from bootstrap to the last assignment."""
    refused = [call for call in deployed_company.calls if call.outcome.startswith("403") or "Denied" in call.outcome]

    assert refused == []


@pytest.mark.only("stand-in")
@pytest.mark.parametrize("number", SAMPLE)
def test_an_action_that_is_missing_is_named(
    number: int, bootstrapped_backend: Snapshot, deployed_shipped: Snapshot, fresh: Site
) -> None:
    """The message has the action, and the policy and statement that allow it."""
    found = documents(fresh)
    action = sample((*bootstrapped_backend.calls, *deployed_shipped.calls), found)[number]
    fresh.aws.allow_only(*(without(action, document) for document in found.values()))

    refused = fresh.strata("deploy", "--yes")

    assert refused.code == 1, f"{action}: {refused.text[-3000:]}"
    assert f"{action}: " in refused.text or f"allows {action}" in refused.text, f"{action}: {refused.text[-3000:]}"
    assert [place for place in places(action, found) if place in refused.text] != [], refused.text[-3000:]
