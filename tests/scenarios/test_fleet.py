"""The layer `topics` of docs/layers.md in many accounts, by the real provider: nothing runs where nothing changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.layers import Clone
from tests.scenarios.site import Site

pytestmark = pytest.mark.only("real")
HAS = 2
"""The member accounts of the template."""


@pytest.mark.parametrize("number", [12, pytest.param(30, marks=pytest.mark.large)])
def test_a_layer_goes_to_many_accounts(shipped: Site, tmp_path: Path, number: int) -> None:
    clone = Clone(tmp_path / "clone", shipped)
    _add_accounts(shipped, number - HAS)
    clone.add("topics")
    clone.types("In every account")
    shipped.sign_in_as_administrator()
    assert clone.strata("deploy", "organizations", "--yes").code == 0
    shipped.aws.wait_an_hour()

    deployed = clone.strata("deploy", "topics", "--yes")
    before = len(shipped.aws.calls())
    again = clone.strata("deploy", "topics", "--yes")
    asked = [one.action for one in shipped.aws.calls(since=before) if one.action.startswith("sns:")]
    shipped.edit("layers/topics.yaml", ("events", "news"))
    edited = clone.strata("deploy", "topics", "--yes", "--json")

    assert deployed.code == 0, deployed.text[-4000:]
    assert again.code == 0, again.text[-4000:]
    assert asked == []
    assert edited.code == 0, edited.text[-4000:]
    for account in clone.accounts().values():
        (topic,) = clone.member(account, "sns").list_topics()["Topics"]
        assert topic["TopicArn"].endswith(":news")
    assert len(clone.accounts()) == number


def _add_accounts(site: Site, number: int) -> None:
    site.aws.order("organization", account_limit=number + HAS + 1)
    site.append("project.yaml", f"limits:\n  accounts: {number + HAS + 1}\n")
    accounts = "".join(
        f"  team-{index}:\n    email: aws+team-{index}@example.com\n    organizational_unit: shared\n"
        for index in range(number)
    )
    site.edit("organization.yaml", ("accounts:\n  security:\n", f"accounts:\n{accounts}  security:\n"))
