"""The guardrails that come with Strata: a policy document each, what it breaks, and the expectations that it keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from strata.config import ORGANIZATION
from strata.config.models import PolicyType
from strata.config.source import SourceFile, parse
from strata.files.template import TEMPLATE
from strata.rules.usual_expectations import Entry, usual

LIBRARY = TEMPLATE.with_name("guardrails")


@dataclass(frozen=True)
class Guardrail:
    """A guardrail of the library.

    Attributes:
        option: the section of organization.yaml that makes the policy, empty where `path` is its document.
        expectations: entries of expectations.yaml, without the place where they hold.
    """

    key: str
    type: PolicyType
    description: str
    breaks: str
    expectations: tuple[Entry, ...]
    option: str
    path: Path

    @property
    def file(self) -> str:
        """Returns the document below a configuration."""
        return f"policies/{self.key}.json"

    @property
    def document(self) -> str:
        """Returns the text of its document."""
        return self.path.read_text(encoding="utf-8")


@cache
def library() -> Mapping[str, Guardrail]:
    """Returns every guardrail by its key, in the order in which they are offered."""
    shipped, known = _data(TEMPLATE / ORGANIZATION)["policies"], {entry["id"]: entry for entry in usual()}
    guardrails = {}
    for key, written in _data(LIBRARY / "library.yaml").items():
        own = LIBRARY / f"{key}.json"
        described = written if "type" in written else {**shipped[key], **written}
        guardrails[key] = Guardrail(
            key=key,
            type=PolicyType(described["type"]),
            description=described["description"],
            breaks=written["breaks"],
            expectations=tuple(
                known[entry] if isinstance(entry, str) else entry for entry in written.get("expectations", ())
            ),
            option=written.get("option", ""),
            path=own if "type" in written else TEMPLATE / "policies" / own.name,
        )
    return guardrails


def offered_expectations() -> dict[str, Entry]:
    """Returns the expectations that may be added, by id: those of the guardrails, and the other usual ones."""
    of_guardrails = (entry for guardrail in library().values() for entry in guardrail.expectations)
    return {entry["id"]: entry for entry in (*of_guardrails, *usual())}


def _data(path: Path) -> Any:
    source_file = SourceFile(path.name)
    parse(path.read_text(encoding="utf-8"), source_file)
    return source_file.data
