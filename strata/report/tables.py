"""The report as tables, for a terminal, for Markdown and for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from strata.config import EXTERNAL, ORGANIZATION, SSO
from strata.config.models import Mode
from strata.evaluation.administrators import allows_everything
from strata.landing_zone import MANAGEMENT, LandingZone, Part
from strata.landing_zone.groups import known_to
from strata.landing_zone.layers import layers
from strata.printing import cell_count, csv_cell, flat, markdown, words, wrapped
from strata.report.access import AccessPath, allowances, bundles, empty_groups, of_others
from strata.report.edition import Edition
from strata.report.inherited import shared_words
from strata.report.labels import says_more
from strata.report.live import LiveEvidence
from strata.report.overview import overview
from strata.report.places import places
from strata.report.policies import Slots, short_type, slots
from strata.report.reviews import Entering, accounts_alike, group_reviews
from strata.report.scope import EVERYTHING, Scope
from strata.text import counted, listed

_SPACE = "\N{NO-BREAK SPACE}"
"""The indent of a cell, since other white space is not kept."""

Row = tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table with its title and its notes."""

    title: str
    header: Row
    rows: Sequence[Row]
    notes: tuple[str, ...] = ()
    lead: tuple[str, ...] = ()
    """Lines above the title: the day and the revision, what a report is confined to."""


def tables(landing_zone: LandingZone, edition: Edition, scope: Scope = EVERYTHING) -> list[Table]:
    """Returns the report: all of it, or what concerns the accounts and people of a scope."""
    marked = Marked(landing_zone)
    people = partial(_unless_unread, landing_zone, "people")
    concerned = [
        people(_access_table(landing_zone, marked, scope)),
        people(_groups_table(landing_zone, marked, scope)),
        _accounts_table(landing_zone, marked, scope),
        *_attributes_tables(landing_zone, scope),
        people(_permission_sets_table(landing_zone, marked, scope)),
    ]
    live, evidence, ids = edition.live, [], []
    if live is not None:
        differences = [(difference.what, difference.place) for difference in live.differences] or [(live.summary, "")]
        evidence = [
            Table("Evidence", ("Fact", "Value"), live.facts()),
            Table("Differences to the configuration", ("What", "Declared at"), differences),
        ]
        ids = [Table("Account ids", ("Account", "Id"), list(live.accounts.items()))]
    if not scope.is_everything:
        return [replace(concerned[0], lead=(str(edition), f"Only {scope}")), *concerned[1:], *evidence]
    return [
        _overview_table(landing_zone, edition),
        *evidence,
        *concerned,
        _organization_table(landing_zone),
        _unless_unread(landing_zone, "policies", _policies_table(landing_zone)),
        _controls_table(landing_zone, live),
        Table(
            "Layers",
            ("Stack", "Owns", "Reads", "State"),
            [
                (layer.name, "; ".join(layer.owns), ", ".join(layer.reads) or "none", layer.state)
                for layer in layers(landing_zone)
            ],
        ),
        *ids,
    ]


def _unless_unread(landing_zone: LandingZone, part: Part, table: Table) -> Table:
    """Returns a table, or that it is unread, which is another thing than empty."""
    if part not in landing_zone.unread:
        return table
    return replace(table, rows=[("! unread", *[""] * (len(table.header) - 1))], notes=(landing_zone.unread[part],))


class Marked:
    """Permission sets with their sign: `!` is full access, `?` one of others that nobody has read."""

    def __init__(self, landing_zone: LandingZone) -> None:
        sets = landing_zone.permission_sets.items()
        self._sign = {key: "! " for key, permission_set in sets if allows_everything(permission_set)}
        self._sign |= {key: "? " for key, permission_set in sets if not permission_set.is_known}
        self.note = "!: full access." + (f" ?: {EXTERNAL} lacks it." if "? " in self._sign.values() else "")

    def __call__(self, key: str) -> str:
        return f"{self._sign.get(key, '')}{key}"


def as_text(report: Iterable[Table], width: int) -> str:
    """Returns tables for a terminal, cells wrapped to its width."""
    parts = []
    for table in report:
        notes, lead = (
            [piece for text in texts for piece in wrapped(flat(text), width)] for texts in (table.notes, table.lead)
        )
        head = [*lead, ""] if lead else []
        lines = _text_lines(replace(table, rows=[tuple(map(flat, row)) for row in table.rows]), width)
        parts.append("\n".join([*head, flat(table.title), "", *lines, *notes, ""]))
    return "\n".join(parts)


