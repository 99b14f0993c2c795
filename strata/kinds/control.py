"""Controls of security.yaml that are things of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from strata.config import SECURITY
from strata.config.models import FINDINGS
from strata.config.text import address_part
from strata.kinds.arguments import Attributes
from strata.kinds.kind import AlreadyExists, Ask, Kind, Resource
from strata.kinds.shared import (
    BUCKET,
    CONFLICT,
    IDENTITY_PROVIDER,
    ROLE,
    ROLE_ATTACHMENT,
    ROLE_POLICY,
    RULE,
    named,
)
from strata.kinds.thing import AS_IT_IS, Thing
from strata.landing_zone import LandingZone
from strata.landing_zone.detection import sends_findings


def _control(
    key: str,
    resources: tuple[Resource, ...],
    *,
    names: Callable[[LandingZone], Iterable[str]],
    called: Callable[[str], str],
    recorded: Callable[[Attributes], Attributes],
    asked: Callable[[Ask], Attributes | None],
) -> Kind:
    """Returns a control of security.yaml that is compared with AWS.

    Args:
        key: its key in security.yaml, which names the resources beside the first.
        resources: its resources.
        names: the names in the addresses of the first, where it is on.
        called: what a thing is called, by such a name.
        recorded: what is compared, by what a state has; the configuration takes it as the state has it.
        asked: the same as AWS has it now.
    """
    type = resources[0].type
    return Kind(
        "control",
        "security",
        resources,
        control=key,
        addresses=lambda zone: (
            address for name in names(zone) for address in (f"{type}.{name}", *named(resources[1:], key))
        ),
        declared=lambda zone: (
            Thing("control", called(name), dict.fromkeys(recorded({}), AS_IT_IS), SECURITY, (key,))
            for name in names(zone)
        ),
        recorded=lambda states: (
            Thing("control", called(name), recorded(attributes)) for name, attributes in states.of(type).items()
        ),
        asked=asked,
        live=lambda aws: (
            Thing("control", called(address.partition(".")[2]), values)
            for address, values in (aws.inventory.controls or {}).items()
            if address.startswith(f"{type}.")
        ),
    )


TRAIL_BUCKET = "aws_s3_bucket.trail"


def _recorded_trail(trail: Attributes) -> Attributes:
    return {
        "logging": bool(trail.get("enable_logging", True)),
        "log_file_validation": bool(trail.get("enable_log_file_validation")),
        "all_accounts": bool(trail.get("is_organization_trail")),
        "all_regions": bool(trail.get("is_multi_region_trail")),
        "global_services": bool(trail.get("include_global_service_events", True)),
        "bucket": trail.get("s3_bucket_name", ""),
        "key": trail.get("kms_key_id") or "",
    }


def _trail_now(ask: Ask) -> Attributes | None:
    name = str(ask.values.get("arn") or ask.values.get("name"))
    client = ask.client("cloudtrail")
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
        "key": trail.get("KmsKeyId") or "",
    }


_TRAIL_ARN = "arn:{partition}:cloudtrail:{region}:{account}:trail/{name}"
TRAIL = _control(
    "trail",
    (
        Resource("aws_cloudtrail", "<trail ARN>", existing=AlreadyExists("TrailAlreadyExistsException", _TRAIL_ARN)),
        *BUCKET,
    ),
    names=lambda zone: ("organization",) if zone.security.trail.on else (),
    called=lambda _: "trail",
    recorded=_recorded_trail,
    asked=_trail_now,
)


def _analyzer_now(ask: Ask) -> Attributes | None:
    type = str(ask.values.get("type"))
    names = ask.client("accessanalyzer").items("list_analyzers", "analyzers[].name", type=type)
    return {} if ask.values.get("analyzer_name") in names else None


def _analyzers(zone: LandingZone) -> Iterator[str]:
    control = zone.security.access_analyzer
    if control.on:
        yield from (f"organization_{region}" for region in zone.project.regions.all_governed)
        yield from ("unused-access",) if control.unused_access_days else ()


_OF_ORGANIZATION = AlreadyExists(CONFLICT, "{analyzer_name}", regional=True)
ANALYZER = _control(
    "access_analyzer",
    (Resource("aws_accessanalyzer_analyzer", "<analyzer name>[@<region>]", existing=_OF_ORGANIZATION),),
    names=_analyzers,
    called=lambda name: (
        f"access_analyzer {'of' if name == 'unused-access' else 'in'} {name.removeprefix('organization_')}"
    ),
    recorded=lambda _: {},
    asked=_analyzer_now,
)


def _contacts(zone: LandingZone) -> Iterator[str]:
    contacts = zone.security.alternate_contacts
    for account in zone.accounts if contacts.on else ():
        yield from (f"{account}_{kind.lower()}" for kind in contacts.contacts)


def _contact(name: str) -> str:
    account, _, kind = name.rpartition("_")
    return f"alternate_contacts {kind} of {account}"


_CONTACTED = {"name": "Name", "title": "Title", "email_address": "EmailAddress", "phone_number": "PhoneNumber"}
"""AWS's words."""


