"""Makes text safe to print: a function for each destination, whatever the source of the text.

Data is unchanged until then. `guarded` comes after all of them, for text that no function made safe; at a terminal it
wraps lines and shows colours as well, for every command in the same way.
"""

from __future__ import annotations

import errno
import io
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from functools import partial
from typing import Any, TextIO, cast

LINE = 2_000
"""Characters of a line at a terminal; more than any message needs."""


def line(text: object, most: int = LINE) -> str:
    """Returns text as a line of a terminal: all of it can be seen, none is obeyed, the middle of much is cut."""
    seen = visible(_cut(str(text), most)).replace("\n", r"\n").replace("\t", r"\t")
    return _cut(seen, most)


def flat(text: object) -> str:
    """Returns all of a text as words of a table or a list, where line ends mean no more than blanks."""
    return _SPACE.sub(" ", visible(str(text)))


def visible(text: str) -> str:
    """Returns text with what a terminal obeys, or does not show, written out as in JSON; tabs and line ends stay."""
    if text.isascii():
        return _CONTROL.sub(lambda match: _escape(match[0]), text)
    return re.sub(_HIDDEN, lambda match: _escape(match[0]), text.translate(_SEEN))


def values_cut(text: str) -> str:
    """Returns a message in which no quoted value is so long that it hides the rest."""
    return _QUOTED.sub(
        lambda match: f"{match[0][:_BRIEF]}...{match[0][-1]}" if len(match[0]) > _LONG else match[0], text
    )


def path(text: str) -> str:
    """Returns the path of a key in a line, long keys shortened; in quotes where it could look like message text."""
    parts = re.split(r"([.\[])", text)
    short = "".join(part if len(part) <= _LONG else f"{part[:_BRIEF]}..." for part in parts)
    shown = line(short, 2 * _LONG)
    return repr(shown).replace(r"\\", "\\") if shown != short or re.search(r"[:;] ", shown) else shown


_LONG, _BRIEF = 100, 20
"""A value or key longer than the first is shortened to the second."""

_SPACE = re.compile(r"[\t\n]+")
_QUOTED = re.compile(r"""(?<!\w)(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")""")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_HIDDEN = (
    # Letters and marks that show nothing: joiners, fillers, selectors. A symbol may have that which selects its look.
    r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0d\uffa0\U000e0100-\U000e01ef]"
    r"|(?<![\xa9\xae\u203c-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff])[\ufe0e\ufe0f]"
)


class _Escaped(dict[int, str | int]):
    """Letters by their number, those that cannot be printed escaped; made as they come."""

    def __missing__(self, code: int) -> str | int:
        letter = chr(code)
        # Spaces of any width are no letters for Python, but can be seen.
        shown = letter.isprintable() or letter in "\n\t\xa0\u1680\u202f\u205f\u3000" or "\u2000" <= letter <= "\u200a"
        self[code] = code if shown else _escape(letter)
        return self[code]


_SEEN = _Escaped()


def _escape(letter: str) -> str:
    if letter == "\r":
        return r"\r"
    return f"\\u{ord(letter):04x}" if ord(letter) <= 0xFFFF else f"\\U{ord(letter):08x}"  # noqa: PLR2004


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    head = (most - 5) * 2 // 3
    return f"{text[:head]} ... {text[head + 5 - most :]}"


# Other destinations


def word(text: object) -> str:
    """Returns text as a word of a command to copy into a shell: as it is written, never run."""
    import shlex

    plain = str(text)
    if stays(plain):
        return shlex.quote(plain)
    octets = (
        chr(octet) if ord(" ") <= octet < ord("\x7f") and octet not in b"'\\#" else f"\\x{octet:02x}"
        for octet in os.fsencode(plain)
    )
    return f"$'{''.join(octets)}'"


_OTHERWISE = re.compile(r"[\n\t]|##\[")
"""What is visible, and printed otherwise all the same: by `line`, or by the guard."""


def stays(text: str) -> bool:
    """Says whether text is printed as it is within a line."""
    return text == visible(text) and not _OTHERWISE.search(text)


def markdown(text: str) -> str:
    """Returns text that Markdown of GitHub and GitLab shows as it is: no markup, HTML, mention, reference or link.

    An empty comment parts what they look for; it does not show, and is not copied with the text. GitLab's references:
    https://docs.gitlab.com/user/markdown/#gitlab-specific-references
    """
    indent = len(text) - len(text.lstrip("\xa0"))
    escaped = re.sub(r"([\\`*_{}\[\]<>|~#$])", r"\\\1", visible(" ".join(text.split())).replace("&", "&amp;"))
    escaped = re.sub(r"^(\d{1,9}(?=[.)]))?(?=[-+=.)])", r"\1\\", escaped, count=1)
    return "&nbsp;" * indent + _LINKED.sub(rf"\g<0>{_NOTHING}", escaped)


_NOTHING = "<!-- -->"
_LINKED = re.compile(
    r"""@|(?:\\[#$]|!|&amp;)(?=\d)|(?:\\~|%)(?=[\w"])|:(?=//)|(?<![^\W_])(?:gh(?=-\d)|www(?=\.))""", re.IGNORECASE
)


