"""Which public traffic EMR lets the security groups of clusters have, in a region; moto knows no default of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.aws.calls import Call, Parameters, Service

emr = Service("emr")
_SSH = {"MinRange": 22, "MaxRange": 22}


@dataclass
class Block:
    """What is blocked: all but SSH in an account that had no cluster before November 2019.

    https://docs.aws.amazon.com/emr/latest/APIReference/API_GetBlockPublicAccessConfiguration.html
    """

    configuration: Parameters = field(
        default_factory=lambda: {
            "BlockPublicSecurityGroupRules": True,
            "PermittedPublicSecurityGroupRuleRanges": [_SSH],
        }
    )
    since: datetime = datetime(2026, 1, 1, tzinfo=UTC)


@emr.answers("PutBlockPublicAccessConfiguration")
def put(call: Call) -> Parameters:
    """Replaces the whole: no exception is left that is not sent."""
    kept, wanted = call.keeps_here(Block), call["BlockPublicAccessConfiguration"]
    ranges = wanted.get("PermittedPublicSecurityGroupRuleRanges") or []
    shown = [{"MinRange": one["MinRange"], "MaxRange": one.get("MaxRange", one["MinRange"])} for one in ranges]
    kept.configuration = {
        "BlockPublicSecurityGroupRules": wanted["BlockPublicSecurityGroupRules"],
        "PermittedPublicSecurityGroupRuleRanges": shown,
    }
    kept.since = datetime.now(UTC)
    return {}


@emr.answers("GetBlockPublicAccessConfiguration")
def get(call: Call) -> Parameters:
    kept = call.keeps_here(Block)
    metadata = {"CreationDateTime": kept.since, "CreatedByArn": f"arn:aws:iam::{call.account}:root"}
    return {
        "BlockPublicAccessConfiguration": kept.configuration,
        "BlockPublicAccessConfigurationMetadata": metadata,
    }
