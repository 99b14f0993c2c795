"""moves.yaml: which things got another key, so that Terraform goes on with them instead of making them anew."""

from typing import Literal, get_args

from pydantic import Field

from strata.config.models import Listing, Model
from strata.config.types import Key, Many

ENTRIES = "moves"
"""The key under which the list of the file is read."""

Kind = Literal["account", "ou", "policy", "group", "user", "permission-set"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""What has a key that can change."""


class Move(Model):
    """One thing that got another key, as `strata rename` records it."""

    kind: Kind
    """The kind of thing."""
    from_: Key = Field(alias="from")
    """The key that it had."""
    to: Key
    """The key that it has now, or had until the next entry that begins there."""


class MoveList(Listing[Many[Move]]):
    """moves.yaml: what got another key, in the order in which it happened."""
