"""The roles of the GitHub pipeline, and the jobs of GitHub and GitLab: what starts them, and what they may do."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from strata.config.models import GithubActions
from tests.conftest import Variant
from tests.evaluation import allowed
from tests.pipelines import BIN, CHECKOUT, GITLAB, WORKFLOWS, gitlab, workflow
from tests.synthesized import Stack, policy, synthesize

FORMS = [CHECKOUT / ".github/ISSUE_TEMPLATE" / name for name in ("bug.yml", "request.yml")]
GITHUB = {"mode": "on", "repository": "acme/landing-zone", "repository_id": "456789", "owner_id": "123456"}
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


def test_what_the_roles_trust_and_may_fits_a_role(roles: Stack) -> None:
    """Whom a role trusts has 2,048 characters, its inline policies 10,240 together.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    """
    assert all(len(role["assume_role_policy"]) <= 2048 for role in roles.all("aws_iam_role").values())
    assert len(roles["aws_iam_role_policy.github-plan"]["policy"]) <= 10240
    attached = roles["aws_iam_role_policy_attachment.github-apply"]["policy_arn"]
    assert attached == "arn:aws:iam::aws:policy/AdministratorAccess"


def test_the_roles_are_off_by_default_and_forgotten_when_unmanaged(variant: Variant) -> None:
    """Nothing of it is there unless asked for; `unmanaged` leaves the roles as they are."""
    unmanaged = variant({"security.yaml": {"github_actions": {"mode": "unmanaged"}}})["security"]

    assert "aws_iam_openid_connect_provider.github" not in unmanaged
    forgotten = {block["from"] for block in unmanaged.json["removed"]}
    assert {"aws_iam_role.github-apply", "aws_iam_openid_connect_provider.github"} <= forgotten


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("github-workflows", sorted(WORKFLOWS.glob("*.yml"))),
        ("gitlab-ci", [GITLAB]),
        ("github-issue-forms", FORMS),
        ("dependabot", [CHECKOUT / ".github/dependabot.yml"]),
    ],
)
def test_files_follow_the_schema_of_their_vendor(schema: str, files: list[Path]) -> None:
    done = subprocess.run(
        [BIN / "check-jsonschema", "--builtin-schema", f"vendor.{schema}", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_each_job_has_the_rights_that_it_needs() -> None:
    """Nothing is granted by default; whoever runs code of a pull request writes nowhere, and only two get a token."""
    files = ("strata", "drift", "wave")
    found = {
        f"{file} {name}" if file == "wave" else name: job["permissions"]
        for file in files
        for name, job in workflow(file)["jobs"].items()
    }

    assert found == {
        "check": {"contents": "read"},
        "reviewed": {"actions": "read", "contents": "read", "pull-requests": "read"},
        "plan": {"contents": "read", "id-token": "write"},
        "comment": {"pull-requests": "write"},
        "deploy": {"contents": "read", "id-token": "write"},
        "next-round": {"actions": "write", "contents": "read"},
        "drift": {"contents": "read", "id-token": "write"},
        "issue": {"contents": "read", "issues": "write"},
        **{name: {"contents": "read", "id-token": "write"} for name in ("wave-1", "wave-2", "wave-3", "wave deploy")},
    }


PULL_REQUEST = {"github.event_name": "pull_request", "github.ref": "refs/pull/7/merge"}
EVENTS: dict[str, tuple[dict[str, str], set[str]]] = {
    "a pull request": (PULL_REQUEST, {"check", "plan", "comment"}),
    "a fork": (PULL_REQUEST | {"github.event.pull_request.head.repo.full_name": "evil/it"}, {"check"}),
    "dependabot": (PULL_REQUEST | {"github.event.pull_request.user.login": "dependabot[bot]"}, {"check", "comment"}),
    "a pull request before the roles": (
        PULL_REQUEST | {"vars.STRATA_PLAN_ROLE": "", "vars.STRATA_APPLY_ROLE": ""},
        {"check", "comment"},
    ),
    "a merge": ({"github.event_name": "push"}, {"check", "reviewed", "plan", "deploy"}),
    "a merge that changes nothing": (
        {"github.event_name": "push", "needs.plan.outputs.changes": ""},
        {"check", "reviewed", "plan"},
    ),
    "a merge before the roles": (
        {"github.event_name": "push", "vars.STRATA_PLAN_ROLE": "", "needs.plan.outputs.changes": ""},
        {"check"},
    ),
    "a merge before the apply role": (
        {"github.event_name": "push", "vars.STRATA_APPLY_ROLE": ""},
        {"check", "reviewed", "plan"},
    ),
    "a round": (
        {"github.event_name": "push", "needs.deploy.outputs.code": "4"},
        {"check", "reviewed", "plan", "deploy", "next-round"},
    ),
    "by hand": ({"github.event_name": "workflow_dispatch"}, {"check", "plan", "deploy"}),
    "one wave": (
        {"github.event_name": "push", "vars.STRATA_WAVES": "1"},
        {"check", "reviewed", "plan", "deploy", "wave-1"},
    ),
    "two waves": (
        {"github.event_name": "push", "vars.STRATA_WAVES": "2"},
        {"check", "reviewed", "plan", "deploy", "wave-1", "wave-2"},
    ),
    "by hand on another branch": (
        {"github.event_name": "workflow_dispatch", "github.ref": "refs/heads/x", "needs.plan.outputs.changes": ""},
        {"check"},
    ),
}
"""What happens, and the jobs that it starts."""


@pytest.mark.parametrize("event", EVENTS)
def test_what_happens_starts_these_jobs(event: str) -> None:
    given, started = EVENTS[event]
    facts = {
        "github.ref": "refs/heads/main",
        "github.repository": "acme/landing-zone",
        "github.event.pull_request.head.repo.full_name": "acme/landing-zone",
        "github.event.pull_request.user.login": "jane",
        "vars.STRATA_PLAN_ROLE": "arn:plan",
        "vars.STRATA_APPLY_ROLE": "arn:apply",
        "vars.STRATA_WAVES": "",
        "needs.plan.outputs.changes": "true",
        "needs.deploy.outputs.code": "0",
        "needs.check.result": "success",
        **given,
    }
    jobs = workflow()["jobs"]

    assert {name for name, job in jobs.items() if holds(job.get("if", "true"), facts)} == started


@pytest.mark.parametrize(
    ("event", "changes", "code", "ended"),
    [
        ("pull_request", "true", "0", 0),
        ("pull_request", "true", "5", 1),
        ("push", "true", "5", 0),
        ("push", "", "5", 1),
        ("workflow_dispatch", "", "0", 0),
    ],
)
def test_a_run_that_leaves_accounts_out_does_not_end_green(event: str, changes: str, code: str, ended: int) -> None:
    """The deploy of the rest fails over them. Where there is none, the plan does, once everything is uploaded."""
    last = workflow()["jobs"]["plan"]["steps"][-1]
    condition = re.fullmatch(r"\$\{\{ (.*) \}\}", last["env"]["DEPLOYS"])
    assert condition
    deploys = holds(condition[1], {"github.event_name": event, "steps.plan.outputs.changes": changes})
    variables = {"ENDED": code, "DEPLOYS": str(deploys).lower()}

    assert subprocess.run(["bash", "-e", "-c", last["run"]], env=variables, check=False).returncode == ended


def holds(condition: str, facts: dict[str, str]) -> bool:
    """Evaluates a condition of GitHub's: comparisons of texts, joined; where no job before failed or was cancelled."""
    text = condition.replace("!failure()", "True").replace("!cancelled()", "True")
    text = re.sub(r"\b(?:github|vars|needs|steps)(?:\.[\w-]+)+", lambda found: repr(facts[found[0]]), text)
    text = text.replace("&&", " and ").replace("||", " or ").replace("true", "True")
    assert re.fullmatch(r"(?:'[^']*'|True|and|or|==|!=|[()\s])+", text), text
    return bool(eval(" ".join(text.split()), {"__builtins__": {}}))  # noqa: S307


