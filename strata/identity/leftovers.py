"""Distinguishes leftovers of a killed run from resources of others: users, groups and permission sets.

A thing is ours if a run of ours announced its name before it was created, and if nothing is in it that is not
declared. Everything else is imported on purpose only, by `config/imports.yaml`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from strata.aws.identity_center import CenterClient
from strata.aws.session import Aws
from strata.config import IMPORTS, SSO
from strata.errors import Message
from strata.identity.announced import KINDS, Name
from strata.identity.comparison import Refusal
from strata.identity.declared import things
from strata.identity.things import KeyedThing
from strata.kinds import TYPES, WORDS
from strata.kinds.moves import Keys, address_now, newest_keys
from strata.kinds.permission_set import BOUNDARY, CUSTOMER, INLINE, MANAGED
from strata.landing_zone import LandingZone
from strata.policy.equality import meaning_of_text
from strata.sides.states import State, managed
from strata.text import exact, folded, listed

STACK = "sso"
Document = Mapping[str, Any]


def declared(landing_zone: LandingZone) -> Iterator[KeyedThing]:
    """Yields the declared users, groups and permission sets by name."""
    return (thing for thing in things(landing_zone) if thing.kind in KINDS)


def announced_as(thing: KeyedThing) -> Name:
    """Returns how a thing is announced."""
    return thing.kind, thing.name


def to_create(landing_zone: LandingZone, state: State) -> list[KeyedThing]:
    """Returns the resources that a deploy will create: declared, not recorded, and not imported on purpose.

    A permission set whose name changed counts, because AWS renames none.
    """
    recorded = attributes(state, newest_keys(landing_zone.moves))
    return [
        named
        for named in declared(landing_zone)
        if named.address not in landing_zone.imports
        and (
            named.address not in recorded
            or (named.kind == "permission-set" and recorded[named.address].get("name") != named.name)
        )
    ]


def gone(landing_zone: LandingZone, state: State, created: Collection[str]) -> list[KeyedThing]:
    """Returns the resources that a plan creates although the state has them: AWS has nothing of their ids."""
    recorded = attributes(state, newest_keys(landing_zone.moves))
    return [named for named in declared(landing_zone) if named.address in created and named.address in recorded]


def attributes(state: State, moved: Keys) -> dict[str, Mapping[str, Any]]:
    """Returns the attributes of what a state records, by the address that it has after the moves.

    What was partly created is kept by a deploy, so it counts.
    """
    return {
        address_now(resource.address, moved): resource.attributes for resource in managed(state) if not resource.deposed
    }


@dataclass(frozen=True)
class Directory:
    """Identity Center as it is now, and what of it may be taken for ours."""

    landing_zone: LandingZone
    states: Mapping[str, State]
    document: Document
    """The Terraform JSON of the stack."""
    center: CenterClient

    @classmethod
    def of(
        cls, aws: Aws, landing_zone: LandingZone, states: Mapping[str, State], document: Document
    ) -> Directory | None:
        """Returns the directory of the organization, None where Identity Center is not enabled."""
        center = CenterClient.of(aws, landing_zone.project)
        return cls(landing_zone, states, document, center) if center else None

    def sorted_out(
        self, wanted: Iterable[KeyedThing], announced: Collection[Name]
    ) -> tuple[dict[str, str], list[Refusal]]:
        """Returns the import id of what is there and ours, by address, and why the rest that is there is not taken."""
        ids: dict[str, str] = {}
        objections: list[Refusal] = []
        for named in wanted:
            import_id = self.import_id(named)
            if import_id is None:
                continue
            if objection := self.objection(named, import_id, announced):
                objections.append(objection)
            else:
                ids[named.address] = import_id
        return ids, objections

    def made_again(self, created: Collection[str], remove: str) -> list[Refusal]:
        """Returns why things are not created that the state has and AWS has under another id: AWS has each name once.

        Terraform imports nothing at an address that the state has.

        Args:
            created: the addresses that a plan creates.
            remove: the command that takes an address out of the state.
        """
        recorded = attributes(self._state, newest_keys(self.landing_zone.moves))
        absent = ((thing, self.import_id(thing)) for thing in gone(self.landing_zone, self._state, created))
        return [
            self._made_again(named, import_id, remove)
            for named, import_id in absent
            if import_id and import_id != recorded[named.address].get("id")
        ]

    def _made_again(self, named: KeyedThing, import_id: str, remove: str) -> Refusal:
        text = f"{WORDS[named.kind]} {named.name!r} has another id at AWS than in the state: "
        held = self._held(named, import_id)
        text += f"it was deleted there and made again{_having(held)}"
        problem = Message("made-again", text, kind=named.kind, key=named.key, id=import_id, holds=held)
        there = self.landing_zone.imports.get(named.address)
        lines = [f"{remove} {named.address}"]
        remedy = "delete the new one at AWS, and the deploy creates the declared one; or keep the new one: "
        remedy += "remove the old one from the state with this command"
        if there == import_id:
            remedy += f"; {IMPORTS} has the line of the new one already:"
        else:
            instead = ", in place of the line there" if there else ""
            remedy += f", and import the new one with this line in {IMPORTS}{instead}:"
            lines.append(_line(named, import_id))
        return Refusal(self.landing_zone.fault(SSO, named.location, problem, remedy), "", tuple(lines))

    def import_id(self, named: KeyedThing) -> str | None:
        """Returns the import id of what has this name now, None if nothing has."""
        if named.kind == "user":
            return self._users.get(named.identity)
        return (self._groups if named.kind == "group" else self._sets).get(named.identity)

    def objection(self, named: KeyedThing, import_id: str, announced: Collection[Name]) -> Refusal | None:
        """Returns why a thing may not be imported, with the line that imports it on purpose; None if it is ours."""
        holds = self._foreign(named, import_id)
        if announced_as(named) not in announced:
            case, why = "made-by-others", "in no state, and no run of Strata announced it, so it is somebody else's"
            holds = self._held(named, import_id)
        elif holds:
            case = "leftover-changed"
            why = "announced by a run of Strata that did not finish, but not as such a run leaves it"
        else:
            return None
        text = f"{WORDS[named.kind]} {named.name!r} is at AWS already; it is {why}{_having(holds)}"
        problem = Message(case, text, kind=named.kind, key=named.key, id=import_id, holds=holds)
        remedy = f"choose another name, or import it as it is, by this line in {IMPORTS}:"
        return Refusal(self.landing_zone.fault(SSO, named.location, problem, remedy), "", (_line(named, import_id),))

    @property
    def _state(self) -> State:
        return self.states.get(STACK, {})

    @cached_property
    def _users(self) -> dict[str, str]:
        return {folded(name): f"{self.center.store}/{user_id}" for user_id, name in self._user_names.items()}

    @cached_property
    def _groups(self) -> dict[str, str]:
        return {
            folded(group["DisplayName"]): f"{self.center.store}/{group['GroupId']}"
            for group in self.center.list_groups()
            if group.get("DisplayName")
        }

    @cached_property
    def _sets(self) -> dict[str, str]:
        # AWS lists permission sets without names, and renames none.
        center, type = self.center, TYPES["permission-set"]
        recorded = (values for at, values in attributes(self._state, {}).items() if at.startswith(f"{type}."))
        known = {values["arn"]: values["name"] for values in recorded}
        return {
            exact(known.get(arn) or center.name_of(arn)): f"{arn},{center.instance}" for arn in center.permission_sets()
        }

    @cached_property
    def _user_names(self) -> dict[str, str]:
        return {user["UserId"]: user["UserName"] for user in self.center.list_users() if user.get("UserName")}

    def _held(self, named: KeyedThing, import_id: str) -> list[str]:
        """Returns the contents of a thing."""
        if named.kind == "group":
            return self._members(import_id)
        return list(self._policies(import_id)) if named.kind == "permission-set" else []

    def _foreign(self, named: KeyedThing, import_id: str) -> list[str]:
        """Returns undeclared contents of a thing."""
        if named.kind == "group":
            return sorted(set(self._members(import_id)) - self._declared_members(named.key))
        if named.kind == "permission-set":
            wanted = self._declared_policies(named.address).values()
            return [label for label, policy in self._policies(import_id).items() if policy not in wanted]
        return []

    def _members(self, import_id: str) -> list[str]:
        ids = self.center.memberships(import_id.rpartition("/")[2])
        return sorted(self._user_names.get(user_id, user_id) for user_id in ids)

    def _declared_members(self, key: str) -> set[str]:
        """Returns the user names of the members; who is recorded keeps the name that was created."""
        zone = self.landing_zone
        recorded = attributes(self._state, newest_keys(self.landing_zone.moves))
        users = {thing.key: thing for thing in declared(self.landing_zone) if thing.kind == "user"}
        members = zone.sso.groups[key].members
        own = (users[member] for member in members if member in users)
        others = {zone.users[member].sign_in_name for member in members if member not in users}
        return others | {str(recorded.get(user.address, {}).get("user_name") or user.name) for user in own}

    def _policies(self, import_id: str) -> dict[str, object]:
        """Returns the policies of a permission set by what they are called in a message."""
        center, arn = self.center, import_id.partition(",")[0]
        policies: dict[str, object] = {managed: managed for managed in center.aws_managed_policies_of(arn)}
        for customer in center.customer_managed_policies_of(arn):
            name = _named(customer)
            policies[f"customer policy {name}"] = ("customer", name)
        if inline := center.inline_policy_of(arn):
            policies["an inline policy"] = ("inline", meaning_of_text(inline))
        if boundary := center.boundary_of(arn):
            reference = boundary.get("CustomerManagedPolicyReference")
            name = _named(reference) if reference else boundary["ManagedPolicyArn"]
            policies[f"the boundary {name}"] = ("boundary", name)
        return policies

    def _declared_policies(self, address: str) -> dict[str, object]:
        """Returns the policies that the stack attaches to a permission set, by address."""
        own, policies = f"${{{address}.arn}}", dict[str, object]()
        for type, entries in self.document.get("resource", {}).items():
            for name, entry in entries.items() if type in _POLICY_OF else ():
                if entry.get("permission_set_arn") == own:
                    policies[f"{type}.{name}"] = _POLICY_OF[type](self._evaluated(entry))
        return policies

    def _evaluated(self, value: Any) -> Any:
        """Returns a value of the Terraform JSON as Terraform evaluates it, as far as it reads other stacks' outputs."""
        if isinstance(value, dict):
            return {key: self._evaluated(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._evaluated(inner) for inner in value]
        if not isinstance(value, str):
            return value
        text = _OUTPUT.sub(self._output, value)
        return text.replace("$${", "${").replace("%%{", "%{")

    def _output(self, reference: re.Match[str]) -> str:
        output = self.states.get(reference[1], {}).get("outputs", {}).get(reference[2])
        return (str(output["value"]) if output else "") or reference[0]


def _having(held: Sequence[str]) -> str:
    return f"; it has {listed(held)}" if held else ""


def _line(named: KeyedThing, import_id: str) -> str:
    return f'{named.address}: "{import_id}"'


_OUTPUT = re.compile(
    r"(?<!\$)\$\{data\.terraform_remote_state\.cross-stack-reference-input-([\w-]+)\.outputs\.([\w-]+)\}"
)


def _named(reference: Mapping[str, str]) -> str:
    return f"{reference.get('Path') or '/'}{reference['Name']}"


def _customer(reference: Any) -> str:
    first = reference[0] if isinstance(reference, list) else reference
    return f"{first.get('path') or '/'}{first['name']}"


def _boundary_of(entry: Document) -> tuple[str, str]:
    boundary = entry["permissions_boundary"]
    boundary = boundary[0] if isinstance(boundary, list) else boundary
    reference = boundary.get("customer_managed_policy_reference")
    return "boundary", _customer(reference) if reference else str(boundary["managed_policy_arn"])


_POLICY_OF: Mapping[str, Any] = {
    CUSTOMER: lambda entry: (
        "customer",
        _customer(entry["customer_managed_policy_reference"]),
    ),
    MANAGED: lambda entry: entry["managed_policy_arn"],
    INLINE.type: lambda entry: ("inline", meaning_of_text(entry["inline_policy"])),
    BOUNDARY.type: _boundary_of,
}
