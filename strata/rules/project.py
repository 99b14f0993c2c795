"""Rules on project.yaml: it does not name Strata's own resources, and its tags fit every service."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config import PROJECT
from strata.config.limits import Limits
from strata.config.loader import PartialConfiguration
from strata.config.source import Location
from strata.config.text import short
from strata.config.types import REPLICA
from strata.errors import Fault, Message
from strata.landing_zone.deployer import deployer_of
from strata.landing_zone.permission_sets import InlinePolicy
from strata.rules.policies import wrong_document
from strata.rules.reporting import report_duplicates


def regions(partial: PartialConfiguration, _: Limits) -> Iterator[Fault]:
    """Governed regions are listed once."""
    if partial.project:
        yield from report_duplicates(partial, PROJECT, ("regions", "governed"), partial.project.regions.governed)


def state(partial: PartialConfiguration, _: Limits) -> Iterator[Fault]:
    """The bucket of the state is no other bucket of Strata's, whose logs expire or whose objects are copies."""
    project = partial.project
    bucket = project.state.bucket if project else None
    if not project or not bucket:
        return
    default = project.model_copy(update={"state": project.state.model_copy(update={"bucket": None})})
    taken = {project.trail_bucket: "the bucket of the organization trail"}
    taken |= dict.fromkeys((project.replica_bucket, default.replica_bucket), f"a replica, which ends in {REPLICA!r}")
    if bucket in taken:
        message = Message("name-taken", f"{short(bucket)} is the name of {taken[bucket]}", kind="bucket", name=bucket)
        yield partial.fault(PROJECT, ("state", "bucket"), message, "choose another name, or leave it out")
    elif project.replica_bucket == project.trail_bucket:
        problem = f"the replica of {short(bucket)} has the name of the bucket of the organization trail"
        message = Message("name-taken", problem, kind="bucket", name=project.replica_bucket)
        yield partial.fault(PROJECT, ("state", "bucket"), message, "choose another name, or leave it out")


def deployer(partial: PartialConfiguration, _: Limits) -> Iterator[Fault]:
    """The policies of the deployer that are files are policies."""
    role = deployer_of(partial.project, partial.documents)
    for index, policy in enumerate(role.policies if role else ()):
        if isinstance(policy, InlinePolicy) and policy.file in partial.documents:
            at: Location = ("deployer", "policies", index, "inline")
            yield from wrong_document(partial, PROJECT, at, policy.file, policy.document, None)


def tags(partial: PartialConfiguration, _: Limits) -> Iterator[Fault]:
    """Keys differ in more than case: they go on IAM roles, which keep one of two such tags.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
    """
    if not partial.project:
        return
    seen: dict[str, str] = {}
    for key in partial.project.tags:
        other = seen.setdefault(key.lower(), key)
        if other != key:
            problem = f"the tag {short(key)} differs from {short(other)} in case only, which IAM does not tell apart"
            message = Message("tag-clash", problem, tag=key, other=other)
            yield partial.fault(PROJECT, ("tags", key), message, "keep one of the two")
