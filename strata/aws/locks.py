"""The lock on a state, as Terraform writes it: a file beside the state, and a row of the lock table."""

from __future__ import annotations

import datetime as dt
import json
import re
from contextlib import suppress
from dataclasses import dataclass

from strata.aws.session import Aws, AwsError
from strata.config.models import Locking, Project, state_key


@dataclass(frozen=True)
class Lock:
    """A lock as Terraform writes it.

    Attributes:
        who: user and machine of the run that took it.
    """

    id: str
    who: str
    since: dt.datetime

    @classmethod
    def of(cls, text: str) -> Lock | None:
        """Returns the lock of a text, None where Terraform would not write it so."""
        try:
            info = json.loads(text)
            since = dt.datetime.fromisoformat(info["Created"][: len("2026-01-01T00:00:00")])
            lock = cls(str(info["ID"]), str(info["Who"]), since.replace(tzinfo=dt.UTC))
        except (KeyError, TypeError, ValueError):
            return None
        return lock if re.fullmatch(r"[0-9a-f-]{36}", lock.id) else None


def read_lock(aws: Aws, project: Project, stack: str) -> Lock | None:
    """Returns the lock on a state, None where nobody holds it or it cannot be read.

    The table is read too: Terraform frees the file first, and may be killed before the row.
    """
    bucket, key = project.state_bucket, state_key(stack)
    s3 = aws.client("s3", project.regions.primary)
    with suppress(AwsError):
        owner = project.management_account.id
        answer = s3.get_object(Bucket=bucket, Key=f"{key}.tflock", ExpectedBucketOwner=owner)
        if lock := Lock.of(answer["Body"].read().decode(errors="replace")):
            return lock
    if project.state.locking is not Locking.BOTH:
        return None
    table = aws.client("dynamodb", project.regions.primary)
    try:
        row = {"LockID": {"S": f"{bucket}/{key}"}}
        answer = table.get_item(TableName=project.lock_table, Key=row, ConsistentRead=True)
    except AwsError:
        return None
    return Lock.of(answer.get("Item", {}).get("Info", {}).get("S", ""))
