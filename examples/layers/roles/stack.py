"""The layer `roles`: a role in each member account, which jobs at GitHub assume without a key."""

from cdktf_cdktf_provider_aws.iam_openid_connect_provider import IamOpenidConnectProvider
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment
from constructs import Construct

from stacks.account import AccountStack, MemberAccount
from stacks.base import policy_json
from stacks.layers.roles.model import Settings

ISSUER, AUDIENCE = "token.actions.githubusercontent.com", "sts.amazonaws.com"


class Stack(AccountStack):
    """The role of one account."""

    def __init__(self, scope: Construct, id: str, *, account: MemberAccount, settings: Settings) -> None:
        super().__init__(scope, id, account=account)
        provider = self.add(IamOpenidConnectProvider, "github", url=f"https://{ISSUER}", client_id_list=[AUDIENCE])
        claims = {f"{ISSUER}:aud": AUDIENCE, f"{ISSUER}:sub": settings.subject}
        jobs = {
            "Effect": "Allow",
            "Principal": {"Federated": provider.arn},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": claims},
        }
        trust = policy_json({"Version": "2012-10-17", "Statement": [jobs]})
        role = self.add(IamRole, "deployer", name=settings.name, assume_role_policy=trust)
        self.add(IamRolePolicyAttachment, "deployer", role=role.name, policy_arn=settings.policy)
