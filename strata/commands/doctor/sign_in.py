"""The check of Identity Center: enabled for the organization, by this account, in the configured region."""

from __future__ import annotations

from contextlib import suppress

from strata.aws.identity_center import console, list_instances
from strata.aws.session import AwsError
from strata.commands.doctor.context import CheckContext
from strata.commands.doctor.findings import Finding, failure, ok


def check_identity_center(context: CheckContext) -> Finding:
    """Checks that the instance is one of the organization.

    An account instance has no permission sets, and an account has a single instance at most.
    """
    account, region = context.project.management_account.id, context.project.identity_center_region
    enable = f"by hand, once: {console(region)} > Enable > Enable with AWS Organizations, not an account instance"
    instances = list_instances(context.aws, context.project, everywhere=True)
    own = [instance for instance in instances if instance.get("OwnerAccountId", account) == account]
    if not own:
        others = sorted({instance["OwnerAccountId"] for instance in instances})
        text = f"Identity Center belongs to {', '.join(others)}" if others else "Identity Center is not enabled"
        text += "; AWS has no API that enables it for a management account"
        return failure("identity-center-of-others" if others else "identity-center-off", text, enable, accounts=others)
    # The home region, and whether there are permission sets, only the description has.
    instance, arn = dict(own[0]), own[0]["InstanceArn"]
    with suppress(AwsError):
        client = context.aws.client("sso-admin", instance.get("PrimaryRegion") or region)
        instance |= client.describe_instance(InstanceArn=arn)
    home, status = instance.get("PrimaryRegion") or region, instance.get("Status", "ACTIVE")
    if instance.get("PermissionSetsEnabled") is False:
        remedy = f"delete it at {console(home)}#/instances/settings (Settings > Management > Delete), then {enable}"
        text = "Identity Center is an account instance, it reaches no other account"
        return failure("identity-center-of-account", text, remedy)
    if home != region:
        remedy = f"set identity_center.region in project.yaml to {home}"
        text = f"Identity Center is in {home}, project.yaml has {region}"
        return failure("identity-center-elsewhere", text, remedy, region=home, expected=region)
    if status != "ACTIVE":
        text, remedy = f"Identity Center is {status}", f"look at {console(region)}"
        return failure("identity-center-not-active", text, remedy, status=status)
    return ok("identity-center-enabled", f"{arn} in {home}", instance=arn, region=home)
