"""Putting right what a crash leaves behind: tainted guards, and things AWS has and the state does not."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from strata.aws.organization import list_accounts, list_requests
from strata.aws.session import Aws, AwsError
from strata.errors import Message
from strata.kinds import TYPES, resource_of
from strata.landing_zone import LandingZone
from strata.sides.states import managed
from strata.terraform.errors import EXISTS, OURS, TerraformError
from strata.terraform.events import Failure
from strata.terraform.existing import ExistingTable, exists_already
from strata.terraform.fleet import own_layer
from strata.terraform.names import Names
from strata.terraform.plans import IMPORTS, Plan
from strata.terraform.provisioning import Otherwise, provision_permission_sets
from strata.terraform.workspace import Workspace
from strata.text import folded, listed

Note = Callable[[str], None]


def half_made(workspace: Workspace, stack: str, state: Mapping[str, Any]) -> list[str]:
    """Returns the addresses that Terraform would replace after a creation that failed half way, and must not.

    All that Strata has a kind of: else a guarded thing would be stuck, a policy detached for a moment, a bucket open.
    What a recorded move leads elsewhere is guarded there, and half made at the old address still.
    """
    guarded, half = workspace.guarded(stack), []
    moved = {block["from"]: block["to"] for block in workspace.document(stack).get("moved", ())}
    for address in tainted(state):
        end = address
        while end in moved:
            end = moved[end]
        half += [address] if end in guarded or resource_of(address).type else []
    return half


def tainted(state: Mapping[str, Any]) -> list[str]:
    """Returns the addresses that Terraform considers partly created."""
    return sorted(
        f"{resource.address}{resource.instance}"
        for resource in managed(state)
        if resource.tainted and not resource.deposed
    )


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
        text = f"{stack}: {address} was partly created by {by} and is kept (terraform untaint)"
        note(Message("half-made-kept", text, place=address, stack=stack))


def beside(
    workspace: Workspace, stack: str, state: Mapping[str, Any], addresses: Collection[str], folder: Path
) -> Workspace:
    """Returns a workspace in which a plan of a stack keeps what a run partly created; it writes to `folder` alone."""

    def kept(resource: Mapping[str, Any], instance: Mapping[str, Any]) -> Mapping[str, Any]:
        index = f"[{json.dumps(instance['index_key'])}]" if "index_key" in instance else ""
        if f"{resource['type']}.{resource['name']}{index}" not in addresses:
            return instance
        return {name: value for name, value in instance.items() if name != "status"}

    resources = [
        {**resource, "instances": [kept(resource, instance) for instance in resource["instances"]]}
        for resource in state["resources"]
    ]
    file = folder / f"{stack}.tfstate"
    file.write_text(json.dumps({**state, "resources": resources}), encoding="utf-8")
    document = workspace.document(stack)
    document["terraform"]["backend"] = {"local": {"path": str(file)}}
    return workspace.copied(stack, document, folder / f"{stack}.kept")


def adopt_what_exists(
    workspace: Workspace,
    plan: Callable[[], Plan],
    failures: Sequence[Failure],
    existing: ExistingTable,
    note: Note,
) -> bool:
    """Has the next plan import what a killed run made and the state does not know; returns whether there is any.

    The import ids follow from the configuration, so nothing else can be meant. What AWS has by a free name the plan
    looks up itself.
    """
    wanted = [
        failure.address for failure in failures if failure.address and exists_already(failure.address, failure.text)
    ]
    if not wanted:  # does the stack itself import by now what failed? the state had a thing that was deleted by hand
        failed = [each.address for each in failures if each.address and resource_of(each.address).imported]
        changes = plan().changes if failed else {}
        return any(address in changes and changes[address].action in IMPORTS for address in failed)
    planned = plan()
    ids = existing.ids(planned, wanted)
    _import_next(workspace, planned.stack, ids, note)
    # What AWS is asked about before each plan is imported by that plan already.
    return bool(ids) or any(
        address in planned.changes and planned.changes[address].action in IMPORTS for address in wanted
    )


def looked_up(aws: Aws, landing_zone: LandingZone, failure: Failure) -> Failure:
    """Returns an error of an account whose address is taken with what to do, where the account is ours.

    CreateAccount is not idempotent: a call that is repeated, or a run after another was killed, finds the address
    taken by the account that the first call makes. ListAccounts shows that at the end only, and a request names no
    address: that of the account's name and of the last hour is taken for ours, until ListAccounts has its account.
    """
    key = str(failure.address).removeprefix(f"{TYPES['account']}.")
    account = landing_zone.members.get(key)
    if account is None or "EMAIL_ALREADY_EXISTS" not in failure.text:
        return failure
    try:
        there = {account.id: account for account in list_accounts(aws)}
        begun = [request for request in list_requests(aws) if request["AccountName"] == account.name]
    except AwsError:
        return failure
    since = dt.datetime.now(dt.UTC) - _LONGEST_CREATION
    ours = [live for live in there.values() if not live.shut and folded(live.email) == folded(account.email)]
    makes = [call for call in begun if call["RequestedTimestamp"] > since and call.get("AccountId") not in there]
    if not ours and not makes:
        return failure
    text = (
        f"{account.email} is the address of an account that AWS makes for an earlier request of Strata, or has made: "
        "run the command again in some minutes, which imports it, and keep the address"
    )
    return replace(failure, remedy=Message(OURS, text, account=key, listed=bool(ours)))


_LONGEST_CREATION = dt.timedelta(hours=1)


def adopt_taken(workspace: Workspace, existing: ExistingTable, names: Names, planned: Plan, note: Note) -> bool:
    """Has the next plan import what AWS has already by name, and what a creation would wait for, make twice or reset.

    Returns whether there is any.

    Raises:
        RefusedError: what AWS has by name is somebody else's.
    """
    ids = names.found(planned) | existing.early(planned)
    _import_next(workspace, planned.stack, ids, note)
    return bool(ids)


def _import_next(workspace: Workspace, stack: str, ids: Mapping[str, str], note: Note) -> None:
    for address, import_id in ids.items():
        text = f"{stack}: {address} exists in AWS and is not in the state: importing {import_id}"
        note(Message("existing-imported", text, place=address, stack=stack, id=import_id))
    if ids:
        workspace.import_next(stack, ids)


def unreached(
    aws: Aws, landing_zone: LandingZone, failures: Sequence[Failure], otherwise: Otherwise, note: Note
) -> list[Failure]:
    """Returns the failures without those of permission sets that all open accounts have by now, or get here.

    The provider takes each change of a set to all accounts that have it, and fails where any is closed or suspended.
    """
    others = [
        failure
        for failure in failures
        if not (failure.address and resource_of(failure.address).provisioned and "provision" in failure.text)
    ]
    try:
        if len(others) == len(failures) or not any(account.shut for account in list_accounts(aws)):
            return list(failures)
    except AwsError:
        return list(failures)
    return others if provision_permission_sets(aws, landing_zone, otherwise, note) else list(failures)


# What a layer of one's own would create and AWS has already, made by somebody else


def taken_over(zone: LandingZone, planned: Plan, shown: Plan) -> list[Failure]:
    """Returns an error for each thing that a layer of one's own was to create, and that somebody else has made.

    What a killed run of the layer has made has the tags of the layer, or is as the layer makes it.
    """
    if own_layer(zone, planned.stack) is None:
        return []
    failures = []
    for address, change in planned.changes.items():
        before = shown.changes.get(address)
        if not (change.import_id and before and before.action == "create"):
            continue
        if any(one.name.partition(".")[0] in ("tags", "tags_all") for one in change.attributes):
            why = "has other tags"
        elif change.loses and "tags_all" not in before.arguments:
            why = f"has {listed(change.loses)}"
        elif not zone.project.default_tags:
            why = "may be anybody's: default_tags is off"
        else:
            continue
        text = f"AWS has it already, as {change.import_id}, and it {why}"
        failures.append(_in_layer(Failure(text, address), change.import_id))
    return failures


def existing_in_layer(zone: LandingZone, stack: str, failures: Sequence[Failure]) -> list[Failure]:
    """Returns errors of a stack, those of what AWS has already with what to do about it in a layer of one's own."""
    if own_layer(zone, stack) is None:
        return list(failures)
    return [
        _in_layer(failure) if failure.address and not failure.remedy and re.search(EXISTS, failure.text) else failure
        for failure in failures
    ]


def _in_layer(failure: Failure, id: str = "<its import id>") -> Failure:
    call = f'self.import_resource("{failure.address}", "{id}")'
    text = f"choose another name, or write {call} in the stack and read the plan: the layer has it from then on"
    return replace(failure, remedy=Message("aws-conflict", text, address=failure.address))
