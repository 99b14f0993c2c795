"""`strata explain`: who has what and why, what binds an account, what a permission set allows; each with its line."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from strata.config import MANAGEMENT, LandingZone, load
from strata.config.access import grants
from strata.config.tree import Tree
from strata.errors import StrataError
from strata.printing import as_json, line
from strata.report.access import (
    SSO,
    Access,
    Place,
    Way,
    access,
    all_accounts,
    allowances,
    as_facts,
    bundles,
    empty_groups,
    permission_sets,
    place,
)
from strata.report.guardrails import (
    ORGANIZATION,
    Binding,
    Target,
    account_label,
    account_place,
    bindings,
    policies,
    short_type,
    ways_up,
)
from strata.report.names import find_account, find_permission_set, find_person_or_account, find_user
from strata.report.words import accounts_in_words

if TYPE_CHECKING:
    from strata.cli import Options

WIDTH = 60
"""Columns that lines keep to, so that they fit half a screen and a chat message."""


def run(options: Options, *, who: str | None, account: str | None, permission_set: str | None, json: bool) -> int:
    """Finds what the words name and prints what is known of it."""
    if (who is None) == (permission_set is None) or (account and permission_set):
        raise StrataError("name a user, a user and an account, an account, or --permission-set NAME")
    explained = Explained(load(options.config))
    facts, lines = _chosen(explained, who, account, permission_set)
    print(as_json(facts()) if json else "\n".join(map(line, lines())))
    return 0


Facts = dict[str, Any]
"""What --json prints."""


def _chosen(
    explained: Explained, who: str | None, account: str | None, permission_set: str | None
) -> tuple[Callable[[], Facts], Callable[[], Iterable[str]]]:
    landing_zone = explained.landing_zone
    if permission_set:
        key = find_permission_set(landing_zone, permission_set)
        return lambda: explained.permission_set_facts(key), lambda: explained.permission_set_lines(key)
    if account:
        user, there = find_user(landing_zone, who or ""), find_account(landing_zone, account)
        return lambda: explained.user_facts(user, there), lambda: explained.user_lines(user, there)
    person, found = find_person_or_account(landing_zone, who or "")
    if person:
        return lambda: explained.user_facts(person), lambda: explained.user_lines(person)
    return lambda: explained.account_facts(found or ""), lambda: explained.account_lines(found or "")


class Explained:
    """A landing zone that can be asked about single users, accounts and permission sets."""

    def __init__(self, landing_zone: LandingZone) -> None:
        self.landing_zone = landing_zone
        self._sets = permission_sets(landing_zone)

    # A user

    def user_lines(self, key: str, account: str | None = None) -> Iterator[str]:
        """Yields the access of a user, in one account or in all, as text."""
        user = self.landing_zone.sso.users[key]
        yield from _wrapped(f"{key}: {user.given_name} {user.family_name}, {user.email}", "")
        yield f"  {self._user_place(key)}"
        groups = self._groups(key)
        yield from _wrapped(f"groups: {', '.join(groups) or 'none'}", "  ")
        found = self._access_of_user(key, account)
        if not found:
            yield from ("", f"no access{f' to {account}' if account else ''}")
        for bundle in bundles(found):
            yield ""
            yield from _wrapped(f"{bundle.permission_set} in {self._accounts(bundle.accounts)}", "")
            yield from self._way_lines(bundle.ways, "  ")
            yield from self._allows_lines("allows ", bundle.permission_set)

    def user_facts(self, key: str, account: str | None = None) -> Facts:
        """Returns the same for a script."""
        user, found = self.landing_zone.sso.users[key], self._access_of_user(key, account)
        return {
            "user": key,
            "name": f"{user.given_name} {user.family_name}",
            "email": user.email,
            "place": self._user_place(key),
            "groups": self._groups(key),
            "access": [self._access_facts(one) for one in found],
            "permission_sets": self._sets_facts(found),
        }

    def _access_of_user(self, key: str, account: str | None) -> list[Access]:
        return [
            one
            for one in access(self.landing_zone)
            if one.holder.kind == "user" and one.holder.key == key and account in (None, one.account)
        ]

    def _user_place(self, key: str) -> str:
        return self._shown(place(self.landing_zone, SSO, ("users", key)))

    def _groups(self, user: str) -> dict[str, str]:
        return {
            key: self._shown(place(self.landing_zone, SSO, ("groups", key, "members", group.members.index(user))))
            for key, group in sorted(self.landing_zone.sso.groups.items())
            if user in group.members
        }

    # An account

    def account_lines(self, key: str) -> Iterator[str]:
        """Yields where an account is, which policies bind it and who gets in, as text."""
        yield from _wrapped(f"{key}: {account_label(self.landing_zone, key)}, {self._email(key)}", "")
        yield f"  {self._shown(account_place(self.landing_zone, key))}"
        yield from _wrapped(f"in {' > '.join(self._path(key))}", "  ")
        for service, where in self._administers(key).items():
            yield from _wrapped(f"administers {service}, {where}", "  ")
        yield from ("", "Policies that bind it", *self._policy_lines(key), "", "Who gets in")
        found = self._access_to(key)
        if not found:
            yield "  nobody"
        for one in found:
            yield from _wrapped(f"{one.permission_set}: {one.holder}", "  ")
            yield from self._way_lines(one.ways, "    ")
        yield from self._empty_lines(self._empty_groups(account=key))
        if found:
            yield from ("", "What the permission sets allow")
        for permission_set in sorted({one.permission_set for one in found}):
            yield from self._allows_lines(f"{permission_set}: ", permission_set)

    def account_facts(self, key: str) -> Facts:
        """Returns the same for a script."""
        found = self._access_to(key)
        return {
            "account": key,
            "name": account_label(self.landing_zone, key),
            "email": self._email(key),
            "place": self._shown(account_place(self.landing_zone, key)),
            "path": self._path(key),
            "administers": self._administers(key),
            "policies": [self._binding_facts(binding) for binding in self._bindings(key)],
            "access": [self._access_facts(one) for one in found],
            "groups_without_members": self._empty_groups(account=key),
            "permission_sets": self._sets_facts(found),
        }

    def _access_to(self, key: str) -> list[Access]:
        found = (one for one in access(self.landing_zone) if one.account == key)
        return sorted(found, key=lambda one: (one.permission_set, one.holder))

    def _email(self, key: str) -> str:
        if key == MANAGEMENT:
            return self.landing_zone.project.management_account.email
        return self.landing_zone.organization.accounts[key].email

    def _path(self, key: str) -> list[str]:
        return [target.key for target in ways_up(self.landing_zone)[Target("account", key)][:-1]]

    def _administers(self, key: str) -> dict[str, str]:
        return {
            service: self._shown(place(self.landing_zone, ORGANIZATION, ("delegated_administrators", service)))
            for service, account in sorted(self.landing_zone.organization.delegated_administrators.items())
            if account == key
        }

    def _bindings(self, key: str) -> list[Binding]:
        way_up = ways_up(self.landing_zone)[Target("account", key)]
        return list(bindings(way_up, policies(self.landing_zone)))

    def _policy_lines(self, key: str) -> Iterator[str]:
        by_policy: dict[str, list[Binding]] = defaultdict(list)
        for binding in self._bindings(key):
            by_policy[binding.policy.key].append(binding)
        if not any(found[0].binds for found in by_policy.values()):
            yield "  none"
        for policy, found in by_policy.items():
            if found[0].binds:
                yield from _wrapped(f"{short_type(found[0].policy.type)} {policy}", "  ")
                for one in found:
                    yield from _wrapped(f"from {one.source}, {self._shown(one.place)}", "    ")
        if key == MANAGEMENT:
            yield from _wrapped("SCPs and RCPs never bind the management account, wherever they are attached", "  ")
            for policy, found in by_policy.items():
                if not found[0].binds:
                    yield from _wrapped(f"without effect: {policy}, {self._shown(found[0].place)}", "    ")

    def _binding_facts(self, binding: Binding) -> Facts:
        return {
            "policy": binding.policy.key,
            "type": binding.policy.type.value,
            "description": binding.policy.description,
            "file": binding.policy.file,
            "attached_to": str(binding.source),
            "place": self._shown(binding.place),
            "binds": binding.binds,
        }

    # A permission set

    def permission_set_lines(self, key: str) -> Iterator[str]:
        """Yields what a permission set allows, and who has it where, as text."""
        permission_set, where = self._sets[key]
        name = permission_set.name or key
        yield key if name == key else f"{key}, named {name}"
        yield f"  {self._shown(where)}"
        yield from _wrapped(permission_set.description or "", "  ")
        yield from ("", "Allows")
        for one in allowances(permission_set):
            yield from _wrapped(one, "  ")
        yield from ("", "Who has it")
        found = self._access_with(key)
        if not found:
            yield "  nobody"
        for bundle in bundles(found):
            yield from _wrapped(f"{bundle.holder} in {self._accounts(bundle.accounts)}", "  ")
            yield from self._way_lines(bundle.ways, "    ")
        yield from self._empty_lines(self._empty_groups(permission_set=key))

    def permission_set_facts(self, key: str) -> Facts:
        """Returns the same for a script."""
        return {
            "permission_set": key,
            **self._set_facts(key),
            "access": [self._access_facts(one) for one in self._access_with(key)],
            "groups_without_members": self._empty_groups(permission_set=key),
        }

    def _access_with(self, key: str) -> list[Access]:
        return [one for one in access(self.landing_zone) if one.permission_set == key]

    def _set_facts(self, key: str) -> Facts:
        permission_set, where = self._sets[key]
        return {
            "name": permission_set.name or key,
            "description": permission_set.description or "",
            "place": self._shown(where),
            "allows": allowances(permission_set),
        }

    def _sets_facts(self, found: Iterable[Access]) -> dict[str, Facts]:
        return {key: self._set_facts(key) for key in sorted({one.permission_set for one in found})}

    # What all three say

    def _access_facts(self, one: Access) -> Facts:
        return as_facts(one, self._shown)

    def _way_lines(self, ways: Iterable[Way], indent: str) -> Iterator[str]:
        for way in ways:
            if way.group and way.member:
                yield from _wrapped(f"through group {way.group}, {self._shown(way.member)}", indent)
            elif way.group:
                yield from _wrapped("whose members only the identity provider knows", indent)
            until = f", until {way.until}" if way.until else ""
            yield from _wrapped(f"given by {self._shown(way.entry)}{until}", indent)
            if way.reason:
                yield from _wrapped(f"because: {way.reason}", indent)

    def _allows_lines(self, start: str, key: str) -> Iterator[str]:
        permission_set, where = self._sets[key]
        yield from _wrapped(f"{start}{'; '.join(allowances(permission_set))}", "  ")
        yield f"    {self._shown(where)}"

    def _empty_groups(self, account: str | None = None, permission_set: str | None = None) -> list[str]:
        granted = (
            grant
            for grant in grants(self.landing_zone)
            if account in (None, grant.account) and permission_set in (None, grant.permission_set)
        )
        return empty_groups(self.landing_zone, granted)

    def _empty_lines(self, groups: Iterable[str]) -> Iterator[str]:
        for group in groups:
            yield from _wrapped(f"nobody through group {group}: it has no members", "  ")

    def _accounts(self, accounts: tuple[str, ...]) -> str:
        return accounts_in_words(accounts, all_accounts(self.landing_zone)) or ", ".join(accounts)

    def _shown(self, where: Place) -> str:
        """Returns a place with the path of its file from here, which terminals and editors open."""
        return f"{self.landing_zone.trees.get(where.file, Tree(where.file)).file}:{where.line}"


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
