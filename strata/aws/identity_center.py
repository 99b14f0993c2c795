"""IAM Identity Center: its instance, who is in its identity store, and its permission sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from strata.aws.session import Aws, AwsError, Client, paginate
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
    return list(paginate(client, "list_instances", "Instances[]", **scope))


def is_ours(instance: Mapping[str, Any], project: Project) -> bool:
    """Returns whether an instance is the organization's; an emulator may leave the owner out."""
    return instance.get("OwnerAccountId") in (None, project.management_account.id)


@dataclass(frozen=True)
class Center:
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
    def of(cls, aws: Aws, project: Project) -> Center | None:
        """Returns the organization's instance in the configured region, None where Identity Center is not enabled."""
        region = project.identity_center_region
        found = next((one for one in list_instances(aws, project) if is_ours(one, project)), None)
        if found is None:
            return None
        admin, people = aws.client("sso-admin", region), aws.client("identitystore", region)
        return cls(admin, people, found["InstanceArn"], found["IdentityStoreId"])

    # People and groups

    def user(self, name: str) -> str | None:
        """Returns the id of the user with a user name."""
        return self._principal("user", "userName", name)

    def group(self, name: str) -> str | None:
        """Returns the id of the group with a display name."""
        return self._principal("group", "displayName", name)

    def _principal(self, kind: str, attribute: str, name: str) -> str | None:
        unique = {"UniqueAttribute": {"AttributePath": attribute, "AttributeValue": name}}
        try:
            answer = getattr(self.people, f"get_{kind}_id")(IdentityStoreId=self.store, AlternateIdentifier=unique)
        except AwsError as error:
            if error.code == "ResourceNotFoundException":
                return None
            raise
        return str(answer[f"{kind.title()}Id"])

    def members(self, group: str) -> list[str]:
        """Returns the user names of a group's members, sorted."""
        key = "GroupMemberships[].MemberId.UserId"
        ids = paginate(self.people, "list_group_memberships", key, IdentityStoreId=self.store, GroupId=group)
        described = (self.people.describe_user(IdentityStoreId=self.store, UserId=id) for id in ids)
        return sorted(user.get("UserName", user["UserId"]) for user in described)

    def groups_of(self, user: str) -> list[str]:
        """Returns the display names of the groups a user is in, sorted."""
        key, member = "GroupMemberships[].GroupId", {"UserId": user}
        operation = "list_group_memberships_for_member"
        ids = paginate(self.people, operation, key, IdentityStoreId=self.store, MemberId=member)
        described = (self.people.describe_group(IdentityStoreId=self.store, GroupId=id) for id in ids)
        return sorted(group.get("DisplayName", group["GroupId"]) for group in described)

    # Permission sets

    def permission_sets(self) -> Iterator[str]:
        """Yields the ARNs of all permission sets: AWS lists them without their names."""
        return paginate(self.admin, "list_permission_sets", "PermissionSets[]", InstanceArn=self.instance)

    def name_of(self, permission_set: str) -> str:
        """Returns the name of a permission set."""
        described = self.admin.describe_permission_set(InstanceArn=self.instance, PermissionSetArn=permission_set)
        return str(described["PermissionSet"]["Name"])

    def accounts_of(self, permission_set: str, *, outdated: bool = False) -> list[str]:
        """Returns the accounts that a permission set is provisioned in; only those with an older version of it."""
        status = {"ProvisioningStatus": "LATEST_PERMISSION_SET_NOT_PROVISIONED"} if outdated else {}
        asked = {"InstanceArn": self.instance, "PermissionSetArn": permission_set, **status}
        operation = "list_accounts_for_provisioned_permission_set"
        return sorted(paginate(self.admin, operation, "AccountIds[]", **asked))

    def provision(self, permission_set: str, account: str) -> str:
        """Brings an account the current version of a permission set; returns the id of the request."""
        target = {"TargetType": "AWS_ACCOUNT", "TargetId": account}
        asked = {"InstanceArn": self.instance, "PermissionSetArn": permission_set, **target}
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
        return list(paginate(self.admin, "list_tags_for_resource", "Tags[]", **asked))
