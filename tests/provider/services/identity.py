"""Identity Center: people and groups of the identity store, permission sets and who has them where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.provider.aws import Aws, AwsError, Session
from tests.provider.mapping import Object, from_aws, to_aws
from tests.provider.resource import Refused, Resource, Tagging, words
from tests.provider.schema import load_schema

_ATTRIBUTES = (
    "display_name",
    "locale",
    "nickname",
    "preferred_language",
    "profile_url",
    "timezone",
    "title",
    "user_type",
)
_PATHS = {"nickname": "nickName"}
_LISTS = ("emails", "phone_numbers", "addresses")
_NAME = ("family_name", "formatted", "given_name", "honorific_prefix", "honorific_suffix", "middle_name")


class _Store(Resource):
    service, gone, answer = "identitystore", ("ResourceNotFoundException",), ""


class User(_Store, type="aws_identitystore_user"):
    title, names, id = "IdentityStore User", words(nickname="NickName"), "{identity_store_id}/{user_id}"
    make, get, drop = "create_user", "describe_user", "delete_user"

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        """Sends an operation for each attribute that changed; what becomes empty is sent as null."""
        changed = self.changed(old, new)
        operations = [_operation(_PATHS.get(name, _camel(name)), new[name]) for name in _ATTRIBUTES if name in changed]
        before, after = (old["name"] or [{}])[0], new["name"][0]
        names = [part for part in _NAME if before.get(part) != after[part]]
        operations += [_operation(f"name.{_camel(part)}", after[part]) for part in names]
        shape = aws.input("create_user")
        for name in _LISTS:
            if name in changed:
                sent = to_aws(shape, {name: new[name]}, self.names).get(_camel(name)[0].upper() + _camel(name)[1:], [])
                entries = [{key[0].lower() + key[1:]: value for key, value in entry.items()} for entry in sent]
                operations.append(_operation(_camel(name), entries))
        if operations:
            aws("update_user", IdentityStoreId=new["identity_store_id"], UserId=new["user_id"], Operations=operations)


class Group(_Store, type="aws_identitystore_group"):
    title, id = "IdentityStore Group", "{identity_store_id}/{group_id}"
    make, get, drop = "create_group", "describe_group", "delete_group"

    def read(self, aws: Aws, old: Object) -> Object | None:
        """Reads it; its ARN is made of the store's and the group's id."""
        found = super().read(aws, old)
        return {**(found or {}), "arn": f"arn:aws:identitystore:::group/{old['group_id']}"}

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        """Sends what changed; a description taken away goes as an empty text."""
        names = [name for name in ("description", "display_name") if name in self.changed(old, new)]
        operations = [{"AttributePath": _camel(name), "AttributeValue": new[name] or ""} for name in names]
        if operations:
            aws(
                "update_group", IdentityStoreId=new["identity_store_id"], GroupId=new["group_id"], Operations=operations
            )


class Membership(_Store, type="aws_identitystore_group_membership"):
    """A person in a group."""

    title, id = "IdentityStore Group Membership", "{identity_store_id}/{membership_id}"
    get, drop = "describe_group_membership", "delete_group_membership"

    def create(self, aws: Aws, new: Object) -> None:
        """Creates it; only people can be members."""
        asked = {"IdentityStoreId": new["identity_store_id"], "GroupId": new["group_id"]}
        new["membership_id"] = aws("create_group_membership", **asked, MemberId={"UserId": new["member_id"]})[
            "MembershipId"
        ]
        self.name(new)

    def read(self, aws: Aws, old: Object) -> Object | None:
        found = aws.send("describe_group_membership", old)
        return {"group_id": found["GroupId"], "member_id": found["MemberId"]["UserId"]}


class _Sso(Resource):
    service, gone = "sso-admin", ("ResourceNotFoundException",)


class PermissionSet(_Sso, type="aws_ssoadmin_permission_set"):
    title, names, id = "SSO Permission Set", words(arn="PermissionSetArn"), "{arn},{instance_arn}"
    make, get, drop, answer = (
        "create_permission_set",
        "describe_permission_set",
        "delete_permission_set",
        "PermissionSet",
    )
    tagging = Tagging("list_tags_for_resource", "tag_resource", "untag_resource", under="ResourceArn")

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        """Changes it and brings it to all accounts; tags alone are not brought."""
        if self.changed(old, new, "description", "relay_state", "session_duration"):
            aws.send("update_permission_set", new)
            provision(aws, new["instance_arn"], new["arn"])

    def _tagged(self, state: Object) -> Object:
        return {"ResourceArn": state["arn"], "InstanceArn": state["instance_arn"]}


class _OfSet(_Sso):
    """Something of a permission set; the id is set before all accounts get it, so that a failure leaves it tainted."""

    id = "{permission_set_arn},{instance_arn}"
    make = ""

    def create(self, aws: Aws, new: Object) -> None:
        aws.send(self.make, new)
        self.name(new)
        provision(aws, new["instance_arn"], new["permission_set_arn"])

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        if self.change and self.changed(old, new):
            aws.send(self.change, new)
            provision(aws, new["instance_arn"], new["permission_set_arn"])

    def delete(self, aws: Aws, old: Object) -> None:
        """Takes it away and provisions; what is gone already is not provisioned."""
        aws.send(self.drop, old)
        provision(aws, old["instance_arn"], old["permission_set_arn"])


class ManagedPolicyAttachment(_OfSet, type="aws_ssoadmin_managed_policy_attachment"):
    """A policy of AWS in a permission set."""

    title, id = "SSO Managed Policy Attachment", "{managed_policy_arn},{permission_set_arn},{instance_arn}"
    make, drop = "attach_managed_policy_to_permission_set", "detach_managed_policy_from_permission_set"

    def create(self, aws: Aws, new: Object) -> None:
        """Looks first, and refuses in words of its own."""
        if self.read(aws, new):
            where = f"{new['permission_set_arn']}"
            raise Refused(f"policy ({new['managed_policy_arn']}) already attached to permission set ({where})")
        super().create(aws, new)

    def read(self, aws: Aws, old: Object) -> Object | None:
        listed = aws.all("list_managed_policies_in_permission_set", "AttachedManagedPolicies", **_of_set(old))
        found = next((policy for policy in listed if policy["Arn"] == old["managed_policy_arn"]), None)
        return found and {"managed_policy_name": found["Name"]}


class CustomerManagedPolicyAttachment(_OfSet, type="aws_ssoadmin_customer_managed_policy_attachment"):
    """A policy of the accounts' own in a permission set."""

    title, id = "SSO Customer Managed Policy Attachment", ""
    make = "attach_customer_managed_policy_reference_to_permission_set"
    drop = "detach_customer_managed_policy_reference_from_permission_set"

    def name(self, new: Object) -> None:
        """The id is made of name, path and two ARNs."""
        reference = new["customer_managed_policy_reference"][0]
        new["id"] = f"{reference['name']},{reference['path']},{new['permission_set_arn']},{new['instance_arn']}"

    def read(self, aws: Aws, old: Object) -> Object | None:
        """Looks for it in the list; an id of more than four parts cannot be read."""
        if old["id"].count(",") != 3:
            raise Refused(f"unexpected format for ID ({old['id']}), expected 4 parts")
        reference = old["customer_managed_policy_reference"][0]
        operation, key = "list_customer_managed_policy_references_in_permission_set", "CustomerManagedPolicyReferences"
        listed = aws.all(operation, key, **_of_set(old))
        return {} if any((p["Name"], p["Path"]) == (reference["name"], reference["path"]) for p in listed) else None


