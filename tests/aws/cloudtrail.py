"""Trails: what CreateTrail asks of the organization and of the bucket, deletion by ARN; and the event history."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

from moto.cloudtrail.models import CloudTrailBackend, cloudtrail_backends
from moto.kms.models import kms_backends

from strata.kinds import KINDS
from tests.aws import memory
from tests.aws.calls import Call, Parameters, Refused, Service, mend, page
from tests.aws.center import Center
from tests.aws.organizations import creation, require_trust_seen
from tests.aws.s3 import bucket_of

cloudtrail = Service("cloudtrail")
_NOT_SEEN = (
    "The request could not be processed because your organization hasn't enabled CloudTrail service access. Enable "
    "service access for CloudTrail, and then try again."
)
"""https://github.com/hashicorp/terraform-provider-aws/issues/31401"""


@cloudtrail.answers("CreateTrail", "UpdateTrail")
def trail(call: Call) -> None:
    if call.action.endswith(":CreateTrail") and call["Name"] in cloudtrail_backends[call.account][call.region].trails:
        raise Refused(
            "TrailAlreadyExistsException", f"Trail {call['Name']} already exists for customer: {call.account}"
        )
    if call.parameters.get("IsOrganizationTrail"):
        code = "CloudTrailAccessNotEnabledException"
        require_trust_seen("cloudtrail.amazonaws.com", code, _NOT_SEEN, call.account)
    bucket = call.parameters.get("S3BucketName")
    if bucket:
        name = call["Name"].split("/")[-1]
        trail = f"arn:aws:cloudtrail:{call.region}:{call.account}:trail/{name}"
        _may_write(call, bucket, trail)
        if key := call.parameters.get("KmsKeyId"):
            _may_encrypt(call, key, trail)


def _may_write(call: Call, name: str, trail: str) -> None:
    """Raises unless the bucket's policy lets this trail look at the bucket and write below AWSLogs/.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
    """
    bucket = bucket_of(name)
    if bucket is None:
        raise Refused("S3BucketDoesNotExistException", f"S3 bucket {name} does not exist!")
    statements = json.loads(bucket.policy or b"{}").get("Statement", [])
    allowed = [each for each in statements if _is_for_trail(each, trail)]
    prefixes = [f"AWSLogs/{call.account}/"]
    if call.parameters.get("IsOrganizationTrail"):
        from tests.aws.organizations import _backend

        organization = _backend(call.account).org
        prefixes.append(f"AWSLogs/{organization.id if organization else ''}/")
    can_look = any("s3:GetBucketAcl" in _all(each["Action"]) for each in allowed)
    written = [r for each in allowed if "s3:PutObject" in _all(each["Action"]) for r in _all(each["Resource"])]
    if not can_look or not all(any(f":::{name}/{prefix}" in r for r in written) for prefix in prefixes):
        raise Refused(
            "InsufficientS3BucketPolicyException", f"Incorrect S3 bucket policy is detected for bucket: {name}"
        )


def _may_encrypt(call: Call, arn: str, trail: str) -> None:
    """Raises unless the policy of a key, of any account and in the bucket's region, lets this trail use it.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html
    """
    parts = arn.split(":")
    key = kms_backends[parts[4]][parts[3]].keys.get(parts[5].removeprefix("key/")) if parts[5:] else None
    if key is None or parts[3] != call.region:
        raise Refused("KmsKeyNotFoundException", f"KMS key {arn} is not there in {call.region}")
    allowed = [each for each in json.loads(key.policy)["Statement"] if _is_for_trail(each, trail)]
    actions = {action for each in allowed for action in _all(each["Action"])}
    if not actions >= {"kms:GenerateDataKey*", "kms:DescribeKey"}:
        raise Refused("InsufficientEncryptionPolicyException", f"Insufficient permissions to access KMS key {arn}")


def _is_for_trail(statement: dict[str, Any], trail: str) -> bool:
    principal, condition = statement.get("Principal"), statement.get("Condition", {})
    sources = [value for test in condition.values() for key, value in test.items() if key.lower() == "aws:sourcearn"]
    return (
        statement["Effect"] == "Allow"
        and isinstance(principal, dict)
        and "cloudtrail.amazonaws.com" in _all(principal.get("Service", []))
        and all(trail in _all(source) for source in sources)
    )


