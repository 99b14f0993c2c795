"""Checks of the accounts in the organization against organization.yaml, and of trusted services."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial

from strata.aws.organization import LiveAccount, list_delegations, list_trusted_services
from strata.commands.doctor.context import CheckContext
from strata.commands.doctor.findings import Finding, failure, listed, ok, warning
from strata.config.accepted import hint
from strata.config.findings import DRIFT
from strata.config.models import Organization
from strata.errors import Message
from strata.kinds.organization import DELEGATED, delegation
from strata.landing_zone import LandingZone
from strata.printing import word


def check_accounts(context: CheckContext) -> Iterator[Finding]:
    """Checks declared accounts against live ones, both ways."""
    live = context.accounts()
    found = [
        *assess_states(context.landing_zone, live),
        *assess_emails(context.landing_zone, live),
        *assess_undeclared(context.landing_zone, live),
    ]
    active = sum(account.active for account in live)
    fine = Message("accounts-declared", f"active: {active}, all of them declared", accounts=active)
    yield from found or [ok(fine)]


def assess_states(landing_zone: LandingZone, live: Sequence[LiveAccount]) -> Iterator[Finding]:
    """Judges declared accounts that are live and not ACTIVE."""
    by_email = _by_email(live)
    for key, declared in landing_zone.members.items():
        account = by_email.get(declared.email.lower())
        if account is None or account.active:
            continue
        text = f"accounts.{key} is {account}, {account.state}"
        message = Message("account-inactive", text, place=f"accounts.{key}", account=account.id, state=account.state)
        if account.state == "PENDING_ACTIVATION":
            yield warning(message, "AWS is still preparing it: wait")
        else:
            yield failure(message, f"set retired: true on accounts.{key}, or reopen it")


def assess_emails(landing_zone: LandingZone, live: Sequence[LiveAccount]) -> Iterator[Finding]:
    """Judges declared e-mails that belong to another account: a deploy would import and rename that one."""
    organization, project = landing_zone.organization, landing_zone.project
    by_email = _by_email(live)
    names = {one.name: key for key, one in {**landing_zone.retired, **landing_zone.members}.items()}
    for key, declared in landing_zone.members.items():
        account = by_email.get(declared.email.lower())
        if account is None or not account.active:
            continue
        at, name = f"accounts.{key}.email {declared.email!r}", declared.name
        of = partial(Message, place=f"accounts.{key}.email", account=account.id)
        if account.id == project.management_account.id:
            text = f"{at} is the management account's"
            yield failure(of("management-email-taken", text), "give the account its own address")
        elif account.id in organization.unmanaged_accounts:
            text = f"{at} is of {account}, which unmanaged_accounts lists"
            yield failure(of("account-unmanaged", text), "keep it in one of the two places")
        elif names.get(account.name, key) != key:
            text = f"{at} is of {account}, which is named as accounts.{names[account.name]} would be"
            yield failure(of("emails-swapped", text, other=names[account.name]), "swap the addresses")
        elif account.name != name:
            text = f"{at} is of {account}: a deploy adopts it and names it {name!r}"
            remedy = f"set accounts.{key}.name to {account.name!r} to keep its name, or use another address"
            yield warning(of("account-would-be-adopted", text, name=name), remedy)


def assess_undeclared(landing_zone: LandingZone, live: Sequence[LiveAccount]) -> Iterator[Finding]:
    """Judges ACTIVE accounts that organization.yaml does not mention: they stop a deploy on purpose."""
    mentioned = {one.email.lower() for one in (*landing_zone.accounts.values(), *landing_zone.retired.values())}
    mentioned |= {entry.lower() for entry in landing_zone.organization.unmanaged_accounts}
    for account in live:
        own = account.id == landing_zone.project.management_account.id
        if account.active and not own and not {account.id, account.email.lower()} & mentioned:
            text = f"{account}, {account.email}, is in the organization and not in organization.yaml"
            message = Message("account-undeclared", text, account=account.id)
            yield failure(message, f'declare it under accounts, or add "{account.id}" to unmanaged_accounts')


def _by_email(live: Sequence[LiveAccount]) -> dict[str, LiveAccount]:
    """Returns live accounts by e-mail; of several, closed ones among them, the active one."""
    return {account.email.lower(): account for account in sorted(live, key=lambda account: account.active)}


# What the organization trusts


def check_services(context: CheckContext) -> Iterator[Finding]:
    """Names services that have trusted access without being declared."""
    yield from assess_services(context.landing_zone, list_trusted_services(context.aws))


def assess_services(landing_zone: LandingZone, live: Sequence[str]) -> Iterator[Finding]:
    """Assesses trusted access; services that are on and not declared stay on."""
    disabled = sorted(set(live) & set(landing_zone.organization.disable_services))
    undeclared = sorted(set(live) - landing_zone.trusted_services - set(disabled))
    if disabled:
        text = f"{listed(disabled)}: on, and in disable_services"
        message = Message("service-would-be-disabled", text, services=disabled)
        yield warning(message, "the next deploy switches it off")
    if undeclared:
        text = f"on and not declared, they stay on: {', '.join(undeclared)}"
        yield ok(Message("services-undeclared", text, services=undeclared))
    if not disabled and not undeclared:
        text = f"{len(live)} trusted, all of them declared"
        yield ok(Message("services-declared", text, services=len(live)))


def check_delegations(context: CheckContext) -> Iterator[Finding]:
    """Checks delegated administrators against organization.yaml."""
    live, zone, today = list_delegations(context.aws), context.landing_zone, dt.datetime.now(dt.UTC).date()
    accepted = {one.at for one in zone.accepted if one.finding in DRIFT and not one.ended(today)}
    yield from assess_delegations(zone.organization, context.accounts(), live, context.managed_or_imported, accepted)


def assess_delegations(
    organization: Organization,
    accounts: Sequence[LiveAccount],
    live: Mapping[str, Collection[str]],
    managed_or_imported: Collection[str],
    accepted: Collection[str] = (),
) -> Iterator[Finding]:
    """Assesses delegated administrators: AWS rejects a second registration, and allows few per service.

    One that stands beside the declared one hinders no deploy; adoption leaves it alone, and accepted.yaml has it.
    """
    keys = {one.email.lower(): key for key, one in organization.accounts.items()}
    named = {one.id: keys.get(one.email.lower(), one.id) for one in accounts}
    by_email = _by_email(accounts)
    for service, key in sorted(organization.delegated_administrators.items()):
        declared = by_email.get(organization.accounts[key].email.lower())
        address = f"{DELEGATED.type}.{delegation(service)}"
        for account in sorted(live.get(service, ())):
            called = named.get(account, account)
            beside = f"delegated administrator {called} of {service}"
            of = partial(Message, place=address, service=service, account=account)
            if declared and account != declared.id and declared.id in live[service]:
                if beside in accepted:
                    yield ok(of("delegated-as-well", f"{service}: {called} as well, accepted"))
                else:
                    text = f"{service} is delegated to {account} as well, organization.yaml has {key}"
                    yield warning(
                        of("delegated-as-well", text),
                        f"if that is meant: accepted.yaml, {hint('made-outside', beside)}",
                    )
            elif declared is None or account != declared.id:
                command = (
                    f"deregister-delegated-administrator --account-id {word(account)} --service-principal {service}"
                )
                remedy = f"declare that account; or, once it uses the service no more, aws organizations {command}"
                text = f"{service} is delegated to {account}, organization.yaml has {key}"
                yield failure(of("delegated-elsewhere", text, declared=key), remedy)
            elif address not in managed_or_imported:
                text = f"{service} is delegated to {key} already, and AWS rejects a second registration"
                yield failure(
                    of("delegation-exists", text), f"adopt it, in imports.yaml: {address}: {account}/{service}"
                )
            else:
                yield ok(of("delegated-as-declared", f"{service}: {key}"))
    for service in sorted(set(live) - set(organization.delegated_administrators)):
        text = f"{service}: {listed(list(live[service]))}, not declared, Strata does not change it"
        yield ok(Message("not-ours", text, service=service, accounts=sorted(live[service])))
    if not live:
        yield ok(Message("no-delegations", "none yet"))
