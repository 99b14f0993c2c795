"""A realistic company on real Terraform: six policy types, nested units, KMS, an identity provider, three regions."""

from __future__ import annotations

from pathlib import Path

from tests.engine.harness import Engine
from tests.engine.site import CHECKOUT, STACKS, Site

STORE = "d-9067a1b2c3"


def test_the_company_deploys_and_its_second_plan_is_empty(engine: Engine, tmp_path: Path) -> None:
    """One cdktf command applies all four stacks; then no stack has anything left to do."""
    site = Site.of(engine, CHECKOUT / "tests/company", tmp_path)
    site.edit("project.yaml", ('id: "471112350983"', 'id: "123456789012"'))
    engine.world.set_identity_center(enabled=True, region="eu-central-1")
    for number, name in enumerate(("Contractors", "Auditors (external)")):
        _group_of_the_identity_provider(engine, f"0000000{number}-0000-4000-8000-000000000000", name)
    bootstrapped = site.strata("bootstrap", "--yes")
    assert bootstrapped.code == 0, bootstrapped.text
    legacy = engine.world.seed_account("legacy", _unmanaged_address(site))

    deployed = site.deploy()

    assert deployed.code == 0, deployed.text[-4000:]
    for stack in STACKS:
        assert site.plan(stack) == {}, stack
    assert legacy in {account["id"] for account in engine.world.list("aws_organizations_account")}
    assert site.locks() == []


def _group_of_the_identity_provider(engine: Engine, group_id: str, name: str) -> None:
    engine.world.create(
        "aws_identitystore_group",
        {
            "id": f"{STORE}/{group_id}",
            "group_id": group_id,
            "display_name": name,
            "identity_store_id": STORE,
            "region": "eu-central-1",
        },
    )


def _unmanaged_address(site: Site) -> str:
    from ruamel.yaml import YAML

    entries = YAML(typ="safe").load(site.config / "organization.yaml")["unmanaged_accounts"]
    return next(str(entry) for entry in entries if "@" in str(entry))
