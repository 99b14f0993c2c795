"""The arguments of a resource, checked against the class that cdktf has for it.

A construct checks its own when it is made; one that stays plain JSON is checked here, with the same types.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from inspect import Parameter, signature
from typing import Any, get_type_hints

from typeguard import check_type

from stacks.planned import REFERENCE, Added, Plan
from strata.config.types import did_you_mean


def check_arguments(plan: Plan) -> None:
    """Refuses arguments that a class does not have, those of another type, and less than it needs.

    Raises:
        TypeError: something is wrong with them; the text has all of it.
    """
    if faults := list(_faults(plan.kind, plan.arguments)):
        raise TypeError(f"{plan.kind.__name__} {plan.name}: {'; '.join(faults)}")


def check_value(name: str, value: Any) -> None:
    """Refuses a resource where a value belongs.

    Raises:
        TypeError: there is one, at any depth.
    """
    if found := next(_resources(value), None):
        raise TypeError(f"{name}: {found}")


def _faults(kind: type, arguments: Mapping[str, Any]) -> Iterator[str]:
    parameters, types = _signature(kind)
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        for argument in sorted(arguments.keys() - parameters.keys()):
            yield f"has no argument {argument!r}{did_you_mean(argument, parameters)}"
    for argument, one in parameters.items():
        if one.kind is one.KEYWORD_ONLY and one.default is one.empty and argument not in arguments:
            yield f"needs the argument {argument!r}"
    for argument in sorted(arguments.keys() & types.keys()):
        if argument != "depends_on" and (found := next(_resources(arguments[argument]), None)):
            yield f"{argument}: {found}"
            continue
        if _extends_map(arguments[argument]):
            yield f"{argument}: the map of a resource has its entries at AWS only; add others by cdktf.Fn.merge"
            continue
        try:
            check_type(argument, arguments[argument], types[argument])
        except TypeError as error:
            yield str(error)


def _resources(value: Any) -> Iterator[str]:
    """Says of each resource in a value what belongs there instead."""
    if isinstance(value, Added):
        yield f"{value.fqn} is a resource where a value belongs; write one of its attributes, as `.id`, or `.fqn`"
    elif isinstance(value, Mapping):
        yield from (resource for inner in value.values() for resource in _resources(inner))
    elif isinstance(value, (list, tuple)):
        yield from (resource for inner in value for resource in _resources(inner))
    elif hasattr(type(value), "__jsii_struct_bases__"):
        yield from _resources(value._values)


def _extends_map(value: Any) -> bool:
    """Returns whether a dict unpacks the attribute of a resource that is a map: cdktf has one key in its place."""
    return isinstance(value, Mapping) and len(value) > 1 and any(REFERENCE in key for key in value)


@cache
def _signature(kind: Any) -> tuple[Mapping[str, Parameter], Mapping[str, Any]]:
    """Returns what a class takes after `self`, a scope and an id, and the types of that."""
    _, _, _, *taken = signature(kind.__init__).parameters.values()
    return {one.name: one for one in taken}, get_type_hints(kind.__init__)
