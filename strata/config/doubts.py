"""What a valid configuration says that is unlikely to be meant: the warnings of `strata check`."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from strata.config.administrators import FULL_ACCESS, administrators
from strata.config.documents import statements
from strata.config.examples import example_values
from strata.config.guardrails import guardrails
from strata.config.limits import aws_limits
from strata.config.models import MANAGEMENT, OWN_TAGS, LandingZone, Mode, PolicyType
from strata.config.targets import Directory
from strata.config.text import look, mixes_alphabets, short
from strata.config.tree import Location, Tree, dotted
from strata.config.types import did_you_mean

Doubt = tuple[str, Location, str]
"""The file, the place in it, and what is doubtful there."""


def warnings(landing_zone: LandingZone) -> list[str]:
    """Returns every doubt as `file:line: path: text`, in the order of the files."""
    found = []
    for rule in _RULES:
        for file, location, text in rule(landing_zone):
            line = landing_zone.trees.get(file, Tree(file)).line(location)
            found.append((file, line, f"{dotted(location)}: {text}"))
    return [f"{file}:{line}: {text}" for file, line, text in sorted(found)]


def _examples(landing_zone: LandingZone) -> Iterator[Doubt]:
    """One warning a file, or a new configuration would start with a page of them."""
    by_file: dict[str, list[Location]] = defaultdict(list)
    for file, location, _ in example_values(landing_zone):
        by_file[file].append(location)
    for file, (first, *others) in by_file.items():
        rest = f", as {'are' if others[1:] else 'is'} {', '.join(map(dotted, others))}" if others else ""
        yield file, first, f"is still an example{rest}; strata bootstrap wants values of your own"


def _regions(landing_zone: LandingZone) -> Iterator[Doubt]:
    regions, opt_in = landing_zone.project.regions, aws_limits().opt_in_regions
    center = landing_zone.project.identity_center.region
    named: list[tuple[Location, str | None]] = [
        (("regions", "primary"), regions.primary),
        (("regions", "secondary"), regions.secondary),
        *((("regions", "governed", index), region) for index, region in enumerate(regions.governed)),
        (("identity_center", "region"), center),
    ]
    for location, region in named:
        if region in opt_in:
            yield "project.yaml", location, f"{region} is off until the management account enables it: do that first"


def _names(landing_zone: LandingZone) -> Iterator[Doubt]:
    """Names that AWS keeps apart and people do not; those that AWS takes for one are faults."""
    for named in _by_kind(landing_zone).values():
        owners: dict[str, tuple[str, str]] = {}
        for file, location, key, name in named:
            if mixes_alphabets(name):
                text = f"its name {short(name)} has letters in one word that look Latin and are Cyrillic or Greek"
                yield file, location, text
            owner, other = owners.setdefault(look(name), (key, name))
            if owner != key and other == name:
                yield file, location, f"its name {short(name)} is also that of {short(owner)}, so they look alike"
            elif owner != key:
                yield file, location, f"its name {short(name)} looks like {short(other)}, that of {short(owner)}"


_Named = tuple[str, Location, str, str]
"""The file, the place in it, the key and the name of one thing."""


def _by_kind(landing_zone: LandingZone) -> dict[str, list[_Named]]:
    from strata.config.rules.organization import account_name, unit_location

    project, organization, sso = landing_zone.project, landing_zone.organization, landing_zone.sso
    management = ("project.yaml", ("management_account", "name"), MANAGEMENT, project.management_account.name)
    file, members = "organization.yaml", organization.active_accounts.items()
    kinds: dict[str, list[_Named]] = defaultdict(list)
    kinds["accounts"] = [
        management,
        *((file, ("accounts", key), key, one.name or account_name(project, key)) for key, one in members),
    ]
    for path in organization.units():
        kinds[f"units in {path.parent}"].append((file, unit_location(path), path.key, path.name))
    for key, policy in sorted(organization.policies.items()):
        kinds[policy.type].append((file, ("policies", key), key, policy.name or key))
    users = {key: user.user_name or user.email for key, user in sso.users.items()}
    groups = {key: group.name or key for key, group in sso.groups.items()}
    sets = {key: one.name or key for key, one in sso.permission_sets.items()}
    for section, named in (("users", users), ("groups", groups), ("permission_sets", sets)):
        kinds[section] = [("sso.yaml", (section, key), key, name) for key, name in sorted(named.items())]
    return kinds


def _tags(landing_zone: LandingZone) -> Iterator[Doubt]:
    tagged = [
        *(("organization.yaml", "accounts", key, one.tags) for key, one in landing_zone.organization.accounts.items()),
        *(("sso.yaml", "permission_sets", key, one.tags) for key, one in landing_zone.sso.permission_sets.items()),
    ]
    inherited = (*OWN_TAGS, *landing_zone.project.tags)
    for file, section, key, tags in tagged:
        seen = {tag.lower(): tag for tag in inherited}
        for tag in tags:
            other = seen.setdefault(tag.lower(), tag)
            if tag in OWN_TAGS:
                yield (
                    file,
                    (section, key, "tags", tag),
                    f"takes the place of the tag {tag} that Strata sets on everything",
                )
            elif other != tag:
                text = f"differs from the tag {short(other)} in case only: it has both, and IAM takes them for one"
                yield file, (section, key, "tags", tag), text


def _unbound(landing_zone: LandingZone) -> Iterator[Doubt]:
    """One warning for all accounts, or an organization without policies would have a page of them."""
    organization = landing_zone.organization
    directory = Directory(organization)
    targets = [policy.targets for policy in organization.policies.values() if policy.type is PolicyType.SERVICE_CONTROL]
    made = (one for one in guardrails(organization) if one.type is PolicyType.SERVICE_CONTROL)
    bound: set[str] = set()
    for where in (*targets, *(one.targets for one in made)):
        bound |= directory.members if where.root else frozenset(where.accounts)
        bound = bound.union(*map(directory.within, where.organizational_units))
    free = [key for key in organization.active_accounts if key not in bound]
    if free:
        rest = f", as {'are' if free[2:] else 'is'} {_some(free[1:])}" if free[1:] else ""
        text = f"is bound by no service control policy: none is attached to it, a unit above it or the root{rest}"
        yield "organization.yaml", ("accounts", free[0]), text


def _policies(landing_zone: LandingZone) -> Iterator[Doubt]:
    organization = landing_zone.organization
    made = [((guardrail.option,), guardrail.type, guardrail.targets, "") for guardrail in guardrails(organization)]
    written = [
        (("policies", key), policy.type, policy.targets, landing_zone.policies.get(policy.file, ""))
        for key, policy in sorted(organization.policies.items())
    ]
    for location, kind, targets, document in (*written, *made):
        if targets.empty:
            yield "organization.yaml", location, "is attached to nothing"
        binds_members = kind in (PolicyType.SERVICE_CONTROL, PolicyType.RESOURCE_CONTROL)
        if binds_members and MANAGEMENT in targets.accounts:
            text = "is attached to the management account, which such a policy never binds"
            yield "organization.yaml", (*location, "targets", "accounts"), text
        effects = {one.get("Effect") for one in statements(json.loads(document))} if document else set()
        if kind is PolicyType.SERVICE_CONTROL and effects == {"Allow"}:
            text = "only allows, which restricts nothing beside FullAWSAccess; deny what shall not be"
            yield "organization.yaml", location, text


def _services(landing_zone: LandingZone) -> Iterator[Doubt]:
    organization, limits = landing_zone.organization, aws_limits()
    for service, account in sorted(organization.delegated_administrators.items()):
        location: Location = ("delegated_administrators", service)
        if service not in limits.delegable:
            guess = did_you_mean(service, limits.delegable)
            text = f"is not a service Strata knows to take a delegated administrator{guess}"
            yield "organization.yaml", location, text
        if service == "sso.amazonaws.com":
            text = (
                f"whoever administers {account} can join groups that reach the management account; "
                "keep separate groups for it"
            )
            yield "organization.yaml", location, text
    types = {limit.service: kind for kind, limit in limits.policy_types.items() if limit.service}
    for index, service in enumerate(organization.disable_services):
        if service in types:
            text = (
                f"AWS refuses this while the policy type {types[service]} is enabled, and Strata disables no type: run "
                f"aws organizations disable-policy-type --policy-type {types[service]} first, then deploy"
            )
            yield "organization.yaml", ("disable_services", index), text


_LISTED = 8


def _some(keys: list[str]) -> str:
    more = f" and {len(keys) - _LISTED} more" if keys[_LISTED:] else ""
    return ", ".join(f"accounts.{key}" for key in keys[:_LISTED]) + more


# https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_job-functions.html
_JOB_FUNCTIONS = frozenset(
    {
        *("Billing", "DatabaseAdministrator", "DataScientist", "NetworkAdministrator", "SupportUser"),
        *("SystemAdministrator", "ViewOnlyAccess"),
    }
)
_WELL_KNOWN = ("AdministratorAccess", "PowerUserAccess", "ReadOnlyAccess", "SecurityAudit", "IAMFullAccess")


def _managed_policies(landing_zone: LandingZone) -> Iterator[Doubt]:
    for key, permission_set in sorted(landing_zone.sso.permission_sets.items()):
        for index, policy in enumerate(permission_set.policies):
            name = policy.aws or ""
            base = name.rpartition("/")[2]
            text = f"{short(name)} is not the name of a policy of AWS's"
            if name in _JOB_FUNCTIONS:
                yield (
                    "sso.yaml",
                    ("permission_sets", key, "policies", index, "aws"),
                    f"{text}; write job-function/{name}",
                )
            elif base[:1].islower():
                guess = did_you_mean(name, (*_WELL_KNOWN, *(f"job-function/{one}" for one in _JOB_FUNCTIONS)))
                text += f", which start with a capital letter{guess}"
                yield "sso.yaml", ("permission_sets", key, "policies", index, "aws"), text


def _trail(landing_zone: LandingZone) -> Iterator[Doubt]:
    security = landing_zone.security
    if security.alerts.on and security.trail.mode is Mode.UNMANAGED:
        text = "is unmanaged, and alerts hear nothing unless another trail of the management account logs"
        yield "security.yaml", ("trail",), text


def _mail(landing_zone: LandingZone) -> Iterator[Doubt]:
    for name in ("alerts", "budget"):
        control = getattr(landing_zone.security, name)
        if control.on and not control.emails:
            yield "security.yaml", (name,), "is on and mails nobody; list addresses under emails"


def _groups(landing_zone: LandingZone) -> Iterator[Doubt]:
    for key, group in sorted(landing_zone.sso.groups.items()):
        if not group.members and not group.external:
            yield "sso.yaml", ("groups", key), "has no members, so its assignments reach nobody"


def _assignments(landing_zone: LandingZone) -> Iterator[Doubt]:
    directory = Directory(landing_zone.organization)
    for index, assignment in enumerate(landing_zone.sso.assignments):
        if not directory.reached(assignment):
            yield "sso.yaml", ("assignments", index), "matches only accounts that are retired, so it assigns nothing"


def _administrators(landing_zone: LandingZone) -> Iterator[Doubt]:
    """Offline nobody can tell whether somebody had access before, which `strata deploy` then refuses to take."""
    if not administrators(landing_zone):
        text = (
            "nobody has administrator access to the management account: no permission set with aws: "
            f"{FULL_ACCESS}, without a boundary and without an inline policy that denies everything, is assigned there "
            "to a user, an external group or a group with members"
        )
        yield "sso.yaml", ("assignments",), text


_RULES: tuple[Callable[[LandingZone], Iterable[Doubt]], ...] = (
    _examples,
    _regions,
    _names,
    _tags,
    _unbound,
    _policies,
    _services,
    _trail,
    _mail,
    _managed_policies,
    _groups,
    _assignments,
    _administrators,
)
