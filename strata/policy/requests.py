"""A request: principal, action, resource, and the known part of its context."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Final


class Missing(Enum):
    """Stands for an unknown value."""

    UNKNOWN = "unknown"


ABSENT: Final = ()
"""The value of a key that the request does not have."""

UNKNOWN: Final = Missing.UNKNOWN
"""The value of a key of which nobody has said anything."""

Value = str | tuple[str, ...]
"""What a key has: a text, or the values of a key that may have several; none if it is empty."""


class Context:
    """The condition keys of a request. A key that is not named is unknown, or absent where the context is complete."""

    __slots__ = ("_complete", "_rest", "_values")

    def __init__(self, values: Mapping[str, Value | Missing], *, complete: bool = False) -> None:
        self._values = {key.lower(): value for key, value in values.items()}
        self._complete = complete
        self._rest: Value | Missing = ABSENT if complete else UNKNOWN

    def get(self, key: str) -> Value | Missing:
        """Returns the value of a key, which is given in lower case."""
        found = self._values.get(key)
        if found is not None:
            return found
        if "/" in key:
            return self._values.get(f"{key.partition('/')[0]}/*", self._rest)
        return self._rest

    def filled(self, values: Mapping[str, Value | Missing]) -> Context:
        """Returns the context with more keys; those of which it has the value stay."""
        merged = Context(values, complete=self._complete)
        named = merged._values
        named |= {key: value for key, value in self._values.items() if value is not UNKNOWN or key not in named}
        return merged


class PrincipalKind(Enum):
    """The type of a principal; policies bind each differently."""

    USER = "user"
    ROLE = "role"
    ROOT = "root"
    FEDERATED_USER = "federated user"
    SERVICE_LINKED_ROLE = "service-linked role"
    SERVICE = "service"
    ANONYMOUS = "anonymous"


_SERVICE_LINKED = re.compile(r"arn:[^:]*:iam::[^:]*:role/aws-service-role/.+")
_KINDS = (
    (_SERVICE_LINKED, PrincipalKind.SERVICE_LINKED_ROLE),
    (re.compile(r"arn:[^:]*:iam::[^:]*:user/.+"), PrincipalKind.USER),
    (re.compile(r"arn:[^:]*:iam::[^:]*:root"), PrincipalKind.ROOT),
    (re.compile(r"arn:[^:]*:sts::[^:]*:federated-user/.+"), PrincipalKind.FEDERATED_USER),
    (re.compile(r"arn:[^:]*:(?:iam::[^:]*:role|sts::[^:]*:assumed-role)/.+"), PrincipalKind.ROLE),
    (re.compile(r"(?!arn:)[^:/]+\.[^:/]+"), PrincipalKind.SERVICE),
    (re.compile(r"\*|"), PrincipalKind.ANONYMOUS),
)


@dataclass(frozen=True)
class RequestPrincipal:
    """Who makes a request: a user, a role, the root user, a service (`s3.amazonaws.com`), or nobody known (`*`)."""

    arn: str
    """The ARN that aws:PrincipalArn has: of a session the one of its role, with its path."""
    session: str | None = None
    """The ARN of the session of a role, as in arn:aws:sts::111122223333:assumed-role/name/session."""

    @classmethod
    def of(cls, arn: str) -> RequestPrincipal:
        """Returns the principal of an ARN; a session's role is taken to have no path."""
        match = re.fullmatch(r"arn:([^:]*):sts::([^:]*):assumed-role/([^/]+)/.+", arn)
        return cls(f"arn:{match[1]}:iam::{match[2]}:role/{match[3]}", arn) if match else cls(arn)

    @cached_property
    def kind(self) -> PrincipalKind:
        """Returns what it is.

        Raises:
            ValueError: it is none of them.
        """
        for expression, kind in _KINDS:
            if expression.fullmatch(self.arn):
                return kind
        raise ValueError(f"{self.arn!r} is neither a user, a role, a root user nor a service")

    @cached_property
    def account(self) -> str:
        """Returns the id of its account, empty if it is in none."""
        parts = self.arn.split(":")
        return parts[4] if parts[4:] else ""

    @cached_property
    def root(self) -> str:
        """Returns the ARN that stands for its account in policies of resources."""
        return f"arn:{self.arn.split(':')[1]}:iam::{self.account}:root" if self.account else ""


@dataclass(frozen=True)
class Request:
    """A principal, an action, a resource with its account, and a context."""

    principal: RequestPrincipal
    action: str
    resource: str = "*"
    resource_account: str = ""
    """The account of the resource; that of the principal when not given."""
    context: Context = field(default_factory=lambda: Context({}))

    @cached_property
    def name(self) -> str:
        """Returns the action in lower case, as it is compared."""
        return self.action.lower()

    @cached_property
    def service(self) -> str:
        """Returns the prefix of the action."""
        return self.name.partition(":")[0]

    @cached_property
    def crosses_accounts(self) -> bool:
        """Returns whether principal and resource are in different accounts."""
        return self.resource_account not in ("", self.principal.account)
