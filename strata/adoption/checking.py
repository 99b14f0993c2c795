"""Holds a described configuration against the rules: unknown names are accepted, entries with other faults found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from strata.adoption.describing import Description
from strata.config.loader import read_partial
from strata.errors import ConfigurationError, Message, StrataError
from strata.rules import lock_outs_in
from strata.rules.spelling import unknown_in

T = TypeVar("T")

REASON = "As found by strata adopt."


def accepted(folder: Path) -> list[dict[str, Any]]:
    """Returns the entries of accepted.yaml for what is an error and was found as it is.

    That is a name in a document that the reference data does not have, and what nobody could undo.
    """
    partial, faults = read_partial(folder)
    found = {*unknown_in(partial), *(() if faults else lock_outs_in(partial))}
    return [{"finding": finding, "at": at, "reason": REASON} for finding, at in sorted(found)]


def until_accepted(describe: Callable[[Mapping[str, Message]], Description], finish: Callable[[Description], T]) -> T:
    """Returns the finished description, without the entries that AWS took and the configuration does not.

    Args:
        describe: returns a description without some entries, by their place, each with the reason.
        finish: returns the result of a description, which it holds against the rules.

    Raises:
        StrataError: the description has faults that lie in no entry that could be left out.
    """
    refused: dict[str, Message] = {}
    while True:
        description = describe(refused)
        try:
            return finish(description)
        except ConfigurationError as error:
            more = refused_entries(error, description)
            if not more.keys() - refused:
                refusal = Message("refused-by-check", "what was found is not a valid configuration:")
                faults = (fault.message for fault in error.faults)
                raise StrataError(refusal, *faults) from error
            refused = more | refused


def refused_entries(error: ConfigurationError, description: Description) -> dict[str, Message]:
    """Returns which entries AWS took and the configuration does not, each with its first fault.

    A fault stands at the entry or below it, or in the document of the entry.
    """
    refused: dict[str, Message] = {}
    for fault in error.faults:
        for entry, document in _entries(description):
            if f"{fault.path}.".startswith(f"{entry}."):
                refused.setdefault(entry, _of_itself(fault.problem, document))
            elif document and f"/{fault.file}".endswith(f"/{document}"):
                problem = fault.problem
                refused.setdefault(entry, problem.saying(f"its document {problem}"))
    return refused


def _of_itself(problem: Message, document: str) -> Message:
    """Returns a problem of an entry without the name of its document, which is not written."""
    text = str(problem)
    for words, instead in ((f"{document}: is ", "its document is "), (document, "its document")):
        text = text.replace(words, instead) if document else text
    return problem.saying(text)


def _entries(description: Description) -> Iterator[tuple[str, str]]:
    """Yields what may be left out, as a fault names it, each with its document."""
    for section in ("accounts", "policies", "delegated_administrators"):
        for key, entry in description.organization.get(section, {}).items():
            yield f"{section}.{key}", entry.get("file", "") if section == "policies" else ""
    for section in ("users", "groups", "permission_sets"):
        for key, entry in description.sso.get(section, {}).items():
            policies = entry.get("policies", ())
            yield f"{section}.{key}", next((policy["inline"] for policy in policies if "inline" in policy), "")
