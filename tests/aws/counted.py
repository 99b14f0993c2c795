"""What AWS counts of Config: resources that are recorded, and CloudWatch's metric of items. Moto has neither."""

from __future__ import annotations

import time
from dataclasses import dataclass

from tests.aws import memory
from tests.aws.calls import Call, Parameters, Service, order
from tests.aws.config import Setup

config, cloudwatch = Service("config"), Service("cloudwatch")


@dataclass
class Recorded:
    """What Config has recorded in a region of an account in thirty days."""

    resources: int = 0
    items: int = 0


@order("config-usage")
def record(account: str, region: str, resources: int, items: int, days: float = 60) -> None:
    """Has Config have recorded so much, as much each day, since days ago."""
    setup = memory.of(Setup, account, region)
    setup.runs, setup.started = True, time.time() - days * _DAY
    its = memory.of(Recorded, account, region)
    its.resources, its.items = resources, items


@config.answers("GetDiscoveredResourceCounts")
def counts(call: Call) -> Parameters:
    return {"totalDiscoveredResources": call.keeps_here(Recorded).resources, "resourceCounts": []}


@cloudwatch.answers("ListMetrics")
def metrics(call: Call) -> Parameters:
    """Returns a metric of all types together, and one of a type."""
    if call.parameters.get("Namespace") != "AWS/Config":
        return {"Metrics": []}
    dimensions = ([{"Name": "ResourceType", "Value": value}] for value in ("AWS::EC2::VPC", "All"))
    named = {"Namespace": "AWS/Config", "MetricName": "ConfigurationItemsRecorded"}
    return {"Metrics": [{**named, "Dimensions": each} for each in dimensions]}


@cloudwatch.answers("GetMetricStatistics")
def statistics(call: Call) -> Parameters:
    """Returns the items of the days at once; all are of the one type."""
    days = (call["EndTime"] - call["StartTime"]).total_seconds() / _DAY
    return {"Label": call["MetricName"], "Datapoints": [{"Sum": call.keeps_here(Recorded).items * days / 30}]}


_DAY = 24 * 3600
