"""`make demo` deploys config/ into an emulated AWS that lives no longer than it; `make demo-shell` opens a shell there.

It runs the commands that an operator types, on a copy of config/, in a folder of its own. None of them can reach AWS:
the environment has one endpoint and credentials that are nobody's, and the provider refuses every account but the
emulated one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import NoReturn

from strata.landing_zone import LandingZone
from tests.aws.client import ACCOUNT, CHECKOUT, Aws, emulated_aws
from tests.demo.commands import DemoError, error_in, run, say
from tests.demo.configuration import copied, fingerprint, is_edited, lay_organization
from tests.demo.environment import assert_emulated, cleaned, environment, leave_aws_behind
from tests.demo.providers import provider
from tests.demo.snapshot import Snapshot

CONFIG = CHECKOUT / "config"
FOLDER = CHECKOUT / "cdktf.out-demo"
"""Beside what a deploy of config/ writes, which is in cdktf.out; `make clean` takes both away."""
COPY = FOLDER / "config"
LOG, REPORT = FOLDER / "log", FOLDER / "report.html"
STACKS = ("backend", "organizations", "security", "sso")
CONSOLE = "enable-identity-center"
_BIN = Path(sys.executable).parent
_STEP = re.compile(r": (Creation|Modifications|Destruction|Import) complete|\b(Plan|Error): |\bApply complete!")


def main(arguments: list[str]) -> None:
    """Runs the demo, and with the argument `shell` leaves a shell in it."""
    leave_aws_behind()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _ended)
    try:
        with _alone():
            if arguments == ["shell"] and _from_empty():
                begin_with_nothing()
            else:
                demonstrate(shell=arguments == ["shell"])
    except DemoError as error:
        sys.exit(f"demo: {error}")
    except OSError as error:
        sys.exit(f"demo: {error}")
    except KeyboardInterrupt:
        sys.exit("demo: interrupted; nothing of it runs any more")


def _from_empty() -> bool:
    """Says whether the shell begins with an empty account, not with config/ deployed.

    Raises:
        DemoError: FROM has another word.
    """
    if (begins := os.environ.get("FROM", "")) not in ("", "empty"):
        raise DemoError(f"FROM is empty, or not given, not {begins}")
    return bool(begins)


def begin_with_nothing() -> None:
    """Opens a shell with an AWS account in which nothing is, and the template: docs/first-deploy.md is typed there."""
    out = FOLDER / "out-empty"
    shutil.rmtree(out, ignore_errors=True)  # it is initialized for a bucket that is gone
    with emulated_aws(FOLDER / "aws.log") as aws, provider(aws, FOLDER) as found:
        console = FOLDER / "bin" / CONSOLE
        console.parent.mkdir(exist_ok=True)
        console.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tests.demo.console "{aws.url}"\n')
        console.chmod(0o755)
        variables = environment(aws, found, FOLDER)
        variables |= {
            "CDKTF_OUTPUT": str(out),
            "PATH": os.pathsep.join([str(console.parent), variables["PATH"]]),
            "STRATA_CONFIG": str(FOLDER / "empty"),
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        assert_emulated(aws, variables)
        aws.order("prompt")  # what takes AWS minutes takes none here, so that cdktf deploy may be typed too
        if not (FOLDER / "empty").exists():
            shutil.copytree(CHECKOUT / "strata" / "template", FOLDER / "empty")
        _open_shell(variables, _EMPTY)


def demonstrate(*, shell: bool) -> None:
    """Deploys config/ into an empty emulated AWS, shows the next plan and the report; a shell begins where that ended.

    Raises:
        DemoError: a command failed.
    """
    checked = run(
        [str(_BIN / "strata"), "check", "--config", str(CONFIG)], cleaned(os.environ), FOLDER / "check.log", _fault
    )
    if checked:
        raise DemoError("config/ has faults; mend them, and `strata check` says when the last one is gone")
    with emulated_aws(FOLDER / "aws.log") as aws, provider(aws, FOLDER) as found:
        say(f"AWS is emulated, at {aws.url}: account {ACCOUNT}, with credentials that are nobody's")
        variables = environment(aws, found, FOLDER)
        assert_emulated(aws, variables)
        landing_zone = copied(CONFIG, COPY)
        # Of an edited copy the demo before may have deployed this one, or what the edits began with.
        sources = [CONFIG, COPY] if is_edited(COPY) else [CONFIG]
        snapshots = [Snapshot(FOLDER, f"{found.name} {fingerprint(source)}") for source in sources]
        if shell and any(one.restored(aws) for one in snapshots):
            say("it is as the last demo of this configuration left it")
        else:
            snapshots[-1].forget()
            Landing(aws, landing_zone, variables).deploy()
            snapshots[-1].keep(aws)
        if shell:
            _open_shell({**variables, "AWS_DEFAULT_REGION": landing_zone.project.regions.primary}, _DEPLOYED)
        else:
            _say_what_comes_next()


class Landing:
    """The commands of a first deploy, one after the other."""

    def __init__(self, aws: Aws, landing_zone: LandingZone, variables: Mapping[str, str]) -> None:
        self._aws, self._landing_zone, self._variables = aws, landing_zone, variables

    def deploy(self) -> None:
        """Bootstraps and deploys, plans again, and writes the report.

        Raises:
            DemoError: a command failed, or the second plan has a change.
        """
        shutil.rmtree(FOLDER / "out", ignore_errors=True)
        LOG.unlink(missing_ok=True)
        self._run("strata", "bootstrap", "--yes")
        say("\nIAM Identity Center is switched on, which in AWS you do by hand, once")
        lay_organization(self._aws, self._landing_zone)
        self._run("cdktf", "deploy", *STACKS, "--auto-approve")
        self._run("strata", "plan", "--exit-code")
        say("the next plan is empty: everything is as config/ says")
        self._run("strata", "report", "--format", "html", "--output", str(REPORT))

    def _run(self, *words: str) -> None:
        say(f"\n$ {' '.join(words)}")
        shown = _Steps().shown if words[0] == "cdktf" else _told
        code = run([str(_BIN / words[0]), *words[1:]], self._variables, LOG, shown)
        if code == 3:
            raise DemoError(f"the next plan should be empty; {LOG} has all of it")
        if code:
            raise DemoError(f"`{' '.join(words[:2])}` failed: {error_in(LOG)}; {LOG} has all of it")


def _fault(line: str) -> str | None:
    return None if line.startswith("warning: ") else line


def _told(line: str) -> str | None:
    """Leaves out that the emulated account, which every organization begins with, has a name of its own."""
    return None if re.search(r"warning: .*management_account\.\w+: is .* AWS has 'master", line) else line


class _Steps:
    """What cdktf does to resources; it names the stack of a line where another was named before, here each has it."""

    _stack = ""

    def shown(self, line: str) -> str | None:
        """Returns what is shown of a line."""
        own, width = line[:1].strip() and line.split(maxsplit=1)[0], len(line) - len(line.lstrip())
        self._stack = own or self._stack
        if not _STEP.search(line):
            return None
        named = line if own else self._stack.ljust(width) + line[width:]
        return re.sub(r" \[id=.*", "", named)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoError("another demo runs in this checkout; wait for it, or end it") from None
        yield


_COMMANDS = "strata plan, strata report, strata doctor, cdktf diff sso, aws organizations list-accounts, ..."
_DEPLOYED = f"""
Until you leave this shell, every command works on the emulated AWS, of which nothing costs anything:
  {_COMMANDS}
