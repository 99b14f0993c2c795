"""`strata price`: what a month costs, from the files and `usage`, each amount with its formula and its line."""

from __future__ import annotations

import datetime as dt
import json
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from strata import diff
from strata.cli import app
from strata.commands.plan import month
from strata.commands.price import text, warnings
from strata.config.detection import Config, Detection, Recording, Usage
from strata.config.layers import DETECTION_LAYER, shipped
from strata.identity.budget import PRICE, over_budget
from strata.landing_zone import LandingZone, SourceLocation
from strata.load import load
from strata.price import Bill, Charge, differences, prices
from strata.price.charges import PriceCause
from strata.price.prices import old
from strata.terraform.plans import Plan, PlannedChange
from tests.documents import CHECKOUT, blocks
from tests.generated import write_configuration
from tests.synthesized import COMPANY, EVERY_OPTION, SHIPPED

ALL = """\
administrator: audit
regions: governed
guardduty:
  mode: on
  plans:
    - s3_data_events
    - eks_audit_logs
    - ebs_malware_protection
    - rds_login_events
    - lambda_network_logs
    - runtime_monitoring
usage:
  root:
    management_events_million: 0.5
    flow_gb: 10
    s3_data_events_million: 2
    eks_audit_events_million: 1
    scanned_gb: 100
    rds_vcpus: 4
    lambda_flow_gb: 1
    runtime_vcpus: 16
    iam_roles_and_users: 40
"""
LINE = SourceLocation("detection.yaml", 3)


def configured(folder: Path, detection: str, of: Path = COMPANY) -> Path:
    """Writes a configuration with a detection.yaml."""
    if not folder.exists():
        shutil.copytree(of, folder)
    (folder / "detection.yaml").write_text(detection)
    return folder


def zone(folder: Path, detection: str = ALL, of: Path = COMPANY) -> LandingZone:
    return load(configured(folder, detection, of))


def amounts(bill: Bill) -> dict[str, float]:
    """Returns what each price comes to."""
    return {
        name: round(sum(charge.usd or 0 for charge in bill.priced if charge.price.name == name), 6)
        for name in dict.fromkeys(charge.price.name for charge in bill.priced)
    }


def test_a_plan_says_what_a_month_is_expected_to_cost(tmp_path: Path) -> None:
    """Where detection.yaml is there; else where something changes that has a price, and costs a dollar or more."""
    with_it, without = zone(tmp_path / "config", f"{ALL}budget_usd: 900\n"), load(COMPANY)
    made = [Plan("security", {"aws_cloudtrail.organization": PlannedChange("create")})]
    free = [Plan("sso", {"aws_identitystore_group.it": PlannedChange("create")})]

    [said], [trail] = month(with_it, free), month(without, made)

    bill = Bill.of(with_it)
    assert [f"{bill.expected:,.2f} USD" in said, "900.00" in said] == [True, True]
    assert {charge.price.service for charge in bill.unpriced} == {"CloudTrail", "S3", "SNS"}
    assert ("S3" in said, f"{Bill.of(without).expected:,.2f} USD" in trail) == (True, True)
    assert [*month(without, free), *month(load(SHIPPED), made)] == []


# The prices


def test_every_price_has_a_page_a_day_and_a_use(tmp_path: Path) -> None:
    """One that nothing is charged by is not there, and each word of `usage` is one of detection.yaml."""
    every = zone(tmp_path / "a", ALL, EVERY_OPTION)
    charges = [*Bill.of(every).charges, *Bill.of(zone(tmp_path / "b")).charges]
    for recording in ("continuous", "daily"):
        charges += Bill.of(zone(tmp_path / "b", RECORDED.replace("continuous", recording))).charges

    assert {charge.price.name for charge in charges} == prices().keys()
    assert {price.usage for price in prices().values() if price.usage} <= Usage.model_fields.keys()
    assert [price.name for price in prices().values() if not price.source.url.startswith("https://")] == []


def test_prices_older_than_half_a_year_are_told() -> None:
    price = prices()["kms_key"]
    last = price.source.date + dt.timedelta(days=180)

    assert old([price], last) == []
    assert old([price], last + dt.timedelta(days=1)) == [price]


