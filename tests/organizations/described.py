"""The description of an organization: what there is, said once, and what one side has otherwise.

A key is what the YAML calls a thing and what its Terraform address ends with; the digits that it ends with are in the
id of the thing as well, so that `account("a3")` is 000000000003.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

ORGANIZATION, ROOT, MANAGEMENT = "o-abcdefghij", "r-abcd", "210987654321"
INSTANCE, STORE = "arn:aws:sso:::instance/ssoins-7223abcdef012345", "d-1234567890"
SCP = "SERVICE_CONTROL_POLICY"
DENY = '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]}'
ALLOW = DENY.replace("Deny", "Allow")
AWS_POLICY = "arn:aws:iam::aws:policy/"
SET_NAME = re.compile(r"[\w+=,.@-]{1,32}", re.ASCII)
"""https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_CreatePermissionSet.html"""


class ImpossibleError(ValueError):
    """A description that AWS could not have, with the reason in one line."""


@dataclass(frozen=True)
class Thing:
    """Something that there is, under its key."""

    kind: str
    key: str
    values: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        """Returns a value."""
        return self.values[name]

    @property
    def at(self) -> tuple[str, str]:
        """Returns its kind and key."""
        return self.kind, self.key

    @cached_property
    def id(self) -> str:
        """Returns the id that AWS gave it."""
        return id_of(self.kind, self.key, self.values.get("number"))


def id_of(kind: str, key: str, number: int | None = None) -> str:
    """Returns the id that AWS gives a thing of a key; `number` makes it another one."""
    if kind == "permission set":
        short = key if len(key) <= 16 else hashlib.sha256(key.encode()).hexdigest()
        told = re.sub(r"[^a-z0-9]", "0", short.lower()) if number is None else str(number)
        return f"{INSTANCE.replace('instance', 'permissionSet')}/ps-{told:0>16.16}"
    if (kind, key) == ("account", "management"):
        return MANAGEMENT
    found = re.search(r"\d{1,8}$", key)
    if number is None:
        of_name = int(hashlib.sha256(key.encode()).hexdigest(), 16) % 10**6 + 10**6
        number = int(found[0]) if found else of_name
    return _IDS[kind].format(number)


_IDS = {
    "account": "{:012d}",
    "unit": "ou-abcd-{:08d}",
    "policy": "p-{:08d}",
    "user": "{:08d}-0000-4000-a000-000000000000",
    "group": "{:08d}-0000-4000-b000-000000000000",
}


# What there is


def account(key: str, within: str = "root", **values: Any) -> Thing:
    """An account in a unit: `name`, `email`, `state`, `joined`, `tags`, `number`; `retired` is said in the YAML."""
    given = {
        "name": f"acme-{key}",
        "email": f"{key}@example.com",
        "state": "ACTIVE",
        "joined": "CREATED",
        "tags": {},
        "retired": False,
    }
    return _thing("account", key, given | {"within": within}, values)


def unit(key: str, name: str = "", within: str = "root", **values: Any) -> Thing:
    """An organizational unit in another one: `tags`, `number`."""
    return _thing("unit", key, {"name": name or key, "within": within, "tags": {}}, values)


def policy(key: str, *targets: str, **values: Any) -> Thing:
    """A policy on the root, units and accounts: `name`, `document`, `type`, `description`, `tags`, `number`."""
    given = {"name": key, "document": DENY, "type": SCP, "description": "", "tags": {}, "targets": targets}
    return _thing("policy", key, given, values)


def user(key: str, **values: Any) -> Thing:
    """A user: `name` to sign in with, `given`, `family`, `shown`, `emails`, `external`, `number`; `title` at AWS."""
    mail = key if "@" in key else f"{key}@example.com"
    given = {"name": mail, "given": "Ana", "family": "Adler", "emails": (mail,), "external": False, "title": ""}
    given |= {"shown": f"{values.get('given', 'Ana')} {values.get('family', 'Adler')}"}
    return _thing("user", key, given, values)


def group(key: str, *members: str, **values: Any) -> Thing:
    """A group with users in it: `name`, `description`, `external`, `number`, `memberships` (another id of each)."""
    given = {"name": key, "description": "", "external": False, "members": members, "memberships": {}}
    return _thing("group", key, given, values)


def permission_set(key: str, *aws: str, **values: Any) -> Thing:
    """A permission set with policies of AWS: `customer`, `inline`, `boundary`, `session`, `relay_state`, `tags`.

    A customer managed policy is told by path and name, as `/teams/Billing`, one of AWS's by its name.
    """
    given = {"name": key, "aws": aws, "customer": (), "inline": "", "boundary": "", "description": ""}
    return _thing("permission set", key, given | {"session": None, "relay_state": "", "tags": {}}, values)


def grant(set_: str, who: str, *accounts: str, **values: Any) -> tuple[Thing, ...]:
    """A permission set for a group, or for a user, in accounts; `reason` and `until` are said in the YAML."""
    given = {"set": set_, "who": who, "reason": "", "until": ""}
    return tuple(_thing("grant", f"{set_} {who} {one}", {**given, "account": one}, values) for one in accounts)


def service(name: str) -> Thing:
    """A service with trusted access."""
    return Thing("service", name, {})


def policy_type(name: str) -> Thing:
    """A type of policies that is on; service control policies are, unless `gone("policy type", SCP)`."""
    return Thing("policy type", name, {})


def delegated(service_: str, account_: str) -> Thing:
    """A delegated administrator of a service."""
    return Thing("delegation", f"{service_} {account_}", {"service": service_, "account": account_})


def attribute(key: str, source: str) -> Thing:
    """An attribute for access control."""
    return Thing("attribute", key, {"source": source})


def root_access(*features: str) -> tuple[Thing, ...]:
    """Features of central root access."""
    return tuple(Thing("root access", one, {}) for one in features)


def ram_sharing() -> Thing:
    """Sharing of resources within the organization."""
    return Thing("ram sharing", "", {})


def entitlement(key: str, who: str, role: str) -> Thing:
    """A role that Account access manager gives a user."""
    return Thing("entitlement", key, {"who": who, "role": role})


def control(key: str, *, at: Mapping[str, Any] | None = None, **parameters: Any) -> Thing:
    """A control of security.yaml that is on.

    Args:
        key: its key there.
        at: what AWS or a state has otherwise, by region, or whatever there are several of (`controls.py`).
        parameters: what security.yaml says.
    """
    return Thing("control", key, {"at": at or {}, "parameters": parameters})


def layer(stack: str, resources: Mapping[str, Mapping[str, Any]]) -> Thing:
    """A layer of one's own: what its state has, by address."""
    return Thing("layer", stack, {"resources": resources})


