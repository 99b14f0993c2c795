"""Files are read if they are files, and written whole, in one step, by one command at a time."""

from __future__ import annotations

import errno
import io
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from strata import atomic as files
from strata.atomic import UnreadableError
from strata.cli import app
from strata.commands import edit as editing
from strata.commands.profiles import OrganizationFacts, default_file
from strata.errors import ConfigurationError, StrataError
from strata.files import aws_config
from strata.files.config_edit import schema_line
from strata.load import load
from strata.options import Options
from tests.generated import with_expired
from tests.processes import interrupts
from tests.said import Said
from tests.synthesized import SHIPPED

CHECKOUT = Path(__file__).parents[1]
AS_OF = "2026-02-01"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return with_expired(tmp_path / "config")


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def start(*words: str | Path, within: Sequence[str] = (), **options: object) -> subprocess.Popen[str]:
    command = [*within, sys.executable, "-m", "strata", *map(str, words)]
    pipe = subprocess.PIPE
    given = {"cwd": CHECKOUT, "stdin": subprocess.DEVNULL, "stdout": pipe, "stderr": pipe, "text": True}
    return subprocess.Popen(command, **(given | options))  # type: ignore[call-overload, no-any-return]


# Reading


def _sock(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(here)


def _sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 2_000_000_000)


CONFIGURATION = ("sso.yaml", "imports.yaml", "policies/deny-root-user.json")
KINDS: Mapping[str, tuple[Callable[[Path], object], str]] = {
    "pipe": (os.mkfifo, "not-a-file"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "not-a-file"),
    "socket": (_sock, "not-a-file"),
    "folder": (Path.mkdir, "not-a-file"),
    "loop": (lambda path: path.symlink_to(path.name), "file-unreadable"),
    "sparse": (_sparse, "file-too-large"),
}


