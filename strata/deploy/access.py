"""Who lets us into member accounts: the roles by which their stacks are planned and deployed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from strata.aws.access_role import closed_to_us, ids_of_accounts, way
from strata.aws.organization import is_new
from strata.aws.session import DENIED, Aws
from strata.config.models import ACCESS_ROLE
from strata.errors import Message, StrataError
from strata.terraform.errors import PAUSES, wait
from strata.terraform.fleet import layer_of
from strata.terraform.progress import duration
from strata.terraform.situation import Situation

Note = Callable[[str], None]


def shut_out(situation: Situation, note: Note) -> dict[str, Message]:
    """Returns why stacks are left out, by stack: a role cannot be assumed in their account.

    A deploy waits for accounts that AWS has just made.

    Raises:
        AwsError: AWS does not take the caller's own credentials.
    """
    zone, accounts = situation.landing_zone, situation.landing_zone.account_stacks
    keys = sorted({accounts[stack] for stack in situation.asked if stack in accounts})
    emails = {key: zone.members[key].email for key in keys if key in zone.members}
    ids = ids_of_accounts(situation.aws, situation.states["organizations"], emails) if emails else {}
    by_role: dict[str, list[str]] = {}
    for stack in situation.asked:
        if accounts.get(stack) in ids:
            roles = (situation.reader(stack), situation.writer(stack))
            for role in dict.fromkeys(roles[:1] if situation.request.preview else roles):
                by_role.setdefault(role, []).append(stack)
    situation.aws.client("sts")  # before the threads
    left: dict[str, Message] = {}
    for role, stacks in by_role.items():
        into = {accounts[stack]: ids[accounts[stack]] for stack in stacks}
        closed = closed_to_us(situation.aws, into, role)
        if role == ACCESS_ROLE and not situation.request.preview:
            new = {key: into[key] for key in closed if is_new(situation.aws, into[key])}
            still = await_access(situation.aws, new, note)
            closed = {key: why for key, why in closed.items() if key not in new or key in still}
        shut = {stack: closed[accounts[stack]] for stack in stacks if accounts[stack] in closed and stack not in left}
        for stack, why in shut.items():
            if why.code not in DENIED:
                text = f"{stack}: left out, since the roles in its account cannot be read: {why}"
                left[stack] = Message("roles-unread", text, stacks=[stack], code=why.code)
        if denied := [stack for stack in shut if stack not in left]:
            left |= dict.fromkeys(denied, not_let_in(situation, role, denied))
    return left


def await_access(aws: Aws, accounts: Mapping[str, str], note: Note) -> list[str]:
    """Waits until the access role of accounts that AWS has just made can be assumed; returns where it still cannot.

    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_create.html (AWS finishes an account
    after the request).
    """
    left, told = _not_entered_yet(aws, accounts), False
    for seconds in PAUSES:
        if not left:
            break
        if not told:  # fewer are left with each try
            text = f"{ACCESS_ROLE} lets nobody into the new {', '.join(left)} yet"
            text = f"{text}; trying again for {duration(sum(PAUSES))}"
            note(Message("access-role-not-seen", text, accounts=left, seconds=sum(PAUSES)))
            told = True
        wait(seconds)
        left = _not_entered_yet(aws, {key: accounts[key] for key in left})
    return left


def _not_entered_yet(aws: Aws, accounts: Mapping[str, str]) -> list[str]:
    """Returns the keys of the accounts that AWS has just made, and whose access role cannot be assumed yet."""
    return [key for key in closed_to_us(aws, accounts) if is_new(aws, accounts[key])]


def not_let_in(situation: Situation, role: str, stacks: Sequence[str]) -> Message:
    """Returns that stacks are left out, since a role cannot be assumed in their accounts."""
    layers = {name: situation.landing_zone.layers[name] for name in map(layer_of, stacks)}
    text = f"{', '.join(stacks)}: left out, since {role} cannot be assumed there; {way(role, layers)}"
    return Message("role-not-assumable", text, stacks=[*stacks])


def named_stacks(situation: Situation) -> Iterator[StrataError | Message]:
    """Refuses to leave out a stack that was named, and all that was named; tells of others that are left out."""
    named = {*situation.request.stacks}
    for told in dict.fromkeys(situation.shut_out.values()):
        yield StrataError(told) if named.intersection(told.data["stacks"]) else told
    if named and situation.shut_out and not situation.chosen and not named & situation.shut_out.keys():
        some = situation.request.stacks
        text = f"{', '.join(some)}: every account with a stack of it is left out"
        yield StrataError(Message("no-account-left", text, stacks=list(some)))