class InlinePolicy(_OfSet, type="aws_ssoadmin_permission_set_inline_policy"):
    """The inline policy of a permission set; creating overwrites."""

    title = "SSO Permission Set Inline Policy"
    make = change = "put_inline_policy_to_permission_set"
    get, drop = "get_inline_policy_for_permission_set", "delete_inline_policy_from_permission_set"

    def read(self, aws: Aws, old: Object) -> Object | None:
        """Reads it; an empty one is none."""
        found = super().read(aws, old)
        return found if found and found["inline_policy"] else None


class PermissionsBoundary(_OfSet, type="aws_ssoadmin_permissions_boundary_attachment"):
    """The boundary of a permission set; creating overwrites."""

    title, answer = "SSO Permissions Boundary Attachment", "PermissionsBoundary"
    make, get = "put_permissions_boundary_to_permission_set", "get_permissions_boundary_for_permission_set"
    drop = "delete_permissions_boundary_from_permission_set"

    def read(self, aws: Aws, old: Object) -> Object | None:
        found = aws.send(self.get, old).get("PermissionsBoundary") or {}
        reference = found.get("CustomerManagedPolicyReference")
        shown = [{"name": reference["Name"], "path": reference["Path"]}] if reference else []
        boundary = {"managed_policy_arn": found.get("ManagedPolicyArn", ""), "customer_managed_policy_reference": shown}
        return {"permissions_boundary": [boundary]} if found else None


