"""Roles that GitHub Actions assumes without a key: to plan, and to deploy from the main branch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from cdktf_cdktf_provider_aws.iam_openid_connect_provider import IamOpenidConnectProvider
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment

from stacks.base import BaseStack, ignore_changes, policy_json
from stacks.security.controls import Controls
from strata.config.layers import READER
from strata.config.models import PARTITION, GithubActions, Mode
from strata.landing_zone.permissions import permissions

ISSUER = "token.actions.githubusercontent.com"
READER_WAS = "aws_iam_role_policy_attachment.github-plan"
"""ReadOnlyAccess, which the planning role had before it got its own policy."""


def github(stack: Controls, control: GithubActions) -> None:
    """Makes the identity provider and both roles, whose ARNs are outputs.

    Anyone who may change permission sets can get every permission, so the role that deploys is an administrator's
    and says so. It trusts one environment and branch of one repository. The role that plans trusts the branch and all
    pull requests of the repository, so it reads the states and what a plan compares them with, and nothing else.
    """
    roles = stack.make(control, partial(_build, stack, control)) or {}
    if control.mode is Mode.UNMANAGED:
        stack.remove_from_state(READER_WAS)
    for job, role in roles.items():
        stack.output(f"github_{job}_role", role.arn, description=f"Role that GitHub Actions assumes to {job}")


def _build(stack: Controls, github: GithubActions) -> dict[str, IamRole]:
    provider = stack.add(
        IamOpenidConnectProvider,
        "github",
        url=f"https://{ISSUER}",
        client_id_list=["sts.amazonaws.com"],
        lifecycle=ignore_changes("tags"),
    )
    branch = f"ref:refs/heads/{github.branch}"
    plan = _role(stack, github, "plan", _trust(provider.arn, github, [branch, "pull_request"]))
    reader = permissions(stack.project)[READER].text
    stack.add(IamRolePolicy, "github-plan", name="reader", role=plan.name, policy=reader)
    # The subject names the environment and no branch; the environment may be open to others than this branch.
    deploy = _trust(provider.arn, github, [f"environment:{github.environment}"], ref=f"refs/heads/{github.branch}")
    apply = _role(stack, github, "apply", deploy)
    administrator = f"arn:{PARTITION}:iam::aws:policy/AdministratorAccess"
    stack.add(IamRolePolicyAttachment, "github-apply", role=apply.name, policy_arn=administrator)
    return {"plan": plan, "apply": apply}


def _role(stack: BaseStack, github: GithubActions, job: str, trust: Mapping[str, Any]) -> IamRole:
    command = "plan" if job == "plan" else "deploy"
    return stack.add(
        IamRole,
        f"github-{job}",
        name=f"{stack.project.short_name}-strata-github-{job}",
        description=f"GitHub Actions of {github.repository}: strata {command}",
        max_session_duration=7200,
        assume_role_policy=policy_json(trust),
    )


def _trust(provider_arn: str, github: GithubActions, contexts: Sequence[str], **claims: str) -> dict[str, Any]:
    """Trusts tokens of the repository by its number, which no other repository ever gets.

    Newer repositories have the numbers in the subject as well, and all take them up when they are renamed.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
    https://github.blog/changelog/2026-04-23-immutable-subject-claims-for-github-actions-oidc-tokens
    """
    owner, _, name = github.repository.partition("/")
    prefixes = (f"repo:{owner}/{name}", f"repo:{owner}@{github.owner_id}/{name}@{github.repository_id}")
    wanted: dict[str, str | list[str]] = {
        "aud": "sts.amazonaws.com",
        "sub": sorted(f"{prefix}:{context}" for prefix in prefixes for context in contexts),
        "repository_id": github.repository_id,
        **claims,
    }
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Federated": provider_arn},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {"StringEquals": {f"{ISSUER}:{claim}": value for claim, value in wanted.items()}},
            }
        ],
    }
