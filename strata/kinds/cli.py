"""AWS CLI lines that take back something that was made outside, with the ids that AWS gave it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from strata.printing import word

Lines = tuple[str, ...]


def line(service: str, operation: str, *, region: str = "", **parameters: Any) -> str:
    """Returns a line of the AWS CLI, each word as it is, whatever AWS gave as a name or id.

    Args:
        service: the service, as the AWS CLI calls it.
        operation: the operation, as the AWS CLI calls it.
        region: where it is called; empty where the caller's own region will do.
        parameters: the parameters, as boto3 would call them if it wrote them like its operations.
    """
    given = {**parameters, **({"region": region} if region else {})}
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}
    words = [f"--{name.replace('_', '-')} {word(text)}" for name, text in texts.items()]
    return " ".join((f"aws {service} {operation}", *words))


@dataclass(frozen=True)
class CenterLines:
    """The lines that name the instance or its identity store."""

    instance: str
    store: str
    region: str

    @property
    def ids(self) -> Mapping[str, str]:
        """Returns the identity store, and the region that has it."""
        return {"store": self.store, "region": self.region}

    def people(self, operation: str, **parameters: Any) -> Lines:
        """Changes users and groups."""
        return (line("identitystore", operation, identity_store_id=self.store, region=self.region, **parameters),)

    def admin(self, operation: str, **parameters: Any) -> str:
        """Changes the instance."""
        return line("sso-admin", operation, instance_arn=self.instance, region=self.region, **parameters)