class Assignment(_Sso, type="aws_ssoadmin_account_assignment"):
    """A permission set for a person or a group in an account."""

    title = "SSO Account Assignment"
    id = "{principal_id},{principal_type},{target_id},{target_type},{permission_set_arn},{instance_arn}"

    def create(self, aws: Aws, new: Object) -> None:
        """Looks first; the id is set only after the wait, so a failure leaves nothing in the state."""
        if self.read(aws, new) is not None:
            raise Refused(f"SSO Account Assignment for {new['principal_type']} ({new['principal_id']}) already exists")
        status = aws.send("create_account_assignment", new)["AccountAssignmentCreationStatus"]
        self._await(aws, new, "creation", status)
        self.name(new)

    def read(self, aws: Aws, old: Object) -> Object | None:
        asked = {**_of_set(old), "AccountId": old["target_id"]}
        listed = aws.all("list_account_assignments", "AccountAssignments", **asked)
        wanted = (old["principal_id"], old["principal_type"])
        return {} if any((found["PrincipalId"], found["PrincipalType"]) == wanted for found in listed) else None

    def delete(self, aws: Aws, old: Object) -> None:
        status = aws.send("delete_account_assignment", old)["AccountAssignmentDeletionStatus"]
        self._await(aws, old, "deletion", status)

    def _await(self, aws: Aws, state: Object, what: str, status: Any) -> None:
        asked = {f"AccountAssignment{what.capitalize()}RequestId": status["RequestId"]}
        operation, key = f"describe_account_assignment_{what}_status", f"AccountAssignment{what.capitalize()}Status"
        status = aws.settled(operation, key, InstanceArn=state["instance_arn"], **asked)
        if status["Status"] != "SUCCEEDED":
            who = f"{state['principal_type']} ({state['principal_id']})"
            said = (
                f"unexpected state 'FAILED', wanted target 'SUCCEEDED'. last error: {status.get('FailureReason', '')}"
            )
            verb = what.removesuffix("ion")
            raise AwsError("FAILED", f"waiting for SSO Account Assignment for {who} {verb}e: {said}")


class AccessControlAttributes(Resource, type="aws_ssoadmin_instance_access_control_attributes"):
    """Attributes of people that policies may ask for; there is one set of them."""

    service, title, id = "sso-admin", "SSO Instance Access Control Attributes", "{instance_arn}"

    def create(self, aws: Aws, new: Object) -> None:
        self._put(aws, "create_instance_access_control_attribute_configuration", new)
        self.name(new)

    def read(self, aws: Aws, old: Object) -> Object | None:
        """Is gone without attributes."""
        try:
            found = aws.send("describe_instance_access_control_attribute_configuration", old)
        except AwsError as error:
            if error.code == "ResourceNotFoundException":
                return None
            raise
        listed = (found.get("InstanceAccessControlAttributeConfiguration") or {}).get("AccessControlAttributes")
        attributes = [{"key": one["Key"], "value": [{"source": one["Value"]["Source"]}]} for one in listed or ()]
        shown = {"attribute": attributes, "status": found["Status"], "status_reason": found.get("StatusReason")}
        return shown if attributes else None

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        self._put(aws, "update_instance_access_control_attribute_configuration", new)

    def delete(self, aws: Aws, old: Object) -> None:
        """Switches them off; that they are off already is an error."""
        aws("delete_instance_access_control_attribute_configuration", InstanceArn=old["instance_arn"])

    def _put(self, aws: Aws, operation: str, new: Object) -> None:
        attributes = [{"Key": one["key"], "Value": {"Source": one["value"][0]["source"]}} for one in new["attribute"]]
        configuration = {"AccessControlAttributes": attributes}
        aws(operation, InstanceArn=new["instance_arn"], InstanceAccessControlAttributeConfiguration=configuration)


