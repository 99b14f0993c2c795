"""Tags in bulk: moto's, and those of accounts, units and policies, which moto leaves out; tags of a table."""

from __future__ import annotations

from moto.dynamodb.models import dynamodb_backends

from tests.aws.calls import Call, Parameters, Refused, Service, listed
from tests.aws.organizations import tagged

tagging, dynamodb = Service("resourcegroupstaggingapi"), Service("dynamodb")
_HOME = "us-east-1"


@tagging.answers("GetResources")
def resources(call: Call) -> Parameters | None:
    wanted = [one.partition(":")[2] for one in call.parameters.get("ResourceTypeFilters") or ()]
    if not wanted or not all(one.startswith("organizations:") for one in call["ResourceTypeFilters"]):
        return None
    if call.region != _HOME:
        raise Refused("InvalidParameterException", f"organizations has no resources in {call.region}")
    found = [
        {"ResourceARN": arn, "Tags": listed(tags)}
        for kind in wanted
        for arn, tags in tagged(call.account, kind)
        if tags
    ]
    return {"ResourceTagMappingList": found, "PaginationToken": ""}


@dynamodb.answers("TagResource")
def tag_table(call: Call) -> None:
    """Lets moto give tags, of which it keeps each as often as it is given."""
    keys = [tag["Key"] for tag in call["Tags"]]
    dynamodb_backends[call.account][call.region].untag_resource(call["ResourceArn"], keys)
