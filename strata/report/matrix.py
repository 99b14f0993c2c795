"""What the script of the page draws the access matrix from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from strata.config import SSO
from strata.config.source import Location
from strata.evaluation.administrators import allows_everything
from strata.landing_zone import LandingZone
from strata.landing_zone.grants import Grant
from strata.landing_zone.units import Target
from strata.report.access import allowances, way_of
from strata.report.labels import says_more


def matrix(landing_zone: LandingZone) -> dict[str, Any]:
    """Returns accounts, people, groups and grants as the page's script reads them: by position, grants in bundles."""
    above, user_at = landing_zone.ancestors, _positions(landing_zone.users)
    entries: dict[Location, int] = {}
    given = list(_grants(landing_zone, entries))
    return {
        "accounts": [
            [key, says_more(account.name, key), " ".join(way.key for way in above[Target("account", key)][1:-1])]
            for key, account in landing_zone.accounts.items()
        ],
        "units": [unit.key for unit in landing_zone.units.values()],
        "users": [[key, says_more(user.shown_name, key), user.email] for key, user in landing_zone.users.items()],
        "groups": [
            {
                "key": key,
                "name": group.name,
                "external": not group.is_known,
                "members": [user_at[member] for member in group.members],
                "lines": [
                    str(landing_zone.source(SSO, group.membership(index))) for index in range(len(group.members))
                ],
            }
            for key, group in landing_zone.groups.items()
        ],
        "sets": [
            {
                "key": key,
                "allows": allowances(permission_set),
                "place": str(landing_zone.source(SSO, permission_set.location)),
                "full": allows_everything(permission_set),
            }
            for key, permission_set in landing_zone.permission_sets.items()
        ],
        "entries": [
            f"{way.entry}{f', until {way.until}' if way.until else ''}{f' ({way.reason})' if way.reason else ''}"
            for way in (way_of(landing_zone, entry) for entry in entries)
        ],
        "grants": given,
    }


def _positions(keys: Iterable[str]) -> dict[str, int]:
    return {key: index for index, key in enumerate(keys)}


def _grants(landing_zone: LandingZone, entries: dict[Location, int]) -> Iterator[list[Any]]:
    """Yields `[set, user or -1 - group, accounts or 0 for all, entries]`, for accounts that differ in nothing else.

    Accounts that follow each other are `[first, last]`.
    """
    bundled: dict[tuple[Grant, tuple[Location, ...]], list[int]] = defaultdict(list)
    set_at, account_at = _positions(landing_zone.permission_sets), _positions(landing_zone.accounts)
    user_at, group_at = _positions(landing_zone.users), _positions(landing_zone.groups)
    for grant, given_by in landing_zone.grants.items():
        anywhere = Grant("", grant.permission_set, grant.principal_type, grant.principal)
        bundled[anywhere, given_by].append(account_at[grant.account])
    for (grant, given_by), where in sorted(bundled.items()):
        user = grant.principal_type == "USER"
        principal = user_at[grant.principal] if user else -1 - group_at[grant.principal]
        numbered = [entries.setdefault(entry, len(entries)) for entry in given_by]
        accounts = _runs(where) if len(where) < len(account_at) else 0
        yield [set_at[grant.permission_set], principal, accounts, numbered]


def _runs(numbers: Collection[int]) -> list[int | list[int]]:
    """Returns numbers with each run of three or more as its first and last."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    shortened: list[int | list[int]] = []
    for run in runs:
        shortened += [[run[0], run[-1]]] if run[2:] else run
    return shortened
