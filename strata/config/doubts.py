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
from strata.config.models import MANAGEMENT, LandingZone, PolicyType
from strata.config.targets import Directory
from strata.config.text import short
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


def _accounts(landing_zone: LandingZone) -> Iterator[Doubt]:
    from strata.config.rules.organization import account_name

    project = landing_zone.project
    names = {project.management_account.name.lower(): MANAGEMENT}
    for key, account in landing_zone.organization.active_accounts.items():
        name = account.name or account_name(project, key)
        owner = names.setdefault(name.lower(), key)
        if owner != key:
            yield (
                "organization.yaml",
                ("accounts", key),
                f"its name {short(name)} is also that of {short(owner)}, so they look alike",
            )


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
    _accounts,
    _policies,
    _services,
    _mail,
    _groups,
    _assignments,
    _administrators,
)
