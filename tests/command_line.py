"""The commands of strata as the command line has them, and why a line would be refused."""

from __future__ import annotations

import shlex
from functools import cache

import typer.main
from typer.core import TyperGroup

from strata.cli import app

USAGE_ERROR: type[Exception] = typer.BadParameter.__bases__[0]


def options(command: str) -> set[str]:
    """Returns the options of a command, or of `strata` itself for what is no command."""
    found = group().commands.get(command) or group()
    return {option for parameter in found.params for option in parameter.opts}


@cache
def group() -> TyperGroup:
    """Returns the command line with its commands."""
    found = typer.main.get_command(app)
    assert isinstance(found, TyperGroup)
    return found


def refusal(line: str) -> str:
    """Returns why the command line would be refused, empty if it would not."""
    words = shlex.split(line)
    if words[0].startswith("-"):
        return "" if words[0] in options("") else "there is no such option"
    command = group().commands.get(words[0])
    if isinstance(command, TyperGroup):
        if words[1:] in ([], ["--help"]):  # it names what is below it
            return ""
        words = words[1:]
        command = command.commands.get(words[0])
    if command is None:
        return "there is no such command"
    try:
        command.make_context(words[0], words[1:])
    except typer.Exit:  # --help
        return ""
    except USAGE_ERROR as error:
        return str(error)
    return ""


def every_command() -> list[str]:
    """Returns the words of every command, those below another among them."""
    inner = {name: one.commands for name, one in group().commands.items() if isinstance(one, TyperGroup)}
    return ["", *sorted([*group().commands, *(f"{name} {sub}" for name, below in inner.items() for sub in below)])]
