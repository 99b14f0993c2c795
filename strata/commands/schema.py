"""`strata schema`: the JSON Schema of each configuration file, generated from the models."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from strata import atomic
from strata.atomic import cannot
from strata.config import ACCEPTED, BASELINE, DETECTION, EXPECTATIONS, IMPORTS, MOVES
from strata.config.accepted import Acceptance
from strata.config.baseline import Baseline
from strata.config.detection import Detection
from strata.config.expectations import ExpectationList
from strata.config.layers import Roles, Rollout
from strata.config.loader import FILES, Imports
from strata.config.models import AccountEntry, ByPlace, Listing
from strata.config.moves import MoveList
from strata.config.types import Many, did_you_mean
from strata.errors import Message, StrataError, UsageError
from strata.options import Options
from strata.printing import document


class AcceptedList(Listing[Many[Acceptance]]):
    """accepted.yaml: what is accepted, where, why and until when."""


class BaselineFile(Baseline):
    """baseline.yaml: what every member account arrives with, and in which order the accounts get it."""

    rollout: Rollout | None = None
    """In waves, as a layer of your own; see docs/many-accounts.md."""


class DetectionFile(Detection):
    """detection.yaml: what watches the organization by delegation."""

    roles: Roles | None = None
    """The roles that its stack in the administrator's account assumes; see docs/many-accounts.md."""


_FILES: Mapping[str, type[BaseModel]] = {
    **FILES,
    IMPORTS: Imports,
    ACCEPTED: AcceptedList,
    MOVES: MoveList,
    EXPECTATIONS: ExpectationList,
    BASELINE: BaselineFile,
    DETECTION: DetectionFile,
}
_MODELS = {name.removesuffix(".yaml"): model for name, model in _FILES.items()}


def run(options: Options, *, file: str | None, write: Path | None) -> int:
    """Prints a schema, or writes all of them."""
    if write:
        with cannot("made", write):
            write.mkdir(parents=True, exist_ok=True)
        atomic.write({write / f"{name}.json": text(name).encode() for name in _MODELS})
        options.note(f"wrote {len(_MODELS)} schemas to {write}")
        return 0
    if file is None:
        missing = f"name a configuration file: {', '.join(_MODELS)}; or write them all with --write DIR"
        raise UsageError(Message("argument-missing", missing))
    if file not in _MODELS:
        guess = did_you_mean(file, _MODELS)
        unknown = f"{file!r} is not a configuration file{guess}; name one of {', '.join(_MODELS)}"
        raise StrataError(Message("no-such-schema", unknown, file=file))
    document(text(file).removesuffix("\n"))
    return 0


def text(name: str) -> str:
    """Returns the schema of a file as it is stored."""
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_MODELS[name].model_json_schema(),
    }
    _take_nulls(schema.get("$defs", {}))
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


def _take_nulls(definitions: dict[str, Any]) -> None:
    """Allows `null` at any depth of what is said by place, where it takes away what a place above gives."""
    passed = {AccountEntry.__name__, *(kind.__name__ for kind in ByPlace.__subclasses__())}
    to_do = [property for name in passed & definitions.keys() for property in _properties(definitions[name])]
    while to_do:
        for name in {*_REFERENCE.findall(json.dumps(to_do.pop()))} - passed:
            passed.add(name)
            for property in _properties(definitions[name]):
                to_do.append(dict(property))
                if {"type": "null"} not in property.get("anyOf", ()):
                    about = {key: property.pop(key) for key in ("default", "description", "title") if key in property}
                    value = dict(property)
                    property.clear()
                    property.update(anyOf=[value, {"type": "null"}], **about)


_REFERENCE = re.compile(r'"#/\$defs/(\w+)"')


def _properties(definition: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [*definition.get("properties", {}).values()]
