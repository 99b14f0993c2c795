"""Rules on units, accounts and the services the organization trusts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from strata.config import ORGANIZATION, SECURITY
from strata.config.layers import DETECTION_LAYER
from strata.config.limits import Limits
from strata.config.loader import PartialConfiguration
from strata.config.models import MANAGEMENT, ROOT, AccountEntry, Organization
from strata.config.source import Location
from strata.config.text import short
from strata.errors import Fault, Message
from strata.landing_zone.accounts import default_name
from strata.landing_zone.inherited import attributes
from strata.landing_zone.policies import all_policies
from strata.landing_zone.services import delegation, derived_services, policy_types
from strata.landing_zone.units import Unit, units
from strata.rules.reporting import (
    report_default_name,
    report_duplicates,
    report_over_limit,
    report_reserved,
    report_taken,
    report_unknown,
)
from strata.text import folded


def organizational_units(partial: PartialConfiguration, limits: Limits) -> Iterator[Fault]:
    """Keys are unique in the whole tree, names among siblings, and AWS bounds depth and number."""
    if not partial.organization:
        return
    seen: dict[str, Unit] = {}
    names: dict[tuple[str | None, str], str] = {}
    tree = list(units(partial.organization))
    depth = limits["organizational_unit_depth"]
    for unit in tree:
        at = unit.location
        yield from report_reserved(partial, ORGANIZATION, at, "ou", unit.key)
        if unit.key in seen:
            other = " > ".join(seen[unit.key].keys)
            message = Message("key-taken", f"the key {short(unit.key)} is also that of {other}", key=unit.key)
            yield partial.fault(ORGANIZATION, at, message, "choose another key")
        seen.setdefault(unit.key, unit)
        sibling = names.setdefault((unit.parent, unit.name.lower()), unit.key)
        if sibling != unit.key:
            remedy, kind = "give it another name", "organizational unit"
            yield from report_taken(partial, ORGANIZATION, at, kind, unit.name, sibling, remedy, " in the same unit")
        if len(unit.keys) == depth.value + 1:
            problem = f"is on level {len(unit.keys)}, AWS allows {depth.value} ({depth.cited})"
            message = Message("too-deep", problem, level=len(unit.keys), limit=depth.value)
            yield partial.fault(ORGANIZATION, at, message, "move it up")
    limit = limits["organizational_units"]
    yield from report_over_limit(partial, ORGANIZATION, ("organizational_units",), len(tree), limit)


def accounts(partial: PartialConfiguration, limits: Limits) -> Iterator[Fault]:
    """Every account is in a unit, and has its own e-mail address and name."""
    organization = partial.organization
    if not organization:
        return
    known = partial.declared(ORGANIZATION, "organizational_units", unit_keys(organization))
    tags = attributes(organization, ("tags",))
    for key, account in organization.accounts.items():
        at: Location = ("accounts", key)
        yield from report_reserved(partial, ORGANIZATION, at, "account", key)
        unit = account.organizational_unit
        yield from report_unknown(
            partial, ORGANIZATION, (*at, "organizational_unit"), unit, known, "organizational unit", ROOT, _MOVED
        )
        yield from _account(partial, limits, key, account, tags[key].tags)
    yield from _emails(partial, organization)


_MOVED = "; if the unit was taken out, name the one that its accounts move to"


def _account(
    partial: PartialConfiguration, limits: Limits, key: str, account: AccountEntry, own_tags: Mapping[str, str]
) -> Iterator[Fault]:
    project, tags = partial.project, limits["tags"]
    if project and not account.name:
        name, limit = default_name(project, key), limits["account_name"]
        yield from report_default_name(partial, ORGANIZATION, ("accounts", key), name, limit, "give it another name")
    if project and (count := len({*own_tags, *project.tags_of_everything})) > tags.value:
        own = " and Strata's three" if project.default_tags else ""
        problem = f"has {len(own_tags)} tags, with those of the project{own}, AWS allows {tags.value}"
        message = Message("too-many", f"{problem} ({tags.cited})", kind="tags", count=count, limit=tags.value)
        yield partial.fault(ORGANIZATION, ("accounts", key, "tags"), message, "drop some")


def _emails(partial: PartialConfiguration, organization: Organization) -> Iterator[Fault]:
    """One address is one account, in whatever case; a retired key may hand its address to another."""
    project = partial.project
    owners = {folded(project.management_account.email): MANAGEMENT} if project else {}
    for key, account in organization.accounts.items():
        if account.retired:
            continue
        owner = owners.setdefault(folded(account.email), key)
        if owner != key:
            problem = f"{short(account.email)} is also the e-mail of {short(owner)}, "
            problem += "AWS ignores case and allows one account each"
            remedy = "use plus-addressing, such as aws+name@example.org"
            message = Message("email-taken", problem, email=account.email, account=owner)
            yield partial.fault(ORGANIZATION, ("accounts", key, "email"), message, remedy)
    for index, entry in enumerate(organization.unmanaged_accounts):
        if folded(entry) in owners or (project and entry == project.management_account.id):
            owner = owners.get(folded(entry), MANAGEMENT)
            problem = f"{short(entry)} is the account {short(owner)}, which is managed"
            message = Message("account-managed", problem, value=entry, account=owner)
            at: Location = ("unmanaged_accounts", index)
            yield partial.fault(ORGANIZATION, at, message, "keep it in one of the two places")
    yield from report_duplicates(partial, ORGANIZATION, ("unmanaged_accounts",), organization.unmanaged_accounts)


def services(partial: PartialConfiguration, limits: Limits) -> Iterator[Fault]:
    """Required services are not disabled; no service is both trusted and disabled."""
    organization = partial.organization
    if not organization:
        return
    yield from _delegated_administrators(partial, limits, organization)
    types = policy_types(all_policies(organization, partial.project, partial.documents, partial.layers))
    layer = partial.layers.get(DETECTION_LAYER)
    detection: Any = layer.settings if layer and layer.source else None
    needed = derived_services(organization, partial.security, types, detection)
    if not partial.complete(SECURITY, "trail"):
        needed.pop("cloudtrail.amazonaws.com", None)
    if not partial.complete(SECURITY, "access_analyzer"):
        needed.pop("access-analyzer.amazonaws.com", None)
    for index, service in enumerate(organization.disable_services):
        at: Location = ("disable_services", index)
        if service in organization.trusted_services:
            message = Message("service-trusted", f"{service} is in trusted_services as well", service=service)
            yield partial.fault(ORGANIZATION, at, message, "keep it in one of the two")
        elif service in needed:
            problem = f"{service} is needed by {needed[service]}"
            message = Message("service-needed", problem, service=service)
            yield partial.fault(ORGANIZATION, at, message, "remove that first, deploy, then disable the service")
    for part in ("trusted_services", "disable_services"):
        yield from report_duplicates(partial, ORGANIZATION, (part,), getattr(organization, part))


def _delegated_administrators(
    partial: PartialConfiguration, limits: Limits, organization: Organization
) -> Iterator[Fault]:
    known = partial.declared(ORGANIZATION, "accounts", organization.accounts)
    names: dict[str, str] = {}
    for service, account in organization.delegated_administrators.items():
        at: Location = ("delegated_administrators", service)
        other = names.setdefault(delegation(service), service)
        if other != service:
            problem = f"{short(service)} and {short(other)} get the same Terraform address"
            message = Message("address-taken", problem, values=[service, other])
            remedy = "declare one of them in a layer of your own, see docs/layers.md"
            yield partial.fault(ORGANIZATION, at, message, remedy)
        if account == MANAGEMENT:
            problem = "the management account cannot be a delegated administrator"
            message = Message("delegated-to-management", problem, service=service)
            yield partial.fault(ORGANIZATION, at, message, "name a member account, such as the security one")
        else:
            yield from report_unknown(partial, ORGANIZATION, at, account, known, "account")
        yield from retired(partial, ORGANIZATION, at, account)
        if service in limits.delegated_by_own_resource:
            problem = f"{service} is delegated by {limits.delegated_by_own_resource[service]}, not by registration"
            remedy = "declare that resource in a layer of your own, see docs/layers.md"
            if service == "guardduty.amazonaws.com":
                remedy = "name it as administrator in detection.yaml, see docs/detection.md"
            message = Message("delegated-by-own-resource", problem, service=service)
            yield partial.fault(ORGANIZATION, at, message, remedy)
        if service in limits.trusted_access_only:
            problem = f"{service} supports trusted access only, no delegated administrator"
            message = Message("trusted-access-only", problem, service=service)
            yield partial.fault(ORGANIZATION, at, message, "move it to trusted_services")


# What other rules ask as well


def unit_keys(organization: Organization) -> frozenset[str]:
    """Returns the keys of all organizational units."""
    return frozenset(unit.key for unit in units(organization))


def retired(partial: PartialConfiguration, file: str, at: Location, account: str) -> Iterator[Fault]:
    """Reports a retired account."""
    accounts = partial.organization.accounts if partial.organization else {}
    if account in accounts and accounts[account].retired:
        message = Message("account-retired", f"the account {short(account)} is retired", account=account)
        yield partial.fault(file, at, message, "name another one, or remove it here")
