"""What an interrupted deploy leaves: the stack at work finishes, or what it made is kept and nothing is detached."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.scenarios import shake
from tests.scenarios.site import CONFIGURATIONS, SANDBOX, Run, Site, ended, said_until

SAFE = "interrupted; run strata"
ONE_MORE_TARGET = (
    "  deny-root-user:\n    type: SERVICE_CONTROL_POLICY\n    file: policies/deny-root-user.json\n"
    "    description: The root user of a member does nothing; central root access keeps working.\n    targets:\n",
    "      accounts:\n        - shared\n",
)
ONE_MORE_ACCOUNT = ("      - finops\n    accounts:\n      - management\n", "      - security\n")
EDITS = {"organizations": ("organization.yaml", ONE_MORE_TARGET), "sso": ("sso.yaml", ONE_MORE_ACCOUNT)}
ATTACHMENT = "aws_organizations_policy_attachment.deny-root-user_account_shared"
ASSIGNMENT = "aws_ssoadmin_account_assignment.security_FinOps_group_finops"
UNDOING = ("Detach", "Delete", "Remove", "Close")

pytestmark = pytest.mark.only("stand-in")


def press(running: subprocess.Popen[str], number: int = signal.SIGINT) -> None:
    """Sends a signal as a terminal does: to the whole process group."""
    os.killpg(running.pid, number)


def twice(running: subprocess.Popen[str]) -> Run:
    """Presses Ctrl-C twice, the second time after the answer to the first."""
    press(running)
    said_until(running, "interrupt again")
    press(running)
    return ended(running)


def expect_nothing_undone(site: Site) -> None:
    undone = [action for action in site.aws.writing_calls() if action.partition(":")[2].startswith(UNDOING)]
    assert undone == []


def test_one_interrupt_while_an_account_is_made(shipped: Site) -> None:
    """Terraform hears nothing of it and finishes the stack; the next one is not begun."""
    shipped.edit("organization.yaml", SANDBOX)
    running = shipped.hanging("organizations:CreateAccount", "strata", "deploy", "organizations", "sso", "--yes")

    press(running)
    said_until(running, "organizations: finishing this")
    shipped.aws.release()
    run = ended(running)

    assert run.code == 130, run.text
    assert SAFE in run.stderr
    assert "aws_organizations_account.sandbox" in shipped.addresses("organizations")
    assert shipped.plan("organizations") == {}
    assert "sso            not started" in run.stdout
    assert shipped.locks() == []


def test_a_second_interrupt_while_an_account_is_made(shipped: Site) -> None:
    """AWS makes the account, which is in no state: the next run finds its address taken, waits and imports it."""
    shipped.edit("organization.yaml", SANDBOX)

    run = twice(shipped.hanging("organizations:CreateAccount", "strata", "deploy", "organizations", "--yes"))

    assert run.code == 130, run.text
    assert SAFE in run.stderr
    assert "organizations  interrupted" in run.stdout
    assert shipped.locks() == []
    shipped.aws.heal()
    again = shipped.strata("deploy", "organizations", "--yes")
    assert again.code == 0, again.text
    assert "import" in again.stdout
    assert shipped.aws.writing_calls()["organizations:CreateAccount"] == 2
    assert list(shipped.accounts()).count("aws+sandbox@example.com") == 1
    assert shipped.plan("organizations") == {}
    expect_nothing_undone(shipped)


@pytest.mark.parametrize(
    ("stack", "action", "address", "read_back"),
    [
        ("organizations", "organizations:AttachPolicy", ATTACHMENT, ""),
        ("organizations", "organizations:AttachPolicy", ATTACHMENT, "organizations:ListTargetsForPolicy"),
        ("sso", "sso-admin:CreateAccountAssignment", ASSIGNMENT, ""),
    ],
    ids=["a policy that is attached", "a policy that is read back", "access"],
)
def test_a_second_interrupt_while_something_is_given(
    shipped: Site, stack: str, action: str, address: str, read_back: str
) -> None:
    """It stays: the next run finds that it is there, and imports it; nobody gets it twice."""
    file, (head, more) = EDITS[stack]
    shipped.edit(file, (head, head + more))
    running = shipped.hanging(action, "strata", "deploy", stack, "--yes")
    if read_back:
        shipped.aws.fail(read_back, way="hang")
        shipped.aws.release()
        assert shipped.aws.held(600)

    run = twice(running)

    assert run.code == 130, run.text
    shipped.aws.heal()
    again = shipped.strata("deploy", stack, "--yes")
    assert again.code == 0, again.text
    assert address in shipped.addresses(stack)
    assert [one.outcome[:3] for one in shipped.aws.calls(action=action)].count("200") == 1
    assert shipped.plan(stack) == {}
    expect_nothing_undone(shipped)


def test_a_strata_that_is_killed_leaves_terraform_to_finish(shipped: Site) -> None:
    """Terraform has nobody to talk to, and saves its state and frees its lock all the same."""
    shipped.edit("organization.yaml", SANDBOX)
    running = shipped.hanging("organizations:CreateAccount", "strata", "deploy", "organizations", "--yes")

    running.kill()
    running.communicate()
    shipped.aws.release()

    shipped.wait_for_locks()
    assert "aws_organizations_account.sandbox" in shipped.addresses("organizations")
    assert shipped.plan("organizations") == {}


def test_a_stack_is_stopped_by_term_at_once(shipped: Site) -> None:
    """A pipeline that is cancelled has seconds: Terraform stops in an orderly way, and frees its lock."""
    shipped.edit("organization.yaml", SANDBOX)
    running = shipped.hanging("organizations:CreateAccount", "strata", "deploy", "organizations", "--yes")

    running.terminate()
    run = ended(running)

    assert run.code == 143, run.text
    assert SAFE in run.stderr
    assert shipped.locks() == []


@pytest.mark.parametrize(
    ("configuration", "kills"),
    [("shipped", 3), *(pytest.param(name, 30, marks=pytest.mark.large) for name in CONFIGURATIONS)],
)
def test_a_first_deploy_that_is_killed_at_random_moments_is_complete_on_a_rerun(
    tmp_path: Path, configuration: str, kills: int
) -> None:
    """Nothing is made twice, and the next plan is empty; what was printed says how to repeat a seed."""
    of_a_first = ["--work", "first", "--configuration", configuration, "--interrupts", "0", "--log", str(tmp_path)]

    assert shake.main([*of_a_first, "--kills", str(kills), "--seed", "2"]) == 0
