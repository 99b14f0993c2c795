"""What `strata --help` says: the commands in the order of their use, a short line each, and the exit codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer
from typer.core import TyperGroup

GROUPS: Mapping[str, Mapping[str, str]] = {
    "Start": {
        "init": "write config/ from your names and accounts",
        "adopt": "write config/ from what exists at AWS",
        "bootstrap": "create state bucket, table, organization",
    },
    "Change": {
        "add": "add one entry to the configuration",
        "remove": "take one out, with what depends on it",
        "retire": "stop managing an account",
        "rename": "give a thing another key, everywhere",
        "check": "find every fault in the configuration",
        "plan": "show the changes of a deploy",
        "deploy": "plan, ask, then deploy",
        "expire": "remove access that has ended",
    },
    "Ask": {
        "explain": "who may do what where, and why",
        "can": "whether somebody may do something",
        "report": "access, organization, effects of an edit",
    },
    "Watch": {
        "doctor": "check AWS and this machine",
        "drift": "what differs at AWS from config/",
    },
    "Use": {
        "profiles": "write AWS CLI profiles",
        "permissions": "print the IAM policy to plan or deploy",
        "eject": "write Terraform to run without Strata",
    },
}
"""Each command with its line; those in no group are hidden."""

LINES: Mapping[str, str] = {name: text for group in GROUPS.values() for name, text in group.items()}

EXIT_CODES: Mapping[int, str] = {
    0: "done, or nothing to do",
    1: "a fault in the configuration, or a failure",
    2: "the command line is wrong",
    3: "something differs; the command says what",
    4: "deployed; what is left needs approval",
    130: "interrupted",
}


_USAGE_ERROR: type[Exception] = typer.BadParameter.__bases__[0]
"""What a command line raises that typer cannot read; typer names only its subclasses."""


class Commands(TyperGroup):
    """The commands of `strata`, listed by purpose. One that an earlier version had says what to do instead."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Returns the names in the order of their use, also for the completion of a shell."""
        return [*(name for name in LINES if name in self.commands), *(self.commands.keys() - LINES.keys())]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Returns the command that the arguments name."""
        for words in (args[:1], args[:2]):
            _refuse_removed(f"command {' '.join(words)}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Runs the command."""
        try:
            return super().invoke(ctx)
        except _USAGE_ERROR as error:
            context = getattr(error, "ctx", None) or ctx
            command = context.command_path.removeprefix("strata ")
            option = getattr(error, "option_name", None)
            _refuse_removed(f"option {command} {option}" if option else f"argument {command}")
            raise

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Writes the groups; all have the same width, so that the lines stand in a column."""
        width = max(len(name) for name in LINES if name in self.commands)
        for title, lines in GROUPS.items():
            rows = [(f"{name:<{width}}", text) for name, text in lines.items() if name in self.commands]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)
        with formatter.section("Exit codes"):
            formatter.write_dl([(f"{code:<{width}}", text) for code, text in EXIT_CODES.items()])


def _refuse_removed(what: str) -> None:
    """Ends the command where an earlier version had this."""
    from strata.config.removed import removed

    if gone := removed(what):
        problem, remedy = gone
        typer.echo(f"error: {problem}; {remedy}", err=True)
        raise typer.Exit(2)


def print_version(asked: bool) -> None:
    """Prints the version and, in a clone, the revision, and ends the command."""
    if asked:
        typer.echo(version())
        raise typer.Exit


def version() -> str:
    """Returns the version of the package, with the revision where git has one."""
    import subprocess
    from importlib.metadata import version as installed
    from pathlib import Path

    text = f"strata {installed('strata')}"
    checkout = Path(__file__).parents[1]
    if not (checkout / ".git").exists():
        return text
    command = ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return text
    return f"{text}, revision {done.stdout.strip()}"
