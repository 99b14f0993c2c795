"""Records the terminal of README.md: real commands on an emulated AWS, drawn by PtyReel. `make recording` runs it.

Text and colours are the commands' own. The pace is not: nobody waits for AWS here, and lines come as people read.
"""

from __future__ import annotations

import fcntl
import html
import os
import re
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ptyreel.layout import Layout
from ptyreel.screen import TerminalScreen
from ptyreel.svg import render_svg
from ptyreel.tape import TapeSettings

from tests.aws import real_provider
from tests.aws.client import emulated_aws
from tests.documents import CHECKOUT
from tests.provider.server import StandIn
from tests.scenarios.site import TEMPLATE, Site

RECORDING = CHECKOUT / "docs/recording.svg"
SETTINGS = TapeSettings(
    title="strata, on an emulated AWS", width=960, height=600, font_size=14, padding=16, loop=True, loop_delay_ms=6000
)
DOMAIN = "acme.io"
"""In place of example.com, which Strata would remind of."""


@dataclass(frozen=True)
class Step:
    """One command, with the remark before it and the answer to each of its questions."""

    command: str
    remark: str
    answer: str = ""
    code: int = 0


STEPS = (
    Step(
        f"strata add account payments organizational_unit=shared email=aws+payments@{DOMAIN} --yes",
        "One account more: its entry in the YAML, the people who get in, the policies that bind it.",
    ),
    Step("strata deploy", "The plan is asked about, and just that is applied.", answer="y"),
    Step(
        "strata can cloudtrail:StopLogging --in payments --as Administrator",
        "May an administrator there stop the trail?",
        code=3,
    ),
    Step("strata drift", "Is AWS as the YAML says?"),
)
_TYPED, _LINE, _PROGRESS, _READ, _PAUSE = 35, 60, 220, 90, 1200
"""Milliseconds for a character that is typed, a line, a progress line, reading a line, and between commands."""
_LEFT_OUT = ("AWS_ENDPOINT_URL is set", "reading: ")
"""Where AWS is emulated, and how many answers of AWS have come at some moment: both are others each time."""
_QUESTION = "[y/N] "


def main() -> None:
    """Writes docs/recording.svg."""
    with tempfile.TemporaryDirectory() as folder, emulated_aws(Path(folder) / "log") as aws:
        served = StandIn(aws.url)
        found = {"TERRAFORM_BINARY_NAME": real_provider.terraform()}
        site = Site.of(aws, lambda variables: found | served.variables(variables), TEMPLATE, Path(folder))
        prepare(site)
        RECORDING.write_text(recorded(site), encoding="utf-8")
        served.stop()
    sys.stdout.write(f"{RECORDING.relative_to(CHECKOUT)}: {RECORDING.stat().st_size // 1000} kB\n")


def prepare(site: Site) -> None:
    """Deploys the shipped configuration, which the recording begins with."""
    for file in site.config.glob("*.yaml"):
        file.write_text(file.read_text(encoding="utf-8").replace("example.com", DOMAIN), encoding="utf-8")
    site.bootstrap()
    deployed = site.strata("deploy", "--yes")
    assert deployed.code == 0, deployed.text


def recorded(site: Site) -> str:
    """Runs the steps and returns the picture."""
    layout = Layout.from_settings(SETTINGS)
    terminal = Terminal(TerminalScreen(cols=layout.cols, rows=layout.rows))
    for step in STEPS:
        site.aws.wait_an_hour()
        terminal.types(step)
        terminal.shows(step, site.environment(TERM="xterm-256color"), site.folder, (layout.rows, layout.cols))
    return str(render_svg(terminal.screen.snapshot(duration_ms=terminal.now), settings=SETTINGS))


def lines(picture: str) -> list[str]:
    """Returns the text of a recording line by line, those that were written over among them, without what varies."""
    found = []
    for body in re.findall(r'<text x="0" y="\d+"[^>]*>(.*?)</text>', picture, re.DOTALL):
        line = ""
        for column, text in re.findall(r'<tspan x="(\d+)"[^>]*>(.*?)</tspan>', body):
            line = line.ljust(int(column) // Layout.from_settings(SETTINGS).char_width) + html.unescape(text)
        line = re.sub(r"\b\d+ s\b", "N s", re.sub(r"\b\d{12}\b", "ACCOUNT", line))
        found.append(re.sub(r"\d+ resources?", "N resources", re.sub(r"asked \d+ times", "asked N times", line)))
    return list(dict.fromkeys(found))


class Terminal:
    """A screen with the time of the recording."""

    def __init__(self, screen: TerminalScreen) -> None:
        self.screen, self.now = screen, 500

    def types(self, step: Step) -> None:
        """Shows a prompt with a remark and a command that somebody types."""
        self._feed(f"\x1b[2m# {step.remark}\x1b[0m\r\n", _PAUSE)
        self._feed("\x1b[32m$\x1b[0m \x1b[1m", 400)
        for character in step.command:
            self._feed(character, _TYPED)
        self._feed("\x1b[0m\r\n", 300)

    def shows(self, step: Step, environment: Mapping[str, str], folder: Path, size: tuple[int, int]) -> None:
        """Runs the command of a step and shows its lines; answers its questions."""
        shown, progress, left_out = 0, "", False
        for text in _said(step, environment, folder, size):
            left_out = text.startswith(_LEFT_OUT) or (left_out and text.startswith("  "))
            if left_out:
                continue
            if text.endswith("\x1b[K"):  # how far it is, written over the time before
                if progress != (progress := re.sub(r"\d+", "", text)):
                    self._feed(text, _PROGRESS)
            elif text.endswith(_QUESTION):
                self._feed(text, _PAUSE)
            else:
                self._feed(text, _LINE)
                shown += 1
        self._feed("\r\n", _PAUSE + shown * _READ)

    def _feed(self, text: str, takes: int) -> None:
        self.screen.feed(text, time_ms=self.now)
        self.now += takes


def _said(step: Step, environment: Mapping[str, str], folder: Path, size: tuple[int, int]) -> Iterator[str]:
    """Runs a command at a terminal; yields its lines, each progress line, and its questions, which are answered."""
    master, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    plain = {"STRATA_CONFIG", "FORCE_COLOR", "NO_COLOR", "CI", "COLUMNS", "LINES"}
    variables = {name: value for name, value in environment.items() if name not in plain}
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("strata")), *step.command.split()[1:]],
        cwd=folder,
        env=variables,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    waiting = ""
    while True:
        try:
            read = os.read(master, 65536)
        except OSError:  # nobody has the other end any more
            break
        waiting += read.decode()
        *whole, waiting = re.split(r"(?<=\n)|(?<=\x1b\[K)", waiting)
        yield from whole
        if step.answer and waiting.endswith(_QUESTION):
            yield waiting
            waiting = ""
            os.write(master, f"{step.answer}\n".encode())
    os.close(master)
    assert process.wait() == step.code, f"{step.command} exits {process.returncode}"
    if waiting:
        yield waiting


if __name__ == "__main__":
    main()
