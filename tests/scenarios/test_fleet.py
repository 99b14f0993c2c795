"""The layer `topics` of docs/layers.md in many accounts, by the real provider: nothing runs where nothing changed.

An account costs ten seconds of a processor each time, so a new setting goes to one wave of them only.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.layers import Clone
from tests.scenarios.site import Site

pytestmark = pytest.mark.only("real")
HAS = 2
"""The member accounts of the template."""


@pytest.mark.large
@pytest.mark.parametrize("number", [6, 30])
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
    shipped.append("layers/topics.yaml", "rollout:\n  waves:\n    - [security]\n    - [all]\n")
    edited = clone.strata("deploy", "topics", "--yes", "--json", "--wave", "1")

    assert deployed.code == 0, deployed.text[-4000:]
    assert again.code == 0, again.text[-4000:]
    assert asked == []
    assert edited.code == 0, edited.text[-4000:]
    names = {key: _topic(clone, account) for key, account in clone.accounts().items()}
    assert names == {key: "news" if key == "security" else "events" for key in names}
    assert len(names) == number


def _topic(clone: Clone, account: str) -> str:
    (topic,) = clone.member(account, "sns").list_topics()["Topics"]
    return str(topic["TopicArn"]).rpartition(":")[2]


def _add_accounts(site: Site, number: int) -> None:
    site.aws.order("organization", account_limit=number + HAS + 1)
    site.append("project.yaml", f"limits:\n  accounts: {number + HAS + 1}\n")
    accounts = "".join(
        f"  team-{index}:\n    email: aws+team-{index}@example.com\n    organizational_unit: shared\n"
        for index in range(number)
    )
    site.edit("organization.yaml", ("accounts:\n  security:\n", f"accounts:\n{accounts}  security:\n"))
