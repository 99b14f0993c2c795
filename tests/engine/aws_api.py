"""Shows boto3 the world: answers calls of Organizations, Identity Store and SSO Admin in front of moto.

What the stand-in provider made is in the world file, and what boto3 makes gets there. The management account, the
organization, its root and the policies of AWS are moto's. Lists come in one page.
"""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.engine.world import ACCOUNT, ORGANIZATIONAL_UNIT, Contents, Object, World, new_id, put, remove

Answer = dict[str, Any]
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

POLICY = "aws_organizations_policy"
ATTACHMENT = "aws_organizations_policy_attachment"
USER = "aws_identitystore_user"
GROUP = "aws_identitystore_group"
MEMBERSHIP = "aws_identitystore_group_membership"
PERMISSION_SET = "aws_ssoadmin_permission_set"
MANAGED = "aws_ssoadmin_managed_policy_attachment"
CUSTOMER = "aws_ssoadmin_customer_managed_policy_attachment"
INLINE = "aws_ssoadmin_permission_set_inline_policy"
BOUNDARY = "aws_ssoadmin_permissions_boundary_attachment"
ASSIGNMENT = "aws_ssoadmin_account_assignment"
OWNER = "123456789012"
"""The account that moto takes every caller for."""


def install() -> None:
    """Puts the layer before the moto that this process is going to serve, if the scenario has a world."""
    from moto import server

    application: Any = vars(server)["DomainDispatcherApplication"]

    def in_front(create_app: Any) -> Any:
        behind = application(create_app)
        world = os.environ.get("STRATA_ENGINE_WORLD")
        return Api(behind, World(Path(world))) if world else behind

    vars(server)["DomainDispatcherApplication"] = in_front


class Failed(Exception):
    """A call ends with an exception of AWS's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Api:
    """The WSGI application: a table of operations, and moto for the rest."""

    def __init__(self, moto: Application, world: World) -> None:
        self._moto = moto
        self._world = world

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answers one call."""
        service, _, operation = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")
        answer = _OPERATIONS.get(service, {}).get(operation)
        if answer is None:
            return self._moto(environ, start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))

        def moto(name: str = operation, **parameters: Any) -> Answer:
            return self._asked(environ, f"{service}.{name}", json.dumps(parameters).encode())

        scope = re.search(r"Credential=[^/]+/\d+/([\w-]+)/", environ.get("HTTP_AUTHORIZATION", ""))
        call = Call(json.loads(body or b"{}"), self._world, scope[1] if scope else "us-east-1", moto)
        try:
            status, said = "200 OK", answer(call)
        except Failed as failed:
            status, said = "400 Bad Request", {"__type": failed.code, "message": str(failed), "Message": str(failed)}
        text = json.dumps(said).encode()
        headers = [("Content-Type", "application/x-amz-json-1.1"), ("Content-Length", str(len(text)))]
        start_response(status, headers)
        return [text]

    def _asked(self, environ: dict[str, Any], target: str, body: bytes) -> Answer:
        """Returns what moto answers."""
        heard: list[str] = []
        asking = environ | {
            "HTTP_X_AMZ_TARGET": target,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
        }
        text = b"".join(self._moto(asking, lambda status, *_: heard.append(status)))
        said: Answer = json.loads(text or b"{}")
        if not heard[0].startswith("200"):
            raise Failed(said.get("__type", "Unknown"), said.get("message") or said.get("Message") or "")
        return said


