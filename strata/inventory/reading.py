"""Reads the organization and Identity Center whole: services in parallel, each at its pace."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from strata.aws import access_manager, defaults, identity_center, organization
from strata.aws.session import Aws, AwsError
from strata.config.models import PolicyType, Project
from strata.errors import StrataError
from strata.inventory.things import (
    Account,
    Assignment,
    Attached,
    Center,
    Group,
    Inventory,
    Organization,
    PermissionSet,
    Policy,
    Settings,
    Unit,
    User,
)

AT_ONCE = 4
"""So many requests of a service are under way; what keeps them apart in time is the pace."""

_T = TypeVar("_T")
_R = TypeVar("_R")


def read(aws: Aws, project: Project, *, thorough: bool = False) -> Inventory:
    """Returns everything that the organization and Identity Center hold.

    Args:
        aws: the management account, with a pace and kept answers where these are wanted.
        project: the management account and the region of Identity Center.
        thorough: asks for each permission set in each account, so that an assignment of a deleted principal is seen
            beside one of a living principal; else only where no living principal explains the account.

    Raises:
        StrataError: there is no organization, it is another account's, AWS rejects a call, or something changed
            meanwhile.
    """
    found = organization.describe(aws)
    if found is None:
        raise StrataError("the account is in no organization; create one with `strata bootstrap`")
    organization.check_ours(found, project)
    center = identity_center.Center.of(aws, project)
    with ExitStack() as pools:
        # An answer that fails ends the rest: what is queued is not asked.
        def pool() -> Pool:
            executor = ThreadPoolExecutor(AT_ONCE)
            pools.callback(executor.shutdown, wait=True, cancel_futures=True)
            return Pool(executor)

        reading = pool(), pool(), pool()
        services = ThreadPoolExecutor(3)
        pools.callback(services.shutdown, wait=True, cancel_futures=True)
        organized = services.submit(_organization, aws, found, reading[0])
        centered = (
            services.submit(_center, center, project, reading[1], reading[2], thorough=thorough) if center else None
        )
        settings = services.submit(_settings, aws, project)
        return Inventory(
            organized.result(),
            centered.result() if centered else None,
            settings.result(),
            defaults.root_features(aws),
            _entitlements(aws, project) if center else (),
        )


class Pool:
    """Asks a service several questions at once."""

    def __init__(self, executor: ThreadPoolExecutor) -> None:
        self._executor = executor

    def map(self, ask: Callable[[_T], _R], about: Iterable[_T]) -> list[_R]:
        """Returns the answers, in the order of what they are about."""
        return list(self._executor.map(ask, about))

    def start(self, ask: Callable[..., _R], *about: Any) -> Future[_R]:
        """Begins to ask one question."""
        return self._executor.submit(ask, *about)


# The organization


def _organization(aws: Aws, found: Any, pool: Pool) -> Organization:
    (root,) = organization.list_roots(aws)
    units = _units(aws, root, pool)
    parents = [root, *(unit.id for unit in units)]
    below = pool.map(lambda parent: organization.accounts_below(aws, parent), parents)
    described = [(one, parent) for parent, some in zip(parents, below, strict=True) for one in some]
    types = organization.enabled_policy_types(aws)
    policies = _policies(aws, {*PolicyType, *types}, pool)
    taggable = [*(one["Id"] for one, _ in described), *(unit.id for unit in units)]
    taggable += [policy.id for policy in policies if not policy.aws_managed]
    tags = _all_tags(aws, taggable, pool)
    accounts = [_account(one, parent, tags[one["Id"]]) for one, parent in described]
    _unchanged("accounts", {one.id for one in accounts}, {one.id for one in organization.list_accounts(_anew(aws))})
    return Organization(
        id=found["Id"],
        root=root,
        management=found["MasterAccountId"],
        accounts=tuple(sorted(accounts, key=lambda one: one.id)),
        units=tuple(Unit(one.id, one.name, one.parent, tags[one.id]) for one in units),
        policies=tuple(replace(one, tags=tags.get(one.id, {})) for one in policies),
        policy_types=tuple(types),
        trusted_services=tuple(sorted(organization.list_trusted_services(aws))),
        delegations={service: tuple(sorted(ids)) for service, ids in organization.list_delegations(aws).items()},
    )


def _anew(aws: Aws) -> Aws:
    """Returns the same session, which asks AWS whatever it answered before."""
    return Aws(aws.profile, aws.region, before_send=aws.before_send)


def _unchanged(what: str, before: set[str], now: set[str]) -> None:
    if before != now:
        changed = ", ".join(sorted(before ^ now)[:5])
        raise StrataError(f"the {what} changed while they were read ({changed}); run it again")


def _units(aws: Aws, root: str, pool: Pool) -> list[Unit]:
    """Returns the units level by level, so that a unit stands behind the one above it."""
    found: list[Unit] = []
    level = [root]
    while level:
        below = pool.map(lambda parent: organization.list_units(aws, parent), level)
        units = [Unit(id, name, parent) for parent, some in zip(level, below, strict=True) for id, name in some.items()]
        found += units
        level = [unit.id for unit in units]
    return found


def _account(one: Any, parent: str, tags: dict[str, str]) -> Account:
    # AWS replaced Status by State in September 2026.
    state = one.get("State") or one.get("Status") or ""
    return Account(
        one["Id"], one.get("Name", ""), one.get("Email", ""), state, one.get("JoinedMethod", ""), parent, tags
    )


def _policies(aws: Aws, types: Iterable[str], pool: Pool) -> list[Policy]:
    listed = [one for some in pool.map(partial(organization.policies_of, aws), sorted(types)) for one in some]

    def policy(one: Any) -> Policy:
        aws_managed = bool(one.get("AwsManaged"))
        content = "" if aws_managed else organization.content_of(aws, one["Id"])
        targets = tuple(sorted(organization.targets_of(aws, one["Id"])))
        return Policy(one["Id"], one["Name"], one["Type"], one.get("Description", ""), content, aws_managed, targets)

    return sorted(pool.map(policy, listed), key=lambda one: (one.type, one.name, one.id))


def _all_tags(aws: Aws, ids: list[str], pool: Pool) -> dict[str, dict[str, str]]:
    """Returns the tags of accounts, units and policies: in bulk, if AWS answers that as it answers one by one."""

    def ask(resource: str) -> dict[str, str]:
        return _tags(organization.list_tags(aws, resource))

    bulk = organization.list_all_tags(aws)
    if bulk is not None:
        found = {resource: _tags(bulk.get(resource, ())) for resource in ids}
        samples = [*[one for one in ids if found[one]][:1], *[one for one in ids if not found[one]][:1]]
        if all(found[one] == answer for one, answer in zip(samples, pool.map(ask, samples), strict=True)):
            return found
    return dict(zip(ids, pool.map(ask, ids), strict=True))


def _tags(listed: Iterable[Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in listed}


# The account and its regions


def _settings(aws: Aws, project: Project) -> Settings:
    regions, account = project.regions.all_governed, project.management_account.id
    regional = {key: defaults.regional_setting(aws, key, regions) for key in defaults.REGIONAL}
    return regional | {key: {"": defaults.account_setting(aws, key, account)} for key in defaults.OF_ACCOUNT}


def _entitlements(aws: Aws, project: Project) -> tuple[tuple[str, str], ...] | str:
    """Returns the entitlements, or why AWS does not tell: they are only named, so that the rest is read."""
    try:
        return tuple(access_manager.entitlements(aws, project.identity_center_region))
    except AwsError as error:
        return str(error)


# Identity Center


def _center(center: identity_center.Center, project: Project, admin: Pool, people: Pool, *, thorough: bool) -> Center:
    sets = admin.start(lambda: _sets(center))
    users = people.start(center.list_users)
    groups = people.start(center.list_groups)
    arns = sets.result()
    memberships = [people.start(center.memberships, one["GroupId"]) for one in groups.result()]
    principals = [("USER", one["UserId"]) for one in users.result()]
    principals += [("GROUP", one["GroupId"]) for one in groups.result()]
    explained = {
        assignment
        for some in admin.map(lambda one: _assignments(center.assignments_of(*one)), principals)
        for assignment in some
    }
    orphans = _orphans(center, arns, explained, {id for _, id in principals}, admin, thorough=thorough)
    permission_sets = admin.map(lambda arn: _permission_set(center, arn), arns)
    return Center(
        instance=center.instance,
        store=center.store,
        region=project.identity_center_region,
        users=tuple(sorted(map(_user, users.result()), key=lambda one: (one.user_name, one.id))),
        groups=tuple(
            sorted(
                (_group(one, members.result()) for one, members in zip(groups.result(), memberships, strict=True)),
                key=lambda one: (one.name, one.id),
            )
        ),
        permission_sets=tuple(sorted(permission_sets, key=lambda one: one.name)),
        assignments=frozenset(explained),
        orphans=frozenset(orphans),
        attributes=center.access_control_attributes(),
    )


def _sets(center: identity_center.Center) -> list[str]:
    """Returns the ARNs of all permission sets, sorted."""
    return sorted(center.permission_sets())


def _assignments(listed: Iterable[Any]) -> list[Assignment]:
    return [
        Assignment(one["AccountId"], one["PermissionSetArn"], one["PrincipalType"], one["PrincipalId"])
        for one in listed
    ]


def _orphans(
    center: identity_center.Center,
    arns: list[str],
    explained: set[Assignment],
    known: set[str],
    pool: Pool,
    *,
    thorough: bool,
) -> set[Assignment]:
    """Returns assignments of principals that no longer exist, for which nobody can be asked."""
    provisioned = pool.map(center.accounts_of, arns)
    pairs = [(arn, account) for arn, accounts in zip(arns, provisioned, strict=True) for account in accounts]
    seen = {(one.permission_set, one.account) for one in explained}
    asked = [pair for pair in pairs if thorough or pair not in seen]
    found = {one for some in pool.map(lambda pair: _assignments(center.assignments_in(*pair)), asked) for one in some}
    return {one for one in found if one.principal not in known}


def _user(one: Any) -> User:
    name = one.get("Name") or {}
    emails = tuple(each["Value"] for each in one.get("Emails") or () if each.get("Value"))
    return User(
        one["UserId"],
        one.get("UserName", ""),
        name.get("GivenName", ""),
        name.get("FamilyName", ""),
        one.get("DisplayName", ""),
        emails,
        bool(one.get("ExternalIds")),
    )


def _group(one: Any, members: dict[str, str]) -> Group:
    external = bool(one.get("ExternalIds"))
    return Group(one["GroupId"], one.get("DisplayName", ""), one.get("Description", ""), external, members)


def _permission_set(center: identity_center.Center, arn: str) -> PermissionSet:
    described = center.describe(arn)
    boundary = center.boundary_of(arn)
    return PermissionSet(
        arn=arn,
        name=described["Name"],
        description=described.get("Description", ""),
        session_duration=described.get("SessionDuration", ""),
        relay_state=described.get("RelayState", ""),
        aws_managed=tuple(sorted(center.aws_managed_policies_of(arn))),
        customer_managed=tuple(sorted(map(_attached, center.customer_managed_policies_of(arn)))),
        inline=center.inline_policy_of(arn),
        boundary=_boundary(boundary) if boundary else None,
        tags=_tags(center.tags_of(arn)),
    )


def _attached(one: Any) -> Attached:
    return Attached(one["Name"], one.get("Path", "/"))


def _boundary(found: Any) -> str | Attached:
    customer = found.get("CustomerManagedPolicyReference")
    return _attached(customer) if customer else str(found["ManagedPolicyArn"])
