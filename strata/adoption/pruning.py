"""Which lines of imports.yaml have done their work, and for which AWS has nothing any more."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from strata.adoption.live_ids import OF_THE_CENTER, TYPES, live_ids
from strata.config import IMPORTS
from strata.config.source import SourceFile, parse
from strata.errors import Message, StrataError
from strata.kinds.at_aws import Inventory
from strata.kinds.organization import ROOT_ACCESS
from strata.kinds.setting import SETTING

SETTINGS = frozenset({ROOT_ACCESS.type, *(resource.type for resource in SETTING.resources)})
"""The others that it writes, of settings that every account has. A line of any other type stays: it keeps tags."""


def made(lines: Iterable[str], recorded: Collection[str]) -> list[str]:
    """Returns the addresses of the lines that have done their work: states have them, and the line keeps no tags."""
    return [address for address in lines if kind(address) in TYPES | SETTINGS and address in recorded]


def lines_of(text: str) -> dict[str, str]:
    """Returns the import ids of imports.yaml by address.

    Raises:
        StrataError: it cannot be read.
    """
    source_file = SourceFile(IMPORTS)
    parse(text, source_file)
    if source_file.faults:
        raise StrataError(Message("file-has-faults", f"{IMPORTS} has faults; strata check names them", place=IMPORTS))
    return {str(address): id for address, id in source_file.data.items() if isinstance(id, str)}


def kind(address: str) -> str:
    """Returns the type in an address."""
    return address.partition(".")[0]


def gone(lines: Mapping[str, str], inventory: Inventory) -> list[str]:
    """Returns the addresses of the lines whose thing AWS does not have; nothing is said of types that were not read."""
    there = live_ids(inventory)
    known = TYPES if inventory.center else TYPES - OF_THE_CENTER
    return [
        address
        for address, id in lines.items()
        if kind(address) in known and (kind(address), id.partition("@")[0]) not in there
    ]
