"""Names that a run is going to create, written down before: a killed run's leftovers are told from strangers by it.

They lie beside the states, under `management/announced.json`, and are no state: a file that is lost costs no more
than an entry in `imports.yaml`. Only users, groups and permission sets are announced, which AWS has once by name and
which the state of another stack never holds.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable

from strata.aws import kept
from strata.aws.session import Aws, AwsError
from strata.config.models import Project
from strata.errors import Message, StrataError
from strata.identity.things import Kind
from strata.printing import line

Name = tuple[Kind, str]
KINDS: tuple[Kind, ...] = ("user", "group", "permission-set")
"""What has a name that AWS gives once, and that no import block of the stacks finds."""
TRIES = 5
"""How often a write is tried again after somebody else's came first."""


def read(aws: Aws, project: Project) -> frozenset[Name]:
    """Returns the names that runs announced and did not take back, because they did not finish.

    A foreign file counts as no announcement, with a warning: then nothing is imported by its name.
    """
    return _read(aws, project)[0]


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
    for _ in range(TRIES):
        before, condition = _read(aws, project)
        after = (before | add) - remove
        if after == before:
            return
        try:
            data = {"format": kept.FORMAT, "announced": sorted(after)}
            body = json.dumps(data, indent=2, ensure_ascii=False).encode()
            kept.write(aws, project, kept.ANNOUNCED, body, **condition)
        except AwsError as error:
            if error.code not in ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "404"):
                raise
        else:
            return
    place = kept.shown(project, kept.ANNOUNCED)
    text = f"{place} keeps changing; run this again when no other deploy runs"
    raise StrataError(Message("changed-meanwhile", text, place=place))


def _read(aws: Aws, project: Project) -> tuple[frozenset[Name], dict[str, str]]:
    """Returns what is announced, and the condition under which it may be written over."""
    file = kept.read(aws, project, kept.ANNOUNCED)
    if file is None:
        return frozenset(), {"IfNoneMatch": "*"}
    condition = {"IfMatch": file.etag}
    try:
        return _parsed(file.body), condition
    except ValueError as error:
        place = kept.shown(project, kept.ANNOUNCED)
        problem = f"{place} is not what Strata writes ({error}), so nothing counts as announced"
        remedy = "the next deploy that creates users, groups or permission sets rewrites it"
        warning = Message("kept-file-unreadable", f"{problem}; {remedy}", place=place)
        print(line(f"warning: {warning}"), file=sys.stderr)
        return frozenset(), condition


def _parsed(body: bytes) -> frozenset[Name]:
    entries = kept.parsed(body).get("announced")
    names = set[Name]()
    for entry in entries if isinstance(entries, list) else [entries]:
        match entry:
            case ["user" | "group" | "permission-set" as kind, str(name)]:
                names.add((kind, name))
            case _:
                raise ValueError("an entry is no kind with a name")
    return frozenset(names)
