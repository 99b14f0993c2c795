"""Reads the organization and Identity Center whole: services in parallel, each at its pace."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError, Executor, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from operator import attrgetter
from threading import Event
from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar

from strata.aws import access_manager, defaults, identity_center, organization
from strata.aws.session import DENIED, Aws, AwsError
from strata.config.models import PolicyType, Project
from strata.errors import Message, StrataError
from strata.inventory.pace import ATTEMPTS, PER_SECOND, Pace
from strata.kinds.at_aws import (
    Entitlement,
    Inventory,
    LiveAccount,
    LiveAssignment,
    LiveCenter,
    LiveCustomerPolicy,
    LiveGroup,
    LiveOrganization,
    LivePermissionSet,
    LivePolicy,
    LiveUnit,
    LiveUser,
    Settings,
)
from strata.text import counted

AT_ONCE = 4
"""So many requests of a service are under way; what keeps them apart in time is the pace."""

Principal = tuple[Literal["GROUP", "USER"], str]
_T = TypeVar("_T")
_R = TypeVar("_R")


def read(
    aws: Aws,
    project: Project,
    *,
    thorough: bool = False,
    partly: bool = False,
    told: Callable[[str], None] = lambda _: None,
) -> Inventory:
    """Returns everything that the organization and Identity Center hold.

    Args:
        aws: the management account, with a pace where one is wanted.
        project: the management account and the region of Identity Center.
        thorough: asks for each permission set in each account, so that an assignment of a deleted principal is seen
            beside one of a living principal; else only where no living principal explains the account.
        partly: reads on where a part may not be read, and names it.
        told: is told how much a thorough reading asks.

    Raises:
        StrataError: there is no organization, it is another account's, AWS rejects a call, or the organization changed
            meanwhile; people and assignments that change are read as they were or as they are.
    """
    ended = Event()
    aws = _until(ended, aws)
    try:
        return _inventory(aws, project, _Parts(partly=partly), ended, told if thorough else None)
    except AwsError as error:
        if error.code.removesuffix("Exception").endswith("NotFound"):
            raise _changed(f"something went away while it was read ({error})") from error
        raise


def _until(ended: Event, aws: Aws) -> Aws:
    """Returns the same session, which asks nothing any more once the reading has ended."""

    def before_send(service: str) -> None:
        if ended.is_set():
            raise CancelledError
        if aws.before_send:
            aws.before_send(service)

    return replace(aws, before_send=before_send)


Thorough: TypeAlias = Callable[[str], None] | None
"""Is told how much a thorough reading asks; None where it is not thorough."""


class _Parts:
    """What may not be read, with AWS's words; a denied call ends the reading unless a part may be missing."""

    def __init__(self, *, partly: bool) -> None:
        self.unread: dict[str, str] = {}
        self._partly = partly

    def ask(self, part: str, question: Callable[[], _T], otherwise: _R) -> _T | _R:
        """Returns the answer, or something else where the part may not be read."""
        try:
            return question()
        except AwsError as error:
            if not (self._partly and error.code in DENIED):
                raise
            self.unread[part] = str(error)
            return otherwise


POLICIES, TRUSTED_SERVICES, DELEGATIONS, TAGS = "policies", "trusted services", "delegated administrators", "tags"
CENTER, ROOT_ACCESS, ENTITLEMENTS = "Identity Center", "central root access", "entitlements"
"""The parts that may be missing; each setting of security.yaml is a part under its key."""


def _inventory(aws: Aws, project: Project, parts: _Parts, ended: Event, thorough: Thorough) -> Inventory:
    described = organization.describe(aws)
    if described is None:
        text = "the account is in no organization; create one with `strata bootstrap`"
        raise StrataError(Message("no-organization", text))
    organization.check_ours(described, project)
    center = parts.ask(CENTER, lambda: identity_center.CenterClient.of(aws, project), None)
    home = parts.ask(CENTER, lambda: identity_center.home(aws, project), None)
    if home not in (None, project.identity_center_region):
        asked = project.identity_center_region
        text = (
            f"Identity Center is in {home}, and {asked} was asked; "
            f"give --identity-center-region {home}, or correct identity_center.region of project.yaml"
        )
        raise StrataError(Message("identity-center-elsewhere", text, region=home, asked=asked))
    with _pools(4, ended) as (services, *pools):
        organized = services.submit(_organization, aws, described, pools[0], parts)
        settings = services.submit(_settings, aws, project, parts)
        centered = None
        if center:
            ask = partial(_center, center, project, pools[1], pools[2], thorough)
            centered = services.submit(parts.ask, CENTER, ask, None)
        for future in as_completed([future for future in (organized, settings, centered) if future]):
            future.result()
        return Inventory(
            organized.result(),
            centered.result() if centered else None,
            settings.result(),
            parts.ask(ROOT_ACCESS, lambda: defaults.root_features(aws), frozenset[str]()),
            _entitlements(aws, project) if center else (),
            unread=parts.unread,
        )


