"""The roles of the GitHub pipeline, and the workflow that assumes them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from strata.config.models import GithubActions
from tests.conftest import Changes, Variant
from tests.evaluation import allowed
from tests.synthesized import Stack, policy, synthesize

CHECKOUT = Path(__file__).parents[1]
WORKFLOW = CHECKOUT / ".github/workflows/strata.yml"
GITHUB = {"mode": "on", "repository": "acme/landing-zone", "repository_id": "456789", "owner_id": "123456"}
ON: Changes = {"security.yaml": {"github_actions": GITHUB}}
BUCKET = "arn:aws:s3:::ex-terraform-state-123456789012"

Claims = dict[str, str]
PUSH: Claims = {
    "aud": "sts.amazonaws.com",
    "sub": "repo:acme/landing-zone:ref:refs/heads/main",
    "repository_id": "456789",
    "ref": "refs/heads/main",
}
DEPLOY = PUSH | {"sub": "repo:acme/landing-zone:environment:production"}
PULL = PUSH | {"sub": "repo:acme/landing-zone:pull_request", "ref": "refs/pull/7/merge"}
TOKENS: dict[str, tuple[Claims, bool, bool]] = {
    "the job that deploys": (DEPLOY, False, True),
    "a push to the branch": (PUSH, True, False),
    "a pull request": (PULL, True, False),
    "a newer repository deploys": (
        DEPLOY | {"sub": "repo:acme@123456/landing-zone@456789:environment:production"},
        False,
        True,
    ),
    "a newer repository plans": (PULL | {"sub": "repo:acme@123456/landing-zone@456789:pull_request"}, True, False),
    "another branch in the environment": (DEPLOY | {"ref": "refs/heads/feature"}, False, False),
    "a pull request in the environment": (DEPLOY | {"ref": "refs/pull/7/merge"}, False, False),
    "another environment": (DEPLOY | {"sub": "repo:acme/landing-zone:environment:staging"}, False, False),
    "another branch": (PUSH | {"sub": "repo:acme/landing-zone:ref:refs/heads/x", "ref": "refs/heads/x"}, False, False),
    "a repository that took over the name deploys": (DEPLOY | {"repository_id": "999"}, False, False),
    "a repository that took over the name plans": (PULL | {"repository_id": "999"}, False, False),
    "another repository": (PULL | {"sub": "repo:evil/landing-zone:pull_request", "repository_id": "999"}, False, False),
    "a token that is not for AWS": (DEPLOY | {"aud": "https://github.com/acme"}, False, False),
    "a token without a number": ({key: DEPLOY[key] for key in ("aud", "sub", "ref")}, False, False),
}
"""What the token of a job says; whether the role that plans trusts it; whether the one that deploys does."""


@pytest.fixture(scope="module")
def roles(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """The security stack with the pipeline on, synthesized once."""
    folder = tmp_path_factory.mktemp("pipeline")
    shutil.copytree(CHECKOUT / "strata/template", folder / "config")
    block = "\n".join(["", "github_actions:", *(f'  {key}: "{value}"' for key, value in GITHUB.items()), ""])
    with (folder / "config/security.yaml").open("a") as file:
        file.write(block)
    (folder / "out").mkdir()
    return synthesize(folder / "config", folder / "out")["security"]


@pytest.mark.parametrize("job", TOKENS)
def test_roles_trust_these_jobs_and_no_others(roles: Stack, job: str) -> None:
    """The environment's job on the branch deploys; pull requests and the branch plan; all of this one repository."""
    claims, plans, deploys = TOKENS[job]
    context = {f"token.actions.githubusercontent.com:{claim}": value for claim, value in claims.items()}
    for name, expected in (("github-plan", plans), ("github-apply", deploys)):
        trust = policy(roles[f"aws_iam_role.{name}"]["assume_role_policy"])
        (statement,) = trust["Statement"]
        assert statement["Principal"] == {"Federated": "${aws_iam_openid_connect_provider.github.arn}"}
        # A trust policy has no Resource: the role is one.
        one = {"Statement": [{**statement, "Resource": "*"}]}
        assert allowed(one, "sts:AssumeRoleWithWebIdentity", "*", context) is expected


