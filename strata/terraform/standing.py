"""Settings of several parts that AWS has already: a plan imports them, so that it adds to them or says what goes.

Created, they would be overwritten, and no plan of a creation shows what was there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from strata.aws.session import Aws, AwsError
from strata.terraform.workspace import Workspace

FEATURES = "aws_iam_organizations_features.main"
PASSWORDS = "aws_iam_account_password_policy.main"
GITHUB = "aws_iam_openid_connect_provider.github"
METADATA = "aws_ec2_instance_metadata_defaults"

State = Mapping[str, Any]


def standing(aws: Aws, workspace: Workspace, stack: str, state: State) -> tuple[dict[str, str], list[str]]:
    """Returns the import ids of settings that stand and no state has, and what goes of those that have no import."""
    document = workspace.document(stack)
    new = dict(_made(document.get("resource", {})))
    for known in state.get("resources") or ():
        new.pop(f"{known['type']}.{known['name']}", None)
    taken = {block["to"] for block in document.get("import", ())}
    asked = {address: ask for address, ask in _IMPORTED.items() if address in new and address not in taken}
    ids = {address: id for address, ask in asked.items() if (id := _unless_refused(ask, aws))}
    return ids, [lost for address, arguments in new.items() for lost in _lost(aws, address, arguments)]


def _made(resources: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for kind, entries in resources.items():
        yield from ((f"{kind}.{name}", arguments) for name, arguments in entries.items())


def _unless_refused(ask: Callable[[Aws], str], aws: Aws) -> str:
    """Returns what AWS says; where it refuses, there is nothing, or the plan says why."""
    try:
        return ask(aws)
    except AwsError:
        return ""


def _root_features(aws: Aws) -> str:
    found = aws.client("iam").list_organizations_features()
    return str(found["OrganizationId"]) if found.get("EnabledFeatures") else ""


def _password_policy(aws: Aws) -> str:
    return "iam-account-password-policy" if aws.client("iam").get_account_password_policy() else ""


def _github(aws: Aws) -> str:
    """Returns the ARN of the identity provider for GitHub: an account has one, whoever uses it."""
    found = aws.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
    arns = (str(one["Arn"]) for one in found)
    return next((arn for arn in arns if arn.endswith("/token.actions.githubusercontent.com")), "")


_IMPORTED: Mapping[str, Callable[[Aws], str]] = {
    FEATURES: _root_features,
    GITHUB: _github,
    PASSWORDS: _password_policy,
}


def _lost(aws: Aws, address: str, arguments: Mapping[str, Any]) -> Iterator[str]:
    """Yields the instance metadata defaults that a region has and the provider, which sends all four, would reset."""
    if not address.startswith(f"{METADATA}."):
        return
    try:
        found = aws.client("ec2", arguments["region"]).get_instance_metadata_defaults().get("AccountLevel", {})
    except AwsError:
        return
    for parameter, argument in (("HttpEndpoint", "http_endpoint"), ("InstanceMetadataTags", "instance_metadata_tags")):
        if (value := found.get(parameter)) and argument not in arguments:
            yield f"{address} loses {argument}={value}, which the provider cannot keep when it sets the others"
