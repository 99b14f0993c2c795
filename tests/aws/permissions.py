"""Which calls the policies of a caller allow, where it has some: all else is refused as AWS does it.

An operation is the action of its name but for those below, and some need more: the tags of a new thing are an action,
a role that is passed is one, and so is a call that AWS makes in the name of the caller.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from moto.backends import get_backend
from moto.s3.models import s3_backends

from strata.policy.documents import parse
from strata.policy.layers import PolicyLayer
from strata.policy.reference import reference
from strata.policy.requests import Context, Request, RequestPrincipal
from tests.aws import memory
from tests.aws.calls import Call, Refused, order
from tests.aws.organizations import is_member

CALLER = "arn:aws:sts::{account}:assumed-role/deployer/session"
_PREFIXES = {
    "accessanalyzer": "access-analyzer",
    "emr": "elasticmapreduce",
    "s3control": "s3",
    "service-quotas": "servicequotas",
    "sso-admin": "sso",
}
ACTIONS = {
    "resourcegroupstaggingapi:GetResources": "tag:GetResources",
    "budgets:CreateBudget": "budgets:ModifyBudget",
    "budgets:CreateNotification": "budgets:ModifyBudget",
    "budgets:CreateSubscriber": "budgets:ModifyBudget",
    "budgets:DeleteBudget": "budgets:ModifyBudget",
    "budgets:DeleteNotification": "budgets:ModifyBudget",
    "budgets:DeleteSubscriber": "budgets:ModifyBudget",
    "budgets:DescribeBudget": "budgets:ViewBudget",
    "budgets:DescribeBudgets": "budgets:ViewBudget",
    "budgets:DescribeNotificationsForBudget": "budgets:ViewBudget",
    "budgets:DescribeSubscribersForNotification": "budgets:ViewBudget",
    "budgets:UpdateBudget": "budgets:ModifyBudget",
    "budgets:UpdateNotification": "budgets:ModifyBudget",
    "budgets:UpdateSubscriber": "budgets:ModifyBudget",
    "s3:DeleteBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:DeleteBucketLifecycle": "s3:PutLifecycleConfiguration",
    "s3:DeleteBucketOwnershipControls": "s3:PutBucketOwnershipControls",
    "s3:DeleteBucketReplication": "s3:PutReplicationConfiguration",
    "s3:DeletePublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:GetBucketAccelerateConfiguration": "s3:GetAccelerateConfiguration",
    "s3:GetBucketCors": "s3:GetBucketCORS",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:GetBucketReplication": "s3:GetReplicationConfiguration",
    "s3:GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:ListObjects": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "s3:PutBucketReplication": "s3:PutReplicationConfiguration",
    "s3:PutObjectLockConfiguration": "s3:PutBucketObjectLockConfiguration",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3control:DeletePublicAccessBlock": "s3:PutAccountPublicAccessBlock",
    "s3control:GetPublicAccessBlock": "s3:GetAccountPublicAccessBlock",
    "s3control:PutPublicAccessBlock": "s3:PutAccountPublicAccessBlock",
}
_WITHOUT_PERMISSION = frozenset({"sts:GetCallerIdentity"})
_TAGS = {
    "access-analyzer:CreateAnalyzer": ("tags", "access-analyzer:TagResource"),
    "budgets:CreateBudget": ("ResourceTags", "budgets:TagResource"),
    "ce:CreateAnomalyMonitor": ("ResourceTags", "ce:TagResource"),
    "ce:CreateAnomalySubscription": ("ResourceTags", "ce:TagResource"),
    "cloudtrail:CreateTrail": ("TagsList", "cloudtrail:AddTags"),
    "config:PutConfigurationAggregator": ("Tags", "config:TagResource"),
    "dynamodb:CreateTable": ("Tags", "dynamodb:TagResource"),
    "events:PutRule": ("Tags", "events:TagResource"),
    "guardduty:CreateDetector": ("Tags", "guardduty:TagResource"),
    "iam:CreateRole": ("Tags", "iam:TagRole"),
    "kms:CreateKey": ("Tags", "kms:TagResource"),
    "organizations:CreateAccount": ("Tags", "organizations:TagResource"),
    "organizations:CreateOrganizationalUnit": ("Tags", "organizations:TagResource"),
    "organizations:CreatePolicy": ("Tags", "organizations:TagResource"),
    "sns:CreateTopic": ("Tags", "sns:TagResource"),
    "ssm:PutParameter": ("Tags", "ssm:AddTagsToResource"),
    "sso:CreatePermissionSet": ("Tags", "sso:TagResource"),
}
"""The parameter with the tags of what an operation makes, and the action that they are."""

_UNNAMED = frozenset({"organizations:CreateOrganizationalUnit", "organizations:CreatePolicy"})
"""Actions that are held against `*`: what they make has no ARN yet."""

_SERVICE_ROLES = {
    "access-analyzer:CreateAnalyzer": "access-analyzer",
    "cloudtrail:CreateTrail": "cloudtrail",
    "guardduty:CreateDetector": "guardduty",
    "organizations:CreateOrganization": "organizations",
    "ram:EnableSharingWithAwsOrganization": "ram",
}
"""The service whose role an operation makes in the name of the caller."""


_OF_ORGANIZATIONS = {
    "guardduty:DisableOrganizationAdminAccount": ("organizations:DeregisterDelegatedAdministrator",),
    "guardduty:EnableOrganizationAdminAccount": (
        "organizations:EnableAWSServiceAccess",
        "organizations:RegisterDelegatedAdministrator",
    ),
    "ram:EnableSharingWithAwsOrganization": ("organizations:EnableAWSServiceAccess",),
}
"""What an operation does to the organization in the name of the caller."""


class Need(NamedTuple):
    """An action on a resource that somebody has to be allowed, with what a condition may test."""

    action: str
    resource: str = "*"
    keys: Mapping[str, str | tuple[str, ...]] = {}


def needs(call: Call) -> Iterator[Need]:
    """Yields all that a call needs to be allowed."""
    operation = f"{_PREFIXES.get(call.service, call.service)}:{call.operation}"
    action = ACTIONS.get(call.action, operation)
    if action in _WITHOUT_PERMISSION or _nowhere(call) or (is_member(call.account) and not _of_role(call)):
        return  # the access role of a member account may do everything
    for resource in _resources(call, action):
        yield Need(action, resource, _keys(call, resource))
    parameter, tagging = _TAGS.get(operation, ("", ""))
    settings = call.parameters.get("CreateBucketConfiguration") or {}
    if parameter and call.parameters.get(parameter):
        yield from (Need(tagging, resource) for resource in _made(call, action))
    if operation == "s3:CreateBucket" and settings.get("Tags"):
        yield Need("s3:TagResource", f"arn:aws:s3:::{call['Bucket']}")
    if service := _SERVICE_ROLES.get(operation):
        role = f"arn:aws:iam::{call.account}:role/aws-service-role/{service}.amazonaws.com/AWSServiceRoleFor"
        yield Need("iam:CreateServiceLinkedRole", role)
    yield from map(Need, _OF_ORGANIZATIONS.get(operation, ()))
    if operation == "s3:PutBucketReplication":
        passed = call["ReplicationConfiguration"]["Role"]
        yield Need("iam:PassRole", passed, {"iam:PassedToService": "s3.amazonaws.com"})
    if operation == "events:PutTargets":
        for role in {target["RoleArn"] for target in call["Targets"] if target.get("RoleArn")}:
            yield Need("iam:PassRole", role, {"iam:PassedToService": "events.amazonaws.com"})
    if operation in ("config:PutConfigurationAggregator", "config:PutConfigurationRecorder"):
        source = call.parameters.get("OrganizationAggregationSource") or {}
        role = source.get("RoleArn") or call.parameters.get("ConfigurationRecorder", {}).get("roleARN")
        yield Need("iam:PassRole", role, {"iam:PassedToService": "config.amazonaws.com"})


def _nowhere(call: Call) -> bool:
    """Says whether a bucket does not exist, which S3 tells everybody."""
    name = call.parameters.get("Bucket") if call.service == "s3" and call.operation != "CreateBucket" else None
    return name is not None and name not in s3_backends.bucket_accounts


# Resources


def _resources(call: Call, action: str) -> list[str]:
    """Returns the ARNs that an action is about; `*` where it knows no resources, or the thing is not there yet."""
    service, _, name = action.partition(":")
    found = reference().service(service)
    known = found.action(name) if found else None
    if known is None or not known.resource_types or service not in _RESOURCES or action in _UNNAMED:
        return ["*"]
    return list(_RESOURCES[service](call)) or ["*"]


def _made(call: Call, action: str) -> list[str]:
    """Returns the ARN of what an operation makes, as far as its name is known."""
    new = {
        "ce:CreateAnomalyMonitor": f"arn:aws:ce::{call.account}:anomalymonitor/new",
        "ce:CreateAnomalySubscription": f"arn:aws:ce::{call.account}:anomalysubscription/new",
        "kms:CreateKey": f"arn:aws:kms:{call.region}:{call.account}:key/new",
    }
    return [new[action]] if action in new else _resources(call, action)


def _s3(call: Call) -> Iterator[str]:
    if "Bucket" in call.parameters:
        yield f"arn:aws:s3:::{call['Bucket']}" + (f"/{call['Key']}" if "Key" in call.parameters else "")
    elif arn := call.parameters.get("ResourceArn"):
        yield arn


def _dynamodb(call: Call) -> Iterator[str]:
    if table := call.parameters.get("TableName"):
        yield f"arn:aws:dynamodb:{call.region}:{call.account}:table/{table}"
    elif arn := call.parameters.get("ResourceArn"):
        yield arn


def _kms(call: Call) -> Iterator[str]:
    of = f"arn:aws:kms:{call.region}:{call.account}:"
    if alias := call.parameters.get("AliasName"):
        yield f"{of}{alias}"
    for parameter in ("KeyId", "TargetKeyId"):
        if key := call.parameters.get(parameter):
            yield key if key.startswith("arn:") else f"{of}key/{_key_of(call, key)}"


def _key_of(call: Call, name: str) -> str:
    kept = get_backend("kms")[call.account][call.region]
    return str(kept.get_key_id_from_alias(name)) if name.startswith("alias/") else name


def _iam(call: Call) -> Iterator[str]:
    of = f"arn:aws:iam::{call.account}:"
    if service := call.parameters.get("AWSServiceName"):
        yield f"{of}role/aws-service-role/{service}/AWSServiceRoleFor"
    elif name := call.parameters.get("RoleName"):
        roles = get_backend("iam")[call.account]["aws"].roles.values()
        known = next((role.arn for role in roles if role.name == name), None)
        yield known or f"{of}role{call.parameters.get('Path') or '/'}{name}"
    elif arn := call.parameters.get("OpenIDConnectProviderArn"):
        yield arn
    elif url := call.parameters.get("Url"):
        yield f"{of}oidc-provider/{url.removeprefix('https://')}"
    elif task := call.parameters.get("DeletionTaskId"):
        yield f"{of}role/{task.removeprefix('task/').rpartition('/')[0]}"


def _cloudtrail(call: Call) -> Iterator[str]:
    name = next((call.parameters[one] for one in ("Name", "TrailName", "ResourceId") if one in call.parameters), None)
    for one in [name] if name else call.parameters.get("ResourceIdList") or ():
        yield one if one.startswith("arn:") else f"arn:aws:cloudtrail:{call.region}:{call.account}:trail/{one}"


def _sns(call: Call) -> Iterator[str]:
    if name := call.parameters.get("Name"):
        yield f"arn:aws:sns:{call.region}:{call.account}:{name}"
    for parameter in ("TopicArn", "ResourceArn", "SubscriptionArn"):
        if arn := call.parameters.get(parameter):
            yield ":".join(arn.split(":")[:6])


def _events(call: Call) -> Iterator[str]:
    if name := call.parameters.get("Rule") or call.parameters.get("Name"):
        yield f"arn:aws:events:{call.region}:{call.account}:rule/{name}"
    elif arn := call.parameters.get("ResourceARN"):
        yield arn


def _organizations(call: Call) -> Iterator[str]:
    ids = ("AccountId", "DestinationParentId", "OrganizationalUnitId", "ParentId", "PolicyId", "ResourceId", "RootId")
    for parameter in (*ids, "SourceParentId", "TargetId"):
        if id := call.parameters.get(parameter):
            kind = {"o": "ou", "p": "policy", "r": "root"}.get(id[0], "account")
            kind = f"{kind}/o-example0000" + ("/service_control_policy" if kind == "policy" else "")
            owner = "aws" if id.startswith(("p-FullAWSAccess", "p-RCPFullAWSAccess")) else call.account
            yield f"arn:aws:organizations::{owner}:{kind}/{id}"


def _account(call: Call) -> Iterator[str]:
    member = call.parameters.get("AccountId")
    yield f"arn:aws:account::{call.account}:account" + (f"/o-example0000/{member}" if member else "")


def _budgets(call: Call) -> Iterator[str]:
    name = (call.parameters.get("Budget") or call.parameters.get("NewBudget") or call.parameters).get("BudgetName")
    if name:
        yield f"arn:aws:budgets::{call.account}:budget/{name}"
    elif arn := call.parameters.get("ResourceARN"):
        yield arn


def _ce(call: Call) -> Iterator[str]:
    for parameter in ("MonitorArn", "SubscriptionArn", "ResourceArn"):
        if arn := call.parameters.get(parameter):
            yield arn


def _access_analyzer(call: Call) -> Iterator[str]:
    if name := call.parameters.get("analyzerName"):
        yield f"arn:aws:access-analyzer:{call.region}:{call.account}:analyzer/{name}"
    elif arn := call.parameters.get("resourceArn"):
        yield arn


def _identitystore(call: Call) -> Iterator[str]:
    yield f"arn:aws:identitystore::{call.account}:identitystore/{call['IdentityStoreId']}"
    member = call.parameters.get("MemberId") or {}
    for kind, id in {
        "user": call.parameters.get("UserId") or member.get("UserId"),
        "group": call.parameters.get("GroupId"),
        "membership": call.parameters.get("MembershipId"),
    }.items():
        if id:
            yield f"arn:aws:identitystore:::{kind}/{id}"


def _ssm(call: Call) -> Iterator[str]:
    if name := call.parameters.get("Name") or call.parameters.get("ResourceId"):
        yield f"arn:aws:ssm:{call.region}:{call.account}:parameter/{name.removeprefix('/')}"


def _sso(call: Call) -> Iterator[str]:
    instance = call.parameters.get("InstanceArn")
    tagged = call.parameters.get("ResourceArn")
    if tagged:
        yield tagged
    elif instance:
        yield instance
        if call.operation == "CreatePermissionSet":
            yield instance.replace(":instance/", ":permissionSet/") + "/new"
    if arn := call.parameters.get("PermissionSetArn"):
        yield arn
    if account := call.parameters.get("TargetId") or call.parameters.get("AccountId"):
        yield f"arn:aws:sso:::account/{account}"


def _sts(call: Call) -> Iterator[str]:
    if role := call.parameters.get("RoleArn"):
        yield role


_RESOURCES: Mapping[str, Callable[[Call], Iterator[str]]] = {
    "access-analyzer": _access_analyzer,
    "account": _account,
    "budgets": _budgets,
    "ce": _ce,
    "cloudtrail": _cloudtrail,
    "dynamodb": _dynamodb,
    "events": _events,
    "iam": _iam,
    "identitystore": _identitystore,
    "kms": _kms,
    "organizations": _organizations,
    "s3": _s3,
    "sns": _sns,
    "ssm": _ssm,
    "sso": _sso,
    "sts": _sts,
}


def _keys(call: Call, resource: str) -> dict[str, str | tuple[str, ...]]:
    """Returns the condition keys of services that a document of Strata's tests."""
    if call.service == "dynamodb":
        written = call.parameters.get("Key") or call.parameters.get("Item") or {}
        return {"dynamodb:LeadingKeys": (written["LockID"]["S"],)} if "LockID" in written else {}
    if call.service == "kms" and ":key/" in resource:
        key = get_backend("kms")[call.account][call.region].keys.get(resource.rpartition("/")[2])
        return {"kms:ResourceAliases": tuple(sorted(key.aliases))} if key and key.aliases else {}
    return {}


