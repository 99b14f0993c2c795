"""The recording of README.md, made again: the commands on AWS say what they said then."""

from __future__ import annotations

import re

import pytest

from tests.recording import RECORDING, lines, prepare, recorded
from tests.scenarios.site import Site

pytestmark = pytest.mark.only("stand-in")


def test_recording_again_shows_the_same(empty: Site) -> None:
    """`make recording` is due where this fails."""
    prepare(empty)

    again, before = lines(recorded(empty)), lines(RECORDING.read_text(encoding="utf-8"))

    assert _without_progress(again) == _without_progress(before)


def _without_progress(found: list[str]) -> list[str]:
    """Leaves out how far something is: that is told when a moment has passed, wherever that is."""
    return [line for line in found if not re.search(r", N s\b|\[\d+/\d+\]", line)]
