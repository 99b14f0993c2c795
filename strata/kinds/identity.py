"""How AWS tells two things of a kind apart: names as it compares them."""

from __future__ import annotations

from typing import NamedTuple

from strata.text import exact, folded


class Mark(NamedTuple):
    """How AWS tells a thing from others of its kind.

    Attributes:
        identity: two things of a kind with the same identity are the same at AWS.
        name: the name, address or user name in it, as it is written.
        also: a second mark of the same thing: of a user the e-mail address, of a unit the names on the way down to it.
    """

    identity: str
    name: str
    also: str = ""


def unit_identity(parent: str, name: str) -> str:
    """Returns the identity of a unit: the key of the unit above, empty below the root, and its name."""
    return f"{parent}/{folded(name)}"


def unit_path(names: tuple[str, ...]) -> str:
    """Returns the second mark of a unit: the names from the root down to it, of which none is cut in two."""
    return "/".join(folded(name).replace("\\", "\\\\").replace("/", "\\/") for name in names)


def policy_identity(type: str, name: str) -> str:
    """Returns the identity of a policy: names are unique within a type."""
    return f"{type}/{exact(name)}"
