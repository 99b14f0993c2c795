"""Looks up names for policies: services, actions, condition keys, resource types, AWS managed policies.

`reference()` reads `reference.dat` once, some 10 ms; a service is parsed when it is asked for. `managed_documents()`
reads `managed.dat`, the documents of AWS managed policies, which only an evaluation needs. `make iam-data` makes both.

    service = reference().service("S3")              # case does not matter, None for an unknown one
    service.action("getobject").name                 # "GetObject"; .level, .keys, .resource_types
    service.matching("Get*Acl")                      # the actions that a pattern with * and ? matches
    reference().actions("s3:Get*")                   # the same for service:Pattern, or "*" for every action
    reference().key("aws:requesttag/Team")           # its Key, named by the template; None for an unknown one
    reference().managed_policy("ViewOnlyAccess")     # "job-function/ViewOnlyAccess", None for an unknown one
    reference().resource_control                     # the services that resource control policies act on
    managed_documents().get("job-function/ViewOnlyAccess")  # its document, None for an unknown one

A file is one line of JSON, its head (date, sources), and behind it LZMA of lines. In `reference.dat` the first line is
what belongs to no service, each other line a service: [prefix, name, keys, resource types, actions by what they share].
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any, Literal, NamedTuple, TextIO

from strata.errors import Message, StrataError
from strata.policy.patterns import is_pattern, wildcard

REFERENCE_FILE = Path(__file__).with_name("reference.dat")
MANAGED_FILE = Path(__file__).with_name("managed.dat")

Level = Literal["List", "Read", "Write", "Tagging", "Permissions management"]
LEVELS: Mapping[str, Level] = {
    "l": "List",
    "r": "Read",
    "w": "Write",
    "t": "Tagging",
    "p": "Permissions management",
}

KeyType = Literal["String", "ARN", "Bool", "Numeric", "Date", "IPAddress", "Binary"]


class Key(NamedTuple):
    """A condition key; in its name `${...}` stands for a part that the policy fills in."""

    name: str
    type: KeyType
    many: bool
    """Whether a request may carry several values, so that a test needs ForAnyValue or ForAllValues."""


class ResourceType(NamedTuple):
    """A kind of resource that actions of a service act on."""

    name: str
    arn: str
    """Its ARN, in which `${Partition}`, `${Region}`, `${Account}` and names of its own stand for parts."""
    keys: tuple[str, ...]


class Action(NamedTuple):
    """An action of a service."""

    service: str
    name: str
    level: Level
    keys: tuple[str, ...]
    """The names of the condition keys it takes, with those of its resource types, besides the global ones."""
    resource_types: tuple[ResourceType, ...] | None
    """Its resource types; an empty tuple means `*` alone, None that they are unknown."""

    @property
    def full_name(self) -> str:
        """Returns the name with its service: `s3:GetObject`."""
        return f"{self.service}:{self.name}"


class Service:
    """A service: its actions, condition keys and resource types. What is asked for is created then: most never is."""

    def __init__(self, written: str) -> None:
        self.prefix: str
        self.name: str
        self.prefix, self.name, self._keys, self._kinds, self._groups = json.loads(written)
        self._found: dict[str, tuple[str, int]] = {
            name.lower(): (name, index) for index, group in enumerate(self._groups) for name in group[3].split()
        }
        """Each action by its name in lower case, with the position of what it shares with others."""
        self._matched: dict[str, tuple[Action, ...]] = {}

    @cached_property
    def keys(self) -> Mapping[str, Key]:
        """Returns its condition keys by their names in lower case."""
        return {name.lower(): _key(name, kind) for name, kind in self._keys}

    @cached_property
    def resource_types(self) -> Mapping[str, ResourceType]:
        """Returns the kinds of its resources by their names in lower case."""
        return {
            name.lower(): ResourceType(
                name, _ARN + arn[1:] if arn.startswith(":") else arn, tuple(self._keys[index][0] for index in indices)
            )
            for name, arn, indices in self._kinds
        }

    @property
    def names(self) -> Iterator[str]:
        """Yields the names of all actions."""
        yield from (name for name, _ in self._found.values())

    @cached_property
    def actions(self) -> tuple[Action, ...]:
        """Returns all actions by name."""
        return tuple(self._action(*entry) for entry in sorted(self._found.values()))

    def action(self, name: str) -> Action | None:
        """Returns an action by its name, in any case."""
        entry = self._found.get(name.lower())
        return self._action(*entry) if entry else None

    def matching(self, pattern: str) -> tuple[Action, ...]:
        """Returns the actions that a pattern matches, in which `*` and `?` are wildcards."""
        if pattern not in self._matched:
            self._matched[pattern] = tuple(self._action(*entry) for entry in self._matching(pattern))
        return self._matched[pattern]

    def has(self, pattern: str) -> bool:
        """Returns whether a pattern matches any action."""
        return next(self._matching(pattern), None) is not None

    def _matching(self, pattern: str) -> Iterator[tuple[str, int]]:
        if not is_pattern(pattern):
            entry = self._found.get(pattern.lower())
            yield from [entry] if entry else []
            return
        matches = wildcard(pattern.lower()).fullmatch
        yield from (entry for lower, entry in self._found.items() if matches(lower))

    def _action(self, name: str, group: int) -> Action:
        level, keys, kinds, _ = self._groups[group]
        known = list(self.resource_types.values())
        if (self.prefix, name) == ("logs", "DescribeLogGroups"):
            # AWS lists none and asks about log groups: https://github.com/hashicorp/terraform-provider-aws/issues/8804
            kinds = [2 * index for index, kind in enumerate(known) if kind.name == "log-group"]
        return Action(
            service=self.prefix,
            name=name,
            level=LEVELS[level],
            keys=tuple(self._keys[index][0] for index in keys),
            resource_types=None if kinds is None else tuple(known[index // 2] for index in kinds),
        )


@dataclass(frozen=True)
class Reference:
    """Everything policies may name, as of a day."""

    head: Mapping[str, Any]
    global_keys: Mapping[str, Key]
    """The keys of every request, by their names in lower case; those with a part to fill in among them."""
    resource_control: frozenset[str]
    """The prefixes of the services that resource control policies act on."""
    service_principals: frozenset[str]
    managed_policies: frozenset[str]
    """AWS managed policies, with their paths."""
    _written: Mapping[str, str] = field(repr=False)
    _foreign: Mapping[str, list[str]] = field(repr=False)
    """Key prefixes that are no service's, such as an identity provider's, to the services whose actions take them."""
    _services: dict[str, Service] = field(default_factory=dict, repr=False)
    _matched: dict[str, tuple[Action, ...]] = field(default_factory=dict, repr=False)

    @property
    def date(self) -> str:
        """Returns the day of the data."""
        return str(self.head["date"])

    @property
    def prefixes(self) -> Iterable[str]:
        """Returns the prefixes of all services."""
        return self._written.keys()

    def service(self, prefix: str) -> Service | None:
        """Returns a service by the prefix of its actions, in any case."""
        prefix = prefix.lower()
        if prefix not in self._services and prefix in self._written:
            self._services[prefix] = Service(self._written[prefix])
        return self._services.get(prefix)

    def services(self) -> Iterator[Service]:
        """Yields every service, which takes some 10 ms the first time."""
        yield from (service for prefix in self.prefixes if (service := self.service(prefix)))

    def actions(self, pattern: str) -> tuple[Action, ...]:
        """Returns the actions that a policy's `service:Pattern` or `*` matches."""
        prefix, _, name = pattern.partition(":")
        if is_pattern(prefix):
            if pattern not in self._matched:
                matches = wildcard(prefix.lower()).fullmatch
                services = [service for service in self.services() if matches(service.prefix)]
                self._matched[pattern] = tuple(
                    action for service in services for action in service.matching(name or "*")
                )
            return self._matched[pattern]
        service = self.service(prefix)
        return service.matching(name) if service else ()

    def key(self, name: str) -> Key | None:
        """Returns a condition key by its name as a policy writes it, in any case, its template filled in."""
        lower = name.lower()
        prefix, _, _ = lower.partition(":")
        for keys in (self.global_keys, *(service.keys for service in self._with_keys_of(prefix))):
            of_template = (key for name, key in keys.items() if "${" in name and _template(name).fullmatch(lower))
            if key := keys.get(lower) or next(of_template, None):
                return key
        # One of an identity provider, whose prefix is its host; of a provider that AWS does not list it may be any.
        host, _, claim = lower.rpartition(":")
        if "." in host and claim and (claim in _CLAIMS or prefix not in self._foreign):
            return Key(lower, "String", claim == "amr")
        return None

    def _with_keys_of(self, prefix: str) -> Iterator[Service]:
        named = [prefix, *self._foreign.get(prefix, ())]
        named += [
            service
            for template, services in self._foreign.items()
            if "${" in template and _template(template).fullmatch(prefix)
            for service in services
        ]
        yield from (service for name in dict.fromkeys(named) if (service := self.service(name)))

    def managed_policy(self, name: str) -> str | None:
        """Returns an AWS managed policy with its path by its name in any case, with any path or none."""
        return self._managed_by_name.get(name.rpartition("/")[2].lower())

    @cached_property
    def _managed_by_name(self) -> Mapping[str, str]:
        return {managed_policy.rpartition("/")[2].lower(): managed_policy for managed_policy in self.managed_policies}


