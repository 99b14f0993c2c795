"""Which traffic of internet gateways is blocked, in a region of a member account."""

from __future__ import annotations

from strata.kinds.arguments import Attributes
from strata.kinds.kind import Ask, Resource
from strata.kinds.members.made import setting

_MODE = "internet_gateway_block_mode"


def _asked(ask: Ask) -> Attributes:
    answer = ask.client("ec2").describe_vpc_block_public_access_options()
    return {_MODE: answer["VpcBlockPublicAccessOptions"]["InternetGatewayBlockMode"]}


INTERNET = setting(
    "vpc_public_access",
    (Resource("aws_vpc_block_public_access_options", "<region>[@<region>]"),),
    values=lambda control: {_MODE: str(control.block)},
    recorded=lambda state: {_MODE: state.get(_MODE)},
    asked=_asked,
)
