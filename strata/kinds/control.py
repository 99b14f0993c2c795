"""Controls of security.yaml that are things of their own."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config.text import address_part
from strata.kinds.kind import Ask, Existing, Kind, Resource
from strata.kinds.shared import BUCKET, CONFLICT, ROLE, ROLE_ATTACHMENT, ROLE_POLICY, RULE, named
from strata.landing_zone import LandingZone


def _trail(zone: LandingZone) -> Iterator[str]:
    if zone.security.trail.on:
        yield "aws_cloudtrail.organization"
        yield from named(BUCKET, "trail")


TRAIL = Kind(
    "trail",
    "security",
    (
        Resource(
            "aws_cloudtrail",
            "<trail ARN>",
            existing=Existing(
                "TrailAlreadyExistsException", "arn:{partition}:cloudtrail:{region}:{account}:trail/{name}"
            ),
            kept=True,
        ),
        *BUCKET,
    ),
    addresses=_trail,
)


def _analyzers(zone: LandingZone) -> Iterator[str]:
    for region in zone.project.regions.all_governed if zone.security.access_analyzer.on else ():
        yield f"aws_accessanalyzer_analyzer.organization_{region}"


ANALYZER = Kind(
    "analyzer",
    "security",
    (
        Resource(
            "aws_accessanalyzer_analyzer",
            "<analyzer name>[@<region>]",
            existing=Existing(CONFLICT, "{analyzer_name}", regional=True),
        ),
    ),
    addresses=_analyzers,
)


def _contacts(zone: LandingZone) -> Iterator[str]:
    contacts = zone.security.alternate_contacts
    for account in zone.accounts if contacts.on else ():
        yield from (f"aws_account_alternate_contact.{account}_{kind.lower()}" for kind in contacts.contacts)


CONTACT = Kind(
    "alternate contact",
    "security",
    (
        Resource(
            "aws_account_alternate_contact",
            "[<account id>][/]<BILLING, OPERATIONS or SECURITY>",
            keys=("account",),
            references=("account_id",),
        ),
    ),
    addresses=_contacts,
)
BUDGET = Kind(
    "budget",
    "security",
    (
        Resource(
            "aws_budgets_budget",
            "<account id>:<budget name>",
            existing=Existing("DuplicateRecordException", "{account}:{name}"),
        ),
    ),
    addresses=lambda zone: ("aws_budgets_budget.monthly",) if zone.security.budget.on else (),
)


# Anomalies of cost


def _monitors(zone: LandingZone) -> Iterator[str]:
    monitor = zone.security.anomaly_monitor
    if monitor.on:
        yield "aws_ce_anomaly_monitor.services"
        yield from ("aws_ce_anomaly_subscription.services",) if monitor.emails else ()


def _monitor(ask: Ask) -> str | None:
    found = ask.aws.client("ce").get_anomaly_monitors()["AnomalyMonitors"]
    return next((str(one["MonitorArn"]) for one in found if one["MonitorName"] == ask.values["name"]), None)


def _subscription(ask: Ask) -> str | None:
    found = ask.aws.client("ce").get_anomaly_subscriptions()["AnomalySubscriptions"]
    return next((str(one["SubscriptionArn"]) for one in found if one["SubscriptionName"] == ask.values["name"]), None)


MONITOR = Kind(
    "anomaly monitor",
    "security",
    (
        Resource(
            "aws_ce_anomaly_monitor",
            "<anomaly monitor ARN>",
            existing=Existing("Limit exceeded on dimensional spend monitor", _monitor),
        ),
        # AWS accepts a second one of the same name.
        Resource(
            "aws_ce_anomaly_subscription",
            "<anomaly subscription ARN>",
            existing=Existing(id=_subscription, early=True),
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
    "alert",
    "security",
    (
        *RULE,
        Resource("aws_sns_topic", "<topic ARN>[@<region>]", kept=True),
        Resource("aws_sns_topic_policy", "<topic ARN>[@<region>]", kept=True),
        Resource("aws_sns_topic_subscription", "<subscription ARN>[@<region>]", kept=True),
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
    found = ask.aws.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
    issuer = ask.values["url"].removeprefix("https://")
    return next((str(one["Arn"]) for one in found if one["Arn"].partition(":oidc-provider/")[2] == issuer), None)


GITHUB = Kind(
    "roles of GitHub Actions",
    "security",
    (
        Resource(
            "aws_iam_openid_connect_provider",
            "<provider ARN>",
            existing=Existing("EntityAlreadyExists", _provider, early=True),
            kept=True,
        ),
        ROLE,
        ROLE_POLICY,
        ROLE_ATTACHMENT,
    ),
    addresses=_github,
)
