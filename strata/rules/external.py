"""Rules on external.yaml: Strata understands its documents, it has what is external, and nothing else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from strata.config import EXTERNAL, ORGANIZATION, SSO
from strata.config.external import place_of_inline, place_of_policy
from strata.config.limits import Limits
from strata.config.loader import PartialConfiguration
from strata.config.source import Location
from strata.config.text import short
from strata.errors import Fault, Message
from strata.landing_zone import LandingZone
from strata.landing_zone.groups import is_of_control_tower
from strata.policy.documents import DocumentError, parse
from strata.rules.accepted import Doubt

_ANEW = "strata adopt --refresh-external"


def documents(partial: PartialConfiguration, _: Limits) -> Iterator[Fault]:
    """Every document can be evaluated; without its entry it would count as not known."""
    sets = partial.external.permission_sets.items()
    texts = {place_of_inline(name): permission_set.inline for name, permission_set in sets if permission_set.inline}
    for type, policies in partial.external.policies.items():
        texts |= {place_of_policy(type, name): policy.document for name, policy in policies.items()}
    for location, text in texts.items():
        try:
            parse(text, str(location[-2]))
        except DocumentError as error:
            remedy = f"{_ANEW} rewrites the file"
            yield partial.fault(EXTERNAL, location, error.args[0].saying(str(error)), remedy)


def unread(landing_zone: LandingZone) -> Iterator[Doubt]:
    """Yields what others look after and external.yaml lacks."""
    text = f"what it says is not known: {EXTERNAL} lacks {{}}; {_ANEW} reads it"
    for policy in landing_zone.policies.values():
        if not policy.is_known:
            message = Message("unread-external", text.format(f"{policy.type} {policy.name}"), policy=policy.key)
            yield ORGANIZATION, policy.location, message
    for permission_set in landing_zone.permission_sets.values():
        if not permission_set.is_known:
            lacks = text.format(f"permission set {permission_set.name}")
            message = Message("unread-external", lacks, permission_set=permission_set.key)
            yield SSO, permission_set.location, message
    for group in landing_zone.groups.values():
        if is_of_control_tower(group) and not group.is_known:
            text = (
                f"who is in group {group.name} is not known: {EXTERNAL} lacks it; {_ANEW} reads it, unless an identity "
                "provider fills it"
            )
            yield SSO, group.location, Message("unread-external", text, group=group.key)


def read_later(landing_zone: LandingZone, today: dt.date | None) -> Iterator[Doubt]:
    """Yields a day of reading that no place on earth has yet."""
    read = landing_zone.external.read
    if read and today and read - today > dt.timedelta(days=1):
        text = f"{read}, its day of reading, is in the future; {_ANEW} corrects it"
        yield EXTERNAL, ("read",), Message("unread-external", text, day=str(read))


def unused_entries(landing_zone: LandingZone) -> Iterator[Doubt]:
    """Yields the entries of external.yaml that belong to nothing declared as external."""
    external = landing_zone.external
    sets, policies, groups = landing_zone.permission_sets, landing_zone.policies, landing_zone.groups
    named: set[Location] = {("permission_sets", held.name) for held in sets.values() if held.external}
    named |= {("policies", policy.type.value, policy.name) for policy in policies.values() if policy.external}
    named |= {("groups", group.name) for group in groups.values() if is_of_control_tower(group)}
    has: list[Location] = [("permission_sets", name) for name in external.permission_sets]
    has += [("policies", type.value, name) for type, some in external.policies.items() for name in some]
    has += [("groups", name) for name in external.groups]
    for location in (location for location in has if location not in named):
        text = f"belongs to nothing that is declared with external: true; {_ANEW} takes it out"
        yield EXTERNAL, location, Message("unused-external", text, name=str(location[-1]))


def strangers(landing_zone: LandingZone) -> Iterator[Doubt]:
    """Yields the members of external groups whom sso.yaml does not have, so that no answer names them."""
    for group in landing_zone.groups.values():
        for name in group.strangers:
            text = f"{short(name)} is no user here; declare it with external: true, or after it has left: {_ANEW}"
            yield *group.membership(0), Message("unknown-member", text, group=group.key, name=name)