def recorded_contact(contact: Attributes) -> Attributes:
    """Returns what is compared of a contact, by what a state has."""
    return {name: contact.get(name) or "" for name in _CONTACTED}


def contact_now(ask: Ask) -> Attributes | None:
    """Returns what AWS has of a contact; that of an account that is not active counts as it is in the state."""
    account = str(ask.values.get("account_id") or "")
    if account and account not in ask.accounts:
        return recorded_contact(ask.values)
    return _contact_of(ask, account)


def _contact_of(ask: Ask, account: str) -> Attributes | None:
    asked = {"AlternateContactType": str(ask.values.get("alternate_contact_type"))}
    if account and account != ask.account:
        asked["AccountId"] = account
    answer = ask.unless_absent(partial(ask.client("account").get_alternate_contact, **asked))
    return {name: answer["AlternateContact"].get(word, "") for name, word in _CONTACTED.items()} if answer else None


def _contact_id(ask: Ask) -> str:
    return f"{ask.values.get('account_id') or ''}/{ask.values['alternate_contact_type']}"


def _contact_there(ask: Ask) -> Attributes | None:
    """Returns the contact of a planned one: who approves a plan sees what becomes of it."""
    return _contact_of(ask, str(ask.values.get("account_id") or ""))


_OF_ACCOUNT = "[<account id>][/]<BILLING, OPERATIONS or SECURITY>"
CONTACT = _control(
    "alternate_contacts",
    (
        Resource(
            "aws_account_alternate_contact",
            _OF_ACCOUNT,
            keys=("account",),
            references=("account_id",),
            existing=AlreadyExists(id=_contact_id, early=_contact_there),
        ),
    ),
    names=_contacts,
    called=_contact,
    recorded=recorded_contact,
    asked=contact_now,
)


def _amount(value: Any, unit: Any) -> str:
    """Returns a limit, however many digits it is written with."""
    return f"{float(value or 0):g} {unit}"


def _notified(kind: str, threshold: Any, addresses: Iterable[str]) -> str:
    """Returns who gets a mail of a budget when."""
    return f"{kind} {float(threshold):g}: {', '.join(sorted(addresses))}"


def recorded_budget(budget: Attributes) -> Attributes:
    """Returns what is compared of a budget, by what a state has."""
    return {
        "limit": _amount(budget.get("limit_amount"), budget.get("limit_unit")),
        "notifications": sorted(
            _notified(each["notification_type"], each["threshold"], each.get("subscriber_email_addresses") or ())
            for each in budget.get("notification") or ()
        ),
    }


def budget_now(ask: Ask) -> Attributes | None:
    """Returns what AWS has of a budget."""
    client = ask.client("budgets")
    asked = {"AccountId": ask.account, "BudgetName": str(ask.values.get("name"))}
    answer = ask.unless_absent(partial(client.describe_budget, **asked))
    if answer is None:
        return None
    limit, notifications = answer["Budget"].get("BudgetLimit") or {}, list[str]()
    for notification in client.items("describe_notifications_for_budget", "Notifications[]", **asked):
        which = {name: value for name, value in notification.items() if name != "NotificationState"}
        to = client.items("describe_subscribers_for_notification", "Subscribers[].Address", **asked, Notification=which)
        notifications.append(_notified(notification["NotificationType"], notification["Threshold"], to))
    return {"limit": _amount(limit.get("Amount"), limit.get("Unit")), "notifications": sorted(notifications)}


def _same_budget(ask: Ask) -> object:
    """Returns the budget of that name: who approves a plan sees what becomes of it."""
    asked = {"AccountId": ask.account, "BudgetName": ask.values["name"]}
    return ask.unless_absent(partial(ask.client("budgets").describe_budget, **asked))


