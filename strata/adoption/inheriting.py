"""Writes once the tags that accounts have alike: at the highest place all of whose accounts have it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from strata.config.models import MANAGEMENT
from strata.config.models import Organization as DeclaredOrganization
from strata.landing_zone.inherited import places

_FEW = 2
"""From so many accounts on, a place stands for them."""
Tags = Mapping[str, str]


def by_place(tags: Mapping[str, Tags], ways: Mapping[str, Sequence[str]]) -> dict[str, dict[str, str]]:
    """Returns tags by the place that gives them, from which each account inherits just those that it has.

    Args:
        tags: the tags of each account.
        ways: the places whose words count for each account, from the root down to itself.
    """
    inside = defaultdict[str, list[str]](list)
    for account, way in ways.items():
        for place in way[:-1]:
            inside[place].append(account)
    written = defaultdict[str, dict[str, str]](dict)
    for account, way in ways.items():
        for tag, value in tags.get(account, {}).items():
            alike = (place for place in way[:-1] if _all_have(tags, inside[place], tag, value))
            written[next(alike, account)][tag] = value
    return {place: dict(sorted(its.items())) for place, its in sorted(written.items())}


def _all_have(tags: Mapping[str, Tags], accounts: Sequence[str], tag: str, value: str) -> bool:
    return len(accounts) >= _FEW and all(tags.get(account, {}).get(tag) == value for account in accounts)


def with_defaults(organization: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the content of organization.yaml with the tags that accounts have alike written once, as `defaults`.

    Args:
        organization: the content, with all of its tags at each account.
    """
    ways = places(DeclaredOrganization.model_validate(organization))
    ways.pop(MANAGEMENT)  # AWS tags it, and no deploy does
    tags = {key: entry.get("tags", {}) for key, entry in organization["accounts"].items()}
    given = {place: {"tags": its} for place, its in by_place(tags, ways).items()}
    accounts = dict[str, Any]()
    for key, entry in organization["accounts"].items():
        untagged = {name: value for name, value in entry.items() if name != "tags"}
        accounts[key] = {**untagged, **given.pop(key, {})}
    written: dict[str, Any] = {}
    for section, its in organization.items():
        if section == "accounts" and given:
            written["defaults"] = given
        written[section] = accounts if section == "accounts" else its
    return written
