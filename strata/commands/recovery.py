"""Putting right what a crash leaves behind: tainted guards, things AWS has and the state does not, old permissions."""

from __future__ import annotations

import contextlib
import re
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from strata.commands.deploy_errors import Failure
from strata.commands.leftovers import Directory, declared
from strata.config import LandingZone
from strata.config.models import state_key
from strata.errors import Fault
from strata.identity.announced import KINDS, Name
from strata.identity.things import TYPES
from strata.session import Aws, AwsError, Client, paginate
from strata.workspace import Workspace

Note = Callable[[str], None]


def untaint(workspace: Workspace, stack: str, state: Mapping[str, Any], note: Note) -> None:
    """Keeps a guarded resource whose creation failed half way.

    Terraform marks it as tainted and would replace it, which the guard forbids: without this the stack is stuck.
    """
    tainted = {
        f"{resource['type']}.{resource['name']}"
        for resource in state.get("resources", ())
        if any(instance.get("status") == "tainted" for instance in resource["instances"])
    }
    kept = sorted(tainted & workspace.guarded(stack))
    if kept:
        workspace.initialize(stack)
    for address in kept:
        workspace.terraform(stack, "untaint", address)
        note(f"{stack}: {address} was made half way by an earlier run and is kept (terraform untaint)")


_EXISTS = re.compile(
    r"Duplicate\w*Exception|AlreadyExists|already exists|AlreadyOwnedByYou|EntityAlreadyExists|"
    r"AccountAlreadyRegisteredException|ConflictException|ResourceInUseException"
)

IMPORT_IDS: Mapping[str, str] = {
    "aws_accessanalyzer_analyzer": "{analyzer_name}",
    "aws_budgets_budget": "{account_id}:{name}",
    "aws_iam_role": "{name}",
    "aws_iam_role_policy": "{role}:{name}",
    "aws_kms_alias": "{name}",
    "aws_organizations_delegated_administrator": "{account_id}/{service_principal}",
    "aws_organizations_policy_attachment": "{target_id}:{policy_id}",
    "aws_s3_bucket": "{bucket}",
    "aws_ssoadmin_account_assignment": (
        "{principal_id},{principal_type},{target_id},{target_type},{permission_set_arn},{instance_arn}"
    ),
    "aws_ssoadmin_managed_policy_attachment": "{managed_policy_arn},{permission_set_arn},{instance_arn}",
    "aws_ssoadmin_permission_set_inline_policy": "{permission_set_arn},{instance_arn}",
}
"""Import ids that follow from what is configured, by resource type."""

Clients = Callable[[str], Client]
"""The client of a service in the region of Identity Center."""


def _membership(clients: Clients, values: Mapping[str, Any]) -> str:
    store = values["identity_store_id"]
    answer = clients("identitystore").get_group_membership_id(
        IdentityStoreId=store, GroupId=values["group_id"], MemberId={"UserId": values["member_id"]}
    )
    return f"{store}/{answer['MembershipId']}"


LOOK_UPS: Mapping[str, Callable[[Clients, Mapping[str, Any]], str]] = {
    "aws_identitystore_group_membership": _membership,
}
"""Import ids that AWS made up and that can be asked for, by resource type."""


def adopt_what_exists(
    workspace: Workspace,
    stack: str,
    found: Sequence[Failure],
    clients: Clients,
    directory: Callable[[], Directory | None],
    announced: Collection[Name],
    note: Note,
) -> bool:
    """Has the next apply import what a killed run made and the state does not know; returns whether there is any.

    Most import ids follow from the configuration, so nothing else can be meant. Users, groups and permission sets are
    found by their name: they are ours if a run announced them and nothing foreign is in them, else it is said why not.
    """
    wanted = [failure.address for failure in found if failure.address and _EXISTS.search(failure.text)]
    if not wanted:
        return False
    ids, objections = _named(directory, wanted, announced)
    for objection in objections:
        print(f"error: {objection}", file=sys.stderr)
    if objections:
        return False
    planned = _planned(workspace, stack)
    for address in wanted:
        if address not in ids and (
            import_id := import_id_of(address.partition(".")[0], planned.get(address, {}), clients)
        ):
            ids[address] = import_id
    for address, import_id in ids.items():
        note(f"{stack}: {address} is there at AWS and not in the state: importing {import_id}")
    if ids:
        workspace.import_next(stack, ids)
    return bool(ids)


