"""The way back for one difference: a deploy, lines of the AWS CLI, or an entry of the configuration."""

from __future__ import annotations

from dataclasses import dataclass

from strata.drift import facts, lines
from strata.drift.facts import Fact, Recorded

_ADOPTED = frozenset(
    {
        *(facts.ACCOUNT, facts.UNIT, facts.POLICY, facts.ATTACHMENT, facts.TRUSTED, facts.DELEGATED),
        *(facts.USER, facts.GROUP, facts.MEMBERSHIP, facts.ATTRIBUTE, facts.SET, facts.ASSIGNMENT),
    }
)
"""The kinds of which `strata adopt` writes what is new."""


@dataclass(frozen=True)
class Way:
    """How a difference is undone, or kept.

    Attributes:
        deploy: the stack whose deploy puts it back; empty where none does.
        undo: lines of the AWS CLI that put it back.
        adopt: whether `strata adopt` writes it into the configuration.
        by_hand: what is to do where no line does it.
    """

    deploy: str = ""
    undo: tuple[str, ...] = ()
    adopt: bool = False
    by_hand: str = ""


def way_back(kind: str, attribute: str, *, here: Fact | None, before: Fact | None, now: Fact | None) -> Way:
    """Returns the way back of a difference, by the sides that have the thing."""
    if now and not here:
        return _of_made(now)
    if kind == facts.ACCOUNT and before:
        return _of_account(attribute, before)
    if attribute == "id" and now:
        return Way(
            adopt=kind != facts.MEMBERSHIP,
            undo=now.undo,
            by_hand="it was deleted and made again; once the new one is deleted, strata deploy makes its own",
        )
    if attribute == "session_duration" and here and here.values[attribute] is Recorded.AS_IT_IS:
        return Way(by_hand="write session_duration into its entry, and deploy: what is not written stays as it is")
    if attribute == "user_name" and here and now:
        return Way(undo=lines.rename_user(now.ids, str(here.values["user_name"])))
    return Way(deploy=facts.STACKS[kind])


def _of_made(now: Fact) -> Way:
    by_hand = ""
    if now.kind == facts.ATTRIBUTE and not now.undo:
        return Way(deploy=facts.STACKS[now.kind], adopt=True)
    if now.values.get("principal") == "deleted":
        return Way(undo=now.undo, by_hand="its user or group was deleted, so that nobody has it")
    if now.kind == facts.ACCOUNT:
        by_hand = "unmanaged_accounts in organization.yaml leaves it to others"
    elif now.kind == facts.POLICY_TYPE:
        by_hand = "the line detaches every policy of this type"
    elif now.kind == facts.ATTRIBUTE:
        by_hand = "the line takes away all attributes for access control, which are one thing"
    elif not now.undo:
        by_hand = "switch it off in the console"
    return Way(undo=now.undo, adopt=now.kind in _ADOPTED and not now.apart, by_hand=by_hand)


def _of_account(attribute: str, before: Fact) -> Way:
    """Returns the way back of an account, which no deploy makes again, opens again or gives its address back."""
    if not attribute:
        return Way(undo=lines.invite(before.ids["id"]), by_hand="the account has to accept the invitation")
    if attribute == "state":
        return Way(by_hand="reopen it with AWS Support, or set retired: true on its entry")
    if attribute == "email":
        return Way(by_hand="write the address that AWS has into its entry, or change it back at AWS")
    return Way(deploy=facts.STACKS[facts.ACCOUNT])
