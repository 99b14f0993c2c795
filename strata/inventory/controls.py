"""Controls of security.yaml that are things of their own: the trail, analyzers, the budget and alternate contacts.

Asked is only about what the state has.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

from strata.aws.session import DENIED, Aws, AwsError, unless_absent
from strata.config.models import Project
from strata.kinds import KINDS
from strata.kinds.arguments import Attributes
from strata.kinds.control import ANALYZER, BUDGET, CONTACT, TRAIL, amount, notified, recorded_contact

Held = Mapping[str, Mapping[str, Attributes]]
"""Type to name to attributes."""
Controls = Mapping[str, Mapping[str, Any]]
"""What AWS has, by address in the state; what it does not have is missing."""

KEYS: Mapping[str, str] = {one.type: one.control for one in KINDS if one.control}
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
                is_away = type == CONTACT.type and str(one.get("account_id") or "") not in {"", *accounts}
                values = recorded_contact(one) if is_away else read(aws, project, one)
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
    TRAIL.type: _trail,
    BUDGET.type: _budget,
    ANALYZER.type: _analyzer,
    CONTACT.type: _contact,
}
