"""An organization that others made is read, described, deployed, and nothing of it changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from strata.load import load
from tests.aws.center import STORE
from tests.aws.client import Aws
from tests.organizations.emulated import emulate
from tests.scenarios import seeds
from tests.scenarios.site import Provider, Site, Snapshot

_NEW = ("--name", "acme", "--short-name", "ac", "--primary", "us-east-1", "--secondary", "us-west-2")
_SERVICES = ("organizations:", "sso-admin:", "identitystore:")


@pytest.fixture(scope="module")
def adopted_once(running_aws: Aws, provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """An organization as in `test_inventory.py`, and the configuration that was written from it."""
    running_aws.restore()
    emulate(seeds.SMALL, running_aws)
    site = Site(running_aws, provider, tmp_path_factory.mktemp("adopted"))
    adopted = site.strata("adopt", "--to", str(site.config), *_NEW, "--yes")
    assert adopted.code == 0, adopted.text
    assert not site.aws.writing_calls(by="strata")
    return Snapshot.of(site, tmp_path_factory.mktemp("written") / "kept")


@pytest.fixture
def adopted(adopted_once: Snapshot, tmp_path: Path) -> Site:
    """A copy of it."""
    return adopted_once.restored(tmp_path)


@pytest.mark.only("stand-in")
def test_what_is_adopted_stays_as_it_is(adopted: Site) -> None:
    before = _planned(adopted)
    assert before["preview"] == {
        "without_state": ["backend", "organizations", "security", "sso"],
        "missing": ["state bucket", "lock table"],
        "assumed_outputs_of": ["organizations"],
    }
    _only_imports(before, store="create")
    assert adopted.aws.writing_calls() == {}
    adopted.bootstrap()

    deployed = adopted.strata("deploy", "--yes")

    assert deployed.code == 0, deployed.text[-6000:]
    writes = adopted.aws.writing_calls()
    assert not [action for action in writes if action.startswith(_SERVICES)]
    again = adopted.strata("plan", "--exit-code")
    assert again.code == 0, again.text


KEPT = ("aws_s3_bucket.state", "aws_dynamodb_table.lock")
_OF_BUCKET = ("lifecycle_configuration", "ownership_controls", "policy", "public_access_block", "versioning")
BACKEND = (
    *("aws_iam_role.replication", "aws_iam_role_policy.replication", "aws_s3_bucket.replica"),
    "aws_s3_bucket_replication_configuration.state",
    *(f"aws_s3_bucket_{of}.{name}" for of in _OF_BUCKET for name in ("state", "replica")),
    *(f"aws_s3_bucket_server_side_encryption_configuration.{name}" for name in ("state", "replica")),
)
"""All that the stack `backend` adds to a bucket and a table."""
RENAMES = (
    ("account", "a0-example-com", "first"),
    ("ou", "work-loads", "workloads"),
    ("policy", "no-s3", "without-s3"),
    ("group", "ops", "operators"),
    ("user", "ana", "ana-adler"),
    ("permission-set", "Admin", "Administrator"),
)


@pytest.mark.only("stand-in")
def test_what_is_renamed_before_the_first_deploy_is_imported_by_its_new_key(adopted: Site) -> None:
    _rename(adopted)

    planned = _planned(adopted)

    _only_imports(planned, store="create")
    addresses = {change["address"] for stack in planned["stacks"] for change in stack["changes"]}
    assert "aws_ssoadmin_account_assignment.first_Administrator_group_operators" in addresses
    assert "aws_organizations_policy_attachment.without-s3_ou_workloads" in addresses
    adopted.bootstrap()
    _deploy(adopted)
    assert not _written(adopted)


def _rename(site: Site) -> None:
    for kind, old, new in RENAMES:
        renamed = site.strata("rename", kind, old, new, "--yes")
        assert renamed.code == 0, renamed.text


def _deploy(site: Site) -> None:
    deployed = site.strata("deploy", "--yes")
    assert deployed.code == 0, deployed.text[-6000:]


def _written(site: Site) -> list[str]:
    """Returns what was written in the services of which everything was there."""
    return [action for action in site.aws.writing_calls() if action.startswith(_SERVICES)]


@pytest.fixture
def nothing(running_aws: Aws, provider: Provider, tmp_path: Path) -> Site:
    """An account without an organization and without a configuration."""
    running_aws.restore()
    return Site(running_aws, provider, tmp_path)


@pytest.mark.only("real")
def test_what_leverage_made_is_adopted_and_stays_as_it_is(nothing: Site) -> None:
    """Its preview, and all of it with the stand-in: test_coming_from.py."""
    emulate(seeds.LEVERAGE, nothing.aws)

    _adopt(nothing, previewed=False)


@pytest.mark.large
@pytest.mark.only("real")
def test_what_control_tower_made_is_adopted_and_stays_as_it_is(nothing: Site) -> None:
    emulate(seeds.CONTROL_TOWER, nothing.aws)

    _adopt(nothing)


@pytest.mark.long("real")
def test_what_has_odd_names_is_adopted_and_stays_as_it_is(nothing: Site) -> None:
    emulate(seeds.ODD, nothing.aws)

    _adopt(nothing)


@pytest.mark.large
def test_what_grew_for_years_is_adopted_and_stays_as_it_is(nothing: Site) -> None:
    emulate(seeds.grown(), nothing.aws)

    _adopt(nothing)
    assert len(load(nothing.config).grants) > 400


def _adopt(site: Site, *, previewed: bool = True) -> None:
    seeded = len(site.aws.calls())
    adopted = site.strata("adopt", "--to", str(site.config), *_NEW, "--yes")
    assert adopted.code == 0, adopted.text
    assert not site.aws.writing_calls(by="strata", since=seeded)
    assert site.strata("check").code == 0
    site.sign_in_as_deployer()
    if previewed:
        _only_imports(_planned(site), store="create")
    site.bootstrap()
    before = len(site.aws.calls())

    deployed = site.strata("deploy", "--yes")

    assert deployed.code == 0, deployed.text[-6000:]
    writes = site.aws.writing_calls(since=before)
    assert not [action for action in writes if action.startswith(_SERVICES)], writes
    again = site.strata("plan", "--exit-code")
    assert again.code == 0, again.text


@pytest.mark.only("stand-in")
def test_an_import_of_what_is_gone_is_advice(adopted: Site) -> None:
    lines = (adopted.config / "imports.yaml").read_text().splitlines()
    membership = next(one for one in lines if one.startswith("aws_identitystore_group_membership."))
    address, _, id = membership.replace('"', "").replace("'", "").partition(": ")
    store = adopted.client("identitystore")
    store.delete_group_membership(IdentityStoreId=STORE, MembershipId=id.partition("/")[2])

    planned = adopted.strata("plan", "sso", "--json")

    assert planned.code == 0, planned.text
    shown = json.loads(planned.stdout)
    actions = {change["address"]: change["action"] for change in shown["stacks"][0]["changes"]}
    assert {one for one, action in actions.items() if action != "import"} == {address}
    assert actions[address] == "create"
    (warning,) = [one for one in shown["warnings"] if one["id"] == "import-of-nothing"]
    (told,) = [told for told in planned.messages if told[0] == warning["id"]]
    assert f"config/imports.yaml:{lines.index(membership) + 1}: {address}: " in warning["problem"]
    assert told[2]["id"] == id
    assert warning["problem"] in planned.stderr


def _planned(site: Site, *stacks: str) -> dict[str, Any]:
    planned = site.strata("plan", *stacks, "--json", "--exit-code")
    assert planned.code == 3, planned.text
    shown: dict[str, Any] = json.loads(planned.stdout)
    assert [one for one in shown["stacks"] if one["error"] or one["waits_for"]] == []
    return shown


def _only_imports(planned: dict[str, Any], *, store: str, table: str = "") -> None:
    """Nothing is changed or destroyed, and nothing added but for what the store of the state lacks."""
    found = {
        one["stack"]: {change["address"]: change["action"] for change in one["changes"]} for one in planned["stacks"]
    }
    assert {action for stack in ("organizations", "security", "sso") for action in found[stack].values()} == {"import"}
    bucket, lock = KEPT
    assert found["backend"] == dict.fromkeys(BACKEND, "create") | {bucket: store, lock: table or store}
