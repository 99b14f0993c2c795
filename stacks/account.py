"""The base of stacks in member accounts: a layer of one's own has one in each, with a provider of its own.

Not aliases of one provider: each takes 81 MB for the whole of a run, and one that is refused stops all.
"""

from __future__ import annotations

from dataclasses import dataclass

from cdktf_cdktf_provider_aws.provider import AwsProviderAssumeRole
from constructs import Construct

from stacks.base import BaseStack
from strata.config.models import ACCESS_ROLE, PARTITION, Project
from strata.landing_zone.accounts import Account


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


class AccountStack(BaseStack):
    """A stack in a member account: its state is with all others, its provider assumes the access role of the account.

    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_access.html
    """

    def __init__(self, scope: Construct, id: str, *, account: MemberAccount, region: str | None = None) -> None:
        super().__init__(scope, id, project=account.project, region=region, layer=account.layer, account_id=account.id)
        self.account = account

    def _role(self) -> list[AwsProviderAssumeRole]:
        arn = self._written(f"arn:{PARTITION}:iam::{self.account_id}:role/{ACCESS_ROLE}")
        return [AwsProviderAssumeRole(role_arn=arn, session_name="strata")]
