"""Refusals about accounts that would be dropped, or confused with another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from strata.aws.organization import ListedAccount
from strata.config import ORGANIZATION
from strata.config.models import MANAGEMENT
from strata.errors import Message
from strata.identity.comparison import IdentityComparison, Refusal
from strata.identity.live import LiveSide
from strata.identity.things import Holdings
from strata.text import folded

GONE = "gone"
"""The state of an account that a deploy knows and that AWS lists no more."""


def changed_emails(c: IdentityComparison) -> Iterator[Refusal]:
    """Refuses an e-mail address that AWS does not have for the account: Terraform changes none."""
    if not c.concerns("organizations"):
        return
    taken = {thing.key for thing, _ in c.matches.taken if thing.kind == "account"}
    for thing in c.declared.of("account"):
        known = c.recorded.things.get(("account", thing.key))
        if thing.key == MANAGEMENT or thing.key in taken or not (known and c.live.accounts):
            continue
        now = c.live.accounts.get(known.id)
        if now and now.email and folded(now.email) != thing.identity:
            text = (
                f"{thing.name!r} is not the e-mail address of account {thing.key} ({known.id}), AWS has {now.email!r}; "
                "Terraform changes no address, so this names the wrong account"
            )
            problem = Message(
                "email-of-no-account", text, account=thing.key, id=known.id, value=thing.name, email=now.email
            )
            remedy = (
                "change it at AWS first (AWS Organizations console, the account, Actions, Update email address), or "
                f"write {now.email!r}"
            )
            yield Refusal(c.fault(ORGANIZATION, (*thing.location, "email"), problem, remedy))


def closed_accounts(c: IdentityComparison) -> Iterator[Refusal]:
    """Refuses a new account with the address of a closed account; what was deployed before is left out."""
    if not c.concerns("organizations", "security", "sso"):
        return
    closed = shut(c.declared, c.recorded, c.live)
    for thing in c.declared.of("account"):
        if thing.key in closed and not was_deployed(c.recorded, thing.identity):
            account = closed[thing.key]
            state = f"which is {account.state}: AWS makes no second one with it"
            text = f"{thing.name!r} is the address of account {account}, {state}"
            problem = Message("account-already-closed", text, account=thing.key, id=account.id, state=account.state)
            remedy = "use another address; or set retired: true; or reopen it with AWS Support"
            yield Refusal(c.fault(ORGANIZATION, (*thing.location, "email"), problem, remedy))


def left_out(declared: Holdings, recorded: Holdings, live: LiveSide) -> Iterator[Message]:
    """Yields the declared accounts that a deploy leaves out, since they are closed or suspended at AWS."""
    for key, account in shut(declared, recorded, live).items():
        if key not in declared.retired:
            text = (
                f"account {key}{f' ({account.id})' if account.id else ''} is {account.state} at AWS: deploys leave "
                f"it out; what it has leaves the states and stays at AWS; set retired: true on it"
                f"{'' if account.state == GONE else ', or reopen it with AWS Support'}"
            )
            yield Message("account-left-out", text, account=key, id=account.id, state=account.state)


def shut(declared: Holdings, recorded: Holdings, live: LiveSide) -> Mapping[str, ListedAccount]:
    """Returns the declared and retired accounts by key that are closed or suspended at AWS, or gone.

    AWS lists a closed account for 90 days. What a state has, or what was left out before, and is not there any
    more, is gone: AWS makes none again. Only the state has its id.
    """
    there = live.accounts or {}
    # Of several with an address, the open account.
    held = {folded(account.email): account for account in sorted(there.values(), key=lambda listed: not listed.shut)}
    if there:
        lost = dict.fromkeys(recorded.retired.values(), "")
        lost |= {thing.identity: thing.id for thing in recorded.of("account") if thing.id not in there}
        held = {email: ListedAccount(id, "", email, GONE) for email, id in lost.items()} | held
    wanted = {**{thing.key: thing.identity for thing in declared.of("account")}, **declared.retired}
    return {key: held[email] for key, email in wanted.items() if email in held and held[email].shut}


def was_deployed(recorded: Holdings, email: str) -> bool:
    """Returns whether a state has an account with an address, or had it when it was left out."""
    return email in {*(thing.identity for thing in recorded.of("account")), *recorded.retired.values()}
