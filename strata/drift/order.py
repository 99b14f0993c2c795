"""The order in which ways back work from top to bottom, and the names that have to be freed before."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from strata.config.models import PolicyType
from strata.drift.difference import Difference, How
from strata.drift.ways import with_needed
from strata.errors import Message
from strata.kinds import KINDS
from strata.kinds.account import ACCOUNT
from strata.kinds.assignment import assignments_of
from strata.kinds.at_aws import Policy
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
    found = _with_names_freed(aws, [_with_what_it_has(aws, one, found) for one in found])
    found = _with_what_units_hold(aws, found)
    found.sort(key=lambda one: (_place(aws, one), one.how is How.MADE if _place(aws, one) == _AFTER else 0))
    found = _said_once(found)
    ways = _deployed_at_last(aws.zone, with_needed(aws.zone, [one.way for one in found], undeployed))
    return [replace(one, way=way) for one, way in zip(found, ways, strict=True)]


_LINES, _LINES_AND_DEPLOY, _DEPLOY, _AFTER = range(4)


def _place(aws: AtAws, one: Difference) -> int:
    if one.way.deploy:
        return _LINES_AND_DEPLOY if one.way.undo else _DEPLOY
    if one.how is How.GONE and one.kind == ATTACHMENT.name and not full_access_of(one.name):
        return _AFTER  # a deploy may have to switch its type on
    return _AFTER if one.way.undo and one.how is How.MADE and _waits(aws, one) else _LINES


def _waits(aws: AtAws, one: Difference) -> bool:
    """Returns whether AWS deletes or detaches it only after a deploy: a unit that is not empty, the only policy."""
    if one.kind == UNIT.name:
        return bool(_accounts_in(aws, one))
    if one.kind not in (POLICY.name, ATTACHMENT.name) or not one.live:
        return False
    policies, ids = aws.inventory.organization.policies, one.live.ids
    mine = next(each for each in policies if each.id == ids.get("policy", ids.get("id")))
    targets = {ids["target"]} if "target" in ids else {each.parameters["target_id"] for each in one.way.undo[:-1]}
    others = [each for each in policies if each.type == mine.type and each.id != mine.id and _allows(each)]
    return bool(targets - {target for each in others for target in each.targets})


def _allows(one: Policy) -> bool:
    """Returns whether a policy allows something: without one that does, AWS denies all."""
    if one.type != PolicyType.SERVICE_CONTROL:
        return True
    return any(each.content.get("Effect") == "Allow" for each in statements(content(one.content)))


# What a unit holds


def _accounts_in(aws: AtAws, one: Difference) -> list[str]:
    """Returns the ids of the accounts in a unit and in the units below it."""
    organization, inside = aws.inventory.organization, {one.live.ids["id"]} if one.live else set[str]()
    while more := {each.id for each in organization.units if each.parent in inside} - inside:
        inside |= more
    return [each.id for each in organization.accounts if each.parent in inside]


def _with_units_that_stay(aws: AtAws, differences: Sequence[Difference]) -> list[Difference]:
    """Returns the differences; of a unit with accounts that no deploy moves, what is to do instead of a line."""
    moved = {
        one.live.ids["id"]
        for one in differences
        if one.live and one.kind == ACCOUNT.name and one.attribute == "unit" and one.way.deploy
    }
    text = "move its accounts out by hand first: AWS deletes no unit that holds one"
    by_hand = Message("unit-not-empty", text)
    found = [*differences]
    for number, one in enumerate(found):
        if one.how is How.MADE and one.kind == UNIT.name and one.way.undo and {*_accounts_in(aws, one)} - moved:
            found[number] = replace(one, way=replace(one.way, undo=(), by_hand=by_hand))
    return found


def _deleted_units(aws: AtAws, among: Collection[Difference]) -> set[str]:
    """Returns the ids of the units that lines delete before any deploy, with what is attached to them."""
    made = [one for one in among if one.kind == UNIT.name and one.how is How.MADE and one.live and one.way.undo]
    return {one.live.ids["id"] for one in made if one.live and not _accounts_in(aws, one)}


def _with_what_units_hold(aws: AtAws, differences: Sequence[Difference]) -> list[Difference]:
    """Returns the differences; nothing is detached from a unit that is deleted, which goes before its policies."""
    units = _deleted_units(aws, differences)
    found = [
        replace(
            one, way=replace(one.way, undo=tuple(e for e in one.way.undo if e.parameters.get("target_id") not in units))
        )
        for one in differences
    ]
    return sorted(found, key=lambda one: one.kind != UNIT.name or one.how is not How.MADE) if units else found


# What was made again


def _with_what_it_has(aws: AtAws, one: Difference, among: Collection[Difference]) -> Difference:
    """Returns a difference; of what was made again, the lines take first what it was given by the names of before."""
    if one.attribute != "id" or not (one.live and one.way.undo):
        return one
    told = [each for other in among if other is not one for each in other.way.undo]
    given = [each for each in assignments_of(aws, one.live.ids["id"]) if each not in told]
    return replace(one, way=replace(one.way, undo=(*given, *one.way.undo)))


def _deployed_at_last(zone: LandingZone, ways: Sequence[Way]) -> list[Way]:
    """Returns the ways; of those that deploy after their lines the last one deploys for all: the lines go first."""
    both = [number for number, one in enumerate(ways) if one.undo and one.deploy]
    stacks = {stack for number in both for stack in ways[number].deploy}
    for_all = tuple(layer.name for layer in layers(zone) if layer.name in stacks)
    last = {number: () if number != both[-1] else for_all for number in both}
    return [replace(one, deploy=last.get(number, one.deploy)) for number, one in enumerate(ways)]


def _said_once(differences: Sequence[Difference]) -> list[Difference]:
    """Returns the differences without lines that another one has already: what is gone, AWS does not take twice.

    A permission set reaches its accounts after the last of its changes, and after the last one that is run.
    """
    said, found = list[Line](), list[Difference]()
    last, run = _provisioned(differences), _provisioned(differences, is_run=True)
    for number, one in enumerate(differences):
        lines = list[Line]()
        for place, each in enumerate(one.way.undo):
            arn = each.parameters.get("permission_set_arn")
            is_last = (number, place) in (last.get(arn), run.get(arn))
            if is_last if each.operation == PROVISION else each not in said:
                lines.append(each)
        said += lines
        found.append(replace(one, way=replace(one.way, undo=tuple(lines))))
    return found


def _provisioned(differences: Sequence[Difference], *, is_run: bool = False) -> dict[Any, tuple[int, int]]:
    """Returns where each permission set is provisioned for the last time; only where no person has to run it."""
    return {
        each.parameters["permission_set_arn"]: (number, place)
        for number, one in enumerate(differences)
        if not (is_run and one.way.is_left_to_hand)
        for place, each in enumerate(one.way.undo)
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
        named = [number for number, one in enumerate(found) if one.kind == kind.name and _is_named(one)]
        if lines := _freed(aws, kind, [one for one in found if one.kind == kind.name]):
            first = min(named, key=lambda number: (_place(aws, found[number]), number))
            way = found[first].way
            text = "another one has its name, and gets one for the meantime"
            note = way.by_hand or Message("name-freed", text)
            found[first] = replace(found[first], way=replace(way, undo=(*lines, *way.undo), by_hand=note))
    return found


def _is_named(one: Difference) -> bool:
    """Returns whether a name is put back with it."""
    external = one.declared is not None and one.declared.external
    return not external and (one.attribute in _NAMES or one.how is How.GONE)


def _freed(aws: AtAws, kind: Kind, differences: Sequence[Difference]) -> Lines:
    """Returns the lines that free the names that are to be put back, but for those of what is deleted before."""
    lines: Lines = ()
    if not kind.rename or not any(map(_is_named, differences)):
        return lines
    there = {one.live.ids["id"]: one for one in differences if one.live and not one.live.external}
    for own in kind.found(aws.inventory, aws.known["ou"]):
        other = there.get(own.id)
        wanted = any(
            one.declared and one.declared.mark and one.declared.mark.identity == own.identity
            for one in differences
            if _is_named(one) and not (one.live and one.live.ids["id"] == own.id)
        )
        if other and wanted and not (other.how is How.MADE and _place(aws, other) == _LINES):
            lines += kind.rename(aws, own.id, f"{own.name[:_ROOM]}-{own.id.rpartition('-')[2]}")
    return lines


_ROOM = 80
"""Characters of a name that leave room for an id."""
