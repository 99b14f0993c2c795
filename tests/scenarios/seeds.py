"""Organizations that others made: by Leverage, beside Control Tower, grown by hand for years, and of odd names."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

from tests.aws.center import INSTANCE, STORE
from tests.aws.client import ACCOUNT, Aws

AWS_MANAGED = "arn:aws:iam::aws:policy/"


class Seeded:
    """An organization in the making: each method does what somebody did in a console or with another tool."""

    def __init__(self, aws: Aws, *services: str, types: Sequence[str] = ("SERVICE_CONTROL_POLICY",)) -> None:
        self.aws, self.organizations = aws, aws.client("organizations")
        self.people, self.admin = aws.client("identitystore"), aws.client("sso-admin")
        self.organizations.create_organization(FeatureSet="ALL")
        self.root: str = self.organizations.list_roots()["Roots"][0]["Id"]
        for type in types:
            self.organizations.enable_policy_type(RootId=self.root, PolicyType=type)
        for service in ("sso.amazonaws.com", *services):
            self.organizations.enable_aws_service_access(
                ServicePrincipal=f"{service.removesuffix('.amazonaws.com')}.amazonaws.com"
            )
        aws.switch_identity_center_on()
        self.accounts: dict[str, str] = {"management": ACCOUNT}
        self.users: dict[str, str] = {}
        self.groups: dict[str, str] = {}
        self.sets: dict[str, str] = {}

    def unit(self, name: str, parent: str = "", **tags: str) -> str:
        made = self.organizations.create_organizational_unit(ParentId=parent or self.root, Name=name, Tags=_tags(tags))
        return str(made["OrganizationalUnit"]["Id"])

    def account(self, name: str, email: str, parent: str = "", **tags: str) -> str:
        begun = self.organizations.create_account(AccountName=name, Email=email, Tags=_tags(tags))
        asked = begun["CreateAccountStatus"]["Id"]
        made = self.organizations.describe_create_account_status(CreateAccountRequestId=asked)["CreateAccountStatus"]
        self.accounts[name] = id = str(made["AccountId"])
        if parent:
            self.organizations.move_account(AccountId=id, SourceParentId=self.root, DestinationParentId=parent)
        return id

    def policy(self, name: str, document: Any, *targets: str, type: str = "SERVICE_CONTROL_POLICY", **more: Any) -> str:
        text = document if isinstance(document, str) else json.dumps(document, indent=2)
        told = {"Name": name, "Description": more.pop("description", ""), "Type": type, "Tags": _tags(more)}
        made = self.organizations.create_policy(Content=text, **told)["Policy"]["PolicySummary"]["Id"]
        for target in targets:
            self.organizations.attach_policy(PolicyId=made, TargetId=target)
        return str(made)

    def delegate(self, account: str, *services: str) -> None:
        for service in services:
            self.organizations.register_delegated_administrator(AccountId=account, ServicePrincipal=service)

    def user(self, email: str, given: str = "", family: str = "", **more: Any) -> None:
        names = {"GivenName": given or "Kim", "FamilyName": family or "Berg"}
        told = {"UserName": email, "Name": names, "DisplayName": f"{names['GivenName']} {names['FamilyName']}", **more}
        mails = (
            {}
            if "Emails" in more or "@" not in email
            else {"Emails": [{"Value": email, "Type": "work", "Primary": True}]}
        )
        made = self.people.create_user(IdentityStoreId=STORE, **mails, **{key: one for key, one in told.items() if one})
        self.users[email] = made["UserId"]

    def group(self, name: str, *members: str, description: str = "") -> None:
        told = {"Description": description} if description else {}
        made = self.people.create_group(IdentityStoreId=STORE, DisplayName=name, **told)
        self.groups[name] = made["GroupId"]
        for member in members:
            who = {"UserId": self.users[member]}
            self.people.create_group_membership(IdentityStoreId=STORE, GroupId=made["GroupId"], MemberId=who)

    def permission_set(
        self, name: str, *managed: str, inline: Any = None, customer: str = "", boundary: Any = None, **more: Any
    ) -> None:
        tags = _tags(more.pop("tags", {}))
        made = self.admin.create_permission_set(InstanceArn=INSTANCE, Name=name, Tags=tags, **more)
        self.sets[name] = arn = made["PermissionSet"]["PermissionSetArn"]
        about = {"InstanceArn": INSTANCE, "PermissionSetArn": arn}
        for policy in managed:
            self.admin.attach_managed_policy_to_permission_set(**about, ManagedPolicyArn=f"{AWS_MANAGED}{policy}")
        if customer:
            path, _, policy = customer.rpartition("/")
            reference = {"Name": policy, "Path": f"{path}/"}
            self.admin.attach_customer_managed_policy_reference_to_permission_set(
                **about, CustomerManagedPolicyReference=reference
            )
        if inline:
            self.admin.put_inline_policy_to_permission_set(**about, InlinePolicy=json.dumps(inline))
        if boundary:
            self.admin.put_permissions_boundary_to_permission_set(**about, PermissionsBoundary=boundary)

    def assign(self, name: str, *accounts: str, group: str = "", user: str = "") -> None:
        kind, principal = ("GROUP", self.groups[group]) if group else ("USER", self.users[user])
        for account in accounts:
            self.admin.create_account_assignment(
                InstanceArn=INSTANCE,
                PermissionSetArn=self.sets[name],
                TargetType="AWS_ACCOUNT",
                TargetId=self.accounts.get(account, account),
                PrincipalType=kind,
                PrincipalId=principal,
            )

    def delete_user(self, name: str) -> None:
        self.people.delete_user(IdentityStoreId=STORE, UserId=self.users.pop(name))


def _tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _statement(effect: str, *actions: str, **more: Any) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": effect, "Action": list(actions), "Resource": "*", **more}],
    }


# As Leverage leaves it


def leverage(aws: Aws) -> Seeded:
    """Makes what the layers of Leverage's starter leave in the management account."""
    services = ["malware-protection.guardduty", "guardduty", "access-analyzer", "aws-artifact-account-sync", "backup"]
    services += ["cloudtrail", "config", "ram", "fms", "inspector2"]
    made = Seeded(aws, *services, types=("SERVICE_CONTROL_POLICY", "BACKUP_POLICY"))
    security, shared = made.unit("security"), made.unit("shared")
    made.account("acme-security", "aws+security@acme.io", security)
    made.account("acme-shared", "aws+shared@acme.io", shared)
    made.policy("default", _statement("Allow", "cloudtrail:*", "iam:*", "s3:*", "config:*", "kms:*"), security)
    made.policy("standard", _statement("Allow", "ec2:*", "iam:*", "s3:*", "rds:*", "kms:*", "route53:*"), shared)
    tagged = {"StringEquals": {"aws:ResourceTag/protectFromDeletion": "true"}}
    made.policy("delete-protection", _statement("Deny", "ec2:DeleteTransitGateway*", Condition=tagged), shared)
    untag = {"ForAnyValue:StringEquals": {"aws:TagKeys": ["ProtectFromDeletion"]}}
    made.policy("tag-protection", _statement("Deny", "ec2:CreateTags", "ec2:DeleteTags", Condition=untag), shared)
    for service in ("access-analyzer", "cloudtrail", "guardduty", "fms"):
        made.delegate(made.accounts["acme-security"], f"{service}.amazonaws.com")
    aws.client("iam").create_service_linked_role(AWSServiceName="access-analyzer.amazonaws.com")
    aws.client("ec2").enable_ebs_encryption_by_default()
    flags = {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": False,
        "RestrictPublicBuckets": False,
    }
    aws.client("s3control").put_public_access_block(AccountId=ACCOUNT, PublicAccessBlockConfiguration=flags)
    for given, family in (("Ana", "Adler"), ("Ben", "Becker"), ("Cleo", "Conti")):
        made.user(f"{given}.{family}@acme.io".lower(), given, family)
    everybody = list(made.users)
    groups = {"Administrators": everybody[:1], "DevOps": everybody[:2], "FinOps": everybody[2:]}
    for name, members in {**groups, "SecurityAuditor": everybody[1:], "ReadOnly": everybody}.items():
        made.group(name, *members, description=f"Provides {name} access")
    terraform: dict[str, Any] = {"tags": {"Terraform": "true"}, "SessionDuration": "PT1H"}
    made.permission_set("Administrator", "AdministratorAccess", Description="Provides full access", **terraform)
    region = {"StringEquals": {"aws:RequestedRegion": ["us-east-1", "us-west-2"]}}
    devops = _statement("Allow", "ec2:*", "s3:*", "eks:*", "rds:*", Condition=region)
    made.permission_set("DevOps", inline=devops, Description="Provides DevOps access", **terraform)
    made.permission_set("FinOps", "job-function/Billing", Description="Provides billing access", **terraform)
    views = "job-function/ViewOnlyAccess"
    made.permission_set("SecurityAuditor", "SecurityAudit", views, Description="Provides audit access", **terraform)
    made.permission_set("ReadOnly", views, Description="Provides view access", **terraform)
    for name, group, accounts in (
        ("Administrator", "Administrators", ("management",)),
        ("DevOps", "DevOps", ("acme-security", "acme-shared")),
        ("FinOps", "FinOps", ("management",)),
        ("SecurityAuditor", "SecurityAuditor", ("acme-security", "acme-shared")),
        ("ReadOnly", "ReadOnly", ("acme-shared",)),
    ):
        made.assign(name, *accounts, group=group)
    return made


