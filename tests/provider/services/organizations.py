"""AWS Organizations: the organization, its units, accounts and policies, and sharing with all of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.provider.aws import Aws, AwsError, Session
from tests.provider.mapping import Object
from tests.provider.resource import Refused, Resource, Tagging, words

RAM, RAM_ROLE = "ram.amazonaws.com", "AWSServiceRoleForResourceAccessManager"
_NO_ORGANIZATION = "AWSOrganizationsNotInUseException"


class _Organizations(Resource):
    service = "organizations"
    tagging = Tagging("list_tags_for_resource", "tag_resource", "untag_resource", under="ResourceId", by="id")


class Organization(Resource, type="aws_organizations_organization"):
    service, title, gone = "organizations", "Organizations Organization", (_NO_ORGANIZATION,)

    def create(self, aws: Aws, new: Object) -> None:
        """Creates it, then switches services on, then policy types."""
        new["id"] = aws.send("create_organization", new)["Organization"]["Id"]
        self._switch(aws, {"aws_service_access_principals": [], "enabled_policy_types": []}, new)

    def read(self, aws: Aws, old: Object) -> Object | None:
        return described(aws)

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        """Switches off what left, then on what is new: services, policy types, and all features last."""
        self._switch(aws, old, new)
        if old["feature_set"] != new["feature_set"]:
            aws("enable_all_features")

    def delete(self, aws: Aws, old: Object) -> None:
        aws("delete_organization")

    def replaced_by(self, prior: Object, planned: Object) -> list[str]:
        """Only the way back from all features replaces."""
        back = prior["feature_set"] == "ALL" and planned["feature_set"] == "CONSOLIDATED_BILLING"
        return ["feature_set"] if back else []

    def imported(self, session: Session, id: str) -> Object:
        """Refuses another organization than the caller's."""
        live = self.aws(session, {})("describe_organization")["Organization"]["Id"]
        if live != id:
            raise Refused(f"organization ({id}) is not the one of the caller ({live})")
        return super().imported(session, id)

    def _switch(self, aws: Aws, old: Object, new: Object) -> None:
        off, on = _turned(old, new, "aws_service_access_principals")
        for principal in off:
            aws("disable_aws_service_access", ServicePrincipal=principal)
        for principal in on:
            aws("enable_aws_service_access", ServicePrincipal=principal)
        off, on = _turned(old, new, "enabled_policy_types")
        root = aws("list_roots")["Roots"][0]["Id"] if off or on else ""
        for kind in off:
            aws("disable_policy_type", RootId=root, PolicyType=kind)
        for kind in on:
            aws("enable_policy_type", RootId=root, PolicyType=kind)


class Unit(_Organizations, type="aws_organizations_organizational_unit"):
    title, answer, id = "Organizations Organizational Unit", "OrganizationalUnit", "{id}"
    gone = (_NO_ORGANIZATION, "OrganizationalUnitNotFoundException")

    def create(self, aws: Aws, new: Object) -> None:
        new["id"] = aws.send("create_organizational_unit", new)["OrganizationalUnit"]["Id"]

    def read(self, aws: Aws, old: Object) -> Object | None:
        found = self.shown(
            aws, aws("describe_organizational_unit", OrganizationalUnitId=old["id"]), "describe_organizational_unit"
        )
        accounts = aws.all("list_accounts_for_parent", "Accounts", ParentId=old["id"])
        return {**(found or {}), "parent_id": _parent(aws, old["id"]), "accounts": [_account(one) for one in accounts]}

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        if old["name"] != new["name"]:
            aws("update_organizational_unit", OrganizationalUnitId=new["id"], Name=new["name"])

    def delete(self, aws: Aws, old: Object) -> None:
        aws("delete_organizational_unit", OrganizationalUnitId=old["id"])


