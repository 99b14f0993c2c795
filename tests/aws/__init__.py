"""One emulated AWS for every test: moto, and what it lacks or answers otherwise, a module per service."""

import re
from pathlib import Path

_MODULES = {one.stem: one.read_text("utf-8") for one in Path(__file__).parent.glob("*.py")}
SERVICES = sorted(name for name, text in _MODULES.items() if re.search(r"^@\w+\.answers\(", text, re.MULTILINE))
"""The modules that answer calls."""
