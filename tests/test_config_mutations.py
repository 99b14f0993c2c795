"""Ten thousand random edits of real configurations: each loads, or every fault has a line of a file and a remedy."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from strata.config import loader
from strata.config.json_lines import minified
from strata.config.source import SourceFile, read
from strata.errors import ConfigurationError, Fault
from strata.landing_zone import LandingZone
from strata.load import load

CHECKOUT = Path(__file__).resolve().parents[1]
PARTS = [
    (0, 100),
    *(pytest.param(part, 500, marks=pytest.mark.e2e) for part in range(1, 9)),
    *(pytest.param(part, 500, marks=pytest.mark.large) for part in range(9, 21)),
]
"""Tests among which they are divided, so that no worker sits on all of them, each with how many it has.

Most are too long for make test.
"""

Source = tuple[str, str]
"""A configuration and one of its files."""

WORDS = """
    : - # ? , [ ] { } [] {} ' | > *a --- ... null ~ true off 7 -1 0 1e999 .inf NaN 0x1F
    999999999999999999999999999999 2026-02-30 1_0 012345678901 000000000000 all root management
    {{access_role}} {{ ${x} arn:aws:iam::aws:policy/x a@b.c us-east-1 PT1H s3.amazonaws.com
    GUARDDUTY_POLICY ../x.json
"""
"""Texts without a blank that are put into a file."""
JUNK = (
    *WORDS.split(),
    *("", " ", "\t", "\n", "  ", ": ", "- ", "? ", '"', "&a ", "<<: *a", "&b [*b]", "!!str ", "!x "),
    *("%YAML 1.1", "\\", "\\u"),
    *("9" * 5000, "x" * 300, "a" * 11000, "[" * 2000, '{"a":' * 1500, "a: " * 20, "- " * 400),
    *("é", "ß", "\u0131", "\u2028", "\u00a0", "\u200b", "\ufeff", "\U0001f600", "\x00", "\x07", "\x85", "\r", "\r\n"),
    *("\ud800", '"\\ud800"', '{"a":1,"a":2}', "!!python/name:os.system "),
)
TOKEN = re.compile(r"[\w@.+-]+|\s+|[^\w\s]")


@st.composite
def mutations(draw: st.DrawFn) -> tuple[Source, str]:
    """Draws a file of a configuration and its text after one to three edits."""
    source = draw(st.sampled_from(sources()))
    text = texts()[source]
    for _ in range(draw(st.integers(1, 3))):
        edit = draw(st.sampled_from(EDITS))
        text = edit(text, draw(st.integers(0, 10**6)), draw(st.integers(0, 10**6)), draw(st.sampled_from(JUNK)))
    return source, text


def _token(text: str, where: int, what: str | Callable[[str], str]) -> str:
    tokens = list(TOKEN.finditer(text))
    if not tokens:
        return text if callable(what) else what
    token = tokens[where % len(tokens)]
    new = what if isinstance(what, str) else what(token[0])
    return text[: token.start()] + new + text[token.end() :]


def _lines(text: str, change: Callable[[list[str]], object]) -> str:
    lines = text.splitlines(keepends=True) or [""]
    change(lines)
    return "".join(lines)


def delete_line(text: str, one: int, two: int, junk: str) -> str:
    return _lines(text, lambda lines: lines.pop(one % len(lines)))


def duplicate_line(text: str, one: int, two: int, junk: str) -> str:
    return _lines(text, lambda lines: lines.insert(two % len(lines), lines[one % len(lines)]))


def indent_line(text: str, one: int, two: int, junk: str) -> str:
    def indent(lines: list[str]) -> None:
        line = lines[one % len(lines)]
        lines[one % len(lines)] = " " * (two % 9) + (line.lstrip(" ") if two % 2 else line)

    return _lines(text, indent)


def cut(text: str, one: int, two: int, junk: str) -> str:
    return text[: one % (len(text) + 1)]


def replace_value(text: str, one: int, two: int, junk: str) -> str:
    """Changes what stands behind a colon or a dash, so that whole values change their type."""
    values = list(re.finditer(r"(?<=: )[^\n]+|(?<=- )[^\n]+", text))
    if not values:
        return text + junk
    value = values[one % len(values)]
    return text[: value.start()] + junk + text[value.end() :]


def replace_token(text: str, one: int, two: int, junk: str) -> str:
    return _token(text, one, junk)


def delete_token(text: str, one: int, two: int, junk: str) -> str:
    return _token(text, one, "")


def insert_junk(text: str, one: int, two: int, junk: str) -> str:
    where = one % (len(text) + 1)
    return text[:where] + junk + text[where:]


EDITS = (
    delete_line,
    duplicate_line,
    indent_line,
    cut,
    replace_value,
    replace_token,
    delete_token,
    insert_junk,
)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A copy of each configuration, to be edited."""
    top = tmp_path_factory.mktemp("configurations")
    return {name: Path(shutil.copytree(path, top / name)) for name, path in configurations().items()}


@pytest.fixture(scope="module", autouse=True)
def unedited_files_are_read_once() -> Iterator[None]:
    """Reading takes most of the time, and of what is not edited it says the same every time."""
    source_files: dict[tuple[Path, bytes], SourceFile] = {}
    parsed: dict[int, Any] = {}
    parse = loader._parse

    def read_once(path: Path, name: str, entries: str) -> SourceFile:
        content = path.read_bytes()
        if (path, content) in source_files:
            return source_files[path, content]
        source_file = read(path, name, entries)
        if content == (configurations()[path.parent.name] / path.name).read_bytes():
            assert not source_file.faults
            source_files[path, content] = source_file
            parsed[id(source_file)] = None
        return source_file

    def parse_once(model: type[BaseModel], source_file: SourceFile) -> Any:
        if id(source_file) not in parsed:
            return parse(model, source_file)
        parsed[id(source_file)] = parsed[id(source_file)] or parse(model, source_file)
        assert not source_file.faults
        return parsed[id(source_file)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loader, "read", read_once)
        patch.setattr(loader, "_parse", parse_once)
        patch.setattr(loader, "minified", cache(minified))
        yield


@pytest.mark.parametrize(("part", "edits"), PARTS)
def test_every_edit_loads_or_is_explained(folders: dict[str, Path], part: int, edits: int) -> None:
    @seed(part)
    @settings(
        max_examples=edits,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(mutation=mutations())
    def every_edit_loads_or_is_explained(mutation: tuple[Source, str]) -> None:
        (configuration, file), text = mutation
        folder = folders[configuration]
        path = folder / file
        path.write_bytes(text.encode("utf-8", errors="surrogatepass"))
        try:
            loaded = outcome(folder)
            if isinstance(loaded, LandingZone):
                return
            assert loaded
            for fault in loaded:
                assert 1 <= fault.line <= lines_of(Path(fault.file)), fault
                assert fault.problem.strip(), fault
                assert fault.problem.id, fault
                assert json.loads(json.dumps(fault.problem.data)) == fault.problem.data, fault
                assert fault.remedy.strip(), fault
        finally:
            path.write_text(texts()[configuration, file], encoding="utf-8")

    every_edit_loads_or_is_explained()


def outcome(folder: Path) -> LandingZone | tuple[Fault, ...]:
    """Returns the landing zone, or the faults; everything else is raised."""
    try:
        return load(folder)
    except ConfigurationError as error:
        return error.faults


def lines_of(path: Path) -> int:
    """Returns how many lines a file has, of whatever line break; an empty one has one."""
    return len(path.read_bytes().decode("utf-8", errors="replace").splitlines()) or 1


@cache
def configurations() -> dict[str, Path]:
    return {"shipped": CHECKOUT / "strata" / "template", "company": CHECKOUT / "tests" / "company"}


@cache
def texts() -> dict[Source, str]:
    return {
        (name, str(path.relative_to(folder))): path.read_text(encoding="utf-8")
        for name, folder in configurations().items()
        for pattern in ("*.yaml", "policies/*.json")
        for path in sorted(folder.glob(pattern))
    }


@cache
def sources() -> list[Source]:
    """Returns every file, the larger ones more often."""
    return [source for source, text in sorted(texts().items()) for _ in range(1 + len(text) // 1000)]
