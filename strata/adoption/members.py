"""Describes what accounts have of contacts, opt-in regions and settings, each where they inherit it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from strata.adoption.describing import Description, as_control, valid
from strata.adoption.inheriting import by_place, nested
from strata.adoption.keys import keys
from strata.config.baseline import AccountAlias, MemberSettings
from strata.config.models import MANAGEMENT, Contact, Mode
from strata.config.models import Organization as DeclaredOrganization
from strata.errors import Message
from strata.inventory.members import LiveMembers
from strata.kinds.arguments import Attributes
from strata.landing_zone import LandingZone
from strata.landing_zone.inherited import Path, places
from strata.rules.inherited import declared_in

Words = dict[str, dict[Path, Any]]
"""What is said, by place or account."""


@dataclass(frozen=True)
class Members:
    """What was read of accounts, by id.

    Attributes:
        live: contacts and settings.
        regions: the opt-in regions that are enabled, of the accounts of which AWS says them.
        unread: AWS's words where it does not, by part and account, those of the contacts and settings among them.
    """

    live: LiveMembers
    regions: Mapping[str, tuple[str, ...]]
    unread: Mapping[tuple[str, str], str]


def attributes(members: Members, description: Description, *, literal: bool) -> tuple[Words, dict[str, Any]]:
    """Returns contacts and regions by the place that gives them, and the contacts by their names in security.yaml."""
    values, entries = defaultdict[str, dict[Path, Any]](dict), dict[str, dict[str, str]]()
    for id, key in description.keys["account"].items():
        for type, contact in members.live.contacts.get(id, {}).items():
            entry = {field: str(contact[argument]) for field, argument in _ARGUMENTS.items()}
            if valid(Contact, entry):
                values[key]["contacts", type] = identity = str(entry)
                entries[identity] = entry
            else:
                reason = Message("value-rejected", "it cannot be written here; it stays as it is")
                description.leave("alternate contact", f"{type} of {key}", reason)
        if regions := members.regions.get(id):
            values[key]["regions",] = list(regions)
    ways = places(DeclaredOrganization.model_validate(description.organization))
    said = by_place(values, ways, literal=literal)
    for path in said.pop(MANAGEMENT, {}):
        reason = Message("no-field", "no file has a place for what the management account alone has; it stays as it is")
        description.leave("alternate contact" if path[1:] else "region", f"{path[-1]} of {MANAGEMENT}", reason)
    contacts = [(words, path) for words in said.values() for path in words if path[0] == "contacts"]
    used = {words[path] for words, path in contacts}
    names = keys("contact", [(id, [*entries[id].values()]) for id in sorted(used)])
    for words, path in contacts:
        words[path] = names[words[path]]
    return said, {names[id]: entries[id] for id in sorted(used, key=names.__getitem__)}


_ARGUMENTS = {"name": "name", "title": "title", "email": "email_address", "phone": "phone_number"}


def settings(
    members: Members, description: Description, zone: LandingZone, *, literal: bool
) -> dict[str, dict[str, Any]]:
    """Returns the settings of baseline.yaml by place; those that a declarative policy sets are the policy's."""
    values: Words = {}
    models = MemberSettings.kinds()
    for id, key in description.keys["account"].items():
        its = members.live.settings.get(id, {})
        entries = {name: _setting(key, models[name], by_region) for name, by_region in its.items() if by_region}
        by_policy = declared_in(zone, key)
        values[key] = {
            (name,): entry
            for name, entry in entries.items()
            if entry and getattr(models[name], "declared_as", None) not in by_policy
        }
    ways = places(zone.organization)
    ways.pop(MANAGEMENT)  # security.yaml has its settings
    return {place: nested(words) for place, words in by_place(values, ways, literal=literal).items()}


def _setting(account: str, model: Any, by_region: Mapping[str, Attributes]) -> dict[str, Any]:
    if model is AccountAlias:
        alias = str(by_region[""]["name"])
        names = [*([alias.replace(account, "{key}")] if alias.count(account) == 1 else []), alias]
        return next(({"mode": Mode.ON, "name": name} for name in names if valid(AccountAlias, {"name": name})), {})
    entries = [as_control(model, values) for values in by_region.values()]
    return entries[0] if all(entry == entries[0] for entry in entries) else {}


def unread(members: Members, description: Description) -> list[Message]:
    """Returns a sentence for each part of accounts that could not be read."""
    accounts = defaultdict[str, list[str]](list)
    reasons = dict[str, str]()
    for (part, id), reason in sorted(members.unread.items()):
        if key := description.keys["account"].get(id):
            accounts[part].append(key)
            reasons.setdefault(part, reason)
    return [
        Message(
            "part-unread",
            f"Unread ({reasons[part]}), so nothing is written of the {part} of {', '.join(its)}.",
            part=part,
            things=its,
        )
        for part, its in accounts.items()
    ]
