"""No way to lock oneself out: once a configuration is deployed, somebody can undo it and repair its accounts.

A question that everybody who is asked is denied is an error, which accepted.yaml may accept; what depends, a warning.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple

from strata.config import ACCEPTED, ORGANIZATION, PROJECT, SSO
from strata.config.accepted import by_finding, hint
from strata.config.findings import LONGEST
from strata.config.models import ACCESS_ROLE, MANAGEMENT
from strata.config.source import Location
from strata.errors import Fault, Message
from strata.evaluation.landing_zone import CONTROLS, Evaluated, level_name
from strata.evaluation.lockout import ENTRY, REPAIRS, SIGN_IN, Asked, Reply, holding, in_management, in_members
from strata.landing_zone import LandingZone
from strata.landing_zone.policies import FULL_ACCESS
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


class Guard:
    """Asks of a valid configuration what nobody could undo; with a day, of nobody whose access ended before it."""

    def __init__(self, landing_zone: LandingZone, day: dt.date | None = None) -> None:
        self.landing_zone, self.day = landing_zone, day
        self._evaluated = Evaluated(landing_zone)

    @classmethod
    def of(cls, landing_zone: LandingZone, day: dt.date | None = None) -> Guard:
        """Returns the guard of a landing zone, which is built once: it takes longer than all other rules."""
        key = (cls, day)
        if key not in landing_zone.derived:
            landing_zone.derived[key] = cls(landing_zone, day)
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
        """Returns everything that nobody could undo."""
        zone = self.landing_zone
        closed = list(_having(self._members, Outcome.DENIED))
        return (*_of_management(zone, self._management), *_of_members(zone, closed), *_detached(zone, closed))

    @cached_property
    def _management(self) -> list[Asked]:
        return in_management(self._evaluated, self.day)

    @cached_property
    def _members(self) -> list[Asked]:
        return list(in_members(self._evaluated, self.day))

    def doubts(self) -> Iterator[Warned]:
        """Yields warnings: nobody is known to administer an account, or not for certain, or not for long.

        Offline nobody can tell whether somebody had access before, which `strata deploy` then refuses to take.
        """
        yield from _nobody(self._management)
        yield from _uncertain(self.landing_zone, self._management)
        yield from _ending(self._evaluated, self._management, self.day)
        yield from _doubtful(self.landing_zone, self._members)
        yield from _of_others(self.landing_zone)


# The management account


def _having(asked: Iterable[Asked], outcome: Outcome) -> Iterator[tuple[Asked, Reply]]:
    """Yields the questions of which the best reply is an outcome, each with that reply."""
    for question in asked:
        if question.best and question.best.outcome is outcome:
            yield question, question.best


def _of_management(zone: LandingZone, asked: Iterable[Asked]) -> Iterator[LockOut]:
    """Yields a lock-out for each place that denies something there."""
    denied: dict[tuple[str, Location], list[Reply]] = defaultdict(list)
    for _, reply in _having(asked, Outcome.DENIED):
        denied[_place(zone, reply)].append(reply)
    for (file, location), replies in denied.items():
        what, first = list(dict.fromkeys(reply.question.what for reply in replies)), replies[0]
        decided, action = first.answer.decided, first.answer.request.action
        why = f"no statement of the {decided.level} allows {action}"
        if decided.statement:
            why = f"{decided.statement} denies {first.by} {action}"
        text = f"nobody could change {listed(what)} in the management account: {why}"
        at = f"{MANAGEMENT} {' '.join(what)}"
        problem = Message(LOCK_OUT, text, at=at, closed=what, action=action, by=first.by)
        remedy = (
            "let somebody keep full access to the management account, or name a deployer in project.yaml that has it"
        )
        yield LockOut(file, location, at, problem, remedy)


def _place(zone: LandingZone, reply: Reply) -> tuple[str, Location]:
    """Returns the place of who was asked: the permission set, or the deployer."""
    if reply.permission_set:
        return SSO, zone.permission_sets[reply.permission_set].location
    return PROJECT, ("deployer",)


def _is_of(zone: LandingZone, file: str, statement: Statement) -> bool:
    return statement.file == zone.source_file(file).file


def _nobody(asked: Sequence[Asked]) -> Iterator[Warned]:
    if asked[0].replies:
        return
    text = (
        "nobody is known to administer the management account: no permission set that allows what a deploy writes is "
        "assigned there to a user, an external group or a group with members, and project.yaml names no deployer with "
        "its policies; assign one, or name it"
    )
    yield Warned("assignments", (SSO, ("assignments",), Message("no-administrator", text)))


def _uncertain(zone: LandingZone, asked: Iterable[Asked]) -> Iterator[Warned]:
    """Yields one warning of everything there that depends, at what it depends on first."""
    uncertain = [reply for _, reply in _having(asked, Outcome.DEPENDS)]
    if uncertain:
        keys = sorted({key for reply in uncertain for key in reply.keys})
        file, location = _place(zone, uncertain[0])
        text = f"whether somebody can undo a deploy depends on {listed(keys)}; "
        text += "let somebody have full access without it, or name a deployer in project.yaml with its policies"
        message = Message("uncertain-administrator", text, depends=keys)
        yield Warned(f"assignments {listed(keys)}"[:LONGEST], (file, location, message))


def _ending(evaluated: Evaluated, asked: Sequence[Asked], day: dt.date | None) -> Iterator[Warned]:
    """Yields the day after which fewer can be told to administer the management account, by the dates alone."""
    lasting = in_management(evaluated, dt.date.max)
    if [question.outcome for question in asked] == [question.outcome for question in lasting]:
        return
    zone, sets = evaluated.landing_zone, {reply.permission_set for reply in asked[0].replies}
    grants = (grant for grant in holding(evaluated, MANAGEMENT, day) if grant.permission_set in sets)
    entries = {int(entry[1]) for grant in grants for entry in zone.grants[grant] if entry[0] == "assignments"}
    until, index = max((str(end), index) for index in entries if (end := zone.sso.assignments[index].until))
    text = f"is the last access that can undo a deploy: after {until} nobody administers the management account"
    message = Message("ending-administrator", text, until=until)
    yield Warned(f"assignments {until}", (SSO, ("assignments", index), message))


# Members


class _Cause(NamedTuple):
    """A statement of a policy file, and what it closes, or may close, where it is attached."""

    file: str
    statement: Statement
    sources: set[Target]
    accounts: set[str]
    what: dict[str, None]
    actions: set[str]
    keys: set[str]

    @property
    def at(self) -> str:
        """Returns the place of the statement as accepted.yaml names it."""
        return f"{self.file} {self.statement.place[:LONGEST]}"

    @property
    def remedy(self) -> str:
        """Returns what opens it again."""
        return " and ".join(_REMEDIES[what] for what in self.what)

    @property
    def facts(self) -> dict[str, Any]:
        """Returns what is closed in which accounts, and the actions that it takes."""
        return {"accounts": sorted(self.accounts), "closed": list(self.what), "actions": sorted(self.actions)}


_REMEDIES = {
    ENTRY: "exempt {{management_account_id}} by StringNotEquals aws:PrincipalAccount",
    REPAIRS: f"exempt arn:*:iam::*:role/{ACCESS_ROLE} by ArnNotLike aws:PrincipalArn",
    SIGN_IN: "leave sts:AssumeRoleWithSAML and sts:TagSession out of its actions",
}


def _of_members(zone: LandingZone, closed: Iterable[tuple[Asked, Reply]]) -> Iterator[LockOut]:
    """Yields a lock-out for each statement and each place that it is attached to."""
    for cause in _causes(zone, closed, by_source=True):
        (source,) = cause.sources
        target, sid = "the root" if source == THE_ROOT else str(source), cause.statement.sid
        where = f"{listed(list(cause.what))} in {listed(sorted(cause.accounts))}"
        text = f"attached to {target}, statement {sid} ends {where}: it denies {listed(sorted(cause.actions))}"
        at = f"{cause.at} in {source}"
        problem = Message(LOCK_OUT, text, at=at, statement=sid, **cause.facts)
        yield LockOut(cause.file, cause.statement.at, at, problem, cause.remedy)


def _detached(zone: LandingZone, closed: Sequence[tuple[Asked, Reply]]) -> Iterator[LockOut]:
    """Yields a lock-out for each place from which a policy of AWS that allows everything is detached."""
    for (kind, target), location in zone.without_full_access.items():
        level = level_name(kind, target)
        here = [(asked, reply) for asked, reply in closed if level in reply.allowing_nothing]
        if here:
            accounts = sorted({account for asked, _ in here for account in asked.accounts})
            what = list(dict.fromkeys(asked.question.what for asked, _ in here))
            actions = sorted({reply.answer.request.action for _, reply in here})
            text = (
                f"no statement of the {level} allows {listed(actions)}, which ends {listed(what)} in {listed(accounts)}"
            )
            at = f"{FULL_ACCESS[kind]} detached from {target}"
            problem = Message(LOCK_OUT, text, at=at, accounts=accounts, closed=what, actions=actions)
            yield LockOut(ORGANIZATION, location, at, problem, f"allow it there, or attach {FULL_ACCESS[kind]} again")


def _doubtful(zone: LandingZone, asked: Iterable[Asked]) -> Iterator[Warned]:
    """Yields a warning for each statement that may close members, wherever it is attached."""
    for cause in _causes(zone, _having(asked, Outcome.DEPENDS), by_source=False):
        where = f"{listed(list(cause.what))} in {listed(sorted(cause.accounts))}"
        depends = sorted(cause.keys)
        text = f"statement {cause.statement.sid} may end {where}, which depends on {listed(depends)}; {cause.remedy}"
        message = Message("uncertain-repair", text, depends=depends, **cause.facts)
        yield Warned(cause.at, (cause.file, cause.statement.at, message))


def _causes(zone: LandingZone, replies: Iterable[tuple[Asked, Reply]], *, by_source: bool) -> list[_Cause]:
    """Returns the statements that decide some replies, each once, or once for each place that it is attached to."""
    causes: dict[tuple[str, Location, Target | None], _Cause] = {}
    for asked, reply in replies:
        for statement in reply.statements:
            for account in asked.accounts:
                for policy in zone.effective_policies[Target("account", account)]:
                    file = policy.policy.file
                    if not file or not _is_of(zone, file, statement):
                        continue
                    key = file, statement.at, policy.source if by_source else None
                    cause = causes.setdefault(key, _Cause(file, statement, set(), set(), {}, set(), set()))
                    cause.sources.add(policy.source)
                    cause.accounts.add(account)
                    cause.what[asked.question.what] = None
                    cause.actions.add(reply.answer.request.action)
                    cause.keys.update(reply.keys)
    return list(causes.values())


def _of_others(zone: LandingZone) -> Iterator[Warned]:
    """Yields one warning of all policies of others that bind members: nobody knows here what they close."""
    bound = (zone.effective_policies[Target("account", key)] for key in zone.members)
    effective = (each.policy for policies in bound for each in policies)
    unknown = sorted({policy.key for policy in effective if policy.type in CONTROLS and not policy.is_known})
    if unknown:
        text = (
            f"whether members can be entered, repaired and signed in to depends on {listed(unknown)} of others: unknown"
        )
        message = Message("uncertain-repair", text, depends=unknown)
        yield Warned("policies of others", (ORGANIZATION, ("policies",), message))
