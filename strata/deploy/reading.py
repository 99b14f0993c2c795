"""Reading the situation: the configuration, the states and AWS, the Terraform written from them, and who lets us in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from strata.aws.organization import enabled_policy_types
from strata.aws.prerequisites import management_caller
from strata.aws.session import Aws, asked_at_once, connect
from strata.aws.states import etags, read_state
from strata.config.layers import STACKS
from strata.deploy.access import shut_out
from strata.deploy.checks import check, warn
from strata.deploy.chosen import check_wave, check_words
from strata.deploy.ground import check_ground
from strata.deploy.protection import read_protection
from strata.deploy.refusing import with_losses
from strata.deploy.writing import written
from strata.errors import ConfigurationError, Message
from strata.identity import examine
from strata.landing_zone import LandingZone
from strata.landing_zone.expiry import over
from strata.load import load
from strata.options import Options
from strata.rules.expectations import require
from strata.rules.lockout import UNCERTAIN, Guard
from strata.rules.warnings import found_warnings
from strata.terraform.progress import Progress
from strata.terraform.situation import RefusedError, Request, Situation
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
    zone, told = _loaded(options, today)
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
    situation, forgotten = written(situation)
    warn(forgotten)
    situation = _reached(situation, progress)
    if situation.empty:
        progress.note(situation.empty)
    try:
        checked = check(situation)
    except RefusedError as refused:
        raise with_losses(options, situation, refused, progress) from refused
    return replace(situation, warnings=(*told, *forgotten, *checked))


def _loaded(options: Options, today: dt.date) -> tuple[LandingZone, list[Message]]:
    """Returns the landing zone, with what is told of it.

    Raises:
        ConfigurationError: the configuration has faults, or an expectation does not hold.
    """
    zone = load(options.config, today=today)
    if faults := list(Guard.of(zone, today).faults(today)):
        raise ConfigurationError(faults)
    require(zone)
    return zone, [*(fault.message for fault in over(zone, today)), *_uncertain(zone, today)]


def _uncertain(zone: LandingZone, today: dt.date) -> Iterator[Message]:
    """Yields where somebody may lock themselves out, as `strata check` warns of it."""
    for warning in found_warnings(zone, today=today):
        if warning.finding in UNCERTAIN:
            file = zone.source_file(warning.source.file).file
            at = f"{file}:{warning.source.line}"
            yield warning.text.saying(f"{at}: {warning.told}", place=f"{at}: {warning.path}")


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
