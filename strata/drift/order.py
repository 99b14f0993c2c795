"""The order in which ways back work from top to bottom, and the names that have to be freed before."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from strata.config.models import PolicyType
from strata.drift.difference import Difference, DifferenceKind
from strata.drift.ways import with_needed
from strata.errors import Message
from strata.kinds import KINDS
from strata.kinds.account import ACCOUNT
from strata.kinds.assignment import assignments_of
from strata.kinds.at_aws import LivePolicy
from strata.kinds.change import Way
from strata.kinds.cli import PROVISION, Line, Lines
from strata.kinds.kind import Kind
from strata.kinds.policy import ATTACHMENT, POLICY, full_access_of
from strata.kinds.thing import AtAws, content
from strata.kinds.unit import UNIT
from strata.landing_zone import LandingZone
from strata.landing_zone.layers import layers
from strata.policy.documents import statements


def in_order(aws: AtAws, differences: Sequence[Difference], undeployed: Collection[str] = ()) -> list[Difference]:
    """Returns the differences as their ways back work: what takes away, what deploys, what can go only after that.

    Within each, what hangs on something stands before it. What two lines say is said once.
    """
    found = _with_units_that_stay(aws, differences)
    found = _with_names_freed(aws, [_with_what_it_has(aws, difference, found) for difference in found])
    found = _with_what_units_hold(aws, found)
    found.sort(
        key=lambda difference: (
            _place(aws, difference),
            difference.how is DifferenceKind.MADE if _place(aws, difference) == _AFTER else 0,
        )
    )
    found = _said_once(found)
    ways = _deployed_at_last(aws.zone, with_needed(aws.zone, [difference.way for difference in found], undeployed))
    return [replace(difference, way=way) for difference, way in zip(found, ways, strict=True)]


_LINES, _LINES_AND_DEPLOY, _DEPLOY, _AFTER = range(4)


def _place(aws: AtAws, difference: Difference) -> int:
    if difference.way.deploy:
        return _LINES_AND_DEPLOY if difference.way.undo else _DEPLOY
    if (
        difference.how is DifferenceKind.GONE
        and difference.kind == ATTACHMENT.name
        and not full_access_of(difference.name)
    ):
        return _AFTER  # a deploy may have to switch its type on
    return (
        _AFTER if difference.way.undo and difference.how is DifferenceKind.MADE and _waits(aws, difference) else _LINES
    )


def _waits(aws: AtAws, difference: Difference) -> bool:
    """Returns whether AWS deletes or detaches it only after a deploy: a unit that is not empty, the only policy."""
    if difference.kind == UNIT.name:
        return bool(_accounts_in(aws, difference))
    if difference.kind not in (POLICY.name, ATTACHMENT.name) or not difference.live:
        return False
    policies, ids = aws.inventory.organization.policies, difference.live.ids
    mine = next(each for each in policies if each.id == ids.get("policy", ids.get("id")))
    targets = (
        {ids["target"]} if "target" in ids else {each.parameters["target_id"] for each in difference.way.undo[:-1]}
    )
    others = [each for each in policies if each.type == mine.type and each.id != mine.id and _allows(each)]
    return bool(targets - {target for each in others for target in each.targets})


def _allows(policy: LivePolicy) -> bool:
    """Returns whether a policy allows something: without one that does, AWS denies all."""
    if policy.type != PolicyType.SERVICE_CONTROL:
        return True
    return any(each.content.get("Effect") == "Allow" for each in statements(content(policy.content)))


# What a unit holds


def _accounts_in(aws: AtAws, difference: Difference) -> list[str]:
    """Returns the ids of the accounts in a unit and in the units below it."""
    organization, inside = aws.inventory.organization, {difference.live.ids["id"]} if difference.live else set[str]()
    while more := {each.id for each in organization.units if each.parent in inside} - inside:
        inside |= more
    return [each.id for each in organization.accounts if each.parent in inside]


def _with_units_that_stay(aws: AtAws, differences: Sequence[Difference]) -> list[Difference]:
    """Returns the differences; of a unit with accounts that no deploy moves, what is to do instead of a line."""
    moved = {
        difference.live.ids["id"]
        for difference in differences
        if difference.live
        and difference.kind == ACCOUNT.name
        and difference.attribute == "unit"
        and difference.way.deploy
    }
    text = "move its accounts out by hand first: AWS deletes no unit that holds one"
    by_hand = Message("unit-not-empty", text)
    found = [*differences]
    for number, one in enumerate(found):
        if (
            one.how is DifferenceKind.MADE
            and one.kind == UNIT.name
            and one.way.undo
            and {*_accounts_in(aws, one)} - moved
        ):
            found[number] = replace(one, way=replace(one.way, undo=(), by_hand=by_hand))
    return found


def _deleted_units(aws: AtAws, among: Collection[Difference]) -> set[str]:
    """Returns the ids of the units that lines delete before any deploy, with what is attached to them."""
    made = [
        difference
        for difference in among
        if difference.kind == UNIT.name
        and difference.how is DifferenceKind.MADE
        and difference.live
        and difference.way.undo
    ]
    return {difference.live.ids["id"] for difference in made if difference.live and not _accounts_in(aws, difference)}


def _with_what_units_hold(aws: AtAws, differences: Sequence[Difference]) -> list[Difference]:
    """Returns the differences; nothing is detached from a unit that is deleted, which goes before its policies."""
    units = _deleted_units(aws, differences)
    found = [
        replace(
            difference,
            way=replace(
                difference.way, undo=tuple(e for e in difference.way.undo if e.parameters.get("target_id") not in units)
            ),
        )
        for difference in differences
    ]
    return (
        sorted(found, key=lambda difference: difference.kind != UNIT.name or difference.how is not DifferenceKind.MADE)
        if units
        else found
    )


# What was made again


def _with_what_it_has(aws: AtAws, difference: Difference, among: Collection[Difference]) -> Difference:
    """Returns a difference; of what was made again, the lines take first what it was given by the names of before."""
    if difference.attribute != "id" or not (difference.live and difference.way.undo):
        return difference
    told = [each for other in among if other is not difference for each in other.way.undo]
    given = [each for each in assignments_of(aws, difference.live.ids["id"]) if each not in told]
    return replace(difference, way=replace(difference.way, undo=(*given, *difference.way.undo)))


def _deployed_at_last(zone: LandingZone, ways: Sequence[Way]) -> list[Way]:
    """Returns the ways; of those that deploy after their lines the last one deploys for all: the lines go first."""
    both = [number for number, way in enumerate(ways) if way.undo and way.deploy]
    stacks = {stack for number in both for stack in ways[number].deploy}
    for_all = tuple(layer.name for layer in layers(zone) if layer.name in stacks)
    last = {number: () if number != both[-1] else for_all for number in both}
    return [replace(way, deploy=last.get(number, way.deploy)) for number, way in enumerate(ways)]


def _said_once(differences: Sequence[Difference]) -> list[Difference]:
    """Returns the differences without lines that another one has already: what is gone, AWS does not take twice.

    A permission set reaches its accounts after the last of its changes, and after the last one that is run.
    """
    said, found = list[Line](), list[Difference]()
    last, run = _provisioned(differences), _provisioned(differences, is_run=True)
    for number, difference in enumerate(differences):
        lines = list[Line]()
        for place, each in enumerate(difference.way.undo):
            arn = each.parameters.get("permission_set_arn")
            is_last = (number, place) in (last.get(arn), run.get(arn))
            if is_last if each.operation == PROVISION else each not in said:
                lines.append(each)
        said += lines
        found.append(replace(difference, way=replace(difference.way, undo=tuple(lines))))
    return found


def _provisioned(differences: Sequence[Difference], *, is_run: bool = False) -> dict[Any, tuple[int, int]]:
    """Returns where each permission set is provisioned for the last time; only where no person has to run it."""
    return {
        each.parameters["permission_set_arn"]: (number, place)
        for number, difference in enumerate(differences)
        if not (is_run and difference.way.is_left_to_hand)
        for place, each in enumerate(difference.way.undo)
        if each.operation == PROVISION
    }


# Names


_NAMES = ("name", "user_name")


def _with_names_freed(aws: AtAws, differences: Sequence[Difference]) -> list[Difference]:
    """Returns the differences; the first of a kind has lines that free the names that others have by now.

    A deploy renames everything at once, and AWS takes no name that another one still has.
    """
    found = [*differences]
    for kind in KINDS:
        named = [
            number for number, difference in enumerate(found) if difference.kind == kind.name and _is_named(difference)
        ]
        if lines := _freed(aws, kind, [difference for difference in found if difference.kind == kind.name]):
            first = min(named, key=lambda number: (_place(aws, found[number]), number))
            way = found[first].way
            text = "another one has its name, and gets one for the meantime"
            note = way.by_hand or Message("name-freed", text)
            found[first] = replace(found[first], way=replace(way, undo=(*lines, *way.undo), by_hand=note))
    return found


def _is_named(difference: Difference) -> bool:
    """Returns whether a name is put back with it."""
    external = difference.declared is not None and difference.declared.external
    return not external and (difference.attribute in _NAMES or difference.how is DifferenceKind.GONE)


def _freed(aws: AtAws, kind: Kind, differences: Sequence[Difference]) -> Lines:
    """Returns the lines that free the names that are to be put back, but for those of what is deleted before."""
    lines: Lines = ()
    if not kind.rename or not any(map(_is_named, differences)):
        return lines
    there = {
        difference.live.ids["id"]: difference
        for difference in differences
        if difference.live and not difference.live.external
    }
    for own in kind.found(aws.inventory, aws.known["ou"]):
        other = there.get(own.id)
        wanted = any(
            difference.declared and difference.declared.mark and difference.declared.mark.identity == own.identity
            for difference in differences
            if _is_named(difference) and not (difference.live and difference.live.ids["id"] == own.id)
        )
        if other and wanted and not (other.how is DifferenceKind.MADE and _place(aws, other) == _LINES):
            lines += kind.rename(aws, own.id, f"{own.name[:_ROOM]}-{own.id.rpartition('-')[2]}")
    return lines


_ROOM = 80
"""Characters of a name that leave room for an id."""
