"""`strata adopt` into a configuration that exists: keys and edits stay, what is new at AWS is added, the rest is told.

Something is new if it is neither declared nor in the record of earlier runs. Somebody took it out if it is in the
record and no longer declared.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from strata.adoption.checking import until_accepted
from strata.adoption.describing import Description, describe, groups_with_full_access, keys_with_full_access, written
from strata.adoption.existing import SECTIONS, ExistingConfiguration, MergedFiles
from strata.adoption.external import completed, external_at_aws, text_of
from strata.adoption.folding import fold
from strata.adoption.importing import import_ids
from strata.adoption.live_ids import TypedId
from strata.adoption.pruning import gone
from strata.adoption.pruning import kind as type_of
from strata.adoption.recording import ATTRIBUTE, MEMBERSHIP, TRUSTED, UNMANAGED, record_of
from strata.adoption.rendering import Since, left_since, looks_of, with_accepted, with_imports
from strata.adoption.telling import Telling, in_words
from strata.config import ACCEPTED, ADOPTION, IMPORTS, ORGANIZATION, SSO
from strata.config.entries import Way, with_entry, with_value, without
from strata.config.moves import KINDS, Kind
from strata.config.source import Value
from strata.config.text import short
from strata.errors import Message, StrataError
from strata.kinds import KEYED, TYPES, WORDS
from strata.kinds.assignment import ASSIGNMENT, assignment_id
from strata.kinds.at_aws import Inventory, LiveCenter
from strata.kinds.change import Edit
from strata.kinds.group import MEMBERSHIP as GROUP_MEMBERSHIP
from strata.kinds.moves import newest_keys
from strata.kinds.organization import DELEGATED
from strata.kinds.permission_set import INLINE_END, inline_file
from strata.kinds.policy import ATTACHMENT
from strata.landing_zone import ROOT
from strata.landing_zone.grants import Grant
from strata.landing_zone.inherited import own_tags
from strata.landing_zone.policies import is_full_access
from strata.landing_zone.units import THE_ROOT, Target
from strata.sides.join import Keys, held, identities, known_keys
from strata.text import counted, folded


def merge(
    existing: ExistingConfiguration,
    inventory: Inventory,
    *,
    literal: bool,
    only: Collection[TypedId] | None = None,
    edits: Callable[[Keys], Iterable[Edit]] = lambda _: (),
    day: dt.date | None = None,
) -> MergedFiles:
    """Returns the configuration with what is new at AWS.

    Args:
        existing: the configuration as it is.
        inventory: what AWS has.
        literal: names every account of a new assignment.
        only: what alone is written, whether somebody took it out before or not; None for all that is new.
        edits: returns what else is written, by the keys of what AWS has.
        day: that of the reading, for external.yaml.

    Raises:
        StrataError: a file is written in a way that cannot be edited, or the result would give what nobody has.
    """
    zone, known = existing.landing_zone, known_to(existing, inventory)
    units = {unit.id for unit in inventory.organization.units if known["ou"].get(unit.id) not in zone.units}
    if only is not None:
        units &= {id for kind, id in only if kind == "ou"}

    declared = (thing for kind in KEYED.values() for thing in kind.declared(zone) if not thing.external)
    own = {(thing.kind, thing.mark.name) for thing in declared if thing.mark}

    def attempt(refused: Mapping[str, Message]) -> Description:
        taken = _reserving(existing, known)
        more: dict[str, Any] = {"literal": literal, "refused": refused, "new_units": units, "own": own}
        return describe(inventory, zone.project, known=taken, **more)

    return until_accepted(
        attempt, lambda description: _Merge(existing, inventory, description, known, literal, only, edits, day).merged()
    )


# Keys


def known_to(existing: ExistingConfiguration, inventory: Inventory) -> dict[Kind, dict[str, str]]:
    """Returns the key of what AWS has by kind and id: as states and imports.yaml say, or its name, or the record."""
    return known_keys(existing.landing_zone, inventory, imported=existing.imported, record=existing.record.keys)


def _reserving(existing: ExistingConfiguration, known: Keys) -> dict[Kind, dict[str, str]]:
    """Returns known keys, and beside them those that nothing new may get, each below an id that nothing has."""
    stems = {path.removeprefix("policies/").removesuffix(".json") for path in existing.documents}
    used: dict[Kind, set[str]] = {kind: set(identities(existing.landing_zone)[kind]) for kind in KINDS}
    used["policy"] |= stems
    used["permission-set"] |= {stem.removesuffix(INLINE_END) for stem in stems}
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
    existing: ExistingConfiguration
    inventory: Inventory
    description: Description
    known: Keys
    literal: bool
    only: Collection[TypedId] | None
    edits: Callable[[Keys], Iterable[Edit]]
    day: dt.date | None

    def __post_init__(self) -> None:
        page = self.existing.kept.get(ADOPTION)
        things = [omission for omission in self.description.left_alone if omission.kind in WORDS.values()]
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
        before = self.zone, self.inventory, self.description.keys, self.description.security
        self.declared_before = frozenset(import_ids(*before)) if self.only is not None else frozenset[str]()
        self.expected: set[Grant] = set()
        self.loaded: dict[str, str] = {}
        self.found: list[dict[str, Any]] = []

    def merged(self) -> MergedFiles:
        """Returns the result; each thing is added before what names it."""
        self._take_out()
        documents = self._policies_and_above() | self._people_and_sets() | self._edited()
        self._load(documents)
        if self._external():
            self._load(documents)
        self._access()
        self._load(documents)
        lines = self._imports()
        self._load(documents)
        self.description.assignments = list(self.zone.sso.assignments)
        self.description.looks += looks_of(self.found)
        if self.only is None:
            parts = (self.existing, self.inventory, self.description, self.zone, self.since, self.known, self.described)
            Telling(*parts, self.deployed, self._is_known).tell()
        changed = {name: text for name, text in self.texts.items() if text != self.existing.texts.get(name)}
        record = self.existing.record.with_more(*record_of(self.zone, self.inventory, self.description, lines))
        return MergedFiles({**documents, **changed}, self.zone, record, self.description, self.since)

    def _load(self, documents: Mapping[str, str]) -> None:
        """Reads what is written so far, where there is more than last time: it is most of what a rerun takes."""
        if self.loaded == {**self.texts, **documents}:
            return
        before = self.existing.texts.get(ACCEPTED, "")
        known = {(acceptance.finding, acceptance.at) for acceptance in self.existing.landing_zone.accepted}
        self.found = self.existing.found({**self.texts, **documents})
        if new := [entry for entry in self.found if (entry["finding"], entry["at"]) not in known]:
            self.texts[ACCEPTED] = with_accepted(before, new)
        self.loaded = {**self.texts, **documents}
        ids = {key: id for id, key in self.description.keys["account"].items()}
        self.zone = self.existing.load(self.loaded).knowing(ids)
        self.identities = identities(self.zone)

    def _add(self, file: str, way: Way, new: Mapping[str, Value] | Sequence[Value]) -> None:
        self.texts[file] = with_entry(self.texts.get(file, ""), way, new, file)

    def _add_to(self, name: str, section: str, new: Mapping[str, Value] | Sequence[Value]) -> None:
        self._add(self.existing.choose(name, section), (section,), new)

    def _is_known(self, type: str, id: str) -> bool:
        """Returns whether an earlier run described it, or a deploy made it."""
        return (type, id) in self.existing.record.ids or (type, id) in self.deployed

    def _is_new(self, type: str, id: str, what: str) -> bool:
        """Returns whether it is written now; what somebody took out is named and is not."""
        if self.only is not None:
            return (type, id) in self.only
        if self._is_known(type, id):
            self.since.taken_out.append(what)
            return False
        return True

    def _take_out(self) -> None:
        """Takes out of the description what somebody took out of the configuration, and names it."""
        unmanaged = set(map(folded, self.zone.organization.unmanaged_accounts))
        emails = {account.id: folded(account.email) for account in self.inventory.organization.accounts}
        layered = {
            (kind, KEYED[kind].id_of(id)) for kind in KINDS for type, id in self.elsewhere if type == TYPES[kind]
        }
        for kind in KINDS:
            for id, key in sorted(self.description.keys[kind].items()):
                if key in self.identities[kind] or (self.only and (kind, id) in self.only):
                    continue
                if self.only is not None:
                    del self.description.keys[kind][id]
                elif kind == "account" and {id, emails[id]} & unmanaged:
                    reason = Message("left-to-others", "it stands under unmanaged_accounts")
                    self.description.leave("account", f"{id} {key}", reason)
                    del self.description.keys[kind][id]
                elif (kind, id) in layered:
                    self.description.leave(WORDS[kind], key, Message("of-own-layer", "a layer of your own has it"))
                    del self.description.keys[kind][id]
                elif id in self.described[kind]:
                    self.since.taken_out.append(f"{WORDS[kind]} {key} ({id})")
                    reason = Message("taken-out", "somebody took it out of the configuration")
                    self.description.leave(WORDS[kind], key, reason)
                    del self.description.keys[kind][id]
        organization, sso = self.description.organization, self.description.sso
        for kind, section in SECTIONS.items():
            whole = organization if section in organization else sso
            described = self.description.keys[kind].values()
            whole[section] = {key: entry for key, entry in whole.get(section, {}).items() if key in described}

    def _new(self, kind: Kind) -> dict[str, Any]:
        """Returns the entries of a kind that the configuration does not have."""
        section = SECTIONS[kind]
        entries = self.description.organization.get(section) or self.description.sso.get(section) or {}
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
        self._units(self.description.organization["organizational_units"], None)
        for key, entry in self._new("account").items():
            if entry["organizational_unit"] not in {ROOT, *self.identities["ou"]}:
                unit = entry["organizational_unit"]
                reason = f"it is in unit {unit}, which is not declared"
                self.description.leave("account", key, Message("unit-not-declared", reason, unit=unit))
                self.since.taken_out.append(f"account {key}, which is new in unit {unit}")
                continue
            tags = own_tags(self.zone.organization, entry["organizational_unit"], entry.get("tags", {}))
            others = {name: value for name, value in entry.items() if name != "tags"}
            self._add_to(ORGANIZATION, "accounts", {key: {**others, **({"tags": tags} if tags else {})}})
            self._added("account", key)
        documents, here = {}, self.zone.organization.policies
        for key, entry in self._new("policy").items():
            targets = entry.get("targets", {})
            named = {"organizational_units": self.identities["ou"], "accounts": self._accounts}
            below = {name: [key for key in targets.get(name, ()) if key in there] for name, there in named.items()}
            entry["targets"] = {name: keys for name, keys in {"root": targets.get("root"), **below}.items() if keys}
            self._add_to(ORGANIZATION, "policies", {key: {name: value for name, value in entry.items() if value}})
            if file := entry.get("file"):
                documents[file] = self.description.documents[file]
            self._added("policy", key)
        for key, entry in self.description.full_access.items() if self.only is None else ():
            if not any(is_full_access(*policy) and policy[1].type == entry["type"] for policy in here.items()):
                self._add_to(ORGANIZATION, "policies", {key: entry})
                self.since.added.append(f"policy {key}")
        self._attachments()
        self._lists()
        return documents

    def _units(self, tree: Mapping[str, Any], above: str | None) -> None:
        for key, entry in tree.items():
            below = entry.get("organizational_units", {})
            if key not in self.identities["ou"] and key in self.description.keys["ou"].values():
                if above and above not in self.identities["ou"]:
                    reason = f"it is below unit {above}, which is not declared"
                    self.description.leave(WORDS["ou"], key, Message("unit-not-declared", reason, unit=above))
                    self.since.taken_out.append(f"{WORDS['ou']} {key}, which is new below unit {above}")
                    continue
                at = self._way_below(above)
                self._add(at[0], at[1], {key: {"name": entry["name"]}})
                self._added("ou", key)
                self.ways[key] = at[0], (*at[1], key)
            self._units(below, key)

    def _way_below(self, unit: str | None) -> tuple[str, Way]:
        """Returns the file and the way to the units below a unit."""
        if unit is None:
            return self.existing.choose(ORGANIZATION, "organizational_units"), ("organizational_units",)
        if unit in self.ways:
            file, way = self.ways[unit]
        else:
            location = self.zone.units[unit].location
            file, way = self.zone.source(ORGANIZATION, location).file, tuple(map(str, location))
        return file, (*way, "organizational_units")

    def _attachments(self) -> None:
        """Adds targets to policies that are declared."""
        for policy in self.inventory.organization.policies:
            key = self.description.keys["policy"].get(policy.id)
            declared = self.zone.policies.get(key) if key else None
            if declared is None or declared.option:
                continue
            here = set(declared.attachments)
            for id in policy.targets:
                target = self._target(id)
                if target is None or target in here:
                    continue
                what = f"policy {key} on {target.key or 'the root'}"
                if not self._is_new(ATTACHMENT.type, f"{id}:{policy.id}", what):
                    continue
                at = declared.location
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
        unit, account = self.description.keys["ou"].get(id), self.description.keys["account"].get(id)
        if unit in self.identities["ou"]:
            return Target("unit", str(unit))
        return Target("account", str(account)) if account in self._accounts else None

    def _lists(self) -> None:
        """Adds trusted services, accounts that are left to others, and delegated administrators."""
        organization, described = self.zone.organization, self.description.organization
        trusted = {*self.zone.trusted_services, *organization.disable_services}
        self._list(ORGANIZATION, "trusted_services", TRUSTED, set(described["trusted_services"]) - trusted)
        emails = {account.id: folded(account.email) for account in self.inventory.organization.accounts}
        here = set(map(folded, organization.unmanaged_accounts))
        left = {id for id in described["unmanaged_accounts"] if not {id, emails[id]} & here}
        known = self.known.get("account", {})
        closed = {id for id in left if known.get(id) in self.identities["account"]}
        self._list(ORGANIZATION, "unmanaged_accounts", UNMANAGED, left - closed)
        ids = {key: id for id, key in self.description.keys["account"].items()}
        for service, key in described["delegated_administrators"].items():
            declared = organization.delegated_administrators.get(service)
            if declared in self._accounts - {key}:
                told = f"delegated administrator of {service} is {short(key)} at AWS, and {short(declared)} here"
                values = {"at_aws": key, "here": declared}
                self.since.differs.append(Message("value-differs", told, thing=f"{DELEGATED.type} {service}", **values))
            if declared or key not in self._accounts:
                continue
            what = f"delegated administrator {key} of {service}"
            if self._is_new(DELEGATED.type, f"{ids[key]}/{service}", what):
                self._add_to(ORGANIZATION, "delegated_administrators", {service: key})
                self.since.added.append(what)

    def _list(self, name: str, section: str, type: str, live: Iterable[str]) -> None:
        new = [entry for entry in sorted(live) if self._is_new(type, entry, f"{type} {entry}")]
        if new:
            self._add_to(name, section, new)
            self.since.added += [f"{type} {entry}" for entry in new]

    def _edited(self) -> dict[str, str]:
        """Writes the values that were asked for; returns documents."""
        documents = dict[str, str]()
        for edit in self.edits(self.description.keys):
            before = self.texts.get(edit.file, "")
            if not edit.way:
                documents[edit.file] = str(edit.value)
            elif edit.more and edit.value is not None:
                self.texts[edit.file] = with_entry(before, edit.way, [edit.value], edit.file)
            else:
                self.texts[edit.file] = with_value(before, edit.way, edit.value, edit.file)
        return documents

    def _external(self) -> bool:
        """Adds to external.yaml what AWS has in what is external and new; returns whether there is any.

        Drift tells who was in a group before, and whom a group gives full access, until somebody has looked at them.
        """
        keys = dict(self.description.keys)
        if self.only is not None:
            keys = {kind: {id: key for id, key in keys[kind].items() if (kind, id) in self.only} for kind in KINDS}
        left = {id for id, key in keys["group"].items() if key in self.existing.landing_zone.groups}
        left |= set(groups_with_full_access(self.inventory))
        keys["group"] = {id: key for id, key in keys["group"].items() if id not in left}
        external = external_at_aws(self.zone, self.inventory, keys, self.day)
        more = completed(self.zone.external, external)
        self.texts |= text_of(more) if more != self.zone.external else {}
        return more != self.zone.external

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
            members = [member for member in entry.get("members", ()) if member in self.identities["user"]]
            whole = {name: value for name, value in {**entry, "members": members}.items() if value}
            self._add_to(SSO, "groups", {key: whole})
            self._added("group", key)
        self._memberships(center)
        for key, entry in self._new("permission-set").items():
            self._add_to(SSO, "permission_sets", {key: entry})
            self._added("permission-set", key)
            path = inline_file(key)
            documents |= {path: self.description.documents[path]} if path in self.description.documents else {}
        attributes = self.description.sso.get("access_control_attributes", {})
        here = self.zone.sso.access_control_attributes
        others = [key for key in attributes if key not in here]
        new = {key: attributes[key] for key in others if self._is_new(ATTRIBUTE, key, f"{ATTRIBUTE} {key}")}
        if new:
            self._add_to(SSO, "access_control_attributes", new)
            self.since.added += [f"{ATTRIBUTE} {key}" for key in new]
        return documents

    def _memberships(self, center: LiveCenter) -> None:
        for group in center.groups:
            key = self.description.keys["group"].get(group.id, "")
            here = self.zone.groups.get(key)
            if here is None or here.external:
                continue
            for user in group.members:
                member = self.description.keys["user"].get(user, "")
                if member in here.members or member not in self.identities["user"]:
                    continue
                what = f"user {member} in group {key}"
                import_id = f"{center.store}/{group.members[user]}"
                if self.only is None and (GROUP_MEMBERSHIP.type, import_id) in self.deployed:
                    self.since.taken_out.append(what)
                    continue
                if not self._is_new(MEMBERSHIP, f"{group.id} {user}", what):
                    continue
                file = self.zone.source(SSO, here.location).file
                self._add(file, (*map(str, here.location), "members"), [member])
                self.since.added.append(what)

    def _access(self) -> None:
        """Adds assignments, folded into rules; the result must give what was given and what is there, and no more."""
        before, now = set(self.existing.landing_zone.grants), set(self.zone.grants)
        live = dict(self._live_grants())
        missing = {grant: (ASSIGNMENT.type, id) for grant, id in live.items() if grant not in now}
        if self.only is not None:
            new = {grant for grant, id in missing.items() if id in self.only}
        else:
            new = {grant for grant, id in missing.items() if not self._is_known(*id)}
        taken = Counter((grant.permission_set, grant.principal) for grant in live.keys() - now - new)
        for (permission_set, principal), count in sorted(taken.items()) if self.only is None else ():
            self.since.taken_out.append(f"{permission_set} of {principal} in {counted(count, 'account')}")
        reached = Counter(
            (grant.account, grant.permission_set, grant.principal) for grant in now - before - live.keys()
        )
        self.since.reached += [f"{set_} for {who} in {account}" for account, set_, who in sorted(reached)]
        self.expected = now | new
        self.description.grants = frozenset(live.keys() & self.expected)
        if new:
            full = keys_with_full_access(self.inventory, self.description.keys["permission-set"])
            rules = fold(new, self.zone.organization, literal=self.literal, full=full)
            self._add_to(SSO, "assignments", [written(assignment) for assignment in rules])
            self.since.added.append(f"{counted(len(new), 'assignment')} in {counted(len(rules), 'rule')}")

    def _live_grants(self) -> Iterator[tuple[Grant, str]]:
        """Yields what is assigned at AWS between things that are declared, with its import id."""
        center = self.inventory.center
        for assignment in center.assignments if center else ():
            kind: Kind = "user" if assignment.principal_type == "USER" else "group"
            keys = self.description.keys
            account, set_ = (
                keys["account"].get(assignment.account),
                keys["permission-set"].get(assignment.permission_set),
            )
            who = keys[kind].get(assignment.principal)
            declared_all = (
                account in self.zone.accounts and set_ in self.zone.permission_sets and who in self.identities[kind]
            )
            if center and account and set_ and who and declared_all:
                yield Grant(account, set_, assignment.principal_type, who), assignment_id(assignment, center.instance)

    def _imports(self) -> dict[str, str]:
        """Adds the lines that neither stand there, nor did before, nor have a state that needs them no more."""
        if set(self.zone.grants) != self.expected:
            fault = "the rules would not give what is there; give --literal, and report this fault of Strata"
            raise StrataError(Message("fault-of-strata", fault))
        lines = import_ids(self.zone, self.inventory, self.description.keys, self.description.security)
        stale = [address for address in gone(self.zone.imports, self.inventory) if self._is_concerned(address, lines)]
        kept = self.zone.imports.keys() - set(stale) | self.existing.imported.keys()
        new = {
            address: id
            for address, id in lines.items()
            if address not in kept and (type_of(address), id) not in self.deployed
            if self._is_concerned(address, lines)
        }
        for address in stale:
            kind = next((kind for kind in KINDS if TYPES[kind] == type_of(address)), None)
            if kind and address in new:
                self.since.added.append(f"{WORDS[kind]} {address.partition('.')[2]}, which was made again")
            elif not kind and address not in new and type_of(address) != GROUP_MEMBERSHIP.type:
                self.since.gone.append(in_words(address))
        if stale:
            self.texts[IMPORTS] = without(self.texts[IMPORTS], stale, IMPORTS)
        if new:
            self.texts[IMPORTS] = with_imports(self.texts.get(IMPORTS, ""), new)
        return lines

    def _is_concerned(self, address: str, lines: Mapping[str, str]) -> bool:
        """Returns whether a line is about what is written: not declared before, or made again under another id."""
        if self.only is None:
            return True
        if address not in lines:
            return False
        type, id = type_of(address), lines[address]
        kind = next((kind for kind in KINDS if TYPES[kind] == type), None)
        made_again = kind is not None and (kind, KEYED[kind].id_of(id)) in self.only
        return made_again or address not in self.declared_before
