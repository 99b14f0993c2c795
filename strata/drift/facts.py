"""One fact as one side has it: declared, recorded or live; the same fact has the same kind and name on each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from strata.config.models import Project, RegionalSetting, Setting
from strata.config.source import Location
from strata.landing_zone.permission_sets import AWS_MANAGED

ACCOUNT, UNIT, POLICY_TYPE, POLICY, ATTACHMENT = (
    "account",
    "organizational unit",
    "policy type",
    "policy",
    "attachment",
)
TRUSTED, DELEGATED, ROOT_FEATURE = "trusted service", "delegated administrator", "central root access"
USER, GROUP, MEMBERSHIP, ATTRIBUTE = "user", "group", "membership", "attribute for access control"
SET, SET_POLICY, INLINE, BOUNDARY = "permission set", "permission set policy", "inline policy", "permissions boundary"
ASSIGNMENT, ENTITLEMENT, SETTING, CONTROL = "assignment", "entitlement", "setting", "control"

STACKS: Mapping[str, str] = {
    ASSIGNMENT: "sso",
    ENTITLEMENT: "sso",
    MEMBERSHIP: "sso",
    BOUNDARY: "sso",
    INLINE: "sso",
    SET_POLICY: "sso",
    SET: "sso",
    GROUP: "sso",
    USER: "sso",
    ATTRIBUTE: "sso",
    ATTACHMENT: "organizations",
    POLICY: "organizations",
    DELEGATED: "organizations",
    ACCOUNT: "organizations",
    UNIT: "organizations",
    POLICY_TYPE: "organizations",
    ROOT_FEATURE: "organizations",
    TRUSTED: "organizations",
    SETTING: "security",
    CONTROL: "security",
}
"""The stack of each kind, what hangs on others first: lines that take something back work in this order."""


class Recorded(Enum):
    """Stands for the value of a fact that the configuration takes as the state has it."""

    AS_IT_IS = "as it is"


@dataclass(frozen=True)
class Fact:
    """A fact of one side.

    Attributes:
        values: what is compared, by attribute; the configuration has those that a deploy would put back.
        by_default: those of its attributes that no file writes: a deploy leaves them, and their default counts.
        file: the file that declares it, and where in it.
        ids: how AWS calls it and what it hangs on.
        thing: what AWS has of it, by the word and id by which `strata adopt` writes it; empty where it writes none.
        undo: the AWS CLI lines that take it away.
        rights: what it lets people do, or keeps them from, where nobody declares it: somebody may put more into it.
        noted: whether the state notes that it is on, as the last deploy found it, and no deploy switches it off.
        apart: whether it is in an account that is left to others, of which `strata adopt` writes nothing.
        external: whether an identity provider looks after it, so that a deploy only looks it up by its name.
    """

    kind: str
    name: str
    values: Mapping[str, Any] = field(default_factory=dict)
    file: str = ""
    location: Location = ()
    ids: Mapping[str, str] = field(default_factory=dict)
    thing: tuple[str, str] = ("", "")
    undo: tuple[str, ...] = ()
    rights: Any = None
    noted: bool = False
    apart: bool = False
    external: bool = False
    by_default: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


Side = Mapping[tuple[str, str], Fact]
"""The facts of a side by kind and name."""


def spelled(kind: str, name: str) -> str:
    """Returns a fact as KIND:NAME, by which `strata adopt` takes it."""
    return f"{kind.replace(' ', '-')}:{name}"


def side(*facts: Fact) -> dict[tuple[str, str], Fact]:
    """Returns facts by kind and name."""
    return {(one.kind, one.name): one for one in facts}


def assigned(permission_set: str, principal_type: str, principal: str, account: str) -> str:
    """Returns the name of an assignment."""
    return f"{permission_set} of {principal_type.lower()} {principal} in {account}"


def attached(policy: str, target: str, key: str = "") -> str:
    """Returns the name of an attachment, by what the target is and its key."""
    return f"{policy} on {target} {key}".strip()


def member(user: str, group: str) -> str:
    """Returns the name of a membership."""
    return f"user {user} in group {group}"


def delegated(account: str, service: str) -> str:
    """Returns the name of a delegated administrator."""
    return f"{account} of {service}"


def in_set(policy: str, permission_set: str) -> str:
    """Returns the name of a policy that a permission set has."""
    return f"{policy} in {permission_set}"


def aws_policy(arn: str) -> str:
    """Returns the name of one of AWS's policies, by its ARN or what an ARN ends with."""
    return f"AWS {arn.removeprefix(AWS_MANAGED)}"


def own_policy(name: str, path: str) -> str:
    """Returns the name of a customer managed policy with its path."""
    return f"{path}{name}"


def entitled(role: str, principal: str, id: str) -> str:
    """Returns the name of an entitlement: a role may be given twice."""
    return f"{role} of {principal} ({id})" if id else f"{role} of {principal}"


def settings_in(found: Mapping[str, Any], arguments: Iterable[str]) -> dict[str, Any]:
    """Returns the values of arguments; AWS leaves out what is not set, where Terraform has zero or an empty text."""
    return {argument: 0 if found.get(argument) in (None, "") else found[argument] for argument in arguments}


def regions_of(control: Setting, project: Project) -> tuple[str, ...]:
    """Returns the regions that have a setting of their own; an empty one for what the whole account has."""
    return project.regions.all_governed if isinstance(control, RegionalSetting) else ("",)


def set_in(key: str, region: str) -> str:
    """Returns the name of a setting of security.yaml, in a region unless the whole account has it."""
    return f"{key} in {region}" if region else key


def key_of(name: str) -> str:
    """Returns the key of security.yaml in the name of a setting or a control."""
    return name.partition(" ")[0]
