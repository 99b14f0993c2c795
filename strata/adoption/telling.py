"""What a rerun tells and does not write: what is gone at AWS, and what is otherwise there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from strata.adoption.describing import Description
from strata.adoption.existing import SECTIONS, ExistingConfiguration
from strata.adoption.importing import candidates
from strata.adoption.live_ids import live_ids
from strata.adoption.needs import BY_TYPE
from strata.adoption.pruning import kind as type_of
from strata.adoption.recording import ATTRIBUTE, MEMBERSHIP, TRUSTED
from strata.adoption.rendering import Since
from strata.config.models import Model, User
from strata.config.moves import KINDS, Kind
from strata.config.text import short
from strata.errors import Message
from strata.kinds import KEYED, TYPES, WORDS
from strata.kinds.at_aws import Inventory
from strata.kinds.group import MEMBERSHIP as GROUP_MEMBERSHIP
from strata.kinds.moves import address_parts
from strata.kinds.permission_set import CUSTOMER, INLINE, MANAGED, SET, live_policy
from strata.kinds.thing import ACTIVE
from strata.landing_zone import ROOT, LandingZone
from strata.policy.equality import same_document
from strata.sides.join import Keys, identities, live_names
from strata.text import listed


@dataclass
class Telling:
    """What is told, by the result of a rerun.

    Attributes:
        described: the keys that earlier runs and the states have, by kind and id.
        known: the keys of what AWS has, by kind and id.
        deployed: type and id of what a state has.
        is_known: returns whether an earlier run described an id of a type, or a deploy made it.
    """

    existing: ExistingConfiguration
    inventory: Inventory
    description: Description
    zone: LandingZone
    since: Since
    known: Keys
    described: Keys
    deployed: Collection[tuple[str, str]]
    is_known: Callable[[str, str], bool]

    def tell(self) -> None:
        """Adds what is gone and what differs."""
        self.identities = identities(self.zone)
        self._tell_what_is_gone()
        self._tell_what_differs()

    def _tell_what_is_gone(self) -> None:
        read = KINDS if self.inventory.center else ("account", "ou", "policy")
        names = live_names(self.inventory)
        for kind in read:
            here, alive = set(self.description.keys[kind].values()), names[kind]
            for id, key in sorted(self.described[kind].items()):
                if id in alive or key not in self.identities[kind].keys() - self.zone.retired.keys():
                    continue
                address = f"{TYPES[kind]}.{key}"
                if key not in here:
                    self.since.gone.append(f"{WORDS[kind]} {key} ({id})")
                elif KEYED[kind].id_of(self.existing.imported.get(address, "")) == id:
                    again = f"and there again: take {address} out of the state, and run this once more"
                    text = f"{WORDS[kind]} {key} ({id}), {again}"
                    self.since.gone.append(Message("made-again", text, place=address, id=id))
        there = live_ids(self.inventory)
        for address, id in candidates(self.zone, self.inventory, self.description.keys).items():
            type = type_of(address)
            known = self.is_known(type, id) or address in self.existing.imported
            if (type, id) not in there and known and in_words(address) not in self.since.gone:
                self.since.gone.append(in_words(address))
        self.since.gone += [*self._gone_memberships(), *self._gone_settings()]

    def _gone_memberships(self) -> Iterator[str]:
        users = {key: id for id, key in self.description.keys["user"].items()}
        for group in self.inventory.center.groups if self.inventory.center else ():
            key = self.description.keys["group"].get(group.id, "")
            for member in self.zone.sso.groups[key].members if key in self.zone.groups else ():
                user, address = users.get(member), f"{GROUP_MEMBERSHIP.type}.{key}_{member}"
                known = self.is_known(MEMBERSHIP, f"{group.id} {user}") or address in self.existing.imported
                if user and user not in group.members and known:
                    yield f"user {member} in group {key}"

    def _gone_settings(self) -> Iterator[str]:
        organization, center = self.inventory.organization, self.inventory.center
        here: dict[str, Iterable[str]] = {TRUSTED: self.zone.organization.trusted_services}
        live: dict[str, Iterable[str]] = {TRUSTED: organization.trusted_services}
        if center:
            here[ATTRIBUTE], live[ATTRIBUTE] = self.zone.sso.access_control_attributes, center.attributes or ()
        for type, some in here.items():
            missing = sorted(set(some) - set(live[type]))
            yield from (f"{type} {setting}" for setting in missing if self.is_known(type, setting))

    def _tell_what_differs(self) -> None:
        organization, sso = self.zone.organization, self.zone.sso
        entries: Mapping[Kind, Mapping[str, Model]] = {
            "account": organization.accounts,
            "policy": organization.policies,
            "user": sso.users,
            "group": sso.groups,
            "permission-set": sso.permission_sets,
        }
        for kind, here in entries.items():
            section = SECTIONS[kind]
            fresh = self.description.organization.get(section) or self.description.sso.get(section) or {}
            for key in sorted(here.keys() & fresh.keys()):
                if fresh[key].get("external") and not getattr(here[key], "external", True):
                    text = f"{WORDS[kind]} {key}: others manage it at AWS, and it is not external here"
                    self.since.differs.append(Message("managed-by-others", text, thing=f"{WORDS[kind]} {key}"))
                    continue
                entry, own_name = here[key], key
                if kind == "account":
                    own_name = f"{self.zone.project.name}-{key}"
                    tags = self.zone.attributes[key].tags
                    if tags or "tags" in entry.model_fields_set:
                        entry = entry.model_copy(update={"tags": tags})
                for name, at_aws, declared_one in _differences(entry, fresh[key], own_name):
                    told = _differing(f"{WORDS[kind]} {key}", name, at_aws, declared_one)
                    stay = self._staying(key, at_aws, declared_one) if name == "policies" else []
                    text = f"{told}; no deploy takes {listed(stay)} away, strata drift --back does"
                    self.since.differs.append(told.saying(text, stay=stay) if stay else told)
        off = {policy.type.value for policy in self.zone.policies.values()} - {
            *self.inventory.organization.policy_types
        }
        self.since.differs += [
            Message("policy-type-off", f"the policy type {type} is off at AWS, and on here", type=type)
            for type in sorted(off)
        ]
        self.since.differs += [*self._other_units(), *self._closed_accounts()]
        self.since.differs += [
            Message("document-differs", f"{path}: the document is another one at AWS", place=path)
            for path in self._other_documents()
        ]

    def _staying(self, key: str, at_aws: Iterable[str], here: Collection[str]) -> list[str]:
        """Returns the policies of a permission set that no deploy detaches: neither declared nor in a state."""
        held = set[str]()
        for center in self.inventory.centers:
            for live in center.permission_sets:
                if self.description.keys["permission-set"].get(live.arn) == key:
                    whole = f"{live.arn},{center.instance}"
                    ids = {live_policy(arn)["aws"]: (MANAGED, f"{arn},{whole}") for arn in live.aws_managed}
                    ids |= {name: (CUSTOMER, f"{name},{path},{whole}") for name, path in live.customer_managed}
                    ids |= {"inline": (INLINE.type, whole)}
                    held |= {name for name, id in ids.items() if id in self.deployed}
        return [name for name in at_aws if name not in {*here, *held}]

    def _other_units(self) -> Iterator[Message]:
        """Yields the units that have another name or another place at AWS."""
        for unit in self.inventory.organization.units:
            key = self.description.keys["ou"].get(unit.id, "")
            here = self.zone.units.get(key)
            if here and here.name != unit.name:
                yield _differing(f"{WORDS['ou']} {key}", "name", unit.name, here.name)
            at_aws = self.description.keys["ou"].get(unit.parent, ROOT)
            if here and at_aws != (here.parent or ROOT):
                text = f"{WORDS['ou']} {key}: it is in {short(at_aws)} at AWS, and in {short(here.parent or ROOT)} here"
                values = {"key": "unit", "at_aws": at_aws, "here": here.parent or ROOT}
                yield Message("value-differs", text, thing=f"{WORDS['ou']} {key}", **values)

    def _closed_accounts(self) -> Iterator[Message]:
        for account in self.inventory.organization.accounts:
            key = self.known.get("account", {}).get(account.id)
            if key in self.zone.accounts and account.state != ACTIVE:
                state = account.state.lower().replace("_", " ")
                words = "at AWS, which no deploy changes; write `retired: true`"
                text = f"account {key} ({account.id}): it is {state} {words}"
                yield Message("account-inactive", text, account=key, state=account.state)

    def _other_documents(self) -> Iterator[str]:
        """Yields the documents of the configuration that are not as at AWS."""
        for policy in self.inventory.organization.policies:
            here = self.zone.policies.get(self.description.keys["policy"].get(policy.id, ""))
            if here and here.file and not same_document(here.document.text, policy.content):
                yield here.file
        for permission_set in self.inventory.center.permission_sets if self.inventory.center else ():
            set_ = self.zone.permission_sets.get(self.description.keys["permission-set"].get(permission_set.arn, ""))
            inline = set_.inline if set_ else None
            live = permission_set.inline
            if inline and inline.file and live and not same_document(inline.document.text, live):
                yield inline.file


def in_words(address: str) -> str:
    """Returns what is between things by their keys, anything else by its address."""
    parts = address_parts(address)
    keyed = [f"{WORDS[kind]} {text}" for kind, text in parts if kind]
    if len(parts) < _LINK or not keyed:
        return address
    return (
        f"{BY_TYPE[type_of(address)].name} of {', '.join([*keyed, *(text for kind, text in parts[-1:] if not kind)])}"
    )


_LINK = 2
"""How many parts a name has of what is between things."""


def _differing(thing: str, key: str, at_aws: object, here: object) -> Message:
    text = f"{thing}: {key} is {short(at_aws)} at AWS, and {short(here)} here"
    return Message("value-differs", text, thing=thing, key=key, at_aws=_plain(at_aws), here=_plain(here))


def _plain(value: object) -> object:
    """Returns a value as JSON has it: a boundary has keys of its own."""
    return value.model_dump(exclude_none=True) if isinstance(value, Model) else value


def _differences(here: Model, fresh: Mapping[str, Any], default_name: str) -> Iterator[tuple[str, Any, Any]]:
    """Yields the fields that are written and otherwise at AWS; what is not written stays as it is there."""
    live = type(here).model_validate(fresh)
    defaults = {"name": default_name}
    if isinstance(live, User) and not live.external:
        defaults |= {"user_name": live.email, "display_name": f"{live.given_name} {live.family_name}"}
    for name in sorted(here.model_fields_set - _NOT_COMPARED):
        at_aws, written_here = getattr(live, name), getattr(here, name)
        if name == "policies":
            at_aws, written_here = (
                sorted(policy.aws or policy.customer or "inline" for policy in policies)
                for policies in (at_aws, written_here)
            )
        at_aws = at_aws or defaults.get(name)
        if SET.meaning(name, at_aws) != SET.meaning(name, written_here) and (at_aws or written_here):
            yield name, at_aws, written_here


_IN_ACCOUNTS = frozenset({"contacts", "regions", "budget"})
"""What no run but a first with `--members` reads."""
_NOT_COMPARED = frozenset({"members", "targets", "file", "retired", "baseline", "external"}) | _IN_ACCOUNTS
