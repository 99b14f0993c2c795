"""What is planned: shown, judged, held against the list that was approved, and asked about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from strata.aws.states import read_state
from strata.deploy.ending import report
from strata.deploy.run import DIFFERS, ORGANIZATIONS, Run
from strata.deploy.schedule import Status
from strata.errors import Message, StrataError
from strata.printing import line
from strata.terminal import confirmed
from strata.terraform import fleet
from strata.terraform.change_list import ApprovedList
from strata.terraform.failed_checks import other_errors
from strata.terraform.guarded import Verdict, judged
from strata.terraform.plan_text import names_of, show
from strata.terraform.plans import Plan
from strata.terraform.situation import RefusedError
from strata.text import counted, listed


def agreed(run: Run) -> int | None:
    """Plans all stacks, shows the plans, and asks about those that can be applied.

    Returns the exit code of a run that ends here, None where it goes on.
    """
    plans = [*run.planner.plan_all(run.situation.asked), *run.situation.unasked()]
    for planned in plans:
        run.schedule.entries[planned.stack].plan = planned
        if planned.waits_for:
            run.schedule.entries[planned.stack].status = Status.WAITS
    verdict = judge(run, plans)
    cannot = Message("not-planned", "cannot be planned")
    _show(run, [replace(planned, error=planned.error and cannot, told=()) for planned in plans])
    _fail(run, plans)
    left = {*run.left(run.schedule.entries)}
    stops = any(planned.error and planned.stack in left for planned in plans)
    todo = [planned for planned in plans if planned.stack in left and (planned.differs or planned.waits_for)]
    if stops or (not todo and any(planned.error for planned in plans)):
        run.note(Message("nothing-changed", "nothing was changed"))
        return 1
    if run.expected and _is_another_list(run, run.expected, [planned for planned in plans if planned.stack in left]):
        text = "nothing was changed; look at the list of another strata plan, and approve that"
        run.note(Message("nothing-changed", text))
        return DIFFERS
    run.idle = not todo
    todo = [planned for planned in todo if not run.schedule.entries[planned.stack].status.is_out]
    if not todo or confirm(run, [planned.stack for planned in todo if planned.differs], verdict):
        return None
    return run.schedule.code(0) or 1


def _fail(run: Run, plans: Sequence[Plan]) -> None:
    """Says why stacks cannot be planned, and leaves out those in member accounts."""
    unready = {planned.stack for planned in plans if planned.error or planned.differs or planned.waits_for}
    for planned in (planned for planned in plans if planned.error):
        failures = planned.failures
        # A stack that lacks outputs of one that failed, or waits behind it, has nothing more to say.
        behind = {*run.schedule.out}.intersection(run.situation.workspace.producers(planned.stack))
        if not behind and not (failures and all(unready & failure.reads for failure in failures)):
            report(run, planned.stack, failures)
        if run.in_account(planned.stack) and not behind:
            run.schedule.leave([planned.stack], Status.FAILED)


def judge(run: Run, plans: Sequence[Plan]) -> Verdict:
    """Returns what plans take away, once nothing of it is refused; what it needs no word for is said.

    Raises:
        RefusedError: something needs its word.
    """
    verdict = judged(run.situation, run.known.names, plans, asks=not run.yes, approved=run.expected is not None)
    for text in verdict.unused:
        run.note(f"warning: {text}")
    if verdict.refused:
        here = [planned for planned in plans if not run.in_account(planned.stack)]
        others = [text.saying(f"{planned.stack}: {text}") for planned in here for text in other_errors(planned)]
        raise RefusedError(verdict.refused, others, applied=bool(run.written))
    return verdict


def _show(run: Run, plans: Sequence[Plan]) -> None:
    try:
        run.progress.rest()
        made = ORGANIZATIONS in run.written
        state = read_state(run.aws, run.zone.project, ORGANIZATIONS) if made else None
        names, accounts = names_of(run.situation.states.values()), run.situation.account_ids(state)
        show(plans, run.to, names, every=run.options.verbose, accounts=accounts)
    except OSError as error:  # also a closed pipe, which is the end of other commands only
        text = f"the plan cannot be shown, so it is not applied: {error.strerror}"
        raise StrataError(Message("plan-not-shown", text)) from error


def confirm(run: Run, stacks: Sequence[str], verdict: Verdict) -> bool:
    """Shows what plans take away, and asks whether stacks are deployed, and about guardrails that go by themselves."""
    run.progress.rest()
    verdict.show(run.to)
    without = f"without {counted(len(verdict.alone), 'guardrail')}, as above?"
    if run.yes or (confirmed(f"deploy {_places(run, stacks)}?") and (not verdict.alone or confirmed(without))):
        return True
    left = [stack for stack, entry in run.schedule.entries.items() if entry.status.word == Status.PLANNED.value]
    if run.written:
        text = f"not deployed: {', '.join(run.words(left))}"
        run.note(Message("not-agreed", text, stacks=left))
    else:
        run.note(Message("nothing-changed", "nothing was changed", stacks=left))
    return False


def _places(run: Run, stacks: Sequence[str]) -> str:
    """Returns stacks with the account that they go to, those in member accounts by their layer."""
    here = [stack for stack in stacks if not run.in_account(stack)]
    layers = Counter(fleet.layer_of(stack) for stack in stacks if run.in_account(stack))
    to = [f"{', '.join(here)} to account {run.zone.project.management_account.id}"] if here else []
    to += [f"{name} to {counted(number, 'member account')}" for name, number in layers.items()]
    return " and ".join(to)


def _is_another_list(run: Run, expected: ApprovedList, plans: Sequence[Plan]) -> bool:
    """Says whether more is planned otherwise than expected than what is put off: accounts."""
    expected, now = run.situation.approved(expected).without(run.schedule.out), run.situation.lists(plans)
    stops, accounts = expected.stops(now), expected.on_no_list(now)
    run.done.unexpected = stops or expected.of_stacks(accounts, now)
    if run.done.unexpected:
        with suppress(OSError):
            print(*map(line, run.done.unexpected), sep="\n", file=run.to, flush=True)
    if accounts and not stops:
        put_off(run, sorted(accounts))
    return bool(stops)


def put_off(run: Run, stacks: Sequence[str]) -> None:
    """Leaves stacks whose plan nobody has approved to a run of their own."""
    named = listed(run.words(stacks))
    text = f"{named}: not deployed, since no approved list has it: run strata plan, and approve the new list"
    why = Message("on-no-list", text, stacks=list(stacks))
    for stack in stacks:
        run.schedule.leave([stack], Status.FAILED if stack in run.written else Status.REFUSED, why)
    run.note(why)


def agreed_again(run: Run, plans: Mapping[str, Plan]) -> bool:
    """Asks about what new plans of stacks in member accounts do beyond what was shown; says whether the run goes on."""
    news = []
    for stack, planned in plans.items():
        entry = run.schedule.entries[stack]
        shown, entry.plan = entry.plan, planned
        if planned.error:
            run.schedule.leave([stack], Status.FAILED)
            report(run, stack, planned.failures)
            continue
        beyond = planned if shown.waits_for else planned.beyond(shown)
        if beyond.count:
            news.append(beyond)
    verdict = judge(run, news)
    _show(run, news)
    if run.expected and news:
        put_off(run, [planned.stack for planned in news])
    return bool(run.expected) or not news or confirm(run, [planned.stack for planned in news], verdict)


def agreed_alone(run: Run, planned: Plan) -> bool:
    """Asks about what a new plan of one stack does beyond what was shown; says whether it is applied."""
    stack, entry = planned.stack, run.schedule.entries[planned.stack]
    shown = entry.plan
    news = planned if shown.waits_for else planned.beyond(shown)
    verdict = judge(run, [news])
    if (shown.waits_for or news.count) and stack not in run.many:
        _show(run, [news])
    if news.count and (run.expected is not None or stack in run.many):  # nobody is asked
        put_off(run, [stack])
        return False
    if news.count and not confirm(run, [stack], verdict):
        return False
    entry.plan = planned
    return True
