"""Tables for a terminal, wrapped to its width, and in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from strata.printing import cell_count, flat, markdown, words, wrapped
from strata.report.tables import INDENT, Cell, Table

FOLDED = 300
"""Characters of a policy, or of another text of several, after which it is folded; `strata explain` has it whole."""


def as_text(report: Iterable[Table], width: int) -> str:
    """Returns tables for a terminal."""
    parts = []
    for table in report:
        lead = [piece for text in table.lead for piece in wrapped(flat(text), width)]
        notes = [piece for text in table.notes for piece in wrapped(flat(text), width)]
        lines = _text_lines([tuple(flat(_plain(cell)) for cell in row) for row in (table.header, *table.rows)], width)
        parts.append("\n".join([*lead, *([""] if lead else []), flat(table.title), "", *lines, *notes, ""]))
    return "\n".join(parts)


def as_markdown(report: Iterable[Table]) -> str:
    """Returns tables in GitHub's Markdown."""
    parts = []
    for table in report:
        lines = [piece for text in table.lead for piece in (markdown(text), "")]
        lines += [f"## {markdown(table.title)}", "", _markdown_row(table.header), "|---" * len(table.header) + "|"]
        lines += [_markdown_row([markdown(_plain(cell)) for cell in row]) for row in table.rows]
        lines += [piece for note in table.notes for piece in ("", markdown(note))]
        parts.append("\n".join([*lines, ""]))
    return "\n".join(parts)


def _plain(cell: Cell) -> str:
    return cell if isinstance(cell, str) else "; ".join(map(_folded, cell))


def _folded(text: str) -> str:
    return text if len(text) <= FOLDED else f"{text[:FOLDED]} ... and {len(text) - FOLDED:,} characters more"


def _markdown_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


# Layout in a terminal

_GAP = "  "
_HANGING = 2


def _text_lines(lines: list[tuple[str, ...]], width: int) -> Iterator[str]:
    header, *rows = lines
    columns = range(len(header))
    widths = [max(cell_count(row[column]) for row in lines) for column in columns]
    narrowest = [max(_narrowest(row[column], hangs=not column) for row in lines) for column in columns]
    most = width - len(_GAP) * (len(widths) - 1)
    if sum(narrowest) > most:  # too narrow for columns of whole words: each row as lines below each other
        for first, *others in rows:
            named = zip(header[1:], others, strict=True)
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
    first, *others = map(cell_count, words(text.lstrip(INDENT)) or [""])
    indent = len(text) - len(text.lstrip(INDENT))
    return indent + max(first, *(_HANGING * hangs + other for other in others), 0)


def _cell(text: str, width: int, *, hangs: bool) -> list[str]:
    """Returns the lines of a cell; those that hang leave the first column to what begins a row or a table."""
    indent = len(text) - len(text.lstrip(INDENT))
    return [" " * indent + piece for piece in wrapped(text.lstrip(INDENT), width - indent, _HANGING * hangs)]
