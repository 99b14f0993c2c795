"""IAM Identity Center: its instance, who is in its identity store, and its permission sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from strata.aws.session import Aws, Client, unless_absent
from strata.config.models import Project


def console(region: str) -> str:
    """Returns where Identity Center is enabled: AWS has no call for it."""
    return f"https://{region}.console.aws.amazon.com/singlesignon/home?region={region}"


def list_instances(aws: Aws, project: Project, *, everywhere: bool = False) -> list[Mapping[str, Any]]:
    """Returns the instances that the caller's account owns or sees, in the configured region or in all.

    https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListInstances.html
    """
    client = aws.client("sso-admin", project.identity_center_region)
    scope = {"RegionScope": "ALL_REGIONS"} if everywhere else {}
    return list(client.items("list_instances", "Instances[]", **scope))


def is_ours(instance: Mapping[str, Any], project: Project) -> bool:
    """Says whether an instance is the organization's; an emulator may leave the owner out."""
    return instance.get("OwnerAccountId") in (None, project.management_account.id)


def home(aws: Aws, project: Project) -> str | None:
    """Returns the primary region of the organization's instance, None where there is none; it may be replicated.

    https://docs.aws.amazon.com/singlesignon/latest/userguide/multi-region-iam-identity-center.html
    """
    ours = (instance for instance in list_instances(aws, project, everywhere=True) if is_ours(instance, project))
    return next((str(instance["PrimaryRegion"]) for instance in ours if instance.get("PrimaryRegion")), None)


