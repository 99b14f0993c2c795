"""What docs/json.md says of the fields of each JSON."""

from __future__ import annotations

import re
from functools import cache

from tests.synthesized import CHECKOUT

PAGE = CHECKOUT / "docs/json.md"


@cache
def tables() -> dict[str, dict[str, str]]:
    """Returns the type of every field, by the words above its table."""
    found: dict[str, dict[str, str]] = {}
    title = ""
    for text in PAGE.read_text().splitlines():
        if heading := re.match(r"(?:## (.*)|(\S.*):)$", text):
            title = heading[1] or heading[2]
        elif row := re.match(r"\| `(.+?)` \| (.+?) \|", text):
            found.setdefault(title, {})[row[1]] = row[2]
    return found
