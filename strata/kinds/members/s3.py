"""Whether anything that S3 has in a member account may be public."""

from __future__ import annotations

from strata.config.models import S3PublicAccess
from strata.kinds.arguments import Attributes
from strata.kinds.kind import Ask
from strata.kinds.members.made import setting
from strata.kinds.setting import RESOURCES, values_of

_CONTROL = S3PublicAccess()


def _asked(ask: Ask) -> Attributes | None:
    now = ask.setting("s3_public_access")
    return values_of(_CONTROL, now) if now else None


S3 = setting(
    "s3_public_access",
    (RESOURCES["s3_public_access"],),
    values=lambda control: control.values,
    recorded=lambda state: values_of(_CONTROL, state),
    asked=_asked,
    regional=False,
)
