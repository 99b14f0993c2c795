"""A group of the identity store, and who is in it."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config import SSO, models
from strata.kinds import at_aws
from strata.kinds.arguments import Attributes, text
from strata.kinds.at_aws import Inventory, LiveCenter
from strata.kinds.change import in_external_yaml
from strata.kinds.cli import new_name
from strata.kinds.control_tower import by_its_name, keeps_group, taken_back_by
from strata.kinds.events import CHANGED, GONE, MADE, Clues, events
from strata.kinds.identity import Mark
from strata.kinds.kind import AlreadyExists, Ask, Ids, Kind, LiveName, Resource
from strata.kinds.reading import PROVIDERS, BulkReading, known, snaked
from strata.kinds.shared import CONFLICT
from strata.kinds.thing import AS_IT_IS, AtAws, InStates, Thing, as_declared, as_read
from strata.landing_zone import LandingZone
from strata.landing_zone.groups import Group, is_of_control_tower
from strata.text import folded


def _read(reading: BulkReading, attributes: Attributes) -> Attributes | None:
    id = str(attributes.get("group_id"))
    described = reading.groups.get(id)
    if described is None:
        return None
    return {
        "id": f"{reading.center.store}/{id}",
        "group_id": id,
        "identity_store_id": reading.center.store,
        "display_name": described.get("DisplayName"),
        "description": described.get("Description"),
        "external_ids": known(snaked(described.get("ExternalIds")), attributes.get("external_ids")),
        **PROVIDERS,
    }


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
                yield Thing("group", key, looked_up, ids={"id": group.id}, thing=("group", group.id), external=True)
            if _is_ours(aws, center, group):
                values = {**GROUP.live_fields(group), "id": group.id}
                theirs = keeps_group(aws.inventory, group.name)
                undo = () if theirs else aws.cli.people("delete-group", group_id=group.id)
                note, rights = taken_back_by(by_its_name() if theirs else None), sorted(group.members)
                name, thing = aws.principal(group.id), ("group", group.id)
                yield Thing(
                    "group", name, values, ids={"id": group.id}, thing=thing, undo=undo, note=note, rights=rights
                )


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
            reads=_read,
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
    is_added=True,
    model=models.GroupEntry,
    fields={"name": "name", "description": "description"},
    needs=lambda inventory, own: (
        ("user", member)
        for center in inventory.centers
        for group in center.groups
        if group.id == own
        for member in group.members
    ),
    is_written_without=True,
    rename=lambda aws, own, name: aws.cli.people(
        "update-group", group_id=own, operations=new_name("displayName", name)
    ),
    events={**events("Group"), "name": ("UpdateGroup", "UpdateGroupDisplayName", "CreateGroup")},
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


def _read_membership(reading: BulkReading, attributes: Attributes) -> Attributes | None:
    id = str(attributes.get("membership_id"))
    if id not in reading.memberships:
        return None
    group, user = reading.memberships[id]
    return {
        "id": f"{reading.center.store}/{id}",
        "membership_id": id,
        "identity_store_id": reading.center.store,
        "group_id": group,
        "member_id": user,
        **PROVIDERS,
    }


def _name(user: str, group: str) -> str:
    return f"user {user} in group {group}"


def group_of(membership: str) -> str:
    """Returns the key of the group in the name of a membership."""
    return membership.rpartition(" in group ")[2]


def _recorded_members(states: InStates) -> Iterator[Thing]:
    for name, membership in states.of(_MEMBERSHIP).items():
        group, _, user = name.partition("_")
        id = text(membership, "id").rpartition("/")[2]
        ids = {"group": text(membership, "group_id"), "principal": text(membership, "member_id"), "id": id}
        yield Thing("membership", _name(user, group), {"id": id}, ids=ids)


def _given_members(aws: AtAws) -> Iterator[Thing]:
    """Yields whom external.yaml has in a group, of the groups and users that AWS has: no deploy puts anybody in.

    A user who was made again is another, whom the way back deletes.
    """
    deployed = {key: text(user, "user_id") for key, user in aws.attributes.get("aws_identitystore_user", {}).items()}
    for center in aws.inventory.centers:
        for group in center.groups:
            here = aws.zone.groups.get(aws.known["group"].get(group.id, ""))
            if here and here.is_known and is_filled_by_people(here, group):
                file, location = here.membership(0)
                for user in center.users:
                    name = _called(aws, here, user)
                    if name in here.people and deployed.get(name, user.id) == user.id:
                        ids = {"group": group.id, "principal": user.id}
                        yield Thing("membership", _name(name, here.key), {}, file, location, ids=ids, external=True)


def _live_members(aws: AtAws) -> Iterator[Thing]:
    """Yields who is in a group that has a key; the members of the others are told with it.

    An identity provider fills its groups, and people those of Control Tower, as far as external.yaml has them.
    """
    for center in aws.inventory.centers:
        users = {user.id: user for user in center.users}
        for group in center.groups:
            key = aws.known["group"].get(group.id)
            here = aws.zone.groups.get(key or "")
            theirs = here is not None and here.is_known and is_filled_by_people(here, group)
            compared = key and (_is_ours(aws, center, group) or theirs)
            for user, id in group.members.items() if compared else ():
                if not aws.is_elsewhere(_MEMBERSHIP, f"{center.store}/{id}"):
                    undo = aws.cli.people("delete-group-membership", membership_id=id)
                    ids = {"group": group.id, "principal": user, "id": id}
                    called = _called(aws, here, users[user]) if here and user in users else aws.principal(user)
                    name, thing = _name(called, str(key)), ("membership", f"{group.id} {user}")
                    yield Thing("membership", name, {"id": id}, ids=ids, thing=thing, undo=undo, external=theirs)


def is_filled_by_people(here: Group, group: at_aws.LiveGroup) -> bool:
    """Returns whether no provisioning fills an external group: it is Control Tower's, by the name in sso.yaml.

    It is still theirs under another name, and without Control Tower.
    """
    return is_of_control_tower(here) and not group.external


def _called(aws: AtAws, here: Group, user: at_aws.LiveUser) -> str:
    """Returns what a member is called: without a key as external.yaml does, if it has that member."""
    name, key = as_read(user.user_name), aws.known["user"].get(user.id)
    stranger = next((stranger for stranger in here.strangers if stranger.casefold() == name.casefold()), "")
    return key or stranger or aws.principal(user.id)


def _clues(thing: Thing) -> Clues:
    """Returns group and user, or the id by which alone a deletion names it."""
    both = ("group", "principal")
    return [[thing.ids[name] for name in names] for names in (both, ("id",)) if thing.ids.get(names[0])]


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
            reads=_read_membership,
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
    given=_given_members,
    ids_at_aws=lambda _, here: here.ids,
    again=lambda aws, _, before: aws.cli.people(
        "create-group-membership", group_id=before.ids["group"], member_id={"UserId": before.ids["principal"]}
    ),
    is_part=True,
    is_added=True,
    obstacle=lambda zone, change: (
        in_external_yaml() if (group := zone.groups.get(group_of(change.now.name))) and group.external else ""
    ),
    needs=lambda _, both: [("user", both.partition(" ")[2])],
    events={
        **dict.fromkeys((MADE, CHANGED), ("CreateGroupMembership", "AddMemberToGroup")),
        GONE: ("DeleteGroupMembership", "RemoveMemberFromGroup"),
    },
    clues=_clues,
)
