"""One thing is not written if `strata check` would refuse it; all that is new is, with a warning before."""

from __future__ import annotations

import json

import pytest

from tests.scenarios.site import Site

pytestmark = pytest.mark.only("stand-in")


EXPECTED = """
- {id: root-does-nothing, reason: Nobody needs it., denied: s3:ListAllMyBuckets, as: root, in: root}
- {id: nobody-leaves, reason: Its data goes with it., denied: organizations:LeaveOrganization, in: root}
"""


def test_expectations_that_hold_no_longer_are_named_before_they_are_written(shipped: Site) -> None:
    site = shipped
    site.sign_in_as_administrator()
    policy = site.state("organizations")["aws_organizations_policy.deny-root-user"]["id"]
    statement = {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"}
    content = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    site.client("organizations").update_policy(PolicyId=policy, Content=content)
    site.open_account("aws+lab@example.com")
    (site.config / "expectations.yaml").write_text(EXPECTED)
    assert site.strata("check").code == 0

    one = site.strata("adopt", "policy:deny-root-user", "--yes", "--json")

    assert one.code == 1, one.text
    (broken, place, data), (refused, _, _) = one.messages
    assert (broken, refused) == ("expectation-unmet", "refused-by-check")
    assert place == f"{site.config}/expectations.yaml:2"
    assert data["expectation"] == "root-does-nothing"
    assert site.strata("check").code == 0
    (site.config / "expectations.yaml").write_text(f"\n\n{EXPECTED.splitlines()[2]}\n")
    one = site.strata("adopt", "policy:deny-root-user", "--yes")
    assert one.stderr.splitlines()[-1].endswith(f"strata check --config {site.config}")
    assert site.strata("check").code == 0

    dry = site.strata("adopt", "--to", str(site.config), "--dry-run", "--json")
    whole = site.strata("adopt", "--to", str(site.config), "--yes", "--json")

    assert whole.code == 0, whole.text
    said = json.loads(whole.stdout)
    assert said["written"]
    unmet = [data["expectation"] for id, _, data in whole.messages if id == "expectation-unmet"]
    assert unmet == ["nobody-leaves"]
    assert all(run.stderr.splitlines().count(f"warning: {said['warnings'][0]}") == 1 for run in (dry, whole))
    assert _unmet(site) == {"nobody-leaves"}


def _unmet(site: Site) -> set[str]:
    """Returns the expectations that `strata check` refuses."""
    found = json.loads(site.strata("check", "--json").stdout)["expectations"]
    return {one["id"] for one in found if not one["holds"]}
