"""What AWS Organizations would refuse half way: more accounts than it has room for, a policy type it has off."""

from __future__ import annotations

from collections.abc import Iterator

from strata.aws.organization import list_accounts, list_roots
from strata.aws.quotas import account_quota, more_accounts
from strata.aws.session import AwsError
from strata.errors import Message, StrataError
from strata.kinds import TYPES
from strata.landing_zone.services import unknown_types
from strata.sides.states import objects
from strata.terraform.situation import Situation
from strata.text import folded


def quota(situation: Situation) -> Iterator[StrataError | Message]:
    """Refuses more new accounts than AWS has room for: what exists has its room, whatever the quota says."""
    if situation.request.stacks and "organizations" not in situation.request.stacks:
        return
    recorded = objects(situation.states.get("organizations", {}))
    known = {*(resource.name for resource in recorded if resource.type == TYPES["account"])}
    known |= situation.examination.closed.keys()
    members = situation.landing_zone.members
    new = {folded(account.email) for key, account in members.items() if key not in known}
    if not new:
        return
    try:
        there = {folded(account.email) for account in list_accounts(situation.aws)}
        new -= there
        limit = account_quota(situation.aws) if new else 0
    except AwsError as error:
        text = f"whether AWS has room for {len(new)} more accounts is not known: {error}"
        yield Message("account-quota-unknown", text, accounts=len(new))
        return
    total = len(there) + len(new)
    if new and total > limit:
        text = (
            f"{len(new)} account{'s are' if len(new) > 1 else ' is'} to be made, the organization has {len(there)}, "
            f"and AWS allows {limit}; ask for more, which takes minutes to days: {more_accounts(total)}"
        )
        yield StrataError(Message("account-quota-reached", text, accounts=len(new), has=len(there), limit=limit))


def policy_types(situation: Situation) -> Iterator[StrataError | Message]:
    """Tells that the enabled policy types stay as they are, where the provider does not know all of them.

    Where one is needed that is off, only the AWS CLI can enable it then.
    """
    enabled, wanted = situation.policy_types, situation.landing_zone.policy_types
    if not (unknown := unknown_types(enabled)):
        return
    known = f"{', '.join(unknown)} is enabled, which the pinned AWS provider does not know"
    if off := sorted({*wanted} - {*enabled}):
        root = list_roots(situation.aws)[0]
        command = f"aws organizations enable-policy-type --root-id {root} --policy-type"
        ways = "; ".join(f"{command} {policy_type}" for policy_type in off)
        text = f"the policy type {', '.join(off)} has to be enabled, and no deploy can do it while {known}: {ways}"
        yield StrataError(Message("policy-type-not-enabled", text, types=off, unknown=unknown))
        return
    text = f"the policy type {known}: a deploy leaves the enabled types as they are"
    yield Message("policy-type-unknown", text, types=unknown)
