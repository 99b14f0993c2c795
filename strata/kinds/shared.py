"""Terraform resources that things of several kinds have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from strata.kinds.arguments import Attributes
from strata.kinds.kind import AlreadyExists, Ask, Resource
from strata.kinds.reading import KEPT, PROVIDERS, BulkReading, same_text, tags

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
        arn="arn:{partition}:s3:::{bucket}",
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


def _rule(reading: BulkReading, attributes: Attributes) -> Attributes | None:
    name = str(attributes.get("name"))
    rule = reading.rules.get(name)
    if rule is None:
        return None
    described = rule.described
    return {
        "id": name,
        "name": name,
        "description": described.get("Description"),
        "event_bus_name": described.get("EventBusName"),
        "event_pattern": same_text(described.get("EventPattern"), attributes.get("event_pattern")),
        "role_arn": described.get("RoleArn"),
        "schedule_expression": described.get("ScheduleExpression"),
        "state": described.get("State"),
        "is_enabled": described.get("State") != "DISABLED",
        **tags(attributes, rule.tags),
        "force_destroy": KEPT,
        "name_prefix": KEPT,
        **PROVIDERS,
        "arn": described.get("Arn"),
    }


def _target(reading: BulkReading, attributes: Attributes) -> Attributes | None:
    rule, id = str(attributes.get("rule")), attributes.get("target_id")
    read_rule = reading.rules.get(rule)
    described = next((target for target in read_rule.targets if target["Id"] == id), None) if read_rule else None
    if read_rule is None or described is None:
        return None
    transformer = described.get("InputTransformer")
    read = {
        "arn": described["Arn"],
        "input": described.get("Input"),
        "input_path": described.get("InputPath"),
        "input_transformer": transformer
        and [{"input_paths": transformer.get("InputPathsMap"), "input_template": transformer.get("InputTemplate")}],
        "role_arn": described.get("RoleArn"),
    }
    # Parameters of other kinds of targets: an alert has none, and where AWS has one the target is not covered.
    others = {name: value for name, value in attributes.items() if not value and name not in read}
    if described.keys() - {"Id", "Arn", "Input", "InputPath", "InputTransformer", "RoleArn"}:
        others = {}
    return {
        **others,
        **read,
        "id": f"{rule}-{id}",
        "rule": rule,
        "target_id": id,
        "event_bus_name": read_rule.described.get("EventBusName"),
        "force_destroy": KEPT,
        "region": KEPT,
    }


RULE = (
    Resource("aws_cloudwatch_event_rule", "[<rule name>/]<rule name>[@<region>]", reads=_rule),
    Resource("aws_cloudwatch_event_target", "[<rule name>/]<rule name>/<target id>[@<region>]", reads=_target),
)
