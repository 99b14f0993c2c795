"""The roles of the GitHub pipeline, and the workflow that assumes them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import Changes, Variant

WORKFLOW = Path(__file__).parents[1] / ".github/workflows/strata.yml"
ON: Changes = {
    "security.yaml": {
        "github_actions": {
            "mode": "on",
            "repository": "acme/landing-zone",
            "repository_id": "123456789",
            "owner_id": "987654",
        }
    }
}


def test_only_the_environment_of_the_branch_deploys_and_pull_requests_may_plan(variant: Variant) -> None:
    """Each role trusts the subjects of its own job, of the repository with that number, and tokens meant for AWS."""
    security = variant(ON)["security"]
    conditions = {
        name: json.loads(security[f"aws_iam_role.{name}"]["assume_role_policy"])["Statement"][0]["Condition"][
            "StringEquals"
        ]
        for name in ("github-plan", "github-apply")
    }
    issuer = "token.actions.githubusercontent.com"
    repositories = ("repo:acme/landing-zone", "repo:acme@987654/landing-zone@123456789")

    for condition in conditions.values():
        assert condition[f"{issuer}:aud"] == "sts.amazonaws.com"
        assert condition[f"{issuer}:repository_id"] == "123456789"
    assert set(conditions["github-apply"][f"{issuer}:sub"]) == {f"{one}:environment:production" for one in repositories}
    assert conditions["github-apply"][f"{issuer}:ref"] == "refs/heads/main"
    assert set(conditions["github-plan"][f"{issuer}:sub"]) == {
        f"{one}:{context}" for one in repositories for context in ("pull_request", "ref:refs/heads/main")
    }


def test_the_role_that_plans_reads_states_and_no_other_object(variant: Variant) -> None:
    """It has no managed policy: whoever may open a pull request runs code with it."""
    security = variant(ON)["security"]
    statements = json.loads(security["aws_iam_role_policy.github-plan"]["policy"])["Statement"]
    readable = [one for one in statements if any("GetObject" in action for action in one["Action"])]

    assert "aws_iam_role_policy_attachment.github-plan" not in security
    assert security["aws_iam_role_policy_attachment.github-apply"]["policy_arn"].endswith("/AdministratorAccess")
    assert [one["Resource"] for one in readable if "s3:GetObject" in one["Action"]] == [
        "arn:aws:s3:::ex-terraform-state-123456789012/management/*"
    ]
    assert {one["Effect"] for one in statements} == {"Allow"}
    actions = {action for one in statements for action in one["Action"]}
    reading = re.compile(r"[a-z0-9-]+:(Batch)?(Describe|Get|Head|List|View|Search)\w*\*?$")
    assert {action for action in actions if not reading.match(action)} == {"kms:Decrypt"}
    assert not actions & {"s3:Get*", "s3:*", "ssm:GetParameter", "ssm:Get*", "dynamodb:Scan"}


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
    assert workflow["jobs"]["deploy"]["environment"] == "production"


def test_the_job_that_may_comment_runs_no_code_of_the_pull_request() -> None:
    """It takes an artifact as data: no checkout, no set-up, and no other job may write to pull requests."""
    jobs: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text())["jobs"]
    may_comment = [name for name, job in jobs.items() if job["permissions"].get("pull-requests") == "write"]

    assert may_comment == ["comment"]
    steps = jobs["comment"]["steps"]
    assert not any("checkout" in step.get("uses", "") for step in steps)
    assert not any(word in step.get("run", "") for step in steps for word in ("make", ".venv", "python"))
