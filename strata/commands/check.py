"""`strata check`: every fault of the configuration, or a summary of it, and entries that end soon."""

from __future__ import annotations

import datetime as dt
import math
import sys
from typing import TYPE_CHECKING, Any

from strata.errors import ConfigurationError
from strata.landing_zone import LandingZone
from strata.load import load
from strata.options import Options
from strata.outputs import error_facts, output
from strata.printing import document, line, readers_may_leave
from strata.rules import LocatedWarning, found_warnings
from strata.rules.expectations import UnmetError, require
from strata.text import counted, listed, plural

if TYPE_CHECKING:
    from collections.abc import Iterable

    from strata.config.accepted import Acceptance
    from strata.config.expectations import Expectation
    from strata.evaluation.expectations import Case, ExpectationResult
    from strata.landing_zone.expiry import Ending

CALLS_A_SECOND = 20
"""The request rate of Identity Center; a quota that AWS does not raise."""


def run(options: Options, *, as_of: str | None, json: bool) -> int:
    """Checks the configuration and prints the summary, and with a day the entries that have ended or end soon."""
    day, today = _day(as_of), dt.datetime.now(tz=dt.UTC).date()
    try:
        landing_zone = load(options.config, day, today=today)
        examined = require(landing_zone, day)
    except ConfigurationError as error:
        if json:
            asked = {"expectations": _expectations_as_json(error.results)} if isinstance(error, UnmetError) else {}
            document(output("check", {"valid": False, **error_facts(error), **asked}))
            error.printed = True
        raise
    summary = summarize(landing_zone)
    reads = identity_center_reads(landing_zone, summary["account_assignments"])
    doubtful = found_warnings(landing_zone, day, today)
    due = _endings(landing_zone, day)
    over = _ending_expectations(landing_zone, day)
    accepted = _acceptances(landing_zone, day)
    if json:
        found: dict[str, Any] = {
            "valid": True,
            "summary": summary,
            "identity_center": {"reads_a_plan": reads, "seconds_a_plan": math.ceil(reads / CALLS_A_SECOND)},
            "layers": list(landing_zone.layers),
            "faults": [],
            "errors": [],
            "advice": [],
            "warnings": [_warning_as_json(landing_zone, warning) for warning in doubtful],
            "expectations": _expectations_as_json(examined),
        }
        if day:
            found |= {"as_of": str(day), "endings": [_as_json(options, ending, day) for ending in due]}
            found["acceptances"] = [
                _acceptance_as_json(options, number, acceptance, day) for number, acceptance in accepted
            ]
            found["ending_expectations"] = [
                _ending_as_json(options, number, expectation, day) for number, expectation in over
            ]
        with readers_may_leave():
            document(output("check", found))
        return 3 if due or accepted or over else 0
    for warning in doubtful:
        print(line(f"warning: {options.config}/{warning}"), file=sys.stderr)
    with readers_may_leave():
        if not options.quiet:
            _print_summary(options, landing_zone, summary, reads)
            _print_held(len(examined))
        _print_endings(options, due, day)
        _print_acceptances(options, accepted, day)
        _print_ending_expectations(options, over, day)
    return 3 if due or accepted or over else 0


def _warning_as_json(landing_zone: LandingZone, warning: LocatedWarning) -> dict[str, Any]:
    return {
        "file": landing_zone.source_file(warning.source.file).file,
        "line": warning.source.line,
        "path": warning.path,
        "problem": warning.problem,
        "remedy": warning.remedy,
        "id": getattr(warning.problem, "id", ""),
        "finding": warning.finding,
        "at": warning.at,
        "accepted_until": warning.over or None,
    }


def summarize(landing_zone: LandingZone) -> dict[str, int]:
    """Returns how many of each thing the configuration describes."""
    organization, sso = landing_zone.organization, landing_zone.sso
    return {
        "organizational_units": len(landing_zone.units),
        "member_accounts": len(landing_zone.members),
        "policies": len(organization.policies),
        "users": len(sso.users),
        "groups": len(sso.groups),
        "permission_sets": len(sso.permission_sets),
        "account_assignments": len(landing_zone.grants),
    }


