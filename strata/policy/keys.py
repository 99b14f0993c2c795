"""The keys that follow from a request itself: who asks, from which account, for what, in which region.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from strata.policy import unknown
from strata.policy.layers import AccountLevels
from strata.policy.requests import ABSENT, PrincipalKind, RequestPrincipal, Value

IN_US_EAST_1 = frozenset({"account", "budgets", "ce", "cloudfront", "iam", "organizations", "route53", "shield"})
"""Services with one endpoint, to which all their requests are made.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_aws_deny-requested-region.html
"""

OF_ROLE = f"AROA{unknown.ANYTHING}"
"""The id of a role: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes."""

PRESENT = frozenset(
    {"aws:currenttime", "aws:epochtime", "aws:principalisawsservice", "aws:requestedregion", "aws:viaawsservice"}
)
"""Keys that every request has, in lower case."""


def following(
    principal: RequestPrincipal,
    account: AccountLevels,
    resource_account: AccountLevels | None,
    *,
    action: str,
    resource: str = "*",
    region: str | None = None,
) -> dict[str, Value]:
    """Returns the condition keys that follow from a call by the principal, or by a service on behalf of it."""
    keys = dict(_of_principal(principal, account))
    if resource_account:
        keys |= _of_resource(resource_account)
    if in_region := region_of(action, resource) or region:
        keys["aws:RequestedRegion"] = in_region
    return keys


def region_of(action: str, resource: str) -> str | None:
    """Returns the region that action and resource determine, whatever region somebody names."""
    parts = resource.split(":", 5)
    if parts[3:] and parts[3].isascii() and parts[3].strip("*?"):
        return parts[3]
    if action.lower() == "iam:passrole":
        return None  # no request of its own: the service asks for it that the role is passed to
    return "us-east-1" if action.partition(":")[0].lower() in IN_US_EAST_1 else None


_TYPES = {
    PrincipalKind.USER: "User",
    PrincipalKind.ROLE: "AssumedRole",
    PrincipalKind.SERVICE_LINKED_ROLE: "AssumedRole",
    PrincipalKind.ROOT: "Account",
    PrincipalKind.FEDERATED_USER: "FederatedUser",
}


def _of_principal(principal: RequestPrincipal, account: AccountLevels) -> Iterator[tuple[str, Value]]:
    if principal.kind is PrincipalKind.SERVICE:
        yield "aws:PrincipalIsAWSService", "true"
        yield "aws:PrincipalServiceName", principal.arn
    if principal.kind in (PrincipalKind.SERVICE, PrincipalKind.ANONYMOUS):
        yield from ((key, ABSENT) for key in _OF_PEOPLE)
        return
    yield "aws:PrincipalArn", principal.arn
    yield "aws:PrincipalAccount", account.id
    yield "aws:PrincipalType", _TYPES[principal.kind]
    yield "aws:PrincipalIsAWSService", "false"
    yield "aws:PrincipalServiceName", ABSENT
    yield "aws:PrincipalServiceNamesList", ABSENT
    if account.organization:
        yield "aws:PrincipalOrgID", account.organization
        yield "aws:PrincipalOrgPaths", (account.path,)
    if principal.kind is PrincipalKind.USER:
        yield "aws:username", principal.arn.rpartition("/")[2]
    else:
        yield "aws:username", ABSENT
    if principal.session:
        yield "aws:userid", f"{OF_ROLE}:{principal.session.rpartition('/')[2]}"
    yield "aws:AssumedRoot", ABSENT  # sessions of central root access have it, and nobody else


_OF_PEOPLE = (
    *("aws:PrincipalArn", "aws:PrincipalAccount", "aws:PrincipalOrgID", "aws:PrincipalOrgPaths", "aws:username"),
    *("aws:PrincipalTag/*", "aws:AssumedRoot"),
)
"""Keys that a service or a stranger does not have."""


def _of_resource(account: AccountLevels) -> Mapping[str, Value]:
    if not account.organization:
        return {"aws:ResourceAccount": account.id}
    return {
        "aws:ResourceAccount": account.id,
        "aws:ResourceOrgID": account.organization,
        "aws:ResourceOrgPaths": (account.path,),
    }
