"""Everything that a report says, worked out once; text, Markdown, JSON and the page only say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from strata.evaluation.administrators import allows_everything
from strata.landing_zone import LandingZone
from strata.landing_zone.units import Target
from strata.report.access import Access, GroupedAccess, access, bundles
from strata.report.edition import Edition
from strata.report.guardrails import GuardrailAnswers, guardrails
from strata.report.inherited import SharedWord, shared_words
from strata.report.overview import Overview
from strata.report.policies import Slots, slots
from strata.report.reviews import Alike, GroupReview, accounts_alike, group_reviews
from strata.text import slug


@dataclass(frozen=True)
class Facts:
    """A landing zone on a day, as it is reported."""

    landing_zone: LandingZone
    edition: Edition

    @cached_property
    def access(self) -> list[Access]:
        """Returns the access of everybody."""
        return access(self.landing_zone)

    @cached_property
    def given(self) -> list[GroupedAccess]:
        """Returns the access of everybody, that of the same ways to several accounts once."""
        return bundles(self.access)

    @cached_property
    def overview(self) -> Overview:
        """Returns what is asked first."""
        return Overview(self.landing_zone, self.edition.as_of, self.access, self.guardrails)

    @cached_property
    def guardrails(self) -> GuardrailAnswers:
        """Returns where expectations hold, and who can undo what."""
        return guardrails(self.landing_zone, self.edition.as_of)

    @cached_property
    def groups(self) -> list[GroupReview]:
        """Returns what one signs."""
        return group_reviews(self.landing_zone)

    @cached_property
    def families(self) -> list[Alike]:
        """Returns the accounts, those that are alike together."""
        return accounts_alike(self.landing_zone)

    @cached_property
    def slots(self) -> Mapping[Target, list[Slots]]:
        """Returns the slots for policies of each target."""
        return slots(self.landing_zone)

    @cached_property
    def words(self) -> list[SharedWord]:
        """Returns attributes and settings of accounts."""
        return shared_words(self.landing_zone)

    @cached_property
    def full_access(self) -> frozenset[str]:
        """Returns the permission sets that allow everything."""
        return frozenset(key for key, held in self.landing_zone.permission_sets.items() if allows_everything(held))

    def marked(self, permission_set: str) -> str:
        """Returns a permission set with its sign: `!` is full access, `?` one of others that nobody has read."""
        if permission_set in self.full_access:
            return f"! {permission_set}"
        return permission_set if self.landing_zone.permission_sets[permission_set].is_known else f"? {permission_set}"


def says_more(name: str, key: str) -> str:
    """Returns a name, or nothing where it only says the key again, alone or behind the project: `nordwind-audit`."""
    plain, same = slug(name).lower(), slug(key).lower()
    return "" if plain == same or plain.endswith(f"-{same}") else name
