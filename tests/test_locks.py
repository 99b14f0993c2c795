"""A lock is told where no run takes one; the rest is in tests/scenarios/shake.py."""

from __future__ import annotations

import datetime as dt
import json
import socket
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from strata.aws.locks import Lock
from strata.aws.session import Aws
from strata.config.models import Project, state_key
from strata.errors import Message, StrataError
from strata.load import load
from strata.terraform import locks
from strata.terraform.workspace import Workspace
from tests.synthesized import SHIPPED

ID = "0a1b2c3d-1111-2222-3333-444455556666"
NOW = dt.datetime(2026, 8, 7, 12, 30, tzinfo=dt.UTC)
HERE = f"root@{socket.gethostname()}"


@pytest.fixture
def aws(account: Aws) -> Aws:
    """An account with the state bucket and the lock table."""
    account.client("s3").create_bucket(Bucket=project().state_bucket)
    account.client("dynamodb").create_table(
        TableName=project().lock_table,
        KeySchema=[{"AttributeName": "LockID", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "LockID", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return account


def project() -> Project:
    return load(SHIPPED).project


def written(**other: Any) -> str:
    """Returns a lock as Terraform writes it."""
    lock = {"ID": ID, "Operation": "OperationTypeApply", "Who": HERE, "Created": "2026-08-07T12:00:00.123456789Z"}
    return json.dumps({**lock, **other})


def lock_file(aws: Aws, stack: str, text: str) -> None:
    bucket, key = project().state_bucket, f"{state_key(stack)}.tflock"
    aws.client("s3").put_object(Bucket=bucket, Key=key, Body=text.encode())


def told(aws: Aws, folder: Path) -> list[Message]:
    workspace = Workspace(folder, {"TERRAFORM_BINARY_NAME": "terraform"})
    return list(locks.locked(aws, project(), workspace, ["backend", "sso"]))


def test_a_lock_is_told_with_who_since_when_and_how_it_is_freed(aws: Aws, tmp_path: Path) -> None:
    lock_file(aws, "sso", written())

    (left,) = told(aws, tmp_path)
    assert (left.id, left.data) == ("state-locked", {"stack": "sso", "lock": ID, "who": HERE})
    assert "since 2026-08-07 12:00 UTC" in left
    assert left.endswith(f"terraform -chdir={tmp_path}/stacks/sso force-unlock -force {ID}")


def test_a_row_of_the_table_is_a_lock_without_its_file(aws: Aws, tmp_path: Path) -> None:
    """Terraform frees the file first, and may be killed then."""
    row = {"S": f"{project().state_bucket}/{state_key('sso')}"}
    aws.client("dynamodb").put_item(TableName=project().lock_table, Item={"LockID": row, "Info": {"S": written()}})

    assert len(told(aws, tmp_path)) == 1


@pytest.mark.parametrize(("created", "refuses"), [("2026-08-07T12:00:00Z", True), ("2026-08-07T11:00:00Z", False)])
def test_nothing_is_judged_beside_a_run_that_may_be_alive(
    aws: Aws, tmp_path: Path, created: str, *, refuses: bool
) -> None:
    lock_file(aws, "sso", written(Created=created))
    workspace = Workspace(tmp_path, {"TERRAFORM_BINARY_NAME": "terraform"})

    with pytest.raises(StrataError) if refuses else nullcontext():
        locks.refuse_beside_another_run(aws, project(), workspace, {"sso": None}, NOW)


@pytest.mark.parametrize("text", ["", "null", "[]", '{"ID": 1}', written(ID="; rm -rf ~"), "\x00"])
def test_what_terraform_does_not_write_is_no_lock(text: str) -> None:
    assert Lock.of(text) is None
