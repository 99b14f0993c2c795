"""`strata expire`: removes expired assignments from sso.yaml, and changes no other byte."""

from __future__ import annotations

from strata.config.entries import without_places
from strata.errors import Message, StrataError
from strata.evaluation.administrators import administrators
from strata.files.config_edit import check_unchanged, offer, result, texts
from strata.landing_zone import LandingZone
from strata.landing_zone.expiry import day_of, ending_text, expired
from strata.load import load
from strata.options import Options
from strata.text import listed


def run(options: Options, *, as_of: str, dry_run: bool, yes: bool) -> int:
    """Shows the expired entries, asks, and writes sso.yaml without them."""
    day, folder = day_of(as_of), options.config
    before, landing_zone = texts(options.config), load(folder)
    gone = expired(landing_zone, day)
    if not gone:
        options.note(f"nothing to do: no assignment has expired on {day}")
        return 0
    check_unchanged(folder, before)
    by_file = {name: [ending.position for ending in gone if ending.file == name] for name in before}
    changed = {
        name: without_places(before[name], [("assignments", entry) for entry in entries], name)
        for name, entries in by_file.items()
        if entries
    }
    files, where = before | changed, listed([str(folder / name) for name in changed])
    lines = listed([f"{folder / ending.file}:{ending.line}" for ending in gone])
    after = result(folder, files, f"without the entries that have expired ({lines})")
    _keep_an_administrator(landing_zone, after, where)
    for ending in gone:
        options.note(f"{folder / ending.file}:{ending.line}: {ending_text(ending, day)}")
    then = f"next: strata deploy sso{options.config_words}; until then everybody keeps the access"
    return offer(options, before, changed, where, dry_run=dry_run, yes=yes, then=then)


def _keep_an_administrator(before: LandingZone, after: LandingZone, where: str) -> None:
    """Refuses to remove the last full access to the management account, which only its root user could restore."""
    if administrators(before).are_lost(administrators(after)):
        text = (
            f"nothing was changed; without the entries of {where} that have expired nobody has administrator access "
            "to the management account; give somebody an assignment that does not expire, then run this again"
        )
        raise StrataError(Message("last-admin-lost", text, place=where))
