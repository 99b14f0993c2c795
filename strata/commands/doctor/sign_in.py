"""Checks of Identity Center, of what others made there, of permission sets that accounts lack, and of alert mails."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import suppress

from strata.aws.identity_center import CenterClient, console
from strata.aws.session import AwsError, unless_absent
from strata.commands.doctor.context import CheckContext
from strata.commands.doctor.findings import Finding, failure, later, listed, ok, refused, warning
from strata.config.layers import STACKS
from strata.config.models import PARTITION
from strata.drift.permission_sets import otherwise
from strata.identity import announced
from strata.identity.examine import strangers
from strata.identity.external import external, lost
from strata.identity.leftovers import STACK
from strata.kinds.moves import newest_keys
from strata.printing import word
from strata.sides.recorded import own_sets, principals
from strata.terraform.provisioning import outdated_sets, withheld_from


def check_identity_center(context: CheckContext) -> Finding:
    """Checks that Identity Center is enabled for the organization, by this account, in the configured region.

    An account instance has no permission sets, and an account has a single instance at most.
    """
    account, region = context.account_id, context.project.identity_center_region
    instances = []
    for instance in context.instances():
        # The home region, and whether there are permission sets, only the description has.
        described = {}
        with suppress(AwsError):
            client = context.aws.client("sso-admin", instance.get("PrimaryRegion") or region)
            described = client.describe_instance(InstanceArn=instance["InstanceArn"])
        instances.append({**instance, **described})
    own = [instance for instance in instances if instance.get("OwnerAccountId", account) == account]
    by_hand = "AWS has no API that enables it for a management account"
    if not own and (others := sorted({instance["OwnerAccountId"] for instance in instances})):
        text = f"Identity Center belongs to {listed(others)}; {by_hand}"
        return failure("identity-center-of-others", text, _enable(region), accounts=others)
    if not own:
        return failure("identity-center-off", f"Identity Center is not enabled; {by_hand}", _enable(region))
    instance = own[0]
    home, status = instance.get("PrimaryRegion") or region, instance.get("Status", "ACTIVE")
    if instance.get("PermissionSetsEnabled") is False:
        settings = f"{console(home)}#/instances/settings"
        remedy = f"delete it at {settings} (Settings > Management > Delete), then {_enable(region)}"
        text = "Identity Center is an account instance, it reaches no other account"
        return failure("identity-center-of-account", text, remedy)
    if home != region:
        remedy = f"set identity_center.region in project.yaml to {home}"
        text = f"Identity Center is in {home}, project.yaml has {region}"
        return failure("identity-center-elsewhere", text, remedy, region=home, expected=region)
    if status != "ACTIVE":
        text, remedy = f"Identity Center is {status}", f"look at {console(region)}"
        return failure("identity-center-not-active", text, remedy, status=status)
    arn = instance["InstanceArn"]
    return ok("identity-center-enabled", f"{arn} in {home}", instance=arn, region=home)


def _enable(region: str) -> str:
    return f"by hand, once: {console(region)} > Enable > Enable with AWS Organizations, not an account instance"


_NOT_ENABLED = later("identity-center-off", "not yet: Identity Center is not enabled")


def check_directory(context: CheckContext) -> Iterator[Finding]:
    """Checks that nobody else created what has the name of a declared user, group or permission set.

    And that those of an identity provider are there under their names, by which a deploy looks them up.
    """
    center, zone = CenterClient.of(context.aws, context.project), context.landing_zone
    if center is None:
        yield _NOT_ENABLED
        return
    states = {stack: context.states().get(stack, {}) for stack in STACKS}
    refusals = strangers(
        context.aws,
        zone,
        states=states,
        announced=announced.read(context.aws, context.project),
        today=dt.datetime.now(tz=dt.UTC).date(),
    )
    for refusal in refusals:
        yield refused(refusal.fault.problem, " ".join((refusal.fault.remedy, *refusal.lines)))
    recorded = principals(states, newest_keys(zone.moves))
    looked_up = [lost(center, zone, who, recorded.get(who)) for who in external(zone)]
    for fault in filter(None, looked_up):
        yield refused(fault.problem, fault.remedy)
    if not refusals and not any(looked_up):
        text = "nothing has the name of a declared user, group or permission set and is in no state"
        yield ok("no-conflict", text)


def check_permission_sets(context: CheckContext) -> Iterator[Finding]:
    """Checks that every account has its permission sets as they are now: no plan shows a change that did not arrive."""
    center = CenterClient.of(context.aws, context.project)
    if center is None:
        yield _NOT_ENABLED
        return
    zone = context.landing_zone
    ours = own_sets(zone, context.states().get(STACK, {}))
    shut = {account.id for account in context.accounts() if account.shut}  # takes none, and counts as done
    outdated = outdated_sets(center, ours, shut)
    withheld = otherwise(context.aws, zone, outdated) if outdated else {}
    for arn, (key, accounts) in sorted(outdated.items(), key=lambda each: each[1]):
        if refusal := withheld.get(key):
            yield refused(withheld_from(key, accounts, refusal), refusal.fault.remedy)
            continue
        yield failure(
            "permission-set-outdated",
            f"{key} is not provisioned in its current version in {listed(accounts)}",
            f"aws sso-admin provision-permission-set --instance-arn {word(center.instance)} "
            f"--permission-set-arn {word(arn)} --target-type ALL_PROVISIONED_ACCOUNTS",
            place=arn,
            permission_set=key,
            accounts=accounts,
        )
    if not outdated:
        text = f"{len(ours)} permission sets, provisioned wherever they are assigned"
        yield ok("permission-sets-provisioned", text, permission_sets=len(ours))


def check_alert_mails(context: CheckContext) -> Iterator[Finding]:
    """Checks that everybody who should hear of an alert has confirmed."""
    if context.landing_zone.security.alerts.on:
        findings = [finding for region in context.project.alert_regions for finding in _alert_mails(context, region)]
        yield from findings or [ok("alerts-confirmed", "confirmed by everybody")]
    else:
        yield ok("control-not-on", "alerts are not on", control="alerts")


def _alert_mails(context: CheckContext, region: str) -> Iterator[Finding]:
    """Judges the subscriptions of a region's topic; AWS drops those that nobody confirms within three days."""
    arn = f"arn:{PARTITION}:sns:{region}:{context.account_id}:{context.project.short_name}-alerts"
    asked = context.aws.client("sns", region).items("list_subscriptions_by_topic", "Subscriptions[]", TopicArn=arn)
    live = unless_absent(lambda: list(asked), ("NotFound", "NotFoundException"))
    if live is None:
        yield later("not-yet", f"not yet: strata deploy security ({region})", region=region)
        return
    status = {entry["Endpoint"].lower(): entry["SubscriptionArn"] for entry in live if entry["Protocol"] == "email"}
    for email in sorted(context.landing_zone.security.alerts.emails):
        data, subscription = {"email": email, "region": region}, status.get(email.lower())
        if subscription is None:
            remedy = "strata deploy security, then confirm the mail"
            yield warning("not-subscribed", f"{email} is not subscribed in {region}", remedy, **data)
        elif not subscription.startswith("arn:"):
            remedy = "follow the link in the mail 'AWS Notification - Subscription Confirmation' within three days"
            text = f"{email} has not confirmed in {region} and receives no alerts"
            yield warning("subscription-unconfirmed", text, remedy, **data)
