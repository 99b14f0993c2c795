"""The report as tables, for a terminal, for Markdown and for spreadsheets."""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from strata.config import ORGANIZATION, SSO
from strata.landing_zone import LandingZone
from strata.landing_zone.units import Target
from strata.printing import csv_cell, markdown, visible, wrapped
from strata.report.access import AccessPath, access, allowances, bundles, empty_groups
from strata.report.layers import layers
from strata.report.policies import Slots, short_type, slots
from strata.text import accounts_in_words, listed

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


def tables(landing_zone: LandingZone) -> list[Table]:
    """Returns the whole report."""
    return [
        _access_table(landing_zone),
        _permission_sets_table(landing_zone),
        _organization_table(landing_zone),
        _policies_table(landing_zone),
        _layers_table(landing_zone),
    ]


def as_text(found: Iterable[Table], width: int) -> str:
    """Returns tables for a terminal, cells wrapped to its width."""
    parts = []
    for table in map(_visible, found):
        notes = [piece for note in table.notes for piece in wrapped(note, width)]
        parts.append("\n".join([table.title, "", *_text_lines(table, width), *notes, ""]))
    return "\n".join(parts)


def _visible(table: Table) -> Table:
    rows = [tuple(map(visible, row)) for row in table.rows]
    return Table(table.title, table.header, rows, tuple(map(visible, table.notes)))


def as_markdown(found: Iterable[Table]) -> str:
    """Returns tables in GitHub's Markdown."""
    parts = []
    for table in found:
        lines = [f"## {table.title}", "", _markdown_row(table.header), "|---" * len(table.header) + "|"]
        lines += [_markdown_row([markdown(cell) for cell in row]) for row in table.rows]
        lines += [piece for note in table.notes for piece in ("", markdown(note))]
        parts.append("\n".join([*lines, ""]))
    return "\n".join(parts)


def as_csv(landing_zone: LandingZone) -> str:
    """Returns the access matrix with one line for each person, account, permission set and way."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(
        [
            "user",
            "name",
            "email",
            "account",
            "unit",
            "permission_set",
            "group",
            "members_known",
            "member_at",
            "given_by",
            "until",
        ]
    )
    units = {target.key: " > ".join(one.key for one in way[:-1]) for target, way in landing_zone.ancestors.items()}
    for one in access(landing_zone):
        user = landing_zone.users[one.holder.key] if one.holder.kind == "user" else None
        who = [one.holder.key, user.shown_name, user.email] if user else ["", "", ""]
        for way in one.ways:
            known = "yes" if user else "no"
            place = [one.account, units[one.account], one.permission_set, way.group or "", known]
            writer.writerow(
                [csv_cell(cell) for cell in (*who, *place, str(way.member or ""), str(way.entry), str(way.until or ""))]
            )
    return written.getvalue()


def _markdown_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


# The tables


def _access_table(landing_zone: LandingZone) -> Table:
    rows = []
    for bundle in bundles(access(landing_zone)):
        accounts = accounts_in_words(bundle.accounts, landing_zone.accounts) or listed(bundle.accounts)
        rows.append((str(bundle.holder), bundle.permission_set, accounts, through(bundle.ways)))
    notes = [
        f"{group} has no members, so its assignments reach nobody."
        for group in empty_groups(landing_zone, landing_zone.grants)
    ]
    if any(group.external for group in landing_zone.groups.values()):
        notes.append("'members of' a group: its people are known to the identity provider only.")
    return Table("Access", ("Who", "Permission set", "Accounts", "Through, given by"), rows, tuple(notes))


def through(ways: Iterable[AccessPath]) -> str:
    """Returns the ways access is given, in short."""
    return ", ".join(
        f"{way.group or 'directly'} {way.entry}{f' until {way.until}' if way.until else ''}" for way in ways
    )


def _permission_sets_table(landing_zone: LandingZone) -> Table:
    rows = [
        (key, "; ".join(allowances(one)), str(landing_zone.source(SSO, one.location)))
        for key, one in landing_zone.permission_sets.items()
    ]
    return Table("Permission sets", ("Permission set", "Allows", "Declared at"), rows)


def _organization_table(landing_zone: LandingZone) -> Table:
    rows = []
    targets = slots(landing_zone)
    for target, way in landing_zone.ancestors.items():
        found = targets[target]
        label = _SPACE * 2 * (len(way) - 1) + _label(landing_zone, target)
        attached = ", ".join(policy for one in found for policy in one.policies)
        rows.append(
            (label, attached, ", ".join(f"{short_type(one.type)} {one.used} of {one.limit}" for one in shown(found)))
        )
    return Table("Organization", ("Where", "Policies attached here", "Slots used"), rows, (SLOTS_NOTE,))


SLOTS_NOTE = "One SCP slot of every target is taken by AWS's FullAWSAccess, one RCP slot by RCPFullAWSAccess."


def shown(found: Sequence[Slots]) -> list[Slots]:
    """Returns the slots worth a word: those with policies of one's own, else those of SCPs."""
    return [one for one in found if one.policies] or list(found[:1])


