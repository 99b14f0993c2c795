"""`strata adopt` into a configuration that exists: keys and edits stay, what is new at AWS is added, the rest is told.

Something is new if it is neither declared nor in the record of earlier runs. Somebody took it out if it is in the
record and no longer declared.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from strata.adoption.checking import until_accepted
from strata.adoption.describing import ACTIVE, Description, Keys, describe, inline_file, written
from strata.adoption.folding import fold
from strata.adoption.importing import candidates, import_ids
from strata.adoption.live_ids import TypedId, assignment_id, live_ids
from strata.adoption.matching import IDS, held, identities, known_keys, live_things
from strata.adoption.pruning import gone, without
from strata.adoption.pruning import kind as type_of
from strata.adoption.record import Record
from strata.adoption.rendering import ADOPTION, Since, left_since, with_accepted, with_imports
from strata.config import ACCEPTED, IMPORTS, ORGANIZATION, SSO
from strata.config.models import Model, User
from strata.config.moves import KINDS, Kind
from strata.config.text import short
from strata.errors import StrataError
from strata.files.config_entries import Value, Way, with_entry
from strata.identity.things import MEMBERSHIP, TYPES, WORDS, folded
from strata.inventory.things import Center, Inventory
from strata.landing_zone import ROOT, LandingZone
from strata.landing_zone.grants import Grant
from strata.landing_zone.moves import newest_keys
from strata.landing_zone.units import THE_ROOT, Target
from strata.text import counted

Texts = Mapping[str, str]


@dataclass(frozen=True)
class Existing:
    """The configuration as it is.

    Attributes:
        landing_zone: what it means.
        texts: its YAML files by name.
        kept: the texts of what earlier runs wrote beside it, the record among them.
        documents: its policy documents, relative to the folder.
        choose: returns the file that takes entries of a section, by the name of the single file and the section.
        load: returns what it means with some files replaced.
        unknown: returns the entries that accepted.yaml needs beside its own, with some files replaced.
        record: what earlier runs described.
        imported: the ids that states have by address, which need no import.
        elsewhere: the ids that the states of layers of one's own have by address: nothing new for this configuration.
    """

    landing_zone: LandingZone
    texts: Texts
    kept: Texts
    documents: frozenset[str]
    choose: Callable[[str, str], str]
    load: Callable[[Texts], LandingZone]
    unknown: Callable[[Texts], list[dict[str, Any]]]
    record: Record
    imported: Mapping[str, str]
    elsewhere: Mapping[str, str]


@dataclass(frozen=True)
class Merged:
    """The result: the files that change, what they mean, the new record, what was found, and the words for it."""

    files: Texts
    landing_zone: LandingZone
    record: Record
    found: Description
    since: Since


def merge(existing: Existing, inventory: Inventory, *, literal: bool) -> Merged:
    """Returns the configuration with what is new at AWS; `literal` names every account of a new assignment.

    Raises:
        StrataError: a file is written in a way that cannot be edited, or the result would give what nobody has.
    """
    zone, known = existing.landing_zone, known_to(existing, inventory)

    def attempt(refused: Mapping[str, str]) -> Description:
        taken = _reserving(existing, known)
        return describe(inventory, zone.project, known=taken, literal=literal, refused=refused)

    return until_accepted(attempt, lambda found: _Merge(existing, inventory, found, known, literal).merged())


# Keys


def known_to(existing: Existing, inventory: Inventory) -> dict[Kind, dict[str, str]]:
    """Returns the key of what AWS has by kind and id: as states and imports.yaml say, or its name, or the record."""
    return known_keys(existing.landing_zone, inventory, imported=existing.imported, record=existing.record.keys)


def _reserving(existing: Existing, known: Keys) -> dict[Kind, dict[str, str]]:
    """Returns known keys, and beside them those that nothing new may get, each below an id that nothing has."""
    stems = {path.removeprefix("policies/").removesuffix(".json") for path in existing.documents}
    used: dict[Kind, set[str]] = {kind: set(identities(existing.landing_zone)[kind]) for kind in KINDS}
    used["policy"] |= stems
    used["permission-set"] |= {stem.removesuffix("-inline") for stem in stems}
    for move in existing.landing_zone.moves:
        used[move.kind] |= {move.from_}
    for kind, some in existing.record.keys.items():
        used[kind] |= set(some.values())
    return {
        kind: {
            **known.get(kind, {}),
            **{f"reserved {key}": key for key in used[kind] - set(known.get(kind, {}).values())},
        }
        for kind in KINDS
    }


# What is added


@dataclass
class _Merge:
    existing: Existing
    inventory: Inventory
    found: Description
    known: Keys
    literal: bool

    def __post_init__(self) -> None:
        page = self.existing.kept.get(ADOPTION)
        things = [one for one in self.found.left_alone if one.kind in WORDS.values()]
        self.since = Since(left=[] if page is None else left_since(things, page))
        self.texts = dict(self.existing.texts)
        self.zone = self.existing.landing_zone
        self.identities = identities(self.zone)
        self.elsewhere = {(type_of(address), id) for address, id in self.existing.elsewhere.items()}
        self.deployed = {(type_of(address), id) for address, id in self.existing.imported.items()} | self.elsewhere
        now = newest_keys(self.zone.moves)
        self.described = {
            kind: {id: now.get((kind, key), key) for id, key in self.existing.record.keys.get(kind, {}).items()}
            | held(kind, self.zone, self.existing.imported)
            for kind in KINDS
        }
        self.ways: dict[str, tuple[str, Way]] = {}
        self.expected: set[Grant] = set()

    def merged(self) -> Merged:
        """Returns the result; each thing is added before what names it."""
        self._take_out()
        documents = self._policies_and_above() | self._people_and_sets()
        self._load(documents)
        self._access()
        self._load(documents)
        lines = self._imports()
        self._load(documents)
        self.found.assignments = list(self.zone.sso.assignments)
        self._tell_what_is_gone()
        self._tell_what_differs()
        changed = {name: text for name, text in self.texts.items() if text != self.existing.texts.get(name)}
        record = self.existing.record.with_more(*record_of(self.zone, self.inventory, self.found, lines))
        return Merged({**documents, **changed}, self.zone, record, self.found, self.since)

    def _load(self, documents: Mapping[str, str]) -> None:
        before = self.existing.texts.get(ACCEPTED, "")
        if accepted := self.existing.unknown({**self.texts, **documents}):
            self.texts[ACCEPTED] = with_accepted(before, accepted)
        self.zone = self.existing.load({**self.texts, **documents})
        self.identities = identities(self.zone)

    def _add(self, file: str, way: Way, new: Mapping[str, Value] | Sequence[Value]) -> None:
        self.texts[file] = with_entry(self.texts.get(file, ""), way, new, file)

    def _add_to(self, name: str, section: str, new: Mapping[str, Value] | Sequence[Value]) -> None:
        self._add(self.existing.choose(name, section), (section,), new)

    def _is_known(self, type: str, id: str) -> bool:
        """Returns whether an earlier run described it, or a deploy made it."""
        return (type, id) in self.existing.record.ids or (type, id) in self.deployed

    def _take_out(self) -> None:
        """Takes out of the description what somebody took out of the configuration, and names it."""
        unmanaged = set(map(folded, self.zone.organization.unmanaged_accounts))
        emails = {one.id: folded(one.email) for one in self.inventory.organization.accounts}
        layered = {
            (kind, IDS.get(kind, str)(id)) for kind in KINDS for type, id in self.elsewhere if type == TYPES[kind]
        }
        for kind in KINDS:
            for id, key in sorted(self.found.keys[kind].items()):
                if key in self.identities[kind]:
                    continue
                if kind == "account" and {id, emails[id]} & unmanaged:
                    self.found.leave("account", f"{id} {key}", "it stands under unmanaged_accounts")
                    del self.found.keys[kind][id]
                elif (kind, id) in layered:
                    self.found.leave(WORDS[kind], key, "a layer of your own has it")
                    del self.found.keys[kind][id]
                elif id in self.described[kind]:
                    self.since.taken_out.append(f"{WORDS[kind]} {key} ({id})")
                    self.found.leave(WORDS[kind], key, "somebody took it out of the configuration")
                    del self.found.keys[kind][id]
        organization, sso = self.found.organization, self.found.sso
        for kind, section in SECTIONS.items():
            whole = organization if section in organization else sso
            kept = {key: one for key, one in whole.get(section, {}).items() if key in self.found.keys[kind].values()}
            whole[section] = kept

    def _new(self, kind: Kind) -> dict[str, Any]:
        """Returns the entries of a kind that the configuration does not have."""
        section = SECTIONS[kind]
        entries = self.found.organization.get(section) or self.found.sso.get(section) or {}
        return {key: entry for key, entry in entries.items() if key not in self.identities[kind]}

    def _added(self, kind: Kind, key: str) -> None:
        self.identities[kind][key] = ""
        self.since.added.append(f"{WORDS[kind]} {key}")

    @property
    def _accounts(self) -> frozenset[str]:
        """Returns the keys of the accounts that policies and services may name."""
        return frozenset(self.identities["account"].keys() - self.zone.retired.keys())

    # The organization

    def _policies_and_above(self) -> dict[str, str]:
        """Adds units, accounts, policies, attachments and what else the organization has; returns new documents."""
        self._units(self.found.organization["organizational_units"], None)
        for key, entry in self._new("account").items():
            if entry["organizational_unit"] not in {ROOT, *self.identities["ou"]}:
                unit = entry["organizational_unit"]
                self.found.leave("account", key, f"it is in unit {unit}, which is not declared")
                self.since.taken_out.append(f"account {key}, which is new in unit {unit}")
                continue
            self._add_to(ORGANIZATION, "accounts", {key: entry})
            self._added("account", key)
        documents = {}
        for key, entry in self._new("policy").items():
            entry["targets"] = self._declared_targets(entry.get("targets", {}))
            self._add_to(ORGANIZATION, "policies", {key: {name: one for name, one in entry.items() if one}})
            documents[entry["file"]] = self.found.documents[entry["file"]]
            self._added("policy", key)
        self._attachments()
        self._lists()
        return documents

    def _units(self, tree: Mapping[str, Any], above: str | None) -> None:
        for key, entry in tree.items():
            below = entry.get("organizational_units", {})
            if key not in self.identities["ou"] and key in self.found.keys["ou"].values():
                if above and above not in self.identities["ou"]:
                    self.found.leave(WORDS["ou"], key, f"it is below unit {above}, which is not declared")
                    self.since.taken_out.append(f"{WORDS['ou']} {key}, which is new below unit {above}")
                    continue
                at = self._way_below(above)
                self._add(at[0], at[1], {key: {"name": entry["name"]}})
                self._added("ou", key)
                self.ways[key] = at[0], (*at[1], key)
            self._units(below, key)

    def _way_below(self, unit: str | None) -> tuple[str, Way]:
        """Returns the file and the way to the units below one."""
        if unit is None:
            return self.existing.choose(ORGANIZATION, "organizational_units"), ("organizational_units",)
        if unit in self.ways:
            file, way = self.ways[unit]
        else:
            location = self.zone.units[unit].location
            file, way = self.zone.source(ORGANIZATION, location).file, tuple(map(str, location))
        return file, (*way, "organizational_units")

    def _declared_targets(self, targets: Mapping[str, Any]) -> dict[str, Any]:
        named = {"organizational_units": self.identities["ou"], "accounts": self._accounts}
        found = {name: [key for key in targets.get(name, ()) if key in here] for name, here in named.items()}
        return {name: one for name, one in {"root": targets.get("root"), **found}.items() if one}

    def _attachments(self) -> None:
        """Adds targets to policies that are declared."""
        for policy in self.inventory.organization.policies:
            key = self.found.keys["policy"].get(policy.id)
            declared_one = self.zone.policies.get(key) if key else None
            if declared_one is None or declared_one.option:
                continue
            here = {self._target_id(target) for target in declared_one.attachments}
            for id in policy.targets:
                target = self._target(id)
                if id in here or target is None:
                    continue
                what = f"policy {key} on {target.key or 'the root'}"
                if self._is_known(_ATTACHMENT, f"{id}:{policy.id}"):
                    self.since.taken_out.append(what)
                    continue
                at = declared_one.location
                way = (*map(str, at), "targets")
                file = self.zone.source(ORGANIZATION, at).file
                if target.kind == "root":
                    self._add(file, way, {"root": True})
                else:
                    name = "organizational_units" if target.unit else "accounts"
                    self._add(file, (*way, name), [target.key])
                self.since.added.append(what)

    def _target(self, id: str) -> Target | None:
        """Returns what a policy is attached to, if it is declared."""
        if id == self.inventory.organization.root:
            return THE_ROOT
        unit, account = self.found.keys["ou"].get(id), self.found.keys["account"].get(id)
        if unit in self.identities["ou"]:
            return Target("unit", str(unit))
        return Target("account", str(account)) if account in self._accounts else None

    def _target_id(self, target: Target) -> str | None:
        if target.kind == "root":
            return self.inventory.organization.root
        of_kind = self.found.keys["ou" if target.unit else "account"]
        return next((id for id, key in of_kind.items() if key == target.key), None)

    def _lists(self) -> None:
        """Adds trusted services, accounts that are left to others, and delegated administrators."""
        organization, found = self.zone.organization, self.found.organization
        trusted = {*self.zone.trusted_services, *organization.disable_services}
        self._list(ORGANIZATION, "trusted_services", _TRUSTED, set(found["trusted_services"]) - trusted)
        emails = {one.id: folded(one.email) for one in self.inventory.organization.accounts}
        here = set(map(folded, organization.unmanaged_accounts))
        left = {id for id in found["unmanaged_accounts"] if not {id, emails[id]} & here}
        closed = {id for id in left if self._key_of_account(id) in self.identities["account"]}
        self._list(ORGANIZATION, "unmanaged_accounts", _UNMANAGED, left - closed)
        ids = {key: id for id, key in self.found.keys["account"].items()}
        for service, key in found["delegated_administrators"].items():
            declared_one = organization.delegated_administrators.get(service)
            if declared_one in self._accounts - {key}:
                told = f"delegated administrator of {service} is {short(key)} at AWS, and {short(declared_one)} here"
                self.since.differs.append(told)
            if declared_one or key not in self._accounts:
                continue
            if self._is_known(_DELEGATED, f"{ids[key]}/{service}"):
                self.since.taken_out.append(f"delegated administrator {key} of {service}")
            else:
                self._add_to(ORGANIZATION, "delegated_administrators", {service: key})
                self.since.added.append(f"delegated administrator {key} of {service}")

    def _key_of_account(self, id: str) -> str | None:
        return self.known.get("account", {}).get(id)

    def _list(self, name: str, section: str, type: str, live: Iterable[str]) -> None:
        new = sorted(one for one in live if not self._is_known(type, one))
        self.since.taken_out += [f"{type} {one}" for one in sorted(set(live) - set(new))]
        if new:
            self._add_to(name, section, new)
            self.since.added += [f"{type} {one}" for one in new]

    # Identity Center

    def _people_and_sets(self) -> dict[str, str]:
        """Adds people, groups, memberships and permission sets; returns new documents."""
        center = self.inventory.center
        if center is None:
            return {}
        documents: dict[str, str] = {}
        for key, entry in self._new("user").items():
            self._add_to(SSO, "users", {key: entry})
            self._added("user", key)
        for key, entry in self._new("group").items():
            members = [one for one in entry.get("members", ()) if one in self.identities["user"]]
            whole = {name: one for name, one in {**entry, "members": members}.items() if one}
            self._add_to(SSO, "groups", {key: whole})
            self._added("group", key)
        self._memberships(center)
        for key, entry in self._new("permission-set").items():
            self._add_to(SSO, "permission_sets", {key: entry})
            self._added("permission-set", key)
            path = inline_file(key)
            documents |= {path: self.found.documents[path]} if path in self.found.documents else {}
        attributes = self.found.sso.get("access_control_attributes", {})
        here = self.zone.sso.access_control_attributes
        new = {key: one for key, one in attributes.items() if key not in here and not self._is_known(_ATTRIBUTE, key)}
        if new:
            self._add_to(SSO, "access_control_attributes", new)
            self.since.added += [f"{_ATTRIBUTE} {key}" for key in new]
        gone = sorted(attributes.keys() - here.keys() - new.keys())
        self.since.taken_out += [f"{_ATTRIBUTE} {key}" for key in gone]
        return documents

    def _memberships(self, center: Center) -> None:
        for group in center.groups:
            key = self.found.keys["group"].get(group.id, "")
            here = self.zone.groups.get(key)
            if here is None or here.external:
                continue
            for user in group.members:
                member = self.found.keys["user"].get(user, "")
                if member in here.members or member not in self.identities["user"]:
                    continue
                what = f"user {member} in group {key}"
                import_id = f"{center.store}/{group.members[user]}"
                if self._is_known(_MEMBERSHIP, f"{group.id} {user}") or (MEMBERSHIP, import_id) in self.deployed:
                    self.since.taken_out.append(what)
                    continue
                file = self.zone.source(SSO, here.location).file
                self._add(file, (*map(str, here.location), "members"), [member])
                self.since.added.append(what)

    def _access(self) -> None:
        """Adds assignments, folded into rules; the result must give what was given and what is there, and no more."""
        before, now = set(self.existing.landing_zone.grants), set(self.zone.grants)
        live = dict(self._live_grants())
        new = {one for one, id in live.items() if one not in now and not self._is_known(_ASSIGNMENT, id)}
        taken = Counter((one.permission_set, one.principal) for one in live.keys() - now - new)
        for (permission_set, principal), count in sorted(taken.items()):
            self.since.taken_out.append(f"{permission_set} of {principal} in {counted(count, 'account')}")
        reached = Counter((one.account, one.permission_set, one.principal) for one in now - before - live.keys())
        self.since.reached += [f"{set_} for {who} in {account}" for account, set_, who in sorted(reached)]
        self.expected = now | new
        self.found.grants = frozenset(live.keys() & self.expected)
        if new:
            rules = fold(new, self.zone.organization, literal=self.literal)
            self._add_to(SSO, "assignments", [written(one) for one in rules])
            self.since.added.append(f"{counted(len(new), 'assignment')} in {counted(len(rules), 'rule')}")

    def _live_grants(self) -> Iterator[tuple[Grant, str]]:
        """Yields what is assigned at AWS between things that are declared, with its import id."""
        center = self.inventory.center
        for one in center.assignments if center else ():
            kind: Kind = "user" if one.principal_type == "USER" else "group"
            keys = self.found.keys
            account, set_ = keys["account"].get(one.account), keys["permission-set"].get(one.permission_set)
            who = keys[kind].get(one.principal)
            declared_all = (
                account in self.zone.accounts and set_ in self.zone.permission_sets and who in self.identities[kind]
            )
            if center and account and set_ and who and declared_all:
                yield Grant(account, set_, one.principal_type, who), assignment_id(one, center.instance)

    def _imports(self) -> dict[str, str]:
        """Adds the lines that neither stand there, nor did before, nor have a state that needs them no more."""
        if set(self.zone.grants) != self.expected:
            raise StrataError("the rules would not give what is there; give --literal, and report this fault of Strata")
        lines = import_ids(self.zone, self.inventory, self.found.keys, self.found.security)
        stale = gone(self.zone.imports, self.inventory)
        kept = self.zone.imports.keys() - set(stale) | self.existing.imported.keys()
        new = {
            address: id
            for address, id in lines.items()
            if address not in kept and (type_of(address), id) not in self.deployed
        }
        for address in stale:
            kind = next((kind for kind in KINDS if TYPES[kind] == type_of(address)), None)
            if kind and address in new:
                self.since.added.append(f"{WORDS[kind]} {address.partition('.')[2]}, which was made again")
            elif not kind and address not in new and type_of(address) != MEMBERSHIP:
                self.since.gone.append(address)
        if stale:
            self.texts[IMPORTS] = without(self.texts[IMPORTS], stale)
        if new:
            self.texts[IMPORTS] = with_imports(self.texts.get(IMPORTS, ""), new)
        return lines

    # What is told

    def _tell_what_is_gone(self) -> None:
        read = KINDS if self.inventory.center else ("account", "ou", "policy")
        for kind in read:
            here, alive = set(self.found.keys[kind].values()), live_things(kind, self.inventory)
            for id, key in sorted(self.described[kind].items()):
                if id in alive or key not in self.identities[kind].keys() - self.zone.retired.keys():
                    continue
                address = f"{TYPES[kind]}.{key}"
                if key not in here:
                    self.since.gone.append(f"{WORDS[kind]} {key} ({id})")
                elif IDS.get(kind, str)(self.existing.imported.get(address, "")) == id:
                    again = f"and there again: take {address} out of the state, and run this once more"
                    self.since.gone.append(f"{WORDS[kind]} {key} ({id}), {again}")
        there = live_ids(self.inventory)
        for address, id in candidates(self.zone, self.inventory, self.found.keys).items():
            type = type_of(address)
            known = self._is_known(type, id) or address in self.existing.imported
            if (type, id) not in there and known and address not in self.since.gone:
                self.since.gone.append(address)
        self.since.gone += [*self._gone_memberships(), *self._gone_settings()]

    def _gone_memberships(self) -> Iterator[str]:
        users = {key: id for id, key in self.found.keys["user"].items()}
        for group in self.inventory.center.groups if self.inventory.center else ():
            key = self.found.keys["group"].get(group.id, "")
            for member in self.zone.groups[key].members if key in self.zone.groups else ():
                user, address = users.get(member), f"aws_identitystore_group_membership.{key}_{member}"
                known = self._is_known(_MEMBERSHIP, f"{group.id} {user}") or address in self.existing.imported
                if user and user not in group.members and known:
                    yield f"user {member} in group {key}"

    def _gone_settings(self) -> Iterator[str]:
        organization, center = self.inventory.organization, self.inventory.center
        here: dict[str, Iterable[str]] = {_TRUSTED: self.zone.organization.trusted_services}
        live: dict[str, Iterable[str]] = {_TRUSTED: organization.trusted_services}
        if center:
            here[_ATTRIBUTE], live[_ATTRIBUTE] = self.zone.sso.access_control_attributes, center.attributes or ()
        for type, some in here.items():
            yield from (f"{type} {one}" for one in sorted(set(some) - set(live[type])) if self._is_known(type, one))

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
            fresh = self.found.organization.get(section) or self.found.sso.get(section) or {}
            for key in sorted(here.keys() & fresh.keys()):
                if fresh[key].get("external") and not getattr(here[key], "external", True):
                    phrase = "others manage it at AWS, and it is not external here"
                    self.since.differs.append(f"{WORDS[kind]} {key}: {phrase}")
                    continue
                own_name = f"{self.zone.project.name}-{key}" if kind == "account" else key
                self.since.differs += [
                    f"{WORDS[kind]} {key}: {name} is {at_aws} at AWS, and {declared_one} here"
                    for name, at_aws, declared_one in _differences(here[key], fresh[key], own_name)
                ]
        off = {one.type.value for one in self.zone.policies.values()} - {*self.inventory.organization.policy_types}
        self.since.differs += [f"the policy type {one} is off at AWS, and on here" for one in sorted(off)]
        self.since.differs += [*self._other_units(), *self._closed_accounts()]
        self.since.differs += [f"{path}: the document is another one at AWS" for path in self._other_documents()]

    def _other_units(self) -> Iterator[str]:
        """Yields the units that have another name or another place at AWS."""
        for unit in self.inventory.organization.units:
            key = self.found.keys["ou"].get(unit.id, "")
            here = self.zone.units.get(key)
            if here and "name" not in here.unwritten and here.name != unit.name:
                yield f"{WORDS['ou']} {key}: name is {short(unit.name)} at AWS, and {short(here.name)} here"
            at_aws = self.found.keys["ou"].get(unit.parent, ROOT)
            if here and at_aws != (here.parent or ROOT):
                yield f"{WORDS['ou']} {key}: it is in {short(at_aws)} at AWS, and in {short(here.parent or ROOT)} here"

    def _closed_accounts(self) -> Iterator[str]:
        for one in self.inventory.organization.accounts:
            key = self._key_of_account(one.id)
            if key in self.zone.accounts and one.state != ACTIVE:
                state = one.state.lower().replace("_", " ")
                yield f"account {key} ({one.id}): it is {state} at AWS, which no deploy changes; write `retired: true`"

    def _other_documents(self) -> Iterator[str]:
        """Yields the documents of the configuration that are not as at AWS."""
        for policy in self.inventory.organization.policies:
            here = self.zone.policies.get(self.found.keys["policy"].get(policy.id, ""))
            if here and here.file and here.document.content != json.loads(policy.content):
                yield here.file
        for one in self.inventory.center.permission_sets if self.inventory.center else ():
            set_ = self.zone.permission_sets.get(self.found.keys["permission-set"].get(one.arn, ""))
            inline = set_.inline if set_ else None
            if inline and inline.file and one.inline and inline.document.content != json.loads(one.inline):
                yield inline.file


def _differences(here: Model, fresh: Mapping[str, Any], default_name: str) -> Iterator[tuple[str, str, str]]:
    """Yields the fields that are written and otherwise at AWS; what is not written stays as it is there."""
    live = type(here).model_validate(fresh)
    defaults = {"name": default_name}
    if isinstance(live, User) and not live.external:
        defaults |= {"user_name": live.email, "display_name": f"{live.given_name} {live.family_name}"}
    for name in sorted(here.model_fields_set - _NOT_COMPARED):
        at_aws, written_here = getattr(live, name), getattr(here, name)
        if name == "policies":
            at_aws, written_here = (_policy_names(one) for one in (at_aws, written_here))
        at_aws = at_aws or defaults.get(name)
        if at_aws != written_here and (at_aws or written_here):
            yield name, short(at_aws), short(written_here)


_NOT_COMPARED = frozenset({"members", "targets", "file", "retired", "external"})


def _policy_names(policies: Iterable[Any]) -> list[str]:
    return sorted(one.aws or one.customer or "inline" for one in policies)


# The record


def record_of(
    zone: LandingZone, inventory: Inventory, found: Description, lines: Mapping[str, str]
) -> tuple[dict[Kind, dict[str, str]], frozenset[TypedId]]:
    """Returns the keys and ids that the record keeps of what the configuration describes now."""
    named = identities(zone)
    keys = {kind: {id: key for id, key in found.keys[kind].items() if key in named[kind]} for kind in KINDS}
    ids = {(type_of(address), id) for address, id in lines.items()}
    ids |= {(_TRUSTED, one) for one in zone.organization.trusted_services}
    ids |= {(_UNMANAGED, one) for one in zone.organization.unmanaged_accounts}
    ids |= {(_ATTRIBUTE, one) for one in zone.sso.access_control_attributes}
    if inventory.center:
        ids |= set(_members(zone, inventory.center, keys))
    return keys, frozenset(ids)


def _members(zone: LandingZone, center: Center, keys: Keys) -> Iterator[TypedId]:
    """Yields the memberships of groups of the configuration."""
    for group in center.groups:
        here = zone.groups.get(keys["group"].get(group.id, ""))
        yield from (
            (_MEMBERSHIP, f"{group.id} {user}")
            for user in group.members
            if here and keys["user"].get(user) in here.members
        )


_ATTACHMENT, _DELEGATED = "aws_organizations_policy_attachment", "aws_organizations_delegated_administrator"
_ASSIGNMENT = "aws_ssoadmin_account_assignment"
_TRUSTED, _UNMANAGED, _ATTRIBUTE = "trusted service", "unmanaged account", "attribute for access control"
_MEMBERSHIP = "membership"
"""The words of the record for entries of lists."""
SECTIONS: Mapping[Kind, str] = {
    "account": "accounts",
    "policy": "policies",
    "user": "users",
    "group": "groups",
    "permission-set": "permission_sets",
}
"""The sections of the YAML; units have a tree of their own."""
