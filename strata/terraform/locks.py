"""Locks that killed runs left: a plan without changes takes none, so nothing else tells of them."""

from __future__ import annotations

import datetime as dt
import json
import re
import socket
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from strata.aws.session import Aws, AwsError
from strata.aws.states import Version, read_state
from strata.config.models import Locking, Project, state_key
from strata.errors import Message, StrataError
from strata.terraform.errors import held
from strata.terraform.workspace import Workspace

OLD = dt.timedelta(hours=1)
"""The provider waits no longer for one thing; a lock that is older is rarely of a run that is alive."""


@dataclass(frozen=True)
class Lock:
    """A lock as Terraform writes it.

    Attributes:
        who: user and machine of the run that took it.
    """

    id: str
    who: str
    since: dt.datetime

    @classmethod
    def of(cls, text: str) -> Lock | None:
        """Returns the lock of a text, None where Terraform would not write it so."""
        try:
            found = json.loads(text)
            since = dt.datetime.fromisoformat(found["Created"][: len("2026-01-01T00:00:00")])
            lock = cls(str(found["ID"]), str(found["Who"]), since.replace(tzinfo=dt.UTC))
        except (KeyError, RecursionError, TypeError, ValueError):
            return None
        return lock if re.fullmatch(r"[0-9a-f-]{36}", lock.id) else None


def abandoned(
    aws: Aws, project: Project, workspace: Workspace, stacks: Iterable[str], now: dt.datetime
) -> Iterator[Message]:
    """Yields a text for each lock whose run has ended, or is old: who holds it, since when, and how it is freed."""
    for stack in stacks:
        lock = read_lock(aws, project, stack)
        if lock and _is_abandoned(lock, workspace.stack_folder(stack), now):
            yield Message("lock-abandoned", _told(lock, workspace, stack), stack=stack, lock=lock.id, who=lock.who)


def refuse_beside_another_run(
    aws: Aws, project: Project, workspace: Workspace, versions: Mapping[str, Version | None], now: dt.datetime
) -> None:
    """Refuses to judge by a state that another run is changing, or has changed since: what it makes is no stranger's.

    Args:
        versions: the state of each stack as it was when AWS was asked.

    Raises:
        StrataError: another run holds one, or has written one.
    """
    for stack, version in versions.items():
        # The lock first: a run writes the state before it lets go.
        lock = read_lock(aws, project, stack)
        if lock and not _is_abandoned(lock, workspace.stack_folder(stack), now):
            text = f"somebody is deploying; nothing of {stack} was changed here; {_told(lock, workspace, stack)}"
            raise StrataError(Message("other-run-active", text, stack=stack, lock=lock.id, who=lock.who))
        if Version.of(read_state(aws, project, stack)) != version:
            text = f"somebody deployed {stack} in the meantime; nothing of it was changed here; run this again"
            raise StrataError(Message("changed-meanwhile", text, stack=stack))


def _is_abandoned(lock: Lock, folder: Path, now: dt.datetime) -> bool:
    return now - lock.since > OLD or _has_ended(lock, folder)


def _told(lock: Lock, workspace: Workspace, stack: str) -> str:
    since = f"{lock.since:%Y-%m-%d %H:%M} UTC"
    return f"{stack}: {'; '.join(held(workspace, stack, lock.id, who=lock.who, since=since))}"


def read_lock(aws: Aws, project: Project, stack: str) -> Lock | None:
    """Returns the lock on a state, None where nobody holds one or it cannot be read."""
    return _in_bucket(aws, project, stack) or (
        _in_table(aws, project, stack) if project.state.locking is Locking.BOTH else None
    )


def _in_bucket(aws: Aws, project: Project, stack: str) -> Lock | None:
    client, key = aws.client("s3", project.regions.primary), f"{state_key(stack)}.tflock"
    account = project.management_account.id
    try:
        answer = client.get_object(Bucket=project.state_bucket, Key=key, ExpectedBucketOwner=account)
        return Lock.of(answer["Body"].read(_LONGEST).decode(errors="replace"))
    except AwsError:
        return None


_LONGEST = 100_000


def _in_table(aws: Aws, project: Project, stack: str) -> Lock | None:
    """Reads the table too: Terraform frees the file first, and may be killed before the row."""
    client, row = aws.client("dynamodb", project.regions.primary), f"{project.state_bucket}/{state_key(stack)}"
    try:
        answer = client.get_item(TableName=project.lock_table, Key={"LockID": {"S": row}}, ConsistentRead=True)
    except AwsError:
        return None
    return Lock.of(answer.get("Item", {}).get("Info", {}).get("S", ""))


def _has_ended(lock: Lock, folder: Path) -> bool:
    """Says whether a run of this machine took the lock, and no Terraform runs here that could be it."""
    if lock.who.rpartition("@")[2] != socket.gethostname():
        return False
    running = _processes()
    return running is not None and not any(_holds(line, folder) for line in running)


def _processes() -> list[str] | None:
    """Returns the command lines of this machine's processes, None where they cannot be listed."""
    command = ["ps", "-A", "-ww", "-o", "args="]  # -ww: whole, however wide the terminal is
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.splitlines()


def _holds(line: str, folder: Path) -> bool:
    """Says whether a process may hold the lock; one that names no folder, as those of cdktf, may hold any."""
    return f"-chdir={folder}" in line or ("-chdir=" not in line and bool(re.search(_LOCKING, line)))


_LOCKING = r"^(\S*/)?(terraform|tofu)\S* (-\S+ )*(apply|destroy|import|state|taint|untaint)\b"
"""The commands of Terraform that take the lock; a plan of `cdktf deploy` takes it too, for a moment."""
