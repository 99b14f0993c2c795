"""What has to be there before anything is read: the organization, the store of the states, Identity Center."""

from __future__ import annotations

from collections.abc import Callable, Collection

from strata.aws.identity_center import console, is_ours, list_instances
from strata.aws.organization import describe
from strata.aws.prerequisites import ORGANIZATION, inspect
from strata.aws.resources import ResourceStatus
from strata.aws.session import Aws, AwsError, emulator
from strata.aws.states import read_state
from strata.errors import ConfigurationError, Message, StrataError
from strata.evaluation.organization import named_organization, organization_fault
from strata.identity.lost_states import lost_states
from strata.identity.settled import settled
from strata.landing_zone import LandingZone
from strata.landing_zone.examples import example_faults
from strata.terraform.errors import PAUSES, wait
from strata.terraform.situation import RefusedError, Request

Note = Callable[[str], None]


def check_ground(aws: Aws, zone: LandingZone, request: Request, note: Note) -> tuple[ResourceStatus, ...]:
    """Refuses what would fail half way: another organization, no bootstrap, Identity Center off or elsewhere.

    Returns what is missing and a preview does without: before the first deploy, the store of the state.

    Raises:
        ConfigurationError: values of the examples are left in it, or it names another organization.
        RefusedError: the states hold things by another name.
        StrataError: something is missing, or the states are gone.
    """
    if not emulator() and (faults := example_faults(zone)):
        raise ConfigurationError(faults)
    _check_organization(aws, zone)
    _check_settled(aws, zone, request.stacks)
    findings, refusals = inspect(aws, zone)
    lacking = tuple(finding for finding in findings if finding.missing)
    if lacking and not (request.preview and _is_first(aws, zone, lacking)):
        told = "; ".join(f"{finding.thing} ({', '.join(finding.missing)})" for finding in lacking)
        things = {finding.thing: list(finding.missing) for finding in lacking}
        refusals.append(Message("bootstrap-missing", f"missing: {told}; run strata bootstrap first", missing=things))
    if not refusals and (not request.stacks or "sso" in request.stacks):
        refusals += identity_center_refusals(aws, zone, note)
    if refusals:
        raise StrataError(*refusals)
    return lacking


def _is_first(aws: Aws, zone: LandingZone, lacking: Collection[ResourceStatus]) -> bool:
    """Says whether nothing was deployed yet, and there is an organization."""
    return all(finding.thing != ORGANIZATION for finding in lacking) and not read_state(aws, zone.project, "backend")


def _check_organization(aws: Aws, zone: LandingZone) -> None:
    """Refuses documents that name another organization: what they keep out was judged by it."""
    organization = describe(aws) if named_organization(zone) else None
    fault = organization_fault(zone, organization["Id"]) if organization else None
    if fault:
        raise ConfigurationError([fault])


def _check_settled(aws: Aws, zone: LandingZone, stacks: Collection[str]) -> None:
    """Refuses states that are gone, and another name or region of what they hold, before anybody is told to make it."""
    try:
        states = {stack: read_state(aws, zone.project, stack) for stack in ("backend", "security")}
    except AwsError:
        return  # the bucket is elsewhere, or somebody else's: what follows says so
    if not states["backend"] and (lost := lost_states(aws, zone)):
        raise StrataError(lost)
    if refusals := list(settled(zone, states, stacks)):
        raise RefusedError(refusals)


def identity_center_refusals(aws: Aws, zone: LandingZone, note: Note) -> list[Message]:
    """Returns why the `sso` stack cannot be deployed; its own postcondition is the last to say so.

    Waits for an instance that somebody has just enabled.
    """
    project, region = zone.project, zone.project.identity_center_region
    try:
        instances, pauses = list_instances(aws, project), iter(PAUSES)
        while any(instance.get("Status") == _BEGINS and is_ours(instance, project) for instance in instances):
            seconds = next(pauses, None)
            if seconds is None:
                text = f"AWS is still setting up Identity Center in {region}; run the command again in some minutes"
                return [Message("identity-center-not-active", text, region=region)]
            text = f"AWS is setting up Identity Center in {region}; looking again in {seconds} s"
            note(Message("identity-center-begins", text, region=region, seconds=seconds))
            wait(seconds)
            instances = list_instances(aws, project)
    except AwsError as error:
        return list(error.args)
    owners = [instance["OwnerAccountId"] for instance in instances if "OwnerAccountId" in instance]
    if project.management_account.id in owners:
        return []
    if owners:
        text = (
            f"Identity Center in {region} is an account instance of {', '.join(owners)}, not the organization's; "
            "delete it and enable Identity Center in the management account"
        )
        return [Message("identity-center-of-account", text, region=region, owners=owners)]
    text = (
        f"IAM Identity Center is not enabled in {region}, and no API call enables it; enable it in the console, "
        f"{console(region)}, or set identity_center.region in project.yaml to where it is; "
        "the other stacks: strata deploy backend organizations security"
    )
    return [Message("identity-center-off", text, region=region, owners=owners)]


_BEGINS = "CREATE_IN_PROGRESS"
"""https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_InstanceMetadata.html"""
