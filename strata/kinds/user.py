"""A user of the identity store."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config import SSO
from strata.kinds import at_aws, cli
from strata.kinds.arguments import block, text
from strata.kinds.change import Way
from strata.kinds.identity import Mark
from strata.kinds.kind import READABLE, AlreadyExists, Kind, LiveName, Resource
from strata.kinds.shared import CONFLICT
from strata.kinds.thing import AS_IT_IS, AtAws, InStates, Thing, as_declared
from strata.landing_zone import LandingZone
from strata.text import folded, slug


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
                yield Thing("user", key, looked_up, ids={"id": user.id}, external=True)
            external = here.external if here else provided
            if external or aws.is_elsewhere(_TYPE, f"{center.store}/{user.id}"):
                continue
            values = {**USER.live_fields(user), "id": user.id}
            ids, undo = {"id": user.id, **aws.cli.ids}, aws.cli.people("delete-user", user_id=user.id)
            yield Thing("user", aws.principal(user.id), values, ids=ids, undo=undo)


_TYPE = "aws_identitystore_user"


def _way(attribute: str, here: Thing | None, _before: Thing | None, now: Thing | None) -> Way | None:
    """Returns the line that gives a user a name back; a deploy would not, as Terraform would delete the user."""
    if not (here and now and attribute == "user_name") or here.external:
        return None
    where = {"identity_store_id": now.ids["store"], "user_id": now.ids["id"], "region": now.ids["region"]}
    operations = [{"AttributePath": "userName", "AttributeValue": here.values["user_name"]}]
    return Way(undo=(cli.line("identitystore", "update-user", **where, operations=operations),))


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
        ),
    ),
    key="user",
    declared=_declared,
    recorded=_recorded,
    live=_live,
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
    fields={name: name for name in ("user_name", "given_name", "family_name", "email", "display_name")},
    left="user_name",
    way=_way,
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
