"""What a live thing needs beside it in a configuration: the account of an assignment, the units above an account."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from strata.adoption.live_ids import TypedId
from strata.adoption.recording import MEMBERSHIP
from strata.inventory.things import Inventory
from strata.kinds.assignment import ASSIGNMENT
from strata.kinds.organization import DELEGATED
from strata.kinds.policy import ATTACHMENT


def with_needs(things: Iterable[TypedId], inventory: Inventory) -> frozenset[TypedId]:
    """Returns things and all that they need, which may be declared already."""
    found, left = set[TypedId](), list(things)
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            left += _needs(*one, inventory)
    return frozenset(found)


def _needs(type: str, id: str, inventory: Inventory) -> Iterator[TypedId]:
    organization, center = inventory.organization, inventory.center
    match type:
        case "account":
            yield from (each for one in organization.accounts if one.id == id for each in _target(one.parent))
        case "ou":
            yield from (each for one in organization.units if one.id == id for each in _target(one.parent))
        case "policy":
            targets = (target for one in organization.policies if one.id == id for target in one.targets)
            yield from (each for target in targets for each in _target(target))
        case "group":
            groups = center.groups if center else ()
            yield from (("user", member) for one in groups if one.id == id for member in one.members)
        case _ if type == ATTACHMENT.type:
            yield from _target(id.partition(":")[0])
        case _ if type == DELEGATED.type:
            yield "account", id.partition("/")[0]
        case _ if type == MEMBERSHIP:
            yield "user", id.partition(" ")[2]
        case _ if type == ASSIGNMENT.type:
            principal, principal_type, account, _, permission_set, *_ = id.split(",")
            yield principal_type.lower(), principal
            yield "account", account
            yield "permission-set", permission_set


def _target(id: str) -> Iterator[TypedId]:
    """Yields what a policy is attached to, or a thing is in; the root needs no entry."""
    if not id.startswith("r-"):
        yield ("ou" if id.startswith("ou-") else "account"), id
