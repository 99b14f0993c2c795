"""Finds users, accounts and permission sets by key, name or e-mail, and suggests near matches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from strata.config.types import did_you_mean
from strata.errors import Message, StrataError
from strata.landing_zone import LandingZone
from strata.printing import word

Names = Mapping[str, set[str]]
"""Key to all the names something answers to."""


def find_anyone(landing_zone: LandingZone, name: str) -> tuple[Literal["user", "account", "group"], str]:
    """Returns the kind and the key of the user, account or group that a name belongs to.

    Raises:
        StrataError: nothing answers to the name, or a user and an account do.
    """
    user, account = _match(_user_names(landing_zone), name), _match(_account_names(landing_zone), name)
    if user and account:
        problem = f"{name!r} is the user {user!r} and the account {account!r}"
        text = f"{problem}; give the e-mail address of the one you mean"
        raise StrataError(Message("name-ambiguous", text, name=name, keys=[user, account]))
    if user:
        return "user", user
    if account:
        return "account", account
    if group := _match(_group_names(landing_zone), name):
        return "group", group
    raise StrataError(_unknown(landing_zone, name))


def find_user(landing_zone: LandingZone, name: str) -> str:
    """Returns the key of a user by key, e-mail, user name or full name."""
    return _find(_user_names(landing_zone), name, "a user")


def find_account(landing_zone: LandingZone, name: str) -> str:
    """Returns the key of an account by key, e-mail, id or name."""
    return _find(_account_names(landing_zone), name, "an account")


def is_account(landing_zone: LandingZone, name: str) -> bool:
    """Returns whether an account answers to a name."""
    return _match(_account_names(landing_zone), name) is not None


def find_permission_set(landing_zone: LandingZone, name: str) -> str:
    """Returns the key of a permission set by key or name."""
    return _find(_permission_set_names(landing_zone), name, "a permission set")


def find_group(landing_zone: LandingZone, name: str) -> str:
    """Returns the key of a group by key or name."""
    return _find(_group_names(landing_zone), name, "a group")


def find_unit(landing_zone: LandingZone, name: str) -> str:
    """Returns the key of an organizational unit by key or name; `root` is none."""
    return _find({key: {key, unit.name} for key, unit in landing_zone.units.items()}, name, "an organizational unit")


def _unknown(landing_zone: LandingZone, name: str) -> Message:
    problem = f"{name!r} is no user, account or group"
    if key := _match(_permission_set_names(landing_zone), name):
        text = f"{problem}; it is a permission set: strata explain --permission-set {word(key)}"
        return Message("name-of-another-kind", text, name=name, kind="permission set", key=key)
    if name in landing_zone.retired:
        return Message("account-retired", f"{problem}; the account is retired", account=name)
    names = (_user_names(landing_zone), _account_names(landing_zone), _group_names(landing_zone))
    known = {name for one in names for name in _every_name(one)}
    guess = did_you_mean(name, known)
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
    found = sorted(key for key, known in names.items() if wanted in {one.casefold() for one in known})
    if len(found) > 1:
        text = f"{name!r} is the name of {', '.join(found)}; give one of these keys"
        raise StrataError(Message("name-ambiguous", text, name=name, keys=found))
    return found[0] if found else None


def _every_name(names: Names) -> set[str]:
    return {name for known in names.values() for name in known}


def _user_names(landing_zone: LandingZone) -> Names:
    return {
        key: {key, user.sign_in_name, user.shown_name} | ({user.email} - {""})
        for key, user in landing_zone.users.items()
    }


def _account_names(landing_zone: LandingZone) -> Names:
    return {
        key: {key, account.email, account.name} | ({account.id} - {""})
        for key, account in landing_zone.accounts.items()
    }


def _group_names(landing_zone: LandingZone) -> Names:
    return {key: {key, group.name} for key, group in landing_zone.groups.items()}


def _permission_set_names(landing_zone: LandingZone) -> Names:
    return {key: {key, permission_set.name} for key, permission_set in landing_zone.permission_sets.items()}
