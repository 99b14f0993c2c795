"""IAM Access Analyzer: who outside the organization can reach something in it."""

from __future__ import annotations

from functools import partial

from cdktf_cdktf_provider_aws.accessanalyzer_analyzer import AccessanalyzerAnalyzer

from stacks.base import resource_name
from stacks.security.controls import Controls
from strata.config.models import AccessAnalyzer

UNUSED = "unused-access"


def analyzers(stack: Controls, control: AccessAnalyzer) -> None:
    """Makes an analyzer of the organization in each governed region; one of unused access, which costs, if asked for.

    The latter looks at IAM, which has no regions, so that one is enough.
    """

    def build(region: str) -> None:
        stack.add(
            AccessanalyzerAnalyzer,
            resource_name("organization", region),
            analyzer_name=f"{stack.project.short_name}-organization",
            type="ORGANIZATION",
            region=region,
        )

    stack.make_in_regions(control, build)
    if days := control.unused_access_days:
        unused = partial(
            stack.add,
            AccessanalyzerAnalyzer,
            UNUSED,
            analyzer_name=f"{stack.project.short_name}-{UNUSED}",
            type="ORGANIZATION_UNUSED_ACCESS",
            configuration={"unused_access": {"unused_access_age": days}},
        )
        stack.make(control, unused)
