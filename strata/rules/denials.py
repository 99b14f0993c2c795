"""What guardrails of one's own deny a role that works in member accounts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from strata.evaluation.landing_zone import Evaluated
from strata.evaluation.questions import PrincipalQuestion, ask
from strata.landing_zone import LandingZone
from strata.landing_zone.units import Target
from strata.policy.answers import Outcome


def kept_from_work(
    landing_zone: LandingZone, role: str, work: Callable[[str], Iterable[PrincipalQuestion]]
) -> Iterator[tuple[list[str], list[str]]]:
    """Yields actions that policies deny the role, and before them the accounts in which they do.

    Args:
        landing_zone: the configuration.
        role: the name of the role.
        work: what it does in an account, by the key.
    """
    evaluated, alike = Evaluated(landing_zone), defaultdict[tuple[str, ...], list[str]](list)
    for key in landing_zone.members:
        bound = landing_zone.effective_policies[Target("account", key)]
        alike[tuple(sorted(each.policy.key for each in bound))].append(key)
    accounts = defaultdict[tuple[str, ...], list[str]](list)
    for keys in alike.values():
        actor = evaluated.role(role, keys[0])
        asked = ((question.action.full_name, ask(evaluated, actor, question, keys[0])) for question in work(keys[0]))
        accounts[tuple(dict.fromkeys(action for action, answer in asked if answer.outcome is Outcome.DENIED))] += keys
    yield from ((keys, list(denied)) for denied, keys in accounts.items() if denied)
