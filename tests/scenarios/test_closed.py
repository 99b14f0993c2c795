"""An account that is closed or suspended before anybody retires it: by hand, or by AWS for an unpaid bill."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.aws.center import INSTANCE
from tests.scenarios.site import Run, Site

SHARED = "aws+shared@example.com"
pytestmark = pytest.mark.only("stand-in")
HEAD = "  shared:\n    email: aws+shared@example.com\n    organizational_unit: shared\n"
TAGGED = "  protect-tagged:\n    type: SERVICE_CONTROL_POLICY\n"
NEW_POLICY = (
    TAGGED,
    "  deny-too:\n    type: SERVICE_CONTROL_POLICY\n    file: policies/deny-root-user.json\n"
    f"    targets:\n      accounts:\n        - security\n{TAGGED}",
)
NEW_GRANT = (
    "  - permission_sets:\n      - FinOps\n    groups:\n      - finops\n    accounts:\n      - management\n",
    "  - permission_sets:\n      - FinOps\n    groups:\n      - finops\n    accounts:\n"
    "      - management\n      - security\n      - shared\n",
)
SHORTER = ("    description: Full access.\n", "    description: Full access.\n    session_duration: PT2H\n")
SUPPORT = ("      - aws: SecurityAudit\n", "      - aws: SecurityAudit\n      - aws: AWSSupportAccess\n")


def closed(site: Site, state: str = "") -> str:
    """Closes the account `shared` by hand, or has AWS bring it into a state, and returns its id."""
    id = str(site.accounts()[SHARED]["Id"])
    if state:
        site.aws.order("account-state", account=id, state=state)
    else:
        site.client("organizations").close_account(AccountId=id)
    return id


def given(site: Site, account: str) -> list[Any]:
    """Returns who has what in an account, as AWS has it."""
    center, instance = site.client("sso-admin"), {"InstanceArn": INSTANCE}
    sets = center.list_permission_sets_provisioned_to_account(**instance, AccountId=account).get("PermissionSets", [])
    listed = (center.list_account_assignments(**instance, AccountId=account, PermissionSetArn=arn) for arn in sets)
    return sorted(
        (one["PermissionSetArn"], one["PrincipalId"]) for page in listed for one in page["AccountAssignments"]
    )


def touched(site: Site, account: str) -> list[str]:
    """Returns what was asked to be changed in an account."""
    return [
        one.action
        for one in site.aws.calls()
        if one.writes
        and one.caller != "test"
        and account in (one.parameters.get("TargetId"), one.parameters.get("AccountId"))
    ]


def drifted(site: Site) -> tuple[list[str], list[str]]:
    """Returns where `strata drift` finds something, and what waits for a deploy."""
    found = json.loads(site.strata("drift", "--json").stdout)
    return [one["at"] for one in found["differences"]], found["waiting"]


def done(run: Run) -> Run:
    """Asserts that a command did what it should."""
    assert run.code == 0, run.text[-4000:]
    return run


def give_to_security(site: Site) -> None:
    """Declares no access to `shared`, and gives it in `security`."""
    sso = (site.config / "sso.yaml").read_text()
    given = "    groups:\n      - readonly\n    accounts:\n      - "
    sso = sso.replace(f"{given}shared\n", f"{given}security\n")
    (site.config / "sso.yaml").write_text(sso.replace("      - security\n      - shared\n", "      - security\n"))


def test_an_account_that_was_closed_by_hand_blocks_nobody_and_is_retired_later(shipped: Site) -> None:
    """Access and policies are deployed beside it, what it has is forgotten; then it is retired, and nothing is left."""
    id = closed(shipped)
    before = given(shipped, id)
    shipped.edit("sso.yaml", NEW_GRANT)
    ids = {address: one["id"] for address, one in shipped.state("sso").items() if "assignment.shared_" in address}
    (shipped.config / "imports.yaml").write_text("".join(f'{at}: "{one}@us-east-1"\n' for at, one in ids.items()))

    planned = shipped.strata("plan", "sso", "--json")
    done(shipped.strata("deploy", "sso", "--yes"))
    shipped.edit("organization.yaml", NEW_POLICY)
    deployed = done(shipped.strata("deploy", "--yes"))
    again = shipped.strata("plan", "--exit-code")
    drift = shipped.strata("drift", "--json")

    assert planned.code == 0, planned.text
    assert [one["at"] for one in json.loads(drift.stdout)["differences"]] == ["account shared: state is CLOSED"]
    assert json.loads(drift.stdout)["waiting"] == []
    assert "account-left-out" in planned.ids
    assert planned.planned["sso"]["aws_ssoadmin_account_assignment.security_FinOps_group_finops"] == "create"
    assert planned.planned["sso"]["aws_ssoadmin_account_assignment.shared_ReadOnly_group_readonly"] == "forget"
    assert set(planned.planned["sso"].values()) == {"create", "forget"}
    assert f"account shared ({id}) is" in deployed.stderr
    assert again.code == 0, again.text
    assert "aws_organizations_account.shared" not in shipped.addresses("organizations")

    (shipped.config / "imports.yaml").unlink()
    shipped.edit("organization.yaml", (HEAD, f"{HEAD}    retired: true\n"))
    give_to_security(shipped)
    done(shipped.strata("deploy", "--yes"))
    last = shipped.strata("plan", "--exit-code")

    assert last.code == 0, last.text
    assert "account-left-out" not in last.text
    assert given(shipped, id) == before
    assert touched(shipped, id) == []


def test_a_permission_set_changes_beside_an_account_that_is_closed(shipped: Site) -> None:
    """The provider takes it to all accounts and fails because of this one; the others get it, and the run goes on."""
    id = closed(shipped)
    shipped.edit("sso.yaml", SHORTER)
    told = json.loads(done(shipped.strata("deploy", "--yes", "--json")).stdout)
    assert {one["stack"]: one["counts"] for one in told["stacks"]}["sso"] == {"changed": 1, "forgotten": 4}
    spared = shipped.strata("plan", "sso", "--exit-code", "-v")
    shipped.edit("sso.yaml", SUPPORT)
    done(shipped.strata("deploy", "--yes"))
    again = shipped.strata("plan", "--exit-code")

    assert (spared.code, again.code) == (0, 0), spared.text + again.text
    judged = shipped.strata("doctor", "--json")
    assert judged.code == 0, judged.text
    assert [one.data["state"] for one in judged.told if one.id == "account-inactive"] == ["CLOSED"]
    center, instance = shipped.client("sso-admin"), {"InstanceArn": INSTANCE}
    for arn in center.list_permission_sets(**instance)["PermissionSets"]:
        old = {**instance, "PermissionSetArn": arn, "ProvisioningStatus": "LATEST_PERMISSION_SET_NOT_PROVISIONED"}
        assert set(center.list_accounts_for_provisioned_permission_set(**old)["AccountIds"]) <= {id}
    assert [action for action in shipped.aws.writing_calls() if "Detach" in action] == []
    assert touched(shipped, id) == []


def test_an_account_that_aws_suspends_comes_back(shipped: Site) -> None:
    """What it has is imported, where AWS kept it, and made where it was declared meanwhile."""
    id = closed(shipped, "SUSPENDED")
    before = given(shipped, id)
    shipped.edit("sso.yaml", NEW_GRANT)
    done(shipped.strata("deploy", "--yes"))
    assert shipped.strata("plan", "--exit-code").code == 0

    shipped.aws.order("account-state", account=id, state="ACTIVE")
    done(shipped.strata("deploy", "--yes"))
    again = shipped.strata("plan", "--exit-code")

    assert again.code == 0, again.text
    assert shipped.state("organizations")["aws_organizations_account.shared"]["id"] == id
    assert len(given(shipped, id)) == len(before) + 1
    made = shipped.aws.writing_calls()
    assert "organizations:CreateAccount" not in made
    assert "sso-admin:DeleteAccountAssignment" not in made


def test_a_delegated_administrator_that_is_closed_stays_as_it_is(shipped: Site) -> None:
    """What is attached or delegated to it is forgotten as well, and other policies are deployed."""
    shipped.edit("organization.yaml", NEW_POLICY)
    done(shipped.strata("deploy", "organizations", "--yes"))
    id = str(shipped.accounts()["aws+security@example.com"]["Id"])
    shipped.aws.order("account-state", account=id, state="SUSPENDED")
    since = len(shipped.aws.calls())

    done(shipped.strata("deploy", "--yes"))

    assert shipped.strata("plan", "--exit-code").code == 0
    assert shipped.aws.writing_calls(since=since) == {}
    assert drifted(shipped) == (["account security: state is SUSPENDED"], [])

    shipped.aws.order("account-state", account=id, state="ACTIVE")
    done(shipped.strata("deploy", "--yes"))
    assert shipped.strata("plan", "--exit-code").code == 0
    assert "aws_organizations_policy_attachment.deny-too_account_security" in shipped.addresses("organizations")


def test_a_run_that_is_killed_beside_it_ends_whole(shipped: Site) -> None:
    id = closed(shipped)
    shipped.edit("sso.yaml", SHORTER, NEW_GRANT, SUPPORT)

    shipped.killed("sso-admin:ProvisionPermissionSet", "strata", "deploy", "--yes")
    locked = shipped.strata("deploy", "--yes")
    unlock = re.search(r"free it: (.*?force-unlock .*)", locked.stderr)
    assert unlock, locked.text
    done(shipped.shell(unlock[1]))
    done(shipped.strata("deploy", "--yes"))

    assert shipped.strata("plan", "--exit-code").code == 0
    assert touched(shipped, id) == []


def test_an_account_whose_entry_was_deleted_after_it_was_closed_goes_as_the_refusal_says(shipped: Site) -> None:
    """What AWS keeps of it is no difference afterwards: no line takes it away."""
    id = closed(shipped)
    give_to_security(shipped)
    declared = (shipped.config / "organization.yaml").read_text()
    shipped.edit("organization.yaml", (HEAD, ""))
    dropped = (shipped.config / "organization.yaml").read_text()

    refused = shipped.strata("plan", "--json")
    (shipped.config / "organization.yaml").write_text(declared.replace(HEAD, f"{HEAD}    retired: true\n"))
    done(shipped.strata("deploy", "--yes"))
    (shipped.config / "organization.yaml").write_text(dropped)
    done(shipped.strata("deploy", "--yes"))
    shipped.aws.wait_an_hour()

    assert refused.code == 3
    assert "with retired: true" in refused.text
    assert shipped.strata("plan", "--exit-code").code == 0
    assert (given(shipped, id) != [], drifted(shipped)) == (True, ([], []))
    assert touched(shipped, id) == []


def removed(site: Site, email: str) -> str:
    """Has AWS list an account no more that was closed 90 days ago, and returns its id."""
    id, client = str(site.accounts()[email]["Id"]), site.client("organizations")
    for service in client.list_delegated_services_for_account(AccountId=id)["DelegatedServices"]:
        client.deregister_delegated_administrator(AccountId=id, ServicePrincipal=service["ServicePrincipal"])
    site.aws.order("account-state", account=id, state="CLOSED")
    site.aws.wait_a_week()
    client.remove_account_from_organization(AccountId=id)
    return id


def test_an_account_that_aws_removed_before_any_deploy_is_made_by_nobody(shipped: Site) -> None:
    """Its assignments and delegation are forgotten, and the guardrail exempts nobody for it."""
    id = removed(shipped, "aws+security@example.com")

    before = drifted(shipped)
    planned = shipped.strata("plan", "--json")
    done(shipped.strata("deploy", "--yes"))
    again = shipped.strata("plan", "--exit-code")

    assert [(one.id, one.data["state"]) for one in planned.told if one.place == ""] == [("account-left-out", "gone")]
    assert "retired: true" in planned.stdout
    assert before == (["account security"], ["policy protect-foundation"])
    assert drifted(shipped) == (["account security"], [])
    assert set(planned.planned["sso"].values()) == {"forget"}
    assert again.code == 0, again.text
    assert "organizations:CreateAccount" not in shipped.aws.writing_calls()
    assert touched(shipped, id) == []
