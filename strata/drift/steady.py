"""The states that a comparison reads: those that no run is changing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from strata.aws.locks import read_lock
from strata.aws.session import Aws, asked_at_once
from strata.aws.states import read_state, read_states
from strata.config.layers import STACKS
from strata.errors import Message, StrataError
from strata.identity.lost_states import lost_states
from strata.landing_zone import LandingZone


def steady_states(aws: Aws, zone: LandingZone) -> dict[str, dict[str, Any]]:
    """Returns the states by stack.

    Raises:
        StrataError: there is none, or another run holds a state, which is half way between two of them.
    """
    states = read_states(aws, zone.project)
    if not any(states.get(stack, {}).get("resources") for stack in STACKS if stack != "backend"):
        nothing = (
            "nothing is deployed yet, so nothing can have drifted; strata plan shows what a first deploy would "
            "make, and strata adopt writes what AWS has already"
        )
        raise StrataError(lost_states(aws, zone) or Message("nothing-deployed", nothing))
    _check_free(aws, zone, states)
    return states


def _check_free(aws: Aws, zone: LandingZone, stacks: Collection[str]) -> None:
    locks = asked_at_once(partial(read_lock, aws, zone.project), stacks)
    for stack, lock in zip(stacks, locks, strict=True):
        if lock:
            held = (
                f"{lock.who} has held the state of {stack} since {lock.since:%Y-%m-%d %H:%M} UTC, so that it is "
                "changing; run this again after that run, or free a lock that a killed run left, see docs/recover.md"
            )
            raise StrataError(Message("other-run-active", held, stack=stack, who=lock.who))


def check_same(aws: Aws, zone: LandingZone, before: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuses states that a run holds or wrote while AWS was read: what it did would look as if done outside.

    Raises:
        StrataError: a state has changed, or is about to.
    """
    _check_free(aws, zone, before)
    states = asked_at_once(partial(read_state, aws, zone.project), before)
    for stack, now in zip(before, states, strict=True):
        if now.get("serial") != before[stack].get("serial"):
            changed = f"a run has changed the state of {stack} while AWS was read; run this again after it"
            raise StrataError(Message("changed-meanwhile", changed, stack=stack))
