"""Deploys and bootstrap write by the calls that docs/deploy.md says they do."""

from __future__ import annotations

import pytest

from tests.scenarios.site import Site, Snapshot
from tests.writes_page import READS, by_command

pytestmark = pytest.mark.only("stand-in")


def test_a_deploy_writes_by_no_call_that_the_page_does_not_have(deployed_company: Snapshot) -> None:
    """The calls of the provider, by the actions of IAM that each needs; those of Strata in a deploy that follows."""
    allowed = set().union(*(calls for command, calls in by_command().items() if command.startswith("deploy")))
    made = {action for call in deployed_company.calls if call.writes for action in call.needs}

    assert len(made) > 40
    assert sorted(action for action in made - allowed if not READS.match(action.partition(":")[2])) == []


def test_commands_write_by_no_call_that_the_page_does_not_have(backend: Site) -> None:
    pages = by_command()
    for command, words in (("bootstrap", ("bootstrap", "--yes")), ("deploy", ("deploy", "organizations", "--yes"))):
        since = len(backend.aws.calls())
        assert backend.strata(*words).code == 0
        made = [call for call in backend.aws.calls(since=since) if call.writes and call.action != "sts:AssumeRole"]
        stacks = pages["deploy organizations"] if command == "deploy" else set()

        assert {call.action.replace("sso-admin", "sso") for call in made if call.caller == "strata"} <= pages[command]
        needed = {action for call in made if call.caller != "strata" for action in call.needs}
        assert {action for action in needed if not READS.match(action.partition(":")[2])} <= stacks
