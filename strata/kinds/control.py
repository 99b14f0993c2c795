"""Controls of security.yaml that are things of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from strata.config import SECURITY
from strata.config.text import address_part
from strata.errors import Message
from strata.kinds.arguments import Attributes
from strata.kinds.events import by_nothing
from strata.kinds.kind import AlreadyExists, Ask, Kind, Resource
from strata.kinds.shared import BUCKET, CONFLICT, ROLE, ROLE_ATTACHMENT, ROLE_POLICY, RULE, named
from strata.kinds.thing import AS_IT_IS, AtAws, Thing
from strata.landing_zone import LandingZone


def _declared(key: str, name: str, attributes: Iterable[str]) -> Thing:
    """Returns a control that is on; its values are taken as the state has them."""
    return Thing("control", name, dict.fromkeys(attributes, AS_IT_IS), SECURITY, (key,))


BY_HAND = "change security.yaml by hand"
"""What is said of a control, of which `strata adopt` writes nothing."""


def _by_hand(*_: object) -> Message:
    return Message("control-by-hand", BY_HAND)


def _at_aws(aws: AtAws, type: str) -> Iterator[tuple[str, Attributes]]:
    """Yields what AWS has of what the state has, by its name there."""
    for address, values in (aws.inventory.controls or {}).items():
        if address.startswith(f"{type}."):
            yield address.partition(".")[2], values


TRAIL_BUCKET = "aws_s3_bucket.trail"


def _trail(zone: LandingZone) -> Iterator[str]:
    if zone.security.trail.on:
        yield "aws_cloudtrail.organization"
        yield from named(BUCKET, "trail")


def _recorded_trail(one: Attributes) -> Attributes:
    return {
        "logging": bool(one.get("enable_logging", True)),
        "log_file_validation": bool(one.get("enable_log_file_validation")),
        "all_accounts": bool(one.get("is_organization_trail")),
        "all_regions": bool(one.get("is_multi_region_trail")),
        "global_services": bool(one.get("include_global_service_events", True)),
        "bucket": one.get("s3_bucket_name", ""),
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
    }


TRAIL = Kind(
    "control",
    "security",
    (
        Resource(
            "aws_cloudtrail",
            "<trail ARN>",
            existing=AlreadyExists(
                "TrailAlreadyExistsException", "arn:{partition}:cloudtrail:{region}:{account}:trail/{name}"
            ),
        ),
        *BUCKET,
    ),
    control="trail",
    addresses=_trail,
    declared=lambda zone: [_declared("trail", "trail", _recorded_trail({}))] if zone.security.trail.on else (),
    recorded=lambda states: (
        Thing("control", "trail", _recorded_trail(one)) for one in states.of("aws_cloudtrail").values()
    ),
    asked=_trail_now,
    live=lambda aws: (Thing("control", "trail", values) for _, values in _at_aws(aws, "aws_cloudtrail")),
    obstacle=_by_hand,
    at_home=True,
    events={"trail": ("StopLogging", "UpdateTrail", "DeleteTrail", "StartLogging")},
    clues=by_nothing,
)


_ANALYZER = "aws_accessanalyzer_analyzer"


def _analyzed(zone: LandingZone) -> Iterator[str]:
    yield from zone.project.regions.all_governed if zone.security.access_analyzer.on else ()


def _analyzer(region: str) -> str:
    return f"access_analyzer in {region.removeprefix('organization_')}"


def _analyzer_now(ask: Ask) -> Attributes | None:
    found = ask.client("accessanalyzer").items("list_analyzers", "analyzers[].name", type="ORGANIZATION")
    return {} if ask.values.get("analyzer_name") in found else None


ANALYZER = Kind(
    "control",
    "security",
    (
        Resource(
            _ANALYZER,
            "<analyzer name>[@<region>]",
            existing=AlreadyExists(CONFLICT, "{analyzer_name}", regional=True),
        ),
    ),
    control="access_analyzer",
    addresses=lambda zone: (f"{_ANALYZER}.organization_{region}" for region in _analyzed(zone)),
    declared=lambda zone: (_declared("access_analyzer", _analyzer(region), ()) for region in _analyzed(zone)),
    recorded=lambda states: (Thing("control", _analyzer(name)) for name in states.of(_ANALYZER)),
    asked=_analyzer_now,
    live=lambda aws: (Thing("control", _analyzer(name), values) for name, values in _at_aws(aws, _ANALYZER)),
    obstacle=_by_hand,
    events={"access_analyzer": ("DeleteAnalyzer",)},
    clues=by_nothing,
)


_CONTACT = "aws_account_alternate_contact"


def _contacts(zone: LandingZone) -> Iterator[str]:
    """Yields the names of the contacts in their addresses."""
    contacts = zone.security.alternate_contacts
    for account in zone.accounts if contacts.on else ():
        yield from (f"{account}_{kind.lower()}" for kind in contacts.contacts)


def _contact(name: str) -> str:
    account, _, kind = name.rpartition("_")
    return f"alternate_contacts {kind} of {account}"


_CONTACTED = {"name": "Name", "title": "Title", "email_address": "EmailAddress", "phone_number": "PhoneNumber"}
"""AWS's words."""


