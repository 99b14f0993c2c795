"""Roles that GitHub Actions assumes without a key: one that plans, one that deploys from the main branch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stacks.base import Layer, policy_json

from cdktf_cdktf_provider_aws.iam_openid_connect_provider import IamOpenidConnectProvider
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment

from strata.config.models import PARTITION, GithubActions

ISSUER = "token.actions.githubusercontent.com"

ADDRESSES = (
    "aws_iam_openid_connect_provider.github",
    *(
        f"{kind}.github-{job}"
        for kind in ("aws_iam_role", "aws_iam_role_policy_attachment")
        for job in ("plan", "apply")
    ),
)


def github_roles(layer: Layer, github: GithubActions) -> dict[str, str]:
    """Makes the identity provider and both roles; returns their ARNs by job.

    Whoever may change permission sets can give themselves everything, so the role that deploys is an administrator's
    and says so. It trusts one branch of one repository, the one that plans pull requests as well.
    """
    provider = layer.add(
        IamOpenidConnectProvider, "github", url=f"https://{ISSUER}", client_id_list=["sts.amazonaws.com"]
    )
    branch = f"repo:{github.repository}:ref:refs/heads/{github.branch}"
    jobs = {
        "plan": ("ReadOnlyAccess", [branch, f"repo:{github.repository}:pull_request"]),
        "apply": ("AdministratorAccess", [branch]),
    }
    arns: dict[str, str] = {}
    for job, (policy, subjects) in jobs.items():
        name = f"github-{job}"
        role = layer.add(
            IamRole,
            name,
            name=f"{layer.project.short_name}-strata-{name}",
            description=f"GitHub Actions of {github.repository}: strata deploy{' --plan' if job == 'plan' else ''}",
            max_session_duration=7200,
            assume_role_policy=policy_json(_trust(provider.arn, subjects)),
        )
        managed = f"arn:{PARTITION}:iam::aws:policy/{policy}"
        layer.add(IamRolePolicyAttachment, name, role=role.name, policy_arn=managed)
        arns[job] = role.arn
    return arns


def _trust(provider_arn: str, subjects: Sequence[str]) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Federated": provider_arn},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": sorted(subjects)}
                },
            }
        ],
    }
