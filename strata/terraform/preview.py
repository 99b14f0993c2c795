"""A plan before the first deploy: stacks without a state are planned on copies, which have none and look for none.

What others read of them lies in files beside the copies: the outputs that their plans know. What AWS has yet to give is
in none: a plan that reads it takes it for unknown, or waits, as it does without a preview.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from strata.aws.resources import ResourceStatus
from strata.config.layers import STACKS
from strata.config.models import state_key
from strata.kinds.store import BOOTSTRAPPED, OWN_OUTPUTS
from strata.terraform.workspace import Workspace
from strata.text import listed, plural

Document = dict[str, Any]


@dataclass(frozen=True)
class Preview:
    """A plan before the first deploy, and what it takes for granted."""

    workspace: Workspace
    """The copies, and for what has a state the stacks themselves."""
    stacks: tuple[str, ...]
    """The stacks that have no state yet."""
    reads: tuple[str, ...]
    """Those of them whose outputs another stack reads."""
    lacking: tuple[ResourceStatus, ...]
    """What `strata bootstrap` has yet to make."""
    folder: Path

    @classmethod
    def of(
        cls,
        workspace: Workspace,
        stacks: Sequence[str],
        *,
        without_state: Collection[str],
        lacking: Sequence[ResourceStatus],
        folder: Path,
    ) -> Preview | None:
        """Returns the preview of stacks and of those that they read from, None where all have a state."""
        producers = workspace.producers(*stacks)
        wanted = {*stacks, *producers}
        new = tuple(stack for stack in workspace.stacks if stack in wanted and stack in without_state)
        # One that makes nothing never gets a state, as `accounts` where accounts inherit tags alone.
        if not any(stack in STACKS or {"resource", "output"} & workspace.document(stack).keys() for stack in new):
            return None
        read = tuple(stack for stack in new if stack in producers)
        preview = cls(workspace, new, read, tuple(lacking), folder)
        for stack in new:
            preview._keep(stack, {})
        for stack in workspace.stacks:
            if stack in wanted:
                workspace = preview._with_copy(workspace, stack)
        return replace(preview, workspace=workspace)

    def order(self, chosen: Collection[str]) -> list[str]:
        """Returns the stacks to plan: the chosen ones, and the new ones that they read from."""
        needed = {*self.workspace.producers(*chosen)}.intersection(self.stacks)
        return [stack for stack in self.workspace.stacks if stack in chosen or stack in needed]

    def learn(self, stack: str, shown: Mapping[str, Any]) -> None:
        """Keeps the outputs that the plan of a stack, in Terraform's JSON, would give to others."""
        if stack in self.reads:
            self._keep(stack, known_outputs(self.workspace.document(stack), shown))

    def told(self) -> Iterator[str]:
        """Yields what it is and what it takes for granted, in words."""
        have = plural(len(self.stacks), "has", "have")
        yield f"a preview before the first deploy: {_all(self.stacks)} {have} no state"
        if self.lacking:
            missing = [
                status.thing if status.verb == "create" else f"{status.thing} ({', '.join(status.missing)})"
                for status in self.lacking
            ]
            yield f"  missing, made by strata bootstrap: {listed(missing)}"
        if self.reads:
            yield f"  assumed: the outputs of {_all(self.reads)}, as these plans have them"

    def as_json(self) -> dict[str, Any]:
        """Returns what it takes for granted as `--json` prints it."""
        return {
            "without_state": list(self.stacks),
            "missing": [status.thing for status in self.lacking],
            "assumed_outputs_of": list(self.reads),
        }

    # The copies

    def _with_copy(self, workspace: Workspace, stack: str) -> Workspace:
        """Returns a workspace with the copy of a stack; the same where its own folder will do."""
        document = workspace.document(stack)
        before = json.dumps(document)
        if stack in self.stacks:
            _without_own_state(document, stack)
            document["terraform"]["backend"] = {"local": {"path": str(self.folder / f"{stack}.none")}}
            self._without_store(document)
        files = {state_key(stack): self._file(stack) for stack in self.stacks}
        for source in _sources(document).values():
            if source["backend"] == "s3" and (file := files.get(source["config"]["key"])):
                source.update(backend="local", config={"path": str(file)})
        if json.dumps(document) == before:
            return workspace
        return workspace.copied(stack, document, self.folder / f"{stack}.preview")

    def _without_store(self, document: Document) -> None:
        """Leaves out the imports of what does not exist, which Terraform refuses."""
        absent = {
            BOOTSTRAPPED[status.thing]
            for status in self.lacking
            if status.thing in BOOTSTRAPPED and status.verb == "create"
        }
        if document.get("import"):
            document["import"] = [block for block in document["import"] if block["to"] not in absent]

    # The outputs

    def _file(self, stack: str) -> Path:
        return self.folder / f"{stack}.outputs"

    def _keep(self, stack: str, outputs: Mapping[str, Any]) -> None:
        typed = {name: {"value": value, "type": _type(value)} for name, value in outputs.items()}
        state = {"version": 4, "serial": 1, "lineage": "preview", "outputs": typed, "resources": []}
        self._file(stack).write_text(json.dumps(state), encoding="utf-8")


def known_outputs(document: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the outputs that a plan in Terraform's JSON knows."""
    outputs = (shown.get("planned_values") or {}).get("outputs") or {}
    values = {name: outputs.get(name, {}).get("value") for name in document.get("output", {})}
    return {name: value for name, value in values.items() if value is not None}


def _type(value: object) -> Any:
    """Returns a value's type as a state writes it."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, Mapping):
        return ["object", {name: _type(inner) for name, inner in value.items()}]
    if isinstance(value, list):
        return ["tuple", [_type(inner) for inner in value]]
    return "dynamic" if value is None else "string"


def _sources(document: Document) -> dict[str, Document]:
    sources: dict[str, Document] = document.get("data", {}).get("terraform_remote_state", {})
    return sources


def _without_own_state(document: Document, stack: str) -> None:
    """Has a stack take its own last outputs for what they are before the first deploy: none."""
    for name, source in _sources(document).items():
        if source["config"].get("key") == state_key(stack) and "count" in source:
            source["count"] = 0
            document["data"].get(OWN_OUTPUTS, {}).pop(name, None)
    if not document.get("data", {}).get(OWN_OUTPUTS, True):
        del document["data"][OWN_OUTPUTS]


def _all(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
