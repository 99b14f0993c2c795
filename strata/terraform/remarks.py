"""What is told of a plan beside its changes, and what is refused once it is planned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from strata.aws.session import Aws
from strata.config import BASELINE, DETECTION
from strata.config.layers import BASELINE_LAYER, DETECTION_LAYER, IN_ACCOUNT, baseline_in
from strata.errors import Message, StrataError
from strata.kinds.detection.made import OF_CONFIG
from strata.kinds.detection.protection import Switch
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
            StrataError: settings would be forgotten since baseline.yaml is gone.
        """
        if planned.error or planned.waits_for:
            return planned
        if refusals := list(self._without_file(planned)):
            raise StrataError(*refusals)
        if planned.stack.startswith(f"{DETECTION_LAYER}{IN_ACCOUNT}"):
            planned = _with_protection(planned, self.protection)
        if any(change.action == "replace" for at, change in planned.changes.items() if at.startswith(ALIAS.type)):
            planned = replace(planned, remarks=(_ALIAS_GOES,))
        return planned

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