@dataclass(frozen=True)
class Call:
    """One call: its parameters, the world, the region it was signed for, and moto for what the world does not hold."""

    given: Answer
    world: World
    region: str
    moto: Callable[..., Answer]

    def __getitem__(self, name: str) -> Any:
        """Returns a parameter, None if it was not given."""
        return self.given.get(name)

    def all(self, type: str, /, **values: Any) -> list[Object]:
        """Returns the objects of a type that have these values."""
        objects = self.world.list(type)
        return [found for found in objects if all(found.get(name) == value for name, value in values.items())]

    def one(self, type: str, code: str = "ResourceNotFoundException", /, **values: Any) -> Object:
        """Returns the object of a type that has these values, or fails as AWS does."""
        for found in self.all(type, **values):
            return found
        raise Failed(code, f"{type} not found: {', '.join(map(str, values.values()))}")

    def root(self) -> str:
        """Returns the id of the root."""
        return str(self.moto("ListRoots")["Roots"][0]["Id"])

    def parent(self, found: Object) -> str:
        """Returns the parent of an account or a unit."""
        return str(found.get("parent_id") or self.root())

    def members(self) -> list[Object]:
        """Returns the accounts but for the management account, of which moto knows more."""
        return [account for account in self.all(ACCOUNT) if account["id"] != OWNER]

    def make(self, type: str, alike: dict[str, Any], complete: Callable[[Contents], Object]) -> Object:
        """Puts a new object there, unless there is one with the same name."""
        with self.world.transaction() as contents:
            for other in contents["objects"].get(type, {}).values():
                if all(str(other.get(name)).lower() == str(value).lower() for name, value in alike.items()):
                    raise Failed("ConflictException", f"{type} with {alike} already exists")
            made = alike | complete(contents)
            put(contents, type, made)
        return made

    def drop(self, type: str, /, **values: Any) -> Answer:
        """Takes an object away."""
        found = self.one(type, **values)
        with self.world.transaction() as contents:
            remove(contents, type, found)
        return {}


# Organizations


def _list_accounts(call: Call) -> Answer:
    return {"Accounts": [*call.moto()["Accounts"], *map(_account, call.members())]}


def _describe_account(call: Call) -> Answer:
    if call["AccountId"] == OWNER:
        return call.moto(**call.given)
    return {"Account": _account(call.one(ACCOUNT, "AccountNotFoundException", id=call["AccountId"]))}


def _accounts_for_parent(call: Call) -> Answer:
    inside = [_account(found) for found in call.members() if call.parent(found) == call["ParentId"]]
    if call["ParentId"] == call.root():
        inside += call.moto(**call.given)["Accounts"]
    return {"Accounts": inside}


def _units_for_parent(call: Call) -> Answer:
    return {
        "OrganizationalUnits": [_unit(found) for found in call.all(ORGANIZATIONAL_UNIT, parent_id=call["ParentId"])]
    }


def _describe_unit(call: Call) -> Answer:
    id = call["OrganizationalUnitId"]
    return {"OrganizationalUnit": _unit(call.one(ORGANIZATIONAL_UNIT, "OrganizationalUnitNotFoundException", id=id))}


def _list_parents(call: Call) -> Answer:
    for type in (ORGANIZATIONAL_UNIT, ACCOUNT):
        for found in call.all(type, id=call["ChildId"]):
            parent = call.parent(found)
            return {"Parents": [{"Id": parent, "Type": "ROOT" if parent.startswith("r-") else "ORGANIZATIONAL_UNIT"}]}
    return call.moto(**call.given)


def _list_policies(call: Call) -> Answer:
    return {"Policies": [*call.moto(**call.given)["Policies"], *map(_policy, call.all(POLICY, type=call["Filter"]))]}


def _describe_policy(call: Call) -> Answer:
    for found in call.all(POLICY, id=call["PolicyId"]):
        return {"Policy": {"PolicySummary": _policy(found), "Content": found["content"]}}
    return call.moto(**call.given)


def _targets_for_policy(call: Call) -> Answer:
    if not call.all(POLICY, id=call["PolicyId"]):
        return call.moto(**call.given)
    return {
        "Targets": [_target(call, found["target_id"]) for found in call.all(ATTACHMENT, policy_id=call["PolicyId"])]
    }


def _policies_for_target(call: Call) -> Answer:
    ids = {found["policy_id"] for found in call.all(ATTACHMENT, target_id=call["TargetId"])}
    own = [_policy(found) for found in call.all(POLICY, type=call["Filter"]) if found["id"] in ids]
    of_aws = call.moto(**call.given)["Policies"] if call["TargetId"] in (OWNER, call.root()) else []
    return {"Policies": [*of_aws, *own]}


def _organization_tags(call: Call) -> Answer:
    for type in (ACCOUNT, ORGANIZATIONAL_UNIT, POLICY):
        for found in call.all(type, id=call["ResourceId"]):
            return {"Tags": _tags(found)}
    return call.moto(**call.given)