class ManagedDocuments:
    """The documents of AWS managed policies, each parsed when it is asked for; what stands behind it stays packed."""

    def __init__(self, head: Mapping[str, Any], lines: Iterable[str]) -> None:
        self.head = head
        self._lines = iter(lines)
        self._written: dict[str, str] = {}
        self._parsed: dict[str, dict[str, Any]] = {}

    @property
    def names(self) -> Iterable[str]:
        """Returns the names with their paths."""
        self._unpack_to(None)
        return self._written.keys()

    def get(self, name: str) -> dict[str, Any] | None:
        """Returns a document by the name with its path; None where the source has none."""
        self._unpack_to(name)
        if name not in self._parsed and name in self._written:
            self._parsed[name] = json.loads(self._written[name])
        return self._parsed.get(name)

    def _unpack_to(self, name: str | None) -> None:
        while name not in self._written and (line := next(self._lines, "")):
            policy, _, document = line.rstrip("\n").partition("\t")
            self._written[policy] = document


@cache
def reference() -> Reference:
    """Returns the services, keys and policies of AWS, read once."""
    head, unpacked = read(REFERENCE_FILE)
    first, *lines = unpacked.read().split("\n")
    common = json.loads(first)
    return Reference(
        head=head,
        global_keys={name.lower(): _key(name, kind) for name, kind in common["global_keys"]},
        resource_control=frozenset(common["resource_control"]),
        service_principals=frozenset(common["service_principals"]),
        managed_policies=frozenset(common["managed_policies"]),
        _written={line[2 : line.index('"', 2)]: line for line in lines},
        _foreign=common["foreign"],
    )


