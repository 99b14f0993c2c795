"""What is told of a plan beside its changes, and what is refused once it is planned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from strata.aws.access_role import account_ids, entered
from strata.aws.questions import ResourceQuestion
from strata.aws.session import Aws, AwsError
from strata.aws.states import read_state
from strata.config import BASELINE, DETECTION
from strata.config.layers import BASELINE_LAYER, DETECTION_LAYER, IN_ACCOUNT, baseline_in
from strata.errors import Message, StrataError
from strata.kinds.detection.made import OF_CONFIG
from strata.kinds.detection.protection import Switch
from strata.kinds.detection.recorder import CONTROL_TOWERS, RECORDERS, recorder_here
from strata.kinds.members.alias import ALIAS
from strata.landing_zone import LandingZone
from strata.terraform.plans import Plan
from strata.text import counted


@dataclass(frozen=True)
class Remarks:
    """The remarks on the plans of a landing zone."""

    landing_zone: LandingZone
    aws: Aws
    protection: Mapping[Switch, str] = field(default_factory=dict)
    """What AWS has of the switches of GuardDuty that no state has."""

    def on(self, planned: Plan) -> Plan:
        """Returns a plan with its remarks, and with what AWS has unimported.

        Raises:
            StrataError: a recorder is Control Tower's, or settings would be forgotten since baseline.yaml is gone.
        """
        if planned.error or planned.waits_for:
            return planned
        if refusals := [*self._of_control_tower(planned), *self._without_file(planned)]:
            raise StrataError(*refusals)
        if planned.stack.startswith(f"{DETECTION_LAYER}{IN_ACCOUNT}"):
            planned = _with_protection(planned, self.protection)
        if any(change.action == "replace" for at, change in planned.changes.items() if at.startswith(ALIAS.type)):
            planned = replace(planned, remarks=(_ALIAS_GOES,))
        return planned

    def _of_control_tower(self, planned: Plan) -> Iterator[Message]:
        """Yields why a recorder cannot be made where Control Tower has its own: an account has one in a region."""
        for address, change in planned.changes.items():
            if not (address.startswith(f"{RECORDERS[0].type}.") and change.action == "create"):
                continue
            with suppress(AwsError):  # Terraform says why
                ask = ResourceQuestion(self._inside(planned.stack), self.landing_zone.project, change.arguments)
                if (name := recorder_here(ask) or "").startswith(CONTROL_TOWERS):
                    text = (
                        f"Control Tower records here, by {name} in {change.arguments['region']}, which is left alone: "
                        "an account has one recorder in a region; write config: {mode: unmanaged}"
                    )
                    yield Message("recorder-of-control-tower", text, place=address, recorder=name)

    def _inside(self, stack: str) -> Aws:
        """Returns AWS as the reader of a stack sees it; a deploy may have made the account since it began."""
        zone = self.landing_zone
        if stack not in zone.account_stacks:
            return self.aws
        key = zone.account_stacks[stack]
        ids = dict(account_ids(read_state(self.aws, zone.project, "organizations"), [key]))
        return entered(self.aws, ids.get(key, ""), zone.roles(stack).reader)

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


_ALIAS_GOES = Message(
    "alias-goes-first", "the old alias goes first: where somebody else has the new one, the account is left without"
)
"""The provider deletes before it creates. The other order would delete what drift put back, by the id in the state."""
