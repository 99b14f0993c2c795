"""Organizations that others made: by hand, by Leverage, beside Control Tower, grown for years, and of odd names."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from typing import Any

from tests.organizations import (
    Organization,
    Thing,
    account,
    attribute,
    control,
    delegated,
    gone,
    grant,
    group,
    no_full_access,
    permission_set,
    policy,
    policy_type,
    root_access,
    service,
    unit,
    user,
)

_VIEWS = "job-function/ViewOnlyAccess"
DENY_S3 = '{ "Version":"2012-10-17",\n  "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}] }'


def _document(effect: str, *actions: str, **more: Any) -> str:
    statement = {"Effect": effect, "Action": list(actions), "Resource": "*", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=2)


def _services(*names: str) -> list[Thing]:
    return [service(f"{name}.amazonaws.com") for name in names]


def _person(email: str, given: str = "Kim", family: str = "Berg", **more: Any) -> Thing:
    return user(email, given=given, family=family, **more)


# A few things that people made by hand

_ANALYZER = "access-analyzer.amazonaws.com"
SMALL = Organization(
    [unit("work", "Work loads", tags={"owner": "ops"}), unit("live", "Live", within="work")],
    account("a0", within="live", name="a0@example.com"),
    [account(f"a{number}", name=f"a{number}@example.com", tags={"number": str(number)}) for number in (1, 2)],
    policy("no s3", "work", "a1", document=DENY_S3, description="no S3"),
    [service(_ANALYZER), delegated(_ANALYZER, "a1")],
    [user("ana", name="ana", shown="Ana A."), user("gone", name="gone", emails=())],
    group("ops", "ana", description="Operates."),
    permission_set(
        "Admin",
        "ReadOnlyAccess",
        session="PT90M",
        relay_state="https://console.aws.amazon.com/",
        tags={"a": "b"},
        customer=("/a/Ops",),
        inline=DENY_S3,
        boundary="/Edge",
    ),
    [grant("Admin", "ops", "a0"), grant("Admin", "gone", "a0", "a1"), grant("Admin", "ana", "management")],
    default_tags=False,
).at_aws(gone("user", "gone"))


# As Leverage leaves it


def _leverage() -> Iterator[Any]:
    """Yields what the layers of Leverage's starter leave in the management account."""
    yield _services("malware-protection.guardduty", "guardduty", "access-analyzer", "aws-artifact-account-sync")
    yield _services("backup", "cloudtrail", "config", "ram", "fms", "inspector2")
    yield policy_type("BACKUP_POLICY")
    yield [unit("security"), unit("shared")]
    yield account("acme-security", "security", name="acme-security", email="aws+security@acme.io")
    yield account("acme-shared", "shared", name="acme-shared", email="aws+shared@acme.io")
    allowed = {
        "security": ("cloudtrail:*", "iam:*", "s3:*", "config:*", "kms:*"),
        "shared": ("ec2:*", "iam:*", "s3:*", "rds:*", "kms:*", "route53:*"),
    }
    yield policy("default", "security", document=_document("Allow", *allowed["security"]))
    yield policy("standard", "shared", document=_document("Allow", *allowed["shared"]))
    tagged = {"StringEquals": {"aws:ResourceTag/protectFromDeletion": "true"}}
    yield policy(
        "delete-protection", "shared", document=_document("Deny", "ec2:DeleteTransitGateway*", Condition=tagged)
    )
    untag = {"ForAnyValue:StringEquals": {"aws:TagKeys": ["ProtectFromDeletion"]}}
    protected = _document("Deny", "ec2:CreateTags", "ec2:DeleteTags", Condition=untag)
    yield policy("tag-protection", "shared", document=protected)
    for name in ("access-analyzer", "cloudtrail", "guardduty", "fms"):
        yield delegated(f"{name}.amazonaws.com", "acme-security")
    half = {"block_public_policy": False, "restrict_public_buckets": False}
    yield [control("ebs_encryption"), control("s3_public_access", at={"": half})]
    names = (("Ana", "Adler"), ("Ben", "Becker"), ("Cleo", "Conti"))
    everybody = [f"{given}.{family}@acme.io".lower() for given, family in names]
    yield [_person(email, *name) for email, name in zip(everybody, names, strict=True)]
    groups = {"Administrators": everybody[:1], "DevOpsTeam": everybody[:2], "FinOpsTeam": everybody[2:]}
    groups |= {"SecurityAuditors": everybody[1:], "Readers": everybody}
    for name, members in groups.items():
        yield group(name, *members, description=f"Provides {name} access")
    told: dict[str, Any] = {"tags": {"Terraform": "true"}}
    region = {"StringEquals": {"aws:RequestedRegion": ["us-east-1", "us-west-2"]}}
    devops = _document("Allow", "ec2:*", "s3:*", "eks:*", "rds:*", Condition=region)
    yield permission_set("Administrator", "AdministratorAccess", description="Provides full access", **told)
    yield permission_set("DevOps", inline=devops, description="Provides DevOps access", **told)
    yield permission_set("FinOps", "job-function/Billing", description="Provides billing access", **told)
    yield permission_set("SecurityAuditor", "SecurityAudit", _VIEWS, description="Provides audit access", **told)
    yield permission_set("ReadOnly", _VIEWS, description="Provides view access", **told)
    yield grant("Administrator", "Administrators", "management")
    yield grant("DevOps", "DevOpsTeam", "acme-security", "acme-shared")
    yield grant("FinOps", "FinOpsTeam", "management")
    yield grant("SecurityAuditor", "SecurityAuditors", "acme-security", "acme-shared")
    yield grant("ReadOnly", "Readers", "acme-shared")


