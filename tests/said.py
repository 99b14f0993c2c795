"""Messages by their ids: tests go by id, place and data, and the words stand once in tests/golden/messages."""

from __future__ import annotations

import difflib
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from strata import errors
from strata.printing import line, values_cut

FOLDER = Path(__file__).parent / "golden" / "messages"
_COMMANDS = {
    "deploy": "deploy",
    "adoption": "adopt",
    "atomic": "files",
    "aws": "aws",
    "config.entries": "files",
    "config.keys": "files",
    "diff": "report",
    "drift": "drift",
    "evaluation": "can",
    "files": "files",
    "identity": "deploy",
    "inventory": "adopt",
    "kernel": "deploy",
    "make": "deploy",
    "outside": "files",
    "report": "report",
    "terraform": "deploy",
}
"""The command whose file has the messages of a room or module, of tools/ as well; `check` those of all others."""


class Told(NamedTuple):
    """A message as it was printed."""

    id: str
    place: str
    data: dict[str, Any]
    text: str


class Said:
    """What a command has said: `said(result)` are its messages, `said.ids(result)` their ids, in order.

    A text, an error, a result of typer's runner, or JSON with `messages` is looked through. A message is met by its
    words: it has to be made in the same test. Every one is held against the words in tests/golden/messages, so that a
    word that changes is read there once.
    """

    def __init__(self, made: list[tuple[str, errors.Message]], words: Words | None, hidden: dict[str, str]) -> None:
        self._made, self._words, self._hidden = made, words, hidden

    def __call__(self, shown: object) -> list[Told]:
        """Returns the messages in the order of their printing."""
        text = _text(shown)
        if text.lstrip().startswith("{"):
            facts = json.loads(text)["messages"]
            told = [Told(one["id"], one["place"], one["data"], one["text"]) for one in facts]
        else:
            told = [found for row in text.splitlines() for found in self._in(row)]
        commands = {message.id: command for command, message in reversed(self._made)}
        if self._words:
            for one in told:
                self._words.hold(commands.get(one.id, "check"), one.id, self._plain(one.text))
        return told

    def ids(self, shown: object) -> list[str]:
        """Returns the ids of the messages in the order of their printing."""
        return [one.id for one in self(shown)]

    def _in(self, row: str) -> Iterator[Told]:
        """Yields the messages of a line, of which none is a part of another."""
        met: dict[tuple[int, int], errors.Message] = {}
        for _, message in reversed(self._made):
            for words in dict.fromkeys((line(message), line(values_cut(message)))):
                if words and (start := row.find(words)) >= 0:
                    met.setdefault((start, start + len(words)), message)
        outer = [span for span in met if not any(_holds(other, span) for other in met)]
        for start, end in sorted(outer):
            message = met[start, end]
            before = re.fullmatch(r"(?:(?:error|warning): )?(?:(.*): )?", row[:start])
            yield Told(
                message.id,
                message.place or (before and before[1]) or "",
                dict(message.data),
                row[start:].removeprefix(f"{message.place}: "),
            )

    def _plain(self, text: str) -> str:
        for own, shown in self._hidden.items():
            text = text.replace(own, shown)
        return re.sub(r"\s*\n\s*", r"\\n", text)


def _holds(other: tuple[int, int], span: tuple[int, int]) -> bool:
    return other != span and other[0] <= span[0] and span[1] <= other[1]


def _text(shown: object) -> str:
    from typer.testing import Result

    match shown:
        case Result():
            return shown.output
        case errors.StrataError():
            return "\n".join(shown.lines())
        case str():
            return shown
        case pytest.ExceptionInfo():
            return _text(shown.value)
        case Iterable():
            return "\n".join(map(_text, shown))
    return str(shown)


class Words:
    """The words of messages in files, one a command, each id with its sentences."""

    def __init__(self, *, rewrites: bool, anew: bool) -> None:
        self._rewrites = rewrites
        self._files: dict[str, dict[str, set[str]]] = {}
        self._anew = anew

    def hold(self, command: str, id: str, text: str) -> None:
        """Holds a sentence against the file of a command, or keeps it for `write`."""
        if self._rewrites:
            self._read(command).setdefault(id, set()).add(text)
            return
        known = self._read(command).get(id, set())
        if text not in known:
            near = difflib.get_close_matches(text, known, 1, 0)
            raise AssertionError(f"{command}.txt has {id} otherwise, run make golden: {text!r}, not {near}")

    def write(self) -> None:
        """Writes the files anew: of a run of all tests only what it met, of another what is there as well."""
        if not self._rewrites:
            return
        for file in FOLDER.glob("*.txt") if self._anew else ():
            file.unlink()
        for command, ids in self._files.items():
            rows = [row for id, texts in sorted(ids.items()) for row in (id, *(f"    {one}" for one in sorted(texts)))]
            (FOLDER / f"{command}.txt").write_text("\n".join([*rows, ""]), encoding="utf-8")

    def _read(self, command: str) -> dict[str, set[str]]:
        if command not in self._files:
            self._files[command] = defaultdict(set)
            file, id = FOLDER / f"{command}.txt", ""
            for row in file.read_text(encoding="utf-8").splitlines() if file.exists() and not self._anew else ():
                if row.startswith("    "):
                    self._files[command][id].add(row[4:])
                else:
                    id = row
        return self._files[command]


def recorded(patch: pytest.MonkeyPatch) -> list[tuple[str, errors.Message]]:
    """Returns a list that gets every message made from now on, with the command of its room."""
    made: list[tuple[str, errors.Message]] = []
    new = errors.Message.__new__

    def make(cls: type[errors.Message], id: str, text: str, /, *, place: str = "", **data: Any) -> errors.Message:
        message = new(cls, id, text, place=place, **data)
        caller = sys._getframe(1)
        while caller.f_back and caller.f_globals.get("__name__") == errors.__name__:
            caller = caller.f_back
        made.append((_command(caller.f_globals.get("__name__", "")), message))
        return message

    patch.setattr(errors.Message, "__new__", make)
    return made


def _command(module: str) -> str:
    _, room, *names = [*module.split("."), "", ""]
    return names[0] if room == "commands" else _COMMANDS.get(f"{room}.{names[0]}") or _COMMANDS.get(room, "check")
