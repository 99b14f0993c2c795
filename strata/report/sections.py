"""The sections of the HTML page that need no script: by group, by person, by account, sets, policies, controls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from strata.config import ORGANIZATION, SSO
from strata.config.models import Mode
from strata.landing_zone import MANAGEMENT, LandingZone, Part
from strata.landing_zone.groups import known_to
from strata.landing_zone.layers import layers
from strata.landing_zone.policies import Policy
from strata.landing_zone.units import THE_ROOT, Target, children
from strata.policy.answers import Outcome
from strata.printing import html
from strata.report.access import Access, AccessHolder, AccessPath, allowances, of_others, undecided
from strata.report.guardrails import HeldExpectation
from strata.report.labels import says_more
from strata.report.live import LiveEvidence
from strata.report.markup import FULL, SIGN, Pills, anchor, items, link, soft, until_and_why
from strata.report.overview import Overview, Point
from strata.report.places import places
from strata.report.policies import Slots, short_type, slots
from strata.report.reviews import (
    Alike,
    Entering,
    GivenAccess,
    GroupReview,
    accounts_alike,
    entering_everywhere,
    given_to,
    group_reviews,
)
from strata.report.tables import LEFT, shown
from strata.text import counted

OPEN = 30
"""Entries of a section up to which they are open from the start."""
SHOWN = 3
"""Accounts that are named on the closed entry of those that are alike."""
FIRST = 8
"""Lines of a point that are shown before the rest is folded."""


class Sections:
    """Makes every section of one landing zone."""

    def __init__(self, landing_zone: LandingZone, overview: Overview, live: LiveEvidence | None = None) -> None:
        self.landing_zone = landing_zone
        self.live = live
        self.overview = overview
        self.pills = Pills(landing_zone)
        self.known: dict[tuple[str, ...], str] = {}
        self.sizes = {key: len(group.people) for key, group in landing_zone.groups.items()}

    # The first screen

    def points(self) -> str:
        """Returns the first screen."""
        return "".join(self._point(point) for point in self.overview.points())

    def _point(self, point: Point) -> str:
        lines = [self._line(point, line) for line in point.lines]
        more = lines[FIRST:] if len(lines) > FIRST + 1 else []
        listed = items(lines[: len(lines) - len(more)])
        if more:
            listed += f"<details><summary>{len(more):,} more</summary>{items(more)}</details>"
        sign = {"danger": "▲", "warning": "●", "fine": "✓"}[point.level]
        words = {"danger": "look at this", "warning": "to know", "fine": "fine"}[point.level]
        remark = f"<p class=soft>{html(point.remark)}</p>" if point.remark else ""
        return (
            f'<div class="point {point.level}" id="point-{html(point.key)}">'
            f'<h3><span class=sign title="{words}">{sign}</span> {html(point.title)}</h3>{listed}{remark}</div>'
        )

    def _line(self, point: Point, line: str) -> str:
        zone = self.landing_zone
        kinds = {"without_group": "u", "without_access": "u", "empty_groups": "g"}
        if line in zone.users and kinds.get(point.key) == "u":
            return link("u", line) + soft(says_more(zone.users[line].shown_name, line))
        if line in zone.groups and kinds.get(point.key) == "g":
            return link("g", line)
        if line in zone.accounts and point.key == "unbound_accounts":
            return link("a", line)
        head, colon, rest = line.partition(": ")
        return f"<b>{html(head)}</b>{html(colon + rest)}" if colon else html(line)

    # The evidence

    def evidence(self) -> str:
        """Returns what was read when by whom; nothing of a report on files."""
        found = self.live.facts() if self.live else ()
        rows = "".join(f"<tr><th scope=row>{html(name)}<td>{html(value)}" for name, value in found)
        return _table(("Fact", "Value"), rows)

    def differences(self) -> str:
        """Returns what AWS has otherwise than the configuration."""
        if not self.live or not self.live.differences:
            return f"<p>{html(self.live.summary if self.live else '')}"
        rows = "".join(
            f"<tr><td>{html(difference.what)}<td><code>{html(difference.place)}</code>"
            for difference in self.live.differences
        )
        return _table(("What", "Declared at"), rows)

    def unread(self, part: Part) -> str:
        """Returns that a part is unread, which is another thing than empty; nothing where it was read."""
        reason = self.landing_zone.unread.get(part)
        return f"<p><b class=f>{SIGN} unread</b> {html(reason)}" if reason else ""

    # By group

    def groups(self) -> str:
        """Returns every group with what it is given: this is what one signs."""
        reviews = group_reviews(self.landing_zone)
        return "".join(self._group(review, is_open=len(reviews) <= OPEN) for review in reviews)

    def _group(self, review: GroupReview, *, is_open: bool) -> str:
        group, given = review.group, review.given
        accounts = {account for one in given for account in one.accounts}
        unknown = f"members known to {known_to([group])}"
        people = counted(len(group.people), "member") if group.is_known else unknown
        full = f" {FULL}" if self._is_full(given) else ""
        none = " <b class=w>no members</b>" if not group.people and group.is_known else ""
        head = f"<b>{html(group.key)}</b>{soft(says_more(group.name, group.key))}{full}{none}"
        facts = f"{people} · {counted(len({one.permission_set for one in given}), 'permission set')} · "
        facts += counted(len(accounts), "account")
        body = f"<p>{html(group.description)}" if group.description else ""
        if group.people:
            people = ", ".join((*(self._person(key) for key, _ in review.members), *map(html, group.strangers)))
            body += f"<p><b>Members</b> {people}"
        body += self._given(given) if given else "<p class=soft>Nothing is given to it."
        declared = f"<p class=soft>Declared at <code>{html(str(review.place))}</code>"
        sign = "<p class=sign-here>"
        return _item("g", group.key, head, facts, f"{body}{declared}{sign}", is_open=is_open)

    def _is_full(self, given: Iterable[GivenAccess]) -> bool:
        return any(one.permission_set in self.pills.full for one in given)

    def _person(self, key: str) -> str:
        return link("u", key) + soft(says_more(self.landing_zone.users[key].shown_name, key))

    def _given(self, given: Iterable[GivenAccess]) -> str:
        alike: dict[tuple[tuple[str, ...], AccessPath], list[str]] = defaultdict(list)
        for one in given:
            alike[one.accounts, one.way].append(one.permission_set)
        rows = "".join(
            f"<tr><td>{self.pills.sets(sets)}<td>{html(self._places(accounts))}"
            f"<td>{html(way.reason or '')}<td>{html(way.until or '')}<td><code>{html(str(way.entry))}</code>"
            for (accounts, way), sets in alike.items()
        )
        heads = "".join(
            f"<th scope=col>{head}" for head in ("Permission set", "Accounts", "Reason", "Until", "Given at")
        )
        return f"<table class='given has'><thead><tr>{heads}<tbody>{rows}</table>"

    def _places(self, accounts: Iterable[str]) -> str:
        where = tuple(accounts)
        if where not in self.known:
            self.known[where] = places(self.landing_zone, where)
        return self.known[where]

    # By person

    def people(self) -> str:
        """Returns every person with their groups and all that they have."""
        found: dict[AccessHolder, list[Access]] = defaultdict(list)
        for access in self.overview.access:
            found[access.holder].append(access)
        direct = given_to(self.landing_zone, "USER")
        users = self.landing_zone.users
        return "".join(
            self._user(
                key, found[AccessHolder(external=False, key=key)], direct.get(key, []), is_open=len(users) <= OPEN
            )
            for key in users
        )

    def _user(self, key: str, accesses: list[Access], direct: list[GivenAccess], *, is_open: bool) -> str:
        user = self.landing_zone.users[key]
        full = f" {FULL}" if any(access.permission_set in self.pills.full for access in accesses) else ""
        head = f"<b>{html(key)}</b>{soft(says_more(user.shown_name, key))}{full}"
        unknown = undecided(self.landing_zone, key)
        facts = counted(len({access.account for access in accesses}), "account") if accesses else "no access"
        facts = facts if not unknown else f"{facts} and more, if in a group" if accesses else "unknown access"
        groups = [name for name, group in self.landing_zone.groups.items() if key in group.members]
        reached = {way.group for access in accesses for way in access.ways}
        silent = [link("g", name) for name in groups if name not in reached]
        member = f" · in {', '.join(silent)}, which gives nothing" if silent else "" if groups else " · in no group"
        if unknown:
            where = ", ".join(link("g", name) for name in unknown)
            knowing = known_to(self.landing_zone.groups[name] for name in unknown)
            member = f" · {knowing} alone knows whether in {where}"
        known = "managed elsewhere" if user.external else user.email
        by_group = (access for access in accesses if any(way.group for way in access.ways))
        body = f"<p>{html(known)}{member}{self._has(by_group)}"
        body += self._given(direct) if direct else ""
        return _item("u", key, head, facts, body, is_open=is_open)

    def _has(self, accesses: Iterable[Access]) -> str:
        """Returns what somebody has through groups, in one line where places and groups are the same."""
        by_set: dict[str, tuple[list[str], dict[AccessPath, None]]] = {}
        for access in accesses:
            accounts, ways = by_set.setdefault(access.permission_set, ([], {}))
            accounts.append(access.account)
            ways.update(dict.fromkeys(way for way in access.ways if way.group))
        alike: dict[str, list[str]] = defaultdict(list)
        for permission_set, (accounts, ways) in by_set.items():
            through = ", ".join(dict.fromkeys(link("g", way.group) for way in ways if way.group))
            alike[f"{html(self._places(accounts))} · {through}{until_and_why(ways)}"].append(permission_set)
        return items((f"{self.pills.sets(sets)} {words}" for words, sets in alike.items()), "has") if alike else ""

    # By account

    def accounts(self) -> str:
        """Returns the tree with, unit by unit, what binds the accounts and who gets in."""
        below, found = children(self.landing_zone.ancestors), slots(self.landing_zone)
        alike: dict[str, list[Alike]] = defaultdict(list)
        families = accounts_alike(self.landing_zone)
        is_open = len(self.landing_zone.accounts) <= OPEN
        # Said once where it would be said hundreds of times.
        everywhere = () if is_open else entering_everywhere(families)
        for family in families:
            alike[family.path[-1]].append(family)

        def unit(target: Target) -> str:
            name = self.landing_zone.units[target.key].name if target.unit else ""
            inside = self.landing_zone.selector.in_unit(target.key) if target.unit else self.landing_zone.accounts
            number = len(set(inside) - self.landing_zone.retired.keys())
            attached = " ".join(self.pills.policy(key) for one in found[target] for key in one.policies)
            here = f" <span class='has by'>{attached}</span>" if attached else ""
            head = f"<b>{html(target.key)}</b>{soft(says_more(name, target.key))}{here}"
            units = "".join(unit(one) for one in below[target] if one.unit)
            # Of many accounts only the units are open that hold units, and then what is in the others.
            families = "".join(self._alike(one, everywhere, is_open=is_open or not units) for one in alike[target.key])
            facts = counted(number, "account") + (f" · {_slots(found[target])}" if attached else "")
            return _item("o", target.key, head, facts, families + units, is_open=is_open or bool(units), look="ou")

        listed = items(self._entering(everywhere), "has")
        said = f'<div id="everywhere"><b>Gets in everywhere</b>{listed}</div>' if everywhere else ""
        return said + unit(THE_ROOT)

    def _alike(self, alike: Alike, everywhere: Collection[Entering], *, is_open: bool) -> str:
        keys = alike.accounts
        identity = ("a", keys[0]) if len(keys) == 1 else ("", "")
        head = ", ".join(f"<b>{html(key)}</b>" for key in keys[:SHOWN])
        head += soft(self._details(keys[0])) if len(keys) == 1 else ""
        head += f" and {len(keys) - SHOWN:,} more" if keys[SHOWN:] else ""
        facts = f"{counted(len(keys), 'account')}, alike" if keys[1:] else ""
        names = f"<ul class=accounts>{''.join(self._accounts(keys))}</ul>" if keys[1:] else ""
        bound = self.unread("policies").removeprefix("<p>")
        bound += " ".join(self.pills.policy(policy.key, source) for policy, source in alike.policies)
        if MANAGEMENT in keys:
            bound += " <small>no SCP or RCP binds the management account</small>"
        nothing = f"<b class=f>{SIGN} no policy</b>"
        own = [entering for entering in alike.entering if entering not in everywhere]
        lines = [*self._entering(own)]
        if everywhere:
            lines.append(f'<a href="#everywhere">those who get in everywhere</a> <small>{len(everywhere):,}</small>')
        entering = items(lines, "has") if lines else self.unread("people") or "<p class=soft>nobody gets in"
        body = f"{names}<p class='has by'>Bound by {bound or nothing}{entering}"
        return _item(*identity, head, facts, body, is_open=is_open, look="alike")

    def _accounts(self, keys: Iterable[str]) -> Iterator[str]:
        return (f'<li id="{anchor("a", key)}">{html(key)}{soft(self._details(key))}' for key in keys)

    def _details(self, key: str) -> str:
        account = self.landing_zone.accounts[key]
        return " · ".join(part for part in (says_more(account.name, key), account.id, account.email) if part)

    def _entering(self, enterings: Iterable[Entering]) -> Iterator[str]:
        alike: dict[str, list[str]] = defaultdict(list)
        for entering in enterings:
            alike[f"{self._enters(entering)}{until_and_why(entering.ways)}"].append(entering.permission_set)
        yield from (f"{self.pills.sets(sets)} {who}" for who, sets in alike.items())

    def _enters(self, entering: Entering) -> str:
        if not entering.group:
            return link("u", entering.principal)
        group = self.landing_zone.groups[entering.principal]
        number = counted(self.sizes[entering.principal], "person", "people") if group.is_known else "external"
        return f"{link('g', entering.principal)} <small>{number}</small>"

    # Permission sets, policies, controls, layers

    def sets(self) -> str:
        """Returns what permission sets allow."""
        held: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for grant in self.landing_zone.grants:
            held[grant.permission_set].add((grant.principal_type, grant.principal))
        rows = "".join(
            f'<tr id="{anchor("s", key)}"><th scope=row class=has>{self.pills.sets([key])}'
            f"{soft(says_more(permission_set.name, key))}"
            f"<td>{items(map(html, allowances(self.landing_zone, permission_set)))}"
            f"<td>{_held(held[key])}"
            f"<td><code>{html(str(self.landing_zone.source(SSO, permission_set.location)))}</code>"
            for key, permission_set in self.landing_zone.permission_sets.items()
        )
        return _table(("Permission set", "Allows", "Given to", "Declared at"), rows)

    def policies(self) -> str:
        """Returns the policies with their targets."""
        rows = "".join(self._policy(policy) for policy in self.landing_zone.policies.values())
        return _table(("Policy", "Type", "Attached to"), rows)

    def _policy(self, policy: Policy) -> str:
        lines = {target: self.landing_zone.source(ORGANIZATION, at) for target, at in policy.attachments.items()}
        attached = [f"{html(str(target))} <code>{html(str(line))}</code>" for target, line in lines.items()]
        return (
            f'<tr id="{anchor("p", policy.key)}"><th scope=row>{html(policy.key)}'
            f"<p class=soft>{html(policy.description)}"
            f"{''.join(f'<p class=soft>{html(one)}' for one in of_others(self.landing_zone, policy))}"
            f"<td>{html(short_type(policy.type))}<td>{items(attached or ['nothing'])}"
        )

    def expectations(self) -> str:
        """Returns the expectations by unit, with what breaks one."""
        found = self.overview.guardrails
        if not found.expected:
            return "<p class=soft>No expectation is written: expectations.yaml."
        heads = ("Expectation", *(f"<code>{html(place)}</code>" for place in found.places))
        rows = "".join(self._expected(expected, found.places) for expected in found.expected)
        return f"<div class=wide role=region tabindex=0 aria-label=Expectations>{_table(heads, rows)}</div>"

    def _expected(self, expected: HeldExpectation, places: Iterable[str]) -> str:
        wrong = items(map(html, expected.broken[:FIRST]))
        more = f"<p class=soft>and {len(expected.broken) - FIRST:,} more" if expected.broken[FIRST:] else ""
        over = f"<p class=soft>ended on {expected.expectation.until}" if expected.ended else ""
        cells = "".join(_HELD[expected.held[place]].format(html(place)) for place in places)
        head = f"{html(expected.expectation.id)}<p class=soft>{html(expected.expectation.reason)}{over}"
        return f"<tr><th scope=row>{head}{wrong if expected.broken else ''}{more}{cells}"

    def undoing(self) -> str:
        """Returns who can undo what."""
        rows = "".join(
            f"<tr><th scope=row>{html(undoing.by)}<td>{html(undoing.what)}<td>{html(undoing.where)}"
            f"<td class=has>{_ANSWER[undoing.outcome]}<p class=soft>{html(undoing.why)}"
            for undoing in self.overview.guardrails.undoing
        )
        return f"<h3>Who can undo what</h3>{_table(('By', 'What', 'In', 'Answer'), rows)}"

    def controls(self) -> str:
        """Returns the controls of security.yaml with their mode, and what it means at AWS."""
        rows = []
        for name, control in self.landing_zone.security.controls.items():
            level = "" if control.on or (control.opens and control.mode is Mode.OFF) else " class=w"
            values = control.model_dump(mode="json", exclude={"mode"}, exclude_none=True) if control.on else {}
            said = ", ".join(f"{part}: {_value(value)}" for part, value in values.items() if value not in ("", [], {}))
            by_mode = {
                Mode.ON: said or "set",
                Mode.OFF: f"where it was on, {control.off}",
                Mode.UNMANAGED: LEFT,
            }
            mode = f"<b{level}>{control.mode.value}</b>"
            means = self.live.controls[name].words if self.live else by_mode[control.mode]
            rows.append(f"<tr><th scope=row>{html(name)}<td class=has>{mode}<td>{html(means)}")
        header = ("Mode in security.yaml", "At AWS") if self.live else ("Mode", "Meaning")
        return _table(("Control", *header), "".join(rows))

    def layers(self) -> str:
        """Returns the stacks."""
        return "".join(
            f"<div class=layer><h3>{html(layer.name)}</h3>{items(map(html, layer.owns))}"
            f"<p class=soft>reads {html(', '.join(layer.reads) or 'no other stack')}<br>"
            f"<code>{html(layer.state)}</code></div>"
            for layer in layers(self.landing_zone)
        )


_HELD: Mapping[bool | None, str] = {
    True: '<td class=held title="holds in {}">✓',
    False: '<td class=has title="does not hold in {}"><b class=f>▲</b>',
    None: '<td class="soft none">&ndash;',
}
"""The cell of a place; a narrow screen shows its title beside it."""
_ANSWER: Mapping[Outcome, str] = {
    Outcome.ALLOWED: "<b>allowed</b>",
    Outcome.DEPENDS: "<b class=w>depends</b>",
    Outcome.DENIED: "<b class=f>denied</b>",
}


def _item(kind: str, key: str, head: str, facts: str, body: str, *, is_open: bool, look: str = "item") -> str:
    identity = f' id="{anchor(kind, key)}"' if kind else ""
    opened = " open" if is_open else ""
    return (
        f"<details class={look}{identity}{opened}><summary>{head}<span class=facts>{facts}</span></summary>"
        f"<div>{body}</div></details>"
    )


def _held(principals: set[tuple[str, str]]) -> str:
    found = [link("g" if kind == "GROUP" else "u", key) for kind, key in sorted(principals)]
    return ", ".join(found) or "<small>nobody</small>"


def _table(heads: Iterable[str], rows: str) -> str:
    return f"<table><thead><tr>{''.join(f'<th scope=col>{head}' for head in heads)}<tbody>{rows}</table>"


def _value(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(map(str, value.values()))
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _slots(found: list[Slots]) -> str:
    return " · ".join(
        f"{html(short_type(one.type))} {one.used} of {one.limit} slots{'' if one.free else ' (full)'}"
        for one in shown(found)
    )
