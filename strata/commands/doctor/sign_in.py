"""Checks of Identity Center, of what others made there, of permission sets that accounts lack, and of alert mails."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from strata.aws.identity_center import Center, console
from strata.aws.session import AwsError, paginate
from strata.commands.doctor.context import CheckContext
from strata.commands.doctor.findings import Finding, failure, later, listed, ok, warning
from strata.config.layers import STACKS
from strata.config.models import PARTITION
from strata.errors import Message
from strata.identity import announced
from strata.identity.examine import strangers
from strata.identity.external import external, lost
from strata.kinds.moves import newest_keys
from strata.printing import word
from strata.sides.recorded import principals


def check_identity_center(context: CheckContext) -> Iterator[Finding]:
    """Checks that Identity Center is enabled for the organization, by this account, in the configured region."""
    region = context.project.identity_center_region
    instances = [_described(context, region, instance) for instance in context.instances()]
    yield assess_identity_center(context.account_id, region, instances)


def _described(context: CheckContext, region: str, instance: Mapping[str, Any]) -> Mapping[str, Any]:
    """Adds the parts that only the description has: the home region, and whether there are permission sets."""
    try:
        client = context.aws.client("sso-admin", instance.get("PrimaryRegion") or region)
        return {**instance, **client.describe_instance(InstanceArn=instance["InstanceArn"])}
    except AwsError:
        return instance


def assess_identity_center(account: str, region: str, instances: Sequence[Mapping[str, Any]]) -> Finding:
    """Judges the instances; an account instance has no permission sets, and an account has one instance at most."""
    own = [instance for instance in instances if instance.get("OwnerAccountId", account) == account]
    if not own:
        by_hand = "no call can do it for a management account"
        message = Message("identity-center-off", f"Identity Center is not enabled; {by_hand}")
        if others := sorted({instance["OwnerAccountId"] for instance in instances}):
            text = f"Identity Center belongs to {listed(others)}; {by_hand}"
            message = Message("identity-center-of-others", text, accounts=others)
        return failure(message, _enable(region))
    instance = own[0]
    home = instance.get("PrimaryRegion") or region
    if instance.get("PermissionSetsEnabled") is False:
        settings = f"{console(home)}#/instances/settings"
        remedy = f"delete it at {settings} (Settings > Management > Delete), then {_enable(region)}"
        text = "Identity Center is an account instance, it reaches no other account"
        return failure(Message("identity-center-of-account", text), remedy)
    if home != region:
        remedy = f"set identity_center.region in project.yaml to {home}"
        text = f"Identity Center is in {home}, project.yaml has {region}"
        return failure(Message("identity-center-elsewhere", text, region=home, expected=region), remedy)
    status = instance.get("Status", "ACTIVE")
    if status != "ACTIVE":
        message = Message("identity-center-not-active", f"Identity Center is {status}", status=status)
        return failure(message, f"look at {console(region)}")
    text = f"{instance['InstanceArn']} in {home}"
    return ok(Message("identity-center-enabled", text, instance=instance["InstanceArn"], region=home))


def _enable(region: str) -> str:
    return f"by hand, once: {console(region)} > Enable > Enable with AWS Organizations, not an account instance"


_NOT_ENABLED = later(Message("identity-center-off", "not yet: Identity Center is not enabled"))


def check_directory(context: CheckContext) -> Iterator[Finding]:
    """Checks that nobody else created what has the name of a declared user, group or permission set.

    And that those of an identity provider are there under their names, by which a deploy looks them up.
    """
    center, zone = Center.of(context.aws, context.project), context.landing_zone
    if center is None:
        yield _NOT_ENABLED
        return
    states = {stack: context.states().get(stack, {}) for stack in STACKS}
    found = strangers(
        context.aws,
        zone,
        states=states,
        announced=announced.read(context.aws, context.project),
        today=dt.datetime.now(tz=dt.UTC).date(),
    )
    for refusal in found:
        yield failure(refusal.fault.problem, " ".join((refusal.fault.remedy, *refusal.lines)))
    recorded = principals(states, newest_keys(zone.moves))
    looked_up = [lost(center, zone, who, recorded.get(who)) for who in external(zone)]
    for fault in filter(None, looked_up):
        yield failure(fault.problem, fault.remedy)
    if not found and not any(looked_up):
        text = "nothing has the name of a declared user, group or permission set and is in no state"
        yield ok(Message("no-conflict", text))


def check_permission_sets(context: CheckContext) -> Iterator[Finding]:
    """Checks that every account has its permission sets as they are now."""
    center = Center.of(context.aws, context.project)
    if center is None:
        yield _NOT_ENABLED
        return
    sets = list(center.permission_sets())
    outdated = {arn: center.accounts_of(arn, outdated=True) for arn in sets}
    stale = {arn: (center.name_of(arn), accounts) for arn, accounts in outdated.items() if accounts}
    yield from assess_permission_sets(center.instance, len(sets), stale)


def assess_permission_sets(
    instance: str, number: int, stale: Mapping[str, tuple[str, Sequence[str]]]
) -> Iterator[Finding]:
    """Judges permission sets whose last change did not reach every account: no plan shows it."""
    for arn, (name, accounts) in sorted(stale.items(), key=lambda item: item[1]):
        text = f"{name} is not provisioned in its current version in {listed(list(accounts))}"
        yield failure(
            Message("permission-set-outdated", text, place=arn, permission_set=name, accounts=list(accounts)),
            f"aws sso-admin provision-permission-set --instance-arn {word(instance)} --permission-set-arn {word(arn)} "
            "--target-type ALL_PROVISIONED_ACCOUNTS",
        )
    if not stale:
        text = f"{number} permission sets, provisioned wherever they are assigned"
        yield ok(Message("permission-sets-provisioned", text, permission_sets=number))


def check_alert_mails(context: CheckContext) -> Iterator[Finding]:
    """Checks that everybody who should hear of an alert has confirmed."""
    control = context.landing_zone.security.alerts
    found: list[Finding] = []
    for region in context.project.alert_regions if control.on else ():
        arn = f"arn:{PARTITION}:sns:{region}:{context.account_id}:{context.project.short_name}-alerts"
        client = context.aws.client("sns", region)
        try:
            live = list(paginate(client, "list_subscriptions_by_topic", "Subscriptions[]", TopicArn=arn))
        except AwsError as error:
            if error.code not in ("NotFound", "NotFoundException"):
                raise
            found.append(later(Message("not-yet", f"not yet: strata deploy security ({region})", region=region)))
        else:
            found += assess_alert_mails(region, control.emails, live)
    not_on = Message("control-not-on", "alerts are not on", control="alerts")
    yield from found or [ok(Message("alerts-confirmed", "confirmed by everybody") if control.on else not_on)]


def assess_alert_mails(region: str, emails: Sequence[str], live: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Judges the subscriptions of one topic; AWS drops those that nobody confirms within three days."""
    status = {entry["Endpoint"].lower(): entry["SubscriptionArn"] for entry in live if entry["Protocol"] == "email"}
    for email in sorted(emails):
        arn = status.get(email.lower())
        if arn is None:
            message = Message("not-subscribed", f"{email} is not subscribed in {region}", email=email, region=region)
            yield warning(message, "strata deploy security, then confirm the mail")
        elif not arn.startswith("arn:"):
            remedy = "follow the link in the mail 'AWS Notification - Subscription Confirmation' within three days"
            text = f"{email} has not confirmed in {region} and receives no alerts"
            yield warning(Message("subscription-unconfirmed", text, email=email, region=region), remedy)
