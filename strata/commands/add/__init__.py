"""`strata add`: writes an entry into the configuration, after it showed what the entry binds and gives."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from strata.commands.add.consequences import consequences
from strata.commands.add.effects import effects, told
from strata.commands.add.kinds import Kind, additions, questions
from strata.commands.add.questions import gather
from strata.config.entries import with_entry
from strata.errors import ConfigurationError, Message
from strata.files.config_edit import check_unchanged, diff, offer, result, schema_line, texts
from strata.files.replacing import replace
from strata.load import load
from strata.options import Options
from strata.outputs import error_facts, output
from strata.printing import document
from strata.text import listed


def run(options: Options, *, kind: Kind, given: Mapping[str, Any], json: bool, dry_run: bool, yes: bool) -> int:
    """Gathers the answers, shows the entry and its effects, asks, and writes it."""
    folder = options.config
    before = texts(options.config)
    landing_zone = load(folder)
    known = gather(questions(kind, landing_zone, folder), given)
    files: dict[str, str] = {}
    for new in additions(kind, landing_zone, known):
        text = files.get(new.file) or before.get(new.file) or _begun(before, new.file)
        files[new.file] = with_entry(text, new.way, new.new, new.file)
    check_unchanged(folder, before)
    try:
        after = result(folder, {**before, **files}, "with the new entry", quiet=json)
    except ConfigurationError as error:
        if json:
            document(output("add", error_facts(error)))
            error.printed = True
        raise
    shown = effects(kind, landing_zone, after, known)
    new_warnings = consequences(folder, landing_zone, after, dry_run=dry_run)
    until, names = known.get("until"), sorted(files)
    if until and until < dt.datetime.now().astimezone().date().isoformat():
        over = f"until: {until} is over, and access is given until strata expire takes it out; correct the day"
        place, data = f"{listed(names)}: until", {"kind": "assignment", "until": until}
        new_warnings.append(Message("last-day-over", f"{listed(names)}: {over}", place=place, **data))
    if json:
        facts = {
            "kind": kind,
            "key": known.get("key"),
            "files": [str(folder / name) for name in names],
            "written": yes and not dry_run,
            "diff": list(diff(folder, files)),
            **shown,
            "warnings": new_warnings,
        }
        if yes and not dry_run:
            replace(folder, before, files)
        document(output("add", facts))
        return 0
    words = [*told(kind, after, known, shown), *(f"warning: {folder}/{message}" for message in new_warnings)]
    where = listed([str(folder / name) for name in names])
    return offer(options, before, files, where, dry_run=dry_run, yes=yes, told=words)


def _begun(before: Mapping[str, str], file: str) -> str:
    """Returns the text of a file that is not there yet."""
    schema = schema_line(before, Path(file).stem)
    return f"{schema}\n\n" if schema else ""
