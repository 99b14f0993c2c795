"""What is known of a user, an account, a group and a permission set, each with its lines, as data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from strata.config import ORGANIZATION, SSO
from strata.config.source import Location
from strata.landing_zone import LandingZone, SourceLocation
from strata.landing_zone.policies import EffectivePolicy
from strata.landing_zone.units import Target
from strata.report.access import access, access_as_json, allowances, empty_groups, undecided
from strata.report.inherited import as_data, words_of
from strata.report.reviews import group_reviews

Json = dict[str, Any]


class Explained:
    """A landing zone that can be asked about single users, accounts, groups and permission sets."""

    def __init__(self, landing_zone: LandingZone) -> None:
        self.landing_zone = landing_zone

    def user(self, key: str, account: str | None = None) -> Json:
        """Returns the access of a user, in an account or in all."""
        user = self.landing_zone.users[key]
        accesses = [one for one in self._access(account=account) if one.get("user") == key]
        return {
            "user": key,
            "name": user.shown_name,
            "email": user.email,
            "external": user.external,
            "place": self._at(SSO, ("users", key)),
            "groups": {
                name: self._at(SSO, group.membership(group.members.index(key)))
                for name, group in self.landing_zone.groups.items()
                if key in group.members
            },
            "depends_on_groups": undecided(self.landing_zone, key, account),
            "access": accesses,
            "permission_sets": self._sets(accesses),
        }

    def account(self, key: str) -> Json:
        """Returns where an account is, which policies bind it and who gets in."""
        account, target = self.landing_zone.accounts[key], Target("account", key)
        accesses = sorted(self._access(account=key), key=lambda one: one["permission_set"])
        return {
            "account": key,
            "name": account.name,
            "email": account.email,
            "place": self._at(account.file, account.location),
            "path": [above.key for above in self.landing_zone.ancestors[target][:-1]],
            **as_data(words_of(self.landing_zone, key), self.shown),
            "administers": {
                service: self._at(*self.landing_zone.delegated_at(service))
                for service, accounts in sorted(self.landing_zone.delegated_administrators.items())
                if key in accounts
            },
            "policies": [self._policy(policy) for policy in self.landing_zone.effective_policies[target]],
            "access": accesses,
            "groups_without_members": self._empty_groups(account=key),
            "permission_sets": self._sets(accesses),
        }

    def group(self, key: str) -> Json:
        """Returns the members of a group and all that it is given."""
        review = next(review for review in group_reviews(self.landing_zone) if review.group.key == key)
        given = [
            {
                "permission_set": given.permission_set,
                "accounts": list(given.accounts),
                "entry": self.shown(given.way.entry),
                "reason": given.way.reason,
                "until": given.way.until,
            }
            for given in review.given
        ]
        return {
            "group": key,
            "name": review.group.name,
            "description": review.group.description,
            "external": review.group.external,
            "place": self.shown(review.place),
            "members": {member: self.shown(place) for member, place in review.members},
            "given": given,
            "permission_sets": self._sets(given),
        }

    def permission_set(self, key: str) -> Json:
        """Returns what a permission set allows, and who has it."""
        return {
            "permission_set": key,
            **self._set(key),
            "access": self._access(permission_set=key),
            "groups_without_members": self._empty_groups(permission_set=key),
        }

    def _access(self, *, account: str | None = None, permission_set: str | None = None) -> list[Json]:
        return [
            access_as_json(one, self.shown)
            for one in access(self.landing_zone)
            if account in (None, one.account) and permission_set in (None, one.permission_set)
        ]

    def _empty_groups(self, *, account: str | None = None, permission_set: str | None = None) -> list[str]:
        granted = (
            grant
            for grant in self.landing_zone.grants
            if account in (None, grant.account) and permission_set in (None, grant.permission_set)
        )
        return empty_groups(self.landing_zone, granted)

    def _policy(self, effective: EffectivePolicy) -> Json:
        policy = effective.policy
        return {
            "policy": policy.key,
            "type": policy.type.value,
            "description": policy.description,
            "file": policy.file,
            "external": policy.external,
            "known": policy.is_known,
            "attached_to": str(effective.source),
            "place": self._at(ORGANIZATION, effective.location),
            "binds": effective.binds,
        }

    def _sets(self, accesses: Iterable[Json]) -> dict[str, Json]:
        return {key: self._set(key) for key in sorted({one["permission_set"] for one in accesses})}

    def _set(self, key: str) -> Json:
        held = self.landing_zone.permission_sets[key]
        return {
            "name": held.name,
            "description": held.description,
            "place": self._at(SSO, held.location),
            "allows": allowances(held),
            "external": held.external,
            "known": held.is_known,
        }

    def _at(self, file: str, location: Location) -> str:
        return self.shown(self.landing_zone.source(file, location))

    def shown(self, source: SourceLocation) -> str:
        """Returns a line with the path of its file from here, which terminals and editors open."""
        return str(source._replace(file=self.landing_zone.source_file(source.file).file))
