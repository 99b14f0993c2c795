"""Settings of an account: EC2's defaults in a region, sharing with the organization, the account's plan."""

from __future__ import annotations

from dataclasses import dataclass, field

from moto.iam.models import iam_backends
from moto.organizations.models import organizations_backends

from tests.aws import late
from tests.aws.calls import Call, Parameters, Service
from tests.aws.organizations import trust_begins

ec2, ram, freetier = Service("ec2"), Service("ram"), Service("freetier")
_SHARING_PATH = "/aws-service-role/ram.amazonaws.com/"


@dataclass
class Defaults:
    """The defaults of one account in one region."""

    metadata: Parameters = field(default_factory=dict)
    snapshots: str = "unblocked"
    images: str = "block-new-sharing"
    """https://aws.amazon.com/about-aws/whats-new/2023/10/ami-block-public-enabled-aws-accounts-no-public-amis/"""
    images_before: str = ""


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


@ram.answers("EnableSharingWithAwsOrganization")
def share(call: Call) -> Parameters:
    """Turns on what the real call does: trusted access, and the role that the AWS provider looks for."""
    trust_begins("ram.amazonaws.com", call.account)
    organizations_backends[call.account]["aws"].enable_aws_service_access(ServicePrincipal="ram.amazonaws.com")
    iam = iam_backends[call.account]["aws"]
    if not any(role.path == _SHARING_PATH for role in iam.roles.values()):
        iam.create_service_linked_role("ram.amazonaws.com", "", "")
    return {"returnValue": True}


@freetier.answers("GetAccountPlanState")
def plan(call: Call) -> Parameters:
    return {"accountId": call.account, "accountPlanType": "PAID", "accountPlanStatus": "ACTIVE"}
