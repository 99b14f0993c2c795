"""Finds users, accounts and permission sets by key, name or e-mail, and suggests near matches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from strata.config.types import did_you_mean
from strata.errors import Message, StrataError
from strata.evaluation.questions import Names, names_of
from strata.landing_zone import LandingZone
from strata.printing import word


def find_anyone(landing_zone: LandingZone, name: str) -> tuple[Literal["user", "account", "group"], str]:
    """Returns the kind and the key of the user, account or group that a name, or `user/NAME`, belongs to.

    Raises:
        StrataError: nothing answers to the name, or several do.
    """
    names = _names(landing_zone)
    kinds = [kind for kind in _KINDS if name.startswith(f"{kind}/")]
    bare = name.partition("/")[2] if kinds else name
    matching = [(kind, key) for kind in kinds or _KINDS if (key := _match(names[kind], bare))]
    if not matching:
        raise StrataError(_unknown(landing_zone, name))
    if len(matching) > 1:
        problem = f"{name!r} is {' and '.join(f'the {kind} {key!r}' for kind, key in matching)}"
        keys = [f"{kind}/{key}" for kind, key in matching]
        raise StrataError(Message("name-ambiguous", f"{problem}; write {' or '.join(keys)}", name=name, keys=keys))
    return matching[0]


_KINDS: tuple[Literal["user", "account", "group"], ...] = ("user", "account", "group")


def find_user(landing_zone: LandingZone, name: str) -> str:
    """Returns the key of a user by key, e-mail, user name or full name."""
    return _find(_names(landing_zone)["user"], name, "a user")


def find_account(landing_zone: LandingZone, name: str) -> str:
    """Returns the key of an account by key, e-mail, id or name."""
    return _find(_names(landing_zone)["account"], name, "an account")


def find_permission_set(landing_zone: LandingZone, name: str) -> str:
    """Returns the key of a permission set by key or name."""
    return _find(_names(landing_zone)["permission set"], name, "a permission set")


def _unknown(landing_zone: LandingZone, name: str) -> Message:
    problem = f"{name!r} is no user, account or group"
    names = _names(landing_zone)
    if key := _match(names["permission set"], name):
        text = f"{problem}; it is a permission set: strata explain --permission-set {word(key)}"
        return Message("name-of-another-kind", text, name=name, kind="permission set", key=key)
    if name in landing_zone.retired:
        return Message("account-retired", f"{problem}; the account is retired", account=name)
    guess = did_you_mean(name, {word for kind in ("user", "account", "group") for word in _every_name(names[kind])})
    return Message(
        "unknown-name",
        f"{problem}{guess or '; strata report lists them'}",
        name=name,
        kinds=["user", "account", "group"],
    )


def _find(names: Names, name: str, what: str) -> str:
    key = _match(names, name)
    if key is None:
        guess = did_you_mean(name, _every_name(names))
        text = f"{name!r} is not {what}{guess or '; strata report lists them'}"
        raise StrataError(Message("unknown-name", text, name=name, kind=what.partition(" ")[2]))
    return key


def _match(names: Names, name: str) -> str | None:
    """Returns the key that a name belongs to: the key itself before other names, then whatever the case."""
    if name in names:
        return name
    wanted = " ".join(name.split()).casefold()
    keys = sorted(key for key, known in names.items() if wanted in {other.casefold() for other in known})
    if len(keys) > 1:
        text = f"{name!r} is the name of {', '.join(keys)}; give one of these keys"
        raise StrataError(Message("name-ambiguous", text, name=name, keys=keys))
    return keys[0] if keys else None


def _every_name(names: Names) -> set[str]:
    return {name for known in names.values() for name in known}


def _names(landing_zone: LandingZone) -> Mapping[str, Names]:
    accounts = {
        key: {key, account.email, account.name} | ({account.id} - {""})
        for key, account in landing_zone.accounts.items()
    }
    return {**names_of(landing_zone), "account": accounts}
