"""Holds a described configuration against the rules: unknown names are accepted, other faults of documents found."""

from __future__ import annotations

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


def refused_documents(error: ConfigurationError) -> dict[str, str]:
    """Returns the documents that AWS took and the configuration does not, each with its first fault."""
    found: dict[str, str] = {}
    for fault in error.faults:
        folder, _, name = fault.file.rpartition("policies/")
        if name and (not folder or folder.endswith("/")):
            found.setdefault(f"policies/{name}", f"its document {fault.problem}")
    return found
