"""The landing zone as AWS has it: what was read, under the keys and with the lines of the configuration.

What the configuration has as well keeps its key, its place, and of an assignment the reason and the last day. All else
gets a key of its name, and no file as its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from operator import attrgetter
from typing import Any

from strata.adoption.keys import keys
from strata.config import ORGANIZATION, SSO
from strata.config import models as declared
from strata.config.models import MANAGEMENT, ROOT, PolicyType
from strata.config.moves import Kind
from strata.config.source import Location, SourceFile
from strata.errors import Message, StrataError
from strata.evaluation.landing_zone import CONTROLS
from strata.inventory.reading import CENTER, DELEGATIONS, POLICIES, TAGS
from strata.kinds import KEYED, at_aws
from strata.kinds.account import ACCOUNT
from strata.kinds.at_aws import Inventory, LiveCenter
from strata.kinds.group import GROUP
from strata.kinds.organization import ADDRESS as ORGANIZATION_ADDRESS
from strata.kinds.permission_set import SET, live_policy
from strata.kinds.policy import POLICY, full_access
from strata.kinds.thing import ACTIVE
from strata.kinds.unit import UNIT
from strata.kinds.user import USER
from strata.landing_zone import LandingZone, Part
from strata.landing_zone.accounts import Account
from strata.landing_zone.grants import Grant
from strata.landing_zone.inherited import Attributes, Inherited
from strata.landing_zone.permission_sets import Held, InlinePolicy, ManagedPolicy, PermissionSet
from strata.landing_zone.placeholders import PATTERN, DocumentTemplate
from strata.landing_zone.policies import Policy
from strata.landing_zone.units import THE_ROOT, Target
from strata.policy.documents import parse
from strata.policy.equality import same_document
from strata.sides.join import Keys, identities
from strata.text import folded

NO_FILE = "no file"
"""The place of what AWS has and the configuration does not."""
_AT_AWS: Location = ("at AWS",)


@dataclass(frozen=True)
class LiveLandingZone(LandingZone):
    """A landing zone of which AWS says what there is, and the configuration what it is called."""

    ids: Mapping[str, str] = field(default_factory=dict)
    """The ids of the accounts by key."""
    policies: Mapping[str, Policy] = field(default_factory=dict)
    without_full_access: Mapping[tuple[PolicyType, Target], Location] = field(default_factory=dict)
    permission_sets: Mapping[str, PermissionSet] = field(default_factory=dict)
    grants: Mapping[Grant, tuple[Location, ...]] = field(default_factory=dict)
    delegated_administrators: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    attributes: Mapping[str, Attributes] = field(default_factory=dict)
    """As the configuration gives them, which no reading has."""
    baseline: Mapping[str, Inherited] = field(default_factory=dict)
    """The same of settings."""

    @cached_property
    def accounts(self) -> Mapping[str, Account]:
        """Returns the accounts that are open, with their ids."""
        return {key: replace(account, id=self.ids[key]) for key, account in super().accounts.items()}


def live_landing_zone(zone: LandingZone, inventory: Inventory, keys: Keys) -> LiveLandingZone:
    """Returns the landing zone as AWS has it.

    Args:
        zone: the configuration.
        inventory: what was read.
        keys: the key of everything that AWS has.
    """
    ids = {key: id for id, key in keys["account"].items()}
    return _Reading(zone.knowing(ids), inventory, keys).landing_zone()


# Keys


def all_keys(zone: LandingZone, inventory: Inventory, known: Keys) -> dict[Kind, dict[str, str]]:
    """Returns a key for everything: the known key, else a key of its name that the configuration has nowhere."""
    every: dict[Kind, dict[str, str]] = {}
    used, management = identities(zone), inventory.organization.management
    for word, kind in KEYED.items():
        named = {management, *known[word]}
        others = [thing for thing in kind.named(inventory, {}) if thing.id not in named]
        # No other unit of a report is called by the end of its id, whatever the configuration has.
        names = [
            (thing.id, [*thing.names, *([thing.id.rpartition("-")[2]] if word == "ou" else [])]) for thing in others
        ]
        taken = {f"reserved {key}": key for key in used[word]}
        every[word] = {**known[word], **keys(word, names, taken=taken, lower=word != "permission-set")}
    every["account"][management] = MANAGEMENT
    return every


# What AWS has, as the configuration would say it


@dataclass
class _Reading:
    zone: LandingZone
    inventory: Inventory
    keys: Keys

    places: dict[str, dict[Location, Location | None]] = field(
        default_factory=lambda: {ORGANIZATION: {}, SSO: {_AT_AWS: None}}
    )
    documents: dict[str, SourceFile] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)

    def landing_zone(self) -> LiveLandingZone:
        """Returns the landing zone as AWS has it."""
        organization, center, order = self._organization(), self.inventory.center or _NOBODY, list(PolicyType)
        known = (policy for policy in self.inventory.organization.policies if policy.type in order)
        policies = [self._policy(policy) for policy in known if not policy.aws_managed]
        policies.sort(key=lambda policy: (order.index(policy.type), policy.key))
        permission_sets = sorted(map(self._permission_set, center.permission_sets), key=attrgetter("key"))
        sets = {permission_set.key: permission_set for permission_set in permission_sets}
        granted = self._grants(center, organization)
        return LiveLandingZone(
            project=self._project(),
            organization=organization,
            security=self.zone.security,
            sso=self._sso(center, sets, granted),
            imports={ORGANIZATION_ADDRESS: self.inventory.organization.id},
            documents=self.zone.documents,
            accepted=self.zone.accepted,
            moves=self.zone.moves,
            layers=self.zone.layers,
            expectations=self.zone.expectations,
            unread=self._unread(),
            ids={self.keys["account"][account.id]: account.id for account in self.inventory.organization.accounts},
            policies={policy.key: policy for policy in policies},
            without_full_access=self._detached(organization),
            permission_sets=sets,
            grants=granted,
            delegated_administrators=self._administrators(),
            attributes=self.zone.attributes,
            baseline=self.zone.baseline,
            source_files=self._source_files(),
        )

    def _unread(self) -> dict[Part, Message]:
        parts: Mapping[str, Part] = {CENTER: "people", POLICIES: "policies", DELEGATIONS: "delegations"}
        messages = {
            parts[part]: Message("part-unread", reason, part=part)
            for part, reason in self.inventory.unread.items()
            if part in parts
        }
        if not self.inventory.center:
            where = self.zone.project.identity_center_region
            off = Message("identity-center-off", f"Identity Center is not enabled in {where}", region=where)
            messages.setdefault("people", off)
        if self.unreadable:
            messages["documents"] = Message("document-unreadable", "; ".join(sorted(self.unreadable)))
        return messages

    def _place(self, file: str, location: Location, place: Location | None) -> None:
        """Notes where something stands in the configuration: nowhere, or at another location."""
        if location != place:
            self.places[file][location] = place

    def _source_files(self) -> dict[str, SourceFile]:
        """Returns the files of the configuration, in which what it does not have stands nowhere."""
        parts = (part for source_file in self.zone.source_files.values() for part in getattr(source_file, "parts", ()))
        files = {**{part.name: part for part in parts}, **self.zone.source_files}
        live = {
            name: LiveSourceFile(source_file.file, name=name, here=source_file, places=places)
            for name, places in self.places.items()
            for source_file in (self.zone.source_file(name),)
        }
        return {**files, **self.documents, **live, NO_FILE: _NOWHERE}

    # The organization

    def _project(self) -> declared.Project:
        live = self.inventory.organization
        own = next(account for account in live.accounts if account.id == live.management)
        account = self.zone.project.management_account.model_copy(update={"name": own.name, "email": own.email})
        return self.zone.project.model_copy(update={"management_account": account})

    def _organization(self) -> declared.Organization:
        live, accounts = self.inventory.organization, dict[str, declared.AccountEntry]()
        unmanaged = {folded(name): at for at, name in enumerate(self.zone.organization.unmanaged_accounts)}
        for account in live.accounts:
            key = self.keys["account"][account.id]
            if account.state != ACTIVE or key == MANAGEMENT:
                continue
            here = self.zone.organization.accounts.get(key)
            here_now = self.zone.accounts.get(key)
            tags = here_now.tags if here_now and TAGS in self.inventory.unread else account.tags
            unit = self.keys["ou"].get(account.parent, ROOT)
            fields = {**ACCOUNT.live_fields(account), "organizational_unit": unit, "tags": dict(tags)}
            accounts[key] = declared.AccountEntry.model_construct(**fields, retired=False)
            left = unmanaged.get(account.id, unmanaged.get(folded(account.email)))
            elsewhere: Location | None = None if left is None else ("unmanaged_accounts", left)
            self._place(ORGANIZATION, ("accounts", key), ("accounts", key) if here else elsewhere)
        update = {"defaults": None, "accounts": accounts, "organizational_units": self._units(live.root, ())}
        return self.zone.organization.model_copy(update=update)

    def _units(self, parent: str, above: Location) -> dict[str, declared.OrganizationalUnit]:
        units: dict[str, declared.OrganizationalUnit] = {}
        for unit in self.inventory.organization.units:
            if unit.parent == parent:
                key = self.keys["ou"][unit.id]
                at, here = (*above, "organizational_units", key), self.zone.units.get(key)
                self._place(ORGANIZATION, at, here.location if here else None)
                fields = {**UNIT.live_fields(unit), "organizational_units": self._units(unit.id, at)}
                units[key] = declared.OrganizationalUnit.model_construct(**fields)
        return units

    def _detached(self, organization: declared.Organization) -> dict[tuple[PolicyType, Target], Location]:
        """Returns where no policy of AWS's allows everything, of the types that are on."""
        live, detached = self.inventory.organization, dict[tuple[PolicyType, Target], Location]()
        places = {live.root: THE_ROOT}
        places |= {id: Target("unit", key) for id, key in self.keys["ou"].items()}
        accounts = {*organization.accounts, MANAGEMENT}
        places |= {id: Target("account", key) for id, key in self.keys["account"].items() if key in accounts}
        for type, full in full_access(live):
            detached |= {(type, target): () for id, target in places.items() if id not in full.targets}
        return detached

    def _policy(self, policy: at_aws.LivePolicy) -> Policy:
        key = self.keys["policy"][policy.id]
        here = self.zone.policies.get(key)
        location = here.location if here else ("policies", key)
        self._place(ORGANIZATION, location, location if here else None)
        fields = {**POLICY.live_fields(policy), "targets": self._targets(policy, here), "location": location}
        fields["external"] = bool(here and here.external)
        live = replace(here, **fields) if here else None
        if live and _means(policy.content, live.document):
            as_had = live
        else:
            type, document = PolicyType(policy.type), DocumentTemplate(policy.content)
            file = self._document(f"policy {key} at AWS", policy.content, asked=type in CONTROLS)
            as_had = Policy(key, type=type, document=document, file=file, **fields)
        for target, at in as_had.attachments.items():
            self._place(ORGANIZATION, at, here.attachments.get(target) if here else None)
        return as_had

    def _targets(self, policy: at_aws.LivePolicy, here: Policy | None) -> declared.Targets:
        """Returns what a policy is attached to, first what the configuration names, in its order."""
        listed = list(here.attachments) if here else []
        units = {self.keys["ou"][id] for id in policy.targets if id in self.keys["ou"]}
        open_ = {each.id for each in self.inventory.organization.accounts if each.state == ACTIVE}
        accounts = {self.keys["account"][id] for id in policy.targets if id in open_}
        return declared.Targets.model_construct(
            root=self.inventory.organization.root in policy.targets,
            organizational_units=_in_order(units, (each.key for each in listed if each.kind == "unit")),
            accounts=_in_order(accounts, (each.key for each in listed if each.kind == "account")),
        )

    def _document(self, name: str, text: str, *, asked: bool = True) -> str:
        """Returns the name of a document that is in no file, without lines; notes it where no answer can rest on it."""
        self.documents[name] = SourceFile(name, name=name, lines={(): 0})
        try:
            if asked:
                parse(text, name)
        except StrataError as error:
            self.unreadable.append(str(error))
        return name

    def _administrators(self) -> dict[str, tuple[str, ...]]:
        administrators: dict[str, tuple[str, ...]] = {}
        for service, ids in self.inventory.organization.delegations.items():
            administrators[service] = tuple(sorted(self.keys["account"].get(id, id) for id in ids))
            if service not in self.zone.organization.delegated_administrators:
                self._place(ORGANIZATION, ("delegated_administrators", service), None)
        return administrators

    # People

    def _sso(
        self, center: LiveCenter, sets: Mapping[str, PermissionSet], granted: Mapping[Grant, tuple[Location, ...]]
    ) -> declared.Sso:
        options = {permission_set.option for permission_set in sets.values()}
        giving = {location for entries in granted.values() for location in entries}
        given = self.zone.sso
        # What gives nothing at AWS ends nothing there.
        assignments = tuple(
            assignment if ("assignments", index) in giving else assignment.model_copy(update={"until": None})
            for index, assignment in enumerate(given.assignments)
        )
        return given.model_copy(
            update={
                "users": {self.keys["user"][user.id]: self._user(user) for user in center.users},
                "groups": {self.keys["group"][group.id]: self._group(group) for group in center.groups},
                "assignments": assignments,
                "access_control_attributes": dict(center.attributes or {}),
                "break_glass": given.break_glass if "break_glass" in options else None,
                "state_access": given.state_access if "state_access" in options else None,
            }
        )

    def _user(self, user: at_aws.LiveUser) -> declared.User:
        key = self.keys["user"][user.id]
        here = self.zone.users.get(key)
        self._place(SSO, ("users", key), ("users", key) if here else None)
        full = f"{user.given_name} {user.family_name}".strip()
        external = here.external if here else user.external
        shown: dict[str, Any] = {"display_name": user.display_name or full or user.user_name}
        if here and external:
            shown = {"email": "", "display_name": None}
        return declared.User.model_construct(external=external, **USER.live_fields(user) | shown)

    def _group(self, group: at_aws.LiveGroup) -> declared.GroupEntry:
        """Returns a group with its members, whom AWS knows of an external group as well."""
        key = self.keys["group"][group.id]
        here = self.zone.groups.get(key)
        self._place(SSO, ("groups", key), ("groups", key) if here else None)
        listed = here.members if here else ()
        users = {self.keys["user"][id] for id in group.members if id in self.keys["user"]}
        members = _in_order(users, listed)
        for index, member in enumerate(members):
            at: Location = ("groups", key, "members")
            self._place(SSO, (*at, index), (*at, listed.index(member)) if member in listed else None)
        external = here.external if here else group.external
        unknown = external and not members
        fields = {**GROUP.live_fields(group), "members": members, "external": unknown}
        return declared.GroupEntry.model_construct(**fields)

    # Permission sets and who has them

    def _permission_set(self, permission_set: at_aws.LivePermissionSet) -> PermissionSet:
        key = self.keys["permission-set"][permission_set.arn]
        here = self.zone.permission_sets.get(key)
        location = here.location if here else ("permission_sets", key)
        self._place(SSO, location, location if here else None)
        return PermissionSet(
            key,
            policies=tuple(self._policies_of(permission_set, here.policies if here else ())),
            location=location,
            boundary=ManagedPolicy(**live_policy(permission_set.boundary)) if permission_set.boundary else None,
            option=here.option if here else None,
            external=bool(here and here.external),
            **SET.live_fields(permission_set),
        )

    def _policies_of(self, permission_set: at_aws.LivePermissionSet, listed: Iterable[Held]) -> Iterator[Held]:
        """Yields the policies of a permission set, first what the configuration names, in its order."""
        policies = *map(live_policy, permission_set.aws_managed), *map(live_policy, permission_set.customer_managed)
        managed = [ManagedPolicy(**policy) for policy in policies]
        inline = permission_set.inline
        for each in listed:
            if isinstance(each, InlinePolicy) and inline and _means(inline, each.document):
                yield each
                inline = ""
            elif isinstance(each, ManagedPolicy) and each in managed:
                yield each
                managed.remove(each)
        yield from managed
        if inline:
            name = self._document(f"inline policy of {self.keys['permission-set'][permission_set.arn]} at AWS", inline)
            yield InlinePolicy(DocumentTemplate(inline), name, name)

    def _grants(self, center: LiveCenter, organization: declared.Organization) -> dict[Grant, tuple[Location, ...]]:
        open_ = {MANAGEMENT, *organization.accounts}
        grants: dict[Grant, tuple[Location, ...]] = {}
        for assignment in center.assignments:
            of_kind = self.keys["user" if assignment.principal_type == "USER" else "group"]
            account = self.keys["account"].get(assignment.account)
            if account in open_ and assignment.principal in of_kind:
                set_ = self.keys["permission-set"][assignment.permission_set]
                grant = Grant(account, set_, assignment.principal_type, of_kind[assignment.principal])
                grants[grant] = self.zone.grants.get(grant, (_AT_AWS,))
        return {grant: grants[grant] for grant in sorted(grants)}