def test_trust_policies_fit(roles: Stack) -> None:
    """IAM takes 2,048 characters, see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html ."""
    assert all(len(role["assume_role_policy"]) <= 2048 for role in roles.all("aws_iam_role").values())


READS = {
    ("s3:GetObject", f"{BUCKET}/management/sso/terraform.tfstate"): True,
    ("s3:GetObject", f"{BUCKET}/elsewhere"): False,
    ("s3:GetObject", f"{BUCKET}-replica/management/sso/terraform.tfstate"): False,
    ("s3:GetObject", "arn:aws:s3:::ex-organization-trail-123456789012/AWSLogs/x"): False,
    ("s3:GetObject", "arn:aws:s3:::somebody-elses/x"): False,
    ("s3:GetObjectVersion", f"{BUCKET}/management/sso/terraform.tfstate"): False,
    ("s3:PutObject", f"{BUCKET}/management/sso/terraform.tfstate"): False,
    ("s3:ListBucket", BUCKET): True,
    ("s3:GetBucketPolicy", f"{BUCKET}-replica"): True,
    ("s3:GetBucketPolicy", "arn:aws:s3:::ex-organization-trail-123456789012"): True,
    ("s3:ListBucket", "arn:aws:s3:::somebody-elses"): False,
    ("dynamodb:GetItem", "arn:aws:dynamodb:us-east-1:123456789012:table/ex-terraform-lock"): True,
    ("dynamodb:GetItem", "arn:aws:dynamodb:us-east-1:123456789012:table/orders"): False,
    ("ssm:GetParameter", "*"): False,
    ("secretsmanager:GetSecretValue", "*"): False,
    ("lambda:GetFunction", "*"): False,
    ("logs:GetLogEvents", "*"): False,
    ("cloudtrail:GetQueryResults", "*"): False,
    ("sts:AssumeRole", "*"): False,
    ("organizations:DescribeOrganization", "*"): True,
    ("sso:ListAccountAssignments", "*"): True,
}


@pytest.mark.parametrize(("action", "resource"), READS)
def test_the_role_that_plans_reads_the_states_and_no_other_data(roles: Stack, action: str, resource: str) -> None:
    assert "aws_iam_role_policy_attachment.github-plan" not in roles
    reader = policy(roles["aws_iam_role_policy.github-plan"]["policy"])
    assert allowed(reader, action, resource) is READS[action, resource]


def test_what_the_role_that_plans_may_fits_a_role(roles: Stack) -> None:
    """The inline policies of a role have 10,240 characters together."""
    assert len(roles["aws_iam_role_policy.github-plan"]["policy"]) <= 10240
    attached = roles["aws_iam_role_policy_attachment.github-apply"]["policy_arn"]
    assert attached == "arn:aws:iam::aws:policy/AdministratorAccess"


def test_the_roles_are_off_by_default_and_forgotten_when_unmanaged(variant: Variant) -> None:
    """Nothing of it is there unless asked for; `unmanaged` leaves the roles as they are."""
    unmanaged = variant({"security.yaml": {"github_actions": {"mode": "unmanaged"}}})["security"]

    assert "aws_iam_openid_connect_provider.github" not in unmanaged
    forgotten = {block["from"] for block in unmanaged.json["removed"]}
    assert {"aws_iam_role.github-apply", "aws_iam_openid_connect_provider.github"} <= forgotten


def workflow() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text())
    return found


def test_the_workflow_pins_actions_and_grants_nothing_by_default() -> None:
    """Actions are pinned by commit, no job has more than it needs, and only the push to main deploys."""
    jobs = workflow()["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"]]

    assert workflow()["permissions"] == {}
    assert all(re.search(r"@[0-9a-f]{40}$", step["uses"]) for step in steps if "uses" in step)
    assert {name: job["permissions"] for name, job in jobs.items()} == {
        "check": {"contents": "read"},
        "comment": {"pull-requests": "write"},
        "plan": {"contents": "read", "id-token": "write"},
        "deploy": {"contents": "read", "id-token": "write"},
    }
    assert jobs["deploy"]["if"].startswith("github.event_name == 'push'")
    assert jobs["deploy"]["environment"] == GithubActions().environment
    assert jobs["deploy"]["concurrency"]["cancel-in-progress"] is False


