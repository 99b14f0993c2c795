"""What a valid configuration says that is unlikely to be meant: the warnings of `strata check`."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

from strata.config.accepted import find, hint
from strata.config.administrators import FULL_ACCESS, administrators
from strata.config.document_doubts import document_doubts, place, unused
from strata.config.documents import statements
from strata.config.examples import example_values
from strata.config.guardrails import guardrails
from strata.config.limits import aws_limits
from strata.config.models import MANAGEMENT, OWN_TAGS, LandingZone, Mode, PolicyType, Targets
from strata.config.targets import Directory
from strata.config.text import look, mixes_alphabets, short
from strata.config.tree import Location, Tree, dotted
from strata.config.types import did_you_mean

Doubt = tuple[str, Location, str]
"""The file, the place in it, and what is doubtful there."""


def warnings(landing_zone: LandingZone, day: dt.date | None = None) -> list[str]:
    """Returns every doubt as `file:line: path: text [finding: id, at: place]`, in the order of the files.

    What accepted.yaml accepts is left out; with a day, not what it accepts until an earlier one.
    """
    doubts = [
        (finding, place(landing_zone, doubt), doubt) for finding, rule in _RULES.items() for doubt in rule(landing_zone)
    ]
    doubts += document_doubts(landing_zone)
    found: list[tuple[str, int, str]] = []
    grouped: dict[tuple[str, str], list[tuple[str, Doubt]]] = defaultdict(list)
    for finding, at, doubt in (*doubts, *unused(landing_zone, doubts)):
        entry = find(landing_zone.accepted, finding, at)
        if entry and not entry.ended(day):
            continue
        over = f", accepted until {entry.until} only" if entry else ""
        if finding in _TOLD_ONCE and not over:
            grouped[finding, doubt[0]].append((at, doubt))
        else:
            found.append(_told(landing_zone, doubt, f"{doubt[2].replace(_OTHERS, '')}{over}", hint(finding, at)))
    for (finding, _), ((at, doubt), *others) in grouped.items():
        text = doubt[2].replace(_OTHERS, _and([dotted(location) for _, (_, location, _) in others]))
        found.append(_told(landing_zone, doubt, text, hint(finding, at)))
    return [f"{file}:{line}: {text}" for file, line, text in sorted(found)]


_OTHERS = "{others}"
_TOLD_ONCE = frozenset({"example-value", "unbound-account"})
"""What is told once a file, or a new configuration would start with a page of it."""


def _told(landing_zone: LandingZone, doubt: Doubt, text: str, hint: str) -> tuple[str, int, str]:
    file, location, _ = doubt
    line = landing_zone.trees.get(file, Tree(file)).line(location)
    return file, line, f"{dotted(location)}: {text} [{hint}]"


def _and(others: list[str]) -> str:
    if not others:
        return ""
    more = f" and {len(others) - _LISTED} more" if others[_LISTED:] else ""
    return f", as {'are' if others[1:] else 'is'} {', '.join(others[:_LISTED])}{more}"


_LISTED = 8


def _examples(landing_zone: LandingZone) -> Iterator[Doubt]:
    for file, location, _ in example_values(landing_zone):
        yield file, location, f"is still an example{_OTHERS}; strata bootstrap wants values of your own"


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


def _alphabets(landing_zone: LandingZone) -> Iterator[Doubt]:
    for named in _by_kind(landing_zone).values():
        for file, location, _, name in named:
            if mixes_alphabets(name):
                text = f"its name {short(name)} has letters in one word that look Latin and are Cyrillic or Greek"
                yield file, location, text


def _names(landing_zone: LandingZone) -> Iterator[Doubt]:
    """Names that AWS keeps apart and people do not; those that AWS takes for one are faults."""
    for named in _by_kind(landing_zone).values():
        owners: dict[str, tuple[str, str]] = {}
        for file, location, key, name in named:
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
    organization = landing_zone.organization
    directory = Directory(organization)
    targets = [policy.targets for policy in organization.policies.values() if policy.type is PolicyType.SERVICE_CONTROL]
    made = (one for one in guardrails(organization) if one.type is PolicyType.SERVICE_CONTROL)
    bound: set[str] = set()
    for where in (*targets, *(one.targets for one in made)):
        bound |= directory.members if where.root else frozenset(where.accounts)
        bound = bound.union(*map(directory.within, where.organizational_units))
    text = "is bound by no service control policy: none is attached to it, a unit above it or the root"
    for key in organization.active_accounts:
        if key not in bound:
            yield "organization.yaml", ("accounts", key), f"{text}{_OTHERS}"


def _attached(landing_zone: LandingZone) -> Iterator[tuple[Location, PolicyType, Targets]]:
    organization = landing_zone.organization
    for key, policy in sorted(organization.policies.items()):
        yield ("policies", key), policy.type, policy.targets
    for guardrail in guardrails(organization):
        yield (guardrail.option,), guardrail.type, guardrail.targets


def _unattached(landing_zone: LandingZone) -> Iterator[Doubt]:
    for location, _, targets in _attached(landing_zone):
        if targets.empty:
            yield "organization.yaml", location, "is attached to nothing"


def _bound_management(landing_zone: LandingZone) -> Iterator[Doubt]:
    for location, kind, targets in _attached(landing_zone):
        binds_members = kind in (PolicyType.SERVICE_CONTROL, PolicyType.RESOURCE_CONTROL)
        if binds_members and MANAGEMENT in targets.accounts:
            text = "is attached to the management account, which such a policy never binds"
            yield "organization.yaml", (*location, "targets", "accounts"), text


def _allow_only(landing_zone: LandingZone) -> Iterator[Doubt]:
    for key, policy in sorted(landing_zone.organization.policies.items()):
        document = landing_zone.policies.get(policy.file, "")
        effects = {one.get("Effect") for one in statements(json.loads(document))} if document else set()
        if policy.type is PolicyType.SERVICE_CONTROL and effects == {"Allow"}:
            text = "only allows, which restricts nothing beside FullAWSAccess; deny what shall not be"
            yield "organization.yaml", ("policies", key), text


def _delegations(landing_zone: LandingZone) -> Iterator[Doubt]:
    limits = aws_limits()
    for service in sorted(landing_zone.organization.delegated_administrators):
        if service not in limits.delegable:
            guess = did_you_mean(service, limits.delegable)
            text = f"is not a service Strata knows to take a delegated administrator{guess}"
            yield "organization.yaml", ("delegated_administrators", service), text


def _delegated_sign_in(landing_zone: LandingZone) -> Iterator[Doubt]:
    service = "sso.amazonaws.com"
    if account := landing_zone.organization.delegated_administrators.get(service):
        text = f"whoever administers {account} can join groups that reach the management account; "
        yield "organization.yaml", ("delegated_administrators", service), f"{text}keep separate groups for it"


def _disabled_types(landing_zone: LandingZone) -> Iterator[Doubt]:
    organization, limits = landing_zone.organization, aws_limits()
    types = {limit.service: kind for kind, limit in limits.policy_types.items() if limit.service}
    for index, service in enumerate(organization.disable_services):
        if service in types:
            text = (
                f"AWS refuses this while the policy type {types[service]} is enabled, and Strata disables no type: run "
                f"aws organizations disable-policy-type --policy-type {types[service]} first, then deploy"
            )
            yield "organization.yaml", ("disable_services", index), text


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


_RULES: Mapping[str, Callable[[LandingZone], Iterable[Doubt]]] = {
    "example-value": _examples,
    "opt-in-region": _regions,
    "mixed-alphabets": _alphabets,
    "look-alike-name": _names,
    "tag-clash": _tags,
    "unbound-account": _unbound,
    "unattached-policy": _unattached,
    "bound-management": _bound_management,
    "allow-only": _allow_only,
    "unknown-delegation": _delegations,
    "delegated-sign-in": _delegated_sign_in,
    "disabled-policy-type": _disabled_types,
    "unmanaged-trail": _trail,
    "silent-control": _mail,
    "empty-group": _groups,
    "empty-assignment": _assignments,
    "no-administrator": _administrators,
}
"""Each finding, and the rule that finds it."""
