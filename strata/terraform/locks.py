"""Locks that killed runs left: a plan without changes takes none, so nothing else tells of them."""

from __future__ import annotations

import datetime as dt
import re
import socket
import subprocess
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from pathlib import Path

from strata.aws.locks import Lock, read_lock
from strata.aws.session import Aws, asked_at_once
from strata.aws.states import Version, read_state
from strata.config.models import Project
from strata.errors import Message, StrataError
from strata.terraform.errors import held
from strata.terraform.workspace import Workspace

OLD = dt.timedelta(hours=1)
"""The provider waits no longer for one thing; a lock that is older is rarely of a run that is alive."""


def abandoned(
    aws: Aws, project: Project, workspace: Workspace, stacks: Collection[str], now: dt.datetime
) -> Iterator[Message]:
    """Yields a text for each lock whose run has ended, or is old: who holds it, since when, and how it is freed."""
    for stack, lock in zip(stacks, asked_at_once(partial(read_lock, aws, project), stacks), strict=True):
        if lock and _is_abandoned(lock, workspace.stack_folder(stack), now):
            yield Message("lock-abandoned", _told(lock, workspace, stack), stack=stack, lock=lock.id, who=lock.who)


def refuse_beside_another_run(
    aws: Aws, project: Project, workspace: Workspace, versions: Mapping[str, Version | None], now: dt.datetime
) -> None:
    """Refuses to judge by a state that another run is changing, or has changed since: what it makes is no stranger's.

    Args:
        versions: the state of each stack as it was when AWS was asked.

    Raises:
        StrataError: another run holds a state, or has written it.
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
    """Says whether a lock is old, or a run of this machine took it and no Terraform runs here that could be that run.

    A Terraform that names no folder, as those of cdktf, may hold any.
    """
    if now - lock.since > OLD:
        return True
    if lock.who.rpartition("@")[2] != socket.gethostname():
        return False
    running = _processes()
    return running is not None and not any(
        f"-chdir={folder}" in line or ("-chdir=" not in line and re.search(_LOCKING, line)) for line in running
    )


def _told(lock: Lock, workspace: Workspace, stack: str) -> str:
    since = f"{lock.since:%Y-%m-%d %H:%M} UTC"
    return f"{stack}: {'; '.join(held(workspace, stack, lock.id, who=lock.who, since=since))}"


def _processes() -> list[str] | None:
    """Returns the command lines of this machine's processes, None where they cannot be listed."""
    command = ["ps", "-A", "-ww", "-o", "args="]  # -ww: whole, however wide the terminal is
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.splitlines()


_LOCKING = r"^(\S*/)?(terraform|tofu)\S* (-\S+ )*(apply|destroy|import|state|taint|untaint)\b"
"""The commands of Terraform that take the lock; a plan of `cdktf deploy` takes it too, for a moment."""