def test_the_roles_are_taken_for_as_long_as_they_last(roles: Stack) -> None:
    """A deploy of many accounts takes longer than the hour that is the default of the action."""
    for job, role in (("plan", "github-plan"), ("deploy", "github-apply")):
        (taken,) = [
            step["with"] for step in workflow()["jobs"][job]["steps"] if "role-to-assume" in step.get("with", {})
        ]
        assert taken["role-duration-seconds"] == roles[f"aws_iam_role.{role}"]["max_session_duration"]


def test_no_job_runs_code_of_a_pull_request_that_may_write() -> None:
    """The job that comments has no checkout, and takes nothing but one file."""
    for name, job in workflow()["jobs"].items():
        uses = [step.get("uses", "").partition("@")[0] for step in job["steps"]]
        if "pull-requests" in job["permissions"]:
            assert uses == ["actions/download-artifact", ""], name
            assert ".venv" not in str(job)
            assert "make" not in str(job).split()


def comment(tmp_path: Path, content: bytes | Path) -> tuple[int, str]:
    """Runs the step that comments as GitHub does, with a gh that prints what it is given."""
    (step,) = [step for step in workflow()["jobs"]["comment"]["steps"] if "run" in step]
    (tmp_path / "changes").mkdir()
    file = tmp_path / "changes/changes.md"
    file.symlink_to(content) if isinstance(content, Path) else file.write_bytes(content)
    gh = tmp_path / "bin/gh"
    gh.parent.mkdir()
    gh.write_text("#!/bin/sh\ncat\n")
    gh.chmod(0o755)
    done = subprocess.run(
        ["bash", "-e", "-c", step["run"]],
        env={
            "FILE": str(file),
            "LC_ALL": "C.UTF-8",
            "NUMBER": "7",
            "PATH": f"{gh.parent}:{os.environ['PATH']}",
            "RUNNER_TEMP": str(tmp_path),
        },
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stdout.decode()


@pytest.mark.skipif(shutil.which("iconv") is None, reason="the runner has iconv, this machine has not")
@pytest.mark.parametrize(
    ("content", "posted"),
    [
        (b"# Changes\n\n- jane gets Admin\n", "# Changes\n\n- jane gets Admin\n"),
        (b"ask @octocat and @org/team\n", "ask @\u200boctocat and @\u200borg/team\n"),
        (b"a\x00b\x1b[31mc\xff\xfe\xc3\xa9\n", "ab[31mc\u00e9\n"),
        (b"$(touch x) `touch x`; ${HOME}\n", "$(touch x) `touch x`; ${HOME}\n"),
    ],
)
def test_the_comment_is_text_and_calls_nobody(tmp_path: Path, content: bytes, posted: str) -> None:
    assert comment(tmp_path, content) == (0, posted)


@pytest.mark.skipif(shutil.which("iconv") is None, reason="the runner has iconv, this machine has not")
@pytest.mark.parametrize("text", ["x" * 300_000, "\u00e9" * 100_000, "\u20ac@" * 30_000, "\U0001f600" * 50_000])
def test_a_long_comment_is_cut_between_characters(tmp_path: Path, text: str) -> None:
    """GitHub takes 65,536 characters."""
    code, posted = comment(tmp_path, text.encode())
    assert code == 0
    assert len(posted) < 65536
    assert posted.endswith("The rest is in the summary of the run.\n")


def test_a_link_is_not_posted(tmp_path: Path) -> None:
    """Whoever made the artifact must not have the runner print a file of its own."""
    secret = tmp_path / "secret"
    secret.write_text("token")
    code, posted = comment(tmp_path, secret)
    assert (code, posted) == (1, "")
