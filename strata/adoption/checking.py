"""Holds a described configuration against the rules: unknown names are accepted, other faults of documents found."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from strata.config.loader import read_partial
from strata.errors import ConfigurationError
from strata.rules.spelling import unknown_in

REASON = "As found by strata adopt."


def accepted(folder: Path) -> list[dict[str, Any]]:
    """Returns the entries of accepted.yaml for names in documents that the reference data does not have."""
    partial, _ = read_partial(folder)
    return [{"finding": finding, "at": at, "reason": REASON} for finding, at in sorted(set(unknown_in(partial)))]


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
