"""The order in which ways back work from top to bottom, and the names that have to be freed before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from strata.config import ORGANIZATION
from strata.config.models import MANAGEMENT, PolicyType
from strata.drift.difference import Difference, DifferenceKind
from strata.drift.ways import in_order_of_deploy, with_needed
from strata.errors import Message
from strata.kinds import KINDS, TYPES
from strata.kinds.account import ACCOUNT
from strata.kinds.arguments import text
from strata.kinds.assignment import assignments_of
from strata.kinds.change import Way
from strata.kinds.cli import PROVISION, Line, Lines
from strata.kinds.kind import Kind
from strata.kinds.policy import ATTACHMENT, POLICY, full_access_of
from strata.kinds.thing import ACTIVE, AtAws, content
from strata.kinds.unit import UNIT
from strata.landing_zone import LandingZone
from strata.policy.documents import statements
from strata.text import folded, listed, plural


def in_order(aws: AtAws, differences: Sequence[Difference], undeployed: Collection[str] = ()) -> list[Difference]:
    """Returns the differences as their ways back work: what takes away, what deploys, what can go only after that.

    Within each, what hangs on something stands before it. What two lines say is said once.
    """
    ordered = _with_units_that_stay(aws, _with_what_others_have(aws, differences))
    ordered = _with_names_freed(aws, [_with_what_it_has(aws, difference, ordered) for difference in ordered])
    ordered = _with_what_units_hold(aws, ordered)
    ordered = _with_deploys_that_fail(aws, ordered)
    places = [(_place(aws, difference), difference) for difference in ordered]
    places.sort(key=lambda at: (at[0], at[0] == _AFTER and at[1].how is DifferenceKind.MADE))
    ordered = _said_once([difference for _, difference in places])
    ways = _deployed_at_last(aws.zone, with_needed(aws.zone, [difference.way for difference in ordered], undeployed))
    return [replace(difference, way=way) for difference, way in zip(ordered, ways, strict=True)]


_LINES, _LINES_AND_DEPLOY, _DEPLOY, _AFTER = range(4)


def _place(aws: AtAws, difference: Difference) -> int:
    if difference.way.deploy:
        return _LINES_AND_DEPLOY if difference.way.undo else _DEPLOY
    is_gone, is_made = difference.how is DifferenceKind.GONE, difference.how is DifferenceKind.MADE
    if is_gone and difference.kind == ATTACHMENT.name and not full_access_of(difference.name):
        return _AFTER  # a deploy may have to switch its type on
    return _AFTER if is_made and difference.way.undo and _waits(aws, difference) else _LINES


def _waits(aws: AtAws, difference: Difference) -> bool:
    """Returns whether AWS deletes or detaches it only after a deploy: a unit that is not empty, the only policy."""
    if difference.kind == UNIT.name:
        return bool(_accounts_in(aws, difference))
    if difference.kind not in (POLICY.name, ATTACHMENT.name) or not difference.live:
        return False
    policies, ids = aws.inventory.organization.policies, difference.live.ids
    mine = next(each for each in policies if each.id == ids.get("policy", ids.get("id")))
    detached = (line.parameters["target_id"] for line in difference.way.undo[:-1])
    left = {ids["target"]} if "target" in ids else {*detached}
    for policy in policies:
        if policy.type == mine.type and policy.id != mine.id:
            # AWS denies all where no service control policy allows something.
            effects = (each.content.get("Effect") for each in statements(content(policy.content)))
            allows = policy.aws_managed or "Allow" in effects  # of FullAWSAccess the inventory has no document
            left -= {*policy.targets} if policy.type != PolicyType.SERVICE_CONTROL or allows else set()
    return bool(left)


# What an account has that nobody declares, or that no deploy has yet


def _with_what_others_have(aws: AtAws, differences: Sequence[Difference]) -> list[Difference]:
    """Returns the differences; what an account has that is not ours yet stays with it: access, and its guardrails."""
    bound = _bound(aws)
    has = _holding(aws, bound)

    def left(difference: Difference) -> Difference:
        ids = difference.live.ids if difference.live and difference.how is DifferenceKind.MADE else {}
        accounts = bound.get(ids.get("target", "")) or has.get(ids.get("account") or ids.get("id", ""))
        if not (accounts and difference.way.undo):
            return difference
        undeclared = sorted(id for id in accounts if _key(aws, id) not in aws.zone.accounts)
        named = undeclared or sorted(map(aws.account, accounts))
        why = "nobody declares" if undeclared else "no deploy has yet"
        stays = f"left with account {listed(named)}, which {why}"
        return difference.with_way(undo=(), by_hand=Message("left-with-account", stays, accounts=named))

    return [*map(left, differences)]


def _bound(aws: AtAws) -> dict[str, set[str]]:
    """Returns accounts that nobody declares or no deploy has, by their own ids and undeclared units above them."""
    parents = {unit.id: unit.parent for unit in aws.inventory.organization.units}
    deployed = {text(account, "id") for account in aws.attributes.get(TYPES["account"], {}).values()}
    bound: dict[str, set[str]] = {}
    for account in aws.inventory.organization.accounts:
        ours = account.id in deployed or account.state != ACTIVE  # deploys leave out what is closed, and forget it
        if _key(aws, account.id) in aws.zone.accounts and (ours or _key(aws, account.id) == MANAGEMENT):
            continue
        bound[account.id], unit = {account.id}, account.parent
        while unit in parents and aws.known["ou"].get(unit) not in aws.zone.units:
            bound.setdefault(unit, set()).add(account.id)
            unit = parents[unit]
    return bound


def _key(aws: AtAws, account: str) -> str:
    return aws.known["account"].get(account, "")


def _holding(aws: AtAws, bound: Mapping[str, Collection[str]]) -> Mapping[str, set[str]]:
    """Returns these accounts by the ids of what binds them, and of who has access there, by way of a group too."""
    has = defaultdict[str, set[str]](set)
    for policy in aws.inventory.organization.policies:
        has[policy.id].update(*(bound.get(target, ()) for target in policy.targets))
    for center in aws.inventory.centers:
        for assignment in (each for each in center.assignments | center.orphans if each.account in bound):
            for id in (assignment.account, assignment.principal, assignment.permission_set):
                has[id].add(assignment.account)
        for group in center.groups:
            made_outside = aws.known["group"].get(group.id) not in aws.zone.groups
            for user in group.members if made_outside else ():
                has[user] |= has[group.id]
    return has


# Deploys that fail until an account is declared


def _with_deploys_that_fail(aws: AtAws, differences: Sequence[Difference]) -> list[Difference]:
    """Returns the differences; where an account is not declared, nothing that deploys after it, or waits for that.

    A deploy of the stack of accounts stops there, as does one of a stack that reads from it.
    """
    stopping = [
        aws.key("account", account.id, account.name)
        for account in aws.inventory.organization.accounts
        if account.state == ACTIVE and not {account.id, folded(account.email)} & aws.zone.mentioned_accounts
    ]
    if not stopping:
        return [*differences]
    stopped = {ACCOUNT.stack}
    for stack, reads in in_order_of_deploy(aws.zone).items():
        stopped |= {stack} if stopped & {*reads} else set()
    waits = any(ACCOUNT.stack in difference.way.deploy for difference in differences)
    first = f"first declare the {plural(len(stopping), 'account')} in {ORGANIZATION}: {listed(stopping)}"
    by_hand = Message("account-first", first, accounts=stopping)
    return [
        difference.with_way(undo=(), deploy=(), by_hand=by_hand)
        if stopped & {*difference.way.deploy} or (waits and _place(aws, difference) == _AFTER)
        else difference
        for difference in differences
    ]


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
    by_hand = Message("unit-not-empty", "move its accounts out by hand first: AWS deletes no unit that holds one")
    return [
        difference.with_way(undo=(), by_hand=by_hand)
        if _is_unit_made(difference) and difference.way.undo and {*_accounts_in(aws, difference)} - moved
        else difference
        for difference in differences
    ]


def _is_unit_made(difference: Difference) -> bool:
    return difference.kind == UNIT.name and difference.how is DifferenceKind.MADE


def _with_what_units_hold(aws: AtAws, differences: Sequence[Difference]) -> list[Difference]:
    """Returns the differences; nothing is detached from a unit that is deleted, which goes before its policies."""
    units = {
        difference.live.ids["id"]
        for difference in differences
        if difference.live and _is_unit_made(difference) and difference.way.undo and not _accounts_in(aws, difference)
    }
    if not units:
        return [*differences]
    lines = [
        tuple(line for line in difference.way.undo if line.parameters.get("target_id") not in units)
        for difference in differences
    ]
    kept = [difference.with_way(undo=undo) for difference, undo in zip(differences, lines, strict=True)]
    return sorted(kept, key=lambda difference: not _is_unit_made(difference))


# What was made again


def _with_what_it_has(aws: AtAws, difference: Difference, among: Collection[Difference]) -> Difference:
    """Returns a difference; of what was made again, the lines take first what it was given by the names of before."""
    if difference.attribute != "id" or not (difference.live and difference.way.undo):
        return difference
    told = [each for other in among if other is not difference for each in other.way.undo]
    given = [each for each in assignments_of(aws, difference.live.ids["id"]) if each not in told]
    return difference.with_way(undo=(*given, *difference.way.undo))


def _deployed_at_last(zone: LandingZone, ways: Sequence[Way]) -> list[Way]:
    """Returns the ways; of those that deploy after their lines the last deploys for all: the lines go first."""
    both = [number for number, way in enumerate(ways) if way.undo and way.deploy]
    stacks = {stack for number in both for stack in ways[number].deploy}
    for_all = tuple(stack for stack in in_order_of_deploy(zone) if stack in stacks)
    last = {number: () if number != both[-1] else for_all for number in both}
    return [replace(way, deploy=last.get(number, way.deploy)) for number, way in enumerate(ways)]


def _said_once(differences: Sequence[Difference]) -> list[Difference]:
    """Returns the differences without lines that another has already: what is gone, AWS does not take twice.

    A permission set reaches its accounts after the last of its changes.
    """
    said, kept, last = list[Line](), list[Difference](), dict[Any, tuple[int, int]]()
    for number, difference in enumerate(differences):
        for place, line in enumerate(difference.way.undo):
            if line.operation == PROVISION:
                last[line.parameters["permission_set_arn"]] = number, place
    ends = {*last.values()}
    for number, difference in enumerate(differences):
        lines = [
            line
            for place, line in enumerate(difference.way.undo)
            if ((number, place) in ends if line.operation == PROVISION else line not in said)
        ]
        said += lines
        kept.append(difference.with_way(undo=tuple(lines)))
    return kept


# Names


_NAMES = ("name", "user_name")


def _with_names_freed(aws: AtAws, differences: Sequence[Difference]) -> list[Difference]:
    """Returns the differences; the first of a kind has lines that free the names that others have by now.

    A deploy renames everything at once, and AWS takes no name that is still another's.
    """
    freed = [*differences]
    for kind in KINDS:
        named = [
            number for number, difference in enumerate(freed) if difference.kind == kind.name and _is_named(difference)
        ]
        if lines := _freed(aws, kind, [difference for difference in freed if difference.kind == kind.name]):
            first = min(named, key=lambda number: (_place(aws, freed[number]), number))
            way = freed[first].way
            note = way.by_hand or Message("name-freed", "another one has its name, and gets a temporary one first")
            freed[first] = freed[first].with_way(undo=(*lines, *way.undo), by_hand=note)
    return freed


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
        live.ids["id"]: difference for difference in differences if (live := difference.live) and not live.external
    }
    wants = [(difference.declared, difference.live) for difference in differences if _is_named(difference)]
    for own in kind.named(aws.inventory, aws.known["ou"]):
        other = there.get(own.id)
        wanted = any(
            here and here.mark and here.mark.identity == own.identity and not (now and now.ids["id"] == own.id)
            for here, now in wants
        )
        if other and wanted and not (other.how is DifferenceKind.MADE and _place(aws, other) == _LINES):
            lines += kind.rename(aws, own.id, f"{own.name[:_ROOM]}-{own.id.rpartition('-')[2]}")
    return lines


_ROOM = 80
"""Characters of a name that leave room for an id."""
