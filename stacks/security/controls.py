"""How the mode of a control becomes Terraform: made, let go, or removed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from stacks.base import BaseStack
from strata.config.limits import aws_limits
from strata.config.models import Control, Mode, Setting


class Controls(BaseStack):
    """A stack of controls. A builder says once what a control consists of, whether that is made or let go."""

    def make(self, control: Control, builder: Callable[[], object]) -> None:
        """Makes a control that is on. Let go is what is unmanaged, and a setting that is off; a thing that is off goes.

        A setting of the account, as the password policy, is there whatever Strata does: nothing weakens it silently.
        """
        if control.on:
            builder()
        elif control.mode is Mode.UNMANAGED or isinstance(control, Setting):
            self.remove(builder)

    def make_in_regions(self, control: Control, builder: Callable[[str], object], *, by_policy: bool = False) -> None:
        """Makes a control in each governed region, unless a policy does; what stands in other regions is let go."""
        governed = () if by_policy else self.project.regions.all_governed
        for region in sorted(aws_limits().regions):
            if region in governed:
                self.make(control, partial(builder, region))
            else:
                self.remove(partial(builder, region))

    def remove(self, builder: Callable[[], object]) -> None:
        """Leaves everything that a builder makes as it is at AWS, and takes it out of the state."""
        with self.removing_from_state():
            builder()
