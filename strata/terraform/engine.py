"""The two engines, cdktf and cdktn, which goes on where cdktf ended: a CLI, its Node, its packages.

`make` asks before anything is installed: standard library only.
"""

from __future__ import annotations

import json
import platform
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strata.errors import Message, StrataError

CDKTF, CDKTN = "cdktf", "cdktn"
_CHECKOUT = Path(__file__).resolve().parents[2]
DEFAULT = _CHECKOUT / "requirements/engine"
"""The name of the engine that `make setup` installs in .venv."""


def default() -> str:
    """Returns the name of the engine in .venv.

    Raises:
        StrataError: somebody has written another word there.
    """
    name = DEFAULT.read_text(encoding="utf-8").strip() if DEFAULT.exists() else ""
    if name not in (CDKTF, CDKTN):
        text = f"{DEFAULT} says {name!r}; write {CDKTF} or {CDKTN} there, then run make setup"
        raise StrataError(Message("value-rejected", text, place=str(DEFAULT)))
    return name


@dataclass(frozen=True)
class Engine:
    """The CLI that a package.json pins."""

    name: str
    version: str
    nodes: str
    """The versions of Node that the CLI works with, in npm's words: `20 || 22`, `>=22.19`."""
    folder: Path
    """The folder of node_modules."""

    @classmethod
    def of(cls, folder: Path) -> Engine:
        """Reads the package.json of a folder."""
        pinned: dict[str, Any] = json.loads((folder / "package.json").read_text(encoding="utf-8"))
        name, version = next(
            (name, pinned["dependencies"][f"{name}-cli"])
            for name in (CDKTF, CDKTN)
            if f"{name}-cli" in pinned["dependencies"]
        )
        # Its terminal module, node-pty, is prebuilt for 18 to 22, on Linux arm64 up to 20.
        arm = name == CDKTF and (platform.system(), platform.machine()) == ("Linux", "aarch64")
        return cls(name, version, "20" if arm else pinned["engines"]["node"], folder)

    @classmethod
    def named(cls, name: str) -> Engine:
        """Returns the one of two engines that has a name."""
        return cls.of(_CHECKOUT if name == CDKTF else _CHECKOUT / "requirements" / CDKTN)

    @property
    def package(self) -> Path:
        """The folder of the installed CLI."""
        return self.folder / f"node_modules/{self.name}-cli"

    @property
    def cli(self) -> Path:
        """The file that Node runs."""
        return self.package / f"bundle/bin/{self.name}.js"

    def takes(self, node: str) -> bool:
        """Says whether the CLI works with a version of Node, `v22.19.0`."""
        version = _numbers(node)
        return any(
            version >= _numbers(wanted) if wanted.startswith(">=") else version[:1] == _numbers(wanted)
            for wanted in self.nodes.split(" || ")
        )


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text))
