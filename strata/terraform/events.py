"""What Terraform says with `-json` while it plans and applies: errors, progress, and how far it came."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from strata.config.layers import IN_ACCOUNT
from strata.errors import Message
from strata.text import counted


@dataclass(frozen=True)
class Failure:
    """One error of Terraform: its text on one line, the resource it is about, and the stacks whose outputs it names."""

    text: str
    address: str | None = None
    reads: frozenset[str] = frozenset()
    written_in: str = ""
    """The address of the resource or data source in whose Terraform it is, where that has no address of its own."""
    remedy: Message | None = None
    """What to do about it, where AWS was asked why it is so."""
    id: str = "terraform-failed"
    """The case, as of a message."""

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


class Watcher(Protocol):
    """Who is told how far a command is."""

    def at(self, text: str) -> None:
        """Hears what is at work now."""

    def still(self, text: str) -> None:
        """Hears what takes long."""

    def done(self, text: str) -> None:
        """Hears that one thing of many is done."""

    def note(self, text: str) -> None:
        """Hears what Terraform says itself."""


class Events:
    """The events of one command, each line as it comes; what is no event is kept as it is."""

    def __init__(self, watcher: Watcher, stack: str, *, steps: int = 0, verbose: bool = False) -> None:
        self._watcher, self._stack, self._steps, self._verbose = watcher, stack, steps, verbose
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
        """Takes one line."""
        try:
            event = json.loads(line)
            handler = _HANDLERS.get(event.get("type"))
            if self._verbose and event.get("@message") and not (_is_of_lock_table(event) or self._is_same(event)):
                self._watcher.note(f"{self._stack}: {event['@message']}")
            if handler:
                handler(self, event)
        except (ValueError, KeyError, TypeError, AttributeError):  # no event, or none that we know
            if line.strip():
                self.other.append(line)

    @property
    def failures(self) -> list[Failure]:
        """Returns the errors, each once, in order."""
        return list(self._failures)

    def _diagnostic(self, event: dict[str, Any]) -> None:
        diagnostic = event["diagnostic"]
        if diagnostic.get("severity") == "error":
            self._failures[failure(diagnostic)] = None

    def _start(self, event: dict[str, Any]) -> None:
        if hook := _change(event):
            self.begun[hook["resource"]["addr"]] = hook["action"]
            self._watcher.at(f"{self._count()} {_DOING[hook['action']]} {hook['resource']['addr']}")

    def _wait(self, event: dict[str, Any]) -> None:
        if hook := _change(event):
            seconds = hook.get("elapsed_seconds", 0)
            doing = f"{_DOING[hook['action']]} {hook['resource']['addr']}"
            self._watcher.at(f"{self._count()} {doing}")
            self._say(self._watcher.still, f"still {doing}, {seconds} s")

    def _complete(self, event: dict[str, Any]) -> None:
        if hook := _change(event):
            self.begun.pop(hook["resource"]["addr"], None)
            self.done[_DONE[hook["action"]]] += 1
            took = hook.get("elapsed_seconds", 0)
            did = f"{_DID[hook['action']]} {hook['resource']['addr']}{f', {took} s' if took else ''}"
            self._watcher.at(f"{self._count()} {did}")
            self._say(self._watcher.done, f"{self._count()} {did}")

    def _refreshed(self, _event: dict[str, Any]) -> None:
        self.compared += 1
        self._watcher.at(f"{counted(self.compared, 'resource')} compared with AWS")

    def _is_same(self, event: dict[str, Any]) -> bool:
        """Says whether every account would tell it again, or the plan has told it."""
        if IN_ACCOUNT not in self._stack:
            return False
        address = str(((event.get("hook") or {}).get("resource") or {}).get("addr"))
        was_planned = event.get("type") == "planned_change" and self._steps
        return bool(was_planned or event.get("type") == "version" or address.startswith("data.terraform_remote_state."))

    def _count(self) -> str:
        return f"[{self.done.total()}/{max(self._steps, self.done.total())}]"

    def _say(self, told: Callable[[str], None], text: str) -> None:
        if not self._verbose:  # where Terraform's own words are shown
            told(f"{self._stack}: {text}")


_HANDLERS: dict[str, Callable[[Events, dict[str, Any]], None]] = {
    "diagnostic": Events._diagnostic,
    "apply_start": Events._start,
    "apply_progress": Events._wait,
    "apply_complete": Events._complete,
    "refresh_complete": Events._refreshed,
}


def _is_of_lock_table(event: dict[str, Any]) -> bool:
    """Says whether Terraform calls the lock table deprecated, as it does again and again; doctor says it once."""
    diagnostic = event.get("diagnostic") or {}
    return diagnostic.get("severity") == "warning" and "dynamodb_table" in str(diagnostic.get("detail"))


def _change(event: dict[str, Any]) -> dict[str, Any] | None:
    """Returns who does something and what, None where it is only read."""
    hook: dict[str, Any] = event["hook"]
    return hook if hook.get("action") in _DONE else None


def failure(diagnostic: dict[str, Any]) -> Failure:
    """Returns what a diagnostic of Terraform says."""
    text = " ".join(f"{diagnostic.get('summary', '')}: {diagnostic.get('detail') or ''}".split()).rstrip(": ")
    text = _TERRAFORMS_ADVICE.split(text)[0]
    reads = frozenset(_OTHER_STACK.findall("\n".join(_said(diagnostic))))
    block, _, address = str((diagnostic.get("snippet") or {}).get("context") or "").partition(".")
    written_in = {"resource": address, "data": f"data.{address}"}.get(block, "")
    return Failure(text, diagnostic.get("address"), reads, written_in)


_TERRAFORMS_ADVICE = re.compile(
    " To avoid this error and continue with the plan,| Terraform acquires a (?:state )?lock "
)
"""The way around a guard or a lock, which is nothing for an operator to do."""


def _said(diagnostic: dict[str, Any]) -> Iterator[str]:
    snippet = diagnostic.get("snippet") or {}
    yield from (str(part) for part in (diagnostic.get("address"), snippet.get("code")) if part)
    yield from (str(value.get("traversal")) for value in snippet.get("values") or ())


_OTHER_STACK = re.compile(r"data\.terraform_remote_state\.cross-stack-reference-input-([\w-]+)")
