"""Settings of an account: EC2's defaults in a region, sharing with the organization, the account's plan."""

from __future__ import annotations

from dataclasses import dataclass, field

from moto.iam.models import iam_backends
from moto.organizations.models import organizations_backends

from tests.aws.calls import Call, Parameters, Service

ec2, ram, freetier = Service("ec2"), Service("ram"), Service("freetier")
_SHARING_PATH = "/aws-service-role/ram.amazonaws.com/"


@dataclass
class Defaults:
    """The defaults of one account in one region."""

    metadata: Parameters = field(default_factory=dict)
    snapshots: str = "unblocked"


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


@ram.answers("EnableSharingWithAwsOrganization")
def share(call: Call) -> Parameters:
    """Turns on what the real call does: trusted access, and the role that the AWS provider looks for."""
    organizations_backends[call.account]["aws"].enable_aws_service_access(ServicePrincipal="ram.amazonaws.com")
    iam = iam_backends[call.account]["aws"]
    if not any(role.path == _SHARING_PATH for role in iam.roles.values()):
        iam.create_service_linked_role("ram.amazonaws.com", "", "")
    return {"returnValue": True}


@freetier.answers("GetAccountPlanState")
def plan(call: Call) -> Parameters:
    return {"accountId": call.account, "accountPlanType": "PAID", "accountPlanStatus": "ACTIVE"}
