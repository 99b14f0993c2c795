"""docs/recording.svg shows the commands of today, as they print, and nothing of the machine that recorded them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.command_line import refusal
from tests.documents import CHECKOUT
from tests.recording import RECORDING, STEPS, lines


@pytest.fixture(scope="module")
def picture() -> str:
    return RECORDING.read_text(encoding="utf-8")


def test_the_recording_has_the_steps_of_its_script(picture: str) -> None:
    typed = [line.removeprefix("$ ") for line in lines(picture) if line.startswith("$ ")]

    assert typed == [step.command for step in STEPS]
    assert [why for line in typed if (why := refusal(line.removeprefix("strata ")))] == []
    assert [line for line in lines(picture) if line.startswith("# ")] == [f"# {step.remark}" for step in STEPS]


def test_the_recording_is_whole_and_of_nobody(picture: str) -> None:
    """It stands alone, as GitHub needs it, is small, and says no path, port, user or host of a machine."""
    text = "\n".join(lines(picture))

    assert len(picture.encode()) < 200_000
    assert re.findall(r"(?:href|src)=|@import|url\((?!#)|<script|<image|<foreignObject", picture) == []
    assert "prefers-reduced-motion" in picture
    assert re.findall(r"(?<![\w.:/-])(?:/[\w.-]+){2,}|localhost|127\.0\.0\.1|:\d{4,5}\b|error|Traceback", text) == []
    assert str(Path.home()) not in picture
    assert set(re.findall(r"https?://[^\s<\"]+", text)) == {"https://d-9067a1b2c3.awsapps.com/start"}
    assert "](docs/recording.svg)" in (CHECKOUT / "README.md").read_text(encoding="utf-8")
