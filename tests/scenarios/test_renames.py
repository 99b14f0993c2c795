"""Keys that change: no call reaches AWS that writes anything, and nothing is left to do after that."""

from __future__ import annotations

import pytest

from tests.scenarios.site import Site

pytestmark = pytest.mark.e2e
RENAMES = (
    ("account", "shared", "common"),
    ("ou", "shared", "common"),
    ("policy", "deny-root-user", "no-root"),
    ("group", "devops", "builders"),
    ("user", "jane-doe", "jane"),
    ("permission-set", "DevOps", "Builder"),
)


def test_every_kind_is_renamed_in_one_deploy_that_changes_nothing(shipped: Site) -> None:
    for kind, old, new in RENAMES:
        _renamed(shipped, kind, old, new)
    held = {id for stack in ("organizations", "sso") for id in _ids(shipped, stack)}

    _deployed(shipped)

    assert not shipped.aws.writing_calls(by="provider")
    assert {id for stack in ("organizations", "sso") for id in _ids(shipped, stack)} == held
    addresses = {one for stack in ("organizations", "sso") for one in shipped.addresses(stack)}
    assert "aws_ssoadmin_account_assignment.common_Builder_group_builders" in addresses
    assert "aws_identitystore_group_membership.administrators_jane" in addresses
    _nothing_left(shipped)
    pruned = shipped.strata("rename", "--prune", "--yes")
    assert pruned.code == 0, pruned.text
    assert "kind:" not in (shipped.config / "moves.yaml").read_text()
    _nothing_left(shipped)


def _renamed(site: Site, *arguments: str) -> None:
    done = site.strata("rename", *arguments, "--yes")
    assert done.code == 0, done.text


def _deployed(site: Site) -> str:
    done = site.strata("deploy", "--yes")
    assert done.code == 0, done.text[-4000:]
    return done.text


def _nothing_left(site: Site) -> None:
    planned = site.strata("plan", "--exit-code")
    assert planned.code == 0, planned.text[-4000:]


def _ids(site: Site, stack: str) -> list[str]:
    return sorted(str(one.get("id")) for one in site.state(stack).values())