@contextmanager
def _pools(number: int, ended: Event) -> Iterator[list[Executor]]:
    """Gives pools, each for several questions at once; after a failure, or an interruption, nothing more is asked."""
    executors = [ThreadPoolExecutor(AT_ONCE) for _ in range(number)]
    try:
        yield [*executors]
    finally:
        ended.set()
        for executor in executors:
            executor.shutdown(wait=False, cancel_futures=True)
        for executor in executors:
            executor.shutdown()


# The organization


class _Things(NamedTuple):
    """What is compared with what AWS says once everything is read: tags and settings of services are not."""

    units: list[LiveUnit]
    accounts: list[LiveAccount]
    policies: list[LivePolicy]
    types: list[str]
    root: str

    @property
    def said(self) -> list[str]:
        """Returns all of it as texts: an account that moved meanwhile may have been read in both places, or in none."""
        return sorted(map(repr, (*self.units, *self.accounts, *self.policies, *self.types)))


def _organization(aws: Aws, described: Any, pool: Executor, parts: _Parts) -> LiveOrganization:
    things = _things(aws, pool, parts)
    taggable = [*(account.id for account in things.accounts), *(unit.id for unit in things.units)]
    taggable += [policy.id for policy in things.policies if not policy.aws_managed]
    tags = parts.ask(TAGS, lambda: _all_tags(aws, taggable, pool), dict[str, dict[str, str]]())
    delegations = parts.ask(DELEGATIONS, lambda: organization.list_delegations(aws), dict[str, set[str]]())
    trusted = parts.ask(TRUSTED_SERVICES, lambda: list(organization.list_trusted_services(aws)), ())
    read = LiveOrganization(
        id=described["Id"],
        root=things.root,
        management=described["MasterAccountId"],
        accounts=tuple(sorted(_tagged(things.accounts, tags), key=lambda account: account.id)),
        units=tuple(_tagged(things.units, tags)),
        policies=tuple(_tagged(things.policies, tags)),
        policy_types=tuple(things.types),
        trusted_services=tuple(sorted(trusted)),
        delegations={service: tuple(sorted(ids)) for service, ids in delegations.items()},
    )
    if _things(aws, pool, parts).said != things.said:
        raise _changed("the organization changed while it was read")
    return read


def _things(aws: Aws, pool: Executor, parts: _Parts) -> _Things:
    (root,) = organization.list_roots(aws)
    units = _units(aws, root, pool)
    parents = [root, *(unit.id for unit in units)]
    below = pool.map(partial(organization.accounts_below, aws), parents)
    accounts = [
        LiveAccount(
            account["Id"],
            account.get("Name", ""),
            account.get("Email", ""),
            # AWS replaced Status by State in September 2026.
            account.get("State") or account.get("Status") or "",
            parent,
        )
        for parent, some in zip(parents, below, strict=True)
        for account in some
    ]
    types = organization.enabled_policy_types(aws)
    policies = parts.ask(POLICIES, lambda: _policies(aws, {*PolicyType, *types}, pool), list[LivePolicy]())
    return _Things(units, accounts, policies, types, root)


_Tagged = TypeVar("_Tagged", LiveAccount, LiveUnit, LivePolicy)


def _tagged(things: Iterable[_Tagged], tags: Mapping[str, dict[str, str]]) -> Iterator[_Tagged]:
    return (replace(thing, tags=tags.get(thing.id, {})) for thing in things)


def _changed(what: str, **data: Any) -> StrataError:
    """Returns the error after something that was read is no longer so."""
    return StrataError(Message("changed-meanwhile", f"{what}; run it again when nobody is changing it", **data))


def _units(aws: Aws, root: str, pool: Executor) -> list[LiveUnit]:
    """Returns the units level by level, so that a unit stands behind the one above it."""
    units, level = list[LiveUnit](), [root]
    while level:
        below = pool.map(partial(organization.list_units, aws), level)
        here = [
            LiveUnit(id, name, parent) for parent, some in zip(level, below, strict=True) for id, name in some.items()
        ]
        units += here
        level = [unit.id for unit in here]
    return units


def _policies(aws: Aws, types: Iterable[str], pool: Executor) -> list[LivePolicy]:
    listed = [policy for some in pool.map(partial(organization.policies_of, aws), sorted(types)) for policy in some]

    def policy(summary: Any) -> LivePolicy:
        aws_managed = bool(summary.get("AwsManaged"))
        content = "" if aws_managed else organization.content_of(aws, summary["Id"])
        targets = tuple(sorted(organization.targets_of(aws, summary["Id"])))
        what = summary["Id"], summary["Name"], summary["Type"], summary.get("Description", "")
        return LivePolicy(*what, content, aws_managed, targets)

    return sorted(pool.map(policy, listed), key=lambda policy: (policy.type, policy.name, policy.id))


