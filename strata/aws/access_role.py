"""The role of member accounts that we assume: whether it lets the caller in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from strata.aws.organization import list_accounts
from strata.aws.session import Aws, AwsError, asked_at_once
from strata.config.layers import Layer
from strata.config.models import ACCESS_ROLE, PARTITION
from strata.text import folded, plural

_PAGE = "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_create-cross-account-role.html"


def entered(aws: Aws, account: str, role: str = ACCESS_ROLE) -> Aws:
    """Returns AWS as a role of an account sees it, for an hour.

    Raises:
        AwsError: the role cannot be assumed.
    """
    return aws.assuming(_arn(account, role))


def _arn(account: str, role: str) -> str:
    return f"arn:{PARTITION}:iam::{account}:role/{role}"


def closed_to_us(aws: Aws, accounts: Mapping[str, str], role: str = ACCESS_ROLE) -> dict[str, AwsError]:
    """Returns the accounts whose role cannot be assumed with why, by key, by an attempt at each.

    AWS makes the access role in accounts that it creates. An invited account has none, and a suspended account lets
    nobody in.

    Args:
        aws: the management account.
        accounts: the id of each account by key.

    Raises:
        AwsError: AWS does not take the caller's own credentials.
    """
    sts = aws.client("sts")  # before the threads: boto3 makes one client at a time

    def refused(account: str) -> AwsError | None:
        try:
            sts.assume_role(RoleArn=_arn(account, role), RoleSessionName="strata")
        except AwsError as error:
            if error.args[0].id in ("sign-in-expired", "credentials-rejected"):
                raise
            return error
        return None

    refusals = asked_at_once(refused, accounts.values())
    return {key: why for key, why in zip(accounts, refusals, strict=True) if why}


def way(role: str, layers: Mapping[str, Layer]) -> str:
    """Returns how layers, by name, get a role that cannot be assumed."""
    if role == ACCESS_ROLE:
        return f"allow sts:AssumeRole on it, or create it there, see {_PAGE}"
    policies = [f"{name}/{part}" for name, layer in layers.items() for part, named in layer.roles if named == role]
    prints = plural(len(policies), "prints its policy", "print its policies")
    trust = "and it trusts the management account"
    return f"allow sts:AssumeRole on it, or make it: strata permissions {' and '.join(policies)} {prints}, {trust}"


def account_ids(state: Mapping[str, object], keys: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yields key and id of the accounts that the state of `organizations` has."""
    outputs = state.get("outputs")
    ids = outputs.get("account_ids", {}).get("value", {}) if isinstance(outputs, Mapping) else {}
    yield from ((key, str(ids[key])) for key in keys if key in ids)


def ids_of_accounts(aws: Aws, state: Mapping[str, object], emails: Mapping[str, str]) -> dict[str, str]:
    """Returns the id of each account by key: before the first deploy has a state, as AWS has it by its address.

    Args:
        state: that of `organizations`.
        emails: the address of each account by key.
    """
    if state:
        return dict(account_ids(state, emails))
    there = {folded(account.email): account.id for account in list_accounts(aws) if not account.shut}
    return {key: there[folded(email)] for key, email in emails.items() if folded(email) in there}