def no_full_access(*places: str) -> tuple[Thing, ...]:
    """Units, accounts or the root that FullAWSAccess is not attached to."""
    return tuple(Thing("no full access", one, {"place": one}) for one in places)


def denied(action: str) -> Thing:
    """An action that whoever asks may not take."""
    return Thing("denial", action, {})


def _thing(kind: str, key: str, given: Mapping[str, Any], values: Mapping[str, Any]) -> Thing:
    if odd := set(values) - {*given, "number"}:
        raise TypeError(f"{kind} {key} has no {', '.join(sorted(odd))}")
    return Thing(kind, key, {**given, **values})


# What is otherwise


@dataclass(frozen=True)
class Gone:
    """Something that is there no more, and what goes with it."""

    at: tuple[str, str]


@dataclass(frozen=True)
class Changed:
    """Something that has other values."""

    at: tuple[str, str]
    values: Mapping[str, Any]


Change = Thing | Gone | Changed
Said = Change | Iterable["Said"]


def gone(kind: str | Iterable[Thing], key: str = "") -> Said:
    """Takes something away, told by kind and key, or what `grant` returns."""
    return Gone((kind, key)) if isinstance(kind, str) else tuple(Gone(one.at) for one in kind)


def changed(kind: str, key: str, **values: Any) -> Changed:
    """Gives something other values; `number` has it made again, with another id."""
    return Changed((kind, key), values)


