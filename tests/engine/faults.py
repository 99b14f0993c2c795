"""Faults that a test orders with STRATA_ENGINE_FAULT="<operation>:<type>:<name or *>:<kind>".

Kinds: `error:<text>` refuses; `fail-after` does the work and then reports an error; `kill-after` does the work and then
kills Terraform and the provider before an answer is given.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import NoReturn

from tests.engine.world import Object

_NAMES = ("name", "display_name", "user_name", "bucket", "email", "account_alias", "id")


@dataclass(frozen=True)
class Fault:
    """One fault: where it strikes, and how."""

    operation: str
    type: str
    name: str
    kind: str

    def strikes(self, operation: str, type: str, object: Object) -> bool:
        """Says whether the fault is meant for this operation on this object."""
        return (self.operation, self.type) == (operation, type) and self.name in ("*", label(object))


def ordered_fault() -> Fault | None:
    """Returns the fault that the environment orders, if any."""
    order = os.environ.get("STRATA_ENGINE_FAULT", "")
    if not order:
        return None
    operation, type, name, kind = order.split(":", 3)
    if kind not in ("fail-after", "kill-after") and not kind.startswith("error:"):
        raise ValueError(f"STRATA_ENGINE_FAULT: unknown kind {kind}")
    return Fault(operation, type, name, kind)


def label(object: Object) -> str:
    """Returns the name by which people know an object."""
    return next((str(object[name]) for name in _NAMES if isinstance(object.get(name), str)), "")


def kill_terraform() -> NoReturn:
    """Kills the Terraform that started this provider, and the provider itself, as a power cut does."""
    os.kill(int(os.environ["STRATA_ENGINE_PARENT"]), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("killed processes do not come here")
