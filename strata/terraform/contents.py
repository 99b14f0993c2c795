"""What AWS has in a thing that was found by its name, and that nobody declares: others would come under Strata."""

from __future__ import annotations

from collections.abc import Iterator

from strata.aws.identity_center import CenterClient
from strata.aws.organization import accounts_below, list_units, policies_on, targets_of
from strata.aws.states import read_state
from strata.identity.held import attributes
from strata.identity.things import KeyedThing
from strata.kinds.policy import ATTACHMENT
from strata.terraform.plans import Plan
from strata.terraform.provisioning import Otherwise
from strata.terraform.situation import Situation
from strata.text import folded


def in_center(
    situation: Situation, otherwise: Otherwise, center: CenterClient, thing: KeyedThing, id: str, *, ours: bool
) -> Iterator[str]:
    """Yields what a user, group or permission set has; what is assigned to others only where it is not ours."""
    zone, bare = situation.landing_zone, thing.bare_id or id.rpartition("/")[2]
    if thing.kind == "group":
        recorded = situation.examination.recorded.things
        members = zone.sso.groups[thing.key].members
        names = {folded(zone.users[key].sign_in_name) for key in members}
        names |= {known.identity for key in members if (known := recorded.get(("user", key)))}
        yield from (f"member {name}" for name in center.members(bare) if folded(name) not in names)
    elif thing.kind == "user":
        names = {folded(group.name) for group in zone.groups.values() if thing.key in group.members}
        yield from (f"group {name}" for name in center.groups_of(bare) if folded(name) not in names)
    else:
        arn = id.partition(",")[0]
        by_hand = otherwise(situation.aws, zone, {arn: thing.key}, left=True)
        yield from (str(refusal.fault.problem) for refusal in by_hand.values())
        accounts = [] if ours else center.accounts_of(arn)
        yield from (f"assignments in account {account}" for account in accounts)


def in_organization(situation: Situation, planned: Plan, thing: KeyedThing, id: str) -> Iterator[str]:
    """Yields the attachments of a policy; of a unit its policies, and the units and accounts right below it."""
    aws, zone, attached = situation.aws, situation.landing_zone, _attachments(situation, planned)
    if thing.kind == "policy":
        yield from (f"an attachment to {target}" for target in targets_of(aws, id) if (id, target) not in attached)
        return
    for type in situation.policy_types:
        policies = policies_on(aws, id, type).items()
        yield from (f"policy {name} ({policy})" for policy, name in policies if (policy, id) not in attached)
    below = {unit.name for unit in zone.units.values() if unit.parent == thing.key}
    yield from (f"unit {name} ({unit})" for unit, name in list_units(aws, id).items() if name not in below)
    known = {folded(account.email) for account in (*zone.members.values(), *zone.retired.values())}
    known |= {*map(folded, zone.organization.unmanaged_accounts)}
    for account in accounts_below(aws, id):
        if not known.intersection((folded(account.get("Email", "")), account["Id"])):
            yield f"account {account.get('Name', '')} ({account['Id']})"


def _attachments(situation: Situation, planned: Plan) -> set[tuple[str, str]]:
    """Returns policy and target, by id, of the attachments that a state has or a plan makes."""
    known = attributes(read_state(situation.aws, situation.landing_zone.project, planned.stack), {})
    known |= {address: change.arguments or change.before for address, change in planned.changes.items()}
    some = (values for address, values in known.items() if address.startswith(f"{ATTACHMENT.type}."))
    return {(str(values.get("policy_id")), str(values.get("target_id"))) for values in some}
