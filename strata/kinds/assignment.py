"""Who has which permission set in which account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from strata.kinds.attributes import Attributes
from strata.kinds.kind import Existing, Kind, Resource
from strata.kinds.permission_set import of_set
from strata.kinds.reading import Reading
from strata.kinds.shared import CONFLICT
from strata.landing_zone import LandingZone

if TYPE_CHECKING:
    from strata.inventory.things import Assignment, Inventory

_TYPE = "aws_ssoadmin_account_assignment"


def _granted(zone: LandingZone) -> Iterator[str]:
    for one in zone.grants:
        yield f"{_TYPE}.{one.account}_{one.permission_set}_{one.principal_type.lower()}_{one.principal}"


def _given(inventory: Inventory) -> Iterator[tuple[str, str]]:
    for center in inventory.centers:
        for one in center.assignments | center.orphans:
            yield _TYPE, assignment_id(one, center.instance)


def assignment_id(one: Assignment, instance: str) -> str:
    """Returns the import id of an account assignment."""
    who = f"{one.principal},{one.principal_type},{one.account},AWS_ACCOUNT"
    return f"{who},{one.permission_set},{instance}"


def _read(reading: Reading, attributes: Attributes) -> Attributes | None:
    try:
        account, arn = attributes["target_id"], attributes["permission_set_arn"]
        kind, principal = attributes["principal_type"], attributes["principal_id"]
    except KeyError:
        return None
    if (account, arn, kind, principal) not in reading.center.assignments:
        return None
    names = {"target_id": account, "target_type": "AWS_ACCOUNT", "principal_type": kind, "principal_id": principal}
    return of_set(reading, attributes, principal, kind, account, "AWS_ACCOUNT", **names)


ASSIGNMENT = Kind(
    "assignment",
    "sso",
    (
        Resource(
            _TYPE,
            "<principal id>,<GROUP or USER>,<account id>,AWS_ACCOUNT,<permission set ARN>,<instance ARN>[@<region>]",
            keys=("account", "permission-set"),
            branches={"group": "group", "user": "user"},
            references=("target_id", "permission_set_arn", "principal_id"),
            existing=Existing(
                f"already exists|{CONFLICT}",
                "{principal_id},{principal_type},{target_id},{target_type},{permission_set_arn},{instance_arn}",
                regional=True,
            ),
            kept=True,
            reads=_read,
        ),
    ),
    addresses=_granted,
    import_ids=_given,
)
ENTITLEMENT = Kind("entitlement", "sso")
"""What Account access manager gives beside permission sets; no provider has a resource for it."""
