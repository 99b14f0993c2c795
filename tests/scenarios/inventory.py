"""Everything that a deploy makes in AWS, by kind and name: two of one kind and name are one too many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from tests.aws.client import ACCOUNT
from tests.scenarios.site import Site

_POLICY_TYPES = (
    "SERVICE_CONTROL_POLICY",
    "RESOURCE_CONTROL_POLICY",
    "TAG_POLICY",
    "BACKUP_POLICY",
    "AISERVICES_OPT_OUT_POLICY",
    "DECLARATIVE_POLICY_EC2",
)


def inventory(site: Site) -> Counter[str]:
    """Returns how often AWS has something of each kind and name."""
    from strata.load import load

    regions = load(site.config).project.regions
    found = Counter([*_organization(site), *_identity_center(site), *_global(site)])
    for region in sorted({*regions.governed, regions.primary, regions.secondary} - {None}):
        found.update(f"{region}: {one}" for one in _of_region(site, str(region)))
    return found


def _organization(site: Site) -> Iterator[str]:
    client = site.client("organizations")
    roots = client.list_roots()["Roots"]
    if not roots:
        return
    names = {root["Id"]: "root" for root in roots}
    waiting = list(names)
    for parent in waiting:
        for unit in _all(client, "list_organizational_units_for_parent", "OrganizationalUnits", ParentId=parent):
            names[unit["Id"]] = f"{names[parent]}/{unit['Name']}"
            waiting.append(unit["Id"])
    for parent in waiting:
        for account in _all(client, "list_accounts_for_parent", "Accounts", ParentId=parent):
            names[account["Id"]] = account["Email"]
            yield f"account {account['Email']} in {names[parent]}"
    yield from (f"unit {name}" for name in names.values() if name.startswith("root"))
    for type in _POLICY_TYPES:
        for policy in _all(client, "list_policies", "Policies", Filter=type):
            yield f"policy {policy['Name']}"
            for target in _all(client, "list_targets_for_policy", "Targets", PolicyId=policy["Id"]):
                yield f"policy {policy['Name']} on {names.get(target['TargetId'], target['TargetId'])}"
    for administrator in _all(client, "list_delegated_administrators", "DelegatedAdministrators"):
        services = client.list_delegated_services_for_account(AccountId=administrator["Id"])["DelegatedServices"]
        yield from (f"administrator {administrator['Email']} of {one['ServicePrincipal']}" for one in services)


def _identity_center(site: Site) -> Iterator[str]:
    store = site.client("identitystore")
    instances = site.client("sso-admin").list_instances()["Instances"]
    if not instances:
        return
    there = {"IdentityStoreId": instances[0]["IdentityStoreId"]}
    names = {user["UserId"]: user["UserName"] for user in _all(store, "list_users", "Users", **there)}
    yield from (f"user {name}" for name in names.values())
    for group in _all(store, "list_groups", "Groups", **there):
        names[group["GroupId"]] = group["DisplayName"]
        yield f"group {group['DisplayName']}"
        for member in _all(store, "list_group_memberships", "GroupMemberships", GroupId=group["GroupId"], **there):
            yield f"member {names[member['MemberId']['UserId']]} of {group['DisplayName']}"
    yield from _permission_sets(site, names)


def _permission_sets(site: Site, names: Mapping[str, str]) -> Iterator[str]:
    admin = site.client("sso-admin")
    arn = {"InstanceArn": admin.list_instances()["Instances"][0]["InstanceArn"]}
    emails = {account["Id"]: account["Email"] for account in site.accounts().values()}
    for one in _all(admin, "list_permission_sets", "PermissionSets", **arn):
        asked = {**arn, "PermissionSetArn": one}
        name = admin.describe_permission_set(**asked)["PermissionSet"]["Name"]
        yield f"permission set {name}"
        for policy in _all(admin, "list_managed_policies_in_permission_set", "AttachedManagedPolicies", **asked):
            yield f"policy {policy['Arn']} of {name}"
        operation = "list_customer_managed_policy_references_in_permission_set"
        for policy in _all(admin, operation, "CustomerManagedPolicyReferences", **asked):
            yield f"customer policy {policy['Name']} of {name}"
        if admin.get_inline_policy_for_permission_set(**asked).get("InlinePolicy"):
            yield f"inline policy of {name}"
        try:
            admin.get_permissions_boundary_for_permission_set(**asked)
            yield f"boundary of {name}"
        except admin.exceptions.ResourceNotFoundException:
            pass
        for account, email in emails.items():
            for given in _all(admin, "list_account_assignments", "AccountAssignments", AccountId=account, **asked):
                yield f"assignment {name} for {names.get(given['PrincipalId'], given['PrincipalId'])} in {email}"


def _global(site: Site) -> Iterator[str]:
    iam, ce, budgets = site.client("iam"), site.client("ce"), site.client("budgets")
    yield from (f"bucket {bucket['Name']}" for bucket in site.client("s3").list_buckets()["Buckets"])
    yield from (f"table {name}" for name in site.client("dynamodb").list_tables()["TableNames"])
    for role in _all(iam, "list_roles", "Roles"):
        yield f"role {role['RoleName']}"
        for name in iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]:
            yield f"policy {name} of role {role['RoleName']}"
        for policy in iam.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"]:
            yield f"policy {policy['PolicyName']} of role {role['RoleName']}"
    for provider in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]:
        yield f"provider {provider['Arn']}"
    yield from (f"budget {one['BudgetName']}" for one in budgets.describe_budgets(AccountId=ACCOUNT).get("Budgets", ()))
    yield from (f"monitor {one['MonitorName']}" for one in ce.get_anomaly_monitors()["AnomalyMonitors"])
    for one in ce.get_anomaly_subscriptions()["AnomalySubscriptions"]:
        yield f"subscription {one['SubscriptionName']}"


def _of_region(site: Site, region: str) -> Iterator[str]:
    trails = site.aws.client("cloudtrail", region).describe_trails(includeShadowTrails=False)["trailList"]
    yield from (f"trail {trail['Name']}" for trail in trails)
    analyzers = site.aws.client("accessanalyzer", region).list_analyzers()["analyzers"]
    yield from (f"analyzer {analyzer['name']}" for analyzer in analyzers)
    kms, sns, events = (site.aws.client(service, region) for service in ("kms", "sns", "events"))
    yield from ("key" for _ in kms.list_keys()["Keys"])
    yield from (f"alias {alias['AliasName']}" for alias in kms.list_aliases()["Aliases"])
    for topic in sns.list_topics()["Topics"]:
        yield f"topic {topic['TopicArn']}"
        for one in sns.list_subscriptions_by_topic(TopicArn=topic["TopicArn"])["Subscriptions"]:
            yield f"{one['Endpoint']} of {topic['TopicArn']}"
    for rule in events.list_rules()["Rules"]:
        yield f"rule {rule['Name']}"
        for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]:
            yield f"target {target['Id']} of {rule['Name']}"


def _all(client: Any, operation: str, key: str, **asked: Any) -> Iterator[Any]:
    if client.can_paginate(operation):
        for page in client.get_paginator(operation).paginate(**asked):
            yield from page[key]
    else:
        yield from getattr(client, operation)(**asked)[key]
