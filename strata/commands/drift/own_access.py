"""Which ways back would take away the access of whoever runs them, in the management account."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from strata.aws.session import Caller
from strata.drift.comparison import Drift
from strata.drift.difference import Difference
from strata.errors import Message, StrataError
from strata.identity.deletions import LAST_ADMINISTRATOR
from strata.kinds import kind_of
from strata.kinds.at_aws import Inventory, LivePermissionSet
from strata.kinds.cli import PROVISION, Line
from strata.landing_zone.permission_sets import AWS_MANAGED, FULL_ACCESS
from strata.text import folded, listed


def without_own_loss(
    caller: Caller, inventory: Inventory, drift: Drift, allow: Collection[str], note: Callable[[str], None]
) -> Drift:
    """Returns the drift that can be put back while the caller keeps its access, all where that is allowed.

    Raises:
        StrataError: the rest does not work without what is left out.
    """
    own = _own_access(caller, inventory)
    lost = [*own.lost(drift.differences)] if own else []
    if not own or not lost:
        return drift
    things = [f"{difference.kind} {difference.name}" for difference in lost]
    goes = f"taking back {listed(things)} would end your own access by permission set {own.permission_set.name}"
    if LAST_ADMINISTRATOR in allow:
        note(Message("own-access-goes", goes, things=things))
        return drift
    rest = own.provisioned([difference for difference in drift.differences if difference not in lost], lost)
    way = f"sign in as somebody else, or strata drift --back --allow {LAST_ADMINISTRATOR}"
    if any(_is_needed(inventory, difference, rest) for difference in lost):
        text = f"{goes}, and the rest works only after that; nothing was put back; {way}"
        raise StrataError(Message("own-access-goes", text, things=things))
    note(Message("own-access-goes", f"{goes}: left out; {way}", things=things))
    return replace(drift, differences=rest)


def _is_needed(inventory: Inventory, difference: Difference, rest: Iterable[Difference]) -> bool:
    """Says that the rest fails while something is there: a deploy makes its own, or another gets its name."""
    if difference.way.deploy or difference.attribute:
        return True
    things = kind_of(difference.kind, difference.name).named(inventory, {})
    names = {each.identity for each in things if difference.live and each.id == difference.live.ids.get("id")}
    return any(
        each.declared and each.declared.mark and each.declared.mark.identity in names
        for each in rest
        if each.kind == difference.kind
    )


@dataclass
class _OwnAccess:
    """What the caller has access by.

    Attributes:
        user: its id, empty where no user of Identity Center is called so: then each of the ways counts.
        ways: the ids of those who have the permission set there and are the caller, or groups that it is in.
        memberships: the groups by membership.
    """

    account: str
    permission_set: LivePermissionSet
    user: str
    ways: set[str]
    memberships: dict[str, str]

    def lost(self, differences: Sequence[Difference]) -> Iterator[Difference]:
        """Yields the differences whose lines take the last way, or what the permission set has full access by."""
        lines = [line for difference in differences for line in difference.way.undo if self._is_own(line)]
        full = f"{AWS_MANAGED}{FULL_ACCESS}"
        keeps_full = full in self.permission_set.aws_managed and not any(
            line.operation in _WHOLE or line.parameters.get("managed_policy_arn") == full for line in lines
        )
        weakens = _WHOLE if keeps_full else {*_WHOLE, *_PARTS}
        for difference in differences:
            weaker = any(self._is_own(line) and line.operation in weakens for line in difference.way.undo)
            taken = {way for line in difference.way.undo for way in self._taken(line)}
            if not difference.way.is_left_to_hand and (weaker or (taken and (taken >= self.ways or not self.user))):
                yield difference
            else:
                self.ways -= taken

    def provisioned(self, rest: Sequence[Difference], lost: Iterable[Difference]) -> tuple[Difference, ...]:
        """Returns the rest; its last line of the permission set has the provisioning that what is left out had."""
        given = [
            line
            for difference in lost
            for line in difference.way.undo
            if self._is_own(line) and line.operation == PROVISION
        ]
        differences = [*rest]
        for number in reversed(range(len(differences)) if given else ()):
            way = differences[number].way
            own = [line.operation for line in way.undo if self._is_own(line) and line.operation not in _UNPROVISIONED]
            if own and not way.is_left_to_hand:
                more = () if PROVISION in own else given[:1]
                differences[number] = replace(differences[number], way=replace(way, undo=(*way.undo, *more)))
                break
        return tuple(differences)

    def _taken(self, line: Line) -> set[str]:
        """Returns the ways that a line takes."""
        given: Mapping[str, str] = line.parameters
        match line.operation:
            case "delete-user" if given["user_id"] == self.user:
                return self.ways | {self.user}
            case "delete-group":
                return {given["group_id"]} & self.ways
            case "delete-group-membership":
                return {self.memberships.get(given["membership_id"], "")} & self.ways
            case "delete-account-assignment" if self._is_own(line) and given["target_id"] == self.account:
                return {given["principal_id"]} & self.ways
        return set()

    def _is_own(self, line: Line) -> bool:
        return line.parameters.get("permission_set_arn") == self.permission_set.arn


_UNPROVISIONED = {"delete-account-assignment", "delete-permission-set"}
"""What accounts get of a permission set at once."""
_WHOLE = {
    "delete-permission-set",
    "put-inline-policy-to-permission-set",
    "put-permissions-boundary-to-permission-set",
}
_PARTS = {
    "delete-inline-policy-from-permission-set",
    "detach-customer-managed-policy-reference-from-permission-set",
    "detach-managed-policy-from-permission-set",
}
"""What takes nothing from a permission set that keeps full access."""


def _own_access(caller: Caller, inventory: Inventory) -> _OwnAccess | None:
    """Returns the access of somebody who signed in by Identity Center; None of others, of whom drift has no line."""
    match = _ROLE.fullmatch(caller.arn)
    for center in inventory.centers if match else ():
        for permission_set in center.permission_sets:
            if match and permission_set.name == match["set"]:
                user = next((e.id for e in center.users if folded(e.user_name) == folded(match["user"])), "")
                groups = {
                    id: group.id
                    for group in center.groups
                    for member, id in group.members.items()
                    if user in ("", member)
                }
                given = {
                    each.principal for each in center.assignments if each[:2] == (caller.account, permission_set.arn)
                }
                ways = given & {user, *groups.values()} if user else given
                return _OwnAccess(caller.account, permission_set, user, ways, groups)
    return None


_ROLE = re.compile(r"arn:[^:]+:sts::\d+:assumed-role/AWSReservedSSO_(?P<set>.+)_[0-9a-f]{16}/(?P<user>.+)")
