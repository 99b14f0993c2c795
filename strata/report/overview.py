"""The first things that somebody asks of a landing zone: who administers it, what is open, what ends soon."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from strata.config.models import MANAGEMENT, Control, Mode, PolicyType
from strata.evaluation.administrators import allows_everything
from strata.landing_zone import LandingZone
from strata.landing_zone.expiry import Ending, endings, when, where, who
from strata.landing_zone.groups import known_to, may_be_in
from strata.landing_zone.undescribed import UNKNOWN
from strata.policy.answers import Outcome
from strata.report.access import Access, GroupedAccess, access, empty_groups, undecided
from strata.report.full_access import in_words, merged, not_known
from strata.report.guardrails import OTHERS_DECIDE, GuardrailAnswers, guardrails
from strata.text import counted, listed

SOON = dt.timedelta(days=30)
"""How long before its last day an assignment ends soon."""

Level = Literal["danger", "warning", "fine"]


@dataclass(frozen=True)
class Point:
    """One question of the first screen with its answer, line by line."""

    key: str
    title: str
    lines: tuple[str, ...]
    level: Level = "fine"
    remark: str = ""


@dataclass(frozen=True)
class Numbers:
    """People and groups, added up: those with access and those without make all."""

    people: int
    with_access: int
    external: int
    """Groups with access and with people whom nobody knows here."""
    empty: tuple[str, ...]
    """Groups that are given something and have nobody in them."""
    assignments: int
    """As AWS counts them: a permission set for a group or a user in an account."""
    grants: int
    """The same for each person in the group, once where several ways give it."""
    unknown: int = 0
    """People without access of their own who may have some by such a group."""
    knowing: str = ""
    """Who alone knows these people."""

    @property
    def without_access(self) -> int:
        """Returns the people without any access."""
        return self.people - self.with_access - self.unknown

    def __str__(self) -> str:
        text = f"{counted(self.people, 'person', 'people')}: {self.with_access:,} with access, "
        text += f"{self.without_access:,} without{f', {self.unknown:,} unknown' if self.unknown else ''}"
        if self.external:
            text += f"; and {counted(self.external, 'group')} whose people only {self.knowing} knows"
        given = f"{counted(self.assignments, 'assignment')}; counted by person, {counted(self.grants, 'grant')}"
        return f"{text}. {given}"


@dataclass(frozen=True)
class Overview:
    """The answers, once for every format."""

    landing_zone: LandingZone
    as_of: dt.date
    access: Sequence[Access]
    numbers: Numbers

    def points(self) -> list[Point]:
        """Returns the first screen in the order that it is read."""
        everything, somewhere = self._full_access(everything=True), self._full_access(everything=False)
        reach = "Full access to the management account reaches every member account."
        empty = self.numbers.empty
        return [
            Point("administrators", "Administers everything", (*(everything or _NOBODY), _ONLY), "danger", reach),
            self._break_glass(),
            Point("full_access", "Full access to single accounts", somewhere or _NOBODY, _if(somewhere)),
            self._pipeline(),
            self._ends(),
            self._expectations(),
            self._undoing(),
            self._unbound(),
            *_undescribed(self.landing_zone),
            self._controls(),
            self._people("without_group", "People without a group", self.without_group, self._unknown_groups),
            self._people("without_access", "People without access", self.without_access, self.unknown_access),
            Point("empty_groups", "Groups with access and without members", empty or _NONE, _if(empty)),
        ]

    # Who administers

    @cached_property
    def full(self) -> frozenset[str]:
        """Returns the permission sets that allow everything, but for break-glass."""
        sets = self.landing_zone.permission_sets.items()
        return frozenset(key for key, held in sets if allows_everything(held) and held.option != "break_glass")

    @cached_property
    def not_known(self) -> frozenset[str]:
        """Returns the permission sets of others that nobody has read: each may allow everything."""
        return frozenset(key for key, held in self.landing_zone.permission_sets.items() if not held.is_known)

    def administrators(self, *, everything: bool, known: bool = True) -> list[GroupedAccess]:
        """Returns full access to everything or, where it is not asked for, to single accounts.

        Args:
            everything: whether it reaches all accounts.
            known: false for the access of which nobody knows whether it is full.
        """
        sets = self.full if known else self.not_known
        accesses = [access for access in self.access if access.permission_set in sets]
        # The management account reaches every member by its access role.
        above = {access.holder for access in accesses if access.account == MANAGEMENT}
        return merged(access for access in accesses if (access.holder in above) is everything)

    def _full_access(self, *, everything: bool) -> tuple[str, ...]:
        known = in_words(self.landing_zone, self.administrators(everything=everything), self.access)
        may = in_words(self.landing_zone, self.administrators(everything=everything, known=False), self.access)
        return (*known, *map(not_known, may))

    def break_glass(self) -> list[GroupedAccess]:
        """Returns the access for emergencies."""
        sets = self.landing_zone.permission_sets
        return merged(access for access in self.access if sets[access.permission_set].option == "break_glass")

    @property
    def _may_be_bound(self) -> bool:
        return self.landing_zone.has_undescribed(PolicyType.SERVICE_CONTROL)

    def _unbound(self) -> Point:
        unbound, left = self.landing_zone.unbound, self.landing_zone.organization.unmanaged_accounts
        unknown = [f"{counted(len(left), 'unmanaged account')}: not known"] if left else []
        if self._may_be_bound:
            unbound, unknown = [], [UNKNOWN, *unknown]
        level: Level = "danger" if unbound else _if(unknown)
        never = "No SCP ever binds the management account."
        return Point("unbound_accounts", "Accounts bound by no SCP", (*unbound, *unknown) or _NONE, level, never)

    def _break_glass(self) -> Point:
        lines = in_words(self.landing_zone, self.break_glass(), self.access)
        if not self.landing_zone.sso.break_glass:
            return Point("break_glass", "Break-glass", ("not set up: break_glass of sso.yaml",), "warning")
        remark = "For emergencies; every use raises an alert."
        return Point("break_glass", "Break-glass", lines or _NOBODY, "danger" if lines else "warning", remark)

    def _pipeline(self) -> Point:
        deployer, github = self.landing_zone.deployer, self.landing_zone.security.github_actions
        lines = [f"role {deployer.role}, named in project.yaml"] if deployer else []
        if github.on:
            place = f"branch {github.branch}, environment {github.environment}"
            lines.append(f"GitHub Actions of {github.repository}, {place}: AdministratorAccess")
        return Point("pipeline", "Deploys without a person", tuple(lines) or ("nothing",), _if(lines))

    # What ends

    @property
    def ended(self) -> list[Ending]:
        """Returns assignments whose last day is over and that are still in the file, so that AWS still gives them."""
        return [ending for ending in endings(self.landing_zone, self.as_of, SOON) if ending.expired(self.as_of)]

    @property
    def ending(self) -> list[Ending]:
        """Returns assignments that end within 30 days."""
        return [ending for ending in endings(self.landing_zone, self.as_of, SOON) if not ending.expired(self.as_of)]

    def _ends(self) -> Point:
        lines = []
        for ending in (*self.ended, *self.ending):
            assignment = ending.assignment
            given = f"{', '.join(assignment.permission_sets)} of {who(assignment)} in {where(assignment)}"
            reason = f" ({assignment.reason})" if assignment.reason else ""
            lines.append(f"{when(ending.until, self.as_of)}: {given}{reason}, {ending.file}:{ending.line}")
        over = "What has expired stays at AWS until strata expire takes it out of the file and a deploy follows."
        over = over if self.ended else ""
        title = f"Ends within {SOON.days} days"
        return Point("ends_soon", title, tuple(lines) or ("nothing",), "danger" if over else _if(lines), over)

    # What policies answer

    @cached_property
    def guardrails(self) -> GuardrailAnswers:
        """Returns the answers about expectations, and about who can undo what."""
        return guardrails(self.landing_zone, self.as_of)

    def _expectations(self) -> Point:
        asked = [expected for expected in self.guardrails.expected if not expected.ended]
        broken = [f"{expected.expectation.id}: {expected.broken[0]}" for expected in asked if expected.broken]
        if broken:
            return Point("expectations", "Expectations that do not hold", tuple(broken), "danger")
        if not asked:
            return Point("expectations", "Expectations", ("none: expectations.yaml",), "warning")
        line = f"{counted(len(asked), 'expectation')} {'holds' if len(asked) == 1 else 'hold'}"
        return Point("expectations", "Expectations", (line,))

    def _undoing(self) -> Point:
        doubts = {"": "", OTHERS_DECIDE: f", {OTHERS_DECIDE}"}
        lines = tuple(
            f"{undoing.by}{doubts.get(undoing.why, ', not for certain')}: {undoing.what}"
            for undoing in self.guardrails.undoing
            if undoing.outcome is not Outcome.DENIED and undoing.in_management
        )
        remark = "Undoing takes the right to change state, policies and access in the management account."
        return Point("can_undo", "Can undo a deploy", lines or _NOBODY, "fine" if lines else "danger", remark)

    # What is open

    def controls(self, mode: Mode) -> list[str]:
        """Returns the controls in a mode; one that opens something is fine where it is off."""
        controls: dict[str, Control] = self.landing_zone.security.controls
        fine = mode is Mode.OFF
        return [name for name, control in controls.items() if control.mode is mode and not (fine and control.opens)]

    def _controls(self) -> Point:
        off, unmanaged = self.controls(Mode.OFF), self.controls(Mode.UNMANAGED)
        lines = [*off, *(f"{name}: unmanaged, as it is at AWS" for name in unmanaged)]
        return Point("controls_off", "Controls that are off or unmanaged", tuple(lines) or _NONE, _if(lines))

    # People

    @property
    def without_group(self) -> list[str]:
        """Returns the people who are in no group."""
        return [key for key in self._ungrouped if key not in self._unknown_groups]

    @property
    def _ungrouped(self) -> list[str]:
        grouped = {member for group in self.landing_zone.groups.values() for member in group.members}
        return [key for key in self.landing_zone.users if key not in grouped]

    @cached_property
    def _unknown_groups(self) -> Mapping[str, list[str]]:
        """Returns the people of whom nobody here knows whether they are in a group, with those that they may be in."""
        users, groups = self.landing_zone.users, self.landing_zone.groups
        return {key: groups_of for key in self._ungrouped if (groups_of := sorted(may_be_in(users[key], groups)))}

    @property
    def without_access(self) -> list[str]:
        """Returns the people who have no permission set anywhere."""
        return [key for key in self._holding_nothing if key not in self.unknown_access]

    @property
    def _holding_nothing(self) -> list[str]:
        holders = {access.holder.key for access in self.access if not access.holder.external}
        return [key for key in self.landing_zone.users if key not in holders]

    @cached_property
    def unknown_access(self) -> Mapping[str, list[str]]:
        """Returns the people whose access is unknown, with the groups that decide it."""
        return {key: deciding for key in self._holding_nothing if (deciding := undecided(self.landing_zone, key))}

    def _people(self, key: str, title: str, people: Sequence[str], unknown: Mapping[str, Sequence[str]]) -> Point:
        lines = (*people, *(f"{key}: unknown, may be in {listed(groups)}" for key, groups in unknown.items()))
        return Point(key, title, lines or _NONE, _if(lines))

    def as_data(self) -> dict[str, Any]:
        """Returns the first screen for a script."""
        return {
            "people": {
                "all": self.numbers.people,
                "with_access": self.numbers.with_access,
                "without_access": self.without_access,
                "unknown_access": list(self.unknown_access),
                "without_group": self.without_group,
            },
            "external_groups_with_access": self.numbers.external,
            "assignments": self.numbers.assignments,
            "grants": self.numbers.grants,
            "groups_without_members": list(self.numbers.empty),
            "administrators_are": _ONLY,
            "administrators": _holders_as_data(self.administrators(everything=True)),
            "full_access_to_single_accounts": _holders_as_data(self.administrators(everything=False)),
            "full_access_not_known": _holders_as_data(
                [
                    given
                    for everything in (True, False)
                    for given in self.administrators(everything=everything, known=False)
                ]
            ),
            "break_glass": _holders_as_data(self.break_glass()),
            "accounts_bound_by_no_scp": None if self._may_be_bound else self.landing_zone.unbound,
            "not_described": list(self.landing_zone.undescribed),
            "controls_off": self.controls(Mode.OFF),
            "controls_unmanaged": self.controls(Mode.UNMANAGED),
            "expectations_broken": [
                expected.expectation.id for expected in self.guardrails.expected if expected.broken
            ],
            "ended": [_ending_as_data(ending) for ending in self.ended],
            "ends_soon": [_ending_as_data(ending) for ending in self.ending],
        }


def _undescribed(landing_zone: LandingZone) -> list[Point]:
    """Returns what AWS has and nothing here describes, so that no answer knows it."""
    lines = tuple(landing_zone.undescribed)
    return [Point("not_described", "Not described here", lines, "warning", f"{UNKNOWN}.")] if lines else []


_NONE, _NOBODY = ("none",), ("nobody",)
_ONLY = "all through Identity Center; IAM users and roles of the management account, and its root user, are not read"


def overview(landing_zone: LandingZone, as_of: dt.date) -> Overview:
    """Returns the first screen of a landing zone on a day."""
    accesses = access(landing_zone)
    holders = {access.holder for access in accesses}
    numbers = Numbers(
        people=len(landing_zone.users),
        with_access=sum(not holder.external for holder in holders),
        external=sum(holder.external for holder in holders),
        empty=tuple(empty_groups(landing_zone, landing_zone.grants)),
        assignments=len(landing_zone.grants),
        grants=len(accesses),
        knowing=known_to(landing_zone.groups[holder.key] for holder in holders if holder.external),
    )
    first = Overview(landing_zone, as_of, accesses, numbers)
    return replace(first, numbers=replace(numbers, unknown=len(first.unknown_access)))


def _if(lines: Sequence[object]) -> Level:
    return "warning" if lines else "fine"


def _holders_as_data(every: Iterable[GroupedAccess]) -> list[dict[str, Any]]:
    return [
        {
            given.holder.kind: given.holder.key,
            "permission_set": given.permission_set,
            "accounts": list(given.accounts),
        }
        for given in every
    ]


def _ending_as_data(ending: Ending) -> dict[str, Any]:
    return {
        "until": str(ending.until),
        "permission_sets": list(ending.assignment.permission_sets),
        "groups": list(ending.assignment.groups),
        "users": list(ending.assignment.users),
        "where": where(ending.assignment),
        "reason": ending.assignment.reason,
        "place": f"{ending.file}:{ending.line}",
    }