_NAMED_ALIKE = AlreadyExists("DuplicateRecordException", "{account}:{name}", early=_same_budget)
BUDGET = _control(
    "budget",
    (Resource("aws_budgets_budget", "<account id>:<budget name>", keys=("account",), existing=_NAMED_ALIKE),),
    names=lambda zone: ("monthly",) if zone.security.budget.on else (),
    called=lambda _: "budget",
    recorded=recorded_budget,
    asked=budget_now,
)


# Anomalies of cost


def _monitor(ask: Ask) -> str | None:
    monitors, name = ask.client("ce").get_anomaly_monitors()["AnomalyMonitors"], ask.values["name"]
    return next((str(monitor["MonitorArn"]) for monitor in monitors if monitor["MonitorName"] == name), None)


def _subscription(ask: Ask) -> str | None:
    subscriptions, name = ask.client("ce").get_anomaly_subscriptions()["AnomalySubscriptions"], ask.values["name"]
    return next((str(each["SubscriptionArn"]) for each in subscriptions if each["SubscriptionName"] == name), None)


MONITOR = Kind(
    "control",
    "security",
    (
        Resource(
            "aws_ce_anomaly_monitor",
            "<anomaly monitor ARN>",
            existing=AlreadyExists("Limit exceeded on dimensional spend monitor", _monitor),
        ),
        # AWS accepts another of the same name.
        Resource(
            "aws_ce_anomaly_subscription",
            "<anomaly subscription ARN>",
            existing=AlreadyExists(id=_subscription, early=_subscription),
        ),
    ),
    addresses=lambda zone: (
        (
            "aws_ce_anomaly_monitor.services",
            *(["aws_ce_anomaly_subscription.services"] if zone.security.anomaly_monitor.emails else []),
        )
        if zone.security.anomaly_monitor.on
        else ()
    ),
)


# Alerts


_PERMISSION = Resource("aws_cloudwatch_event_permission", "[<rule name>/]<policy name>[@<region>]")
"""That accounts of the organization send their events to the bus."""


def _alerts(zone: LandingZone) -> Iterator[str]:
    alerts = zone.security.alerts
    if not alerts.on:
        return
    yield from named(RULE, "root-activity")
    sign_ins = any(its.sign_in_events and its.sign_in_events.on for its in zone.member_settings.values())
    findings = sends_findings(zone.detection)
    if sign_ins or findings:
        yield f"{_PERMISSION.type}.organization"
    for name, sent in (("member-sign-in", sign_ins), (FINDINGS, findings)):
        yield from named(RULE, name) if sent else ()
    for region in zone.project.alert_regions:
        yield from (f"{type}.alerts_{region}" for type in ("aws_sns_topic", "aws_sns_topic_policy"))
        yield from (
            f"aws_sns_topic_subscription.alerts_{region}_{address_part(mail.lower())}" for mail in alerts.emails
        )


ALERT = Kind(
    "control",
    "security",
    (
        *RULE,
        _PERMISSION,
        Resource("aws_sns_topic", "<topic ARN>[@<region>]"),
        Resource("aws_sns_topic_policy", "<topic ARN>[@<region>]"),
        Resource("aws_sns_topic_subscription", "<subscription ARN>[@<region>]"),
    ),
    addresses=_alerts,
)
SIGN_IN_ALERT = Kind(
    "sign-in alert",
    "sso",
    RULE,
    addresses=lambda zone: (
        address
        for name, on in (("identity-center-settings", True), ("break-glass", zone.sso.break_glass))
        if zone.security.alerts.on and on
        for address in named(RULE, name)
    ),
)


# The roles of GitHub Actions


GITHUB = Kind(
    "control",
    "security",
    (
        IDENTITY_PROVIDER,
        ROLE,
        ROLE_POLICY,
        ROLE_ATTACHMENT,
    ),
    addresses=lambda zone: (
        (
            "aws_iam_openid_connect_provider.github",
            *named((ROLE, ROLE_POLICY), "github-plan"),
            *named((ROLE, ROLE_ATTACHMENT), "github-apply"),
        )
        if zone.security.github_actions.on
        else ()
    ),
)

CONTROLS = (TRAIL, ANALYZER, CONTACT, BUDGET, MONITOR, ALERT, GITHUB)
"""Those of the stack `security`."""