class Account(_Organizations, type="aws_organizations_account"):
    title, names, gone = "AWS Organizations Account", words(name="AccountName"), ("AccountNotFoundException",)

    def create(self, aws: Aws, new: Object) -> None:
        """Creates it, waits, and only then moves it to where it belongs."""
        status = aws.send("create_account", new)["CreateAccountStatus"]
        asked = {"CreateAccountRequestId": status["Id"]}
        status = aws.settled("describe_create_account_status", "CreateAccountStatus", **asked)
        if status["State"] != "SUCCEEDED":
            reason = status.get("FailureReason", "")
            text = f"unexpected state 'FAILED', wanted target 'SUCCEEDED'. last error: {reason}"
            raise AwsError(reason, f"waiting for AWS Organizations Account ({new['name']}) create: {text}")
        new["id"] = status["AccountId"]
        self._move(aws, _parent(aws, new["id"]), new)

    def read(self, aws: Aws, old: Object) -> Object | None:
        """Reads the account, which is gone once it is closed, and its parent."""
        found = aws("describe_account", AccountId=old["id"])["Account"]
        if found.get("State", found.get("Status")) in ("CLOSED", "SUSPENDED"):
            return None
        return {**_account(found), "parent_id": _parent(aws, old["id"])}

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        self._move(aws, old["parent_id"], new)
        if old["name"] != new["name"]:
            aws.of("account")("put_account_name", AccountId=new["id"], AccountName=new["name"])

    def delete(self, aws: Aws, old: Object) -> None:
        """Closes it, or takes it out of the organization."""
        aws("close_account" if old["close_on_deletion"] else "remove_account_from_organization", AccountId=old["id"])

    def _move(self, aws: Aws, source: str, new: Object) -> None:
        if isinstance(new["parent_id"], str) and new["parent_id"] != source:
            aws("move_account", AccountId=new["id"], SourceParentId=source, DestinationParentId=new["parent_id"])


class Policy(_Organizations, type="aws_organizations_policy"):
    title, gone = "Organizations Policy", (_NO_ORGANIZATION, "PolicyNotFoundException")

    def create(self, aws: Aws, new: Object) -> None:
        """Creates it; the description is sent when it is empty too."""
        new["id"] = aws.send("create_policy", new, Description=new["description"] or "")["Policy"]["PolicySummary"][
            "Id"
        ]

    def read(self, aws: Aws, old: Object) -> Object | None:
        return _policy(aws, old["id"])

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        if changed := self.changed(old, new, "content", "description", "name"):
            emptied = {"Description": ""} if "description" in changed and not new["description"] else {}
            aws.send("update_policy", {name: new[name] for name in changed}, PolicyId=new["id"], **emptied)

    def delete(self, aws: Aws, old: Object) -> None:
        """Deletes it, unless it is attached."""
        if not old["skip_destroy"]:
            aws("delete_policy", PolicyId=old["id"])


class PolicyAttachment(Resource, type="aws_organizations_policy_attachment"):
    """A policy on a root, unit or account."""

    service, title, id = "organizations", "Organizations Policy Attachment", "{target_id}:{policy_id}"
    make = "attach_policy"
    gone = (_NO_ORGANIZATION, "PolicyNotAttachedException", "PolicyNotFoundException", "TargetNotFoundException")

    def read(self, aws: Aws, old: Object) -> Object | None:
        targets = aws.all("list_targets_for_policy", "Targets", PolicyId=old["policy_id"])
        return {} if any(target["TargetId"] == old["target_id"] for target in targets) else None

    def delete(self, aws: Aws, old: Object) -> None:
        if not old["skip_destroy"]:
            aws.send("detach_policy", old)


class DelegatedAdministrator(Resource, type="aws_organizations_delegated_administrator"):
    """An account that administers a service for the organization."""

    service, title = "organizations", "Organizations Delegated Administrator"
    id, gone = "{account_id}/{service_principal}", ("AccountNotRegisteredException",)
    make, drop = "register_delegated_administrator", "deregister_delegated_administrator"

    def read(self, aws: Aws, old: Object) -> Object | None:
        asked = {"ServicePrincipal": old["service_principal"]}
        for found in aws.all("list_delegated_administrators", "DelegatedAdministrators", **asked):
            if found["Id"] == old["account_id"]:
                return self.shown(
                    aws, {"DelegatedAdministrators": found}, "list_delegated_administrators", "DelegatedAdministrators"
                )
        return None


class RamSharing(Resource, type="aws_ram_sharing_with_organization"):
    """Sharing of resources with the whole organization."""

    service, title, gone = "ram", "RAM Sharing With Organization", ("NoSuchEntity",)

    def create(self, aws: Aws, new: Object) -> None:
        """Switches it on, for which AWS makes a role and gives trusted access."""
        if not aws("enable_sharing_with_aws_organization").get("returnValue"):
            raise Refused("enabling RAM Sharing With Organization failed")
        new["id"] = aws.session.account

    def read(self, aws: Aws, old: Object) -> Object | None:
        """Is gone without the role, and without the trusted access."""
        aws.of("iam")("get_role", RoleName=RAM_ROLE)
        return {} if RAM in _services(aws.of("organizations")) else None

    def delete(self, aws: Aws, old: Object) -> None:
        """Takes the trusted access away, then deletes the role."""
        aws.of("organizations")("disable_aws_service_access", ServicePrincipal=RAM)
        delete_service_linked_role(aws.of("iam"), RAM_ROLE)