Its configuration is {FOLDER.name}/config, a copy of yours: edit it, then `strata plan` and `strata deploy`.
Edits stay there for the next demo; what was deployed here ends with the shell.
"""
_EMPTY = f"""
Until you leave this shell, every command works on account {ACCOUNT} of the emulated AWS, in which nothing is:
  strata init, strata check, strata bootstrap, {CONSOLE}, strata deploy, as in docs/first-deploy.md
{CONSOLE} stands for the console: it switches IAM Identity Center on, after strata bootstrap.
Your configuration is {FOLDER.name}/empty and stays for the next shell; rm -r it to begin with the template.
What was deployed here ends with the shell.
"""


def _open_shell(variables: Mapping[str, str], text: str) -> None:
    """Opens a shell without the settings of whose it is, which might lead to AWS again."""
    say(text)
    bash = shutil.which("bash")
    words = [bash, "--noprofile", "--norc"] if bash else ["sh"]
    # Ctrl-C is for what runs in the shell.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        subprocess.run(words, cwd=CHECKOUT, env={**variables, "PS1": "(emulated AWS) $ "}, check=False)
    finally:
        signal.signal(signal.SIGINT, before)


def _say_what_comes_next() -> None:
    folder = FOLDER.relative_to(CHECKOUT)
    say(f"""
config/ was deployed into an emulated AWS, which is gone now: nothing was made in AWS, and nothing costs anything.
  {folder}/report.html   who may do what where, as one page
  {folder}/out/stacks/   the Terraform of each stack
  {folder}/log           all that the commands said
next:
  make demo-shell         the same organization again, and a shell to try every command in
  . .venv/bin/activate && strata init     your own names, regions and addresses; then docs/first-deploy.md""")


def _ended(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


if __name__ == "__main__":
    main(sys.argv[1:])
