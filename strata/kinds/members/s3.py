"""Whether anything that S3 has in a member account may be public."""

from __future__ import annotations

from strata.config.models import S3PublicAccess
from strata.kinds.members.made import setting
from strata.kinds.setting import RESOURCES, values_of

_CONTROL = S3PublicAccess()

S3 = setting(
    "s3_public_access",
    (RESOURCES["s3_public_access"],),
    values=lambda control: control.values,
    recorded=lambda state: values_of(_CONTROL, state),
    asked=lambda ask: values_of(_CONTROL, ask.setting("s3_public_access")),
    regional=False,
)
