"""AWS Config in an account: a recorder in each region, what it delivers to, and whether it runs."""

from __future__ import annotations

from functools import partial

from cdktf_cdktf_provider_aws.config_configuration_recorder import (
    ConfigConfigurationRecorder,
    ConfigConfigurationRecorderRecordingGroupRecordingStrategy,
)
from cdktf_cdktf_provider_aws.config_configuration_recorder_status import ConfigConfigurationRecorderStatus
from cdktf_cdktf_provider_aws.config_delivery_channel import ConfigDeliveryChannel
from cdktf_cdktf_provider_aws.data_aws_iam_roles import DataAwsIamRoles
from cdktf_cdktf_provider_aws.iam_service_linked_role import IamServiceLinkedRole

from stacks import hcl
from stacks.base import leaving, resource_name
from stacks.planned import Added
from stacks.security.controls import Controls
from strata.config.detection import Config
from strata.config.limits import aws_limits
from strata.landing_zone.detection import Recorders

SERVICE = Config.trusted[0]
NAME = "default"
"""What AWS calls a recorder and a channel that nobody names."""


def recorders(stack: Controls, recorders: Recorders | None) -> None:
    """Makes the recorders of an account; where it has none any more, they leave the state and go on."""
    wanted = recorders.types if recorders else {}
    if recorders:
        role = service_role(stack, "config", SERVICE, "AWSServiceRoleForConfig")
        for region in wanted:
            _recorder(stack, recorders, region, role)
    else:
        stack.remove_from_state("aws_iam_service_linked_role.config")
    for region in sorted(aws_limits().regions - {*wanted}):
        stack.remove(partial(_forgotten, stack, region))


def _forgotten(stack: Controls, region: str) -> None:
    name = resource_name("main", region)
    stack.add(ConfigConfigurationRecorder, name, role_arn="")
    stack.add(ConfigDeliveryChannel, name, s3_bucket_name="")
    stack.add(ConfigConfigurationRecorderStatus, name, name="", is_enabled=False)


def service_role(stack: Controls, name: str, service: str, role: str) -> Added[IamServiceLinkedRole]:
    """Makes the role of a service in the account, or imports the one that is there."""
    stack.add(DataAwsIamRoles, name, name_regex=f"^{role}$", path_prefix=f"/aws-service-role/{service}/")
    stack.import_if_exists(f"aws_iam_service_linked_role.{name}", hcl.set_of(f"data.aws_iam_roles.{name}.arns"))
    return stack.add(IamServiceLinkedRole, name, aws_service_name=service, lifecycle=leaving("description", "tags"))


def _recorder(stack: Controls, recorders: Recorders, region: str, role: Added[IamServiceLinkedRole]) -> None:
    name, types = resource_name("main", region), recorders.types[region]
    by_all = types == "all"
    strategy = "ALL_SUPPORTED_RESOURCE_TYPES" if by_all else "INCLUSION_BY_RESOURCE_TYPES"
    recorder = stack.add(
        ConfigConfigurationRecorder,
        name,
        name=NAME,
        role_arn=stack.expression(role, "arn"),
        recording_group={
            "all_supported": by_all,
            "include_global_resource_types": by_all and region == recorders.home,
            "resource_types": None if types == "all" else sorted(types),
            "recording_strategy": [ConfigConfigurationRecorderRecordingGroupRecordingStrategy(use_only=strategy)],
        },
        recording_mode={"recording_frequency": "DAILY" if recorders.daily else "CONTINUOUS"},
        region=region,
        # One that the account has already keeps its name: another would be a second, which AWS rejects.
        lifecycle=leaving("name"),
    )
    channel = stack.add(
        ConfigDeliveryChannel,
        name,
        name=NAME,
        s3_bucket_name=recorders.bucket,
        region=region,
        lifecycle=leaving("name"),
        depends_on=[recorder],
    )
    stack.add(
        ConfigConfigurationRecorderStatus,
        name,
        name=stack.expression(recorder, "name"),
        is_enabled=recorders.run,
        region=region,
        # AWS starts none that has no channel.
        depends_on=[channel],
    )
