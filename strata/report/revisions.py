"""The configuration as it was in a git revision."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from strata.config import ACCEPTED, EXPECTATIONS, IMPORTS, MOVES
from strata.config.loader import FILES, files_of
from strata.config.moves import Move
from strata.errors import ConfigurationError, StrataError
from strata.files.atomic import read_text
from strata.files.config_keys import with_scalars
from strata.files.renaming import keys_of, place_with_other_key, with_other_key
from strata.landing_zone import LandingZone
from strata.load import load


@dataclass(frozen=True)
class Revision:
    """The commit that is checked out, and whether the folder has changes that are not in it."""

    commit: str
    dirty: bool

    def __str__(self) -> str:
        return f"commit {self.commit[:12]}{' with uncommitted changes' if self.dirty else ''}"


def revision_of(folder: Path) -> Revision | None:
    """Returns the revision that a folder is of, None outside a repository, before its first commit and without git."""
    try:
        commit = _git(folder, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        # A monitor of files is a program that the repository names, and this only reads.
        quietly = ("--no-optional-locks", "-c", "core.fsmonitor=false")
        changes = _git(folder, *quietly, "status", "--porcelain", "--", ".")
        # A file that git is told to ignore is in no commit either.
        ignored = _git(folder, "ls-files", "--others", "--ignored", "--exclude-standard", "--", "*.yaml", "*.json")
    except StrataError:
        return None
    return Revision(commit.decode().strip(), bool(changes or ignored)) if commit and changes is not None else None


def configuration_at(folder: Path, revision: str, moves: Sequence[Move] = ()) -> tuple[LandingZone, tuple[Move, ...]]:
    """Returns the configuration that a folder held in a revision, under the keys of today, and the moves made for that.

    Raises:
        StrataError: there is no repository, no such revision, or no valid configuration in it.
    """
    archive = _archive(folder, revision)
    with tempfile.TemporaryDirectory(prefix="strata-") as scratch:
        try:
            with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
                # Python has the filter since 3.11.4; what git archives of a tree has no path that leads out of it.
                tar.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
                tar.extractall(scratch)  # noqa: S202
            return _under_keys_of_today(Path(scratch), moves)
        except tarfile.TarError as error:
            raise StrataError(f"{folder} at {revision} cannot be unpacked: {error}") from error
        except ConfigurationError as error:
            raise StrataError(_invalid(folder, revision, error, scratch)) from error


def _under_keys_of_today(folder: Path, moves: Sequence[Move]) -> tuple[LandingZone, tuple[Move, ...]]:
    """Makes the moves in a copy of a configuration, so that a thing with another key is compared with itself."""
    landing_zone = load(folder)
    if not moves:
        return landing_zone, ()
    keys = {kind: set(keys_of(landing_zone, kind)) for kind in {one.kind for one in moves}}
    files = {file: read_text(folder / file) for file in _files(folder)}
    made: list[Move] = []
    for move in moves:
        if move.from_ in keys[move.kind] and move.to not in keys[move.kind]:
            with suppress(StrataError):  # what an option makes counts as gone, and another as new
                files |= with_other_key(landing_zone, files, move)
                if ACCEPTED in files:
                    files[ACCEPTED] = with_scalars(files[ACCEPTED], partial(place_with_other_key, move=move))
                keys[move.kind] = keys[move.kind] - {move.from_} | {move.to}
                made.append(move)
    (folder / MOVES).unlink(missing_ok=True)  # its entries end at keys that are none any more
    for file, text in files.items():
        (folder / file).unlink()  # in case it is a link
        (folder / file).write_bytes(text.encode())
    try:
        return load(folder), tuple(made)
    except ConfigurationError:
        return landing_zone, ()


def _files(folder: Path) -> list[str]:
    names = (file for name in (*FILES, IMPORTS, ACCEPTED, EXPECTATIONS) for file in files_of(folder, name))
    return [name for name in names if (folder / name).exists()]


def _archive(folder: Path, revision: str) -> bytes:
    """Returns the folder as the revision has it, as a tar file."""
    if not folder.is_dir():
        raise StrataError(f"{folder} is not a folder; name the one that holds project.yaml by --config")
    prefix = _git(folder, "rev-parse", "--show-prefix")
    if prefix is None:
        raise StrataError(f"{folder} is not in a git repository, so it has no revision {revision!r}")
    commit = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if commit is None:
        remedy = "in a shallow clone, fetch it first (actions/checkout: fetch-depth: 0)"
        raise StrataError(f"{revision!r} is not a revision of the repository; {remedy}")
    below = prefix.decode().strip().rstrip("/")
    tree = f"{commit.decode().strip()}:{below}"
    top = _git(folder, "rev-parse", "--show-toplevel")
    if top is None or _git(Path(top.decode().strip()), "ls-tree", tree) in (None, b""):
        raise StrataError(f"{revision} has no {below or folder}; choose a revision that has it")
    archived = _git(Path(top.decode().strip()), "archive", "--format=tar", tree)
    if archived is None:
        raise StrataError(f"git cannot archive {below or folder} at {revision}")
    return archived


def _git(folder: Path, *arguments: str) -> bytes | None:
    """Returns what git prints, None when it fails."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=False)
    except FileNotFoundError as error:
        raise StrataError("git is not on PATH; install it, or compare by hand") from error
    return done.stdout if done.returncode == 0 else None


def _invalid(folder: Path, revision: str, error: ConfigurationError, scratch: str) -> str:
    number = len(error.faults)
    first = str(error.faults[0]).replace(str(Path(scratch).resolve()), str(folder)).replace(scratch, str(folder))
    more = f" (and {number - 1} more)" if number > 1 else ""
    return f"{folder} is not valid in {revision}: {first}{more}"
