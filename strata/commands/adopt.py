"""`strata adopt`: reads a live organization and Identity Center, and writes the configuration that describes them.

Nothing changes at AWS, nothing is written outside the folder, and all of it but the kept answers at the end.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from strata.adoption import rendering
from strata.adoption.checking import accepted, refused_entries
from strata.adoption.describing import Description, describe
from strata.adoption.importing import import_ids
from strata.aws import organization
from strata.aws.session import THROTTLED, Aws, AwsError, connect
from strata.config import IMPORTS, ORGANIZATION, PROJECT, SECURITY
from strata.config.models import Project
from strata.errors import ConfigurationError, StrataError, UsageError
from strata.files.atomic import cannot, locked
from strata.files.config_edit import write_texts
from strata.inventory.kept import KeptAnswers
from strata.inventory.pace import Pace
from strata.inventory.reading import read
from strata.inventory.things import Inventory
from strata.load import load
from strata.options import Options
from strata.outputs import output
from strata.printing import document, line, word
from strata.terminal import confirmed
from strata.text import counted

CACHE = ".adopt-cache"
_EVERY = 5.0
"""Seconds between two words on how far the reading is."""


@dataclass(frozen=True)
class Names:
    """What no organization tells: Strata's names and regions."""

    name: str
    short_name: str
    primary: str
    secondary: str
    identity_center_region: str | None


