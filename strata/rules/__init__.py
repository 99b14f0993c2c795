"""The rules across entries: names that must exist, be unique, fit together, and AWS's limits on numbers of things.

Every rule runs on what could be read, so that a faulty entry hides no other fault and causes none. What is allowed
and yet unlikely to be meant is in `warnings`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from strata.config.limits import Limits, aws_limits
from strata.config.loader import Draft
from strata.errors import Fault
from strata.rules import accepted, access, imports, moves, organization, policies, project, security, spelling, text
from strata.rules.warnings import warnings

__all__ = ["check", "warnings"]

Rule = Callable[[Draft, Limits], Iterable[Fault]]
RULES: tuple[Rule, ...] = (
    project.regions,
    project.state,
    project.deployer,
    project.tags,
    organization.organizational_units,
    organization.accounts,
    organization.services,
    security.alerts,
    policies.policies,
    policies.targets,
    policies.conflicts,
    access.people,
    access.permission_sets,
    access.assignments,
    access.options,
    imports.imports,
    moves.moves,
    spelling.spelling,
    spelling.attachable,
    accepted.accepted,
    text.text,
)


def check(draft: Draft) -> list[Fault]:
    """Returns every fault across the entries of a draft."""
    limits = draft.project.aws_limits if draft.project else aws_limits()
    return [fault for rule in RULES for fault in rule(draft, limits)]
