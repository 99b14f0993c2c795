"""What permission sets have at AWS otherwise than declared: provisioning a set puts in force all that it has there."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from strata.aws.session import Aws, asked_at_once
from strata.aws.states import list_stacks, read_state
from strata.config import SSO
from strata.config.findings import DRIFT
from strata.config.layers import STACKS
from strata.drift.comparison import compare
from strata.drift.difference import Difference, DifferenceKind
from strata.errors import Message
from strata.identity.comparison import Refusal
from strata.inventory.reading import TAGS, read_sets
from strata.kinds.at_aws import Inventory, LiveCenter, LiveOrganization
from strata.kinds.change import Way
from strata.kinds.permission_set import BOUNDARY, INLINE, SET, SET_POLICY
from strata.landing_zone import LandingZone
from strata.sides.join import known_keys
from strata.sides.recorded import parted, states_of
from strata.sides.states import State
from strata.text import listed


def otherwise(aws: Aws, zone: LandingZone, arns: Collection[str], *, left: bool = False) -> dict[str, Refusal]:
    """Returns by key which permission sets AWS has otherwise than declared, and what to do about it.

    What accepted.yaml has is meant, and what a layer of your own has put into a set is that layer's.

    Args:
        aws: the management account.
        zone: the configuration.
        arns: the sets that are asked about, all of them declared and one's own.
        left: names only what somebody did by hand and a deploy leaves.

    Raises:
        AwsError: AWS rejects a call.
    """
    center = read_sets(aws, zone.project, arns)
    if center is None:
        return {}
    center = replace(center, permission_sets=tuple(each for each in center.permission_sets if each.arn in arns))
    states = _read_states(aws, zone, STACKS)
    found = _refusals(zone, states, center, left=left)
    *_, others = parted({stack: {} for stack in list_stacks(aws, zone.project)} if found else {}, zone)
    return _refusals(zone, {**states, **_read_states(aws, zone, others)}, center, left=left) if others else found


def _read_states(aws: Aws, zone: LandingZone, stacks: Collection[str]) -> dict[str, State]:
    return dict(zip(stacks, asked_at_once(partial(read_state, aws, zone.project), stacks), strict=True))


def _refusals(zone: LandingZone, states: Mapping[str, State], center: LiveCenter, *, left: bool) -> dict[str, Refusal]:
    inventory = Inventory(_NO_ORGANIZATION, center)
    today = dt.datetime.now(dt.UTC).date()
    accepted = {(each.finding, each.at) for each in zone.accepted if each.finding in DRIFT and not each.ended(today)}
    known = known_keys(zone, inventory, imported=states_of(states, zone).ids)
    drift = compare(zone, states, inventory, accepted, (SET, SET_POLICY, INLINE, BOUNDARY))
    by_hand = _by_set(drift.differences, left=left)
    found = by_hand if left else {**_by_set(drift.pending), **by_hand}
    return {
        key: _refusal(zone, key, differences, by_hand=key in by_hand)
        for key, differences in sorted(found.items())
        if key in known["permission-set"].values()
    }


_NO_ORGANIZATION = LiveOrganization("", "", "", (), (), (), (), (), {})


def _by_set(differences: Iterable[Difference], *, left: bool = False) -> dict[str, list[Difference]]:
    """Returns what differs by the key of the set, but for tags, which reach no account."""
    found = defaultdict[str, list[Difference]](list)
    for difference in differences:
        stays = difference.how is DifferenceKind.MADE
        if difference.attribute not in (TAGS, "description") and (stays or not left):
            found[difference.name.rpartition(" in ")[2]].append(difference)
    return found


def _refusal(zone: LandingZone, key: str, differences: Sequence[Difference], *, by_hand: bool) -> Refusal:
    gone = DifferenceKind.GONE
    things = [f"{each.at} is missing" if each.how is gone else each.at for each in differences]
    if by_hand:
        text = f"permission set {key} was changed by hand, and a deploy would give its accounts that: {listed(things)}"
        backs = dict.fromkeys(_back(each.way) for each in differences)
        remedy = f"{'; '.join(backs)}; or write it into {SSO}, or accept it in accepted.yaml, as strata drift prints it"
    else:
        text, remedy = f"permission set {key} is not deployed as it is declared: {listed(things)}", "strata deploy sso"
    case = "permission-set-by-hand" if by_hand else "permission-set-not-deployed"
    problem = Message(case, text, permission_set=key, things=things)
    return Refusal(zone.fault(SSO, zone.permission_sets[key].location, problem, remedy))


def _back(way: Way) -> str:
    return "take it back as strata drift says" if way.undo or way.deploy else str(way.by_hand)
