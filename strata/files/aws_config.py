"""The block of profiles that Strata keeps in an AWS CLI config file: replaced as a whole, everything else as it was.

Which profiles those are is decided in `strata.commands.profiles`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Literal

from strata import atomic
from strata.atomic import bare, end_of, split_lines
from strata.errors import Fault, Message, StrataError

Kind = Literal["profile", "sso-session"]


@dataclass(frozen=True)
class Section:
    """A section of the file: a profile, or the sign-in that profiles share."""

    kind: Kind
    name: str
    settings: tuple[tuple[str, str], ...]

    def lines(self) -> list[str]:
        """Returns its lines, with an empty one ahead."""
        return ["", f"[{self.kind} {self.name}]", *(f"{key} = {value}" for key, value in self.settings)]


@dataclass(frozen=True)
class Update:
    """The new text of a file, its difference from the old, and the profiles of the old block."""

    text: str
    diff: tuple[str, ...]
    profiles_before: frozenset[str]

    @property
    def current(self) -> bool:
        """Says whether there is nothing to write."""
        return not self.diff


class UnusableFileError(StrataError):
    """Everything in a file that speaks against writing to it."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        Exception.__init__(self, "\n".join(map(str, self.faults)))


def update(file: str, text: str, owner: str, sections: Sequence[Section]) -> Update:
    """Returns the file with the owner's block made, replaced or, if there is no section, removed.

    Raises:
        UnusableFileError: a block is damaged or was edited, a name is taken, or the AWS CLI cannot read the file.
    """
    lines = split_lines(text)
    own = _own_block(file, lines, owner)
    faults = [*_strays(file, lines, own), *_taken(file, lines, own, sections)]
    body = [bare(line) for line in lines[own.first + 1 : own.last]]
    if own.last >= own.first and own.checksum != _checksum(body):
        problem = Message("block-edited", f"the block of {owner!r} was edited by hand, or by another tool", block=owner)
        remedy = f"move what you changed to below line {own.last + 1}, remove the block, and run this again"
        faults.append(Fault(file, own.first + 1, "", problem, remedy))
    if faults := faults or list(_unreadable(file, text)):
        raise UnusableFileError(faults)
    ending = end_of(lines[0]) if lines and end_of(lines[0]) else "\n"
    block = block_lines(owner, sections) if sections else []
    before, old, after = lines[: own.first], lines[own.first : own.last + 1], lines[own.last + 1 :]
    if [bare(line) for line in old] == block:
        return Update(text, (), _profiles(old))
    if before and not old:  # an empty line separates a new block from the end of the file
        before += ([] if end_of(before[-1]) else [ending]) + ([ending] if before[-1].strip() else [])
    new = [f"{line}{ending}" for line in block]
    if new and old:
        new[-1] = block[-1] + end_of(old[-1])
    diff = _diff(file, [bare(line) for line in old], block, own.first, len(before))
    return Update("".join([*before, *new, *after]), tuple(diff), _profiles(old))


def block_lines(owner: str, sections: Sequence[Section]) -> list[str]:
    """Returns a block with its markers; the first carries a checksum of what is between them."""
    body = ["# Written by `strata profiles`, which replaces it: do not edit, your own profiles go outside."]
    for section in sections:
        body += section.lines()
    return [f"# >>> strata {owner} >>> {_checksum(body)}", *body, f"# <<< strata {owner} <<<"]


def _checksum(body: Sequence[str]) -> str:
    from hashlib import sha256

    return sha256("\n".join(body).encode("utf-8", "surrogateescape")).hexdigest()[:16]


# Finding the block

_BEGIN = re.compile(r"\s*#\s*>>>\s*strata\s+(?P<owner>\S+)\s+>>>(?:\s+(?P<checksum>\S+))?\s*")
_END = re.compile(r"\s*#\s*<<<\s*strata\s+(?P<owner>\S+)\s+<<<\s*")
_HEADER = re.compile(r"\s*\[(?P<header>.+)\]")


@dataclass(frozen=True)
class _Block:
    """Where a block is, from its first marker to its last; empty at the end of a file that has none."""

    owner: str
    first: int
    last: int
    checksum: str = ""

    def __contains__(self, index: int) -> bool:
        return self.first <= index <= self.last


def _own_block(file: str, lines: Sequence[str], owner: str) -> _Block:
    blocks: dict[str, _Block] = {}
    faults: list[Fault] = []
    begun: _Block | None = None

    def refuse(index: int, problem: Message) -> None:
        remedy = "remove what is left of the block, or restore a backup, and run this again"
        faults.append(Fault(file, index + 1, "", problem, remedy))

    for index, line in enumerate(lines):
        if begin := _BEGIN.fullmatch(line):
            name = begin["owner"]
            if begun:
                inside = f"a block of {name!r} begins inside the one of {begun.owner!r} of line {begun.first + 1}"
                refuse(index, Message("block-nested", inside, block=name))
            if name in blocks:
                second = f"this is the second block of {name!r}, line {blocks[name].first + 1} has the first"
                refuse(index, Message("block-twice", second, block=name))
            begun = _Block(name, index, index, begin["checksum"] or "")
        elif end := _END.fullmatch(line):
            name = end["owner"]
            if begun and begun.owner == name:
                blocks[name] = _Block(name, begun.first, index, begun.checksum)
            else:
                ends = f"a block of {name!r} ends here without a beginning"
                refuse(index, Message("block-without-beginning", ends, block=name))
            begun = None
    if begun:
        open_ended = f"the block of {begun.owner!r} that begins here has no end"
        refuse(begun.first, Message("block-without-end", open_ended, block=begun.owner))
    if faults:
        raise UnusableFileError(faults)
    return blocks.get(owner) or _Block(owner, len(lines), len(lines) - 1)