GUARDDUTY = "https://aws.amazon.com/guardduty/pricing/"
"""Its examples for us-east-1, in the copy that prices.yaml names."""


@pytest.mark.parametrize(
    ("price", "quantity", "usd", "page"),
    [
        ("guardduty_management_events", 1, 4.00, GUARDDUTY),
        ("guardduty_flow", 500, 500.00, GUARDDUTY),
        ("guardduty_flow", 3_000, 500 * 1.00 + 2_000 * 0.50 + 500 * 0.25, GUARDDUTY),
        ("guardduty_s3_data_events", 1_000, 500 * 0.80 + 500 * 0.40, GUARDDUTY),
        ("guardduty_eks_audit_logs", 200, 100 * 1.60 + 100 * 0.80, GUARDDUTY),
        ("guardduty_runtime_monitoring", 5_000, 500 * 1.50 + 4_500 * 0.75, GUARDDUTY),
        ("kms_key", 1, 1.00, "https://aws.amazon.com/kms/pricing/"),
        ("unused_access", 1, 0.20, prices()["unused_access"].source.url),
    ],
)
def test_the_examples_of_aws_come_out(price: str, quantity: float, usd: float, page: str) -> None:
    charge = Charge(prices()[price], PriceCause("x", LINE), ("a",), ("us-east-1",), quantity)
    assert charge.usd == pytest.approx(usd), page


def test_a_region_with_a_price_of_its_own_has_that() -> None:
    price, cause = prices()["guardduty_rds_login_events"], PriceCause("guardduty", LINE)
    charge = Charge(price, cause, ("a", "b"), ("eu-central-2", "eu-west-1"), 10)

    assert charge.usd == pytest.approx(27.00)
    assert charge.formula == "2 accounts x 10 x 1.00 x 1.35"
    assert price.unknown(charge.regions) == ["eu-west-1"]


def test_what_is_given_for_all_regions_is_spread_over_them() -> None:
    """Tiers are of a region: spread evenly it costs most."""
    charge = Charge(prices()["guardduty_flow"], PriceCause("x", LINE), ("a",), ("us-east-1",), 1_500)
    three = replace(charge, regions=("us-east-1", "us-east-2", "us-west-2"))

    assert (charge.usd, charge.formula) == (1_000, "1 account x 1 region x (500 x 1.00 + 1,000 x 0.50)")
    assert (three.usd, three.formula) == (1_500, "1 account x 3 regions x 500 x 1.00")


def test_an_amount_follows_from_the_numbers_of_its_formula() -> None:
    charge = Charge(prices()["guardduty_flow"], PriceCause("x", LINE), ("a",), ("us-east-1",), 1_499.99)
    first = replace(charge, quantity=0.123456)

    assert charge.formula == "1 account x 1 region x (500 x 1.00 + 999.99 x 0.50)"
    assert first.formula == "1 account x 0.123456 x 1.00"


REGIONS = ("us-east-1", "eu-west-1", "eu-central-2", "eu-south-2", "ap-northeast-1")
AMOUNTS = st.floats(0, 1e7, allow_nan=False)


@given(
    st.sampled_from(sorted(prices())),
    st.integers(1, 1000),
    st.lists(st.sampled_from(REGIONS), min_size=1, max_size=4, unique=True),
    AMOUNTS,
    AMOUNTS,
)
def test_more_never_costs_less(name: str, accounts: int, regions: list[str], used: float, more: float) -> None:
    """By accounts, regions and usage alone, and no month is below zero."""
    charge = Charge(prices()[name], PriceCause("x", LINE), tuple(map(str, range(accounts))), tuple(regions), used, LINE)
    others = [region for region in REGIONS if region not in regions]
    larger = [
        replace(charge, accounts=(*charge.accounts, "one")),
        replace(charge, regions=(*charge.regions, others[0])),
        replace(charge, quantity=used + more),
    ]

    assert charge.usd is not None
    assert charge.usd >= 0
    for each in larger:
        assert each.usd is not None
        assert each.usd >= charge.usd * (1 - 1e-12) - 1e-12


