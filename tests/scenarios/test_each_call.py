"""Every call of a first deploy goes wrong once: one line says which, where and what to do, and a rerun ends whole."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from tests.aws.client import ACCOUNT
from tests.scenarios.site import Run, Site

pytestmark = pytest.mark.only("stand-in")

WAYS: Mapping[str, Mapping[str, Any]] = {
    "throttled": {"code": "ThrottlingException", "status": 503},
    "denied": {"code": "AccessDeniedException", "message": "not today", "status": 403},
    "failed": {"code": "InternalFailure", "message": "an error", "status": 500},
    "late": {"way": "lose"},
}
"""How a call goes wrong, all attempts of it; where the answer is too late, AWS has done what was asked."""
SAMPLE = {
    "strata organizations:ListAccounts": "denied",
    "terraform dynamodb:PutItem": "failed",
    "provider organizations:CreatePolicy": "throttled",
    "provider organizations:AttachPolicy": "late",
}
LEAST = 150
"""So many operations a first deploy calls at least, those of Strata, Terraform and the provider each counted."""
_WHERE = re.compile(rf"\w:? ?[A-Z]\w+.* \(account {ACCOUNT}, [a-z]+(-[a-z]+)+-\d\).*; \S")


@pytest.mark.large
@pytest.mark.parametrize("way", WAYS)
def test_a_first_deploy_ends_whole_when_every_call_has_gone_wrong_once(empty: Site, way: str) -> None:
    """Each run fails by what no run before has called, which for most of them is one operation."""
    spared: list[str] = []
    empty.make_room()
    _again_and_again(empty, way, spared, "bootstrap", "--yes")
    empty.aws.switch_identity_center_on(empty.region)
    _again_and_again(empty, way, spared, "deploy", "--yes")

    assert empty.strata("plan", "--exit-code").code == 0
    assert len(spared) >= LEAST


def test_calls_of_each_caller_go_wrong_in_each_way(backend: Site) -> None:
    for call, way in SAMPLE.items():
        caller, action = call.split()
        backend.aws.fail(action, caller=caller, times=999, **WAYS[way])
        run = backend.strata("deploy", "organizations", "--yes")
        backend.aws.heal()

        assert run.code == 1, run.text
        assert action.partition(":")[2] in "".join(errors(run)), run.text
        assert wanting(run) == []

    assert backend.strata("deploy", "organizations", "--yes").code == 0
    assert backend.plan("organizations") == {}


def _again_and_again(site: Site, way: str, spared: list[str], *command: str) -> None:
    """Runs a command until nothing is new that could go wrong; what has gone wrong is added to what is spared.

    A lock that Terraform took without knowing, or could not let go of, is freed by the printed line.
    """
    while True:
        site.aws.wait_an_hour()
        since, known = len(site.aws.calls()), len(spared)
        site.aws.fail("", times=999, sparing=spared, **WAYS[way])
        run = site.strata(*command)
        site.aws.heal()
        calls = (f"{call.caller} {call.action}" for call in site.aws.calls(since=since) if call.caller != "test")
        spared += dict.fromkeys(call for call in calls if call not in spared)
        assert wanting(run) == [], run.text
        freeing = dict.fromkeys(re.findall(r"free it: (.*)", run.stderr)) if run.code else {}
        for line in freeing:
            site.shell(line)  # of two locks one may be free: Terraform ends with an error then
        if len(spared) == known and not freeing:
            assert run.code == 0, run.text
            return


def errors(run: Run) -> list[str]:
    """Returns the lines of errors."""
    return [line for line in run.stderr.splitlines() if line.startswith("error: ")]


def wanting(run: Run) -> list[str]:
    """Returns the lines of errors that lack the call, the account, the region or what to do."""
    return [line for line in errors(run) if not (_WHERE.search(line) or any(word in line for word in _OTHERWISE))]


_OTHERWISE = ("GetCallerIdentity (us-east-1)", "not provably yours", "is not allowed (us-east-1)")
"""Nobody knows the account before AWS was asked; of the bucket of a stranger AWS says no more than of one's own."""
