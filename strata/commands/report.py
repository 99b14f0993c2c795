"""`strata report`: the whole configuration in readable form, or the effect of its changes since a git revision."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from strata.errors import UsageError
from strata.files.atomic import write
from strata.landing_zone import LandingZone
from strata.load import load
from strata.options import Options
from strata.outputs import output as json_output
from strata.printing import as_utf_8, columns, document, markdown, readers_may_leave

if TYPE_CHECKING:
    from strata.report.edition import Edition
    from strata.report.scope import Scope

PIPE_WIDTH = 100
"""Columns without a terminal, so that a file does not depend on one."""


@dataclass(frozen=True)
class Only:
    """What a report is confined to, by the names that somebody gave."""

    accounts: Sequence[str] = ()
    units: Sequence[str] = ()
    person: str | None = None
    group: str | None = None

    def __bool__(self) -> bool:
        return bool(self.accounts or self.units or self.person is not None or self.group is not None)


def run(
    options: Options,
    *,
    format: str,
    output: Path | None,
    diff: str | None,
    allow: Collection[str],
    as_of: str | None = None,
    only: Only = Only(),
) -> int:
    """Writes the report, or the difference with exit code 3 for changes that are not allowed."""
    if diff is not None:
        if as_of is not None or only:
            problem = "a difference is about everything, on no day"
            raise UsageError(f"{problem}; leave out --as-of, --account, --ou, --person and --group")
        return _difference(options, format, output, diff, allow)
    if allow:
        raise UsageError("--allow belongs to --diff; add --diff REV, or leave it out")
    if only and format not in ("text", "markdown", "csv"):
        raise UsageError(f"--format {format} has everything; use text, markdown or csv with --account and the like")
    _write(options, format, _report(options, format, _width(output), as_of, only), output)
    return 0


def _report(options: Options, format: str, width: int, as_of: str | None, only: Only) -> str:
    from strata.landing_zone.expiry import day_of
    from strata.report.edition import Edition
    from strata.report.revisions import revision_of
    from strata.report.scope import scope_of

    day = day_of(as_of) if as_of is not None else dt.datetime.now().astimezone().date()
    landing_zone = load(options.config)
    edition = Edition(day, revision_of(options.config))
    scope = scope_of(landing_zone, accounts=only.accounts, units=only.units, person=only.person, group=only.group)
    return _FORMATS[format](Report(landing_zone, edition, scope, width))


@dataclass(frozen=True)
class Report:
    """What a format is made from."""

    landing_zone: LandingZone
    edition: Edition
    scope: Scope
    width: int


def _difference(options: Options, format: str, output: Path | None, revision: str, allow: Collection[str]) -> int:
    from strata import diff
    from strata.report.revisions import configuration_at

    writers = {"text": diff.as_text, "markdown": diff.as_markdown, "json": diff.as_json}
    if format not in writers:
        raise UsageError(f"a difference has no format {format!r}; use text, markdown or json")
    after = load(options.config)
    before, made = configuration_at(options.config, revision, after.moves)
    found = diff.compare(before, after, made)
    with readers_may_leave():
        _write(options, format, writers[format](found, revision), output)
    stopped = diff.risks(found) - set(allow)
    if stopped:
        flags = " ".join(f"--allow {risk}" for risk in sorted(stopped))
        options.note(f"{diff.risk_words(stopped)}: exit 3; if that is meant, add {flags}")
    return 3 if stopped else 0


def _width(output: Path | None) -> int:
    return PIPE_WIDTH if output else columns(sys.stdout) or PIPE_WIDTH


def _write(options: Options, format: str, text: str, output: Path | None) -> None:
    text = text.removesuffix("\n") + "\n"
    if output is None:
        if format != "text":
            as_utf_8()
            document(text.removesuffix("\n"))
        else:
            print(text, end="")
        return
    write({output: text.encode()})
    options.note(f"wrote {output}")


# Formats; each loads what it needs


def _text(report: Report) -> str:
    from strata.report.tables import as_text, tables

    return as_text(tables(report.landing_zone, report.edition, report.scope), report.width)


def _markdown(report: Report) -> str:
    from strata.report.mermaid import flowchart
    from strata.report.tables import as_markdown, tables

    title = f"# {markdown(report.landing_zone.project.name)}\n\n"
    found = as_markdown(tables(report.landing_zone, report.edition, report.scope))
    chart = f"\n## Chart\n\n```mermaid\n{flowchart(report.landing_zone)}```\n"
    return f"{title}{found}{chart if report.scope.is_everything else ''}"


def _csv(report: Report) -> str:
    from strata.report.tables import as_csv

    return as_csv(report.landing_zone, report.scope)


def _json(report: Report) -> str:
    from strata.report.data import as_data

    return json_output("report", as_data(report.landing_zone, report.edition))


def _mermaid(report: Report) -> str:
    from strata.report.mermaid import flowchart

    return flowchart(report.landing_zone)


def _html(report: Report) -> str:
    from strata.report.page import page

    return page(report.landing_zone, report.edition)


_FORMATS: Mapping[str, Callable[[Report], str]] = {
    "text": _text,
    "markdown": _markdown,
    "csv": _csv,
    "json": _json,
    "mermaid": _mermaid,
    "html": _html,
}
