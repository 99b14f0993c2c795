"""Accounts and organizational units that come, go and move."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from strata.diff.change import Change, Topic
from strata.landing_zone import MANAGEMENT, LandingZone
from strata.landing_zone.accounts import Account
from strata.landing_zone.units import Unit
from strata.text import folded


def account_changes(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    """Yields the changes of accounts and units."""
    yield from _management(before, after)
    yield from _accounts(before, after)
    yield from _units(before.units, after.units)
    old, new = set(before.organization.unmanaged_accounts), set(after.organization.unmanaged_accounts)
    for entry in sorted(new - old):
        yield Change(Topic.ACCOUNTS, f"{entry} becomes an unmanaged account", "accounts")
    for entry in sorted(old - new):
        yield Change(Topic.ACCOUNTS, f"{entry} is no longer an unmanaged account")


def _management(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    old, new = before.project.management_account, after.project.management_account
    if old.id != new.id:
        yield Change(Topic.ACCOUNTS, f"the management account is {new.id}, no longer {old.id}", "accounts")
    for part in ("name", "email"):
        was, will_be = getattr(old, part), getattr(new, part)
        if was != will_be:
            yield Change(Topic.ACCOUNTS, f"the management account is expected to have the {part} {will_be}, not {was}")


def _accounts(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    old, new = before.accounts, after.accounts
    for key in sorted(new.keys() - old.keys()):
        text = f"account {key} will be created in {new[key].unit}, or imported if AWS has {new[key].email} already"
        if key in before.retired:
            text = f"account {key} comes back in {new[key].unit}, {new[key].email}"
        yield Change(Topic.ACCOUNTS, text)
    for key in sorted(old.keys() - new.keys()):
        if key in after.retired:
            text = f"account {key} will be retired: Strata removes it from the state and leaves it running"
        else:
            text = f"account {key} is no longer declared: a deploy stops unless it is retired or unmanaged"
        yield Change(Topic.ACCOUNTS, text, "accounts")
    for key in sorted((old.keys() & new.keys()) - {MANAGEMENT}):
        yield from _account(old[key], new[key])


def _account(old: Account, new: Account) -> Iterator[Change]:
    key = old.key
    if old.unit != new.unit:
        yield Change(Topic.ACCOUNTS, f"account {key} moves from {old.unit} to {new.unit}")
    if folded(old.email) != folded(new.email):
        text = f"account {key} has the e-mail {new.email}, not {old.email}: for AWS that is another account"
        yield Change(Topic.ACCOUNTS, text, "accounts")
    if new.keeps_tags and not old.keeps_tags:
        yield Change(Topic.ACCOUNTS, f"account {key} keeps its tags, which organization.yaml no longer writes")
    if old.name != new.name:
        yield Change(Topic.ACCOUNTS, f"account {key} is named {new.name}, no longer {old.name}")


def _units(old: Mapping[str, Unit], new: Mapping[str, Unit]) -> Iterator[Change]:
    for key in sorted(new.keys() - old.keys()):
        yield Change(Topic.ACCOUNTS, f"organizational unit {key} will be created below {new[key].parent or 'root'}")
    for key in sorted(old.keys() - new.keys()):
        yield Change(Topic.ACCOUNTS, f"organizational unit {key} will be deleted")
    for key in sorted(old.keys() & new.keys()):
        if old[key].name != new[key].name:
            yield Change(
                Topic.ACCOUNTS, f"organizational unit {key} is named {new[key].name}, no longer {old[key].name}"
            )
