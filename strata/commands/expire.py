"""`strata expire`: removes expired assignments from sso.yaml, and changes no other byte.

It removes their lines from the text. A YAML writer would reformat the rest of the file and lose comments.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Any

import yaml

from strata.config import SSO
from strata.config.entries import last_line, take_out
from strata.config.source import SAFE_LOADER, SourceFile, parse
from strata.errors import ConfigurationError, Message, StrataError
from strata.evaluation.administrators import administrators
from strata.files.config_edit import check_unchanged, loaded, offer, texts
from strata.landing_zone import LandingZone
from strata.landing_zone.expiry import day_of, ending_text, expired
from strata.load import load
from strata.options import Options
from strata.printing import line
from strata.text import listed


def run(options: Options, *, as_of: str, dry_run: bool, yes: bool) -> int:
    """Shows the expired entries, asks, and writes sso.yaml without them."""
    day, folder = day_of(as_of), options.config
    before, landing_zone = texts(folder), load(folder)
    gone = expired(landing_zone, day)
    if not gone:
        options.note(f"nothing to do: no assignment has expired on {day}")
        return 0
    check_unchanged(folder, before)
    by_file = {name: [ending.position for ending in gone if ending.file == name] for name in before}
    changed = {name: without(before[name], entries, name) for name, entries in by_file.items() if entries}
    files, where = before | changed, listed([str(folder / name) for name in changed])
    try:
        after = loaded(folder, files, folder)
    except ConfigurationError:
        lines = listed([f"{folder / ending.file}:{ending.line}" for ending in gone])
        text = f"nothing was changed; without the entries that have expired ({lines}):"
        print(line(Message("refused-by-check", text)), file=sys.stderr)
        raise
    _keep_an_administrator(landing_zone, after, where)
    for ending in gone:
        options.note(f"{folder / ending.file}:{ending.line}: {ending_text(ending, day)}")
    then = f"next: strata deploy sso{options.config_words}; until then everybody keeps the access"
    return offer(options, before, changed, where, dry_run=dry_run, yes=yes, then=then)


def _keep_an_administrator(before: LandingZone, after: LandingZone, where: str) -> None:
    """Refuses to remove the last full access to the management account, which only its root user could restore."""
    if administrators(before) and not administrators(after):
        text = (
            f"nothing was changed; without the entries of {where} that have expired nobody has administrator access "
            "to the management account; give somebody an assignment that does not expire, then run this again"
        )
        raise StrataError(Message("last-admin-lost", text, place=where))


# The text


def without(text: str, entries: Sequence[int], file: str = SSO) -> str:
    """Returns the text of sso.yaml, or of a file beside it, without some of its assignments.

    Raises:
        StrataError: their lines hold something else as well, or something else refers to them.
    """
    lines = text.splitlines(keepends=True)
    top: Any = yaml.compose(text, Loader=SAFE_LOADER)
    key, assignments = next((key, value) for key, value in top.value if key.value == "assignments")
    if len(entries) == len(assignments.value):  # a heading alone says nothing: it may be a file that was cut
        number, colon = key.end_mark.line, key.end_mark.column + 1
        lines[number] = f"{lines[number][:colon]} []{lines[number][colon:]}"
    for first, end in reversed([_lines(assignments, lines, entry, file) for entry in sorted(entries)]):
        take_out(lines, first, end)
    result = "".join(lines)
    _compare(text, result, entries, file)
    return result


def _lines(assignments: yaml.SequenceNode, lines: Sequence[str], entry: int, file: str) -> tuple[int, int]:
    """Returns the first line of an entry and the line after its last, the comments within it included."""
    node = assignments.value[entry]
    if assignments.flow_style or not isinstance(node, yaml.MappingNode):
        problem = f"the assignments are written in one line; give each its own, with '- ' (entry {entry + 1})"
        raise StrataError(Message("entries-in-one-line", f"{file}: {problem}", place=file, entry=entry + 1))
    first = node.start_mark.line
    if not lines[first].lstrip().startswith("- "):
        place = f"{file}:{first + 1}"
        text = f"{place}: the entry does not start its line; write it as '- permission_sets:'"
        raise StrataError(Message("entry-within-line", text, place=place))
    end = last_line(node, lines) + 1
    column = node.start_mark.column
    while end < len(lines) and re.match(rf" {{{column},}}#", lines[end]):
        end += 1
    return first, end


def _compare(before: str, after: str, entries: Sequence[int], file: str) -> None:
    """Makes sure that only the entries are removed."""
    expected, result = SourceFile(SSO), SourceFile(SSO)
    parse(before, expected)
    parse(after, result)
    assignments = expected.data["assignments"]
    expected.data["assignments"] = [assignment for index, assignment in enumerate(assignments) if index not in entries]
    if result.faults or expected.data != result.data:
        numbers = ", ".join(str(entry + 1) for entry in entries)
        text = (
            f"{file}: assignments {numbers} cannot be removed alone: an alias refers to them, or their lines hold "
            "something else; remove them by hand"
        )
        raise StrataError(Message("entry-not-alone", text, place=file, entries=[entry + 1 for entry in entries]))