def _label(landing_zone: LandingZone, target: Target) -> str:
    if target.kind == "account":
        return f"{target.key} ({landing_zone.accounts[target.key].name})"
    return f"{target.key}/"


def _policies_table(landing_zone: LandingZone) -> Table:
    rows = []
    for policy in landing_zone.policies.values():
        attached = ((target, landing_zone.source(ORGANIZATION, at)) for target, at in policy.attachments.items())
        where = ", ".join(f"{target} {source}" for target, source in attached) or "nothing"
        size = landing_zone.project.aws_limits.policy_type(policy.type).size.value
        rows.append((policy.key, short_type(policy.type), where, f"{len(policy.document.text):,} of {size:,}"))
    return Table("Policies", ("Policy", "Type", "Attached to", "Characters"), rows)


def _layers_table(landing_zone: LandingZone) -> Table:
    rows = [(one.name, "; ".join(one.owns), ", ".join(one.reads) or "none", one.state) for one in layers(landing_zone)]
    return Table("Layers", ("Stack", "Owns", "Reads", "State"), rows)


# Layout in a terminal

_GAP = "  "


def _text_lines(table: Table, width: int) -> Iterator[str]:
    from rich.cells import cell_len

    lines = [table.header, *table.rows]
    columns = range(len(table.header))
    widths = [max(cell_len(row[column]) for row in lines) for column in columns]
    narrowest = [max(_narrowest(row[column]) for row in lines) for column in columns]
    most = width - len(_GAP) * (len(widths) - 1)
    if sum(narrowest) > most:
        yield from (piece for line in _entries(table) for piece in wrapped(line, width))
        return
    while sum(widths) > most:
        widths[max(columns, key=lambda column: (widths[column] > narrowest[column], widths[column]))] -= 1
    for index, row in enumerate(lines):
        cells = [_cell(cell, columns) for cell, columns in zip(row, widths, strict=True)]
        for number in range(max(map(len, cells))):
            texts = (cell[number] if number < len(cell) else "" for cell in cells)
            padded = (text + " " * (columns - cell_len(text)) for text, columns in zip(texts, widths, strict=True))
            yield _GAP.join(padded).rstrip()
        if not index:
            yield _GAP.join("-" * columns for columns in widths)


def _narrowest(text: str) -> int:
    """Returns how wide a cell is that parts no word."""
    from rich.cells import cell_len

    indent = len(text) - len(text.lstrip(_SPACE))
    return indent + max((cell_len(word) for word in text.split()), default=0)


def _entries(table: Table) -> Iterator[str]:
    """Yields each row as lines below each other, where the terminal is too narrow for columns of whole words."""
    for first, *others in table.rows:
        yield first
        named = zip(table.header[1:], others, strict=True)
        yield from (f"  {title.lower()}: {cell}" for title, cell in named if cell)


def _cell(text: str, width: int) -> list[str]:
    indent = len(text) - len(text.lstrip(_SPACE))
    pieces = textwrap.wrap(text.lstrip(_SPACE), max(width - indent, 8), break_on_hyphens=False, break_long_words=False)
    return [" " * indent + piece for piece in pieces] or [""]
