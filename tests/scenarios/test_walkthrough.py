"""docs/first-deploy.md, typed as it stands: from an empty account to profiles for those who sign in."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from pathlib import Path

import pytest

from strata.load import load
from tests.documents import CHECKOUT, blocks
from tests.scenarios.site import STACKS, Run, Site
from tests.scenarios.typist import Typist

PAGE = CHECKOUT / "docs/first-deploy.md"

pytestmark = pytest.mark.only("stand-in")

ANSWERS = {
    "project name": "acme",
    "short name": "ac",
    "primary region": "",
    "region of the state": "",
    "organizational units": "",
    "member accounts": "security shared@infrastructure shop-prod shop-nonprod data-prod data-nonprod lab-sandbox",
    "e-mail address that accounts get": "aws@acme.dev",
    "name of the management account": "master",
    "its root e-mail": "master@example.com",
    "who has the people": "",
    "the first administrator": "Mary Major mary.major@acme.dev",
    "[y/N]": "y",
}
"""What the operator says; moto's management account is `master`, and so are its name and address."""

NOT_EMULATED = {
    "activation": "emulator-lacks-call",
    # Where PATH has none, the tests run the Terraform that came with the venv.
    "terraform": "tool-third-party",
}
"""The warnings of `strata doctor` that are the emulator's, by check."""

BEFORE_BOOTSTRAP = {"organization", "state-bucket", "lock-table", "names", "accounts", "policy-types", "sign-in"}


@pytest.fixture
def typist(empty: Site, tmp_path: Path) -> Typist:
    """Somebody with a fresh clone and an empty account."""
    typist = Typist.at(empty, tmp_path)
    typist.site.output.mkdir()
    typist.variables["AWS_CONFIG_FILE"] = str(tmp_path / "aws-config")
    empty.sign_in_as_administrator()
    return typist


def test_from_a_new_account_to_profiles(typist: Typist, tmp_path: Path) -> None:
    """Every command of the page ends with 0, one after the other, and leaves what the page says."""
    site, ran, judged = typist.site, dict[str, list[Run]](), list[Run]()
    for block in blocks(PAGE, "sh"):
        if block.heading == "5. Identity Center":
            site.aws.switch_identity_center_on(site.region)  # by hand, with the settings that the page has next
            site.aws.wait_an_hour()
        run = typist.types(block.text, ANSWERS)
        assert run.code == 0, f"{block}: {run.stdout[-3000:]}"
        ran.setdefault(block.heading, []).append(run)
        if "strata doctor" in block.text:
            judged.append(site.strata("doctor", "--json"))

    landing_zone = load(site.config)
    assert landing_zone.project.management_account.id == "123456789012"
    assert {key: (one.email, one.unit) for key, one in landing_zone.members.items()} == {
        "data-nonprod": ("aws+data-nonprod@acme.dev", "nonprod"),
        "data-prod": ("aws+data-prod@acme.dev", "prod"),
        "lab-sandbox": ("aws+lab-sandbox@acme.dev", "sandbox"),
        "security": ("aws+security@acme.dev", "security"),
        "shared": ("aws+shared@acme.dev", "infrastructure"),
        "shop-nonprod": ("aws+shop-nonprod@acme.dev", "nonprod"),
        "shop-prod": ("aws+shop-prod@acme.dev", "prod"),
    }
    assert "config is valid" in ran["2. The configuration"][0].stdout

    before, enabled = judged
    expect_warnings(before, NOT_EMULATED, BEFORE_BOOTSTRAP)
    assert "created the organization" in ran["4. State and organization"][0].stdout
    expect_warnings(enabled, NOT_EMULATED)
    assert re.search(r"^ok +sign-in +arn:aws:sso:::instance/", ran["5. Identity Center"][0].stdout, re.MULTILINE)

    deployed, again = ran["6. The deploy"]
    by_hand = (ran["2. The configuration"][0], ran["4. State and organization"][0], deployed)
    assert sum(map(answered, by_hand)) <= MOST_ANSWERS, "from a clone to deployed"
    assert re.search(r"^sign in at https://d-\w+\.awsapps\.com/start$", deployed.stdout, re.MULTILINE)
    assert all(site.addresses(stack) for stack in STACKS)
    assert again.stdout.count("no changes") == 4

    profiles = (tmp_path / "aws-config").read_text()
    assert "[sso-session ac]" in profiles
    assert "[profile ac-management-Administrator]" in profiles
    assert "export AWS_PROFILE=ac-management-Administrator" in ran["7. Signing in"][0].stdout


MOST_ANSWERS = 17


def answered(run: Run) -> int:
    """Returns how many questions were answered."""
    words = "|".join(re.escape(one) for one in ANSWERS if one != "[y/N]")
    return len(re.findall(rf"^(?:{words}).*: |\[y/N\] ", run.stdout, re.MULTILINE))


def expect_warnings(run: Run, known: dict[str, str], later: Collection[str] = ()) -> None:
    """Compares the warnings of `strata doctor` with those that are known; there are no failures."""
    found = json.loads(run.stdout)["findings"]
    assert len(found) > 10, run.stdout
    assert [one for one in found if one["level"] == "failure"] == []
    warned = [one for one in found if one["level"] == "warning"]
    assert [one for one in warned if known.get(one["check"]) != one["id"]] == []
    assert {one["check"] for one in found if one["level"] == "later"} == {*later}
