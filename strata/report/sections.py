"""The sections of the HTML page that need no script: by group, by person, by account, sets, policies, controls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from strata.config import ORGANIZATION, SSO
from strata.config.models import Mode
from strata.landing_zone import MANAGEMENT, LandingZone, Part
from strata.landing_zone.groups import known_to
from strata.landing_zone.layers import layers
from strata.landing_zone.units import THE_ROOT, Target, children
from strata.policy.answers import Outcome
from strata.printing import html
from strata.report.access import Access, AccessHolder, AccessPath, allowances, of_others, undecided
from strata.report.inherited import shared_words
from strata.report.labels import says_more
from strata.report.live import LiveEvidence
from strata.report.markup import FULL, SIGN, Pills, anchor, items, link, soft, until_and_why
from strata.report.overview import Overview, Point
from strata.report.places import places
from strata.report.policies import short_type, slots
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
        points = []
        for point in self.overview.points():
            lines = [self._line(point, line) for line in point.lines]
            more = lines[FIRST:] if len(lines) > FIRST + 1 else []
            listed = items(lines[: len(lines) - len(more)])
            if more:
                listed += f"<details><summary>{len(more):,} more</summary>{items(more)}</details>"
            sign, words = {"danger": ("▲", "look at this"), "warning": ("●", "to know"), "fine": ("✓", "fine")}[
                point.level
            ]
            remark = f"<p class=soft>{html(point.remark)}</p>" if point.remark else ""
            points.append(
                f'<div class="point {point.level}" id="point-{html(point.key)}">'
                f'<h3><span class=sign title="{words}">{sign}</span> {html(point.title)}</h3>{listed}{remark}</div>'
            )
        return "".join(points)

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
        """Returns the facts of the reading; nothing of a report on files."""
        facts = self.live.facts() if self.live else ()
        rows = "".join(f"<tr><th scope=row>{html(name)}<td>{html(value)}" for name, value in facts)
        return _table(("Fact", "Value"), rows)

    def differences(self) -> str:
        """Returns the differences of AWS to the configuration."""
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
        group, given, zone = review.group, review.given, self.landing_zone
        accounts = {account for access in given for account in access.accounts}
        unknown = f"members known to {known_to([group])}"
        people = counted(len(group.people), "member") if group.is_known else unknown
        full = f" {FULL}" if any(access.permission_set in self.pills.full for access in given) else ""
        none = " <b class=w>no members</b>" if not group.people and group.is_known else ""
        head = f"<b>{html(group.key)}</b>{soft(says_more(group.name, group.key))}{full}{none}"
        facts = f"{people} · {counted(len({access.permission_set for access in given}), 'permission set')} · "
        facts += counted(len(accounts), "account")
        body = f"<p>{html(group.description)}" if group.description else ""
        if group.people:
            members = [link("u", key) + soft(says_more(zone.users[key].shown_name, key)) for key, _ in review.members]
            body += f"<p><b>Members</b> {', '.join([*members, *map(html, group.strangers)])}"
        body += self._given(given) if given else "<p class=soft>Nothing is given to it."
        declared = f"<p class=soft>Declared at <code>{html(str(review.place))}</code>"
        sign = "<p class=sign-here>"
        return _item("g", group.key, head, facts, f"{body}{declared}{sign}", is_open=is_open)

    def _given(self, given: Iterable[GivenAccess]) -> str:
        alike: dict[tuple[tuple[str, ...], AccessPath], list[str]] = defaultdict(list)
        for access in given:
            alike[access.accounts, access.way].append(access.permission_set)
        rows = "".join(
            f"<tr><td>{self.pills.sets(sets)}<td>{html(self._places(accounts))}"
            f"<td>{html(way.reason or '')}<td>{html(way.until or '')}<td><code>{html(str(way.entry))}</code>"
            for (accounts, way), sets in alike.items()
        )
        heads = ("Permission set", "Accounts", "Reason", "Until", "Given at")
        return _table(heads, rows, " class='given has'")

    def _places(self, accounts: Iterable[str]) -> str:
        where = tuple(accounts)
        if where not in self.known:
            self.known[where] = places(self.landing_zone, where)
        return self.known[where]

    # By person

    def people(self) -> str:
        """Returns every person with their groups and all that they have."""
        by_holder: dict[AccessHolder, list[Access]] = defaultdict(list)
        for access in self.overview.access:
            by_holder[access.holder].append(access)
        direct = given_to(self.landing_zone, "USER")
        users, is_open = self.landing_zone.users, len(self.landing_zone.users) <= OPEN
        return "".join(
            self._user(key, by_holder[AccessHolder(external=False, key=key)], direct.get(key, []), is_open=is_open)
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
        """Returns the sets that somebody has through groups, together where places and groups are the same."""
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
        below, targets = children(self.landing_zone.ancestors), slots(self.landing_zone)
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
            taken = targets[target]
            attached = " ".join(self.pills.policy(key) for of_type in taken for key in of_type.policies)
            here = f" <span class='has by'>{attached}</span>" if attached else ""
            head = f"<b>{html(target.key)}</b>{soft(says_more(name, target.key))}{here}"
            units = "".join(unit(child) for child in below[target] if child.unit)
            # Of many accounts only the units are open that hold units, and then what is in the others.
            families = "".join(
                self._alike(accounts, everywhere, is_open=is_open or not units) for accounts in alike[target.key]
            )
            facts = [counted(number, "account")]
            facts += [
                f"{html(short_type(of_type.type))} {of_type.used} of {of_type.limit} slots"
                f"{'' if of_type.free else ' (full)'}"
                for of_type in (shown(taken) if attached else ())
            ]
            body, open_too = families + units, is_open or bool(units)
            return _item("o", target.key, head, " · ".join(facts), body, is_open=open_too, look="ou")

        listed = items(self._entering(everywhere), "has")
        said = f'<div id="everywhere"><b>Gets in everywhere</b>{listed}</div>' if everywhere else ""
        return said + unit(THE_ROOT)

    def attributes(self) -> str:
        """Returns what the configuration gives accounts, as their own or inherited; empty where it gives nothing."""
        rows = "".join(
            f"<tr><th scope=row>{html(word.name)}<td class=has>{html(word.value)}"
            f"<td>{html(word.by)} <code>{html(str(word.place))}</code>"
            f"<td>{html(places(self.landing_zone, word.accounts))}"
            for word in shared_words(self.landing_zone, self.landing_zone.accounts)
        )
        return rows and _table(("What", "Value", "From", "Accounts"), rows)

    def _alike(self, alike: Alike, everywhere: Collection[Entering], *, is_open: bool) -> str:
        keys = alike.accounts
        identity = ("a", keys[0]) if len(keys) == 1 else ("", "")
        head = ", ".join(f"<b>{html(key)}</b>" for key in keys[:SHOWN])
        head += soft(self._details(keys[0])) if len(keys) == 1 else ""
        head += f" and {len(keys) - SHOWN:,} more" if keys[SHOWN:] else ""
        facts = f"{counted(len(keys), 'account')}, alike" if keys[1:] else ""
        each = "".join(f'<li id="{anchor("a", key)}">{html(key)}{soft(self._details(key))}' for key in keys)
        names = f"<ul class=accounts>{each}</ul>" if keys[1:] else ""
        bound = self.unread("policies").removeprefix("<p>")
        bound += " ".join(self.pills.policy(policy.key, source) for policy, source in alike.policies)
        if MANAGEMENT in keys:
            bound += " <small>no SCP or RCP binds the management account</small>"
        nothing = f"<b class=f>{SIGN} {self.landing_zone.no_policy}</b>"
        own = [entering for entering in alike.entering if entering not in everywhere]
        lines = [*self._entering(own)]
        if everywhere:
            lines.append(f'<a href="#everywhere">those who get in everywhere</a> <small>{len(everywhere):,}</small>')
        entering = items(lines, "has") if lines else self.unread("people") or "<p class=soft>nobody gets in"
        body = f"{names}<p class='has by'>Bound by {bound or nothing}{entering}"
        return _item(*identity, head, facts, body, is_open=is_open, look="alike")

    def _details(self, key: str) -> str:
        account = self.landing_zone.accounts[key]
        return " · ".join(part for part in (says_more(account.name, key), account.id, account.email) if part)

    def _entering(self, enterings: Iterable[Entering]) -> Iterator[str]:
        alike: dict[str, list[str]] = defaultdict(list)
        for entering in enterings:
            who = link("g" if entering.group else "u", entering.principal)
            if entering.group:
                known = self.landing_zone.groups[entering.principal].is_known
                number = counted(self.sizes[entering.principal], "person", "people") if known else "external"
                who += f" <small>{number}</small>"
            alike[f"{who}{until_and_why(entering.ways)}"].append(entering.permission_set)
        yield from (f"{self.pills.sets(sets)} {who}" for who, sets in alike.items())

    # Permission sets, policies, controls, layers

    def sets(self) -> str:
        """Returns the permission sets with their policies and holders."""
        principals: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for grant in self.landing_zone.grants:
            principals[grant.permission_set].add((grant.principal_type, grant.principal))
        holders = {
            key: ", ".join(link("g" if kind == "GROUP" else "u", principal) for kind, principal in sorted(some))
            for key, some in principals.items()
        }
        rows = "".join(
            f'<tr id="{anchor("s", key)}"><th scope=row class=has>{self.pills.sets([key])}'
            f"{soft(says_more(permission_set.name, key))}"
            f"<td>{items(map(html, allowances(self.landing_zone, permission_set)))}"
            f"<td>{holders.get(key) or '<small>nobody</small>'}"
            f"<td><code>{html(str(self.landing_zone.source(SSO, permission_set.location)))}</code>"
            for key, permission_set in self.landing_zone.permission_sets.items()
        )
        return _table(("Permission set", "Allows", "Given to", "Declared at"), rows)

    def policies(self) -> str:
        """Returns the policies with their targets."""
        rows = []
        for policy in self.landing_zone.policies.values():
            lines = {target: self.landing_zone.source(ORGANIZATION, at) for target, at in policy.attachments.items()}
            attached = [f"{html(str(target))} <code>{html(str(line))}</code>" for target, line in lines.items()]
            texts = (policy.description, *of_others(self.landing_zone, policy))
            rows.append(
                f'<tr id="{anchor("p", policy.key)}"><th scope=row>{html(policy.key)}'
                f"{''.join(f'<p class=soft>{html(text)}' for text in texts)}"
                f"<td>{html(short_type(policy.type))}<td>{items(attached or ['nothing'])}"
            )
        return _table(("Policy", "Type", "Attached to"), "".join(rows))

    def expectations(self) -> str:
        """Returns the expectations by unit, with what breaks one."""
        answers = self.overview.guardrails
        if not answers.expected:
            return "<p class=soft>No expectation is written: expectations.yaml."
        heads = ("Expectation", *(f"<code>{html(place)}</code>" for place in answers.places))
        rows = []
        for expected in answers.expected:
            wrong = items(map(html, expected.broken[:FIRST])) if expected.broken else ""
            more = f"<p class=soft>and {len(expected.broken) - FIRST:,} more" if expected.broken[FIRST:] else ""
            over = f"<p class=soft>ended on {expected.expectation.until}" if expected.ended else ""
            cells = "".join(_HELD[expected.held[place]].format(html(place)) for place in answers.places)
            head = f"{html(expected.expectation.id)}<p class=soft>{html(expected.expectation.reason)}{over}"
            rows.append(f"<tr><th scope=row>{head}{wrong}{more}{cells}")
        table = _table(heads, "".join(rows))
        return f"<div class=wide role=region tabindex=0 aria-label=Expectations>{table}</div>"

    def undoing(self) -> str:
        """Returns the ways to undo something, by whom and how certain."""
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


def _table(heads: Iterable[str], rows: str, look: str = "") -> str:
    return f"<table{look}><thead><tr>{''.join(f'<th scope=col>{head}' for head in heads)}<tbody>{rows}</table>"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    several = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
    return ", ".join(map(str, several))
