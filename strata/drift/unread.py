"""What could not be read of what is compared, and how many differences there are beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from strata.errors import Message
from strata.text import counted, listed


@dataclass(frozen=True)
class Unread:
    """A part that could not be read, what is in it, why, and the account that it is in or of, if it is of one."""

    part: str
    kinds: tuple[str, ...]
    reason: Message
    account: str = ""

    def __str__(self) -> str:
        inside = f" ({', '.join(self.kinds)})" if self.kinds and self.kinds != (self.part,) else ""
        return f"{self.part}{inside}: {self.reason}"

    def as_data(self) -> dict[str, Any]:
        """Returns the part as --json has it."""
        return {"part": self.part, "kinds": list(self.kinds), "reason": self.reason, "id": self.reason.id}


def together(parts: Iterable[Unread]) -> Iterator[Unread]:
    """Yields what is unread; accounts in which it is for the same reason once, with the reason of the first."""
    alike: dict[tuple[str, Sequence[str], str], list[Unread]] = {}
    for unread in parts:
        account = re.escape(unread.account)
        word = re.sub(rf"(_| of ){account}$", "", unread.part) if account else unread.part
        reason = re.sub(rf"\b(\d{{12}}|{account})\b", "", unread.reason)
        alike.setdefault((word, unread.kinds, reason), []).append(unread)
    for (word, *_), (first, *others) in alike.items():
        accounts = listed([unread.account for unread in (first, *others)])
        yield replace(first, part=f"{word} in {len(others) + 1:,} accounts, {accounts}") if others else first


def summary(differences: int, accepted: int, unread: int) -> str:
    """Returns how many differences there are, and how many parts could not be read."""
    text = counted(differences, "difference") if differences else "no drift"
    text += f", {accepted:,} accepted" if accepted else ""
    return f"{text} in what could be read, {counted(unread, 'part')} unread" if unread else text
