"""`strata check`: every fault of the configuration, or a summary of it, and entries that end soon."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strata.config import ACCEPTED, EXPECTATIONS, accepted, expectations
from strata.errors import ConfigurationError, Fault
from strata.landing_zone import LandingZone, expiry
from strata.landing_zone.undescribed import UNKNOWN
from strata.load import load
from strata.options import Options
from strata.outputs import error_facts, output
from strata.printing import document, line, readers_may_leave
from strata.rules import LocatedWarning, found_warnings
from strata.rules.expectations import UnmetError, require
from strata.text import counted, listed, plural

if TYPE_CHECKING:
    from strata.evaluation.expectations import Case, ExpectationResult
    from strata.landing_zone.expiry import E


def run(options: Options, *, as_of: str | None, json: bool) -> int:
    """Checks the configuration and prints the summary, and with a day the entries that have ended or end soon."""
    day, today = expiry.day_of(as_of) if as_of is not None else None, dt.datetime.now(tz=dt.UTC).date()
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
    doubtful = found_warnings(landing_zone, day, today)
    endings = _endings(landing_zone, options.config, day) if day else {}
    ended = [] if day else list(expiry.over(landing_zone, today))
    if json:
        facts: dict[str, Any] = {
            "valid": True,
            "summary": summary,
            "layers": list(landing_zone.layers),
            "not_described": list(landing_zone.undescribed),
            "faults": [],
            "errors": [],
            "advice": [],
            "warnings": [
                *(_warning_as_json(landing_zone, warning) for warning in doubtful),
                *map(_ended_as_json, ended),
            ],
            "expectations": _expectations_as_json(examined),
        }
        if day:
            facts["as_of"] = str(day)
            facts |= {name: [entry.facts(day) for entry in entries] for name, entries in endings.items()}
        with readers_may_leave():
            document(output("check", facts))
        return 3 if any(endings.values()) else 0
    for warning in doubtful:
        file = landing_zone.source_file(warning.source.file).file  # as errors have it
        print(line(f"warning: {file}:{warning.source.line}: {warning.told}"), file=sys.stderr)
    for fault in ended:
        print(line(f"warning: {fault}"), file=sys.stderr)
    with readers_may_leave():
        if not options.quiet:
            _print_summary(options, landing_zone, summary, holding=len(examined))
        if day and not endings["endings"]:
            options.note(f"no assignment has expired on {day} or ends within 14 days")
        for entry in (entry for entries in endings.values() for entry in entries):
            print(line(f"{entry.file}:{entry.line}: {entry.words}"))
    return 3 if any(endings.values()) else 0


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


def _ended_as_json(fault: Fault) -> dict[str, Any]:
    where = {"file": fault.file, "line": fault.line, "path": fault.path}
    told = {"problem": fault.problem, "remedy": fault.remedy, "id": fault.problem.id}
    return {**where, **told, "finding": "", "at": "", "accepted_until": None}


def summarize(landing_zone: LandingZone) -> dict[str, int]:
    """Returns the number of each thing that the configuration describes."""
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


def _print_summary(options: Options, landing_zone: LandingZone, summary: dict[str, int], *, holding: int) -> None:
    from strata.config import LAYERS
    from strata.config.layers import unused
    from strata.terraform.tools import CONFIG

    project = landing_zone.project
    print(line(f"{project.name}: {options.config} is valid"))
    print(line(f"  account   {project.management_account.id} {project.management_account.name}"))
    print(f"  regions   {project.regions.primary}, replica in {project.regions.secondary}")
    print(f"  state     s3://{project.state_bucket}, lock table {project.lock_table}")
    for name, number in summary.items():
        many = name.replace("_", " ")
        print(f"  {number:>7}   {plural(number, _SINGULAR.get(name, many.removesuffix('s')), many)}")
    if landing_zone.undescribed:
        print(line(f"  {UNKNOWN} ({listed(list(landing_zone.undescribed))})"))
    for name, layer in landing_zone.layers.items():
        members = counted(sum(map(layer.is_in, landing_zone.members)), "member account")
        where = f"in {layer.deploying.account or f'each of {members}'}" if layer.code.in_accounts else "one stack"
        print(line(f"  layer     {name if layer.code.in_accounts else layer.stack}, {where}"))
    for path in unused(landing_zone.layers) if options.config.resolve() == CONFIG else ():
        missing = f"{options.config}/{LAYERS}/{path.name.replace('_', '-')}.yaml"
        print(line(f"  no layer  stacks/layers/{path.name} takes no part without {missing}"))
    if holding:
        print(f"  {holding:>7}   {plural(holding, 'expectation holds', 'expectations hold')}")


_SINGULAR = {"policies": "policy"}


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


@dataclass(frozen=True)
class EndingEntry:
    """An entry that has ended or ends soon: where it stands, its last day, and what it is in words and in JSON."""

    file: str
    line: int
    until: dt.date
    reason: str | None
    words: str
    subject: Mapping[str, Any]

    def facts(self, day: dt.date) -> dict[str, Any]:
        """Returns the entry for a script, seen from a day."""
        return {
            "file": self.file,
            "line": self.line,
            **self.subject,
            "until": str(self.until),
            "expired": self.until < day,
            "reason": self.reason,
        }


def _endings(zone: LandingZone, folder: Path, day: dt.date) -> dict[str, list[EndingEntry]]:
    """Returns the entries that have ended on a day or end soon, by their names in JSON; those that end first first."""

    def of_list(
        file: str, key: str, entries: Iterable[E], fields: Iterable[str], words: Callable[[E], str]
    ) -> Iterator[EndingEntry]:
        for index, entry in expiry.due(entries, day):
            number, until = zone.source_file(file).line((key, index)), entry.until or day
            text = f"{words(entry)}; {expiry.when(until, day)}; {' '.join((entry.reason or '').split())}"
            subject = {field: getattr(entry, field) for field in fields}
            yield EndingEntry(f"{folder}/{file}", number, until, entry.reason, text, subject)

    assignments = [
        EndingEntry(
            f"{folder}/{ending.file}",
            ending.line,
            ending.until,
            ending.assignment.reason,
            expiry.ending_text(ending, day),
            {
                "permission_sets": list(ending.assignment.permission_sets),
                "groups": list(ending.assignment.groups),
                "users": list(ending.assignment.users),
                "where": expiry.where(ending.assignment),
            },
        )
        for ending in expiry.endings(zone, day)
    ]
    acceptances = of_list(
        *(ACCEPTED, accepted.ENTRIES, zone.accepted, ("finding", "at")),
        lambda acceptance: f"{acceptance.finding} at {acceptance.at} is accepted",
    )
    expected = of_list(
        *(EXPECTATIONS, expectations.ENTRIES, zone.expectations, ("id",)),
        lambda expectation: f"{expectation.id} is expected",
    )
    return {"endings": assignments, "acceptances": [*acceptances], "ending_expectations": [*expected]}
