"""What AWS may have already of that which a plan would create: how it shows, and the id by which it is imported.

A run that was killed leaves such things. Accounts, units, policies, the organization, the state bucket, its table and
the role of Access Analyzer are not here: the stacks import them themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from strata.aws.defaults import account_setting
from strata.aws.identity_center import Center
from strata.aws.session import Aws, AwsError, Client, paginate
from strata.config.models import PARTITION, Project
from strata.terraform.plans import Plan

Values = Mapping[str, Any]
"""The arguments of a planned resource, as far as they are known."""


class Source(Enum):
    """Where an import id comes from."""

    PLAN = "the arguments of the plan"
    ACCOUNT = "the plan, and the management account"
    AWS = "a question to AWS"
    NAME = "the name, if a run of Strata announced it"


@dataclass(frozen=True)
class Question:
    """Whoever asks AWS about one planned resource."""

    aws: Aws
    project: Project
    values: Values

    def client(self, service: str) -> Client:
        """Returns a client in the region of the resource."""
        return self.aws.client(service, self.values.get("region"))

    @property
    def center(self) -> Center:
        """Returns Identity Center, by the instance and the identity store that the resource names."""
        region, values = self.project.identity_center_region, self.values
        admin, people = self.aws.client("sso-admin", region), self.aws.client("identitystore", region)
        return Center(admin, people, values.get("instance_arn", ""), values.get("identity_store_id", ""))


@dataclass(frozen=True)
class Row:
    """How one type is found.

    Attributes:
        conflict: what AWS or the provider says when it exists already; empty where creating it overwrites.
        id: the import id, a template of the arguments or a question; the question answers nothing where it is not.
        early: asked before Terraform starts: a creation would wait for most of an hour, make it twice, or reset it.
        regional: the id ends with the region.
    """

    conflict: str
    id: str | Callable[[Question], str | None] = ""
    source: Source = Source.PLAN
    early: Callable[[Question], bool] | None = None
    regional: bool = False


@dataclass(frozen=True)
class Existing:
    """The table, as one landing zone asks it."""

    aws: Aws
    project: Project

    def id_of(self, type: str, values: Values) -> str | None:
        """Returns the import id of a planned resource, None where it is not known or AWS has no such thing."""
        row = TABLE.get(type)
        if row is None or row.source is Source.NAME:
            return None
        account, primary = self.project.management_account.id, self.project.regions.primary
        try:
            if callable(row.id):
                found = row.id(Question(self.aws, self.project, values))
            else:
                found = row.id.format_map({"region": primary, **values, "account": account, "partition": PARTITION})
        except (AwsError, IndexError, KeyError):
            return None
        region = values.get("region")
        return f"{found}@{region}" if found and row.regional and region else found

    def ids(self, planned: Plan, addresses: Iterable[str]) -> dict[str, str]:
        """Returns the import ids of what a plan would create, as far as they are known."""
        found = {
            address: self.id_of(address.partition(".")[0], planned.changes[address].arguments)
            for address in addresses
            if address in planned.changes and planned.changes[address].action == "create"
        }
        return {address: id for address, id in found.items() if id}

    def early(self, planned: Plan) -> dict[str, str]:
        """Returns the import ids of what AWS has, of the types that are asked about before Terraform starts."""
        return self.ids(planned, self._there(planned))

    def _there(self, planned: Plan) -> Iterator[str]:
        for address, change in planned.changes.items():
            row = TABLE.get(address.partition(".")[0])
            if row and row.early and change.action == "create":
                try:
                    if row.early(Question(self.aws, self.project, change.arguments)):
                        yield address
                except (AwsError, IndexError, KeyError):  # there is nothing, or Terraform says why not
                    continue


def exists_already(address: str, said: str) -> bool:
    """Says whether a creation failed because AWS has the thing."""
    row = TABLE.get(address.partition(".")[0])
    return bool(row and row.conflict and re.search(row.conflict, said))


# What AWS is asked


def _membership(question: Question) -> str:
    values = question.values
    answer = question.center.people.get_group_membership_id(
        IdentityStoreId=values["identity_store_id"],
        GroupId=values["group_id"],
        MemberId={"UserId": values["member_id"]},
    )
    return f"{values['identity_store_id']}/{answer['MembershipId']}"


def _monitor(question: Question) -> str | None:
    found = question.aws.client("ce").get_anomaly_monitors()["AnomalyMonitors"]
    return _named(found, "Monitor", question.values["name"])


def _subscription(question: Question) -> str | None:
    found = question.aws.client("ce").get_anomaly_subscriptions()["AnomalySubscriptions"]
    return _named(found, "Subscription", question.values["name"])


def _named(found: Iterable[Mapping[str, str]], kind: str, name: str) -> str | None:
    return next((one[f"{kind}Arn"] for one in found if one[f"{kind}Name"] == name), None)


def _has_subscription(question: Question) -> bool:
    return bool(_subscription(question))


def _key(question: Question) -> str | None:
    """Returns the id of a key in use that has the planned description and tags: nothing else tells keys apart."""
    client, values = question.client("kms"), question.values
    for id in paginate(client, "list_keys", "Keys[].KeyId"):
        found = client.describe_key(KeyId=id)["KeyMetadata"]
        if found["Description"] == values["description"] and found["KeyState"] == "Enabled":
            tags = {
                tag["TagKey"]: tag["TagValue"] for tag in paginate(client, "list_resource_tags", "Tags[]", KeyId=id)
            }
            if (values.get("tags_all") or {}).items() <= tags.items():
                return str(id)
    return None


def _has_key(question: Question) -> bool:
    return bool(_key(question))


def _root_features(question: Question) -> str | None:
    found = question.aws.client("iam").list_organizations_features()
    return str(found["OrganizationId"]) if found.get("EnabledFeatures") else None


def _has_root_features(question: Question) -> bool:
    return bool(_root_features(question))


def _has_password_policy(question: Question) -> bool:
    return bool(account_setting(question.aws, "password_policy", question.project.management_account.id))


def _openid_connect_provider(question: Question) -> str | None:
    """Returns the ARN of an identity provider: an account has one for an issuer, whoever uses it."""
    found = question.aws.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
    issuer = question.values["url"].removeprefix("https://")
    return next((str(one["Arn"]) for one in found if one["Arn"].partition(":oidc-provider/")[2] == issuer), None)


def _has_openid_connect_provider(question: Question) -> bool:
    return bool(_openid_connect_provider(question))


def _has_attributes(question: Question) -> bool:
    return question.center.access_control() is not None


def _has_customer_policy(question: Question) -> bool:
    values = question.values
    wanted = values["customer_managed_policy_reference"][0]
    found = question.center.customer_managed_policies_of(values["permission_set_arn"])
    return (wanted["name"], wanted["path"]) in {(one["Name"], one.get("Path") or "/") for one in found}


_CONFLICT = "ConflictException"
_OF_SET = "{permission_set_arn},{instance_arn}"
_REFERENCE = "{customer_managed_policy_reference[0][name]},{customer_managed_policy_reference[0][path]}"
_ASSIGNMENT = "{principal_id},{principal_type},{target_id},{target_type}"

TABLE: Mapping[str, Row] = {
    "aws_accessanalyzer_analyzer": Row(_CONFLICT, "{analyzer_name}", regional=True),
    "aws_budgets_budget": Row("DuplicateRecordException", "{account}:{name}", Source.ACCOUNT),
    "aws_ce_anomaly_monitor": Row("Limit exceeded on dimensional spend monitor", _monitor, Source.AWS),
    # AWS accepts a second one of the same name.
    "aws_ce_anomaly_subscription": Row("", _subscription, Source.AWS, early=_has_subscription),
    "aws_cloudtrail": Row(
        "TrailAlreadyExistsException", "arn:{partition}:cloudtrail:{region}:{account}:trail/{name}", Source.ACCOUNT
    ),
    "aws_iam_account_password_policy": Row("", "iam-account-password-policy", early=_has_password_policy),
    "aws_iam_openid_connect_provider": Row(
        "EntityAlreadyExists", _openid_connect_provider, Source.AWS, early=_has_openid_connect_provider
    ),
    "aws_iam_organizations_features": Row("", _root_features, Source.AWS, early=_has_root_features),
    "aws_iam_role": Row("EntityAlreadyExists", "{name}"),
    "aws_iam_role_policy": Row("", "{role}:{name}"),
    "aws_iam_role_policy_attachment": Row("", "{role}/{policy_arn}"),
    "aws_identitystore_group": Row(_CONFLICT, source=Source.NAME, regional=True),
    "aws_identitystore_group_membership": Row(_CONFLICT, _membership, Source.AWS, regional=True),
    "aws_identitystore_user": Row(_CONFLICT, source=Source.NAME, regional=True),
    "aws_kms_alias": Row("AlreadyExistsException", "{name}", regional=True),
    # AWS makes another key each time.
    "aws_kms_key": Row("", _key, Source.AWS, early=_has_key, regional=True),
    "aws_organizations_delegated_administrator": Row(
        "AccountAlreadyRegisteredException", "{account_id}/{service_principal}"
    ),
    "aws_organizations_policy_attachment": Row("DuplicatePolicyAttachmentException", "{target_id}:{policy_id}"),
    "aws_s3_bucket": Row("BucketAlreadyOwnedByYou|BucketAlreadyExists", "{bucket}", regional=True),
    "aws_ssoadmin_account_assignment": Row(f"already exists|{_CONFLICT}", f"{_ASSIGNMENT},{_OF_SET}", regional=True),
    "aws_ssoadmin_customer_managed_policy_attachment": Row(
        _CONFLICT, f"{_REFERENCE},{_OF_SET}", early=_has_customer_policy, regional=True
    ),
    "aws_ssoadmin_instance_access_control_attributes": Row(
        _CONFLICT, "{instance_arn}", early=_has_attributes, regional=True
    ),
    "aws_ssoadmin_managed_policy_attachment": Row(
        "already attached", f"{{managed_policy_arn}},{_OF_SET}", regional=True
    ),
    "aws_ssoadmin_permission_set": Row(_CONFLICT, source=Source.NAME, regional=True),
    "aws_ssoadmin_permission_set_inline_policy": Row("", _OF_SET, regional=True),
    "aws_ssoadmin_permissions_boundary_attachment": Row("", _OF_SET, regional=True),
}
"""By resource type. The provider waits some 50 minutes for a ConflictException of Identity Center to go."""
