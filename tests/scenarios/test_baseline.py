"""Scenarios of what comes with Strata in member accounts: inherited attributes, the baseline, and its steps."""

from __future__ import annotations

import json

import pytest

from tests.scenarios.layers import free_locks, member
from tests.scenarios.site import SANDBOX, Site

pytestmark = pytest.mark.only("stand-in")

MANAGEMENT = "123456789012"
BASELINE = """\
settings:
  root:
    ebs_encryption: {mode: on}
    sign_in_events: {mode: on}
"""
DEFAULTS = """\
defaults:
  root:
    budget: {limit_usd: 100, emails: [ops@example.com]}
"""


def test_an_account_comes_and_goes_with_its_baseline(shipped: Site) -> None:
    """A new one has all of it after one deploy; a retired one keeps it, and its state forgets it."""
    shipped.sign_in_as_administrator()
    (shipped.config / "baseline.yaml").write_text(BASELINE)
    shipped.edit("organization.yaml", SANDBOX)
    assert shipped.strata("deploy", "--yes").code == 0
    assert member(shipped, "sandbox", "ec2").get_ebs_encryption_by_default()["EbsEncryptionByDefault"]
    assert shipped.strata("plan", "baseline", "--json").changing == {}
    made = shipped.addresses("baseline_sandbox")

    shipped.edit("organization.yaml", ("    email: aws+sandbox@", "    retired: true\n    email: aws+sandbox@"))
    assert shipped.strata("plan", "--json").planned["baseline_sandbox"] == dict.fromkeys(made, "forget")
    deployed = shipped.strata("deploy", "--yes")

    assert deployed.code == 0, deployed.text
    assert shipped.state("baseline_sandbox") == {}
    assert member(shipped, "sandbox", "ec2").get_ebs_encryption_by_default()["EbsEncryptionByDefault"]
    assert member(shipped, "sandbox", "events").list_rules()["Rules"]
    assert "aws_organizations_account.sandbox" not in shipped.state("organizations")
    last = shipped.strata("plan", "--json")
    assert last.changing == {}
    assert "baseline_sandbox" not in last.planned

    (shipped.config / "baseline.yaml").unlink()
    lost = shipped.strata("plan", "--json")
    assert {(id, facts["stack"]) for id, _, facts in lost.messages} == {
        ("state-without-stack", "baseline_security"),
        ("state-without-stack", "baseline_shared"),
    }


PROVIDER = "token.actions.githubusercontent.com"
READS = "arn:aws:iam::aws:policy/ReadOnlyAccess"


ALL = """\
settings:
  root:
    ebs_encryption: {mode: on, key_arns: {us-east-1: "arn:aws:kms:us-east-1:123456789012:key/1a2b"}}
    serial_console_access: {mode: on}
    emr_public_access: {mode: on}
    document_public_access: {mode: on}
    vpc_public_access: {mode: on}
    s3_public_access: {mode: on}
    backup: {mode: on, resource_types: {DynamoDB: true}}
    quotas: {mode: on, values: {vpc/L-F678F1CE: 12}}
    password_policy: {mode: on, minimum_length: 16}
    account_alias: {mode: on, name: "ex-{key}"}
    sign_in_events: {mode: on}
"""


def test_every_setting_is_switched_off_or_let_go(shipped: Site) -> None:
    shipped.sign_in_as_administrator()
    file = shipped.config / "baseline.yaml"
    file.write_text(ALL)
    assert shipped.strata("deploy", "--yes").code == 0
    made = shipped.addresses("baseline_shared")
    assert shipped.strata("plan", "--json").changing == {}

    file.write_text(ALL.replace("mode: on", "mode: unmanaged"))
    let_go = shipped.strata("plan", "baseline", "--json").planned["baseline_shared"]
    file.write_text(ALL.replace("mode: on", "mode: off"))
    off = shipped.strata("deploy", "--yes")

    assert let_go == dict.fromkeys(made, "forget")
    assert off.code == 0, off.text
    assert shipped.strata("plan", "--json").changing == {}
    iam = member(shipped, "shared", "iam")
    assert "ex-sign-in-events" not in [role["RoleName"] for role in iam.list_roles()["Roles"]]
    assert iam.list_account_aliases()["AccountAliases"] == ["ex-shared"], "a setting is left, whatever its mode"
    assert member(shipped, "shared", "ec2").get_ebs_encryption_by_default()["EbsEncryptionByDefault"]


