"""`strata deploy`: checks, plans and applies the stacks in order, and never calls a run that did not finish a success.

Plain `cdktf deploy` applies the same Terraform. Here is what only a command that looks before, during and after can do.
"""

from __future__ import annotations

import json as json_module
import re
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

from strata.commands.deploy_errors import explained, failures
from strata.commands.leftovers import STACK, Directory, announced_as, to_create
from strata.commands.plan import plan_stack, plan_stacks, show
from strata.commands.preflight import Prepared, prepare
from strata.commands.recovery import adopt_what_exists, drop_digests, provision_permission_sets, untaint
from strata.config.models import Locking
from strata.errors import ConfigurationError, StrataError, UsageError
from strata.identity import announced
from strata.session import Client
from strata.states import read_state
from strata.terminal import confirmed, interactive
from strata.workspace import Result

if TYPE_CHECKING:
    from strata.cli import Options

ACTIONS = ("imported", "added", "changed", "destroyed", "forgotten")
MAX_ADOPTIONS = 3
"""How often a stack is applied again after things that exist already were imported."""


@dataclass
class Outcome:
    """How one stack ended."""

    stack: str
    status: str
    seconds: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)


def run(options: Options, *, stacks: Sequence[str], json: bool, yes: bool, allow: Sequence[str]) -> int:
    """Shows the plan, asks, and applies; a stack that can be planned only after another is asked about in its turn."""
    if not yes and not interactive():
        raise UsageError("there is no terminal to ask at; look at strata plan, then give --yes")
    prepared = prepare(options, stacks=stacks, allow=allow)
    deployment = Deployment(options, prepared)
    deployment.check_producers()
    if yes:
        outcomes = deployment.apply(prepared.chosen)
    else:
        outcomes = _one_round_after_the_other(options, deployment, sys.stderr if json else sys.stdout)
    return deployment.finish(outcomes, json=json)


def _one_round_after_the_other(options: Options, deployment: Deployment, to: TextIO) -> list[Outcome]:
    """Plans, asks and applies what can be planned, then what could be planned only after that, until all is done."""
    prepared = deployment.prepared
    outcomes: list[Outcome] = []
    left: list[str] = list(prepared.chosen)
    while left:
        plans = plan_stacks(options, prepared.workspace, left)
        show(plans, to)
        ready = [planned.stack for planned in plans if not planned.waits_for]
        account = prepared.landing_zone.project.management_account.id
        failed = any(planned.error for planned in plans)
        if failed or not confirmed(f"deploy {', '.join(ready)} to account {account}?"):
            options.note("nothing was changed" if not outcomes else f"not deployed: {', '.join(left)}")
            return outcomes + [Outcome(stack, "not started") for stack in left]
        outcomes += deployment.apply(ready)
        left = [stack for stack in left if stack not in ready]
        if any(outcome.status != "applied" for outcome in outcomes):
            return outcomes + [Outcome(stack, "not started") for stack in left]
    return outcomes


# Applying


