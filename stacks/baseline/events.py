"""Sign-ins of root and of IAM users, sent to the default bus of the management account, which mails them."""

from __future__ import annotations

from stacks.account import AccountStack
from stacks.components.forwarding import SIGN_INS, Forwarding, management_bus
from strata.config.baseline import SignInEvents
from strata.config.models import ROOT_EVENTS_REGION, SIGN_IN_EVENTS, Mode


def sign_in_events(stack: AccountStack, control: SignInEvents | None) -> None:
    """Sends them from each region that signs people in.

    Root signs in at one region; IAM users do at that of their console, which need not be governed.
    """
    if control is None:
        return
    if control.on:
        _build(stack)
    elif control.mode is Mode.UNMANAGED:
        with stack.removing_from_state():
            _build(stack)


def _build(stack: AccountStack) -> None:
    Forwarding(
        stack,
        SIGN_IN_EVENTS,
        name=f"{stack.project.short_name}-{SIGN_IN_EVENTS}",
        account_id=stack.account_id,
        bus_arn=management_bus(stack.project),
        regions={ROOT_EVENTS_REGION, *stack.account.regions},
        description="Sign-ins of root and of IAM users",
        role_description="EventBridge sends sign-ins to the management account",
        pattern={"detail-type": [SIGN_INS], "detail": {"userIdentity": {"type": ["Root", "IAMUser"]}}},
    )
