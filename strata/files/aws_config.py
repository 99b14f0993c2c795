"""The block of profiles that Strata keeps in the AWS CLI's file: written whole, everything around it as it was.

`strata.commands.profiles` decides which profiles those are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from strata import atomic
from strata.errors import Fault, Message, StrataError


@dataclass(frozen=True)
class Parts:
    """A file, cut where the block is: an absent block is empty, at the end."""

    before: str
    block: str
    after: str


def read(path: Path) -> str | None:
    """Returns the text of the file, None if there is no file.

    Raises:
        StrataError: it cannot be read.
    """
    try:
        return atomic.read_text(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def parts(file: str, text: str, owner: str) -> Parts:
    """Finds the block of an owner.

    Raises:
        StrataError: the block is damaged.
    """
    lines = atomic.split_lines(text)
    begins = [number for number, line in enumerate(lines) if line.strip().startswith(_begin(owner))]
    ends = [number for number, line in enumerate(lines) if line.strip() == _end(owner)]
    if not begins and not ends:
        return Parts(text, "", "")
    second = [*begins[1:], *ends[1:]]
    if second:
        problem = Message("block-twice", f"this is a second mark of the block of {owner!r}", block=owner)
        raise StrataError(_fault(file, min(second), problem, _REPAIR))
    if not begins or not ends or begins > ends:
        problem = Message("block-damaged", f"the block of {owner!r} lacks its other mark here", block=owner)
        raise StrataError(_fault(file, min(begins + ends), problem, _REPAIR))
    first, behind = begins[0], ends[0] + 1
    return Parts("".join(lines[:first]), "".join(lines[first:behind]), "".join(lines[behind:]))


_REPAIR = "remove what is left of the block with its marks, and run this again"


def block(owner: str, sections: Mapping[str, Mapping[str, str]]) -> str:
    """Returns the block with its marks; a section is named by its header, as `profile ac-dev-admin`."""
    lines = [_begin(owner), "# Written by `strata profiles`, which replaces it: your own profiles go outside."]
    for header, settings in sections.items():
        lines += ["", f"[{header}]"]
        lines += [f"{name} = {value}" for name, value in settings.items()]
    lines.append(_end(owner))
    return "".join(f"{line}\n" for line in lines)


def _begin(owner: str) -> str:
    return f"# >>> strata {owner} >>>"


def _end(owner: str) -> str:
    return f"# <<< strata {owner} <<<"


def replaced(file: str, old: Parts, block: str) -> str:
    """Returns the file with another block.

    Raises:
        StrataError: a section of the block stands outside of it as well.
    """
    ours = {header for _, header in _headers(block)}
    start_of_after = len(atomic.split_lines(old.before + old.block))
    outside = [*_headers(old.before), *((start_of_after + number, header) for number, header in _headers(old.after))]
    taken = [(number, header) for number, header in outside if header in ours]
    if taken:
        raise StrataError(*(_taken(file, number, header) for number, header in taken))
    before = old.before
    if before and not old.block:
        before = f"{before}\n" if before.endswith(("\n", "\r")) else f"{before}\n\n"
    return before + block + old.after


def has_profile(text: str, name: str) -> bool:
    """Says whether a text has the section of a profile."""
    return f"profile {name}" in {header for _, header in _headers(text)}


_HEADER = re.compile(r"""\s*\[\s*(profile|sso-session)\s+(["']?)(?P<name>[^\]]+?)\2\s*\]""")


def _headers(text: str) -> Iterator[tuple[int, str]]:
    """Yields the index of each line that opens a profile or a sign-in, and its header without quotes."""
    for number, line in enumerate(atomic.split_lines(text)):
        header = _HEADER.match(line)
        if header:
            yield number, f"{header[1]} {header['name']}"


def _taken(file: str, number: int, header: str) -> Message:
    problem = Message("name-taken", f"[{header}] exists already, outside of the block", kind="section", name=header)
    return _fault(file, number, problem, "remove this section, or give it another name")


def _fault(file: str, number: int, problem: Message, remedy: str) -> Message:
    return Fault(file, number + 1, "", problem, remedy).message


def write(path: Path, old: str | None, new: str) -> None:
    """Puts the new text in the place of the old in one step, readable for its owner alone.

    Raises:
        StrataError: it cannot be written, or is not `old` any more.
    """
    folder = atomic.target(path).parent
    with atomic.cannot("made", folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    before = None if old is None else old.encode()
    atomic.write({path: new.encode()}, instead_of={path: before}, private=True)
