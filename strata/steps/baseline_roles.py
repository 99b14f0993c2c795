"""The reader and the writer of a baseline: no stack makes them, so that neither has a say in what it may do.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from strata.aws.session import AwsError, Client, unless_absent
from strata.config.layers import Layer
from strata.config.models import OWN_TAGS, PARTITION, Project
from strata.errors import Message, StrataError
from strata.landing_zone.permissions import layer_permissions
from strata.text import listed

READS = ("iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies")
"""The actions of IAM that a comparison needs, in the member account."""
_POLICY = "baseline"
"""The name of the inline policy."""
_HOUR = 3600
_ABSENT = ("NoSuchEntity", "NoSuchEntityException")


@dataclass(frozen=True)
class BaselineRole:
    """A role as Strata makes it in each member account."""

    name: str
    description: str
    trust: Mapping[str, Any]
    policy: Mapping[str, Any]
    tags: Mapping[str, str]

    def as_json(self) -> list[Any]:
        """Returns all that it is made of."""
        return [self.name, self.description, self.trust, self.policy, self.tags]


def baseline_roles(project: Project, layer: Layer) -> tuple[BaselineRole, ...]:
    """Returns the reader and the writer of a baseline that names no others; whom they let in is decided by IAM there.

    They have the tags by which Strata knows them whatever project.yaml says of tags.
    """
    management = {"AWS": f"arn:{PARTITION}:iam::{project.management_account.id}:root"}
    statement = {"Effect": "Allow", "Principal": management, "Action": "sts:AssumeRole"}
    trust, policies = {"Version": "2012-10-17", "Statement": [statement]}, layer_permissions(project, layer)
    tags = {**project.tags, **dict(zip(OWN_TAGS, (project.name, layer.name, "strata"), strict=True))}
    words = {"reader": "Strata plans the baseline of this account", "writer": "Strata deploys the baseline"}
    return tuple(
        BaselineRole(getattr(layer.roles, part), words[part], trust, policies[f"{layer.name}/{part}"], tags)
        for part in words
    )


@dataclass(frozen=True)
class SeenRole:
    """How an account has such a role."""

    wanted: BaselineRole
    is_there: bool = True
    is_ours: bool = True
    """It has the tags by which Strata knows it."""
    differs: tuple[str, ...] = ()
    """Its parts that are not as Strata makes them."""
    others: Mapping[str, bool] = field(default_factory=dict)
    """The policies that others gave it: the ARNs of those attached, and the names of those within."""

    @property
    def as_wanted(self) -> bool:
        """Returns whether it is there, and as Strata makes it."""
        return self.is_there and not self.differs

    @property
    def is_foreign(self) -> bool:
        """Returns whether somebody else made it, for something else."""
        return self.is_there and not self.is_ours and {*self.differs} > {"tags"}

    def setting(self) -> Iterator[Message]:
        """Yields the step that makes it what it should be."""
        name, parts = self.wanted.name, [*self.differs]
        if not self.is_there:
            yield Message("role-to-make", f"make the role {name}", role=name)
        elif parts:
            yield Message("role-to-set", f"set {listed(parts)} of the role {name}", role=name, parts=parts)

    def deleting(self) -> Iterator[Message]:
        """Yields the step that deletes it."""
        if self.is_there and self.is_ours:
            yield Message("role-to-delete", f"delete the role {self.wanted.name}", role=self.wanted.name)


def seen(iam: Client, wanted: BaselineRole) -> SeenRole:
    """Returns how an account has a role.

    Raises:
        AwsError: AWS does not say it.
    """
    answer = unless_absent(partial(iam.get_role, RoleName=wanted.name), _ABSENT)
    if answer is None:
        return SeenRole(wanted, is_there=False)
    role, named = answer["Role"], {"RoleName": wanted.name}
    tags = {tag["Key"]: tag["Value"] for tag in role.get("Tags", ())}
    inline = [*iam.items("list_role_policies", "PolicyNames[]", **named)]
    attached = [*iam.items("list_attached_role_policies", "AttachedPolicies[].PolicyArn", **named)]
    policy = iam.get_role_policy(**named, PolicyName=_POLICY)["PolicyDocument"] if _POLICY in inline else None
    others = {**dict.fromkeys(sorted(attached), True), **{name: False for name in sorted(inline) if name != _POLICY}}
    same = {
        "path": role["Path"] == "/",
        "trust": role["AssumeRolePolicyDocument"] == wanted.trust,
        "policy": policy == wanted.policy,
        "other policies": not others,
        "boundary": not role.get("PermissionsBoundary"),
        "description": role.get("Description") == wanted.description,
        "session": role.get("MaxSessionDuration", _HOUR) == _HOUR,
        "tags": wanted.tags.items() <= tags.items(),
    }
    ours = all(tags.get(name) == wanted.tags[name] for name in OWN_TAGS)
    return SeenRole(wanted, True, ours, tuple(part for part in same if not same[part]), others)


def refusal(role: SeenRole, account: str) -> Message | None:
    """Returns why a role is left as it is, None where it is not: it is somebody else's."""
    if not role.is_foreign:
        return None
    name = role.wanted.name
    text = (
        f"account {account} has a role {name} that Strata did not make: name other roles under roles in "
        f"baseline.yaml, or delete it"
    )
    return Message("role-of-others", text, account=account, role=name, parts=list(role.differs))


