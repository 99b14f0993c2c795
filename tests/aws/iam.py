"""AWS's own policies without loading 1,500 of them into every account, and central root access."""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass, field
from typing import Any

from moto.iam.models import SERVICE_NAME_CONVERSION, AWSManagedPolicy, iam_backends

from tests.aws import late
from tests.aws.calls import Call, Parameters, Refused, Service
from tests.aws.organizations import require_trust_seen

iam = Service("iam")
SERVICE_NAME_CONVERSION |= {
    "access-analyzer": "AccessAnalyzer",
    "cloudtrail": "CloudTrail",
    "config": "Config",
    "guardduty": "AmazonGuardDuty",
    "ram": "ResourceAccessManager",
}
"""How AWS spells a service in the name of its role, where that is not how its principal spells it."""


@dataclass
class RootAccess:
    """The features of central root access that are on."""

    features: set[str] = field(default_factory=set)


def managed_policy(arn: str) -> str | None:
    """Returns the name of a policy of AWS's own, None when AWS has none with this ARN."""
    path = arn.removeprefix("arn:aws:iam::aws:policy")
    name = path.rsplit("/", 1)[-1]
    found = _managed_policies().get(name)
    return name if found and path == f"{found.get('Path', '/')}{name}" else None


@functools.cache
def _managed_policies() -> Any:
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    return json.loads(aws_managed_policies_data)


@iam.answers("AttachRolePolicy", "GetPolicy", "GetPolicyVersion", "ListEntitiesForPolicy")
def know_managed_policy(call: Call) -> None:
    arn, backend = call["PolicyArn"], iam_backends[call.account]["aws"]
    name = managed_policy(arn) if arn not in backend.managed_policies else None
    if name:
        made = AWSManagedPolicy.from_data(name, call.account, "us-east-1", _managed_policies()[name])
        backend.managed_policies[made.arn] = made


@iam.answers("CreateServiceLinkedRole")
def create_service_linked_role(call: Call) -> Parameters | None:
    service = call["AWSServiceName"]
    for role in iam_backends[call.account]["aws"].roles.values():
        if str(role.path) == f"/aws-service-role/{service}/" and not call.parameters.get("CustomSuffix"):
            raise Refused("InvalidInput", f"Service role name {role.name} has been taken in this account.")
    return None


@iam.answers("CreateRole", "UpdateAssumeRolePolicy")
def trust(call: Call) -> Parameters | None:
    """Refuses a principal that IAM has just made, and makes roles that the next look alone does not see.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html (changes are not always immediately visible)
    """
    trusted = call.parameters.get("AssumeRolePolicyDocument") or call.parameters.get("PolicyDocument") or "{}"
    require_principals(json.loads(trusted), "MalformedPolicyDocument")
    if call.operation == "CreateRole":
        late.begin(_seen(call.moto["Role"]["Arn"]))
        return call.moto
    return None


def require_principals(policy: Any, code: str) -> None:
    """Raises where a policy names a role that was made too shortly ago.

    The AWS provider waits for it, by these words (internal/service/iam/role.go).
    """
    for statement in policy.get("Statement") or ():
        principal = statement.get("Principal")
        named = principal.get("AWS") if isinstance(principal, dict) else ()
        for arn in [named] if isinstance(named, str) else named or ():
            if late.look(_seen(arn)):
                raise Refused(code, f'Invalid principal in policy: "AWS":"{arn}"')


def _seen(role: str) -> str:
    return f"principal {role}"


@iam.answers("AddClientIDToOpenIDConnectProvider", "RemoveClientIDFromOpenIDConnectProvider")
def change_clients(call: Call) -> Parameters:
    arn, client = call["OpenIDConnectProviderArn"], call["ClientID"]
    found = iam_backends[call.account]["aws"].get_open_id_connect_provider(arn)
    others = [each for each in found.client_id_list if each != client]
    found.client_id_list = [*others, client] if call.operation.startswith("Add") else others
    return {}


@iam.answers("CreateAccountAlias", "DeleteAccountAlias")
def account_alias(call: Call) -> None:
    """Refuses a name that any account has, the own one too; another name takes the place of the one there is.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/console_account-alias.html,
    https://github.com/awslabs/aws-deployment-framework/pull/465 (words),
    https://github.com/floci-io/floci/pull/2103 (replaced, seen at AWS)
    """
    name, own = call["AccountAlias"], iam_backends[call.account]["aws"].account_aliases
    if call.operation.startswith("Delete"):
        if name not in own:
            raise Refused("NoSuchEntity", f"The account alias {name} does not exist.", status=404)
        return
    if not _ALIAS.fullmatch(name):
        raise Refused("ValidationError", f"1 validation error detected: Value '{name}' at 'accountAlias'", status=400)
    everywhere = (alias for regions in dict.values(iam_backends) for alias in regions["aws"].account_aliases)
    if name in everywhere:
        raise Refused("EntityAlreadyExists", f"The account alias {name} already exists.", status=409)


_ALIAS = re.compile(r"[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]")
_NOT_SEEN = "The request was rejected because trusted access is not enabled for IAM in Organizations."
"""https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableOrganizationsRootSessions.html"""
_FEATURES = ("RootCredentialsManagement", "RootSessions")


@iam.answers(
    "ListOrganizationsFeatures",
    *(f"{switch}Organizations{feature}" for switch in ("Enable", "Disable") for feature in _FEATURES),
)
def root_access(call: Call) -> Parameters:
    require_trust_seen("iam.amazonaws.com", "ServiceAccessNotEnabledException", _NOT_SEEN, call.account)
    on = call.keeps(RootAccess).features
    feature = call.operation.split("Organizations", 1)[1]
    if call.operation.startswith("Enable"):
        on.add(feature)
    elif call.operation.startswith("Disable"):
        on.discard(feature)
    return {"OrganizationId": "o-strata", "EnabledFeatures": sorted(on)}
