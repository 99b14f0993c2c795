"""Reads which opt-in regions accounts have enabled, by the management account."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from strata.aws.session import DENIED, Aws, AwsError, asked_at_once
from strata.config.limits import aws_limits
from strata.inventory.pace import Pace

_PER_SECOND = 4
"""AWS allows 5 requests of ListRegions a second: https://docs.aws.amazon.com/accounts/latest/reference/quotas.html"""


def enabled_regions(aws: Aws, own: str, ids: Collection[str]) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """Returns the enabled opt-in regions of accounts by id, and of the others AWS's words.

    Args:
        aws: the management account.
        own: its id, without which it is asked.
        ids: the accounts.

    Raises:
        AwsError: the credentials have expired.
    """
    asking = replace(aws, before_send=Pace(_PER_SECOND).wait)

    def ask(id: str) -> tuple[str, ...] | AwsError:
        try:
            return _enabled(asking, {} if id == own else {"AccountId": id})
        except AwsError as error:
            if error.args[0].id == "sign-in-expired":
                raise
            return error

    enabled, unread = dict[str, tuple[str, ...]](), dict[str, str]()
    for id, answer in zip(ids, asked_at_once(ask, ids), strict=True):
        if isinstance(answer, AwsError):
            way = "; it takes trusted access for account.amazonaws.com" if id != own and answer.code in DENIED else ""
            unread[id] = f"{answer}{way}"
        else:
            enabled[id] = answer
    return enabled, unread


def _enabled(aws: Aws, of: dict[str, Any]) -> tuple[str, ...]:
    listed = aws.client("account").items("list_regions", "Regions", PaginationConfig={"PageSize": 50}, **of)
    enabled = {region["RegionName"] for region in listed if region["RegionOptStatus"] == "ENABLED"}
    return tuple(sorted(enabled & aws_limits().opt_in_regions))