def _strays(file: str, lines: Sequence[str], own: _Block) -> Iterator[Fault]:
    """Yields the fault of a line after the block that AWS reads as part of the block's last section."""
    for index in range(max(own.first, own.last + 1), len(lines)):
        line = lines[index]
        if line.strip() and not line.lstrip().startswith(("#", ";")):
            if not line.startswith("["):
                problem = f"the AWS CLI reads this line as part of the block of {own.owner!r} above it"
                message = Message("line-after-block", problem, block=own.owner)
                yield Fault(file, index + 1, "", message, "begin a section of your own, or move the line into one")
            return


def _taken(file: str, lines: Sequence[str], own: _Block, sections: Sequence[Section]) -> Iterator[Fault]:
    wanted = {(section.kind, section.name) for section in sections}
    for index, line in enumerate(lines):
        section = _section_of(line)
        if section in wanted and index not in own:
            kind, name = section
            problem = f"[{kind} {name}] exists already, outside of the block of {own.owner!r}"
            message = Message("name-taken", problem, kind=kind, name=name)
            yield Fault(file, index + 1, "", message, "remove this section, or give it another name")


def _section_of(line: str) -> tuple[Kind, str] | None:
    """Returns the profile or sign-in that a line opens, by the rules of the AWS SDK."""
    import shlex

    header = _HEADER.match(line)
    if not header:
        return None
    try:
        _, *name = shlex.split(header["header"])
    except ValueError:
        return None
    kinds: tuple[Kind, ...] = ("profile", "sso-session")
    kind = next((kind for kind in kinds if header["header"].startswith(kind)), None)
    return (kind, name[0]) if kind and len(name) == 1 else None


def _profiles(lines: Sequence[str]) -> frozenset[str]:
    return frozenset(name for kind, name in filter(None, map(_section_of, lines)) if kind == "profile")


def _unreadable(file: str, text: str) -> Iterator[Fault]:
    """Yields the fault of a file that the AWS CLI refuses as a whole, whatever is added to it."""
    import configparser
    import io

    remedy = "correct the file first; `aws configure list` shows when the AWS CLI can read it"
    if match := re.search(r"[\0\ud800-\udfff]", text):  # what is not UTF-8 was read as halves of surrogate pairs
        not_utf8 = Message("not-utf8", "is not UTF-8 text")
        yield Fault(file, len(split_lines(text[: match.end()])), "", not_utf8, remedy)
        return
    try:
        configparser.RawConfigParser().read_file(io.StringIO(text, newline=None))
    except configparser.Error as error:
        line = getattr(error, "lineno", None) or next(iter(getattr(error, "errors", ())), (1,))[0]
        problem = f"the AWS CLI cannot read this line ({type(error).__name__})"
        yield Fault(file, line, "", Message("line-unreadable", problem, error=type(error).__name__), remedy)


def _diff(file: str, old: Sequence[str], new: Sequence[str], old_start: int, new_start: int) -> Iterator[str]:
    """Yields the unified diff of the block alone: what is around it may be secret."""
    import difflib

    for line in difflib.unified_diff(old, new, file, file, lineterm=""):
        if hunk := re.fullmatch(r"@@ -(\d+)(\S*) \+(\d+)(\S*) @@", line):
            yield f"@@ -{int(hunk[1]) + old_start}{hunk[2]} +{int(hunk[3]) + new_start}{hunk[4]} @@"
        else:
            yield line


# The file


def read(path: Path) -> str | None:
    """Returns the file's text, None if there is no file; bytes that are not UTF-8 survive `write`.

    Raises:
        StrataError: it cannot be read.
    """
    try:
        content = atomic.current(path)
    except atomic.UnreadableError as error:
        text = f"{path} {error.problem}; give another with --file"
        raise StrataError(error.problem.saying(text, place=str(path))) from error
    except NotADirectoryError as error:
        text = f"{path} cannot be read: {error.strerror}; give another with --file"
        raise StrataError(Message("file-unreadable", text, place=str(path))) from error
    return None if content is None else content.decode("utf-8", "surrogateescape")


def write(path: Path, old: str | None, new: str, now: datetime) -> Path | None:
    """Puts the new text in the place of the old in one step; returns the backup of the old, None if there was none.

    Raises:
        StrataError: it cannot be written, or is not `old` any more. The file is as it was.
    """
    target = atomic.target(path)
    with atomic.cannot("written", path):
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with atomic.locked(target.parent):
        if read(path) != old:
            text = f"{path} was changed by somebody else meanwhile; run this again"
            raise StrataError(Message("changed-meanwhile", text, place=str(path)))
        with atomic.cannot("written", path):
            backup = None
            if old is not None:
                begin = f"{target.name}.{now:%Y%m%dT%H%M%SZ}"
                names = (f"{begin}{f'-{number}' if number else ''}.bak" for number in count())
                backup = next(path for path in map(target.with_name, names) if not path.exists())
                atomic.put(backup, old.encode("utf-8", "surrogateescape"), like=target)
            atomic.put(target, new.encode("utf-8", "surrogateescape"), like=target)
    return backup
