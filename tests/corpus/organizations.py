"""The organizations of the corpus: as others made them, grown, odd, each kind of drift, broken states."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.organizations import (
    Organization,
    Thing,
    account,
    attribute,
    changed,
    control,
    delegated,
    denied,
    entitlement,
    gone,
    grant,
    group,
    layer,
    no_full_access,
    permission_set,
    policy,
    policy_type,
    root_access,
    service,
    unit,
    user,
)
from tests.scenarios.seeds import CONTROL_TOWER as SEEDED_TOWER
from tests.scenarios.seeds import LEVERAGE, grown
from tests.scenarios.seeds import ODD as SEEDED_ODD

RCP = "RESOURCE_CONTROL_POLICY"
TOWER = "controltower.amazonaws.com"


def _document(effect: str, *actions: str, **more: object) -> str:
    statement = {"Sid": "Only", "Effect": effect, "Action": list(actions), "Resource": "*", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _person(key: str, given: str, family: str, **more: object) -> Thing:
    return user(key, given=given, family=family, emails=(f"{key}@acme.io",), name=f"{key}@acme.io", **more)


def _account(key: str, within: str = "root", **more: object) -> Thing:
    return account(key, within, **{"email": f"{key}@acme.io", **more})


OWN = account("management", name="acme", email="aws@acme.io", joined="INVITED")
TAGS = '{"tags": {"Owner": {"tag_key": {"@@assign": "Owner"}}}}'
LEAVE = _document("Deny", "organizations:LeaveOrganization")
REGIONS = _document("Deny", "ec2:*", Condition={"StringNotEquals": {"aws:RequestedRegion": ["us-east-1", "us-west-2"]}})

SMALL = Organization(
    OWN,
    unit("prod", "Prod"),
    _account("shop", "prod"),
    _account("lab"),
    _person("ana", "Ana", "Adler"),
    _person("ben", "Ben", "Berg"),
    group("admins", "ana"),
    group("readers", "ana", "ben"),
    permission_set("Admin", "AdministratorAccess", session="PT4H"),
    permission_set("ReadOnly", "ReadOnlyAccess"),
    policy("leave", "root", document=LEAVE),
    grant("Admin", "admins", "management", "shop", "lab"),
    grant("ReadOnly", "readers", "shop"),
    control("ebs_encryption"),
    control("s3_public_access"),
)

GROWN = Organization(
    OWN,
    *[unit(f"team-{n}", f"Team {n}", "prod" if n % 2 else "root") for n in range(6)],
    unit("prod", "Prod"),
    *[_account(f"app-{n}", f"team-{n % 6}", tags={"owner": f"team-{n % 6}", "env": "prod"}) for n in range(30)],
    *[_person(f"person-{n}", "Pat", f"Person {n}") for n in range(20)],
    *[group(f"crew-{50 + n}", *(f"person-{m}" for m in range(20) if m % 6 == n)) for n in range(6)],
    group("platform", "person-0", "person-1", description="Runs it all"),
    permission_set("Admin", "AdministratorAccess"),
    permission_set("Developer", "PowerUserAccess", inline=_document("Deny", "iam:*"), session="PT8H"),
    permission_set("Billing", "job-function/Billing", relay_state="https://console.aws.amazon.com/billing/"),
    *[grant("Developer", f"crew-{50 + n % 6}", f"app-{n}") for n in range(30)],
    grant("Admin", "platform", "management", *(f"app-{n}" for n in range(30))),
    grant("Billing", "person-2", "management"),
    policy("leave", "root", document=LEAVE, description="Nobody leaves"),
    policy("regions", "prod", "team-0", document=REGIONS),
    service("access-analyzer.amazonaws.com"),
    delegated("access-analyzer.amazonaws.com", "app-3"),
    root_access("RootCredentialsManagement"),
    *[control(key) for key in ("ebs_encryption", "instance_metadata", "password_policy", "s3_public_access")],
    control("trail"),
    control("access_analyzer"),
    control("budget", limit_usd=500, emails=["costs@acme.io"]),
)

ODD = Organization(
    OWN,
    unit("units-1", "Größe & Maß"),
    unit("inner-7", "inner", "units-1"),
    _account("yes-1", "inner-7", name="Big / mass", tags={"Cost Center": "4711: a", "a": "null"}),
    _account("acct-2", name="0x1F"),
    user("who-3", name="o'neil+jim", given="Jim", family='O"Neil', shown="Jim {{x}} ${y}", emails=("jim@acme.io",)),
    user("who-4", name="noone", given="José", family="Ñandú", emails=("jose@acme.io",)),
    group("group-5", "who-3", "who-4", name="Ops: on-call (24x7)", description="# not a comment"),
    group("group-6", name="Работа"),
    permission_set("set-7", name="A+B=C,.@-_", customer=("/teams/x/Billing",), tags={"a b": "c:d"}),
    permission_set("set-8", name="true", boundary="PowerUserAccess", description="${aws:username} %{if}"),
    grant("set-7", "group-5", "yes-1", "acct-2"),
    grant("set-8", "who-4", "acct-2"),
    policy("policy-9", "units-1", "yes-1", name="50% off ${x}", document=LEAVE, description='says "no"'),
    policy("tags-10", "root", name="tags", type="TAG_POLICY", document=TAGS),
    policy_type("TAG_POLICY"),
    attribute("CostCenter", "${path:enterprise.costCenter}"),
)

TOWER_ACCOUNTS = tuple(_account(f"tower-{n}", "sandbox" if n % 2 else "security", name=f"Tower {n}") for n in range(8))
CONTROL_TOWER = Organization(
    OWN,
    unit("security", "Security"),
    unit("sandbox", "Sandbox"),
    *TOWER_ACCOUNTS,
    service(TOWER),
    service("config.amazonaws.com"),
    service("cloudtrail.amazonaws.com"),
    delegated("config.amazonaws.com", "tower-0"),
    *[policy(f"aws-guardrails-{n}", "sandbox", name=f"aws-guardrails-AbCdE{n}", document=LEAVE) for n in range(3)],
    policy("house-regions", "sandbox", document=REGIONS),
    _person("ana", "Ana", "Adler"),
    user("root-1", name="aws+root@acme.io", given="AWS Control Tower", family="Admin", emails=("aws+root@acme.io",)),
    group("AWSControlTowerAdmins", "root-1", description="Admin rights to AWS Control Tower"),
    group("AWSSecurityAuditors", description="Read-only access to all accounts for security audits"),
    group("sg-dwh", "ana"),
    group("sg-idp", external=True),
    permission_set("AWSAdministratorAccess", "AdministratorAccess", description="Full access"),
    permission_set("AWSReadOnlyAccess", "ReadOnlyAccess", description="View only"),
    permission_set("FinOps", "job-function/Billing"),
    grant("AWSAdministratorAccess", "AWSControlTowerAdmins", "management", *(one.key for one in TOWER_ACCOUNTS)),
    grant("AWSReadOnlyAccess", "AWSSecurityAuditors", *(one.key for one in TOWER_ACCOUNTS)),
    grant("AWSReadOnlyAccess", "sg-dwh", "tower-1", "tower-3"),
    grant("FinOps", "sg-idp", "management", "tower-1"),
    default_tags=False,
)

FEDERATED = Organization(
    OWN,
    _account("data"),
    user("ida", name="ida@acme.io", external=True),
    group("sg-data", external=True),
    group("local", "ida"),
    permission_set("Data", "AmazonAthenaFullAccess"),
    permission_set("Admin", "AdministratorAccess"),
    grant("Data", "sg-data", "data"),
    grant("Admin", "ida", "management", "data"),
)

MADE: Mapping[str, Organization] = {
    "small": SMALL,
    "grown": GROWN,
    "odd-names": ODD,
    "control-tower": CONTROL_TOWER,
    "federated": FEDERATED,
    "empty": Organization(OWN),
    "identity-center-off": SMALL.without_center(),
    "identity-center-elsewhere": SMALL.without_center("eu-west-1"),
    "own-layer": SMALL.in_state(layer("network", {"aws_vpc.main": {"id": "vpc-1", "cidr_block": "10.0.0.0/16"}})),
    "entitled": SMALL.at_aws(entitlement("e-1", "ana", "arn:aws:iam::123456789012:role/Night")),
}

DRIFTED: Mapping[str, Organization] = {
    "account-made": SMALL.at_aws(_account("night-9")),
    "account-closed": SMALL.at_aws(changed("account", "lab", state="SUSPENDED")),
    "account-renamed": SMALL.at_aws(changed("account", "shop", name="other")),
    "account-moved": SMALL.at_aws(changed("account", "shop", within="root")),
    "account-tagged": SMALL.but(changed("account", "shop", tags={"env": "prod"})).at_aws(
        changed("account", "shop", tags={"env": "test"})
    ),
    "unit-made": SMALL.at_aws(unit("night-9", "Night")),
    "unit-renamed": SMALL.at_aws(changed("unit", "prod", name="Production")),
    "policy-made": SMALL.at_aws(policy("night-9", "shop", document=REGIONS)),
    "policy-changed": SMALL.at_aws(changed("policy", "leave", document=REGIONS)),
    "policy-detached": SMALL.at_aws(changed("policy", "leave", targets=())),
    "policy-gone": SMALL.at_aws(gone("policy", "leave")),
    "full-access-detached": SMALL.at_aws(no_full_access("prod")),
    "policy-type-on": SMALL.at_aws(policy_type(RCP)),
    "service-on": SMALL.at_aws(service("ram.amazonaws.com")),
    "service-off": GROWN.at_aws(gone("delegation", "access-analyzer.amazonaws.com app-3")),
    "delegated": GROWN.at_aws(delegated("access-analyzer.amazonaws.com", "app-4")),
    "root-sessions": GROWN.at_aws(root_access("RootSessions")),
    "user-made": SMALL.at_aws(_person("night-9", "Nina", "Night"), grant("Admin", "night-9", "management")),
    "user-gone": SMALL.at_aws(gone("user", "ana")),
    "user-renamed": SMALL.at_aws(changed("user", "ben", shown="Benjamin", emails=("b@acme.io",))),
    "user-made-again": SMALL.at_aws(changed("user", "ana", number=99)),
    "group-renamed": SMALL.at_aws(changed("group", "admins", name="root-admins")),
    "group-joined": SMALL.at_aws(changed("group", "admins", members=("ana", "ben"))),
    "group-left": SMALL.at_aws(changed("group", "readers", members=("ana",))),
    "set-made": SMALL.at_aws(permission_set("Night", "PowerUserAccess"), grant("Night", "ben", "shop")),
    "set-changed": SMALL.at_aws(
        changed("permission set", "ReadOnly", aws=("ReadOnlyAccess", "IAMFullAccess"), session="PT12H")
    ),
    "set-inline": SMALL.at_aws(changed("permission set", "ReadOnly", inline=_document("Allow", "iam:*"))),
    "grant-made": SMALL.at_aws(grant("Admin", "readers", "shop")),
    "grant-gone": SMALL.at_aws(gone("grant", "Admin admins lab")),
    "attributes-on": SMALL.at_aws(attribute("Team", "${path:nickName}")),
    "settings-off": SMALL.at_aws(gone("control", "ebs_encryption"), gone("control", "s3_public_access")),
    "trail-off": GROWN.at_aws(gone("control", "trail"), gone("control", "budget")),
    "external-renamed": FEDERATED.at_aws(changed("group", "sg-data", name="sg-analytics")),
    "many": GROWN.at_aws(
        gone("user", "person-3"),
        changed("group", "platform", members=("person-0", "person-9")),
        changed("policy", "regions", targets=("prod",)),
        grant("Admin", "crew-52", "app-8"),
        changed("account", "app-7", within="root"),
    ),
    "tower-escalated": CONTROL_TOWER.at_aws(
        grant("AWSAdministratorAccess", "ana", "management"),
        changed("permission set", "AWSReadOnlyAccess", aws=("ReadOnlyAccess", "AdministratorAccess")),
    ),
}

_EDITED: Mapping[str, Organization] = {
    "account-taken-out": SMALL.in_yaml(gone("account", "lab")),
    "everybody-out": GROWN.in_yaml(*(gone("user", f"person-{n}") for n in range(12))),
    "key-changed": SMALL.in_yaml(gone("user", "ben"), _person("benjamin", "Ben", "Berg")),
    "set-renamed": SMALL.in_yaml(changed("permission set", "Admin", name="Administrator")),
    "email-changed": SMALL.in_yaml(changed("account", "shop", email="new@acme.io")),
    "policy-loosened": SMALL.in_yaml(gone("policy", "leave")),
    "faulty": SMALL.in_yaml(
        changed("account", "lab", email="shop@acme.io"), changed("group", "readers", members=("nobody",))
    ),
    "locked-out": SMALL.in_yaml(changed("policy", "leave", document=_document("Deny", "*"))),
}

_BROKEN: Mapping[str, Organization] = {
    "no-states": SMALL.in_state(*(gone(*at) for at in SMALL.state.things if at[0] in ("user", "group"))),
    "state-behind": SMALL.in_state(gone("user", "ben"), gone("account", "lab")),
    "state-of-another": SMALL.in_state(changed("account", "shop", number=777)),
    "denied-people": SMALL.at_aws(denied("identitystore:ListUsers")),
    "denied-policies": SMALL.at_aws(denied("organizations:ListPolicies")),
    "denied-organization": SMALL.at_aws(denied("organizations:DescribeOrganization")),
}

FOUND: Mapping[str, Organization] = {
    "found-leverage": LEVERAGE,
    "found-control-tower": SEEDED_TOWER,
    "found-odd-names": SEEDED_ODD,
    "found-many-hands": grown(12, 6, 12, 6),
}
"""Without a configuration: what is asked of them is how it is adopted."""

ORGANIZATIONS: Mapping[str, Organization] = {**FOUND, **MADE, **DRIFTED, **_EDITED, **_BROKEN}