_NOBODY = LiveCenter("", "", "", (), (), (), frozenset(), frozenset(), None)
"""Stands for an Identity Center that is off or was not read."""


def _in_order(keys: Iterable[str], listed: Iterable[str]) -> tuple[str, ...]:
    """Returns keys, those that are listed first."""
    left = set(keys)
    first = [key for key in dict.fromkeys(listed) if key in left]
    return (*first, *sorted(left.difference(first)))


def _means(live: str, document: DocumentTemplate) -> bool:
    """Returns whether AWS has a document in other words at most; what only a state has of it is taken for the same."""
    return bool(PATTERN.search(document.text)) or same_document(live, document.text)


# Lines


@dataclass
class LiveSourceFile(SourceFile):
    """A file of the configuration, asked for things by where they would stand in it if AWS were written into it."""

    here: SourceFile = field(default_factory=lambda: SourceFile(""))
    places: Mapping[Location, Location | None] = field(default_factory=dict)

    def origin(self, location: Location) -> tuple[SourceFile, Location]:
        """Returns the file in which a value stands, and its location there."""
        for end in range(len(location), 0, -1):
            if location[:end] in self.places:
                place = self.places[location[:end]]
                return (_NOWHERE, ()) if place is None else self.here.origin((*place, *location[end:]))
        return self.here.origin(location)

    def line(self, location: Location) -> int:
        """Returns the line of a value in its own file."""
        part, place = self.origin(location)
        return part.line(place)


_NOWHERE = SourceFile(NO_FILE, name=NO_FILE, lines={(): 0})
