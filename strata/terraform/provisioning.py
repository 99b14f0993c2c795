"""Bringing accounts the permission sets as they are now, and nothing that somebody has put into one by hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Protocol

from strata.aws.identity_center import CenterClient
from strata.aws.organization import list_accounts
from strata.aws.session import Aws, AwsError
from strata.aws.states import read_state
from strata.errors import Message
from strata.identity.comparison import Refusal
from strata.identity.held import STACK
from strata.kinds import resource_of
from strata.kinds.assignment import ASSIGNMENT
from strata.kinds.permission_set import SET
from strata.landing_zone import LandingZone
from strata.sides.recorded import own_sets
from strata.terraform.plans import Plan, PlannedChange
from strata.terraform.situation import RefusedError, Situation
from strata.text import counted, plural


class Otherwise(Protocol):
    """Says by key which permission sets AWS has otherwise than declared; drift knows."""

    def __call__(
        self, aws: Aws, zone: LandingZone, arns: Collection[str], *, left: bool = False
    ) -> Mapping[str, Refusal]:
        """Returns why each of these is not provisioned; `left` is what a deploy leaves of it."""


def refuse_by_hand(situation: Situation, otherwise: Otherwise, planned: Plan, *, applied: bool = False) -> None:
    """Refuses a plan by which accounts would get what somebody has put into a permission set by hand.

    The provider provisions a set that changes, AWS one that is assigned, and with it whatever is attached to it. Where
    all accounts have that, a change gives them nothing more.

    Args:
        situation: the start of the run.
        otherwise: compares permission sets.
        planned: what is planned.
        applied: whether this run has changed something before.

    Raises:
        RefusedError: accounts would get it.
        AwsError: AWS rejects a call.
    """
    changes = planned.changes if planned.stack == STACK else {}
    named = {*_named(planned)}  # a layer of your own names sets by their ARN
    here = {*_changed(changes), *_assigned(changes)}
    if not (named or here):
        return
    aws, zone = situation.aws, situation.landing_zone
    state = read_state(aws, zone.project, STACK)
    by_arn = own_sets(zone, state)
    assigned = {*_assigned(changes), *(by_arn.get(arn, "") for type, arn in named if type == ASSIGNMENT.type)}
    keys = {*here, *(by_arn.get(arn, "") for _, arn in named)}
    imported = {
        str(change.import_id).partition(",")[0]: address.partition(".")[2]
        for address, change in changes.items()
        if change.import_id and address.partition(".")[0] == SET.type
    }
    sets = {arn: key for arn, key in {**by_arn, **imported}.items() if key in keys}
    by_hand = otherwise(aws, zone, sets, left=True) if sets else {}
    changed = {arn: key for arn, key in sets.items() if key in by_hand.keys() - assigned}
    if changed and (center := CenterClient.of(aws, zone.project)):
        lacking = {key for key, _ in outdated_sets(center, changed, _shut(aws)).values()}
        by_hand = {key: refusal for key, refusal in by_hand.items() if key in assigned | lacking}
    if by_hand:
        raise RefusedError(sorted(by_hand.values()), applied=applied)


def _named(planned: Plan) -> Iterator[tuple[str, str]]:
    """Yields the type and permission set of what a stack other than `sso` gives one, or gives one to."""
    for address, change in planned.changes.items() if planned.stack != STACK else ():
        type = address.partition(".")[0]
        arn = change.arguments.get("permission_set_arn")
        if (
            arn
            and change.action in ("create", "replace")
            and (type == ASSIGNMENT.type or resource_of(type).provisioned)
        ):
            yield type, str(arn)


def _assigned(changes: Mapping[str, PlannedChange]) -> Iterator[str]:
    """Yields the keys of the permission sets that AWS provisions, since a plan assigns them."""
    for address, change in changes.items():
        type, _, name = address.partition(".")
        if type == ASSIGNMENT.type and change.action in ("create", "replace"):
            yield name.split("_")[1]


def _changed(changes: Mapping[str, PlannedChange]) -> Iterator[str]:
    """Yields the keys of the permission sets that the provider provisions, since more of them changes than tags."""
    for address, change in changes.items():
        type, _, name = address.partition(".")
        if resource_of(address).provisioned and change.action in _CHANGING:
            names = {attribute.name for attribute in change.attributes}
            if type != SET.type or (change.action in _IN_PLACE and names - _TAGS):
                yield name.partition("_")[0]


_IN_PLACE = ("update", "import and update")
_CHANGING = (*_IN_PLACE, "create", "delete", "replace")
_TAGS = {"tags", "tags_all"}


def provision_permission_sets(
    aws: Aws, landing_zone: LandingZone, otherwise: Otherwise, note: Callable[[str], None]
) -> bool:
    """Brings permission sets up to date in the accounts that still have an older version; says whether none has.

    An account that is closed or suspended takes none, and counts as done. Only what is declared is put in force: a set
    that others look after or that nobody declares is left, and one that AWS has otherwise is named.
    After a failed provisioning Terraform's state says it is done, and no later plan shows it
    (https://github.com/hashicorp/terraform-provider-aws/issues/38247).
    """
    try:
        center = CenterClient.of(aws, landing_zone.project)
        if center is None:
            return True
        ours = own_sets(landing_zone, read_state(aws, landing_zone.project, STACK))
        lacking = outdated_sets(center, ours, _shut(aws))
        withheld = otherwise(aws, landing_zone, lacking) if lacking else {}
        for key, accounts in lacking.values():
            if refusal := withheld.get(key):
                note(f"warning: {withheld_from(key, accounts, refusal)}; {refusal.fault.remedy}")
        some = [(arn, key, accounts) for arn, (key, accounts) in lacking.items() if key not in withheld]
        done = [_provision(center, arn, key, account, note) for arn, key, accounts in some for account in accounts]
        return all(done) and not withheld
    except AwsError as error:
        note(Message("permission-sets-unchecked", f"permission sets were not checked in their accounts: {error}"))
        return False


def _shut(aws: Aws) -> set[str]:
    return {account.id for account in list_accounts(aws) if account.shut}


def outdated_sets(
    center: CenterClient, sets: Mapping[str, str], shut: Collection[str]
) -> dict[str, tuple[str, list[str]]]:
    """Returns the sets, given as key by ARN, that open accounts have an older version of: key and accounts."""
    asked = ((arn, center.accounts_of(arn, outdated=True)) for arn in center.permission_sets() if arn in sets)
    lacking = {arn: [account for account in accounts if account not in shut] for arn, accounts in asked}
    return {arn: (sets[arn], accounts) for arn, accounts in lacking.items() if accounts}


def withheld_from(key: str, accounts: Sequence[str], refusal: Refusal) -> Message:
    """Returns that accounts keep an older version of a permission set, and why."""
    problem, number = refusal.fault.problem, len(accounts)
    text = (
        f"{counted(number, 'account')} {plural(number, 'has', 'have')} an older version of permission set {key}, and "
        f"{plural(number, 'keeps', 'keep')} it: {problem}"
    )
    return Message("permission-set-withheld", text, permission_set=key, accounts=list(accounts), reason=problem.id)


def _provision(center: CenterClient, arn: str, key: str, account: str, note: Callable[[str], None]) -> bool:
    text = f"provisioning permission set {key} in {account}, which has an older version of it"
    note(Message("permission-set-provisioned", text, permission_set=key, account=account))
    request = center.provision(arn, account)
    for _ in range(60):
        status = center.provisioning(request)
        if status["Status"] != "IN_PROGRESS":
            break
        time.sleep(2)
    if status["Status"] == "SUCCEEDED":
        return True
    text = f"{account} still has the older version: {status.get('FailureReason', status['Status'])}"
    note(f"warning: {Message('permission-set-outdated', text, account=account)}")
    return False