def delete_service_linked_role(iam: Aws, name: str) -> None:
    """Deletes the role of a service and waits for it."""
    task = iam("delete_service_linked_role", RoleName=name)["DeletionTaskId"]
    iam.settled("get_service_linked_role_deletion_status", "", DeletionTaskId=task)


def described(aws: Aws) -> Object:
    """Returns the organization as resource and data source show it."""
    found = aws("describe_organization")["Organization"]
    accounts = [_account(one) for one in aws.all("list_accounts", "Accounts")]
    roots = aws.all("list_roots", "Roots")
    members = [account for account in accounts if account["id"] != found["MasterAccountId"]]
    master = next(account for account in accounts if account["id"] == found["MasterAccountId"])
    return {
        "id": found["Id"],
        "arn": found["Arn"],
        "feature_set": found["FeatureSet"],
        "aws_service_access_principals": _services(aws) if found["FeatureSet"] == "ALL" else [],
        "enabled_policy_types": _types_on(roots[0]),
        "accounts": accounts,
        "non_master_accounts": members,
        "roots": [
            {"arn": root["Arn"], "id": root["Id"], "name": root["Name"], "policy_types": _policy_types(root)}
            for root in roots
        ],
        "master_account_id": found["MasterAccountId"],
        "master_account_arn": found["MasterAccountArn"],
        "master_account_email": found["MasterAccountEmail"],
        "master_account_name": master["name"],
    }


def _units(session: Session, config: Object) -> Object:
    aws = session.aws("organizations")
    units = aws.all("list_organizational_units_for_parent", "OrganizationalUnits", ParentId=config["parent_id"])
    children = [{"arn": unit["Arn"], "id": unit["Id"], "name": unit["Name"]} for unit in units]
    return {"id": config["parent_id"], "children": children}


def _policies(session: Session, config: Object) -> Object:
    found = session.aws("organizations").all("list_policies", "Policies", Filter=config["filter"])
    return {"id": config["filter"], "ids": [policy["Id"] for policy in found]}


def _policy(aws: Aws, id: str) -> Object:
    policy = aws("describe_policy", PolicyId=id)["Policy"]
    found = policy["PolicySummary"]
    shown = {"arn": found["Arn"], "name": found["Name"], "description": found.get("Description"), "type": found["Type"]}
    return {**shown, "content": policy["Content"], "aws_managed": found["AwsManaged"]}


def _account(found: Any) -> Object:
    joined = found.get("JoinedTimestamp")
    return {
        "arn": found["Arn"],
        "email": found["Email"],
        "id": found["Id"],
        "name": found["Name"],
        "joined_method": found.get("JoinedMethod"),
        "joined_timestamp": joined and joined.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "state": found.get("State"),
        "status": found.get("Status"),
    }


def _parent(aws: Aws, child: str) -> str:
    return str(aws("list_parents", ChildId=child)["Parents"][0]["Id"])


def _services(aws: Aws) -> list[str]:
    found = aws.all("list_aws_service_access_for_organization", "EnabledServicePrincipals")
    return sorted(service["ServicePrincipal"] for service in found)


def _types_on(root: Any) -> list[str]:
    return sorted(kind["Type"] for kind in root["PolicyTypes"] if kind["Status"] == "ENABLED")


def _policy_types(root: Any) -> list[Object]:
    return [{"status": kind["Status"], "type": kind["Type"]} for kind in root["PolicyTypes"]]


def _turned(old: Object, new: Object, name: str) -> tuple[list[str], list[str]]:
    before, after = set(old[name] or ()), set(new[name] or ())
    return sorted(before - after), sorted(after - before)


DATA_SOURCES: dict[str, Callable[[Session, Object], Object]] = {
    "aws_organizations_organization": lambda session, _: described(session.aws("organizations")),
    "aws_organizations_organizational_units": _units,
    "aws_organizations_policies": _policies,
    "aws_organizations_policy": lambda session, config: {
        "id": config["policy_id"],
        **_policy(session.aws("organizations"), config["policy_id"]),
    },
}
