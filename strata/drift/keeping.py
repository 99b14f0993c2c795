"""How a difference is kept: what `strata adopt KIND:NAME` writes of it, or why it can write nothing."""

from __future__ import annotations

from collections.abc import Iterator

from strata.adoption.describing import objection, undescribable_policy
from strata.errors import Message
from strata.kinds import kind_of
from strata.kinds.at_aws import LiveCustomerPolicy
from strata.kinds.change import Edit, Obstacle, OutsideChange, edit, in_external_yaml
from strata.kinds.kind import Kind
from strata.kinds.permission_set import BOUNDARY, SET, SET_POLICY, arn_of
from strata.kinds.policy import POLICY, full_access_of
from strata.kinds.thing import AtAws, Thing
from strata.landing_zone import LandingZone
from strata.landing_zone.policies import FULL_ACCESS
from strata.printing import word


def obstacle(zone: LandingZone, kind: Kind, attribute: str, here: Thing | None, now: Thing | None) -> Obstacle:
    """Returns why `strata adopt` cannot write what AWS has, as a phrase; nothing where it can.

    external.yaml has what is in something external, and not that this is there.
    """
    if here and here.external and (kind.is_part or (attribute and kind in (SET, POLICY))):
        return in_external_yaml()
    set_ = zone.permission_sets.get(now.ids.get("set", "")) if now and kind.is_part and not here else None
    if set_ and set_.external:
        return in_external_yaml()
    if now is None and here and (type := full_access_of(here.name)):
        full = FULL_ACCESS[type]
        text = f"write it under detached of an entry {full} in organization.yaml, with external: true and type: {type}"
        return Message("write-detached", text)
    if now is None and here is None:
        return Message("gone-at-aws", f"nothing declares it; a deploy that changes {kind.stack} notes that it is off")
    if now is None:
        deploy = "" if here and here.external and kind.stack == "organizations" else ", and deploy"
        return Message("gone-at-aws", f"take it out of the YAML by hand{deploy}")
    if here and attribute == "id":
        again = Message("deploy-gives-again", "a deploy gives the new one what the deleted one had")
        deleted = "the state has the one that was deleted, and no import replaces it"
        return again if here.external else Message("state-has-deleted", deleted)
    if why := kind.obstacle(zone, OutsideChange(attribute, here, now)) or _undescribable(zone, kind, now):
        return why
    name, value = kind.fields.get(attribute), now.values.get(attribute)
    return objection(kind.model, name, value) if kind.model and name and value else ""


def _undescribable(zone: LandingZone, kind: Kind, now: Thing) -> Obstacle:
    """Returns why the entry of a permission set cannot name a policy that it has."""
    if kind not in (SET_POLICY, BOUNDARY):
        return ""
    ids, set_ = now.ids, zone.permission_sets[now.ids["set"]]
    own = LiveCustomerPolicy(ids["customer"], ids.get("path", "/")) if "customer" in ids else None
    managed = set_.managed if kind is SET_POLICY else ()
    others = [LiveCustomerPolicy(policy.customer, policy.path) for policy in managed if policy.customer]
    return undescribable_policy(own or arn_of(ids["aws"]), [other for other in others if other != own]) or ""


def adopt_line(kind: str, name: str) -> str:
    """Returns the command that writes a thing into the configuration."""
    words = kind.replace(" ", "-")
    return f"strata adopt {word(f'{words}:{name}')}"


def is_added(change: OutsideChange) -> bool:
    """Returns whether it is an entry of its own, which every run of `strata adopt` can add."""
    return not change.attribute and kind_of(change.now.kind, change.now.name).is_added


def edits(aws: AtAws, change: OutsideChange) -> Iterator[Edit]:
    """Yields what is written of what a run over everything does not write."""
    if is_added(change):
        return
    kind, here = kind_of(change.now.kind, change.now.name), change.here
    if here and change.attribute in kind.fields:
        keys = filter(None, [kind.fields[change.attribute]])
        value = kind.own(aws.zone, here.name, change.attribute, change.now.values[change.attribute])
        # What AWS has not is not written: then it stays as it is.
        yield edit(aws.zone, here.file, here.location, *keys, value=value or None)
    yield from kind.edits(aws, change)
