"""What accounts inherit: the nearer place wins by each key, null takes away, and a change is told by account."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strata import diff
from strata.files.template import TEMPLATE
from strata.landing_zone import LandingZone
from strata.landing_zone.inherited import Words, below, idle, nearest, words_of
from strata.load import load
from tests.conftest import Golden, Variant
from tests.organizations import Organization, account, unit
from tests.synthesized import EVERY_OPTION, Stack

WAY = ("root", "ou/a", "ou/b", "shop")

# The resolver

_VALUES = st.one_of(st.none(), st.integers(0, 3))
_SAID = st.dictionaries(
    st.sampled_from("abc"),
    st.one_of(_VALUES, st.dictionaries(st.sampled_from("xyz"), st.one_of(_VALUES, st.just({"deep": 1})), max_size=3)),
    max_size=3,
)
_PLACES = st.lists(_SAID, min_size=len(WAY), max_size=len(WAY))


examples = settings(suppress_health_check=[HealthCheck.too_slow])
"""The first draw takes seconds on a machine that does other things."""


def words(said: Iterable[Mapping[str, Any]]) -> list[Words]:
    return list(words_of("at", dict(zip(WAY, said, strict=True))).values())


def resolved(said: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return below(nearest(words(said)))


def turned(said: Mapping[str, Any]) -> dict[str, Any]:
    return {key: turned(value) if isinstance(value, dict) else value for key, value in [*said.items()][::-1]}


def leaves(said: Mapping[str, Any], above: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}
    for key, value in said.items():
        found |= leaves(value, (*above, key)) if isinstance(value, dict) and value else {(*above, key): value}
    return found


@examples
@given(_PLACES)
def test_the_order_of_keys_does_not_matter(said: list[dict[str, Any]]) -> None:
    assert resolved(map(turned, said)) == resolved(said)


@examples
@given(_PLACES)
def test_the_nearest_place_wins_and_what_it_does_not_name_stays(said: list[dict[str, Any]]) -> None:
    before, nearer, after = resolved([*said[:-1], {}]), leaves(said[-1]), leaves(resolved(said))

    assert {path: value for path, value in nearer.items() if value not in (None, {})}.items() <= after.items()
    for path, value in leaves(before).items():
        if not any(path[: len(named)] == named or named[: len(path)] == path for named in nearer):
            assert after[path] == value


@examples
@given(_PLACES)
def test_null_takes_away_what_stands_there_and_below_and_an_idle_one_changes_nothing(
    said: list[dict[str, Any]],
) -> None:
    after, places = leaves(resolved(said)), {word.place: word for word in words(said)}
    for named, value in leaves(said[-1]).items():
        if value is None:
            assert not [path for path in after if path[: len(named)] == named]
    without = dict(enumerate(said))
    for path, at in idle(places, [WAY]):
        number = WAY.index(str(at[1]))
        without[number] = _without(without[number], path)
    assert resolved(without.values()) == resolved(said)


def _without(said: Mapping[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    first, *rest = path
    kept = {key: value for key, value in said.items() if key != first}
    inner = _without(said[first], tuple(rest)) if rest else {}
    return {**kept, first: inner} if inner else kept


def test_a_setting_whose_last_part_is_taken_away_stays_on() -> None:
    """Else encryption is not looked after once its key goes."""
    said: list[dict[str, Any]] = [{"a": {"x": {"deep": 1}, "y": 2}}, {"a": {"x": {"deep": None}, "y": None}}, {}, {}]
    assert resolved(said) == {"a": {"x": {}}}


@pytest.mark.parametrize(
    ("settings", "made"),
    [
        ("shared: {ebs_encryption: {mode: on}}", {"shared"}),
        ("root: {password_policy: {mode: off}, sign_in_events: {mode: off}, backup: {mode: unmanaged}}", set()),
    ],
)
def test_a_baseline_that_makes_nothing_is_no_stack_unless_a_state_has_it(
    settings: str, made: set[str], tmp_path: Path
) -> None:
    shutil.copytree(TEMPLATE, tmp_path, dirs_exist_ok=True)
    (tmp_path / "baseline.yaml").write_text(f"settings:\n  {settings}\n", encoding="utf-8")
    zone = load(tmp_path)

    assert {*zone.at([]).account_stacks.values()} == made
    assert {*zone.at(["baseline_security"]).account_stacks.values()} == {*made, "security"}


def test_an_account_in_which_config_records_has_a_stack(tmp_path: Path) -> None:
    shutil.copytree(TEMPLATE, tmp_path, dirs_exist_ok=True)
    text = "administrator: security\nlog_archive: {account: shared}\nconfig: {mode: on}\n"
    (tmp_path / "detection.yaml").write_text(text, encoding="utf-8")

    assert {"baseline_security", "baseline_shared"} <= load(tmp_path).at([]).account_stacks.keys()


# What a change is


def edited(tmp_path: Path, *edits: tuple[str, str, str]) -> LandingZone:
    folder = Path(shutil.copytree(EVERY_OPTION, tmp_path / "config", dirs_exist_ok=True))
    for file, old, new in edits:
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    return load(folder)


CASES: dict[str, tuple[tuple[str, str, str], list[str], list[str]]] = {
    "a budget of many": (("organization.yaml", "limit_usd: 300", "limit_usd: 400"), [], []),
    "no security contact": (("organization.yaml", "      security: soc\n", ""), ["guardrails"], []),
    "a budget elsewhere": (("organization.yaml", "- shop@nordwind.dev", "- shop@nordwind.io"), ["access"], ["access"]),
    "a budget that goes off": (
        ("organization.yaml", "budget:\n      mode: on", "budget:\n      mode: off"),
        ["guardrails"],
        [],
    ),
    "an inherited tag": (("organization.yaml", "Owner: platform", "Owner: network"), [], []),
    "a region": (("organization.yaml", "      - me-south-1\n", ""), [], []),
    "another unit": (
        (
            "organization.yaml",
            "organizational_unit: production\n    name: Shop",
            "organizational_unit: workloads\n    name: Shop",
        ),
        ["guardrails"],
        [],
    ),
    "a setting that goes off": (
        ("baseline.yaml", "emr_public_access:\n      mode: on", "emr_public_access:\n      mode: off"),
        ["guardrails"],
        [],
    ),
    "a setting unmanaged": (
        ("baseline.yaml", "backup:\n      mode: on", "backup:\n      mode: unmanaged"),
        ["guardrails"],
        [],
    ),
    "a weaker setting": (("baseline.yaml", "minimum_length: 20", "minimum_length: 14"), ["guardrails"], []),
    "a setting that stops traffic": (
        ("baseline.yaml", "block: block-ingress", "block: block-bidirectional"),
        ["losses"],
        ["guardrails"],
    ),
    "a backup that goes off": (("baseline.yaml", "DynamoDB: true", "DynamoDB: false"), ["guardrails"], []),
    "a key not given": (
        (
            "baseline.yaml",
            "      key_arns:\n        eu-central-1: arn:aws:kms:eu-central-1:111111111111:key/1a2b\n",
            "",
        ),
        ["guardrails"],
        ["access"],
    ),
    "what the deployer has": (
        ("policies/own-team.json", "s3:GetObject", "s3:*"),
        ["access", "access"],
        ["access", "access"],
    ),
    "a key of another account": (
        ("baseline.yaml", "111111111111:key/1a2b", "111111111111:key/3c4d"),
        ["access"],
        ["access"],
    ),
    "a key of one's own": (("baseline.yaml", "111111111111:key/1a2b", "471112350983:key/1a2b"), [], ["access"]),
    "a governed region": (
        ("project.yaml", "    - us-east-1\n", "    - us-east-1\n    - eu-north-1\n"),
        ["losses"],
        ["guardrails"],
    ),
    "a new account": (
        (
            "organization.yaml",
            "  audit:\n    email",
            "  lab:\n    email: aws+lab@nordwind.dev\n    organizational_unit: root\n  audit:\n    email",
        ),
        ["access", "access", "access", "access"],  # the last for a key of another account
        ["losses", "accounts"],
    ),
    "no longer retired": (
        ("organization.yaml", "    retired: true\n", ""),
        ["access", "access", "access", "losses", "losses"],
        ["accounts"],
    ),
}


def test_a_change_is_told_by_account_with_what_it_risks_there_and_back(tmp_path: Path, golden: Golden) -> None:
    before, texts = load(EVERY_OPTION), []
    for case, (edit, there, back) in CASES.items():
        after = edited(tmp_path / case, edit)
        for title, risks, pair in ((case, there, (before, after)), (f"{case}, back", back, (after, before))):
            found = diff.compare(*pair)
            assert [change.risk for change in found if change.risk] == risks, title
            texts.append(f"# {title}\n{diff.as_text(found, 'HEAD')}")
    golden("every_option/changes.txt", "\n".join(texts))


@pytest.mark.parametrize("file", ["baseline.yaml", "organization.yaml"])
def test_nothing_is_told_of_words_that_mean_the_same(file: str, tmp_path: Path) -> None:
    """A unit that says what the root says already, and a comment."""
    same = {
        "baseline.yaml": (file, "  shop:\n", "  ou/production:\n    backup: {mode: on}\n  shop:\n"),
        "organization.yaml": (
            file,
            "  ou/workloads:\n    regions",
            "  ou/workloads:\n    tags: {Owner: platform}\n    regions",
        ),
    }
    assert diff.compare(load(EVERY_OPTION), edited(tmp_path, same[file])) == []


RETIRED = "    retired: true\n"


PAIRS = {
    "retired": (RETIRED, "", RETIRED),
    **{
        f"a budget that comes, {mode}": (
            "  audit:\n",
            "  audit:\n    budget:\n",
            f"  audit:\n    budget:\n      mode: {mode}\n",
        )
        for mode in ("on", "off", "unmanaged")
    },
    "the order of addresses": (
        "- costs@nordwind.dev\n",
        "- costs@nordwind.dev\n        - a@nordwind.dev\n",
        "- a@nordwind.dev\n        - costs@nordwind.dev\n",
    ),
}


def test_what_is_made_and_what_stays_is_told_as_that(tmp_path: Path, golden: Golden) -> None:
    texts = []
    for case, (old, *pair) in PAIRS.items():
        was, now = (edited(tmp_path / f"{case} {at}", ("organization.yaml", old, new)) for at, new in enumerate(pair))
        texts.append(f"# {case}\n{diff.as_text(diff.compare(was, now), 'HEAD')}")
    golden("every_option/made.txt", "\n".join(texts))


def test_of_an_account_that_was_unmanaged_all_is_told_and_of_a_new_one_whom_its_budget_writes_to(
    tmp_path: Path,
) -> None:
    """Something may run in the one, and not in the other."""
    entry = "  {0}:\n    email: {1}@tidepay.dev\n    organizational_unit: root\n    budget: {{emails: [pay@{0}.dev]}}\n"
    file, theirs = "organization.yaml", ("organization.yaml", "unmanaged_accounts:\n  - aws@tidepay.dev\n", "")
    entries = f"{entry.format('old', 'aws')}{entry.format('lab', 'lab')}"
    after = edited(tmp_path, theirs, (file, "accounts:\n", f"accounts:\n{entries}"))

    found = {(change.text.partition(";")[0], change.risk) for change in diff.compare(load(EVERY_OPTION), after)}

    stops = "has vpc_public_access on: block block-ingress"
    assert [key for key in ("old", "lab") if (f"account {key} {stops}", "losses") in found] == ["old"]
    written_to = {address for text, risk in found for address in re.findall(r"pay@\w+.dev", text) if risk == "access"}
    assert written_to == {"pay@old.dev", "pay@lab.dev"}


# What is written of what AWS has


THERE = Organization(
    unit("prod", "Prod"),
    account("shop", within="prod", name="Shop", tags={"owner": "platform", "stage": "live", "team": "shop"}),
)
DEFAULTS = """defaults:
  root: {tags: {owner: platform}}
  ou/prod: {tags: {stage: live}}
