"""The organizations of examples/ are valid without a warning, and become Terraform."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from strata.cli import app
from strata.load import load
from tests.documents import CHECKOUT, blocks
from tests.synthesized import synthesize

EXAMPLES = CHECKOUT / "examples"
SIZES = {
    "justice": (
        {"SERVICE_CONTROL_POLICY": 13, "TAG_POLICY": 3, "AISERVICES_OPT_OUT_POLICY": 1, "S3_POLICY": 1},
        34,
        82,
        20,
        361,
    ),
    "research": ({"SERVICE_CONTROL_POLICY": 7}, 10, 47, 22, 464),
}
"""Policies by type, units, member accounts, permission sets, and grants, as the page has them."""
every_example = pytest.mark.parametrize("name", SIZES)


@every_example
def test_an_example_is_valid_without_a_warning(name: str) -> None:
    checked = CliRunner().invoke(app, ["check", "--config", str(EXAMPLES / name)])

    assert (checked.exit_code, checked.stderr) == (0, "")


@every_example
def test_an_example_is_as_large_as_what_it_rebuilds(name: str) -> None:
    zone = load(EXAMPLES / name)
    types = Counter(str(policy.type.value) for policy in zone.policies.values())

    assert (types, len(zone.units), len(zone.members), len(zone.permission_sets), len(zone.grants)) == SIZES[name]


@every_example
def test_an_example_becomes_terraform(name: str, tmp_path: Path) -> None:
    zone, made = load(EXAMPLES / name), synthesize(EXAMPLES / name, tmp_path)

    assert len(made["organizations"].all("aws_organizations_account")) == len(zone.accounts)
    assert len(made["sso"].all("aws_ssoadmin_account_assignment")) == len(zone.grants)
    baselines = len(zone.members) if zone.baseline else 0
    assert sum(stack.startswith("baseline_") for stack in made) == baselines


def test_the_page_has_the_sizes_that_its_command_counts() -> None:
    page = EXAMPLES / "README.md"
    (command,) = [block.text for block in blocks(page, "text") if block.text.startswith("for name")]
    counted = subprocess.check_output(["bash", "-c", command], cwd=EXAMPLES, text=True).split()

    for text in (page.read_text(encoding="utf-8"), (CHECKOUT / "docs/comparison.md").read_text(encoding="utf-8")):
        assert [number for number in counted if f"{int(number):,}" not in text] == []
    assert len(counted) == len(SIZES)
