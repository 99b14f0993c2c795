"""Tags in bulk: moto's, and those of accounts, units and policies, which moto leaves out."""

from __future__ import annotations

from tests.aws.calls import Call, Parameters, Refused, Service, listed
from tests.aws.organizations import tagged

tagging = Service("resourcegroupstaggingapi")
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
