"""A result that stdout does not take, since the disk is full, is a failure of every command; a reader may leave."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from strata.cli import main
from tests.generated import with_expired
from tests.said import Said

RESULTS: dict[tuple[str, ...], int] = {
    ("--version",): 0,
    ("--help",): 0,
    ("check",): 0,
    ("check", "--json", "--as-of", "2026-01-01"): 3,
    ("can", "s3:DeleteBucket", "--in", "shared", "--as", "root"): 3,
    ("report", "--format", "markdown"): 0,
    ("schema", "sso"): 0,
    ("rename", "account", "shared", "common", "--yes"): 0,
    ("expire", "--as-of", "2030-01-01", "--yes"): 0,
}
"""Commands with the exit code that they have where stdout takes all; the last two write as well."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return with_expired(tmp_path / "config")


@pytest.fixture
def full() -> Iterator[io.TextIOWrapper]:
    """A full disk, without a buffer."""
    with Path("/dev/full").open("wb", buffering=0) as raw:
        yield io.TextIOWrapper(raw, write_through=True)


def code_of(words: tuple[str, ...], stdout: TextIO | None, folder: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """Runs a command and returns its exit code."""
    monkeypatch.setattr(sys, "argv", ["strata", *words])
    monkeypatch.setenv("STRATA_CONFIG", str(folder))
    monkeypatch.setattr(sys, "stdout", stdout)
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code or 0


@pytest.mark.parametrize("words", RESULTS, ids=" ".join)
def test_a_result_that_nobody_can_read_is_a_failure(
    words: tuple[str, ...],
    folder: Path,
    full: io.TextIOWrapper,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    said: Said,
) -> None:
    before = {path.name: path.read_bytes() for path in folder.glob("*.yaml")}
    code = code_of(words, full, folder, monkeypatch)
    [told] = said(capsys.readouterr().err.splitlines()[-1])
    assert (code, told.id, told.data["reason"]) == (1, "output-unwritable", os.strerror(errno.ENOSPC))
    after = {path.name: path.read_bytes() for path in folder.glob("*.yaml")}
    assert after == before, "nobody has seen the changes"
    assert code_of(words, io.StringIO(), folder, monkeypatch) == RESULTS[words]


def test_a_buffer_hides_no_full_disk(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], said: Said
) -> None:
    with Path("/dev/full").open("wb") as raw:
        assert code_of(("--version",), io.TextIOWrapper(raw), folder, monkeypatch) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert said.ids(line) == ["output-unwritable"]


def test_a_command_that_prints_no_result_needs_no_stdout(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = folder.parent / "report"
    assert code_of(("report", "--output", str(file)), None, folder, monkeypatch) == 0
    assert file.read_text().startswith("As of ")


def test_faults_are_told_to_a_reader_who_left(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`strata check --json | true` says on stderr, and by its exit code, that the configuration is not valid."""
    (folder / "project.yaml").unlink()
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb", buffering=0) as raw:
        assert code_of(("check", "--json"), io.TextIOWrapper(raw, write_through=True), folder, monkeypatch) == 1
    assert "error: " in capsys.readouterr().err
