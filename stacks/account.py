"""The base of stacks in member accounts: a layer of one's own has one in each, with a provider of its own.

Not aliases of one provider: each takes 81 MB for the whole of a run, and any that is refused stops all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cdktf_cdktf_provider_aws.provider import AwsProviderAssumeRole
from constructs import Construct

from stacks import hcl
from stacks.base import BaseStack
from strata.config.layers import ROLE, Roles
from strata.config.limits import aws_limits
from strata.config.models import ACCESS_ROLE, PARTITION, Project
from strata.landing_zone.accounts import Account
from strata.landing_zone.detection import Recorders
from strata.landing_zone.inherited import Words, below, nearest


@dataclass(frozen=True)
class MemberAccount:
    """The account that a stack is in."""

    key: str
    id: str
    """Terraform's reference to its id, which is known once AWS has made it."""
    declared: Account
    """What the configuration says: name, e-mail address, unit, tags."""
    project: Project
    layer: str
    """The layer that the stack is of."""
    roles: Roles | None = None
    """The roles that its stacks assume, where that is not always the access role."""
    recorders: Recorders | None = None
    """Those of AWS Config, for the baseline that comes with Strata."""

    @property
    def regions(self) -> tuple[str, ...]:
        """Returns the governed regions that the account has enabled."""
        closed = aws_limits().opt_in_regions - {*self.declared.regions}
        return tuple(region for region in self.project.regions.all_governed if region not in closed)

    def nearest(self, words: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """Returns what counts for the account of words by place: `root`, `ou/KEY`, an account; the nearer wins."""
        return below(nearest(Words(place, (), words[place]) for place in self.declared.places if place in words))


class AccountStack(BaseStack):
    """A stack in a member account: its state is with all others, its provider assumes the access role of the account.

    Where the layer has other roles, it assumes the role that a run names, and the writer where none does.
    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_access.html
    """

    def __init__(self, scope: Construct, id: str, *, account: MemberAccount, region: str | None = None) -> None:
        self.account = account
        super().__init__(scope, id, project=account.project, region=region, layer=account.layer, account_id=account.id)
        if account.roles:
            description = "The role to assume: a plan takes another than an apply"
            variable = {
                "type": "string",
                "ephemeral": True,
                "default": account.roles.writer,
                "description": description,
            }
            self.add_override("variable", {ROLE: variable})

    def _role(self) -> list[AwsProviderAssumeRole]:
        arn: str = hcl.escaped(self, f"arn:{PARTITION}:iam::{self.account_id}:role/{ACCESS_ROLE}")
        if self.account.roles:
            (id,) = hcl.resolved(self, {"": self.account_id}).values()
            arn = hcl.template(f"arn:{PARTITION}:iam::", id, ":role/", hcl.interpolated(f"var.{ROLE}"))
        return [AwsProviderAssumeRole(role_arn=arn, session_name="strata")]
