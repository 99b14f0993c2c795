"""The arguments of a resource, checked against the class that cdktf has for it.

A construct checks its own when it is made; what stays plain JSON is checked here, with the same types.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from inspect import Parameter, signature
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from cdktf import IResolvable
from typeguard import check_type

from stacks.planned import REFERENCE, Added, Plan
from strata.config.types import did_you_mean


def check_arguments(plan: Plan) -> None:
    """Refuses arguments that a class does not have, those of another type, and less than it needs.

    Of what is a construct already, which has checked all else, parts of tokens only.

    Raises:
        TypeError: something is wrong with them; the text has all of it.
    """
    if faults := list(_faults(plan.kind, plan.arguments) if plan.made is None else parts_of_tokens(plan.arguments)):
        raise TypeError(f"{plan.kind.__name__} {plan.name}: {'; '.join(faults)}")


def check_value(name: str, value: Any) -> None:
    """Refuses a resource where a value belongs, and a part of a token.

    Raises:
        TypeError: there is one, at any depth.
    """
    if fault := next(_resources(value), None) or next(parts_of_tokens({"value": value}), None):
        raise TypeError(f"{name}: {fault}")


def _faults(kind: type, arguments: Mapping[str, Any]) -> Iterator[str]:
    parameters, types = _signature(kind)
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        for argument in sorted(arguments.keys() - parameters.keys()):
            yield f"has no argument {argument!r}{did_you_mean(argument, parameters)}"
    for argument, parameter in parameters.items():
        needed = parameter.kind is parameter.KEYWORD_ONLY and parameter.default is parameter.empty
        if needed and argument not in arguments:
            yield f"needs the argument {argument!r}"
    for argument in sorted(arguments.keys() & types.keys()):
        value = arguments[argument]
        if argument != "depends_on" and (fault := next(_resources(value), None)):
            yield f"{argument}: {fault}"
            continue
        # A dict may unpack the attribute of a resource that is a map: cdktf has a single key in its place.
        if isinstance(value, Mapping) and len(value) > 1 and any(REFERENCE in key for key in value):
            yield f"{argument}: the map of a resource has its entries at AWS only; add others by cdktf.Fn.merge"
            continue
        try:
            check_type(argument, value, types[argument])
        except TypeError as error:
            yield str(error)
        else:
            yield from _faults_of_blocks(argument, value)
    yield from parts_of_tokens(arguments)


def _faults_of_blocks(name: str, value: Any) -> Iterator[str]:
    """Says what in blocks has another type."""
    if isinstance(value, (list, tuple)):
        yield from (fault for inner in value for fault in _faults_of_blocks(name, inner))
    elif hasattr(type(value), "__jsii_struct_bases__"):
        types = _types(cast("Any", type(value)))
        for argument, inner in value._values.items():
            try:
                check_type(f"{name}.{argument}", inner, types.get(argument, Any))
            except TypeError as error:
                yield str(error)
            else:
                yield from _faults_of_blocks(f"{name}.{argument}", inner)


def _resources(value: Any) -> Iterator[str]:
    """Says of each resource in a value what belongs there instead."""
    for inner in _inner(value):
        if isinstance(inner, Added):
            yield f"{inner.fqn} is a resource where a value belongs; write one of its attributes, as `.id`, or `.fqn`"


def parts_of_tokens(arguments: Mapping[str, Any]) -> Iterator[str]:
    """Says of each argument in which a token was changed as if it were the text or the number."""
    for argument, value in sorted(arguments.items()):
        for inner in _inner(value):
            changed = isinstance(inner, str) and PART_OF_TOKEN.search(_TOKEN.sub("", inner))
            if changed or (isinstance(inner, float) and abs(inner) > _LARGEST and not _is_token(inner)):
                yield (
                    f"{argument}: this is known once AWS has made it, and stands as a token until then, of which "
                    f"Python took or changed a part; write it whole, or call cdktf.Fn, as Fn.upper or Fn.substr"
                )
                break


_TOKEN = re.compile(r"[$#&]\{TfToken\[TOKEN\.\d+\]\}")
PART_OF_TOKEN = re.compile(r"(?i:tftoken\[)|\[TOKEN\.\d|\$\{TfT|\$\{Tf?\Z")
"""What Python leaves of a token's text where it is cut or written otherwise, as by `[:5]` and `upper()`."""
_LARGEST = 1e280


def _is_token(number: float) -> bool:
    """Says whether a number is a token of cdktf's, which begin with these bits."""
    return struct.pack(">d", number)[:2] == b"\xfd\xff"


def _inner(value: Any) -> Iterator[Any]:
    """Yields all that a value has in it, at any depth, and names of maps."""
    if isinstance(value, Mapping):
        yield from value
        yield from (each for inner in value.values() for each in _inner(inner))
    elif isinstance(value, (list, tuple)):
        yield from (each for inner in value for each in _inner(inner))
    elif hasattr(type(value), "__jsii_struct_bases__"):
        yield from _inner(value._values)
    else:
        yield value


@cache
def _signature(kind: Any) -> tuple[Mapping[str, Parameter], Mapping[str, Any]]:
    """Returns the parameters of a class after `self`, a scope and an id, and their types."""
    _, _, _, *taken = signature(kind.__init__).parameters.values()
    return {parameter.name: parameter for parameter in taken}, _types(kind)


@cache
def _types(kind: Any) -> Mapping[str, Any]:
    """Returns the types of the arguments of a class, or of a block."""
    return {name: _plain(type) for name, type in get_type_hints(kind.__init__).items()}


def _plain(type: Any) -> Any:
    """Returns a type without tokens that are objects, which JSON has none of: as a protocol it takes every value."""
    origin, arguments = get_origin(type), get_args(type)
    if origin is Union:
        # typeguard takes every value for a `X | Y`.
        return Union[tuple(map(_plain, (each for each in arguments if each is not IResolvable)))]  # noqa: UP007
    return type.copy_with(tuple(map(_plain, arguments))) if origin in (Sequence, Mapping) else type
