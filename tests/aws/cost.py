"""Cost anomalies, which moto has not, and what it lacks of budgets."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from typing import Any

from moto.budgets.models import Budget, budgets_backends

from tests.aws.calls import Call, Parameters, Refused, Service, listed, tags_of

ce, budgets = Service("ce"), Service("budgets")
_EMAIL = re.compile(r"[a-zA-Z0-9!#$%&'*+=?^_{|}~.-]{1,64}@[^\s@]{3,}")
"""The addresses that Cost Explorer takes: a narrower pattern than an e-mail address has."""


@dataclass
class Anomalies:
    """Monitors and subscriptions by ARN, and the tags of both."""

    monitors: dict[str, Parameters] = field(default_factory=dict)
    subscriptions: dict[str, Parameters] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)


@ce.answers("CreateAnomalyMonitor")
def create_monitor(call: Call) -> Parameters:
    wanted, kept = call["AnomalyMonitor"], call.keeps(Anomalies).monitors
    if wanted.get("MonitorDimension") == "SERVICE" and any(each.get("MonitorDimension") for each in kept.values()):
        raise Refused("ValidationException", "Limit exceeded on dimensional spend monitor creation")
    return {"MonitorArn": _make(call, kept, "Monitor", wanted)}


@ce.answers("CreateAnomalySubscription")
def create_subscription(call: Call) -> Parameters:
    wanted = call["AnomalySubscription"]
    _check(wanted)
    return {"SubscriptionArn": _make(call, call.keeps(Anomalies).subscriptions, "Subscription", wanted)}


@ce.answers("GetAnomalyMonitors")
def monitors(call: Call) -> Parameters:
    return {"AnomalyMonitors": _wanted(call, call.keeps(Anomalies).monitors, "MonitorArnList")}


@ce.answers("GetAnomalySubscriptions")
def subscriptions(call: Call) -> Parameters:
    return {"AnomalySubscriptions": _wanted(call, call.keeps(Anomalies).subscriptions, "SubscriptionArnList")}


@ce.answers("UpdateAnomalyMonitor", "UpdateAnomalySubscription", "DeleteAnomalyMonitor", "DeleteAnomalySubscription")
def change(call: Call) -> Parameters:
    kind = "Monitor" if call.operation.endswith("Monitor") else "Subscription"
    kept = call.keeps(Anomalies).monitors if kind == "Monitor" else call.keeps(Anomalies).subscriptions
    arn = call[f"{kind}Arn"]
    if arn not in kept:
        raise Refused(f"Unknown{kind}Exception", f"there is no {arn}")
    if call.operation.startswith("Delete"):
        del kept[arn]
        return {}
    _check(call.parameters)
    kept[arn].update(call.parameters)
    return {f"{kind}Arn": arn}


@ce.answers("ListTagsForResource", "TagResource", "UntagResource")
def tags(call: Call) -> Parameters:
    kept = call.keeps(Anomalies).tags.setdefault(call["ResourceArn"], {})
    return _tag(call, kept, "ResourceTagKeys")


@budgets.answers("CreateBudget")
def create_budget(call: Call) -> None:
    for each in call.parameters.get("NotificationsWithSubscribers") or ():
        if not each.get("Subscribers"):
            raise Refused("InvalidParameterException", "a notification needs a subscriber")
    call.keeps(Anomalies).tags[_budget_arn(call, call["Budget"]["BudgetName"])] = tags_of(
        call.parameters.get("ResourceTags")
    )


@budgets.answers("UpdateBudget")
def update_budget(call: Call) -> Parameters:
    wanted = dict(call["NewBudget"])
    period = {key: time.timestamp() for key, time in wanted.pop("TimePeriod", {}).items()}
    kept = _budget(call, wanted["BudgetName"]).budget
    kept.update(wanted)
    kept["TimePeriod"].update(period)
    return {}


@budgets.answers("DescribeSubscribersForNotification")
def subscribers(call: Call) -> Parameters:
    asked, found = call["Notification"], _budget(call, call["BudgetName"])
    same = [n for n in found.notifications if all(n.details.get(key) == asked.get(key) for key in _NOTIFICATION)]
    return {"Subscribers": [subscriber for notification in same for subscriber in notification.subscribers]}


_NOTIFICATION = ("NotificationType", "ComparisonOperator", "Threshold")


@budgets.answers("ListTagsForResource", "TagResource", "UntagResource")
def budget_tags(call: Call) -> Parameters:
    return _tag(call, call.keeps(Anomalies).tags.setdefault(call["ResourceARN"], {}), "ResourceTagKeys")


def _make(call: Call, kept: dict[str, Parameters], kind: str, wanted: Parameters) -> str:
    arn = f"arn:aws:ce::{call.account}:anomaly{kind.lower()}/{uuid.uuid4()}"
    kept[arn] = {**wanted, f"{kind}Arn": arn}
    call.keeps(Anomalies).tags[arn] = tags_of(call.parameters.get("ResourceTags"))
    return arn


def _check(subscription: Parameters) -> None:
    for subscriber in subscription.get("Subscribers") or ():
        if subscriber["Type"] == "EMAIL" and not _EMAIL.fullmatch(subscriber["Address"]):
            raise Refused("ValidationException", f"{subscriber['Address']} does not match the pattern of an address")
        if subscriber["Type"] == "EMAIL" and subscription.get("Frequency") == "IMMEDIATE":
            raise Refused("ValidationException", "IMMEDIATE needs an SNS topic")


def _wanted(call: Call, kept: dict[str, Parameters], key: str) -> list[Parameters]:
    asked = call.parameters.get(key)
    return [each for arn, each in kept.items() if not asked or arn in asked]


def _tag(call: Call, kept: dict[str, str], removed: str) -> Parameters:
    kept.update(tags_of(call.parameters.get("ResourceTags")))
    for key in call.parameters.get(removed) or ():
        kept.pop(key, None)
    return {"ResourceTags": listed(kept)} if call.operation.startswith("List") else {}


def _budget_arn(call: Call, name: str) -> str:
    return f"arn:aws:budgets::{call.account}:budget/{name}"


def _budget(call: Call, name: str) -> Any:
    found: dict[str, Budget] = budgets_backends[call.account]["aws"].budgets[call["AccountId"]]
    if name not in found:
        raise Refused("NotFoundException", f"Unable to get budget: {name}")
    return found[name]
