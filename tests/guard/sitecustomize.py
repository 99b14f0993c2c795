"""Refuses to open what is below config/: it is its owner's, and no test may depend on what he writes there.

But for those in tests/own/, which are his as well: for them it is lifted. Loaded by the tests, and by every Python
that a test starts, as PYTHONPATH leads to it. Which is as good as a run with another config/, for every config/ there
may be.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120  # early
_OWNERS = os.path.join(CHECKOUT, "config")  # noqa: PTH118
_OPENING = frozenset({"open", "os.listdir", "os.scandir"})


_lifted = 0


@contextlib.contextmanager
def lifted() -> Iterator[None]:
    """Lets what is below config/ be read, here and in every Python that is started meanwhile."""
    path, here = os.environ.get("PYTHONPATH", ""), os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
    os.environ["PYTHONPATH"] = os.pathsep.join(part for part in path.split(os.pathsep) if part and part != here)
    # A worker of pytest loads it twice: by PYTHONPATH, and by conftest.py.
    loaded = [
        vars(sys.modules[name]) for name in ("sitecustomize", __name__) if hasattr(sys.modules.get(name), "_lifted")
    ]
    for each in loaded:
        each["_lifted"] += 1
    try:
        yield
    finally:
        for each in loaded:
            each["_lifted"] -= 1
        os.environ["PYTHONPATH"] = path


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if _lifted or event not in _OPENING or not isinstance(arguments[0], str | bytes | os.PathLike):
        return
    path = os.fsdecode(arguments[0])
    if event == "open" and arguments[1] is None and not os.path.isabs(path):  # noqa: PTH117
        return  # os.open, as rmtree calls it: relative to a folder that the event does not name
    path = os.path.abspath(path)  # noqa: PTH100
    if path == _OWNERS or path.startswith(_OWNERS + os.sep):
        raise AssertionError(f"a test opens {path}: read strata/template or a configuration of its own")


sys.addaudithook(_refuse)
