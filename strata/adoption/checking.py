"""Holds a described configuration against the rules: unknown names are accepted, other faults of documents found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

from strata.config.loader import read_partial
from strata.errors import ConfigurationError, StrataError
from strata.rules.spelling import unknown_in

REASON = "As found by strata adopt."


def accepted(folder: Path) -> list[dict[str, Any]]:
    """Returns the entries of accepted.yaml for names in documents that the reference data does not have."""
    partial, _ = read_partial(folder)
    return [{"finding": finding, "at": at, "reason": REASON} for finding, at in sorted(set(unknown_in(partial)))]


def until_accepted(describe: Callable[[Mapping[str, str]], D], finish: Callable[[D], T]) -> T:
    """Returns the finished description, without the documents that AWS took and the configuration does not.

    Args:
        describe: returns a description without some documents, by path, each with the reason.
        finish: returns the result of a description, which it holds against the rules.

    Raises:
        StrataError: the description has faults that lie in no document of its own.
    """
    refused: dict[str, str] = {}
    while True:
        found = describe(refused)
        try:
            return finish(found)
        except ConfigurationError as error:
            more = refused_documents(error, found.documents)
            if not more:
                text = "what was found is not a valid configuration:"
                raise StrataError(text, *map(str, error.faults)) from error
            refused |= more


class _Described(Protocol):
    @property
    def documents(self) -> Mapping[str, str]: ...


D = TypeVar("D", bound=_Described)
T = TypeVar("T")


def refused_documents(error: ConfigurationError, documents: Iterable[str]) -> dict[str, str]:
    """Returns which documents AWS took and the configuration does not, each with its first fault.

    A fault stands in the document, or at the entry that names it.
    """
    found: dict[str, str] = {}
    for fault in error.faults:
        section, _, rest = fault.path.partition(".")
        key = rest.partition(".")[0]
        at_entry = {"policies": f"policies/{key}.json", "permission_sets": f"policies/{key}-inline.json"}.get(
            section, ""
        )
        for document in documents:
            if document == at_entry or f"/{fault.file}".endswith(f"/{document}"):
                found.setdefault(document, f"its document is no valid one here: {fault.problem}")
    return found
