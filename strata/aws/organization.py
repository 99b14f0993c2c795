"""The organization: its accounts, units and policies, and the services it trusts."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from strata.aws.session import Aws, AwsError, unless_absent
from strata.config.models import OPEN, Project
from strata.errors import Message, StrataError

CONSOLE = "https://console.aws.amazon.com/organizations/v2/home/settings"
_HOME = "us-east-1"
"""Where global services have their tags."""
_NONE_YET = "AWSOrganizationsNotInUseException"
_NO_SUCH_TYPE = frozenset({"InvalidInputException", "PolicyTypeNotEnabledException", "UnsupportedAPIEndpointException"})


@dataclass(frozen=True)
class ListedAccount:
    """An account as the organization lists it. Its state is `State`: AWS retired `Status` in September 2026."""

    id: str
    name: str
    email: str
    state: str

    @property
    def active(self) -> bool:
        """Says whether it can be used."""
        return self.state == "ACTIVE"

    @property
    def shut(self) -> bool:
        """Says whether it is closed or suspended, or about to be: what is in it can be changed by nobody."""
        return self.state not in OPEN

    def __str__(self) -> str:
        return f"{self.id} {self.name!r}"


def describe(aws: Aws) -> Mapping[str, Any] | None:
    """Returns the organization that the caller's account is in, None where there is none.

    https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribeOrganization.html
    """
    answer = unless_absent(lambda: aws.client("organizations").describe_organization(), (_NONE_YET,))
    organization: Mapping[str, Any] | None = answer and answer["Organization"]
    return organization


def check_ours(organization: Mapping[str, Any], project: Project) -> None:
    """Accepts an organization of the management account with all features.

    Raises:
        StrataError: it is somebody else's, or has consolidated billing only.
    """
    own, id, management = project.management_account.id, organization["Id"], organization["MasterAccountId"]
    if management != own:
        text = (
            f"account {own} is a member of the organization {id}, whose management account is "
            f"{management}; put that into management_account of project.yaml and use a profile of it, "
            "or let the account leave the organization"
        )
        raise StrataError(Message("other-organization", text, account=own, management=management))
    if organization["FeatureSet"] != "ALL":
        text = (
            f"the organization {id} has consolidated billing only, policies and Identity Center need all "
            f"features; enable them at {CONSOLE} (Settings > Begin process to enable all features), "
            "which every invited account has to accept, then run this again"
        )
        raise StrataError(Message("features-missing", text, organization=id))


def list_accounts(aws: Aws) -> list[ListedAccount]:
    """Returns every account, sorted by id; none where there is no organization."""
    client = aws.client("organizations")
    listed = unless_absent(lambda: [*client.items("list_accounts", "Accounts[]")], (_NONE_YET,))
    return sorted(map(_account, listed or ()), key=lambda account: account.id)


def list_requests(aws: Aws) -> list[Mapping[str, Any]]:
    """Returns the requests for accounts that did not fail: AWS names no e-mail address of them.

    https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListCreateAccountStatus.html
    """
    client, asked = aws.client("organizations"), {"States": ["IN_PROGRESS", "SUCCEEDED"]}
    return list(client.items("list_create_account_status", "CreateAccountStatuses[]", **asked))


def describe_account(aws: Aws, id: str) -> ListedAccount:
    """Returns an account of the organization."""
    return _account(aws.client("organizations").describe_account(AccountId=id)["Account"])


def is_new(aws: Aws, id: str) -> bool:
    """Says whether AWS made an account of the organization within the last hour; not where AWS does not say."""
    try:
        account = aws.client("organizations").describe_account(AccountId=id)["Account"]
    except AwsError:
        return False
    since = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    return account.get("JoinedMethod") == "CREATED" and bool(account["JoinedTimestamp"] > since)


def _account(answer: Mapping[str, Any]) -> ListedAccount:
    return ListedAccount(answer["Id"], answer.get("Name", ""), answer.get("Email", ""), answer.get("State", ""))


def accounts_below(aws: Aws, parent: str) -> list[Mapping[str, Any]]:
    """Returns the accounts right below the root or a unit, as AWS describes them."""
    return list(aws.client("organizations").items("list_accounts_for_parent", "Accounts[]", ParentId=parent))


def list_roots(aws: Aws) -> list[str]:
    """Returns the id of the root, in a list as AWS gives it."""
    return list(aws.client("organizations").items("list_roots", "Roots[].Id"))


def enabled_policy_types(aws: Aws) -> list[str]:
    """Returns the policy types that are enabled, sorted."""
    types = aws.client("organizations").items("list_roots", "Roots[].PolicyTypes[]")
    return sorted(type["Type"] for type in types if type["Status"] == "ENABLED")


def list_units(aws: Aws, parent: str) -> dict[str, str]:
    """Returns the names of the organizational units right below a parent, by id."""
    client, operation = aws.client("organizations"), "list_organizational_units_for_parent"
    return {unit["Id"]: unit["Name"] for unit in client.items(operation, "OrganizationalUnits[]", ParentId=parent)}


def list_policies(aws: Aws, type: str) -> dict[str, str]:
    """Returns the names of the policies of a type by id, AWS's own left out; none where the type is not enabled."""
    return {policy["Id"]: policy["Name"] for policy in policies_of(aws, type) if not policy.get("AwsManaged")}


