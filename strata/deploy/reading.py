"""Reading the situation: the configuration, the states and AWS, the Terraform written from them, and who lets us in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import partial

from strata.aws.organization import ListedAccount, enabled_policy_types
from strata.aws.prerequisites import management_caller
from strata.aws.session import Aws, asked_at_once, connect
from strata.aws.states import etags, read_state, stacks_of
from strata.config.layers import STACKS, baseline_in
from strata.deploy.access import shut_out
from strata.deploy.checks import check, warn
from strata.deploy.chosen import check_wave, chosen
from strata.deploy.ground import check_ground
from strata.deploy.loading import loaded
from strata.deploy.protection import read_protection
from strata.deploy.words import check_words
from strata.errors import Message
from strata.identity import Examination, examine
from strata.identity.accounts import GONE
from strata.identity.deletions import LAST_ADMINISTRATOR
from strata.identity.held import attributes
from strata.landing_zone import LandingZone
from strata.landing_zone.facts import Facts
from strata.landing_zone.services import unknown_types
from strata.options import Options
from strata.sides.states import State, managed
from strata.terraform.forgotten import forget
from strata.terraform.progress import Progress
from strata.terraform.situation import Request, Situation
from strata.terraform.workspace import Workspace


def prepare(options: Options, progress: Progress, request: Request) -> Situation:
    """Reads the configuration, the states and AWS, writes the Terraform, and checks all of it.

    Raises:
        ConfigurationError: the configuration has faults, or an expectation does not hold.
        UsageError: a word of --allow is none, or there is no such wave.
        RefusedError: the edit would lose something, or something is somebody else's; nothing was changed.
        StrataError: the account is another, bootstrap is missing, or AWS rejected a call.
    """
    check_words(request.allow)
    today = dt.datetime.now(tz=dt.UTC).date()
    zone, told = loaded(options, today)
    check_wave(zone, request)
    warn(told)
    progress.doing("asking AWS", seen_only=True)
    aws = connect(options, zone.project)
    management_caller(aws, zone.project)
    lacking = check_ground(aws, zone, request, progress.note)
    progress.doing("comparing the configuration with the states and AWS")
    workspace = Workspace.of(options.config, options.profile)
    situation = replace(_read(aws, zone, workspace, request, today), lacking=lacking)
    progress.doing("writing the Terraform")
    situation, forgotten = _written(situation)
    warn(forgotten)
    situation = _reached(situation, progress)
    if situation.empty:
        progress.note(situation.empty)
    return replace(situation, warnings=(*told, *forgotten, *check(situation)))


def _read(aws: Aws, zone: LandingZone, workspace: Workspace, request: Request, today: dt.date) -> Situation:
    """Returns what the states and AWS have, before the Terraform is written."""
    states = {stack: read_state(aws, zone.project, stack) for stack in STACKS}
    examination = examine(
        aws,
        zone,
        states=states,
        allow=request.allow,
        stacks=request.stacks,
        today=today,
        folder=str(workspace.folder),
    )
    return Situation(
        zone,
        aws,
        workspace,
        chosen=(),
        states=states,
        request=request,
        examination=examination,
        etags=etags(aws, zone.project),
        policy_types=enabled_policy_types(aws),
    )


def _written(situation: Situation) -> tuple[Situation, list[Message]]:
    """Writes the Terraform; returns the situation with the chosen stacks, and the roles that their states forget."""
    aws, workspace, closed = situation.aws, situation.workspace, situation.examination.closed
    deployed = stacks_of(situation.etags)
    zone = situation.landing_zone.at(deployed)
    absent = situation.landing_zone.account_stacks.keys() - zone.account_stacks.keys()
    zone = replace(zone, leaving=_leaving(aws, zone, deployed, closed))
    facts = Facts(
        closed=_closed(zone, situation.examination),
        leaving=tuple(sorted(zone.leaving)),
        moved=situation.examination.moved,
        absent=tuple(sorted(absent)),
        types_stay=bool(unknown_types(situation.policy_types)),
    )
    workspace.synth(sorted({LAST_ADMINISTRATOR}.intersection(situation.request.allow)), facts)
    forgotten = forget(aws, zone, workspace)
    left_out = {stack: _leave_out(workspace, stack, situation.states[stack], closed) for stack in STACKS}
    stacks = tuple(chosen(workspace, zone, situation.request))
    return replace(situation, landing_zone=zone, left_out=left_out, chosen=stacks), forgotten


def _closed(zone: LandingZone, examination: Examination) -> dict[str, str]:
    """Returns the ids of the declared accounts that are closed, by key; an account that is gone has none."""
    return {
        key: "" if account.state == GONE else account.id
        for key, account in examination.closed.items()
        if key in zone.members
    }


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
    if forgotten:
        workspace.forget_next(stack, forgotten)
    return forgotten


def _reached(situation: Situation, progress: Progress) -> Situation:
    """Returns it with the states of all stacks for which Terraform is started, and without those that let nobody in."""
    aws, zone, workspace = situation.aws, situation.landing_zone, situation.workspace
    in_accounts = [stack for stack in situation.chosen if stack in zone.account_stacks]
    if not situation.request.refresh:
        situation = replace(situation, spared=frozenset(situation.left_whole(in_accounts, situation.etags)))
    read = {*situation.asked, *workspace.producers(*situation.chosen)}
    needed = sorted(read - situation.states.keys())
    bodies = asked_at_once(partial(read_state, aws, zone.project), needed)
    situation = replace(situation, states={**situation.states, **dict(zip(needed, bodies, strict=True))})
    shut = shut_out(situation, progress.note)
    chosen = tuple(stack for stack in situation.chosen if stack not in shut)
    situation = replace(situation, shut_out=shut, chosen=chosen)
    return replace(situation, protection=read_protection(situation))
