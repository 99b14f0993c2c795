"""`strata explain`: who has what by which line, what binds an account, what a permission set allows."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from strata.cli import app
from tests.conftest import Golden
from tests.said import Said
from tests.synthesized import COMPANY, EVERY_OPTION, SHIPPED


def explain(*words: str, config: Any = COMPANY) -> Result:
    return CliRunner().invoke(app, ["explain", *words, "--config", str(config)])


def explained(*words: str, config: Any = COMPANY) -> str:
    result = explain(*words, config=config)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def facts(*words: str) -> Any:
    return json.loads(explained(*words, "--json"))


def line(text: str, after: str) -> int:
    """Returns the line of the company's sso.yaml that has a text, the first one below another text."""
    lines = (COMPANY / "sso.yaml").read_text().splitlines()
    start = next(index for index, one in enumerate(lines) if after in one)
    return start + 1 + next(index for index, one in enumerate(lines[start:]) if text in one)


@pytest.mark.parametrize("words", ["anna-petersen", "management", "payments-prod", "--permission-set StateAccess"])
def test_what_is_explained_reads_well(words: str, golden: Golden) -> None:
    golden(f"company/explain/{words.removeprefix('--').replace(' ', '-')}.txt", explained(*words.split()))


def test_what_an_account_is_given_has_its_lines_and_what_it_replaces(golden: Golden) -> None:
    golden("every_option/explain/shop.txt", explained("shop", config=EVERY_OPTION))


# A user


def test_a_user_has_each_grant_with_the_lines_of_membership_and_entry() -> None:
    found = facts("paul-okafor")["access"]
    operator = next(one for one in found if one["permission_set"] == "PaymentsOperator")
    member = line("- paul-okafor", after="  payments-engineers:")
    entry = line("- PaymentsOperator", after="assignments:") - 1
    assert operator == {
        "user": "paul-okafor",
        "account": "payments-prod",
        "permission_set": "PaymentsOperator",
        "ways": [
            {
                "entry": f"tests/company/sso.yaml:{entry}",
                "group": "payments-engineers",
                "member": f"tests/company/sso.yaml:{member}",
                "reason": None,
                "until": None,
            }
        ],
    }


def test_one_account_leaves_out_the_others() -> None:
    assert {one["account"] for one in facts("anna-petersen", "network")["access"]} == {"network"}


def test_an_account_without_access_says_so() -> None:
    assert "no access to network" in explained("yuki-tanaka", "network")


def test_what_a_permission_set_allows_stands_below_each_grant() -> None:
    text = " ".join(explained("marek-nowak").split())
    assert (
        "allows AWS policy PowerUserAccess; inline policy policies/keep-off-foundations.json: denies ec2 "
        "(*TransitGateway*, *Vpc*), kms (PutKeyPolicy, ScheduleKeyDeletion), route53domains (all); "
        "at most AWS policy PowerUserAccess (boundary); session of 8 h"
    ) in text


# An account


def test_an_account_says_what_it_administers() -> None:
    assert set(facts("shared-services")["administers"]) == {"backup.amazonaws.com"}


# A group


def test_a_group_says_who_is_in_it_and_what_it_is_given() -> None:
    found = facts("platform-engineers")
    assert set(found["members"]) == {"anna-petersen", "jonas-brandt", "karim-haddad", "mette-soerensen"}
    assert {one["permission_set"] for one in found["given"]} == {"PlatformEngineer", "StateAccess"}
    assert found["given"][1]["accounts"] == ["management"]
    member = line("- karim-haddad", after="  platform-engineers:")
    assert f"karim-haddad, tests/company/sso.yaml:{member}" in explained("platform-engineers")


def test_a_group_of_the_identity_provider_answers_to_its_name() -> None:
    text = explained("Auditors (external)")
    assert text.startswith("external-auditors, named Auditors (external)\n")
    assert "  known to the" in text


