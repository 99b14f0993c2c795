"""What a deploy writes down beside the states: how the last run of each stack ended, and what it followed from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from strata.aws import kept, runs
from strata.aws.session import Aws as Session
from strata.aws.states import Version, etags
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


RUN, OTHER_RUN = Version("one", 7), Version("two", 1)


@pytest.fixture
def bucket(account: Session) -> Session:
    account.client("s3").create_bucket(Bucket=PROJECT.state_bucket)
    return account


def test_runs_of_other_stacks_stay(bucket: Session) -> None:
    assert runs.read(bucket, PROJECT) == {}
    runs.write(bucket, PROJECT, {"sso": RUN})
    runs.write(bucket, PROJECT, {"backend": RUN, "sso": OTHER_RUN})

    assert runs.read(bucket, PROJECT) == {"sso": OTHER_RUN, "backend": RUN}


def test_nothing_is_written_where_nothing_is_new(bucket: Session) -> None:
    runs.write(bucket, PROJECT, {})
    assert "Contents" not in bucket.client("s3").list_objects_v2(Bucket=PROJECT.state_bucket)

    runs.write(bucket, PROJECT, {"sso": RUN})
    tag = bucket.client("s3").head_object(Bucket=PROJECT.state_bucket, Key=kept.RUNS)["LastModified"]
    runs.write(bucket, PROJECT, {"sso": RUN})

    assert bucket.client("s3").head_object(Bucket=PROJECT.state_bucket, Key=kept.RUNS)["LastModified"] == tag


def test_a_run_that_had_nothing_to_make_is_written_down_without_a_state(bucket: Session) -> None:
    """One that lost its state meanwhile is not, nor is what others write there."""
    for stack, applied in (("empty", False), ("lost", True)):
        whole.write(bucket, PROJECT, stack, Origin("digest"), lambda *_: "", None, applied=applied)
    kept.write(bucket, PROJECT, f"{state_key('odd')}.whole", b"[]")
    known, stacks = etags(bucket, PROJECT), ("empty", "lost", "odd")

    assert whole.unchanged(bucket, PROJECT, stacks, lambda _: Origin("digest"), lambda *_: "", known) == {"empty"}


FOREIGN = (
    b"",
    b"\xff",
    b"[]",
    b"{}",
    b'{"format": 2, "runs": {}}',
    b'{"format": 1}',
    b'{"format": 1, "runs": []}',
    b'{"format": 1, "runs": {"sso": 5}}',
    b'{"format": 1, "runs": {"sso": {"lineage": "one", "serial": "7"}}}',
)


def test_what_is_no_record_is_told_and_written_over(bucket: Session) -> None:
    for body in FOREIGN:
        bucket.client("s3").put_object(Bucket=PROJECT.state_bucket, Key=kept.RUNS, Body=body)
        with pytest.raises(ValueError, match=r"."):
            runs.read(bucket, PROJECT)

        runs.write(bucket, PROJECT, {"sso": RUN})

        assert runs.read(bucket, PROJECT) == {"sso": RUN}
