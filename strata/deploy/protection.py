"""What GuardDuty has on, of that which its stack sets anew, and no state knows of: it is read, and stays on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from strata.aws.access_role import entered, ids_of_accounts
from strata.aws.questions import ResourceQuestion
from strata.aws.session import AwsError, asked_at_once
from strata.config.layers import DELEGATION, DETECTION_LAYER
from strata.errors import Message
from strata.identity.comparison import Refusal
from strata.identity.protection import DISABLE_PROTECTION, refused_switches, unread_switches
from strata.kinds.detection.administrator import ADMINISTRATOR
from strata.kinds.detection.made import administrators_here
from strata.kinds.detection.protection import UNREAD, switched, switches
from strata.sides.states import managed, objects
from strata.terraform.situation import Protection, Situation


class _Answer(NamedTuple):
    """What AWS has of a region: whether its detector is new, and what is on, by attribute and plan."""

    fresh: bool
    on: Mapping[tuple[str, str], str]


def read_protection(situation: Situation) -> Protection:
    """Returns what AWS has of each switch that no state has."""
    layer = situation.landing_zone.layers.get(DETECTION_LAYER)
    if not (layer and layer.source and layer.stack in situation.asked):
        return Protection()
    held = {resource.address for resource in managed(situation.states[layer.stack])}
    anew = [switch for switch in switches(situation.workspace.document(layer.stack)) if switch.address not in held]
    answers = _switched(situation, layer.stack, sorted({switch.region for switch in anew}))
    unread = {region: answer for region, answer in answers.items() if isinstance(answer, AwsError)}
    known = {region: answer for region, answer in answers.items() if isinstance(answer, _Answer)}
    found = {switch: UNREAD for switch in anew if switch.region in unread}
    chosen = dict(found)
    for switch in anew:
        answer = known.get(switch.region)
        at_aws = answer.on.get((switch.attribute, switch.plan)) if answer else None
        if answer and at_aws:
            found[switch] = at_aws
            if not (answer.fresh and switch.is_own):
                chosen[switch] = at_aws
    return Protection(found, chosen, unread)


def _switched(situation: Situation, stack: str, regions: Sequence[str]) -> dict[str, _Answer | AwsError]:
    """Returns what AWS has of GuardDuty in the administrator by region, or why that is not known.

    A detector is new if it is of the last day, in an account that our state has as the administrator: a run that did
    not finish is repeated, and nobody has chosen the plans that AWS gives a new detector:
    https://docs.aws.amazon.com/guardduty/latest/APIReference/API_CreateDetector.html

    The account may be in no state yet, or not there.
    """
    zone, key = situation.landing_zone, situation.landing_zone.account_stacks[stack]
    emails, state = {key: zone.members[key].email}, situation.states["organizations"]
    ids = ids_of_accounts(situation.aws, state, emails) or ids_of_accounts(situation.aws, {}, emails) if regions else {}
    if not ids:
        return {}
    try:
        member = entered(situation.aws, ids[key], situation.reader(stack))
    except AwsError as error:
        return dict.fromkeys(regions, error)
    delegation = situation.states.get(zone.layers[DELEGATION].stack, {})
    ours = {each.attributes.get("region") for each in objects(delegation) if each.type == ADMINISTRATOR.type}
    yesterday = dt.datetime.now(tz=dt.UTC) - dt.timedelta(days=1)

    def asked(region: str) -> _Answer | AwsError:
        here, there = (ResourceQuestion(aws, zone.project, {"region": region}) for aws in (situation.aws, member))
        try:
            since, found = switched(there, administers=ids[key] in administrators_here(here))
        except AwsError as error:
            return error
        return _Answer(bool(since and since > yesterday and region in ours), found)

    return dict(zip(regions, asked_at_once(asked, regions), strict=True))


def switched_off(situation: Situation) -> Iterator[Refusal | Message]:
    """Refuses to switch off what is on and no state knows of; tells what of it cannot be read."""
    zone, protection = situation.landing_zone, situation.protection
    if DISABLE_PROTECTION not in situation.request.allow:
        yield from refused_switches(zone, protection.chosen)
    yield from unread_switches(zone, protection.found, protection.unread)
