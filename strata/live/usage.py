"""What accounts use in a month, as AWS has counted it, in the words of `usage` in detection.yaml."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from strata.aws.session import Aws, AwsError, Client, asked_at_once
from strata.errors import Message
from strata.kinds.detection.recorder import LINKED
from strata.landing_zone import LandingZone
from strata.landing_zone.detection import enabled_regions, regions_of
from strata.price import prices
from strata.text import listed

R = TypeVar("R")
DAYS = 30
"""Those of which GuardDuty says what they cost."""
FEATURES: Mapping[str, tuple[str, ...]] = {
    "guardduty_management_events": ("CLOUD_TRAIL",),
    "guardduty_flow": ("FLOW_LOGS", "DNS_LOGS"),
    "guardduty_s3_data_events": ("S3_DATA_EVENTS",),
    "guardduty_eks_audit_logs": ("EKS_AUDIT_LOGS",),
    "guardduty_ebs_malware_protection": ("EBS_MALWARE_PROTECTION",),
    "guardduty_rds_login_events": ("RDS_LOGIN_EVENTS",),
    "guardduty_lambda_network_logs": ("LAMBDA_NETWORK_LOGS",),
    "guardduty_runtime_monitoring": (
        "EKS_RUNTIME_MONITORING",
        "EC2_RUNTIME_MONITORING",
        "FARGATE_RUNTIME_MONITORING",
    ),
}
"""What GuardDuty charges by each price: https://docs.aws.amazon.com/guardduty/latest/APIReference/API_UsageCriteria.html"""
READS = (
    "cloudwatch:GetMetricStatistics",
    "cloudwatch:ListMetrics",
    "config:DescribeConfigurationRecorderStatus",
    "config:GetDiscoveredResourceCounts",
    "iam:GetAccountSummary",
)
"""The actions that it takes in each account."""
_PAGE = 50
_DAY = dt.timedelta(days=1)
_OFF = "it is off"


class LiveUsage(NamedTuple):
    """What accounts use, by key and word, and what is not known; a word that is not there may be anything."""

    used: Mapping[str, Mapping[str, float]]
    unread: tuple[Message, ...]


def read_usage(zone: LandingZone, ids: Mapping[str, str], enter: Callable[[str], Aws], now: dt.datetime) -> LiveUsage:
    """Asks the administrator of GuardDuty, and each account about itself.

    Args:
        zone: has detection.yaml.
        ids: the ids of the accounts by key.
        enter: returns AWS as it is read in an account, by key.
        now: the end of the days that are counted.

    Raises:
        AwsError: the caller's own credentials cannot be used.
    """
    used: dict[str, dict[str, float]] = {key: {} for key in ids}
    keys = {id: key for key, id in ids.items()}
    of_guardduty = _answer(lambda: _guardduty(zone, enter)) if zone.detection and zone.detection.guardduty else ({}, ())
    why = [_unread("GuardDuty", of_guardduty, ())] if isinstance(of_guardduty, AwsError) else []
    if not isinstance(of_guardduty, AwsError):
        for id, words in of_guardduty[0].items():
            used.get(keys.get(id, ""), {}).update(words)
        why += of_guardduty[1]
    analyzer = zone.security.access_analyzer

    def ask(key: str) -> list[tuple[str, Mapping[str, float] | AwsError | str]]:
        aws = _answer(lambda: enter(key))
        if isinstance(aws, AwsError):
            return [("", aws)]
        priced = analyzer.on and analyzer.unused_access_days
        iam = [("IAM", _answer(lambda: _iam(aws)))] if priced else []
        return [*iam, ("Config", _answer(lambda: _config(zone, key, aws, now)))]

    alike = defaultdict[tuple[str, str], list[tuple[str, AwsError | str]]](list)
    for key, answers in zip(ids, asked_at_once(ask, ids), strict=True):
        for service, answer in answers:
            if isinstance(answer, Mapping):
                used[key].update(answer)
            else:
                alike[service, answer.code if isinstance(answer, AwsError) else answer].append((key, answer))
    for (service, _), some in alike.items():
        why.append(_unread(service, some[0][1], [key for key, _ in some]))
    return LiveUsage(used, tuple(why))


def _answer(ask: Callable[[], R]) -> R | AwsError:
    try:
        return ask()
    except AwsError as error:
        if error.args[0].id in ("sign-in-expired", "credentials-rejected"):
            raise
        return error


