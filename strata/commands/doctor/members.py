"""Checks of the accounts in the organization against organization.yaml, and of what the organization trusts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from strata.commands.doctor.findings import Finding, failure, listed, ok, warning
from strata.commands.doctor.ground import Ground, LiveAccount
from strata.config import LandingZone
from strata.config.models import Organization
from strata.config.rules import account_name
from strata.config.services import derived_services
from strata.printing import word
from strata.session import paginate


def check_accounts(ground: Ground) -> Iterator[Finding]:
    """Checks declared accounts against live ones, both ways."""
    live = ground.accounts()
    found = [
        *judge_states(ground.landing_zone, live),
        *judge_emails(ground.landing_zone, live),
        *judge_undeclared(ground.landing_zone, live),
    ]
    yield from found or [ok(f"active: {sum(account.active for account in live)}, all of them declared")]


def judge_states(landing_zone: LandingZone, live: Sequence[LiveAccount]) -> Iterator[Finding]:
    """Judges declared accounts that are live and not ACTIVE."""
    by_email = _by_email(live)
    for key, declared in landing_zone.organization.active_accounts.items():
        account = by_email.get(declared.email.lower())
        if account is None or account.active:
            continue
        if account.state == "PENDING_ACTIVATION":
            yield warning(f"accounts.{key} is {account}, {account.state}", "AWS is still preparing it: wait")
        else:
            yield failure(
                f"accounts.{key} is {account}, {account.state}", f"set retired: true on accounts.{key}, or reopen it"
            )


def judge_emails(landing_zone: LandingZone, live: Sequence[LiveAccount]) -> Iterator[Finding]:
    """Judges declared e-mails that belong to another account: a deploy would adopt and rename that one."""
    organization, project = landing_zone.organization, landing_zone.project
    by_email = _by_email(live)
    names = {account.name or account_name(project, key): key for key, account in organization.accounts.items()}
    for key, declared in organization.active_accounts.items():
        account = by_email.get(declared.email.lower())
        if account is None or not account.active:
            continue
        at, name = f"accounts.{key}.email {declared.email!r}", declared.name or account_name(project, key)
        if account.id == project.management_account.id:
            yield failure(f"{at} is the management account's", "give the account an address of its own")
        elif account.id in organization.unmanaged_accounts:
            yield failure(f"{at} is of {account}, which unmanaged_accounts lists", "keep it in one of the two places")
        elif names.get(account.name, key) != key:
            other = f"accounts.{names[account.name]}"
            yield failure(f"{at} is of {account}, which is named as {other} would be", "swap the addresses")
        elif account.name != name:
            remedy = f"set accounts.{key}.name to {account.name!r} to keep its name, or use another address"
            yield warning(f"{at} is of {account}: a deploy adopts it and names it {name!r}", remedy)


def judge_undeclared(landing_zone: LandingZone, live: Sequence[LiveAccount]) -> Iterator[Finding]:
    """Judges ACTIVE accounts that organization.yaml does not mention: they stop a deploy on purpose."""
    organization = landing_zone.organization
    mentioned = {account.email.lower() for account in organization.accounts.values()}
    mentioned |= {entry.lower() for entry in organization.unmanaged_accounts}
    for account in live:
        own = account.id == landing_zone.project.management_account.id
        if account.active and not own and not {account.id, account.email.lower()} & mentioned:
            text = f"{account}, {account.email}, is in the organization and not in organization.yaml"
            yield failure(text, f'declare it under accounts, or add "{account.id}" to unmanaged_accounts')


def _by_email(live: Sequence[LiveAccount]) -> dict[str, LiveAccount]:
    """Returns live accounts by e-mail; of several, closed ones among them, the active one."""
    return {account.email.lower(): account for account in sorted(live, key=lambda account: account.active)}


# What the organization trusts


def check_services(ground: Ground) -> Iterator[Finding]:
    """Names services that have trusted access without being declared."""
    client = ground.aws.client("organizations")
    key = "EnabledServicePrincipals[].ServicePrincipal"
    live = list(paginate(client, "list_aws_service_access_for_organization", key))
    yield from judge_services(ground.landing_zone, live)


def judge_services(landing_zone: LandingZone, live: Sequence[str]) -> Iterator[Finding]:
    """Judges trusted access; what is on and not declared stays on."""
    organization = landing_zone.organization
    declared = {*organization.trusted_services, *derived_services(organization, landing_zone.security)}
    disabled = sorted(set(live) & set(organization.disable_services))
    undeclared = sorted(set(live) - declared - set(disabled))
    if disabled:
        yield warning(f"{listed(disabled)}: on, and in disable_services", "the next deploy switches it off")
    if undeclared:
        yield ok(f"on and not declared, they stay on: {', '.join(undeclared)}")
    if not disabled and not undeclared:
        yield ok(f"{len(live)} trusted, all of them declared")


def check_delegations(ground: Ground) -> Iterator[Finding]:
    """Checks delegated administrators against organization.yaml."""
    client = ground.aws.client("organizations")
    live: dict[str, set[str]] = defaultdict(set)
    for account in paginate(client, "list_delegated_administrators", "DelegatedAdministrators[].Id"):
        key = "DelegatedServices[].ServicePrincipal"
        for service in paginate(client, "list_delegated_services_for_account", key, AccountId=account):
            live[service].add(account)
    yield from judge_delegations(ground.landing_zone.organization, ground.accounts(), live, ground.spoken_for)


def judge_delegations(
    organization: Organization,
    accounts: Sequence[LiveAccount],
    live: Mapping[str, Collection[str]],
    spoken_for: Collection[str],
) -> Iterator[Finding]:
    """Judges delegated administrators: AWS refuses to register one twice, and takes few for a service."""
    by_email = _by_email(accounts)
    for service, key in sorted(organization.delegated_administrators.items()):
        declared = by_email.get(organization.accounts[key].email.lower())
        address = f"aws_organizations_delegated_administrator.{_address_part(service)}"
        for account in sorted(live.get(service, ())):
            if declared is None or account != declared.id:
                command = (
                    f"deregister-delegated-administrator --account-id {word(account)} --service-principal {service}"
                )
                remedy = f"declare that account, or aws organizations {command}"
                yield failure(f"{service} is delegated to {account}, organization.yaml says {key}", remedy)
            elif address not in spoken_for:
                text = f"{service} is delegated to {key} already, AWS refuses to do it again"
                yield failure(text, f"adopt it, in imports.yaml: {address}: {account}/{service}")
            else:
                yield ok(f"{service}: {key}")
    for service in sorted(set(live) - set(organization.delegated_administrators)):
        yield ok(f"{service}: {listed(list(live[service]))}, not declared, stays as it is")
    if not live:
        yield ok("none yet")


def _address_part(service: str) -> str:
    return service.removesuffix(".amazonaws.com").replace(".", "-")
