"""Plans before the guard: what they would take away is refused, asked about by itself, or stands in red below them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from strata.errors import Message
from strata.identity.comparison import Refusal
from strata.identity.guard import DESTROY, IMPORT, MANY, WEAKEN, Fate, Guard, Loss
from strata.identity.losses import losses
from strata.printing import Style, line, painted
from strata.terraform.failed_checks import refused_by_checks
from strata.terraform.names import Names
from strata.terraform.plans import Plan
from strata.terraform.situation import Situation


@dataclass(frozen=True)
class Verdict:
    """What plans take away.

    Attributes:
        refused: what is not done without its word.
        alone: what is asked about by itself.
        told: what is asked about with the plan.
        unused: the words of `--allow` that no plan needs, said in words.
    """

    refused: tuple[Refusal, ...] = ()
    alone: tuple[Refusal, ...] = ()
    told: tuple[Refusal, ...] = ()
    unused: tuple[Message, ...] = ()

    def show(self, to: TextIO) -> None:
        """Prints what goes, in red, each on a line."""
        for refusal in (*self.told, *self.alone):
            text = line(f"  goes: {refusal.fault.place}: {refusal.fault.problem}")
            print(painted(text, Style.FAULT, to), file=to)
        to.flush()

    def as_json(self) -> list[dict[str, Any]]:
        """Returns it as `--json` prints it."""
        some = (("refused", self.refused), ("alone", self.alone), ("told", self.told))
        return [
            {"how": how, "message": refusal.fault.message, "allow": refusal.kind, "lines": list(refusal.lines)}
            for how, refusals in some
            for refusal in refusals
        ]


def judged(situation: Situation, names: Names, plans: Sequence[Plan], *, asks: bool, approved: bool = False) -> Verdict:
    """Returns what plans take away, those together that can be made together.

    Args:
        situation: the start of the run.
        names: what AWS has by name alone.
        plans: what is planned, also with an error.
        asks: whether somebody is asked about what goes.
        approved: whether somebody has approved all that is planned, by a list.
    """
    # What is in an account that is closed goes with it.
    some = [fate for fate in fates(plans) if fate.address not in situation.left_out.get(fate.stack, ())]
    guard = Guard(situation.landing_zone, situation.examination.declared, situation.examination.recorded, some)
    found = [*losses(guard), *(Loss(refusal, "with") for refusal in names.taken())]
    open = [
        loss
        for loss in found
        if loss.how != "told" and not (loss.refusal.kind and (approved or loss.refusal.kind in situation.request.allow))
    ]
    refused = [loss for loss in open if loss.how == "refused" or not asks]
    alone = [loss for loss in open if loss.how == "alone" and asks]
    told = [loss for loss in found if loss not in refused and loss not in alone]
    waits = any(planned.waits_for for planned in plans)
    return Verdict(
        (*(loss.refusal for loss in refused), *refused_by_checks(guard, plans)),
        tuple(loss.refusal for loss in alone),
        tuple(loss.refusal for loss in told),
        () if waits else tuple(_unused(situation.request.allow, found)),
    )


def _unused(allow: Collection[str], found: Iterable[Loss]) -> Iterator[Message]:
    """Yields the words that allow nothing, with those that would."""
    words = sorted({loss.refusal.kind for loss in found if loss.refusal.kind})
    for word in allow:
        if word.startswith((DESTROY, WEAKEN, MANY, IMPORT)) and word not in words:
            needed = f"needed: {', '.join(words)}" if words else "no word is needed"
            text = f"--allow {word}: no plan does that; {needed}"
            yield Message("word-unused", text, value=word, needed=words)


def fates(plans: Iterable[Plan]) -> Iterator[Fate]:
    """Yields what plans do to resources; of a plan with an error as far as it came."""
    for planned in plans:
        for address, change in (planned.partial or planned.changes).items():
            replaces = change.action == "replace"
            some = (each for each in change.attributes if each.replaces or not replaces)
            changed = {each.name: (each.before, None if each.unknown else each.after) for each in some}
            yield Fate(
                planned.stack,
                address,
                change.action,
                change.before,
                change.arguments,
                changed,
                change.loses,
                change.import_id or "",
                is_whole=not planned.error,
            )
