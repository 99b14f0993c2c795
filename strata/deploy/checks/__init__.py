"""The checks before a plan: what a plan cannot show, and what only AWS knows beforehand."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Iterable, Iterator

from strata.aws.states import Version
from strata.config.layers import STACKS
from strata.deploy import access, protection
from strata.deploy.checks import archive, organization, regions, states
from strata.errors import Message, StrataError
from strata.identity.comparison import Refusal
from strata.printing import line
from strata.terraform.locks import refuse_beside_another_run
from strata.terraform.situation import RefusedError, Situation

Check = Callable[[Situation], Iterator[Refusal | StrataError | Message]]
"""Yields what is refused, by a place in the YAML or without one, and what is told alone."""


def _edits(situation: Situation) -> Iterator[Refusal | Message]:
    """Yields edits that a plan does not show, or shows too late: keys, e-mails, closed accounts, units."""
    yield from situation.examination.refusals
    yield from situation.examination.warnings


# All run, so that somebody reads everything at once; what is refused is printed in this order, by file. `access` comes
# first: what it leaves out, the others do not look at.
CHECKS: tuple[Check, ...] = (
    access.named_stacks,
    _edits,
    organization.quota,
    organization.policy_types,
    states.without_stack,
    regions.not_enabled,
    archive.log_archive,
    protection.switched_off,
    regions.metadata_reset,
    states.locks_left,
)


def check(situation: Situation) -> list[Message]:
    """Runs the checks, and returns what they tell; it is printed.

    Raises:
        RefusedError: something is refused.
        StrataError: another run is changing what this one looks at.
    """
    findings = [finding for run in CHECKS for finding in run(situation)]
    told = [finding for finding in findings if isinstance(finding, Message)]
    warn(told)
    refusals = [finding for finding in findings if isinstance(finding, Refusal)]
    others = [text for finding in findings if isinstance(finding, StrataError) for text in finding.args]
    if refusals or others:
        _refuse_beside_another_run(situation)
        raise RefusedError(sorted(refusals), others)
    return told


def _refuse_beside_another_run(situation: Situation) -> None:
    """Judges nothing by a state that another run is changing: what that makes is no stranger's.

    Raises:
        StrataError: another run holds a state, or has written it.
    """
    versions = {stack: Version.of(situation.states[stack]) for stack in STACKS}
    project, now = situation.landing_zone.project, dt.datetime.now(tz=dt.UTC)
    refuse_beside_another_run(situation.aws, project, situation.workspace, versions, now)


def warn(told: Iterable[Message]) -> None:
    """Prints warnings."""
    for text in told:
        print(line(f"warning: {text}"), file=sys.stderr)