def run(
    options: Options,
    *,
    to: Path,
    names: Names,
    literal: bool = False,
    thorough: bool = False,
    yes: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> int:
    """Reads, describes, checks the result, shows it, asks, and writes."""
    _check_free(to)
    aws = Aws(options.profile, names.primary)
    project = _project(aws, names)
    connect(options, project)
    kept = KeptAnswers(to / CACHE / "answers.jsonl", project.management_account.id)
    if kept.resumed:
        options.note(f"going on from an earlier run: {kept.resumed} answers are known")
    pace = Pace(told=_Progress(options))
    try:
        inventory = read(Aws(aws.profile, aws.region, kept, pace.wait), project, thorough=thorough)
    except AwsError as error:
        again = "; what was read is kept, the same command goes on from there" if error.code in THROTTLED else ""
        raise AwsError(f"{error}{again}", error.code) from error
    found, files = described(project, inventory, literal=literal)
    if not json:
        _show(options, inventory, found, pace.requests)
    if not dry_run:
        if not yes and (json or not confirmed(f"write this to {to}?", instead="what was found with --dry-run")):
            options.note("nothing was written")
            return 1
        _write(to, files)
        kept.forget()
        shutil.rmtree(to / CACHE, ignore_errors=True)
    if json:
        document(output("adopt", _facts(to, found, pace.requests, written=not dry_run)))
    elif not dry_run:
        print(line(f"next: read {to / rendering.ADOPTION}, then strata check --config {word(to)}"))
    return 0


# The management account


def _project(aws: Aws, names: Names) -> Project:
    """Returns project.yaml's content: the names, and the management account as it is.

    Raises:
        StrataError: the caller is in no organization, or in a member account of one.
        UsageError: a name is not allowed.
    """
    caller = aws.caller()
    found = organization.describe(aws)
    if found is None:
        raise StrataError(f"account {caller.account} is in no organization; strata init and strata bootstrap make one")
    if found["MasterAccountId"] != caller.account:
        raise StrataError(
            f"account {caller.account} is a member of the organization {found['Id']}; use a profile of its management "
            f"account {found['MasterAccountId']}, see --profile"
        )
    management = organization.describe_account(aws, caller.account)
    content: dict[str, Any] = {
        "name": names.name,
        "short_name": names.short_name,
        "management_account": {"id": management.id, "name": management.name, "email": management.email},
        "regions": {"primary": names.primary, "secondary": names.secondary},
        "identity_center": {"region": names.identity_center_region} if names.identity_center_region else {},
    }
    try:
        return Project.model_validate(content)
    except ValidationError as error:
        raise UsageError(*[f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]) from error


class _Progress:
    """Says on stderr how many requests were made, every few seconds."""

    def __init__(self, options: Options) -> None:
        self._options, self._last = options, time.monotonic()

    def __call__(self, requests: Counter[str]) -> None:
        """Says it if it is time."""
        if time.monotonic() - self._last > _EVERY:
            self._last = time.monotonic()
            told = ", ".join(f"{count} of {service}" for service, count in sorted(requests.items()))
            self._options.note(f"reading: {told}")


# The configuration


def described(project: Project, inventory: Inventory, *, literal: bool = False) -> tuple[Description, dict[str, str]]:
    """Returns what was found, and all files; the imports come from the configuration as it is read back.

    An entry that AWS took and the configuration does not is left where it is, with whatever names it.

    Raises:
        StrataError: the configuration does not give what is there; nothing is written then.
    """
    refused: dict[str, str] = {}
    while True:
        found = describe(inventory, project, literal=literal, refused=refused)
        try:
            return found, _files(project, inventory, found)
        except ConfigurationError as error:
            more = refused_entries(error, found)
            if not more.keys() - refused:
                text = "what was found is not a valid configuration:"
                raise StrataError(text, *map(str, error.faults)) from error
            refused = more | refused


def _files(project: Project, inventory: Inventory, found: Description) -> dict[str, str]:
    contents: dict[str, Mapping[str, Any]] = {
        PROJECT: rendering.project(project),
        ORGANIZATION: found.organization,
        SECURITY: rendering.security(found),
        **rendering.people_and_access(found.sso),
    }
    files = rendering.files(contents, found.documents)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_texts(folder, files)
        files |= rendering.accepted(accepted(folder))
        write_texts(folder, files)
        landing_zone = load(folder)
        if set(landing_zone.grants) != set(found.grants):
            raise StrataError("the rules would not give what is there; give --literal, and report this fault of Strata")
        lines = import_ids(landing_zone, inventory, found)
        files |= rendering.files(
            {IMPORTS: lines} if lines else {}, {rendering.ADOPTION: rendering.adoption(inventory, found)}
        )
        write_texts(folder, files)
        load(folder)
    return files


def _check_free(to: Path) -> None:
    if os.path.lexists(to) and not to.is_dir():
        raise StrataError(f"{to} is not a folder; name another one with --to")
    others = sorted(path.name for path in to.iterdir() if path.name != CACHE) if to.is_dir() else []
    if others:
        raise StrataError(f"{to} has files already, such as {others[0]}; name an empty folder with --to")
    if not os.access(to if to.is_dir() else _existing(to), os.W_OK):
        raise StrataError(f"{to} cannot be written; name another folder with --to")


def _existing(path: Path) -> Path:
    return next(above for above in path.absolute().parents if above.is_dir())


def _write(to: Path, files: Mapping[str, str]) -> None:
    """Makes everything in a hidden folder, then puts it in its place file by file, project.yaml last."""
    with locked(to), cannot("made", to):
        making = Path(tempfile.mkdtemp(prefix=".strata-", dir=to))
        try:
            write_texts(making, files)
            for path in sorted(making.iterdir(), key=lambda one: one.name == PROJECT):
                path.replace(to / path.name)
        finally:
            shutil.rmtree(making, ignore_errors=True)


def _show(options: Options, inventory: Inventory, found: Description, requests: Counter[str]) -> None:
    print(rendering.adoption(inventory, found))
    sys.stdout.flush()
    options.note(f"AWS was asked {counted(sum(requests.values()), 'time')}")


def _facts(to: Path, found: Description, requests: Counter[str], *, written: bool) -> dict[str, Any]:
    described = {name: len(found.organization[name]) for name in ("accounts", "policies")}
    described["assignments"] = len(found.grants)
    left = [one._asdict() for one in found.left_alone]
    return {
        "folder": str(to),
        "written": written,
        "requests": dict(requests),
        "described": described,
        "left_alone": left,
    }