# The sides


Things = Mapping[tuple[str, str], Thing]


@dataclass(frozen=True)
class Side:
    """What there is on one side: at AWS, in the states or in the YAML."""

    things: Things
    orphans: tuple[tuple[Thing, str, str], ...] = ()
    """Grants of who is gone, with the type and the id of whom they were for."""

    def of(self, kind: str) -> dict[str, Thing]:
        """Returns the things of a kind by key."""
        return self._by_kind.get(kind, {})

    @cached_property
    def _by_kind(self) -> dict[str, dict[str, Thing]]:
        found: dict[str, dict[str, Thing]] = {}
        for (kind, key), one in self.things.items():
            found.setdefault(kind, {})[key] = one
        return found

    def has(self, kind: str, key: str) -> bool:
        """Says whether a thing is there."""
        return (kind, key) in self.things

    def id(self, kind: str, key: str) -> str:
        """Returns the id of a thing."""
        return self.things[kind, key].id

    def place(self, key: str) -> str:
        """Returns the id of the root, a unit or an account."""
        return ROOT if key == "root" else self.id("unit" if self.has("unit", key) else "account", key)

    def principal(self, grant_: Thing) -> Thing:
        """Returns the group or user that a grant is for."""
        who = grant_["who"]
        return self.things["group", who] if self.has("group", who) else self.things["user", who]

    def membership(self, group_: Thing, member: str) -> str:
        """Returns the id of a membership."""
        own = group_["memberships"].get(member)
        return (
            id_of("group", "", own) if own else f"{group_.id[:8]}-{self.id('user', member)[4:8]}-4000-a000-000000000000"
        )

    def with_changes(self, said: Iterable[Said]) -> Side:
        """Returns the same after some changes."""
        side = self
        for one in _each(said):
            side = side._with(one)
        return side

    def _with(self, change: Change) -> Side:
        if isinstance(change, Thing):
            return replace(self, things={**self.things, change.at: change})
        if change.at not in self.things:
            raise ImpossibleError(f"there is no {' '.join(change.at)}")
        if isinstance(change, Changed):
            was = self.things[change.at]
            now = _thing(was.kind, was.key, was.values, change.values)
            return replace(self, things={**self.things, was.at: now})
        return self._without(self.things[change.at])

    def _without(self, was: Thing) -> Side:
        """As AWS does: policies are detached, members leave, and grants of a user or group stay as of a deleted one."""
        things, orphans = dict[tuple[str, str], Thing](), list(self.orphans)
        for one in self.things.values():
            if one.at == was.at:
                continue
            if one.kind == "grant" and was.kind in ("user", "group") and self.principal(one) == was:
                orphans.append((one, was.kind.upper(), was.id))
            elif not _names(one, was):
                things[one.at] = _without_mention(one, was)
        return Side(things, tuple(orphans))


def _each(said: Iterable[Said]) -> Iterator[Change]:
    for one in said:
        if isinstance(one, Thing | Gone | Changed):
            yield one
        else:
            yield from _each(one)


def _names(one: Thing, was: Thing) -> bool:
    """Says whether something goes with what it names."""
    part = _GOES_WITH.get((one.kind, was.kind))
    return part is not None and one[part] == was.key


_GOES_WITH = {
    ("grant", "account"): "account",
    ("grant", "permission set"): "set",
    ("delegation", "account"): "account",
    ("entitlement", "user"): "who",
    ("no full access", "account"): "place",
    ("no full access", "unit"): "place",
}
_MENTIONS = {("policy", "account"): "targets", ("policy", "unit"): "targets", ("group", "user"): "members"}


def _without_mention(one: Thing, was: Thing) -> Thing:
    if part := _MENTIONS.get((one.kind, was.kind)):
        return replace(one, values={**one.values, part: tuple(each for each in one[part] if each != was.key)})
    if (one.kind, was.kind) == ("policy", "policy type") and one["type"] == was.key:
        return replace(one, values={**one.values, "targets": ()})
    return one


