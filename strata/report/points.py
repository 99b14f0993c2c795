"""The first screen of a report in words: each question with its answer, line by line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from strata.config.models import Mode
from strata.landing_zone.expiry import when, where, who
from strata.landing_zone.groups import known_to
from strata.landing_zone.undescribed import UNKNOWN as UNDESCRIBED
from strata.policy.answers import Outcome
from strata.report.access import UNKNOWN, GroupedAccess
from strata.report.guardrails import OTHERS_DECIDE
from strata.report.overview import ADMINISTRATORS_ARE, SOON, Overview
from strata.report.places import places
from strata.text import counted, listed

Level = Literal["danger", "warning", "fine"]


@dataclass(frozen=True)
class Point:
    """One question with its answer."""

    key: str
    title: str
    lines: tuple[str, ...]
    level: Level = "fine"
    remark: str = ""


def points(first: Overview) -> list[Point]:
    """Returns the first screen in the order that it is read."""
    zone = first.landing_zone
    everything, somewhere = _full_access(first, everything=True), _full_access(first, everything=False)
    reach = "Full access to the management account reaches every member account."
    described, empty = tuple(zone.undescribed), tuple(first.empty_groups)
    not_described = Point("not_described", "Not described here", described, "warning", f"{UNDESCRIBED}.")
    return [
        Point(
            "administrators", "Administers everything", (*(everything or _NOBODY), ADMINISTRATORS_ARE), "danger", reach
        ),
        _break_glass(first),
        Point("full_access", "Full access to single accounts", somewhere or _NOBODY, _if(somewhere)),
        _pipeline(first),
        _ends(first),
        _expectations(first),
        _undoing(first),
        _unbound(first),
        *([not_described] if described else []),
        _controls(first),
        _people("without_group", "People without a group", first.without_group, first.unknown_groups),
        _people("without_access", "People without access", first.without_access, first.unknown_access),
        Point("empty_groups", "Groups with access and without members", empty or _NONE, _if(empty)),
    ]


def numbers(first: Overview) -> str:
    """Returns people and groups, added up: those with access and those without make all."""
    unknown = f", {len(first.unknown_access):,} unknown" if first.unknown_access else ""
    text = f"{counted(len(first.landing_zone.users), 'person', 'people')}: {len(first.with_access):,} with access, "
    text += f"{len(first.without_access):,} without{unknown}"
    if first.external_groups:
        knowing = known_to(first.landing_zone.groups[key] for key in first.external_groups)
        text += f"; and {counted(len(first.external_groups), 'group')} whose people only {knowing} knows"
    assigned = counted(len(first.landing_zone.grants), "assignment")
    return f"{text}. {assigned}; counted by person, {counted(len(first.access), 'grant')}"


_NONE, _NOBODY = ("none",), ("nobody",)


def _if(lines: Sequence[object]) -> Level:
    return "warning" if lines else "fine"


# Who administers


def _full_access(first: Overview, *, everything: bool) -> tuple[str, ...]:
    known = _in_words(first, first.administrators(everything=everything))
    may = _in_words(first, first.administrators(everything=everything, known=False))
    return (*known, *(f"{text}: {UNKNOWN}" for text in may))


def _break_glass(first: Overview) -> Point:
    lines = _in_words(first, first.break_glass())
    if not first.landing_zone.sso.break_glass:
        return Point("break_glass", "Break-glass", ("not set up: break_glass of sso.yaml",), "warning")
    remark = "For emergencies; every use raises an alert."
    return Point("break_glass", "Break-glass", lines or _NOBODY, "danger" if lines else "warning", remark)


def _in_words(first: Overview, every: Iterable[GroupedAccess]) -> tuple[str, ...]:
    """Returns who has what where, by which group and until when; those who have the same together."""
    alike: dict[str, list[str]] = defaultdict(list)
    for given in every:
        ends = {way.until for way in given.ways}
        until = "" if None in ends else f", until {max(end for end in ends if end)}"
        groups = dict.fromkeys(way.group for way in given.ways if way.group and way.group != given.holder.key)
        through = f", through {listed(list(groups))}" if groups else ""
        directly = ", directly" if any(way.group is None for way in given.ways) else ""
        where_given = places(first.landing_zone, given.accounts)
        alike[f"{given.permission_set} in {where_given}{through}{directly}{until}"].append(str(given.holder))
    return tuple(f"{', '.join(holders)}: {has}" for has, holders in alike.items())


def _pipeline(first: Overview) -> Point:
    deployer, github = first.landing_zone.deployer, first.landing_zone.security.github_actions
    lines = [f"role {deployer.role}, named in project.yaml"] if deployer else []
    if github.on:
        place = f"branch {github.branch}, environment {github.environment}"
        lines.append(f"GitHub Actions of {github.repository}, {place}: AdministratorAccess")
    return Point("pipeline", "Deploys without a person", tuple(lines) or ("nothing",), _if(lines))


# What ends, what policies answer, what is open


def _ends(first: Overview) -> Point:
    ended = first.ending(over=True)
    lines = []
    for ending in (*ended, *first.ending(over=False)):
        assignment = ending.assignment
        given = f"{', '.join(assignment.permission_sets)} of {who(assignment)} in {where(assignment)}"
        reason = f" ({assignment.reason})" if assignment.reason else ""
        lines.append(f"{when(ending.until, first.as_of)}: {given}{reason}, {ending.file}:{ending.line}")
    over = "What has expired stays at AWS until strata expire takes it out of the file and a deploy follows."
    level: Level = "danger" if ended else _if(lines)
    shown = tuple(lines) or ("nothing",)
    return Point("ends_soon", f"Ends within {SOON.days} days", shown, level, over if ended else "")


def _expectations(first: Overview) -> Point:
    asked = [expected for expected in first.guardrails.expected if not expected.ended]
    broken = [f"{expected.expectation.id}: {expected.broken[0]}" for expected in asked if expected.broken]
    if broken:
        return Point("expectations", "Expectations that do not hold", tuple(broken), "danger")
    if not asked:
        return Point("expectations", "Expectations", ("none: expectations.yaml",), "warning")
    line = f"{counted(len(asked), 'expectation')} {'holds' if len(asked) == 1 else 'hold'}"
    return Point("expectations", "Expectations", (line,))


def _undoing(first: Overview) -> Point:
    doubts = {"": "", OTHERS_DECIDE: f", {OTHERS_DECIDE}"}
    lines = tuple(
        f"{undoing.by}{doubts.get(undoing.why, ', not for certain')}: {undoing.what}"
        for undoing in first.guardrails.undoing
        if undoing.outcome is not Outcome.DENIED and undoing.in_management
    )
    remark = "Undoing takes the right to change state, policies and access in the management account."
    return Point("can_undo", "Can undo a deploy", lines or _NOBODY, "fine" if lines else "danger", remark)


def _unbound(first: Overview) -> Point:
    left = first.landing_zone.organization.unmanaged_accounts
    unknown = [f"{counted(len(left), 'unmanaged account')}: not known"] if left else []
    unbound = first.unbound
    if unbound is None:
        unbound, unknown = [], [UNDESCRIBED, *unknown]
    level: Level = "danger" if unbound else _if(unknown)
    never = "No SCP ever binds the management account."
    return Point("unbound_accounts", "Accounts bound by no SCP", (*unbound, *unknown) or _NONE, level, never)


def _controls(first: Overview) -> Point:
    off, unmanaged = first.controls(Mode.OFF), first.controls(Mode.UNMANAGED)
    lines = [*off, *(f"{name}: unmanaged, as it is at AWS" for name in unmanaged)]
    return Point("controls_off", "Controls that are off or unmanaged", tuple(lines) or _NONE, _if(lines))


def _people(key: str, title: str, people: Sequence[str], unknown: Mapping[str, Sequence[str]]) -> Point:
    lines = (*people, *(f"{name}: unknown, may be in {listed(groups)}" for name, groups in unknown.items()))
    return Point(key, title, lines or _NONE, _if(lines))
