"""The rules across entries: names that must exist, be unique, fit together, and AWS's limits on numbers of things.

Every rule runs on the readable part, so that a faulty entry hides no other fault and causes none. `warnings` has valid
configuration that is probably unintended.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import replace

from strata.config.limits import Limits, aws_limits
from strata.config.loader import PartialConfiguration
from strata.errors import Fault
from strata.landing_zone import LandingZone
from strata.rules import (
    accepted,
    access,
    archive,
    detection,
    expectations,
    imports,
    inherited,
    layers,
    moves,
    organization,
    policies,
    project,
    security,
    spelling,
    unread,
)
from strata.rules.lockout import LOCK_OUT, Guard
from strata.rules.warnings import LocatedWarning, found_warnings, warnings

__all__ = ["LocatedWarning", "check", "check_whole", "found_warnings", "lock_outs_in", "warnings"]

Rule = Callable[[PartialConfiguration, Limits], Iterable[Fault]]
RULES: tuple[Rule, ...] = (
    project.regions,
    project.state,
    project.deployer,
    project.tags,
    organization.organizational_units,
    organization.accounts,
    organization.services,
    inherited.defaults,
    inherited.places,
    inherited.baseline,
    security.alerts,
    policies.policies,
    policies.full_access,
    policies.targets,
    policies.conflicts,
    access.people,
    access.permission_sets,
    access.assignments,
    access.options,
    imports.imports,
    moves.moves,
    expectations.expectations,
    layers.one_stack,
    layers.removed_roles,
    layers.account,
    layers.accounts,
    layers.waves,
    detection.detection,
    archive.archive,
    spelling.spelling,
    spelling.attachable,
    accepted.accepted,
    unread.unread,
)


def check(partial: PartialConfiguration) -> list[Fault]:
    """Returns every fault across the entries of a configuration, each with the id of its rule."""
    limits = partial.project.aws_limits if partial.project else aws_limits()
    return [replace(fault, rule=rule_id(rule)) for rule in RULES for fault in rule(partial, limits)]


def check_whole(landing_zone: LandingZone, day: dt.date | None = None, today: dt.date | None = None) -> list[Fault]:
    """Returns the faults of a configuration that has no others: the evaluation of policies needs all of it."""
    return list(Guard.of(landing_zone, day or today).faults(day))


def lock_outs_in(partial: PartialConfiguration) -> list[tuple[str, str]]:
    """Returns finding and place of what nobody could undo, once nothing is wrong but names that can be accepted.

    Of a partial that was read without faults.
    """
    landing_zone = LandingZone.of(partial)
    if landing_zone is None or any(fault.rule != rule_id(spelling.spelling) for fault in check(partial)):
        return []
    return [(LOCK_OUT, lockout.at) for lockout in Guard.of(landing_zone).lock_outs]


def rule_id(rule: Rule) -> str:
    """Returns the id of a rule, such as `access.assignments`."""
    return f"{rule.__module__.rpartition('.')[2]}.{rule.__name__}"
