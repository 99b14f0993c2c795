"""A group of the identity store, and who is in it."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config import SSO
from strata.kinds import at_aws
from strata.kinds.arguments import text
from strata.kinds.at_aws import Inventory, LiveCenter
from strata.kinds.control_tower import keeper_at, taken_back_by
from strata.kinds.identity import Mark
from strata.kinds.kind import AlreadyExists, Ask, Ids, Kind, LiveName, Resource
from strata.kinds.shared import CONFLICT
from strata.kinds.thing import AS_IT_IS, AtAws, InStates, Thing, as_declared
from strata.landing_zone import LandingZone
from strata.text import folded


def _declared(zone: LandingZone) -> Iterator[Thing]:
    for key, group in zone.groups.items():
        mark = Mark(folded(group.name), group.name)
        if group.external:
            looked_up = {"name": group.name, "id": AS_IT_IS}
            yield Thing("group", key, looked_up, SSO, group.location, external=True, mark=mark)
        else:
            values = {"name": group.name, "description": group.description, "id": AS_IT_IS}
            left = frozenset[str]() if group.description else frozenset({"description"})
            yield Thing("group", key, values, SSO, group.location, left=left, mark=mark)


def _recorded(states: InStates) -> Iterator[Thing]:
    for key, group in states.of(_TYPE).items():
        id, name = text(group, "group_id"), text(group, "display_name")
        values = {"name": name, "description": text(group, "description"), "id": id}
        yield Thing("group", key, values, ids={"id": id}, mark=Mark(folded(name), name))
    for (kind, key), principal in states.looked_up.items():
        here = states.zone.groups.get(key) if kind == "group" else None
        if here and here.external:
            looked_up = {"name": principal.name or here.name, "id": principal.id}
            yield Thing("group", key, looked_up, ids={"id": principal.id}, external=True)


def _live(aws: AtAws) -> Iterator[Thing]:
    """Yields the groups; those that an identity provider looks after by name and id, where they are declared."""
    for center in aws.inventory.centers:
        for group in center.groups:
            here = aws.zone.groups.get(key := aws.known["group"].get(group.id, ""))
            if here and here.external:
                looked_up = {"name": as_declared(group.name, here.name), "id": group.id}
                yield Thing("group", key, looked_up, ids={"id": group.id}, external=True)
            if _is_ours(aws, center, group):
                values = {**GROUP.live_fields(group), "id": group.id}
                keeper = keeper_at(aws.inventory, group.name)
                undo = () if keeper else aws.cli.people("delete-group", group_id=group.id)
                note, rights = taken_back_by(keeper), sorted(group.members)
                name = aws.principal(group.id)
                yield Thing("group", name, values, ids={"id": group.id}, undo=undo, note=note, rights=rights)


def _is_ours(aws: AtAws, center: LiveCenter, group: at_aws.LiveGroup) -> bool:
    """Returns whether a deploy makes a group, or nobody else does."""
    here = aws.zone.groups.get(aws.known["group"].get(group.id, ""))
    external = here.external if here else group.external or ("group", folded(group.name)) in aws.provided
    return not external and not aws.is_elsewhere(_TYPE, f"{center.store}/{group.id}")


_TYPE = "aws_identitystore_group"


GROUP = Kind(
    "group",
    "sso",
    (
        Resource(
            _TYPE,
            "<identity store id>/<group id>[@<region>]",
            keys=("group",),
            id="group_id",
            existing=AlreadyExists(CONFLICT, regional=True),
        ),
    ),
    key="group",
    declared=_declared,
    recorded=_recorded,
    live=_live,
    named=lambda inventory, _: (
        LiveName(group.id, group.name, folded(group.name), [group.name])
        for center in inventory.centers
        for group in center.groups
    ),
    live_fields=lambda group: {"name": group.name, "description": group.description},
    id_of=lambda import_id: import_id.rpartition("/")[2],
    fields={"name": "name", "description": "description"},
    section="groups",
    addresses=lambda zone: (f"{_TYPE}.{key}" for key, group in zone.groups.items() if not group.external),
    wanted=lambda zone, inventory, ids: (
        (f"{_TYPE}.{key}", f"{center.store}/{ids['group'][key]}")
        for center in inventory.centers
        for key, group in zone.groups.items()
        if not group.external and key in ids["group"]
    ),
    import_ids=lambda inventory: (
        (_TYPE, f"{center.store}/{group.id}") for center in inventory.centers for group in center.groups
    ),
)


# Memberships

_MEMBERSHIP = "aws_identitystore_group_membership"


def _membership(ask: Ask) -> str:
    values = ask.values
    answer = ask.center.people.get_group_membership_id(
        IdentityStoreId=values["identity_store_id"],
        GroupId=values["group_id"],
        MemberId={"UserId": values["member_id"]},
    )
    return f"{values['identity_store_id']}/{answer['MembershipId']}"


def _name(user: str, group: str) -> str:
    return f"user {user} in group {group}"


def _recorded_members(states: InStates) -> Iterator[Thing]:
    for name, membership in states.of(_MEMBERSHIP).items():
        group, _, user = name.partition("_")
        id = text(membership, "id").rpartition("/")[2]
        ids = {"group": text(membership, "group_id"), "principal": text(membership, "member_id"), "id": id}
        yield Thing("membership", _name(user, group), {"id": id}, ids=ids)


def _live_members(aws: AtAws) -> Iterator[Thing]:
    """Yields who is in a group that has a key and is one's own; the members of the others are told with it."""
    for center in aws.inventory.centers:
        for group in center.groups:
            key = aws.known["group"].get(group.id)
            for user, id in group.members.items() if key and _is_ours(aws, center, group) else ():
                if not aws.is_elsewhere(_MEMBERSHIP, f"{center.store}/{id}"):
                    undo = aws.cli.people("delete-group-membership", membership_id=id)
                    ids = {"group": group.id, "principal": user, "id": id}
                    yield Thing("membership", _name(aws.principal(user), str(key)), {"id": id}, ids=ids, undo=undo)


def _wanted_members(zone: LandingZone, inventory: Inventory, ids: Ids) -> Iterator[tuple[str, str]]:
    for center in inventory.centers:
        there = {group.id: group.members for group in center.groups}
        for key, group in zone.sso.groups.items():
            members = there.get(ids["group"].get(key, ""), {})
            for member in group.members:
                if id := members.get(ids["user"].get(member, "")):
                    yield f"{_MEMBERSHIP}.{key}_{member}", f"{center.store}/{id}"


MEMBERSHIP = Kind(
    "membership",
    "sso",
    (
        Resource(
            _MEMBERSHIP,
            "<identity store id>/<membership id>[@<region>]",
            keys=("group", "user"),
            references=("group_id", "member_id"),
            existing=AlreadyExists(CONFLICT, _membership, regional=True),
        ),
    ),
    addresses=lambda zone: (
        f"{_MEMBERSHIP}.{key}_{member}" for key, group in zone.sso.groups.items() for member in group.members
    ),
    wanted=_wanted_members,
    import_ids=lambda inventory: (
        (_MEMBERSHIP, f"{center.store}/{id}")
        for center in inventory.centers
        for group in center.groups
        for id in group.members.values()
    ),
    declared=lambda zone: (
        Thing("membership", _name(user, key), {"id": AS_IT_IS}, SSO, ("groups", key, "members"))
        for key, group in zone.sso.groups.items()
        for user in group.members
    ),
    recorded=_recorded_members,
    live=_live_members,
)
