"""Settings of an account: EC2's defaults in a region, sharing with the organization, the account's plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from moto.iam.models import iam_backends
from moto.kms.models import kms_backends
from moto.organizations.models import organizations_backends

from tests.aws import late
from tests.aws.calls import Call, Parameters, Service
from tests.aws.organizations import trust_begins

ec2, ram = Service("ec2"), Service("ram")
_SHARING_PATH = "/aws-service-role/ram.amazonaws.com/"


@dataclass
class Defaults:
    """The defaults of one account in one region."""

    metadata: Parameters = field(default_factory=dict)
    snapshots: str = "unblocked"
    images: str = "block-new-sharing"
    """https://aws.amazon.com/about-aws/whats-new/2023/10/ami-block-public-enabled-aws-accounts-no-public-amis/"""
    images_before: str = ""
    key: str = ""
    serial_console: bool = False
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configure-access-to-serial-console.html"""
    vpc_block: Parameters = field(default_factory=dict)


@ec2.answers("ModifyInstanceMetadataDefaults")
def modify_metadata_defaults(call: Call) -> Parameters:
    kept = call.keeps_here(Defaults).metadata
    for name, value in call.parameters.items():
        if name != "DryRun":
            kept[name] = value
    for name in [name for name, value in kept.items() if value in ("no-preference", -1)]:
        del kept[name]
    return {"Return": True}


@ec2.answers("GetInstanceMetadataDefaults")
def get_metadata_defaults(call: Call) -> Parameters:
    return {"AccountLevel": call.keeps_here(Defaults).metadata}


@ec2.answers("EnableSnapshotBlockPublicAccess", "DisableSnapshotBlockPublicAccess", "GetSnapshotBlockPublicAccessState")
def snapshots(call: Call) -> Parameters:
    kept = call.keeps_here(Defaults)
    if not call.operation.startswith("Get"):
        kept.snapshots = call.parameters.get("State") or "unblocked"
    return {"State": kept.snapshots}


@ec2.answers("EnableImageBlockPublicAccess", "DisableImageBlockPublicAccess", "GetImageBlockPublicAccessState")
def images(call: Call) -> Parameters:
    """Answers as before for a while: 'can take up to 10 minutes', and the provider's own test took 273 seconds.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/block-public-access-to-amis.html,
    https://github.com/hashicorp/terraform-provider-aws/pull/33810
    """
    kept, what = call.keeps_here(Defaults), f"block of images in {call.account} {call.region}"
    if not call.operation.startswith("Get"):
        wanted = call.parameters.get("ImageBlockPublicAccessState") or "unblocked"
        if wanted != kept.images:
            kept.images, kept.images_before = wanted, kept.images
            late.begin(what)
        return {"ImageBlockPublicAccessState": wanted}
    return {"ImageBlockPublicAccessState": kept.images_before if late.look(what) else kept.images}


@ec2.answers("ModifyEbsDefaultKmsKeyId", "ResetEbsDefaultKmsKeyId", "GetEbsDefaultKmsKeyId")
def key(call: Call) -> Parameters:
    """Takes what is no key too, which 'can appear to complete'; AWS's own key is told as an alias.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyEbsDefaultKmsKeyId.html,
    https://github.com/hashicorp/terraform-provider-aws/issues/15137
    """
    kept, of = call.keeps_here(Defaults), f"arn:aws:kms:{call.region}:{call.account}:"
    if not call.operation.startswith("Get"):
        wanted = call.parameters.get("KmsKeyId") or ""
        if wanted.startswith("alias/"):
            found = kms_backends[call.account][call.region].get_key_id_from_alias(wanted)
            wanted = f"key/{found}" if found else wanted
        elif wanted and not wanted.startswith("arn:"):
            wanted = f"key/{wanted}"
        kept.key = wanted if wanted.startswith("arn:") or not wanted else f"{of}{wanted}"
    return {"KmsKeyId": kept.key or f"{of}alias/aws/ebs"}


@ec2.answers("EnableSerialConsoleAccess", "DisableSerialConsoleAccess", "GetSerialConsoleAccessStatus")
def serial_console(call: Call) -> Parameters:
    kept = call.keeps_here(Defaults)
    if not call.operation.startswith("Get"):
        kept.serial_console = call.operation.startswith("Enable")
    return {"SerialConsoleAccessEnabled": kept.serial_console}


@ec2.answers("ModifyVpcBlockPublicAccessOptions", "DescribeVpcBlockPublicAccessOptions")
def vpc_block(call: Call) -> Parameters:
    """Says for a while that it is at work: the provider's own test took 440 seconds.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_VpcBlockPublicAccessOptions.html (states),
    https://github.com/hashicorp/terraform-provider-aws/pull/40233 (time),
    https://github.com/turbot/steampipe-plugin-aws/pull/2595 (what AWS says where nobody has set it)
    """
    kept, what = call.keeps_here(Defaults), f"block of VPCs in {call.account} {call.region}"
    if call.operation.startswith("Modify"):
        kept.vpc_block = {"InternetGatewayBlockMode": call["InternetGatewayBlockMode"], "LastUpdateTimestamp": _now()}
        late.begin(what)
        state = "update-in-progress"
    elif kept.vpc_block:
        state = "update-in-progress" if late.look(what) else "update-complete"
    else:
        state = "default-state"
    unset = {"InternetGatewayBlockMode": "off", "Reason": "Default State"}
    said = {"AwsAccountId": call.account, "AwsRegion": call.region, "State": state, **(kept.vpc_block or unset)}
    return {"VpcBlockPublicAccessOptions": {**said, "ManagedBy": "account", "ExclusionsAllowed": "allowed"}}


def _now() -> datetime:
    return datetime.now(UTC)


@ram.answers("EnableSharingWithAwsOrganization")
def share(call: Call) -> Parameters:
    """Turns on what the real call does: trusted access, and the role that the AWS provider looks for."""
    trust_begins("ram.amazonaws.com", call.account)
    organizations_backends[call.account]["aws"].enable_aws_service_access(ServicePrincipal="ram.amazonaws.com")
    iam = iam_backends[call.account]["aws"]
    if not any(role.path == _SHARING_PATH for role in iam.roles.values()):
        iam.create_service_linked_role("ram.amazonaws.com", "", "")
    return {"returnValue": True}
