"""Changes of security controls, trusted services, and project settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from strata.config.accepted import by_finding
from strata.config.models import Control, Mode, Model, Organization
from strata.config.weaker import is_weaker
from strata.diff.addresses import address_changes
from strata.diff.change import Change, Risk, Topic
from strata.kinds.account import ACCOUNT
from strata.kinds.assignment import ASSIGNMENT
from strata.kinds.group import MEMBERSHIP
from strata.landing_zone import LandingZone
from strata.report.words import in_place_of, in_words
from strata.text import counted


def security_changes(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    """Yields controls that change their mode or a parameter, and regions that lose them."""
    for name, new in after.security.controls.items():
        old = before.security.controls[name]
        yield from _control(name, old, new)
    for section in ("contacts", "primary_contacts"):
        yield from _contacts(section, getattr(before.security, section), getattr(after.security, section))
    left = set(before.project.regions.all_governed) - set(after.project.regions.all_governed)
    for region in sorted(left):
        yield Change(
            Topic.SECURITY,
            f"{region} is no longer governed: Strata manages no regional control there any more",
            "guardrails",
        )
    for region in sorted(set(after.project.regions.all_governed) - set(before.project.regions.all_governed)):
        yield Change(Topic.SECURITY, f"{region} is governed: regional controls are set there")
    yield from _root_access(before.organization, after.organization)


def _control(name: str, old: Control, new: Control) -> Iterator[Change]:
    """Yields the changes of a control; one that opens something is a risk where it is on, others where they go."""
    opened: Risk | None = "access" if new.on else None
    named = name if new.opens else f"control {name}"
    if old.mode != new.mode:
        # What a deploy does to a control that is on no more; what was not Strata's stays in any case.
        stays = new.off if old.on and new.mode is Mode.OFF else "it stays at AWS as it is"
        text = f"{named} is {new.mode.value}, no longer {old.mode.value}{_then(new, stays)}"
        yield Change(Topic.SECURITY, text, opened if new.opens else "guardrails" if old.on else None)
    for part in type(new).model_fields:
        was, will_be = getattr(old, part), getattr(new, part)
        if part == "mode" or was == will_be:
            continue
        text = f"{named} has {part} {in_words(will_be)}, {in_place_of(was)}"
        if new.opens:
            yield Change(Topic.SECURITY, text, opened)
            continue
        weaker = old.on and is_weaker(type(new), part, was, will_be)
        if will_be is None:  # a contact
            text = f"{named} no longer has {part} {in_words(was)}: AWS keeps it as it is"
        yield Change(Topic.SECURITY, text, "guardrails" if weaker else None)
        yield from address_changes(name, was, will_be)


def _then(new: Control, stays: str) -> str:
    """Returns what follows from the mode that a control gets."""
    then = new.opens if new.on else stays
    return f": {then}" if then else ""


def _contacts(section: str, old: Mapping[str, Model], new: Mapping[str, Model]) -> Iterator[Change]:
    """Yields the changes of contacts by name, which accounts have by it."""
    for key in sorted(old.keys() | new.keys()):
        what, was, now = f"{section.removesuffix('s').replace('_', ' ')} {key}", old.get(key), new.get(key)
        if was != now:
            yield Change(Topic.SECURITY, f"{what} is {in_words(now)}, {in_place_of(was)}")
            yield from address_changes(what, was, now)


def _root_access(before: Organization, after: Organization) -> Iterator[Change]:
    old, new = before.member_root_access, after.member_root_access
    parts: tuple[tuple[str, str, Risk | None], ...] = (
        ("credentials_management", "of root credentials", None),
        ("sessions", "of root sessions", "access"),  # the management account is root in members then
    )
    for part, words, risk in parts:
        was, will_be = bool(old and getattr(old, part)), bool(new and getattr(new, part))
        if was != will_be:
            text = f"central management {words} in members is switched {'on' if will_be else 'off'}"
            yield Change(Topic.SECURITY, text, risk if will_be else "guardrails")


def trust_changes(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    """Yields changes of trust: delegated administrators, services, sharing."""
    old, new = before.organization, after.organization
    for service in sorted(old.delegated_administrators.keys() | new.delegated_administrators.keys()):
        was, will_be = old.delegated_administrators.get(service), new.delegated_administrators.get(service)
        if was == will_be:
            continue
        if will_be is None:
            yield Change(
                Topic.TRUST, f"account {was} no longer administers {service} for the organization", "guardrails"
            )
        else:
            yield Change(
                Topic.TRUST,
                f"account {will_be} administers {service} for the organization{f', no longer {was}' if was else ''}",
                "access",
            )
    for service in sorted(after.trusted_services - before.trusted_services):
        # One that a control of security.yaml needs comes with that control.
        risk: Risk | None = "access" if service in new.trusted_services else None
        yield Change(Topic.TRUST, f"the organization trusts {service}", risk)
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
    """Yields the changes of project.yaml besides the management account, and of imports."""
    old, new = (
        {path: value for path, value in leaves(landing_zone.project) if value != {}} for landing_zone in (before, after)
    )
    for path in sorted(old.keys() | new.keys()):
        if old.get(path) != new.get(path) and not path.startswith(("management_account", "regions.governed")):
            text = f"{path} is {in_words(new.get(path))}, {in_place_of(old.get(path))}"
            yield Change(Topic.SETTINGS, f"{text}{_SAID.get(path, '')}", _risk_of_setting(path, new.get(path)))
    for file in sorted(_of_deployer(before) & _of_deployer(after)):
        if before.documents[file] != after.documents[file]:
            yield Change(Topic.SETTINGS, f"{file} changes, a policy of the deployer", "access")
    links = [address for address in after.imports.keys() - before.imports.keys() if address.startswith(_LINKS)]
    if links:
        number = counted(len(links), "assignment or membership", "assignments and memberships")
        yield Change(Topic.SETTINGS, f"imports.yaml imports {number} more")
    for address in sorted((before.imports.keys() | after.imports.keys()) - {*links}):
        was, will_be = before.imports.get(address), after.imports.get(address)
        if was != will_be:
            text = f"import of {address} is {in_words(will_be)}, {in_place_of(was)}"
            # A key stands for another thing at AWS: a group with other members, another bucket. Without its line, a
            # thing that was imported stays what it is.
            risk: Risk = next((risk for start, risk in _IMPORTED.items() if address.startswith(start)), "guardrails")
            yield Change(Topic.SETTINGS, text, risk if will_be else None)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yields every value below mappings and models with its dotted path; an empty mapping is one."""
    if isinstance(value, BaseModel):
        value = dict(value)
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else str(key))
    else:
        yield path, value


