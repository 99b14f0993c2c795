"""What a live thing needs beside it in a configuration: the account of an assignment, the units above an account."""

from __future__ import annotations

from collections.abc import Iterable

from strata.adoption.live_ids import TypedId
from strata.kinds import KINDS
from strata.kinds.at_aws import Inventory


def with_needs(things: Iterable[TypedId], inventory: Inventory) -> frozenset[TypedId]:
    """Returns things and all that they need, which may be declared already."""
    found, left = set[TypedId](), list(things)
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            type, id = one
            if kind := BY_TYPE.get(type):
                left += kind.needs(inventory, id)
    return frozenset(found)


BY_TYPE = {type: kind for kind in KINDS if kind.resources for type in (kind.key, kind.name, kind.type)}
"""Kinds by what `strata adopt` calls their things: a word, or a Terraform type."""
