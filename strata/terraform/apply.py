"""Applies a saved plan, and lets whoever interrupts it stop it without a loss."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from strata.config.models import ACCESS_ROLE
from strata.errors import Message
from strata.terraform.events import Events, Failure
from strata.terraform.fleet import limit
from strata.terraform.planner import ended
from strata.terraform.plans import Plan
from strata.terraform.progress import Progress
from strata.terraform.signals import Signals
from strata.terraform.workspace import Workspace

_STALE = "Saved plan is stale"


@dataclass(frozen=True)
class Applied:
    """How far an apply came."""

    finished: bool
    events: Events
    failures: tuple[Failure, ...] = ()

    @property
    def stale(self) -> bool:
        """Says whether nothing was done, because somebody else wrote the state since the plan."""
        return any(failure.text.startswith(_STALE) for failure in self.failures)

    def did_unsaid(self, planned: Plan, later: Plan) -> Counter[str]:
        """Returns how much of a plan it did though it failed, and told by no event: a later plan has it no more."""
        gone = {} if self.stale else {at: change for at, change in planned.changes.items() if at not in later.changes}
        failed = {failure.address for failure in self.failures}
        changed = sum(change.action == "update" and at in failed for at, change in gone.items())
        return Plan(planned.stack, gone).counts + Counter(changed=changed)


def apply(
    workspace: Workspace,
    planned: Plan,
    signals: Signals,
    progress: Progress,
    *,
    writer: Callable[[str], str] = lambda _: ACCESS_ROLE,
    verbose: bool,
) -> Applied:
    """Applies the file of a plan. Of the signals of a run, Terraform receives one SIGINT at the most.

    Args:
        writer: returns the role by which a stack in a member account is deployed.
    """
    events = Events(progress, planned.stack, steps=planned.events, verbose=verbose)
    said = stopped = False
    most = (*limit(workspace, planned.stack), *workspace.assuming(planned.stack, writer))
    with signals.shield():
        process = workspace.started(planned.stack, "apply", "-json", "-input=false", *most, str(planned.file))

        def look() -> None:
            nonlocal said, stopped
            if signals.stops and not stopped:
                stopped = True
                process.interrupt()
                text = f"{planned.stack}: stopping; Terraform saves what was done, do not kill it"
                progress.note(Message("stopping-now", text, stack=planned.stack))
            elif signals.ends and not said:
                text = f"{planned.stack}: finishing this stack, then stopping; interrupt again to stop it now"
                progress.note(Message("stopping-after-stack", text, stack=planned.stack))
            said = said or signals.ends

        try:
            for line in process.lines(look):
                events.take(line)
        finally:
            result = process.result()
    if not result.code:
        return Applied(True, events)
    return Applied(False, events, tuple(events.failures or [ended(result, events)]))
