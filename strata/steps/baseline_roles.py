"""Making and removing the reader and the writer of a baseline, by whoever is neither.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from strata.aws.questions import ResourceQuestion
from strata.aws.session import AwsError
from strata.errors import Message, StrataError
from strata.kinds.members.baseline_roles import HOUR, POLICY, SeenRole, by_hand, seen
from strata.landing_zone.baseline_roles import BaselineRole

READS = ("iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies")
"""The actions of IAM that a comparison needs, in the member account."""


def refusal(role: SeenRole, account: str) -> Message | None:
    """Returns why a role is left as it is, None where it is not: it is somebody else's."""
    if not role.is_foreign:
        return None
    name = role.wanted.name
    text = (
        f"account {account} has a role {name} that Strata did not make, as its tags or its path say: "
        f"{by_hand(account)}; or name other roles under roles in baseline.yaml"
    )
    return Message("role-of-others", text, account=account, role=name, parts=list(role.differs))


def make(ask: ResourceQuestion, wanted: BaselineRole, account: str) -> None:
    """Makes a role, or makes it what it should be; after a run that was broken off, the rest of that.

    Raises:
        StrataError: it is somebody else's by now, or AWS refuses, with its words.
    """
    with _refused(wanted.name, account):
        iam, role = ask.client("iam"), seen(ask, wanted)
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
        yield "update_role", {"Description": wanted.description, "MaxSessionDuration": HOUR}
    if "tags" in differs:
        yield "tag_role", {"Tags": tags}
    if not role.is_there or "policy" in differs:
        document = json.dumps(wanted.policy, separators=(",", ":"))
        yield "put_role_policy", {"PolicyName": POLICY, "PolicyDocument": document}


def _taking(role: SeenRole) -> Iterator[tuple[str, dict[str, Any]]]:
    for policy, is_attached in role.others.items():
        if is_attached:
            yield "detach_role_policy", {"PolicyArn": policy}
        else:
            yield "delete_role_policy", {"PolicyName": policy}


def remove(ask: ResourceQuestion, wanted: BaselineRole, account: str) -> None:
    """Deletes a role that Strata made.

    Raises:
        StrataError: AWS refuses, with its words.
    """
    with _refused(wanted.name, account):
        iam, role = ask.client("iam"), seen(ask, wanted)
        if not (role.is_there and role.is_ours):
            return
        for operation, parameters in _taking(role):
            getattr(iam, operation)(RoleName=wanted.name, **parameters)
        ask.unless_absent(partial(iam.delete_role_policy, RoleName=wanted.name, PolicyName=POLICY))
        iam.delete_role(RoleName=wanted.name)


@contextmanager
def _refused(name: str, account: str) -> Iterator[None]:
    try:
        yield
    except AwsError as error:
        text = f"the role {name} in account {account} is not as it should be: {error}"
        raise StrataError(Message("role-refused", text, account=account, role=name, code=error.code)) from error
