"""`strata expire`: takes assignments whose last day is over out of sso.yaml."""

from __future__ import annotations

from strata.commands.edit import Edit
from strata.config.entries import without_places
from strata.config.source import Location
from strata.landing_zone.expiry import day_of, ending_text, expired
from strata.options import Options


def run(options: Options, *, as_of: str, dry_run: bool, yes: bool) -> int:
    """Shows the entries that have expired, asks, and writes the files without them."""
    day = day_of(as_of)
    edit = Edit(options, dry_run=dry_run, yes=yes)
    over = expired(edit.landing_zone, day)
    if not over:
        options.note(f"nothing to do: no assignment has expired on {day}")
        return 0
    places: dict[str, list[Location]] = {}
    for ending in over:
        options.note(f"{options.config / ending.file}:{ending.line}: {ending_text(ending, day)}")
        places.setdefault(ending.file, []).append(("assignments", ending.position))
    files = {file: without_places(edit.texts[file], gone, file) for file, gone in places.items()}
    return edit.offer(files, then=f"strata deploy sso{options.config_words}; until then everybody keeps the access")
