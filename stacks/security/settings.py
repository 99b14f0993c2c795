"""Settings that AWS has for every account, and in part for every region of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from cdktf_cdktf_provider_aws.ebs_encryption_by_default import EbsEncryptionByDefault
from cdktf_cdktf_provider_aws.ebs_snapshot_block_public_access import EbsSnapshotBlockPublicAccess
from cdktf_cdktf_provider_aws.ec2_image_block_public_access import Ec2ImageBlockPublicAccess
from cdktf_cdktf_provider_aws.ec2_instance_metadata_defaults import Ec2InstanceMetadataDefaults
from cdktf_cdktf_provider_aws.iam_account_password_policy import IamAccountPasswordPolicy
from cdktf_cdktf_provider_aws.s3_account_public_access_block import S3AccountPublicAccessBlock

from stacks.base import resource_name
from stacks.security.controls import Controls
from strata.config.models import RegionalSetting, Setting

# The classes of the bindings take these arguments by name, as the models of the controls give them.
KINDS: Mapping[str, Any] = {
    "ebs_encryption": EbsEncryptionByDefault,
    "instance_metadata": Ec2InstanceMetadataDefaults,
    "snapshot_public_access": EbsSnapshotBlockPublicAccess,
    "image_public_access": Ec2ImageBlockPublicAccess,
    "s3_public_access": S3AccountPublicAccessBlock,
    "password_policy": IamAccountPasswordPolicy,
}
"""The resource that each setting of security.yaml is."""
LEFT = {"instance_metadata": ["http_endpoint", "instance_metadata_tags"]}
"""Arguments that no parameter decides, and that the provider would reset with each change."""


def settings(
    stack: Controls, controls: Mapping[str, Setting], *, kinds: Mapping[str, Any] = KINDS, declared: Collection[str]
) -> None:
    """Creates every setting that is on; AWS rejects an account setting where a declarative policy sets it."""
    for name, control in controls.items():
        build = partial(_build, stack, name, kinds[name], control)
        if isinstance(control, RegionalSetting):
            stack.make_in_regions(control, build, by_policy=name in declared)
        else:
            stack.make(control, build)


def _build(stack: Controls, name: str, kind: Any, control: Setting, region: str | None = None) -> None:
    if region is None:
        stack.add(kind, "main", **control.values)
        return
    lifecycle = {"ignore_changes": LEFT[name]} if name in LEFT else None
    stack.add_json(kind, resource_name("main", region), **control.values, region=region, lifecycle=lifecycle)
