"""The controls of security.yaml as Terraform's states have them, and as AWS answers about them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from strata.config.models import Control, Security, Setting
from strata.kinds.setting import RESOURCES
from tests.organizations.described import MANAGEMENT, Side, Thing

Values = Mapping[str, Any]
SETTINGS: Mapping[str, tuple[str, Values]] = {
    key: (RESOURCES[key].type, {**dict.fromkeys(one.arguments.values(), 0), **one.values})
    for key, one in Security().settings.items()
}
"""The type and what Strata sets, by Terraform's arguments."""
OF_ACCOUNT = ("s3_public_access", "password_policy")
ALL = tuple(Security.kinds(Control))
_TRAIL = ("enable_logging", "enable_log_file_validation", "is_organization_trail", "is_multi_region_trail")
_BUCKET = ("", "_lifecycle_configuration", "_ownership_controls", "_policy", "_public_access_block")
BUCKET = tuple(f"aws_s3_bucket{part}" for part in (*_BUCKET, "_server_side_encryption_configuration"))


def setting(one: Thing, region: str) -> Values:
    """Returns what a setting is set to, by Terraform's arguments."""
    arguments = Security.kinds(Setting)[one.key].arguments
    chosen = {arguments[name]: value for name, value in one["parameters"].items()}
    return {**SETTINGS[one.key][1], **chosen, **one["at"].get(region, {})}


def resources(side: Side, regions: tuple[str, ...], project: Values) -> Iterator[tuple[str, Values]]:
    """Yields what the state of `security` has, by address."""
    for one in side.of("control").values():
        if one.key in SETTINGS:
            type = SETTINGS[one.key][0]
            for region in ("",) if one.key in OF_ACCOUNT else regions:
                yield (
                    f"{type}.main{f'_{region}' if region else ''}",
                    {"id": region or MANAGEMENT, **setting(one, region)},
                )
        else:
            yield from _THINGS[one.key](one, side, regions, project)


def _trail(one: Thing, _: Side, regions: tuple[str, ...], project: Values) -> Iterator[tuple[str, Values]]:
    name = f"{project['short_name']}-organization"
    arn = f"arn:aws:cloudtrail:{project['primary']}:{MANAGEMENT}:trail/{name}"
    bucket = f"{project['short_name']}-organization-trail-{MANAGEMENT}"
    said = {"id": arn, "arn": arn, "name": name, "s3_bucket_name": bucket, "include_global_service_events": True}
    yield "aws_cloudtrail.organization", {**said, **dict.fromkeys(_TRAIL, True), **one["at"].get("", {})}
    yield from ((f"{type}.trail", {"id": bucket}) for type in BUCKET)


def _analyzers(one: Thing, _: Side, regions: tuple[str, ...], project: Values) -> Iterator[tuple[str, Values]]:
    name = f"{project['short_name']}-organization"
    for region in regions:
        if one["at"].get(region) is not False:
            found = {"id": name, "analyzer_name": name, "region": region, "type": "ORGANIZATION"}
            yield f"aws_accessanalyzer_analyzer.organization_{region}", found


def _budget(one: Thing, _: Side, regions: tuple[str, ...], project: Values) -> Iterator[tuple[str, Values]]:
    shares, limit = one["parameters"].get("thresholds_percent", (80, 100)), one["parameters"].get("limit_usd", 100)
    due = [*((share, "ACTUAL") for share in shares), (shares[-1], "FORECASTED")]
    to = sorted(one["parameters"].get("emails", ()))
    notifications = [
        {"notification_type": kind, "threshold": share, "subscriber_email_addresses": to} for share, kind in due
    ]
    name = f"{project['short_name']}-monthly"
    said = {"id": f"{MANAGEMENT}:{name}", "name": name, "limit_amount": f"{limit}.0", "limit_unit": "USD"}
    yield "aws_budgets_budget.monthly", {**said, "notification": notifications if to else [], **one["at"].get("", {})}


def _alerts(one: Thing, _: Side, regions: tuple[str, ...], project: Values) -> Iterator[tuple[str, Values]]:
    for type in ("aws_cloudwatch_event_rule", "aws_cloudwatch_event_target"):
        yield f"{type}.root-activity", {"id": "root-activity"}
    for region in sorted({"us-east-1", *regions}):  # where root signs in, whatever is governed
        for type in ("aws_sns_topic", "aws_sns_topic_policy"):
            yield f"{type}.alerts_{region}", {"id": f"alerts in {region}"}
        for mail in one["parameters"]["emails"]:
            at = re.sub(r"[^A-Za-z0-9]+", "-", mail.lower()).strip("-")
            yield f"aws_sns_topic_subscription.alerts_{region}_{at}", {"id": f"{mail} in {region}", "endpoint": mail}


def _contacts(one: Thing, side: Side, regions: tuple[str, ...], project: Values) -> Iterator[tuple[str, Values]]:
    for key in side.of("account"):
        for kind, contact in one["parameters"].items():
            at = f"{key}_{kind}"
            if one["at"].get(at) is not False:
                told = {"name": contact["name"], "title": contact["title"], "alternate_contact_type": kind.upper()}
                told |= {"email_address": contact["email"], "phone_number": contact["phone"]}
                account = None if key == "management" else side.id("account", key)
                yield (
                    f"aws_account_alternate_contact.{at}",
                    {"id": at, "account_id": account, **told, **one["at"].get(at, {})},
                )


_THINGS: Mapping[str, Callable[[Thing, Side, tuple[str, ...], Values], Iterator[tuple[str, Values]]]] = {
    "alerts": _alerts,
    "trail": _trail,
    "access_analyzer": _analyzers,
    "budget": _budget,
    "alternate_contacts": _contacts,
}
