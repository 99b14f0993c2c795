"""What AWS refuses, as far as a scenario depends on it (reference/aws.md, 38)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

from tests.engine import catalog
from tests.engine.live import Live, Organization
from tests.engine.world import ACCOUNT, ORGANIZATIONAL_UNIT, Contents, Object, key_of


class Refused(Exception):
    """AWS says no; the text names the exception that it would name."""


@dataclass(frozen=True)
class Situation:
    """What a refusal is decided on: the object as it shall be (when deleting: as it is), and all that is there."""

    type: str
    object: Object
    contents: Contents
    live: Live
    organization: Callable[[], Organization]
    prior: Object | None = None

    def all(self, type: str) -> Iterable[Object]:
        """Returns all objects of a type."""
        return self.contents["objects"].get(type, {}).values()

    def find(self, type: str, attribute: str, value: Any) -> Object | None:
        """Returns the first object of a type that has this value."""
        return next((found for found in self.all(type) if found.get(attribute) == value), None)

    def service_enabled(self, principal: str) -> bool:
        """Says whether a service has trusted access in the organization."""
        return principal in self.organization().services or principal in self.contents["services"]


def check_create(situation: Situation) -> None:
    """Raises if AWS would not create this object."""
    _identity_center(situation)
    _bucket_exists(situation)
    _unique(situation)
    if check := _CREATE.get(situation.type):
        check(situation)


def check_update(situation: Situation) -> None:
    """Raises if AWS would not change this object."""
    _unique(situation)
    if check := _UPDATE.get(situation.type):
        check(situation)


def check_delete(situation: Situation) -> None:
    """Raises if AWS would not delete this object."""
    if check := _DELETE.get(situation.type):
        check(situation)


def check_account_creation(situation: Situation) -> None:
    """Raises if AWS would not begin to create this account."""
    _parent_exists(situation)
    email = str(situation.object["email"]).lower()
    in_flight = situation.contents["accounts_in_flight"]
    in_flight[:] = [request for request in in_flight if _runs(request["pid"])]
    others = [*situation.all(ACCOUNT), *situation.contents["departed_accounts"], *in_flight]
    taken = {str(other["email"]).lower() for other in others} | {situation.organization().management_email.lower()}
    if email in taken:
        _refuse("EMAIL_ALREADY_EXISTS", f"the account with {email} could not be created: state FAILED")
    if len(in_flight) >= catalog.ACCOUNTS_CREATED_AT_ONCE:
        _refuse(
            "ConstraintViolationException",
            "ACCOUNT_CREATION_RATE_LIMIT_EXCEEDED: you attempted to exceed the number of accounts that you can create "
            "at one time",
        )


def _refuse(exception: str, message: str) -> NoReturn:
    raise Refused(f"{exception}: {message}")


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _unique(situation: Situation) -> None:
    new, prior = situation.object, situation.prior
    exception = catalog.ALREADY_EXISTS.get(situation.type)
    if exception and prior is None and key_of(new) in situation.contents["objects"].get(situation.type, {}):
        _refuse(exception, f"{situation.type} {new['id']} already exists")
    if situation.type not in catalog.UNIQUE:
        return
    attribute, within, exception = catalog.UNIQUE[situation.type]
    for other in situation.all(situation.type):
        same_place = all(other.get(key) == new.get(key) for key in within)
        if same_place and other["id"] != new["id"] and str(other[attribute]).lower() == str(new[attribute]).lower():
            _refuse(exception, f"{situation.type} with {attribute} {new[attribute]} already exists: {other['id']}")


def _identity_center(situation: Situation) -> None:
    if not situation.type.startswith(("aws_ssoadmin_", "aws_identitystore_")):
        return
    center, new = situation.contents["identity_center"], situation.object
    right_store = new.get("identity_store_id") in (None, center["identity_store_id"])
    right_instance = new.get("instance_arn") in (None, center["instance_arn"])
    if not (center["enabled"] and new.get("region") == center["region"] and right_store and right_instance):
        _refuse("ResourceNotFoundException", f"Identity Center has no such instance in {new.get('region')}")
    permission_set = new.get("permission_set_arn")
    if permission_set and not situation.find("aws_ssoadmin_permission_set", "arn", permission_set):
        _refuse("ResourceNotFoundException", f"PermissionSet with id {permission_set} could not be found")


def _bucket_exists(situation: Situation) -> None:
    if not situation.type.startswith("aws_s3_bucket_"):
        return
    name = situation.object["bucket"]
    if not situation.find("aws_s3_bucket", "bucket", name) and situation.live.bucket(name) is None:
        _refuse("NoSuchBucket", f"The specified bucket does not exist: {name}")


def _parent_exists(situation: Situation) -> None:
    parent = situation.object["parent_id"]
    if parent != situation.organization().root_id and not situation.find(ORGANIZATIONAL_UNIT, "id", parent):
        _refuse("ParentNotFoundException", f"You specified parent {parent} that doesn't exist")


def _unit_empty(situation: Situation) -> None:
    unit = situation.object["id"]
    if situation.find(ACCOUNT, "parent_id", unit) or situation.find(ORGANIZATIONAL_UNIT, "parent_id", unit):
        _refuse("OrganizationalUnitNotEmptyException", f"The OU {unit} still contains accounts or OUs")


def _account_change(situation: Situation) -> None:
    _parent_exists(situation)
    if situation.prior is None or situation.prior["name"] == situation.object["name"]:
        return
    if situation.object["id"] == situation.organization().management_id:
        _refuse("AccessDeniedException", "the management account can't be renamed with AccountId (PutAccountName)")
    _needs_service(situation, "account.amazonaws.com", "AccessDeniedException")


def _account_removable(situation: Situation) -> None:
    if situation.object["id"] == situation.organization().management_id:
        _refuse("MasterCannotLeaveOrganizationException", "you can't remove the management account")
    if situation.find("aws_organizations_delegated_administrator", "account_id", situation.object["id"]):
        _refuse("ConstraintViolationException", "CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG: deregister it first")


def _organization_empty(situation: Situation) -> None:
    if any(situation.all(ACCOUNT)) or any(situation.all(ORGANIZATIONAL_UNIT)):
        _refuse("OrganizationNotEmptyException", "the organization still has member accounts, OUs or policies")


def _policy_document(situation: Situation) -> None:
    try:
        valid = isinstance(json.loads(situation.object["content"]), dict)
    except ValueError:
        valid = False
    if not valid:
        _refuse("MalformedPolicyDocumentException", "The provided policy document is not valid JSON")


def _policy_unused(situation: Situation) -> None:
    if situation.find("aws_organizations_policy_attachment", "policy_id", situation.object["id"]):
        _refuse("PolicyInUseException", f"policy {situation.object['id']} is attached to one or more entities")


def _attachment(situation: Situation) -> None:
    policy = situation.find("aws_organizations_policy", "id", situation.object["policy_id"])
    if policy is None:
        _refuse("PolicyNotFoundException", f"there is no policy {situation.object['policy_id']}")
    _target_exists(situation, situation.object["target_id"])
    if policy["type"] not in situation.organization().policy_types | set(situation.contents["policy_types"]):
        _refuse("PolicyTypeNotEnabledException", f"{policy['type']} isn't enabled in the root of the organization")
    _free_slot(situation, policy["type"])


def _target_exists(situation: Situation, target: str) -> None:
    organization = situation.organization()
    known = {organization.root_id, organization.management_id}
    known |= {found["id"] for type in (ACCOUNT, ORGANIZATIONAL_UNIT) for found in situation.all(type)}
    if target not in known:
        _refuse("TargetNotFoundException", f"there is no root, OU or account {target}")


def _free_slot(situation: Situation, policy_type: str) -> None:
    target = situation.object["target_id"]
    same_type = {found["id"] for found in situation.all("aws_organizations_policy") if found["type"] == policy_type}
    attachments = situation.all("aws_organizations_policy_attachment")
    used = [found for found in attachments if found["target_id"] == target and found["policy_id"] in same_type]
    if len(used) >= catalog.ATTACHMENT_SLOTS.get(policy_type, catalog.OTHER_ATTACHMENT_SLOTS):
        _refuse(
            "ConstraintViolationException",
            f"MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED: {target} has {len(used)} of {policy_type}",
        )


def _needs_service(situation: Situation, principal: str, exception: str) -> None:
    if not situation.service_enabled(principal):
        _refuse(exception, f"SERVICE_ACCESS_NOT_ENABLED: trusted access for {principal} is not enabled")


def _delegated_administrator(situation: Situation) -> None:
    account, principal = situation.object["account_id"], situation.object["service_principal"]
    if account == situation.organization().management_id:
        _refuse("ConstraintViolationException", "CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR")
    if not situation.find(ACCOUNT, "id", account):
        _refuse("AccountNotFoundException", f"account {account} is not in the organization")
    _needs_service(situation, principal, "ConstraintViolationException")


def _trail(situation: Situation) -> None:
    if situation.object["is_organization_trail"]:
        _needs_service(situation, "cloudtrail.amazonaws.com", "CloudTrailAccessNotEnabledException")
    bucket = situation.object["s3_bucket_name"]
    if not situation.find("aws_s3_bucket_policy", "bucket", bucket):
        _refuse("InsufficientS3BucketPolicyException", f"Incorrect S3 bucket policy is detected for bucket: {bucket}")


def _analyzer(situation: Situation) -> None:
    if str(situation.object["type"]).startswith("ORGANIZATION"):
        _needs_service(situation, "access-analyzer.amazonaws.com", "ValidationException")


def _member_contact(situation: Situation) -> None:
    if situation.object["account_id"]:
        _needs_service(situation, "account.amazonaws.com", "AccessDeniedException")


def _replication(situation: Situation) -> None:
    targets = [
        str(destination["bucket"]).rsplit(":", 1)[-1]
        for rule in situation.object["rule"]
        for destination in rule["destination"]
    ]
    for bucket in [situation.object["bucket"], *targets]:
        versioning = situation.find("aws_s3_bucket_versioning", "bucket", bucket)
        if versioning is None or versioning["versioning_configuration"][0]["status"] != "Enabled":
            _refuse("InvalidRequest", f"Versioning must be 'Enabled' on the bucket {bucket} for replication")


def _membership(situation: Situation) -> None:
    for type, attribute, id in (
        ("aws_identitystore_group", "group_id", situation.object["group_id"]),
        ("aws_identitystore_user", "user_id", situation.object["member_id"]),
    ):
        if not situation.find(type, attribute, id):
            _refuse("ResourceNotFoundException", f"{attribute} {id} not found")


def _assignment(situation: Situation) -> None:
    new = situation.object
    account = situation.find(ACCOUNT, "id", new["target_id"])
    is_management = new["target_id"] == situation.organization().management_id
    if not is_management and (account is None or account.get("state") != "ACTIVE"):
        _refuse("ResourceNotFoundException", f"account {new['target_id']} is not an active account of the organization")
    principal = {
        "GROUP": ("aws_identitystore_group", "group_id"),
        "USER": ("aws_identitystore_user", "user_id"),
    }[new["principal_type"]]
    if not situation.find(*principal, new["principal_id"]):
        _refuse("ResourceNotFoundException", f"{new['principal_type']} {new['principal_id']} not found")


def _set_unassigned(situation: Situation) -> None:
    if situation.find("aws_ssoadmin_account_assignment", "permission_set_arn", situation.object["arn"]):
        _refuse("ConflictException", f"PermissionSet {situation.object['arn']} still has account assignments")


_CREATE: dict[str, Callable[[Situation], None]] = {
    "aws_accessanalyzer_analyzer": _analyzer,
    "aws_account_alternate_contact": _member_contact,
    "aws_cloudtrail": _trail,
    "aws_cloudtrail_organization_delegated_admin_account": lambda situation: _needs_service(
        situation, "cloudtrail.amazonaws.com", "CloudTrailAccessNotEnabledException"
    ),
    "aws_iam_organizations_features": lambda situation: _needs_service(
        situation, "iam.amazonaws.com", "ServiceAccessNotEnabledException"
    ),
    "aws_identitystore_group_membership": _membership,
    "aws_organizations_delegated_administrator": _delegated_administrator,
    "aws_organizations_organizational_unit": _parent_exists,
    "aws_organizations_policy": _policy_document,
    "aws_organizations_policy_attachment": _attachment,
    "aws_s3_bucket_replication_configuration": _replication,
    "aws_ssoadmin_account_assignment": _assignment,
}
_UPDATE: dict[str, Callable[[Situation], None]] = {
    "aws_cloudtrail": _trail,
    "aws_organizations_account": _account_change,
    "aws_organizations_policy": _policy_document,
    "aws_s3_bucket_replication_configuration": _replication,
}
_DELETE: dict[str, Callable[[Situation], None]] = {
    "aws_organizations_account": _account_removable,
    "aws_organizations_organization": _organization_empty,
    "aws_organizations_organizational_unit": _unit_empty,
    "aws_organizations_policy": _policy_unused,
    "aws_ssoadmin_permission_set": _set_unassigned,
}
