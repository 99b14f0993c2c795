"""What somebody asks first of a landing zone, as data: who administers it, what is open, what ends soon."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from strata.config.models import MANAGEMENT, Control, Mode, PolicyType
from strata.evaluation.administrators import allows_everything
from strata.landing_zone import LandingZone
from strata.landing_zone.expiry import Ending, endings, where
from strata.landing_zone.groups import may_be_in
from strata.report.access import Access, GroupedAccess, bundles, empty_groups, undecided
from strata.report.guardrails import GuardrailAnswers

SOON = dt.timedelta(days=30)
"""How long before its last day an assignment ends soon."""

ADMINISTRATORS_ARE = (
    "all through Identity Center; IAM users and roles of the management account, and its root user, are not read"
)


@dataclass(frozen=True)
class Overview:
    """The answers, once for every format."""

    landing_zone: LandingZone
    as_of: dt.date
    access: Sequence[Access]
    guardrails: GuardrailAnswers

    # Who administers

    @cached_property
    def full(self) -> frozenset[str]:
        """Returns the permission sets that allow everything, but for break-glass."""
        sets = self.landing_zone.permission_sets.items()
        return frozenset(key for key, held in sets if allows_everything(held) and held.option != "break_glass")

    @cached_property
    def not_known(self) -> frozenset[str]:
        """Returns the permission sets of others that nobody has read: each may allow everything."""
        return frozenset(key for key, held in self.landing_zone.permission_sets.items() if not held.is_known)

    def administrators(self, *, everything: bool, known: bool = True) -> list[GroupedAccess]:
        """Returns full access to everything or, where it is not asked for, to single accounts.

        Args:
            everything: whether it reaches all accounts.
            known: false for the access of which nobody knows whether it is full.
        """
        sets = self.full if known else self.not_known
        accesses = [access for access in self.access if access.permission_set in sets]
        # The management account reaches every member by its access role.
        above = {access.holder for access in accesses if access.account == MANAGEMENT}
        return bundles(access for access in accesses if (access.holder in above) is everything)

    def break_glass(self) -> list[GroupedAccess]:
        """Returns the access for emergencies."""
        sets = self.landing_zone.permission_sets
        return bundles(access for access in self.access if sets[access.permission_set].option == "break_glass")

    # What ends, what is open

    def ending(self, *, over: bool) -> list[Ending]:
        """Returns assignments whose last day is over and that AWS still gives, or those that end within 30 days."""
        return [ending for ending in endings(self.landing_zone, self.as_of, SOON) if ending.expired(self.as_of) is over]

    @property
    def unbound(self) -> list[str] | None:
        """Returns the accounts that no SCP binds; None where AWS has an SCP that nothing here describes."""
        return None if self.landing_zone.has_undescribed(PolicyType.SERVICE_CONTROL) else self.landing_zone.unbound

    def controls(self, mode: Mode) -> list[str]:
        """Returns the controls in a mode; one that opens something is fine where it is off."""
        controls: dict[str, Control] = self.landing_zone.security.controls
        fine = mode is Mode.OFF
        return [name for name, control in controls.items() if control.mode is mode and not (fine and control.opens)]

    # People: those with access, without it and of unknown access make all

    @cached_property
    def with_access(self) -> frozenset[str]:
        """Returns the people who have access for certain."""
        return frozenset(access.holder.key for access in self.access if not access.holder.external)

    @cached_property
    def without_access(self) -> list[str]:
        """Returns the people who have no permission set anywhere."""
        users = self.landing_zone.users
        return [key for key in users if key not in self.with_access and key not in self.unknown_access]

    @cached_property
    def unknown_access(self) -> Mapping[str, list[str]]:
        """Returns the people whose access is unknown, with the groups that decide it."""
        deciding = {
            key: undecided(self.landing_zone, key) for key in self.landing_zone.users if key not in self.with_access
        }
        return {key: groups for key, groups in deciding.items() if groups}

    @cached_property
    def unknown_groups(self) -> Mapping[str, list[str]]:
        """Returns the people of whom nobody here knows whether they are in a group, with those that they may be in."""
        groups = self.landing_zone.groups
        maybe = {key: sorted(may_be_in(self.landing_zone.users[key], groups)) for key in self._ungrouped}
        return {key: its for key, its in maybe.items() if its}

    @cached_property
    def without_group(self) -> list[str]:
        """Returns the people who are in no group."""
        return [key for key in self._ungrouped if key not in self.unknown_groups]

    @cached_property
    def _ungrouped(self) -> list[str]:
        grouped = {member for group in self.landing_zone.groups.values() for member in group.members}
        return [key for key in self.landing_zone.users if key not in grouped]

    @cached_property
    def external_groups(self) -> list[str]:
        """Returns the groups with access and with people whom nobody knows here."""
        return sorted({access.holder.key for access in self.access if access.holder.external})

    @cached_property
    def empty_groups(self) -> list[str]:
        """Returns the groups that are given something and have nobody in them."""
        return empty_groups(self.landing_zone, self.landing_zone.grants)

    def as_data(self) -> dict[str, Any]:
        """Returns the answers for a script."""
        unread = [self.administrators(everything=everything, known=False) for everything in (True, False)]
        return {
            "people": {
                "all": len(self.landing_zone.users),
                "with_access": len(self.with_access),
                "without_access": self.without_access,
                "unknown_access": list(self.unknown_access),
                "without_group": self.without_group,
            },
            "external_groups_with_access": len(self.external_groups),
            "assignments": len(self.landing_zone.grants),
            "grants": len(self.access),
            "groups_without_members": self.empty_groups,
            "administrators_are": ADMINISTRATORS_ARE,
            "administrators": _holders_as_data(self.administrators(everything=True)),
            "full_access_to_single_accounts": _holders_as_data(self.administrators(everything=False)),
            "full_access_not_known": _holders_as_data([*unread[0], *unread[1]]),
            "break_glass": _holders_as_data(self.break_glass()),
            "accounts_bound_by_no_scp": self.unbound,
            "not_described": list(self.landing_zone.undescribed),
            "controls_off": self.controls(Mode.OFF),
            "controls_unmanaged": self.controls(Mode.UNMANAGED),
            "expectations_broken": [
                expected.expectation.id for expected in self.guardrails.expected if expected.broken
            ],
            "ended": [_ending_as_data(ending) for ending in self.ending(over=True)],
            "ends_soon": [_ending_as_data(ending) for ending in self.ending(over=False)],
        }


def _holders_as_data(every: Iterable[GroupedAccess]) -> list[dict[str, Any]]:
    return [
        {
            given.holder.kind: given.holder.key,
            "permission_set": given.permission_set,
            "accounts": list(given.accounts),
        }
        for given in every
    ]


def _ending_as_data(ending: Ending) -> dict[str, Any]:
    return {
        "until": str(ending.until),
        "permission_sets": list(ending.assignment.permission_sets),
        "groups": list(ending.assignment.groups),
        "users": list(ending.assignment.users),
        "where": where(ending.assignment),
        "reason": ending.assignment.reason,
        "place": f"{ending.file}:{ending.line}",
    }
