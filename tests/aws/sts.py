"""Roles that are assumed: moto lets anybody assume any, whether it is there or not."""

from __future__ import annotations

from moto.iam.models import iam_backends

from tests.aws import late
from tests.aws.calls import Call, Parameters, Refused, Service
from tests.aws.organizations import access_role, is_active, is_member

sts = Service("sts")


@sts.answers("AssumeRole")
def assume_role(call: Call) -> Parameters | None:
    """Refuses a role that a member account does not have, or not yet, and every role of one that is suspended."""
    arn = str(call["RoleArn"])
    account, name = arn.split(":")[4], arn.rpartition("/")[2]
    can = is_active(account) and _has_role(account, name) and not late.look(access_role(account))
    if is_member(account) and not can:
        user = f"arn:aws:iam::{call.account}:root"
        raise Refused("AccessDenied", f"User: {user} is not authorized to perform: sts:AssumeRole on resource: {arn}")
    return None


def _has_role(account: str, name: str) -> bool:
    return any(role.name == name for role in iam_backends[account]["aws"].roles.values())
