"""The `detection` stack of the management account: who administers GuardDuty in each region, and its own recorders."""

from __future__ import annotations

from functools import partial

from cdktf_cdktf_provider_aws.guardduty_organization_admin_account import GuarddutyOrganizationAdminAccount
from constructs import Construct

from stacks.base import BaseStack, resource_name
from stacks.components import recorder
from stacks.organizations import OrganizationsStack
from stacks.security.controls import Controls
from strata.config.detection import GuardDuty
from strata.config.limits import aws_limits
from strata.config.models import MANAGEMENT
from strata.landing_zone import LandingZone
from strata.landing_zone.detection import excepted, guardduty_of, recorders_of, watched_regions


class DetectionDelegationStack(Controls):
    """The administrators, the role by which GuardDuty watches this account itself, and what Config records here.

    Delegation switches GuardDuty on in the administrator, so that the stack of that account comes after this.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        landing_zone: LandingZone,
        organizations: OrganizationsStack,
        archive: BaseStack | None = None,
    ) -> None:
        super().__init__(scope, id, project=landing_zone.project)
        for stack in (organizations, archive):
            if stack:
                self.add_dependency(stack)
        detection = landing_zone.detection
        administrator = organizations.account_ids.get(detection.administrator, "") if detection else ""
        watched = watched_regions(landing_zone) if administrator else ()
        for region in sorted(aws_limits().regions):
            build = partial(self._administrator, region, administrator)
            if region in watched:
                build()
            else:
                self.remove(build)
        control = guardduty_of(detection)
        if control and control.on and watched and MANAGEMENT not in excepted(landing_zone):
            # In the management account the administrator can switch nothing on while this role is not there.
            recorder.service_role(self, "guardduty", GuardDuty.trusted[0], "AWSServiceRoleForAmazonGuardDuty")
        else:
            self.remove_from_state("aws_iam_service_linked_role.guardduty")
        recorder.recorders(self, recorders_of(landing_zone, MANAGEMENT))

    def _administrator(self, region: str, administrator: str) -> None:
        self.add(
            GuarddutyOrganizationAdminAccount,
            resource_name("main", region),
            admin_account_id=administrator,
            region=region,
        )
