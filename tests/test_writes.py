"""docs/deploy.md has every writing call of each command; no journal of a test has another one."""

from __future__ import annotations

import re

from tests.conftest import Golden
from tests.documents import CHECKOUT
from tests.writes_page import READS, by_command, page

_WRITE = re.compile(
    r"\.((?:attach|create|delete|detach|disable|enable|modify|provision|put|register|tag|untag|update)_[a-z_]+)\("
)
_OTHERS = {"register_component", "tag_values"}
"""Functions of Strata and of botocore that look like operations."""


def test_the_page_is_current(golden: Golden) -> None:
    golden("../../docs/deploy.md", page((CHECKOUT / "docs/deploy.md").read_text(encoding="utf-8")))


def test_no_room_writes_by_a_call_that_the_page_does_not_have() -> None:
    from botocore import xform_name

    listed = {xform_name(call.partition(":")[2]) for calls in by_command().values() for call in calls}
    texts = {file: file.read_text(encoding="utf-8") for file in (CHECKOUT / "strata").rglob("*.py")}
    found = {name: file.name for file, text in texts.items() for name in _WRITE.findall(text)}

    assert {"put_object", "create_organization"} <= found.keys()
    assert sorted((name, file) for name, file in found.items() if name not in listed | _OTHERS) == []


def test_what_only_reads_is_not_on_the_page() -> None:
    calls = [call for calls in by_command().values() for call in calls]

    assert [call for call in calls if READS.match(call.partition(":")[2])] == []
    assert {"organizations:CreateAccount", "sso:CreateAccountAssignment", "s3:PutObject"} <= {*calls}
