"""`strata check`: every fault of the configuration, or a summary of what it describes."""

from __future__ import annotations

import json as json_module
import sys
from typing import TYPE_CHECKING

from strata.config import LandingZone, load
from strata.config.access import grants
from strata.config.rules import warnings

if TYPE_CHECKING:
    from strata.cli import Options


def run(options: Options, *, json: bool) -> int:
    """Checks the configuration and prints the summary."""
    landing_zone = load(options.config)
    summary = summarize(landing_zone)
    doubtful = warnings(landing_zone)
    if json:
        print(json_module.dumps({"valid": True, "summary": summary, "warnings": doubtful}, indent=2))
        return 0
    for warning in doubtful:
        print(f"warning: {options.config}/{warning}", file=sys.stderr)
    if not options.quiet:
        project = landing_zone.project
        print(f"{project.name}: {options.config} is valid")
        print(f"  account   {project.management_account.id} {project.management_account.name}")
        print(f"  regions   {project.regions.primary}, replica in {project.regions.secondary}")
        print(f"  state     s3://{project.state_bucket}, lock table {project.lock_table}")
        for name, number in summary.items():
            print(f"  {number:>7}   {name.replace('_', ' ')}")
    return 0


def summarize(landing_zone: LandingZone) -> dict[str, int]:
    """Returns how many of each thing the configuration describes."""
    organization, sso = landing_zone.organization, landing_zone.sso
    return {
        "organizational_units": sum(1 for _ in organization.units()),
        "member_accounts": len(organization.active_accounts),
        "policies": len(organization.policies),
        "users": len(sso.users),
        "groups": len(sso.groups),
        "permission_sets": len(sso.permission_sets),
        "account_assignments": len(grants(landing_zone)),
    }
