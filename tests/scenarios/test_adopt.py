"""An organization that people made by hand is read, described, deployed, and nothing of it changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.aws.client import Aws
from tests.scenarios.site import Provider, Site
from tests.test_inventory import grown as by_hand

_NEW = ("--name", "acme", "--short-name", "ac", "--primary", "us-east-1", "--secondary", "us-west-2")


@pytest.fixture
def grown(running_aws: Aws, provider: Provider, tmp_path: Path) -> Site:
    """An organization as in `test_inventory.py`, and no configuration yet."""
    running_aws.restore()
    by_hand(running_aws)
    return Site(running_aws, provider, tmp_path)


@pytest.mark.e2e
def test_what_is_adopted_stays_as_it_is(grown: Site) -> None:
    adopted = grown.strata("adopt", "--to", str(grown.config), *_NEW, "--yes")
    assert adopted.code == 0, adopted.text
    assert not grown.aws.writing_calls(by="strata")
    _previews(grown, missing=["state bucket", "lock table"])
    assert grown.aws.writing_calls() == {}
    grown.bootstrap()
    _previews(grown, missing=[])

    deployed = grown.strata("deploy", "--yes")

    assert deployed.code == 0, deployed.text[-6000:]
    print(deployed.text[-6000:])
    writes = grown.aws.writing_calls()
    print(writes)
    assert not [action for action in writes if action.startswith(("organizations:", "sso-admin:", "identitystore:"))]
    again = grown.strata("plan", "--exit-code")
    assert again.code == 0, again.text


def _previews(site: Site, *, missing: list[str]) -> None:
    """Everything would be imported and nothing changed, but for what the store of the state lacks."""
    planned = site.strata("plan", "--json", "--exit-code")
    assert planned.code == 3, planned.text
    shown = json.loads(planned.stdout)
    found = {one["stack"]: one for one in shown["stacks"]}
    print(json.dumps(shown, indent=1))
    assert [one for one in found.values() if one["error"] or one["waits_for"]] == []
    actions = {stack: {change["action"] for change in one["changes"]} for stack, one in found.items()}
    assert shown["preview"]["missing"] == missing
    assert (actions["organizations"], actions["sso"], actions["security"]) == ({"import"}, {"import"}, set())
    store = {"aws_s3_bucket.state", "aws_dynamodb_table.lock"}
    made = {change["address"] for change in found["backend"]["changes"] if change["action"] == "create"}
    rest = [change for change in found["backend"]["changes"] if change["action"] != "create"]
    assert [change for change in rest if change["action"] != "import"] == []
    assert (store <= made) == bool(missing)
