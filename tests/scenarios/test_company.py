"""What happens to a company that uses every option, with each of the two providers."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.scenarios.site import STACKS, Site

_NAMED = ("organizational_units", "accounts", "policies", "groups")
"""Entries that are renamed in place; the name of a permission set is the one that replaces it."""
_NUMBERS = ("hop_limit", "limit_usd", "max_age_days", "minimum_length", "retention_days", "threshold_usd")


def test_the_second_plan_is_empty(company: Site) -> None:
    """After the first deploy there is nothing left to do in any stack."""
    company.synth()
    with ThreadPoolExecutor(2) as pool:
        plans = dict(zip(STACKS, pool.map(company.plan, STACKS), strict=True))

    assert not any(plans.values()), plans
    assert company.aws.writing_calls() == {}


@pytest.mark.long("real")
def test_everything_changes_in_place(company: Site) -> None:
    """Every name, description, number, duration, tag and policy document changes: all by updates, none left over."""
    _change_everything(company)
    company.synth()

    planned = {stack: company.plan(stack) for stack in STACKS}

    changed = {address: actions for plan in planned.values() for address, actions in plan.items()}
    assert set(changed.values()) <= {"update"}, {a: c for a, c in changed.items() if c != "update"}
    kinds = {address.split(".")[0] for address in changed}
    assert kinds >= {
        "aws_budgets_budget",
        "aws_iam_account_password_policy",
        "aws_identitystore_group",
        "aws_organizations_account",
        "aws_organizations_organizational_unit",
        "aws_organizations_policy",
        "aws_s3_bucket_lifecycle_configuration",
        "aws_ssoadmin_permission_set",
        "aws_ssoadmin_permission_set_inline_policy",
    }

    deployed = company.strata("deploy", "--yes")

    assert deployed.code == 0, deployed.text[-4000:]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(company.plan, STACKS)) == [{}] * len(STACKS)


def _change_everything(site: Site) -> None:
    yaml = YAML()
    for file in ("organization.yaml", "project.yaml", "security.yaml", "sso.yaml"):
        data = yaml.load(site.config / file)
        _change(data, "")
        yaml.dump(data, site.config / file)
    for document in (site.config / "policies").glob("*.json"):
        policy = json.loads(document.read_text())
        for statement in policy.get("Statement", ()):
            if isinstance(statement, dict):
                statement["Sid"] = f"{statement.get('Sid', 'Statement')}Changed"
        document.write_text(json.dumps(policy))


def _change(value: Any, within: str) -> None:
    """Changes the leaves of a configuration that may change in place; `within` is the key a mapping stands under."""
    if isinstance(value, list):
        for each in value:
            _change(each, within)
    if not isinstance(value, dict) or value.get("external"):
        return
    for key, inner in value.items():
        if key == "description":
            value[key] = f"{inner.rstrip('.')}, changed."
        elif key == "session_duration":
            value[key] = "PT2H"
        elif key in _NUMBERS:
            value[key] = inner + 1
        elif key == "CostCenter" and within == "tags":
            value[key] = f"{inner}-changed"
        elif key == "name" and within in _NAMED:
            value[key] = f"{inner} 2"
        else:
            _change(inner, key if key in (*_NAMED, "permission_sets", "users", "tags") else within)