NAMES = {"default_tags": True, "name": "acme", "short_name": "ac", "primary": "us-east-1", "secondary": "us-west-2"}


def described(*said: Said, **project: Any) -> tuple[Side, Mapping[str, Any]]:
    """Returns the side that a description says, and the names and regions of the project.

    Raises:
        ImpossibleError: AWS could not have that.
    """
    own = account("management", name="acme", email="aws@example.com", joined="INVITED")
    there = dict[tuple[str, str], Thing]()
    for one in [own, service("sso.amazonaws.com"), policy_type(SCP), *_each(said)]:
        assert isinstance(one, Thing)
        if one.at in there and one.key not in ("management", "sso.amazonaws.com", SCP):
            raise ImpossibleError(f"there are two of {one.kind} {one.key}")
        there[one.at] = one
    side = Side(there)
    require_possible(side)
    return side, {**NAMES, **project}


# What AWS could not have


def require_possible(side: Side) -> None:
    """Accepts what AWS could have.

    Raises:
        ImpossibleError: AWS could not.
    """
    for reason in (*_unknown(side), *_twice(side), *_odd(side)):
        raise ImpossibleError(reason)


def _unknown(side: Side) -> Iterator[str]:
    for one in (*side.of("account").values(), *side.of("unit").values()):
        if one["within"] != "root" and not side.has("unit", one["within"]):
            yield f"{one.kind} {one.key} is in unit {one['within']}, which is not there"
    places = {"root", *side.of("unit"), *side.of("account")}
    for one in side.of("policy").values():
        yield from (
            f"policy {one.key} is on {each}, which is not there" for each in one["targets"] if each not in places
        )
        if one["targets"] and not side.has("policy type", one["type"]):
            yield f"policy {one.key} is attached, and policies of the type {one['type']} are off"
    for one in side.of("group").values():
        strangers = [each for each in one["members"] if not side.has("user", each)]
        yield from (f"group {one.key} has the member {each}, which is no user" for each in strangers)
    for one in side.of("delegation").values():
        if one["account"] == "management" or not side.has("account", one["account"]):
            yield f"{one['account']} administers {one['service']}, and is no member account"
    yield from (reason for one in side.of("grant").values() for reason in _unknown_in(side, one))


def _unknown_in(side: Side, one: Thing) -> Iterator[str]:
    if not side.has("permission set", one["set"]):
        yield f"grant {one.key} is of a permission set that is not there"
    if not side.has("account", one["account"]):
        yield f"grant {one.key} is in an account that is not there"
    if side.has("group", one["who"]) is side.has("user", one["who"]):
        yield f"grant {one.key} is for {one['who']}, which is not one of a group and a user"


def _twice(side: Side) -> Iterator[str]:
    unique: dict[str, Callable[[Thing], Any]] = {
        "account": lambda one: one["email"].lower(),
        "unit": lambda one: (one["within"], one["name"]),
        "policy": lambda one: (one["type"], one["name"]),
        "user": lambda one: one["name"],
        "group": lambda one: one["name"],
        "permission set": lambda one: one["name"].lower(),
    }
    for kind, of in unique.items():
        met, ids = dict[Any, str](), dict[str, str]()
        for one in side.of(kind).values():
            if (said := of(one)) in met:
                yield f"{kind} {met[said]} and {kind} {one.key} have both {said if isinstance(said, str) else said[1]}"
            if one.id in ids:
                yield f"{kind} {ids[one.id]} and {kind} {one.key} have both the id {one.id}; give one another number"
            met[said], ids[one.id] = one.key, one.key


def _odd(side: Side) -> Iterator[str]:
    for one in side.of("permission set").values():
        if not SET_NAME.fullmatch(one["name"]):
            yield f"permission set {one.key} has a name that AWS refuses"
    for one in side.of("unit").values():
        passed, above = {one.key}, one["within"]
        while above != "root":
            if above in passed:
                yield f"unit {one.key} is in itself"
                break
            passed.add(above)
            above = side.things["unit", above]["within"]