def _of_deployer(zone: LandingZone) -> set[str]:
    """Returns the files of the policies that the deployer has."""
    deployer = zone.project.deployer
    return {policy.inline for policy in deployer.policies if policy.inline} if deployer else set()


def acceptance_changes(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    """Yields what is accepted, and until when: check and drift are silent about it from then on."""
    old, new = (by_finding(zone.accepted) for zone in (before, after))
    for finding, at in sorted(old.keys() | new.keys()):
        was, will_be = old.get((finding, at)), new.get((finding, at))
        until = f" until {will_be.until}" if will_be and will_be.until else ""
        if will_be is None:
            yield Change(Topic.SETTINGS, f"{finding} at {at} is accepted no longer")
        elif was is None:
            yield Change(Topic.SETTINGS, f"{finding} at {at} is accepted{until}: {will_be.reason}", "guardrails")
        elif was.until != will_be.until:
            longer = was.until is not None and (will_be.until is None or will_be.until > was.until)
            text = f"{finding} at {at} is accepted{until or ' for good'}, not {was.until or 'for good'}"
            yield Change(Topic.SETTINGS, text, "guardrails" if longer else None)


_SAID = {"identity_center.start_url": ": strata profiles writes it, and people sign in there"}


def _risk_of_setting(path: str, will_be: Any) -> Risk | None:
    if path.startswith("state.") or path in ("short_name", "regions.primary", "regions.secondary"):
        return "guardrails"  # where the states are, and the locks
    if path in ("default_tags", "identity_center.region", "deployer.policies") or path.startswith("tags."):
        return "access"  # permission sets and roles get the tags as well, and policies compare them
    return "access" if path == "identity_center.start_url" and will_be else None


_LINKS = tuple(f"{kind.type}." for kind in (ASSIGNMENT, MEMBERSHIP))
"""No other thing has their keys: what they give is told as access, whether AWS has it or not."""
_IMPORTED: Mapping[str, Risk] = {
    "aws_identitystore_": "access",
    "aws_ssoadmin_": "access",
    "aws_iam_": "access",
    ACCOUNT.type: "accounts",
}
