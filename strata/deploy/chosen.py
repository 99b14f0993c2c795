"""What somebody asks of a run: stacks that are named, a wave, words of `--allow`."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from strata.config.layers import STACKS, folder_of
from strata.config.types import did_you_mean
from strata.errors import Message, StrataError, UsageError
from strata.identity.archive import COMPLIANCE, SHORTER_LOCK
from strata.identity.deletions import LAST_ADMINISTRATOR
from strata.identity.guard import DESTROY, IMPORT, MANY, WEAKEN
from strata.identity.protection import DISABLE_PROTECTION
from strata.landing_zone import LandingZone
from strata.terraform.fleet import layer_of
from strata.terraform.situation import Request
from strata.terraform.workspace import Workspace
from strata.text import counted


def chosen(workspace: Workspace, zone: LandingZone, request: Request) -> Iterator[str]:
    """Yields the stacks to deploy in their order, all when none is named; a layer stands for its account stacks.

    A wave takes stacks in accounts only; wave 0 is all that is in none.

    Raises:
        StrataError: there is no stack of a name.
    """
    for name in request.stacks:
        _check_name(workspace, zone, name)
    named, wave = {*request.stacks}, request.wave
    for stack in workspace.stacks:
        in_account = stack in zone.account_stacks
        names = {stack, layer_of(stack)} if in_account else {stack}
        number = zone.wave(stack) if in_account else 0
        if (not named or names & named) and wave in (None, number):
            yield stack


def _check_name(workspace: Workspace, zone: LandingZone, name: str) -> None:
    layers = {layer.name for layer in zone.layers.values() if layer.code.in_accounts}
    if name in workspace.stacks or name in layers:
        return
    known = [*(stack for stack in workspace.stacks if stack not in zone.account_stacks), *sorted(layers)]
    hint = did_you_mean(name, {*known, *workspace.stacks})
    if (folder_of(name) / "stack.py").is_file():
        file = f"{workspace.environment['STRATA_CONFIG']}/layers/{name}.yaml"
        hint = f": {file} does not exist, which switches its code on"
    text = f"there is no stack {name!r}{hint}; there are {', '.join(known)}"
    raise StrataError(Message("no-such-stack", text, stack=name))


def check_wave(zone: LandingZone, request: Request) -> None:
    """Refuses a wave that no layer has, and one of what has no rollout.

    Raises:
        UsageError: there is no such wave.
    """
    wave = request.wave
    if not wave:
        return
    waves = zone.waves
    named = {*map(layer_of, request.stacks)} & {*STACKS, *zone.layers}
    if others := sorted(named - waves.keys()):
        text = f"--wave is for layers whose file has a rollout: deploy {', '.join(others)} without it"
        raise UsageError(Message("arguments-conflict", text, options=["--wave", *others]))
    numbers = {name: len(waves[name]) for name in waves if not named or name in named}
    if wave > (most := max(numbers.values(), default=0)):
        there = ", ".join(f"{name} has {counted(number, 'wave')}" for name, number in numbers.items())
        text = f"--wave {wave}: {there or 'no layer has a rollout'}"
        raise UsageError(Message("number-out-of-range", text, value=wave, limit=most))


_OF_SOMETHING = (DESTROY, WEAKEN, MANY, IMPORT)
ALLOWED = (
    LAST_ADMINISTRATOR,
    f"{DESTROY}ADDRESS",
    f"{WEAKEN}ADDRESS",
    f"{MANY}TYPE",
    f"{IMPORT}ADDRESS",
    DISABLE_PROTECTION,
    SHORTER_LOCK,
    COMPLIANCE,
)


def check_words(allow: Collection[str]) -> None:
    """Accepts the words of `--allow`.

    Raises:
        UsageError: a word is none.
    """
    for word in allow:
        if word in ALLOWED or (word.startswith(_OF_SOMETHING) and not word.endswith(":")):
            continue
        guess = did_you_mean(word, ALLOWED)
        text = f"--allow does not accept {word!r}{guess}; it accepts {', '.join(ALLOWED)}"
        raise UsageError(Message("argument-malformed", text, option="--allow", value=word))
