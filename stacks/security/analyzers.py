"""IAM Access Analyzer: who outside the organization can reach something in it."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.accessanalyzer_analyzer import AccessanalyzerAnalyzer

from stacks.base import resource_name
from stacks.security.controls import Controls
from strata.config.models import Control


def analyzers(stack: Controls, control: Control) -> None:
    """Makes an analyzer of the organization in each governed region; those of external access are free."""

    def build(region: str) -> None:
        stack.add(
            AccessanalyzerAnalyzer,
            resource_name("organization", region),
            analyzer_name=f"{stack.project.short_name}-organization",
            type="ORGANIZATION",
            region=region,
        )

    stack.make_in_regions(control, build)