@cache
def managed_documents() -> ManagedDocuments:
    """Returns the documents of AWS managed policies."""
    return ManagedDocuments(*read(MANAGED_FILE))


def read(file: Path) -> tuple[dict[str, Any], TextIO]:
    """Returns the head and the lines of a data file, which are unpacked as they are read.

    Raises:
        StrataError: this Python was built without LZMA.
    """
    try:
        import lzma
    except ImportError as error:
        text = "this Python has no lzma module; use one that was built with it (liblzma)"
        raise StrataError(Message("tool-missing", text, tool="lzma")) from error
    head, _, packed = file.read_bytes().partition(b"\n")
    return json.loads(head), TextIOWrapper(lzma.open(BytesIO(packed)), encoding="utf-8", newline="\n")


def _key(name: str, kind: str) -> Key:
    many = kind.startswith("ArrayOf")
    return Key(name, kind.removeprefix("ArrayOf"), many)  # type: ignore[arg-type]


_ARN = "arn:${Partition}:"


_CLAIMS = ("aud", "sub", "amr")
"""The claims that AWS reads from the token of any identity provider."""


@cache
def _template(name: str) -> re.Pattern[str]:
    return re.compile("(.+)".join(map(re.escape, re.split(r"\$\{[^}]*\}", name))), re.DOTALL)