@dataclass(frozen=True)
class CenterClient:
    """The organization's instance, and the questions to it.

    Attributes:
        instance: its ARN.
        store: the id of its identity store.
    """

    admin: Client
    people: Client
    instance: str
    store: str

    @classmethod
    def of(cls, aws: Aws, project: Project) -> CenterClient | None:
        """Returns the organization's instance in the configured region, None where Identity Center is not enabled."""
        region = project.identity_center_region
        ours = next((instance for instance in list_instances(aws, project) if is_ours(instance, project)), None)
        if ours is None:
            return None
        admin, people = aws.client("sso-admin", region), aws.client("identitystore", region)
        return cls(admin, people, ours["InstanceArn"], ours["IdentityStoreId"])

    # People and groups

    def user(self, name: str) -> str | None:
        """Returns the id of the user with a user name."""
        return self._principal("user", "userName", name)

    def user_name_of(self, user: str) -> str | None:
        """Returns the user name of a user by id, None where nobody has the id."""
        answer = unless_absent(lambda: self.people.describe_user(IdentityStoreId=self.store, UserId=user))
        return str(answer.get("UserName", "")) or None if answer else None

    def group_name_of(self, group: str) -> str | None:
        """Returns the display name of a group by id, None where no group has the id."""
        answer = unless_absent(lambda: self.people.describe_group(IdentityStoreId=self.store, GroupId=group))
        return str(answer.get("DisplayName", "")) or None if answer else None

    def exists(self, type: Literal["GROUP", "USER"], id: str) -> bool:
        """Says whether there is a user or group of an id."""
        ask = self.people.describe_user if type == "USER" else self.people.describe_group
        asked = {f"{type.title()}Id": id}
        return unless_absent(lambda: ask(IdentityStoreId=self.store, **asked)) is not None

    def group(self, name: str) -> str | None:
        """Returns the id of the group with a display name."""
        return self._principal("group", "displayName", name)

    def _principal(self, kind: str, attribute: str, name: str) -> str | None:
        unique = {"UniqueAttribute": {"AttributePath": attribute, "AttributeValue": name}}
        ask = getattr(self.people, f"get_{kind}_id")
        answer = unless_absent(lambda: ask(IdentityStoreId=self.store, AlternateIdentifier=unique))
        return str(answer[f"{kind.title()}Id"]) if answer else None

    def members(self, group: str) -> list[str]:
        """Returns the user names of a group's members, sorted."""
        ids = self.memberships(group)
        described = (self.people.describe_user(IdentityStoreId=self.store, UserId=id) for id in ids)
        return sorted(user.get("UserName", user["UserId"]) for user in described)

    def groups_of(self, user: str) -> list[str]:
        """Returns the display names of the groups a user is in, sorted."""
        key, member = "GroupMemberships[].GroupId", {"UserId": user}
        operation = "list_group_memberships_for_member"
        ids = self.people.items(operation, key, IdentityStoreId=self.store, MemberId=member)
        described = (self.people.describe_group(IdentityStoreId=self.store, GroupId=id) for id in ids)
        return sorted(group.get("DisplayName", group["GroupId"]) for group in described)

    def list_users(self) -> list[Mapping[str, Any]]:
        """Returns every user, as AWS describes it."""
        return list(self.people.items("list_users", "Users[]", IdentityStoreId=self.store))

    def list_groups(self) -> list[Mapping[str, Any]]:
        """Returns every group, as AWS describes it."""
        return list(self.people.items("list_groups", "Groups[]", IdentityStoreId=self.store))

    def memberships(self, group: str) -> dict[str, str]:
        """Returns the ids of a group's memberships by the id of the user."""
        operation, key = "list_group_memberships", "GroupMemberships[]"
        listed = self.people.items(operation, key, IdentityStoreId=self.store, GroupId=group)
        return {membership["MemberId"]["UserId"]: membership["MembershipId"] for membership in listed}

    # Permission sets

    def permission_sets(self) -> Iterator[str]:
        """Yields the ARNs of all permission sets: AWS lists them without their names."""
        return self.admin.items("list_permission_sets", "PermissionSets[]", InstanceArn=self.instance)

    def name_of(self, permission_set: str) -> str:
        """Returns the name of a permission set."""
        return str(self.describe(permission_set)["Name"])

    @cached_property
    def set_names(self) -> frozenset[str]:
        """Returns the names of all permission sets, which AWS is asked for singly."""
        return frozenset(map(self.name_of, self.permission_sets()))

    def describe(self, permission_set: str) -> Mapping[str, Any]:
        """Returns a permission set as AWS describes it, without its policies."""
        described: Mapping[str, Any] = self.admin.describe_permission_set(**self._set(permission_set))["PermissionSet"]
        return described

    def aws_managed_policies_of(self, permission_set: str) -> list[str]:
        """Returns the ARNs of the AWS managed policies of a permission set."""
        operation, key = "list_managed_policies_in_permission_set", "AttachedManagedPolicies[].Arn"
        return self._of_set(operation, key, permission_set)

    def customer_managed_policies_of(self, permission_set: str) -> list[Mapping[str, str]]:
        """Returns the customer managed policies of a permission set, by Name and Path."""
        operation = "list_customer_managed_policy_references_in_permission_set"
        return self._of_set(operation, "CustomerManagedPolicyReferences[]", permission_set)

    def inline_policy_of(self, permission_set: str) -> str:
        """Returns the inline policy of a permission set, an empty text where there is none."""
        answer = self.admin.get_inline_policy_for_permission_set(**self._set(permission_set))
        return str(answer.get("InlinePolicy") or "")

    def boundary_of(self, permission_set: str) -> Mapping[str, Any] | None:
        """Returns the permissions boundary of a permission set, None where there is none."""
        ask = self.admin.get_permissions_boundary_for_permission_set
        answer = unless_absent(lambda: ask(**self._set(permission_set)))
        boundary: Mapping[str, Any] | None = (answer or {}).get("PermissionsBoundary")
        return boundary

    def _of_set(self, operation: str, key: str, permission_set: str) -> list[Any]:
        return list(self.admin.items(operation, key, **self._set(permission_set)))

    def _set(self, permission_set: str) -> dict[str, str]:
        return {"InstanceArn": self.instance, "PermissionSetArn": permission_set}

    # Assignments

    def assignments_of(self, type: str, principal: str) -> list[Mapping[str, str]]:
        """Returns the assignments of a user or group; for a user, those that it has by its groups are left out.

        https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListAccountAssignmentsForPrincipal.html
        """
        asked = {"InstanceArn": self.instance, "PrincipalId": principal, "PrincipalType": type}
        operation, key = "list_account_assignments_for_principal", "AccountAssignments[]"
        return [given for given in self.admin.items(operation, key, **asked) if given["PrincipalId"] == principal]

    def assignments_in(self, permission_set: str, account: str) -> list[Mapping[str, str]]:
        """Returns the assignments of a permission set in an account, of deleted principals as well."""
        asked = {**self._set(permission_set), "AccountId": account}
        return list(self.admin.items("list_account_assignments", "AccountAssignments[]", **asked))

    def access_control(self) -> Mapping[str, Any] | None:
        """Returns attributes for access control as AWS describes them; None where they are off."""
        ask = self.admin.describe_instance_access_control_attribute_configuration
        answer: Mapping[str, Any] | None = unless_absent(lambda: ask(InstanceArn=self.instance))
        return answer

    def accounts_of(self, permission_set: str, *, outdated: bool = False) -> list[str]:
        """Returns the accounts that a permission set is provisioned in; only those with an older version of it."""
        status = {"ProvisioningStatus": "LATEST_PERMISSION_SET_NOT_PROVISIONED"} if outdated else {}
        asked = {**self._set(permission_set), **status}
        operation = "list_accounts_for_provisioned_permission_set"
        return sorted(self.admin.items(operation, "AccountIds[]", **asked))

    def provision(self, permission_set: str, account: str) -> str:
        """Brings an account the current version of a permission set; returns the id of the request."""
        target = {"TargetType": "AWS_ACCOUNT", "TargetId": account}
        asked = {**self._set(permission_set), **target}
        return str(self.admin.provision_permission_set(**asked)["PermissionSetProvisioningStatus"]["RequestId"])

    def provisioning(self, request: str) -> Mapping[str, Any]:
        """Returns how far a request of `provision` is."""
        asked = {"InstanceArn": self.instance, "ProvisionPermissionSetRequestId": request}
        answer = self.admin.describe_permission_set_provisioning_status(**asked)
        status: Mapping[str, Any] = answer["PermissionSetProvisioningStatus"]
        return status

    def tags_of(self, permission_set: str) -> list[Mapping[str, str]]:
        """Returns the tags of a permission set."""
        asked = {"InstanceArn": self.instance, "ResourceArn": permission_set}
        return list(self.admin.items("list_tags_for_resource", "Tags[]", **asked))


def sources(answer: Mapping[str, Any]) -> dict[str, str]:
    """Returns the source of each session tag of attributes for access control, as AWS describes them."""
    attributes = answer["InstanceAccessControlAttributeConfiguration"]["AccessControlAttributes"]
    return {attribute["Key"]: attribute["Value"]["Source"][0] for attribute in attributes}
