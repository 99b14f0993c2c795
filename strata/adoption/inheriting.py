"""Writes once what accounts have alike: at the highest place all of whose accounts have it, so that they inherit it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from strata.config.models import MANAGEMENT
from strata.config.models import Organization as DeclaredOrganization
from strata.landing_zone.inherited import Given, Path, below, places

_FEW = 2
"""From so many accounts on, a place stands for them."""


def by_place(
    values: Mapping[str, Mapping[Path, Any]], ways: Mapping[str, Sequence[str]], *, literal: bool = False
) -> dict[str, dict[Path, Any]]:
    """Returns values by the place that gives them, from which each account inherits just those that it has.

    Args:
        values: the values of each account. One that is not there may have any, so that no place above it gives them.
        ways: the places whose words count for each account, from the root down to itself.
        literal: writes everything at the accounts.
    """
    inside = defaultdict[str, set[str]](set)
    for account, way in ways.items():
        for place in way[:-1]:
            inside[place].add(account)
    written = defaultdict[str, dict[Path, Any]](dict)
    for account, way in ways.items():
        for path, value in values.get(account, {}).items():
            alike = (
                place
                for place in way[:-1]
                if len(inside[place]) >= _FEW
                and all(path in values.get(other, {}) and values[other][path] == value for other in inside[place])
            )
            written[account if literal else next(alike, account)][path] = value
    return {place: dict(sorted(words.items())) for place, words in sorted(written.items())}


def with_defaults(
    organization: Mapping[str, Any], inherited: Mapping[str, Mapping[Path, Any]], *, literal: bool = False
) -> dict[str, Any]:
    """Returns the content of organization.yaml with the tags that accounts have alike written once, as `defaults`.

    Args:
        organization: the content, with all of its tags at each account.
        inherited: what else places and accounts give.
        literal: leaves all tags at the accounts.
    """
    ways = places(DeclaredOrganization.model_validate(organization))
    ways.pop(MANAGEMENT)  # AWS tags it, and no deploy does
    accounts = {key: dict(entry) for key, entry in organization["accounts"].items()}
    tags: dict[str, dict[Path, Any]] = {
        key: {("tags", tag): value for tag, value in its.pop("tags", {}).items()} for key, its in accounts.items()
    }
    tagged = by_place(tags, ways, literal=literal)
    given = {
        place: nested({**tagged.get(place, {}), **inherited.get(place, {})}) for place in sorted({*tagged, *inherited})
    }
    accounts = {key: {**its, **given.pop(key, {})} for key, its in accounts.items()}
    written: dict[str, Any] = {}
    for section, its in organization.items():
        if section == "accounts" and given:
            written["defaults"] = given
        written[section] = accounts if section == "accounts" else its
    return written


def nested(words: Mapping[Path, Any]) -> dict[str, Any]:
    """Returns what a place says as the YAML has it."""
    return below({path: Given(value, "", ()) for path, value in words.items()})
