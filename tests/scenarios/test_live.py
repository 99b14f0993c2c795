"""`--live` says what AWS has after a deploy as the configuration does, and what somebody made in the console."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from strata.config.layers import READER
from strata.landing_zone.permissions import permissions
from strata.load import load
from tests.aws.center import INSTANCE, STORE
from tests.aws.client import ACCOUNT
from tests.scenarios.ids import Ids
from tests.scenarios.site import Run, Site

pytestmark = pytest.mark.only("stand-in")

Json = dict[str, Any]
_NOT_ALLOWED = ("organizations:ListPolicies", "s3:ListBucket")
OF_LIVE = ("Evidence", "Differences to", "Account ids")


def asked(site: Site, *words: str, code: int = 0) -> Run:
    """Runs a command that changes nothing at AWS."""
    before = len(site.aws.calls())
    found = site.strata(*words)
    assert found.code == code, found.text[-6000:]
    assert not site.aws.writing_calls(by="strata", since=before)
    return found


def tables(text: str) -> dict[str, str]:
    """Returns the tables of a report in Markdown by title, without what only one from AWS has."""
    text = re.sub(r"^ *%%.*\n", "", text, flags=re.MULTILINE)
    found = dict(part.partition("\n")[::2] for part in text.partition("\n## ")[2].split("\n## "))
    glance = next(iter(found))
    only = r"^\| (! )?(Differences to|Controls that are) [^|]*\|.*\n(\|  \|.*\n)*|\nDifferences to [^\n]*\n"
    found[glance] = re.sub(only, "", found[glance], flags=re.MULTILINE)
    return {title: rows for title, rows in found.items() if not title.startswith(OF_LIVE)}


def as_drift_tells_a_stopped_trail(site: Site, kept: str) -> None:
    """Stops the trail; the report says so, and so does the reading that it keeps."""
    site.sign_in_as_administrator()
    site.client("cloudtrail").stop_logging(Name="ex-organization")
    site.aws.allow_only(permissions(load(site.config).project)[READER].text)
    stopped = asked(site, "report", "--live", "--save", kept, code=3).stdout
    assert "control trail: logging is false at AWS, true here" in " ".join(stopped.partition("Evidence")[0].split())
    assert asked(site, "report", "--from", kept, code=3).stdout == stopped


def test_a_report_from_aws_is_the_declared_one_until_something_is_done_by_hand(shipped: Site, tmp_path: Path) -> None:
    site = shipped
    own = site.client("organizations").describe_account(AccountId=ACCOUNT)["Account"]
    name, email = f"name: {own['Name']}", f"email: {own['Email']}"
    site.edit("project.yaml", ("name: example-management", name), ("email: aws@example.com", email))
    # The policy of who reads is enough.
    site.aws.allow_only(permissions(load(site.config).project)[READER].text)
    kept = str(tmp_path / "reading.json")

    declared = tables(asked(site, "report", "--format", "markdown").stdout)
    said = asked(site, "report", "--live", "--save", kept, "--format", "markdown")
    live = tables(said.stdout)
    assert declared.pop("Controls").count("\n") == live.pop("Controls").count("\n")
    assert live == declared
    assert "| Differences | none |" in said.stdout
    assert "AWS was asked" in said.stderr
    data: Json = json.loads(asked(site, "report", "--from", kept, "--format", "json").stdout)
    here: Json = json.loads(asked(site, "report", "--format", "json").stdout)
    evidence = data.pop("live")
    assert data == here
    assert evidence["differences"] == evidence["unread"] == []
    assert evidence["sha256"] in said.stdout
    assert evidence["accounts"] == {"management": ACCOUNT} | Ids(site).account

    site.sign_in_as_administrator()
    ids = Ids(site)
    center, people = site.client("sso-admin"), site.client("identitystore")
    eve = people.create_user(
        IdentityStoreId=STORE, UserName="eve", DisplayName="Eve E.", Name={"GivenName": "Eve", "FamilyName": "E."}
    )["UserId"]
    for principal, set_ in ((eve, "Administrator"), (ids.user, "FinOps")):
        center.create_account_assignment(
            InstanceArn=INSTANCE,
            TargetType="AWS_ACCOUNT",
            TargetId=ids.account["shared"],
            PermissionSetArn=ids.arn[set_],
            PrincipalType="USER",
            PrincipalId=principal,
        )
    site.aws.wait_an_hour()
    site.aws.allow_only(permissions(load(site.config).project)[READER].text)

    eves = asked(site, "explain", "eve", "--live").stdout
    assert eves.startswith("eve: Eve E., \n  no file\n  groups: none\n\nAdministrator in shared\n  given by no file\n")
    assert f"user eve ({eve}): at AWS only" in eves
    assert "FinOps" not in eves
    janes: Json = json.loads(asked(site, "explain", "jane-doe", "shared", "--live", "--json").stdout)
    (made,) = [one for one in janes["access"] if one["permission_set"] == "FinOps"]
    assert [way["entry"] for way in made["ways"]] == ["no file"]
    assert [one["name"] for one in janes["live"]["differences"]] == ["FinOps of user jane-doe in shared"]

    before = list(csv.reader(io.StringIO(asked(site, "report", "--from", kept, "--format", "csv").stdout)))
    after = list(csv.reader(io.StringIO(asked(site, "report", "--live", "--format", "csv", code=3).stdout)))
    new = {tuple(row[:-3]) for row in after} - {tuple(row[:-3]) for row in before}
    assert {(row[0], row[3], row[5], row[9]) for row in new} == {
        ("eve", "shared", "Administrator", "no file"),
        ("jane-doe", "shared", "FinOps", "no file"),
    }
    assert after[1][-2] != before[1][-2]
    assert (before[1][-1], after[1][-1]) == ("none", "3 differences")
    asked(site, "drift", code=3)
    as_drift_tells_a_stopped_trail(site, kept)

    less = json.loads(permissions(load(site.config).project)[READER].text)
    for statement in less["Statement"]:
        statement["Action"] = [one for one in statement["Action"] if one not in _NOT_ALLOWED]
    site.aws.allow_only(json.dumps(less))
    partly: Json = json.loads(asked(site, "report", "--live", "--format", "json", code=1).stdout)
    assert [one["part"] for one in partly["live"]["unread"]] == ["policies", "states"]
    assert partly["access"]
    assert "policies" not in partly
