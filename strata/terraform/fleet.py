"""Terraform in many member accounts at once: how many this machine carries, in which groups, and how far they are."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TypeVar

from strata.config.layers import IN_ACCOUNT, Layer
from strata.kinds.assignment import ASSIGNMENT
from strata.kinds.control import CONTACT
from strata.kinds.members.primary_contact import PRIMARY_CONTACT
from strata.landing_zone import LandingZone
from strata.terraform.progress import Progress
from strata.terraform.workspace import Workspace

T = TypeVar("T")


MEMORY = 600
"""Megabytes that a Terraform and its AWS provider take at most while they plan or apply the stack of one account."""


def machine() -> int:
    """Returns how many Terraforms run at once on this machine: as many as it has cores and free memory for."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        match = re.search(r"^MemAvailable: +(\d+) kB$", Path("/proc/meminfo").read_text(encoding="ascii"), re.MULTILINE)
    except OSError:  # Linux alone tells it
        match = None
    return max(1, min(cores, int(match[1]) // 1024 // MEMORY)) if match else cores


def groups(workspace: Workspace, stacks: Sequence[str], in_accounts: Collection[str]) -> Iterator[list[str]]:
    """Yields the stacks in their order, those in accounts together that read from none of each other."""
    group: list[str] = []
    for stack in stacks:
        alone = stack not in in_accounts or (group and group[0] not in in_accounts)
        if group and (alone or set(group) & set(workspace.producers(stack))):
            yield group
            group = []
        group.append(stack)
    if group:
        yield group


def waves(stacks: Sequence[str], wave: Callable[[str], int]) -> Iterator[list[str]]:
    """Yields stacks by the number of their wave."""
    for number in sorted({*map(wave, stacks)}):
        yield [stack for stack in stacks if wave(stack) == number]


def many(workspace: Workspace, stacks: Sequence[str], in_accounts: Collection[str]) -> frozenset[str]:
    """Returns the stacks that are planned and deployed beside another one."""
    return frozenset(stack for group in groups(workspace, stacks, in_accounts) if group[1:] for stack in group)


def words(stacks: Iterable[str], in_accounts: Collection[str]) -> list[str]:
    """Returns stacks as people name them: a layer for all the stacks that it has in accounts."""
    named = list(stacks)
    whole = {layer_of(stack) for stack in in_accounts} - {layer_of(stack) for stack in {*in_accounts} - {*named}}
    return list(dict.fromkeys(layer_of(stack) if layer_of(stack) in whole else stack for stack in named))


def layer_of(stack: str) -> str:
    """Returns the layer that a stack is of."""
    return stack.partition(IN_ACCOUNT)[0]


def own_layer(zone: LandingZone, stack: str) -> Layer | None:
    """Returns the layer of one's own that a stack is of, None for those of Strata."""
    layer = zone.layers.get(layer_of(stack))
    return layer if layer and not layer.source else None


def each(work: Callable[[str], T], stacks: Sequence[str], at_once: int, progress: Progress) -> dict[str, T]:
    """Returns what is done for each stack; who interrupts waits for those under way, and none begins."""
    pool = ThreadPoolExecutor(at_once)
    try:
        under_way = {pool.submit(work, stack): stack for stack in stacks}
        for number, _ in enumerate(as_completed(under_way), 1):
            progress.at(f"{number} of {len(stacks)}")
        found = {stack: future.result() for future, stack in under_way.items()}
    finally:
        pool.shutdown(cancel_futures=True)
    return found


def limit(workspace: Workspace, stack: str) -> tuple[str, ...]:
    """Returns how many things at a time Terraform may ask of AWS, where more would be refused and asked for again."""
    made = workspace.document(stack).get("resource", {})
    limits = [at_once for type, (some, at_once) in _AT_ONCE.items() if len(made.get(type, ())) > some]
    return (f"-parallelism={min(limits)}",) if limits else ()


_AT_ONCE = {ASSIGNMENT.type: (0, 8), CONTACT.type: (15, 4), PRIMARY_CONTACT.type: (8, 2)}
"""For more things of a type than so many, so many at once.

Identity Center answers about 20 calls a second and refuses more than 10 assignments under way; of contacts AWS gives 10
a second, and 15 at once: https://docs.aws.amazon.com/accounts/latest/reference/quotas.html. Of 300 contacts, ten at
once were refused 105 times and took 57 seconds, four 24 times and 40 seconds (provider 5.100, 0.15 s a call).
"""
