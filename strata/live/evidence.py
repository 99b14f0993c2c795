"""What was read from AWS, when and by whom, with a hash of it; kept in a file, it can be read and checked again."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from strata.config.text import short
from strata.errors import StrataError
from strata.files.atomic import read_bytes
from strata.inventory.things import Inventory, Unit

FORMAT = 1
"""The number of the format of a kept reading."""


@dataclasses.dataclass(frozen=True)
class States:
    """What the states say of the things at AWS: their keys, the tags that they got from Strata, what others manage.

    Attributes:
        ids: import ids by Terraform address.
        attributes: tags and ids by type and name.
        elsewhere: type and id of what layers of one's own have.
    """

    ids: Mapping[str, str] = dataclasses.field(default_factory=dict)
    attributes: Mapping[str, Mapping[str, Mapping[str, Any]]] = dataclasses.field(default_factory=dict)
    elsewhere: frozenset[tuple[str, str]] = frozenset()


@dataclasses.dataclass(frozen=True)
class Evidence:
    """One reading; what is told of it is made of its data alone.

    Attributes:
        read_at: when AWS had it so: the end of the reading, which looks twice.
        caller: the ARN of who read, as sts:GetCallerIdentity says.
        data: what AWS has as plain data, the same for the same whatever the order of AWS's answers.
        states: None where they could not be read.
    """

    read_at: dt.datetime
    caller: str
    data: Mapping[str, Any]
    states: States | None = None

    @classmethod
    def of(cls, read_at: dt.datetime, caller: str, inventory: Inventory, states: States | None = None) -> Evidence:
        """Returns the reading of an inventory."""
        organization = inventory.organization
        units, types = tuple(_from_the_top(organization.units)), tuple(sorted(organization.policy_types))
        ordered = dataclasses.replace(organization, units=units, policy_types=types)
        return cls(read_at, caller, _plain(dataclasses.replace(inventory, organization=ordered)), states)

    @cached_property
    def inventory(self) -> Inventory:
        """Returns what AWS has."""
        found: Inventory = _typed(Inventory, self.data)
        return found

    @cached_property
    def sha256(self) -> str:
        """Returns the hash of the data in its canonical form."""
        return hashlib.sha256(canonical(self.data)).hexdigest()

    def written(self) -> bytes:
        """Returns the file that keeps it."""
        kept = {
            "format": FORMAT,
            "read_at": self.read_at.isoformat(timespec="seconds"),
            "caller": self.caller,
            "sha256": self.sha256,
            "states": _plain(self.states) if self.states else None,
            "data": self.data,
        }
        return f"{json.dumps(kept, ensure_ascii=False, indent=1)}\n".encode()


def kept_in(path: Path) -> Evidence:
    """Returns the reading that a file keeps.

    Raises:
        StrataError: it cannot be read, is another file, or its data are not those that the hash was made of.
    """
    try:
        found = json.loads(read_bytes(path, _LARGEST))
        if found["format"] != FORMAT:
            raise StrataError(
                f"{path} has format {short(found['format'])}, and this Strata reads {FORMAT}; "
                "use the Strata that kept it"
            )
        states = _typed(States, found["states"]) if found["states"] else None
        evidence = Evidence(dt.datetime.fromisoformat(found["read_at"]), str(found["caller"]), found["data"], states)
        expected, _ = str(found["sha256"]), evidence.inventory
    except OSError as error:
        raise StrataError(f"{path} cannot be read: {error.strerror}; name a file that --save made") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StrataError(f"{path} is no reading that --save kept; name the file that it made") from error
    if evidence.sha256 != expected:
        raise StrataError(
            f"{path} has been changed: the hash of its data is {evidence.sha256}, and it was kept with "
            f"{short(expected)}; read AWS again with --live"
        )
    return evidence


_LARGEST = 512 * 1024 * 1024
"""Bytes of a reading; one of 1,000 accounts and 10,000 assignments has 5 MB."""


def canonical(data: Any) -> bytes:
    """Returns data as JSON in UTF-8, without white space, keys by code point, no escape but those that JSON needs.

    That is RFC 8785, which orders keys with characters above U+FFFF otherwise.
    """
    return json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def _plain(value: Any) -> Any:
    """Returns a value as JSON has it; what has no order is sorted."""
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if hasattr(value, "_asdict"):
        return {name: _plain(one) for name, one in value._asdict().items()}
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, frozenset):
        return [_plain(one) for one in sorted(value)]
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _typed(kind: type[Any], data: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind).validate_python(data)


def _from_the_top(units: Iterable[Unit]) -> list[Unit]:
    """Returns units sorted, each behind the one above it."""
    by_id = {one.id: one for one in units}

    def depth(one: Unit) -> int:
        return 1 + depth(by_id[one.parent]) if one.parent in by_id else 0

    return sorted(by_id.values(), key=lambda one: (depth(one), one.id))