def identity_center_reads(landing_zone: LandingZone, assignments: int) -> int:
    """Returns how many calls to Identity Center a plan makes when everything is deployed.

    Calls of the AWS provider 6.25: for a permission set DescribePermissionSet and ListTagsForResource, for a group
    of an identity provider GetGroupId and DescribeGroup, for such a user GetUserId and DescribeUser, for everything
    else one each: the instance, its attributes, a user, a group, a membership, a policy of a set, a boundary, an
    assignment (one page holds all who have the set in the account). A permission set of others is looked for by its
    name: ListPermissionSets, and DescribePermissionSet of each until it is found.
    """
    sso = landing_zone.sso
    external = sum(group.external for group in sso.groups.values()) + sum(user.external for user in sso.users.values())
    people = len(sso.users) + len(sso.groups) + external + sum(len(group.members) for group in sso.groups.values())
    every = landing_zone.permission_sets.values()
    sets = sum(
        2
        + (
            len(every)
            if permission_set.external
            else len(permission_set.policies) + (permission_set.boundary is not None)
        )
        for permission_set in every
    )
    return 1 + bool(sso.access_control_attributes) + people + sets + assignments


def _print_summary(options: Options, landing_zone: LandingZone, summary: dict[str, int], reads: int) -> None:
    from strata.config import LAYERS
    from strata.config.layers import required, unused
    from strata.terraform.tools import CONFIG

    project = landing_zone.project
    print(line(f"{project.name}: {options.config} is valid"))
    print(line(f"  account   {project.management_account.id} {project.management_account.name}"))
    print(f"  regions   {project.regions.primary}, replica in {project.regions.secondary}")
    print(f"  state     s3://{project.state_bucket}, lock table {project.lock_table}")
    for name, number in summary.items():
        many = name.replace("_", " ")
        print(f"  {number:>7}   {plural(number, _SINGULAR.get(name, many.removesuffix('s')), many)}")
    for name, layer in landing_zone.layers.items():
        members = counted(len(landing_zone.members), "member account")
        where = f"in each of {members}" if layer.code.in_accounts else "one stack"
        print(line(f"  layer     {name}, {where}"))
    for path in unused(landing_zone.layers) if options.config.resolve() == CONFIG else ():
        missing = f"{options.config}/{LAYERS}/{path.name.replace('_', '-')}.yaml"
        fields = required(path)
        content = f"which needs {listed(fields)}" if fields else "which may be empty"
        print(line(f"  no layer  stacks/layers/{path.name} takes no part without {missing}, {content}"))
    time = _duration(math.ceil(reads / CALLS_A_SECOND))
    print(f"  {reads:>7}   Identity Center {plural(reads, 'read')} a full refresh: {time} at {CALLS_A_SECOND} a second")


_SINGULAR = {"policies": "policy"}


def _duration(seconds: int) -> str:
    return f"{seconds} s" if seconds < 120 else f"{math.ceil(seconds / 60)} min"  # noqa: PLR2004


def _print_held(number: int) -> None:
    if number:
        print(f"  {number:>7}   {plural(number, 'expectation holds', 'expectations hold')}")


def _expectations_as_json(results: Iterable[ExpectationResult]) -> list[dict[str, Any]]:
    return [
        {
            "id": result.expectation.id,
            "reason": result.expectation.reason,
            "expects": result.expectation.expects,
            "holds": result.holds,
            "failing": [_case_as_json(case) for case in result.failing],
            "cut": result.cut,
        }
        for result in results
    ]


def _case_as_json(case: Case) -> dict[str, Any]:
    decided = case.answer.decided if case.answer else None
    statement = decided.statement if decided else None
    return {
        "accounts": list(case.accounts),
        "who": case.who or case.acts_as,
        "as": case.acts_as,
        "action": case.action,
        "resource": case.resource,
        "region": case.region,
        "answer": case.outcome.value,
        "depends_on": list(case.answer.keys) if case.answer else [],
        "level": decided.level if decided else None,
        "file": statement.file if statement else None,
        "line": statement.line if statement else None,
        "sid": statement.sid if statement else None,
    }


# What ends


def _day(as_of: str | None) -> dt.date | None:
    if as_of is None:
        return None
    from strata.landing_zone.expiry import day_of

    return day_of(as_of)


