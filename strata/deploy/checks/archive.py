"""The log archive: files that would be kept for less or for good, an account that is shut, a trail that waits."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from strata.aws.access_role import account_ids, entered
from strata.aws.session import AwsError, unless_absent
from strata.aws.states import read_state, stacks_of
from strata.config.layers import ARCHIVE
from strata.errors import Message
from strata.identity.archive import refused_locks, shut_archive, waiting_trail
from strata.identity.comparison import Refusal
from strata.identity.held import attributes
from strata.kinds.detection.archive import LOCK, NO_LOCK, live_retention
from strata.landing_zone.archive import archive_of
from strata.terraform.situation import Situation


def log_archive(situation: Situation) -> Iterator[Refusal | Message]:
    """Yields what is told of the archive and its trail, and what of its lock is refused."""
    zone = situation.landing_zone
    layer = zone.layers.get(ARCHIVE)
    if not (layer and layer.source):
        return
    if shut := list(shut_archive(zone, situation.examination.closed)):
        yield from shut
        return
    deployed = layer.stack in stacks_of(situation.etags)
    state = read_state(situation.aws, zone.project, layer.stack) if deployed else {}
    named = situation.request.stacks
    if not named or {ARCHIVE, layer.stack}.intersection(named):
        at_aws = NO_LOCK
        if not attributes(state, {}).get(LOCK):
            try:
                at_aws = _lock_at_aws(situation, layer.stack)
            except AwsError as error:
                bucket = zone.project.archive_trail_bucket
                text = f"whether {bucket} keeps files for longer already is not known: {error}"
                yield Message("lock-unread", text, bucket=bucket)
        yield from refused_locks(zone, state, situation.request.allow, at_aws)
    if "security" in situation.chosen:
        yield from waiting_trail(zone, state, situation.states.get("security", {}))


def _lock_at_aws(situation: Situation, stack: str) -> tuple[str, int]:
    """Returns mode and days of the lock that the bucket of the trail has at AWS, none where there is none.

    Raises:
        AwsError: AWS does not say it.
    """
    its = archive_of(situation.landing_zone)
    ids = dict(account_ids(situation.states.get("organizations", {}), [its.account] if its else []))
    bucket = situation.landing_zone.project.archive_trail_bucket
    codes = ("NoSuchBucket", "ObjectLockConfigurationNotFoundError")
    for id in ids.values():
        s3 = entered(situation.aws, id, situation.reader(stack)).client("s3")
        found = unless_absent(partial(s3.get_object_lock_configuration, Bucket=bucket), codes)
        return live_retention((found or {}).get("ObjectLockConfiguration", {}))
    return NO_LOCK
