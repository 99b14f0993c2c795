"""The organization: its accounts, units and policies, and the services it trusts."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from strata.aws.session import Aws, AwsError, paginate
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
        """Returns whether it can be used."""
        return self.state == "ACTIVE"

    @property
    def shut(self) -> bool:
        """Returns whether it is closed or suspended, or about to be: what is in it can be changed by nobody."""
        return self.state not in OPEN

    def __str__(self) -> str:
        return f"{self.id} {self.name!r}"


def describe(aws: Aws) -> Mapping[str, Any] | None:
    """Returns the organization that the caller's account is in, None where there is none.

    https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribeOrganization.html
    """
    try:
        found: Mapping[str, Any] = aws.client("organizations").describe_organization()["Organization"]
    except AwsError as error:
        if error.code == _NONE_YET:
            return None
        raise
    return found


def check_ours(found: Mapping[str, Any], project: Project) -> None:
    """Accepts an organization of the management account with all features.

    Raises:
        StrataError: it is somebody else's, or has consolidated billing only.
    """
    own = project.management_account.id
    if found["MasterAccountId"] != own:
        text = (
            f"account {own} is a member of the organization {found['Id']}, whose management account is "
            f"{found['MasterAccountId']}; put that into management_account of project.yaml and use a profile of it, "
            "or let the account leave the organization"
        )
        raise StrataError(Message("other-organization", text, account=own, management=found["MasterAccountId"]))
    if found["FeatureSet"] != "ALL":
        text = (
            f"the organization {found['Id']} has consolidated billing only, policies and Identity Center need all "
            f"features; enable them at {CONSOLE} (Settings > Begin process to enable all features), "
            "which every invited account has to accept, then run this again"
        )
        raise StrataError(Message("features-missing", text, organization=found["Id"]))


def list_accounts(aws: Aws) -> list[ListedAccount]:
    """Returns every account, sorted by id; none where there is no organization."""
    try:
        accounts = [_account(one) for one in paginate(aws.client("organizations"), "list_accounts", "Accounts[]")]
    except AwsError as error:
        if error.code == _NONE_YET:
            return []
        raise
    return sorted(accounts, key=lambda account: account.id)


def list_requests(aws: Aws) -> list[Mapping[str, Any]]:
    """Returns the requests for accounts that did not fail: AWS names no e-mail address of them.

    https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListCreateAccountStatus.html
    """
    client, asked = aws.client("organizations"), {"States": ["IN_PROGRESS", "SUCCEEDED"]}
    return list(paginate(client, "list_create_account_status", "CreateAccountStatuses[]", **asked))


def describe_account(aws: Aws, id: str) -> ListedAccount:
    """Returns one account of the organization."""
    return _account(aws.client("organizations").describe_account(AccountId=id)["Account"])


def is_new(aws: Aws, id: str) -> bool:
    """Returns whether AWS made an account of the organization within the last hour; not where AWS does not say."""
    try:
        found = aws.client("organizations").describe_account(AccountId=id)["Account"]
    except AwsError:
        return False
    since = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    return found.get("JoinedMethod") == "CREATED" and bool(found["JoinedTimestamp"] > since)


def _account(found: Mapping[str, Any]) -> ListedAccount:
    return ListedAccount(found["Id"], found.get("Name", ""), found.get("Email", ""), found.get("State", ""))


def accounts_below(aws: Aws, parent: str) -> list[Mapping[str, Any]]:
    """Returns the accounts right below the root or a unit, as AWS describes them."""
    return list(paginate(aws.client("organizations"), "list_accounts_for_parent", "Accounts[]", ParentId=parent))


def list_roots(aws: Aws) -> list[str]:
    """Returns the id of the root, in a list as AWS gives it."""
    return list(paginate(aws.client("organizations"), "list_roots", "Roots[].Id"))


def enabled_policy_types(aws: Aws) -> list[str]:
    """Returns the policy types that are enabled, sorted."""
    found = paginate(aws.client("organizations"), "list_roots", "Roots[].PolicyTypes[]")
    return sorted(one["Type"] for one in found if one["Status"] == "ENABLED")


def list_units(aws: Aws, parent: str) -> dict[str, str]:
    """Returns the names of the organizational units right below a parent, by id."""
    client, operation = aws.client("organizations"), "list_organizational_units_for_parent"
    return {one["Id"]: one["Name"] for one in paginate(client, operation, "OrganizationalUnits[]", ParentId=parent)}


def list_policies(aws: Aws, type: str) -> dict[str, str]:
    """Returns the names of the policies of a type by id, AWS's own left out; none where the type is not enabled."""
    return {one["Id"]: one["Name"] for one in policies_of(aws, type) if not one.get("AwsManaged")}


def policies_of(aws: Aws, type: str) -> list[Mapping[str, Any]]:
    """Returns the policies of a type as AWS lists them, AWS's own among them; none where the type is not enabled."""
    try:
        return list(paginate(aws.client("organizations"), "list_policies", "Policies[]", Filter=type))
    except AwsError as error:
        if error.code in _NO_SUCH_TYPE:
            return []
        raise


def content_of(aws: Aws, policy: str) -> str:
    """Returns the document of a policy, byte for byte."""
    return str(aws.client("organizations").describe_policy(PolicyId=policy)["Policy"]["Content"])


def targets_of(aws: Aws, policy: str) -> list[str]:
    """Returns the ids of what a policy is attached to: the root, units, accounts."""
    key = "Targets[].TargetId"
    return list(paginate(aws.client("organizations"), "list_targets_for_policy", key, PolicyId=policy))


def list_tags(aws: Aws, id: str) -> list[Mapping[str, str]]:
    """Returns the tags of an account, unit or policy."""
    return list(paginate(aws.client("organizations"), "list_tags_for_resource", "Tags[]", ResourceId=id))


def list_all_tags(aws: Aws) -> dict[str, list[Mapping[str, str]]] | None:
    """Returns the tags of all tagged accounts, units and policies by id, None where AWS rejects the question.

    https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
    """
    kinds = ["organizations:account", "organizations:ou", "organizations:policy"]
    client = aws.client("resourcegroupstaggingapi", _HOME)
    try:
        found = list(paginate(client, "get_resources", "ResourceTagMappingList[]", ResourceTypeFilters=kinds))
    except AwsError:
        return None
    return {one["ResourceARN"].rpartition("/")[2]: one["Tags"] for one in found}


def list_trusted_services(aws: Aws) -> list[str]:
    """Returns the principals of the services that have trusted access."""
    client, key = aws.client("organizations"), "EnabledServicePrincipals[].ServicePrincipal"
    return list(paginate(client, "list_aws_service_access_for_organization", key))


def list_delegations(aws: Aws) -> dict[str, set[str]]:
    """Returns the ids of the delegated administrators by service principal."""
    client = aws.client("organizations")
    found: defaultdict[str, set[str]] = defaultdict(set)
    for account in paginate(client, "list_delegated_administrators", "DelegatedAdministrators[].Id"):
        for service in _delegated_services(aws, account):
            found[service].add(account)
    return dict(found)


def _delegated_services(aws: Aws, account: str) -> Iterator[str]:
    key = "DelegatedServices[].ServicePrincipal"
    return paginate(aws.client("organizations"), "list_delegated_services_for_account", key, AccountId=account)
