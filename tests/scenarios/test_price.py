"""A scenario of the price: a month above the budget is refused until it is allowed."""

from __future__ import annotations

import pytest

from tests.scenarios.site import Site

pytestmark = pytest.mark.only("stand-in")

DETECTION = """\
administrator: security
guardduty:
  mode: on
usage:
  root:
    management_events_million: 1
    flow_gb: 10
"""


def test_a_budget_refuses_what_costs_more(shipped: Site) -> None:
    """Also where it is switched off and goes on; a plan is shown first, with nothing to approve."""
    site = shipped
    site.sign_in_as_administrator()
    file = site.config / "detection.yaml"
    file.write_text(f"{DETECTION}budget_usd: 40\n")

    refused = site.strata("deploy", "--yes", "--json")
    shown = site.strata("plan", "--changes", str(site.config.parent / "changes.json"))
    run = site.strata("deploy", "--yes", "--allow", "price")
    file.write_text(f"{DETECTION}budget_usd: 40\n".replace("mode: on", "mode: off"))
    off = site.strata("deploy", "--yes", "--json")

    assert (refused.code, "over-budget" in refused.ids) == (1, True)
    assert (shown.code, f"{file}:8: budget_usd" in shown.stderr) == (1, True)
    assert any(line.split()[:1] == ["create"] for line in shown.stdout.splitlines())
    assert not (site.config.parent / "changes.json").exists()
    assert run.code == 0, run.text[-6000:]
    assert (off.code, "over-budget" in off.ids) == (1, True)
