"""Rules on the log archive of detection.yaml: where it is, who needs it, and who is kept off it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from strata.config import DETECTION, ORGANIZATION, SECURITY
from strata.config.layers import DETECTION_LAYER
from strata.config.limits import Limits
from strata.config.loader import PartialConfiguration
from strata.config.models import MANAGEMENT, TrailBucket
from strata.config.source import Location
from strata.config.text import short
from strata.errors import Fault, Message
from strata.landing_zone import LandingZone
from strata.landing_zone.archive import archive_of
from strata.rules.accepted import Doubt
from strata.rules.reporting import report_unknown

_AT: Location = ("log_archive", "account")


def archive(partial: PartialConfiguration, limits: Limits) -> Iterator[Fault]:
    """A member account has it, in the primary region; the trail goes there only where there is one."""
    layer = partial.layers.get(DETECTION_LAYER)
    settings: Any = layer.settings if layer and layer.source else None
    its = settings.log_archive if settings else None
    if its:
        yield from _account(partial, limits, its.account, managed=its.managed)
    security = partial.security
    here = DETECTION in partial.source_files
    hidden = here and (settings is None or not partial.complete(DETECTION, "log_archive"))
    wanted = security and security.trail.on and security.trail.bucket is TrailBucket.ARCHIVE
    if wanted and not hidden and not (its and its.managed):
        text = f"there is no archive: {'log_archive is unmanaged' if its else f'{DETECTION} has no log_archive'}"
        remedy = (
            f"write log_archive: {{account: KEY}} in {DETECTION}, or bucket: own for a bucket in the management account"
        )
        yield partial.fault(SECURITY, ("trail", "bucket"), Message("archive-missing", text), remedy)


def _account(partial: PartialConfiguration, limits: Limits, key: str, *, managed: bool) -> Iterator[Fault]:
    accounts = partial.organization.accounts if partial.organization else {}
    if key == MANAGEMENT:
        text = "the management account cannot have the archive: no service control policy binds anybody there"
        remedy = "name a member account, such as the one for logs"
        yield partial.fault(DETECTION, _AT, Message("archive-in-management", text), remedy)
        return
    known = partial.declared(ORGANIZATION, "accounts", accounts)
    yield from report_unknown(partial, DETECTION, _AT, key, known, "account")
    if managed and key in accounts and accounts[key].retired:
        message = Message("account-retired", f"the account {short(key)} is retired", account=key)
        remedy = "take retired out until mode: unmanaged here, and bucket: own of the trail, are deployed"
        yield partial.fault(DETECTION, _AT, message, remedy)
    zone = LandingZone.of(partial) if partial.complete(ORGANIZATION, "accounts", "defaults") else None
    member, region = zone.members.get(key) if zone else None, zone.project.regions.primary if zone else ""
    if member and region in limits.opt_in_regions - {*member.regions}:
        text = f"{key} has not enabled {region}, the primary region, in which the archive is"
        message = Message("region-not-enabled", text, region=region, account=key)
        yield partial.fault(DETECTION, _AT, message, f"add {region} to regions of the account in {ORGANIZATION}")


def doubts(zone: LandingZone) -> Iterator[Doubt]:
    """Who watches could delete the logs.

    https://docs.aws.amazon.com/prescriptive-guidance/latest/security-reference-architecture/log-archive.html
    """
    its = archive_of(zone)
    if its and zone.detection and its.account in zone.members and its.account == zone.detection.administrator:
        text = (
            "administers detection as well: whoever investigates there could delete the logs; give the archive "
            "an account of its own"
        )
        yield DETECTION, _AT, Message("archive-beside-administrator", text, account=its.account)
