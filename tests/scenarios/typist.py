"""Types the commands of a page of the documentation, as an operator at a terminal does, and answers what they ask."""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.aws.client import CHECKOUT
from tests.scenarios.site import Run, Site

_OVERWRITTEN = re.compile(r"[^\n\r]*\r")
"""Progress, which the terminal replaces with what comes next in the line."""
_TERMINAL_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

PATIENCE = 60
"""Seconds without a word, after which a command asks something that nobody answers."""


@dataclass(frozen=True)
class Typist:
    """A terminal in a folder that looks like the checkout: `config` and `cdktf.out` are those of the site."""

    site: Site
    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    @classmethod
    def at(cls, site: Site, folder: Path) -> Typist:
        """Makes the folder."""
        desk, commands = folder / "desk", folder / "commands"
        desk.mkdir()
        commands.mkdir()
        (desk / "config").symlink_to(site.config)
        (desk / "cdktf.out").symlink_to(site.output)
        (commands / "terraform").symlink_to(site.environment()["TERRAFORM_BINARY_NAME"])
        here, python = shlex.quote(str(CHECKOUT)), shlex.quote(sys.executable)
        _script(commands / "aws", f"PYTHONPATH={here} exec {python} -P -m tests.scenarios.aws_cli")
        # It refuses to run outside of the checkout, which is where an operator is.
        _script(commands / "cdktf", f"cd {here} && exec {shlex.quote(str(Path(sys.executable).parent / 'cdktf'))}")
        return cls(
            site, desk, {"PATH": os.pathsep.join([str(commands), str(Path(sys.executable).parent), os.environ["PATH"]])}
        )

    def types(self, text: str, answers: Mapping[str, str] | None = None, **variables: str) -> Run:
        """Runs lines in a shell that stops at the first failure; a question is answered by the words it contains."""
        environment = self.site.environment(
            **{
                "STRATA_CONFIG": str(self.site.config),
                "CDKTF_OUTPUT": str(self.site.output),
                "AWS_REGION": "us-east-1",
                # Terraform asks only where it may, and the doubt of an operator is part of the page.
                "TF_INPUT": "1",
                # Wide enough that no line is parted, and no answer has a line of its own.
                "COLUMNS": "2000",
                **self.variables,
                **variables,
            }
        )
        master, slave = pty.openpty()
        process = subprocess.Popen(
            ["sh", "-eu", "-c", text],
            cwd=self.folder,
            env=environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        try:
            said = _converse(master, answers or {})
        except TimeoutError:
            process.kill()
            raise
        finally:
            os.close(master)
        return Run(process.wait(), said, "")


def _script(file: Path, command: str) -> None:
    file.write_text(f'#!/bin/sh\n{command} "$@"\n')
    file.chmod(0o755)


def _converse(terminal: int, answers: Mapping[str, str]) -> str:
    """Reads what is said until the other side hangs up; answers every question once it stands at the end."""
    said, answered = "", 0
    while True:
        if not select.select([terminal], [], [], PATIENCE)[0]:
            raise TimeoutError(f"nothing more was said for {PATIENCE} seconds after:\n{said[-2000:]}")
        try:
            part = os.read(terminal, 65536)
        except OSError:  # how Linux says that the other side has hung up
            part = b""
        if not part:
            return _OVERWRITTEN.sub("", said.replace("\r\n", "\n"))
        said += _TERMINAL_CODES.sub("", part.decode(errors="replace")).replace("\r\n", "\n")
        if select.select([terminal], [], [], 0.05)[0]:
            continue  # half a line may look like a question
        question = said[answered:].rpartition("\n")[2]
        answer = next((answer for words, answer in answers.items() if words in question), None)
        if answer is not None and question.endswith((": ", "] ")):
            os.write(terminal, f"{answer}\n".encode())
            answered = len(said)
