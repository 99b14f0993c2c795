"""Rules on detection.yaml: who administers, where, whom it leaves out, and what Config records."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from strata.config import DETECTION, ORGANIZATION, PROJECT, SECURITY
from strata.config.layers import DETECTION_LAYER
from strata.config.limits import Limits
from strata.config.loader import PartialConfiguration
from strata.config.models import MANAGEMENT, Mode
from strata.config.source import Location
from strata.config.text import short
from strata.config.types import damaged, did_you_mean
from strata.errors import Fault, Message
from strata.landing_zone import LandingZone
from strata.landing_zone.detection import excepted
from strata.landing_zone.selection import is_wildcard, matching
from strata.rules.organization import retired, unit_keys
from strata.rules.reporting import report_duplicates, report_unknown


def detection(partial: PartialConfiguration, limits: Limits) -> Iterator[Fault]:
    """A member account administers, in governed regions; those that are left out exist; nothing is without effect."""
    layer = partial.layers.get(DETECTION_LAYER)
    settings: Any = layer.settings if layer and layer.source else None
    if settings is None:
        return
    yield from _administrator(partial, settings.administrator)
    yield from _regions(partial, limits, settings)
    if settings.config:
        yield from _config(partial, settings)
    if control := settings.guardduty:
        yield from report_duplicates(partial, DETECTION, ("guardduty", "plans"), control.plans)
        alerts = partial.security.alerts if partial.security else None
        if control.alert_severity and alerts and alerts.mode is Mode.OFF and partial.complete(SECURITY, "alerts"):
            message = Message(
                "alerts-off", f"sends findings to alerts, which are off in {SECURITY}: nobody hears of them"
            )
            remedy = "set alerts to mode: on, with emails, or take this out"
            yield partial.fault(DETECTION, ("guardduty", "alert_severity"), message, remedy)
        if control.except_:
            yield from _exceptions(partial, control.except_, settings.administrator)


def _config(partial: PartialConfiguration, settings: Any) -> Iterator[Fault]:
    control, at = settings.config, ("config", "types")
    service, _ = control.trusted
    if (
        control.mode is not Mode.UNMANAGED
        and not (settings.log_archive and settings.log_archive.managed)
        and partial.complete(DETECTION, "log_archive")
    ):
        text = "there is no log_archive, to which Config delivers what it records"
        remedy = "add log_archive with account: KEY, see docs/detection.md"
        if settings.log_archive:
            text = "log_archive is unmanaged: Config would deliver to a bucket that nobody looks after"
            remedy = "take mode: unmanaged out of log_archive, or write mode: unmanaged here as well"
        yield partial.fault(DETECTION, ("config",), Message("archive-missing", text), remedy)
    declared = partial.organization.delegated_administrators if partial.organization else {}
    if control.mode is not Mode.UNMANAGED and (other := declared.get(service, settings.administrator)) != (
        settings.administrator
    ):
        text = f"{service} is delegated to {other}, and {DETECTION} has {settings.administrator}"
        message = Message("delegated-by-detection", text, service=service)
        yield partial.fault(ORGANIZATION, ("delegated_administrators", service), message, "remove it here")
    if control.types == "all":
        return
    yield from report_duplicates(partial, DETECTION, at, control.types)
    types = recorded_types_of_aws()
    for index, name in enumerate(control.types):
        if types and name not in types:
            text = f"AWS Config has no type {short(name)}{did_you_mean(name, types)}"
            message = Message("unknown-name", text, kind="resource type", name=name)
            yield partial.fault(DETECTION, (*at, index), message, f"write one of {_TYPES}")


_TYPES = "https://docs.aws.amazon.com/config/latest/developerguide/resource-config-reference.html"


def recorded_types_of_aws() -> frozenset[str]:
    """Returns the types that AWS Config records, as the AWS SDK has them; empty where it is not as expected."""
    spec = find_spec("botocore")  # strata check does without the SDK itself
    for folder in spec.submodule_search_locations or () if spec else ():
        for file in sorted(Path(folder).glob("data/config/*/service-2.json.gz")):
            return frozenset(json.loads(gzip.decompress(file.read_bytes()))["shapes"]["ResourceType"]["enum"])
    return frozenset()


def _administrator(partial: PartialConfiguration, key: str) -> Iterator[Fault]:
    at: Location = ("administrator",)
    accounts = partial.organization.accounts if partial.organization else {}
    if key == MANAGEMENT:
        problem = "the management account cannot be a delegated administrator"
        message = Message("delegated-to-management", problem, service="guardduty.amazonaws.com")
        yield partial.fault(DETECTION, at, message, "name a member account, such as the security one")
        return
    known = partial.declared(ORGANIZATION, "accounts", accounts)
    yield from report_unknown(partial, DETECTION, at, key, known, "account")
    yield from retired(partial, DETECTION, at, key)


def _regions(partial: PartialConfiguration, limits: Limits, settings: Any) -> Iterator[Fault]:
    if partial.project is None:
        return
    governed = partial.project.regions.all_governed
    wanted = governed if settings.regions == "governed" else settings.regions
    places: dict[str, Location] = {
        region: ("regions",) if settings.regions == "governed" else ("regions", index)
        for index, region in enumerate(wanted)
    }
    if settings.regions != "governed":
        yield from report_duplicates(partial, DETECTION, ("regions",), wanted)
    for region, at in places.items():
        if region not in governed and partial.complete(PROJECT, "regions"):
            message = Message("region-not-governed", f"{region} is not governed", region=region)
            remedy = f"remove it, or add it to regions.governed of project.yaml; governed are {', '.join(governed)}"
            yield partial.fault(DETECTION, at, message, remedy)
    landing_zone = LandingZone.of(partial) if partial.complete(ORGANIZATION, "accounts", "defaults") else None
    its = landing_zone.members.get(settings.administrator) if landing_zone else None
    for region in sorted(limits.opt_in_regions & {*wanted} & {*governed}) if its else ():
        if its and region not in its.regions:
            text = f"{settings.administrator} has not enabled {region}, and would watch nobody there"
            message = Message("region-not-enabled", text, region=region, account=settings.administrator)
            remedy = f"add {region} to regions of the account in {ORGANIZATION}, or list regions here without it"
            yield partial.fault(DETECTION, places[region] if "regions" in _keys(partial) else (), message, remedy)


def _keys(partial: PartialConfiguration) -> set[str]:
    return {*partial.source_files[DETECTION].data}


def _exceptions(partial: PartialConfiguration, exceptions: Any, administrator: str) -> Iterator[Fault]:
    organization = partial.organization
    if not organization:
        return
    at: Location = ("guardduty", "except")
    accounts = partial.declared(ORGANIZATION, "accounts", organization.accounts)
    units = partial.declared(ORGANIZATION, "organizational_units", unit_keys(organization))
    for index, name in enumerate(exceptions.accounts):
        here = (*at, "accounts", index)
        if not is_wildcard(name):
            yield from report_unknown(partial, DETECTION, here, name, accounts, "account", MANAGEMENT)
            yield from retired(partial, DETECTION, here, name)
        elif accounts is not None and not (damaged(accounts) or matching(name, accounts | {MANAGEMENT})):
            text = f"{short(name)} matches no account{did_you_mean(name.strip('*?'), accounts)}"
            message = Message("pattern-matches-nothing", text, pattern=name)
            yield partial.fault(DETECTION, here, message, "correct it, or remove it")
    for index, name in enumerate(exceptions.organizational_units):
        here = (*at, "organizational_units", index)
        yield from report_unknown(partial, DETECTION, here, name, units, "organizational unit")
    landing_zone = LandingZone.of(partial)
    if landing_zone and accounts is not None and units is not None and administrator in excepted(landing_zone):
        text = f"{administrator} is the administrator, in which AWS switches GuardDuty on by itself"
        message = Message("administrator-excepted", text, account=administrator)
        yield partial.fault(DETECTION, at, message, "except others, or name another administrator")
