"""The AWS limits in `limits.yaml`, read once, with the overrides a project declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

DATA_FILE = Path(__file__).with_name("limits.yaml")


class Limit(NamedTuple):
    """One limit: its bounds, its unit, the date and page of AWS."""

    name: str
    value: int
    unit: str
    date: str
    source: str
    adjustable: bool = False
    minimum: int = 0

    @property
    def cited(self) -> str:
        """Returns the source with its date, as an error message ends with it."""
        return f"{self.source}, {self.date}" if self.date else self.source


@dataclass(frozen=True)
class PolicyTypeLimits:
    """The limits of AWS and the pinned provider for one policy type."""

    name: str
    size: Limit
    attachments: Limit
    count: Limit
    occupied: int
    service: str | None
    since_provider: str | None


class OwnSwitch(NamedTuple):
    """What switches a service on in an organization, which trusted access alone does not, and the page of AWS."""

    call: str
    source: str


@dataclass(frozen=True)
class Limits:
    """Every limit by name, and the lists of names AWS fixes."""

    values: Mapping[str, Limit]
    policy_types: Mapping[str, PolicyTypeLimits]
    regions: frozenset[str]
    opt_in_regions: frozenset[str]
    delegated_by_own_resource: Mapping[str, str]
    own_switches: Mapping[str, OwnSwitch]
    delegable: frozenset[str]
    trusted_access_only: frozenset[str]
    resource_control: Limit
    resource_control_prefixes: frozenset[str]
    global_actions: tuple[str, ...]
    us_east_1_actions: tuple[str, ...]
    overrides: Mapping[str, int] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Limit:
        return self._overridden(self.values[name])

    def policy_type(self, name: str) -> PolicyTypeLimits:
        """Returns the limits of one policy type, overrides applied."""
        declared = self.policy_types[name]
        if not self.overrides:
            return declared
        return replace(
            declared,
            size=self._overridden(declared.size),
            attachments=self._overridden(declared.attachments),
            count=self._overridden(declared.count),
        )

    @property
    def adjustable(self) -> frozenset[str]:
        """Returns the names a project may override."""
        return frozenset(name for name, limit in self.values.items() if limit.adjustable)

    def overridden(self, overrides: Mapping[str, int]) -> Limits:
        """Returns the same limits with a project's own values in place."""
        return replace(self, overrides=dict(overrides))

    def _overridden(self, limit: Limit) -> Limit:
        if limit.name not in self.overrides:
            return limit
        return limit._replace(value=self.overrides[limit.name], date="", source="limits in project.yaml")


@cache
def aws_limits() -> Limits:
    """Returns the limits as AWS states them."""
    data = _read()
    sources: dict[str, str] = data["sources"]

    def limit(name: str, entry: Mapping[str, Any], value: int, unit: str, *, adjustable: bool) -> Limit:
        source = sources[entry["source"]]
        return Limit(name, value, unit, str(entry["date"]), source, adjustable, entry.get("minimum", 0))

    values = {
        name: limit(name, entry, entry["value"], entry["unit"], adjustable=entry.get("adjustable", False))
        for name, entry in data["limits"].items()
    }
    units = {"size": "characters", "attachments": "policies per target", "count": "policies of one type"}
    policy_types = {}
    for name, entry in data["policy_types"].items():
        own = {
            part: limit(f"{name.lower()}_{part}", entry, entry[part], unit, adjustable=True)
            for part, unit in units.items()
        }
        values |= {limit.name: limit for limit in own.values()}
        policy_types[name] = PolicyTypeLimits(
            name,
            **own,
            occupied=entry["occupied"],
            service=entry.get("service"),
            since_provider=entry["since_provider"],
        )
    prefixes = frozenset(data["resource_control_prefixes"])
    return Limits(
        values=values,
        policy_types=policy_types,
        regions=frozenset(data["regions"]["opt_in"]) | frozenset(data["regions"]["default"]),
        opt_in_regions=frozenset(data["regions"]["opt_in"]),
        delegated_by_own_resource=data["delegated_by_own_resource"],
        own_switches={service: OwnSwitch(**entry) for service, entry in data["own_switches"].items()},
        delegable=frozenset(data["delegable"]),
        trusted_access_only=frozenset(data["trusted_access_only"]),
        resource_control=limit(
            "resource_control", data["resource_control"], len(prefixes), "prefixes", adjustable=False
        ),
        resource_control_prefixes=prefixes,
        global_actions=tuple(data["global_actions"]),
        us_east_1_actions=tuple(data["us_east_1_actions"]),
    )


def _read() -> dict[str, Any]:
    import yaml

    data: dict[str, Any] = yaml.load(
        DATA_FILE.read_text(encoding="utf-8"),
        Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader),  # noqa: S506 -- either is the safe one
    )
    return data
