"""`strata price --live`: what AWS has counted, by account, in detection.yaml; what it does not say stays as it is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from strata.aws.access_role import entered
from strata.aws.session import Aws as Session
from strata.commands.price_live import folded_usage, run, with_usage
from strata.config.models import MANAGEMENT
from strata.errors import StrataError, UsageError
from strata.load import load
from strata.options import Options
from strata.price import Bill, prices
from strata.price.charges import usage_by_account
from tests.aws.client import Aws
from tests.synthesized import COMPANY, SHIPPED

HOME, OTHER = "us-east-1", "eu-west-1"
DETECTION = """\
# Who watches.
administrator: security
guardduty:
  mode: on # for all
  plans: [s3_data_events]
usage: # a guess
  root:
    flow_gb: 10 # by finger in the wind
    s3_data_events_million: 2
  shared: {scanned_gb: 7}
"""


class Live:
    """The shipped configuration in two regions with detection, and its organization."""

    def __init__(self, aws: Aws, folder: Path) -> None:
        self.aws, self.folder = aws, Path(shutil.copytree(SHIPPED, folder))
        project = self.folder / "project.yaml"
        project.write_text(project.read_text().replace("regions:\n", f"regions:\n  governed:\n    - {OTHER}\n", 1))
        self.file.write_text(DETECTION)
        aws.restore()
        aws.client("organizations").create_organization(FeatureSet="ALL")
        members = load(self.folder).members
        self.ids = {key: aws.open_account(account.email) for key, account in members.items()}
        self.ids[MANAGEMENT] = load(self.folder).project.management_account.id

    @property
    def file(self) -> Path:
        return self.folder / "detection.yaml"

    def watched(self, *regions: str) -> None:
        for region in regions:
            self.aws.order("guardduty-administrator", account=self.ids["security"], region=region)

    def costs(self, account: str, region: str, **features: float) -> None:
        for feature, usd in features.items():
            order = {"account": self.ids[account], "region": region, "feature": feature, "usd": usd}
            self.aws.order("guardduty-usage", **order)

    def run(self, **options: Any) -> int:
        return run(Options(config=self.folder), **{"json": False, "yes": True, **options})

    @property
    def usage(self) -> Any:
        return yaml.safe_load(self.file.read_text())["usage"]


@pytest.fixture
def live(emulated: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Live:
    for name, value in emulated.environment().items():
        monkeypatch.setenv(name, value)
    return Live(emulated, tmp_path / "config")


def test_what_guardduty_costs_is_written_as_what_is_used(live: Live) -> None:
    """Of all regions together; what all have alike is inherited, what AWS does not say stays with its comment."""
    live.watched(HOME, OTHER)
    for account in live.ids:
        for region in (HOME, OTHER):
            live.costs(account, region, CLOUD_TRAIL=3.0, FLOW_LOGS=4.0, DNS_LOGS=1.0)
    live.costs("shared", HOME, EBS_MALWARE_PROTECTION=0.9)

    assert live.run() == 0

    root = {"management_events_million": 1.5, "flow_gb": 10, "s3_data_events_million": 2}
    assert live.usage == {"root": root, "shared": {"scanned_gb": 30}}
    assert [line for line in DETECTION.splitlines() if "#" in line and line not in live.file.read_text()] == []
    flow = [charge for charge in Bill.of(load(live.folder)).charges if charge.price.name == "guardduty_flow"]
    assert sum(charge.usd or 0 for charge in flow) == pytest.approx(2 * 5.0 * len(live.ids))


def test_config_and_iam_are_counted_in_each_account(live: Live) -> None:
    """Whoever records: Control Tower does so in accounts that it looks after."""
    live.watched(HOME, OTHER)
    security = live.folder / "security.yaml"
    written = security.read_text()
    security.write_text(written.replace("access_analyzer:\n", "access_analyzer:\n  unused_access_days: 90\n", 1))
    names = {"shared": "aws-controltower-BaselineConfigRecorder", "security": "default"}
    for account, name in names.items():
        there = entered(Session(None, HOME), live.ids[account])
        for region in (HOME, OTHER):
            recorder = {"name": name, "roleARN": f"arn:aws:iam::{live.ids[account]}:role/config"}
            there.client("config", region).put_configuration_recorder(ConfigurationRecorder=recorder)
            order = {"account": live.ids[account], "region": region, "resources": 40, "items": 150}
            live.aws.order("config-usage", **order)
    there.client("iam").create_user(UserName="robot")

    live.run()

    usage = {account: {path[0]: its.value for path, its in given.items()} for account, given in _given(live).items()}
    counted = {account: its["iam_roles_and_users"] for account, its in usage.items()}
    assert counted["security"] == counted["shared"] + 1
    assert {account: (its.get("resources"), its.get("changes_a_day")) for account, its in usage.items()} == {
        "shared": (80, 10),
        "security": (80, 10),
        MANAGEMENT: (None, None),
    }
    security.write_text(written)
    live.file.write_text(DETECTION)
    live.aws.order("config-usage", account=live.ids["shared"], region=HOME, resources=40, items=150, days=11)
    client = entered(Session(None, HOME), live.ids["security"]).client("config", HOME)
    client.stop_configuration_recorder(ConfigurationRecorderName="default")
    live.run()
    assert live.usage["shared"] == {"scanned_gb": 7, "resources": 80, "changes_a_day": 10}
    assert live.usage["security"] == {"resources": 40, "changes_a_day": 5}, "what is stopped records nothing"


def test_words_stay_where_config_has_not_recorded_for_long(live: Live, capsys: pytest.CaptureFixture[str]) -> None:
    live.watched(HOME)
    recorder = {"name": "default", "roleARN": f"arn:aws:iam::{live.ids['shared']}:role/config"}
    there = entered(Session(None, HOME), live.ids["shared"]).client("config", HOME)
    there.put_configuration_recorder(ConfigurationRecorder=recorder)
    live.aws.order("config-usage", account=live.ids["shared"], region=HOME, resources=40, items=150, days=1.9)
    live.run(json=True)
    found = json.loads(capsys.readouterr().out)
    assert ["shared"] in [message["data"]["accounts"] for message in found["messages"]]
    assert found["usage"]["shared"] == {"scanned_gb": 7}


def _given(live: Live) -> Mapping[str, Mapping[Any, Any]]:
    return usage_by_account(load(live.folder))


def test_what_cannot_be_read_is_named_and_stays(live: Live, capsys: pytest.CaptureFixture[str]) -> None:
    """An account that lets nobody in, a service that is off, and one that answers in a region alone."""
    live.watched(HOME)
    live.costs("security", HOME, FLOW_LOGS=50.0)
    live.aws.fail("sts:AssumeRole", code="AccessDenied", message="no", containing=live.ids["shared"], times=9)

    assert live.run(json=True) == 0

    found = json.loads(capsys.readouterr().out)
    told = {(message["id"], *message["data"]["accounts"], message["data"]["code"]) for message in found["messages"]}
    assert told == {
        ("usage-unread", ""),
        ("usage-unread", "shared", "AccessDenied"),
        ("usage-unread", MANAGEMENT, "security", ""),
    }
    assert found["usage"]["security"]["flow_gb"] == 50
    assert found["usage"]["shared"] == {"flow_gb": 10, "scanned_gb": 7}
    assert live.file.read_text() == DETECTION, "JSON writes nothing"
    live.aws.heal()
    live.aws.fail("guardduty:GetUsageStatistics", code="AccessDeniedException", message="no", times=99)
    live.run(json=True)
    assert json.loads(capsys.readouterr().out)["usage"]["root"]["flow_gb"] == 10
    live.aws.heal()


def test_it_asks_before_it_writes_and_needs_the_file(live: Live) -> None:
    with pytest.raises(UsageError):
        live.run(yes=False)
    live.file.unlink()
    with pytest.raises(StrataError) as missing:
        live.run()
    assert [text.id for text in missing.value.args] == ["detection-missing"]


def test_words_are_taken_out_where_accounts_use_other_amounts(tmp_path: Path) -> None:
    """Also from a line, where they cannot be taken out one by one; places of no account in use stay."""
    folder = Path(shutil.copytree(COMPANY, tmp_path / "config"))
    text = "administrator: audit\nguardduty: {mode: on}\nusage:\n  root: {flow_gb: 1, rds_vcpus: 4}\n"
    text += "  ou/security: {flow_gb: 2}\n  ou/suspended: {flow_gb: 9} # retired\n"
    (folder / "detection.yaml").write_text(text)
    zone = load(folder)
    used = {key: {"flow_gb": float(number)} for number, key in enumerate(zone.accounts, 1)}

    written = folded_usage(zone, used)
    (folder / "detection.yaml").write_text(with_usage(text, zone, written))

    after = {
        key: {path[0]: its.value for path, its in given.items()}
        for key, given in usage_by_account(load(folder)).items()
    }
    assert {key: its for key, its in after.items() if key in used} == {
        key: {"flow_gb": number, "rds_vcpus": 4} for number, key in enumerate(zone.accounts, 1)
    }
    assert written["root"] == {"rds_vcpus": 4}
    assert "ou/security" not in written
    assert "  ou/suspended: {flow_gb: 9} # retired\n" in (folder / "detection.yaml").read_text()


def test_an_amount_is_as_much_as_its_quantity_costs() -> None:
    for price in prices().values():
        for quantity in (0.0, 0.25, 499.0, 600.0, 2_600.0):
            assert price.quantity(price.of(quantity)) == pytest.approx(quantity), price.name