def as_markdown(report: Iterable[Table]) -> str:
    """Returns tables in GitHub's Markdown."""
    parts = []
    for table in report:
        lines = [piece for text in table.lead for piece in (markdown(text), "")]
        lines += [f"## {markdown(table.title)}", "", _markdown_row(table.header), "|---" * len(table.header) + "|"]
        lines += [_markdown_row([markdown(cell) for cell in row]) for row in table.rows]
        lines += [piece for note in table.notes for piece in ("", markdown(note))]
        parts.append("\n".join([*lines, ""]))
    return "\n".join(parts)


def as_csv(landing_zone: LandingZone, scope: Scope = EVERYTHING, live: LiveEvidence | None = None) -> str:
    """Returns the access matrix with a line for each person, account, permission set and way."""
    written = io.StringIO()
    evidence = [live.read_at.isoformat(timespec="seconds"), live.sha256, live.summary] if live else []
    writer = csv.writer(written, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow([*_COLUMNS, *(("read_at", "sha256", "differences") if live else ())])
    units = {
        target.key: " > ".join(target.key for target in way[:-1]) for target, way in landing_zone.ancestors.items()
    }
    for access in scope.access(landing_zone):
        user = landing_zone.users[access.holder.key] if access.holder.kind == "user" else None
        who = [access.holder.key, user.shown_name, user.email] if user else ["", "", ""]
        for way in access.ways:
            known = "yes" if user else "no"
            place = [access.account, units[access.account], access.permission_set, way.group or "", known]
            given = [str(way.member or ""), str(way.entry), str(way.until or ""), way.reason or ""]
            writer.writerow(map(csv_cell, (*who, *place, *given, *evidence)))
    return written.getvalue()


_COLUMNS = (
    *("user", "name", "email", "account", "unit", "permission_set", "group", "members_known"),
    *("member_at", "given_by", "until", "reason"),
)


def _markdown_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


# The tables


def _overview_table(landing_zone: LandingZone, edition: Edition) -> Table:
    first = overview(landing_zone, edition.as_of, edition.live)
    rows = [("Numbers", f"{first.numbers}")]
    for point in first.points():
        sign = "! " if point.level == "danger" else ""
        few = [*point.lines[:_FEW], *([f"and {len(point.lines) - _FEW:,} more"] if point.lines[_FEW:] else [])]
        together = ", ".join(point.lines) if all(" " not in line for line in point.lines) else ""
        texts = [together] if together else few
        for index, text in enumerate(texts):
            rows.append((f"{sign}{point.title}" if not index else "", text))
    remarks = {point.title: point.remark for point in first.points() if point.remark}
    notes = tuple(f"{title}: {remark[0].lower()}{remark[1:]}" for title, remark in remarks.items())
    lead = (str(edition),)
    return Table(f"{landing_zone.project.name}: at a glance", ("Question", "Answer"), rows, notes, lead)


_FEW = 20
"""Lines of one answer; --format json has all."""


def _access_table(landing_zone: LandingZone, marked: Marked, scope: Scope) -> Table:
    rows = [
        (
            str(given.holder),
            marked(given.permission_set),
            places(landing_zone, given.accounts),
            through(given.ways),
        )
        for given in bundles(scope.access(landing_zone))
    ]
    notes = [
        f"{group} has no members, so its assignments reach nobody."
        for group in empty_groups(landing_zone, landing_zone.grants)
        if scope.has_group(landing_zone, group)
    ]
    if others := [
        group for group in landing_zone.groups.values() if any(row[0] == f"members of {group.key}" for row in rows)
    ]:
        notes.append(f"'members of' a group: its people are known to {known_to(others)} only.")
    header = ("Who", "Permission set", "Accounts", "Through, given by")
    return Table("By person", header, rows, (marked.note, *notes))


def _groups_table(landing_zone: LandingZone, marked: Marked, scope: Scope) -> Table:
    rows = []
    for review in group_reviews(landing_zone, scope.accounts):
        group = review.group
        if not scope.has_group(landing_zone, group.key) or (scope.accounts is not None and not review.given):
            continue
        members = listed(group.people) or "nobody" if group.is_known else f"known to {known_to([group])}"
        first = f"{group.key} {review.place}: {members}"
        for given in review.given:
            way = given.way
            terms = (str(way.entry), f"until {way.until}" if way.until else None, way.reason)
            what = (marked(given.permission_set), places(landing_zone, given.accounts), "; ".join(filter(None, terms)))
            rows.append((first, *what))
            first = ""
        if not review.given:
            rows.append((first, "nothing", "", ""))
    header = ("Group: members", "Permission set", "Accounts", "Given by, until, why")
    return Table("By group", header, rows)


def _accounts_table(landing_zone: LandingZone, marked: Marked, scope: Scope) -> Table:
    reached = None if scope.accounts is None and scope.is_everything else scope.accounts_of(landing_zone)
    rows = []
    for alike in accounts_alike(landing_zone, reached):
        bound = ", ".join(f"{policy.key} from {source.key}" for policy, source in alike.policies)
        bound = "! unread" if "policies" in landing_zone.unread else bound
        if alike.accounts == (MANAGEMENT,):
            bound = f"{bound}; never by an SCP or RCP" if bound else "never by an SCP or RCP"
        who = [
            f"{marked(entering.permission_set)}: {_who(landing_zone, entering)}"
            for entering in alike.entering
            if scope.is_everything or scope.enters(landing_zone, entering.group, entering.principal)
        ]
        nobody = "! unread" if "people" in landing_zone.unread else "nobody"
        bound = bound or f"! {landing_zone.no_policy}"
        rows.append((listed(alike.accounts), " > ".join(alike.path), bound, "; ".join(who) or nobody))
    notes = ("Accounts of one OU that differ in nothing share a row.",)
    return Table("By account", ("Accounts", "In", "Bound by", "Who gets in"), rows, notes)


def _attributes_tables(landing_zone: LandingZone, scope: Scope) -> Iterator[Table]:
    """Yields what the configuration gives accounts, as their own or inherited; nothing where it gives nothing."""
    rows = [
        (word.name, word.value, word.by, places(landing_zone, word.accounts), str(word.place))
        for word in shared_words(landing_zone, scope.accounts_of(landing_zone))
    ]
    if rows:
        yield Table("Attributes and settings of accounts", ("What", "Value", "From", "Accounts", "Declared at"), rows)


def _who(landing_zone: LandingZone, entering: Entering) -> str:
    ends = {way.until for way in entering.ways}
    until = "" if None in ends else f" until {max(end for end in ends if end)}"
    if not entering.group:
        return f"{entering.principal}{until}"
    group = landing_zone.groups[entering.principal]
    number = counted(len(group.people), "person", "people") if group.is_known else "external"
    return f"group {group.key} ({number}){until}"


def through(ways: Iterable[AccessPath]) -> str:
    """Returns the ways access is given, in short."""
    return ", ".join(
        f"{way.group or 'directly'} {way.entry}{f' until {way.until}' if way.until else ''}" for way in ways
    )


def _permission_sets_table(landing_zone: LandingZone, marked: Marked, scope: Scope) -> Table:
    held = None if scope.is_everything else {access.permission_set for access in scope.access(landing_zone)}
    rows = [
        (
            marked(key),
            "; ".join(allowances(landing_zone, permission_set)),
            str(landing_zone.source(SSO, permission_set.location)),
        )
        for key, permission_set in landing_zone.permission_sets.items()
        if held is None or key in held
    ]
    return Table("Permission sets", ("Permission set", "Allows", "Declared at"), rows)


def _organization_table(landing_zone: LandingZone) -> Table:
    rows = []
    taken = slots(landing_zone)
    for target, way in landing_zone.ancestors.items():
        label = f"{target.key}/"
        if target.kind == "account":
            name = says_more(landing_zone.accounts[target.key].name, target.key)
            label = f"{target.key} ({name})" if name else target.key
        label = _SPACE * 2 * (len(way) - 1) + label
        attached = ", ".join(policy for of_type in taken[target] for policy in of_type.policies)
        used = ", ".join(
            f"{short_type(of_type.type)} {of_type.used} of {of_type.limit}" for of_type in shown(taken[target])
        )
        rows.append((label, "! unread", "") if "policies" in landing_zone.unread else (label, attached, used))
    return Table("Organization", ("Where", "Policies attached here", "Slots used"), rows, (slots_note(landing_zone),))


def slots_note(landing_zone: LandingZone) -> str:
    """Returns the note on the slots that AWS takes itself."""
    but = " One that is detached takes none." if landing_zone.without_full_access else ""
    return f"One SCP slot of every target is taken by AWS's FullAWSAccess, one RCP slot by RCPFullAWSAccess.{but}"


def shown(target_slots: Sequence[Slots]) -> list[Slots]:
    """Returns the slots worth a word: those with policies of one's own, else those of SCPs."""
    return [of_type for of_type in target_slots if of_type.policies] or list(target_slots[:1])


def _policies_table(landing_zone: LandingZone) -> Table:
    rows = []
    for policy in landing_zone.policies.values():
        attached = ((target, landing_zone.source(ORGANIZATION, at)) for target, at in policy.attachments.items())
        where = ", ".join(f"{target} {source}" for target, source in attached) or "nothing"
        size = landing_zone.project.aws_limits.policy_type(policy.type).size.value
        length = f"{policy.document.length:,} of {size:,}"
        says = of_others(landing_zone, policy) + ([] if policy.is_known else [f"not known: {EXTERNAL} lacks it"])
        rows.append((policy.key, short_type(policy.type), where, "; ".join(says or [length])))
    return Table("Policies", ("Policy", "Type", "Attached to", "Characters"), rows)


def _controls_table(landing_zone: LandingZone, live: LiveEvidence | None) -> Table:
    at_aws = {name: control.words for name, control in live.controls.items()} if live else {}
    rows = [
        (
            name,
            control.mode.value,
            at_aws.get(name)
            or ("" if control.on else f"where it was on, {control.off}" if control.mode is Mode.OFF else LEFT),
        )
        for name, control in landing_zone.security.controls.items()
    ]
    return Table("Controls", ("Control", "Mode in security.yaml" if live else "Mode", "At AWS"), rows)


LEFT = "it stays at AWS as it is"
"""What an unmanaged control means."""


# Layout in a terminal

_GAP = "  "
_HANGING = 2


def _text_lines(table: Table, width: int) -> Iterator[str]:
    lines = [table.header, *table.rows]
    columns = range(len(table.header))
    widths = [max(cell_count(row[column]) for row in lines) for column in columns]
    narrowest = [max(_narrowest(row[column], hangs=not column) for row in lines) for column in columns]
    most = width - len(_GAP) * (len(widths) - 1)
    if sum(narrowest) > most:  # too narrow for columns of whole words: each row as lines below each other
        for first, *others in table.rows:
            named = zip(table.header[1:], others, strict=True)
            for line in (first, *(f"  {title.lower()}: {cell}" for title, cell in named if cell)):
                yield from wrapped(line, width)
        return
    while sum(widths) > most:
        widths[max(columns, key=lambda column: (widths[column] > narrowest[column], widths[column]))] -= 1
    for index, row in enumerate(lines):
        cells = [_cell(row[column], widths[column], hangs=not column) for column in columns]
        for number in range(max(map(len, cells))):
            texts = (cell[number] if number < len(cell) else "" for cell in cells)
            padded = (text + " " * (columns - cell_count(text)) for text, columns in zip(texts, widths, strict=True))
            yield _GAP.join(padded).rstrip()
        if not index:
            yield _GAP.join("-" * columns for columns in widths)


def _narrowest(text: str, *, hangs: bool) -> int:
    """Returns how wide a cell is that parts no word."""
    first, *others = map(cell_count, words(text.lstrip(_SPACE)) or [""])
    indent = len(text) - len(text.lstrip(_SPACE))
    return indent + max(first, *(_HANGING * hangs + other for other in others), 0)


def _cell(text: str, width: int, *, hangs: bool) -> list[str]:
    """Returns the lines of a cell; those that hang leave the first column to what begins a row or a table."""
    indent = len(text) - len(text.lstrip(_SPACE))
    return [" " * indent + piece for piece in wrapped(text.lstrip(_SPACE), width - indent, _HANGING * hangs)]
