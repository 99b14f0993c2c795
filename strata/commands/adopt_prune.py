"""`strata adopt --prune`: takes lines out of imports.yaml that have done their work, or that nothing is left for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from strata.adoption.live_ids import TYPES
from strata.adoption.pruning import gone, kind, lines_of, made
from strata.aws.prerequisites import management_caller
from strata.aws.session import connect
from strata.aws.states import read_states
from strata.config import IMPORTS
from strata.config.entries import without
from strata.errors import ConfigurationError, Message, StrataError
from strata.files.config_edit import check_unchanged, loaded, offer, texts
from strata.inventory.pace import Pace
from strata.inventory.reading import read
from strata.kinds import addresses
from strata.landing_zone import LandingZone
from strata.options import Options
from strata.sides.recorded import parted
from strata.sides.states import ids
from strata.text import counted, listed, plural


def run(options: Options, *, dry_run: bool, yes: bool) -> int:
    """Shows what goes and why, asks, and writes imports.yaml.

    Raises:
        StrataError: imports.yaml cannot be edited, or the configuration has faults without the lines.
    """
    folder = options.config
    before = texts(options.config)
    lines = lines_of(before.get(IMPORTS, ""))
    if not lines:
        options.note(Message("nothing-to-do", f"nothing to do: {IMPORTS} has no lines", lines=0))
        return 0
    landing_zone = loaded(folder, {**before, IMPORTS: "{}\n"}, folder)
    going = _going(options, landing_zone, lines)
    if not going:
        stay = f"{counted(len(lines), 'line')} of {IMPORTS} {plural(len(lines), 'stays', 'stay')}"
        options.note(Message("nothing-to-do", f"nothing to do: {stay}", lines=len(lines)))
        return 0
    files = {IMPORTS: without(before[IMPORTS], going, IMPORTS)}
    try:
        loaded(folder, {**before, **files}, folder)
    except ConfigurationError as error:
        refused = Message("refused-by-check", "nothing was changed; without the lines that can go:")
        faults = (fault.message for fault in error.faults)
        raise StrataError(refused, *faults) from error
    check_unchanged(folder, before)
    return offer(options, before, files, str(folder / IMPORTS), dry_run=dry_run, yes=yes)


def _going(options: Options, landing_zone: LandingZone, lines: Mapping[str, str]) -> set[str]:
    """Returns the addresses of the lines that go, and says why these go and others stay."""
    aws, project = connect(options, landing_zone.project), landing_zone.project
    management_caller(aws, project)
    held = ids(parted(read_states(aws, project), landing_zone)[0])
    created = frozenset[str]().union(*addresses(landing_zone).values())
    undeclared = [address for address in lines if address not in created]
    done = made((address for address in lines if address in created), held)
    left = {address: id for address, id in lines.items() if address in created and address not in held}
    absent = []
    if any(kind(address) in TYPES for address in left):
        options.note("reading the organization and Identity Center, for lines that no state has made yet")
        absent = gone(left, read(replace(aws, before_send=Pace().wait), project))
    _say(options, "import-made", done, "goes: its import is made", "go: their imports are made")
    for address in undeclared:
        options.note(Message("no-stack-creates", f"{address} goes: no stack creates it", place=address))
    for address in absent:
        text = f"{address} goes: AWS has nothing with the id {lines[address]}; strata plan shows what follows"
        options.note(Message("gone-at-aws", text, place=address, id=lines[address]))
    waiting = [address for address in left if address not in absent]
    to_import = "stays: strata deploy has yet to import it", "stay: strata deploy has yet to import them"
    _say(options, "import-waits", waiting, *to_import)
    tagged = [address for address in lines if address in held and address in created and address not in done]
    keeping = "stays: it keeps the tags that are there", "stay: they keep the tags that are there"
    _say(options, "line-keeps-tags", tagged, *keeping)
    return {*undeclared, *done, *absent}


def _say(options: Options, case: str, addresses: Sequence[str], single: str, many: str) -> None:
    if addresses:
        text = f"{listed(addresses)} {plural(len(addresses), single, many)}"
        options.note(Message(case, text, addresses=list(addresses)))
