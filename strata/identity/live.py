"""The live side of the comparison: a function per question, read only as far as needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from strata.aws.identity_center import CenterClient
from strata.aws.organization import (
    ListedAccount,
    accounts_below,
    list_accounts,
    list_units,
)
from strata.aws.session import Aws, unless_absent
from strata.identity.things import Holdings
from strata.landing_zone import LandingZone


@dataclass(frozen=True)
class LiveSide:
    """The live side; empty where nothing was read."""

    accounts: Mapping[str, ListedAccount] | None = None
    """By id; None when nobody asked."""
    user_names: Mapping[str, str] = field(default_factory=dict)
    """By import id: of the users who are declared with another user name than is recorded."""
    within: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By the key of a unit that goes: the accounts and units right below it, id to name."""


def live(aws: Aws, landing_zone: LandingZone, declared: Holdings, recorded: Holdings) -> LiveSide:
    """Returns what AWS has, as far as something declared is not recorded so.

    Raises:
        AwsError: AWS rejected a call.
    """
    people = ((thing, recorded.things.get(("user", thing.key))) for thing in declared.of("user"))
    other_names = [was.id for thing, was in people if was and was.id and was.identity != thing.identity]
    center = CenterClient.of(aws, landing_zone.project) if other_names else None
    accounts = {account.id: account for account in list_accounts(aws)}
    # Somebody may have changed a user name at AWS: a state follows when its stack is deployed next.
    names = {id: center.user_name_of(id.rpartition("/")[2]) for id in other_names} if center else {}
    return LiveSide(
        accounts=accounts,
        user_names={id: name for id, name in names.items() if name},
        within=dict(_within(aws, declared, recorded)) if accounts else {},
    )


def _within(aws: Aws, declared: Holdings, recorded: Holdings) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Reads the units that go, which may hold what no file has: accounts that are retired, closed or left to others."""
    for unit in recorded.of("ou"):
        if unit.id and unit.key not in declared.keys("ou"):
            accounts = unless_absent(partial(accounts_below, aws, unit.id), ("ParentNotFoundException",))
            if accounts is not None:
                yield (
                    unit.key,
                    {account["Id"]: account.get("Name", "") for account in accounts} | list_units(aws, unit.id),
                )