def _all_tags(aws: Aws, ids: list[str], pool: Executor) -> dict[str, dict[str, str]]:
    """Returns the tags of accounts, units and policies: in bulk, if AWS answers that as it answers for each."""

    def ask(resource: str) -> dict[str, str]:
        return _tags(organization.list_tags(aws, resource))

    bulk = organization.list_all_tags(aws)
    if bulk is not None:
        tags = {resource: _tags(bulk.get(resource, ())) for resource in ids}
        samples = [*[id for id in ids if tags[id]][:1], *[id for id in ids if not tags[id]][:1]]
        if all(tags[id] == answer for id, answer in zip(samples, pool.map(ask, samples), strict=True)):
            return tags
    return dict(zip(ids, pool.map(ask, ids), strict=True))


def _tags(listed: Iterable[Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in listed}


# The account and its regions


def _settings(aws: Aws, project: Project, parts: _Parts) -> Settings:
    keys = (*defaults.REGIONAL, *defaults.OF_ACCOUNT)
    asked = {key: partial(defaults.setting, aws, key, project) for key in keys}
    return {key: parts.ask(key, question, dict[str, Mapping[str, Any]]()) for key, question in asked.items()}


def _entitlements(aws: Aws, project: Project) -> tuple[Entitlement, ...] | str:
    """Returns the entitlements, or why AWS does not tell: they are only named, so that the rest is read."""
    try:
        return tuple(
            Entitlement(*entitlement)
            for entitlement in access_manager.entitlements(aws, project.identity_center_region)
        )
    except AwsError as error:
        return str(error)


# Identity Center


def _center(
    center: identity_center.CenterClient, project: Project, admin: Executor, people: Executor, thorough: Thorough
) -> LiveCenter:
    arns = admin.submit(lambda: sorted(center.permission_sets()))
    directory = _directory(center, people)
    assignments = _all_assignments(center, directory.principals, admin)
    known = set(directory.principals)
    orphans = _orphans(center, arns.result(), assignments, known, admin, thorough)
    read = _read(center, project, directory, arns.result(), assignments, admin)
    _check_gone(center, orphans)
    return replace(read, orphans=frozenset(orphans))


def _read(
    center: identity_center.CenterClient,
    project: Project,
    directory: _Directory,
    arns: Iterable[str],
    assignments: Iterable[LiveAssignment],
    admin: Executor,
) -> LiveCenter:
    access_control = admin.submit(center.access_control)
    permission_sets = sorted(admin.map(partial(_permission_set, center), arns), key=attrgetter("name"))
    on = access_control.result()
    return LiveCenter(
        instance=center.instance,
        store=center.store,
        region=project.identity_center_region,
        users=tuple(directory.users),
        groups=tuple(directory.groups),
        permission_sets=tuple(permission_sets),
        assignments=frozenset(assignments),
        orphans=frozenset(),
        attributes=None if on is None else identity_center.sources(on),
    )


def _check_gone(center: identity_center.CenterClient, orphans: Iterable[LiveAssignment]) -> None:
    """Refuses principals that were made while the rest was read, and so look like deleted ones.

    Raises:
        StrataError: a principal was.
    """
    for kind, id in sorted({(assignment.principal_type, assignment.principal) for assignment in orphans}):
        if center.exists(kind, id):
            text = f"the {kind.lower()} {id} was made while the rest was read"
            raise _changed(text, kind=kind.lower(), ids=[id])


def read_sets(aws: Aws, project: Project, arns: Collection[str]) -> LiveCenter | None:
    """Returns Identity Center with some permission sets and nothing else, None where it is not enabled.

    Raises:
        AwsError: AWS rejects a call.
    """
    pace = Pace()
    aws = replace(aws, before_send=pace.wait, attempts=ATTEMPTS)
    center = identity_center.CenterClient.of(aws, project)
    if center is None:
        return None
    there = [arn for arn in center.permission_sets() if arn in arns]  # somebody may have deleted one
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return _read(center, project, _Directory([], []), there, (), pool)


def confirmed(
    aws: Aws, project: Project, inventory: Inventory, doubted: Collection[tuple[str, str]]
) -> LiveCenter | None:
    """Returns Identity Center with who has some sets in some accounts as each of those is asked.

    What AWS lists of a user or group is some moments late, after a deploy as well.

    Args:
        aws: the management account, with a pace.
        project: the region of Identity Center.
        inventory: what was read.
        doubted: ARNs of permission sets with ids of accounts.

    Raises:
        AwsError: AWS rejects a call.
    """
    read, center = inventory.center, identity_center.CenterClient.of(aws, project)
    if read is None or center is None:
        return read
    known = {user.id for user in read.users} | {group.id for group in read.groups}
    sets = {permission_set.arn for permission_set in read.permission_sets}
    accounts = {account.id for account in inventory.organization.accounts if account.state == "ACTIVE"}
    pairs = {(arn, account) for arn, account in doubted if arn in sets and account in accounts}
    assignments = {assignment for pair in sorted(pairs) for assignment in _assignments(center.assignments_in(*pair))}
    others = {each for each in read.assignments if (each.permission_set, each.account) not in pairs}
    return replace(read, assignments=frozenset(others | {each for each in assignments if each.principal in known}))


class _Directory(NamedTuple):
    """Who is in the identity store."""

    users: list[LiveUser]
    groups: list[LiveGroup]

    @property
    def principals(self) -> list[Principal]:
        """Returns all that an assignment may name."""
        return [*(("USER", user.id) for user in self.users), *(("GROUP", group.id) for group in self.groups)]


def _directory(center: identity_center.CenterClient, people: Executor) -> _Directory:
    """Returns who is in the identity store, with the members of all groups."""
    users, groups = people.submit(center.list_users), people.submit(center.list_groups)
    members = people.map(lambda group: center.memberships(group["GroupId"]), groups.result())
    with_members = [
        LiveGroup(
            group["GroupId"],
            group.get("DisplayName", ""),
            group.get("Description", ""),
            bool(group.get("ExternalIds")),
            some,
        )
        for group, some in zip(groups.result(), members, strict=True)
    ]
    return _Directory(
        sorted(map(_user, users.result()), key=lambda user: (user.user_name, user.id)),
        sorted(with_members, key=lambda group: (group.name, group.id)),
    )


def _all_assignments(
    center: identity_center.CenterClient, principals: Iterable[Principal], admin: Executor
) -> set[LiveAssignment]:
    listed = admin.map(lambda principal: _assignments(center.assignments_of(*principal)), principals)
    return {assignment for some in listed for assignment in some}


def _assignments(listed: Iterable[Any]) -> list[LiveAssignment]:
    return [
        LiveAssignment(each["AccountId"], each["PermissionSetArn"], each["PrincipalType"], each["PrincipalId"])
        for each in listed
    ]


def _orphans(
    center: identity_center.CenterClient,
    arns: list[str],
    explained: set[LiveAssignment],
    known: set[Principal],
    pool: Executor,
    told: Callable[[str], None] | None,
) -> set[LiveAssignment]:
    """Returns assignments of principals that no longer exist, for which nobody can be asked.

    A thorough reading asks for every set in every account that has it, and tells how long that takes.
    """
    provisioned = pool.map(center.accounts_of, arns)
    pairs = [(arn, account) for arn, accounts in zip(arns, provisioned, strict=True) for account in accounts]
    seen = {(assignment.permission_set, assignment.account) for assignment in explained}
    asked = [pair for pair in pairs if told or pair not in seen]
    if told:
        minutes = max(1, round(len(asked) / PER_SECOND / 60))
        text = f"--thorough: {counted(len(asked), 'call')} for sets in accounts, some {counted(minutes, 'minute')}"
        told(Message("thorough-takes-long", text, calls=len(asked), minutes=minutes))
    answers = pool.map(lambda pair: _assignments(center.assignments_in(*pair)), asked)
    return {each for some in answers for each in some if (each.principal_type, each.principal) not in known}


def _user(user: Any) -> LiveUser:
    name = user.get("Name") or {}
    emails = tuple(each["Value"] for each in user.get("Emails") or () if each.get("Value"))
    return LiveUser(
        user["UserId"],
        user.get("UserName", ""),
        name.get("GivenName", ""),
        name.get("FamilyName", ""),
        user.get("DisplayName", ""),
        emails,
        bool(user.get("ExternalIds")),
    )


def _permission_set(center: identity_center.CenterClient, arn: str) -> LivePermissionSet:
    def customer(policy: Any) -> LiveCustomerPolicy:
        return LiveCustomerPolicy(policy["Name"], policy.get("Path", "/"))

    described, boundary = center.describe(arn), center.boundary_of(arn) or {}
    limit = boundary.get("CustomerManagedPolicyReference")
    return LivePermissionSet(
        arn=arn,
        name=described["Name"],
        described=described,
        aws_managed=tuple(sorted(center.aws_managed_policies_of(arn))),
        customer_managed=tuple(sorted(map(customer, center.customer_managed_policies_of(arn)))),
        inline=center.inline_policy_of(arn),
        boundary=customer(limit) if limit else boundary["ManagedPolicyArn"] if boundary else None,
        tags=_tags(center.tags_of(arn)),
    )
