"""Regions: those that the account has to enable first, and settings of them that the provider would reset."""

from __future__ import annotations

from collections.abc import Iterator

from strata.aws.defaults import regional_setting
from strata.aws.prerequisites import closed_regions
from strata.aws.session import AwsError
from strata.errors import Message, StrataError
from strata.kinds.setting import RESOURCES
from strata.sides.states import managed, objects
from strata.terraform.situation import Situation


def not_enabled(situation: Situation) -> Iterator[StrataError]:
    """Refuses regions that are not enabled; AWS is asked about those that no state has anything in."""
    used = {situation.landing_zone.project.regions.primary}
    wanted: set[str] = set()
    for stack in situation.here:
        used |= {str(resource.attributes.get("region")) for resource in objects(situation.states[stack])}
        for resources in situation.workspace.document(stack).get("resource", {}).values():
            wanted |= {str(arguments.get("region", "")) for arguments in resources.values()}
    wanted = {region for region in wanted - used if region and "${" not in region}
    try:
        closed = closed_regions(situation.aws, wanted) if wanted else {}
    except AwsError:
        return  # Terraform says it of a resource
    for region, remedy in closed.items():
        text = f"the region {region} is not enabled in this account: {remedy}"
        yield StrataError(Message("region-not-enabled", text, region=region))


def metadata_reset(situation: Situation) -> Iterator[Message]:
    """Tells of the instance metadata defaults that a region has and the provider, which sends all four, would reset."""
    type = RESOURCES["instance_metadata"].type
    for stack in situation.here:
        known = {resource.address for resource in managed(situation.states[stack])}
        for name, arguments in situation.workspace.document(stack).get("resource", {}).get(type, {}).items():
            address, region = f"{type}.{name}", arguments["region"]
            try:
                some = {} if address in known else regional_setting(situation.aws, "instance_metadata", [region])
            except AwsError:
                continue
            metadata = some.get(region, {})
            for argument in ("http_endpoint", "instance_metadata_tags"):
                if (value := metadata.get(argument)) and argument not in arguments:
                    loses = f"{address} loses {argument}={value}"
                    text = f"{stack}: {loses}, which the provider cannot keep when it sets the others"
                    yield Message("setting-reset", text, place=address, argument=argument, value=value)
