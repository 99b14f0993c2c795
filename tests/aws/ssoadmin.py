"""Permission sets, what is attached to them, and who has them in which account."""

from __future__ import annotations

import time

from tests.aws import late, memory
from tests.aws.calls import Call, Parameters, Refused, Service, listed, page, tags_of
from tests.aws.center import BEGINS, INSTANCE, STORE, Center, center
from tests.aws.iam import managed_policy
from tests.aws.organizations import is_active, is_shut, unprepared

ssoadmin = Service("sso-admin")
_DESCRIBED = ("Name", "PermissionSetArn", "Description", "CreatedDate", "SessionDuration", "RelayState")
_POLICIES_OF_A_SET = 25
"""https://docs.aws.amazon.com/singlesignon/latest/userguide/limits.html (20 by default for managed policies)."""
_NOT_PREPARED = (
    "AWS SSO is unable to complete your request at this time. Obtaining permissions to manage your AWS account '{}' "
    "takes longer than usual. Please try again in a few minutes. If this problem continues, contact AWS Support."
)
"""https://github.com/aws-samples/aws-identitycenter-codepipeline-auto-assignment/issues/31"""


@ssoadmin.answers("ListInstances")
def list_instances(call: Call) -> Parameters:
    found = memory.of(Center, "", "")
    regions = {call.region, found.region} if call.parameters.get("RegionScope") == "ALL_REGIONS" else {call.region}
    return page(call, [_instance(found)] if found.region in regions - {""} else [], "Instances")


@ssoadmin.answers("DescribeInstance")
def describe_instance(call: Call) -> Parameters:
    return _instance(center(call))


@ssoadmin.answers("CreatePermissionSet")
def create_permission_set(call: Call) -> Parameters:
    found = center(call)
    if any(each["Name"].lower() == call["Name"].lower() for each in found.sets.values()):
        raise Refused("ConflictException", f"PermissionSet with name {call['Name']} already exists.")
    arn = f"{INSTANCE.replace('instance', 'permissionSet')}/ps-{found.new_id().replace('-', '')[:16]}"
    found.sets[arn] = {
        "SessionDuration": "PT1H",
        **call.parameters,
        "PermissionSetArn": arn,
        "CreatedDate": time.time(),
        "Tags": tags_of(call.parameters.get("Tags")),
        "managed": [],
        "customer": [],
        "stale": [],
    }
    return {"PermissionSet": _described(found.sets[arn])}


@ssoadmin.answers("DescribePermissionSet")
def describe_permission_set(call: Call) -> Parameters:
    return {"PermissionSet": _described(_set(call))}


@ssoadmin.answers("UpdatePermissionSet")
def update_permission_set(call: Call) -> Parameters:
    """Changes what is given, and empties a relay state that is not.

    https://github.com/hashicorp/terraform-provider-aws/issues/17411
    """
    found = _changed(call)
    found.pop("RelayState", None)
    found.update({key: value for key, value in call.parameters.items() if key in _DESCRIBED})
    return {}


@ssoadmin.answers("DeletePermissionSet")
def delete_permission_set(call: Call) -> Parameters:
    arn = _set(call)["PermissionSetArn"]
    if any(each["PermissionSetArn"] == arn for each in center(call).assignments):
        raise Refused("ConflictException", f"Cannot delete PermissionSet {arn}: it has account assignments")
    del center(call).sets[arn]
    return {}


@ssoadmin.answers("ListPermissionSets")
def list_permission_sets(call: Call) -> Parameters:
    return page(call, list(center(call).sets), "PermissionSets")


@ssoadmin.answers("ListTagsForResource", "TagResource", "UntagResource")
def tags(call: Call) -> Parameters:
    kept = _set(call)["Tags"]
    kept.update(tags_of(call.parameters.get("Tags")))
    for key in call.parameters.get("TagKeys") or ():
        kept.pop(key, None)
    return {"Tags": listed(kept)} if call.operation.startswith("List") else {}


@ssoadmin.answers("AttachManagedPolicyToPermissionSet", "AttachCustomerManagedPolicyReferenceToPermissionSet")
def attach(call: Call) -> Parameters:
    found, kind, policy = _set(call), _kind(call), _policy(call)
    if policy in found[kind]:
        raise Refused("ConflictException", f"{policy} is attached to {found['Name']} already")
    if policy.get("Name") is None:
        raise Refused("ResourceNotFoundException", f"The policy {policy['Arn']} does not exist")
    if len(found["managed"]) + len(found["customer"]) >= _POLICIES_OF_A_SET:
        raise Refused("ServiceQuotaExceededException", f"{found['Name']} has {_POLICIES_OF_A_SET} policies")
    _changed(call)[kind].append(policy)
    return {}


