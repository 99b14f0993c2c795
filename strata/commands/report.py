"""`strata report`: the whole configuration in readable form, or the effect of its changes since a git revision."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from strata.errors import StrataError
from strata.files.atomic import write
from strata.landing_zone import LandingZone
from strata.load import load
from strata.options import Options
from strata.outputs import output as json_output
from strata.printing import as_utf_8, markdown, readers_may_leave

PIPE_WIDTH = 100
"""Columns without a terminal, so that a file does not depend on one."""


def run(options: Options, *, format: str, output: Path | None, diff: str | None, allow: Collection[str]) -> int:
    """Writes the report, or the difference with exit code 3 for changes that are not allowed."""
    if diff is not None:
        return _difference(options, format, output, diff, allow)
    if allow:
        raise StrataError("--allow belongs to --diff; add --diff REV, or leave it out")
    _write(options, format, _FORMATS[format](load(options.config), _width(output)), output)
    return 0


def _difference(options: Options, format: str, output: Path | None, revision: str, allow: Collection[str]) -> int:
    from strata import diff
    from strata.report.revisions import configuration_at

    writers = {"text": diff.as_text, "markdown": diff.as_markdown, "json": diff.as_json}
    if format not in writers:
        raise StrataError(f"a difference has no format {format!r}; use text, markdown or json")
    after = load(options.config)
    found = diff.compare(configuration_at(options.config, revision), after)
    with readers_may_leave():
        _write(options, format, writers[format](found, revision), output)
    stopped = diff.risks(found) - set(allow)
    if stopped:
        flags = " ".join(f"--allow {risk}" for risk in sorted(stopped))
        options.note(f"{diff.risk_words(stopped)}: exit 3; if that is meant, add {flags}")
    return 3 if stopped else 0


def _width(output: Path | None) -> int:
    if output or not sys.stdout.isatty():
        return PIPE_WIDTH
    return shutil.get_terminal_size((PIPE_WIDTH, 24)).columns


def _write(options: Options, format: str, text: str, output: Path | None) -> None:
    text = text.removesuffix("\n") + "\n"
    if output is None:
        if format != "text":
            as_utf_8()
        print(text, end="")
        return
    write({output: text.encode()})
    options.note(f"wrote {output}")


# Formats; each loads what it needs


def _text(landing_zone: LandingZone, width: int) -> str:
    from strata.report.tables import as_text, tables

    return as_text(tables(landing_zone), width)


def _markdown(landing_zone: LandingZone, _: int) -> str:
    from strata.report.mermaid import flowchart
    from strata.report.tables import as_markdown, tables

    chart = f"## Chart\n\n```mermaid\n{flowchart(landing_zone)}```\n"
    return f"# {markdown(landing_zone.project.name)}\n\n{as_markdown(tables(landing_zone))}\n{chart}"


def _csv(landing_zone: LandingZone, _: int) -> str:
    from strata.report.tables import as_csv

    return as_csv(landing_zone)


def _json(landing_zone: LandingZone, _: int) -> str:
    from strata.report.data import as_data

    return json_output("report", as_data(landing_zone))


def _mermaid(landing_zone: LandingZone, _: int) -> str:
    from strata.report.mermaid import flowchart

    return flowchart(landing_zone)


def _html(landing_zone: LandingZone, _: int) -> str:
    from strata.report.page import page

    return page(landing_zone)


_FORMATS: Mapping[str, Callable[[LandingZone, int], str]] = {
    "text": _text,
    "markdown": _markdown,
    "csv": _csv,
    "json": _json,
    "mermaid": _mermaid,
    "html": _html,
}
