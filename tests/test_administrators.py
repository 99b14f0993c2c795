"""Who counts as having full access to the management account."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from strata.config.loader import read_partial
from strata.evaluation.administrators import administrators
from strata.landing_zone import LandingZone
from tests import bad_configurations

ON = dt.date(2026, 6, 1)
ADMIN = "Admin:\n    policies:\n      - aws: AdministratorAccess\n"
INLINE = f"{ADMIN}      - inline: policies/inline.json\n"
ASSIGNED = "assignments:\n  - permission_sets: [Admin]\n    groups: [admins]\n    accounts: all\n"
MEMBERS = "groups:\n  admins:\n    members: [ada]\n"


def sso(*parts: str, users: str = "ada") -> str:
    person = f"users:\n  {users}:\n    given_name: Ada\n    family_name: King\n    email: ada@acme.io\n"
    return person + "".join(parts)


def sets(text: str) -> str:
    return f"permission_sets:\n  {text}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small valid configuration, whose sso.yaml a test writes."""
    bad_configurations.write(tmp_path, bad_configurations.read()[0])
    return tmp_path


def found(folder: Path, text: str, document: Any = None, today: dt.date | None = None) -> list[str]:
    (folder / "sso.yaml").write_text(text)
    if document:
        (folder / "policies/inline.json").write_text(json.dumps({"Version": "2012-10-17", "Statement": document}))
    landing_zone = LandingZone.of(read_partial(folder)[0])  # not loaded, which refuses what nobody could undo
    assert landing_zone is not None
    who = administrators(landing_zone, *([today] if today else []))
    return sorted([*(f"user {key}" for key in who.people), *(f"group {key}" for key in who.external)])


@pytest.mark.parametrize(
    ("text", "who"),
    [
        (sso(MEMBERS, sets(ADMIN), ASSIGNED), ["user ada"]),
        (sso(MEMBERS, sets(ADMIN), ASSIGNED.replace("groups: [admins]", "users: [ada]")), ["user ada"]),
        (sso("groups:\n  admins:\n    external: true\n", sets(ADMIN), ASSIGNED), ["group admins"]),
        (sso("groups:\n  admins:\n    description: Nobody.\n", sets(ADMIN), ASSIGNED), []),
        (sso(MEMBERS, sets(ADMIN), ASSIGNED.replace("all", "[shop, audit]")), []),
        (sso(MEMBERS, sets(ADMIN), ASSIGNED.replace("all", "[shop, man*]")), ["user ada"]),
        (sso(MEMBERS, sets(f"{ADMIN}    boundary:\n      aws: PowerUserAccess\n"), ASSIGNED), []),
        (sso(MEMBERS, sets(ADMIN.replace("AdministratorAccess", "PowerUserAccess")), ASSIGNED), []),
        (sso(MEMBERS, "break_glass:\n  group: admins\n"), ["user ada"]),
        (sso(MEMBERS), []),
        ("", []),
        ("users:\ngroups:\n", []),
    ],
)
def test_who_keeps_full_access_to_the_management_account(folder: Path, text: str, who: list[str]) -> None:
    assert found(folder, text) == who


DENY: dict[str, Any] = {"Effect": "Deny", "Action": "*", "Resource": "*"}
DENY_SOME: dict[str, Any] = {"Effect": "Deny", "Resource": "*"}


@pytest.mark.parametrize(
    ("statement", "counts"),
    [
        (DENY, False),
        ({**DENY, "Action": ["s3:GetObject", "*:*"]}, False),
        ({**DENY, "Resource": ["arn:aws:s3:::x", "arn:*"]}, False),
        ({**DENY, "Resource": "arn:aws:*:*:*:*"}, False),
        ({**DENY, "Condition": {}}, False),
        ({"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::x"}, False),
        ({**DENY_SOME, "NotAction": "sts:GetCallerIdentity"}, False),
        ({**DENY_SOME, "NotAction": "*"}, True),
        ({**DENY_SOME, "Action": "s3:*"}, True),
        ({**DENY, "Resource": "arn:aws:s3:::*"}, True),
        ({**DENY, "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}}, True),
        ({**DENY, "Effect": "Allow"}, True),
    ],
)
def test_a_set_whose_inline_policy_denies_everything_counts_for_nobody(
    folder: Path, statement: dict[str, Any], counts: bool
) -> None:
    assert found(folder, sso(MEMBERS, sets(INLINE), ASSIGNED), [statement]) == (["user ada"] if counts else [])


@pytest.mark.parametrize(("until", "counts"), [("2026-05-31", False), ("2026-06-01", True)])
def test_what_has_ended_counts_only_where_no_day_is_given(folder: Path, until: str, counts: bool) -> None:
    text = sso(MEMBERS, sets(ADMIN), ASSIGNED, f"    until: {until}\n")
    assert found(folder, text) == ["user ada"]
    assert found(folder, text, today=ON) == (["user ada"] if counts else [])
