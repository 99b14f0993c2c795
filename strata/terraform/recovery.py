"""Putting right what a crash leaves behind: tainted guards, things AWS has and the state does not, old permissions."""

from __future__ import annotations

import contextlib
import json
import re
import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from strata.aws.identity_center import Center
from strata.aws.session import Aws, AwsError, Client
from strata.config.models import state_key
from strata.errors import Fault
from strata.identity.announced import KINDS, Name
from strata.identity.leftovers import Directory, declared
from strata.identity.things import TYPES
from strata.landing_zone import LandingZone
from strata.terraform.errors import TerraformError
from strata.terraform.events import Failure
from strata.terraform.plans import Plan
from strata.terraform.workspace import Workspace

Note = Callable[[str], None]


_RELATIONS = frozenset(
    {
        "aws_iam_role_policy_attachment",
        "aws_identitystore_group_membership",
        "aws_organizations_delegated_administrator",
        "aws_organizations_policy_attachment",
        "aws_ssoadmin_account_assignment",
        "aws_ssoadmin_customer_managed_policy_attachment",
        "aws_ssoadmin_managed_policy_attachment",
        "aws_ssoadmin_permissions_boundary_attachment",
    }
)
"""Types that only connect two resources: they are created completely or not at all."""


def half_made(workspace: Workspace, stack: str, state: Mapping[str, Any]) -> list[str]:
    """Returns the addresses that Terraform would replace after a creation that failed half way, and must not.

    Without this a guarded resource would be stuck, and a policy detached for a moment.
    """
    guarded = workspace.guarded(stack)
    moved = {block["from"]: block["to"] for block in workspace.document(stack).get("moved", ())}
    return [
        address
        for address in tainted(state)
        if _end(address, moved) in guarded or address.partition(".")[0] in _RELATIONS
    ]


def _end(address: str, moved: Mapping[str, str]) -> str:
    """Returns where a recorded move leads: the thing is guarded there, and half made at the old address still."""
    while address in moved:
        address = moved[address]
    return address


def tainted(state: Mapping[str, Any]) -> list[str]:
    """Returns the addresses that Terraform considers partly created."""
    return sorted(
        f"{resource['type']}.{resource['name']}{_index(instance)}"
        for resource in state.get("resources", ())
        for instance in resource["instances"]
        if instance.get("status") == "tainted" and "deposed" not in instance
    )


def _index(instance: Mapping[str, Any]) -> str:
    return f"[{json.dumps(instance['index_key'])}]" if "index_key" in instance else ""


def untaint(workspace: Workspace, stack: str, addresses: Iterable[str], note: Note, *, by: str) -> None:
    """Has Terraform keep what a run partly created, in a folder that is initialized.

    Raises:
        TerraformError: Terraform refused; the state may be locked.
    """
    for address in addresses:
        result = workspace.terraform(stack, "untaint", address, "-no-color")
        if result.code:
            said = " ".join(f"{result.text} {result.errors}".split())
            raise TerraformError(workspace, stack, [Failure(f"{address} cannot be kept: {said}", address)])
        note(f"{stack}: {address} was partly created by {by} and is kept (terraform untaint)")


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
    plan: Callable[[], Plan],
    found: Sequence[Failure],
    clients: Clients,
    directory: Callable[[], Directory | None],
    announced: Collection[Name],
    note: Note,
) -> bool:
    """Has the next plan import what a killed run made and the state does not know; returns whether there is any.

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
    planned = plan()
    ids |= import_ids(planned, [address for address in wanted if address not in ids], clients)
    for address, import_id in ids.items():
        note(f"{planned.stack}: {address} exists in AWS and is not in the state: importing {import_id}")
    if ids:
        workspace.import_next(planned.stack, ids)
    return bool(ids)


def adopt_interrupted(workspace: Workspace, planned: Plan, begun: Iterable[str], clients: Clients, note: Note) -> None:
    """Imports what an interrupted apply had begun to create, and a plan after it would create again.

    What is not there at AWS, or has no import id that follows from the configuration, is the next run's.
    """
    for address, import_id in import_ids(planned, begun, clients).items():
        result = workspace.terraform(planned.stack, "import", "-input=false", "-no-color", address, import_id)
        if not result.code:
            note(f"{planned.stack}: {address} was created by this run and is imported: {import_id}")


def import_ids(planned: Plan, addresses: Iterable[str], clients: Clients) -> dict[str, str]:
    """Returns the import ids of what a plan would create, as far as they are known."""
    ids = {
        address: import_id_of(address.partition(".")[0], planned.changes[address].arguments, clients)
        for address in addresses
        if address in planned.changes and planned.changes[address].action == "create"
    }
    return {address: import_id for address, import_id in ids.items() if import_id}


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
    try:
        if center := Center.of(aws, landing_zone.project):
            for arn in center.permission_sets():
                _provision(center, arn, note)
    except AwsError as error:
        note(f"permission sets were not checked in their accounts: {error}")


def _provision(center: Center, arn: str, note: Note) -> None:
    for account in center.accounts_of(arn, outdated=True):
        note(f"provisioning {arn.rpartition('/')[2]} again in {account}, which has an older version")
        _await(center, center.provision(arn, account), account, note)


def _await(center: Center, request: str, account: str, note: Note) -> None:
    for _ in range(60):
        status = center.provisioning(request)
        if status["Status"] != "IN_PROGRESS":
            break
        time.sleep(2)
    if status["Status"] != "SUCCEEDED":
        note(f"warning: {account} still has the older version: {status.get('FailureReason', status['Status'])}")
