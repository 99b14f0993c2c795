"""Checks of the management account: whose it is, whether its set-up is complete, its quota, its regions, its bills."""

from __future__ import annotations

from collections.abc import Iterator

from strata.aws import organization as organizations
from strata.aws.prerequisites import closed_regions
from strata.aws.quotas import account_quota, more_accounts
from strata.aws.session import Aws, AwsError, unless_absent
from strata.commands.doctor.context import CheckContext
from strata.commands.doctor.findings import (
    NOT_YET,
    Finding,
    action,
    denied,
    exists,
    failure,
    ok,
    refused,
    unanswered,
    warning,
)
from strata.config.models import Project
from strata.errors import StrataError
from strata.kinds import TYPES
from strata.kinds.control import BUDGET, MONITOR
from strata.text import folded

# Before everything else: who calls, and into which organization


def check_caller(aws: Aws, project: Project) -> tuple[Finding, bool]:
    """Returns the line about the caller, and whether AWS can be looked at with these credentials."""
    try:
        caller = aws.caller()
    except AwsError as error:
        return refused(error.args[0]), False
    configured = project.management_account.id
    if caller.account != configured:
        text = f"the credentials belong to {caller.account}, management_account.id in project.yaml is {configured}"
        remedy = "use a profile of the management account, or correct the id"
        return failure("wrong-account", text, remedy, account=caller.account, expected=configured), False
    if caller.root:
        remedy = "create an administrator in the account and keep root for tasks that require it"
        return warning("root-user", "this is the root user, which cannot assume the members' access role", remedy), True
    text = f"{caller.account} as {caller.arn}"
    return ok("management-caller", text, account=caller.account, arn=caller.arn), True


def check_organization(aws: Aws, project: Project) -> tuple[Finding, bool]:
    """Returns the line about the organization, and whether its parts can be looked at."""
    try:
        organization = organizations.describe(aws)
        if organization:
            organizations.check_ours(organization, project)
    except AwsError as error:
        return unanswered(error), True
    except StrataError as error:
        return refused(error.args[0]), False
    if not organization:
        return NOT_YET, False
    return ok("organization-ours", f"{organization['Id']}, all features", organization=organization["Id"]), True


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
        remedy = "fill it in at https://console.aws.amazon.com/billing/home#/account"
        return failure(
            "contact-incomplete", f"the account contact has no {', '.join(lacking)}", remedy, lacking=lacking
        )
    return ok("contact-complete", "the contact information is complete")


def check_plan(context: CheckContext) -> Finding:
    """Checks whether the account is on AWS's free plan; accounts older than the plans are on none."""
    plan = unless_absent(context.aws.client("freetier", "us-east-1").get_account_plan_state)
    kind = plan["accountPlanType"] if plan else "PAID"
    if plan and plan.get("accountPlanStatus") == "EXPIRED":
        remedy = "upgrade at https://console.aws.amazon.com/billing/home"
        return failure("plan-expired", f"the {kind.lower()} plan has expired", remedy, plan=kind)
    if kind == "FREE" and not context.has_organization:
        text = "the account is on AWS's free plan: an organization upgrades it to a paid plan and ends its credits"
        return warning("plan-free", text, "use up the credits first if you want them")
    return ok("plan-fine", f"the {kind.lower()} plan", plan=kind)


def check_names(context: CheckContext) -> Iterator[Finding]:
    """Checks that project.yaml has the name and e-mail that AWS has for the management account."""
    here, account = context.project.management_account, organizations.describe_account(context.aws, context.account_id)
    is_named, is_addressed = here.name == account.name, folded(here.email) == folded(account.email)
    if not is_named:
        text = f"management_account.name in project.yaml is {here.name!r}, AWS has {account.name!r}"
        yield warning("management-name-differs", text, f"write {account.name!r}", value=here.name, aws=account.name)
    if not is_addressed:
        text = f"management_account.email in project.yaml is {here.email!r}, AWS has {account.email!r}"
        yield warning("management-email-differs", text, f"write {account.email!r}", value=here.email, aws=account.email)
    if is_named and is_addressed:
        yield ok("management-as-declared", f"{account.name!r}, {account.email}", name=account.name, email=account.email)


