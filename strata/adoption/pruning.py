"""Which lines of imports.yaml have done their work, and for which AWS has nothing any more."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import yaml

from strata.adoption.live_ids import OF_THE_CENTER, TYPES, live_ids
from strata.config import IMPORTS
from strata.config.source import SAFE_LOADER, SourceFile, parse
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
    data = _data(text)
    if data is None:
        raise StrataError(Message("file-has-faults", f"{IMPORTS} has faults; strata check names them", place=IMPORTS))
    return {str(address): id for address, id in data.items() if isinstance(id, str)}


def kind(address: str) -> str:
    """Returns the type in an address."""
    return address.partition(".")[0]


# What is at AWS


def gone(lines: Mapping[str, str], inventory: Inventory) -> list[str]:
    """Returns the addresses of the lines whose thing AWS does not have; nothing is said of types that were not read."""
    there = live_ids(inventory)
    known = TYPES if inventory.center else TYPES - OF_THE_CENTER
    return [
        address
        for address, id in lines.items()
        if kind(address) in known and (kind(address), id.partition("@")[0]) not in there
    ]


# The text


def without(text: str, addresses: Collection[str]) -> str:
    """Returns the text of imports.yaml without some of its lines; comments and the order of the others stay.

    Raises:
        StrataError: the lines hold something else as well, or something else refers to them.
    """
    lines = text.splitlines(keepends=True)
    for key, value in reversed(_entries(text)):
        if key.value in addresses:
            del lines[key.start_mark.line : value.end_mark.line + (1 if value.end_mark.column else 0)]
    result = "".join(lines)
    before, after = (_data(one) for one in (text, result))
    if before is None or (after or {}) != {key: id for key, id in before.items() if key not in addresses}:
        text = f"{IMPORTS} is written in a way that cannot be edited; take these lines out by hand:"
        by_hand = (Message("take-out-by-hand", address, place=address) for address in sorted(addresses))
        raise StrataError(Message("not-editable", text, place=IMPORTS), *by_hand)
    return result


def _entries(text: str) -> Sequence[tuple[yaml.ScalarNode, yaml.ScalarNode]]:
    top = yaml.compose(text, Loader=SAFE_LOADER)
    return top.value if isinstance(top, yaml.MappingNode) and not top.flow_style else ()


def _data(text: str) -> Mapping[str, object] | None:
    """Returns what the file says, None where it cannot be read."""
    source_file = SourceFile(IMPORTS)
    parse(text, source_file)
    data = source_file.data or {}
    return None if source_file.faults or not isinstance(data, Mapping) else data