def as_json(data: Any) -> str:
    """Returns data as JSON in ASCII, for a script: every text is exactly what it was, and none commands a terminal."""
    import json

    return json.dumps(data, indent=2).replace("\x7f", r"\u007f")


# Looks at a terminal


class Style(Enum):
    """What a colour says, by the number that terminals know it by."""

    FAULT = 31
    WARNING = 33
    FINE = 32
    NEWS = 36
    TITLE = 1


def paint(text: str, style: Style) -> str:
    """Returns text that a terminal shows in colour and that is plain anywhere else; make it safe before.

    The guard of the stream decides, since of stdout and stderr either may be a terminal and the other a file.
    """
    return f"{_MARKS[style]}{text}{_PLAIN}"


def painted(text: str, style: Style | None, to: TextIO) -> str:
    """Returns text in colour for who writes to the stream behind the guard; make it safe before."""
    return f"\x1b[{style.value}m{text}\x1b[0m" if style and text and coloured(to) else text


# Letters that Unicode keeps free for programs, so that no text of others has them: `line` writes them out.
_MARKS = {style: chr(0xFDD0 + index) for index, style in enumerate(Style)}
_PLAIN = "\ufddf"
_CODES = {_PLAIN: "\x1b[0m", **{mark: f"\x1b[{style.value}m" for style, mark in _MARKS.items()}}
_MARK = re.compile(f"([{''.join(_CODES)}])")
_PAINTED = re.compile(f"([{''.join(_MARKS.values())}][^{''.join(_CODES)}]*{_PLAIN})")
_LEVEL = re.compile(r"(error|warning)(?=: )")
_LEVELS = {"error": Style.FAULT, "warning": Style.WARNING}


def columns(stream: TextIO) -> int | None:
    """Returns how wide a terminal is, None for what is none: a pipe and a file get lines as they are."""
    if not stream.isatty():
        return None
    with suppress(ValueError):
        if given := int(os.environ.get("COLUMNS", "")):
            return max(given, _NARROWEST)
    try:
        return max(os.get_terminal_size(stream.fileno()).columns or _USUAL, _NARROWEST)
    except (OSError, ValueError):
        return _USUAL


_NARROWEST, _USUAL = 20, 80


def coloured(stream: TextIO) -> bool:
    """Says whether a stream shows colours: a terminal, unless NO_COLOR, TERM=dumb or CI say otherwise.

    https://no-color.org
    """
    plain = os.environ.get("NO_COLOR") or os.environ.get("CI") or os.environ.get("TERM", "") in ("", "dumb")
    return stream.isatty() and not plain