def _unread(service: str, why: AwsError | str, accounts: Sequence[str]) -> Message:
    """Returns why words stay as they are: a service is off, or AWS does not say what is used."""
    where = f"{service} in {listed(accounts)}" if service and accounts else service or listed(accounts)
    code = why.code if isinstance(why, AwsError) else ""
    return Message("usage-unread", f"{where}: {why}; usage stays as it is", accounts=[*accounts], code=code)


# GuardDuty


def _guardduty(zone: LandingZone, enter: Callable[[str], Aws]) -> tuple[dict[str, dict[str, float]], list[Message]]:
    """Returns what each account uses by its id, all regions together, and where GuardDuty is off."""
    detection, used, off = zone.detection, defaultdict[str, dict[str, float]](dict), list[Message]()
    if detection is None:
        return used, off
    aws = enter(detection.administrator)
    for region in regions_of(zone, detection):
        client = aws.client("guardduty", region)
        detector = next(iter(client.items("list_detectors", "DetectorIds[]")), None)
        if detector is None:
            off.append(_unread(f"GuardDuty in {region}", _OFF, ()))
            continue
        for name, features in FEATURES.items():
            price, usd = prices()[name], defaultdict[str, float](float)
            for feature in features:
                for account, amount in _cost(client, str(detector), feature):
                    usd[account] += amount
            for account, amount in usd.items():
                word = str(price.usage)
                quantity = price.quantity(amount / price.factor((region,)))
                used[account][word] = used[account].get(word, 0) + quantity
    return used, off


def _cost(client: Client, detector: str, feature: str) -> Iterator[tuple[str, float]]:
    """Yields what a feature costs in a month, by the id of the account; botocore has no paginator for it."""
    asked: dict[str, Any] = {
        "DetectorId": detector,
        "UsageStatisticType": "SUM_BY_ACCOUNT",
        "UsageCriteria": {"Features": [feature]},
        "Unit": "USD",
        "MaxResults": _PAGE,
    }
    while True:
        answer = client.get_usage_statistics(**asked)
        for row in answer.get("UsageStatistics", {}).get("SumByAccount", ()):
            yield row["AccountId"], float(row["Total"]["Amount"])
        if not (token := answer.get("NextToken")):
            return
        asked["NextToken"] = token


# In each account


def _iam(aws: Aws) -> dict[str, float]:
    summary = aws.client("iam").get_account_summary()["SummaryMap"]
    return {"iam_roles_and_users": summary.get("Roles", 0) + summary.get("Users", 0)}


def _config(zone: LandingZone, account: str, aws: Aws, now: dt.datetime) -> dict[str, float] | str:
    """Returns what Config records, or why that is not known: it is off in all regions, or as good as new in one.

    The first day of a recorder is not counted, since it has an item for each resource that is there.
    """
    detection = zone.detection
    regions = enabled_regions(zone, account, regions_of(zone, detection)) if detection else ()
    started: dict[str, dt.datetime] = {}
    for region in regions:
        recorders = aws.client("config", region).describe_configuration_recorder_status()
        for its in recorders["ConfigurationRecordersStatus"]:
            if its["recording"] and not its["name"].startswith(LINKED):
                started[region] = its["lastStartTime"]
    if not started:
        return _OFF
    if now - max(started.values()) < 2 * _DAY:
        return "it has recorded for less than two days, the first of which has what was there"
    resources, changes = 0, 0.0
    for region, start in started.items():
        since = max(start + _DAY, now - DAYS * _DAY)
        resources += aws.client("config", region).get_discovered_resource_counts()["totalDiscoveredResources"]
        changes += _items(aws.client("cloudwatch", region), since, now) / ((now - since) / _DAY)
    return {"resources": resources, "changes_a_day": changes}


def _items(client: Client, since: dt.datetime, until: dt.datetime) -> float:
    """Returns the configuration items that were recorded: of all types together where AWS has that, else of each.

    https://docs.aws.amazon.com/config/latest/developerguide/viewing-the-aws-config-dashboard.html
    """
    named = {"Namespace": "AWS/Config", "MetricName": "ConfigurationItemsRecorded"}
    metrics = [metric["Dimensions"] for metric in client.items("list_metrics", "Metrics[]", **named)]
    whole = [its for its in metrics if not its or any(dimension["Value"] == "All" for dimension in its)]
    answers = (
        client.get_metric_statistics(
            **named, Dimensions=its, StartTime=since, EndTime=until, Period=24 * 3600, Statistics=["Sum"]
        )
        for its in whole[:1] or metrics
    )
    return sum(float(point["Sum"]) for answer in answers for point in answer["Datapoints"])
