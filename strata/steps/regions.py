"""Opt-in regions: which an account has enabled, and enabling those that are wanted, without waiting for it.

The provider's resource waits up to an hour for each, and takes a region that is being enabled for one that is off.
https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from strata.aws.session import DENIED, THROTTLED, Aws, AwsError, asked_at_once
from strata.errors import Message
from strata.inventory.pace import Pace

READS = ("account:ListRegions",)
"""The actions of IAM that reading needs, in the management account."""
ENABLES = ("account:EnableRegion",)
"""The actions that enabling needs besides."""

Status = Literal["enabled", "enabling", "disabled", "disabling", "enabled_by_default"]

_LISTED, _ENABLED = 4, 1
"""Requests a second: AWS allows 5 of ListRegions and 1 of EnableRegion, and so many requests in progress at once:
https://docs.aws.amazon.com/accounts/latest/reference/quotas.html"""
_OF_AN_ACCOUNT, _OF_AN_ORGANIZATION = 6, 50


@dataclass(frozen=True)
class AccountRegions:
    """The regions of an account.

    Attributes:
        member: whether it is another account than the one that asks: the management account is asked without its id.
        statuses: what AWS says of each region that it has.
        wanted: the regions that the configuration names.
    """

    key: str
    id: str
    member: bool
    statuses: Mapping[str, Status]
    wanted: frozenset[str]

    def wanted_of(self, *statuses: Status) -> list[str]:
        """Returns the wanted regions that have one of these statuses."""
        return sorted(region for region in self.wanted if self.statuses.get(region) in statuses)

    @property
    def in_progress(self) -> int:
        """Returns how many regions are being enabled or disabled, whoever asked for it."""
        return sum(status in ("enabling", "disabling") for status in self.statuses.values())

    @property
    def unknown(self) -> list[str]:
        """Returns the wanted regions that AWS does not have."""
        return sorted(self.wanted - self.statuses.keys())


@dataclass(frozen=True)
class RegionSurvey:
    """The regions of many accounts.

    Attributes:
        accounts: in the order in which they were asked for.
        unread: why AWS does not say them of an account, by key.
    """

    accounts: tuple[AccountRegions, ...]
    unread: Mapping[str, Message]


@dataclass(frozen=True)
class RegionRequests:
    """What was asked of AWS; each account by key and its region.

    Attributes:
        asked: those that AWS began to enable now.
        enabling: those that were being enabled already.
        left: those for the next run: AWS enables only so many at a time, and none that is being disabled.
        refused: those that AWS does not enable, with its words.
    """

    asked: tuple[tuple[str, str], ...]
    enabling: tuple[tuple[str, str], ...]
    left: tuple[tuple[str, str], ...]
    refused: Mapping[tuple[str, str], Message]


def survey(aws: Aws, accounts: Mapping[str, str], wanted: Mapping[str, Collection[str]]) -> RegionSurvey:
    """Returns what AWS says of the regions of accounts, by the management account.

    Args:
        aws: the management account.
        accounts: the id of each account by key.
        wanted: the regions by key that the configuration names, those of accounts without any may be absent.

    Raises:
        AwsError: the credentials have expired.
    """
    asking = replace(aws, before_send=Pace(_LISTED).wait)
    own = aws.session.account or aws.caller().account

    def ask(key: str) -> AccountRegions | Message:
        member = accounts[key] != own
        try:
            statuses = _statuses(asking, accounts[key] if member else None)
        except AwsError as error:
            if error.args[0].id == "sign-in-expired":
                raise
            return _unread(key, accounts[key], error, member=member)
        return AccountRegions(key, accounts[key], member, statuses, frozenset(wanted.get(key, ())))

    answers = dict(zip(accounts, asked_at_once(ask, accounts), strict=True))
    return RegionSurvey(
        tuple(answer for answer in answers.values() if isinstance(answer, AccountRegions)),
        {key: answer for key, answer in answers.items() if isinstance(answer, Message)},
    )


def _statuses(aws: Aws, member: str | None) -> dict[str, Status]:
    of = {"AccountId": member} if member else {}
    regions = aws.client("account").items("list_regions", "Regions", PaginationConfig={"PageSize": 50}, **of)
    return {region["RegionName"]: region["RegionOptStatus"].lower() for region in regions}


def _unread(key: str, id: str, error: AwsError, *, member: bool) -> Message:
    way = "; it takes trusted access for account.amazonaws.com" if member and error.code in DENIED else ""
    text = f"the regions of account {key} ({id}) cannot be read: {error}{way}"
    return Message("regions-unread", text, account=key, code=error.code)


def ask(aws: Aws, surveyed: RegionSurvey) -> RegionRequests:
    """Asks AWS to enable the regions that are wanted and disabled, as many as it does at a time; waits for none.

    Raises:
        AwsError: the credentials have expired. What was asked for is found by the next survey.
    """
    asking = replace(aws, before_send=Pace(_ENABLED).wait)
    outcomes: dict[tuple[str, str], _Outcome | Message] = {}
    free = _OF_AN_ORGANIZATION - sum(account.in_progress for account in surveyed.accounts)
    for account in surveyed.accounts:
        outcomes |= {(account.key, region): "enabling" for region in account.wanted_of("enabling")}
        outcomes |= {(account.key, region): "left" for region in account.wanted_of("disabling")}
        free_here = _OF_AN_ACCOUNT - account.in_progress
        for region in account.wanted_of("disabled"):
            outcome = _enable(asking, account, region) if min(free, free_here) > 0 else "left"
            outcomes[account.key, region] = outcome
            if outcome in ("asked", "enabling"):
                free, free_here = free - 1, free_here - 1
            elif outcome == "throttled":  # others of the organization are in progress, which were not read
                free = 0

    def those(*kinds: _Outcome) -> tuple[tuple[str, str], ...]:
        return tuple(one for one, outcome in outcomes.items() if outcome in kinds)

    refused = {one: outcome for one, outcome in outcomes.items() if isinstance(outcome, Message)}
    return RegionRequests(those("asked"), those("enabling"), those("left", "throttled"), refused)


_Outcome = Literal["asked", "enabling", "left", "throttled"]


def _enable(aws: Aws, account: AccountRegions, region: str) -> _Outcome | Message:
    """Asks for a region; that AWS has no room for it, or began before somebody heard of it, is no refusal."""
    of = {"AccountId": account.id} if account.member else {}
    try:
        aws.client("account").enable_region(RegionName=region, **of)
    except AwsError as error:
        if error.args[0].id == "sign-in-expired":
            raise
        if error.code in THROTTLED:
            return "throttled"
        if error.code in _OTHERWISE:
            match _statuses(aws, of.get("AccountId")).get(region):
                case "enabling" | "enabled":
                    return "enabling"
                case "disabling":
                    return "left"
        text = f"{region} cannot be enabled in account {account.key} ({account.id}): {error}"
        return Message("region-refused", text, account=account.key, region=region, code=error.code)
    return "asked"


_OTHERWISE = frozenset({"ConflictException", "ValidationException"})
"""What AWS says where the region is not disabled any more:
https://docs.aws.amazon.com/accounts/latest/reference/API_EnableRegion.html"""
