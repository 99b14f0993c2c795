"""`strata selftest` of a landing zone that is deployed: every question that the code has."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from strata.aws.recording import read
from tests.documents import CHECKOUT
from tests.scenarios.site import Site

pytestmark = pytest.mark.only("stand-in")

_ASKED = re.compile(r"\b(?:list|get|describe|head)_[a-z0-9_]+")
_LEFT = {
    "get_account_plan_state": "the emulated AWS has no plans",
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
    assert operations - asked - _LEFT.keys() == set()
    assert len(read(tmp_path / "made")[1]) > len(lines)


def _operations() -> set[str]:
    import botocore.session
    from botocore import xform_name

    session = botocore.session.get_session()
    return {xform_name(name) for service in _SERVICES for name in session.get_service_model(service).operation_names}


_SERVICES = (
    *("account", "account-access", "dynamodb", "ec2", "freetier", "iam", "identitystore", "organizations"),
    *("resourcegroupstaggingapi", "s3", "s3control", "service-quotas", "sso-admin", "sts"),
)
