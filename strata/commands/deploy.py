"""`strata deploy`: checks, plans, asks, and applies the plan that it showed, stack by stack.

Plain `cdktf deploy` applies the same Terraform. Here is what only a command that looks before, during and after can do.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack

from strata.deploy.deploying import begin, check_producers, deploy
from strata.deploy.ending import finish
from strata.deploy.reading import prepare
from strata.errors import Message, StrataError
from strata.options import Options
from strata.terminal import require_terminal
from strata.terraform.change_list import ApprovedList
from strata.terraform.planner import plan_folder
from strata.terraform.progress import Progress
from strata.terraform.signals import Signals, StoppedError
from strata.terraform.situation import Request


def run(
    options: Options,
    *,
    stacks: Sequence[str],
    json: bool,
    yes: bool,
    allow: Sequence[str],
    expect: str | None = None,
    refresh: bool = False,
    at_once: int | None = None,
    wave: int | None = None,
) -> int:
    """Shows the plan, asks and applies it; one that can be planned only after another is asked about in its turn.

    Args:
        expect: the list that was approved, or its hash: nothing else is applied, and nobody is asked about more.
        refresh: whether Terraform is started in accounts that are as the last deploy left them.
    """
    expected = ApprovedList.of(expect) if expect is not None else None
    request = Request(stacks, allow, at_once, wave, refresh=refresh)
    if not yes:
        require_terminal("strata plan")
    with Signals() as signals, ExitStack() as ends, Progress(options) as progress:
        try:
            situation = prepare(options, progress, request)
            folder = ends.enter_context(plan_folder(situation.workspace))
            to = sys.stderr if json else sys.stdout
            begun = begin(*(options, situation, signals, folder, to, progress), yes=yes, expected=expected)
            check_producers(begun)
        except StoppedError as stopped:
            options.note(Message("run-interrupted", "interrupted; nothing was changed"))
            return stopped.code
        try:
            code = deploy(begun)
        except StrataError as error:
            finish(begun, 1, json=json, error=error)
            raise
        return finish(begun, code, json=json)
