"""The data sources that the stacks read; another one is an error that names it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.engine.cloud import Cloud
from tests.engine.refusals import Refused
from tests.engine.values import shaped
from tests.engine.world import ORGANIZATIONAL_UNIT, Object


def read_data_source(cloud: Cloud, type: str, config: Object) -> Object:
    """Returns a data source with everything that it shows."""
    if type not in _READERS:
        raise Refused(f"the engine has no reading for data.{type}: add it to tests/engine/data_sources.py")
    attributes = cloud.schema["data_sources"][type]["attributes"]
    result = dict(config)
    if "region" in attributes and result["region"] is None:
        result["region"] = cloud.region
    for name, value in _READERS[type](cloud, result).items():
        result[name] = shaped(attributes[name]["type"], value)
    return result


def _organization(cloud: Cloud, config: Object) -> Object:
    return cloud.describe_organization()


def _units(cloud: Cloud, config: Object) -> Object:
    units = [unit for unit in cloud.world.list(ORGANIZATIONAL_UNIT) if unit["parent_id"] == config["parent_id"]]
    children = [cloud.completed(ORGANIZATIONAL_UNIT, unit) for unit in units]
    return {"id": config["parent_id"], "children": children}


def _child_accounts(cloud: Cloud, config: Object) -> Object:
    accounts = [cloud.describe_account(account) for account in cloud.accounts_in(config["parent_id"])]
    return {"id": config["parent_id"], "accounts": accounts}


def _descendant_accounts(cloud: Cloud, config: Object) -> Object:
    def below(parent: str) -> list[Object]:
        inner = [unit["id"] for unit in cloud.world.list(ORGANIZATIONAL_UNIT) if unit["parent_id"] == parent]
        return [*cloud.accounts_in(parent), *(account for unit in inner for account in below(unit))]

    accounts = [cloud.describe_account(account) for account in below(config["parent_id"])]
    return {"id": config["parent_id"], "accounts": accounts}


def _policies(cloud: Cloud, config: Object) -> Object:
    policies = [*cloud.world.list("aws_organizations_policy"), *_MANAGED_POLICIES]
    ids = [policy["id"] for policy in policies if policy["type"] == config["filter"]]
    return {"id": config["filter"], "ids": ids}


def _policy(cloud: Cloud, config: Object) -> Object:
    policies = [*cloud.world.list("aws_organizations_policy"), *_MANAGED_POLICIES]
    for policy in policies:
        if policy["id"] == config["policy_id"]:
            shown = ("id", "arn", "name", "type", "content", "description")
            return {name: policy.get(name) for name in shown} | {"aws_managed": policy in _MANAGED_POLICIES}
    raise Refused(f"PolicyNotFoundException: no policy {config['policy_id']}")


def _objects(cloud: Cloud, config: Object) -> Object:
    return {
        "id": config["bucket"],
        "keys": cloud.live.objects(config["bucket"], config["prefix"], config["region"]),
        "common_prefixes": [],
        "owners": [],
        "request_charged": "",
    }


_MANAGED_POLICIES: list[Object] = [
    {"id": "p-FullAWSAccess", "name": "FullAWSAccess", "type": "SERVICE_CONTROL_POLICY"},
    {"id": "p-RCPFullAWSAccess", "name": "RCPFullAWSAccess", "type": "RESOURCE_CONTROL_POLICY"},
]


def _instances(cloud: Cloud, config: Object) -> Object:
    center = cloud.world.view()["identity_center"]
    there = center["enabled"] and center["region"] == config["region"]
    return {
        "id": config["region"],
        "arns": [center["instance_arn"]] if there else [],
        "identity_store_ids": [center["identity_store_id"]] if there else [],
    }


def _group(cloud: Cloud, config: Object) -> Object:
    group = _identity(cloud, "aws_identitystore_group", "group_id", config)
    return group | {"id": group["group_id"]}


def _groups(cloud: Cloud, config: Object) -> Object:
    return {"groups": _in_store(cloud, "aws_identitystore_group", config)}


def _user(cloud: Cloud, config: Object) -> Object:
    user = _identity(cloud, "aws_identitystore_user", "user_id", config)
    return user | {"id": user["user_id"]}


def _users(cloud: Cloud, config: Object) -> Object:
    return {"users": _in_store(cloud, "aws_identitystore_user", config)}


def _in_store(cloud: Cloud, type: str, config: Object) -> list[Object]:
    store = config["identity_store_id"]
    center = cloud.world.view()["identity_center"]
    if not center["enabled"] or store != center["identity_store_id"]:
        raise Refused(f"ResourceNotFoundException: identity store {store} not found")
    return [found for found in cloud.world.list(type) if found["identity_store_id"] == store]


def _identity(cloud: Cloud, type: str, id_name: str, config: Object) -> Object:
    """Returns the user or group that the id or the unique attribute asks for."""
    wanted = (id_name, config[id_name])
    for alternate in config["alternate_identifier"]:
        for unique in alternate["unique_attribute"]:
            wanted = (_UNIQUE_ATTRIBUTES[unique["attribute_path"]], unique["attribute_value"])
    for found in _in_store(cloud, type, config):
        if _value_at(found, wanted[0]) == wanted[1]:
            shown = cloud.schema["data_sources"][type]["attributes"].keys() - {"id", "region"}
            return {name: found.get(name) for name in shown}
    raise Refused(f"ResourceNotFoundException: no {type} with {wanted[0]} {wanted[1]}")


_UNIQUE_ATTRIBUTES = {"UserName": "user_name", "DisplayName": "display_name", "Emails.Value": "emails"}


def _value_at(object: Object, name: str) -> Any:
    value = object.get(name)
    return value[0]["value"] if name == "emails" and value else value


def _caller_identity(cloud: Cloud, config: Object) -> Object:
    arn = f"arn:aws:sts::{cloud.account}:user/strata-engine"
    return {"id": cloud.account, "account_id": cloud.account, "arn": arn, "user_id": "AIDASTRATAENGINE"}


def _iam_roles(cloud: Cloud, config: Object) -> Object:
    types = ("aws_iam_role", "aws_iam_service_linked_role")
    roles = [cloud.completed(type, role) for type in types for role in cloud.world.list(type)]
    prefix, pattern = config["path_prefix"] or "/", config["name_regex"] or ""
    found = [role for role in roles if role["path"].startswith(prefix) and re.search(pattern, role["name"])]
    return {
        "id": cloud.region,
        "arns": sorted(role["arn"] for role in found),
        "names": sorted(role["name"] for role in found),
    }


def _partition(cloud: Cloud, config: Object) -> Object:
    return {"id": "aws", "partition": "aws", "dns_suffix": "amazonaws.com", "reverse_dns_prefix": "com.amazonaws"}


def _region(cloud: Cloud, config: Object) -> Object:
    region = config["name"] or config["region"]
    endpoint = f"ec2.{region}.amazonaws.com"
    return {"id": region, "name": region, "region": region, "description": region, "endpoint": endpoint}


_READERS: dict[str, Callable[[Cloud, Object], Object]] = {
    "aws_s3_objects": _objects,
    "aws_caller_identity": _caller_identity,
    "aws_iam_roles": _iam_roles,
    "aws_identitystore_group": _group,
    "aws_identitystore_groups": _groups,
    "aws_identitystore_user": _user,
    "aws_identitystore_users": _users,
    "aws_organizations_organization": _organization,
    "aws_organizations_organizational_unit_child_accounts": _child_accounts,
    "aws_organizations_organizational_unit_descendant_accounts": _descendant_accounts,
    "aws_organizations_organizational_units": _units,
    "aws_organizations_policies": _policies,
    "aws_organizations_policy": _policy,
    "aws_partition": _partition,
    "aws_region": _region,
    "aws_ssoadmin_instances": _instances,
}