def test_deploys_do_not_overlap_and_wait_for_the_environment() -> None:
    """From plan to deploy main is one run at a time; GitLab's approval may take long, so there the deploys are."""
    found = workflow()["concurrency"]

    assert "'pull_request' && github.ref || 'deploy'" in found["group"]
    assert found["cancel-in-progress"] == "${{ github.event_name == 'pull_request' }}"
    assert workflow("drift")["concurrency"] == {"group": "strata-drift", "cancel-in-progress": False}
    deploys = [workflow(file)["jobs"]["deploy"]["environment"] for file in ("strata", "wave")]
    assert deploys == [GithubActions().environment] * 2
    at_gitlab = gitlab()["strata-deploy"]
    assert (at_gitlab["environment"], at_gitlab["resource_group"]) == ("production", "strata")
    assert [rule["when"] for rule in at_gitlab["rules"]] == ["manual"]


def test_no_plan_leaves_a_job_but_its_list() -> None:
    """A saved plan carries its configuration: whoever applies it runs the code of who made it."""
    kept = {
        step["with"]["path"]
        for file in ("strata", "drift", "wave")
        for job in workflow(file)["jobs"].values()
        for step in job.get("steps", ())
        if step.get("uses", "").startswith("actions/upload-artifact")
    }
    at_gitlab = {path for job in gitlab().values() for path in job.get("artifacts", {}).get("paths", ())}

    texts = {f"pipeline.out/{name}" for name in ("summary.md", "changes.json", "reviewed.json", "drift.txt")}
    assert (kept, at_gitlab) == (texts, texts)