# The bill


def test_each_plan_is_charged_by_its_own_use(tmp_path: Path) -> None:
    """11 accounts with the management account; nothing of it in the first thirty days."""
    bill = Bill.of(zone(tmp_path / "config"))

    assert amounts(bill) == {
        "guardduty_management_events": 11 * 0.5 * 4.00,
        "guardduty_flow": 110.00,
        "guardduty_s3_data_events": pytest.approx(11 * 2 * 0.80),
        "guardduty_eks_audit_logs": pytest.approx(11 * 1.60),
        "guardduty_ebs_malware_protection": 33.00,
        "guardduty_rds_login_events": 44.00,
        "guardduty_lambda_network_logs": 11.00,
        "guardduty_runtime_monitoring": pytest.approx(11 * 16 * 1.50),
        "kms_key": 2.00,
        "s3_put": pytest.approx(11 * 12.24 * 0.005),
    }
    assert bill.expected == pytest.approx(sum(amounts(bill).values()))
    assert bill.first_month == bill.fixed == pytest.approx(2.00 + 11 * 12.24 * 0.005)


def test_the_nearer_place_says_what_an_account_uses(tmp_path: Path) -> None:
    """Of a unit, of the account in it, and where null takes away, nobody knows."""
    usage = """
administrator: audit
guardduty: {mode: on}
usage:
  root: {management_events_million: 1, flow_gb: 10}
  ou/sandbox: {management_events_million: 0.1}
  network: {flow_gb: 500}
  audit: {flow_gb: null}
"""
    bill = Bill.of(zone(tmp_path / "config", usage))
    flow = {charge.quantity: charge for charge in bill.charges if charge.price.name == "guardduty_flow"}
    events = {charge.quantity: charge for charge in bill.priced if charge.price.name == "guardduty_management_events"}

    assert flow.keys() == {10, 500, None}
    assert (flow[500].accounts, flow[None].accounts) == (("network",), ("audit",))
    assert [str(flow[10].usage), str(flow[500].usage)] == ["detection.yaml:5", "detection.yaml:7"]
    (why,) = (charge.why for charge in bill.charges if charge.why and charge.lacking)
    assert (why.id, why.data["accounts"]) == ("usage-not-given", ["audit"])
    assert {load(tmp_path / "config").accounts[key].unit for key in events[0.1].accounts} == {"sandbox"}


def test_the_management_account_has_a_use_of_its_own(tmp_path: Path) -> None:
    bill = Bill.of(zone(tmp_path / "config", f"{ALL}  management: {{flow_gb: 300}}\n"))
    flow = {charge.quantity: charge for charge in bill.priced if charge.price.name == "guardduty_flow"}

    assert (flow[300].accounts, len(flow[10].accounts)) == (("management",), 10)


def test_an_excepted_account_and_one_that_is_retired_cost_nothing(tmp_path: Path) -> None:
    but = "guardduty:\n  except:\n    accounts: [network]\n    organizational_units: [sandbox]\n"
    its = zone(tmp_path / "config", ALL.replace("guardduty:\n", but))
    watched = {account for charge in Bill.of(its).charges for account in charge.accounts if charge.price.trial}

    assert watched == {key for key, account in its.accounts.items() if key != "network" and account.unit != "sandbox"}


def test_an_account_is_charged_where_its_regions_are_enabled(tmp_path: Path) -> None:
    """The dearer region counts for the account alone that has it."""
    zurich = configured(tmp_path / "config", ALL.replace("regions: governed", "regions: [eu-central-1, eu-central-2]"))
    for file, old_text, new in (
        ("project.yaml", "  governed:\n", "  governed:\n    - eu-central-2\n"),
        ("organization.yaml", "  audit:\n", "  audit:\n    regions: [eu-central-2]\n"),
    ):
        (zurich / file).write_text((zurich / file).read_text().replace(old_text, new, 1))
    charges = [each for each in Bill.of(load(zurich)).charges if each.price.name == "guardduty_rds_login_events"]
    usd = {each.accounts: each.usd and round(each.usd, 2) for each in charges if "eu-central-2" in each.regions}

    assert usd == {("management", "audit"): 2 * 4 * 1.35}
    assert sum(each.usd or 0 for each in charges) == pytest.approx(2 * 4 * 1.35 + 9 * 4)


