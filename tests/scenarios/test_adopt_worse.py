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

    one = site.strata("adopt", "policy:deny-root-user", "--yes")

    assert one.code == 1, one.text
    at = f"error: {site.config}/expectations.yaml:2: root-does-nothing no longer holds: "
    assert any(line.startswith(at) for line in one.stderr.splitlines()), one.text
    assert "nothing was written, since strata check refuses it" in one.stderr
    assert site.strata("check").code == 0
    (site.config / "expectations.yaml").write_text(f"\n\n{EXPECTED.splitlines()[2]}\n")
    one = site.strata("adopt", "policy:deny-root-user", "--yes")
    assert one.stderr.splitlines()[-1] == f"next: strata check --config {site.config}"
    assert site.strata("check").code == 0

    dry = site.strata("adopt", "--to", str(site.config), "--dry-run", "--json")
    whole = site.strata("adopt", "--to", str(site.config), "--yes", "--json")

    assert whole.code == 0, whole.text
    said = json.loads(whole.stdout)
    assert said["written"]
    assert [text.split(": ")[1] for text in said["warnings"]] == ["nobody-leaves no longer holds"]
    assert all(run.stderr.splitlines().count(f"warning: {said['warnings'][0]}") == 1 for run in (dry, whole))
    assert _unmet(site) == {"nobody-leaves"}


def _unmet(site: Site) -> set[str]:
    """Returns the expectations that `strata check` refuses."""
    found = json.loads(site.strata("check", "--json").stdout)["expectations"]
    return {one["id"] for one in found if not one["holds"]}