def _create_unit(call: Call) -> Answer:
    def complete(contents: Contents) -> Object:
        return {"id": f"ou-{call['ParentId'].split('-')[1]}-{new_id(contents, 'lower', 8)}"}

    return {"OrganizationalUnit": _unit(call.make(ORGANIZATIONAL_UNIT, _named(call, "ParentId"), complete))}


def _update_unit(call: Call) -> Answer:
    call.world.update(ORGANIZATIONAL_UNIT, call["OrganizationalUnitId"], name=call["Name"])
    return _describe_unit(call)


def _create_policy(call: Call) -> Answer:
    def complete(contents: Contents) -> Object:
        return {
            "id": f"p-{new_id(contents, 'lower', 10)}",
            "content": call["Content"],
            "description": call["Description"],
        }

    made = call.make(POLICY, {"name": call["Name"], "type": call["Type"]}, complete)
    return {"Policy": {"PolicySummary": _policy(made), "Content": made["content"]}}


def _close_account(call: Call) -> Answer:
    call.world.close_account(call["AccountId"])
    return {}


def _named(call: Call, parent: str) -> Answer:
    return {"name": call["Name"], "parent_id": call[parent]}


def _account(found: Object) -> Answer:
    state = found.get("state") or "ACTIVE"
    return {
        "Id": found["id"],
        "Arn": found.get("arn") or f"arn:aws:organizations::{OWNER}:account/o-emulated/{found['id']}",
        "Email": found["email"],
        "Name": found["name"],
        "State": state,
        "Status": "SUSPENDED" if state == "CLOSED" else "ACTIVE" if state == "PENDING_ACTIVATION" else state,
        "JoinedMethod": "CREATED",
        "JoinedTimestamp": 1767225600,
    }


def _unit(found: Object) -> Answer:
    arn = found.get("arn") or f"arn:aws:organizations::{OWNER}:ou/o-emulated/{found['id']}"
    return {"Id": found["id"], "Arn": arn, "Name": found["name"]}


def _policy(found: Object) -> Answer:
    kind = str(found["type"]).lower()
    return {
        "Id": found["id"],
        "Arn": found.get("arn") or f"arn:aws:organizations::{OWNER}:policy/o-emulated/{kind}/{found['id']}",
        "Name": found["name"],
        "Description": found.get("description") or "",
        "Type": found["type"],
        "AwsManaged": False,
    }


def _target(call: Call, id: str) -> Answer:
    for type, kind in ((ACCOUNT, "ACCOUNT"), (ORGANIZATIONAL_UNIT, "ORGANIZATIONAL_UNIT")):
        for found in call.all(type, id=id):
            return {"TargetId": id, "Name": found["name"], "Type": kind}
    return (
        {"TargetId": id, "Name": "Root", "Type": "ROOT"} if id.startswith("r-") else {"TargetId": id, "Type": "ACCOUNT"}
    )


def _tags(found: Object) -> list[Answer]:
    return [{"Key": key, "Value": value} for key, value in sorted((found.get("tags_all") or {}).items())]


# Identity Store


def _list(type: str, key: str, shape: Callable[[Object], Answer]) -> Callable[[Call], Answer]:
    return lambda call: {key: [shape(found) for found in call.all(type, identity_store_id=call["IdentityStoreId"])]}


def _find(type: str, attributes: dict[str, str], id: str) -> Callable[[Call], Answer]:
    def answer(call: Call) -> Answer:
        asked = call["AlternateIdentifier"]["UniqueAttribute"]
        attribute, value = attributes[asked["AttributePath"].lower()], str(asked["AttributeValue"]).lower()
        for found in call.all(type, identity_store_id=call["IdentityStoreId"]):
            if str(found[attribute]).lower() == value:
                return {_camel(id): found[id], "IdentityStoreId": call["IdentityStoreId"]}
        raise Failed("ResourceNotFoundException", f"{type} not found: {value}")

    return answer


def _describe(type: str, id: str, shape: Callable[[Object], Answer]) -> Callable[[Call], Answer]:
    return lambda call: shape(call.one(type, **{id: call[_camel(id)]}))


