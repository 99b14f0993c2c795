"""The world of the engine: every object that exists at the stand-in AWS, in one JSON file.

Tests use it to put things there from outside and to see what happened; the provider process uses the same file.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypedDict

Object = dict[str, Any]
AccountState = Literal["PENDING_ACTIVATION", "ACTIVE", "SUSPENDED", "PENDING_CLOSURE", "CLOSED"]
ACCOUNT = "aws_organizations_account"
ORGANIZATIONAL_UNIT = "aws_organizations_organizational_unit"


class Call(NamedTuple):
    """Something that was done to the world, in the order in which it was done."""

    operation: str
    type: str
    id: str


class IdentityCenter(TypedDict):
    """Identity Center of the organization; there is one, in one region."""

    enabled: bool
    region: str
    instance_arn: str
    identity_store_id: str


class Contents(TypedDict):
    """What the file holds; objects by type and by id, with the region behind an @ where the type is regional."""

    objects: dict[str, dict[str, Object]]
    calls: list[tuple[str, str, str]]
    services: list[str]
    policy_types: list[str]
    identity_center: IdentityCenter
    departed_accounts: list[Object]
    accounts_in_flight: list[dict[str, Any]]
    sequence: int


class World:
    """The objects at the stand-in AWS, shared between processes by one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[tuple[int, int, int] | None, Contents] = (None, _empty())

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Contents]:
        """Gives the contents for reading and writing, with everyone else locked out."""
        with Path(f"{self.path}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            contents: Contents = json.loads(self.path.read_text()) if self.path.exists() else _empty()
            yield contents
            unfinished = Path(f"{self.path}.{os.getpid()}")
            unfinished.write_text(json.dumps(contents))
            unfinished.replace(self.path)

    def view(self) -> Contents:
        """Returns the contents for reading only."""
        if not self.path.exists():
            return _empty()
        stat = self.path.stat()
        version = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        seen, contents = self._seen
        if seen != version:
            contents = json.loads(self.path.read_text())
            self._seen = (version, contents)
        return contents

    @property
    def calls(self) -> list[Call]:
        """Everything that the provider did, oldest first."""
        return [Call(*call) for call in self.view()["calls"]]

    @property
    def services(self) -> list[str]:
        """The trusted services that the world, not moto, knows as enabled."""
        return sorted(self.view()["services"])

    def list(self, type: str) -> list[Object]:
        """Returns all objects of a type."""
        return list(self.view()["objects"].get(type, {}).values())

    def get(self, type: str, id: str) -> Object | None:
        """Returns an object, or None; of several with this id in different regions, the first."""
        return next((found for found in self.list(type) if found["id"] == id), None)

    def create(self, type: str, object: Object) -> str:
        """Puts an object there from outside; what it lacks the provider completes when it reads it."""
        with self.transaction() as contents:
            put(contents, type, object)
        return str(object["id"])

    def update(self, type: str, id: str, **changes: Any) -> None:
        """Changes an object from outside, as drift does."""
        with self.transaction() as contents:
            for found in contents["objects"].get(type, {}).values():
                if found["id"] == id:
                    found.update(changes)

    def delete(self, type: str, id: str) -> None:
        """Removes an object from outside."""
        with self.transaction() as contents:
            kept = {key: found for key, found in contents["objects"].get(type, {}).items() if found["id"] != id}
            contents["objects"][type] = kept

    def seed_account(self, name: str, email: str, *, parent: str | None = None, state: AccountState = "ACTIVE") -> str:
        """Puts a member account there, under the root unless told otherwise, and returns its id."""
        with self.transaction() as contents:
            account: Object = {"id": new_id(contents, "digits", 12), "name": name, "email": email, "state": state}
            put(contents, ACCOUNT, account | ({"parent_id": parent} if parent else {}))
        return str(account["id"])

    def seed_organizational_unit(self, name: str, parent: str) -> str:
        """Puts an organizational unit there and returns its id."""
        with self.transaction() as contents:
            suffix = parent.split("-")[1]
            id = f"ou-{suffix}-{new_id(contents, 'lower', 8)}"
            put(contents, ORGANIZATIONAL_UNIT, {"id": id, "name": name, "parent_id": parent})
        return id

    def close_account(self, id: str) -> None:
        """Closes a member account as its owner would."""
        self.update(ACCOUNT, id, state="CLOSED")

    def enable_service(self, principal: str) -> None:
        """Gives a service trusted access, as its console would."""
        with self.transaction() as contents:
            contents["services"] = sorted({*contents["services"], principal})

    def set_identity_center(self, enabled: bool, region: str = "us-east-1") -> IdentityCenter:
        """Switches Identity Center on or off, and returns what it is then; a fresh account has it off."""
        with self.transaction() as contents:
            contents["identity_center"] |= {"enabled": enabled, "region": region}
        return contents["identity_center"]


def put(contents: Contents, type: str, object: Object) -> None:
    """Puts an object in its place, over any that is there."""
    remove(contents, type, object)
    contents["objects"].setdefault(type, {})[key_of(object)] = object


def remove(contents: Contents, type: str, object: Object) -> None:
    """Removes an object, also if it was seeded without the region that it has by now."""
    for key in (key_of(object), str(object["id"])):
        contents["objects"].get(type, {}).pop(key, None)


def key_of(object: Object) -> str:
    """Returns the key of an object within its type: two regions may use the same id."""
    return f"{object['id']}@{object['region']}" if object.get("region") else str(object["id"])


_ALPHABETS = {
    "digits": "0123456789",
    "hex": "0123456789abcdef",
    "lower": "abcdefghijklmnopqrstuvwxyz0123456789",
    "upper": "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
}


def new_id(contents: Contents, alphabet: str, length: int) -> str:
    """Makes an id that was not there before, the same in every run that does the same in the same order."""
    contents["sequence"] += 1
    number = int.from_bytes(hashlib.sha512(f"strata {contents['sequence']}".encode()).digest())
    letters = _ALPHABETS[alphabet]
    text = "".join(letters[number // len(letters) ** place % len(letters)] for place in range(length))
    return f"4{text[1:]}" if alphabet == "digits" else text


def _empty() -> Contents:
    return {
        "objects": {},
        "calls": [],
        "services": [],
        "policy_types": [],
        "identity_center": {
            "enabled": False,
            "region": "us-east-1",
            "instance_arn": "arn:aws:sso:::instance/ssoins-7223a1b2c3d4e5f6",
            "identity_store_id": "d-9067a1b2c3",
        },
        "departed_accounts": [],
        "accounts_in_flight": [],
        "sequence": 0,
    }
