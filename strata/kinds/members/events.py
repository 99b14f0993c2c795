"""What sends sign-ins in a member account to the management account: a rule in each region, and their role."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from strata.config.layers import BASELINE_LAYER
from strata.config.models import ROOT_EVENTS_REGION, SIGN_IN_EVENTS
from strata.config.source import Location
from strata.errors import Message
from strata.kinds.arguments import Attributes, text
from strata.kinds.change import Way
from strata.kinds.kind import Ask, account_of
from strata.kinds.members.made import BESIDE, as_it_is, given, governed, made_by_layer, of_baseline
from strata.kinds.shared import ROLE, ROLE_ATTACHMENT, ROLE_POLICY, RULE
from strata.kinds.thing import Thing, content
from strata.landing_zone import LandingZone


def _rules(zone: LandingZone, account: str) -> Iterator[tuple[str, Attributes, Location]]:
    if given(zone, account, "sign_in_events"):
        at = zone.baseline[account].location("sign_in_events")
        for region in sorted({ROOT_EVENTS_REGION, *governed(zone, account)}):
            yield f"in {region}", as_it_is("pattern", "state", "target", "role"), at


def _target(state: Attributes) -> Attributes:
    """Returns the target that a state has of a rule."""
    targets = state[BESIDE].get(RULE[1].type, {}).values()
    same = (state.get("name"), state.get("region"))
    return next((target for target in targets if (target.get("rule"), target.get("region")) == same), {})


def recorded_rule(state: Attributes) -> Attributes:
    """Returns what a state has of a rule with a single target."""
    target = _target(state)
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
    target: Attributes = next((each for each in targets if each["Id"] == _target(ask.values).get("target_id")), {})
    return {
        "pattern": content(rule.get("EventPattern", "")),
        "state": rule["State"],
        "target": target.get("Arn", ""),
        "role": target.get("RoleArn", ""),
    }


SIGN_IN_RULE = made_by_layer(
    BASELINE_LAYER,
    "sign-in rule",
    RULE,
    called=lambda name, _: f"in {name.rpartition('_')[2]}",
    declared=of_baseline(_rules),
    recorded=recorded_rule,
    asked=rule_now,
)


# The role

TRUST = "trust"
"""Who may assume it."""
_MORE = "more_policies"
"""What somebody else has given the role: no deploy takes it away."""
ROLE_AS_IT_IS = as_it_is(TRUST, "session_seconds", "boundary", "policies", "inline", _MORE)


def _roles(zone: LandingZone, account: str) -> Iterator[tuple[str, Attributes, Location]]:
    its = zone.baseline[account]
    if given(zone, account, "sign_in_events"):
        yield f"{zone.project.short_name}-{SIGN_IN_EVENTS}", ROLE_AS_IT_IS, its.location("sign_in_events")


def _policies(state: Attributes) -> tuple[set[str], dict[str, str]]:
    """Returns the policies that a state has of a role: the ARNs of managed ones, and documents by name."""
    held, name = state[BESIDE], state.get("name")
    attached = {
        text(other, "policy_arn") for other in held.get(ROLE_ATTACHMENT.type, {}).values() if other.get("role") == name
    }
    inline = {
        text(other, "name"): text(other, "policy")
        for other in held.get(ROLE_POLICY.type, {}).values()
        if other.get("role") == name
    }
    return attached, inline


def recorded_role(state: Attributes) -> Attributes:
    """Returns what a state has of a role and its policies."""
    attached, inline = _policies(state)
    return {
        TRUST: content(text(state, "assume_role_policy")),
        "session_seconds": int(state.get("max_session_duration") or 3600),
        "boundary": text(state, "permissions_boundary"),
        "policies": ", ".join(sorted({*attached, *inline})),
        "inline": {name: content(document) for name, document in sorted(inline.items())},
        _MORE: "",
    }


def role_now(ask: Ask) -> Attributes | None:
    """Returns the same as AWS has it."""
    client, name = ask.client("iam"), str(ask.values["name"])
    answer = ask.unless_absent(partial(client.get_role, RoleName=name))
    if answer is None:
        return None
    role, (ours, documents) = answer["Role"], _policies(ask.values)
    attached = {*client.items("list_attached_role_policies", "AttachedPolicies[].PolicyArn", RoleName=name)}
    inline = {*client.items("list_role_policies", "PolicyNames[]", RoleName=name)}
    known = {*ours, *documents}
    return {
        TRUST: role["AssumeRolePolicyDocument"],
        "session_seconds": role.get("MaxSessionDuration", 3600),
        "boundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ""),
        "policies": ", ".join(sorted({*attached, *inline} & known)),
        "inline": {
            part: client.get_role_policy(RoleName=name, PolicyName=part)["PolicyDocument"]
            for part in sorted(inline & documents.keys())
        },
        _MORE: ", ".join(sorted({*attached, *inline} - known)),
    }


def role_way(attribute: str, here: Thing | None, _: Thing | None, now: Thing | None) -> Way | None:
    """Returns the way back of policies that others gave a role."""
    if not (here and now and attribute == _MORE):
        return None
    account, more = account_of(now.name), now.values[_MORE]
    text = f"detach or delete {more} in account {account} by hand: no deploy takes away what others gave the role"
    return Way(by_hand=Message("policy-of-others", text, account=account, policies=more.split(", ")))


def called_as_role(_: str, state: Mapping[str, Any]) -> str:
    """Returns its name at AWS."""
    return str(state.get("name"))


MEMBER_ROLE = made_by_layer(
    BASELINE_LAYER,
    "role",
    (ROLE, ROLE_POLICY, ROLE_ATTACHMENT),
    called=called_as_role,
    declared=of_baseline(_roles),
    recorded=recorded_role,
    asked=role_now,
    way=role_way,
)
