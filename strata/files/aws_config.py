"""The block of profiles that Strata keeps in the AWS CLI's file: written whole, everything around it as it was.

`strata.commands.profiles` decides which profiles those are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from strata import atomic
from strata.errors import Fault, Message, StrataError


def read(path: Path) -> str | None:
    """Returns the text of the file, None if there is no file.

    Raises:
        StrataError: it cannot be read.
    """
    try:
        return atomic.read_text(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def block(owner: str, sections: Mapping[str, Mapping[str, str]]) -> str:
    """Returns the block with its marks; a section is named by its header, as `profile ac-dev-admin`."""
    lines = [_begin(owner), "# Written by `strata profiles`, which replaces it: your own profiles go outside."]
    for header, settings in sections.items():
        lines += ["", f"[{header}]"]
        lines += [f"{name} = {value}" for name, value in settings.items()]
    lines.append(_end(owner))
    return "".join(f"{line}\n" for line in lines)


def replaced(file: str, text: str, owner: str, block: str) -> str:
    """Returns the file with the block in place of the old one, at the end where there was none.

    Raises:
        StrataError: the old block is damaged, or a section of the block stands outside of it as well.
    """
    lines = _lines(text)
    first, behind = _old_block(file, lines, owner)
    ours = {header for _, header in _headers(_lines(block))}
    taken = [
        _fault(file, number, Message("name-taken", f"[{header}] exists already, outside of the block", name=header))
        for number, header in _headers(lines)
        if header in ours and not first <= number < behind
    ]
    if taken:
        raise StrataError(*taken)
    before = "".join(lines[:first])
    if before and first == behind:
        before = f"{before}\n" if before.endswith(("\n", "\r")) else f"{before}\n\n"
    return before + block + "".join(lines[behind:])


def _old_block(file: str, lines: list[str], owner: str) -> tuple[int, int]:
    """Returns the lines from the first mark to behind the last, the end of the file twice where there are none."""
    begins = [number for number, line in enumerate(lines) if line.strip().startswith(_begin(owner))]
    ends = [number for number, line in enumerate(lines) if line.strip() == _end(owner)]
    if not begins and not ends:
        return len(lines), len(lines)
    if len(begins) == 1 and len(ends) == 1 and begins < ends:
        return begins[0], ends[0] + 1
    problem = Message("block-damaged", f"the block of {owner!r} has not one mark above and one below", block=owner)
    raise StrataError(_fault(file, min(begins + ends), problem, "remove the block with its marks, and run this again"))


def _begin(owner: str) -> str:
    return f"# >>> strata {owner} >>>"


def _end(owner: str) -> str:
    return f"# <<< strata {owner} <<<"


def has_profile(text: str, name: str) -> bool:
    """Says whether a text has the section of a profile."""
    return f"profile {name}" in {header for _, header in _headers(_lines(text))}


_HEADER = re.compile(r"""\s*\[\s*(profile|sso-session)\s+(["']?)(?P<name>[^\]]+?)\2\s*\]""")


def _headers(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Yields the index of each line that opens a profile or a sign-in, and its header without quotes."""
    for number, line in enumerate(lines):
        header = _HEADER.match(line)
        if header:
            yield number, f"{header[1]} {header['name']}"


def _fault(
    file: str, number: int, problem: Message, remedy: str = "remove this section, or give it another name"
) -> Message:
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


def _lines(text: str) -> list[str]:
    """Returns the lines with their ends, split at line feeds and carriage returns and nowhere else."""
    return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text)
