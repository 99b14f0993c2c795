"""The page of limits for whoever chooses: they are those of AWS, and each says why and what instead."""

from __future__ import annotations

import re
from pathlib import Path

from strata.config.limits import aws_limits
from tests.documents import CHECKOUT


def rows(page: Path) -> dict[str, list[list[str]]]:
    """Returns the rows of each table by the heading that it stands under, cell by cell, without its head."""
    found: dict[str, list[list[str]]] = {}
    heading = ""
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        elif line.startswith("| "):
            found.setdefault(heading, []).append([cell.strip() for cell in line.strip("|").split(" | ")])
    return {heading: table[1:] for heading, table in found.items()}


def test_the_page_of_limits_has_the_numbers_that_are_checked() -> None:
    """The limits that bite are those of limits.yaml, and so are the policy types that cannot be declared."""
    page = (CHECKOUT / "docs/limits.md").read_text(encoding="utf-8")
    limits = aws_limits()
    limit = {name: one.value for name, one in limits.values.items()}
    types = limits.policy_types
    service, resource = types["SERVICE_CONTROL_POLICY"], types["RESOURCE_CONTROL_POLICY"]
    for said in (
        f"{limit['accounts']} accounts to begin with",
        f"{limit['accounts_created_at_once']} accounts created at once",
        f"{limit['organizational_unit_depth']} levels",
        f"{service.attachments.value} SCPs of {service.size.value:,} characters",
        f"{resource.attachments.value} RCPs of {resource.size.value:,}",
        f"{limit['managed_policies_per_role']} managed policies on a role",
        f"{limit['inline_policy_bytes']:,} bytes inline, {limit['inline_policy_characters']:,} without",
        f"to {limit['session_hours']} hours",
    ):
        assert said in page

    refused = {name for name, one in types.items() if one.since_provider is None}
    (row,) = (row for row in rows(CHECKOUT / "docs/limits.md")["Not in Strata"] if "policy types" in row[0])
    assert set(re.findall(r"`(\w+_POLICY)`", row[0])) == refused
    assert len(types) - len(refused) == 12
    assert "twelve types of organization policy" in (CHECKOUT / "docs/comparison.md").read_text(encoding="utf-8")


def test_every_line_of_limits_says_why_and_what_instead() -> None:
    """A lack without a way out is no help."""
    tables = rows(CHECKOUT / "docs/limits.md")

    assert [row for row in tables["Not in Strata"] if len(row) != 3 or not all(row)] == []
    assert [row for row in tables["Limits of AWS"] if len(row) != 2 or not all(row)] == []
