"""What a plan takes away that nobody gets back: who decides it, and how a loss is said.

Terraform's plan says what is destroyed, replaced and forgotten; `losses` says what that costs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

from strata.config import ORGANIZATION, PROJECT, SECURITY, SSO
from strata.config.layers import IN_ACCOUNT
from strata.config.source import Location
from strata.errors import Fault, Message
from strata.identity.comparison import Refusal, allowed_by
from strata.identity.things import Holdings, KeyedThing, Kind
from strata.kinds import TYPES
from strata.landing_zone import LandingZone

DESTROY, WEAKEN, MANY, IMPORT = "destroy:", "weaken:", "many:", "import:"
"""The beginnings of the words of `--allow`, which end with an address, or with a type."""

How = Literal["refused", "alone", "with", "told"]


class Fate(NamedTuple):
    """What a plan does to a resource.

    Attributes:
        address: where it is after the moves of the plan.
        before: what it is, empty of what is made.
        after: what it is made with, as far as that is known.
        changed: the attributes that change, each with what it was and what it becomes, None where that is not known.
        loses: what goes of lists and tags, in words.
        import_id: the id by which it is imported.
        is_whole: whether the plan of its stack has all that it would do: one with an error may not.
    """

    stack: str
    address: str
    action: str
    before: Mapping[str, Any] = {}
    after: Mapping[str, Any] = {}
    changed: Mapping[str, tuple[Any, Any]] = {}
    loses: Sequence[str] = ()
    import_id: str = ""
    is_whole: bool = True

    @property
    def type(self) -> str:
        """Returns its Terraform type."""
        return self.address.partition(".")[0]

    @property
    def key(self) -> str:
        """Returns its name, which is its key where it has one."""
        return self.address.partition(".")[2]

    @property
    def is_deposed(self) -> bool:
        """Says whether it was replaced before: then it goes, and that is no loss."""
        return " " in self.address


@dataclass(frozen=True, order=True)
class Loss:
    """One thing that a plan takes away.

    Attributes:
        refusal: what it is, its word, and lines to copy.
        how: `refused` needs its word; `alone` is asked about by itself, and needs its word where nobody is asked;
            `with` the plan is what needs its word where nobody is asked; `told` stands in red below the plan alone.
        address: of the resource; empty where it is about several.
    """

    refusal: Refusal
    how: How
    address: str = ""


@dataclass(frozen=True)
class Guard:
    """A configuration, what was deployed, and what the plans do."""

    zone: LandingZone
    declared: Holdings
    recorded: Holdings
    fates: Sequence[Fate]

    @cached_property
    def keyed(self) -> list[tuple[Fate, Kind, KeyedThing | None]]:
        """Returns what happens to the things that have keys: the kind, and the thing as it was deployed."""
        kinds = {type: kind for kind, type in TYPES.items()}
        return [
            (fate, kinds[fate.type], self.recorded.things.get((kinds[fate.type], fate.key)))
            for fate in self.fates
            if fate.type in kinds and not fate.is_deposed
        ]

    def fault(self, fate: Fate, at: Location, problem: Message, remedy: str) -> Fault:
        """Makes the fault of a value in the file of a stack, at the nearest line that the file still has."""
        layer = self.zone.layers.get(fate.stack.partition(IN_ACCOUNT)[0])
        file = layer.file if layer else _FILES.get(fate.stack, PROJECT)
        return self.zone.fault(file, at, problem, remedy)

    def refused(self, fate: Fate, at: Location, problem: Message, remedy: str) -> Loss:
        """Returns a loss that is refused without the word of its address."""
        word = f"{DESTROY}{fate.address}"
        fault = self.fault(fate, at, problem, f"{remedy}; or {allowed_by(word)}")
        return Loss(Refusal(fault, word), "refused", fate.address)

    def weakened(self, fate: Fate, at: Location, problem: Message, remedy: str) -> Loss:
        """Returns that a guardrail goes, which is asked about by itself."""
        word = f"{WEAKEN}{fate.address}"
        fault = self.fault(fate, at, problem, f"{remedy}; or {allowed_by(word)}")
        return Loss(Refusal(fault, word), "alone", fate.address)

    def told(self, fate: Fate, at: Location, problem: Message) -> Loss:
        """Returns what is told in red, and asked about with the plan."""
        return Loss(Refusal(self.fault(fate, at, problem, "")), "told", fate.address)


_FILES = {"organizations": ORGANIZATION, "security": SECURITY, "sso": SSO}

Rule = Callable[[Guard], Iterator[Loss]]
