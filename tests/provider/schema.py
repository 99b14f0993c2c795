"""The schema of the pinned AWS provider for the types that stacks and tests use: tests/provider/schema.json."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any, Literal, TypedDict

FILE = Path(__file__).with_name("schema.json")

_Attribute = TypedDict("_Attribute", {"type": Any, "is": str})


class Attribute(_Attribute):
    """An argument or a computed value; `type` is in Terraform's JSON notation, `is` names its flags."""


class NestedBlock(TypedDict):
    """A block inside a block; `max_items` 0 means any number."""

    nesting: Literal["list", "set", "map", "single"]
    min_items: int
    max_items: int
    block: Block


class Block(TypedDict):
    """The arguments and blocks of a resource, a data source, the provider or a nested block."""

    attributes: dict[str, Attribute]
    blocks: dict[str, NestedBlock]


class ProviderSchema(TypedDict):
    """All that the provider says of itself to Terraform, and the version of the bindings it was read from."""

    bindings: str
    provider: Block
    resources: dict[str, Block]
    data_sources: dict[str, Block]


@functools.cache
def load_schema() -> ProviderSchema:
    """Returns the committed schema."""
    schema: ProviderSchema = json.loads(FILE.read_text())
    return schema


def empty_object(block: Block) -> dict[str, Any]:
    """Returns an object of which nothing is known yet, as an import begins with."""
    empty: dict[str, Any] = dict.fromkeys(block["attributes"])
    for name, nested in block["blocks"].items():
        empty[name] = {"list": [], "set": [], "map": {}, "single": None}[nested["nesting"]]
    return empty