"""
WRITTEN = """    tags:
      owner: platform
      stage: live
      team: shop
"""


def inheriting(folder: Path) -> Organization:
    """Returns the organization with a configuration in which the account inherits two of its three tags."""
    texts = dict(THERE.texts)
    organization = texts["organization.yaml"]
    assert organization.count(WRITTEN) == 1
    texts["organization.yaml"] = organization.replace(WRITTEN, "    tags:\n      team: shop\n") + DEFAULTS
    written = THERE.with_texts(texts)
    written.write(folder)
    return written


def test_tags_that_are_inherited_are_no_drift(tmp_path: Path) -> None:
    there = inheriting(tmp_path)
    assert there.run("drift", "--json", folder=tmp_path).exit_code == 0


# What the stacks make of it


BUDGETS = {"limit_usd": 50, "emails": ["a@example.com"]}


def test_a_budget_that_nobody_gives_any_more_is_deleted_and_one_of_others_forgotten(variant: Variant) -> None:
    """Whether the account has contacts or not; a contact stays at AWS, and so does nothing of a retired account."""

    def stack(**budget: Any) -> Stack:
        defaults = {"root": {"budget": {**BUDGETS, **budget}}, "ou/shared": {"budget": None}} if budget else {}
        return variant({"organization.yaml": {"defaults": defaults}})["accounts"]

    on, off, unmanaged, gone = stack(mode="on"), stack(mode="off"), stack(mode="unmanaged"), stack()
    budgets = {f"aws_budgets_budget.{key}" for key in ("management", "security")}

    assert budgets == {f"aws_budgets_budget.{key}" for key in on.all("aws_budgets_budget")}
    assert not off.all("aws_budgets_budget")
    assert not any("aws_budgets_budget" in address for address in (*on.forgotten, *off.forgotten, *gone.forgotten))
    assert budgets == {address for address in unmanaged.forgotten if "aws_budgets_budget" in address}
