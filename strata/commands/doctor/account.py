"""Checks of the management account: whose it is, whether its set-up is complete, its quota, its regions, its bills."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from strata.aws import organization as organizations
from strata.aws.organization import LiveAccount
from strata.aws.quotas import account_quota, more_accounts
from strata.aws.session import Aws, AwsError, Caller, paginate
from strata.commands.doctor.context import CheckContext
from strata.commands.doctor.findings import NOT_YET, Finding, action, denied, failure, ok, unanswered, warning
from strata.config.models import ManagementAccount, Project
from strata.errors import Message, StrataError
from strata.kinds.control import BY_SERVICE, MONTHLY
from strata.landing_zone import LandingZone

# Before everything else: who calls, and into which organization


def check_caller(aws: Aws, project: Project) -> tuple[Finding, bool]:
    """Returns the line about the caller, and whether AWS can be looked at with these credentials."""
    try:
        caller = aws.caller()
    except AwsError as error:
        return failure(error.args[0]), False
    return assess_caller(caller, project.management_account.id)


def assess_caller(caller: Caller, configured: str) -> tuple[Finding, bool]:
    """Judges whose credentials these are."""
    if caller.account != configured:
        text = f"the credentials are of account {caller.account}, management_account.id in project.yaml is {configured}"
        message = Message("wrong-account", text, account=caller.account, expected=configured)
        return failure(message, "use a profile of the management account, or correct the id"), False
    if caller.root:
        remedy = "create an administrator in the account and keep root for tasks that require it"
        text = "this is the root user, which cannot assume the members' access role"
        return warning(Message("root-user", text), remedy), True
    text = f"{caller.account} as {caller.arn}"
    return ok(Message("management-caller", text, account=caller.account, arn=caller.arn)), True


def check_organization(aws: Aws, project: Project) -> tuple[Finding, bool]:
    """Returns the line about the organization, and whether its parts can be looked at."""
    try:
        found = organizations.describe(aws)
        if found:
            organizations.check_ours(found, project)
    except AwsError as error:
        return unanswered(error), True
    except StrataError as error:
        return failure(error.args[0]), False
    if not found:
        return NOT_YET, False
    return ok(Message("organization-ours", f"{found['Id']}, all features", organization=found["Id"])), True


# Its set-up


def check_activation(context: CheckContext) -> Iterator[Finding]:
    """Checks that AWS has activated the account; no API reports whether it has a payment method."""
    found = context.aws.client("account").get_account_information()
    yield assess_activation(found.get("AccountState", "ACTIVE"))


def assess_activation(state: str) -> Finding:
    """Judges the state of the account."""
    if state != "ACTIVE":
        message = Message("account-inactive", f"the account is {state}", state=state)
        return failure(message, "finish its set-up at https://portal.aws.amazon.com/billing/signup")
    page = "https://console.aws.amazon.com/billing/home#/paymentmethods"
    return ok(Message("account-active", f"ACTIVE; the payment method only the console shows: {page}"))


def check_contact(context: CheckContext) -> Iterator[Finding]:
    """Checks that the account has its contact address: AWS creates no organization without it."""
    try:
        found = context.aws.client("account").get_contact_information()["ContactInformation"]
    except AwsError as error:
        if error.code != "ResourceNotFoundException":
            raise
        found = {}
    yield assess_contact(found)


def assess_contact(contact: Mapping[str, Any]) -> Finding:
    """Judges the contact of the account."""
    lacking = [
        name for name in ("FullName", "AddressLine1", "City", "CountryCode", "PhoneNumber") if not contact.get(name)
    ]
    if lacking:
        remedy = "fill it in at https://console.aws.amazon.com/billing/home#/account"
        text = f"the account contact has no {', '.join(lacking)}"
        return failure(Message("contact-incomplete", text, lacking=lacking), remedy)
    return ok(Message("contact-complete", "the contact information is complete"))


def check_plan(context: CheckContext) -> Iterator[Finding]:
    """Checks whether the account is on AWS's free plan."""
    try:
        found = context.aws.client("freetier", "us-east-1").get_account_plan_state()
    except AwsError as error:
        if error.code != "ResourceNotFoundException":  # accounts older than the plans
            raise
        found = {"accountPlanType": "PAID", "accountPlanStatus": "ACTIVE"}
    yield assess_plan(found["accountPlanType"], found.get("accountPlanStatus", "ACTIVE"), context.has_organization)


def assess_plan(kind: str, status: str, has_organization: bool) -> Finding:
    """Judges the account's plan."""
    if status == "EXPIRED":
        message = Message("plan-expired", f"the {kind.lower()} plan has expired", plan=kind)
        return failure(message, "upgrade at https://console.aws.amazon.com/billing/home")
    if kind == "FREE" and not has_organization:
        text = "the account is on AWS's free plan: an organization upgrades it to a paid plan and ends its credits"
        return warning(Message("plan-free", text), "use up the credits first if you want them")
    return ok(Message("plan-fine", f"the {kind.lower()} plan", plan=kind))


def check_names(context: CheckContext) -> Iterator[Finding]:
    """Checks that project.yaml has the name and e-mail that AWS has for the management account."""
    found = organizations.describe_account(context.aws, context.account_id)
    yield from assess_names(context.project.management_account, found.name, found.email)


