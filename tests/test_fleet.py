"""Account stacks: which run beside each other, what a wave has, and how people name them."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from strata.aws.session import Aws
from strata.config.layers import STACKS, Code, Deploying, Layer
from strata.deploy import reading
from strata.deploy.chosen import check_wave, chosen
from strata.errors import UsageError
from strata.landing_zone import LandingZone
from strata.load import load
from strata.options import Options
from strata.terraform import fleet, forgotten, whole
from strata.terraform.progress import Progress
from strata.terraform.situation import Request, Situation
from strata.terraform.workspace import Workspace
from tests.synthesized import SHIPPED


def workspace(folder: Path, needs: dict[str, list[str]]) -> Workspace:
    stacks = {name: {"dependencies": others} for name, others in needs.items()}
    (folder / "manifest.json").write_text(json.dumps({"stacks": stacks}))
    return Workspace(folder, {})


NEEDS = {"org": [], "sso": ["org"], "log_a": ["org"], "log_b": ["org"], "net_a": ["log_b"], "net_b": ["org"]}
IN_ACCOUNTS = {"log_a": "a", "log_b": "b", "net_a": "a", "net_b": "b"}


def test_what_reads_from_another_account_stack_waits_for_it(tmp_path: Path) -> None:
    found = workspace(tmp_path, NEEDS)

    assert list(fleet.groups(found, list(found.stacks), IN_ACCOUNTS)) == [
        ["org"],
        ["sso"],
        ["log_a", "log_b", "net_b"],
        ["net_a"],
    ]
    assert fleet.many(found, list(found.stacks), IN_ACCOUNTS) == {"log_a", "log_b", "net_b"}


@pytest.mark.parametrize(
    ("stacks", "wave", "told"),
    [
        (["organizations"], 1, ("arguments-conflict", {"options": ["--wave", "organizations"]})),
        (["plain"], 1, ("arguments-conflict", {"options": ["--wave", "plain"]})),
        ([], 9, ("number-out-of-range", {"value": 9, "limit": 2})),
        (["topics_shared"], 3, ("number-out-of-range", {"value": 3, "limit": 2})),
    ],
)
def test_a_wave_that_is_none_is_refused(
    rolled_out: tuple[Workspace, LandingZone], stacks: list[str], wave: int, told: tuple[str, dict[str, object]]
) -> None:
    with pytest.raises(UsageError) as refused:
        check_wave(rolled_out[1], Request(stacks, wave=wave))

    (found,) = refused.value.args
    assert (found.id, found.data) == told


def test_a_wave_that_is_none_is_refused_before_aws_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "connect", lambda *_: pytest.fail("AWS is asked"))
    options = Options(SHIPPED)

    with pytest.raises(UsageError):
        reading.prepare(options, Progress(options), Request(wave=9))


def test_a_wave_has_its_accounts_and_no_other_stack(rolled_out: tuple[Workspace, LandingZone]) -> None:
    found = [[*chosen(*rolled_out, Request(wave=wave))] for wave in (1, 2)]

    assert found == [["topics_shared"], ["topics_security"]]
    everything = {*chosen(*rolled_out, Request())}
    assert {*chosen(*rolled_out, Request(wave=0))} == everything - {"topics_shared", "topics_security"}


@pytest.mark.parametrize(
    ("named", "wave", "place"),
    [
        ([], 2, "no account is in wave 2"),
        (["topics"], 0, "no account of topics is in wave 0"),
        (["topics"], None, None),
    ],
)
def test_a_wave_without_an_account_says_so(named: list[str], wave: int | None, place: str | None) -> None:
    nothing: Any = None
    situation = Situation(nothing, nothing, nothing, (), {}, Request(named, wave=wave))

    assert situation.empty == place


@pytest.fixture
def rolled_out(tmp_path: Path) -> tuple[Workspace, LandingZone]:
    """A layer with two waves and one without any."""
    waves = Deploying.model_validate({"rollout": {"waves": [["shared"], ["all"]]}})
    code = Code(tmp_path, in_accounts=True)
    layers = {"topics": Layer("topics", code, deploying=waves), "plain": Layer("plain", code)}
    landing_zone = replace(load(SHIPPED), layers=layers)
    return workspace(tmp_path, {stack: [] for stack in (*STACKS, *landing_zone.account_stacks)}), landing_zone


def test_roles_for_jobs_in_the_state_of_a_baseline_are_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With policies and identity providers; each role is named with whom it trusts. One that sends sign-ins is none."""
    config = Path(shutil.copytree(SHIPPED, tmp_path / "config"))
    (config / "baseline.yaml").write_text("settings: {}\n")
    addresses = [
        "aws_iam_openid_connect_provider.github",
        "aws_iam_role.deployer",
        "aws_iam_role_policy.deployer_inline",
        "aws_iam_role_policy_attachment.deployer_ReadOnlyAccess",
    ]
    others = ["aws_iam_role.sign-in-events", "aws_iam_role_policy.sign-in-events", "aws_iam_account_alias.main"]
    held = [address.partition(".") for address in (*addresses, *others)]
    trusted = {"AWS": "arn:aws:iam::111122223333:root"}, {"Federated": ["token.example.com"]}
    policy = json.dumps({"Statement": [{"Effect": "Allow", "Principal": principal} for principal in trusted]})
    values = {"name": "deploys", "assume_role_policy": policy}
    resources = [
        {"mode": "managed", "type": type, "name": name, "instances": [{"attributes": values}]} for type, _, name in held
    ]
    states = {"baseline_shared": {"version": 4, "resources": resources}}
    monkeypatch.setattr(forgotten, "read_state", lambda _, __, stack: states.get(stack, {}))
    stacks = ("baseline_security", "baseline_shared")
    found = workspace(tmp_path, {stack: [] for stack in stacks})
    for stack in stacks:
        found.stack_folder(stack).mkdir(parents=True)
        (found.stack_folder(stack) / "cdk.tf.json").write_text("{}")

    told = forgotten.forget(Aws(None, "us-east-1"), load(config), found)

    trusts = ["arn:aws:iam::111122223333:root", "token.example.com"]
    assert [message.data for message in told] == [{"account": "shared", "role": "deploys", "trusts": trusts}]
    assert "removed" not in found.document("baseline_security")
    assert found.document("baseline_shared")["removed"] == [
        {"from": address, "lifecycle": {"destroy": False}} for address in addresses
    ]