def _named(
    directory: Callable[[], Directory | None], wanted: Sequence[str], announced: Collection[Name]
) -> tuple[dict[str, str], list[Fault]]:
    """Returns the import ids of users, groups and permission sets that are ours, and why others are not."""
    types = {address.partition(".")[0] for address in wanted}
    center = directory() if types.intersection(TYPES[kind] for kind in KINDS) else None
    if center is None:
        return {}, []
    return center.sorted_out((named for named in declared(center.landing_zone) if named.address in wanted), announced)


def import_id_of(type: str, values: Mapping[str, Any], clients: Clients) -> str | None:
    """Returns the import id of a resource, None where it is not known or nothing of that name is there."""
    try:
        if type in LOOK_UPS:
            return LOOK_UPS[type](clients, values)
        return IMPORT_IDS[type].format_map(values)
    except (KeyError, AwsError):
        return None


def _planned(workspace: Workspace, stack: str) -> dict[str, dict[str, Any]]:
    """Returns the arguments of every resource that would be made, as far as they are known."""
    _, shown = workspace.plan(stack)
    return {
        change["address"]: {name: value for name, value in change["change"]["after"].items() if value is not None}
        for change in shown.get("resource_changes", ())
        if change["change"]["actions"] == ["create"]
    }


def drop_digests(aws: Aws, landing_zone: LandingZone, stacks: Sequence[str]) -> None:
    """Removes the digests of the states from the lock table, which Terraform does not keep up under `s3` locking.

    Back under `both` it would compare a state with the digest of an older one, and refuse it.
    """
    project = landing_zone.project
    client = aws.client("dynamodb", project.regions.primary)
    for stack in stacks:
        row = f"{project.state_bucket}/{state_key(stack)}-md5"
        with contextlib.suppress(AwsError):  # no table, or nobody may write to it: then there is nothing to go back to
            client.delete_item(TableName=project.lock_table, Key={"LockID": {"S": row}})


def provision_permission_sets(aws: Aws, landing_zone: LandingZone, note: Note) -> None:
    """Brings permission sets up to date in the accounts that still have an older version.

    After a failed provisioning Terraform's state says it is done, and no later plan shows it
    (https://github.com/hashicorp/terraform-provider-aws/issues/38247).
    """
    client = aws.client("sso-admin", landing_zone.project.identity_center_region)
    try:
        for instance in paginate(client, "list_instances", "Instances[].InstanceArn"):
            for arn in paginate(client, "list_permission_sets", "PermissionSets", InstanceArn=instance):
                _provision(client, instance, arn, note)
    except AwsError as error:
        note(f"permission sets were not checked in their accounts: {error}")


def _provision(client: Any, instance: str, arn: str, note: Note) -> None:
    old = list(
        paginate(
            client,
            "list_accounts_for_provisioned_permission_set",
            "AccountIds",
            InstanceArn=instance,
            PermissionSetArn=arn,
            ProvisioningStatus="LATEST_PERMISSION_SET_NOT_PROVISIONED",
        )
    )
    for account in old:
        note(f"provisioning {arn.rpartition('/')[2]} again in {account}, which has an older version")
        answer = client.provision_permission_set(
            InstanceArn=instance, PermissionSetArn=arn, TargetType="AWS_ACCOUNT", TargetId=account
        )
        _await(client, instance, answer["PermissionSetProvisioningStatus"]["RequestId"], account, note)


def _await(client: Any, instance: str, request: str, account: str, note: Note) -> None:
    for _ in range(60):
        status = client.describe_permission_set_provisioning_status(
            InstanceArn=instance, ProvisionPermissionSetRequestId=request
        )["PermissionSetProvisioningStatus"]
        if status["Status"] != "IN_PROGRESS":
            break
        time.sleep(2)
    if status["Status"] != "SUCCEEDED":
        note(f"warning: {account} still has the older version: {status.get('FailureReason', status['Status'])}")
