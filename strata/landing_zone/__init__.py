"""What a configuration means: one frozen object with everything resolved that stacks, rules and reports read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from strata.config.models import MANAGEMENT, ROOT, Organization, Project, Security, Sso
from strata.config.tree import Location, Tree
from strata.errors import Fault

__all__ = ["MANAGEMENT", "ROOT", "LandingZone"]


@dataclass(frozen=True)
class LandingZone:
    """The whole configuration, valid, with the lines it was read from."""

    project: Project
    organization: Organization
    security: Security
    sso: Sso
    imports: Mapping[str, str] = field(default_factory=dict)
    """Terraform address to import id."""
    policies: Mapping[str, str] = field(default_factory=dict)
    """Policy file to its document, minified."""
    trees: Mapping[str, Tree] = field(default_factory=dict)
    """What each file said, and on which line."""

    def fault(self, file: str, location: Location, problem: str, remedy: str) -> Fault:
        """Makes the fault of one value, for what only shows when Terraform is written."""
        return self.trees.get(file, Tree(file)).fault(location, problem, remedy)
