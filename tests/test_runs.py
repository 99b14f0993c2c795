"""What a deploy writes down beside the state of an account's stack: what the plan of its last run followed from."""

from __future__ import annotations

import pytest

from strata.aws import kept
from strata.aws.session import Aws as Session
from strata.aws.states import etags
from strata.config.models import Project, state_key
from strata.terraform import whole
from strata.terraform.whole import Origin
from tests.aws.client import ACCOUNT

PROJECT = Project.model_validate(
    {
        "name": "acme",
        "short_name": "ac",
        "management_account": {"id": ACCOUNT, "name": "acme", "email": "aws@example.com"},
        "regions": {"primary": "us-east-1", "secondary": "us-west-2"},
    }
)


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