def _memberships(call: Call) -> Answer:
    return {"GroupMemberships": [_membership(found) for found in call.all(MEMBERSHIP, group_id=call["GroupId"])]}


def _memberships_for_member(call: Call) -> Answer:
    member = call["MemberId"]["UserId"]
    return {"GroupMemberships": [_membership(found) for found in call.all(MEMBERSHIP, member_id=member)]}


def _membership_id(call: Call) -> Answer:
    return _membership(call.one(MEMBERSHIP, group_id=call["GroupId"], member_id=call["MemberId"]["UserId"]))


def _create_user(call: Call) -> Answer:
    name = {part: (call["Name"] or {}).get(_camel(part)) for part in _PARTS_OF_A_NAME}
    emails = [{key: email.get(key.title()) for key in ("primary", "type", "value")} for email in call["Emails"] or ()]
    more = {"display_name": call["DisplayName"], "name": [name], "emails": emails}
    return _user(_in_store(call, USER, {"user_name": call["UserName"]}, "user_id", more))


_PARTS_OF_A_NAME = (
    "family_name",
    "formatted",
    "given_name",
    "honorific_prefix",
    "honorific_suffix",
    "middle_name",
)


def _create_group(call: Call) -> Answer:
    more = {"description": call["Description"]}
    return _group(_in_store(call, GROUP, {"display_name": call["DisplayName"]}, "group_id", more))


def _create_membership(call: Call) -> Answer:
    pair = {"group_id": call["GroupId"], "member_id": call["MemberId"]["UserId"]}
    return _membership(_in_store(call, MEMBERSHIP, pair, "membership_id", {}))


def _in_store(call: Call, type: str, alike: Answer, id: str, more: Answer) -> Object:
    store = call["IdentityStoreId"]

    def complete(contents: Contents) -> Object:
        digits = new_id(contents, "hex", 32)
        uuid = f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
        return {id: uuid, "id": f"{store}/{uuid}", "region": call.region, **more}

    return call.make(type, {"identity_store_id": store, **alike}, complete)


def _user(found: Object) -> Answer:
    name = (found.get("name") or [{}])[0]
    return {
        "UserId": found["user_id"],
        "IdentityStoreId": found["identity_store_id"],
        "UserName": found["user_name"],
        "DisplayName": found.get("display_name"),
        "Name": {"GivenName": name.get("given_name"), "FamilyName": name.get("family_name")},
        "Emails": [{"Value": email["value"], "Primary": email.get("primary")} for email in found.get("emails") or ()],
    }


def _group(found: Object) -> Answer:
    return {
        "GroupId": found["group_id"],
        "IdentityStoreId": found["identity_store_id"],
        "DisplayName": found["display_name"],
        "Description": found.get("description") or "",
    }


def _membership(found: Object) -> Answer:
    return {
        "MembershipId": found["membership_id"],
        "IdentityStoreId": found["identity_store_id"],
        "GroupId": found["group_id"],
        "MemberId": {"UserId": found["member_id"]},
    }


def _camel(name: str) -> str:
    return "".join(part.title() for part in name.split("_"))


# SSO Admin


def _instances(call: Call) -> Answer:
    center = call.world.view()["identity_center"]
    here = center["enabled"] and (center["region"] == call.region or call["RegionScope"] == "ALL_REGIONS")
    return {"Instances": [_instance(call)] if here else []}


def _instance(call: Call) -> Answer:
    center = call.world.view()["identity_center"]
    return {
        "InstanceArn": center["instance_arn"],
        "IdentityStoreId": center["identity_store_id"],
        "OwnerAccountId": OWNER,
        "PrimaryRegion": center["region"],
        "Status": "ACTIVE",
    }


def _sets(call: Call) -> Answer:
    return {"PermissionSets": [found["arn"] for found in call.all(PERMISSION_SET)]}


def _describe_set(call: Call) -> Answer:
    return {"PermissionSet": _set(call.one(PERMISSION_SET, arn=call["PermissionSetArn"]))}


def _set_tags(call: Call) -> Answer:
    return {"Tags": _tags(call.one(PERMISSION_SET, arn=call["ResourceArn"]))}


def _of_set(call: Call, type: str) -> list[Object]:
    return call.all(type, permission_set_arn=call["PermissionSetArn"])


