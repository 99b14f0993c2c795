"""Locks on states: of runs that are alive, and of killed ones, of which a plan without changes would say nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from functools import partial

from strata.aws.locks import Lock, read_lock
from strata.aws.session import Aws, asked_at_once
from strata.aws.states import Version, read_state
from strata.config.models import Project
from strata.errors import Message, StrataError
from strata.terraform.errors import held
from strata.terraform.workspace import Workspace

OLD = dt.timedelta(hours=1)
"""The provider waits no longer for one thing; a lock that is older is rarely of a run that is alive."""


def locked(aws: Aws, project: Project, workspace: Workspace, stacks: Collection[str]) -> Iterator[Message]:
    """Yields a text for each lock: who holds it, since when, and how it is freed where nobody deploys."""
    for stack, lock in zip(stacks, asked_at_once(partial(read_lock, aws, project), stacks), strict=True):
        if lock:
            yield Message("state-locked", _told(lock, workspace, stack), stack=stack, lock=lock.id, who=lock.who)


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
        if lock and now - lock.since <= OLD:
            text = f"somebody is deploying; nothing of {stack} was changed here; {_told(lock, workspace, stack)}"
            raise StrataError(Message("other-run-active", text, stack=stack, lock=lock.id, who=lock.who))
        if Version.of(read_state(aws, project, stack)) != version:
            text = f"somebody deployed {stack} in the meantime; nothing of it was changed here; run this again"
            raise StrataError(Message("changed-meanwhile", text, stack=stack))


def _told(lock: Lock, workspace: Workspace, stack: str) -> str:
    since = f"{lock.since:%Y-%m-%d %H:%M} UTC"
    return f"{stack}: {'; '.join(held(workspace, stack, lock.id, who=lock.who, since=since))}"
