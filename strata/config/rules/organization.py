"""Rules on units, accounts and the services the organization trusts."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config.addresses import delegation
from strata.config.limits import Limits
from strata.config.loader import Draft
from strata.config.models import MANAGEMENT, OWN_TAGS, ROOT, Account, Organization, Project, UnitPath
from strata.config.rules.faults import ORGANIZATION, SECURITY, too_many, twice, unknown
from strata.config.services import derived_services
from strata.config.text import Problem, check_length, short
from strata.config.tree import Location
from strata.errors import Fault


def organizational_units(draft: Draft, limits: Limits) -> Iterator[Fault]:
    """Keys are unique in the whole tree, names among siblings, and AWS bounds depth and number."""
    if not draft.organization:
        return
    seen: dict[str, UnitPath] = {}
    names: dict[tuple[str | None, str], str] = {}
    units = list(draft.organization.units())
    depth = limits["organizational_unit_depth"]
    for path in units:
        at = unit_location(path)
        if path.key == ROOT:
            yield draft.fault(ORGANIZATION, at, "'root' stands for the organization root", "choose another key")
        if path.key in seen:
            other = " > ".join(seen[path.key].keys)
            yield draft.fault(
                ORGANIZATION, at, f"the key {short(path.key)} is also that of {other}", "choose another key"
            )
        seen.setdefault(path.key, path)
        sibling = names.setdefault((path.parent, path.name.lower()), path.key)
        if sibling != path.key:
            problem = f"the name {short(path.name)} is also that of {short(sibling)} beside it"
            yield draft.fault(ORGANIZATION, at, problem, "give it another name")
        if len(path.keys) == depth.value + 1:
            problem = f"is on level {len(path.keys)}, AWS allows {depth.value} ({depth.cited})"
            yield draft.fault(ORGANIZATION, at, problem, "move it up")
    yield from too_many(draft, ORGANIZATION, ("organizational_units",), len(units), limits["organizational_units"])


def accounts(draft: Draft, limits: Limits) -> Iterator[Fault]:
    """Every account is in a unit, has an e-mail address and a name of its own, and there are not too many."""
    organization = draft.organization
    if not organization:
        return
    units = draft.declared(ORGANIZATION, "organizational_units", unit_keys(organization))
    for key, account in organization.accounts.items():
        at: Location = ("accounts", key)
        if key == MANAGEMENT:
            problem = "'management' stands for the management account of project.yaml"
            yield draft.fault(ORGANIZATION, at, problem, "remove it, or choose another key")
        unit = account.organizational_unit
        yield from unknown(draft, ORGANIZATION, (*at, "organizational_unit"), unit, units, "organizational unit", ROOT)
        yield from _account(draft, limits, key, account)
    yield from _emails(draft, organization)
    total = len(organization.active_accounts) + len(organization.unmanaged_accounts) + 1
    words = "with the management account and unmanaged ones "
    yield from too_many(draft, ORGANIZATION, ("accounts",), total, limits["accounts"], words)


def _account(draft: Draft, limits: Limits, key: str, account: Account) -> Iterator[Fault]:
    project, tags = draft.project, limits["tags"]
    if project and not account.name:
        try:
            check_length(account_name(project, key), limits["account_name"])
        except Problem as found:
            yield draft.fault(ORGANIZATION, ("accounts", key), f"its name {found.problem}", "give it a name of its own")
    if len({*account.tags, *(project.tags if project else ())}) + len(OWN_TAGS) > tags.value:
        problem = f"has {len(account.tags)} tags, with those of the project and Strata's three AWS takes {tags.value}"
        yield draft.fault(ORGANIZATION, ("accounts", key, "tags"), f"{problem} ({tags.cited})", "drop some")


def _emails(draft: Draft, organization: Organization) -> Iterator[Fault]:
    """One address is one account, in whatever case; a retired key may hand its address to another."""
    project = draft.project
    owners = {project.management_account.email.lower(): MANAGEMENT} if project else {}
    for key, account in organization.accounts.items():
        if account.retired:
            continue
        owner = owners.setdefault(account.email.lower(), key)
        if owner != key:
            problem = f"{short(account.email)} is also the e-mail of {short(owner)}, "
            problem += "AWS ignores case and allows one account each"
            remedy = "use plus-addressing, such as aws+name@example.org"
            yield draft.fault(ORGANIZATION, ("accounts", key, "email"), problem, remedy)
    for index, entry in enumerate(organization.unmanaged_accounts):
        if entry.lower() in owners or (project and entry == project.management_account.id):
            owner = owners.get(entry.lower(), MANAGEMENT)
            problem = f"{short(entry)} is the account {short(owner)}, which is managed"
            yield draft.fault(ORGANIZATION, ("unmanaged_accounts", index), problem, "keep it in one of the two places")
    yield from twice(draft, ORGANIZATION, ("unmanaged_accounts",), organization.unmanaged_accounts)


def services(draft: Draft, limits: Limits) -> Iterator[Fault]:
    """What is needed is not disabled, and nothing is wanted and unwanted at once."""
    organization = draft.organization
    if not organization:
        return
    yield from _delegated_administrators(draft, limits, organization)
    needed = derived_services(organization, draft.security)
    if not draft.certain(SECURITY, "trail"):
        needed.pop("cloudtrail.amazonaws.com", None)
    if not draft.certain(SECURITY, "access_analyzer"):
        needed.pop("access-analyzer.amazonaws.com", None)
    for index, service in enumerate(organization.disable_services):
        at: Location = ("disable_services", index)
        if service in organization.trusted_services:
            yield draft.fault(
                ORGANIZATION, at, f"{service} is in trusted_services as well", "keep it in one of the two"
            )
        elif service in needed:
            problem = f"{service} is needed by {needed[service]}"
            yield draft.fault(ORGANIZATION, at, problem, "remove that first, deploy, then disable the service")
    for part in ("trusted_services", "disable_services"):
        yield from twice(draft, ORGANIZATION, (part,), getattr(organization, part))


def _delegated_administrators(draft: Draft, limits: Limits, organization: Organization) -> Iterator[Fault]:
    known = draft.declared(ORGANIZATION, "accounts", organization.accounts)
    names: dict[str, str] = {}
    for service, account in organization.delegated_administrators.items():
        at: Location = ("delegated_administrators", service)
        other = names.setdefault(delegation(service), service)
        if other != service:
            problem = f"{short(service)} and {short(other)} get the same Terraform address"
            yield draft.fault(
                ORGANIZATION, at, problem, "declare one of them in a layer of your own, see CONTRIBUTING.md"
            )
        if account == MANAGEMENT:
            problem = "the management account cannot be a delegated administrator"
            yield draft.fault(ORGANIZATION, at, problem, "name a member account, such as the security one")
        else:
            yield from unknown(draft, ORGANIZATION, at, account, known, "account")
        yield from retired(draft, ORGANIZATION, at, account)
        if service in limits.delegated_by_own_resource:
            problem = f"{service} is delegated by {limits.delegated_by_own_resource[service]}, not by registration"
            remedy = "declare that resource in a layer of your own, see CONTRIBUTING.md"
            yield draft.fault(ORGANIZATION, at, problem, remedy)
        if service in limits.trusted_access_only:
            problem = f"{service} takes trusted access only, no delegated administrator"
            yield draft.fault(ORGANIZATION, at, problem, "move it to trusted_services")


# What other rules ask as well


def account_name(project: Project, key: str) -> str:
    """Returns the name of an account that has none of its own."""
    return f"{project.name}-{key}"


def unit_location(path: UnitPath) -> Location:
    """Returns where an organizational unit stands in organization.yaml."""
    location: Location = ()
    for key in path.keys:
        location += ("organizational_units", key)
    return location


def unit_keys(organization: Organization) -> frozenset[str]:
    """Returns the keys of all organizational units."""
    return frozenset(path.key for path in organization.units())


def retired(draft: Draft, file: str, at: Location, account: str) -> Iterator[Fault]:
    """Reports an account that Strata has let go of."""
    accounts = draft.organization.accounts if draft.organization else {}
    if account in accounts and accounts[account].retired:
        yield draft.fault(file, at, f"the account {short(account)} is retired", "name another one, or remove it here")
