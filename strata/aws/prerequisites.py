"""Prerequisites of Terraform's first run: the organization, and the store of the state."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import partial
from typing import Any

from strata.aws import organization
from strata.aws.resources import Note, ResourceStatus, wait_until
from strata.aws.session import Aws, AwsError, Caller, unless_absent
from strata.aws.state_store import lock_table, replica_bucket, state_bucket, trail_bucket
from strata.config.models import Project
from strata.errors import Message, StrataError
from strata.landing_zone import LandingZone
from strata.printing import line

ORGANIZATION = "organization"


def inspect(aws: Aws, landing_zone: LandingZone) -> tuple[list[ResourceStatus], list[Message]]:
    """Returns the status of everything, and every reason not to go on; writes nothing."""
    trail = [trail_bucket] if landing_zone.security.trail.on else []
    statuses: list[ResourceStatus] = []
    refusals: list[Message] = []
    for status_of in (organization_status, state_bucket, replica_bucket, *trail, lock_table):
        try:
            statuses.append(status_of(aws, landing_zone.project))
        except StrataError as refusal:
            refusals += refusal.args
    return statuses, list(dict.fromkeys(refusals))


def management_caller(aws: Aws, project: Project) -> Caller:
    """Returns the caller, with a warning for root.

    Raises:
        StrataError: the credentials are of another account than the management account.
    """
    caller, configured = aws.caller(), project.management_account.id
    if caller.account != configured:
        text = (
            f"these credentials belong to account {caller.account}, "
            f"management_account.id in project.yaml is {configured}; "
            "use a profile of the management account, or correct the id"
        )
        raise StrataError(Message("wrong-account", text, account=caller.account, expected=configured))
    if caller.root:
        text = "this is the root user; use an administrator instead, and keep root for tasks that require it"
        warn(Message("root-user", text))
    return caller


def warn(text: Message) -> None:
    """Prints a warning to stderr."""
    print(line(f"warning: {text}"), file=sys.stderr, flush=True)


def closed_regions(aws: Aws, wanted: Iterable[str]) -> dict[str, str]:
    """Returns the regions among some that the caller's account has not enabled, each with the command that does.

    https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
    """
    regions = aws.client("ec2").describe_regions(AllRegions=True)["Regions"]
    status = {region["RegionName"]: region.get("OptInStatus", "opt-in-not-required") for region in regions}
    closed = sorted(region for region in wanted if status.get(region) not in ("opted-in", "opt-in-not-required"))
    return {
        region: f"aws account enable-region --region-name {region}, which takes minutes to hours" for region in closed
    }


# The organization


def organization_status(aws: Aws, project: Project) -> ResourceStatus:
    """Returns the status of the organization.

    Raises:
        StrataError: it is somebody else's, or has consolidated billing only.
    """
    described = organization.describe(aws)
    if described is None:
        make = partial(_make_organization, aws, project)
        return ResourceStatus(ORGANIZATION, "a new one", "create", ("all features",), make)
    organization.check_ours(described, project)
    return ResourceStatus(ORGANIZATION, f"{described['Id']}, all features", "exists")


def _make_organization(aws: Aws, project: Project, note: Note) -> None:
    try:
        aws.client("organizations").create_organization(FeatureSet="ALL")
    except AwsError as error:
        if error.code != "AlreadyInOrganizationException":
            raise
    if described := organization.describe(aws):
        organization.check_ours(described, project)
    note("created the organization; AWS may reject new accounts in its first hour: run the deploy again later")


def await_organization(aws: Aws, note: Note) -> None:
    """Waits until the organization answers, which takes up to an hour after it was created.

    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_troubleshoot_general.html

    Raises:
        StrataError: it does not answer within five minutes.
    """

    def roots() -> list[Any] | None:
        return unless_absent(lambda: organization.list_roots(aws), _NOT_YET) or None

    wait_until(roots, "the organization", "AWS can take up to an hour", note)


_NOT_YET = frozenset(
    {
        "AWSOrganizationsNotInUseException",
        "ConcurrentModificationException",
        "FinalizingOrganizationException",
        "ServiceException",
        "TooManyRequestsException",
    }
)