# A permission set


def test_a_permission_set_says_what_it_allows_and_who_has_it() -> None:
    found = facts("--permission-set", "DataEngineer")
    assert found["allows"] == [
        "AWS policy job-function/DataScientist",
        "your policy /data/LakeFormationDataAccess",
        "inline policy policies/own-team-only.json: denies under conditions glue (all), s3 (DeleteObject, PutObject), "
        "secretsmanager (GetSecretValue)",
        "session of 12 h",
    ]
    assert {(one["user"], one["account"]) for one in found["access"]} == {
        (user, account)
        for user in ("felix-hartmann", "nadia-rahimi", "oskar-lehmann")
        for account in ("data-dev", "data-prod")
    }


# Names


@pytest.mark.parametrize(
    ("words", "first"),
    [
        (("hannah-richter",), "hannah-richter: Hannah Richter"),
        (("Hannah Richter",), "hannah-richter: Hannah Richter"),
        (("HANNAH.RICHTER@nordwind.dev",), "hannah-richter: Hannah Richter"),
        (("hannah.vogel@nordwind.dev",), "hannah-richter: Hannah Richter"),
        (("Nordwind Payments (production)",), "payments-prod: Nordwind Payments"),
        (("aws+audit@nordwind.dev",), "audit: nordwind-audit"),
        (("471112350983",), "management: nordwind-management"),
        (("--permission-set", "Auditor"), "SecurityAuditor, named Auditor"),
    ],
)
def test_people_accounts_and_sets_answer_to_all_their_names(words: tuple[str, ...], first: str) -> None:
    assert explained(*words).startswith(first)


def test_a_name_of_a_user_an_account_and_a_group_needs_its_kind(tmp_path: Any, said: Said) -> None:
    folder = shutil.copytree(SHIPPED, tmp_path / "config")
    text = (folder / "sso.yaml").read_text().replace("jane-doe", "shared").replace("finops", "shared")
    (folder / "sso.yaml").write_text(text)
    refused = explain("shared", config=folder)

    (told,) = said(refused)
    assert (refused.exit_code, told.id) == (1, "name-ambiguous")
    assert told.data["keys"] == ["user/shared", "account/shared", "group/shared"]
    assert explained("user/shared", config=folder).startswith("shared: Jane Doe")
    assert explained("account/shared", config=folder).startswith("shared: example-shared")
    assert explained("group/shared", config=folder).startswith("shared\n")


ANY = ["user", "account", "group"]


@pytest.mark.parametrize(
    ("words", "id", "data"),
    [
        (("paul-okafer",), "unknown-name", {"name": "paul-okafer", "kinds": ANY}),
        (("payment-prod",), "unknown-name", {"name": "payment-prod", "kinds": ANY}),
        (("DataAnalyst",), "unknown-name", {"name": "DataAnalyst", "kinds": ANY}),
        (("zzz",), "unknown-name", {"name": "zzz", "kinds": ANY}),
        (("paul-okafor", "netwrk"), "unknown-name", {"name": "netwrk", "kind": "account"}),
        (("network", "network"), "unknown-name", {"name": "network", "kind": "user"}),
        (("--permission-set", "Biling"), "unknown-name", {"name": "Biling", "kind": "permission set"}),
    ],
)
def test_a_name_nobody_has_is_one_line_with_a_way_on(
    words: tuple[str, ...], id: str, data: dict[str, Any], said: Said
) -> None:
    result = explain(*words)
    (told,) = said(result)
    assert (result.exit_code, told.id, told.data) == (1, id, data)
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "id"),
    [((), "argument-missing"), (("paul-okafor", "--permission-set", "Billing"), "arguments-conflict")],
)
def test_no_name_and_two_are_a_wrong_command_line(words: tuple[str, ...], id: str, said: Said) -> None:
    result = explain(*words)
    assert (result.exit_code, said.ids(result)) == (2, [id])
