"""Users, groups and memberships of the identity store."""

from __future__ import annotations

from typing import Any

from tests.aws.calls import Call, Parameters, Refused, Service, page
from tests.aws.center import STORE, center

identitystore = Service("identitystore")
_NAMED = {"User": "UserName", "Group": "DisplayName"}
"""The attribute that is unique, whatever its case."""


@identitystore.answers("CreateUser", "CreateGroup")
def create(call: Call) -> Parameters:
    kind, kept = _kind(call), _kept(call)
    name = call.parameters.get(_NAMED[kind])
    if not name:
        raise Refused("ValidationException", f"{_NAMED[kind]} is needed")
    _unique(call, name)
    made = center(call).new_id()
    named = {f"{kind}Id": made, "IdentityStoreId": STORE, f"{kind}Arn": _arn(kind, made), "Revision": "1"}
    kept[made] = {**call.parameters, **named}
    return named


@identitystore.answers("DescribeUser", "DescribeGroup")
def describe(call: Call) -> Parameters:
    return _found(call)


@identitystore.answers("UpdateUser", "UpdateGroup")
def update(call: Call) -> Parameters:
    kind, found = _kind(call), _found(call)
    for operation in call["Operations"]:
        path, value = operation["AttributePath"], operation.get("AttributeValue")
        if kind == "Group" and path == "description" and value == "":
            raise Refused("ValidationException", "description is empty")
        if path == _lower(_NAMED[kind]):
            _unique(call, str(value), other_than=found[f"{kind}Id"])
        place, name = found, path
        if "." in path:
            outer, name = path.split(".")
            place = found.setdefault(_upper(outer), {})
        if value is None:
            place.pop(_upper(name), None)
        else:
            place[_upper(name)] = _capitalized(value)
    found["Revision"] = str(int(found["Revision"]) + 1)
    return {}


@identitystore.answers("DeleteUser", "DeleteGroup")
def delete(call: Call) -> Parameters:
    kind = _kind(call)
    gone = _found(call)[f"{kind}Id"]
    del _kept(call)[gone]
    members = center(call).memberships
    for id, membership in list(members.items()):
        if gone in (membership["GroupId"], membership["MemberId"]["UserId"]):
            del members[id]
    return {}


@identitystore.answers("ListUsers", "ListGroups")
def list_all(call: Call) -> Parameters:
    wanted = [(each["AttributePath"], each["AttributeValue"]) for each in call.parameters.get("Filters") or ()]
    found = [each for each in _kept(call).values() if all(each.get(path) == value for path, value in wanted)]
    return page(call, found, f"{_kind(call)}s")


@identitystore.answers("GetUserId", "GetGroupId")
def get_id(call: Call) -> Parameters:
    kind, asked = _kind(call), call["AlternateIdentifier"]
    for id, each in _kept(call).items():
        if "UniqueAttribute" in asked:
            path, value = asked["UniqueAttribute"]["AttributePath"], asked["UniqueAttribute"]["AttributeValue"]
            addresses = [address["Value"] for address in each.get("Emails") or ()] if path == "emails.value" else ()
            fits = str(each.get(_upper(path))).lower() == str(value).lower() or value in addresses
        else:
            fits = asked["ExternalId"] in (each.get("ExternalIds") or ())
        if fits:
            return {f"{kind}Id": id, "IdentityStoreId": STORE, f"{kind}Arn": _arn(kind, id)}
    raise Refused("ResourceNotFoundException", f"{kind.upper()} not found.")


@identitystore.answers("CreateGroupMembership")
def create_membership(call: Call) -> Parameters:
    found, user = center(call), call["MemberId"]["UserId"]
    if call["GroupId"] not in found.groups or user not in found.users:
        raise Refused("ResourceNotFoundException", f"GROUP {call['GroupId']} or USER {user} not found.")
    if _membership(call, call["GroupId"], user):
        raise Refused("ConflictException", "Member and Group relationship already exists.")
    made = found.new_id()
    found.memberships[made] = {
        "MembershipId": made,
        "MembershipArn": _arn("Membership", made),
        "IdentityStoreId": STORE,
        "GroupId": call["GroupId"],
        "MemberId": {"UserId": user},
    }
    return {"MembershipId": made, "MembershipArn": _arn("Membership", made), "IdentityStoreId": STORE}


@identitystore.answers("DescribeGroupMembership", "DeleteGroupMembership")
def one_membership(call: Call) -> Parameters:
    memberships = center(call).memberships
    if call["MembershipId"] not in memberships:
        raise Refused("ResourceNotFoundException", "MEMBERSHIP not found.")
    if call.operation.startswith("Delete"):
        del memberships[call["MembershipId"]]
        return {}
    return memberships[call["MembershipId"]]


@identitystore.answers("GetGroupMembershipId")
def get_membership_id(call: Call) -> Parameters:
    found = _membership(call, call["GroupId"], call["MemberId"]["UserId"])
    if found is None:
        raise Refused("ResourceNotFoundException", "MEMBERSHIP not found.")
    return found


@identitystore.answers("ListGroupMemberships", "ListGroupMembershipsForMember")
def list_memberships(call: Call) -> Parameters:
    group, member = call.parameters.get("GroupId"), call.parameters.get("MemberId")
    found = [m for m in center(call).memberships.values() if m["GroupId"] == group or m["MemberId"] == member]
    return page(call, found, "GroupMemberships")


def _arn(kind: str, id: str) -> str:
    return f"arn:aws:identitystore:::{kind.lower()}/{id}"


def _kind(call: Call) -> str:
    return "User" if "User" in call.operation else "Group"


def _kept(call: Call) -> dict[str, Parameters]:
    return center(call).users if _kind(call) == "User" else center(call).groups


def _found(call: Call) -> Parameters:
    kind = _kind(call)
    found = _kept(call).get(call[f"{kind}Id"])
    if found is None:
        raise Refused("ResourceNotFoundException", f"{kind.upper()} not found.")
    return found


def _unique(call: Call, name: str, *, other_than: str = "") -> None:
    kind = _kind(call)
    for id, other in _kept(call).items():
        if id != other_than and other[_NAMED[kind]].lower() == name.lower():
            raise Refused("ConflictException", f"Duplicate {kind}{_NAMED[kind].removeprefix(kind)}")


def _membership(call: Call, group: str, user: str) -> Parameters | None:
    memberships = center(call).memberships.values()
    return next((m for m in memberships if m["GroupId"] == group and m["MemberId"]["UserId"] == user), None)


def _capitalized(value: Any) -> Any:
    """Returns what UpdateUser takes in the spelling that DescribeUser answers: `value` of an e-mail becomes `Value`."""
    if isinstance(value, list):
        return [_capitalized(each) for each in value]
    return {_upper(key): inner for key, inner in value.items()} if isinstance(value, dict) else value


def _upper(name: str) -> str:
    return name[:1].upper() + name[1:]


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]
