"""The stacks in terms of the configuration: their resources, and the stacks they read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from strata.config.layers import ACCOUNTS, ARCHIVE, DELEGATION
from strata.config.layers import Layer as OwnLayer
from strata.config.models import GroupEntry, User, state_key
from strata.landing_zone import LandingZone
from strata.landing_zone.detection import single_members, watched_regions
from strata.landing_zone.permission_sets import PermissionSet
from strata.landing_zone.policies import Policy
from strata.text import counted


@dataclass(frozen=True)
class LayerStack:
    """One stack."""

    name: str
    owns: tuple[str, ...]
    reads: tuple[str, ...]
    state: str


def layers(landing_zone: LandingZone) -> list[LayerStack]:
    """Returns the stacks in the order they are deployed."""
    state = landing_zone.sso.state_access
    owns_and_reads: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
        "backend": (_backend(landing_zone), ()),
        "organizations": (_organizations(landing_zone), ("backend",)),
        "security": (_security(landing_zone), ("organizations",)),
        "sso": (_sso(landing_zone), (*(("backend",) if state else ()), "organizations", "security")),
    }
    stacks = [LayerStack(name, owns, reads, state_key(name)) for name, (owns, reads) in owns_and_reads.items()]
    return [*stacks, *(_own(landing_zone, layer) for layer in landing_zone.layers.values())]


def _own(landing_zone: LandingZone, layer: OwnLayer) -> LayerStack:
    """Returns a layer of your own, of which what it makes stands in its code alone, or one that comes with Strata."""
    reads = landing_zone.reads(layer)
    whose = "a layer" if layer.source else "a layer of your own"
    if layer.name == ACCOUNTS and layer.source:
        return LayerStack(layer.name, _attributes(landing_zone), reads, state_key(layer.stack))
    if not layer.in_each_account:
        where = f", in {layer.deploying.account}" if layer.deploying.account else ""
        single = _shipped(landing_zone, layer) if layer.source else (f"a layer of your own{where}",)
        return LayerStack(layer.stack, single, reads, state_key(layer.stack))
    number = sum(map(layer.is_in, landing_zone.members))
    owns = [f"{whose}, a stack in each of {counted(number, 'member account')}"]
    if landing_zone.retired:
        owns.append(f"none in the retired {', '.join(landing_zone.retired)}")
    return LayerStack(layer.name, tuple(owns), reads, state_key(layer.stack_in("<account>")))


def _shipped(landing_zone: LandingZone, layer: OwnLayer) -> tuple[str, ...]:
    if layer.name == ARCHIVE:
        project = landing_zone.project
        buckets = (project.archive_trail_bucket, project.archive_config_bucket)
        return tuple(f"bucket {bucket} and its key, in {layer.deploying.account}" for bucket in buckets)
    regions = counted(len(watched_regions(landing_zone)), "region")
    if layer.name == DELEGATION:
        return (f"GuardDuty's administrator in {regions}",)
    members = single_members(landing_zone)
    each = (f"{counted(len(members), 'account')} switched on one by one",) if members else ()
    return (f"GuardDuty of the organization in {regions}, in {layer.deploying.account}", *each)


def _attributes(landing_zone: LandingZone) -> tuple[str, ...]:
    attributes = landing_zone.attributes.values()
    return (
        f"contacts of {counted(sum(bool(its.contacts) for its in attributes), 'account')}",
        counted(sum(its.budget is not None for its in attributes), "budget"),
        f"opt-in regions of {counted(sum(bool(its.regions) for its in attributes), 'account')}",
    )


def _backend(landing_zone: LandingZone) -> tuple[str, ...]:
    project = landing_zone.project
    owns = (
        f"state bucket {project.state_bucket} in {project.regions.primary}",
        f"its replica {project.replica_bucket} in {project.regions.secondary}",
        f"lock table {project.lock_table}",
    )
    return (*owns, "a key in each region") if project.state.kms else owns


def _organizations(landing_zone: LandingZone) -> tuple[str, ...]:
    policies = landing_zone.policies.values()
    delegations = sum(map(len, landing_zone.delegated_administrators.values()))
    return (
        "the organization",
        counted(len(landing_zone.units), "organizational unit"),
        counted(len(landing_zone.members), "member account"),
        f"{counted(len(policies), 'policy', 'policies')}{_external(policies)}, "
        f"{counted(sum(len(policy.attachments) for policy in policies if not policy.external), 'attachment')}",
        counted(delegations, "delegated administrator"),
    )


def _security(landing_zone: LandingZone) -> tuple[str, ...]:
    security = landing_zone.security
    by_mode: dict[str, list[str]] = {}
    for name, control in security.controls.items():
        by_mode.setdefault(control.mode.value, []).append(name)
    listed = tuple(
        f"{mode}: {', '.join(sorted(by_mode[mode]))}" for mode in ("on", "off", "unmanaged") if mode in by_mode
    )
    return (*listed, f"regional ones in {', '.join(landing_zone.project.regions.all_governed)}")


def _external(things: Iterable[User | GroupEntry | PermissionSet | Policy]) -> str:
    number = sum(thing.external for thing in things)
    return f", {number} of them external" if number else ""


def _sso(landing_zone: LandingZone) -> tuple[str, ...]:
    sso = landing_zone.sso
    return (
        counted(len(sso.users), "user") + _external(sso.users.values()),
        counted(len(sso.groups), "group") + _external(sso.groups.values()),
        counted(len(sets := landing_zone.permission_sets), "permission set") + _external(sets.values()),
        counted(len(landing_zone.grants), "account assignment"),
    )
