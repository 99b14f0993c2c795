"""A user of the identity store."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config import EXTERNAL, SSO, models
from strata.config.external import place_of_group
from strata.errors import Message
from strata.kinds import at_aws, cli
from strata.kinds.arguments import Attributes, block, text
from strata.kinds.change import Edit, Obstacle, OutsideChange, Way, edit
from strata.kinds.cli import new_name
from strata.kinds.events import events
from strata.kinds.identity import Mark
from strata.kinds.kind import READABLE, AlreadyExists, Kind, LiveName, Resource
from strata.kinds.reading import PROVIDERS, BulkReading, known, snaked
from strata.kinds.shared import CONFLICT
from strata.kinds.thing import AS_IT_IS, AtAws, InStates, Thing, as_declared
from strata.landing_zone import LandingZone
from strata.text import folded, slug


def _read(reading: BulkReading, attributes: Attributes) -> Attributes | None:
    id = str(attributes.get("user_id"))
    described = reading.users.get(id)
    if described is None:
        return None
    read = snaked(dict(described))
    return {
        **{name: known(read.get(name), attributes.get(name)) for name in _READ},
        "nickname": read.get("nick_name"),
        "name": known([read.get("name") or {}], attributes.get("name")),
        "id": f"{reading.center.store}/{id}",
        "user_id": id,
        "identity_store_id": reading.center.store,
        **PROVIDERS,
    }


DETAILS = (
    "addresses",
    "locale",
    "phone_numbers",
    "preferred_language",
    "profile_url",
    "timezone",
    "title",
    "user_type",
)
"""What AWS has of a user beside the fields of an entry, in the words of the provider."""
_READ = (*DETAILS, "display_name", "emails", "external_ids", "user_name")


def _declared(zone: LandingZone) -> Iterator[Thing]:
    for key, user in zone.users.items():
        name = user.sign_in_name
        if user.external:
            looked_up, mark = {"user_name": name, "id": AS_IT_IS}, Mark(folded(name), name)
            yield Thing("user", key, looked_up, SSO, ("users", key), external=True, mark=mark)
            continue
        values = {field: getattr(user, field) for field in USER.fields}
        values |= {"user_name": name, "display_name": user.shown_name, "id": AS_IT_IS}
        mark = Mark(folded(name), name, folded(user.email))
        yield Thing("user", key, values, SSO, ("users", key), mark=mark)


def _recorded(states: InStates) -> Iterator[Thing]:
    for key, user in states.of(_TYPE).items():
        full_name, email, id = block(user.get("name")), block(user.get("emails")), text(user, "user_id")
        name, address = text(user, "user_name"), text(email, "value")
        values = {
            "user_name": name,
            "given_name": text(full_name, "given_name"),
            "family_name": text(full_name, "family_name"),
            "email": address,
            "display_name": text(user, "display_name"),
            "id": id,
        }
        yield Thing("user", key, values, ids={"id": id}, mark=Mark(folded(name), name, folded(address)))
    for (kind, key), principal in states.looked_up.items():
        here = states.zone.users.get(key) if kind == "user" else None
        if here and here.external:
            looked_up = {"user_name": principal.name or here.sign_in_name, "id": principal.id}
            yield Thing("user", key, looked_up, ids={"id": principal.id}, external=True)


def _live(aws: AtAws) -> Iterator[Thing]:
    """Yields the users; of those that an identity provider looks after, the declared ones by name and id."""
    for center in aws.inventory.centers:
        for user in center.users:
            here = aws.zone.users.get(key := aws.known["user"].get(user.id, ""))
            provided = user.external or ("user", folded(user.user_name)) in aws.provided
            if here and here.external:
                looked_up = {"user_name": as_declared(user.user_name, here.sign_in_name), "id": user.id}
                yield Thing("user", key, looked_up, ids={"id": user.id}, thing=("user", user.id), external=True)
            external = here.external if here else provided
            if external or aws.is_elsewhere(_TYPE, f"{center.store}/{user.id}"):
                continue
            values = {**USER.live_fields(user), "id": user.id}
            ids, undo = {"id": user.id, **aws.cli.ids}, aws.cli.people("delete-user", user_id=user.id)
            yield Thing("user", aws.principal(user.id), values, ids=ids, thing=("user", user.id), undo=undo)


_TYPE = "aws_identitystore_user"


def _way(attribute: str, here: Thing | None, _before: Thing | None, now: Thing | None) -> Way | None:
    """Returns the line that gives a user a name back; a deploy would not, as Terraform would delete the user."""
    if not (here and now and attribute == "user_name") or here.external:
        return None
    where = {"identity_store_id": now.ids["store"], "user_id": now.ids["id"], "region": now.ids["region"]}
    operations = new_name("userName", here.values["user_name"])
    return Way(undo=(cli.line("identitystore", "update-user", **where, operations=operations),))


def _obstacle(_: LandingZone, change: OutsideChange) -> Obstacle:
    attribute, value = change.attribute, change.now.values.get(change.attribute)
    if attribute == "email" and ", " in str(value):
        return Message("several-addresses", "it has several addresses, and one can be written")
    if attribute in ("given_name", "family_name", "email") and not value:
        return Message("value-missing-at-aws", "AWS has none, and one has to be written", key=attribute)
    return ""


def _edits(aws: AtAws, change: OutsideChange) -> Iterator[Edit]:
    here, now = change.here, change.now
    if here and change.attribute == "email" and not aws.zone.sso.users[here.name].user_name:
        # Which was the address until now.
        yield edit(aws.zone, here.file, here.location, "user_name", value=now.values["user_name"])
    if here and change.attribute == "user_name":
        was, name = str(here.values["user_name"]).casefold(), str(now.values["user_name"])
        for group, read in aws.zone.external.groups.items():  # which has members by name
            if was in map(str.casefold, read.members):
                members = sorted(name if member.casefold() == was else member for member in read.members)
                yield edit(aws.zone, EXTERNAL, place_of_group(group), value=members)


def _key_name(user: at_aws.LiveUser) -> str:
    """Returns the name for a key: that before the @, unless it has no letter for one or is too long to read."""
    address = "".join(user.emails[:1]).partition("@")[0]
    names = [user.user_name.partition("@")[0], address, f"{user.given_name} {user.family_name}"]
    return next((name for name in names if 0 < len(slug(name)) <= READABLE), names[0])


USER = Kind(
    "user",
    "sso",
    (
        Resource(
            _TYPE,
            "<identity store id>/<user id>[@<region>]",
            keys=("user",),
            id="user_id",
            existing=AlreadyExists(CONFLICT, regional=True),
            reads=_read,
        ),
    ),
    key="user",
    declared=_declared,
    recorded=_recorded,
    live=_live,
    rename=lambda aws, own, name: aws.cli.people("update-user", user_id=own, operations=new_name("userName", name)),
    named=lambda inventory, _: (
        LiveName(user.id, user.user_name, folded(user.user_name), [_key_name(user), user.user_name])
        for center in inventory.centers
        for user in center.users
    ),
    live_fields=lambda live: {
        "given_name": live.given_name,
        "family_name": live.family_name,
        "email": ", ".join(live.emails),
        "user_name": live.user_name,
        "display_name": live.display_name,
    },
    id_of=lambda import_id: import_id.rpartition("/")[2],
    is_added=True,
    model=models.User,
    fields={name: name for name in ("user_name", "given_name", "family_name", "email", "display_name")},
    left="user_name",
    way=_way,
    obstacle=_obstacle,
    edits=_edits,
    events={**events("User"), "user_name": ("UpdateUser", "UpdateUserName", "CreateUser")},
    section="users",
    addresses=lambda zone: (f"{_TYPE}.{key}" for key, user in zone.sso.users.items() if not user.external),
    wanted=lambda zone, inventory, ids: (
        (f"{_TYPE}.{key}", f"{center.store}/{ids['user'][key]}")
        for center in inventory.centers
        for key, user in zone.users.items()
        if not user.external and key in ids["user"]
    ),
    import_ids=lambda inventory: (
        (_TYPE, f"{center.store}/{user.id}") for center in inventory.centers for user in center.users
    ),
)