def _all(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


class _History(list[Parameters]):
    """The events of an account in a region."""


_READING = ("Describe", "Get", "List", "Lookup", "Head", "Query", "Scan")
_EVERYWHERE = frozenset({"account", "budgets", "iam", "organizations"})
"""The services whose events are in us-east-1, wherever they are asked."""
_NOTED = {event for kind in KINDS for events in kind.events.values() for event in events}
_CALLERS = {"test": "AWSReservedSSO_Administrator_0123456789abcdef/jane.doe"}


def is_kept(call: Call) -> bool:
    """Returns whether a call is an event of the history here: what changes something, that somebody asks about."""
    return call.operation in _NOTED and not call.operation.startswith(_READING)


def keep_event(call: Call, answered: Parameters) -> None:
    """Keeps a call that succeeded as an event, and what a service says of it besides."""
    by = f"arn:aws:sts::{call.account}:assumed-role/{_CALLERS.get(call.caller, 'deployer/session')}"
    name, asked, said = call.operation, _lower(call.parameters), _lower(answered)
    if call.service == "identitystore":
        name, asked, said = _of_people(call, asked), _hidden(asked), _hidden(said)
    elif name == "CreateAccount":
        asked |= {"email": "****", "accountName": "****"}
    who = {"type": "AssumedRole", "arn": by, "accountId": call.account}
    _keep(call, name, {"userIdentity": who, "requestParameters": asked, "responseElements": said})
    for result, details in _results(call, said):
        service = {"accountId": call.account, "invokedBy": "AWS Internal"}
        _keep(call, result, {"userIdentity": service, "serviceEventDetails": details, "eventType": "AwsServiceEvent"})


def _keep(call: Call, name: str, said: Parameters) -> None:
    region, now = "us-east-1" if call.service in _EVERYWHERE else call.region, dt.datetime.now(dt.UTC)
    whole = {"eventName": name, "awsRegion": region, **said}
    event = {"EventName": name, "EventTime": now, "CloudTrailEvent": json.dumps(whole, default=str)}
    memory.of(_History, call.account, region).insert(0, event)


def _results(call: Call, said: Parameters) -> Iterator[tuple[str, Parameters]]:
    """Yields what Organizations itself tells, which alone has the id of a new account, and no author.

    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_cloudtrail-integration.html
    """
    if call.operation == "CreateAccount":
        request = said["createAccountStatus"]["id"]
        yield "CreateAccountResult", {"createAccountStatus": {**_lower(creation(request)), "accountName": "****"}}
    if call.operation == "RemoveAccountFromOrganization":
        yield "AccountDepartedOrganization", {"accountId": call["AccountId"], "departureMethod": "REMOVED"}


_OF_THE_CONSOLE = {
    "CreateGroupMembership": "AddMemberToGroup",
    "DeleteGroupMembership": "RemoveMemberFromGroup",
    ("UpdateGroup", "displayName"): "UpdateGroupDisplayName",
    ("UpdateUser", "userName"): "UpdateUserName",
}
"""What the console calls these, by the actions of sso-directory:
https://docs.aws.amazon.com/service-authorization/latest/reference/list_sso-directory.html"""
_HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"


def _of_people(call: Call, asked: Parameters) -> str:
    """Returns the event of a call about people, and has it name group and member, as the console's calls do."""
    if call.caller != "test":
        return call.operation
    for operation in call.parameters.get("Operations") or ():
        if name := _OF_THE_CONSOLE.get((call.operation, operation["AttributePath"])):
            return name
    if membership := memory.of(Center, "", "").left.get(str(asked.get("membershipId"))):
        asked |= {"groupId": membership["GroupId"], "memberId": _lower(membership["MemberId"])}
        del asked["membershipId"]
    return _OF_THE_CONSOLE.get(call.operation, call.operation)


def _hidden(value: Any, name: str = "Id") -> Any:
    """Returns what an event has of people: ids, and nothing else.

    https://docs.aws.amazon.com/singlesignon/latest/userguide/sso-info-in-cloudtrail.html
    """
    if isinstance(value, dict):
        return {key: _hidden(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [_hidden(one, name) for one in value]
    return value if name.endswith("Id") else _HIDDEN


def _lower(value: Any) -> Any:
    """Returns parameters as CloudTrail writes them: every name begins in lower case."""
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: _lower(one) for name, one in value.items()}
    return [_lower(one) for one in value] if isinstance(value, list) else value


@cloudtrail.answers("LookupEvents")
def look_up(call: Call) -> Parameters:
    (attribute,) = call["LookupAttributes"]
    if attribute["AttributeKey"] != "EventName":
        raise Refused("InvalidLookupAttributesException", "this emulated AWS looks for names of events alone")
    name = attribute["AttributeValue"]
    return page(call, [one for one in call.keeps_here(_History) if one["EventName"] == name], "Events", size=50)


def _delete_by_arn() -> None:
    """Makes moto, which looks for the name, find a trail by its ARN too."""
    delete = CloudTrailBackend.delete_trail

    def delete_trail(backend: CloudTrailBackend, name: str) -> None:
        delete(backend, name.rsplit("/", maxsplit=1)[-1])

    mend(CloudTrailBackend, "delete_trail", delete_trail)


_delete_by_arn()
