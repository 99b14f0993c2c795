"""Terraform resources that things of several kinds have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from strata.kinds.kind import AlreadyExists, Ask, Resource

CONFLICT = "ConflictException"
"""What Identity Center and Access Analyzer say; the provider waits some 50 minutes for the former to go."""


def _role_of_member(ask: Ask) -> object:
    """Returns the role of that name in a member account: who approves a plan sees what becomes of it."""
    if ask.account == ask.project.management_account.id:
        return None
    return ask.unless_absent(partial(ask.client("iam").get_role, RoleName=ask.values["name"]))


ROLE = Resource(
    "aws_iam_role", "<role name>", existing=AlreadyExists("EntityAlreadyExists", "{name}", early=_role_of_member)
)
ROLE_POLICY = Resource("aws_iam_role_policy", "<role name>:<policy name>", existing=AlreadyExists(id="{role}:{name}"))
ROLE_ATTACHMENT = Resource(
    "aws_iam_role_policy_attachment", "<role name>/<policy ARN>", existing=AlreadyExists(id="{role}/{policy_arn}")
)


def _provider(ask: Ask) -> str | None:
    """Returns the ARN of an identity provider: an account has one for an issuer, whoever uses it."""
    providers = ask.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
    issuer = ask.values["url"].removeprefix("https://")
    return next((str(each["Arn"]) for each in providers if each["Arn"].partition(":oidc-provider/")[2] == issuer), None)


IDENTITY_PROVIDER = Resource(
    "aws_iam_openid_connect_provider",
    "<provider ARN>",
    existing=AlreadyExists("EntityAlreadyExists", _provider, early=_provider),
)

_BUCKET = "<bucket>[@<region>]"
BUCKET = (
    Resource(
        "aws_s3_bucket",
        _BUCKET,
        existing=AlreadyExists("BucketAlreadyOwnedByYou|BucketAlreadyExists", "{bucket}", regional=True),
    ),
    Resource("aws_s3_bucket_lifecycle_configuration", _BUCKET),
    Resource("aws_s3_bucket_ownership_controls", _BUCKET),
    Resource("aws_s3_bucket_policy", _BUCKET),
    Resource("aws_s3_bucket_public_access_block", _BUCKET),
    Resource("aws_s3_bucket_server_side_encryption_configuration", _BUCKET),
)
VERSIONING = Resource("aws_s3_bucket_versioning", _BUCKET)
REPLICATION = Resource("aws_s3_bucket_replication_configuration", _BUCKET)


def named(resources: Iterable[Resource], name: str) -> Iterator[str]:
    """Yields the addresses of some resources of a name."""
    return (f"{resource.type}.{name}" for resource in resources)


# Rules of EventBridge


RULE = (
    Resource("aws_cloudwatch_event_rule", "[<rule name>/]<rule name>[@<region>]"),
    Resource("aws_cloudwatch_event_target", "[<rule name>/]<rule name>/<target id>[@<region>]"),
)
