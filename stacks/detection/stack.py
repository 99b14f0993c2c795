"""The `detection` stack of the administrator's account: GuardDuty for all in each region, and Config's aggregator."""

from __future__ import annotations

from functools import partial

from cdktf_cdktf_provider_aws.config_configuration_aggregator import ConfigConfigurationAggregator
from cdktf_cdktf_provider_aws.guardduty_detector import GuarddutyDetector
from cdktf_cdktf_provider_aws.guardduty_detector_feature import GuarddutyDetectorFeature
from cdktf_cdktf_provider_aws.guardduty_member import GuarddutyMember
from cdktf_cdktf_provider_aws.guardduty_member_detector_feature import GuarddutyMemberDetectorFeature
from cdktf_cdktf_provider_aws.guardduty_organization_configuration import GuarddutyOrganizationConfiguration
from cdktf_cdktf_provider_aws.guardduty_organization_configuration_feature import (
    GuarddutyOrganizationConfigurationFeature,
)
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment
from constructs import Construct

from stacks import hcl
from stacks.account import AccountStack, MemberAccount
from stacks.base import BaseStack, ignore_changes, policy_json, resource_name
from stacks.detection.findings import findings
from stacks.organizations import OrganizationsStack
from stacks.security.controls import Controls
from strata.config.detection import Config, Plan
from strata.config.limits import aws_limits
from strata.config.models import AGGREGATOR_ROLE, PARTITION
from strata.config.text import address_part
from strata.landing_zone import LandingZone
from strata.landing_zone.detection import (
    config_of,
    enabled_features,
    guardduty_of,
    home_region,
    single_members,
    watched_regions,
)


class DetectionStack(AccountStack, Controls):
    """The detectors, and which accounts they watch; nothing of GuardDuty is ever destroyed.

    What is no longer declared leaves the state: `strata deploy` forgets all of it, this stack the detectors. The rules
    that send findings go at AWS.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        landing_zone: LandingZone,
        account: MemberAccount,
        organizations: OrganizationsStack,
        detection_delegation: BaseStack,
    ) -> None:
        super().__init__(scope, id, account=account)
        self.add_dependency(detection_delegation)
        self._zone, self._features = landing_zone, enabled_features(landing_zone)
        control = guardduty_of(landing_zone.detection)
        self._on = bool(control and control.on)
        self._by_all = bool(self._on and control and not control.except_)
        self._members = single_members(landing_zone)
        self._ids = hcl.resolved(self, {key: organizations.account_ids[key] for key in self._members})
        watched = watched_regions(landing_zone)
        for region in sorted(aws_limits().regions):
            if region in watched:
                self._region(region)
            else:
                self.remove(partial(self._detector, region))
        findings(self, landing_zone)
        config = config_of(landing_zone.detection)
        if config and config.aggregator:
            self._aggregator()
        elif landing_zone.detection and landing_zone.detection.config:
            self.remove(self._aggregator)

    def _region(self, region: str) -> None:
        detector = hcl.attribute(self._detector(region), "id")
        if self._on:
            for feature in Plan:
                self._own_feature(detector, region, feature)
        configuration = self._configuration(detector, region)
        features = [self._feature(detector, region, feature, configuration) for feature in Plan]
        for key, regions in self._members.items():
            if region in regions:
                # A member that is made gets what the organization's configuration says.
                self._member(detector, region, key, [configuration, *features])

    def _detector(self, region: str) -> str:
        return self.add_json(
            GuarddutyDetector,
            resource_name("main", region),
            enable=True,
            region=region,
            # It holds its findings, and goes with them.
            lifecycle={"prevent_destroy": True},
        )

    def _own_feature(self, detector: hcl.Expression, region: str, feature: Plan) -> None:
        """Sets a plan of the administrator's account, which is no member of its own."""
        self.add_json(
            GuarddutyDetectorFeature,
            resource_name(address_part(feature), region),
            detector_id=detector,
            name=feature.upper(),
            status="ENABLED" if feature in self._features else "DISABLED",
            region=region,
            lifecycle=_AGENTS.get(feature),
        )

    def _configuration(self, detector: hcl.Expression, region: str) -> str:
        return self.add_json(
            GuarddutyOrganizationConfiguration,
            resource_name("main", region),
            detector_id=detector,
            auto_enable_organization_members="ALL" if self._by_all else "NONE",
            region=region,
        )

    def _feature(self, detector: hcl.Expression, region: str, feature: Plan, configuration: str) -> str:
        return self.add_json(
            GuarddutyOrganizationConfigurationFeature,
            resource_name(address_part(feature), region),
            detector_id=detector,
            name=feature.upper(),
            auto_enable="ALL" if self._by_all and feature in self._features else "NONE",
            region=region,
            lifecycle=_AGENTS.get(feature),
            # The provider sends what the configuration is with each feature.
            depends_on=[configuration],
        )

    def _member(self, detector: hcl.Expression, region: str, key: str, after: list[str]) -> None:
        member = self.add_json(
            GuarddutyMember,
            resource_name(key, region),
            account_id=self._ids[key],
            detector_id=detector,
            email=self._zone.accounts[key].email,
            region=region,
            # The provider reads an account of the organization as invited, and its address as AWS writes it, by which
            # it would leave the organization's detection: github.com/hashicorp/terraform-provider-aws/issues/13906
            lifecycle={"ignore_changes": ["email", "invite"]},
            depends_on=after,
        )
        for feature in self._features:
            self.add_json(
                GuarddutyMemberDetectorFeature,
                resource_name(key, address_part(feature), region),
                account_id=self._ids[key],
                detector_id=detector,
                name=feature.upper(),
                status="ENABLED",
                region=region,
                lifecycle=_AGENTS.get(feature),
                depends_on=[member],
            )

    def _aggregator(self) -> None:
        """Makes the view of what all accounts record, by a role that may list them.

        https://docs.aws.amazon.com/config/latest/developerguide/aggregated-create.html
        """
        trust = {"Effect": "Allow", "Principal": {"Service": Config.trusted[0]}, "Action": "sts:AssumeRole"}
        role = self.add(
            IamRole,
            "config-aggregator",
            name=f"{self.project.short_name}-{AGGREGATOR_ROLE}",
            description="Config lists the accounts of the organization",
            assume_role_policy=policy_json({"Version": "2012-10-17", "Statement": [trust]}),
        )
        policy = self.add(
            IamRolePolicyAttachment,
            "config-aggregator",
            role=role.name,
            policy_arn=f"arn:{PARTITION}:iam::aws:policy/service-role/AWSConfigRoleForOrganizations",
        )
        self.add(
            ConfigConfigurationAggregator,
            "main",
            name=f"{self.project.short_name}-organization",
            organization_aggregation_source={"all_regions": True, "role_arn": role.arn},
            region=home_region(self._zone),
            # One that is there already keeps its name.
            lifecycle=ignore_changes("name"),
            depends_on=[policy],
        )


_AGENTS = {Plan.RUNTIME_MONITORING: {"ignore_changes": ["additional_configuration"]}}
"""Leaves the agents of runtime monitoring to others: AWS tells of them in an order of its own."""