@pytest.mark.parametrize("mode", ["off", "unmanaged"])
def test_what_is_no_longer_switched_on_goes_on_and_is_not_zero(tmp_path: Path, mode: str) -> None:
    """It costs as before, in the same accounts and regions, and its trial is over."""
    watched = ALL.replace("regions: governed", "regions: [eu-central-1]")
    watched = watched.replace("guardduty:\n", "guardduty:\n  except: {accounts: [network]}\n")
    was, bill = (
        Bill.of(zone(tmp_path / "config", text)) for text in (watched, watched.replace("mode: on", f"mode: {mode}"))
    )
    kept = [charge for charge in bill.charges if charge.cause.goes_on]

    assert {(charge.cause.words, charge.regions) for charge in kept} == {("guardduty", ("eu-central-1",))}
    assert amounts(bill) == amounts(was)
    assert bill.first_month == bill.expected > was.first_month
    assert "goes on" in "".join(text(bill))


def test_roles_and_users_are_charged_where_unused_access_is_looked_for(tmp_path: Path) -> None:
    folder = configured(tmp_path / "config", ALL)
    security = folder / "security.yaml"
    text = security.read_text()
    security.write_text(text.replace("access_analyzer:\n", "access_analyzer:\n  unused_access_days: 90\n", 1))

    assert amounts(Bill.of(load(folder)))["unused_access"] == pytest.approx(11 * 40 * 0.20)


def test_the_keys_of_the_archive_cost_until_somebody_deletes_them(tmp_path: Path) -> None:
    for mode in ("governance", "unmanaged"):
        text = f"administrator: audit\nlog_archive: {{account: log-archive, mode: {mode}}}\n"
        bill = Bill.of(zone(tmp_path / mode, text))
        (keys,) = (charge for charge in bill.priced if charge.cause.words == "log_archive")

        assert (keys.accounts, keys.usd, keys.fixed, keys.cause.stays) == (("log-archive",), 2.0, True, True)
        assert keys.cause.goes_on == (mode == "unmanaged")


@pytest.mark.parametrize("of", [COMPANY, EVERY_OPTION])
def test_every_charge_names_the_line_that_causes_it(tmp_path: Path, of: Path) -> None:
    """And an amount that is used the line that says how much, with the word of the price."""
    folder = configured(tmp_path / "config", ALL, of)
    bill = Bill.of(load(folder))
    lines = {file.name: file.read_text().splitlines() for file in folder.glob("*.yaml")}

    for charge in bill.charges:
        where = charge.cause.line
        word = charge.cause.words.rpartition(".")[2]
        if where.line:  # a control that no file names is on by itself
            assert where.file in lines
        if word == "guardduty":
            plan = charge.price.name.removeprefix("guardduty_")
            assert lines[where.file][where.line - 1].strip(" -:") in (word, plan)
        assert (charge.usage is None) == (charge.fixed or charge.usd is None)
        if charge.usage:
            assert lines[charge.usage.file][charge.usage.line - 1].strip().startswith(f"{charge.price.usage}:")


# The command


def run(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["price", "--config", str(folder), *words])


def test_text_and_json_say_the_same(tmp_path: Path) -> None:
    folder = configured(tmp_path / "config", ALL)
    facts: Any = json.loads(run(folder, "--json").stdout)
    result = run(folder)
    shown = result.stdout

    assert result.exit_code == 0
    for charge in facts["charges"]:
        assert f"{charge['usd']:,.2f}" in shown
        assert charge["formula"] in shown
        assert f"{charge['file']}:{charge['line']}" in shown
    last = next(row for row in shown.splitlines() if row.startswith("together"))
    totals = [facts[name] for name in ("fixed_usd", "expected_usd", "first_month_usd")]
    assert last.split()[1:] == [f"{total:,.2f}" for total in totals]
    assert facts["expected_usd"] == pytest.approx(sum(charge["usd"] for charge in facts["charges"]))
    for charge in facts["not_priced"]:
        assert (charge["usd"], charge["first_month_usd"]) == (None, None)
        assert charge["reason"] in shown


