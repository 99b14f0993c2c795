"""Groups and users that an identity provider looks after: their ids in the states, and what became of them at AWS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from strata.aws.identity_center import Center
from strata.config import SSO
from strata.config.accepted import scalar
from strata.config.text import short
from strata.errors import Fault, Message
from strata.identity.things import ASSIGNMENT, MEMBERSHIP, TYPES, WORDS, Kind
from strata.kinds.identity import folded
from strata.kinds.moves import Keys
from strata.landing_zone import LandingZone
from strata.sides.states import State, objects, resources

Who = tuple[Kind, str]
"""Kind and key."""


@dataclass(frozen=True)
class Principal:
    """A group or user as a state has it.

    Attributes:
        id: what its access hangs on, whatever it is called.
        name: what the last deploy looked it up by; empty where the state has only its access.
    """

    id: str
    name: str = ""


def principals(states: Mapping[str, State], keys: Keys) -> dict[Who, Principal]:
    """Returns the groups and users that states name and do not manage, under their keys of today.

    Each is there as a data source, and its id in each of its assignments and memberships.
    """
    found, managed = dict[Who, Principal](), set[Who]()
    for stack, state in states.items():
        found |= dict(_looked_up(state))
        for one in resources({stack: state}):
            if kind := _KINDS.get(one.type):
                managed.add((kind, one.name))
            elif who := recipient(one.address):
                id = one.attributes.get("member_id" if one.type == MEMBERSHIP else "principal_id")
                found.setdefault(who, Principal(str(id or "")))
    return {
        (kind, keys.get((kind, key), key)): one
        for (kind, key), one in found.items()
        if one.id and (kind, key) not in managed
    }


def recipient(address: str) -> Who | None:
    """Returns whom the resource of an address gives access, None where it is no assignment or membership."""
    type, _, name = address.partition(".")
    match [type, *name.split("_")]:
        case [t, _, _, ("group" | "user") as kind, key] if t == ASSIGNMENT:
            return kind, key
        case [t, _, key] if t == MEMBERSHIP:
            return "user", key
    return None


_KINDS: Mapping[str, Kind] = {TYPES["group"]: "group", TYPES["user"]: "user"}
_NAMES: Mapping[Kind, str] = {"group": "display_name", "user": "user_name"}


def _looked_up(state: State) -> Iterator[tuple[Who, Principal]]:
    for one in objects(state):
        kind = _KINDS.get(one.type) if one.is_data else None
        if kind:
            id, name = one.attributes.get(f"{kind}_id"), one.attributes.get(_NAMES[kind])
            yield (kind, one.name), Principal(str(id or ""), str(name or ""))


# What became of them


def lookup(address: str, zone: LandingZone) -> Who | None:
    """Returns whom the data source of an address looks up, None where it is another one."""
    data, _, rest = address.partition(".")
    type, _, key = rest.partition(".")
    kind = _KINDS.get(type) if data == "data" else None
    return (kind, key) if kind and (kind, key) in external(zone) else None


def external(zone: LandingZone) -> dict[Who, str]:
    """Returns what each declared group and user of an identity provider is looked up by."""
    groups: dict[Who, str] = {("group", key): one.name for key, one in zone.groups.items() if one.external}
    return groups | {("user", key): one.sign_in_name for key, one in zone.users.items() if one.external}


def lost(center: Center, zone: LandingZone, who: Who, was: Principal | None) -> Fault | None:
    """Returns why a lookup does not find whom the last deploy found, with what to write; None where that is meant.

    Args:
        center: Identity Center.
        zone: the configuration.
        who: a declared group or user of an identity provider.
        was: as the state has it, None where no state does.
    """
    kind, name = who[0], external(zone)[who]
    found = center.user(name) if kind == "user" else center.group(name)
    if found and (was is None or was.id == found):
        return None
    now = (center.user_name_of(was.id) if kind == "user" else center.group_name_of(was.id)) if was else None
    is_renamed = was and now and folded(was.name or name) == folded(name) and now != name
    if found and not is_renamed:
        return None  # it was made again, or an edit means another one
    field = "user_name" if kind == "user" else "name"
    if is_renamed and now:
        case = "principal-renamed"
        text = f"{WORDS[kind]} {short(name)} is called {short(now)} at AWS since it was deployed, and has its access"
        remedy = f"write {field}: {scalar(now)}"
        if found:
            text += f"; another one is called {short(name)} by now, and a deploy would give it all of that"
            remedy += "; where the other one is meant, declare it under a key of its own"
    elif was and not now:
        case, text = "principal-deleted", f"{WORDS[kind]} {short(name)} was deleted at AWS since it was deployed"
        remedy = "take it out with its assignments, or have its identity provider make it again"
    else:
        case, text = "principal-missing", f"Identity Center has no {WORDS[kind]} {short(name)}"
        remedy = "write the name that it has there, or have its identity provider send it first"
    problem = Message(case, text, kind=kind, key=who[1], name=name, now=now, other=bool(found))
    return zone.fault(SSO, (f"{kind}s", who[1], field), problem, remedy)