# Beside Control Tower


def control_tower(aws: Aws) -> Seeded:
    """Makes what Control Tower sets up, with people and groups of an identity provider, and access of one's own."""
    made = Seeded(aws, "controltower", "cloudtrail", "config", "iam", "member.org.stacksets.cloudformation")
    _settings(aws)
    security, sandbox, workloads = made.unit("Security"), made.unit("Sandbox"), made.unit("Workloads")
    live, test = made.unit("Prod", workloads), made.unit("Test", workloads)
    made.account("Log Archive", "aws+log@acme.io", security)
    made.account("Audit", "aws+audit@acme.io", security)
    for number in range(4):
        made.account(f"shop-prod-{number}", f"aws+shop-prod-{number}@acme.io", live, stage="prod")
        made.account(f"shop-test-{number}", f"aws+shop-test-{number}@acme.io", test, stage="test")
    made.account("Playground", "aws+play@acme.io", sandbox)
    for number, unit in enumerate((security, sandbox, workloads)):
        role = {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/AWSControlTowerExecution"}}
        made.policy(f"aws-guardrails-AbCdE{number}", _statement("Deny", "cloudtrail:StopLogging", Condition=role), unit)
    made.policy("Deny leaving", _statement("Deny", "organizations:LeaveOrganization"), made.root, description="Stay.")
    made.delegate(made.accounts["Audit"], "config.amazonaws.com")
    made.user("aws@example.com", "AWS Control Tower", "Admin")
    made.group(
        "AWSControlTowerAdmins", "aws@example.com", description="Admin rights to AWS Control Tower core accounts"
    )
    made.group("AWSSecurityAuditors", description="Read-only access to all accounts for security audits")
    made.group("AWSLogArchiveViewers", description="Read-only access to log archive account")
    for name in ("ana", "ben", "cleo", "dina"):
        made.user(f"{name}@acme.io", name.title(), "Adler")
    scim = [f"{name}@acme.io" for name in ("ana", "ben", "cleo", "dina")]
    made.group("AWS Platform", *scim[:2])
    made.group("AWS Developers", *scim[1:])
    made.group("Everybody", *scim)
    aws.order("scim", users=scim, groups=["AWS Platform", "AWS Developers", "Everybody"])
    made.permission_set("AWSAdministratorAccess", "AdministratorAccess", Description="Provides full access")
    made.permission_set("AWSReadOnlyAccess", "job-function/ViewOnlyAccess")
    made.assign("AWSAdministratorAccess", "management", "Log Archive", "Audit", group="AWSControlTowerAdmins")
    made.assign("AWSReadOnlyAccess", *made.accounts, group="AWSSecurityAuditors")
    made.permission_set("PlatformAdmin", "AdministratorAccess", SessionDuration="PT8H", tags={"owner": "platform"})
    made.permission_set(
        "Developer", "PowerUserAccess", inline=_statement("Deny", "iam:*User*"), SessionDuration="PT90M"
    )
    made.permission_set("Audit", "SecurityAudit", customer="/audit/ReadTickets")
    made.assign("PlatformAdmin", *made.accounts, group="AWS Platform")
    made.assign("Developer", *(one for one in made.accounts if one.startswith("shop-test")), group="AWS Developers")
    made.assign("Developer", "Playground", user="dina@acme.io")
    made.assign("Audit", *made.accounts, group="AWSSecurityAuditors")
    return made


def _settings(aws: Aws) -> None:
    """Sets the account as Strata does where it manages it."""
    flags = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    block = dict.fromkeys(flags, True)
    aws.client("s3control").put_public_access_block(AccountId=ACCOUNT, PublicAccessBlockConfiguration=block)
    iam, ec2 = aws.client("iam"), aws.client("ec2")
    kinds = ("Symbols", "Numbers", "UppercaseCharacters", "LowercaseCharacters")
    iam.update_account_password_policy(
        MinimumPasswordLength=20,
        PasswordReusePrevention=24,
        AllowUsersToChangePassword=True,
        **dict.fromkeys((f"Require{kind}" for kind in kinds), True),
    )
    ec2.enable_snapshot_block_public_access(State="block-all-sharing")
    iam.enable_organizations_root_sessions()


# Grown by hand for years


def grown(aws: Aws, accounts: int = 120, sets: int = 24, users: int = 60, groups: int = 30) -> Seeded:
    """Makes what many hands left: names twice, odd names, people without mail, grants of the deleted, and a lot."""
    dice = random.Random(accounts)  # noqa: S311  # for variety
    aws.order("organization", account_limit=2 * accounts)
    types = ("SERVICE_CONTROL_POLICY", "TAG_POLICY", "RESOURCE_CONTROL_POLICY")
    made = Seeded(aws, "ram", "cloudtrail", "backup", types=types)
    units = {"root": made.root, "old": made.unit("Old stuff")}
    for division in ("Retail", "Bank", "Größe & Maß"):
        above = made.unit(division, owner=division[:4])
        units[division] = above
        units |= {f"{division}/{stage}": made.unit(stage, above) for stage in ("Prod", "Test", "yes")}
    places = [name for name in units if "/" in name]
    held: dict[str, list[str]] = {name: [] for name in units}
    for number in range(accounts):
        place = dice.choice(places) if number > 5 else dice.choice(("root", "old", "Bank"))
        name = dice.choice((f"acme-{number}", f"Team {number} / live", f"app{number}", f"{number}-legacy"))
        stage = place.partition("/")[2] or "none"
        made.account(
            name, f"aws+{number}@acme.io", units[place] if place != "root" else "", stage=stage, number=str(number)
        )
        held[place].append(name)
    _policies(made, units, held)
    _center(made, dice, held, sets, users, groups)
    return made


def _policies(made: Seeded, units: Mapping[str, str], held: Mapping[str, list[str]]) -> None:
    for number, place in enumerate(("root", "Retail", "Bank/Prod", "Bank/Test", "old")):
        denied = _statement("Deny", "organizations:LeaveOrganization", "iam:DeleteAccountAlias")
        made.policy(f"SCP {number} ({place})", denied, units[place], description=f"For {place}")
    made.policy("on", _statement("Deny", "cloudtrail:StopLoging"), made.accounts[held["Bank/Prod"][0]])
    made.policy("Nothing yet", _statement("Deny", "s3:DeleteBucket"))
    tag = {"tags": {"team": {"tag_key": {"@@assign": "team"}}}}
    made.policy("Tags", tag, made.root, type="TAG_POLICY", purpose="order")
    rcp = _statement("Deny", "s3:*", Principal="*", Condition={"Bool": {"aws:SecureTransport": "false"}})
    made.policy("TLS", rcp, units["Retail"], type="RESOURCE_CONTROL_POLICY")


def _center(
    made: Seeded, dice: random.Random, held: Mapping[str, list[str]], sets: int, users: int, groups: int
) -> None:
    for number in range(users):
        name = f"user{number}@acme.io" if number % 7 else f"robot-{number}"
        made.user(name, f"Given{number}", "O'Neil-Ünal" if number % 3 else "Berg")
    made.user("gone@acme.io")
    everybody = [name for name in made.users if name != "gone@acme.io"]
    for number in range(groups):
        members = dice.sample(everybody, min(len(everybody), dice.randint(0, 9)))
        made.group(
            f"Team {number}" if number % 4 else f"{number} & Co", *members, description="" if number % 2 else "A team."
        )
    boundary = {"ManagedPolicyArn": f"{AWS_MANAGED}PowerUserAccess"}
    for number in range(sets):
        made.permission_set(
            f"Set-{number}",
            *dice.sample(
                ("ReadOnlyAccess", "SecurityAudit", "PowerUserAccess", "job-function/Billing"), dice.randint(1, 2)
            ),
            inline=_statement("Deny", "iam:CreateUser") if number % 5 == 0 else None,
            customer="/Operate" if number % 6 == 0 else "",
            boundary=boundary if number % 9 == 0 else None,
            SessionDuration=dice.choice(("PT1H", "PT90M", "PT12H")),
        )
    made.permission_set("Admin", "AdministratorAccess")
    made.permission_set("Empty")
    teams, names = list(made.groups), [name for name in made.sets if name.startswith("Set-")]
    made.assign("Admin", *made.accounts, group=teams[1])
    made.assign("Set-0", *(one for one in made.accounts if one != "management"), group=teams[2])
    for team in teams[3:]:
        place = dice.choice([one for one in held if "/" in one and held[one]])
        inside = held[place]
        few = inside if dice.random() < 0.5 else dice.sample(inside, min(len(inside), 4))
        made.assign(dice.choice(names), *few, group=team)
    for name in everybody[:6]:
        made.assign(dice.choice(names), dice.choice(list(made.accounts)), user=name)
    made.assign("Set-1", held["old"][0] if held["old"] else "management", user="gone@acme.io")
    made.delete_user("gone@acme.io")


# Odd names


ODD = ("${x}", "%{x}", "%%{x} $${x}", "{{x}}", "yes", "null", "1e3", "0123", "a/b: #c", "'q' \"r\" \\s", "*", "x" * 60)
"""What Terraform, YAML or Strata could take for something else; AWS takes it for most names."""
WIDE = ("🎉", "Größe", "東京", "e\u00e9 ß", "\U0001d4b3")


def odd(aws: Aws) -> Seeded:
    """Makes an organization whose names, descriptions and documents somebody could take for something else."""
    types = ("SERVICE_CONTROL_POLICY", "TAG_POLICY", "BACKUP_POLICY", "DECLARATIVE_POLICY_EC2", "CHATBOT_POLICY")
    made = Seeded(aws, "backup", "chatbot", "guardduty", types=("SERVICE_CONTROL_POLICY",))
    made.organizations.enable_aws_service_access(ServicePrincipal="ec2.amazonaws.com")
    for type in types[1:]:
        made.organizations.enable_policy_type(RootId=made.root, PolicyType=type)
    aws.order("organization", account_limit=100)
    units = [made.unit(name, owner="yes") for name in (*ODD, *WIDE, "x" * 128, "Root", "management")]
    inner = [made.unit("Prod", unit) for unit in (*units[:3], made.root)]
    for number, name in enumerate(name[:50] for name in (*ODD, "management", "acme-", "acme-1")):
        place = [*inner, *units][number]
        made.account(name, f"aws+{number}@acme.io", place, **{"null": "1e3", "a b": "0123", "e": "", "Größe": "東京"})
    for number, name in enumerate((*ODD, *WIDE)):
        deny = _statement("Deny", "s3:Delete*", Sid=f"No{number}")
        deny["Statement"][0]["Resource"] = "arn:aws:s3:::${aws:PrincipalAccount}/*"
        made.policy(name, deny, units[number], description=f'{name}\nand more "quoted"')
    made.policy("templated", _statement("Deny", "s3:*", Condition={"StringEquals": {"aws:PrincipalTag/x": "{{x}}"}}))
    made.policy("Tags", {"tags": {"a": {"tag_key": {"@@assign": "${x} %{y}"}}}}, made.accounts["yes"], type=types[1])
    made.policy("Backups", {"plans": {}}, units[0], type=types[2])
    console = {"ec2_attributes": {"serial_console_access": {"status": {"@@assign": "disabled"}}}}
    made.policy("Console", console, made.root, type=types[3])
    made.policy("Chat", {"chatbot": {"platforms": {}}}, type=types[4])
    made.delegate(made.accounts["null"], "guardduty.amazonaws.com", "backup.amazonaws.com")
    made.delegate(made.accounts["yes"], "backup.amazonaws.com")
    made.organizations.detach_policy(PolicyId="p-FullAWSAccess", TargetId=units[1])
    _odd_center(made)
    return made


def _odd_center(made: Seeded) -> None:
    for number, name in enumerate((*(one for one in ODD if " " not in one), *WIDE[:3])):
        made.user(name, name, 'O\'Neil "x" ${y}', Emails=_mail(f"user{number}@acme.io"))
    made.user("ana@acme.io", "Ana", "Adler")
    made.user("ana@corp.io", "Ana", "Abel", DisplayName="{{ana}} ${x}")
    made.user("both", "Two", "Mails", Emails=[*_mail("a@acme.io"), {"Value": "b@acme.io", "Type": "home"}])
    for name in (*ODD, *WIDE, "ana@acme.io", "management", "all", "x" * 1024, "a.b", "a-b"):
        made.group(name, *list(made.users)[:3], description=f'{name[:500]} "quoted" and\n%{{broken}}')
    sets = ("a+b=c,d.e@f_g-h", "yes", "null", "0123", "1e3", "x" * 32, "a_b", "a-b")
    for number, name in enumerate(sets):
        inline = _statement("Allow", "s3:Get*")
        inline["Statement"][0]["Resource"] = "arn:aws:s3:::home/${aws:username}/*"
        made.permission_set(
            name,
            *("ReadOnlyAccess",)[: number % 2],
            inline=inline,
            customer=("/Ops", "/a/b/Ops")[number % 2] if number % 3 else "",
            boundary={"CustomerManagedPolicyReference": {"Name": "Edge", "Path": "/a/"}} if number % 4 == 0 else None,
            Description=f"{name} ${{x}} %{{y}} {{{{z}}}} größer",
            SessionDuration=("PT1H", "PT90M", "PT1H30M", "PT12H")[number % 4],
            RelayState="https://console.aws.amazon.com/s3/?region=us-east-1#x",
            tags={"null": "yes", "a b": "1e3"},
        )
    for number, group in enumerate(made.groups):
        made.assign(sets[number % len(sets)], *list(made.accounts)[: 1 + number], group=group)
    for number, user in enumerate(made.users):
        made.assign(sets[number % len(sets)], "management", user=user)
    attributes = [{"Key": "Cost Center", "Value": {"Source": ["${path:enterprise.costCenter}"]}}]
    made.admin.create_instance_access_control_attribute_configuration(
        InstanceArn=INSTANCE, InstanceAccessControlAttributeConfiguration={"AccessControlAttributes": attributes}
    )


def _mail(address: str) -> list[dict[str, Any]]:
    return [{"Value": address, "Type": "work", "Primary": True}]