@ssoadmin.answers("DetachManagedPolicyFromPermissionSet", "DetachCustomerManagedPolicyReferenceFromPermissionSet")
def detach(call: Call) -> Parameters:
    if _policy(call) not in _set(call)[_kind(call)]:
        raise Refused("ResourceNotFoundException", f"{_policy(call)} is not attached")
    _changed(call)[_kind(call)].remove(_policy(call))
    return {}


@ssoadmin.answers("ListManagedPoliciesInPermissionSet", "ListCustomerManagedPolicyReferencesInPermissionSet")
def list_policies(call: Call) -> Parameters:
    kind = _kind(call)
    key = "AttachedManagedPolicies" if kind == "managed" else "CustomerManagedPolicyReferences"
    return page(call, _set(call)[kind], key)


@ssoadmin.answers("PutInlinePolicyToPermissionSet", "PutPermissionsBoundaryToPermissionSet")
def put(call: Call) -> Parameters:
    name = _document(call)
    _changed(call)[name] = call[name]
    return {}


@ssoadmin.answers("GetInlinePolicyForPermissionSet", "GetPermissionsBoundaryForPermissionSet")
def get(call: Call) -> Parameters:
    name = _document(call)
    if name == "PermissionsBoundary" and name not in _set(call):
        raise Refused("ResourceNotFoundException", "PermissionsBoundary not found")
    return {name: _set(call).get(name, "")}


@ssoadmin.answers("DeleteInlinePolicyFromPermissionSet", "DeletePermissionsBoundaryFromPermissionSet")
def delete(call: Call) -> Parameters:
    if _document(call) not in _set(call):
        raise Refused("ResourceNotFoundException", f"{_document(call)} not found")
    del _changed(call)[_document(call)]
    return {}


@ssoadmin.answers("ProvisionPermissionSet")
def provision(call: Call) -> Parameters:
    """Takes a set to one account or to all that have it; one that is shut fails, and the others get it all the same."""
    found = _set(call)
    wanted = [str(call["TargetId"])] if call["TargetType"] == "AWS_ACCOUNT" else _accounts_of(call, found)
    shut = [each for each in wanted if is_shut(each, center(call).owner)]
    found["stale"] = [each for each in found["stale"] if each not in wanted or each in shut]
    why = _NOT_PREPARED.format(shut[0]) if shut else ""
    return {"PermissionSetProvisioningStatus": _request(call, "PermissionSetArn", fails=why)}


@ssoadmin.answers("ListAccountsForProvisionedPermissionSet")
def list_accounts(call: Call) -> Parameters:
    found, accounts = _set(call), _accounts_of(call, _set(call))
    if status := call.parameters.get("ProvisioningStatus"):
        outdated = status == "LATEST_PERMISSION_SET_NOT_PROVISIONED"
        accounts = [each for each in accounts if (each in found["stale"]) == outdated]
    return page(call, accounts, "AccountIds")


@ssoadmin.answers("ListPermissionSetsProvisionedToAccount")
def list_sets_of_account(call: Call) -> Parameters:
    assigned = (each for each in center(call).assignments if each["AccountId"] == call["AccountId"])
    return page(call, sorted({each["PermissionSetArn"] for each in assigned}), "PermissionSets")


@ssoadmin.answers("CreateAccountAssignment")
def create_assignment(call: Call) -> Parameters:
    found, new = center(call), _assignment(call)
    _set(call)
    if new["PrincipalId"] not in (found.groups if new["PrincipalType"] == "GROUP" else found.users):
        raise Refused("ResourceNotFoundException", f"{new['PrincipalType']} {new['PrincipalId']} not found")
    shut = is_shut(new["AccountId"], found.owner)
    if not shut and not is_active(new["AccountId"], found.owner):
        raise Refused("ResourceNotFoundException", f"account {new['AccountId']} is not active in the organization")
    why = _NOT_PREPARED.format(new["AccountId"]) if shut or late.look(unprepared(new["AccountId"])) else ""
    if not why and new not in found.assignments:  # AWS takes one that exists
        found.assignments.append(new)
        late.begin(_of_principal(new))
    request = _request(call, "TargetId", "PermissionSetArn", "PrincipalId", fails=why)
    return {"AccountAssignmentCreationStatus": request}


@ssoadmin.answers("DeleteAccountAssignment")
def delete_assignment(call: Call) -> Parameters:
    found, gone = center(call), _assignment(call)
    if gone not in found.assignments:
        raise Refused("ResourceNotFoundException", "the account assignment does not exist")
    why = _NOT_PREPARED.format(gone["AccountId"]) if is_shut(gone["AccountId"], found.owner) else ""
    if not why:
        found.assignments.remove(gone)
        found.gone.append(gone)
        late.begin(_of_principal(gone))
    request = _request(call, "TargetId", "PermissionSetArn", "PrincipalId", fails=why)
    return {"AccountAssignmentDeletionStatus": request}


