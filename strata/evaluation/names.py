"""Users, groups, permission sets and accounts by any of their names, as people write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from strata.config.types import did_you_mean
from strata.errors import Message, StrataError
from strata.landing_zone import LandingZone

Named = Literal["user", "account", "group", "permission set"]


def find(
    landing_zone: LandingZone, name: str, *kinds: Named, otherwise: str = "; strata report lists them"
) -> tuple[Named, str]:
    """Returns the kind and the key that a name belongs to, whatever its case; a key goes before other names.

    `user/NAME` and the like name the kind as well. `otherwise` is said where no name is like it.

    Raises:
        StrataError: nothing answers to the name, or several do.
    """
    prefixes: dict[Named, str] = {kind: f"{kind.replace(' ', '-')}/" for kind in kinds}
    prefixed = [kind for kind, prefix in prefixes.items() if name.startswith(prefix)]
    asked = prefixed or list(kinds)
    bare = name.partition("/")[2] if prefixed else name
    wanted = " ".join(bare.split()).casefold()
    names = {kind: _names(landing_zone, kind) for kind in asked}
    candidates = [
        (kind, key)
        for kind, its in names.items()
        for key, known in its.items()
        if wanted in {word.casefold() for word in known}
    ]
    exact = [(kind, key) for kind, key in candidates if key == bare]
    candidates = exact or candidates
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        several = " and ".join(f"the {kind} {key!r}" for kind, key in candidates)
        keys = [f"{prefixes[kind]}{key}" for kind, key in candidates]
        text = f"{name!r} is {several}; write {' or '.join(keys)}"
        raise StrataError(Message("name-ambiguous", text, name=name, keys=keys))
    every = {word for its in names.values() for known in its.values() for word in known}
    text = f"{name!r} is no {', no '.join(asked)}{did_you_mean(bare, every) or otherwise}"
    data: dict[str, Any] = {"kinds": asked} if asked[1:] else {"kind": asked[0]}
    raise StrataError(Message("unknown-name", text, name=name, **data))


def _names(landing_zone: LandingZone, kind: Named) -> Mapping[str, set[str]]:
    """Returns what the things of a kind answer to, each by its key."""
    match kind:
        case "user":
            users = landing_zone.users.items()
            return {key: {key, user.sign_in_name, user.shown_name, user.email} - {""} for key, user in users}
        case "account":
            accounts = landing_zone.accounts.items()
            return {key: {key, account.email, account.name, account.id} - {""} for key, account in accounts}
        case "group":
            return {key: {key, group.name} for key, group in landing_zone.groups.items()}
        case "permission set":
            return {key: {key, held.name} for key, held in landing_zone.permission_sets.items()}