READERS: Mapping[str, Callable[[Path], object]] = {
    **{name: lambda file: load(file.parents[file.parent.name == "policies"]) for name in CONFIGURATION},
    "aws": aws_config.read,
    "text": files.read_text,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", READERS)
def test_what_is_no_file_is_said_at_once(folder: Path, kind: str, name: str, said: Said) -> None:
    make, id = KINDS[kind]
    (folder / name).unlink(missing_ok=True)
    make(folder / name)
    with pytest.raises(StrataError) as refused:
        READERS[name](folder / name)
    [told] = said(refused)
    assert (told.id, told.place.removesuffix(":1")) == (id, str(folder / name))


def test_a_file_that_says_it_is_empty_is_read_no_further_than_the_limit() -> None:
    """Those in /proc have no size."""
    assert files.read_bytes(Path("/proc/self/status"))
    with pytest.raises(UnreadableError) as refused:
        files.read_bytes(Path("/proc/self/status"), most=10)
    assert refused.value.problem.id == "file-too-large"


def test_the_largest_file_is_read_and_one_byte_more_is_not(tmp_path: Path) -> None:
    file = tmp_path / "file"
    for size, fine in ((1000, True), (1001, False)):
        file.write_bytes(b"x" * size)
        if fine:
            assert len(files.read_bytes(file, most=1000)) == size
        else:
            with pytest.raises(UnreadableError):
                files.read_bytes(file, most=1000)


@pytest.mark.parametrize("name", ["sso.yaml", "imports.yaml", "policies/devops.json"])
def test_a_link_to_nothing_is_a_fault(folder: Path, name: str, said: Said) -> None:
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to("nowhere.yaml")
    with pytest.raises(ConfigurationError) as refused:
        load(folder)
    assert [(told.id, told.place) for told in said(refused)] == [("link-leads-nowhere", f"{folder / name}:1")]


# Writing


@pytest.fixture(params=["expire", "init", "report", "profiles"])
def edit(request: pytest.FixtureRequest, folder: Path, tmp_path: Path) -> tuple[Path, Callable[[], Result]]:
    """A file, and the command that writes it."""
    if request.param == "expire":
        return folder / "sso.yaml", lambda: run("--config", folder, "expire", "--as-of", AS_OF, "--yes")
    if request.param == "init":
        shutil.copyfile(SHIPPED / "sso.yaml", folder / "sso.yaml")
        return folder / "project.yaml", lambda: run("--config", folder, "init", *FLAGS, "--yes")
    if request.param == "report":
        (tmp_path / "report").write_text("old\n")
        return tmp_path / "report", lambda: run("--config", folder, "report", "--output", tmp_path / "report")
    (tmp_path / "aws").write_text("[default]\n")
    facts = OrganizationFacts({"security": "111111111111"}, "https://d-1234567890.awsapps.com/start")
    patch = request.getfixturevalue("monkeypatch")
    patch.setattr("strata.commands.profiles.organization_now", lambda *_, **__: facts)
    words = ("--config", folder, "profiles", "--file", tmp_path / "aws", "--yes")
    return tmp_path / "aws", lambda: run(*words)


FLAGS = (
    "--name=acme",
    "--short-name=ac",
    "--primary=eu-west-1",
    "--secondary=eu-central-1",
    "--account=security",
    "--account=shared@infrastructure",
    "--email=aws@acme.io",
    "--management-id=210987654321",
    "--management-name=acme",
    "--management-email=root@acme.io",
    "--admin=Zoe Ng zoe@acme.io",
)

Edit = tuple[Path, Callable[[], Result]]


def test_a_link_stays_a_link_and_its_file_keeps_its_mode(edit: Edit, tmp_path: Path) -> None:
    path, command = edit
    (tmp_path / "elsewhere").mkdir()
    real = tmp_path / "elsewhere" / path.name
    path.rename(real)
    real.chmod(0o400)
    path.symlink_to(real)
    before = real.read_text()
    result = command()
    assert (result.exit_code, path.is_symlink()) == (0, True), result.output
    assert real.read_text() != before
    assert stat.S_IMODE(real.stat().st_mode) == 0o400
    assert not [one for one in real.parent.iterdir() if one.suffix == ".new"]


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_what_the_system_refuses_is_said_with_the_path_and_changes_nothing(
    edit: Edit, monkeypatch: pytest.MonkeyPatch, error: int, said: Said
) -> None:
    path, command = edit
    before = path.read_bytes()
    opened = os.open

    def refuses(place: str, flags: int, mode: int = 0o777, **named: int) -> int:
        if flags & os.O_CREAT and str(place).endswith(".new"):
            raise OSError(error, os.strerror(error))
        return opened(place, flags, mode, **named)

    monkeypatch.setattr(os, "open", refuses)
    result = command()
    assert result.exit_code == 1
    [told] = said(result.stderr.splitlines()[-1])
    assert (told.id, told.place, told.data["reason"]) == ("file-unwritable", str(path), os.strerror(error))
    assert path.read_bytes() == before


def test_what_another_wrote_meanwhile_stays(edit: Edit, monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    path, command = edit
    if path.name == "report":
        return  # it is replaced whatever it says
    current = files.current

    def later(file: Path, most: int = 0) -> object:
        if most and file == path:  # the last look, before it is replaced
            path.write_text(f"{path.read_text()}# theirs\n")
        return current(file, *([most] if most else []))

    monkeypatch.setattr(files, "current", later)
    result = command()
    assert (result.exit_code, path.read_text().endswith("# theirs\n")) == (1, True)
    [told] = said(result.stderr.splitlines()[-1])
    assert (told.id, told.place) == ("changed-meanwhile", str(path))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_new_file_gets_one_line_of_another(end: str) -> None:
    head = "# yaml-language-server: $schema=schema/"
    assert schema_line({"sso.yaml": f"{head}sso.json{end}users: {{}}{end}"}, "moves") == f"{head}moves.json"


def test_a_full_disk_keeps_the_old_report(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "report").write_text("old\n")
    words = ("--config", folder, "report", "--output", tmp_path / "report")
    process = start(*words, within=("sh", "-c", 'ulimit -f 2; exec "$@"', "sh"))  # blocks of 512 bytes
    _, said = process.communicate()
    assert (process.returncode, (tmp_path / "report").read_text()) == (1, "old\n")
    assert said == f"error: {tmp_path / 'report'} cannot be written: File too large; it is unchanged\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config", "report"]


def test_nothing_is_written_that_a_full_disk_did_not_let_anybody_see(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk has room for the changes, and not for the warning after them."""

    class Full(io.StringIO):
        def flush(self) -> None:
            if "warning" in self.getvalue():
                raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sys, "stdout", Full())
    text = (folder / "sso.yaml").read_text()
    shown = editing.Edit(Options(folder), dry_run=False, yes=True)
    with pytest.raises(OSError, match="No space left"):
        shown.offer({"sso.yaml": f"{text}# more\n"}, told=["warning: nobody can undo this"])
    assert (folder / "sso.yaml").read_text() == text


def test_a_reader_that_goes_away_is_no_failure(folder: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    process = start("--config", folder, "report", stdout=write)
    os.close(write)
    _, said = process.communicate()
    assert (process.returncode, said) == (0, "")


@pytest.mark.parametrize(
    "words", [("can", "s3:DeleteBucket", "--in", "shared", "--as", "root"), ("check", "--as-of", "2999-01-01")]
)
def test_an_answer_that_nobody_reads_stays_the_exit_code(folder: Path, words: tuple[str, ...]) -> None:
    """`strata can ... | head` says 3 for denied, also where what is printed does not wait for its end."""
    read, write = os.pipe()
    os.close(read)
    process = start("--config", folder, *words, stdout=write, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    os.close(write)
    process.communicate()
    assert process.returncode == 3


@pytest.mark.parametrize(
    ("words", "id", "place"),
    [
        (("report", "--output", "{scratch}/none/file"), "file-unwritable", "{scratch}/none/file"),
        (("report", "--output", "{scratch}"), "not-a-file", "{scratch}"),
        (("report", "--output", "{scratch}/file/below"), "file-unwritable", "{scratch}/file/below"),
        (("report", "--output", "{scratch}/pipe"), "not-a-file", "{scratch}/pipe"),
        (("report", "--output", "/dev/full"), "not-a-file", "/dev/full"),
        (("schema", "--write", "{scratch}/file/below"), "file-unwritable", "{scratch}/file/below"),
        (("init", *FLAGS, "--yes", "--to", "{scratch}/file/below"), "file-unwritable", "{scratch}/file/below"),
        (("init", *FLAGS, "--yes", "--to", "{scratch}/file"), "file-unwritable", "{scratch}/file"),
    ],
)
def test_what_is_in_the_way_is_named(
    folder: Path, tmp_path: Path, words: tuple[str, ...], id: str, place: str, said: Said
) -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    result = run("--config", folder, *(word.format(scratch=tmp_path) for word in words))
    assert result.exit_code == 1
    [told] = said(result.stderr.splitlines()[-1])
    assert (told.id, told.place) == (id, place.format(scratch=tmp_path))


def test_a_missing_home_is_said(monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", "~no-such-user/x")
    with pytest.raises(StrataError) as refused:
        default_file()
    assert [(told.id, told.place) for told in said(refused)] == [("no-home-folder", "~no-such-user/x")]


def test_a_schema_without_a_word_asks_for_one(said: Said) -> None:
    result = run("schema")
    assert (result.exit_code, result.stdout, said.ids(result)) == (2, "", ["argument-missing"])


def test_a_schema_of_no_file_is_refused(said: Said) -> None:
    [told] = said(run("schema", "projekt"))
    assert (told.id, told.place, told.data) == ("no-such-schema", "", {"file": "projekt"})


# Interrupted


INTERRUPTED = """
import os, signal, sys
class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupts())
from strata.__main__ import main
main()
"""


@pytest.mark.parametrize("handled", [True, False])
def test_an_interrupt_before_the_command_begins_has_no_traceback(handled: bool) -> None:
    action = signal.SIG_DFL if handled else signal.SIG_IGN  # whatever the tests themselves were started with
    command = [sys.executable, "-c", INTERRUPTED, "--nothing"]
    with interrupts(action):
        done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if handled:
        assert (done.returncode, done.stderr) == (130, "interrupted\n")
    else:
        assert done.returncode == 2, "it is ignored, as under nohup: there is no such option"
