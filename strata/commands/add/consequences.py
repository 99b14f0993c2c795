"""What an edit means for the whole: what `strata check` refuses or warns of then, and did not before."""

from __future__ import annotations

from pathlib import Path

from strata.config import PROJECT
from strata.errors import Message, StrataError
from strata.landing_zone import LandingZone
from strata.rules.expectations import AS_EXPECTED, newly_unmet
from strata.rules.warnings import found_warnings


def consequences(folder: Path, before: LandingZone, after: LandingZone, *, dry_run: bool) -> list[Message]:
    """Returns the warnings that are new, and what breaks expectations where nothing is written.

    Raises:
        StrataError: it breaks expectations.
    """
    warned = {warning.told for warning in found_warnings(before)}  # without lines, which an entry above moves
    warnings = [
        warning.text.saying(str(warning), place=f"{warning.source}: {warning.path}")
        for warning in {warning.told: warning for warning in found_warnings(after)}.values()
        if warning.told not in warned
    ]
    loaded_from = str(Path(after.source_files[PROJECT].file).parent)  # a temporary folder, which the reader has not
    unmet = [
        message.saying(message.replace(loaded_from, str(folder)), place=message.place)
        for message in newly_unmet(before, after)
    ]
    if unmet and not dry_run:
        text = f"nothing was changed, since strata check refuses it; {AS_EXPECTED}"
        whole = (message.saying(f"{folder}/{message}", place=f"{folder}/{message.place}") for message in unmet)
        raise StrataError(*whole, Message("refused-by-check", text))
    return [*warnings, *unmet]
