"""`strata add`: writes one entry into the configuration, after it showed what the entry binds and gives."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Mapping
from typing import Any

from strata.commands.add.effects import Effects, effects, told
from strata.commands.add.kinds import Addition, Kind, additions, questions
from strata.commands.add.questions import gather
from strata.config.entries import with_entry
from strata.errors import ConfigurationError, Message, StrataError
from strata.files.config_edit import check_unchanged, diff, loaded, offer, replace, texts
from strata.landing_zone import LandingZone
from strata.load import load
from strata.options import Options
from strata.outputs import error_facts, output
from strata.printing import document, line
from strata.rules.expectations import AS_EXPECTED, newly_unmet
from strata.rules.warnings import found_warnings
from strata.text import listed


def run(options: Options, *, kind: Kind, given: Mapping[str, Any], json: bool, dry_run: bool, yes: bool) -> int:
    """Gathers the answers, shows the entry and its effects, asks, and writes it."""
    folder = options.config
    before = texts(folder)
    landing_zone = load(folder)
    known = gather(questions(kind, landing_zone, folder), given)
    files = _added(before, additions(kind, landing_zone, known))
    check_unchanged(folder, before)
    try:
        after = loaded(folder, {**before, **files}, folder)
    except ConfigurationError as error:
        if json:
            document(output("add", error_facts(error)))
            error.printed = True
            raise
        print(line(Message("refused-by-check", "nothing was changed; with the new entry:")), file=sys.stderr)
        raise
    found = effects(kind, landing_zone, after, known)
    warned = _warnings(landing_zone)
    new_warnings = [message for text, message in _warnings(after).items() if text not in warned]
    unmet = list(newly_unmet(landing_zone, after))
    if unmet and not dry_run:
        text = f"nothing was changed, since strata check refuses it; {AS_EXPECTED}"
        whole = (message.saying(f"{folder}/{message}", place=f"{folder}/{message.place}") for message in unmet)
        raise StrataError(*whole, Message("refused-by-check", text))
    new_warnings += unmet
    new_warnings += _over(known.get("until"), listed(sorted(files)))
    if json:
        facts = _as_json(kind, known, options, files, found, new_warnings, written=yes and not dry_run)
        if yes and not dry_run:
            replace(folder, before, files)
        document(output("add", facts))
        return 0
    words = [*told(kind, after, known, found), *(f"warning: {folder}/{message}" for message in new_warnings)]
    where = listed([str(folder / name) for name in sorted(files)])
    return offer(options, before, files, where, dry_run=dry_run, yes=yes, told=words)


def _added(before: Mapping[str, str], entries: list[Addition]) -> dict[str, str]:
    files: dict[str, str] = {}
    for addition in entries:
        files[addition.file] = with_entry(
            files.get(addition.file, before[addition.file]), addition.way, addition.new, addition.file
        )
    return files


def _warnings(zone: LandingZone) -> dict[str, Message]:
    """Returns warnings by their texts without their lines, which an entry further up moves."""
    return {
        warning.told: warning.text.saying(str(warning), place=f"{warning.source}: {warning.path}")
        for warning in found_warnings(zone)
    }


def _over(until: str | None, file: str) -> list[Message]:
    """Returns a warning of a last day that is over: access is given all the same."""
    if not until or until >= dt.datetime.now().astimezone().date().isoformat():
        return []
    text = f"{file}: until: {until} is over, and access is given until strata expire takes it out; correct the day"
    return [Message("last-day-over", text, place=f"{file}: until", kind="assignment", until=until)]


def _as_json(
    kind: Kind,
    known: Mapping[str, Any],
    options: Options,
    files: Mapping[str, str],
    found: Effects,
    doubts: list[Message],
    *,
    written: bool,
) -> dict[str, Any]:
    return {
        "kind": kind,
        "key": known.get("key"),
        "files": [str(options.config / name) for name in sorted(files)],
        "written": written,
        "diff": list(diff(options.config, files)),
        **found,
        "warnings": doubts,
    }
