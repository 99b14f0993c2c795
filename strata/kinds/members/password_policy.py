"""The password policy for the IAM users of a member account."""

from __future__ import annotations

from strata.config.models import PasswordPolicy
from strata.kinds.arguments import Attributes
from strata.kinds.kind import Ask
from strata.kinds.members.made import setting
from strata.kinds.setting import RESOURCES, values_of

_CONTROL = PasswordPolicy()


def _asked(ask: Ask) -> Attributes | None:
    now = ask.setting("password_policy")
    return values_of(_CONTROL, now) if now else None


PASSWORDS = setting(
    "password_policy",
    (RESOURCES["password_policy"],),
    # A zero that nobody wrote leaves an argument out; AWS has nothing then.
    values=lambda control: {**dict.fromkeys(control.arguments.values(), 0), **control.values},
    recorded=lambda state: values_of(_CONTROL, state),
    asked=_asked,
    regional=False,
)
