"""What a deploy writes down beside the state of an account's stack: what the plan of its last run followed from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from strata.aws import kept
from strata.aws.session import Aws as Session
from strata.aws.states import etags
from strata.config.models import Project, state_key
from strata.terraform import whole
from strata.terraform.whole import Origin, providers
from strata.terraform.workspace import Workspace
from tests.aws.client import ACCOUNT

PROJECT = Project.model_validate(
    {
        "name": "acme",
        "short_name": "ac",
        "management_account": {"id": ACCOUNT, "name": "acme", "email": "aws@example.com"},
        "regions": {"primary": "us-east-1", "secondary": "us-west-2"},
    }
)
SOURCES = {"registry.terraform.io/hashicorp/aws": "6.25.0"}
LOCK = 'provider "registry.terraform.io/hashicorp/aws" {\n  version     = "6.25.0"\n}\n'


def test_a_provider_that_runs_already_has_the_version_that_is_asked_for(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, {})
    folder = workspace.stack_folder("sso")
    folder.mkdir(parents=True)
    (folder / ".terraform.lock.hcl").write_text(LOCK)
    assert providers(workspace, "sso") == SOURCES
    (folder / ".terraform.lock.hcl").unlink()
    asked = {"aws": {"source": "hashicorp/aws", "version": "6.25.0"}}
    (folder / "cdk.tf.json").write_text(json.dumps({"terraform": {"required_providers": asked}}))

    assert providers(workspace, "sso") == {"hashicorp/aws": "6.25.0"}


@pytest.fixture
def bucket(account: Session) -> Session:
    account.client("s3").create_bucket(Bucket=PROJECT.state_bucket)
    return account


def test_a_run_that_had_nothing_to_make_is_written_down_without_a_state(bucket: Session) -> None:
    """One that lost its state meanwhile is not, nor is what others write there."""
    for stack, applied in (("empty", False), ("lost", True)):
        whole.write(bucket, PROJECT, stack, Origin("digest"), lambda *_: "", None, applied=applied)
    kept.write(bucket, PROJECT, f"{state_key('odd')}.whole", b"[]")
    known, stacks = etags(bucket, PROJECT), ("empty", "lost", "odd")

    assert whole.unchanged(bucket, PROJECT, stacks, lambda _: Origin("digest"), lambda *_: "", known) == {"empty"}