@ssoadmin.answers(
    "DescribeAccountAssignmentCreationStatus",
    "DescribeAccountAssignmentDeletionStatus",
    "DescribePermissionSetProvisioningStatus",
)
def status(call: Call) -> Parameters:
    """Answers how something goes on that was begun: it is done, or has failed, when it is asked about."""
    kind = call.operation.removeprefix("Describe").removesuffix("Status")
    request = "ProvisionPermissionSet" if kind.startswith("Permission") else kind
    found = center(call).requests.get(call[f"{request}RequestId"])
    if found is None:
        raise Refused("ResourceNotFoundException", "there is no such request")
    found["Status"] = "FAILED" if "FailureReason" in found else "SUCCEEDED"
    return {f"{kind}Status": found}


@ssoadmin.answers("ListAccountAssignments")
def list_assignments(call: Call) -> Parameters:
    """Lists what there is: the provider asks it once, when a creation has ended, and nobody reports that it is late."""
    asked = {key: call[key] for key in ("AccountId", "PermissionSetArn")}
    return page(call, [one for one in center(call).assignments if asked.items() <= one.items()], "AccountAssignments")


@ssoadmin.answers("ListAccountAssignmentsForPrincipal")
def list_assignments_of_principal(call: Call) -> Parameters:
    """Lists what there was, to the first who looks after a change."""
    found, asked = center(call), {key: call[key] for key in ("PrincipalId", "PrincipalType")}
    ever = {tuple(one.values()): one for one in found.gone + found.assignments if asked.items() <= one.items()}
    there = [one for one in ever.values() if (one in found.assignments) != late.look(_of_principal(one))]
    return page(call, there, "AccountAssignments")


def _of_principal(assignment: Parameters) -> str:
    return f"assignment {' '.join(assignment.values())}"


_ATTRIBUTES = "InstanceAccessControlAttributeConfiguration"


@ssoadmin.answers(f"Create{_ATTRIBUTES}", f"Update{_ATTRIBUTES}", f"Delete{_ATTRIBUTES}", f"Describe{_ATTRIBUTES}")
def attributes_for_access_control(call: Call) -> Parameters:
    found, wanted = center(call), call.operation.removesuffix(_ATTRIBUTES)
    if wanted == "Create" and found.attributes is not None:
        raise Refused("ConflictException", "attributes for access control are on already")
    if wanted != "Create" and found.attributes is None:
        raise Refused("ResourceNotFoundException", "attributes for access control are off")
    if wanted == "Describe":
        return {"Status": "ENABLED", _ATTRIBUTES: found.attributes}
    found.attributes = None if wanted == "Delete" else call[_ATTRIBUTES]
    return {}


def _instance(found: Center) -> Parameters:
    return {
        "InstanceArn": INSTANCE,
        "IdentityStoreId": STORE,
        "OwnerAccountId": found.owner,
        "Status": "CREATE_IN_PROGRESS" if late.look(BEGINS) else "ACTIVE",
        "PrimaryRegion": found.region,
    }


def _set(call: Call) -> Parameters:
    arn = call.parameters.get("PermissionSetArn") or call.parameters.get("ResourceArn")
    found = center(call).sets.get(str(arn))
    if found is None:
        raise Refused("ResourceNotFoundException", f"PermissionSet with id {arn} could not be found")
    return found


def _changed(call: Call) -> Parameters:
    """Returns the set of a call that changes it: accounts that have it lack the change until it is provisioned."""
    found = _set(call)
    found["stale"] = _accounts_of(call, found)
    return found


def _accounts_of(call: Call, permission_set: Parameters) -> list[str]:
    arn = permission_set["PermissionSetArn"]
    return sorted({each["AccountId"] for each in center(call).assignments if each["PermissionSetArn"] == arn})


def _described(found: Parameters) -> Parameters:
    return {key: found[key] for key in _DESCRIBED if key in found}


def _kind(call: Call) -> str:
    return "customer" if "Customer" in call.operation else "managed"


def _policy(call: Call) -> Parameters:
    if _kind(call) == "customer":
        return {"Path": "/", **call["CustomerManagedPolicyReference"]}
    return {"Arn": call["ManagedPolicyArn"], "Name": managed_policy(call["ManagedPolicyArn"])}


def _document(call: Call) -> str:
    return "InlinePolicy" if "InlinePolicy" in call.operation else "PermissionsBoundary"


def _assignment(call: Call) -> Parameters:
    return {
        "AccountId": call["TargetId"],
        "PermissionSetArn": call["PermissionSetArn"],
        "PrincipalType": call["PrincipalType"],
        "PrincipalId": call["PrincipalId"],
    }


def _request(call: Call, *shown: str, fails: str = "") -> Parameters:
    """Begins something that AWS does in its own time, and that fails for a reason where there is one."""
    id = center(call).new_id()
    request = {"RequestId": id, "Status": "IN_PROGRESS", "CreatedDate": time.time()}
    center(call).requests[id] = {**request, **{key: call[key] for key in shown}}
    if fails:
        center(call).requests[id]["FailureReason"] = fails
    return request
