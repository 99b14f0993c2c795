"""Checks of the organization: whose it is, its accounts and policy types, and how many accounts it may have.

How accounts differ from the configuration, `strata plan` and `strata drift` say.
"""

from __future__ import annotations

from collections.abc import Iterator

from strata.aws.organization import enabled_policy_types
from strata.aws.prerequisites import organization_status
from strata.aws.quotas import account_quota, more_accounts
from strata.aws.session import Aws, AwsError
from strata.commands.doctor.context import CheckContext
from strata.commands.doctor.findings import NOT_YET, Finding, failure, ok, refused, unanswered, warning
from strata.config.models import Project
from strata.errors import StrataError
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
    return [NOT_YET]


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
    there = {folded(account.email) for account in context.accounts}
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
    """Names the declared accounts that AWS has and that are not active: a deploy leaves them out, or waits for them."""
    keys = {folded(account.email): key for key, account in context.landing_zone.members.items()}
    active = {folded(account.email) for account in context.accounts if account.active}
    for account in context.accounts:
        email = folded(account.email)
        if email in active or email not in keys:
            continue
        place = f"accounts.{keys[email]}"
        text = f"{place} is {account.id}, {account.email}, {account.state}"
        remedy = f"wait while AWS prepares it; of one that is closed, set retired: true on {place}"
        yield warning("account-inactive", text, remedy, place=place, account=account.id, state=account.state)


def check_policy_types(context: CheckContext) -> Finding:
    """Names enabled policy types that the AWS provider does not know: no deploy can enable more types meanwhile."""
    enabled = enabled_policy_types(context.aws)
    if unknown := unknown_types(enabled):
        text = f"{', '.join(unknown)}: on, and the pinned AWS provider does not know it"
        return warning("policy-type-unknown", text, "a deploy leaves the enabled types as they are", types=unknown)
    return ok("policy-types", f"on: {', '.join(enabled) or 'none yet'}", types=enabled)
