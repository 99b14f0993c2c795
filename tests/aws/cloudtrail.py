"""Trails: what CreateTrail asks of the organization and of the bucket, deletion by ARN; and the event history."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from moto.cloudtrail.models import CloudTrailBackend, cloudtrail_backends
from moto.s3.models import s3_backends

from strata.kinds import KINDS
from tests.aws import memory
from tests.aws.calls import Call, Parameters, Refused, Service, mend, page
from tests.aws.organizations import require_trust_seen

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
        _may_write(call, bucket, f"arn:aws:cloudtrail:{call.region}:{call.account}:trail/{name}")


def _may_write(call: Call, name: str, trail: str) -> None:
    """Raises unless the bucket's policy lets this trail look at the bucket and write below AWSLogs/.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
    """
    bucket = s3_backends[call.account]["aws"].buckets.get(name)
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
    """Keeps a call that succeeded as an event, newest first."""
    region, now = "us-east-1" if call.service in _EVERYWHERE else call.region, dt.datetime.now(dt.UTC)
    by = f"arn:aws:sts::{call.account}:assumed-role/{_CALLERS.get(call.caller, 'deployer/session')}"
    whole = {
        "userIdentity": {"type": "AssumedRole", "arn": by, "accountId": call.account},
        "eventName": call.operation,
        "awsRegion": region,
        "requestParameters": _lower(call.parameters),
        "responseElements": _lower(answered),
    }
    event = {"EventName": call.operation, "EventTime": now, "CloudTrailEvent": json.dumps(whole, default=str)}
    memory.of(_History, call.account, region).insert(0, event)


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
