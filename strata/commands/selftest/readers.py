"""Every question of Strata's to AWS, asked about one thing of its kind: functions of aws/ and inventory/, no calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from threading import Event
from typing import Any, Protocol, TypeVar

from strata.aws import (
    access_manager,
    defaults,
    identity_center,
    kept,
    locks,
    organization,
    prerequisites,
    quotas,
    runs,
    state_store,
    states,
    switches,
)
from strata.aws.access_role import entered
from strata.aws.session import Aws
from strata.config.models import PolicyType, Project
from strata.drift.comparison import controls_of, shipped_stacks
from strata.inventory.controls import read_controls
from strata.inventory.members import read_members
from strata.inventory.of_accounts import read_of_accounts
from strata.inventory.reading import Principal, WantedDetail, read_center
from strata.kinds.at_aws import Inventory, LiveOrganization
from strata.landing_zone import LandingZone

T = TypeVar("T")


class Ask(Protocol):
    """Runs a reader, whatever becomes of it."""

    def __call__(self, reader: Callable[..., T], *arguments: Any, **more: Any) -> T | None:
        """Returns what the reader does, None where it failed."""


def ask_everything(ask: Ask, aws: Aws, project: Project, zone: LandingZone | None) -> None:
    """Runs every reader, those of states where the configuration is of this account."""
    accounts = ask(organization.list_accounts, aws) or []
    own = project.management_account.id
    members = [account.id for account in accounts if account.active and account.id != own]
    _organization(ask, aws, project, members)
    _account(ask, aws, project, members)
    _center(ask, aws, project)
    if zone:
        _states(ask, aws, zone, accounts)


def _organization(ask: Ask, aws: Aws, project: Project, members: Sequence[str]) -> None:
    ask(prerequisites.organization_status, aws, project)
    ask(organization.list_requests, aws)
    ask(organization.describe_account, aws, project.management_account.id)
    types = ask(organization.enabled_policy_types, aws) or []
    for root in ask(organization.list_roots, aws) or []:
        ask(organization.accounts_below, aws, root)
        ask(organization.list_units, aws, root)
    for type in sorted({*PolicyType, *types}):
        for policy in _first(ask(organization.policies_of, aws, type)):
            ask(organization.content_of, aws, policy["Id"])
            ask(organization.targets_of, aws, policy["Id"])
    ask(organization.list_tags, aws, (*members, project.management_account.id)[0])
    ask(organization.list_all_tags, aws)
    for service in ask(organization.list_trusted_services, aws) or []:
        ask(switches.switched_on, aws, service)
    ask(organization.list_delegations, aws)


def _account(ask: Ask, aws: Aws, project: Project, members: Sequence[str]) -> None:
    regions = project.regions.all_governed
    ask(quotas.account_quota, aws)
    ask(prerequisites.closed_regions, aws, regions)
    for key in (*defaults.REGIONAL, *defaults.OF_ACCOUNT):
        ask(defaults.setting, aws, key, project)
    ask(defaults.root_features, aws)
    for account in _first(members):
        ask(entered, aws, account)
    some = [project.management_account.id, *_first(members)]
    ask(read_members, aws, partial(entered, aws), project, dict.fromkeys(some, (project.regions.primary,)))


def _center(ask: Ask, aws: Aws, project: Project) -> None:
    ask(access_manager.entitlements, aws, project.identity_center_region)
    center = ask(identity_center.CenterClient.of, aws, project)
    if center is None:
        return
    sets = ask(lambda: list(center.permission_sets())) or []
    users, groups = ask(center.list_users) or [], ask(center.list_groups) or []
    user, group = [user["UserId"] for user in users[:1]], [group["GroupId"] for group in groups[:1]]
    principals = frozenset[Principal]((*(("USER", id) for id in user), *(("GROUP", id) for id in group)))
    ask(read_center, aws, project, WantedDetail(frozenset(sets[:1]), frozenset(group), principals), Event())
    for arn in sets[:1]:
        for account in _first(ask(center.accounts_of, arn)):
            ask(center.assignments_in, arn, account)
    for found in users[:1]:
        ask(center.user, found["UserName"])
        ask(center.user_name_of, found["UserId"])
        ask(center.groups_of, found["UserId"])
    for found in groups[:1]:
        ask(center.group, found["DisplayName"])
        ask(center.group_name_of, found["GroupId"])
        ask(center.members, found["GroupId"])


def _states(ask: Ask, aws: Aws, zone: LandingZone, accounts: Iterable[organization.ListedAccount]) -> None:
    project, active = zone.project, frozenset(account.id for account in accounts if account.active)
    for status in (state_store.state_bucket, state_store.replica_bucket, state_store.trail_bucket):
        ask(status, aws, project)
    ask(state_store.lock_table, aws, project)
    ask(states.stacks_in, aws, project, project.replica_bucket)
    ask(kept.read, aws, project, kept.ANNOUNCED)
    ask(runs.read, aws, project)
    ask(locks.read_lock, aws, project, "backend")
    recorded = ask(states.read_states, aws, project)
    if not recorded:
        return
    held = {type: dict(_first(its.items())) for type, its in controls_of(zone, recorded).items()}
    ask(read_controls, aws, project, held, active)
    nothing = Inventory(LiveOrganization("", "", "", (), (), (), (), (), {}), None)
    stacks = {stack.name.partition("_")[0]: stack for stack in shipped_stacks(zone, recorded, nothing)}

    def enter(stack: Any) -> Aws:
        return entered(aws, stack.account, stack.role) if stack.account else aws

    ask(read_of_accounts, enter, project, list(stacks.values()), active)


def _first(some: Iterable[T] | None) -> list[T]:
    return [*some][:1] if some else []
