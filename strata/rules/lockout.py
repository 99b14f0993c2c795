"""No way to lock oneself out: once a configuration is deployed, somebody can undo it and repair its accounts.

What nobody could undo is an error that accepted.yaml may accept; what cannot be told for certain is a warning.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import IntEnum
from functools import cached_property
from typing import Any, NamedTuple

from strata.config import ACCEPTED, EXTERNAL, PROJECT, SSO
from strata.config.accepted import by_finding, hint
from strata.config.findings import LONGEST
from strata.config.models import ACCESS_ROLE, MANAGEMENT
from strata.config.source import Location
from strata.errors import Fault, Message
from strata.evaluation.administrators import has_ended
from strata.evaluation.landing_zone import Evaluated
from strata.evaluation.lockout import DEPLOYER, ENTER, SIGN_IN, Management, UndoingWay, in_members, sign_ins
from strata.landing_zone import LandingZone
from strata.landing_zone.permission_sets import Held
from strata.landing_zone.permissions import STACKS
from strata.landing_zone.units import THE_ROOT, Target
from strata.policy.answers import Outcome
from strata.policy.documents import Statement
from strata.rules.accepted import Warned
from strata.text import listed

LOCK_OUT = "lock-out"
UNCERTAIN = ("uncertain-administrator", "uncertain-repair")
"""The warnings where something may be a lock-out."""


class LockOut(NamedTuple):
    """Something that nobody could undo, with the place by which accepted.yaml names it."""

    file: str
    location: Location
    at: str
    problem: Message
    remedy: str
    statement: str = ""
    """The place of the statement that decides, whatever it is attached to; empty where none does."""


class Guard:
    """Looks at a valid configuration for what nobody could undo; with a day, without access that ended before it.

    Args:
        today: when policies are looked at; without it and a day, no date in a condition is over.
    """

    def __init__(self, landing_zone: LandingZone, day: dt.date | None = None, today: dt.date | None = None) -> None:
        self.landing_zone, self.day = landing_zone, day
        self._evaluated = Evaluated(landing_zone, day or today)
        self._standing = _Standing(Management(self._evaluated, day))

    @classmethod
    def of(cls, landing_zone: LandingZone, day: dt.date | None = None, today: dt.date | None = None) -> Guard:
        """Returns the guard of a landing zone, which is built once: it takes longer than all other rules."""
        key = (cls, day, today)
        if key not in landing_zone.derived:
            landing_zone.derived[key] = cls(landing_zone, day, today)
        guard: Guard = landing_zone.derived[key]
        return guard

    def faults(self, day: dt.date | None = None) -> Iterator[Fault]:
        """Yields what nobody could undo and accepted.yaml does not accept; with a day, or no longer on it."""
        zone = self.landing_zone
        accepted = by_finding(zone.accepted)
        for lockout in self.lock_outs:
            entry = accepted.get((LOCK_OUT, lockout.at))
            if entry and not entry.ended(day):
                continue
            over = f", accepted until {entry.until} only" if entry else ""
            remedy = f"{lockout.remedy}; or accept it in {ACCEPTED} [{hint(LOCK_OUT, lockout.at)}]"
            until = str(entry.until) if entry else None
            message = Message(LOCK_OUT, f"{lockout.problem}{over}", accepted_until=until, **lockout.problem.data)
            fault = zone.fault(lockout.file, lockout.location, message, remedy)
            yield replace(fault, rule="lockout.lock_outs")

    @cached_property
    def lock_outs(self) -> tuple[LockOut, ...]:
        """Returns everything that nobody could undo, but for what policies of others close."""
        of_members = (lockout for lockout in self._closing if lockout.file != EXTERNAL)
        return (*_in_management(self.landing_zone, self._standing, self.day), *of_members)

    @cached_property
    def _of_members(self) -> tuple[UndoingWay, ...]:
        return (
            *in_members(self._evaluated, self._standing.management.actors),
            *sign_ins(self._evaluated),
        )

    @cached_property
    def _closing(self) -> tuple[LockOut, ...]:
        return tuple(_closing(self.landing_zone, self._of_members))

    def doubts(self) -> Iterator[Warned]:
        """Yields warnings: nobody is known to administer an account, or not for certain, or not for long.

        Offline nobody can tell whether somebody had access before, which `strata deploy` then refuses to take.
        """
        yield from _nobody(self._standing)
        yield from _uncertain(self._standing)
        yield from _ending(self.landing_zone, self._standing)
        said = {lockout.statement for lockout in self.lock_outs}
        yield from (warned for warned in _doubtful(self.landing_zone, self._of_members) if warned.at not in said)
        for lockout in (lockout for lockout in self._closing if lockout.file == EXTERNAL):
            text = f"{lockout.problem}; others look after it, so no deploy changes it: have them {lockout.remedy}"
            message = Message("closed-by-others", text, **lockout.problem.data)
            yield Warned(lockout.at, (lockout.file, lockout.location, message))


def newly_locked_out(before: LandingZone, after: LandingZone) -> Iterator[Message]:
    """Yields what somebody can undo before and nobody could after, whether accepted or not."""
    known = {lockout.at for lockout in Guard.of(before).lock_outs}
    entries = by_finding(after.accepted)
    for lock_out in Guard.of(after).lock_outs:
        if lock_out.at not in known:
            accepted = f"; {ACCEPTED} accepts it" if (LOCK_OUT, lock_out.at) in entries else ""
            where = str(after.source(lock_out.file, lock_out.location))
            text = f"{where}: {lock_out.problem}{accepted}; {lock_out.remedy}"
            yield Message(LOCK_OUT, text, place=where, **lock_out.problem.data)


# The management account


class _Rank(IntEnum):
    """How certain it is that somebody can undo a stack."""

    LOCKED = 0
    """Nobody can: those who were meant to are denied, or the deployer is."""
    NOBODY = 1
    """Nobody was meant to, as far as the configuration says."""
    UNCERTAIN = 2
    CERTAIN = 3


class _Standing:
    """How each stack stands, with the ways to undo it as far as they were looked at."""

    def __init__(self, management: Management) -> None:
        self.management = management
        self.deployer = management.landing_zone.deployer

    @cached_property
    def ways(self) -> Mapping[str, Sequence[UndoingWay]]:
        """Returns the ways to undo each stack; none where some is open, and nobody asks for the rest then."""
        ways: dict[str, list[UndoingWay]] = {}
        for stack in STACKS:
            ways[stack] = []
            for way in self.management.of_stack(stack):
                if way.outcome is Outcome.ALLOWED:
                    ways[stack] = []
                    break
                ways[stack].append(way)
        return ways

    def on(self, day: dt.date) -> _Standing:
        """Returns how they stand on a day."""
        return _Standing(Management(self.management.evaluated, day))

    def after(self, day: dt.date) -> _Standing:
        """Returns how they stand when a day is over."""
        return self.on(day + dt.timedelta(days=1) if day < dt.date.max else day)

    def lasting(self) -> _Standing:
        """Returns how they stand once everything with a last day has ended."""
        return _Standing(Management(self.management.evaluated, lasting=True))

    @property
    def undoing(self) -> frozenset[str]:
        """Returns the permission sets by which somebody can undo a stack, or may."""
        ways = self.management.ways()
        return frozenset(way.permission_set for way in ways if way.outcome is not Outcome.DENIED)

    def rank(self, stack: str) -> _Rank:
        """Returns how certain it is that somebody can undo a stack."""
        if not self.ways[stack]:
            return _Rank.CERTAIN
        if self.open(stack):
            return _Rank.UNCERTAIN
        return _Rank.LOCKED if self.barred(stack) else _Rank.NOBODY

    @property
    def lowest(self) -> _Rank:
        """Returns the rank of the stack that stands worst."""
        return min(map(self.rank, STACKS))

    def of_rank(self, rank: _Rank) -> list[str]:
        """Returns the stacks of a rank."""
        return [stack for stack in STACKS if self.rank(stack) is rank]

    def open(self, stack: str) -> list[UndoingWay]:
        """Returns the ways that depend on something; a deployer that nobody names is none."""
        ways = (way for way in self.ways[stack] if way.outcome is Outcome.DEPENDS)
        return [way for way in ways if way.by != DEPLOYER or self.deployer]

    def barred(self, stack: str) -> list[UndoingWay]:
        """Returns the ways that were meant to be open and are not: of people, else of the deployer."""
        denied = [way for way in self.ways[stack] if way.outcome is Outcome.DENIED]
        people = [way for way in denied if way.permission_set and not way.falls_short]
        return people or [way for way in denied if way.by == DEPLOYER]


def _in_management(landing_zone: LandingZone, standing: _Standing, day: dt.date | None) -> Iterator[LockOut]:
    lost = standing.of_rank(_Rank.LOCKED)
    if day:
        before = standing.on(dt.date.min)
        ended = [stack for stack in STACKS if standing.rank(stack) <= _Rank.NOBODY < before.rank(stack)]
        if ended:
            yield _ended(landing_zone, standing, ended, day)
        lost = [stack for stack in lost if stack not in ended]
    by_cause: dict[tuple[str, Location, str], list[str]] = defaultdict(list)
    ways: dict[tuple[str, Location, str], UndoingWay] = {}
    for stack in lost:
        way = standing.barred(stack)[0]
        cause = _cause(landing_zone, way)
        by_cause[cause].append(stack)
        ways.setdefault(cause, way)
    for (file, location, statement), stacks in by_cause.items():
        way = ways[file, location, statement]
        text = f"nobody could undo {_undone(stacks)}: {_why(way)}"
        at = f"{MANAGEMENT} {' '.join(stacks)}"
        problem = Message(LOCK_OUT, text, at=at, stacks=stacks, action=way.action, by=way.by)
        remedy = (
            "let somebody keep full access to the management account, or name a deployer in project.yaml that has it"
        )
        yield LockOut(file, location, at, problem, remedy, statement)


def _undone(stacks: Sequence[str]) -> str:
    return "a deploy" if len(stacks) == len(STACKS) else f"a deploy of {listed(stacks)}"


def _why(way: UndoingWay) -> str:
    statement = way.decided.statement
    if statement:
        named = f"statement {statement.sid}" if statement.line else statement.file
        return f"{named} denies {way.by} {way.action}"
    if way.falls_short:
        return f"no policy of the {way.by} allows {way.action}, and no person has full access"
    return f"the {way.decided.level} does not allow {way.action} to {way.by}"


def _cause(landing_zone: LandingZone, way: UndoingWay) -> tuple[str, Location, str]:
    """Returns the place of the reason: in a document, at the boundary, at the permission set, or at the deployer."""
    decided = way.decided
    here: Location
    policies: tuple[Held, ...]
    if not way.permission_set:
        policies, file, here = landing_zone.deployer.policies if landing_zone.deployer else (), PROJECT, ("deployer",)
    else:
        permission_set = landing_zone.permission_sets[way.permission_set]
        policies, file, here = permission_set.policies, SSO, permission_set.location
        if decided.level.startswith("boundary"):
            return file, (*here, "boundary"), ""
    for name in (getattr(policy, "file", None) for policy in policies):
        if name and (statement := decided.statement) and _is_of(landing_zone, name, statement):
            return name, statement.at, f"{name} {statement.place[:LONGEST]}"
    return file, (*here, "policies"), ""


def _is_of(landing_zone: LandingZone, file: str, statement: Statement) -> bool:
    return statement.file == landing_zone.source_file(file).file


# What ends


def _ended(landing_zone: LandingZone, standing: _Standing, stacks: Sequence[str], day: dt.date) -> LockOut:
    """Returns that nobody is left since the last day of an assignment."""
    index, until = _last(landing_zone, standing, _Rank.UNCERTAIN, day)
    text = f"nobody can undo {_undone(stacks)} after {until}, the last day of this access"
    at = f"{MANAGEMENT} {' '.join(stacks)} {until}"
    problem = Message(LOCK_OUT, text, at=at, stacks=list(stacks), until=str(until))
    remedy = "give somebody full access to the management account that does not end"
    return LockOut(SSO, ("assignments", index, "until"), at, problem, remedy)


def _ending(landing_zone: LandingZone, standing: _Standing) -> Iterator[Warned]:
    """Yields the day after which it is less certain that somebody is left, by the dates of the assignments alone."""
    if not _ends(landing_zone, dt.date.max) or standing.lasting().lowest >= standing.lowest:
        return
    index, until = _last(landing_zone, standing, standing.lowest, dt.date.max)
    left = "nobody for certain" if standing.after(until).lowest is _Rank.UNCERTAIN else "nobody"
    text = f"is the last access that can undo a deploy: after {until} {left} administers the management account"
    message = Message("ending-administrator", text, until=str(until), left=left)
    yield Warned(f"assignments {until}", (SSO, ("assignments", index), message))


def _last(landing_zone: LandingZone, standing: _Standing, needed: _Rank, day: dt.date) -> tuple[int, dt.date]:
    """Returns the assignment, of those that ended before a day, after which fewer are left than are needed."""
    ends = _ends(landing_zone, day)
    until = next(end for end in sorted(ends) if standing.after(end).lowest < needed)
    undoing = standing.on(until).undoing
    return next((index for index, permission_set in ends[until] if permission_set in undoing), ends[until][0][0]), until


def _ends(landing_zone: LandingZone, day: dt.date) -> Mapping[dt.date, list[tuple[int, str]]]:
    """Returns the assignments in the management account that ended before a day, each with a permission set."""
    ends: dict[dt.date, list[tuple[int, str]]] = defaultdict(list)
    for grant, entries in landing_zone.grants.items():
        for entry in entries if grant.account == MANAGEMENT else ():
            if has_ended(landing_zone, entry, day):
                index = int(entry[1])
                until = landing_zone.sso.assignments[index].until
                if until:
                    ends[until].append((index, grant.permission_set))
    return ends


# What is not certain


def _nobody(standing: _Standing) -> Iterator[Warned]:
    stacks = standing.of_rank(_Rank.NOBODY)
    if stacks:
        text = (
            "nobody is known to administer the management account: no permission set that allows what "
            f"{_undone(stacks)} writes is assigned there to a user, an external group or a group with members, and "
            "project.yaml names no deployer; assign one, or name the deployer with its policies"
        )
        message = Message("no-administrator", text, stacks=stacks)
        yield Warned("assignments", (SSO, ("assignments",), message))


def _uncertain(standing: _Standing) -> Iterator[Warned]:
    keys: set[str] = set()
    for stack in standing.of_rank(_Rank.UNCERTAIN):
        for way in standing.open(stack):
            person = f"{way.by.partition(' as ')[0]} of an identity provider"
            keys.update([person] if way.external else way.decided.keys)
    if keys:
        on = listed(sorted(keys))
        text = f"whether somebody can undo a deploy depends on {on}; "
        text += "let somebody have full access without it, or name a deployer in project.yaml with its policies"
        message = Message("uncertain-administrator", text, depends=sorted(keys))
        yield Warned(f"assignments {on}"[:LONGEST], (SSO, ("assignments",), message))


# Members


class _Cause(NamedTuple):
    """A statement of a policy file, and where it is attached."""

    file: str
    location: Location
    statement: str
    source: Target


class _Affected(NamedTuple):
    """An action of a way into a member that a statement closes, or may close."""

    account: str
    what: str
    """The way, as enter, sign in, or what is repaired."""
    action: str
    statement: Statement
    keys: Iterable[str] = ()


def _closing(landing_zone: LandingZone, ways: Iterable[UndoingWay]) -> Iterator[LockOut]:
    """Yields a lock-out for each statement and each place that it is attached to."""
    closed: dict[_Cause, list[_Affected]] = defaultdict(list)
    for way in ways:
        denials = way.denials if way.outcome is Outcome.DENIED else ()
        for action, statement in ((action, step.statement) for action, step in denials if step.statement):
            for account in way.accounts:
                for cause in _attached(landing_zone, account, statement):
                    closed[cause].append(_Affected(account, way.what, action, statement))
    for cause, denied in closed.items():
        yield _lock_out(cause, denied)


def _attached(landing_zone: LandingZone, account: str, statement: Statement) -> Iterator[_Cause]:
    for policy in landing_zone.effective_policies[Target("account", account)]:
        file = policy.policy.file
        if file and _is_of(landing_zone, file, statement):
            yield _Cause(file, statement.at, f"{file} {statement.place[:LONGEST]}", policy.source)
        elif policy.policy.external:
            _, at = policy.policy.place
            line = landing_zone.source(EXTERNAL, at).line
            if _is_of(landing_zone, EXTERNAL, statement) and statement.line == line:
                yield _Cause(EXTERNAL, at, f"{policy.policy.name} {statement.place[:LONGEST]}", policy.source)


def _lock_out(cause: _Cause, denied: Sequence[_Affected]) -> LockOut:
    target = "the root" if cause.source == THE_ROOT else str(cause.source)
    closed: list[str] = []
    if entered := _accounts(denied, ENTER):
        closed.append(f"keeps the management account out of {entered}")
    if signed_in := _accounts(denied, SIGN_IN):
        closed.append(f"ends every sign-in by Identity Center in {signed_in}")
    if repairs := _repairs(denied):
        action = next(affected.action for affected in denied if affected.what in repairs)
        repaired = f"{listed(repairs)} in {_accounts(denied, *repairs)}"
        closed.append(f"denies {ACCESS_ROLE} {action}, so that role cannot repair {repaired}")
    text = f"attached to {target}, statement {denied[0].statement.sid} {', and '.join(closed)}"
    at = f"{cause.statement} in {cause.source}"
    problem = Message(LOCK_OUT, text, at=at, statement=denied[0].statement.sid, **_facts(denied))
    return LockOut(cause.file, cause.location, at, problem, _remedy(denied), cause.statement)


def _doubtful(landing_zone: LandingZone, ways: Iterable[UndoingWay]) -> Iterator[Warned]:
    """Yields a warning for each statement that may close members, wherever it is attached."""
    uncertain: dict[tuple[str, Location, str], list[_Affected]] = defaultdict(list)
    for way in ways:
        for action, statement, keys in way.doubts:
            for account in way.accounts:
                for file, location, at, _ in _attached(landing_zone, account, statement):
                    uncertain[file, location, at].append(_Affected(account, way.what, action, statement, keys))
    for (file, location, at), doubted in uncertain.items():
        opened: list[str] = []
        if entered := _accounts(doubted, ENTER):
            opened.append(f"the management account can enter {entered}")
        if signed_in := _accounts(doubted, SIGN_IN):
            opened.append(f"Identity Center can sign people in to {signed_in}")
        if repairs := _repairs(doubted):
            opened.append(f"{ACCESS_ROLE} can repair {listed(repairs)} in {_accounts(doubted, *repairs)}")
        depends = sorted({key for affected in doubted for key in affected.keys})
        text = f"whether {', and whether '.join(opened)}, depends on {listed(depends)}; {_remedy(doubted)}"
        message = Message("uncertain-repair", text, depends=depends, **_facts(doubted))
        yield Warned(at, (file, location, message))


def _facts(affected: Sequence[_Affected]) -> dict[str, Any]:
    """Returns what is closed in which accounts, and the actions that it takes."""
    return {
        "accounts": sorted({way.account for way in affected}),
        "closed": list(dict.fromkeys(way.what for way in affected)),
        "actions": list(dict.fromkeys(way.action for way in affected)),
    }


def _accounts(affected: Iterable[_Affected], *what: str) -> str:
    return listed(sorted({way.account for way in affected if way.what in what}))


def _repairs(affected: Iterable[_Affected]) -> list[str]:
    return list(dict.fromkeys(way.what for way in affected if way.what not in (ENTER, SIGN_IN)))


def _remedy(affected: Sequence[_Affected]) -> str:
    remedies = []
    if _repairs(affected):
        remedies.append(f"exempt arn:*:iam::*:role/{ACCESS_ROLE} by ArnNotLike aws:PrincipalArn")
    if _accounts(affected, ENTER):
        remedies.append("exempt {{management_account_id}} by StringNotEquals aws:PrincipalAccount")
    if actions := sorted({way.action for way in affected if way.what == SIGN_IN}):
        remedies.append(f"leave {listed(actions)} out of its actions")
    return " and ".join(remedies)
