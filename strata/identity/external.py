"""Groups, users and permission sets that others look after and a deploy looks up, and what became of them at AWS."""

from __future__ import annotations

from strata.aws.identity_center import CenterClient
from strata.config import SSO
from strata.config.accepted import scalar
from strata.config.text import short
from strata.errors import Fault, Message
from strata.kinds import SECTIONS, TYPES, WORDS
from strata.kinds.thing import ExternalPrincipal
from strata.landing_zone import LandingZone
from strata.sides.recorded import Who
from strata.text import folded

# What became of them


def lookup(address: str, zone: LandingZone) -> Who | None:
    """Returns whom the data source of an address looks up, None where it is another address."""
    data, _, rest = address.partition(".")
    type, _, key = rest.partition(".")
    named = ((kind, its) for kind, its in external(zone) if (data, TYPES[kind], its) == ("data", type, key))
    return next(named, None)


def external(zone: LandingZone) -> dict[Who, str]:
    """Returns what each declared group, user and permission set of others is looked up by."""
    names: dict[Who, str] = {("group", key): group.name for key, group in zone.groups.items() if group.external}
    names |= {("user", key): user.sign_in_name for key, user in zone.users.items() if user.external}
    return names | {
        ("permission-set", key): permission_set.name
        for key, permission_set in zone.permission_sets.items()
        if permission_set.external
    }


def lost(center: CenterClient, zone: LandingZone, who: Who, was: ExternalPrincipal | None) -> Fault | None:
    """Returns why a lookup does not find whom the last deploy found, with what to write; None where that is meant.

    Args:
        center: Identity Center.
        zone: the configuration.
        who: a declared group, user or permission set of others.
        was: as the state has it, None where no state does.
    """
    (kind, key), name = who, external(zone)[who]
    if kind == "permission-set":  # AWS gives none another name
        text = f"Identity Center has no permission set {short(name)}"
        remedy = "write the name that it has there, ask whoever looks after it to create it again, or take it out with "
        problem = Message("permission-set-missing", text, key=key, name=name)
        at = (SECTIONS[kind], key, "name")
        return None if name in center.set_names else zone.fault(SSO, at, problem, f"{remedy}its assignments")
    id = center.user(name) if kind == "user" else center.group(name)
    if id and (was is None or was.id == id):
        return None
    now = (center.user_name_of(was.id) if kind == "user" else center.group_name_of(was.id)) if was else None
    is_renamed = was and now and folded(was.name or name) == folded(name) and now != name
    if id and not is_renamed:
        return None  # it was made again, or an edit means another
    field = "user_name" if kind == "user" else "name"
    if is_renamed and now:
        case = "principal-renamed"
        text = f"{WORDS[kind]} {short(name)} is called {short(now)} at AWS since it was deployed, and has its access"
        remedy = f"write {field}: {scalar(now)}"
        if id:
            text += f"; another one is called {short(name)} now, and a deploy would give it all of that"
            remedy += "; where the other one is meant, declare it under a key of its own"
    elif was and not now:
        case, text = "principal-deleted", f"{WORDS[kind]} {short(name)} was deleted at AWS since it was deployed"
        remedy = "take it out with its assignments, or ask whoever looks after it to create it again"
    else:
        case, text = "principal-missing", f"Identity Center has no {WORDS[kind]} {short(name)}"
        remedy = "write the name that it has there, or ask whoever looks after it to create it first"
    problem = Message(case, text, kind=kind, key=key, name=name, now=now, other=bool(id))
    return zone.fault(SSO, (SECTIONS[kind], key, field), problem, remedy)
