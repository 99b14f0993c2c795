"""`strata selftest` of a landing zone that is deployed: every question that the code has."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from strata.aws.recording import read
from tests.documents import CHECKOUT
from tests.scenarios.site import Site, Snapshot
from tests.writes_page import READS, by_command

pytestmark = pytest.mark.only("stand-in")

_ASKED = re.compile(r"\b(?:list|get|describe|head)_[a-z0-9_]+")
_LEFT = {
    "describe_permission_set_provisioning_status": "is about a request that somebody made",
    "get_account_plan_state": "the emulated AWS has no plans",
    "get_aws_default_service_quota": "the organization has a quota of its own",
    "get_bucket_location": "HeadBucket tells the region",
    "get_role": "there is no baseline",
    "list_entitlements": "Account access manager has no application",
    "list_services": "ECS has no cluster",
}
"""Operations that are not asked here, and why."""


def test_every_question_of_aws_and_inventory_is_asked(company: Site, tmp_path: Path) -> None:
    from botocore import xform_name

    company.sign_in_as_administrator()  # the roles that plan and deploy enter accounts by those of their layers alone

    run = company.strata("selftest", "--json", "--record", str(tmp_path / "made"))

    lines = json.loads(run.stdout)["calls"]
    assert [line for line in lines if line["outcome"] not in ("ok", "empty")] == []
    assert run.code == 0
    asked = {xform_name(line["call"].partition(":")[2]) for line in lines}
    rooms = [*(CHECKOUT / "strata/aws").glob("*.py"), *(CHECKOUT / "strata/inventory").glob("*.py")]
    operations = {name for file in rooms for name in _ASKED.findall(file.read_text())} & _operations()
    assert sorted(operations - asked - _LEFT.keys()) == []
    assert len(read(tmp_path / "made")[1]) > len(lines)


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


def _operations() -> set[str]:
    import botocore.session
    from botocore import xform_name

    session = botocore.session.get_session()
    return {xform_name(name) for service in _SERVICES for name in session.get_service_model(service).operation_names}


_SERVICES = (
    *("account", "account-access", "dynamodb", "ec2", "freetier", "iam", "identitystore", "organizations"),
    *("resourcegroupstaggingapi", "s3", "s3control", "service-quotas", "sso-admin", "sts"),
)