def provision(aws: Aws, instance: str, permission_set: str) -> None:
    """Brings a permission set to all accounts that have it, and waits."""
    asked = {"InstanceArn": instance, "PermissionSetArn": permission_set, "TargetType": "ALL_PROVISIONED_ACCOUNTS"}
    status = aws("provision_permission_set", **asked)["PermissionSetProvisioningStatus"]
    request = {"InstanceArn": instance, "ProvisionPermissionSetRequestId": status["RequestId"]}
    status = aws.settled("describe_permission_set_provisioning_status", "PermissionSetProvisioningStatus", **request)
    if status["Status"] != "SUCCEEDED":
        text = f"waiting for SSO Permission Set ({permission_set}) to provision: {status.get('FailureReason', '')}"
        raise AwsError("FAILED", text)


def _of_set(state: Object) -> Object:
    return {"InstanceArn": state["instance_arn"], "PermissionSetArn": state["permission_set_arn"]}


def _operation(path: str, value: Any) -> Object:
    return {"AttributePath": path, **({"AttributeValue": value} if value not in (None, "", []) else {})}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _instances(session: Session, config: Object) -> Object:
    found = session.aws("sso-admin", config["region"]).all("list_instances", "Instances")
    arns, stores = ([instance[key] for instance in found] for key in ("InstanceArn", "IdentityStoreId"))
    return {"id": config["region"], "arns": arns, "identity_store_ids": stores}


def _group(session: Session, config: Object) -> Object:
    group, found = _looked_up(session, config, "group")
    shown = {"display_name": found["DisplayName"], "description": found.get("Description"), "external_ids": []}
    return {"id": group, "group_id": group, "arn": f"arn:aws:identitystore:::group/{group}", **shown}


def _user(session: Session, config: Object) -> Object:
    user, found = _looked_up(session, config, "user")
    block, output = (
        load_schema()["data_sources"]["aws_identitystore_user"],
        session.aws("identitystore", config["region"]).output("describe_user"),
    )
    return {**from_aws(output, found, block, words(nickname="NickName")), "id": user, "user_id": user}


def _permission_set(session: Session, config: Object) -> Object:
    """Asks for one after the other until the name is found: no call finds one by its name."""
    aws, instance = session.aws("sso-admin", config["region"]), {"InstanceArn": config["instance_arn"]}
    listed = [config["arn"]] if config["arn"] else aws.all("list_permission_sets", "PermissionSets", **instance)
    for arn in listed:
        found = aws("describe_permission_set", **instance, PermissionSetArn=arn)["PermissionSet"]
        if config["arn"] or found["Name"] == config["name"]:
            break
    else:
        raise Refused(f"reading SSO Permission Set ({config['name']}): not found")
    tags = aws.all("list_tags_for_resource", "Tags", **instance, ResourceArn=arn)
    block = load_schema()["data_sources"]["aws_ssoadmin_permission_set"]
    shown = from_aws(aws.output("describe_permission_set", "PermissionSet"), found, block, words())
    return {**shown, "id": arn, "arn": arn, "tags": {tag["Key"]: tag["Value"] for tag in tags}}


def _looked_up(session: Session, config: Object, kind: str) -> tuple[str, Object]:
    """Returns the id that is given, or belongs to a unique attribute, and what AWS says of it."""
    aws, store = session.aws("identitystore", config["region"]), {"IdentityStoreId": config["identity_store_id"]}
    name, id = f"{kind.title()}Id", config[f"{kind}_id"]
    for alternate in config["alternate_identifier"]:
        for unique in alternate["unique_attribute"]:
            asked = {"AttributePath": unique["attribute_path"], "AttributeValue": unique["attribute_value"]}
            id = aws(f"get_{kind}_id", **store, AlternateIdentifier={"UniqueAttribute": asked})[name]
    return id, aws(f"describe_{kind}", **store, **{name: id})


DATA_SOURCES: dict[str, Callable[[Session, Object], Object]] = {
    "aws_identitystore_group": _group,
    "aws_identitystore_user": _user,
    "aws_ssoadmin_instances": _instances,
    "aws_ssoadmin_permission_set": _permission_set,
}
