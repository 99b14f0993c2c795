"""The whole path on real Terraform and the real cdktf CLI: an empty account, four stacks, nothing to do twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.harness import Engine
from tests.engine.site import CHECKOUT, STACKS, Site


@pytest.fixture
def site(engine: Engine, tmp_path: Path) -> Site:
    """The shipped configuration on an empty account."""
    return Site.of(engine, CHECKOUT / "config", tmp_path)


def test_one_command_builds_everything_and_an_edit_lands_in_one_more(site: Site) -> None:
    """Bootstrap, one deploy from nothing, and a second that does what was edited since and nothing else."""
    bootstrapped = site.strata("bootstrap", "--yes")
    assert bootstrapped.code == 0, bootstrapped.text
    site.engine.world.set_identity_center(enabled=True)

    first = site.deploy()

    assert first.code == 0, first.text[-4000:]
    _nothing_adopted_was_made(site)
    assert site.locks() == []
    objects = site.s3().list_objects_v2(Bucket=site.bucket)["Contents"]
    assert [found["Key"] for found in objects] == [f"management/{stack}/terraform.tfstate" for stack in STACKS]

    done = site.engine.world.calls
    _add_one_of_each(site)
    second = site.deploy()

    assert second.code == 0, second.text[-4000:]
    assert second.text.count("No changes.") == 2
    assert {(call.operation, call.type) for call in site.engine.world.calls[len(done) :]} == {
        ("create", f"aws_{kind}")
        for kind in (
            "organizations_organizational_unit",
            "organizations_account",
            "identitystore_group",
            "ssoadmin_permission_set",
            "ssoadmin_managed_policy_attachment",
            "ssoadmin_account_assignment",
        )
    }
    assert "aws_ssoadmin_account_assignment.sandbox_Builder_group_builders" in site.addresses("sso")


def _nothing_adopted_was_made(site: Site) -> None:
    """What bootstrap made is in the state, and was imported: the organization cannot be made twice."""
    made = {(call.type, call.id) for call in site.engine.world.calls if call.operation == "create"}
    for stack, address in (
        ("backend", "aws_s3_bucket.state"),
        ("backend", "aws_dynamodb_table.lock"),
        ("organizations", "aws_organizations_organization.main"),
        ("organizations", "aws_organizations_account.management"),
    ):
        assert address in site.addresses(stack)
    assert not {kind for kind, _ in made} & {"aws_dynamodb_table", "aws_organizations_organization"}
    assert ("aws_s3_bucket", site.bucket) not in made
    assert ("aws_organizations_account", "123456789012") not in made


def _add_one_of_each(site: Site) -> None:
    site.edit(
        "organization.yaml",
        ("  shared:\n    name: shared\n", "  shared:\n    name: shared\n  sandbox:\n    name: Sandbox\n"),
        (
            "accounts:\n  security:\n",
            "accounts:\n"
            "  sandbox:\n    email: aws+sandbox@example.com\n    organizational_unit: sandbox\n"
            "  security:\n",
        ),
    )
    site.edit(
        "sso.yaml",
        ("\npermission_sets:\n", "  builders:\n    description: Try things.\n\npermission_sets:\n"),
        (
            "\nassignments:\n",
            "  Builder:\n    policies:\n      - aws: PowerUserAccess\n\nassignments:\n"
            "  - permission_sets:\n      - Builder\n    groups:\n      - builders\n    accounts:\n      - sandbox\n",
        ),
    )
