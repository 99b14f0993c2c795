"""Configurations that tests write: of any size, as an operator of that size would, and the shipped one with an edit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.synthesized import SHIPPED

ACCOUNTS_A_UNIT = 10
EXPIRED = "  - {permission_sets: [ReadOnly], groups: [readonly], accounts: [shared], until: 2026-01-01}\n"


def write_configuration(folder: Path, *, accounts: int, assignments: int) -> None:
    """Writes a configuration whose member accounts have so many assignments each.

    Half of them come from entries for many accounts (all, tags, wildcards, a unit with all below it), half from
    entries of the team that owns the unit, so that the number of entries grows with the number of accounts.
    """
    (folder / "policies").mkdir(parents=True)
    for name, lines in (
        ("project.yaml", _project(accounts, assignments)),
        ("organization.yaml", _organization(accounts)),
        ("security.yaml", ["alerts:", "  emails:", "    - alerts@generated.io", "budget:", "  mode: off"]),
        ("sso.yaml", _sso(accounts, assignments)),
    ):
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    statement = {"Sid": "Deny", "Effect": "Deny", "Action": "organizations:LeaveOrganization", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    (folder / "policies" / "deny.json").write_text(json.dumps(document), encoding="utf-8")


def _units(accounts: int) -> int:
    return -(-accounts // ACCOUNTS_A_UNIT)


def _project(accounts: int, assignments: int) -> list[str]:
    return [
        "name: generated",
        "short_name: gen",
        "management_account:",
        '  id: "210987654321"',
        "  name: generated-management",
        "  email: aws@generated.io",
        "regions:",
        "  primary: eu-west-1",
        "  secondary: eu-central-1",
        "limits:",
        f"  accounts: {accounts + 1}",
        f"  permission_sets_per_account: {max(assignments, 500)}",
    ]


def _organization(accounts: int) -> Iterator[str]:
    yield "organizational_units:"
    yield "  workloads:"
    yield "    organizational_units:"
    yield from (f"      team-{unit}:" for unit in range(_units(accounts)))
    yield "accounts:"
    for number in range(accounts):
        yield f"  account-{number}:"
        yield f"    email: aws+{number}@generated.io"
        yield f"    organizational_unit: team-{number // ACCOUNTS_A_UNIT}"
        yield "    tags:"
        yield f"      Environment: {('production', 'staging', 'development')[number % 3]}"
        yield f"      Team: team-{number // ACCOUNTS_A_UNIT}"
    yield "policies:"
    for policy in range(3):
        yield f"  deny-{policy}:"
        yield "    type: SERVICE_CONTROL_POLICY"
        yield "    file: policies/deny.json"
        yield "    targets:"
        yield "      organizational_units:"
        yield from (f"        - team-{unit}" for unit in range(_units(accounts)))


_MANY = (
    ["    accounts: all"],
    ["    organizational_units:", "      - workloads"],
    ["    accounts:", "      - account-*"],
    ["    tags:", "      Environment: '*'"],
    ["    organizational_units:", "      - root", "    except:", "      accounts:", "        - account-0"],
)


def _sso(accounts: int, assignments: int) -> Iterator[str]:
    yield "users:"
    for user in range(accounts):
        yield f"  user-{user}:"
        yield f"    given_name: User{user}"
        yield "    family_name: Generated"
        yield f"    email: user-{user}@generated.io"
    yield "groups:"
    for unit in range(_units(accounts)):
        yield f"  team-{unit}:"
        yield "    members:"
        yield from (f"      - user-{(unit * ACCOUNTS_A_UNIT + one) % accounts}" for one in range(5))
    yield "permission_sets:"
    for one in range(assignments):
        yield f"  Set{one}:"
        yield "    policies:"
        yield f"      - aws: {'job-function/ViewOnlyAccess' if one else 'AdministratorAccess'}"
    yield "assignments:"
    for one in range(assignments // 2):
        yield from _entry(f"Set{one}", f"team-{one % _units(accounts)}", _MANY[one % len(_MANY)])
    for unit in range(_units(accounts)):
        for one in range(assignments // 2, assignments):
            yield from _entry(f"Set{one}", f"team-{unit}", ["    organizational_units:", f"      - team-{unit}"])


def _entry(permission_set: str, group: str, targets: list[str]) -> list[str]:
    return ["  - permission_sets:", f"      - {permission_set}", "    groups:", f"      - {group}", *targets]


def write_expectations(folder: Path, *, number: int) -> None:
    """Writes expectations that hold for a generated configuration, of every kind in turn, most about every account."""
    (folder / "expectations.yaml").write_text(
        "".join(_EXPECTATIONS[one % len(_EXPECTATIONS)].format(number=one) for one in range(number)), encoding="utf-8"
    )


_EXPECTATIONS = (
    "- {{id: e{number}, reason: stays, denied: organizations:LeaveOrganization, as: [anybody, root], in: root}}\n",
    "- {{id: e{number}, reason: stays, denied: organizations:Leave*, as: everybody, in: root}}\n",
    "- {{id: e{number}, reason: read only, denied: [iam:Create*, s3:GetObject, rds:Delete*], as: everybody, in: all, "
    "except: {{as: Set0}}}}\n",
    "- {{id: e{number}, reason: read only, denied: 'ec2:Create*', as: team-{number}, in: ou/team-{number}, "
    "region: other, except: {{as: Set0}}}}\n",
    "- {{id: e{number}, reason: sees, allowed: [ec2:DescribeInstances, s3:ListAllMyBuckets], as: team-{number}, "
    "in: ou/team-{number}}}\n",
    "- {{id: e{number}, reason: repairs, allowed: [iam:CreateRole, s3:*], as: Set0, in: all, except: {{in: "
    "ou/team-{number}}}}}\n",
    "- {{id: e{number}, reason: repairs, allowed: 'ec2:*', as: role/OrganizationAccountAccessRole, in: "
    "ou/workloads}}\n",
)


def with_expired(folder: Path) -> Path:
    """Writes the shipped configuration with one assignment that has expired to a new folder."""
    shutil.copytree(SHIPPED, folder)
    sso = folder / "sso.yaml"
    sso.write_text(sso.read_text().replace("assignments:\n", f"assignments:\n{EXPIRED}"))
    return folder
