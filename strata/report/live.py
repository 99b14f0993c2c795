"""The evidence that a report or an answer was made of what AWS had: when, by whom, whose, and what differs there."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from strata.errors import Message
from strata.text import counted, in_sentence, listed


@dataclass(frozen=True)
class ReportedDifference:
    """Something that AWS has otherwise than the configuration.

    Attributes:
        how: made, gone or changed, as in `made-outside`; nothing says who did it, or whether a deploy is due.
        attribute: what differs of it, empty for the whole.
        place: file and line that declare it, empty where nothing does.
        accepted: whether accepted.yaml has it.
        finding: as what drift tells it; empty for what is no drift: a deploy is due, or leaves it.
    """

    how: str
    kind: str
    name: str
    attribute: str = ""
    at_aws: str = ""
    declared: str = ""
    place: str = ""
    accepted: bool = False
    finding: str = ""

    @property
    def is_drift(self) -> bool:
        """Returns whether `strata drift` counts it."""
        return bool(self.finding) and not self.accepted

    @property
    def what(self) -> str:
        """Returns the difference in a line: `group x: name is a at AWS, b here`."""
        label = "" if self.is_drift else ", accepted" if self.accepted else ", no drift"
        if self.attribute:
            how = f"{self.attribute} is {in_sentence(self.at_aws)} at AWS, {in_sentence(self.declared)} here"
        else:
            gone = "declared only" if self.place else "no more at AWS"
            how = {MADE: "at AWS only", GONE: gone}[self.how]
        return f"{self.kind} {self.name}: {how}{label}"

    def as_data(self) -> dict[str, Any]:
        """Returns the difference as --format json has it."""
        return asdict(self)


MADE, GONE, CHANGED = "made", "gone", "changed"


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
        """Returns the part as --format json has it."""
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


@dataclass(frozen=True)
class ControlAtAws:
    """What AWS has of a control of security.yaml.

    Attributes:
        words: the same for a person.
        was_read: whether anybody asked.
        differs: whether it is not as it was set.
    """

    words: str
    was_read: bool = True
    differs: bool = False


NOT_READ = ControlAtAws("not read", was_read=False)


def summary(differences: int, accepted: int, unread: int, *, none: str = "none") -> str:
    """Returns how many differences there are, and how many parts could not be read."""
    text = counted(differences, "difference") if differences else none
    text += f", {accepted:,} accepted" if accepted else ""
    return f"{text} in what could be read, {counted(unread, 'part')} unread" if unread else text


@dataclass(frozen=True)
class LiveEvidence:
    """The evidence.

    Attributes:
        caller: the ARN of who read.
        accounts: the ids of all accounts by key, closed ones among them.
        sha256: the hash of the reading.
        unread: what the caller may not read; never told as empty or equal.
        not_read: what no reading covers.
        notes: what an account of all this has to add.
        controls: what AWS has of controls.
    """

    read_at: dt.datetime
    caller: str
    organization: str
    management: str
    identity_center: str
    identity_store: str
    accounts: Mapping[str, str]
    sha256: str
    differences: Sequence[ReportedDifference] = ()
    unread: Sequence[Unread] = ()
    not_read: Sequence[str] = ()
    notes: Sequence[str] = ()
    controls: Mapping[str, ControlAtAws] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"Live: as AWS had it on {self.read_at:%Y-%m-%d} at {self.read_at:%H:%M:%S} UTC, read by {self.caller}"

    def facts(self) -> list[tuple[str, str]]:
        """Returns name and value of each fact."""
        facts = [
            ("Read at", f"{self.read_at:%Y-%m-%d %H:%M:%S} UTC"),
            ("Read by", self.caller),
            ("Organization", self.organization),
            ("Management account", self.management),
            ("Identity Center", self.identity_center or "unread, or not enabled"),
            ("Identity store", self.identity_store or "unread, or not enabled"),
            ("SHA-256 of the reading", self.sha256),
            ("Differences", self.summary),
        ]
        facts += [("! Unread", str(unread)) for unread in together(self.unread)]
        facts += [("Not read", subject) for subject in self.not_read]
        return [*facts, *(("Note", note) for note in self.notes)]

    @property
    def summary(self) -> str:
        """Returns how many differences there are, as drift counts them, and what is no drift."""
        drift = sum(difference.is_drift for difference in self.differences)
        accepted = sum(difference.accepted for difference in self.differences)
        others = len(self.differences) - drift - accepted
        text = summary(drift, accepted, len(self.unread))
        return f"{text}; {others:,} that {'is' if others == 1 else 'are'} no drift" if others else text

    @property
    def controls_not_read(self) -> list[str]:
        """Returns the controls of which nobody knows whether they are on."""
        return [name for name, control in self.controls.items() if not control.was_read]

    @property
    def exit_code(self) -> int:
        """Returns what `strata drift` ends with: 1 where something could not be read, else 3 where it differs."""
        return 1 if self.unread else 3 if any(difference.is_drift for difference in self.differences) else 0

    def as_data(self) -> dict[str, Any]:
        """Returns the evidence as --format json has it."""
        return {
            "read_at": self.read_at.isoformat(timespec="seconds"),
            "caller": self.caller,
            "organization": self.organization,
            "management_account": self.management,
            "identity_center": self.identity_center,
            "identity_store": self.identity_store,
            "accounts": dict(self.accounts),
            "sha256": self.sha256,
            "differences": [difference.as_data() for difference in self.differences],
            "unread": [unread.as_data() for unread in self.unread],
            "not_read": list(self.not_read),
            "notes": list(self.notes),
            "controls": {name: control.words for name, control in self.controls.items()},
            "controls_not_read": self.controls_not_read,
        }
