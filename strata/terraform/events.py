"""What Terraform says with `-json` while it plans and applies: errors, progress, and how far it came."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from strata.errors import Message
from strata.terraform.progress import Progress
from strata.text import counted


@dataclass(frozen=True)
class Failure:
    """An error of Terraform: its text on a line, the resource it is about, and the stacks whose outputs it names."""

    text: str
    address: str | None = None
    reads: frozenset[str] = frozenset()
    written_in: str = ""
    """The address of the resource or data source in whose Terraform it is, where that has no address of its own."""
    remedy: Message | None = None
    """What to do about it, where AWS was asked why it is so."""
    id: str = "terraform-failed"
    """The case, as of a message."""
    is_precondition: bool = False
    """Whether it is a condition of the Terraform, and no error of AWS or the provider."""

    @property
    def place(self) -> str:
        """Returns the address that it is about, empty where there is none."""
        return self.address or self.written_in

    @property
    def told(self) -> str:
        """Returns the text with the address, where the text does not name it."""
        return self.text if self.place in self.text else f"{self.place}: {self.text}"


_DONE = {"create": "added", "update": "changed", "delete": "destroyed"}
_DOING = {"create": "creating", "update": "modifying", "delete": "destroying"}
_DID = {"create": "created", "update": "modified", "delete": "destroyed"}


class Events:
    """The events of a command, each line as it comes; what is no event is kept as it is."""

    def __init__(self, progress: Progress, stack: str, *, steps: int = 0, verbose: bool = False) -> None:
        self._progress, self._stack, self._steps, self._verbose = progress, stack, steps, verbose
        self._failures: dict[Failure, None] = {}
        self.done = Counter[str]()
        """How many resources were added, changed and destroyed."""
        self.compared = 0
        """How many resources were compared with AWS."""
        self.begun: dict[str, str] = {}
        """What was begun and not finished, by address."""
        self.other: list[str] = []
        """What Terraform said besides, such as why it crashed."""

    def take(self, line: str) -> None:
        """Takes a line."""
        try:
            event = json.loads(line)
            if self._verbose and event.get("@message"):
                self._progress.note(f"{self._stack}: {event['@message']}")
            self._handle(event)
        except (ValueError, KeyError, TypeError, AttributeError):  # no event, or none that we know
            if line.strip():
                self.other.append(line)

    @property
    def failures(self) -> list[Failure]:
        """Returns the errors, each once, in order."""
        return list(self._failures)

    def _handle(self, event: dict[str, Any]) -> None:
        kind = event.get("type")
        if kind == "diagnostic" and event["diagnostic"].get("severity") == "error":
            self._failures[failure(event["diagnostic"])] = None
        elif kind == "refresh_complete":
            self.compared += 1
            self._progress.at(f"{counted(self.compared, 'resource')} compared with AWS")
        elif kind in ("apply_start", "apply_progress", "apply_complete"):
            hook = event["hook"]
            if hook.get("action") in _DONE:  # else it is only read
                self._apply(kind, hook["action"], hook["resource"]["addr"], hook.get("elapsed_seconds", 0))

    def _apply(self, kind: str, action: str, address: str, seconds: int) -> None:
        doing = f"{_DOING[action]} {address}"
        if kind == "apply_start":
            self.begun[address] = action
        elif kind == "apply_complete":
            self.begun.pop(address, None)
            self.done[_DONE[action]] += 1
            doing = f"{_DID[action]} {address}{f', {seconds} s' if seconds else ''}"
        done = self.done.total()
        doing_of_all = f"[{done}/{max(self._steps, done)}] {doing}"
        self._progress.at(doing_of_all)
        if self._verbose:  # there Terraform's own words are shown
            return
        if kind == "apply_progress":
            self._progress.still(f"{self._stack}: still {doing}, {seconds} s")
        elif kind == "apply_complete":
            self._progress.done(f"{self._stack}: {doing_of_all}")


def failure(diagnostic: dict[str, Any]) -> Failure:
    """Returns the error that a diagnostic of Terraform tells."""
    summary = diagnostic.get("summary", "")
    is_precondition = summary.endswith("precondition failed")
    words = ("" if is_precondition else f"{summary}: ", diagnostic.get("detail") or "")
    text = " ".join("".join(words).split()).rstrip(": ")
    text = _TERRAFORMS_ADVICE.split(text)[0]
    snippet = diagnostic.get("snippet") or {}
    traversals = [value.get("traversal") for value in snippet.get("values") or ()]
    reads = frozenset(
        _OTHER_STACK.findall("\n".join(map(str, (diagnostic.get("address"), snippet.get("code"), *traversals))))
    )
    block, _, address = str(snippet.get("context") or "").partition(".")
    written_in = {"resource": address, "data": f"data.{address}"}.get(block, "")
    return Failure(text, diagnostic.get("address"), reads, written_in, is_precondition=is_precondition)


_TERRAFORMS_ADVICE = re.compile(
    " To avoid this error and continue with the plan,| Terraform acquires a (?:state )?lock "
)
"""The way around a guard or a lock, which is nothing for an operator to do."""


_OTHER_STACK = re.compile(r"data\.terraform_remote_state\.cross-stack-reference-input-([\w-]+)")
