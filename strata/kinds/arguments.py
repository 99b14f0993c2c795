"""What a state has of a resource, by Terraform's arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from strata.text import snake

Attributes: TypeAlias = Mapping[str, Any]


def block(value: Any) -> Attributes:
    """Returns a nested block, which a state has as a list of a single block."""
    nested = value[0] if isinstance(value, list) and value else value
    return nested if isinstance(nested, Mapping) else {}


def text(attributes: Attributes, name: str) -> str:
    """Returns an attribute that is a text, else an empty text."""
    value = attributes.get(name)
    return value if isinstance(value, str) else ""


def snaked(value: Any) -> Any:
    """Returns AWS's names as the provider writes them, in what is nested too."""
    if isinstance(value, dict):
        return {snake(name): snaked(nested) for name, nested in value.items()}
    return [snaked(nested) for nested in value] if isinstance(value, list) else value
