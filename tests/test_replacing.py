"""An edit of several files that is killed between two is taken back by the next edit, and noticed by all else."""

from __future__ import annotations

import errno
import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from strata import atomic
from strata.cli import app
from strata.config import JOURNAL
from strata.config.loader import check_finished
from strata.errors import ConfigurationError, StrataError
from strata.files import config_edit
from strata.files.replacing import replace, take_back
from strata.files.template import TEMPLATE
from strata.load import load
from strata.options import Options
from tests.said import Said


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Returns a copy of the configuration to begin with, with a guardrail of the library."""
    copy = Path(shutil.copytree(TEMPLATE, tmp_path / "config"))
    assert strata(copy, "add", "policy", "deny-iam-users", "--attach", "root", "--yes").exit_code == 0
    return copy


def strata(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["--config", str(folder), *words])


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Killed(BaseException):
    """The process ends here."""


@contextmanager
def killed_before(step: int, until: int | None = None, error: BaseException | None = None) -> Iterator[None]:
    """Ends a command before it puts a file in its place, or deletes one; new files stay beside those."""
    rename, unlink, steps = Path.replace, Path.unlink, itertools.count()

    def count() -> None:
        if next(steps) in range(step, until or 99):
            raise error or Killed

    def renames(path: Path, place: Path) -> Path:
        count()
        return rename(path, place)

    def unlinks(path: Path, missing_ok: bool = False) -> None:
        count()
        unlink(path, missing_ok)

    with pytest.MonkeyPatch.context() as patch, suppress(Killed):
        patch.setattr(Path, "replace", renames)
        patch.setattr(Path, "unlink", unlinks)
        patch.setattr(atomic, "_discard", lambda path: error and unlink(path, missing_ok=True))
        yield


REFUSED = PermissionError(errno.EPERM, os.strerror(errno.EPERM))
EDITS = {
    "rename": ("rename", "account", "shared", "tools"),
    "retire": ("retire", "account", "shared"),
    "remove": ("remove", "policy", "deny-iam-users"),
    "add": ("add", "policy", "deny-large-instances", "--attach", "root"),
}


@pytest.mark.parametrize("words", EDITS.values(), ids=EDITS)
def test_a_rerun_after_a_kill_does_all(folder: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    before = contents(folder)
    whole = Path(shutil.copytree(folder, tmp_path / "whole"))
    assert strata(whole, *words, "--yes").exit_code == 0
    expected = contents(whole)
    files = [name for name in before | expected if before.get(name) != expected.get(name)]
    steps = len([JOURNAL, *files, JOURNAL])
    assert steps > 3

    for step in range(steps):
        shutil.rmtree(folder)
        for name, content in before.items():
            (folder / name).parent.mkdir(exist_ok=True, parents=True)
            (folder / name).write_bytes(content)
        with killed_before(step):
            strata(folder, *words, "--yes")
        half = contents(folder)
        assert step or any(name.endswith(".new") for name in half), "as after a kill"
        (folder / ".strata-adopted.new").mkdir()
        if step:
            with pytest.raises(ConfigurationError) as refused:
                load(folder)
            assert [fault.problem.id for fault in refused.value.faults] == ["edit-unfinished"]
            assert strata(folder, *words, "--dry-run").exit_code == 1
            assert contents(folder) == half, "what only reads writes nothing"

        again = strata(folder, *words, "--yes")

        assert again.exit_code == 0 or step == steps - 1, "only what was done already may be refused"
        assert contents(folder) == expected
        assert not list(folder.glob(".strata-*"))


@pytest.mark.parametrize("words", EDITS.values(), ids=EDITS)
def test_what_the_system_refuses_half_way_is_taken_back_at_once(folder: Path, words: tuple[str, ...]) -> None:
    """A file that cannot be replaced or deleted; once all is written, it is the journal that cannot."""
    before, refused = contents(folder), []
    for step in range(99):
        with killed_before(step, until=step + 1, error=REFUSED):
            refused.append(strata(folder, *words, "--yes").exit_code)
        if (after := contents(folder)) != before:
            break
    changed = [name for name in before | after if before.get(name) != after.get(name)]
    assert refused == [*(1 for _ in [JOURNAL, *changed]), 0]
    assert JOURNAL not in after


def test_what_cannot_be_taken_back_is_said(folder: Path, said: Said) -> None:
    before = contents(folder)
    with killed_before(2, error=REFUSED):
        refused = strata(folder, *EDITS["remove"], "--yes")

    assert said.ids(refused) == ["file-unwritable", "file-unwritable", "edit-unfinished"]
    assert contents(folder).keys() == {*before, JOURNAL}
    assert strata(folder, "rename", "--prune", "--yes").exit_code == 0
    assert contents(folder) == before


def test_a_journal_is_of_any_size_and_text(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {**contents(folder), "moves.yaml": "# \u00e4".encode() * 100_000, "sso.yaml": b"# \xff\xc3"}
    (folder / "moves.yaml").write_bytes(before["moves.yaml"])
    (folder / "sso.yaml").write_bytes(before["sso.yaml"])
    were = {name: text.decode(errors="surrogateescape") for name, text in before.items()}
    with killed_before(2), suppress(Killed):
        replace(folder, were, {"moves.yaml": "[]\n", "sso.yaml": "{}\n"})
    size = (folder / JOURNAL).stat().st_size
    monkeypatch.setattr(atomic, "CONFIGURATION", size - 1)
    assert size < 1.01 * len(before["moves.yaml"])

    take_back(Options(folder), folder, dry_run=False)

    assert contents(folder) == before


def test_a_document_that_changes_during_the_question_stays(
    folder: Path, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    document, before = folder / "policies/deny-iam-users.json", contents(folder)

    def agreed(*_: object) -> bool:
        document.write_text(f"{document.read_text()}\n")
        return True

    monkeypatch.setattr(config_edit, "agreed", agreed)
    assert said.ids(strata(folder, *EDITS["remove"])) == ["changed-meanwhile"]
    assert contents(folder) == {**before, "policies/deny-iam-users.json": document.read_bytes()}


OTHERS = [
    ("add", "ou", "prod"),
    ("remove", "ou", "shared"),
    ("retire", "account", "shared"),
    ("rename", "--prune"),
    ("expire", "--as-of", "2026-01-01"),
    ("init",),
]


@pytest.mark.parametrize("words", OTHERS, ids=" ".join)
def test_whatever_edits_takes_back_first(folder: Path, words: tuple[str, ...], said: Said) -> None:
    """Whether it can do its own work then or not."""
    (folder / "security.yaml").write_text("trail: {mode: perhaps}\n")
    before, words = contents(folder), tuple(word.format(folder=folder) for word in words)
    with killed_before(2), suppress(Killed):
        replace(folder, texts(folder), {"moves.yaml": "[]\n", "sso.yaml": "half: written\n"})
    half = contents(folder)
    assert half["sso.yaml"] == b"half: written\n"

    shown = strata(folder, *words, "--dry-run")
    assert (said.ids(shown.stderr.splitlines()[0]), contents(folder)) == (["edit-unfinished"], half)

    done = strata(folder, *words, "--yes")
    [told] = said(done.stderr.splitlines()[0])
    assert (told.id, told.data["stay"]) == ("half-written-before", [])
    assert contents(folder) == before


def texts(folder: Path) -> dict[str, str]:
    return {name: content.decode() for name, content in contents(folder).items()}


def test_what_was_edited_after_the_kill_stays(folder: Path, said: Said, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(folder)
    files = {"sso.yaml": "half: written\n", "moves.yaml": "[]\n", "security.yaml": "{}\n", "accepted.yaml": "[]\n"}
    with killed_before(5), suppress(Killed):
        replace(folder, texts(folder), files, ["policies/deny-iam-users.json"])
    (folder / "moves.yaml").write_text("[] # mine\n")
    (folder / "security.yaml").write_text("trail: {} # mine\n")

    take_back(Options(folder), folder, dry_run=False)

    [told] = said(capsys.readouterr().err)
    assert (told.id, told.data["stay"]) == ("half-written-before", ["moves.yaml", "security.yaml"])
    mine = {"moves.yaml": b"[] # mine\n", "security.yaml": b"trail: {} # mine\n"}
    assert contents(folder) == before | mine


@pytest.mark.parametrize("stay", [[], ["sso.yaml"], ["moves.yaml", "sso.yaml"]])
def test_an_edit_that_was_written_to_the_end_stays(
    folder: Path, said: Said, capsys: pytest.CaptureFixture[str], stay: list[str]
) -> None:
    """It was killed before its journal went."""
    with killed_before(3), suppress(Killed):
        replace(folder, texts(folder), {"moves.yaml": "[]\n", "sso.yaml": "users: {}\n"})
    for name in stay:
        (folder / name).write_text("{} # mine\n")
    there = contents(folder)

    take_back(Options(folder), folder, dry_run=False)

    [told] = said(capsys.readouterr().err)
    assert (told.id, told.data["files"], told.data["stay"]) == ("half-written-before", [], stay)
    assert contents(folder) == {name: text for name, text in there.items() if name != JOURNAL}


def test_an_edit_that_is_still_writing_is_no_killed_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atomic, "PATIENCE", 0.0)
    (folder / JOURNAL).write_text('{"sso.yaml": ["old", "new"]}')
    there = contents(folder)

    with atomic.locked(folder):
        for begin in (partial(check_finished, folder), partial(take_back, Options(folder), folder, dry_run=False)):
            with pytest.raises(StrataError) as refused:
                begin()
            assert [told.id for told in refused.value.args if told] == ["other-run-active"]

    assert contents(folder) == there


NO_NAMES = (
    *("../elsewhere.yaml", "/nowhere.json", "sso.yaml/x", "foo", "", ".", "policies", "moves.yaml/", "./moves.yaml"),
    *(".git/hooks/pre-commit", ".vscode/settings.json", "policies/.x.json", "layers/model.py", "layers/.x.yaml"),
    *(JOURNAL, "linked/new.json", "linked.json", "nul\0.json", "\ud800.json"),
)


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "{}}", "[" * 200_000, '{"sso.yaml": 1}', '{"sso.yaml": ["\\ud800", null]}'),
        *(json.dumps({name: ["there", None]}) for name in NO_NAMES),
        '{"foo": [null, null]}',
    ],
    ids=lambda text: text[:40],
)
def test_a_journal_that_no_edit_wrote_is_refused(folder: Path, text: str) -> None:
    """Above all one that leads out of the folder, or names what Strata does not write."""
    (folder / JOURNAL).write_text(text)
    (folder.parent / "elsewhere").mkdir()
    (folder / "linked").symlink_to("../elsewhere")
    (folder / "linked.json").symlink_to("../elsewhere/new.json")
    there = contents(folder.parent)

    with pytest.raises(StrataError) as refused:
        take_back(Options(folder), folder, dry_run=False)

    assert [told.id for told in refused.value.args] == ["record-damaged"]
    assert contents(folder.parent) == there


@pytest.mark.parametrize(
    "make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("nowhere"), lambda path: path.symlink_to(path.name)]
)
def test_a_journal_that_is_no_file_is_refused(folder: Path, make: Callable[[Path], None]) -> None:
    make(folder / JOURNAL)

    with pytest.raises(StrataError) as refused:
        take_back(Options(folder), folder, dry_run=False)

    assert [(told.id, told.place) for told in refused.value.args] == [("record-damaged", str(folder / JOURNAL))]


def test_what_is_taken_back_is_named_and_gets_its_folder(
    folder: Path, said: Said, capsys: pytest.CaptureFixture[str]
) -> None:
    """The folder of a document that an edit has deleted goes with git; what no edit changed is not touched."""
    texts = {"docs/more/a.json": ["{}", None], "moves.yaml": [None, "[]\n"], "organization/a.yaml": [None, None]}
    texts["layers/a.yaml"] = [None, "{}"]
    before = contents(folder)
    (folder / JOURNAL).write_text(json.dumps(texts))
    (folder / "moves.yaml").write_text("[]\n")

    take_back(Options(folder), folder, dry_run=False)

    [told] = said(capsys.readouterr().err)
    assert (told.id, told.data["files"]) == ("half-written-before", ["docs/more/a.json", "moves.yaml"])
    assert contents(folder) == {**before, "docs/more/a.json": b"{}"}


def test_nothing_of_an_edit_is_committed() -> None:
    """As `git add` would of what a kill left."""
    ignored = (Path(__file__).parents[1] / ".gitignore").read_text().splitlines()
    for left in (JOURNAL, ".strata-0123456789abcdef.new"):
        assert any(fnmatch(left, pattern) for pattern in ignored)
