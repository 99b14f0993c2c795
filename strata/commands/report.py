"""`strata report`: the configuration, or what AWS has, in readable form; or the effect of changes since a revision."""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from strata.atomic import check_target, write
from strata.errors import Message, StrataError, UsageError
from strata.landing_zone import LandingZone
from strata.live import CONFIGURATION, Source
from strata.load import load
from strata.options import Options
from strata.outputs import output as json_output
from strata.outside import refuse_in_configuration
from strata.printing import as_utf_8, columns, document, markdown, readers_may_leave

if TYPE_CHECKING:
    from strata.live.reading import Read
    from strata.report.edition import Edition
    from strata.report.scope import Scope

PIPE_WIDTH = 100
"""Columns without a terminal, so that a file does not depend on it."""


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
    source: Source = CONFIGURATION,
) -> int:
    """Writes the report; 1 where AWS lets not all be read, 3 where it has drifted, or for changes not allowed."""
    source.check(options.config, as_of=as_of, diff=diff)
    if output:
        refuse_in_configuration(output, options.config, "--output")
        check_target(output, "--output")
    for option, file in (("--save", source.save), ("--from", source.kept)):
        if output and file and os.path.realpath(output) == os.path.realpath(file):
            problem = f"{option} and --output name one file, and the report is not what was read"
            message = Message("arguments-conflict", f"{problem}; name another one", options=[option, "--output"])
            raise UsageError(message)
    if diff is not None:
        if as_of is not None or only:
            problem = "a difference is about everything, on no day"
            text = f"{problem}; leave out --as-of, --account, --ou, --person and --group"
            raise UsageError(Message("arguments-conflict", text, options=["--diff"]))
        return _difference(options, format, output, diff, allow)
    if allow:
        text = "--allow belongs to --diff; add --diff REV, or leave it out"
        raise UsageError(Message("argument-missing", text, option="--diff"))
    if only and format not in ("text", "markdown", "csv"):
        text = f"--format {format} has everything; use text, markdown or csv with --account and the like"
        raise UsageError(Message("arguments-conflict", text, options=["--format"], value=format))
    return _report(options, format, output, as_of, only, source)


def _report(options: Options, format: str, output: Path | None, as_of: str | None, only: Only, source: Source) -> int:
    from strata.report.scope import scope_of

    landing_zone, edition, reading = _subject(options, as_of, source)
    unread = landing_zone.unread.get("people")
    if unread and (only.person is not None or only.group is not None):
        text = f"people and access are unread, so that nobody can be found: {unread}"
        raise StrataError(Message("people-unread", text, reason=unread))
    scope = scope_of(landing_zone, accounts=only.accounts, units=only.units, person=only.person, group=only.group)
    width = PIPE_WIDTH if output else columns(sys.stdout) or PIPE_WIDTH
    if reading:
        reading.keep(options, source)
    with readers_may_leave():
        _write(options, format, _written(format, landing_zone, edition, scope, width), output)
    if not edition.live:
        return 0
    # Why the exit code is not 0, the report says as well.
    from strata.report.live import together

    for hidden in together(edition.live.unread):
        options.note(f"unread: {hidden}")
    if edition.live.exit_code:
        options.note(f"differences to the configuration: {edition.live.summary}")
    return edition.live.exit_code


def _subject(options: Options, as_of: str | None, source: Source) -> tuple[LandingZone, Edition, Read | None]:
    """Returns the configuration, or what AWS has in its place, what the report depends on besides, and the reading."""
    from strata.landing_zone.expiry import day_of
    from strata.report.edition import Edition
    from strata.report.revisions import revision_of

    landing_zone, revision = load(options.config), revision_of(options.config)
    if source:
        from strata.live.reading import read

        reading = read(options, landing_zone, source)
        return reading.zone, Edition(reading.live.read_at.date(), revision, reading.live), reading
    day = day_of(as_of) if as_of is not None else dt.datetime.now().astimezone().date()
    return landing_zone, Edition(day, revision), None


def _difference(options: Options, format: str, output: Path | None, revision: str, allow: Collection[str]) -> int:
    from strata import diff
    from strata.config.moves import KINDS
    from strata.kinds.renaming import keys_of
    from strata.report.revisions import configuration_at

    writers = {"text": diff.as_text, "markdown": diff.as_markdown, "json": diff.as_json}
    if format not in writers:
        text = f"a difference has no format {format!r}; use text, markdown or json"
        raise UsageError(Message("arguments-conflict", text, options=["--diff", "--format"], value=format))
    after = load(options.config)
    before = configuration_at(options.config, revision, after)
    changes = diff.compare(before.landing_zone, after, before.moves)
    with readers_may_leave():
        _write(options, format, writers[format](changes, revision), output)
    if before.unknown and any(keys_of(before.landing_zone, kind) - keys_of(after, kind) for kind in KINDS):
        text = f"a thing that looks removed may have been renamed: {before.unknown}"
        options.note(Message("move-unknown", text, reason=before.unknown))
    stopped = diff.risks(changes) - set(allow)
    if stopped:
        flags = " ".join(f"--allow {risk}" for risk in sorted(stopped))
        text = f"{diff.risk_words(stopped)}: exit 3; if that is meant, add {flags}"
        options.note(Message("risk-not-allowed", text, risks=sorted(stopped)))
    return 3 if stopped else 0


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


def _written(format: str, landing_zone: LandingZone, edition: Edition, scope: Scope, width: int) -> str:
    match format:
        case "csv":
            from strata.report.tables import as_csv

            if reason := landing_zone.unread.get("people"):
                text = f"people and access are unread, and --format csv has nothing else: {reason}"
                raise StrataError(Message("people-unread", text, reason=reason))
            return as_csv(landing_zone, scope, edition.live)
        case "json":
            from strata.report.data import as_data

            return json_output("report", as_data(landing_zone, edition))
        case "html":
            from strata.report.page import page

            return page(landing_zone, edition)
        case "mermaid":
            from strata.report.mermaid import flowchart

            return flowchart(landing_zone, edition.live)
        case "markdown":
            from strata.report.mermaid import flowchart
            from strata.report.tables import as_markdown, tables

            title = f"# {markdown(landing_zone.project.name)}\n\n"
            chart = f"\n## Chart\n\n```mermaid\n{flowchart(landing_zone, edition.live)}```\n"
            text = as_markdown(tables(landing_zone, edition, scope))
            return f"{title}{text}{chart if scope.is_everything else ''}"
        case _:
            from strata.report.tables import as_text, tables

            return as_text(tables(landing_zone, edition, scope), width)
