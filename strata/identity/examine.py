"""The examination before a plan: reads, compares, and returns refusals and warnings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from strata.aws.organization import ListedAccount
from strata.aws.session import Aws
from strata.errors import Message
from strata.identity.accounts import left_out, shut
from strata.identity.comparison import Refusal
from strata.identity.declared import declared
from strata.identity.live import live
from strata.identity.moves import refused_moves, replayed
from strata.identity.recorded import recorded
from strata.identity.refusals import FOLDER, refusals, warnings
from strata.identity.things import Holdings
from strata.kinds.moves import newest_keys
from strata.landing_zone import LandingZone


@dataclass(frozen=True)
class Examination:
    """The findings before a plan."""

    refusals: tuple[Refusal, ...] = ()
    warnings: tuple[Message, ...] = ()
    declared: Holdings = field(default_factory=Holdings)
    recorded: Holdings = field(default_factory=Holdings)
    closed: Mapping[str, ListedAccount] = field(default_factory=dict)
    """The accounts that are closed or suspended at AWS, or gone, by key."""


def examine(
    aws: Aws,
    landing_zone: LandingZone,
    *,
    states: Mapping[str, Mapping[str, Any]],
    allow: Collection[str] = (),
    stacks: Collection[str] = (),
    today: dt.date,
    folder: str = FOLDER,
) -> Examination:
    """Compares the configuration with the states and with AWS.

    Args:
        states: the state of every stack, empty where it was never deployed.
        allow: the words of `--allow`.
        stacks: those that are to be deployed; all when none is named.
        folder: where the Terraform of the configuration lies, for commands to copy.

    Raises:
        AwsError: AWS rejected a call.
    """
    held = recorded(landing_zone, states)
    known = replayed(held, newest_keys(landing_zone.moves))
    wanted = declared(landing_zone, today)
    seen = live(aws, landing_zone, wanted, known)
    refused = [*refused_moves(landing_zone, wanted, held, tuple(stacks))]
    refused += refusals(wanted, known, seen, allow=allow, stacks=stacks, folder=folder)
    doubts = (*warnings(wanted, known, seen), *left_out(wanted, known, seen))
    return Examination(tuple(sorted(refused)), doubts, wanted, known, shut(wanted, known, seen))
