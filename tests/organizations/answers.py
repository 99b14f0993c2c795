"""What AWS answers about a description, in its own words and in this process: a boto3 that asks nobody.

It answers questions alone; what changes something is for the emulated AWS (`emulated.py`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

from tests.organizations import controls, ground
from tests.organizations.described import (
    AWS_POLICY,
    INSTANCE,
    MANAGEMENT,
    ORGANIZATION,
    ROOT,
    SCP,
    STORE,
    Side,
    Thing,
)

Json = dict[str, Any]
CALLER = f"arn:aws:sts::{MANAGEMENT}:assumed-role/Auditor/ana"
APPLICATION = f"arn:aws:account-access:us-east-1:{MANAGEMENT}:application/app-1"
_SIGNS_AS = {
    "s3control": "s3",
    "sso-admin": "sso",
    "resourcegroupstaggingapi": "tag",
    "accessanalyzer": "access-analyzer",
}
_FULL = {SCP: "p-FullAWSAccess", "RESOURCE_CONTROL_POLICY": "p-RCPFullAWSAccess"}
_CENTER = ("sso-admin", "identitystore", "account-access")


class Answers:
    """AWS, as a description says it is.

    Attributes:
        states: the states in the state bucket, by stack.
        tells: the region of Identity Center, empty where it is off.
    """

    def __init__(self, side: Side, project: Mapping[str, Any], states: Mapping[str, Json], center: str) -> None:
        self.side, self.project, self.states, self.center, self.account = side, project, states, center, MANAGEMENT
        own = {"ManagedBy": "strata", "Project": project["name"]} if project["default_tags"] else {}
        self.tags = {stack: {**own, **({"Layer": stack} if own else {})} for stack in ("organizations", "sso")}

    @cached_property
    def assigned(self) -> dict[str, dict[str, list[Json]]]:
        """The assignments by principal and by permission set."""
        side = self.side
        given = [(one, side.principal(one).kind.upper(), side.principal(one).id) for one in side.of("grant").values()]
        found: dict[str, dict[str, list[Json]]] = {"PrincipalId": {}, "PermissionSetArn": {}}
        for one, type, id in (*given, *side.orphans):
            if side.has("account", one["account"]) and side.has("permission set", one["set"]):
                told = {"AccountId": side.id("account", one["account"]), "PrincipalType": type, "PrincipalId": id}
                told["PermissionSetArn"] = side.id("permission set", one["set"])
                for name, some in found.items():
                    some.setdefault(told[name], []).append(told)
        return found

    @contextmanager
    def asked(self) -> Iterator[None]:
        """Has whoever uses boto3 ask here."""
        boto3, was = ModuleType("boto3"), sys.modules.get("boto3")
        session = SimpleNamespace(client=lambda service, region_name="", **_: _Client(self, service, region_name))
        vars(boto3)["Session"] = lambda **_: session
        sys.modules["boto3"] = boto3
        try:
            # Threads cost more than the answers, and give them in another order each time.
            with mock.patch.object(ThreadPoolExecutor, "submit", _at_once):
                yield
        finally:
            del sys.modules["boto3"]
            if was:
                sys.modules["boto3"] = was

    def answer(self, service: str, region: str, operation: str, asked: Json) -> Any:
        """Returns what AWS answers to one call.

        Raises:
            ClientError: it refuses.
        """
        action = "".join(map(str.title, operation.split("_"))).replace("Aws", "AWS").replace("V2", "V2")
        if self.side.has("denial", f"{_SIGNS_AS.get(service, service)}:{action}"):
            raise refused(
                "AccessDeniedException",
                f"not authorized to perform: {_SIGNS_AS.get(service, service)}:{action}",
                action,
            )
        if service in _CENTER and operation != "list_instances" and region != self.center:
            raise refused("ResourceNotFoundException", "Identity Center is not here", action)
        for services in (_SERVICES, ground.SERVICES):
            try:
                return services[service](self, region, operation, asked)
            except KeyError:
                continue
        raise AssertionError(f"tests/organizations does not answer {service}:{operation}")

    def refused(self, code: str, message: str, operation: str) -> Exception:
        """Returns a refusal as botocore raises it."""
        return refused(code, message, operation)


def _at_once(_: ThreadPoolExecutor, ask: Callable[..., Any], *about: Any, **more: Any) -> Future[Any]:
    """Does what a pool is to do, before it goes on."""
    done: Future[Any] = Future()
    try:
        done.set_result(ask(*about, **more))
    except BaseException as error:  # as a pool keeps it
        done.set_exception(error)
    return done


class _Client:
    """A client of a service, with what `strata.aws.session` uses of one."""

    def __init__(self, answers: Answers, service: str, region: str) -> None:
        self._answers, self._service, self._region = answers, service, region
        names = {
            "service_name": service,
            "signing_name": _SIGNS_AS.get(service, service),
            "operation_names": _Everything(),
        }
        events = SimpleNamespace(register=lambda *_, **__: None)
        self.meta = SimpleNamespace(
            events=events, endpoint_url="", region_name=region, service_model=SimpleNamespace(**names)
        )

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        return lambda **asked: self._answers.answer(self._service, self._region, operation, asked)

    def get_paginator(self, operation: str) -> Any:
        """Returns what gives the one page that there is."""

        def search(key: str, asked: Json) -> Iterator[Any]:
            import jmespath

            found = jmespath.search(key, getattr(self, operation)(**asked))
            yield from found if isinstance(found, list) else [found]

        return SimpleNamespace(paginate=lambda **asked: SimpleNamespace(search=lambda key: search(key, asked)))


class _Everything:
    def __contains__(self, _: object) -> bool:
        return True


def refused(code: str, message: str, action: str) -> Exception:
    """Returns a refusal as botocore raises it."""
    from botocore.exceptions import ClientError

    error: Exception = ClientError({"Error": {"Code": code, "Message": message}}, action)
    return error


def _listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


# The organization


def _organizations(aws: Answers, _: str, operation: str, asked: Json) -> Any:
    return _ORGANIZATIONS[operation](aws, asked)


def _below(aws: Answers, kind: str, parent: str) -> list[Thing]:
    return [one for one in aws.side.of(kind).values() if aws.side.place(one["within"]) == parent]


def _by_id(aws: Answers, kind: str, id: str) -> Thing:
    return next(one for one in aws.side.of(kind).values() if one.id == id)


def _root(aws: Answers) -> Json:
    types = [{"Type": one, "Status": "ENABLED"} for one in aws.side.of("policy type")]
    return {"Id": ROOT, "Name": "Root", "PolicyTypes": types}


def _described(one: Thing) -> Json:
    return {"Policy": {"PolicySummary": _policy(one), "Content": one["document"]}}


def _administrators(aws: Answers) -> list[Json]:
    keys = dict.fromkeys(one["account"] for one in aws.side.of("delegation").values())
    return [_account(aws.side.things["account", key]) for key in keys]


def _delegated(aws: Answers, account: str) -> list[Json]:
    given = [one for one in aws.side.of("delegation").values() if aws.side.id("account", one["account"]) == account]
    return [{"ServicePrincipal": one["service"]} for one in given]


_ORGANIZATIONS: Mapping[str, Callable[[Answers, Json], Json]] = {
    "describe_organization": lambda *_: {
        "Organization": {"Id": ORGANIZATION, "MasterAccountId": MANAGEMENT, "FeatureSet": "ALL"}
    },
    "list_roots": lambda aws, _: {"Roots": [_root(aws)]},
    "list_accounts": lambda aws, _: {"Accounts": [_account(one) for one in aws.side.of("account").values()]},
    "describe_account": lambda aws, asked: {"Account": _account(_by_id(aws, "account", asked["AccountId"]))},
    "list_accounts_for_parent": lambda aws, asked: {
        "Accounts": [_account(one) for one in _below(aws, "account", asked["ParentId"])]
    },
    "list_organizational_units_for_parent": lambda aws, asked: {
        "OrganizationalUnits": [{"Id": one.id, "Name": one["name"]} for one in _below(aws, "unit", asked["ParentId"])]
    },
    "list_policies": lambda aws, asked: {"Policies": _policies(aws, asked["Filter"])},
    "describe_policy": lambda aws, asked: _described(_by_id(aws, "policy", asked["PolicyId"])),
    "list_targets_for_policy": lambda aws, asked: {
        "Targets": [{"TargetId": one} for one in _targets(aws, asked["PolicyId"])]
    },
    "list_tags_for_resource": lambda aws, asked: {"Tags": _listed(_tags(aws).get(asked["ResourceId"], {}))},
    "list_aws_service_access_for_organization": lambda aws, _: {
        "EnabledServicePrincipals": [{"ServicePrincipal": one} for one in aws.side.of("service")]
    },
    "list_delegated_administrators": lambda aws, _: {"DelegatedAdministrators": _administrators(aws)},
    "list_delegated_services_for_account": lambda aws, asked: {
        "DelegatedServices": _delegated(aws, asked["AccountId"])
    },
}


def _account(one: Thing) -> Json:
    return {
        "Id": one.id,
        "Name": one["name"],
        "Email": one["email"],
        "State": one["state"],
        "JoinedMethod": one["joined"],
    }


def _policies(aws: Answers, type: str) -> list[Json]:
    own = [_policy(one) for one in aws.side.of("policy").values() if one["type"] == type]
    if not aws.side.has("policy type", type) or type not in _FULL:
        return own
    name = _FULL[type].removeprefix("p-")
    return [{"Id": _FULL[type], "Name": name, "Type": type, "Description": "", "AwsManaged": True}, *own]


def _policy(one: Thing) -> Json:
    told = {"Id": one.id, "Name": one["name"], "Type": one["type"], "Description": one["description"]}
    return {**told, "AwsManaged": False}


def _targets(aws: Answers, id: str) -> list[str]:
    side = aws.side
    if id in _FULL.values():
        without = side.of("no full access") if id == _FULL[SCP] else {}
        return [side.place(key) for key in ("root", *side.of("account"), *side.of("unit")) if key not in without]
    (policy,) = (one for one in side.of("policy").values() if one.id == id)
    return [side.place(key) for key in policy["targets"]]


def _tags(aws: Answers) -> dict[str, dict[str, str]]:
    """Returns the tags of accounts, units and policies by id; Strata tags accounts alone."""
    found = {one.id: dict(one["tags"]) for kind in ("unit", "policy") for one in aws.side.of(kind).values()}
    return found | {one.id: {**aws.tags["organizations"], **one["tags"]} for one in aws.side.of("account").values()}


def _tagging(aws: Answers, _: str, operation: str, asked: Json) -> Any:
    tagged = [(id, tags) for id, tags in _tags(aws).items() if tags]
    arn = f"arn:aws:organizations::{MANAGEMENT}:thing/{ORGANIZATION}/"
    return {"ResourceTagMappingList": [{"ResourceARN": f"{arn}{id}", "Tags": _listed(tags)} for id, tags in tagged]}


# Identity Center


def _sso_admin(aws: Answers, region: str, operation: str, asked: Json) -> Any:
    side = aws.side
    if operation == "list_instances":
        here = region == aws.center or (asked.get("RegionScope") == "ALL_REGIONS" and aws.center)
        told = {"InstanceArn": INSTANCE, "IdentityStoreId": STORE, "OwnerAccountId": MANAGEMENT}
        return {"Instances": [{**told, "PrimaryRegion": aws.center}] if here else []}
    if operation == "list_permission_sets":
        return {"PermissionSets": [one.id for one in side.of("permission set").values()]}
    if operation == "describe_instance_access_control_attribute_configuration":
        some = [{"Key": key, "Value": {"Source": [one["source"]]}} for key, one in side.of("attribute").items()]
        if not some:
            raise refused("ResourceNotFoundException", "attributes for access control are off", operation)
        return {"Status": "ENABLED", "InstanceAccessControlAttributeConfiguration": {"AccessControlAttributes": some}}
    if operation.startswith("list_account"):
        return _assignments(aws, operation, asked)
    arn = asked.get("PermissionSetArn") or asked["ResourceArn"]
    (set_,) = (one for one in side.of("permission set").values() if one.id == arn)
    return _of_set(aws, set_, operation)


def _of_set(aws: Answers, one: Thing, operation: str) -> Any:
    match operation:
        case "describe_permission_set":
            told = {"Name": one["name"], "PermissionSetArn": one.id, "SessionDuration": one["session"] or "PT1H"}
            more = {"Description": one["description"], "RelayState": one["relay_state"]}
            return {"PermissionSet": told | {name: value for name, value in more.items() if value}}
        case "list_managed_policies_in_permission_set":
            named = [{"Name": each.rpartition("/")[2], "Arn": _arn(each)} for each in one["aws"]]
            return {"AttachedManagedPolicies": named}
        case "list_customer_managed_policy_references_in_permission_set":
            return {"CustomerManagedPolicyReferences": [reference(each) for each in one["customer"]]}
        case "get_inline_policy_for_permission_set":
            return {"InlinePolicy": one["inline"]}
        case "get_permissions_boundary_for_permission_set":
            if not one["boundary"]:
                raise refused("ResourceNotFoundException", "there is no boundary", operation)
            return {"PermissionsBoundary": boundary(one["boundary"])}
        case "list_tags_for_resource":
            return {"Tags": _listed({**aws.tags["sso"], **one["tags"]})}
    raise KeyError(operation)


def _arn(named: str) -> str:
    return named if named.startswith("arn:") else f"{AWS_POLICY}{named}"


def reference(named: str) -> dict[str, str]:
    """Returns a customer managed policy as AWS names it."""
    path, _, name = named.rpartition("/")
    return {"Name": name, "Path": f"{path}/"}


def boundary(named: str) -> Json:
    """Returns a permissions boundary as AWS tells it."""
    if named.startswith("/"):
        return {"CustomerManagedPolicyReference": reference(named)}
    return {"ManagedPolicyArn": _arn(named)}


def _assignments(aws: Answers, operation: str, asked: Json) -> Any:
    if operation == "list_account_assignments_for_principal":
        # AWS answers nothing about whom it does not know.
        gone = {id for _, _, id in aws.side.orphans}
        found = aws.assigned["PrincipalId"].get(asked["PrincipalId"], [])
        return {"AccountAssignments": [] if asked["PrincipalId"] in gone else found}
    same = aws.assigned["PermissionSetArn"].get(asked["PermissionSetArn"], [])
    if operation == "list_accounts_for_provisioned_permission_set":
        outdated = asked.get("ProvisioningStatus") == "LATEST_PERMISSION_SET_NOT_PROVISIONED"
        return {"AccountIds": [] if outdated else sorted({one["AccountId"] for one in same})}
    if operation == "list_account_assignments":
        return {"AccountAssignments": [one for one in same if one["AccountId"] == asked["AccountId"]]}
    raise KeyError(operation)


def _identity_store(aws: Answers, _: str, operation: str, asked: Json) -> Any:
    side = aws.side
    users, groups = list(side.of("user").values()), list(side.of("group").values())
    match operation:
        case "list_users":
            return {"Users": [_user(one) for one in users]}
        case "list_groups":
            return {"Groups": [_group(one) for one in groups]}
        case "list_group_memberships":
            return {
                "GroupMemberships": [
                    each for one in groups if one.id == asked["GroupId"] for each in _members(side, one)
                ]
            }
        case "list_group_memberships_for_member":
            found = [each for one in groups for each in _members(side, one)]
            return {"GroupMemberships": [one for one in found if one["MemberId"] == asked["MemberId"]]}
        case "describe_user":
            return _only([_user(one) for one in users if one.id == asked["UserId"]], operation)
        case "describe_group":
            return _only([_group(one) for one in groups if one.id == asked["GroupId"]], operation)
        case "get_user_id" | "get_group_id":
            name = asked["AlternateIdentifier"]["UniqueAttribute"]["AttributeValue"].casefold()
            some = users if operation == "get_user_id" else groups
            answers = [_user(one) if one in users else _group(one) for one in some if one["name"].casefold() == name]
            return _only(answers, operation)
    raise KeyError(operation)


def _only(found: list[Json], operation: str) -> Json:
    if not found:
        raise refused("ResourceNotFoundException", "there is none", operation)
    return found[0]


def _user(one: Thing) -> Json:
    told = {"UserId": one.id, "UserName": one["name"], "DisplayName": one["shown"], "IdentityStoreId": STORE}
    names = {"GivenName": one["given"], "FamilyName": one["family"]}
    emails = [{"Value": mail, "Type": "work", "Primary": not place} for place, mail in enumerate(one["emails"])]
    title = {"Title": one["title"]} if one["title"] else {}
    return {**told, "Name": names, "Emails": emails, **title, **_of_others(one)}


def _group(one: Thing) -> Json:
    told = {"GroupId": one.id, "DisplayName": one["name"], "IdentityStoreId": STORE}
    return {**told, **({"Description": one["description"]} if one["description"] else {}), **_of_others(one)}


def _of_others(one: Thing) -> Json:
    return {"ExternalIds": [{"Issuer": "https://idp.example.com", "Id": one["name"]}]} if one["external"] else {}


def _members(side: Side, one: Thing) -> list[Json]:
    return [
        {"MembershipId": side.membership(one, each), "GroupId": one.id, "MemberId": {"UserId": side.id("user", each)}}
        for each in one["members"]
    ]


def _account_access(aws: Answers, _: str, operation: str, asked: Json) -> Any:
    if operation == "list_applications":
        return {"applications": [{"applicationArn": APPLICATION}] if aws.side.of("entitlement") else []}
    given = [
        {
            "entitlementId": key,
            "entitlement": {
                "principalRole": {
                    "principal": {"identityCenter": {"userId": aws.side.id("user", one["who"])}},
                    "roleArn": one["role"],
                }
            },
        }
        for key, one in aws.side.of("entitlement").items()
    ]
    return {"entitlements": given}


# The account, its settings and controls


def _sts(aws: Answers, _: str, operation: str, asked: Json) -> Any:
    return {"Account": MANAGEMENT, "Arn": CALLER, "UserId": "AROA:ana"}


def _setting(aws: Answers, key: str, region: str) -> Mapping[str, Any]:
    found = aws.side.of("control").get(key)
    return controls.setting(found, region) if found else {}


def _camel(values: Mapping[str, Any]) -> Json:
    return {"".join(map(str.title, name.split("_"))): value for name, value in values.items()}


def _ec2(aws: Answers, region: str, operation: str, asked: Json) -> Any:
    match operation:
        case "get_ebs_encryption_by_default":
            return {"EbsEncryptionByDefault": bool(_setting(aws, "ebs_encryption", region).get("enabled"))}
        case "get_instance_metadata_defaults":
            return {"AccountLevel": _camel(_setting(aws, "instance_metadata", region))}
        case "get_snapshot_block_public_access_state":
            return {"State": _setting(aws, "snapshot_public_access", region).get("state", "unblocked")}
        case "get_image_block_public_access_state":
            return {
                "ImageBlockPublicAccessState": _setting(aws, "image_public_access", region).get("state", "unblocked")
            }
    raise KeyError(operation)


def _s3_control(aws: Answers, _: str, operation: str, asked: Json) -> Any:
    found = _setting(aws, "s3_public_access", "")
    if not found:
        raise refused("NoSuchPublicAccessBlockConfiguration", "there is none", operation)
    return {"PublicAccessBlockConfiguration": _camel(found)}


def _iam(aws: Answers, _: str, operation: str, asked: Json) -> Any:
    if operation == "list_organizations_features":
        return {"OrganizationId": ORGANIZATION, "EnabledFeatures": list(aws.side.of("root access"))}
    found = _setting(aws, "password_policy", "")
    if operation == "get_account_password_policy" and not found:
        raise refused("NoSuchEntity", "there is none", operation)
    return {"PasswordPolicy": _camel(found)}


def _held(aws: Answers, type: str) -> list[Mapping[str, Any]]:
    """Returns what AWS has of controls that are things, by Terraform's arguments."""
    regions = tuple(sorted({aws.project["primary"], *aws.project.get("governed", ())}))
    return [one for at, one in controls.resources(aws.side, regions, aws.project) if at.startswith(f"{type}.")]


