"""How the last run of each stack ended, written down beside the states, which do not name that.

They lie under `management/runs.json`. Whether a deploy looks for accounts with older permission sets depends on them,
and whether a plan notices that a team's file has gone; whatever is wrong with them is told and stops nothing.
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

NO_STATE = Version("", 0)
"""The version that a run left of a stack that makes nothing: Terraform writes no state for it."""


@dataclass(frozen=True)
class Run:
    """A run of a stack that ended whole.

    Attributes:
        version: the version of the state that it left.
        files: the resources by file and section, where teams own files.
        moves: kind and old key of the entries of moves.yaml; None where an older version of Strata made the run.
    """

    version: Version
    files: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    moves: Sequence[Sequence[str]] | None = None


def read(aws: Aws, project: Project) -> dict[str, Run]:
    """Returns the last run of each stack that ended whole, none where nobody has written any.

    Raises:
        AwsError: it may not be read.
        ValueError: it is not what Strata writes.
    """
    lying = kept.read(aws, project, kept.RUNS)
    if lying is None:
        return {}
    match kept.parsed(lying.body).get("runs"):
        case dict(entries):
            return {stack: _run(entry) for stack, entry in entries.items()}
    raise ValueError("no runs")


def write(aws: Aws, project: Project, ended: Mapping[str, Run]) -> None:
    """Adds runs that ended whole to those of other stacks, in a single write, if that changes anything.

    Two runs that write at once may lose what either wrote, which costs a look at the permission sets.

    Raises:
        AwsError: the bucket refuses it.
    """
    try:
        known = read(aws, project)
    except ValueError:
        known = {}
    runs = {**known, **ended}
    if runs != known:
        kept.write(aws, project, kept.RUNS, _written(runs))


def begin(aws: Aws, project: Project, stack: str) -> None:
    """Writes that the last run of a stack has not ended whole: a killed Terraform may leave no word in its state.

    Raises:
        AwsError: the bucket refuses it.
        ValueError: what is there is not what Strata writes.
    """
    if run := read(aws, project).get(stack):
        write(aws, project, {stack: replace(run, version=NO_STATE)})


def shown(project: Project) -> str:
    """Returns where they lie."""
    return kept.shown(project, kept.RUNS)


def _written(runs: Mapping[str, Run]) -> bytes:
    entries = {
        stack: {
            **run.version._asdict(),
            "files": run.files,
            "moves": run.moves,
        }
        for stack, run in sorted(runs.items())
    }
    return json.dumps({"format": kept.FORMAT, "runs": entries}, indent=2).encode()


def _run(entry: Any) -> Run:
    match entry:
        case {"lineage": str(lineage), "serial": int(serial)}:
            files, moves = entry.get("files", {}), entry.get("moves")
        case _:
            raise ValueError("an entry is no run")
    if not isinstance(files, dict) or not all(_are_sections(sections) for sections in files.values()):
        raise ValueError("the files of an entry are none")
    if moves is not None and not (isinstance(moves, list) and all(isinstance(move, list) for move in moves)):
        raise ValueError("the moves of an entry are none")
    return Run(Version(lineage, serial), files, moves)


def _are_sections(sections: Any) -> bool:
    return isinstance(sections, dict) and all(
        isinstance(names, list) and all(isinstance(name, str) for name in names) for names in sections.values()
    )
