"""`strata bootstrap`: creates the prerequisites of Terraform's first run, and nothing else.

The state bucket, the lock table and the organization are created here with the SDK and imported by the stacks through
import blocks. Everything is read first, all refusals are reported at once, and only then something is written;
each write may be the last that happens, the next run goes on from there.
"""

from __future__ import annotations

import sys

from strata.aws.identity_center import console, is_ours, list_instances
from strata.aws.prerequisites import await_organization, inspect, management_caller
from strata.aws.resources import ResourceStatus
from strata.aws.session import Aws, AwsError, Caller, connect, emulator
from strata.config.layers import STACKS
from strata.config.models import Project
from strata.errors import ConfigurationError, Message, StrataError
from strata.identity.lost_states import lost_beside_replica, lost_states
from strata.landing_zone import LandingZone
from strata.landing_zone.examples import example_faults
from strata.load import load
from strata.options import Options
from strata.printing import line, readers_may_leave, word
from strata.terminal import confirmed


def run(options: Options, *, dry_run: bool, yes: bool) -> int:
    """Inspects, prints the plan, asks, and creates the missing resources."""
    landing_zone = load(options.config)
    project = landing_zone.project
    if not emulator() and (faults := example_faults(landing_zone)):
        raise ConfigurationError(faults)
    _check_region(options.region, project)
    aws = connect(options, project)
    caller = management_caller(aws, project)
    resource_statuses, refusals = inspect(aws, landing_zone)
    # Whoever writes the bucket wants another beside the one with the states.
    lost_by = lost_beside_replica if project.state.bucket else lost_states
    if not refusals and (lost := lost_by(aws, landing_zone)):
        refusals.append(lost)
    if refusals:
        for refusal in refusals:
            print(line(f"error: {refusal}"), file=sys.stderr)
        return 1
    _print_plan(caller, project, resource_statuses)
    if dry_run:
        return 0
    incomplete = [status for status in resource_statuses if status.missing]
    if not incomplete:
        options.note("nothing to do: everything exists")
    elif not yes and not confirmed(f"create this in account {project.management_account.id}?"):
        options.note("nothing was changed")
        return 1
    for status in incomplete:
        status.make(options.note)
    await_organization(aws, options.note)
    with readers_may_leave():
        _print_next(aws, landing_zone, options)
    return 0


def _print_plan(caller: Caller, project: Project, resource_statuses: list[ResourceStatus]) -> None:
    with readers_may_leave():
        for text in (f"{project.name}: account {caller.account}, as {caller.arn}", *resource_statuses):
            print(line(text), flush=True)


def _print_next(aws: Aws, landing_zone: LandingZone, options: Options) -> None:
    project = landing_zone.project
    print("next:")
    try:
        is_enabled = any(is_ours(instance, project) for instance in list_instances(aws, project))
    except AwsError:
        is_enabled = False
    if not is_enabled:
        region = project.identity_center_region
        print(f"  enable IAM Identity Center in {region}; AWS has no API for it, so do it once by hand:")
        print(f"    {console(region)}")
        print(
            "    AWS console > IAM Identity Center > Enable > Enable with AWS Organizations: an organization instance, "
            "not an account instance, so only now that the organization exists"
        )
    print(f"  strata deploy{options.config_words}")
    elsewhere = f"STRATA_CONFIG={word(options.config)} " if options.config_words else ""
    stacks = (*STACKS, *(layer.stack for layer in landing_zone.layers.values() if not layer.in_each_account))
    print(f"  or, stack by stack: {elsewhere}cdktf deploy {' '.join(stacks)}")


# Who and with what


def _check_region(region: str | None, project: Project) -> None:
    if region and region != project.regions.primary:
        text = (
            f"--region is {region!r}, but the state belongs in {project.regions.primary!r}; "
            "leave --region out, or change regions.primary in project.yaml"
        )
        raise StrataError(Message("other-region", text, region=region, expected=project.regions.primary))