def _managed_policies(call: Call) -> Answer:
    arns = [found["managed_policy_arn"] for found in _of_set(call, MANAGED)]
    return {"AttachedManagedPolicies": [{"Name": arn.rpartition("/")[2], "Arn": arn} for arn in arns]}


def _customer_policies(call: Call) -> Answer:
    references = [found["customer_managed_policy_reference"][0] for found in _of_set(call, CUSTOMER)]
    return {"CustomerManagedPolicyReferences": [_reference(reference) for reference in references]}


def _inline_policy(call: Call) -> Answer:
    return {"InlinePolicy": next((found["inline_policy"] for found in _of_set(call, INLINE)), "")}


def _boundary(call: Call) -> Answer:
    for found in _of_set(call, BOUNDARY):
        boundary = found["permissions_boundary"][0]
        for reference in boundary.get("customer_managed_policy_reference") or ():
            return {"PermissionsBoundary": {"CustomerManagedPolicyReference": _reference(reference)}}
        return {"PermissionsBoundary": {"ManagedPolicyArn": boundary["managed_policy_arn"]}}
    raise Failed("ResourceNotFoundException", "the permission set has no boundary")


def _reference(found: Object) -> Answer:
    return {"Name": found["name"], "Path": found.get("path") or "/"}


def _assignments(call: Call) -> Answer:
    found = call.all(ASSIGNMENT, target_id=call["AccountId"], permission_set_arn=call["PermissionSetArn"])
    return {"AccountAssignments": [_assignment(one) for one in found]}


def _assignments_for_principal(call: Call) -> Answer:
    """AWS lists for a user also what its groups have."""
    principals = {call["PrincipalId"]}
    principals |= {found["group_id"] for found in call.all(MEMBERSHIP, member_id=call["PrincipalId"])}
    found = [one for one in call.all(ASSIGNMENT) if one["principal_id"] in principals]
    return {"AccountAssignments": [_assignment(one) for one in found]}


def _sets_in_account(call: Call) -> Answer:
    found = call.all(ASSIGNMENT, target_id=call["AccountId"])
    return {"PermissionSets": sorted({one["permission_set_arn"] for one in found})}


def _accounts_of_set(call: Call) -> Answer:
    old = call["ProvisioningStatus"] == "LATEST_PERMISSION_SET_NOT_PROVISIONED"
    return {"AccountIds": [] if old else sorted({found["target_id"] for found in _of_set(call, ASSIGNMENT)})}


def _create_set(call: Call) -> Answer:
    def complete(contents: Contents) -> Object:
        arn = f"{call['InstanceArn'].replace(':instance/', ':permissionSet/')}/ps-{new_id(contents, 'hex', 16)}"
        tags = {tag["Key"]: tag["Value"] for tag in call["Tags"] or ()}
        return {
            "id": f"{arn},{call['InstanceArn']}",
            "arn": arn,
            "description": call["Description"],
            "session_duration": call["SessionDuration"] or "PT1H",
            "tags": tags,
            "tags_all": tags,
            "region": call.region,
        }

    alike = {"name": call["Name"], "instance_arn": call["InstanceArn"]}
    return {"PermissionSet": _set(call.make(PERMISSION_SET, alike, complete))}


def _attach_managed(call: Call) -> Answer:
    policy, arn, instance = call["ManagedPolicyArn"], call["PermissionSetArn"], call["InstanceArn"]
    alike = {"managed_policy_arn": policy, "permission_set_arn": arn, "instance_arn": instance}
    more = {"id": f"{policy},{arn},{instance}", "managed_policy_name": policy.rpartition("/")[2], "region": call.region}
    call.make(MANAGED, alike, lambda _: more)
    return {}


def _create_assignment(call: Call) -> Answer:
    parts = ("PrincipalId", "PrincipalType", "TargetId", "TargetType", "PermissionSetArn", "InstanceArn")
    alike = {re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower(): call[name] for name in parts}
    more = {"id": ",".join(alike.values()), "region": call.region}
    call.make(ASSIGNMENT, alike, lambda _: more)
    return {"AccountAssignmentCreationStatus": {"Status": "SUCCEEDED", "RequestId": "emulated"}}