@dataclass
class Deployment:
    """One run of `strata deploy`."""

    options: Options
    prepared: Prepared

    def __post_init__(self) -> None:
        self.landing_zone, self.aws = self.prepared.landing_zone, self.prepared.aws
        self.workspace = self.prepared.workspace
        self._announced = self.prepared.announced

    def finish(self, outcomes: Sequence[Outcome], *, json: bool) -> int:
        """Says how it went, and returns the exit code."""
        succeeded = all(outcome.status == "applied" for outcome in outcomes)
        stacks = [outcome.stack for outcome in outcomes if outcome.status == "applied"]
        if succeeded and "sso" in stacks:
            provision_permission_sets(self.aws, self.landing_zone, self.options.note)
        outputs = self._outputs(stacks) if succeeded else {}
        if json:
            print(json_module.dumps({"stacks": [asdict(o) for o in outcomes], "outputs": outputs}, indent=2))
        elif any(outcome.status != "not started" for outcome in outcomes):
            _print_summary(outcomes, outputs)
        return 0 if succeeded else 1

    def check_producers(self) -> None:
        """Stops when a stack that is read from, but not deployed now, has changes or was never deployed."""
        stacks = self.prepared.chosen
        left_out = [
            s
            for s in self.workspace.stacks
            if s not in stacks and any(s in self.workspace.producers(c) for c in stacks)
        ]
        for producer in left_out:
            self.options.note(f"{producer}: looking for changes, because {', '.join(stacks)} reads from it")
            if not self.prepared.states[producer]:
                raise StrataError(f"{producer} was never deployed; run strata deploy {producer} {' '.join(stacks)}")
            changes = plan_stack(self.workspace, producer)
            if changes.error:
                raise StrataError(f"{producer} cannot be planned: {changes.error}")
            if changes.count:
                raise StrataError(
                    f"{producer} has {changes.count} changes that are not deployed; nothing was changed; "
                    f"run strata deploy {producer} {' '.join(stacks)}"
                )

    def apply(self, stacks: Sequence[str]) -> list[Outcome]:
        """Applies stacks in order and stops at the first that does not finish."""
        if self.landing_zone.project.state.locking is Locking.S3:
            drop_digests(self.aws, self.landing_zone, stacks)
        for stack in stacks:
            if self.workspace.backend_differs(stack):  # cdktf initializes too, but Terraform asks then
                self.workspace.initialize(stack)
            untaint(self.workspace, stack, self.prepared.states[stack], self.options.note)
        if STACK in stacks:
            self._announce()
        outcomes = self._apply(stacks)
        if any(outcome.stack == STACK and outcome.status == "applied" for outcome in outcomes):
            announced.withdraw(self.aws, self.landing_zone.project, self._announced)
        return outcomes

    def _announce(self) -> None:
        """Writes down what is going to be created, so that a rerun tells it from what others made.

        Raises:
            ConfigurationError: others made it since the plan.
        """
        wanted = to_create(self.landing_zone, self.prepared.states[STACK])
        names = {announced_as(named) for named in wanted}
        if names - self._announced and (directory := self._directory()):
            _, objections = directory.sorted_out(wanted, self._announced)
            if objections:
                raise ConfigurationError(objections)
        announced.announce(self.aws, self.landing_zone.project, names)
        self._announced |= names

    def _apply(self, stacks: Sequence[str]) -> list[Outcome]:
        done: dict[str, Outcome] = {}
        tries = Counter[str]()
        while left := [stack for stack in stacks if stack not in done]:
            heard = Heard(left, self.options)
            code = self._cdktf(left, heard)
            heard.look_again()
            done |= heard.applied
            if (unfinished := next((stack for stack in left if stack not in done), None)) is None:
                if code:
                    self.options.note(f"warning: cdktf ended with {code} after everything was applied")
                break
            result = Result(code, heard.text(unfinished))
            tries[unfinished] += 1
            if tries[unfinished] > MAX_ADOPTIONS or not self._adopt(unfinished, result):
                self._report(unfinished, result)
                done[unfinished] = Outcome(unfinished, "failed", heard.since_the_last())
                break
        return [done.get(stack) or Outcome(stack, "not started") for stack in stacks]

    def _adopt(self, stack: str, result: Result) -> bool:
        return adopt_what_exists(
            self.workspace,
            stack,
            failures(result.text),
            self._identity_center,
            self._directory,
            self._announced,
            self.options.note,
        )

    def _directory(self) -> Directory | None:
        """Returns Identity Center as it is now, beside the states as they are now."""
        states = {stack: read_state(self.aws, self.landing_zone.project, stack) for stack in self.workspace.stacks}
        return Directory.of(self.aws, self.landing_zone, states, self.workspace.document(STACK))

    def _identity_center(self, service: str) -> Client:
        return self.aws.client(service, self.landing_zone.project.identity_center_region)

    def _cdktf(self, stacks: Sequence[str], heard: Heard) -> int:
        return self.workspace.cdktf(
            "deploy",
            *stacks,
            "--auto-approve",
            "--skip-synth",
            "--ignore-missing-stack-dependencies",
            # One after the other, so that nothing else is under way when one fails.
            "--parallelism",
            "1",
            # Identity Center answers about 20 calls a second and refuses more than 10 assignments under way.
            *(("--terraform-parallelism", "8") if "sso" in stacks else ()),
            heard=heard,
        ).code

    def _report(self, stack: str, result: Result) -> None:
        found = failures(result.text)
        for failure in found:
            print(f"error: {stack}: {failure.text}", file=sys.stderr)
        for advice in explained(self.workspace, stack, found, result):
            print(f"  {advice}", file=sys.stderr)

    def _outputs(self, stacks: Sequence[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for stack in stacks:
            outputs = read_state(self.aws, self.landing_zone.project, stack).get("outputs", {})
            found |= {name: output["value"] for name, output in outputs.items() if not output.get("sensitive")}
        return dict(sorted(found.items()))


class Heard:
    """What cdktf passes on of each stack, told apart by the name it puts before the first of some lines."""

    def __init__(self, stacks: Sequence[str], options: Options) -> None:
        self.applied: dict[str, Outcome] = {}
        self._options = options
        self._lines: dict[str, list[str]] = {stack: [] for stack in stacks}
        self._speaker = stacks[0]
        self._last = time.monotonic()
        options.note(f"{stacks[0]}: deploying")

    def __call__(self, line: str) -> None:
        """Takes one line: it is progress, the end of a stack, or kept in case the stack fails."""
        name, gap, rest = line.partition("  ")
        if gap and name in self._lines:
            self._speaker, line = name, rest
        stack, text = self._speaker, line.strip()
        self._lines[stack].append(line)
        if counts := applied(text):
            self._finish(stack, counts)
        if self._options.verbose:
            self._options.note(f"{stack}: {text}")
        elif step := re.match(
            r"(\S+)(?: \(\S+\))?: (Creating|Modifying|Destroying|Importing|Still \w+|Preparing import)\b", text
        ):
            self._options.note(f"{stack}: {step[2].lower()} {step[1]}")

    def _finish(self, stack: str, counts: dict[str, int]) -> None:
        self.applied[stack] = Outcome(stack, "applied", self.since_the_last(), counts)
        self._last = time.monotonic()
        if waiting := self._waiting():
            self._options.note(f"{waiting[0]}: deploying")

    def _waiting(self) -> list[str]:
        return [stack for stack in self._lines if stack not in self.applied]

    def look_again(self) -> None:
        """Finds the ends of stacks that no single line told of."""
        for stack in self._waiting():
            if counts := applied(self.text(stack)):
                self._finish(stack, counts)

    def text(self, stack: str) -> str:
        """Returns all that was said of a stack."""
        return "\n".join(self._lines[stack])

    def since_the_last(self) -> float:
        """Returns the seconds since the last stack finished."""
        return round(time.monotonic() - self._last, 1)


def applied(text: str) -> dict[str, int] | None:
    """Returns what an apply did, None unless Terraform says that it finished: cdktf may end with 0 all the same.

    White space does not count, because cdktf may break a line in two.
    """
    said = re.search(r"Applycomplete!Resources:([\w,]+)\.", "".join(text.split()))
    return {action: int(number) for number, action in re.findall(r"(\d+)([a-z]+)", said[1])} if said else None


def _print_summary(outcomes: Sequence[Outcome], outputs: dict[str, Any]) -> None:
    width = max(len(outcome.stack) for outcome in outcomes)
    for outcome in outcomes:
        did = [f"{outcome.counts[action]} {action}" for action in ACTIONS if outcome.counts.get(action)]
        what = ", ".join(did) or "no changes" if outcome.status == "applied" else outcome.status
        took = f"  {outcome.seconds:.1f} s" if outcome.seconds else ""
        print(f"{outcome.stack:<{width}}  {what}{took}")
    if outputs.get("portal_url"):
        print(f"sign in at {outputs['portal_url']}")
    for key, account_id in sorted((outputs.get("account_ids") or {}).items()):
        print(f"  {account_id}  {key}")
