"""Which public traffic the security groups of EMR clusters may have, in a region of a member account."""

from __future__ import annotations

from collections.abc import Iterable

from strata.kinds.arguments import Attributes
from strata.kinds.kind import Ask, Resource
from strata.kinds.members.made import setting

_BLOCKED = "block_public_security_group_rules"


def _ports(ranges: Iterable[Attributes], lowest: str, highest: str) -> str:
    """Returns ranges of ports as a text."""
    return ", ".join(sorted(f"{int(ports[lowest])}-{int(ports[highest])}" for ports in ranges))


def _asked(ask: Ask) -> Attributes:
    configuration = ask.client("emr").get_block_public_access_configuration()["BlockPublicAccessConfiguration"]
    ranges = configuration.get("PermittedPublicSecurityGroupRuleRanges") or ()
    return {
        _BLOCKED: configuration["BlockPublicSecurityGroupRules"],
        "but_for_ports": _ports(ranges, "MinRange", "MaxRange"),
    }


EMR = setting(
    "emr_public_access",
    (Resource("aws_emr_block_public_access_configuration", "current[@<region>]"),),
    values=lambda control: {**control.values, "but_for_ports": ""},
    recorded=lambda state: {
        _BLOCKED: bool(state.get(_BLOCKED)),
        "but_for_ports": _ports(
            state.get("permitted_public_security_group_rule_range") or (), "min_range", "max_range"
        ),
    },
    asked=_asked,
)
