"""How the mode of a control becomes Terraform: created, no longer managed, or destroyed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import TypeVar

from stacks.base import BaseStack
from strata.config.limits import aws_limits
from strata.config.models import Control, Mode, Setting

R = TypeVar("R")


class Controls(BaseStack):
    """A stack of controls. One builder lists the resources of a control, to create or remove them."""

    @property
    def governed(self) -> Collection[str]:
        """Returns the regions that regional controls are set in."""
        return self.project.regions.all_governed

    def make(self, control: Control, builder: Callable[[], R]) -> R | None:
        """Creates a control that is on; removes from the state what is unmanaged, or a setting that is off.

        A setting of the account, such as the password policy, always exists: nothing weakens it silently. Returns what
        the builder returns where it creates something.
        """
        if control.on:
            return builder()
        if control.mode is Mode.UNMANAGED or isinstance(control, Setting):
            self.remove(builder)
        return None

    def make_in_regions(self, control: Control, builder: Callable[[str], object], *, by_policy: bool = False) -> None:
        """Creates a control in each governed region, unless a policy sets it; elsewhere it leaves the state."""
        governed = () if by_policy else self.governed
        for region in sorted(aws_limits().regions):
            if region in governed:
                self.make(control, partial(builder, region))
            else:
                self.remove(partial(builder, region))

    def remove(self, builder: Callable[[], R]) -> R:
        """Removes all resources of a builder from the state and leaves them unchanged in AWS."""
        with self.removing_from_state():
            return builder()