def _recorded_contact(one: Attributes) -> Attributes:
    return {name: one.get(name) or "" for name in _CONTACTED}


def _contact_now(ask: Ask) -> Attributes | None:
    """Returns what AWS has of a contact; one of an account that is not active counts as it is in the state."""
    account = str(ask.values.get("account_id") or "")
    if account and account not in ask.accounts:
        return _recorded_contact(ask.values)
    asked = {"AlternateContactType": str(ask.values.get("alternate_contact_type"))}
    if account and account != ask.account:
        asked["AccountId"] = account
    found = ask.unless_absent(partial(ask.client("account").get_alternate_contact, **asked))
    return {name: found["AlternateContact"].get(word, "") for name, word in _CONTACTED.items()} if found else None


CONTACT = Kind(
    "control",
    "security",
    (
        Resource(
            _CONTACT,
            "[<account id>][/]<BILLING, OPERATIONS or SECURITY>",
            keys=("account",),
            references=("account_id",),
        ),
    ),
    control="alternate_contacts",
    addresses=lambda zone: (f"{_CONTACT}.{name}" for name in _contacts(zone)),
    declared=lambda zone: (
        _declared("alternate_contacts", _contact(name), _recorded_contact({})) for name in _contacts(zone)
    ),
    recorded=lambda states: (
        Thing("control", _contact(name), _recorded_contact(one)) for name, one in states.of(_CONTACT).items()
    ),
    asked=_contact_now,
    live=lambda aws: (Thing("control", _contact(name), values) for name, values in _at_aws(aws, _CONTACT)),
    obstacle=_by_hand,
    events={"alternate_contacts": ("PutAlternateContact", "DeleteAlternateContact")},
    clues=by_nothing,
)


def _amount(value: Any, unit: Any) -> str:
    """Returns a limit, however many digits it is written with."""
    return f"{float(value or 0):g} {unit}"


def _notified(kind: str, threshold: Any, addresses: Iterable[str]) -> str:
    """Returns who gets a mail of a budget when."""
    return f"{kind} {float(threshold):g}: {', '.join(sorted(addresses))}"


def _recorded_budget(one: Attributes) -> Attributes:
    return {
        "limit": _amount(one.get("limit_amount"), one.get("limit_unit")),
        "notifications": sorted(
            _notified(each["notification_type"], each["threshold"], each.get("subscriber_email_addresses") or ())
            for each in one.get("notification") or ()
        ),
    }


def _budget_now(ask: Ask) -> Attributes | None:
    client = ask.client("budgets")
    asked = {"AccountId": ask.account, "BudgetName": str(ask.values.get("name"))}
    found = ask.unless_absent(partial(client.describe_budget, **asked))
    if found is None:
        return None
    limit = found["Budget"].get("BudgetLimit") or {}
    notifications = client.items("describe_notifications_for_budget", "Notifications[]", **asked)
    return {
        "limit": _amount(limit.get("Amount"), limit.get("Unit")),
        "notifications": sorted(_notification(client, asked, notification) for notification in notifications),
    }


def _notification(client: Any, asked: Attributes, one: Attributes) -> str:
    wanted = {name: value for name, value in one.items() if name != "NotificationState"}
    subscribers = client.items("describe_subscribers_for_notification", "Subscribers[]", **asked, Notification=wanted)
    return _notified(one["NotificationType"], one["Threshold"], (each["Address"] for each in subscribers))