def policies_of(aws: Aws, type: str) -> list[Mapping[str, Any]]:
    """Returns the policies of a type as AWS lists them, AWS's own among them; none where the type is not enabled."""
    client = aws.client("organizations")
    return unless_absent(lambda: [*client.items("list_policies", "Policies[]", Filter=type)], _NO_SUCH_TYPE) or []


def content_of(aws: Aws, policy: str) -> str:
    """Returns the document of a policy, byte for byte."""
    return str(aws.client("organizations").describe_policy(PolicyId=policy)["Policy"]["Content"])


def targets_of(aws: Aws, policy: str) -> list[str]:
    """Returns the ids of what a policy is attached to: the root, units, accounts."""
    key = "Targets[].TargetId"
    return list(aws.client("organizations").items("list_targets_for_policy", key, PolicyId=policy))


def policies_on(aws: Aws, target: str, type: str) -> dict[str, str]:
    """Returns the names of the policies of a type right on a target by id, AWS's own left out."""
    client, operation = aws.client("organizations"), "list_policies_for_target"
    listed = client.items(operation, "Policies[]", TargetId=target, Filter=type)
    return {policy["Id"]: policy["Name"] for policy in listed if not policy.get("AwsManaged")}


def list_tags(aws: Aws, id: str) -> list[Mapping[str, str]]:
    """Returns the tags of an account, unit or policy."""
    return list(aws.client("organizations").items("list_tags_for_resource", "Tags[]", ResourceId=id))


def list_all_tags(aws: Aws) -> dict[str, list[Mapping[str, str]]] | None:
    """Returns the tags of all tagged accounts, units and policies by id, None where AWS rejects the question.

    https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
    """
    kinds = ["organizations:account", "organizations:ou", "organizations:policy"]
    client = aws.client("resourcegroupstaggingapi", _HOME)
    try:
        tagged = list(client.items("get_resources", "ResourceTagMappingList[]", ResourceTypeFilters=kinds))
    except AwsError:
        return None
    return {mapping["ResourceARN"].rpartition("/")[2]: mapping["Tags"] for mapping in tagged}


def list_trusted_services(aws: Aws) -> list[str]:
    """Returns the principals of the services that have trusted access."""
    client, key = aws.client("organizations"), "EnabledServicePrincipals[].ServicePrincipal"
    return list(client.items("list_aws_service_access_for_organization", key))


def list_delegations(aws: Aws) -> dict[str, set[str]]:
    """Returns the ids of the delegated administrators by service principal."""
    client = aws.client("organizations")
    administrators: defaultdict[str, set[str]] = defaultdict(set)
    operation, key = "list_delegated_services_for_account", "DelegatedServices[].ServicePrincipal"
    for account in client.items("list_delegated_administrators", "DelegatedAdministrators[].Id"):
        for service in client.items(operation, key, AccountId=account):
            administrators[service].add(account)
    return dict(administrators)
