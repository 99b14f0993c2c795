"""`strata report`: the configuration in readable form, or the effect of changes since a revision."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from strata.atomic import check_target, write
from strata.errors import Message, UsageError
from strata.landing_zone import LandingZone
from strata.load import load
from strata.options import Options
from strata.outputs import output as json_output
from strata.outside import refuse_in_configuration
from strata.printing import as_utf_8, columns, document, markdown, readers_may_leave

if TYPE_CHECKING:
    from strata.report.edition import Edition

PIPE_WIDTH = 100
"""Columns without a terminal, so that a file does not depend on it."""


def run(
    options: Options,
    *,
    format: str,
    output: Path | None,
    diff: str | None,
    allow: Collection[str],
    as_of: str | None = None,
) -> int:
    """Writes the report; returns 3 for changes not allowed."""
    if output:
        refuse_in_configuration(output, options.config, "--output")
        check_target(output, "--output")
    if diff is not None:
        if as_of is not None:
            text = "a difference is on no day; leave out --as-of"
            raise UsageError(Message("arguments-conflict", text, options=["--diff"]))
        return _difference(options, format, output, diff, allow)
    if allow:
        text = "--allow belongs to --diff; add --diff REV, or leave it out"
        raise UsageError(Message("argument-missing", text, option="--diff"))
    return _report(options, format, output, as_of)


def _report(options: Options, format: str, output: Path | None, as_of: str | None) -> int:
    from strata.landing_zone.expiry import day_of
    from strata.report.edition import Edition
    from strata.report.revisions import revision_of

    landing_zone = load(options.config)
    day = day_of(as_of) if as_of is not None else dt.datetime.now().astimezone().date()
    edition = Edition(day, revision_of(options.config))
    width = PIPE_WIDTH if output else columns(sys.stdout) or PIPE_WIDTH
    with readers_may_leave():
        _write(options, format, _written(format, landing_zone, edition, width), output)
    return 0


def _difference(options: Options, format: str, output: Path | None, revision: str, allow: Collection[str]) -> int:
    from strata import diff
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


def _written(format: str, landing_zone: LandingZone, edition: Edition, width: int) -> str:
    match format:
        case "json":
            from strata.report.data import as_data

            return json_output("report", as_data(landing_zone, edition))
        case "html":
            from strata.report.page import page

            return page(landing_zone, edition)
        case "markdown":
            from strata.report.layout import as_markdown
            from strata.report.tables import tables

            return f"# {markdown(landing_zone.project.name)}\n\n{as_markdown(tables(landing_zone, edition))}"
        case _:
            from strata.report.layout import as_text
            from strata.report.tables import tables

            return as_text(tables(landing_zone, edition), width)
