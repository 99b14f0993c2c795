"""Users, groups and permission sets that a plan creates, and that AWS has by their name.

What an earlier run began to create is imported as that run left it. Of anything else a person decides: it is imported
where it holds nothing that the YAML has not, and refused where it does.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from strata.aws import begun
from strata.aws.identity_center import CenterClient
from strata.aws.states import read_state
from strata.config import IMPORTS, SSO
from strata.errors import Message
from strata.identity.comparison import Refusal, allowed_by, named_at
from strata.identity.declared import things
from strata.identity.guard import IMPORT
from strata.identity.held import STACK, attributes
from strata.identity.things import KeyedThing
from strata.kinds import WORDS
from strata.kinds.moves import newest_keys
from strata.printing import word
from strata.terraform.locks import refuse_beside_another_run
from strata.terraform.plans import Plan, own_version
from strata.terraform.provisioning import Otherwise
from strata.terraform.situation import RefusedError, Situation
from strata.text import exact, folded, listed


@dataclass
class Names:
    """The names of a run.

    Attributes:
        free: the import ids of what AWS has by name alone, by address.
    """

    situation: Situation
    otherwise: Otherwise
    free: dict[str, str] = field(default_factory=dict)
    _begun: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, situation: Situation, otherwise: Otherwise) -> Names:
        """Returns the names of a run, with those that an earlier one began to create.

        Raises:
            AwsError: AWS rejects a call.
        """
        known = begun.read(situation.aws, situation.landing_zone.project, STACK)
        return cls(situation, otherwise, _begun=known)

    def begin(self, planned: Plan) -> None:
        """Writes down what a plan creates, before it is applied.

        Raises:
            AwsError: the bucket refuses it.
        """
        if created := self._created(planned):
            self._begun |= {thing.address: thing.name for thing in created}
            begun.write(self.situation.aws, self.situation.landing_zone.project, STACK, self._begun)

    def end(self) -> None:
        """Takes it back, once the stack is as its plan has it.

        Raises:
            AwsError: the bucket refuses it.
        """
        if self._begun:
            self._begun = {}
            begun.write(self.situation.aws, self.situation.landing_zone.project, STACK, self._begun)

    def found(self, planned: Plan) -> dict[str, str]:
        """Returns the import ids of what a plan creates and AWS has, by address.

        Raises:
            RefusedError: it holds what nobody declares, or was made again at AWS.
            StrataError: another run is making it.
        """
        situation, created = self.situation, self._created(planned)
        center = CenterClient.of(situation.aws, situation.landing_zone.project) if created else None
        if center is None:
            return {}
        state = attributes(
            read_state(situation.aws, situation.landing_zone.project, STACK), newest_keys(situation.landing_zone.moves)
        )
        there = [
            (thing, id) for thing, id in _there(center, created, state) if state.get(thing.address, {}).get("id") != id
        ]
        if there:
            versions, now = {STACK: own_version(planned.versions, STACK)}, dt.datetime.now(tz=dt.UTC)
            refuse_beside_another_run(situation.aws, situation.landing_zone.project, situation.workspace, versions, now)
        refusals = []
        ids = dict[str, str]()
        for thing, id in there:
            ours = self._begun.get(thing.address) == thing.name
            if thing.address in state:
                refusals.append(self._made_again(thing, id))
            elif holds := list(self._beside(center, thing, id, ours=ours)):
                refusals.append(self._refused(thing, id, holds, ours=ours))
            else:
                ids[thing.address] = id
                self.free |= {} if ours else {thing.address: id}
        if refusals:
            raise RefusedError(sorted(refusals))
        return ids

    def taken(self) -> list[Refusal]:
        """Returns what is imported by its name alone, which nobody takes over unasked."""
        return [self._taken(thing, self.free[thing.address]) for thing in self._things() if thing.address in self.free]

    def _things(self) -> Iterator[KeyedThing]:
        return (thing for thing in things(self.situation.landing_zone) if thing.kind in _KINDS)

    def _created(self, planned: Plan) -> list[KeyedThing]:
        created = {address for address, change in planned.changes.items() if change.action == "create"}
        return [thing for thing in self._things() if planned.stack == STACK and thing.address in created]

    def _beside(self, center: CenterClient, thing: KeyedThing, id: str, *, ours: bool) -> Iterator[str]:
        """Yields what AWS has in a thing and nobody declares; what is assigned to others only where it is not ours."""
        zone, bare = self.situation.landing_zone, thing.bare_id or id.rpartition("/")[2]
        if thing.kind == "group":
            recorded = self.situation.examination.recorded.things
            members = zone.sso.groups[thing.key].members
            names = {folded(zone.users[key].sign_in_name) for key in members}
            names |= {known.identity for key in members if (known := recorded.get(("user", key)))}
            yield from (f"member {name}" for name in center.members(bare) if folded(name) not in names)
        elif thing.kind == "user":
            names = {folded(group.name) for group in zone.groups.values() if thing.key in group.members}
            yield from (f"group {name}" for name in center.groups_of(bare) if folded(name) not in names)
        else:
            arn = id.partition(",")[0]
            by_hand = self.otherwise(self.situation.aws, zone, {arn: thing.key}, left=True)
            yield from (str(refusal.fault.problem) for refusal in by_hand.values())
            accounts = [] if ours else center.accounts_of(arn)
            yield from (f"assignments in account {account}" for account in accounts)

    def _refused(self, thing: KeyedThing, id: str, holds: list[str], *, ours: bool) -> Refusal:
        case, why = "made-by-others", "no run of Strata began it"
        if ours:
            case, why = "leftover-changed", "a run of Strata began it, but did not leave it so"
        text = f"{WORDS[thing.kind]} {thing.name!r} is at AWS already, with {listed(holds)}; {why}"
        problem = Message(case, text, kind=thing.kind, key=thing.key, id=id, holds=holds)
        remedy = (
            "write external: true if others look after it; or choose another name; or import it as it is, by this line "
            f"in {IMPORTS}:"
        )
        fault = self.situation.landing_zone.fault(SSO, named_at(thing), problem, remedy)
        return Refusal(fault, "", (_line(thing, id),))

    def _taken(self, thing: KeyedThing, id: str) -> Refusal:
        text = f"{WORDS[thing.kind]} {thing.name!r} is at AWS already, as {id}: this deploy takes it over"
        problem = Message("import-by-name", text, kind=thing.kind, key=thing.key, id=id)
        own = f"{IMPORT}{thing.address}"
        remedy = f"write external: true if others look after it; or choose another name; or {allowed_by(own)}"
        return Refusal(self.situation.landing_zone.fault(SSO, named_at(thing), problem, remedy), own)

    def _made_again(self, thing: KeyedThing, id: str) -> Refusal:
        text = (
            f"{WORDS[thing.kind]} {thing.name!r} was deleted at AWS and made again, with another id than the state has"
        )
        problem = Message("made-again", text, kind=thing.kind, key=thing.key, id=id)
        workspace = self.situation.workspace
        binary, folder = workspace.environment["TERRAFORM_BINARY_NAME"], workspace.stack_folder(STACK)
        lines = [f"{word(binary)} -chdir={word(folder)} state rm {thing.address}"]
        there = self.situation.landing_zone.imports.get(thing.address)
        remedy = "delete the new one at AWS, and the deploy creates the declared one; or keep the new one: "
        remedy += "remove the old one from the state with this command"
        if there == id:
            remedy += f"; {IMPORTS} has the line of the new one already:"
        else:
            instead = ", in place of the line there" if there else ""
            remedy += f", and import the new one with this line in {IMPORTS}{instead}:"
            lines.append(_line(thing, id))
        return Refusal(self.situation.landing_zone.fault(SSO, thing.location, problem, remedy), "", tuple(lines))


_KINDS = ("user", "group", "permission-set")
"""What has a name that AWS gives once, and that no import block of the stacks finds."""


def _line(thing: KeyedThing, id: str) -> str:
    return f'{thing.address}: "{id}"'


def _there(
    center: CenterClient, created: list[KeyedThing], state: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[KeyedThing, str]]:
    """Yields what AWS has by the name of a thing, with its import id; AWS lists permission sets without names."""
    sets = {thing.identity: thing for thing in created if thing.kind == "permission-set"}
    for thing in created:
        if thing.kind != "permission-set":
            id = center.user(thing.name) if thing.kind == "user" else center.group(thing.name)
            if id:
                yield thing, f"{center.store}/{id}"
    known = {str(its["arn"]): str(its["name"]) for its in state.values() if "arn" in its and "name" in its}
    for arn in center.permission_sets() if sets else ():
        if found := sets.get(exact(known.get(arn) or center.name_of(arn))):
            yield found, f"{arn},{center.instance}"
