"""docs/recording.svg shows the commands of today, as they print, and nothing of the machine that recorded them."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from strata.cli import app
from tests.command_line import refusal
from tests.documents import CHECKOUT
from tests.recording import DOMAIN, RECORDING, STEPS, lines
from tests.synthesized import SHIPPED


@pytest.fixture(scope="module")
def picture() -> str:
    return RECORDING.read_text(encoding="utf-8")


def test_the_recording_has_the_steps_of_its_script(picture: str) -> None:
    typed = [line.removeprefix("$ ") for line in lines(picture) if line.startswith("$ ")]

    assert typed == [step.command for step in STEPS]
    assert [why for line in typed if (why := refusal(line.removeprefix("strata ")))] == []
    assert [line for line in lines(picture) if line.startswith("# ")] == [f"# {step.remark}" for step in STEPS]


def test_what_needs_no_aws_prints_what_is_recorded(
    picture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`strata add` and `strata can`, on the files that the recording had; e2e records all of it again."""
    shutil.copytree(SHIPPED, tmp_path / "config", ignore=shutil.ignore_patterns("expectations.yaml"))
    for file in (tmp_path / "config").glob("*.yaml"):
        file.write_text(file.read_text().replace("example.com", DOMAIN).replace("471112350983", "123456789012"))
    monkeypatch.chdir(tmp_path)
    for name in ("STRATA_CONFIG", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    shown = " ".join(" ".join(lines(picture)).split())
    for step in STEPS:
        if step.command.split()[1] in {"add", "can"}:
            printed = CliRunner().invoke(app, shlex.split(step.command)[1:])
            assert printed.exit_code == step.code
            # A line that stands twice is in `lines` once.
            once = dict.fromkeys(line.rstrip() for line in printed.output.splitlines())
            assert [line for line in once if " ".join(line.split()) not in shown] == []
            assert len(once) > 5


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