def _cloudtrail(aws: Answers, _: str, operation: str, asked: Json) -> Any:
    trails = _held(aws, "aws_cloudtrail")
    if operation == "get_trail_status":
        return {"IsLogging": trails[0]["enable_logging"]}
    if operation != "describe_trails":
        raise KeyError(operation)
    names = {
        "name": "Name",
        "arn": "TrailARN",
        "s3_bucket_name": "S3BucketName",
        "enable_log_file_validation": "LogFileValidationEnabled",
        "is_organization_trail": "IsOrganizationTrail",
        "is_multi_region_trail": "IsMultiRegionTrail",
        "include_global_service_events": "IncludeGlobalServiceEvents",
    }
    return {"trailList": [{name: one[argument] for argument, name in names.items()} for one in trails]}


def _budgets(aws: Answers, _: str, operation: str, asked: Json) -> Any:
    found = [one for one in _held(aws, "aws_budgets_budget") if one["name"] == asked["BudgetName"]]
    if not found:
        raise refused("NotFoundException", "there is none", operation)
    (one,) = found
    if operation == "describe_budget":
        return {"Budget": {"BudgetName": one["name"], "BudgetLimit": {"Amount": one["limit_amount"], "Unit": "USD"}}}
    if operation == "describe_notifications_for_budget":
        due = [
            {"NotificationType": each["notification_type"], "Threshold": each["threshold"]}
            for each in one["notification"]
        ]
        return {"Notifications": due}
    asked_for = (asked["Notification"]["NotificationType"], asked["Notification"]["Threshold"])
    (due_,) = (each for each in one["notification"] if (each["notification_type"], each["threshold"]) == asked_for)
    return {"Subscribers": [{"Address": each} for each in due_["subscriber_email_addresses"]]}