# The answer


@dataclass
class Allowed:
    """The policies of the caller; none allow everything."""

    documents: list[str] = field(default_factory=list)


@order("permissions")
def allow(documents: list[str]) -> None:
    """Gives the caller these policies and no other."""
    memory.of(Allowed, "", "").documents = documents


def check(needed: Iterable[Need], call: Call) -> None:
    """Refuses a call that the policies do not allow, in the words of its service."""
    documents = _of_role(call) if is_member(call.account) else tuple(memory.of(Allowed, "", "").documents)
    for need in needed if documents else ():
        request = Request(
            RequestPrincipal("*"), need.action, need.resource, context=Context(dict(need.keys), complete=True)
        )
        if _layer(documents).judge(request).allows is not True:
            raise _denied(call, need)


def _of_role(call: Call) -> tuple[str, ...]:
    """Returns the inline policies of the role in a member account that calls; one without any may do everything."""
    roles = get_backend("iam")[call.account]["aws"].roles.values() if call.role else ()
    return next((tuple(role.policies.values()) for role in roles if role.arn == call.role), ())


@functools.cache
def _layer(documents: tuple[str, ...]) -> PolicyLayer:
    parsed = (parse(text, f"policy {number}") for number, text in enumerate(documents, 1))
    return PolicyLayer("identity policies", tuple(parsed))


_CODES = {
    "ec2": "UnauthorizedOperation",
    "iam": "AccessDenied",
    "s3": "AccessDenied",
    "s3control": "AccessDenied",
    "sns": "AuthorizationError",
    "sts": "AccessDenied",
}
"""The code of a denial where it is not AccessDeniedException."""


def _denied(call: Call, need: Need) -> Refused:
    """Returns the refusal; Organizations does not name the action, and SNS writes its name in capitals."""
    action = need.action.replace("sns:", "SNS:") if call.service == "sns" else need.action
    on = "" if need.resource == "*" and call.service not in ("ce", "cloudtrail") else f" on resource: {need.resource}"
    said = (
        f"User: {call.role or CALLER.format(account=call.account)} is not authorized to perform: {action}{on} "
        f"because no identity-based policy allows the {action} action"
    )
    if call.service == "ec2":
        said = f"You are not authorized to perform this operation. {said}"
    if call.service == "organizations" and need.action.startswith("organizations:"):
        said = "You don't have permissions to access this resource."
    status = 403 if call.service in (*_CODES, "account", "accessanalyzer") else 400
    return Refused(_CODES.get(call.service, "AccessDeniedException"), re.sub(r"\s+", " ", said), status=status)
