"""The JSON of commands, for scripts: an object with the number of its format; docs/json.md describes each field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strata.errors import ConfigurationError, Fault, StrataError
from strata.printing import as_json

FORMATS: Mapping[str, int] = {
    "add": 1,
    "adopt": 1,
    "can": 1,
    "check": 1,
    "deploy": 2,
    "diff": 1,
    "doctor": 1,
    "drift": 1,
    "explain": 1,
    "plan": 2,
    "profiles": 1,
    "report": 1,
}
"""The number of each output. It grows when a field goes, or means something else; not when one is added."""


def output(name: str, data: Mapping[str, Any]) -> str:
    """Returns the JSON of a command."""
    return as_json({"format": FORMATS[name], **data})


def error_facts(error: Exception) -> dict[str, Any]:
    """Returns an error as a script gets it: faults of the configuration, other errors, and what to do about them."""
    if isinstance(error, ConfigurationError):
        return {"faults": [fault_facts(fault) for fault in error.faults], "errors": [], "advice": []}
    if refusals := getattr(error, "refusals", ()):
        faults = [fault_facts(one.fault) | {"allow": one.kind, "copy": list(one.lines)} for one in refusals]
        return {"faults": faults, "errors": [], "advice": []}
    if isinstance(error, StrataError):
        advice = [text.strip() for text in error.lines() if not text.startswith("error: ")]
        return {"faults": [], "errors": [str(text) for text in error.args], "advice": advice}
    return {"faults": [], "errors": [f"{type(error).__name__}: {error}"], "advice": []}


def fault_facts(fault: Fault) -> dict[str, Any]:
    """Returns a fault of the configuration as a script gets it."""
    return {
        "file": fault.file,
        "line": fault.line,
        "path": fault.path,
        "problem": fault.problem,
        "remedy": fault.remedy,
        "rule": fault.rule,
        "allow": "",
        "copy": [],
    }


def warning_facts(text: str) -> dict[str, Any]:
    """Returns a warning about AWS or a state, which has no place in a file, as a script gets it."""
    problem, _, remedy = text.partition("; ")
    return {"file": None, "line": None, "path": "", "problem": problem, "remedy": remedy}
