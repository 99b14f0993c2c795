"""AWS CLI lines that take back something that was made outside, with the ids that AWS gave it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from strata.inventory.things import Assignment
from strata.printing import word

Lines = tuple[str, ...]


def line(service: str, operation: str, **parameters: str) -> str:
    """Returns a line of the AWS CLI; each word is as it is, whatever AWS gave as a name or id."""
    words = [f"--{name.replace('_', '-')} {word(value)}" for name, value in parameters.items()]
    return " ".join((f"aws {service} {operation}", *words))


# The organization


def delete_unit(id: str) -> Lines:
    """Deletes a unit, which has to be empty."""
    return (line("organizations", "delete-organizational-unit", organizational_unit_id=id),)


def disable_policy_type(root: str, type: str) -> Lines:
    """Switches a policy type off, which detaches its policies."""
    return (line("organizations", "disable-policy-type", root_id=root, policy_type=type),)


def disable_service(service: str) -> Lines:
    """Takes trusted access away."""
    return (line("organizations", "disable-aws-service-access", service_principal=service),)


def deregister(account: str, service: str) -> Lines:
    """Takes an account its delegation."""
    operation = "deregister-delegated-administrator"
    return (line("organizations", operation, account_id=account, service_principal=service),)


def disable_root_feature(feature: str) -> Lines:
    """Switches a feature of central root access off."""
    operations = {
        "RootCredentialsManagement": "disable-organizations-root-credentials-management",
        "RootSessions": "disable-organizations-root-sessions",
    }
    return (line("iam", operations[feature]),) if feature in operations else ()


def detach(policy: str, target: str) -> Lines:
    """Detaches a policy."""
    return (line("organizations", "detach-policy", policy_id=policy, target_id=target),)


def delete_policy(id: str, targets: Iterable[str]) -> Lines:
    """Detaches a policy everywhere, and deletes it."""
    detached = (one for target in targets for one in detach(id, target))
    return (*detached, line("organizations", "delete-policy", policy_id=id))


def invite(account: str) -> Lines:
    """Invites an account that left, which has to accept."""
    target = json.dumps({"Id": account, "Type": "ACCOUNT"})
    return (line("organizations", "invite-account-to-organization", target=target),)


# Identity Center


@dataclass(frozen=True)
class Center:
    """The lines that name the instance or its identity store."""

    instance: str
    store: str
    region: str

    @property
    def ids(self) -> Mapping[str, str]:
        """Returns the identity store, and the region that has it."""
        return {"store": self.store, "region": self.region}

    def _people(self, operation: str, **parameters: str) -> Lines:
        return (line("identitystore", operation, identity_store_id=self.store, **parameters, region=self.region),)

    def _admin(self, operation: str, **parameters: str) -> str:
        return line("sso-admin", operation, instance_arn=self.instance, **parameters, region=self.region)

    def _policy(self, operation: str, arn: str, **parameters: str) -> Lines:
        """Changes a permission set, and has its accounts get the change."""
        return (
            self._admin(operation, permission_set_arn=arn, **parameters),
            self._admin("provision-permission-set", permission_set_arn=arn, target_type="ALL_PROVISIONED_ACCOUNTS"),
        )

    def remove_user(self, id: str) -> Lines:
        """Deletes a user."""
        return self._people("delete-user", user_id=id)

    def remove_group(self, id: str) -> Lines:
        """Deletes a group with its memberships."""
        return self._people("delete-group", group_id=id)

    def delete_membership(self, id: str) -> Lines:
        """Takes a user out of a group."""
        return self._people("delete-group-membership", membership_id=id)

    def delete_attributes(self) -> Lines:
        """Switches attributes for access control off, which are one thing."""
        return (self._admin("delete-instance-access-control-attribute-configuration"),)

    def delete_set(self, arn: str) -> Lines:
        """Deletes a permission set, which may have no assignment any more."""
        return (self._admin("delete-permission-set", permission_set_arn=arn),)

    def detach_managed(self, arn: str, policy: str) -> Lines:
        """Takes one of AWS's policies out of a permission set."""
        return self._policy("detach-managed-policy-from-permission-set", arn, managed_policy_arn=policy)

    def detach_customer(self, arn: str, name: str, path: str) -> Lines:
        """Takes a customer managed policy out of a permission set."""
        operation = "detach-customer-managed-policy-reference-from-permission-set"
        reference = json.dumps({"Name": name, "Path": path})
        return self._policy(operation, arn, customer_managed_policy_reference=reference)

    def delete_inline(self, arn: str) -> Lines:
        """Takes the inline policy out of a permission set."""
        return self._policy("delete-inline-policy-from-permission-set", arn)

    def delete_boundary(self, arn: str) -> Lines:
        """Takes the boundary away from a permission set."""
        return self._policy("delete-permissions-boundary-from-permission-set", arn)

    def delete_assignment(self, one: Assignment) -> Lines:
        """Takes access away."""
        return (
            self._admin(
                "delete-account-assignment",
                target_type="AWS_ACCOUNT",
                target_id=one.account,
                permission_set_arn=one.permission_set,
                principal_type=one.principal_type,
                principal_id=one.principal,
            ),
        )

    def delete_entitlement(self, application: str, id: str) -> Lines:
        """Takes a role of Account access manager away."""
        parameters = {"application_arn": application, "entitlement_id": id, "region": self.region}
        return (line("account-access", "delete-entitlement", **parameters),)


def rename_user(ids: Mapping[str, str], name: str) -> Lines:
    """Gives a user a name back; a deploy would not, as Terraform would delete the user."""
    operations = json.dumps([{"AttributePath": "userName", "AttributeValue": name}])
    where = {"identity_store_id": ids["store"], "user_id": ids["id"], "operations": operations}
    return (line("identitystore", "update-user", **where, region=ids["region"]),)
