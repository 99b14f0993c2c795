"""Checks of the accounts in the organization against organization.yaml, and of trusted services."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping

from strata.aws.organization import ListedAccount, enabled_policy_types, list_delegations, list_trusted_services
from strata.aws.session import AwsError
from strata.aws.switches import switched_on
from strata.commands.doctor.context import CheckContext
from strata.commands.doctor.findings import Finding, exists, failure, listed, ok, unanswered, warning
from strata.config import DETECTION
from strata.config.accepted import hint
from strata.config.findings import DRIFT
from strata.config.limits import aws_limits
from strata.identity.accounts import ALREADY_CLOSED, GONE, was_deployed
from strata.identity.comparison import allowed_by
from strata.identity.recorded import recorded
from strata.identity.things import Holdings
from strata.kinds.at_aws import Inventory, LiveAccount, LiveOrganization
from strata.kinds.organization import DELEGATED
from strata.kinds.thing import AtAws, Thing
from strata.landing_zone import LandingZone
from strata.landing_zone.detection import config_of, guardduty_of
from strata.landing_zone.services import delegation as address_of
from strata.landing_zone.services import own_switches, unknown_types
from strata.sides.join import known_keys
from strata.sides.recorded import states_of
from strata.text import folded


def check_accounts(context: CheckContext) -> Iterator[Finding]:
    """Checks declared accounts against live ones, both ways, by e-mail: so does a deploy find what it imports."""
    zone, live = context.landing_zone, context.accounts()
    known = context.holders(), recorded(zone, context.states())
    findings = [*_declared(zone, *known)]
    for entry in (f"accounts.{key}" for key in context.gone()):
        text = f"{entry} was deployed, and AWS no longer lists it: deploys leave it out, and forget what it has"
        remedy = f"set retired: true on {entry}, then write what strata check says"
        findings.append(warning("account-inactive", text, remedy, place=entry, state=GONE))
    findings += _undeclared(zone, live)
    active = sum(account.active for account in live)
    yield from findings or [ok("accounts-declared", f"active: {active}, all of them declared", accounts=active)]


def _declared(zone: LandingZone, holders: Mapping[str, ListedAccount], states: Holdings) -> Iterator[Finding]:
    """Judges who has the e-mails of declared accounts: those not ACTIVE, then those that a deploy would rename."""
    keys = {thing.id: thing.key for thing in states.of("account")}
    holding = {key: holders.get(folded(declared.email)) for key, declared in zone.members.items()}
    held = [(key, account) for key, account in holding.items() if account]
    for key, account in sorted(held, key=lambda entry: entry[1].active):
        declared, entry, place = zone.members[key], f"accounts.{key}", f"accounts.{key}.email"
        state = {"place": entry, "account": account.id, "state": account.state}
        at, data = f"{place} {declared.email!r}", {"place": place, "account": account.id}
        if account.state == "PENDING_ACTIVATION":
            text = f"{entry} is {account}, {account.state}"
            yield warning("account-inactive", text, "AWS is still preparing it: wait", **state)
        elif account.shut and was_deployed(states, folded(declared.email)):
            text = f"{entry} is {account}, {account.state}: deploys leave it out, and forget what it has"
            remedy = f"set retired: true on {entry}, then write what strata check says; or reopen it with AWS Support"
            yield warning("account-inactive", text, remedy, **state)
        elif account.shut:
            text = f"{entry} is {account}, {account.state}: AWS makes no second one with its address"
            remedy = f"use another address; or set retired: true on {entry}; or {allowed_by(f'{ALREADY_CLOSED}{key}')}"
            yield failure("account-inactive", text, remedy, **state)
        elif account.id == zone.project.management_account.id:
            remedy = "give the account its own address"
            yield failure("management-email-taken", f"{at} is the management account's", remedy, **data)
        elif account.id in zone.organization.unmanaged_accounts:
            text = f"{at} belongs to {account}, which unmanaged_accounts lists"
            yield failure("account-unmanaged", text, "keep it in one of the two places", **data)
        elif (other := keys.get(account.id, key)) != key and other in zone.members:
            text = f"{at} belongs to {account}, which is deployed as accounts.{other}"
            yield failure("emails-swapped", text, "swap the addresses", **data, other=other)
        elif account.name != declared.name:
            text = f"{at} belongs to {account}: a deploy adopts it and names it {declared.name!r}"
            remedy = f"set {entry}.name to {account.name!r} to keep its name, or use another address"
            yield warning("account-would-be-adopted", text, remedy, **data, name=declared.name)


def _undeclared(zone: LandingZone, live: Iterable[ListedAccount]) -> Iterator[Finding]:
    """Judges ACTIVE accounts that organization.yaml does not mention: they stop a deploy on purpose."""
    for account in live:
        if account.active and not {account.id, folded(account.email)} & zone.mentioned_accounts:
            text = f"{account}, {account.email}, is in the organization and not in organization.yaml"
            remedy = f'declare it under accounts, or add "{account.id}" to unmanaged_accounts'
            yield failure("account-undeclared", text, remedy, account=account.id)


# What the organization trusts


def check_services(context: CheckContext) -> Iterator[Finding]:
    """Names services that have trusted access without being declared; these stay on."""
    zone, live = context.landing_zone, set(list_trusted_services(context.aws))
    disabled = sorted(live & set(zone.organization.disable_services))
    undeclared = sorted(live - zone.trusted_services - set(disabled))
    if disabled:
        text, remedy = f"{listed(disabled)}: on, and in disable_services", "the next deploy switches it off"
        yield warning("service-would-be-disabled", text, remedy, services=disabled)
    if undeclared:
        text = f"on and not declared, they stay on: {', '.join(undeclared)}"
        yield ok("services-undeclared", text, services=undeclared)
    if not disabled and not undeclared:
        yield ok("services-declared", f"{len(live)} trusted, all of them declared", services=len(live))
    yield from _switches(context, live)


def _switches(context: CheckContext, trusted: Collection[str]) -> Iterator[Finding]:
    """Asks of each declared service that trusted access alone does not switch on whether it is."""
    for service in sorted(own_switches(context.landing_zone.organization).keys() & trusted):
        data, call = {"service": service}, aws_limits().own_switches[service].call
        try:
            on = switched_on(context.aws, service)
        except AwsError as error:
            yield unanswered(error)
            continue
        if on:
            yield ok("service-on", f"{service}: switched on", **data)
        elif on is None:
            text = f"{service}: trusted access alone does not enable it, and no API says whether it is enabled"
            yield ok("service-not-askable", text, call, **data)
        else:
            text = f"{service} is not enabled: trusted access alone does not do that"
            yield warning("service-not-switched-on", text, call, **data)


def check_policy_types(context: CheckContext) -> Finding:
    """Names enabled policy types that the AWS provider does not know: no deploy can enable more types meanwhile."""
    enabled = enabled_policy_types(context.aws)
    if unknown := unknown_types(enabled):
        text = f"{listed(unknown)}: on, and the pinned AWS provider does not know it"
        off = sorted({str(policy_type) for policy_type in context.landing_zone.policy_types} - {*enabled})
        way = f"; enable {listed(off)} by the AWS CLI: aws organizations enable-policy-type" if off else ""
        remedy = f"a deploy leaves the enabled types as they are{way}"
        return (failure if off else warning)("policy-type-unknown", text, remedy, types=unknown, off=off)
    return ok("policy-types", f"on: {listed(enabled)}" if enabled else "no policy type is on yet", types=enabled)


def check_delegations(context: CheckContext) -> Iterator[Finding]:
    """Checks delegated administrators: AWS rejects a second registration, and allows few per service.

    A delegation beside the declared one hinders no deploy; adoption leaves it alone, and accepted.yaml has it.
    """
    zone, live, today = context.landing_zone, list_delegations(context.aws), dt.datetime.now(dt.UTC).date()
    registered = {thing.name: thing for thing in _registered(context, live)}
    declared, ours = zone.organization.delegated_administrators, context.managed_or_imported
    accepted = {
        acceptance.at for acceptance in zone.accepted if acceptance.finding in DRIFT and not acceptance.ended(today)
    }
    shut = {account.id for account in context.accounts() if account.shut}
    for delegation in registered.values():
        service, account = delegation.ids["service"], delegation.ids["account"]
        if (key := declared.get(service)) is None:
            continue
        wanted, address = f"{key} of {service}", f"{DELEGATED.type}.{address_of(service)}"
        data = {"place": address, "service": service, "account": account}
        if delegation.name != wanted and wanted not in registered:
            text = f"{service} is delegated to {account}, organization.yaml has {key}"
            remedy = f"declare that account; or, once it no longer uses the service, {delegation.undo[0]}"
            yield failure("delegated-elsewhere", text, remedy, **data, declared=key)
        elif delegation.name != wanted and str(delegation) in accepted:
            called = delegation.name.removesuffix(f" of {service}")
            yield ok("delegated-as-well", f"{service}: {called} as well, accepted", **data)
        elif delegation.name != wanted:
            text = f"{service} is delegated to {account} as well, organization.yaml has {key}"
            remedy = f"if that is meant: accepted.yaml, {hint('made-outside', str(delegation))}"
            yield warning("delegated-as-well", text, remedy, **data)
        elif address not in ours and account not in shut:  # a deploy lets go of an account that is closed
            text = f"{service} is delegated to {key} already, and AWS rejects a second registration"
            yield exists("delegation-exists", text, address, f"{account}/{service}", service=service, account=account)
        else:
            yield ok("delegated-as-declared", f"{service}: {key}", **data)
    for service in sorted(live.keys() - declared):
        yield from _delegated_besides(context, service, live[service])
    if not live:
        yield ok("no-delegations", "none yet")


def _delegated_besides(context: CheckContext, service: str, accounts: Collection[str]) -> Iterator[Finding]:
    """Names the accounts to which organization.yaml delegates nothing; detection.yaml may."""
    zone, others, held = context.landing_zone, {*accounts}, context.holders()
    keys = {held[email].id: key for key, its in zone.members.items() if (email := folded(its.email)) in held}
    detection, controls = zone.detection, (guardduty_of(zone.detection), config_of(zone.detection))
    ours = next((control for control in controls if control and service in control.trusted), None)
    if detection and ours:
        administrator = held.get(folded(zone.members[detection.administrator].email))
        if administrator and administrator.id in others:
            others.discard(administrator.id)
            text = f"{service}: {detection.administrator}, by {DETECTION}"
            yield ok("delegated-as-declared", text, place=DETECTION, service=service, account=administrator.id)
    called = listed(sorted(keys.get(id, id) for id in others))
    if others and ours and ours is config_of(detection):
        text = f"{service} is delegated to {called} as well, which sees what every account records"
        remedy = "if that is not meant: docs/detection.md#another-administrator has the steps"
        yield warning("delegated-as-well", text, remedy, place=DETECTION, service=service, account=min(others))
    elif others:
        text = f"{service}: {called}, not declared, Strata does not change it"
        yield ok("not-ours", text, service=service, accounts=sorted(others))


def _registered(context: CheckContext, live: Mapping[str, Collection[str]]) -> list[Thing]:
    """Returns the delegated administrators under the keys that states have of their accounts.

    They are named as `strata drift` names them, and accepted.yaml.
    """
    # Of several accounts with an address, the active one.
    accounts = tuple(
        LiveAccount(account.id, account.name, account.email, account.state, joined="", parent="")
        for account in sorted(context.accounts(), key=lambda account: not account.active)
    )
    delegations = {service: tuple(sorted(live[service])) for service in sorted(live)}
    organization = LiveOrganization("", "", context.account_id, accounts, (), (), (), (), delegations)
    zone, inventory = context.landing_zone, Inventory(organization, None)
    known = known_keys(zone, inventory, imported=states_of(context.states(), zone).ids)
    return list(DELEGATED.live(AtAws(zone, inventory, known)))
