"""What was read from AWS, when and by whom, with a hash of it; kept in a file, it can be read and checked again."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from strata.atomic import read_bytes
from strata.config.text import as_data, short
from strata.errors import Message, StrataError
from strata.kinds.at_aws import Inventory, LiveUnit
from strata.kinds.permission_set import DESCRIBED
from strata.printing import as_json
from strata.sides.recorded import States

FORMAT = 2
"""The number of the format of a kept reading; format 1 has no controls, and of the states tags and ids alone."""


@dataclasses.dataclass(frozen=True)
class Evidence:
    """One reading; what is told of it is made of its facts, and its hash is one of them all.

    Attributes:
        facts: time, caller, states and data as plain data, the same for the same whatever the order of AWS's answers.
    """

    facts: Mapping[str, Any]

    @classmethod
    def of(cls, read_at: dt.datetime, caller: str, inventory: Inventory, states: States | None = None) -> Evidence:
        """Returns the reading of an inventory.

        Args:
            read_at: when AWS had it so: the end of the reading, which looks twice.
            caller: the ARN of who read, as sts:GetCallerIdentity says.
            inventory: what AWS has.
            states: None where they could not be read.
        """
        organization = inventory.organization
        units, types = tuple(_from_the_top(organization.units)), tuple(sorted(organization.policy_types))
        ordered = dataclasses.replace(organization, units=units, policy_types=types)
        facts = {
            "format": FORMAT,
            "read_at": read_at.isoformat(timespec="seconds"),
            "caller": caller,
            "states": _plain(states) if states else None,
            "data": _plain(dataclasses.replace(inventory, organization=ordered)),
        }
        return cls(facts)

    @cached_property
    def read_at(self) -> dt.datetime:
        """Returns when AWS had it so, in UTC."""
        found = dt.datetime.fromisoformat(self.facts["read_at"])
        if found.tzinfo is None:
            raise ValueError(f"{found} has no zone")
        return found.astimezone(dt.UTC)

    @cached_property
    def caller(self) -> str:
        """Returns the ARN of who read."""
        found: str = _typed(str, self.facts["caller"])
        return found

    @cached_property
    def states(self) -> States | None:
        """Returns what the states say, None where they could not be read."""
        states: States | None = _typed(States, self.facts["states"]) if self.facts["states"] is not None else None
        return states

    @cached_property
    def inventory(self) -> Inventory:
        """Returns what AWS has."""
        inventory: Inventory = _typed(Inventory, _with_described(self.facts["data"]))
        return inventory

    @cached_property
    def sha256(self) -> str:
        """Returns the hash of the facts in their canonical form."""
        return hashlib.sha256(canonical(self.facts)).hexdigest()

    def written(self) -> bytes:
        """Returns the file that keeps it."""
        return f"{as_json({'sha256': self.sha256, **self.facts})}\n".encode()


CLOCKS = dt.timedelta(minutes=5)
"""The clock that a reading was made by may be ahead of the one that it is read again by."""


def kept_in(path: Path) -> Evidence:
    """Returns the reading that a file keeps.

    Raises:
        StrataError: it cannot be read, is another file, is not the one that its hash was made of, or is of a time to
            come.
    """
    try:
        found = json.loads(read_bytes(path, _LARGEST))
        if found["format"] not in range(1, FORMAT + 1):
            other = (
                f"{path} has format {short(found['format'])}, and this Strata reads 1 to {FORMAT}; "
                "use the Strata that kept it"
            )
            value = as_data(found["format"])
            raise StrataError(Message("unknown-format", other, place=str(path), value=value, limit=FORMAT))
        evidence = Evidence({name: value for name, value in found.items() if name != "sha256"})
        _check_hash(path, evidence, found["sha256"])
        _check(evidence)
    except OSError as error:
        unreadable = f"{path} cannot be read: {error.strerror}; name a file that --save made"
        raise StrataError(Message("file-unreadable", unreadable, place=str(path))) from error
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        other = f"{path} is no reading that --save kept; name the file that it made"
        raise StrataError(Message("not-a-reading", other, place=str(path))) from error
    now = dt.datetime.now(dt.UTC)
    if evidence.read_at > now + CLOCKS:
        later = (
            f"{path} says that AWS was read at {evidence.read_at:%Y-%m-%d %H:%M:%S} UTC, and it is "
            f"{now:%Y-%m-%d %H:%M:%S} UTC; set the clock right, or read AWS again with --live"
        )
        read_at = evidence.read_at.isoformat(timespec="seconds")
        raise StrataError(Message("reading-of-the-future", later, place=str(path), read_at=read_at))
    return evidence


def _check_hash(path: Path, evidence: Evidence, expected: object) -> None:
    if evidence.sha256 != expected:
        changed = (
            f"{path} has been changed: its hash is {evidence.sha256}, and it was kept with {short(expected)}; "
            "read AWS again with --live"
        )
        raise StrataError(Message("reading-changed", changed, place=str(path), sha256=evidence.sha256))


def _check(evidence: Evidence) -> None:
    """Checks that facts are those of a reading: all of their types, each naming what is there.

    Raises:
        ValueError, KeyError, TypeError, OverflowError: they are not.
    """
    _, _, states, inventory = evidence.read_at, evidence.caller, evidence.states, evidence.inventory
    for said in (one for named in states.attributes.values() for one in named.values()) if states else ():
        if not all(isinstance(said.get(tags) or {}, Mapping) for tags in ("tags", "tags_all")):
            raise ValueError(f"{said} has tags that are none")
    organization, center = inventory.organization, inventory.center
    places = {organization.root}
    for unit in organization.units:
        _check_known(unit.parent, places)
        places.add(unit.id)
    for account in organization.accounts:
        _check_known(account.parent, places)
    _check_known(organization.management, {account.id for account in organization.accounts})
    if center:
        sets = {permission_set.arn for permission_set in center.permission_sets}
        for assignment in center.assignments | center.orphans:
            _check_known(assignment.permission_set, sets)


def _check_known(id: str, known: Collection[str]) -> None:
    if id not in known:
        raise ValueError(f"{id} is not there")


def _with_described(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns data with permission sets in AWS's words, where an earlier Strata kept them in its own alone.

    Raises:
        ValueError, KeyError: a word of AWS is no text, or neither is there.
    """
    center = data["center"]
    sets = []
    for one in center["permission_sets"] if center else ():
        words = one.get("described", {})
        words = {word: one[name] for name, word in DESCRIBED.items()} if words == {} else words
        if not (isinstance(words, dict) and all(isinstance(words.get(one, ""), str) for one in DESCRIBED.values())):
            raise ValueError(f"{one['arn']} has a description that is none")
        sets.append({**one, "described": words})
    return {**data, "center": center and {**center, "permission_sets": sets}}


_LARGEST = 512 * 1024 * 1024
"""Bytes of a reading; one of 1,000 accounts and 10,000 assignments has 5 MB."""


def canonical(data: Any) -> bytes:
    """Returns data as JSON in UTF-8, without white space, keys by code point, no escape but those that JSON needs.

    That is RFC 8785, which orders keys with characters above U+FFFF otherwise.
    """
    return json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


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


def _from_the_top(units: Iterable[LiveUnit]) -> list[LiveUnit]:
    """Returns units sorted, each behind the one above it."""
    by_id = {unit.id: unit for unit in units}

    def depth(unit: LiveUnit) -> int:
        return 1 + depth(by_id[unit.parent]) if unit.parent in by_id else 0

    return sorted(by_id.values(), key=lambda unit: (depth(unit), unit.id))
