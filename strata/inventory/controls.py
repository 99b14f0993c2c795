"""Controls of security.yaml that are things of their own: the trail, analyzers, the budget and alternate contacts.

Asked is only about what the state has.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import Any

from strata.aws.session import DENIED, Aws, AwsError, unless_absent
from strata.config.models import Project

Attributes = Mapping[str, Any]
Held = Mapping[str, Mapping[str, Attributes]]
"""Type to name to attributes."""
Controls = Mapping[str, Mapping[str, Any]]
"""What AWS has, by address in the state; what it does not have is missing."""

TRAIL, BUDGET = "aws_cloudtrail", "aws_budgets_budget"
ANALYZER, CONTACT = "aws_accessanalyzer_analyzer", "aws_account_alternate_contact"
KEYS: Mapping[str, str] = {
    TRAIL: "trail",
    BUDGET: "budget",
    ANALYZER: "access_analyzer",
    CONTACT: "alternate_contacts",
}
"""The key of security.yaml, by type."""


def read_controls(aws: Aws, project: Project, held: Held, accounts: Collection[str]) -> tuple[Controls, dict[str, str]]:
    """Returns what AWS has of what the state has, and why some of it may not be read, by key of security.yaml.

    Args:
        aws: the management account.
        project: its id and regions.
        held: what the state has.
        accounts: the ids of the active accounts; the contacts of others count as they are in the state.

    Raises:
        AwsError: AWS rejects a call for another reason.
    """
    found, unread = dict[str, Mapping[str, Any]](), dict[str, str]()
    for type, read in _READERS.items():
        try:
            for name, one in held.get(type, {}).items():
                is_away = type == CONTACT and str(one.get("account_id") or "") not in {"", *accounts}
                values = _RECORDED[type](one) if is_away else read(aws, project, one)
                if values is not None:
                    found[f"{type}.{name}"] = values
        except AwsError as error:
            if error.code not in DENIED:
                raise
            unread[KEYS[type]] = str(error)
    return found, unread


def _trail(aws: Aws, project: Project, one: Attributes) -> Attributes | None:
    client, name = aws.client("cloudtrail", project.regions.primary), str(one.get("arn") or one.get("name"))
    trails = client.describe_trails(trailNameList=[name], includeShadowTrails=False).get("trailList") or ()
    if not trails:
        return None
    (trail,) = trails
    return {
        "logging": bool(client.get_trail_status(Name=name).get("IsLogging")),
        "log_file_validation": bool(trail.get("LogFileValidationEnabled")),
        "all_accounts": bool(trail.get("IsOrganizationTrail")),
        "all_regions": bool(trail.get("IsMultiRegionTrail")),
        "global_services": bool(trail.get("IncludeGlobalServiceEvents")),
        "bucket": trail.get("S3BucketName", ""),
    }


def _budget(aws: Aws, project: Project, one: Attributes) -> Attributes | None:
    client = aws.client("budgets")
    asked = {"AccountId": project.management_account.id, "BudgetName": str(one.get("name"))}
    budget = unless_absent(partial(client.describe_budget, **asked), ["NotFoundException"])
    if budget is None:
        return None
    notifications = client.items("describe_notifications_for_budget", "Notifications[]", **asked)
    limit = budget["Budget"].get("BudgetLimit") or {}
    return {
        "limit": amount(limit.get("Amount"), limit.get("Unit")),
        "notifications": sorted(_notification(client, asked, each) for each in notifications),
    }


def _notification(client: Any, asked: Mapping[str, str], one: Mapping[str, Any]) -> str:
    wanted = {name: value for name, value in one.items() if name != "NotificationState"}
    subscribers = client.items("describe_subscribers_for_notification", "Subscribers[]", **asked, Notification=wanted)
    return notified(one["NotificationType"], one["Threshold"], (each["Address"] for each in subscribers))


def amount(value: Any, unit: Any) -> str:
    """Returns a limit, however many digits it is written with."""
    return f"{float(value or 0):g} {unit}"


def notified(kind: str, threshold: Any, addresses: Any) -> str:
    """Returns who gets a mail of a budget when."""
    return f"{kind} {float(threshold):g}: {', '.join(sorted(addresses))}"


def _analyzer(aws: Aws, project: Project, one: Attributes) -> Attributes | None:
    name = str(one.get("analyzer_name"))
    client = aws.client("accessanalyzer", str(one.get("region") or project.regions.primary))
    found = {each["name"]: each for each in client.items("list_analyzers", "analyzers[]", type="ORGANIZATION")}
    return {} if name in found else None


def _contact(aws: Aws, project: Project, one: Attributes) -> Attributes | None:
    asked = {"AlternateContactType": str(one.get("alternate_contact_type"))}
    account = str(one.get("account_id") or "")
    if account and account != project.management_account.id:
        asked["AccountId"] = account
    answer = unless_absent(partial(aws.client("account").get_alternate_contact, **asked))
    if answer is None:
        return None
    names = {"name": "Name", "title": "Title", "email_address": "EmailAddress", "phone_number": "PhoneNumber"}
    return {name: answer["AlternateContact"].get(field, "") for name, field in names.items()}


_READERS: Mapping[str, Callable[[Aws, Project, Attributes], Attributes | None]] = {
    TRAIL: _trail,
    BUDGET: _budget,
    ANALYZER: _analyzer,
    CONTACT: _contact,
}


# As the state has them


def recorded_controls(held: Held) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yields the same values as the state has them, by address."""
    for type, recorded in _RECORDED.items():
        for name, one in held.get(type, {}).items():
            yield f"{type}.{name}", recorded(one)


def _recorded_trail(one: Attributes) -> Attributes:
    return {
        "logging": bool(one.get("enable_logging", True)),
        "log_file_validation": bool(one.get("enable_log_file_validation")),
        "all_accounts": bool(one.get("is_organization_trail")),
        "all_regions": bool(one.get("is_multi_region_trail")),
        "global_services": bool(one.get("include_global_service_events", True)),
        "bucket": one.get("s3_bucket_name", ""),
    }


def _recorded_budget(one: Attributes) -> Attributes:
    return {
        "limit": amount(one.get("limit_amount"), one.get("limit_unit")),
        "notifications": sorted(
            notified(each["notification_type"], each["threshold"], each.get("subscriber_email_addresses") or ())
            for each in one.get("notification") or ()
        ),
    }


def _recorded_contact(one: Attributes) -> Attributes:
    return {name: one.get(name) or "" for name in ("name", "title", "email_address", "phone_number")}


_RECORDED: Mapping[str, Callable[[Attributes], Attributes]] = {
    TRAIL: _recorded_trail,
    BUDGET: _recorded_budget,
    ANALYZER: lambda _: {},
    CONTACT: _recorded_contact,
}
