"""AWS CLI lines that take back something that was made outside, with the ids that AWS gave it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from strata.printing import word

Lines = tuple[str, ...]


def line(service: str, operation: str, **parameters: str) -> str:
    """Returns a line of the AWS CLI; each word is as it is, whatever AWS gave as a name or id."""
    words = [f"--{name.replace('_', '-')} {word(value)}" for name, value in parameters.items()]
    return " ".join((f"aws {service} {operation}", *words))


def new_name(attribute: str, name: str) -> str:
    """Returns the operations by which the identity store renames something."""
    return json.dumps([{"AttributePath": attribute, "AttributeValue": name}])


@dataclass(frozen=True)
class Center:
    """The lines that name the instance or its identity store."""

    instance: str
    store: str
    region: str

    @property
    def ids(self) -> Mapping[str, str]:
        """Returns the identity store, and the region that has it."""
        return {"store": self.store, "region": self.region}

    def people(self, operation: str, **parameters: str) -> Lines:
        """Changes users and groups."""
        return (line("identitystore", operation, identity_store_id=self.store, **parameters, region=self.region),)

    def admin(self, operation: str, **parameters: str) -> str:
        """Changes the instance."""
        return line("sso-admin", operation, instance_arn=self.instance, **parameters, region=self.region)

    def change_set(self, operation: str, arn: str, **parameters: str) -> Lines:
        """Changes a permission set, and has its accounts get the change."""
        return (
            self.admin(operation, permission_set_arn=arn, **parameters),
            self.admin("provision-permission-set", permission_set_arn=arn, target_type="ALL_PROVISIONED_ACCOUNTS"),
        )
