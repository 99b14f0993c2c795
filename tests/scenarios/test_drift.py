"""`strata drift` finds what people did by hand in a landing zone that is deployed, and its lines put it back."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from tests.aws.center import STORE
from tests.scenarios.hand import Hand
from tests.scenarios.site import Run, Site

pytestmark = pytest.mark.only("stand-in")

Json = dict[str, Any]


def drift(site: Site, code: int) -> Json:
    """Returns what `strata drift` says an hour later; it changes nothing at AWS."""
    site.aws.wait_an_hour()
    before = len(site.aws.calls())
    found = site.strata("drift", "--json")
    assert found.code == code, found.text[-6000:]
    assert not site.aws.writing_calls(by="strata", since=before)
    said: Json = json.loads(found.stdout)
    return said


def found(said: Json) -> set[str]:
    """Returns how each difference is told, of a thing that was made without what it lets people do."""
    return {
        f"{one['finding'].removesuffix('-outside')} {one['at'].partition(': content is ')[0]}"
        for one in said["differences"]
    }


def test_what_a_deploy_gave_and_took_a_moment_ago_is_no_drift(shipped: Site) -> None:
    """AWS lists what a group has as it was before, and is asked about the account and the set."""
    shipped.edit(
        "sso.yaml",
        ("    groups:\n      - readonly\n", "    groups:\n      - devops\n"),
        (
            "      - FinOps\n    groups:\n      - finops\n",
            "      - FinOps\n    groups:\n      - finops\n      - devops\n",
        ),
    )
    deployed = shipped.strata("deploy", "sso", "--yes")
    told = shipped.strata("drift", "--json")

    assert deployed.code == 0, deployed.text
    assert (told.code, json.loads(told.stdout)["differences"]) == (0, []), told.text


def test_what_is_meant_is_accepted_and_what_waits_is_told_apart(shipped: Site) -> None:
    site = shipped
    site.sign_in_as_administrator()
    site.client("organizations").enable_aws_service_access(ServicePrincipal="config.amazonaws.com")
    site.client("organizations").enable_aws_service_access(ServicePrincipal="ssm.amazonaws.com")
    site.edit("sso.yaml", ("    description: Watches the bill.\n", "    description: Sees the bill.\n"))
    known = {"finding": "made-outside", "at": "trusted service config.amazonaws.com", "reason": "a trial"}
    (site.config / "accepted.yaml").write_text(yaml.safe_dump([known]))

    said = drift(site, 3)

    assert found(said) == {"made trusted service ssm.amazonaws.com"}
    assert [one["at"] for one in said["accepted"]] == [known["at"]]
    assert said["waiting"] == ["group finops"]
    assert site.strata("check").code == 0
    site.client("organizations").disable_aws_service_access(ServicePrincipal="ssm.amazonaws.com")
    assert site.strata("drift").code == 0
    site.client("organizations").disable_aws_service_access(ServicePrincipal="config.amazonaws.com")
    assert f"accepted.yaml:1: accepts made-outside at {known['at']}" in site.strata("drift").text


def test_what_may_not_be_read_is_named_and_never_equal(shipped: Site) -> None:
    site = shipped
    site.aws.fail("sso-admin:ListPermissionSets", code="AccessDeniedException", times=99)
    site.client("organizations").enable_aws_service_access(ServicePrincipal="config.amazonaws.com")

    said = drift(site, 1)

    assert [one["part"] for one in said["unread"]] == ["Identity Center"]
    assert "assignment" in said["unread"][0]["kinds"]
    assert found(said) == {"made trusted service config.amazonaws.com"}
    site.aws.heal()
    site.aws.fail("organizations:ListDelegatedAdministrators", code="AccessDeniedException", times=99)
    assert [one["part"] for one in drift(site, 1)["unread"]] == ["delegated administrators"]
    site.aws.heal()
    site.aws.switch_identity_center_on("")
    off = drift(site, 1)
    assert [one["id"] for one in off["unread"]] == ["identity-center-off"]
    assert {"region": "us-east-1"} in [one["data"] for one in off["messages"]]


def test_a_grant_of_a_deleted_group_beside_a_living_one_is_found_thoroughly(shipped: Site) -> None:
    site = shipped
    site.sign_in_as_administrator()
    hand = Hand(site)
    group = hand.people.create_group(IdentityStoreId=STORE, DisplayName="ghosts")["GroupId"]
    given = {**hand.assignment("DevOps", "devops", "shared"), "PrincipalId": group}
    hand.center.create_account_assignment(**given)
    hand.people.delete_group(IdentityStoreId=STORE, GroupId=group)

    usual = site.strata("drift")
    thorough = site.strata("drift", "--thorough", "--json")

    assert usual.code == 0
    assert "; --thorough does" in usual.stderr
    assert thorough.code == 3, thorough.text[-3000:]
    assert "--thorough: 9 calls " in thorough.stderr
    assert "; --thorough does" not in thorough.stderr
    (one,) = json.loads(thorough.stdout)["differences"]
    assert one["at"] == f"assignment DevOps of group {group} in shared"
    site.types("\n".join(one["undo"]))
    site.aws.wait_an_hour()
    assert site.strata("drift", "--thorough").code == 0


def test_before_a_deploy_and_beside_another_run_it_says_so(fresh: Site) -> None:
    none = fresh.strata("drift", "--json")
    assert (none.code, none.messages) == (1, [("nothing-deployed", "", {})])


def test_a_state_that_another_run_holds_is_named(shipped: Site) -> None:
    lock = {"ID": "0" * 8 + "-0000-0000-0000-" + "0" * 12, "Who": "ana@laptop", "Created": "2026-11-25T10:00:00Z"}
    key = "management/sso/terraform.tfstate.tflock"
    shipped.client("s3").put_object(Bucket=shipped.bucket, Key=key, Body=json.dumps(lock).encode())

    held = shipped.strata("drift", "--json")

    assert (held.code, held.messages) == (1, [("other-run-active", "", {"stack": "sso", "who": "ana@laptop"})])


def test_a_run_that_ended_while_aws_was_read_is_named(shipped: Site) -> None:
    """What it did would look as if somebody had done it by hand."""
    drifting = shipped.hanging("sso-admin:ListPermissionSets", "strata", "drift", "--json")
    state = json.loads(shipped.saved_state("sso"))
    shipped.save_state("sso", json.dumps({**state, "serial": state["serial"] + 1}).encode())
    shipped.aws.release()

    done = Run(0, *drifting.communicate(timeout=1200))

    assert drifting.returncode == 1
    assert done.messages == [("changed-meanwhile", "", {"stack": "sso"})]
