"""Writing the Terraform: what only AWS and the states say is told to the synth, and what is gone is forgotten."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from strata.aws.organization import ListedAccount
from strata.aws.session import Aws
from strata.aws.states import read_state, stacks_of
from strata.config.layers import STACKS, baseline_in
from strata.deploy.chosen import chosen
from strata.errors import Message
from strata.identity.accounts import GONE
from strata.identity.deletions import LAST_ADMINISTRATOR
from strata.identity.held import attributes
from strata.landing_zone import LandingZone
from strata.landing_zone.facts import Facts
from strata.landing_zone.services import unknown_types
from strata.sides.states import State, managed
from strata.terraform.forgotten import forget
from strata.terraform.situation import Situation
from strata.terraform.workspace import Workspace


def written(situation: Situation) -> tuple[Situation, list[Message]]:
    """Writes the Terraform; returns the situation with the chosen stacks, and the roles that their states forget."""
    aws, workspace, closed = situation.aws, situation.workspace, situation.examination.closed
    deployed = stacks_of(situation.etags)
    zone = situation.landing_zone.at(deployed)
    absent = situation.landing_zone.account_stacks.keys() - zone.account_stacks.keys()
    zone = replace(zone, leaving=_leaving(aws, zone, deployed, closed))
    of_ours = {key: account for key, account in closed.items() if key in zone.members}
    facts = Facts(
        closed={key: "" if account.state == GONE else account.id for key, account in of_ours.items()},
        leaving=tuple(sorted(zone.leaving)),
        absent=tuple(sorted(absent)),
        types_stay=bool(unknown_types(situation.policy_types)),
    )
    workspace.synth(sorted({LAST_ADMINISTRATOR}.intersection(situation.request.allow)), facts)
    forgotten = forget(aws, zone, workspace)
    left_out = {stack: _leave_out(workspace, stack, situation.states[stack], closed) for stack in STACKS}
    stacks = tuple(chosen(workspace, zone, situation.request))
    return replace(situation, landing_zone=zone, left_out=left_out, chosen=stacks), forgotten


def _leaving(aws: Aws, zone: LandingZone, deployed: Collection[str], closed: Collection[str]) -> frozenset[str]:
    """Returns the retired accounts whose baseline has something in its state still, which is forgotten.

    What is in an account that is closed goes with it.
    """
    going = [key for key in sorted(zone.retired.keys() - {*closed}) if baseline_in(key) in deployed]
    states = (read_state(aws, zone.project, baseline_in(key)) for key in going)
    return frozenset(key for key, state in zip(going, states, strict=True) if attributes(state, {}))


def _leave_out(workspace: Workspace, stack: str, state: State, closed: Mapping[str, ListedAccount]) -> frozenset[str]:
    """Has a stack forget what its state has of accounts that are closed, where AWS changes nothing any more."""
    declared = workspace.document(stack).get("resource", {})
    accounts = {account.id for account in closed.values() if account.id}
    forgotten = frozenset(
        resource.address
        for resource in managed(state)
        if {resource.attributes.get(name) for name in ("target_id", "account_id", "id")} & accounts
        and resource.name not in declared.get(resource.type, {})
    )
    workspace.forget_next(stack, forgotten)
    return forgotten
