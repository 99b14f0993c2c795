"""Refuses to create users, groups and permission sets anew whose name AWS has already under another id."""

from __future__ import annotations

from strata.identity.announced import KINDS
from strata.identity.leftovers import STACK, gone
from strata.kinds import TYPES
from strata.printing import word
from strata.terraform.plans import Plan
from strata.terraform.preflight import Prepared, RefusedError


def refuse_made_again(prepared: Prepared, planned: Plan, *, applied: bool = False) -> None:
    """Refuses a plan that creates what the state has, where somebody deleted that at AWS and made it again.

    AWS is asked only where a plan creates such a thing.

    Args:
        prepared: the start of the run.
        planned: what is planned.
        applied: whether this run has changed something before.

    Raises:
        RefusedError: AWS would reject the creation, of a permission set after most of an hour.
    """
    types = {TYPES[kind] for kind in KINDS}
    created = {
        address
        for address, change in planned.changes.items()
        if change.action == "create" and address.partition(".")[0] in types
    }
    if planned.stack != STACK or not gone(prepared.landing_zone, prepared.states[STACK], created):
        return
    workspace, directory = prepared.workspace, prepared.directory()
    binary, folder = workspace.environment["TERRAFORM_BINARY_NAME"], workspace.stack_folder(STACK)
    remove = f"{word(binary)} -chdir={word(folder)} state rm"
    if directory and (refusals := directory.made_again(created, remove)):
        raise RefusedError(sorted(refusals), applied=applied)
