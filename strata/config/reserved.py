"""The words that stand for something where the key of a thing may stand, and so are the key of none."""

from collections.abc import Mapping

from strata.config.models import ACCESS_ROLE, MANAGEMENT, ROOT
from strata.config.moves import Kind
from strata.config.text import Problem
from strata.errors import Message

EVERYWHERE = "all"
"""How a place names all accounts."""
ANYBODY, EVERYBODY = "anybody", "everybody"
DEPLOYER = "deployer"
ROOT_USER = "root"
AWS_ITSELF = "aws"
"""What an ARN has in place of an account where AWS has the thing, as a managed policy."""

_WHO = {
    ANYBODY: "any role with full access",
    EVERYBODY: "each who has a permission set",
    ROOT_USER: "the root user",
    DEPLOYER: "the role that deploys",
    ACCESS_ROLE: "the role of that name",
}
RESERVED: Mapping[str, Mapping[str, str]] = {
    "account": {
        MANAGEMENT: "the management account of project.yaml",
        ROOT: "the organization root",
        EVERYWHERE: "all accounts",
        AWS_ITSELF: "AWS itself in an ARN",
    },
    "ou": {ROOT: "the organization root"},
    "policy": {},
    "user": _WHO,
    "group": _WHO,
    "permission-set": _WHO,
}
"""By kind the words that are the key of none, each with what it stands for."""


def reserved(kind: Kind, key: str) -> Problem | None:
    """Returns why a key cannot be that of such a thing, None where it can."""
    meaning = RESERVED[kind].get(key)
    if meaning is None:
        return None
    instead = f"{'remove it, or ' if key == MANAGEMENT else ''}choose another key"
    return Problem(Message("name-reserved", f"{key!r} stands for {meaning}", key=key), instead)
