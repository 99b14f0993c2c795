"""Things of free names that AWS has already where a plan creates or imports them: somebody may have made them.

What an earlier run began to create is imported as that run left it. Of anything else a person decides: it is imported
where it holds nothing that the YAML has not, and refused where it does. A line of imports.yaml has decided.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from strata.aws import begun
from strata.aws.identity_center import CenterClient
from strata.aws.organization import list_tags
from strata.aws.states import read_state
from strata.config import IMPORTS, SSO
from strata.errors import Fault, Message
from strata.identity.comparison import Refusal, allowed_by, file_of, named_at
from strata.identity.declared import things
from strata.identity.guard import IMPORT
from strata.identity.held import STACK, attributes
from strata.identity.things import KeyedThing
from strata.kinds import FREE_NAMES, STACKS, WORDS
from strata.kinds.control_tower import keeper_of
from strata.kinds.moves import newest_keys
from strata.printing import word
from strata.terraform.contents import in_center, in_organization
from strata.terraform.locks import refuse_beside_another_run
from strata.terraform.plans import Plan, own_version
from strata.terraform.provisioning import Otherwise
from strata.terraform.situation import RefusedError, Situation
from strata.text import exact, listed


@dataclass
class Names:
    """The names of a run.

    Attributes:
        free: the import ids of what AWS has by name alone, by address.
    """

    situation: Situation
    otherwise: Otherwise
    free: dict[str, str] = field(default_factory=dict)
    _begun: dict[str, dict[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, situation: Situation, otherwise: Otherwise) -> Names:
        """Returns the names of a run, with those that an earlier one began to create.

        Raises:
            AwsError: AWS rejects a call.
        """
        stacks = {STACKS[kind] for kind in FREE_NAMES}
        known = {stack: begun.read(situation.aws, situation.landing_zone.project, stack) for stack in sorted(stacks)}
        return cls(situation, otherwise, _begun=known)

    def begin(self, planned: Plan) -> None:
        """Writes down what a plan creates, before it is applied.

        Raises:
            AwsError: the bucket refuses it.
        """
        if created := [thing for thing in self._things(planned) if planned.changes[thing.address].action == "create"]:
            names = self._begun[planned.stack]
            names |= {thing.address: thing.name for thing in created}
            begun.write(self.situation.aws, self.situation.landing_zone.project, planned.stack, names)

    def end(self, stack: str) -> None:
        """Takes it back, once a stack is as its plan has it.

        Raises:
            AwsError: the bucket refuses it.
        """
        if self._begun.get(stack):
            self._begun[stack] = {}
            begun.write(self.situation.aws, self.situation.landing_zone.project, stack, {})

    def found(self, planned: Plan) -> dict[str, str]:
        """Returns the import ids of what a plan creates and AWS has, by address.

        Of policies and units, which their stack imports itself, there is none; they are judged all the same.

        Raises:
            RefusedError: it holds what nobody declares, was made again at AWS, or others look after it.
            StrataError: another run is making it.
        """
        if planned.stack == STACK:
            ids, refusals = self._in_center(planned)
        else:
            ids, refusals = {}, self._in_organization(planned)
        if refusals:
            raise RefusedError(sorted(refusals))
        return ids

    def taken(self) -> list[Refusal]:
        """Returns what is imported by its name alone, which nobody takes over unasked."""
        some = things(self.situation.landing_zone)
        return [self._taken(thing, self.free[thing.address]) for thing in some if thing.address in self.free]

    def _things(self, planned: Plan) -> Iterator[KeyedThing]:
        """Yields the things of free names that a plan changes, in their own stack."""
        for thing in things(self.situation.landing_zone):
            if thing.kind in FREE_NAMES and STACKS[thing.kind] == planned.stack and thing.address in planned.changes:
                yield thing

    def _in_center(self, planned: Plan) -> tuple[dict[str, str], list[Refusal]]:
        """Returns the import ids of what AWS has in Identity Center, and what of it is refused."""
        situation = self.situation
        created = [thing for thing in self._things(planned) if planned.changes[thing.address].action == "create"]
        center = CenterClient.of(situation.aws, situation.landing_zone.project) if created else None
        if center is None:
            return {}, []
        state = self._state(planned)
        there = [
            (thing, id) for thing, id in _there(center, created, state) if state.get(thing.address, {}).get("id") != id
        ]
        if there:
            self._refuse_beside_another_run(planned)
        refusals = []
        ids = dict[str, str]()
        for thing, id in there:
            ours = self._is_ours(thing)
            if thing.address in state:
                refusals.append(self._made_again(thing, id))
            elif holds := list(in_center(situation, self.otherwise, center, thing, id, ours=ours)):
                refusals.append(self._refused(thing, id, holds, ours=ours))
            else:
                ids[thing.address] = id
                self.free |= {} if ours else {thing.address: id}
        return ids, refusals

    def _in_organization(self, planned: Plan) -> list[Refusal]:
        """Returns what is refused of the policies and units that a stack imports; an import of the state is none."""
        imported = {thing: planned.changes[thing.address].import_id for thing in self._things(planned)}
        held = {its.get("id") for its in self._state(planned).values()} if any(imported.values()) else set()
        there = {thing: id for thing, id in imported.items() if id and id not in held}
        if there:
            self._refuse_beside_another_run(planned)
        refusals = []
        for thing, id in there.items():
            ours = self._is_ours(thing)
            if refusal := self._kept_by_others(thing, id):
                refusals.append(refusal)
            elif self.situation.landing_zone.imports.get(thing.address) == id:
                continue
            elif holds := list(in_organization(self.situation, planned, thing, id)):
                refusals.append(self._refused(thing, id, holds, ours=ours))
            else:
                self.free |= {} if ours else {thing.address: id}
        return refusals

    def _state(self, planned: Plan) -> dict[str, Mapping[str, Any]]:
        zone = self.situation.landing_zone
        return attributes(read_state(self.situation.aws, zone.project, planned.stack), newest_keys(zone.moves))

    def _refuse_beside_another_run(self, planned: Plan) -> None:
        situation, versions = self.situation, {planned.stack: own_version(planned.versions, planned.stack)}
        now = dt.datetime.now(tz=dt.UTC)
        refuse_beside_another_run(situation.aws, situation.landing_zone.project, situation.workspace, versions, now)

    def _is_ours(self, thing: KeyedThing) -> bool:
        return self._begun[STACKS[thing.kind]].get(thing.address) == thing.name

    def _fault(self, thing: KeyedThing, problem: Message, remedy: str) -> Fault:
        return self.situation.landing_zone.fault(file_of(thing.kind), named_at(thing), problem, remedy)

    def _kept_by_others(self, thing: KeyedThing, id: str) -> Refusal | None:
        """Refuses to take a policy that others look after, whatever imports.yaml says: each would undo the other."""
        if thing.kind != "policy":
            return None
        tags = {tag["Key"]: tag["Value"] for tag in list_tags(self.situation.aws, id)}
        keeper = keeper_of(thing.name, tags)
        if keeper is None:
            return None
        text = (
            f"{thing.name!r} is a policy that exists in AWS and that Strata did not create: {id}, {keeper}; a deploy "
            "would overwrite it"
        )
        problem = Message("kept-by-others", text, kind=thing.kind, key=thing.key, id=id, keeper=keeper.id)
        return Refusal(self._fault(thing, problem, "write external: true in place of its document; or another name"))

    def _refused(self, thing: KeyedThing, id: str, holds: list[str], *, ours: bool) -> Refusal:
        case, why = "made-by-others", "no run of Strata began it"
        if ours:
            case, why = "leftover-changed", "a run of Strata began it, but did not leave it so"
        text = f"{WORDS[thing.kind]} {thing.name!r} is at AWS already, with {listed(holds)}; {why}"
        problem = Message(case, text, kind=thing.kind, key=thing.key, id=id, holds=holds)
        remedy = f"{_instead(thing)}; or import it as it is, by this line in {IMPORTS}:"
        return Refusal(self._fault(thing, problem, remedy), "", (_line(thing, id),))

    def _taken(self, thing: KeyedThing, id: str) -> Refusal:
        text = f"{WORDS[thing.kind]} {thing.name!r} is at AWS already, as {id}: this deploy takes it over"
        problem = Message("import-by-name", text, kind=thing.kind, key=thing.key, id=id)
        own = f"{IMPORT}{thing.address}"
        remedy = f"{_instead(thing)}; or {allowed_by(own)}"
        return Refusal(self._fault(thing, problem, remedy), own)

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


def _instead(thing: KeyedThing) -> str:
    external = "" if thing.kind == "ou" else "write external: true if others look after it; or "
    return f"{external}choose another name"


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
