"""A configuration of any size, written as an operator of that size would: units, tags, teams, policies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

ACCOUNTS_A_UNIT = 10


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