def _endings(landing_zone: LandingZone, day: dt.date | None) -> list[Ending]:
    if day is None:
        return []
    from strata.landing_zone.expiry import endings

    return endings(landing_zone, day)


def _print_endings(options: Options, due: list[Ending], day: dt.date | None) -> None:
    if not day:
        return
    from strata.landing_zone.expiry import ending_text

    if not due:
        options.note(f"no assignment has expired on {day} or ends within 14 days")
    for ending in due:
        print(line(f"{options.config}/{ending.file}:{ending.line}: {ending_text(ending, day)}"))


def _as_json(options: Options, ending: Ending, day: dt.date) -> dict[str, Any]:
    from strata.landing_zone.expiry import where

    assignment = ending.assignment
    return {
        "file": f"{options.config}/{ending.file}",
        "line": ending.line,
        "permission_sets": list(assignment.permission_sets),
        "groups": list(assignment.groups),
        "users": list(assignment.users),
        "where": where(assignment),
        "until": str(ending.until),
        "expired": ending.expired(day),
        "reason": assignment.reason,
    }


def _acceptances(landing_zone: LandingZone, day: dt.date | None) -> list[tuple[int, Acceptance]]:
    """Returns acceptances that have ended or end soon, each with its line."""
    if day is None or not landing_zone.accepted:
        return []
    from strata.config import ACCEPTED
    from strata.config.accepted import ENTRIES, endings
    from strata.landing_zone.expiry import NOTICE

    source_file = landing_zone.source_file(ACCEPTED)
    return [
        (source_file.line((ENTRIES, index)), acceptance)
        for index, acceptance in endings(landing_zone.accepted, day, NOTICE)
    ]


def _print_acceptances(options: Options, accepted: list[tuple[int, Acceptance]], day: dt.date | None) -> None:
    if not accepted:
        return
    from strata.landing_zone.expiry import when

    for number, acceptance in accepted:
        if acceptance.until and day:
            reason = " ".join(acceptance.reason.split())
            words = f"{acceptance.finding} at {acceptance.at} is accepted; {when(acceptance.until, day)}; {reason}"
            print(line(f"{options.config}/accepted.yaml:{number}: {words}"))


def _acceptance_as_json(options: Options, number: int, acceptance: Acceptance, day: dt.date) -> dict[str, Any]:
    return {
        "file": f"{options.config}/accepted.yaml",
        "line": number,
        "finding": acceptance.finding,
        "at": acceptance.at,
        "until": str(acceptance.until),
        "expired": acceptance.ended(day),
        "reason": acceptance.reason,
    }


def _ending_expectations(landing_zone: LandingZone, day: dt.date | None) -> list[tuple[int, Expectation]]:
    """Returns expectations that have ended or end soon, each with its line."""
    if day is None or not landing_zone.expectations:
        return []
    from strata.config import EXPECTATIONS
    from strata.config.expectations import ENTRIES
    from strata.landing_zone.expiry import NOTICE

    lines = landing_zone.source_file(EXPECTATIONS)
    found = [(index, expectation) for index, expectation in enumerate(landing_zone.expectations) if expectation.until]
    due = [
        (lines.line((ENTRIES, index)), expectation)
        for index, expectation in found
        if expectation.until and expectation.until - day <= NOTICE
    ]
    return sorted(due, key=lambda ending: (ending[1].until or day, ending[0]))


def _print_ending_expectations(options: Options, over: list[tuple[int, Expectation]], day: dt.date | None) -> None:
    if not over:
        return
    from strata.landing_zone.expiry import when

    for number, expectation in over:
        if expectation.until and day:
            words = (
                f"{expectation.id} is expected; {when(expectation.until, day)}; {' '.join(expectation.reason.split())}"
            )
            print(line(f"{options.config}/expectations.yaml:{number}: {words}"))


def _ending_as_json(options: Options, number: int, expectation: Expectation, day: dt.date) -> dict[str, Any]:
    return {
        "file": f"{options.config}/expectations.yaml",
        "line": number,
        "id": expectation.id,
        "until": str(expectation.until),
        "expired": expectation.ended(day),
        "reason": expectation.reason,
    }
