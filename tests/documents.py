"""Reads the documentation for the tests that hold it to its word: fenced blocks, commands, headings, links."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
PAGES = (
    *(CHECKOUT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "examples/README.md")),
    *sorted((CHECKOUT / "docs").rglob("*.md")),
)


@dataclass(frozen=True)
class Block:
    """One block of code: its language (empty if it is only indented), the heading it stands under, its text."""

    page: Path
    line: int
    heading: str
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks(page: Path, language: str | None = None, heading: str | None = None) -> list[Block]:
    """Returns the blocks of a page in order, all or those of one language under one heading."""
    found = [
        block for block in _blocks(page) if language in (None, block.language) and heading in (None, block.heading)
    ]
    assert found or heading is None, f"{page.name} has no {language} block under {heading!r}"
    return found


def _blocks(page: Path) -> Iterator[Block]:
    heading, lines = "", page.read_text(encoding="utf-8").splitlines()
    number = 0
    while number < len(lines):
        line = lines[number]
        if title := re.match(r"#+ (.+)", line):
            heading = title[1]
        start, body = number + 1, []
        if fence := re.match(r"```(\w*)$", line):
            number += 1
            while lines[number] != "```":
                body.append(lines[number])
                number += 1
        elif line.startswith("    ") and not (number and lines[number - 1].strip()):
            while number < len(lines) and (lines[number].startswith("    ") or not lines[number].strip()):
                body.append(lines[number][4:])
                number += 1
            number -= 1
        if body:
            yield Block(page, start, heading, fence[1] if fence else "", "\n".join(body).rstrip() + "\n")
        number += 1


def commands(text: str) -> Iterator[str]:
    """Yields the command lines of a block: continued lines joined, comments and empty lines left out."""
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        command = re.sub(r"(^|\s)#\s.*$", "", line).strip()
        if command:
            yield command


def inline(page: Path) -> Iterator[str]:
    """Yields the code that stands within the text of a page."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"(?m)^    .*$", "", text)
    for code in re.findall(r"`([^`]+)`", text):
        yield " ".join(code.split())


def headings(page: Path) -> list[str]:
    """Returns the headings of a page."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^#+ (.+)$", text, re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """Returns what a link may name on a page, as GitHub makes it of the headings."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings(page)}


def with_rows(text: str, head: str, rows: Iterable[str]) -> str:
    """Returns the text of a page with the rows of one table made anew, the one that has this head."""
    before, found, rest = text.partition(f"{head}\n|---|")
    assert found, f"no table has the head {head}"
    rule, _, rest = rest.partition("\n")
    return f"{before}{found}{rule}\n" + "".join(f"{row}\n" for row in rows) + re.sub(r"\A(\|.*\n)+", "", rest)


def links(page: Path) -> list[str]:
    """Returns where the links of a page lead."""
    text = page.read_text(encoding="utf-8")
    return re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"^\[[^\]]+\]: (\S+)$", text, re.MULTILINE)