def test_a_layer_stands_for_all_its_account_stacks() -> None:
    assert fleet.words(["sso", "log_a", "log_b", "net_b"], IN_ACCOUNTS) == ["sso", "log", "net_b"]


def test_free_memory_bounds_how_many_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(64), raising=False)

    def found(free: int) -> int:
        monkeypatch.setattr(Path, "read_text", lambda *_, **__: f"MemFree: 1 kB\nMemAvailable: {free} kB\n")
        return fleet.machine()

    assert [found(megabytes * 1024) for megabytes in (1, 2 * fleet.MEMORY, 999_999)] == [1, 2, 64]


@pytest.mark.parametrize(
    "more",
    [
        {"data": {"aws_caller_identity": {}}},
        {"module": {"vpc": {}}},
        {"variable": {"size": {}}},
        {"terraform": {"required_providers": {"aws": {"version": "~> 6.25"}}}},
        {"resource": {"aws_iam_policy": {"a": {"policy": '${file("a.json")}'}}}},
        {"resource": {"aws_ssm_parameter": {"a": {"value": "${plantimestamp()}"}}}},
    ],
)
def test_a_plan_that_reads_more_than_the_terraform_never_equals(tmp_path: Path, more: dict[str, object]) -> None:
    found = Workspace(tmp_path, {"TERRAFORM_BINARY_NAME": "true"})
    stack = tmp_path / "stacks/log_a"
    stack.mkdir(parents=True)
    document: dict[str, object] = {"terraform": {}, "resource": {"aws_sns_topic": {"profile": {"name": "profile(1)"}}}}

    def terraform(**also: object) -> str | None:
        (stack / "cdk.tf.json").write_text(json.dumps({**document, **also}))
        return whole.origin(found, "log_a").terraform

    assert terraform()
    assert terraform(variable={"strata_role": {"default": "works"}}) not in (None, terraform())
    assert terraform(**more) is None