def test_an_account_for_which_nothing_is_said_has_no_stack_and_one_that_had_something_lets_go(shipped: Site) -> None:
    shipped.sign_in_as_administrator()
    file = shipped.config / "baseline.yaml"
    file.write_text("settings:\n  shared:\n    ebs_encryption: {mode: on}\n")
    assert shipped.strata("deploy", "--yes").code == 0

    planned, drift = shipped.strata("plan", "--json"), shipped.strata("drift", "--json")

    assert planned.changing == {}
    assert [stack for stack in planned.planned if stack.startswith("baseline_")] == ["baseline_shared"]
    assert "preview" not in json.loads(planned.stdout)
    assert json.loads(drift.stdout)["waiting"] == []

    file.write_text("settings: {}\n")
    had = shipped.addresses("baseline_shared")
    assert had
    assert shipped.strata("plan", "baseline", "--json").changing == {"baseline_shared": dict.fromkeys(had, "forget")}
    assert shipped.strata("deploy", "--yes").code == 0
    again = shipped.strata("plan", "--json")
    assert (again.code, again.changing) == (0, {})
    assert json.loads(shipped.strata("drift", "--json").stdout)["waiting"] == []


@pytest.mark.only("stand-in", "real")
@pytest.mark.long("stand-in")
def test_many_accounts_get_every_setting(shipped: Site, request: pytest.FixtureRequest) -> None:
    """In one with the provider, in thirty with the stand-in: nothing is left for a plan that asks AWS about it."""
    shipped.sign_in_as_administrator()
    real = request.node.callspec.params["provider"] == "real"
    teams = range(0 if real else 28)
    entry = "  team-{0}:\n    email: aws+team-{0}@example.com\n    organizational_unit: {1}\n"
    shipped.aws.order("organization", account_limit=len(teams) + 3)
    entries = "".join(entry.format(team, ("security", "shared", "root")[team % 3]) for team in teams)
    shipped.edit("organization.yaml", ("accounts:\n", f"accounts:\n{entries}"))
    shipped.append("organization.yaml", DEFAULTS)
    (shipped.config / "baseline.yaml").write_text(ALL.replace("root:", "shared:") if real else ALL)

    deployed = shipped.strata("deploy", "--yes")
    again = shipped.strata("plan", "--refresh", "--json")

    assert deployed.code == 0, deployed.text[-4000:]
    assert len([stack for stack in again.planned if stack.startswith("baseline_")]) == (1 if real else 30)
    assert not any(again.planned.values())


COMPANY = """\
rollout:
  waves: [[sandbox], [root]]
settings:
  root:
    ebs_encryption: {mode: on}
    password_policy: {minimum_length: 16}
    sign_in_events: {mode: on}
  ou/workloads:
    password_policy: {minimum_length: 20}
"""
OF_UNITS = """\
defaults:
  root:
    budget: {limit_usd: 100, emails: [finance@nordwind.dev]}
  ou/workloads:
    budget: {limit_usd: 500}
"""


def test_a_company_gets_a_baseline_and_an_account_that_moves_what_is_inherited(company: Site) -> None:
    company.sign_in_as_administrator()
    (company.config / "baseline.yaml").write_text(COMPANY)
    company.append("organization.yaml", OF_UNITS)
    company.killed("iam:CreateRole", "strata", "deploy", "--yes", containing="sign-in-events")
    free_locks(company)

    assert company.strata("deploy", "--yes").code == 0

    company.edit(
        "organization.yaml",
        (
            "data-dev@nordwind.dev\n    organizational_unit: data-nonproduction",
            "data-dev@nordwind.dev\n    organizational_unit: sandbox",
        ),
    )
    moved = company.strata("plan", "--json").changing
    assert moved.pop("organizations")["aws_organizations_account.data-dev"] == "update"
    assert moved["accounts"] == {"aws_budgets_budget.data-dev": "update"}
    assert moved["baseline_data-dev"] == {"aws_iam_account_password_policy.main": "update"}
    assert {stack for stack in moved if stack.startswith(("baseline", "acc"))} == {"accounts", "baseline_data-dev"}