def assess_names(configured: ManagementAccount, name: str, email: str) -> Iterator[Finding]:
    """Judges name and e-mail of the management account; AWS ignores case in an e-mail."""
    if configured.name != name:
        text = f"management_account.name in project.yaml is {configured.name!r}, AWS has {name!r}"
        yield warning(Message("management-name-differs", text, value=configured.name, aws=name), f"write {name!r}")
    if configured.email.lower() != email.lower():
        text = f"management_account.email in project.yaml is {configured.email!r}, AWS has {email!r}"
        yield warning(Message("management-email-differs", text, value=configured.email, aws=email), f"write {email!r}")
    if configured.name == name and configured.email.lower() == email.lower():
        yield ok(Message("management-as-declared", f"{name!r}, {email}", name=name, email=email))


# How many accounts it may have


def check_quota(context: CheckContext) -> Iterator[Finding]:
    """Checks that the account quota suffices for existing and new accounts."""
    yield assess_quota(context.landing_zone, context.accounts(), account_quota(context.aws))


def assess_quota(landing_zone: LandingZone, live: Sequence[LiveAccount], quota: int) -> Finding:
    """Judges the quota; closed accounts count until AWS has removed them, and those that exist have their room."""
    there = {account.email.lower() for account in live}
    declared = landing_zone.members.values()
    new = sum(account.email.lower() not in there for account in declared)
    now = len(live) or 1
    short = new and now + new > quota
    text = f"{now} accounts now, {new} to create, the quota is {quota}"
    message = Message("quota-exceeded" if short else "quota-suffices", text, accounts=now, new=new, limit=quota)
    return failure(message, more_accounts(now + new)) if short else ok(message)


# Where it may work


def check_regions(context: CheckContext) -> Iterator[Finding]:
    """Checks that every region the configuration uses is enabled in this account."""
    found = context.aws.client("ec2").describe_regions(AllRegions=True)["Regions"]
    status = {region["RegionName"]: region.get("OptInStatus", "opt-in-not-required") for region in found}
    yield from assess_regions(context.project, status)


def assess_regions(project: Project, status: Mapping[str, str]) -> Iterator[Finding]:
    """Judges the regions in use by their opt-in status."""
    wanted = {*project.regions.all_governed, project.regions.secondary, project.identity_center_region}
    closed = sorted(region for region in wanted if status.get(region) not in ("opted-in", "opt-in-not-required"))
    for region in closed:
        remedy = f"aws account enable-region --region-name {region}, which takes minutes to hours"
        text = f"the region {region} is not enabled in this account"
        yield failure(Message("region-not-enabled", text, region=region), remedy)
    if not closed:
        yield ok(Message("regions-enabled", f"{', '.join(sorted(wanted))}", regions=sorted(wanted)))


# What it costs


def check_billing(context: CheckContext) -> Iterator[Finding]:
    """Checks that the budget can be created: bills are closed to IAM until root opens them."""
    name = f"{context.project.short_name}-monthly"
    try:
        context.aws.client("budgets", "us-east-1").describe_budget(AccountId=context.account_id, BudgetName=name)
        there = True
    except AwsError as error:
        if denied(error):
            yield assess_billing_denial(action(error))
            return
        if error.code != "NotFoundException":
            raise
        there = False
    if there and context.landing_zone.security.budget.on and MONTHLY not in context.managed_or_imported:
        line = f"{MONTHLY}: {context.account_id}:{name}"
        text = f"the budget {name} exists already"
        yield failure(
            Message("budget-exists", text, place=MONTHLY, budget=name),
            f"adopt it, in imports.yaml: {line}",
        )
        return
    yield ok(Message("bills-open", "bills are open to this caller"))


def assess_billing_denial(refused: str) -> Finding:
    """Explains a denied call about cost."""
    text = f"not checked: {refused} is not allowed, or bills are closed to IAM"
    return warning(
        Message("bills-closed", text, action=refused),
        "as root activate 'IAM user and role access to Billing information' at "
        "https://console.aws.amazon.com/billing/home#/account",
    )


def check_anomaly_monitor(context: CheckContext) -> Iterator[Finding]:
    """Checks for the one monitor by service that AWS allows per account, and often creates itself."""
    try:
        found = list(paginate(context.aws.client("ce", "us-east-1"), "get_anomaly_monitors", "AnomalyMonitors[]"))
    except AwsError as error:
        if not denied(error):
            raise
        yield assess_billing_denial(action(error))
        return
    arns = [monitor["MonitorArn"] for monitor in found if monitor.get("MonitorDimension") == "SERVICE"]
    managed_or_imported = BY_SERVICE in context.managed_or_imported
    yield assess_anomaly_monitor(
        arns, wanted=context.landing_zone.security.anomaly_monitor.on, managed_or_imported=managed_or_imported
    )


def assess_anomaly_monitor(arns: Sequence[str], *, wanted: bool, managed_or_imported: bool) -> Finding:
    """Judges the anomaly monitors by service."""
    if arns and wanted and not managed_or_imported:
        text = f"{arns[0]} exists already, AWS allows one monitor by service"
        message = Message("anomaly-monitor-exists", text, place=BY_SERVICE, monitor=arns[0])
        return failure(message, f"adopt it, in imports.yaml: {BY_SERVICE}: {arns[0]}")
    if arns and not wanted:
        return ok(Message("not-ours", f"{arns[0]} exists, Strata does not change it", monitor=arns[0]))
    return ok(Message("no-conflict", "no monitor by service in the way"))