def test_old_prices_are_a_warning_where_they_are_used(tmp_path: Path) -> None:
    """Of those that nothing is charged by, nothing is said."""
    (warning,) = warnings(Bill.of(zone(tmp_path / "config")), dt.date(2028, 1, 1))

    assert warning.id == "prices-old"
    assert {"kms_key", "guardduty_flow"} <= {*warning.data["prices"]}
    assert "unused_access" not in warning.data["prices"]


def test_a_thousand_accounts_fit_on_two_screens(tmp_path: Path) -> None:
    """Each account says how much it uses: the dearest are shown, and what the others come to."""
    folder = tmp_path / "config"
    write_configuration(folder, accounts=1000, assignments=2)
    usage = "".join(
        f"  account-{number}: {{management_events_million: {number}, flow_gb: {number}}}\n" for number in range(1000)
    )
    detection = f"administrator: account-1\nguardduty: {{mode: on}}\nusage:\n  root: {{flow_gb: 1}}\n{usage}"
    its = zone(folder, detection)
    bill = Bill.of(its)
    shown = list(text(bill))

    assert len(shown) < 60
    assert [row for row in shown if len(row) > 120 and "https://" not in row] == []
    assert any("account-999" not in row and "4 x" not in row and "997 more lines" in row for row in shown)
    assert len(list(text(bill, every=True))) > 2000
    assert amounts(bill)["guardduty_management_events"] == pytest.approx(sum(range(1000)) * 4.00)


