"""Scenarios of the price: told by a plan until it is deployed, and refused above the budget."""

from __future__ import annotations

import json

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


@pytest.mark.quick
def test_a_plan_tells_what_is_added_and_a_budget_refuses_it(shipped: Site) -> None:
    site = shipped
    site.sign_in_as_administrator()
    file = site.config / "detection.yaml"
    file.write_text(f"{DETECTION}budget_usd: 40\n")

    refused = site.strata("deploy", "--yes", "--json")
    allowed = site.strata("plan", "--allow", "price", "--json")
    file.write_text(DETECTION)
    run = site.strata("deploy", "--yes")

    assert (refused.code, "over-budget" in refused.ids) == (1, True)
    (added,) = json.loads(allowed.stdout)["price"]
    assert (added["cause"], added["usd"], added["accounts"], added["regions"]) == ("guardduty", 42.0, 3, 1)
    assert run.code == 0, run.text[-6000:]
    assert "+ 42.00 USD a month: guardduty in 3 accounts and 1 region" in run.text
    assert json.loads(site.strata("plan", "--json").stdout)["price"] == []

    file.write_text(DETECTION.replace("mode: on\n", "mode: on\n  plans: [ebs_malware_protection]\n"))
    (unknown,) = json.loads(site.strata("plan", "--json").stdout)["price"]
    assert (unknown["usd"], unknown["unknown"]) == (None, ["scanned_gb"])
