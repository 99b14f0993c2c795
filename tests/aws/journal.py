"""What was called, by whom and how it ended, and the faults that a test has ordered."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import Literal

from tests.aws.calls import Call, Parameters

Way = Literal["refuse", "lose", "hang"]
"""`refuse`: AWS says no. `lose`: AWS does it, the answer never arrives. `hang`: the same, and the caller waits."""


@dataclass
class Fault:
    """Some calls that go wrong: from the n-th that fits, so many times.

    Without an action it is those of every action, but for those of `sparing`, such as `strata s3:GetObject`.
    """

    action: str
    way: Way = "refuse"
    nth: int = 1
    times: int = 1
    caller: str = ""
    containing: str = ""
    code: str = "ThrottlingException"
    message: str = "Rate exceeded"
    status: int = 400
    seen: int = 0
    sparing: list[str] = field(default_factory=list)

    def hits(self, call: Call) -> bool:
        """Counts a call that fits, and says whether it goes wrong."""
        if self.action not in ("", call.action) or self.caller not in ("", call.caller):
            return False
        if self.containing not in _text(call):
            return False
        if not self.action and (call.caller == "test" or f"{call.caller} {call.action}" in self.sparing):
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times


@dataclass
class Entry:
    """One line of the journal."""

    action: str
    caller: str
    account: str
    region: str
    parameters: Parameters
    outcome: str = "..."
    needs: list[str] = field(default_factory=list)
    """The actions of IAM that the caller has to be allowed; not of a test, which is nobody's caller."""
    role: str = ""
    """The ARN of the role that was assumed."""

    def __str__(self) -> str:
        said = json.dumps(self.parameters, default=str)
        where = f"{self.account} {self.region}"
        return f"{self.caller:9} {where:26} {self.action} {said[:400]} -> {self.outcome}"


@dataclass
class Journal:
    """Every call since the last reset, and the faults in force."""

    entries: list[Entry] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    waiting: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def write(self, call: Call) -> Entry:
        """Enters a call that begins."""
        entry = Entry(call.action, call.caller, call.account, call.region, call.parameters, role=call.role)
        self.entries.append(entry)
        return entry

    def fault(self, call: Call) -> Fault | None:
        """Returns the fault that this call meets, if any."""
        return next((fault for fault in self.faults if fault.hits(call)), None)

    def release(self) -> None:
        """Lets go of the calls that wait for their answer; the next that hangs waits anew."""
        self.released.set()
        self.waiting, self.released = threading.Event(), threading.Event()


def question_of(call: Call) -> str:
    """Returns what a call asks, the same where it is asked again."""
    return f"{call.account} {call.region} {call.action} {_text(call)}"


def _text(call: Call) -> str:
    return json.dumps(call.parameters, sort_keys=True, default=str)
