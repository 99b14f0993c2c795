"""accepted.yaml: the warnings and the unknown names that somebody has looked at and accepts, with the reason."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, Field

from strata.config.findings import FINDINGS
from strata.config.models import Dated, Model
from strata.config.removed import removed
from strata.config.text import Problem, short
from strata.config.types import AcceptedPlace, LastDay, Reason, did_you_mean
from strata.errors import Message
from strata.printing import stays

ENTRIES = "accepted"
"""The key under which the list of the file is read."""


def _known(finding: str) -> str:
    if gone := removed(f"finding {finding}"):
        raise Problem(*gone)
    if finding not in FINDINGS:
        problem = f"{short(finding)} is not a finding{did_you_mean(finding, FINDINGS)}"
        raise Problem(
            Message("unknown-name", problem, kind="finding", name=finding), "write the one that strata check prints"
        )
    return finding


class Acceptance(Dated, Model):
    """One finding that is accepted, at one place."""

    finding: Annotated[str, AfterValidator(_known), Field(json_schema_extra={"enum": sorted(FINDINGS)})]
    """What is accepted, as `strata check` or `strata drift` prints it."""
    at: Annotated[AcceptedPlace, Field(min_length=1)]
    """Where, as `strata check` or `strata drift` prints it: a key, or a file and what it says there."""
    reason: Reason
    """Why it is right as it is, for those who review it."""
    until: LastDay | None = None
    """The last day it is accepted, YYYY-MM-DD: `strata check --as-of` reports when it is over."""


def by_finding(accepted: Iterable[Acceptance]) -> dict[tuple[str, str], Acceptance]:
    """Returns the entries by the finding and the place that they accept, whether their last day is over or not."""
    return {(acceptance.finding, acceptance.at): acceptance for acceptance in accepted}


def hint(finding: str, at: str) -> str:
    """Returns how a finding is told, so that it can be copied into accepted.yaml."""
    return f"finding: {finding}, at: {scalar(at)}"


def scalar(text: str) -> str:
    """Returns a text as any reader of YAML reads it back, in quotes only where it has to be."""
    import json

    import yaml

    from strata.config.source import SAFE_LOADER, plain

    try:
        same = text.isprintable() and stays(text) and yaml.load(f"[at: {text}]", SAFE_LOADER) == [{"at": text}]  # noqa: S506
    except (yaml.YAMLError, ValueError, KeyError, AttributeError):  # of a date that is none, and of !!bool
        same = False
    return text if same and plain(text) == text else json.dumps(text, ensure_ascii=False)
