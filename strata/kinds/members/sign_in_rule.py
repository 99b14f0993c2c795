"""The rule that sends sign-ins in a region of a member account to the management account."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from strata.config.models import ROOT_EVENTS_REGION
from strata.config.source import Location
from strata.kinds.arguments import Attributes, text
from strata.kinds.kind import Ask
from strata.kinds.members.made import BESIDE, as_it_is, given, governed, in_member
from strata.kinds.shared import RULE
from strata.kinds.thing import content
from strata.landing_zone import LandingZone


def _declared(zone: LandingZone, account: str) -> Iterator[tuple[str, Attributes, Location]]:
    if given(zone, account, "sign_in_events"):
        at = zone.baseline[account].location("sign_in_events")
        for region in sorted({ROOT_EVENTS_REGION, *governed(zone, account)}):
            yield f"in {region}", as_it_is("pattern", "state", "target", "role"), at


def _its(state: Attributes) -> Attributes:
    """Returns the target that a state has of a rule."""
    targets = state[BESIDE].get(RULE[1].type, {}).values()
    same = (state.get("name"), state.get("region"))
    return next((target for target in targets if (target.get("rule"), target.get("region")) == same), {})


def recorded_rule(state: Attributes) -> Attributes:
    """Returns what a state has of a rule with a single target."""
    target = _its(state)
    return {
        "pattern": content(text(state, "event_pattern")),
        "state": state.get("state") or "ENABLED",
        "target": text(target, "arn"),
        "role": text(target, "role_arn"),
    }


def rule_now(ask: Ask) -> Attributes | None:
    """Returns the same as AWS has it."""
    client, name = ask.client("events"), str(ask.values["name"])
    rule = ask.unless_absent(partial(client.describe_rule, Name=name))
    if rule is None:
        return None
    targets = client.list_targets_by_rule(Rule=name)["Targets"]
    target: Attributes = next((each for each in targets if each["Id"] == _its(ask.values).get("target_id")), {})
    return {
        "pattern": content(rule.get("EventPattern", "")),
        "state": rule["State"],
        "target": target.get("Arn", ""),
        "role": target.get("RoleArn", ""),
    }


SIGN_IN_RULE = in_member(
    "sign-in rule",
    RULE,
    called=lambda name, _: f"in {name.rpartition('_')[2]}",
    declared=_declared,
    recorded=recorded_rule,
    asked=rule_now,
)
