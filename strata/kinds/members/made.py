"""What the kinds of things in and of accounts share: the layers `accounts` and `baseline` make them.

The states of all accounts have the same addresses, so the name of each thing ends with its account.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from strata.config import BASELINE
from strata.config.layers import IN_ACCOUNT
from strata.config.limits import aws_limits
from strata.config.models import Control
from strata.config.source import Location
from strata.kinds.arguments import Attributes
from strata.kinds.change import Way
from strata.kinds.kind import OF, Ask, Kind, Resource
from strata.kinds.thing import AS_IT_IS, AtAws, InStates, Thing
from strata.landing_zone import LandingZone

Held: TypeAlias = Mapping[str, Mapping[str, Attributes]]
"""What a state has, by type and name."""
BESIDE = "beside"
"""Stands among the attributes of a thing for all that its state has: other resources may be parts of it."""


class Declared(NamedTuple):
    """A thing that the configuration has, with the name of its account, and the values that a deploy sets."""

    account: str
    label: str
    values: Attributes
    file: str
    location: Location


def named(label: str, account: str) -> str:
    """Returns the name of a thing, which a label tells from its like in the account, if it is in one."""
    return f"{label}{OF}{account}" if label and account else label or account


def name_in(kind: Kind, stack: str, name: str, attributes: Attributes) -> str:
    """Returns the name of a thing that the state of a stack has, by the name in its address."""
    label, account = kind.called(name, attributes), stack.partition(IN_ACCOUNT)[2]
    return named(label, account) if account else label


def made_by_layer(
    layer: str,
    name: str,
    resources: tuple[Resource, ...],
    *,
    called: Callable[[str, Attributes], str],
    declared: Callable[[LandingZone], Iterable[Declared]],
    recorded: Callable[[Attributes], Attributes],
    asked: Callable[[Ask], Attributes | None],
    control: str = "",
    ids: Callable[[Attributes], Mapping[str, str]] = lambda _: {},
    way: Callable[[str, Thing | None, Thing | None, Thing | None], Way | None] = lambda *_: None,
) -> Kind:
    """Returns a kind of things that a layer makes which comes with Strata.

    Args:
        layer: its name.
        name: the word of the kind.
        resources: its resources, the first of which is the thing.
        called: what a thing is called by the name in its address: with its account where the layer is a single stack.
        declared: what the configuration has.
        recorded: what is compared, by what a state has.
        asked: the same as AWS has it now.
        control: the first word of its names, where other kinds have the same word.
        ids: how AWS calls it.
        way: the way back where no deploy is one.
    """
    type = resources[0].type

    def in_states(states: InStates) -> Iterator[Thing]:
        for stack, held in states.shipped.items():
            for its, attributes in held.get(type, {}).items() if stack.partition(IN_ACCOUNT)[0] == layer else ():
                values = recorded({**attributes, BESIDE: held})
                yield Thing(name, name_in(kind, stack, its, attributes), values, ids=ids(attributes))

    kind = Kind(
        name,
        layer,
        resources,
        control=control,
        declared=lambda zone: (
            Thing(name, named(thing.label, thing.account), thing.values, thing.file, thing.location)
            for thing in declared(zone)
        ),
        recorded=in_states,
        asked=asked,
        called=called,
        live=lambda aws: (Thing(name, its, values, ids=ids(values)) for its, values in _live(aws, name, control)),
        way=way,
    )
    return kind


def _live(aws: AtAws, name: str, control: str) -> Iterator[tuple[str, Attributes]]:
    """Yields the name of each thing of a kind that AWS has in and of accounts, and its values."""
    prefix = f"{name} {control} " if control else f"{name} "
    for thing, values in (aws.inventory.of_accounts or {}).items():
        if thing.startswith(prefix):
            yield thing.removeprefix(f"{name} "), values


# In member accounts


def of_baseline(
    declared: Callable[[LandingZone, str], Iterable[tuple[str, Attributes, Location]]],
) -> Callable[[LandingZone], Iterator[Declared]]:
    """Returns what baseline.yaml declares in all member accounts, by label, values and place in an account."""
    return lambda zone: (
        Declared(key, label, values, BASELINE, location)
        for key in zone.member_settings
        for label, values, location in declared(zone, key)
    )


def given(zone: LandingZone, account: str, key: str) -> Any:
    """Returns a control that is on in a member account, None where it is not."""
    control = getattr(zone.member_settings[account], key)
    return control if isinstance(control, Control) and control.on else None


def governed(zone: LandingZone, account: str) -> tuple[str, ...]:
    """Returns the governed regions that a member account has enabled."""
    closed = aws_limits().opt_in_regions - {*zone.members[account].regions}
    return tuple(region for region in zone.project.regions.all_governed if region not in closed)


def as_it_is(*names: str) -> Attributes:
    """Returns values that the configuration takes as the state has them."""
    return dict.fromkeys(names, AS_IT_IS)
