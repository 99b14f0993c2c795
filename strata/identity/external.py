"""Groups and users that an identity provider looks after: their ids in the states, and what became of them at AWS."""

from __future__ import annotations

from strata.aws.identity_center import Center
from strata.config import SSO
from strata.config.accepted import scalar
from strata.config.text import short
from strata.errors import Fault, Message
from strata.kinds import WORDS
from strata.kinds.identity import folded
from strata.kinds.thing import Principal
from strata.landing_zone import LandingZone
from strata.sides.recorded import KINDS_BY_TYPE, Who

# What became of them


def lookup(address: str, zone: LandingZone) -> Who | None:
    """Returns whom the data source of an address looks up, None where it is another one."""
    data, _, rest = address.partition(".")
    type, _, key = rest.partition(".")
    kind = KINDS_BY_TYPE.get(type) if data == "data" else None
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
