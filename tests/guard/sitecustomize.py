"""Refuses to open what is below config/: it is its owner's, and no test may depend on what he writes there.

Loaded by the tests, and by every Python that a test starts, as PYTHONPATH leads to it. Which is as good as a run with
another config/, for every config/ there may be.
"""

from __future__ import annotations

import os
import sys
from typing import Any

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120  # early
_OWNERS = os.path.join(CHECKOUT, "config")  # noqa: PTH118
_OPENING = frozenset({"open", "os.listdir", "os.scandir"})


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _OPENING or not isinstance(arguments[0], str | bytes | os.PathLike):
        return
    path = os.fsdecode(arguments[0])
    if event == "open" and arguments[1] is None and not os.path.isabs(path):  # noqa: PTH117
        return  # os.open, as rmtree calls it: relative to a folder that the event does not name
    path = os.path.abspath(path)  # noqa: PTH100
    if path == _OWNERS or path.startswith(_OWNERS + os.sep):
        raise AssertionError(f"a test opens {path}: read strata/template or a configuration of its own")


sys.addaudithook(_refuse)
