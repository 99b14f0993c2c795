"""What a run may not do to the log archive by accident, and what it tells of the trail that waits for it."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from strata.config import DETECTION, SECURITY
from strata.config.detection import ObjectLock
from strata.config.layers import ARCHIVE
from strata.errors import Message
from strata.identity.comparison import Refusal, allowed_by
from strata.identity.held import attributes
from strata.kinds.detection.archive import LOCK, NO_LOCK, retention
from strata.landing_zone import LandingZone
from strata.landing_zone.archive import DELIVERY, archive_of, trail_in_archive
from strata.landing_zone.detection import config_of
from strata.sides.states import State

SHORTER_LOCK, COMPLIANCE = "shorter-lock", "compliance-lock"
"""Words of `--allow`."""


def refused_locks(
    zone: LandingZone, archive: State, allow: Collection[str], at_aws: tuple[str, int] = NO_LOCK
) -> Iterator[Refusal]:
    """Refuses a lock that keeps less than the state has, and one that nobody could take back.

    Args:
        zone: has the lock that is wanted.
        archive: the state of the archive's stack, empty where it was never deployed.
        allow: the words of `--allow`.
        at_aws: mode and days of the bucket as AWS has them, where the state has removed the lock or never had one.
    """
    wanted = archive_of(zone)
    if not wanted:
        return
    held = attributes(archive, {}).get(LOCK)
    mode, days = retention(held) if held else at_aws
    if wanted.mode is ObjectLock.COMPLIANCE != mode and COMPLIANCE not in allow:
        text = f"nobody could delete a log file of the trail for {wanted.object_lock_days} days, nor undo that"
        problem = Message("lock-for-good", text, days=wanted.object_lock_days)
        remedy = f"write mode: governance, which keeps whom a guardrail denies off as well; or {allowed_by(COMPLIANCE)}"
        yield Refusal(zone.fault(DETECTION, ("log_archive", "mode"), problem, remedy), COMPLIANCE)
    if SHORTER_LOCK in allow:
        return
    if wanted.object_lock_days < days:
        text = f"{days} days were kept: those of files that are there stay, and what comes after is kept for less"
        problem = Message("lock-shorter", text, old=days, new=wanted.object_lock_days)
        remedy = f"write at least {days}; or {allowed_by(SHORTER_LOCK)}"
        yield Refusal(zone.fault(DETECTION, ("log_archive", "object_lock_days"), problem, remedy), SHORTER_LOCK)
    if mode == ObjectLock.COMPLIANCE != wanted.mode:
        text = "mode was compliance: files that are there stay locked, and who may can delete what comes after"
        problem = Message("lock-weaker", text, old=mode, new=str(wanted.mode))
        remedy = f"write mode: compliance; or {allowed_by(SHORTER_LOCK)}"
        yield Refusal(zone.fault(DETECTION, ("log_archive", "mode"), problem, remedy), SHORTER_LOCK)


def shut_archive(zone: LandingZone, closed: Collection[str]) -> Iterator[Message]:
    """Tells that the archive is in an account that is suspended or closed, and who delivers there all the same."""
    its = archive_of(zone)
    if its and its.account in closed:
        writers = ["the trail"] if trail_in_archive(zone) else []
        writers += ["AWS Config"] if config_of(zone.detection) else []
        text = (
            f"{its.account} is suspended or closed, and has the log archive, "
            f"to which {' and '.join(writers) or 'nothing'} would deliver; reopen it, or write mode: unmanaged below "
            "log_archive and config, and bucket: own below trail"
        )
        place = str(zone.source(DETECTION, ("log_archive", "account")))
        yield Message("archive-shut", text, place=place, account=its.account)


def waiting_trail(zone: LandingZone, archive: State, security: State) -> Iterator[Message]:
    """Tells that the trail stays in its own bucket, as Terraform decides by the same states."""
    there, before = (_delivery(state) for state in (archive, security))
    if trail_in_archive(zone) and not there and before.get("bucket") != zone.project.archive_trail_bucket:
        stack = zone.layers[ARCHIVE].stack
        text = f"trail delivers to its own bucket until {stack} is there; the plan after its deploy moves the delivery"
        yield Message("trail-not-moved", text, place=str(zone.source(SECURITY, ("trail", "bucket"))), stack=stack)


def _delivery(state: State) -> dict[str, str]:
    return ((state.get("outputs") or {}).get(DELIVERY) or {}).get("value") or {}
