"""Steps: what Strata does itself once a stack is applied, found at AWS for each plan, and so again after a kill."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from strata.aws.access_role import entered
from strata.aws.questions import ResourceQuestion
from strata.aws.session import Aws, AwsError
from strata.config import BASELINE, DETECTION
from strata.config.layers import BASELINE_LAYER, DETECTION_LAYER, IN_ACCOUNT, baseline_in
from strata.config.models import ACCESS_ROLE
from strata.errors import Message, StrataError
from strata.kinds import TYPES
from strata.kinds.data import HOLDS_DATA
from strata.kinds.detection.made import OF_CONFIG
from strata.kinds.detection.protection import Switch
from strata.kinds.detection.recorder import CONTROL_TOWERS, RECORDERS, recorder_here
from strata.kinds.members.alias import ALIAS
from strata.kinds.policy import ATTACHMENT
from strata.landing_zone import LandingZone
from strata.landing_zone.control_tower import not_enrolled, works_here
from strata.steps import baseline_roles
from strata.terraform.entering import Entrances
from strata.terraform.fleet import own_layer
from strata.terraform.plans import Plan
from strata.text import counted, listed


@dataclass(frozen=True)
class Steps:
    """The steps of the stacks of a landing zone."""

    landing_zone: LandingZone
    aws: Aws
    entrances: Entrances
    protection: Mapping[Switch, str] = field(default_factory=dict)
    """What AWS has of the switches of GuardDuty that no state has."""

    def plan(self, planned: Plan) -> Plan:
        """Returns a plan with its steps, with what is told of that which is none, and with what AWS has unimported.

        Raises:
            StrataError: a role that Strata is to make is somebody else's, or a recorder is Control Tower's; or settings
                would be forgotten since baseline.yaml is gone.
        """
        if planned.error or planned.waits_for:
            return planned
        if refusals := [*self._of_control_tower(planned), *self._without_file(planned)]:
            raise StrataError(*refusals)
        if planned.stack.startswith(f"{DETECTION_LAYER}{IN_ACCOUNT}"):
            planned = _with_protection(planned, self.protection)
        if works_here(self.landing_zone):
            planned = replace(planned, remarks=tuple(_beside_control_tower(planned, self.landing_zone)))
        if any(change.action == "replace" for at, change in planned.changes.items() if at.startswith(ALIAS.type)):
            planned = replace(planned, remarks=(_ALIAS_GOES,))
        if not (self.entrances.made(planned.stack) and self.entrances.account(planned.stack)):
            return _with_new_names(planned) if own_layer(self.landing_zone, planned.stack) else planned
        return replace(planned, steps=tuple(self._roles(planned.stack)))

    def do(self, planned: Plan) -> int:
        """Does the steps of a plan that is applied; returns how many are done.

        Raises:
            StrataError: AWS refuses to set a role.
        """
        self._set_roles(planned.stack, planned.steps)
        return len(planned.steps)

    def _of_control_tower(self, planned: Plan) -> Iterator[Message]:
        """Yields why a recorder cannot be made where Control Tower has its own: an account has one in a region."""
        for address, change in planned.changes.items():
            if not (address.startswith(f"{RECORDERS[0].type}.") and change.action == "create"):
                continue
            member = planned.stack in self.landing_zone.account_stacks
            reader = self.entrances.roles(planned.stack).reader
            with suppress(AwsError):  # Terraform says why
                aws = entered(self.aws, self.entrances.account(planned.stack), reader) if member else self.aws
                ask = ResourceQuestion(aws, self.landing_zone.project, change.arguments)
                if (name := recorder_here(ask) or "").startswith(CONTROL_TOWERS):
                    text = (
                        f"Control Tower records here, by {name} in {change.arguments['region']}, which is left alone: "
                        "an account has one recorder in a region; write config: {mode: unmanaged}"
                    )
                    yield Message("recorder-of-control-tower", text, place=address, recorder=name)

    def _without_file(self, planned: Plan) -> Iterator[Message]:
        """Yields that settings would be forgotten unasked where Config alone keeps the stacks of a baseline."""
        layer = self.landing_zone.layers.get(BASELINE_LAYER)
        if not (layer and layer.source == DETECTION and planned.stack.startswith(baseline_in(""))):
            return
        gone = [address for address, change in planned.changes.items() if change.action in ("delete", "forget")]
        if gone := [address for address in gone if not OF_CONFIG.match(address)]:
            text = (
                f"the state has {counted(len(gone), 'thing')} of {BASELINE}, such as {gone[0]}, and the file is gone: "
                "put it back with settings: {}; a deploy removes them from the state; then delete the file"
            )
            yield Message("state-without-stack", text, place=BASELINE, stack=planned.stack, held=gone)

    def follow_from(self, stack: str) -> list[Any]:
        """Returns all that the steps of a stack follow from: the roles."""
        return [role.as_json() for role in self.entrances.made(stack)]

    # Roles

    def _roles(self, stack: str) -> Iterator[Message]:
        """Yields what makes the roles of a baseline what they should be; those of an account that loses it go.

        Raises:
            StrataError: one is somebody else's.
        """
        roles, key = self.entrances.seen(stack) if self.entrances.made(stack) else (), stack.partition(IN_ACCOUNT)[2]
        if key in self.landing_zone.leaving:
            yield from (step for role in roles for step in role.deleting())
        elif refusals := [why for role in roles if (why := baseline_roles.refusal(role, key))]:
            raise StrataError(*refusals)
        else:
            yield from (step for role in roles for step in role.setting())

    def _set_roles(self, stack: str, steps: Sequence[Message]) -> None:
        """Does the steps of roles, as the access role: neither of them may set itself, or the other.

        Raises:
            StrataError: AWS refuses it.
        """
        if not steps:
            return
        wanted, key = {role.name: role for role in self.entrances.made(stack)}, stack.partition(IN_ACCOUNT)[2]
        try:
            member = entered(self.aws, self.entrances.account(stack))
        except AwsError as error:
            text = f"the roles of the baseline in account {key} are set by {ACCESS_ROLE} alone: {error}"
            raise StrataError(Message("role-refused", text, account=key, role=ACCESS_ROLE, code=error.code)) from error
        ask, refused = ResourceQuestion(member, self.landing_zone.project, {}), list[Message]()
        for step in steps:
            change = baseline_roles.remove if step.id == "role-to-delete" else baseline_roles.make
            try:
                change(ask, wanted[step.data["role"]], key)
            except StrataError as error:  # the other may be set all the same
                refused += error.args
        if refused:
            raise StrataError(*refused)


def _with_protection(planned: Plan, at_aws: Mapping[Switch, str]) -> Plan:
    """Returns a plan in which what is set anew has the value that AWS has: for Terraform it is not there."""
    changes = dict(planned.changes)
    for switch, was in at_aws.items():
        change = changes.get(switch.address)
        if change and change.action == "create" and was != switch.wanted:
            attributes = (
                replace(each, before=was) if each.name == switch.attribute else each for each in change.attributes
            )
            changes[switch.address] = replace(change, attributes=tuple(attributes))
    return replace(planned, changes=changes)


def _beside_control_tower(planned: Plan, zone: LandingZone) -> Iterator[Message]:
    """Yields what Control Tower does not follow by itself: new accounts, moves, names, policies on what is its own."""
    own = {key for key, unit in zone.units.items() if unit.name in _ITS_OWN}
    own |= {key for key, account in zone.members.items() if account.name in _ITS_OWN}
    created, moved = list[str](), list[str]()
    followed = {TYPES["account"]: ("parent_id", "name"), TYPES["ou"]: ("name",)}
    for address, change in planned.changes.items():
        type, _, key = address.partition(".")
        target = key.rpartition("_")[2]
        if type == TYPES["account"] and change.action == "create":
            created.append(key)
        elif change.action in ("update", "import and update"):
            moved += [key] if any(its.name in followed.get(type, ()) for its in change.attributes) else []
        elif type == ATTACHMENT.type and change.action in ("create", "delete") and target in own:
            moved.append(target)
    if created:
        yield not_enrolled(created)
    if moved := list(dict.fromkeys(moved)):
        text = (
            f"{listed(moved)}: Control Tower shows a moved account as drift until it is updated there; a change "
            "of its own unit and accounts needs a reset of its landing zone: docs/coming-from.md#who-does-what"
        )
        yield Message("drift-of-control-tower", text, keys=moved)


_ITS_OWN = ("Security", "Audit", "Log Archive")
"""What Control Tower calls its unit and the accounts in it, unless somebody chose other names."""


def _with_new_names(planned: Plan) -> Plan:
    """Returns the plan of a layer of one's own with what looks like a new name, and what goes that holds data.

    A new name looks like the only one of its type that goes, and the only one that comes.
    """
    types: dict[tuple[str, str], list[str]] = {}
    for address, change in planned.changes.items():
        if " " not in address:  # else it is deposed
            types.setdefault((change.action, address.partition(".")[0]), []).append(address)
    remarks = list(planned.remarks)
    for (action, type), addresses in types.items():
        comes = types.get(("create", type), [])
        if action == "delete" and len(addresses) == len(comes) == 1:
            gone, new = addresses[0], comes[0]
            old = planned.changes[gone].moved_from or gone  # by a move to an address that is none
            text = f'looks like a new name of {old}: self.move("{old}", "{new}") in the stack keeps it'
            text += f"; it makes no {gone}" if old != gone else ""
            remarks.append(Message("looks-renamed", f"{new} {text}", stack=planned.stack, old=old, new=new))
    goes = (some for (action, type), some in types.items() if action == "delete" and type in HOLDS_DATA)
    if lost := list(chain.from_iterable(goes)):
        text = f"destroyed with all that it holds: {listed(lost)}"
        remarks.append(Message("data-destroyed", text, stack=planned.stack, addresses=lost))
    return replace(planned, remarks=tuple(remarks))


_ALIAS_GOES = Message(
    "alias-goes-first", "the old alias goes first: where somebody else has the new one, the account is left without"
)
"""The provider deletes before it creates. The other order would delete what drift put back, by the id in the state."""
