"""Security controls, what the organization trusts, and the settings of the project."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from strata.config.models import Control, LandingZone, Organization, SnapshotBlock
from strata.config.services import derived_services
from strata.report.changes.change import Change, Risk, Topic
from strata.report.changes.statements import leaves

GIVES_ACCESS = ("github_actions",)
"""Controls that open something when they are on; all others close something."""


def security_changes(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    """Yields controls that change their mode or a parameter, and regions that lose them."""
    for name in type(after.security).model_fields:
        old, new = getattr(before.security, name), getattr(after.security, name)
        yield from _opening(name, old, new) if name in GIVES_ACCESS else _control(name, old, new)
    left = set(before.project.regions.all_governed) - set(after.project.regions.all_governed)
    for region in sorted(left):
        yield Change(
            Topic.SECURITY, f"{region} is no longer governed: regional controls are let go there", "guardrails"
        )
    for region in sorted(set(after.project.regions.all_governed) - set(before.project.regions.all_governed)):
        yield Change(Topic.SECURITY, f"{region} is governed: regional controls are set there")
    yield from _root_access(before.organization, after.organization)


def _control(name: str, old: Control, new: Control) -> Iterator[Change]:
    if old.mode != new.mode:
        text = f"control {name} is {new.mode.value}, no longer {old.mode.value}"
        yield Change(Topic.SECURITY, text, "guardrails" if old.on else None)
    for part, was, will_be in _different(old, new):
        weaker = _WEAKER.get((name, part))
        text = f"control {name} has {part} {_word(will_be)}, not {_word(was)}"
        yield Change(Topic.SECURITY, text, "guardrails" if old.on and weaker and weaker(was, will_be) else None)


def _opening(name: str, old: Control, new: Control) -> Iterator[Change]:
    risk: Risk | None = "access" if new.on else None
    if old.mode != new.mode:
        yield Change(Topic.SECURITY, f"{name} is {new.mode.value}, no longer {old.mode.value}", risk)
    for part, was, will_be in _different(old, new):
        yield Change(Topic.SECURITY, f"{name} has {part} {_word(will_be)}, not {_word(was)}", risk)


_WEAKER: Mapping[tuple[str, str], Callable[[Any, Any], bool]] = {
    ("instance_metadata", "hop_limit"): lambda was, now: now > was,
    ("snapshot_public_access", "state"): lambda _, now: now != SnapshotBlock.ALL,
    ("password_policy", "minimum_length"): lambda was, now: now < was,
    ("password_policy", "reuse_prevention"): lambda was, now: now < was,
    ("password_policy", "max_age_days"): lambda was, now: now == 0 or 0 < was < now,
    ("trail", "retention_days"): lambda was, now: now < was,
    ("trail", "log_file_validation"): lambda _, now: not now,
    ("alerts", "emails"): lambda was, now: bool(set(was) - set(now)),
}
"""When another value of a parameter protects less; a parameter that is not here protects nothing."""


def _different(old: BaseModel, new: BaseModel) -> Iterator[tuple[str, Any, Any]]:
    for part in type(new).model_fields:
        was, will_be = getattr(old, part), getattr(new, part)
        if part != "mode" and was != will_be:
            yield part, was, will_be


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "nothing"
    if isinstance(value, BaseModel):
        return ", ".join(str(one) for one in value.model_dump(mode="json").values())
    return "nothing" if value is None or value == "" else str(value)


def _root_access(before: Organization, after: Organization) -> Iterator[Change]:
    old, new = before.member_root_access, after.member_root_access
    for part, words in (("credentials_management", "of root credentials"), ("sessions", "of root sessions")):
        was, will_be = bool(old and getattr(old, part)), bool(new and getattr(new, part))
        if was != will_be:
            text = f"central management {words} in members is switched {'on' if will_be else 'off'}"
            yield Change(Topic.SECURITY, text, None if will_be else "guardrails")


def trust_changes(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    """Yields what the organization trusts more or less: delegated administrators, services, sharing."""
    old, new = before.organization, after.organization
    for service in sorted(old.delegated_administrators.keys() | new.delegated_administrators.keys()):
        was, will_be = old.delegated_administrators.get(service), new.delegated_administrators.get(service)
        if was == will_be:
            continue
        if will_be is None:
            yield Change(Topic.TRUST, f"account {was} no longer administers {service}")
        else:
            yield Change(
                Topic.TRUST,
                f"account {will_be} administers {service} for the organization{f', no longer {was}' if was else ''}",
                "access",
            )
    trusted, known = derived_services(new, after.security), derived_services(old, before.security)
    for service in sorted({*trusted, *new.trusted_services} - {*known, *old.trusted_services}):
        yield Change(Topic.TRUST, f"the organization trusts {service}")
    for service in sorted(set(new.disable_services) - set(old.disable_services)):
        text = f"the organization no longer trusts {service}: it stops working across accounts"
        yield Change(Topic.TRUST, text, "guardrails")
    for service in sorted(set(old.disable_services) - set(new.disable_services)):
        yield Change(Topic.TRUST, f"trusted access of {service} is no longer taken away")
    if old.ram_sharing != new.ram_sharing:
        state = {True: "on", False: "off", "unmanaged": "left as it is"}[new.ram_sharing]
        text = f"sharing within the organization without invitation is {state}"
        yield Change(Topic.TRUST, text, "access" if new.ram_sharing is True else None)


def setting_changes(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    """Yields what changes in project.yaml besides the management account, and imports."""
    old, new = ({path: value for path, value in leaves(one.project) if value != {}} for one in (before, after))
    for path in sorted(old.keys() | new.keys()):
        if old.get(path) != new.get(path) and not path.startswith(("management_account", "regions.governed")):
            risk: Risk | None = "guardrails" if path == "state.kms" and not new.get(path) else None
            yield Change(Topic.SETTINGS, f"{path} is {_word(new.get(path))}, not {_word(old.get(path))}", risk)
    for address in sorted(before.imports.keys() | after.imports.keys()):
        was, will_be = before.imports.get(address), after.imports.get(address)
        if was != will_be:
            yield Change(Topic.SETTINGS, f"import of {address} is {_word(will_be)}, not {_word(was)}")