LEVERAGE = Organization(*_leverage(), default_tags=False)


# Beside Control Tower


def _control_tower() -> Iterator[Any]:
    """Yields what Control Tower sets up, people and groups of an identity provider, and access of one's own."""
    yield _services("controltower", "cloudtrail", "config", "iam", "member.org.stacksets.cloudformation")
    yield [
        control("s3_public_access"),
        control("password_policy", minimum_length=20),
        control("snapshot_public_access"),
    ]
    yield root_access("RootSessions")
    yield [unit("Security"), unit("Sandbox"), unit("Workloads"), unit("Prod", within="Workloads")]
    yield unit("Test", within="Workloads")
    yield account("Log Archive", "Security", name="Log Archive", email="aws+log@acme.io")
    yield account("Audit", "Security", name="Audit", email="aws+audit@acme.io")
    shops = [f"shop-{stage}-{number}" for number in range(4) for stage in ("prod", "test")]
    for number, name in enumerate(shops, 1):
        stage, told = name.split("-")[1], {"name": name, "email": f"aws+{name}@acme.io", "number": number}
        yield account(name, stage.title(), tags={"stage": stage}, **told)
    yield account("Playground", "Sandbox", name="Playground", email="aws+play@acme.io")
    everywhere = ["management", "Log Archive", "Audit", *shops, "Playground"]
    role = {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/AWSControlTowerExecution"}}
    stop = _document("Deny", "cloudtrail:StopLogging", Condition=role, Sid="GRCLOUDTRAILENABLED")
    for number, place in enumerate(("Security", "Sandbox", "Workloads")):
        yield policy(f"aws-guardrails-AbCdE{number}", place, document=stop)
    leave = _document("Deny", "organizations:LeaveOrganization")
    yield policy("Deny leaving", "root", document=leave, description="Stay.")
    yield delegated("config.amazonaws.com", "Audit")
    yield _person("aws@example.com", "AWS Control Tower", "Admin")
    admins = "Admin rights to AWS Control Tower core accounts"
    yield group("AWSControlTowerAdmins", "aws@example.com", description=admins)
    yield group("AWSSecurityAuditors", description="Read-only access to all accounts for security audits")
    yield group("AWSLogArchiveViewers", description="Read-only access to log archive account")
    scim = [f"{name}@acme.io" for name in ("ana", "ben", "cleo", "dina")]
    yield [_person(email, email.partition("@")[0].title(), "Adler", external=True) for email in scim]
    yield group("AWS Platform", *scim[:2], external=True)
    yield group("AWS Developers", *scim[1:], external=True)
    yield group("Everybody", *scim, external=True)
    yield permission_set("AWSAdministratorAccess", "AdministratorAccess", description="Provides full access")
    yield permission_set("AWSReadOnlyAccess", _VIEWS)
    yield grant("AWSAdministratorAccess", "AWSControlTowerAdmins", "management", "Log Archive", "Audit")
    yield grant("AWSReadOnlyAccess", "AWSSecurityAuditors", *everywhere)
    yield permission_set("PlatformAdmin", "AdministratorAccess", session="PT8H", tags={"owner": "platform"})
    yield permission_set("Developer", "PowerUserAccess", inline=_document("Deny", "iam:*User*"), session="PT90M")
    yield permission_set("AuditTickets", "SecurityAudit", customer=("/audit/ReadTickets",))
    yield grant("PlatformAdmin", "AWS Platform", *everywhere)
    yield grant("Developer", "AWS Developers", *(one for one in shops if one.startswith("shop-test")))
    yield grant("Developer", "dina@acme.io", "Playground")
    yield grant("AuditTickets", "AWSSecurityAuditors", *everywhere)


CONTROL_TOWER = Organization(*_control_tower(), default_tags=False)


# Grown by hand for years


def grown(accounts: int = 120, sets: int = 24, users: int = 60, groups: int = 30) -> Organization:
    """Returns what many hands left: names twice, odd names, people without mail, grants of the deleted, and a lot."""
    dice = random.Random(accounts)  # noqa: S311  # for variety
    held: dict[str, list[str]] = {"root": [], "old": []}
    there: list[Any] = [_services("ram", "cloudtrail", "backup"), unit("old", "Old stuff")]
    there += [policy_type("TAG_POLICY"), policy_type("RESOURCE_CONTROL_POLICY")]
    for division in ("Retail", "Bank", "Größe & Maß"):
        there += [unit(division, tags={"owner": division[:4]})]
        there += [unit(f"{division}/{stage}", stage, within=division) for stage in ("Prod", "Test", "yes")]
        held |= {name: [] for name in (division, *(f"{division}/{stage}" for stage in ("Prod", "Test", "yes")))}
    places = [name for name in held if "/" in name]
    for number in range(accounts):
        place = dice.choice(places) if number > 5 else dice.choice(("root", "old", "Bank"))
        name = dice.choice((f"acme-{number}", f"Team {number} / live", f"app{number}", f"{number}-legacy"))
        tags = {"stage": place.partition("/")[2] or "none", "number": str(number)}
        there += [account(name, place, name=name, email=f"aws+{number}@acme.io", tags=tags, number=number + 1)]
        held[place].append(name)
    there += [*_policies(held), *_center(dice, held, sets, users, groups)]
    return Organization(*there, default_tags=False).at_aws(gone("user", "gone@acme.io"))


def _policies(held: Mapping[str, list[str]]) -> Iterator[Thing]:
    denied = _document("Deny", "organizations:LeaveOrganization", "iam:DeleteAccountAlias")
    for number, place in enumerate(("root", "Retail", "Bank/Prod", "Bank/Test", "old")):
        yield policy(f"SCP {number} ({place})", place, document=denied, description=f"For {place}")
    yield policy("on", held["Bank/Prod"][0], document=_document("Deny", "cloudtrail:StopLoging"))
    yield policy("Nothing yet", document=_document("Deny", "s3:DeleteBucket"))
    tag = json.dumps({"tags": {"team": {"tag_key": {"@@assign": "team"}}}})
    yield policy("Tags", "root", document=tag, type="TAG_POLICY", tags={"purpose": "order"})
    tls = _document("Deny", "s3:*", Principal="*", Condition={"Bool": {"aws:SecureTransport": "false"}})
    yield policy("TLS", "Retail", document=tls, type="RESOURCE_CONTROL_POLICY")


def _center(dice: random.Random, held: Mapping[str, list[str]], sets: int, users: int, groups: int) -> Iterator[Any]:
    names = [f"user{number}@acme.io" if number % 7 else f"robot-{number}" for number in range(users)]
    for number, name in enumerate(names):
        family, emails = "O'Neil-Ünal" if number % 3 else "Berg", (name,) if "@" in name else ()
        yield _person(name, f"Given{number}", family, name=name, emails=emails, number=number + 1)
    yield _person("gone@acme.io")
    teams = [f"Team {number}" if number % 4 else f"{number} & Co" for number in range(groups)]
    for number, name in enumerate(teams):
        members = dice.sample(names, min(len(names), dice.randint(0, 9)))
        yield group(name, *members, description="" if number % 2 else "A team.", number=number + 1)
    some = ("ReadOnlyAccess", "SecurityAudit", "PowerUserAccess", "job-function/Billing")
    numbered = [f"Set-{number}" for number in range(sets)]
    for number, name in enumerate(numbered):
        yield permission_set(
            name,
            *dice.sample(some, dice.randint(1, 2)),
            inline=_document("Deny", "iam:CreateUser") if number % 5 == 0 else "",
            customer=("/Operate",) if number % 6 == 0 else (),
            boundary="PowerUserAccess" if number % 9 == 0 else "",
            session=dice.choice(("PT1H", "PT90M", "PT12H")),
        )
    yield [permission_set("Admin", "AdministratorAccess"), permission_set("Empty")]
    accounts = [name for some in held.values() for name in some]
    yield [grant("Admin", teams[1], "management", *accounts), grant("Set-0", teams[2], *accounts)]
    for team in teams[3:]:
        inside = held[dice.choice([one for one in held if "/" in one and held[one]])]
        few = inside if dice.random() < 0.5 else dice.sample(inside, min(len(inside), 4))
        yield grant(dice.choice(numbered), team, *few)
    for name in names[:6]:
        yield grant(dice.choice(numbered), name, dice.choice(["management", *accounts]))
    yield grant("Set-1", "gone@acme.io", held["old"][0] if held["old"] else "management")


# Odd names


_SIGNS = ("${x}", "%{x}", "%%{x} $${x}", "{{x}}", "yes", "null", "1e3", "0123", "a/b: #c", "'q' \"r\" \\s", "*")
ODD_NAMES = (*_SIGNS, "x" * 60)
"""What Terraform, YAML or Strata could take for something else; AWS takes it for most names."""
WIDE = ("🎉", "Größe", "東京", "e\u00e9 ß", "\U0001d4b3")


def _odd() -> Iterator[Any]:
    """Yields an organization whose names, descriptions and documents somebody could take for something else."""
    yield _services("backup", "chatbot", "guardduty", "ec2")
    yield [policy_type(f"{one}_POLICY") for one in ("TAG", "BACKUP", "CHATBOT")]
    yield policy_type("DECLARATIVE_POLICY_EC2")
    names = (*ODD_NAMES, *WIDE, "x" * 128, "Root", "management")
    units = [f"unit {number}:" for number in range(len(names))]
    yield [unit(key, name, tags={"owner": "yes"}) for key, name in zip(units, names, strict=True)]
    inner = [f"inner {number}:" for number in range(4)]
    yield [unit(key, "Prod", within=above) for key, above in zip(inner, (*units[:3], "root"), strict=True)]
    tags = {"null": "1e3", "a b": "0123", "e": "", "Größe": "東京"}
    places = [*inner, *units]
    accounts = [f"account {number}:" for number in range(len(ODD_NAMES) + 3)]
    for number, name in enumerate(name[:50] for name in (*ODD_NAMES, "management", "acme-", "acme-1")):
        told: dict[str, Any] = {"name": name, "email": f"aws+{number}@acme.io", "tags": tags}
        yield account(accounts[number], places[number], **told)
    for number, name in enumerate((*ODD_NAMES, *WIDE)):
        denied = _document("Deny", "s3:Delete*", Sid=f"No{number}").replace(
            '"*"', '"arn:aws:s3:::${aws:PrincipalAccount}/*"'
        )
        described = f'{name}\nand more "quoted"'
        yield policy(f"policy {number}:", units[number], name=name, document=denied, description=described)
    templated = _document("Deny", "s3:*", Condition={"StringEquals": {"aws:PrincipalTag/x": "{{x}}"}})
    yield policy("templated", document=templated)
    yes, null = (accounts[ODD_NAMES.index(name)] for name in ("yes", "null"))
    tag = json.dumps({"tags": {"a": {"tag_key": {"@@assign": "${x} %{y}"}}}})
    yield policy("Tags", yes, document=tag, type="TAG_POLICY")
    yield policy("Backups", units[0], document='{"plans": {}}', type="BACKUP_POLICY")
    console = json.dumps({"ec2_attributes": {"serial_console_access": {"status": {"@@assign": "disabled"}}}})
    yield policy("Console", "root", document=console, type="DECLARATIVE_POLICY_EC2")
    yield policy("Chat", document='{"chatbot": {"platforms": {}}}', type="CHATBOT_POLICY")
    yield [delegated(f"{one}.amazonaws.com", null) for one in ("guardduty", "backup")]
    yield [delegated("backup.amazonaws.com", yes), no_full_access(units[1])]
    yield from _odd_center(["management", *accounts])


def _odd_center(accounts: list[str]) -> Iterator[Any]:
    names = (*(one for one in ODD_NAMES if " " not in one), *WIDE[:3])
    users = [f"user {number}:" for number in range(len(names))]
    for number, name in enumerate(names):
        told: dict[str, Any] = {"name": name, "emails": (f"user{number}@acme.io",)}
        yield _person(users[number], name, 'O\'Neil "x" ${y}', **told)
    yield [_person("ana@acme.io", "Ana", "Adler"), _person("ana@corp.io", "Ana", "Abel", shown="{{ana}} ${x}")]
    yield _person("both", "Two", "Mails", name="both", emails=("a@acme.io", "b@acme.io"))
    names = (*ODD_NAMES, *WIDE, "ana@acme.io", "management", "all", "x" * 1024, "a.b", "a-b")
    groups = [f"group {number}:" for number in range(len(names))]
    for key, name in zip(groups, names, strict=True):
        yield group(key, *users[:3], name=name, description=f'{name[:500]} "quoted" and\n%{{broken}}')
    sets = ("a+b=c,d.e@f_g-h", "yes", "null", "0123", "1e3", "x" * 32, "a_b", "a-b")
    home = _document("Allow", "s3:Get*").replace('"*"', '"arn:aws:s3:::home/${aws:username}/*"')
    for number, name in enumerate(sets):
        yield permission_set(
            name,
            *("ReadOnlyAccess",)[: number % 2],
            inline=home,
            customer=(("/Ops", "/a/b/Ops")[number % 2],) if number % 3 else (),
            boundary="/a/Edge" if number % 4 == 0 else "",
            description=f"{name} ${{x}} %{{y}} {{{{z}}}} größer",
            session=("PT1H", "PT90M", "PT1H30M", "PT12H")[number % 4],
            relay_state="https://console.aws.amazon.com/s3/?region=us-east-1#x",
            tags={"null": "yes", "a b": "1e3"},
            number=number + 1,
        )
    for number, key in enumerate(groups):
        yield grant(sets[number % len(sets)], key, *accounts[: 1 + number])
    for number, key in enumerate((*users, "ana@acme.io", "ana@corp.io", "both")):
        yield grant(sets[number % len(sets)], key, "management")
    yield attribute("Cost Center", "${path:enterprise.costCenter}")


ODD = Organization(*_odd(), default_tags=False)
