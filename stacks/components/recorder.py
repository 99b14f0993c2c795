"""AWS Config in an account: a recorder in each region, what it delivers to, and whether it runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Literal

from cdktf_cdktf_provider_aws.config_configuration_recorder import ConfigConfigurationRecorder
from cdktf_cdktf_provider_aws.config_configuration_recorder_status import ConfigConfigurationRecorderStatus
from cdktf_cdktf_provider_aws.config_delivery_channel import ConfigDeliveryChannel
from cdktf_cdktf_provider_aws.data_aws_iam_roles import DataAwsIamRoles
from cdktf_cdktf_provider_aws.iam_service_linked_role import IamServiceLinkedRole
from constructs import Construct

from stacks import hcl
from stacks.base import add_json, address_in, ignore_changes, resource_name
from stacks.security.controls import Controls
from strata.config.detection import Config
from strata.config.limits import aws_limits
from strata.landing_zone.detection import Recorders

SERVICE = Config.trusted[0]
NAME = "default"
"""What AWS calls a recorder and a channel that nobody names."""


class ConfigRecorders(Construct):
    """A recorder in each region, with what it delivers to."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        role_arn: str,
        bucket: str,
        types: Mapping[str, Literal["all"] | Collection[str]],
        home: str,
        daily: bool = False,
        run: bool = True,
    ) -> None:
        """Makes them.

        Args:
            scope: what they are in.
            id: its id, and that of its addresses.
            role_arn: the role that records.
            bucket: where they deliver to.
            types: what is recorded in each region.
            home: the region that records what has none.
            daily: once a day, not each change.
            run: whether they record now.
        """
        super().__init__(scope, id)
        for region, recorded in types.items():
            name, by_all = resource_name(id, region), recorded == "all"
            group = {
                "all_supported": by_all,
                "include_global_resource_types": by_all and region == home,
                **({} if by_all else {"resource_types": sorted(recorded)}),
                "recording_strategy": [{"use_only": _ALL if by_all else _INCLUDED}],
            }
            recorder = self._recorder(name, region, role_arn=role_arn, group=group, daily=daily)
            self._run(name, region, recorder=recorder, bucket=bucket, run=run)

    def _recorder(self, name: str, region: str, *, role_arn: str, group: Mapping[str, object], daily: bool) -> str:
        return add_json(
            self,
            ConfigConfigurationRecorder,
            name,
            name=NAME,
            role_arn=role_arn,
            recording_group=group,
            recording_mode={"recording_frequency": "DAILY" if daily else "CONTINUOUS"},
            region=region,
            # One that the account has already keeps its name: another would be a second, which AWS rejects.
            lifecycle={"ignore_changes": ["name"]},
        )

    def _run(self, name: str, region: str, *, recorder: str, bucket: str, run: bool) -> None:
        channel = add_json(
            self,
            ConfigDeliveryChannel,
            name,
            name=NAME,
            s3_bucket_name=bucket,
            region=region,
            lifecycle={"ignore_changes": ["name"]},
            depends_on=[recorder],
        )
        add_json(
            self,
            ConfigConfigurationRecorderStatus,
            name,
            name=hcl.attribute(recorder, "name"),
            is_enabled=run,
            region=region,
            # AWS starts none that has no channel.
            depends_on=[channel],
        )


_ALL, _INCLUDED = "ALL_SUPPORTED_RESOURCE_TYPES", "INCLUSION_BY_RESOURCE_TYPES"


def recorders(stack: Controls, recorders: Recorders | None) -> None:
    """Makes the recorders of an account; where it has none any more, they leave the state and go on."""
    if recorders:
        service_role(stack, "config", SERVICE, "AWSServiceRoleForConfig")
        ConfigRecorders(
            stack,
            "main",
            role_arn=hcl.attribute(address_in(IamServiceLinkedRole, "config"), "arn"),
            bucket=recorders.bucket,
            types=recorders.types,
            home=recorders.home,
            daily=recorders.daily,
            run=recorders.run,
        )
    else:
        stack.remove_from_state("aws_iam_service_linked_role.config")
    wanted = recorders.types if recorders else {}
    for region in sorted(aws_limits().regions - {*wanted}):
        stack.remove(partial(_forgotten, stack, region))


def _forgotten(stack: Controls, region: str) -> None:
    for kind in (ConfigConfigurationRecorder, ConfigDeliveryChannel, ConfigConfigurationRecorderStatus):
        stack.add_json(kind, resource_name("main", region))


def service_role(stack: Controls, name: str, service: str, role: str) -> IamServiceLinkedRole:
    """Makes the role of a service in the account, or imports the one that is there."""
    stack.add(DataAwsIamRoles, name, name_regex=f"^{role}$", path_prefix=f"/aws-service-role/{service}/")
    stack.import_if_exists(f"aws_iam_service_linked_role.{name}", hcl.set_of(f"data.aws_iam_roles.{name}.arns"))
    return stack.add(
        IamServiceLinkedRole, name, aws_service_name=service, lifecycle=ignore_changes("description", "tags")
    )
