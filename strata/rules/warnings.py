"""The warnings of `strata check`: valid configuration that is probably unintended.

Each rests on an incident or on a page of AWS's, which stands beside it; what neither tells of is no warning.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from strata.config import DETECTION, ORGANIZATION, PROJECT, SECURITY
from strata.config.accepted import by_finding, hint
from strata.config.limits import aws_limits
from strata.config.models import MANAGEMENT, Mailing, Mode, PolicyType
from strata.config.source import Location, dotted
from strata.config.types import did_you_mean
from strata.errors import Message
from strata.landing_zone import LandingZone, SourceLocation
from strata.landing_zone.detection import config_of
from strata.landing_zone.examples import example_values
from strata.landing_zone.policies import NEVER_BINDS_MANAGEMENT
from strata.landing_zone.services import CONTROL_TOWER, own_switches
from strata.landing_zone.undescribed import UNKNOWN
from strata.policy.documents import statements
from strata.rules import archive
from strata.rules.accepted import Doubt, Warned, place, unused
from strata.rules.lockout import LOCK_OUT, Guard
from strata.rules.names import name_warnings
from strata.rules.quotas import over_quota
from strata.rules.spelling import unknown_names


class LocatedWarning(NamedTuple):
    """A warning, with its place in the files and the words by which accepted.yaml accepts it."""

    source: SourceLocation
    path: str
    text: Message
    at: str
    over: str = ""
    """The last day of an acceptance that has ended, empty where there was none."""

    def __str__(self) -> str:
        return f"{self.source}: {self.told}"

    @property
    def finding(self) -> str:
        """Returns the finding by which accepted.yaml names it."""
        return self.text.id

    @property
    def told(self) -> str:
        """Returns the warning without its place."""
        over = f", accepted until {self.over} only" if self.over else ""
        return f"{self.path}: {self.text}{over} [{hint(self.finding, self.at)}]"

    @property
    def problem(self) -> Message:
        """Returns the fault: text before the first semicolon."""
        return self.text.saying(self.text.partition("; ")[0])

    @property
    def remedy(self) -> str:
        """Returns the remedy; a warning without its own can be accepted."""
        return (
            self.text.partition("; ")[2] or f"correct it, or accept it in accepted.yaml: {hint(self.finding, self.at)}"
        )


def warnings(landing_zone: LandingZone, day: dt.date | None = None) -> list[str]:
    """Returns every warning as `file:line: path: text [finding: id, at: place]`, in the order of the files."""
    return [str(warning) for warning in found_warnings(landing_zone, day)]


def found_warnings(
    landing_zone: LandingZone, day: dt.date | None = None, today: dt.date | None = None
) -> list[LocatedWarning]:
    """Returns every warning, in the order of the files.

    Accepted findings are left out; with a day, not those whose acceptance ended before it.
    """
    guard = Guard.of(landing_zone, day or today)
    doubts = _doubts(landing_zone, guard)
    located: list[LocatedWarning] = []
    grouped: dict[tuple[str, str], list[Warned]] = defaultdict(list)
    accepted = by_finding(landing_zone.accepted)
    for warned in (*doubts, *unused(landing_zone, doubts, _errors(landing_zone, guard))):
        entry = accepted.get((warned.finding, warned.at))
        if entry and not entry.ended(day):
            continue
        over = str(entry.until) if entry else ""
        if warned.finding in _TOLD_ONCE and not over:
            grouped[warned.finding, warned.doubt[0]].append(warned)
        else:
            located.append(_told(landing_zone, warned, [], over))
    located += [_told(landing_zone, warned, others) for warned, *others in grouped.values()]
    return sorted(located, key=lambda warning: (warning.source, warning.told))


def _errors(landing_zone: LandingZone, guard: Guard) -> Iterator[tuple[str, str]]:
    """Yields the errors that accepted.yaml accepts in a valid configuration."""
    yield from unknown_names(landing_zone)
    yield from ((LOCK_OUT, lockout.at) for lockout in guard.lock_outs)


def _doubts(landing_zone: LandingZone, guard: Guard) -> list[Warned]:
    doubts = [Warned(place(landing_zone, doubt), doubt) for rule in _RULES for doubt in rule(landing_zone)]
    return [*doubts, *guard.doubts(), *name_warnings(landing_zone)]


_OTHERS = "{others}"
_TOLD_ONCE = frozenset({"example-value", "unbound-account"})
"""Findings that are reported once per file, because a new configuration has a page of them."""


def _told(landing_zone: LandingZone, warned: Warned, others: list[Warned], over: str = "") -> LocatedWarning:
    file, location, text = warned.doubt
    if warned.finding in _TOLD_ONCE:
        here = [_here(landing_zone, other) for other in others]
        more = f" and {len(here) - _LISTED} more" if here[_LISTED:] else ""
        alike = f", as {'are' if here[1:] else 'is'} {', '.join(here[:_LISTED])}{more}" if here else ""
        text = text.saying(text.replace(_OTHERS, alike), others=here)
    where = landing_zone.source(file, location)
    return LocatedWarning(where, _here(landing_zone, warned), text, warned.at, over)


def _here(landing_zone: LandingZone, warned: Warned) -> str:
    file, location, _ = warned.doubt
    return dotted(landing_zone.source_file(file).origin(location)[1])


_LISTED = 8


def _examples(landing_zone: LandingZone) -> Iterator[Doubt]:
    """AWS creates an account with an address that nobody reads, and only who reads it can recover its root user.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/root-user-best-practices.html
    """
    for file, location, _ in example_values(landing_zone):
        text = f"is still an example{_OTHERS}; strata bootstrap requires your own values"
        yield file, location, Message("example-value", text)


def _regions(landing_zone: LandingZone) -> Iterator[Doubt]:
    """https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html."""
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
            text = f"{region} is off until an account enables it: do that first, aws account enable-region"
            yield PROJECT, location, Message("opt-in-region", text, region=region)


def _unbound(landing_zone: LandingZone) -> Iterator[Doubt]:
    """https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html."""
    text = "is bound by no service control policy: none is attached to it, a unit above it or the root"
    if landing_zone.has_undescribed(PolicyType.SERVICE_CONTROL):
        text = f"is bound by no service control policy of this configuration ({UNKNOWN})"
    for key in landing_zone.unbound:
        yield ORGANIZATION, ("accounts", key), Message("unbound-account", f"{text}{_OTHERS}", account=key)


def _policies(landing_zone: LandingZone) -> Iterator[Doubt]:
    """Policies of one's own that bind nothing, or not what they are attached to.

    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_policies_attach.html: a policy works where it is
    attached; https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html: it binds nobody
    in the management account; orgs_manage_policies_scps_evaluation.html: one that allows restricts once
    FullAWSAccess is detached.
    """
    bare = {target for _, target in landing_zone.without_full_access}
    for policy in (policy for policy in landing_zone.policies.values() if not policy.external):
        at, key = policy.location, policy.key
        if policy.targets.empty:
            yield ORGANIZATION, at, Message("unattached-policy", "is attached to nothing", policy=key)
        if policy.type in NEVER_BINDS_MANAGEMENT and MANAGEMENT in policy.targets.accounts:
            text = "is attached to the management account, which such a policy never binds"
            yield ORGANIZATION, (*at, "targets", "accounts"), Message("bound-management", text, policy=key)
        effects = {statement.content.get("Effect") for statement in statements(policy.document.content)}
        if policy.type is PolicyType.SERVICE_CONTROL and effects == {"Allow"} and not bare & policy.attachments.keys():
            text = "contains only Allow statements, which restrict nothing while FullAWSAccess is attached; use Deny"
            yield ORGANIZATION, at, Message("allow-only", text, policy=key)


def _services(landing_zone: LandingZone) -> Iterator[Doubt]:
    """Services that are trusted, delegated or disabled with another effect than somebody may think.

    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_integrate_services_list.html: which delegate;
    https://docs.aws.amazon.com/singlesignon/latest/userguide/delegated-admin.html: what the delegated account may;
    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_integrate_services.html: disable in the service
    first. limits.yaml has the pages of the own switches.
    """
    organization, limits = landing_zone.organization, aws_limits()
    for service, account in sorted(organization.delegated_administrators.items()):
        at: Location = ("delegated_administrators", service)
        if service not in limits.delegable:
            text = f"is not known to support a delegated administrator{did_you_mean(service, limits.delegable)}"
            yield ORGANIZATION, at, Message("unknown-delegation", text, service=service)
        if service == "sso.amazonaws.com" and account:
            text = f"whoever administers {account} can join groups that reach the management account; "
            yield ORGANIZATION, at, Message("delegated-sign-in", f"{text}keep separate groups for it", account=account)
    for service, at in own_switches(organization).items():
        switch = limits.own_switches[service]
        text = f"trusted access alone does not switch {service} on, as {switch.source} says; run {switch.call}"
        yield ORGANIZATION, at, Message("own-switch", text, service=service)
    types = {limit.service: kind for kind, limit in limits.policy_types.items() if limit.service}
    for index, service in enumerate(organization.disable_services):
        if service in types:
            text = (
                f"AWS rejects this while the policy type {types[service]} is enabled, and Strata disables no type: run "
                f"aws organizations disable-policy-type --policy-type {types[service]} first, then deploy"
            )
            message = Message("disabled-policy-type", text, service=service, type=types[service])
            yield ORGANIZATION, ("disable_services", index), message


def _controls(landing_zone: LandingZone) -> Iterator[Doubt]:
    """Controls that are on and tell nobody.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html: without a trail there
    are no events; https://docs.aws.amazon.com/sns/latest/dg/sns-create-subscribe-endpoint-to-topic.html: without a
    subscription nobody receives what is published.
    """
    security = landing_zone.security
    if security.alerts.on and security.trail.mode is Mode.UNMANAGED:
        text = "is unmanaged, so alerts receive nothing unless another trail of the management account logs"
        yield SECURITY, ("trail",), Message("unmanaged-trail", text)
    for name, control in security.controls.items():
        if isinstance(control, Mailing) and control.on and not control.emails:
            message = Message("silent-control", "is on and mails nobody; list addresses under emails", control=name)
            yield SECURITY, (name,), message


def _recorders(landing_zone: LandingZone) -> Iterator[Doubt]:
    """AWS allows an account one recorder in a region, and Control Tower has one where it enrolls.

    https://docs.aws.amazon.com/controltower/latest/userguide/existing-config-resources.html
    """
    if CONTROL_TOWER in landing_zone.trusted_services and config_of(landing_zone.detection):
        text = (
            "Control Tower records in the accounts that it enrolls, where AWS allows no second recorder: a deploy "
            "leaves those out, and ends with 1; write config: {mode: unmanaged} where it enrolls all"
        )
        yield DETECTION, ("config",), Message("control-tower-records", text)


_RULES: tuple[Callable[[LandingZone], Iterable[Doubt]], ...] = (
    _examples,
    _regions,
    _unbound,
    _policies,
    _services,
    _controls,
    over_quota,
    archive.doubts,
    _recorders,
)