def _delete_assignment(call: Call) -> Answer:
    call.drop(
        ASSIGNMENT,
        principal_id=call["PrincipalId"],
        target_id=call["TargetId"],
        permission_set_arn=call["PermissionSetArn"],
    )
    return {"AccountAssignmentDeletionStatus": {"Status": "SUCCEEDED", "RequestId": "emulated"}}


def _set(found: Object) -> Answer:
    return {
        "PermissionSetArn": found["arn"],
        "Name": found["name"],
        "Description": found.get("description") or "",
        "SessionDuration": found.get("session_duration") or "PT1H",
        "RelayState": found.get("relay_state") or "",
    }


def _assignment(found: Object) -> Answer:
    return {
        "AccountId": found["target_id"],
        "PermissionSetArn": found["permission_set_arn"],
        "PrincipalType": found["principal_type"],
        "PrincipalId": found["principal_id"],
    }


def _drop(type: str, id: str, parameter: str) -> Callable[[Call], Answer]:
    return lambda call: call.drop(type, **{id: call[parameter]})


_OPERATIONS: dict[str, dict[str, Callable[[Call], Answer]]] = {
    "AWSOrganizationsV20161128": {
        "CloseAccount": _close_account,
        "CreateOrganizationalUnit": _create_unit,
        "CreatePolicy": _create_policy,
        "DescribeAccount": _describe_account,
        "DescribeOrganizationalUnit": _describe_unit,
        "DescribePolicy": _describe_policy,
        "ListAccounts": _list_accounts,
        "ListAccountsForParent": _accounts_for_parent,
        "ListOrganizationalUnitsForParent": _units_for_parent,
        "ListParents": _list_parents,
        "ListPolicies": _list_policies,
        "ListPoliciesForTarget": _policies_for_target,
        "ListTagsForResource": _organization_tags,
        "ListTargetsForPolicy": _targets_for_policy,
        "UpdateOrganizationalUnit": _update_unit,
    },
    "AWSIdentityStore": {
        "CreateGroup": _create_group,
        "CreateGroupMembership": _create_membership,
        "CreateUser": _create_user,
        "DeleteGroup": _drop(GROUP, "group_id", "GroupId"),
        "DeleteGroupMembership": _drop(MEMBERSHIP, "membership_id", "MembershipId"),
        "DeleteUser": _drop(USER, "user_id", "UserId"),
        "DescribeGroup": _describe(GROUP, "group_id", _group),
        "DescribeGroupMembership": _describe(MEMBERSHIP, "membership_id", _membership),
        "DescribeUser": _describe(USER, "user_id", _user),
        "GetGroupId": _find(GROUP, {"displayname": "display_name"}, "group_id"),
        "GetGroupMembershipId": _membership_id,
        "GetUserId": _find(USER, {"username": "user_name"}, "user_id"),
        "ListGroupMemberships": _memberships,
        "ListGroupMembershipsForMember": _memberships_for_member,
        "ListGroups": _list(GROUP, "Groups", _group),
        "ListUsers": _list(USER, "Users", _user),
    },
    "SWBExternalService": {
        "AttachManagedPolicyToPermissionSet": _attach_managed,
        "CreateAccountAssignment": _create_assignment,
        "CreatePermissionSet": _create_set,
        "DeleteAccountAssignment": _delete_assignment,
        "DeletePermissionSet": _drop(PERMISSION_SET, "arn", "PermissionSetArn"),
        "DescribeInstance": _instance,
        "DescribePermissionSet": _describe_set,
        "GetInlinePolicyForPermissionSet": _inline_policy,
        "GetPermissionsBoundaryForPermissionSet": _boundary,
        "ListAccountAssignments": _assignments,
        "ListAccountAssignmentsForPrincipal": _assignments_for_principal,
        "ListAccountsForProvisionedPermissionSet": _accounts_of_set,
        "ListCustomerManagedPolicyReferencesInPermissionSet": _customer_policies,
        "ListInstances": _instances,
        "ListManagedPoliciesInPermissionSet": _managed_policies,
        "ListPermissionSets": _sets,
        "ListPermissionSetsProvisionedToAccount": _sets_in_account,
        "ListTagsForResource": _set_tags,
    },
}
