"""The live side of the comparison: a function per question, read only as far as needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from strata.aws.identity_center import CenterClient
from strata.aws.organization import (
    ListedAccount,
    accounts_below,
    list_accounts,
    list_policies,
    list_tags,
    list_units,
)
from strata.aws.session import Aws, unless_absent
from strata.errors import Message
from strata.identity.things import Holdings, KeyedThing, Kind
from strata.kinds.control_tower import keeper_of
from strata.kinds.identity import policy_identity
from strata.landing_zone import LandingZone


@dataclass(frozen=True)
class KeptPolicy:
    """A policy that others look after, which AWS has under a declared name and no state knows."""

    thing: KeyedThing
    id: str
    keeper: Message


@dataclass(frozen=True)
class LiveSide:
    """The live side; empty where nothing was read."""

    accounts: Mapping[str, ListedAccount] | None = None
    """By id; None when nobody asked."""
    user_names: Mapping[str, str] = field(default_factory=dict)
    """By import id: of the users who are declared with another user name than is recorded."""
    kept: tuple[KeptPolicy, ...] = ()
    within: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By the key of a unit that goes: the accounts and units right below it, id to name."""


def live(aws: Aws, landing_zone: LandingZone, declared: Holdings, recorded: Holdings) -> LiveSide:
    """Returns what AWS has, as far as something declared is not recorded so.

    Raises:
        AwsError: AWS rejected a call.
    """
    new = _new(declared, recorded)
    people = ((thing, recorded.things.get(("user", thing.key))) for thing in declared.of("user"))
    other_names = [was.id for thing, was in people if was and was.id and was.identity != thing.identity]
    center = CenterClient.of(aws, landing_zone.project) if other_names else None
    accounts = {account.id: account for account in list_accounts(aws)}
    # The policies of the types of which another is to be created: its import would find them by name.
    types = sorted({thing.type for thing in new.get("policy", ())}) if accounts else []
    policies: dict[tuple[Kind, str], str] = {
        ("policy", id): policy_identity(type, name) for type in types for id, name in list_policies(aws, type).items()
    }
    # Somebody may have changed a user name at AWS: a state follows when its stack is deployed next.
    names = {id: center.user_name_of(id.rpartition("/")[2]) for id in other_names} if center else {}
    return LiveSide(
        accounts=accounts,
        kept=tuple(_kept(aws, new, policies, recorded)),
        user_names={id: name for id, name in names.items() if name},
        within=dict(_within(aws, declared, recorded)) if accounts else {},
    )


New = Mapping[Kind, Sequence[KeyedThing]]
"""Declared things without a record: under their key, or, where AWS allows a new name, under their name."""


def _new(declared: Holdings, recorded: Holdings) -> New:
    things: dict[Kind, list[KeyedThing]] = {}
    for (kind, key), thing in sorted(declared.things.items()):
        if (kind, key) not in recorded.things:
            things.setdefault(kind, []).append(thing)
    return things


# The organization


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


def _kept(aws: Aws, new: New, policies: Mapping[tuple[Kind, str], str], recorded: Holdings) -> Iterator[KeptPolicy]:
    """Yields what an import by name would take from others."""
    by_identity, ours = {thing.identity: thing for thing in new.get("policy", ())}, {*recorded.addresses.values()}
    for (_, id), identity in policies.items():
        thing = by_identity.get(identity)
        if thing is None or id in ours:
            continue
        if keeper := keeper_of(thing.name, {tag["Key"]: tag["Value"] for tag in list_tags(aws, id)}):
            yield KeptPolicy(thing, id, keeper)