def _access_analyzer(aws: Answers, region: str, operation: str, asked: Json) -> Any:
    found = [one for one in _held(aws, "aws_accessanalyzer_analyzer") if one["region"] == region]
    return {"analyzers": [{"name": one["analyzer_name"], "type": "ORGANIZATION"} for one in found]}


def _contacts(aws: Answers, _: str, operation: str, asked: Json) -> Any:
    if operation != "get_alternate_contact":
        raise KeyError(operation)
    wanted = (asked.get("AccountId"), asked["AlternateContactType"])
    held = _held(aws, "aws_account_alternate_contact")
    found = [one for one in held if (one["account_id"], one["alternate_contact_type"]) == wanted]
    if not found:
        raise refused("ResourceNotFoundException", "there is none", operation)
    return {
        "AlternateContact": _camel(
            {name: found[0][name] for name in ("name", "title", "email_address", "phone_number")}
        )
    }


_SERVICES: Mapping[str, Callable[[Answers, str, str, Json], Any]] = {
    "account": _contacts,
    "account-access": _account_access,
    "accessanalyzer": _access_analyzer,
    "budgets": _budgets,
    "cloudtrail": _cloudtrail,
    "ec2": _ec2,
    "iam": _iam,
    "identitystore": _identity_store,
    "organizations": _organizations,
    "resourcegroupstaggingapi": _tagging,
    "s3control": _s3_control,
    "sso-admin": _sso_admin,
    "sts": _sts,
}
