"""Reads CHANGELOG.md: the versions, and the entries of each by their effect on resources that exist."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from tests.documents import CHECKOUT

CHANGELOG = CHECKOUT / "CHANGELOG.md"
UNRELEASED = "Unreleased"
ACTIONS = {
    "Replaced": ("replace",),
    "Removed": ("delete", "forget"),
    "In place": ("update",),
    "Moved": ("move",),
    "Created": ("create",),
}
"""Headings whose entries begin with addresses, and the actions of a plan that they announce."""
HEADINGS = ("Deprecated", "Edit first", *ACTIONS, "None")
BREAKS = ("Replaced", "Removed")
"""Headings that only a new major version has."""


@dataclass(frozen=True)
class Version:
    """One version: its number, its day, and its entries by heading."""

    number: str
    day: str
    entries: dict[str, list[str]] = field(default_factory=dict)

    def addresses(self, heading: str) -> list[str]:
        """Returns the addresses with which the entries under a heading begin, `*` standing for any text."""
        found = []
        for entry in self.entries.get(heading, ()):
            beginning = entry.partition(":")[0]
            found += re.findall(r"`([^`]+)`", beginning)
        return found

    def announces(self, action: str, address: str) -> bool:
        """Returns whether an entry says that the upgrade does this to a resource, or to an output."""
        return any(
            fnmatchcase(address, pattern)
            for heading, actions in ACTIONS.items()
            if action in actions
            for pattern in self.addresses(heading)
        )


def versions(text: str | None = None) -> list[Version]:
    """Returns all versions, the newest first; that of the next release is called Unreleased."""
    found: list[Version] = []
    heading = ""
    for line in (text if text is not None else CHANGELOG.read_text(encoding="utf-8")).splitlines():
        if title := re.match(r"## (\S+)(?: - (\S+))?$", line):
            found.append(Version(title[1], title[2] or ""))
        elif title := re.match(r"### (.+)$", line):
            heading = title[1]
            found[-1].entries[heading] = []
        elif found and line.startswith("- "):
            found[-1].entries.setdefault(heading, []).append(line[2:])
        elif found and line.startswith("  ") and found[-1].entries.get(heading):
            found[-1].entries[heading][-1] += f" {line.strip()}"
    return found
