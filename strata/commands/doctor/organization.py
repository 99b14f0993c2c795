"""Checks of the organization: whose it is, its policy types, how many accounts it may have, and those that are closed.

How its accounts differ from the configuration, `strata plan` and `strata drift` say.
"""

from __future__ import annotations

from collections.abc import Iterator

from strata.aws.organization import enabled_policy_types
from strata.aws.prerequisites import organization_status
from strata.aws.quotas import account_quota, more_accounts
from strata.aws.session import Aws, AwsError
from strata.commands.doctor.context import CheckContext
from strata.commands.doctor.findings import NOT_YET, Finding, Level, failure, ok, refused, unanswered, warning
from strata.config.models import Project
from strata.errors import StrataError
from strata.identity.accounts import GONE
from strata.kinds import TYPES
from strata.landing_zone.services import unknown_types
from strata.text import folded


def check_organization(aws: Aws, project: Project) -> list[Finding]:
    """Returns the lines about the organization; in somebody else's every further answer is about something else."""
    try:
        status = organization_status(aws, project)
    except AwsError as error:
        return [unanswered(error)]
    except StrataError as error:
        return [refused(error.args[0])]
    if not status.missing:
        return [ok("organization-ours", status.name)]
    return [NOT_YET, *([Finding(Level.WARNING, status.caution)] if status.caution else [])]


def check_names(context: CheckContext) -> Iterator[Finding]:
    """Checks that project.yaml has the name and e-mail that AWS has for the management account."""
    here = context.project.management_account
    account = next(account for account in context.accounts if account.id == here.id)
    if here.name != account.name:
        text = f"management_account.name in project.yaml is {here.name!r}, AWS has {account.name!r}"
        yield warning("management-name-differs", text, f"write {account.name!r}", value=here.name, aws=account.name)
    if folded(here.email) != folded(account.email):
        text = f"management_account.email in project.yaml is {here.email!r}, AWS has {account.email!r}"
        yield warning("management-email-differs", text, f"write {account.email!r}", value=here.email, aws=account.email)


def check_quota(context: CheckContext) -> Finding:
    """Checks that the account quota suffices for existing and new accounts.

    Closed accounts count until AWS has removed them, and those that exist have their room. Of a new organization
    Service Quotas gives the default.
    """
    there = {folded(account.email) for account in context.accounts} | {*context.deployed.values()}
    new = [
        key
        for key, account in context.landing_zone.members.items()
        if folded(account.email) not in there and f"{TYPES['account']}.{key}" not in context.landing_zone.imports
    ]
    now, quota = len(context.accounts) or 1, account_quota(context.aws)
    text, numbers = f"{now} accounts now, {len(new)} to create, the quota is {quota}", {"accounts": now, "limit": quota}
    if new and now == 1:
        text += "; a new organization may have room for fewer, which no API returns"
    if new and now + len(new) > quota:
        return failure("quota-exceeded", text, more_accounts(now + len(new)), new=len(new), **numbers)
    return ok("quota-suffices", text, new=len(new), **numbers)


def check_accounts(context: CheckContext) -> Iterator[Finding]:
    """Names the declared accounts that are not active, which a deploy leaves out or waits for."""
    zone, deployed = context.landing_zone, context.deployed
    keys = {folded(account.email): key for key, account in zone.members.items()}
    active = {folded(account.email) for account in context.accounts if account.active}
    idle = [account for account in context.accounts if folded(account.email) in keys.keys() - active]
    for account in idle:
        key = keys[folded(account.email)]
        place, retire = f"accounts.{key}", f"set retired: true on accounts.{key}"
        text = f"{place} is {account.id}, {account.email}, {account.state}"
        data = {"place": place, "account": account.id, "state": account.state}
        if not account.shut:
            yield warning("account-inactive", text, "AWS is still preparing it: wait", **data)
        elif account.id in deployed or folded(account.email) in context.left_out:
            remedy = f"{retire}, then write what strata check says; or reopen it with AWS Support"
            yield warning("account-inactive", f"{text}: deploys leave it out, and forget what it has", remedy, **data)
        else:
            remedy = f"use another address; or {retire}"
            yield failure("account-inactive", f"{text}: AWS makes no second one with its address", remedy, **data)
    listed = {folded(account.email) for account in context.accounts}
    gone = sorted({*deployed.values(), *context.left_out} & keys.keys() - listed)
    for email in gone:
        place = f"accounts.{keys[email]}"
        text = f"{place}, {email}, was deployed and is gone from AWS: deploys leave it out, and forget what it has"
        remedy = f"set retired: true on {place}, then write what strata check says"
        yield warning("account-inactive", text, remedy, place=place, state=GONE)
    if not idle and not gone:
        yield ok("accounts-active", f"{len(active)} active, and no declared one is closed", accounts=len(active))


def check_policy_types(context: CheckContext) -> Finding:
    """Names enabled policy types that the AWS provider does not know: no deploy can enable more types meanwhile."""
    enabled = enabled_policy_types(context.aws)
    unknown = unknown_types(enabled)
    if not unknown:
        return ok("policy-types", f"on: {', '.join(enabled) or 'none yet'}", types=enabled)
    text = f"{', '.join(unknown)}: on, and the pinned AWS provider does not know it"
    remedy = "a deploy leaves the enabled types as they are"
    off = sorted({str(policy_type) for policy_type in context.landing_zone.policy_types} - {*enabled})
    if not off:
        return warning("policy-type-unknown", text, remedy, types=unknown, off=off)
    remedy += f"; enable {', '.join(off)} by the AWS CLI: aws organizations enable-policy-type"
    return failure("policy-type-unknown", text, remedy, types=unknown, off=off)