def wrapped(text: str, width: int, hanging: int | None = None) -> list[str]:
    """Returns a line as lines of a terminal: parted at blanks only, so that names, ARNs and paths stay whole.

    What follows the first is indented by `hanging`, else more than that, or begins where the line's last column does.
    """
    if cell_count(text) <= width:
        return [text]
    if hanging is None:
        indent = len(text) - len(text.lstrip(" "))
        at = [gap.end() for gap in _GAP.finditer(text) if cell_count(text[: gap.end()]) <= width // 3]
        hanging = cell_count(text[: at[-1]]) if at else min(indent + 2, width // 3)
    return _parted(_WORD.findall(text), width, hanging)


def _parted(words: Iterable[tuple[str, str]], width: int, hanging: int) -> list[str]:
    """Returns words, each with the blanks before it, in lines."""
    lines, here = [], ""
    for blanks, word in words:
        if here.strip(" ") and cell_count(f"{here}{blanks}{word}") > width:
            lines.append(here)
            # A long word gives up its indent before it is parted at the end of the line.
            here = " " * min(hanging, max(width - cell_count(word), 0)) + word
        else:
            here += blanks + word
    return [*lines, here]


def words(text: str) -> list[str]:
    """Returns what `wrapped` keeps whole: words, commands in backquotes, a sign with the word that it is of."""
    return [word for _, word in _WORD.findall(text)]


_GAP = re.compile(r"(?<=\S) {2,}(?=\S)")
_WORD = re.compile(r"( *)((?:[-+!?] )?(?:`[^`\n]+`[^\s`]*|[^ ]+))")


def cell_count(text: str) -> int:
    """Returns how many columns of a terminal a text takes."""
    seen = text if text.isascii() else _MARK.sub("", text)
    if seen.isascii():
        return len(seen)
    from rich.cells import cell_len

    return cell_len(seen)


def ended_by_hand(stream: TextIO) -> None:
    """Notes that somebody ended the line of a terminal by an answer, which the stream does not see."""
    if isinstance(stream, _Guarded):
        stream.begin()


def document(text: str) -> None:
    """Prints to stdout, for another program, lines that stay as they are at a terminal as well; it may leave."""
    stream = sys.stdout
    with readers_may_leave():
        if isinstance(stream, _Guarded):
            stream.write_whole(f"{text}\n")
        else:
            print(text)


# What stands behind all of them


@contextmanager
def guarded() -> Iterator[None]:
    """Has stdout and stderr pass text that a terminal shows and that a GitHub runner takes for no command of ours.

    A letter that the locale has no code for is escaped, so that no output fails for it.
    """
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = guards = _guard(sys.stdout or _Closed()), _guard(sys.stderr or io.StringIO())
    try:
        yield
    finally:
        for guard in guards:
            with suppress(OSError, ValueError):
                cast("_Guarded", guard).show_held()
        sys.stdout, sys.stderr = before


@contextmanager
def readers_may_leave() -> Iterator[None]:
    """Lets a reader go away, as `| head` does, and the command go on: its exit code is an answer as well."""
    with suppress(BrokenPipeError):
        yield


def as_utf_8() -> None:
    """Has a document that is piped into a file be what `--output` writes, in whatever locale."""
    stream = unguarded(sys.stdout)
    if isinstance(stream, io.TextIOWrapper) and not stream.isatty():
        stream.reconfigure(encoding="utf-8")


def unguarded(stream: TextIO) -> TextIO:
    """Returns the stream behind the guard, for the control characters that are ours."""
    if isinstance(stream, _Guarded):
        stream.show_held()
        return stream.stream
    return stream


class _Closed(io.StringIO):
    """The stdout that a caller has closed, as by `>&-`: like a full disk, it takes nothing, and tells it at the end."""

    def flush(self) -> None:
        if self.getvalue():
            raise OSError(errno.EBADF, "stdout is closed")


def unwritten() -> OSError | None:
    """Returns why stdout did not take all that was printed, None where it did."""
    stream = sys.stdout
    try:
        stream.flush()
    except OSError as error:
        return error
    return stream.failure if isinstance(stream, _Guarded) else None


def _guard(stream: TextIO) -> TextIO:
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return stream if isinstance(stream, _Guarded) else cast("TextIO", _Guarded(stream))


class _Guarded:
    """A stream whose lines are visible and begin with no command of a GitHub runner.

    The runner looks for `::` at the start of a line, blanks left out, and for `##[` anywhere in it
    (https://github.com/actions/runner, ActionCommand). Both are escaped so that JSON stays the same data.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.failure: OSError | None = None
        """The first failure to write, which whoever printed may not have told."""
        self._blank = True
        self._columns = columns(stream)
        self._colours = coloured(stream)
        self._held = ""
        """The beginning of a line of a terminal, until its end is known."""
        self._begun = False
        """The beginning of the line is shown already, as that of a question is."""

    def write(self, text: str) -> int:
        shown = self._safe(text)
        if self._columns is None:
            self._put(self._in_colour(shown))
            return len(text)
        *whole, self._held = f"{self._held}{shown}".split("\n")
        for line in whole:
            self._put(f"{self._laid_out(line)}\n")
            self._begun = False
        return len(text)

    def write_whole(self, text: str) -> None:
        """Writes lines that are not wrapped."""
        self.show_held()
        self._put(self._in_colour(self._safe(text)))

    def flush(self) -> None:
        self.show_held()
        self._told(self.stream.flush)

    def begin(self) -> None:
        """Begins a line."""
        self._begun, self._blank = False, True

    def show_held(self) -> None:
        """Writes the beginning of a line."""
        if self._held:
            held, self._held = self._held, ""
            self._put(self._laid_out(held))
            self._begun = True

    def _put(self, text: str) -> None:
        self._told(partial(self.stream.write, text))

    def _told(self, write: Callable[[], object]) -> None:
        """Keeps a failure: an unbuffered stream forgets what it did not take."""
        try:
            write()
        except OSError as error:
            self.failure = self.failure or error
            raise

    def _safe(self, text: str) -> str:
        if _MARK.search(text):
            pieces = _PAINTED.split(text)
            shown = "".join(
                f"{piece[0]}{visible(piece[1:-1])}{_PLAIN}" if _PAINTED.fullmatch(piece) else visible(piece)
                for piece in pieces
            )
        else:
            shown = visible(text)
        shown = shown.replace("##[", r"#\u0023[")
        first, gap, others = shown.partition("\n")
        if self._blank:
            first = _COMMAND.sub(r"\1\\u003a:", first)
        last = shown.rpartition("\n")[2]
        self._blank = not last.strip() and (bool(gap) or self._blank)
        return first + gap + _COMMAND.sub(r"\1\\u003a:", others)

    def _laid_out(self, text: str) -> str:
        if self._begun:
            return self._in_colour(text)
        painted = (
            _LEVEL.sub(lambda match: paint(match[0], _LEVELS[match[0]]), text, count=1) if _LEVEL.match(text) else text
        )
        end = text[len(text.rstrip(" ")) :]
        return self._in_colour("\n".join(wrapped(painted.rstrip(" "), self._columns or _USUAL)) + end)

    def _in_colour(self, text: str) -> str:
        return _MARK.sub(lambda match: _CODES[match[0]] if self._colours else "", text)

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


_COMMAND = re.compile(r"^([^\S\n]*)::", re.MULTILINE)
