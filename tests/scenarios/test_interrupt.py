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
UNDOING = ("Detach", "Delete", "Remove", "Close")

pytestmark = pytest.mark.long("real")


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


@pytest.mark.parametrize("moment", ["before its answer", "while it is read back"])
def test_a_second_interrupt_while_a_policy_is_attached(shipped: Site, moment: str) -> None:
    """The attachment stays: the next run finds that it is there, and imports it."""
    head, target = ONE_MORE_TARGET
    shipped.edit("organization.yaml", (head, head + target))
    running = shipped.hanging("organizations:AttachPolicy", "strata", "deploy", "organizations", "--yes")
    if moment == "while it is read back":
        shipped.aws.fail("organizations:ListTargetsForPolicy", way="hang")
        shipped.aws.release()
        assert shipped.aws.held(600)

    run = twice(running)

    assert run.code == 130, run.text
    shipped.aws.heal()
    again = shipped.strata("deploy", "organizations", "--yes")
    assert again.code == 0, again.text
    assert "aws_organizations_policy_attachment.deny-root-user_account_shared" in shipped.addresses("organizations")
    assert shipped.plan("organizations") == {}
    expect_nothing_undone(shipped)


def test_a_second_interrupt_while_somebody_gets_access(shipped: Site) -> None:
    """An assignment that AWS had made already is imported; nobody loses access, nobody gets it twice."""
    head, account = ONE_MORE_ACCOUNT
    shipped.edit("sso.yaml", (head, head + account))

    run = twice(shipped.hanging("sso-admin:CreateAccountAssignment", "strata", "deploy", "sso", "--yes"))

    assert run.code == 130, run.text
    shipped.aws.heal()
    again = shipped.strata("deploy", "sso", "--yes")
    assert again.code == 0, again.text
    assert "aws_ssoadmin_account_assignment.security_FinOps_group_finops" in shipped.addresses("sso")
    assert shipped.aws.writing_calls()["sso-admin:CreateAccountAssignment"] == 1
    expect_nothing_undone(shipped)


@pytest.mark.only("stand-in")
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


@pytest.mark.only("stand-in")
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