def test_gitlab_needs_its_variables_before_anything_has_credentials() -> None:
    """A job with a token for AWS has a variable of the project's in each rule, and forks have none."""
    with_token = {name: job for name, job in gitlab().items() if job.get("extends") in (".strata-aws", ".strata-wave")}
    template = with_token.pop(".strata-wave")
    rules = {name: [rule["if"] for rule in job["rules"]] for name, job in with_token.items()}
    requests = [rule for found in rules.values() for rule in found if '== "merge_request_event"' in rule]

    assert rules.keys() == {"strata-plan", "strata-deploy", "strata-drift", *(f"strata-wave-{at}" for at in (1, 2, 3))}
    assert all(re.search(r"\$STRATA_(PLAN|APPLY)_ROLE\b", rule) for found in rules.values() for rule in found)
    assert [rule for rule in requests if "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID" not in rule] == []
    assert [
        {**template, **job}["variables"].get("ROLE", template["variables"]["ROLE"]) for job in with_token.values()
    ] == [
        "$STRATA_PLAN_ROLE",
        *["$STRATA_APPLY_ROLE"] * 4,
        "$STRATA_PLAN_ROLE",
    ]


def test_the_roles_are_taken_for_as_long_as_they_last(roles: Stack) -> None:
    """A deploy of many accounts takes longer than the hour that is the default of the action."""
    jobs = workflow()["jobs"] | workflow("drift")["jobs"] | {"deploy of a wave": workflow("wave")["jobs"]["deploy"]}
    deploys = dict.fromkeys(("deploy", "deploy of a wave"), "github-apply")
    for job, role in {"plan": "github-plan", "drift": "github-plan", **deploys}.items():
        (taken,) = [step["with"] for step in jobs[job]["steps"] if "role-to-assume" in step.get("with", {})]
        variable = f"STRATA_{'APPLY' if job in deploys else 'PLAN'}_ROLE"
        assert taken["role-to-assume"] == f"${{{{ vars.{variable} }}}}"
        assert taken["role-duration-seconds"] == roles[f"aws_iam_role.{role}"]["max_session_duration"]


def test_no_job_runs_code_of_a_pull_request_that_may_write() -> None:
    """The job that comments has no checkout, and takes nothing but files; others that may write wait for the merge."""
    for name, job in workflow()["jobs"].items():
        uses = [step.get("uses", "").partition("@")[0] for step in job.get("steps", ())]
        if job["permissions"].get("pull-requests") == "write":
            assert uses == ["actions/download-artifact", ""], name
            assert not re.search(r"\.venv|\bmake\b|pipeline/", str(job))
        elif "write" in {job["permissions"].get(what) for what in ("actions", "contents", "issues")}:
            assert name not in EVENTS["a pull request"][1]


def comment(tmp_path: Path, content: bytes | Path, artifact: str = "summary-plan") -> tuple[int, str]:
    """Runs the step that comments as GitHub does, with a gh that prints what it is given."""
    (step,) = [step for step in workflow()["jobs"]["comment"]["steps"] if "run" in step]
    (tmp_path / artifact).mkdir()
    file = tmp_path / artifact / "summary.md"
    file.symlink_to(content) if isinstance(content, Path) else file.write_bytes(content)
    gh = tmp_path / "bin/gh"
    gh.parent.mkdir()
    gh.write_text("#!/bin/sh\ncat\n")
    gh.chmod(0o755)
    done = subprocess.run(
        ["bash", "-e", "-c", step["run"]],
        env={
            "FILES": str(tmp_path),
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
def test_without_a_plan_the_comment_is_that_of_the_check(tmp_path: Path) -> None:
    assert comment(tmp_path, b"# Changes\n", "summary-check") == (0, "# Changes\n")


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
