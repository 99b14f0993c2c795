"""Checks of the management account: who calls, whether its set-up is complete, its regions, its bills, its buckets."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from strata.aws.prerequisites import closed_regions, management_caller
from strata.aws.resources import ResourceStatus
from strata.aws.session import Aws, AwsError, unless_absent
from strata.aws.state_store import lock_table, replica_bucket, state_bucket, trail_bucket
from strata.commands.doctor.context import CheckContext
from strata.commands.doctor.findings import NOT_YET, Finding, denied, failure, ok, refused, warning
from strata.config.models import Project
from strata.errors import StrataError
from strata.identity.lost_states import lost_states


def check_caller(aws: Aws, project: Project) -> tuple[Finding, bool]:
    """Returns the line about the caller, and whether AWS can be looked at with these credentials."""
    try:
        caller = management_caller(aws, project)
    except StrataError as error:
        return refused(error.args[0]), False
    return ok("management-caller", f"{caller.account} as {caller.arn}", account=caller.account, arn=caller.arn), True


# Its set-up


def check_activation(context: CheckContext) -> Finding:
    """Checks that AWS has activated the account; no API reports whether it has a payment method."""
    state = context.aws.client("account").get_account_information().get("AccountState", "ACTIVE")
    if state != "ACTIVE":
        remedy = "finish its set-up at https://portal.aws.amazon.com/billing/signup"
        return failure("account-inactive", f"the account is {state}", remedy, state=state)
    page = "https://console.aws.amazon.com/billing/home#/paymentmethods"
    return ok("account-active", f"ACTIVE; the payment method only the console shows: {page}")


def check_contact(context: CheckContext) -> Finding:
    """Checks that the account has its contact address: AWS creates no organization without it."""
    answer = unless_absent(context.aws.client("account").get_contact_information) or {}
    contact = answer.get("ContactInformation", {})
    needed = ("FullName", "AddressLine1", "City", "CountryCode", "PhoneNumber")
    if lacking := [name for name in needed if not contact.get(name)]:
        text = f"the account contact has no {', '.join(lacking)}"
        remedy = "fill it in at https://console.aws.amazon.com/billing/home#/account"
        return failure("contact-incomplete", text, remedy, lacking=lacking)
    return ok("contact-complete", "the contact information is complete")


def check_regions(context: CheckContext) -> Iterator[Finding]:
    """Checks that every region the configuration uses is enabled in this account."""
    regions = context.project.regions
    wanted = sorted({*regions.all_governed, regions.secondary, context.project.identity_center_region})
    closed = closed_regions(context.aws, wanted)
    for region, remedy in closed.items():
        text = f"the region {region} is not enabled in this account"
        yield failure("region-not-enabled", text, remedy, region=region)
    if not closed:
        yield ok("regions-enabled", ", ".join(wanted), regions=wanted)


def check_billing(context: CheckContext) -> Finding:
    """Checks that the budget can be created: bills are closed to IAM until root opens them."""
    project = context.project
    client = context.aws.client("budgets", "us-east-1")
    asked = {"AccountId": project.management_account.id, "BudgetName": f"{project.short_name}-monthly"}
    try:
        unless_absent(lambda: client.describe_budget(**asked), ("NotFoundException",))
    except AwsError as error:
        if not denied(error):
            raise
        missing = error.args[0].data.get("action", "")
        text = f"not checked: {missing} is not allowed, or bills are closed to IAM"
        page = "https://console.aws.amazon.com/billing/home#/account"
        remedy = f"as root activate 'IAM user and role access to Billing information' at {page}"
        return warning("bills-closed", text, remedy, action=missing)
    return ok("bills-open", "bills are open to this caller")


# The store of Terraform's state


def check_state_bucket(context: CheckContext) -> Finding:
    """Checks that the state bucket is ours, in its region, versioned and locked down, and that no state was lost."""
    if lost := lost_states(context.aws, context.landing_zone):
        return refused(lost)
    return _ready(context, state_bucket)


def check_replica_bucket(context: CheckContext) -> Finding:
    """Checks that the name of the replica is free, or ours in the secondary region."""
    return _ready(context, replica_bucket)


def check_trail_bucket(context: CheckContext) -> Iterator[Finding]:
    """Checks that the name of the trail's bucket is free, or ours in the primary region."""
    if context.landing_zone.security.trail.on:
        yield _ready(context, trail_bucket)


def check_lock_table(context: CheckContext) -> Finding:
    """Checks the lock table's key, deletion protection and point-in-time recovery."""
    return _ready(context, lock_table)


def _ready(context: CheckContext, status_of: Callable[[Aws, Project], ResourceStatus]) -> Finding:
    status = status_of(context.aws, context.project)
    if status.verb == "create":
        return NOT_YET
    if status.missing:
        text = f"{status.name} lacks {', '.join(status.missing)}"
        return failure("settings-lacking", text, "strata bootstrap", place=status.name, lacking=list(status.missing))
    return ok("store-ready", status.name, place=status.name)
