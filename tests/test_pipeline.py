"""The roles of the GitHub pipeline, and the workflow that assumes them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import Changes, Variant

WORKFLOW = Path(__file__).parents[1] / ".github/workflows/strata.yml"
ON: Changes = {"security.yaml": {"github_actions": {"mode": "on", "repository": "acme/landing-zone"}}}


def test_only_the_branch_deploys_and_pull_requests_may_plan(variant: Variant) -> None:
    """Each role trusts the subjects of its own job and no other, and only tokens meant for AWS."""
    security = variant(ON)["security"]
    conditions = {
        name: json.loads(security[f"aws_iam_role.{name}"]["assume_role_policy"])["Statement"][0]["Condition"][
            "StringEquals"
        ]
        for name in ("github-plan", "github-apply")
    }
    issuer = "token.actions.githubusercontent.com"
    branch = "repo:acme/landing-zone:ref:refs/heads/main"

    assert conditions["github-apply"] == {f"{issuer}:aud": "sts.amazonaws.com", f"{issuer}:sub": [branch]}
    assert conditions["github-plan"][f"{issuer}:sub"] == ["repo:acme/landing-zone:pull_request", branch]
    attached = {
        name: security[f"aws_iam_role_policy_attachment.{name}"]["policy_arn"]
        for name in ("github-plan", "github-apply")
    }
    assert attached == {
        "github-plan": "arn:aws:iam::aws:policy/ReadOnlyAccess",
        "github-apply": "arn:aws:iam::aws:policy/AdministratorAccess",
    }


def test_the_roles_are_off_by_default_and_forgotten_when_unmanaged(variant: Variant) -> None:
    """Nothing of it is there unless asked for; `unmanaged` leaves the roles as they are."""
    unmanaged = variant({"security.yaml": {"github_actions": {"mode": "unmanaged"}}})["security"]

    assert "aws_iam_openid_connect_provider.github" not in unmanaged
    forgotten = {block["from"] for block in unmanaged.json["removed"]}
    assert {"aws_iam_role.github-apply", "aws_iam_openid_connect_provider.github"} <= forgotten


def test_the_workflow_pins_actions_and_grants_nothing_by_default() -> None:
    """Actions are pinned by commit, no job has more than it needs, and only the push to main deploys."""
    workflow: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text())
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]

    assert workflow["permissions"] == {}
    assert all(re.search(r"@[0-9a-f]{40}$", step["uses"]) for step in steps if "uses" in step)
    assert "id-token" not in workflow["jobs"]["check"]["permissions"]
    assert workflow["jobs"]["deploy"]["if"].startswith("github.event_name == 'push'")
    assert workflow["jobs"]["deploy"]["concurrency"]["cancel-in-progress"] is False
