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


def store_line(operation: str, ids: Mapping[str, str], path: str, value: str, **which: str) -> str:
    """Returns the line that sets one attribute of a user or group, by the ids of the identity store."""
    operations = json.dumps([{"AttributePath": path, "AttributeValue": value}])
    where = {"identity_store_id": ids["store"], **which, "operations": operations}
    return line("identitystore", operation, **where, region=ids["region"])


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
