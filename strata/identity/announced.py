"""Names that a run is going to create, written down before: a killed run's leftovers are told from strangers by it.

They lie beside the states, under `management/announced.json`, and are no state: a file that is lost costs no more
than an entry in `imports.yaml`. Only users, groups and permission sets are announced, which AWS has once by name and
which the state of another stack never holds.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any

from strata.aws.session import Aws, AwsError, Client
from strata.config.models import Project
from strata.errors import StrataError
from strata.identity.things import Kind

Name = tuple[Kind, str]
KEY = "management/announced.json"
FORMAT = 1
KINDS: tuple[Kind, ...] = ("user", "group", "permission-set")
"""What has a name of which AWS has one, and which no import block of the stacks finds."""
MAX_BYTES = 10_000_000
TRIES = 5
"""How often a write is tried again after somebody else's came first."""


def read(aws: Aws, project: Project) -> frozenset[Name]:
    """Returns the names that runs announced and did not take back, because they did not finish.

    A foreign file counts as no announcement, with a warning: then nothing is imported by its name.
    """
    return _read(_client(aws, project), project)[0]


def announce(aws: Aws, project: Project, names: Iterable[Name]) -> None:
    """Announces names before their resources are created.

    Raises:
        StrataError: others write all the time.
        AwsError: the bucket refuses it.
    """
    _change(aws, project, add=frozenset(names), remove=frozenset())


def withdraw(aws: Aws, project: Project, names: Iterable[Name]) -> None:
    """Takes names out again, when the run that announced them has finished.

    Raises:
        StrataError: others write all the time.
        AwsError: the bucket refuses it.
    """
    _change(aws, project, add=frozenset(), remove=frozenset(names))


def _change(aws: Aws, project: Project, *, add: frozenset[Name], remove: frozenset[Name]) -> None:
    """Writes only if the object is unchanged: S3 rejects the second of two writes.

    See https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html.
    """
    client = _client(aws, project)
    for _ in range(TRIES):
        before, condition = _read(client, project)
        after = (before | add) - remove
        if after == before:
            return
        try:
            client.put_object(
                **_place(project), **condition, Body=_written(after), ContentType="application/json; charset=utf-8"
            )
        except AwsError as error:
            if error.code not in ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "404"):
                raise
        else:
            return
    raise StrataError(f"{_shown(project)} keeps changing; run this again when no other deploy runs")


def _client(aws: Aws, project: Project) -> Client:
    return aws.client("s3", project.regions.primary)


def _place(project: Project) -> dict[str, str]:
    return {"Bucket": project.state_bucket, "Key": KEY, "ExpectedBucketOwner": project.management_account.id}


def _shown(project: Project) -> str:
    return f"s3://{project.state_bucket}/{KEY}"


def _read(client: Client, project: Project) -> tuple[frozenset[Name], dict[str, str]]:
    """Returns what is announced, and the condition under which it may be written over."""
    try:
        answer = client.get_object(**_place(project))
    except AwsError as error:
        if error.code in ("NoSuchKey", "NoSuchBucket", "404"):
            return frozenset(), {"IfNoneMatch": "*"}
        raise
    condition = {"IfMatch": answer["ETag"]}
    try:
        return _parsed(answer["Body"].read(MAX_BYTES + 1)), condition
    except ValueError as error:
        print(
            f"warning: {_shown(project)} is not what Strata writes ({error}), so nothing counts as announced; "
            "the next deploy that creates users, groups or permission sets writes it anew",
            file=sys.stderr,
        )
        return frozenset(), condition


def _written(names: frozenset[Name]) -> bytes:
    return json.dumps({"format": FORMAT, "announced": sorted(names)}, indent=2, ensure_ascii=False).encode()


def _parsed(body: bytes) -> frozenset[Name]:
    if len(body) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES:,} bytes")
    try:
        document = json.loads(body)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f"no object of format {FORMAT}")
    entries = document.get("announced")
    if not isinstance(entries, list):
        entries = [entries]
    return frozenset(_name(entry) for entry in entries)


def _name(entry: Any) -> Name:
    match entry:
        case ["user" | "group" | "permission-set" as kind, str(name)]:
            return kind, name
    raise ValueError("an entry is no kind with a name")
