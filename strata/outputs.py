"""The JSON of commands, for scripts: an object with the number of its format; docs/json.md describes each field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from strata.errors import ConfigurationError, Fault, Message, StrataError, unforeseen
from strata.printing import as_json

FORMATS: Mapping[str, int] = {
    "adopt": 2,
    "can": 1,
    "check": 1,
    "deploy": 2,
    "diff": 1,
    "doctor": 1,
    "drift": 2,
    "explain": 1,
    "plan": 2,
    "profiles": 1,
    "report": 1,
}
"""The number of each output. It grows when a field goes, or means something else; not when a field is added."""


def output(name: str, data: Mapping[str, Any], notes: Sequence[Message] = ()) -> str:
    """Returns the JSON of a command; `messages` has every `Message` of the data, and notes, each once."""
    messages = {(message["id"], message["text"], message["place"]): message for message in _messages([data, *notes])}
    return as_json({"format": FORMATS[name], **data, "messages": list(messages.values())})


def _messages(value: Any, place: str = "", remedy: str = "") -> Iterator[dict[str, Any]]:
    """Yields the messages of some data, with the place and the remedy that stand beside them."""
    if isinstance(value, Message):
        at = value.place or place
        text = (f"{value}; {remedy}" if remedy else str(value)).removeprefix(f"{at}: ")
        yield {"id": value.id, "text": text, "place": at, "data": dict(value.data)}
    elif isinstance(value, Mapping):
        if value.get("file") and value.get("line"):
            place = ": ".join(filter(None, (f"{value['file']}:{value['line']}", value.get("path"))))
        for part in value.values():
            yield from _messages(part, value.get("place") or place, value.get("remedy", ""))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _messages(part, place)


def error_facts(error: Exception) -> dict[str, Any]:
    """Returns an error as a script gets it: faults of the configuration, other errors, and what to do about them."""
    if isinstance(error, ConfigurationError):
        return {"faults": [fault_facts(fault) for fault in error.faults], "errors": [], "advice": []}
    if refusals := getattr(error, "refusals", ()):
        faults = [
            fault_facts(refusal.fault) | {"allow": refusal.kind, "copy": list(refusal.lines)} for refusal in refusals
        ]
        return {"faults": faults, "errors": list(getattr(error, "others", ())), "advice": []}
    if isinstance(error, StrataError):
        return {"faults": [], "errors": list(error.args), "advice": list(getattr(error, "advice", ()))}
    return {"faults": [], "errors": [unforeseen(error)], "advice": []}


def fault_facts(fault: Fault) -> dict[str, Any]:
    """Returns a fault of the configuration as a script gets it."""
    return {
        "file": fault.file,
        "line": fault.line,
        "path": fault.path,
        "problem": fault.problem,
        "remedy": fault.remedy,
        "rule": fault.rule,
        "id": fault.problem.id,
        "allow": "",
        "copy": [],
    }


def warning_facts(warning: Message) -> dict[str, Any]:
    """Returns a warning about AWS or a state, which has no place in a file, as a script gets it."""
    problem, _, remedy = warning.partition("; ")
    told = warning.saying(problem, place=warning.place)
    return {"file": None, "line": None, "path": "", "problem": told, "remedy": remedy, "id": warning.id}
