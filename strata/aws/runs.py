"""How the last run of each stack ended, written down beside the states: a state names neither that nor its provider.

They lie under `management/runs.json`. Whether a plan may do without a refresh depends on them, and whether it notices
that a team's file has gone; whatever is wrong with them is told and stops nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from strata.aws import kept
from strata.aws.session import Aws
from strata.aws.states import Version
from strata.config.models import Project


@dataclass(frozen=True)
class Run:
    """A run of a stack that ended whole.

    Attributes:
        version: the version of the state that it left.
        providers: version by source of the providers that made it.
        files: the resources by file and section, where teams own files.
        moves: kind and old key of the entries of moves.yaml; None where an older version of Strata made the run.
        seconds: how long its applies took, in the last run that had any; 0 where that is not known.
    """

    version: Version
    providers: Mapping[str, str]
    files: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    moves: Sequence[Sequence[str]] | None = None
    seconds: float = 0


def read(aws: Aws, project: Project) -> dict[str, Run]:
    """Returns the last run of each stack that ended whole, none where nobody has written any.

    Raises:
        AwsError: it may not be read.
        ValueError: it is not what Strata writes.
    """
    found = kept.read(aws, project, kept.RUNS)
    return _parsed(found.body) if found else {}


def write(aws: Aws, project: Project, ended: Mapping[str, Run]) -> None:
    """Adds runs that ended whole to those of other stacks, in one write, if that changes anything.

    Two runs that write at once may lose what one of them wrote, which costs a refresh.

    Raises:
        AwsError: the bucket refuses it.
    """
    try:
        known = read(aws, project)
    except ValueError:
        known = {}
    took = {stack: run.seconds for stack, run in known.items()}
    runs = {**known, **{stack: replace(run, seconds=run.seconds or took.get(stack, 0)) for stack, run in ended.items()}}
    if runs != known:
        kept.write(aws, project, kept.RUNS, _written(runs))


def shown(project: Project) -> str:
    """Returns where they lie."""
    return kept.shown(project, kept.RUNS)


def _written(runs: Mapping[str, Run]) -> bytes:
    entries = {
        stack: {
            **run.version._asdict(),
            "providers": dict(sorted(run.providers.items())),
            "files": run.files,
            "moves": run.moves,
            "seconds": run.seconds,
        }
        for stack, run in sorted(runs.items())
    }
    return json.dumps({"format": kept.FORMAT, "runs": entries}, indent=2).encode()


def _parsed(body: bytes) -> dict[str, Run]:
    match kept.parsed(body).get("runs"):
        case dict(entries):
            return {stack: _run(entry) for stack, entry in entries.items()}
    raise ValueError("no runs")


def _run(entry: Any) -> Run:
    match entry:
        case {"lineage": str(lineage), "serial": int(serial), "providers": dict(providers)}:
            files, moves = _files(entry.get("files", {})), _moves(entry.get("moves"))
            return Run(Version(lineage, serial), providers, files, moves, _seconds(entry.get("seconds", 0)))
    raise ValueError("an entry is no run")


def _seconds(found: Any) -> float:
    if isinstance(found, int | float) and not isinstance(found, bool):
        return found
    raise ValueError("the seconds of an entry are none")


def _moves(found: Any) -> list[list[str]] | None:
    if found is None or (isinstance(found, list) and all(isinstance(one, list) for one in found)):
        return found
    raise ValueError("the moves of an entry are none")


def _files(found: Any) -> dict[str, dict[str, list[str]]]:
    if isinstance(found, dict) and all(isinstance(sections, dict) for sections in found.values()):
        names = [section for sections in found.values() for section in sections.values()]
        if all(isinstance(one, list) and all(isinstance(name, str) for name in one) for one in names):
            return found
    raise ValueError("the files of an entry are none")
