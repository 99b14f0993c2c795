"""Whether somebody gets at the serial console of an instance, in a region of a member account."""

from __future__ import annotations

from strata.kinds.kind import Resource
from strata.kinds.members.made import setting

CONSOLE = setting(
    "serial_console_access",
    (Resource("aws_ec2_serial_console_access", "default[@<region>]"),),
    values=lambda control: control.values,
    recorded=lambda state: {"enabled": bool(state.get("enabled"))},
    asked=lambda ask: {"enabled": ask.client("ec2").get_serial_console_access_status()["SerialConsoleAccessEnabled"]},
)