# How many accounts it may have


def check_quota(context: CheckContext) -> Finding:
    """Checks that the account quota suffices for existing and new accounts.

    Closed accounts count until AWS has removed them, and those that exist have their room. Of a new organization
    Service Quotas gives the default.
    """
    holders, quota = context.holders(), account_quota(context.aws)
    members = context.landing_zone.members.items()
    absent = {key for key, account in members if folded(account.email) not in holders} - {*context.gone()}
    if absent and holders:  # those that exist under another address are in the state, or come into it
        absent -= {key for key in absent if f"{TYPES['account']}.{key}" in context.managed_or_imported}
    now, new = len(context.accounts()) or 1, len(absent)
    text, numbers = f"{now} accounts now, {new} to create, the quota is {quota}", {"accounts": now, "new": new}
    if new and now == 1:
        text += "; a new organization may have room for fewer, which no API returns"
    if new and now + new > quota:
        return failure("quota-exceeded", text, more_accounts(now + new), **numbers, limit=quota)
    return ok("quota-suffices", text, **numbers, limit=quota)


# Where it may work


def check_regions(context: CheckContext) -> Iterator[Finding]:
    """Checks that every region the configuration uses is enabled in this account."""
    regions = context.project.regions
    wanted = sorted({*regions.all_governed, regions.secondary, context.project.identity_center_region})
    closed = closed_regions(context.aws, wanted)
    for region, remedy in closed.items():
        yield failure(
            "region-not-enabled", f"the region {region} is not enabled in this account", remedy, region=region
        )
    if not closed:
        yield ok("regions-enabled", ", ".join(wanted), regions=wanted)


# What it costs


def check_billing(context: CheckContext) -> Finding:
    """Checks that the budget can be created: bills are closed to IAM until root opens them."""
    name = f"{context.project.short_name}-monthly"
    client, asked = context.aws.client("budgets", "us-east-1"), {"AccountId": context.account_id, "BudgetName": name}
    try:
        there = unless_absent(lambda: client.describe_budget(**asked), ("NotFoundException",))
    except AwsError as error:
        return _closed(error)
    address = context.address(BUDGET)
    if there and address and address not in context.managed_or_imported:
        text, id = f"the budget {name} exists already", f"{context.account_id}:{name}"
        return exists("budget-exists", text, address, id, budget=name)
    return ok("bills-open", "bills are open to this caller")


def _closed(error: AwsError) -> Finding:
    """Explains a denied call about cost.

    Raises:
        AwsError: another error.
    """
    if not denied(error):
        raise error
    missing = action(error)
    return warning(
        "bills-closed",
        f"not checked: {missing} is not allowed, or bills are closed to IAM",
        "as root activate 'IAM user and role access to Billing information' at "
        "https://console.aws.amazon.com/billing/home#/account",
        action=missing,
    )


def check_anomaly_monitor(context: CheckContext) -> Finding:
    """Checks for a monitor by service: AWS allows a single one per account, and often creates it itself."""
    try:
        monitors = list(context.aws.client("ce", "us-east-1").items("get_anomaly_monitors", "AnomalyMonitors[]"))
    except AwsError as error:
        return _closed(error)
    arns = [monitor["MonitorArn"] for monitor in monitors if monitor.get("MonitorDimension") == "SERVICE"]
    address, ours = context.address(MONITOR), context.managed_or_imported
    if arns and not address:
        return ok("not-ours", f"{arns[0]} exists, Strata does not change it", monitor=arns[0])
    if arns and address not in ours:
        text = f"{arns[0]} exists already, AWS allows one monitor by service"
        return exists("anomaly-monitor-exists", text, address, arns[0], monitor=arns[0])
    return ok("no-conflict", "no monitor by service in the way")
