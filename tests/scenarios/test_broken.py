"""A stack with a mistake in it does not get past the scenarios: five mistakes, and the test that notices each."""

from __future__ import annotations

import dataclasses
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

import pytest

from tests.scenarios import broken, shipped
from tests.scenarios.site import Site, Snapshot

pytestmark = pytest.mark.only("stand-in")


class Noticed(NamedTuple):
    """Which check notices a mistake, on which site, and a part of what it says."""

    by: Callable[[Site], None]
    begins_with: Literal["backend", "shipped"]
    said: str


NOTICED = {
    "a wrong import id": Noticed(shipped.existing_organization_is_adopted, "backend", "non-existent remote object"),
    "a dropped ignore_changes": Noticed(
        shipped.names_and_addresses_change_in_place, "shipped", "'aws_identitystore_user.jane-doe': 'delete"
    ),
    "a changed address": Noticed(
        shipped.second_plan_is_empty,
        "shipped",
        "'aws_organizations_policy_attachment.deny-root-user_shared': 'create'",
    ),
    "a perpetual difference": Noticed(
        shipped.second_plan_is_empty,
        "shipped",
        "'aws_s3_bucket_server_side_encryption_configuration.state': 'update'",
    ),
    "a missing dependency": Noticed(
        shipped.one_more_of_everything_and_nothing_else, "shipped", "before all its policies"
    ),
}


def test_every_mistake_is_tried() -> None:
    assert NOTICED.keys() == broken.MISTAKES.keys()


@pytest.mark.parametrize("mistake", NOTICED)
def test_a_mistake_is_noticed(
    bootstrapped_backend: Snapshot, deployed_shipped: Snapshot, tmp_path: Path, mistake: str
) -> None:
    """The check that passes with the stack as it is fails with the mistake in it, and says what is wrong."""
    noticed = NOTICED[mistake]
    snapshot = bootstrapped_backend if noticed.begins_with == "backend" else deployed_shipped
    site = _with(mistake, snapshot.restored(tmp_path / "site"), tmp_path)
    if mistake == "a perpetual difference":  # which is what an apply does not end
        site.synth()
        assert site.apply("backend").code == 0
    if mistake == "a missing dependency":  # which does no harm while AWS is fast
        site.aws.fail("sso-admin:AttachManagedPolicyToPermissionSet", times=20)

    with pytest.raises(AssertionError) as failed:
        noticed.by(site)

    assert noticed.said in str(failed.value)


def _with(mistake: str, site: Site, folder: Path) -> Site:
    """Returns the site with a Terraform that makes a mistake in each stack before it runs."""
    terraform = site.environment()["TERRAFORM_BINARY_NAME"]
    command = shlex.join([sys.executable, "-I", "-S", broken.__file__, terraform, mistake])
    script = folder / "terraform"
    script.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    script.chmod(0o755)
    return dataclasses.replace(
        site, provider=lambda given: {**site.provider(given), "TERRAFORM_BINARY_NAME": str(script)}
    )