BUDGET = Kind(
    "control",
    "security",
    (
        Resource(
            "aws_budgets_budget",
            "<account id>:<budget name>",
            existing=AlreadyExists("DuplicateRecordException", "{account}:{name}"),
        ),
    ),
    control="budget",
    addresses=lambda zone: ("aws_budgets_budget.monthly",) if zone.security.budget.on else (),
    declared=lambda zone: [_declared("budget", "budget", _recorded_budget({}))] if zone.security.budget.on else (),
    recorded=lambda states: (
        Thing("control", "budget", _recorded_budget(one)) for one in states.of("aws_budgets_budget").values()
    ),
    asked=_budget_now,
    live=lambda aws: (Thing("control", "budget", values) for _, values in _at_aws(aws, "aws_budgets_budget")),
    obstacle=_by_hand,
    events={"budget": ("UpdateBudget", "UpdateNotification", "UpdateSubscriber", "DeleteBudget", "ModifyBudget")},
    clues=by_nothing,
)


# Anomalies of cost


def _monitors(zone: LandingZone) -> Iterator[str]:
    monitor = zone.security.anomaly_monitor
    if monitor.on:
        yield "aws_ce_anomaly_monitor.services"
        yield from ("aws_ce_anomaly_subscription.services",) if monitor.emails else ()


def _monitor(ask: Ask) -> str | None:
    found = ask.client("ce").get_anomaly_monitors()["AnomalyMonitors"]
    return next((str(one["MonitorArn"]) for one in found if one["MonitorName"] == ask.values["name"]), None)


def _subscription(ask: Ask) -> str | None:
    found = ask.client("ce").get_anomaly_subscriptions()["AnomalySubscriptions"]
    return next((str(one["SubscriptionArn"]) for one in found if one["SubscriptionName"] == ask.values["name"]), None)


MONITOR = Kind(
    "control",
    "security",
    (
        Resource(
            "aws_ce_anomaly_monitor",
            "<anomaly monitor ARN>",
            existing=AlreadyExists("Limit exceeded on dimensional spend monitor", _monitor),
        ),
        # AWS accepts a second one of the same name.
        Resource(
            "aws_ce_anomaly_subscription",
            "<anomaly subscription ARN>",
            existing=AlreadyExists(id=_subscription, early=_subscription),
        ),
    ),
    addresses=_monitors,
)


# Alerts


def _alerts(zone: LandingZone) -> Iterator[str]:
    alerts = zone.security.alerts
    if not alerts.on:
        return
    yield from named(RULE, "root-activity")
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
        Resource(
            "aws_sns_topic",
            "<topic ARN>[@<region>]",
            arn="arn:{partition}:sns:{region}:{account}:{name}",
        ),
        Resource("aws_sns_topic_policy", "<topic ARN>[@<region>]"),
        Resource("aws_sns_topic_subscription", "<subscription ARN>[@<region>]"),
    ),
    addresses=_alerts,
)


def _sign_in_alerts(zone: LandingZone) -> Iterator[str]:
    if zone.security.alerts.on:
        yield from named(RULE, "identity-center-settings")
        yield from named(RULE, "break-glass") if zone.sso.break_glass else ()


SIGN_IN_ALERT = Kind("sign-in alert", "sso", RULE, addresses=_sign_in_alerts)


# The roles of GitHub Actions


def _github(zone: LandingZone) -> Iterator[str]:
    if zone.security.github_actions.on:
        yield "aws_iam_openid_connect_provider.github"
        yield from named((ROLE, ROLE_POLICY), "github-plan")
        yield from named((ROLE, ROLE_ATTACHMENT), "github-apply")


def _provider(ask: Ask) -> str | None:
    """Returns the ARN of an identity provider: an account has one for an issuer, whoever uses it."""
    found = ask.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
    issuer = ask.values["url"].removeprefix("https://")
    return next((str(one["Arn"]) for one in found if one["Arn"].partition(":oidc-provider/")[2] == issuer), None)


GITHUB = Kind(
    "control",
    "security",
    (
        Resource(
            "aws_iam_openid_connect_provider",
            "<provider ARN>",
            existing=AlreadyExists("EntityAlreadyExists", _provider, early=_provider),
        ),
        ROLE,
        ROLE_POLICY,
        ROLE_ATTACHMENT,
    ),
    addresses=_github,
)

CONTROLS = (TRAIL, ANALYZER, CONTACT, BUDGET, MONITOR, ALERT, GITHUB)
"""Those of the stack `security`."""