def test_the_page_shows_what_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The YAML of docs/costs.md beside the template, and the bill below it up to a line with three dots."""
    page = CHECKOUT / "docs/costs.md"
    (yaml,) = (block.text for block in blocks(page, "yaml") if "guardduty" in block.text)
    configured(tmp_path / "config", yaml, CHECKOUT / "strata/template")
    monkeypatch.chdir(tmp_path)
    (console,) = blocks(page, "console", "strata price")
    first, _, expected = console.text.partition("\n")
    result = CliRunner().invoke(app, shlex.split(first.removeprefix("$ strata ")))

    assert result.stdout.startswith(expected.removesuffix("...\n"))


# Differences, and the budget


def told(changes: Sequence[diff.Change]) -> list[str]:
    return [change.text for change in changes if change.topic is diff.Topic.PRICE]


def test_a_difference_is_told_by_its_cause(tmp_path: Path) -> None:
    before, after = load(COMPANY), zone(tmp_path / "config")
    adds = Bill.of(after).expected - Bill.of(before).expected
    where = "guardduty in 11 accounts and 3 regions"

    assert told(diff.compare(before, after)) == [f"+ {adds:,.2f} USD a month: {where}"]
    assert told(diff.compare(after, after)) == []


def test_what_nothing_causes_any_more_is_less_only_where_a_deploy_ends_it(tmp_path: Path) -> None:
    """Detectors and keys stay; an analyzer goes, and where accounts use less, that is less."""
    folder = configured(tmp_path / "config", ALL)
    security = folder / "security.yaml"
    text = security.read_text()
    security.write_text(text.replace("access_analyzer:\n", "access_analyzer:\n  unused_access_days: 90\n", 1))
    before, without = Bill.of(load(folder)), "guardduty in 11 accounts and 3 regions"
    half = Bill.of(zone(folder, ALL.replace("flow_gb: 10", "flow_gb: 5"))).charges
    off = Bill.of(zone(folder, ALL.replace("mode: on", "mode: off"))).charges
    (folder / "detection.yaml").unlink()
    security.write_text(text)
    gone = Bill.of(load(folder)).charges

    def kinds(after: Sequence[Charge]) -> list[tuple[str, float | None, bool]]:
        return [
            (each.cause, each.usd and round(each.usd, 2), each.stays) for each in differences(before.charges, after)
        ]

    guardduty = round(sum(usd for name, usd in amounts(before).items() if name.startswith("guardduty")), 2)
    assert kinds(half) == [("guardduty", -55.0, False)]
    assert kinds(off) == [("guardduty", guardduty, True)]
    assert [*differences(off, off)] == []
    assert kinds(gone) == [("guardduty", guardduty, True), ("unused_access_days", -88.0, False)]
    (last,) = (each.text for each in differences(before.charges, off))
    assert without in last


def test_nothing_is_dearer_or_cheaper_by_what_usage_says_of_it(tmp_path: Path) -> None:
    """Usage of the flow logs is deleted, and given again; a plan goes in the same edit."""
    before = Bill.of(zone(tmp_path / "config"))
    silent = ALL.replace("    flow_gb: 10\n", "").replace("    rds_vcpus: 4\n", "")
    after = Bill.of(zone(tmp_path / "config", silent.replace("    - s3_data_events\n", "")))
    lost, stays = differences(before.charges, after.charges)
    fresh, again = differences(after.charges, before.charges)

    assert (lost.usd, lost.accounts, lost.unknown) == (110.0 + 44.0, 11, ("flow_gb", "rds_vcpus"))
    assert (stays.stays, fresh.told) == (True, False)
    assert [stays.usd, fresh.usd] == pytest.approx([11 * 2 * 0.80] * 2)
    assert (again.usd, again.told, again.unknown) == (110.0 + 44.0, True, ())


def test_a_difference_that_nobody_can_price_is_told(tmp_path: Path) -> None:
    bare = "administrator: audit\nguardduty: {mode: on}\nusage: {root: {flow_gb: 0}}\n"
    (change,) = differences(Bill.of(load(COMPANY)).charges, Bill.of(zone(tmp_path / "config", bare)).charges)

    assert (change.cause, change.usd, change.accounts) == ("guardduty", None, 11)
    assert change.unknown == ("management_events_million",)


def test_a_month_above_the_budget_is_refused_at_its_line(tmp_path: Path) -> None:
    """Unless it is about nothing but who has access."""
    its = zone(tmp_path / "config", f"budget_usd: 100\n{ALL}")
    (refusal,) = over_budget(its, ())

    assert (refusal.kind, refusal.fault.problem.id) == (PRICE, "over-budget")
    assert (refusal.fault.path, refusal.fault.line) == ("budget_usd", 1)
    assert refusal.fault.problem.data["expected"] == round(Bill.of(its).expected, 2)
    assert list(over_budget(its, ("sso",))) == []
    assert list(over_budget(zone(tmp_path / "config", f"budget_usd: 1000\n{ALL}"), ())) == []
    assert list(over_budget(zone(tmp_path / "config"), ())) == []


@pytest.mark.parametrize("mode", ["on", "off", "unmanaged"])
def test_a_budget_that_cannot_be_held_is_refused(tmp_path: Path, mode: str) -> None:
    """What is not known is not below it, and what is off goes on."""
    said = f"budget_usd: 1000\n{ALL.replace('mode: on', f'mode: {mode}')}"
    assert list(over_budget(zone(tmp_path / "config", said), ())) == []
    (dear,) = over_budget(zone(tmp_path / "config", said.replace("1000", "100")), ())
    its = zone(tmp_path / "config", said.replace("    flow_gb: 10\n", ""))
    (refusal,) = over_budget(its, ())

    assert dear.fault.problem.id == "over-budget"
    assert (refusal.kind, refusal.fault.problem.id) == (PRICE, "budget-not-comparable")
    assert refusal.fault.problem.data["usage"] == ["flow_gb"]


# AWS Config

RECORDED = """\
administrator: audit
log_archive: {account: log-archive}
config: {mode: on, recording: continuous}
usage:
  root: {resources: 400, changes_a_day: 200}
