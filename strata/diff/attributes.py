"""Changes of what accounts inherit or have of their own: attributes and settings, told once for those alike."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Any

from strata.config.models import Budget, Control, Mode, RegionalSetting, Setting
from strata.config.weaker import is_weaker
from strata.diff.addresses import address_changes
from strata.diff.change import Change, Risk, Topic
from strata.kinds.account import ACCOUNT
from strata.kinds.members.made import governed
from strata.landing_zone import MANAGEMENT, LandingZone
from strata.landing_zone.inherited import Attributes, Inherited
from strata.report.places import places
from strata.report.words import in_place_of, in_words
from strata.text import folded

_Told = tuple[Topic, str, Risk | None]
"""What an account has otherwise, as what follows `account shop has`."""


def attribute_changes(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    """Yields the changes by account; those that many accounts share are one."""
    alike = defaultdict[_Told, list[str]](list)
    there = before.accounts.keys() | before.retired.keys()
    imported = {before.imports.get(f"{ACCOUNT.type}.{key}", "") for key in before.accounts}
    ours = {before.project.management_account.id, *imported}
    others = {*map(folded, before.organization.unmanaged_accounts)}
    for key, account in sorted(after.accounts.items()):
        old, new = before.attributes.get(key, _NONE), after.attributes.get(key, _NONE)
        if key in before.accounts and dict(_values(old)) != dict(_values(new)):
            for told in _attributes(old, new, keeps_tags=account.keeps_tags):
                alike[told].append(key)
        is_new = key not in there and folded(account.email) not in others
        for told in _settings(before, after, key, ours):
            if not is_new or told[2] == "access":  # nothing runs yet that a setting could stop
                alike[told].append(key)
    for (topic, text, risk), keys in alike.items():
        who = f"account {keys[0]} has" if len(keys) == 1 else f"{places(after, keys)} have"
        yield Change(topic, f"{who} {text}", risk)
    yield from address_changes("a budget", *map(_budget_addresses, (before, after)))


def _budget_addresses(zone: LandingZone) -> tuple[object, ...]:
    return tuple(its.at("budget").get("emails", ()) for its in zone.attributes.values())


_NONE = Attributes({})


def _values(its: Inherited) -> Iterator[tuple[tuple[str, ...], object]]:
    yield from ((path, given.value) for path, given in its.given.items())


# Attributes


def _attributes(old: Attributes, new: Attributes, *, keeps_tags: bool) -> Iterator[_Told]:
    for tag in sorted(old.tags.keys() | new.tags.keys()) if not keeps_tags else ():
        was, now = ("(empty)" if its.tags.get(tag) == "" else its.tags.get(tag) for its in (old, new))
        if was != now:
            yield Topic.ACCOUNTS, f"the tag {tag} {now or '(none)'}, {in_place_of(was)}", None
    for kind in sorted(old.contacts.keys() | new.contacts.keys()):
        name, other = new.contacts.get(kind), old.contacts.get(kind)
        if name is None:
            risk: Risk | None = "guardrails" if kind == "security" else None
            yield Topic.SECURITY, f"no {kind} contact any more, which was {other}: AWS keeps it as it is", risk
        elif name != other:
            yield Topic.SECURITY, f"the {kind} contact {name}, {in_place_of(other)}", None
    for region in sorted({*new.regions} - {*old.regions}):
        yield Topic.ACCOUNTS, f"the opt-in region {region}, which it has to have enabled", None
    for region in sorted({*old.regions} - {*new.regions}):
        yield Topic.ACCOUNTS, f"the opt-in region {region} no longer", None
    yield from _budget(old.budget, new.budget)


def _budget(old: Budget | None, new: Budget | None) -> Iterator[_Told]:
    if new is None and old is not None:
        yield Topic.SECURITY, f"no budget any more{': it is deleted at AWS' if old.on else ''}", _less(old.on)
    elif new is not None and old is None:
        yield Topic.SECURITY, f"a budget of {new.limit_usd} USD" if new.on else f"budget {new.mode.value}", None
    elif new is not None and old is not None:
        yield from _control("budget", old, new)


def _less(is_less: bool) -> Risk | None:
    return "guardrails" if is_less else None


# Settings


def _settings(before: LandingZone, after: LandingZone, key: str, ours: Collection[str]) -> Iterator[_Told]:
    was, now = before.baseline.get(key), after.baseline.get(key)
    if key == MANAGEMENT or not (was or now):
        return
    same = was and now and dict(_values(was)) == dict(_values(now)) and before.documents == after.documents
    regions = ({*governed(zone, key)} if key in zone.members else set[str]() for zone in (after, before))
    further = sorted(next(regions) - next(regions))
    if same and not further:
        return
    old, new = before.member_settings.get(key), after.member_settings.get(key)
    settings = new or old
    for name in settings.kinds() if settings else ():
        control = getattr(new, name, None)
        yield from _setting(name, getattr(old, name, None), control, ours)
        if further and old and getattr(old, name) and isinstance(control, RegionalSetting) and _breaking(control):
            yield Topic.SECURITY, f"{name} in {in_words(further)} as well{_breaking(control)}", "losses"


def _setting(name: str, old: Control | None, new: Control | None, ours: Collection[str]) -> Iterator[_Told]:
    if new is None and old is not None:
        yield Topic.SECURITY, f"no {name} any more: it stays at AWS as it is", _less(old.on)
    elif new is not None and old is None:
        parts = [name for name in type(new).model_fields if name in new.model_fields_set - {"mode"}]
        given = ", ".join(f"{its} {in_words(value)}" for part in parts for its, value in _entries(new, part).items())
        told = f"{name} {new.mode.value}{f': {given}' if given else ''}"
        risk: Risk | None = "losses" if _breaking(new) else None
        yield Topic.SECURITY, f"{told}{_breaking(new)}", "access" if _is_foreign(new, ours) else risk
    elif new is not None and old is not None:
        yield from _control(name, old, new, ours)


def _is_foreign(value: object, ours: Collection[str]) -> bool:
    """Returns whether a value names something by an ARN that is in none of our accounts."""
    return not {*_ACCOUNT_OF_ARN.findall(in_words(value))} <= {*ours}


_ACCOUNT_OF_ARN = re.compile(r"arn:[\w-]+:[\w-]+:[\w-]*:(\d*):")


def _breaking(new: Control) -> str:
    """Returns what a setting may break where it is set or made stricter, empty if nothing or nothing that runs."""
    breaks = new.breaks if isinstance(new, Setting) and new.on else ""
    return f"; {breaks}" if breaks else ""


def _control(name: str, old: Control, new: Control, ours: Collection[str] = ()) -> Iterator[_Told]:
    if old.mode != new.mode:
        stays = new.off if old.on and new.mode is Mode.OFF else "it stays at AWS as it is"
        text = f"{name} {new.mode.value}, no longer {old.mode.value}"
        if new.on:
            yield Topic.SECURITY, f"{text}{_breaking(new)}", "losses" if _breaking(new) else None
        else:
            yield Topic.SECURITY, f"{text}: {stays}", _less(old.on)
    for part in (part for part in type(new).model_fields if part != "mode"):
        had, has = _entries(old, part), _entries(new, part)
        for its in sorted(had.keys() | has.keys()):
            was, now = had.get(its, {}), has.get(its, {})
            if _unordered(was) == _unordered(now):
                continue
            weaker = old.on and is_weaker(type(new), part, was, now)
            breaks = "" if weaker or old.mode != new.mode else _breaking(new)
            text = f"{name} {its} {in_words(now)}, {in_place_of(was)}{breaks}"
            if now == {}:
                text = f"no {name} {its} any more, which was {in_words(was)}: it stays at AWS as it is"
            risk = "access" if _is_foreign(now, ours) else _less(weaker)
            yield Topic.SECURITY, text, risk or ("losses" if breaks else None)


def _entries(control: Control, part: str) -> dict[str, Any]:
    """Returns the value of a part by its name; those of a mapping by their keys besides, each in one of its own."""
    value = getattr(control, part)
    return {f"{part} {key}": {key: its} for key, its in value.items()} if isinstance(value, dict) else {part: value}


def _unordered(value: object) -> object:
    """Returns a value without the order of addresses and thresholds, which AWS does not keep."""
    return {*value} if isinstance(value, tuple) else value