def set_role(iam: Client, wanted: BaselineRole, account: str) -> None:
    """Makes a role, or makes it what it should be; after a run that was broken off, the rest of that.

    Raises:
        StrataError: it is somebody else's by now, or AWS refuses, with its words.
    """
    with _refused(wanted.name, account):
        role = seen(iam, wanted)
        if why := refusal(role, account):
            raise StrataError(why)
        for operation, parameters in _calls(role):
            getattr(iam, operation)(RoleName=wanted.name, **parameters)


def _calls(role: SeenRole) -> Iterator[tuple[str, dict[str, Any]]]:
    wanted, differs = role.wanted, {*role.differs}
    tags = [{"Key": key, "Value": value} for key, value in wanted.tags.items()]
    if not role.is_there:
        trust = json.dumps(wanted.trust)
        yield (
            "create_role",
            {"AssumeRolePolicyDocument": trust, "Description": wanted.description, "Tags": tags},
        )
    if "boundary" in differs:
        yield "delete_role_permissions_boundary", {}
    if "trust" in differs:
        yield "update_assume_role_policy", {"PolicyDocument": json.dumps(wanted.trust)}
    yield from _taking(role)
    if differs & {"description", "session"}:
        yield "update_role", {"Description": wanted.description, "MaxSessionDuration": _HOUR}
    if "tags" in differs:
        yield "tag_role", {"Tags": tags}
    if not role.is_there or "policy" in differs:
        document = json.dumps(wanted.policy, separators=(",", ":"))
        yield "put_role_policy", {"PolicyName": _POLICY, "PolicyDocument": document}


def _taking(role: SeenRole) -> Iterator[tuple[str, dict[str, Any]]]:
    for policy, is_attached in role.others.items():
        if is_attached:
            yield "detach_role_policy", {"PolicyArn": policy}
        else:
            yield "delete_role_policy", {"PolicyName": policy}


def delete_role(iam: Client, wanted: BaselineRole, account: str) -> None:
    """Deletes a role that Strata made.

    Raises:
        StrataError: AWS refuses, with its words.
    """
    with _refused(wanted.name, account):
        role = seen(iam, wanted)
        if not (role.is_there and role.is_ours):
            return
        for operation, parameters in _taking(role):
            getattr(iam, operation)(RoleName=wanted.name, **parameters)
        own = partial(iam.delete_role_policy, RoleName=wanted.name, PolicyName=_POLICY)
        unless_absent(own, _ABSENT)
        iam.delete_role(RoleName=wanted.name)


@contextmanager
def _refused(name: str, account: str) -> Iterator[None]:
    try:
        yield
    except AwsError as error:
        text = f"the role {name} in account {account} is not as it should be: {error}"
        raise StrataError(Message("role-refused", text, account=account, role=name, code=error.code)) from error
