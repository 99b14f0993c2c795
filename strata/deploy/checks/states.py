"""States that no stack has, and locks that killed runs left."""

from __future__ import annotations

from collections.abc import Iterator

from strata.aws.states import read_state, stacks_of
from strata.config.layers import (
    ACCOUNTS,
    ARCHIVE,
    BASELINE_LAYER,
    DELEGATION,
    DETECTION_LAYER,
    IN_ACCOUNT,
    baseline_in,
)
from strata.errors import Message
from strata.identity.comparison import Refusal
from strata.identity.settled import LEFT, lost_layers, unsaid
from strata.terraform.fleet import layer_of
from strata.terraform.locks import locked
from strata.terraform.situation import Situation


def without_stack(situation: Situation) -> Iterator[Refusal | Message]:
    """Refuses states that no stack has, and that of detection where its file says nothing of what it holds.

    Where stacks were named that all have a state, none of them can be a layer of one's own under another name: that is
    told alone. In an account that is closed nothing is left.
    """
    zone, closed, deployed = situation.landing_zone, situation.examination.closed, stacks_of(situation.etags)
    leaving = {*map(baseline_in, zone.leaving)}
    reachable = {stack for stack in deployed if stack.partition(IN_ACCOUNT)[2] not in closed} - leaving
    # The names of its buckets stay taken, also where the account of an archive is closed.
    its = zone.detection.log_archive if zone.detection else None
    here = f"{ARCHIVE}{IN_ACCOUNT}"
    reachable |= {stack for stack in deployed if its and stack.startswith(here) and stack != f"{here}{its.account}"}
    has = {*situation.workspace.stacks} - unsaid(zone)
    states = {stack: read_state(situation.aws, zone.project, stack) for stack in reachable - has}
    named = {*situation.chosen, *situation.shut_out} if situation.request.stacks else set()
    for refusal in lost_layers(zone, states):
        problem = refusal.fault.problem
        is_own = problem.id == LEFT and layer_of(str(problem.data["stack"])) not in _OURS
        yield refusal.fault.message if is_own and named and named <= {*deployed} else refusal


_OURS = (ACCOUNTS, ARCHIVE, BASELINE_LAYER, DELEGATION, DETECTION_LAYER)


def locks_left(situation: Situation) -> Iterator[Message]:
    """Tells of each lock: a plan without changes takes none, so that nothing else tells of it."""
    yield from locked(situation.aws, situation.landing_zone.project, situation.workspace, situation.asked)
