"""`strata explain`: access with its reasons, policies of an account, permissions of a set; each with its line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from strata.config import ORGANIZATION, SSO
from strata.config.moves import Kind
from strata.config.source import Location
from strata.errors import Message, StrataError, UsageError
from strata.landing_zone import MANAGEMENT, LandingZone, Part, SourceLocation
from strata.landing_zone.groups import known_to, may_be_in
from strata.landing_zone.policies import EffectivePolicy
from strata.landing_zone.units import Target
from strata.live import CONFIGURATION, Source
from strata.load import load
from strata.options import Options
from strata.outputs import output
from strata.printing import document, line, readers_may_leave
from strata.report.access import (
    Access,
    AccessPath,
    access,
    access_as_json,
    allowances,
    bundles,
    empty_groups,
    of_others,
    undecided,
)
from strata.report.inherited import as_data, lines_of, words_of
from strata.report.names import find_account, find_anyone, find_permission_set, find_user, is_account
from strata.report.places import places
from strata.report.policies import short_type
from strata.report.reviews import GivenAccess, GroupReview, group_reviews
from strata.text import listed

if TYPE_CHECKING:
    from strata.report.live import LiveEvidence


def run(
    options: Options,
    *,
    who: str | None,
    account: str | None,
    permission_set: str | None,
    json: bool,
    source: Source = CONFIGURATION,
) -> int:
    """Finds the named user, account, group or permission set and prints it; 1 where AWS lets not all be read."""
    if (who is None) == (permission_set is None) or (account and permission_set):
        text = "name a user, a user and an account, an account, a group, or --permission-set NAME"
        asked = any((who, account, permission_set))
        raise UsageError(Message("arguments-conflict" if asked else "argument-missing", text))
    source.check(options.config)
    landing_zone, reading = load(options.config), None
    if source:
        from strata.live.reading import read

        only = who if who and is_account(landing_zone, who) else ""
        reading = read(options, landing_zone, source, controls=False, account=only)
    explained = Explained(reading.zone if reading else landing_zone)
    chosen = _chosen(explained, who, account, permission_set)
    evidence = reading.about(chosen.kind, chosen.key) if reading else None
    if reading:
        reading.keep(options, source)
    with readers_may_leave():
        if json:
            live = {"live": evidence.as_data()} if evidence else {}
            document(output("explain", {**chosen.facts(), **live}))
        else:
            print("\n".join(map(line, (*chosen.lines(), *(_evidence(evidence) if evidence else ())))))
    return 1 if evidence and evidence.unread else 0


def _evidence(live: LiveEvidence) -> Iterator[str]:
    yield ""
    yield str(live)
    yield f"  organization {live.organization}, management account {live.management}"
    yield f"  SHA-256 of the reading: {live.sha256}"
    for unread in live.unread:
        yield f"  unread: {unread}"
    yield f"Differences to the configuration here: {live.summary}"
    for difference in live.differences:
        yield f"  {difference.what}{f', {difference.place}' if difference.place else ''}"


Json = dict[str, Any]
"""The output of --json."""


class _Chosen(NamedTuple):
    """What somebody asks about, with the answer for a script and for people."""

    kind: Kind
    key: str
    facts: Callable[[], Json]
    lines: Callable[[], Iterable[str]]


def _chosen(explained: Explained, who: str | None, account: str | None, permission_set: str | None) -> _Chosen:
    landing_zone = explained.landing_zone
    reason = landing_zone.unread.get("people")
    if reason and (permission_set or account or not is_account(landing_zone, who or "")):
        text = f"people and access are unread, so that only accounts can be explained: {reason}"
        raise StrataError(Message("people-unread", text, reason=reason))
    kind: Kind
    there: tuple[str, ...] = ()
    if permission_set:
        kind, key = "permission-set", find_permission_set(landing_zone, permission_set)
    elif account:
        kind, key, there = "user", find_user(landing_zone, who or ""), (find_account(landing_zone, account),)
    else:
        kind, key = find_anyone(landing_zone, who or "")
    answers: Mapping[Kind, tuple[Callable[..., Json], Callable[..., Iterable[str]]]] = {
        "user": (explained.user_facts, explained.user_lines),
        "account": (explained.account_facts, explained.account_lines),
        "group": (explained.group_facts, explained.group_lines),
        "permission-set": (explained.permission_set_facts, explained.permission_set_lines),
    }
    facts, lines = answers[kind]
    return _Chosen(kind, key, partial(facts, key, *there), partial(lines, key, *there))


class Explained:
    """A landing zone that can be asked about single users, accounts, groups and permission sets."""

    def __init__(self, landing_zone: LandingZone) -> None:
        self.landing_zone = landing_zone

    # A user

    def user_lines(self, key: str, account: str | None = None) -> Iterator[str]:
        """Yields the access of a user, in an account or in all, as text."""
        user = self.landing_zone.users[key]
        known = "managed elsewhere" if user.external else user.email
        yield f"{key}: {user.shown_name}, {known}"
        yield f"  {self._shown_at(SSO, ('users', key))}"
        groups = self._groups(key)
        maybe = sorted(may_be_in(user, self.landing_zone.groups))
        knowing = known_to(self.landing_zone.groups[group] for group in maybe)
        others = f"; {knowing} alone knows whether {listed(maybe)}" if maybe else ""
        yield f"  groups: {', '.join(groups) or 'none'}{' here' * bool(maybe)}{others}"
        accesses, deciding = self._access_of_user(key, account), undecided(self.landing_zone, key, account)
        there = f" to {account}" if account else ""
        if deciding:
            more = "more access" if accesses else "access"
            yield ""
            yield f"{more}{there} depends on membership of {listed(deciding)}"
        elif not accesses:
            yield from ("", f"no access{there}")
        for bundle in bundles(accesses):
            yield ""
            yield f"{bundle.permission_set} in {self._accounts(bundle.accounts)}"
            yield from self._way_lines(bundle.ways, "  ")
            yield from self._allows_lines("allows ", bundle.permission_set)

    def user_facts(self, key: str, account: str | None = None) -> Json:
        """Returns the same for a script."""
        user, accesses = self.landing_zone.users[key], self._access_of_user(key, account)
        return {
            "user": key,
            "name": user.shown_name,
            "email": user.email,
            "external": user.external,
            "place": self._shown_at(SSO, ("users", key)),
            "groups": self._groups(key),
            "depends_on_groups": undecided(self.landing_zone, key, account),
            "access": self._access_facts(accesses),
            "permission_sets": self._sets_facts(accesses),
        }

    def _access_of_user(self, key: str, account: str | None) -> list[Access]:
        there = (way_in for way_in in access(self.landing_zone) if account in (None, way_in.account))
        return [way_in for way_in in there if (way_in.holder.kind, way_in.holder.key) == ("user", key)]

    def _groups(self, user: str) -> dict[str, str]:
        return {
            key: self._shown_at(SSO, (*group.location, "members", group.members.index(user)))
            for key, group in self.landing_zone.groups.items()
            if user in group.members
        }

    # An account

    def account_lines(self, key: str) -> Iterator[str]:
        """Yields where an account is, which policies bind it and who gets in, as text."""
        account = self.landing_zone.accounts[key]
        yield f"{key}: {account.name}, {account.email}"
        yield f"  {self._shown_at(account.file, account.location)}"
        yield f"  in {' > '.join(self._path(key))}"
        if unread := self._unread("delegations"):
            yield f"  administers: {unread}"
        for service, where in self._administers(key).items():
            yield f"  administers {service}, {where}"
        for part, words in words_of(self.landing_zone, key).items():
            yield from ("", _PARTS[part], *(f"  {line}" for line in lines_of(words, self._shown)))
        yield from ("", "Policies that bind it", *self._policy_lines(key), "", "Who gets in")
        accesses = self._access_to(key)
        if not accesses:
            yield f"  {self._unread('people') or 'nobody'}"
        for way_in in accesses:
            yield f"  {way_in.permission_set}: {way_in.holder}"
            yield from self._way_lines(way_in.ways, "    ")
        yield from self._empty_lines(self._empty_groups(account=key))
        yield from self._sets_lines(accesses)

    def account_facts(self, key: str) -> Json:
        """Returns the same for a script."""
        account, accesses = self.landing_zone.accounts[key], self._access_to(key)
        entering = {
            "access": self._access_facts(accesses),
            "groups_without_members": self._empty_groups(account=key),
            "permission_sets": self._sets_facts(accesses),
        }
        return {
            "account": key,
            "name": account.name,
            "email": account.email,
            "place": self._shown_at(account.file, account.location),
            "path": self._path(key),
            **as_data(words_of(self.landing_zone, key), self._shown),
            **self._unless_unread("delegations", {"administers": self._administers(key)}),
            **self._unless_unread(
                "policies", {"policies": [self._policy_facts(policy) for policy in self._effective(key)]}
            ),
            **self._unless_unread("people", entering),
        }

    def _unless_unread(self, part: Part, facts: Json) -> Json:
        """Returns facts, none where they are not known: that is another thing than empty."""
        return {} if part in self.landing_zone.unread else facts

    def _access_to(self, key: str) -> list[Access]:
        accesses = (way_in for way_in in access(self.landing_zone) if way_in.account == key)
        return sorted(accesses, key=lambda way_in: (way_in.permission_set, way_in.holder))

    def _path(self, key: str) -> list[str]:
        return [target.key for target in self.landing_zone.ancestors[Target("account", key)][:-1]]

    def _administers(self, key: str) -> dict[str, str]:
        return {
            service: self._shown_at(*self.landing_zone.delegated_at(service))
            for service, accounts in sorted(self.landing_zone.delegated_administrators.items())
            if key in accounts
        }

    def _effective(self, key: str) -> Iterable[EffectivePolicy]:
        return self.landing_zone.effective_policies[Target("account", key)]

    def _policy_lines(self, key: str) -> Iterator[str]:
        by_policy: dict[str, list[EffectivePolicy]] = defaultdict(list)
        for effective in self._effective(key):
            by_policy[effective.policy.key].append(effective)
        if not any(policies[0].binds for policies in by_policy.values()):
            yield f"  {self._unread('policies') or self.landing_zone.no_policy}"
        for policy, attached in by_policy.items():
            if attached[0].binds:
                theirs = "".join(f", {stranger}" for stranger in of_others(self.landing_zone, attached[0].policy))
                yield f"  {short_type(attached[0].policy.type)} {policy}{theirs}"
                for policy_path in attached:
                    yield f"    from {policy_path.source}, {self._shown_at(ORGANIZATION, policy_path.location)}"
        if key == MANAGEMENT:
            yield "  SCPs and RCPs never bind the management account, wherever they are attached"
            for policy, attached in by_policy.items():
                if not attached[0].binds:
                    yield f"    without effect: {policy}, {self._shown_at(ORGANIZATION, attached[0].location)}"

    def _policy_facts(self, effective: EffectivePolicy) -> Json:
        return {
            "policy": effective.policy.key,
            "type": effective.policy.type.value,
            "description": effective.policy.description,
            "file": effective.policy.file,
            "external": effective.policy.external,
            "known": effective.policy.is_known,
            "attached_to": str(effective.source),
            "place": self._shown_at(ORGANIZATION, effective.location),
            "binds": effective.binds,
        }

    # A group

    def group_lines(self, key: str) -> Iterator[str]:
        """Yields the members of a group and all that it is given, as text."""
        review = self._review(key)
        group = review.group
        yield key if group.name == key else f"{key}, named {group.name}"
        yield f"  {self._shown(review.place)}"
        yield f"  {group.description}"
        yield from ("", "Members")
        if not group.is_known:
            yield f"  known to {known_to([group])} only"
        elif not group.people:
            yield "  nobody: what it is given reaches no one"
        for member, place in review.members:
            yield f"  {member}, {self._shown(place)}"
        for name in group.strangers:
            yield f"  {name}, whom no entry names"
        yield from ("", "What it is given")
        if not review.given:
            yield "  nothing"
        for given in review.given:
            yield f"  {given.permission_set} in {self._accounts(given.accounts)}"
            yield from self._way_lines([given.way], "    ")
        yield from self._sets_lines(review.given)

    def group_facts(self, key: str) -> Json:
        """Returns the same for a script."""
        review = self._review(key)
        return {
            "group": key,
            "name": review.group.name,
            "description": review.group.description,
            "external": review.group.external,
            "place": self._shown(review.place),
            "members": {member: self._shown(place) for member, place in review.members},
            "given": [
                {
                    "permission_set": given.permission_set,
                    "accounts": list(given.accounts),
                    "entry": self._shown(given.way.entry),
                    "reason": given.way.reason,
                    "until": given.way.until,
                }
                for given in review.given
            ],
            "permission_sets": self._sets_facts(review.given),
        }

    def _review(self, key: str) -> GroupReview:
        return next(group_review for group_review in group_reviews(self.landing_zone) if group_review.group.key == key)

    # A permission set

    def permission_set_lines(self, key: str) -> Iterator[str]:
        """Yields the permissions of a set and its holders, as text."""
        permission_set = self.landing_zone.permission_sets[key]
        yield key if permission_set.name == key else f"{key}, named {permission_set.name}"
        yield f"  {self._shown_at(SSO, permission_set.location)}"
        yield f"  {permission_set.description}"
        yield from ("", "Allows")
        for allowance in allowances(self.landing_zone, permission_set):
            yield f"  {allowance}"
        yield from ("", "Who has it")
        accesses = self._access_with(key)
        if not accesses:
            yield "  nobody"
        for bundle in bundles(accesses):
            yield f"  {bundle.holder} in {self._accounts(bundle.accounts)}"
            yield from self._way_lines(bundle.ways, "    ")
        yield from self._empty_lines(self._empty_groups(permission_set=key))

    def permission_set_facts(self, key: str) -> Json:
        """Returns the same for a script."""
        return {
            "permission_set": key,
            **self._set_facts(key),
            "access": self._access_facts(self._access_with(key)),
            "groups_without_members": self._empty_groups(permission_set=key),
        }

    def _access_with(self, key: str) -> list[Access]:
        return [way_in for way_in in access(self.landing_zone) if way_in.permission_set == key]

    def _set_facts(self, key: str) -> Json:
        permission_set = self.landing_zone.permission_sets[key]
        return {
            "name": permission_set.name,
            "description": permission_set.description,
            "place": self._shown_at(SSO, permission_set.location),
            "allows": allowances(self.landing_zone, permission_set),
            "external": permission_set.external,
            "known": permission_set.is_known,
        }

    def _sets_facts(self, accesses: Iterable[Access | GivenAccess]) -> dict[str, Json]:
        return {key: self._set_facts(key) for key in sorted({way_in.permission_set for way_in in accesses})}

    def _sets_lines(self, accesses: Sequence[Access | GivenAccess]) -> Iterator[str]:
        if accesses:
            yield from ("", "What the permission sets allow")
        for key in sorted({way_in.permission_set for way_in in accesses}):
            yield from self._allows_lines(f"{key}: ", key)

    # What all three say

    def _unread(self, part: Part) -> str:
        """Returns that a part is unread, empty where it was read."""
        reason = self.landing_zone.unread.get(part)
        return f"unread: {reason}" if reason else ""

    def _access_facts(self, accesses: Iterable[Access]) -> list[Json]:
        return [access_as_json(way_in, self._shown) for way_in in accesses]

    def _way_lines(self, ways: Iterable[AccessPath], indent: str) -> Iterator[str]:
        for way in ways:
            if way.group and way.member:
                yield f"{indent}through group {way.group}, {self._shown(way.member)}"
            elif way.group:
                knowing = known_to([self.landing_zone.groups[way.group]])
                yield f"{indent}only {knowing} knows who they are"
            until = f", until {way.until}" if way.until else ""
            yield f"{indent}given by {self._shown(way.entry)}{until}"
            if way.reason:
                yield f"{indent}because: {way.reason}"

    def _allows_lines(self, start: str, key: str) -> Iterator[str]:
        permission_set = self.landing_zone.permission_sets[key]
        yield f"  {start}{'; '.join(allowances(self.landing_zone, permission_set))}"
        yield f"    {self._shown_at(SSO, permission_set.location)}"

    def _empty_groups(self, account: str | None = None, permission_set: str | None = None) -> list[str]:
        granted = (
            grant
            for grant in self.landing_zone.grants
            if account in (None, grant.account) and permission_set in (None, grant.permission_set)
        )
        return empty_groups(self.landing_zone, granted)

    def _empty_lines(self, groups: Iterable[str]) -> Iterator[str]:
        for group in groups:
            yield f"  nobody through group {group}: it has no members"

    def _accounts(self, accounts: tuple[str, ...]) -> str:
        return places(self.landing_zone, accounts, most=len(accounts))

    def _shown_at(self, file: str, location: Location) -> str:
        return self._shown(self.landing_zone.source(file, location))

    def _shown(self, source: SourceLocation) -> str:
        """Returns a line with the path of its file from here, which terminals and editors open."""
        return str(source._replace(file=self.landing_zone.source_file(source.file).file))


_PARTS = {"attributes": "What organization.yaml gives it", "settings": "What baseline.yaml sets in it"}
