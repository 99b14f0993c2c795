"""IAM roles in a member account, and the identity providers of those that jobs assume without a key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from cdktf_cdktf_provider_aws.iam_openid_connect_provider import IamOpenidConnectProvider
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment

from stacks.account import AccountStack
from stacks.base import leaving, policy_json, resource_name
from strata.config.baseline import GithubTrust, GitlabTrust, MemberRole, Trust
from strata.config.models import PARTITION, Boundary, Mode, PolicyReference
from strata.config.text import address_part
from strata.landing_zone.permission_sets import AWS_MANAGED

GITHUB, GITLAB = "token.actions.githubusercontent.com", "gitlab.com"
PROVIDERS = {"github": (GITHUB, "sts.amazonaws.com"), "gitlab": (GITLAB, "https://gitlab.com")}
"""Issuer and audience of their tokens, by the word of a trust."""
Statement: TypeAlias = dict[str, Any]


def roles(stack: AccountStack, declared: Mapping[str, MemberRole]) -> None:
    """Makes the roles that are on, deletes those that are off, and forgets those that are unmanaged.

    An account has one identity provider for an issuer, whoever uses it: it stays when its last role goes.
    """
    for name, role in sorted(declared.items()):
        if role.mode is Mode.UNMANAGED:
            with stack.removing_from_state():
                _role(stack, name, role)
        elif role.on:
            _role(stack, name, role)
    trusts = [role.trust for role in declared.values() if role.trust and role.on]
    for word, (issuer, audience) in PROVIDERS.items():
        if any(getattr(trust, word) for trust in trusts):
            stack.add(
                IamOpenidConnectProvider,
                word,
                url=f"https://{issuer}",
                client_id_list=[audience],
                lifecycle=leaving("tags"),
            )
        else:
            stack.remove_from_state(f"aws_iam_openid_connect_provider.{word}")


def _role(stack: AccountStack, name: str, role: MemberRole) -> None:
    made = stack.add(
        IamRole,
        name,
        name=name,
        description=role.description or None,
        max_session_duration=role.session_hours * 3600,
        permissions_boundary=_arn(stack, role.boundary) if role.boundary else None,
        assume_role_policy=_trust(stack, role.trust) if role.trust else "",
    )
    for policy in role.policies:
        part = resource_name(name, address_part(policy.aws or policy.customer or "inline"))
        if policy.inline:
            document = stack.account.document(policy.inline)
            stack.add(IamRolePolicy, part, name="inline", role=stack.expression(made, "name"), policy=document)
        else:
            stack.add(
                IamRolePolicyAttachment, part, role=stack.expression(made, "name"), policy_arn=_arn(stack, policy)
            )


def _arn(stack: AccountStack, policy: PolicyReference | Boundary) -> str:
    if policy.aws:
        return f"{AWS_MANAGED}{policy.aws}"
    return f"arn:{PARTITION}:iam::{stack.account_id}:policy{policy.path or '/'}{policy.customer}"


def _trust(stack: AccountStack, trust: Trust) -> str:
    if trust.account:
        account = stack.account.id_of(trust.account)
        own: Statement = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:{PARTITION}:iam::{account}:root"},
            "Action": "sts:AssumeRole",
        }
        if trust.role:
            own["Condition"] = {"ArnEquals": {"aws:PrincipalArn": f"arn:{PARTITION}:iam::{account}:role/{trust.role}"}}
        return policy_json({"Version": "2012-10-17", "Statement": [own]})
    issuer, audience = PROVIDERS["github" if trust.github else "gitlab"]
    claims = _of_github(trust.github) if trust.github else _of_gitlab(trust.gitlab) if trust.gitlab else {}
    conditions = {f"{issuer}:{claim}": value for claim, value in {"aud": audience, **claims}.items()}
    federated = {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:{PARTITION}:iam::{stack.account_id}:oidc-provider/{issuer}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": conditions},
    }
    return policy_json({"Version": "2012-10-17", "Statement": [federated]})


def _of_github(github: GithubTrust) -> dict[str, str | list[str]]:
    """Returns the claims of the jobs; newer repositories have the numbers in the subject as well."""
    owner, _, name = github.repository.partition("/")
    context = f"environment:{github.environment}" if github.environment else f"ref:refs/heads/{github.branch}"
    prefixes = (f"repo:{owner}/{name}", f"repo:{owner}@{github.owner_id}/{name}@{github.repository_id}")
    claims: dict[str, str | list[str]] = {
        "sub": [f"{prefix}:{context}" for prefix in prefixes],
        "repository_id": github.repository_id,
    }
    return {**claims, "ref": f"refs/heads/{github.branch}"} if github.branch else claims


def _of_gitlab(gitlab: GitlabTrust) -> dict[str, str | list[str]]:
    """Returns the subject of the jobs: https://docs.gitlab.com/ci/cloud_services/#configure-a-conditional-role-with-oidc-claims."""
    return {"sub": f"project_path:{gitlab.project}:ref_type:branch:ref:{gitlab.branch}"}
