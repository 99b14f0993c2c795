"""A call of AWS as the services of this folder see it, and the table of the operations that they answer."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from moto.core.exceptions import ServiceException

from tests.aws import memory

Parameters = dict[str, Any]
Caller = Literal["strata", "terraform", "provider", "test"]
Kept = TypeVar("Kept")


class Refused(ServiceException):
    """AWS says no, with the code and the words that it would use."""

    def __init__(self, code: str, message: str = "", *, status: int | None = None, headers: Any = ()) -> None:
        super().__init__(code, message)
        self.status, self.headers = status, dict(headers)


@dataclass(frozen=True)
class Call:
    """One call: who asks what of which service, in which account and region."""

    service: str
    operation: str
    account: str
    region: str
    caller: Caller
    user_agent: str
    parameters: Parameters
    headers: Any = field(repr=False)
    ask_moto: Callable[[], Parameters] = field(repr=False)
    role: str = ""
    """The ARN of the role that was assumed."""

    @property
    def action(self) -> str:
        """Returns the operation as policies and CloudTrail name it: `organizations:CreateAccount`."""
        return f"{self.service}:{self.operation}"

    @functools.cached_property
    def moto(self) -> Parameters:
        """Returns what moto answers; the call happens once, and what moto refuses is raised as `Refused`."""
        return self.ask_moto()

    def keeps(self, kind: type[Kept]) -> Kept:
        """Returns what this account keeps of a kind, made on first use."""
        return memory.of(kind, self.account, "")

    def keeps_here(self, kind: type[Kept]) -> Kept:
        """Returns what this account keeps of a kind in the region of the call."""
        return memory.of(kind, self.account, self.region)

    def __getitem__(self, parameter: str) -> Any:
        """Returns a parameter that the call must have."""
        return self.parameters[parameter]


Answer = Parameters | None
Operation = Callable[[Call], Answer]


class Service:
    """The operations that a module answers; one that returns None leaves the answer to moto."""

    operations: dict[str, Operation] = {}  # noqa: RUF012  # one table for all of AWS, filled by its modules

    def __init__(self, name: str) -> None:
        self.name = name

    def answers(self, *operations: str) -> Callable[[Operation], Operation]:
        """Enters a function as the answer to operations of this service."""

        def enter(function: Operation) -> Operation:
            for operation in operations:
                self.operations[f"{self.name}:{operation}"] = function
            return function

        return enter


def answer(call: Call) -> Answer:
    """Returns what a module of this folder answers, or None where moto's answer is right."""
    found = (Service.operations.get(action) for action in (f"{call.service}:*", call.action))
    return next((said for operation in found if operation and (said := operation(call)) is not None), None)


def tags_of(listed: list[dict[str, str]] | None) -> dict[str, str]:
    """Returns tags as a mapping."""
    return {tag["Key"]: tag["Value"] for tag in listed or ()}


def listed(tags: dict[str, str]) -> list[dict[str, str]]:
    """Returns tags as AWS lists them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def page(call: Call, items: list[Any], key: str, *, size: int = 100) -> Parameters:
    """Returns the part of a list that this call asks for, with the token for the next."""
    start = int(call.parameters.get("NextToken") or 0)
    end = start + int(call.parameters.get("MaxResults") or size)
    return {key: items[start:end], **({"NextToken": str(end)} if end < len(items) else {})}


def mend(kind: type, name: str, function: Any) -> None:
    """Puts a function in the place of one of moto's that answers wrongly."""
    setattr(kind, name, function)


orders: dict[str, Callable[..., None]] = {}
"""What a test may ask of AWS's side below `/_aws/`, by name: to switch Identity Center on, for one."""


def order(name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Enters a function as what happens when a test gives this order."""

    def enter(function: Callable[..., None]) -> Callable[..., None]:
        orders[name] = function
        return function

    return enter