"""


def first_and_later(folder: Path, text: str) -> tuple[float, float]:
    """Returns what the first month and any other costs for Config."""
    bill = Bill(tuple(charge for charge in Bill.of(zone(folder, text)).charges if charge.price.service == "Config"))
    return round(bill.first_month, 6), round(bill.expected, 6)


@pytest.mark.parametrize(
    ("price", "items", "usd"),
    [
        ("config_items", 10_000, 30.00),
        ("config_items_daily", 10_000, 120.00),
    ],
)
def test_items_cost_what_the_page_says(price: str, items: float, usd: float) -> None:
    charge = Charge(prices()[price], PriceCause("x", LINE), ("a",), ("us-east-1",), items)
    assert charge.usd == pytest.approx(usd)


def test_the_first_month_records_everything_once(tmp_path: Path) -> None:
    """There is no trial."""
    accounts = len(zone(tmp_path / "config", RECORDED).accounts)

    assert first_and_later(tmp_path / "config", RECORDED) == (
        round(accounts * (30 * 200 + 400) * 0.003, 6),
        round(accounts * 30 * 200 * 0.003, 6),
    )
    its = [charge for charge in Bill.of(zone(tmp_path / "config", RECORDED)).charges if charge.once]
    assert [charge.formula for charge in its] == [f"{accounts} accounts x 400 x 0.003 once"]


def test_daily_a_resource_is_recorded_once_a_day_at_most(tmp_path: Path) -> None:
    daily = RECORDED.replace("continuous", "daily")
    accounts = len(zone(tmp_path / "config", daily).accounts)

    _, few = first_and_later(tmp_path / "config", daily)
    _, many = first_and_later(tmp_path / "config", daily.replace("200", "2000"))
    assert (few, many) == (round(accounts * 30 * 200 * 0.012, 6), round(accounts * 30 * 400 * 0.012, 6))


def test_what_is_off_costs_nothing_and_what_is_let_go_goes_on(tmp_path: Path) -> None:
    recorded, off, let_go = (
        Bill.of(zone(tmp_path / "config", RECORDED.replace("on,", f"{mode},"))) for mode in ("on", "off", "unmanaged")
    )

    (saved,) = differences(recorded.charges, off.charges)
    (going_on,) = differences(recorded.charges, let_go.charges)
    assert (round(saved.usd or 0, 2), saved.stays) == (round(off.expected - recorded.expected, 2), False)
    assert (round(going_on.usd or 0, 2), going_on.stays) == (round(let_go.expected - off.expected, 2), True)
    bare = Bill.of(zone(tmp_path / "config", RECORDED.partition("usage")[0]))
    assert {charge.lacking for charge in bare.charges if charge.lacking} == {"changes_a_day", "resources"}
    within = zone(tmp_path / "config", RECORDED.replace("resources: 400, ", "") + "budget_usd: 1000\n")
    assert list(over_budget(within, ())) == []


def test_the_field_s_figure_comes_out(tmp_path: Path) -> None:
    """16 accounts that record every type with every change: 333 USD a month.

    github.com/towardsthecloud/cloudburn/issues/198 has it, without a count of items. 'A few hundred' a day is what an
    account records where little happens: c.doit.com/blog/aws-config-cost-management-insights-and-strategies
    """
    accounts = tuple(f"account-{number}" for number in range(16))
    its = next(charge for charge in Bill.of(zone(tmp_path / "config", RECORDED)).charges if charge.price.usage)
    sixteen = replace(its, accounts=accounts)

    assert 333 / 2 < (sixteen.usd or 0) < 333 * 2


company = cache(partial(load, COMPANY))


@settings(max_examples=25)
@given(st.booleans(), AMOUNTS, AMOUNTS, AMOUNTS)
def test_more_changes_and_resources_never_cost_less(daily: bool, changes: float, resources: float, more: float) -> None:
    def month(changed: float, there: float) -> tuple[float, float]:
        usage = {"root": Usage(changes_a_day=changed, resources=there)}
        control = Config(recording=Recording.DAILY if daily else Recording.CONTINUOUS)
        detection = Detection(administrator="audit", config=control, usage=usage)
        layer = replace(shipped(DETECTION_LAYER, "detection.yaml", Detection), settings=detection)
        bill = Bill.of(replace(company(), layers={DETECTION_LAYER: layer}))
        return bill.expected, bill.first_month

    before = month(changes, resources)
    for after in (month(changes + more, resources), month(changes, resources + more)):
        assert [one >= other * (1 - 1e-12) for one, other in zip(after, before, strict=True)] == [True, True]
