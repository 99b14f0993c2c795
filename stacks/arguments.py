"""The arguments of a resource, checked against the class that cdktf has for it.

A construct checks its own when it is made; one that stays plain JSON is checked here, with the same types.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from inspect import Parameter, signature
from typing import Any, get_type_hints

from typeguard import check_type

from strata.config.types import did_you_mean


def check_arguments(kind: Callable[..., object], name: str, arguments: Mapping[str, Any]) -> None:
    """Refuses arguments that a class does not have, those of another type, and less than it needs.

    Raises:
        TypeError: something is wrong with them; the text has all of it.
    """
    if faults := list(_faults(kind, arguments)):
        raise TypeError(f"{getattr(kind, '__name__', kind)} {name}: {'; '.join(faults)}")


def _faults(kind: Callable[..., object], arguments: Mapping[str, Any]) -> Iterator[str]:
    parameters, types = _signature(kind)
    if not any(one.kind is one.VAR_KEYWORD for one in parameters.values()):
        for argument in sorted(arguments.keys() - parameters.keys()):
            yield f"has no argument {argument!r}{did_you_mean(argument, parameters)}"
    for argument, one in parameters.items():
        if one.kind is one.KEYWORD_ONLY and one.default is one.empty and argument not in arguments:
            yield f"needs the argument {argument!r}"
    for argument in sorted(arguments.keys() & types.keys()):
        try:
            check_type(argument, arguments[argument], types[argument])
        except TypeError as error:
            yield str(error)


@cache
def _signature(kind: Any) -> tuple[Mapping[str, Parameter], Mapping[str, Any]]:
    """Returns what a class takes after `self`, a scope and an id, and the types of that."""
    _, _, _, *taken = signature(kind.__init__).parameters.values()
    return {one.name: one for one in taken}, get_type_hints(kind.__init__)
