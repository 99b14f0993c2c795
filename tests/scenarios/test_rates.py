"""Fifty accounts, each with three contacts, where AWS answers as often as it publishes and no oftener."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.scenarios.site import Site

pytestmark = pytest.mark.only("stand-in")
ACCOUNTS = 50
CONTACT = '{{name: Ana, title: {0}, email: {0}@example.com, phone: "+49 30 1234567"}}'
CONTACTS = "".join(f"  {kind}: {CONTACT.format(kind)}\n" for kind in ("billing", "operations", "security"))


def test_contacts_of_fifty_accounts_are_deployed_and_planned_at_the_published_rates(shipped: Site) -> None:
    """AWS refuses many calls on the way, and none for good."""
    aws, unit = shipped.aws, shipped.units()["shared"]
    aws.order("organization", account_limit=2 * ACCOUNTS)
    for number in range(ACCOUNTS - len(shipped.accounts())):
        shipped.open_account(f"aws+a{number}@example.com", unit)
    at = "    organizational_unit: shared\n"
    declared = "".join(f"  a{n}:\n    email: aws+a{n}@example.com\n{at}" for n in range(ACCOUNTS - 3))
    shipped.append("project.yaml", f"limits:\n  accounts: {2 * ACCOUNTS}\n")
    shipped.edit("organization.yaml", ("accounts:\n  security:\n", f"accounts:\n{declared}  security:\n"))
    shipped.append("security.yaml", f"alternate_contacts:\n  mode: on\n{CONTACTS}")
    aws.order("rates")

    deployed = shipped.strata("deploy", "organizations", "security", "--yes")
    planned = shipped.strata("plan", "security", "--exit-code")
    refused = Counter(one.action for one in aws.calls(by="provider") if "TooManyRequests" in one.outcome)

    assert deployed.code == 0, deployed.text[-3000:]
    assert len([one for one in shipped.state("security") if "alternate_contact" in one]) == 3 * ACCOUNTS
    assert {"account:GetAlternateContact", "account:PutAlternateContact"} <= refused.keys()
    assert planned.code == 0, planned.text[-3000:]
