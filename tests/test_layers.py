"""Layers of one's own: found by their file, checked without running their stack, wired by what they ask for."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest
from typer.testing import CliRunner

import stacks.layers
from stacks import deployment
from stacks.deployment import build
from stacks.organizations import OrganizationsStack
from strata.cli import app
from strata.commands.check import run as check
from strata.commands.edit.rename import run as rename
from strata.config import layers
from strata.config.layers import Roles
from strata.diff.layers import layer_changes
from strata.errors import ConfigurationError, StrataError
from strata.identity.settled import lost_layers
from strata.landing_zone import LandingZone
from strata.landing_zone.facts import Facts
from strata.landing_zone.layers import layers as reported
from strata.landing_zone.permissions import layer_permissions
from strata.load import load
from strata.options import Options
from strata.terraform import tools
from strata.terraform.expressions import terraform
from strata.terraform.workspace import Workspace
from tests.documents import blocks
from tests.evaluation import allowed
from tests.said import Said
from tests.synthesized import CHECKOUT, SHIPPED, Deployment, synthesize

MODEL = """
from strata.config.models import Model

class Settings(Model):
    name: str
    days: int = 7
"""
STACK = """
from stacks.base import BaseStack

class Stack(BaseStack):
    def __init__(self, scope, id, *, {inputs}):
        super().__init__(scope, id, project=landing_zone.project)
"""
IN_ACCOUNTS = """
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from stacks.account import AccountStack

class Stack(AccountStack):
    def __init__(self, scope, id, *, account, settings):
        super().__init__(scope, id, account=account)
        self.add(SnsTopic, "events", name=settings.name, tags={"Unit": account.declared.unit})
"""


class Own(NamedTuple):
    """Somebody's layers, and a configuration that switches them on."""

    code: Path
    config: Path

    def add(self, name: str, settings: str | None = "", **files: str) -> None:
        """Writes the code of a layer, and its file where it has one."""
        folder = self.code / name
        folder.mkdir(exist_ok=True)
        for file, text in files.items():
            (folder / f"{file}.py").write_text(text)
        if settings is not None:
            (self.config / "layers").mkdir(exist_ok=True)
            (self.config / f"layers/{name}.yaml").write_text(settings)

    def faults(self, said: Said) -> list[tuple[str, str, dict[str, Any]]]:
        """Returns place, id and data of what `strata check` says, without the folders."""
        with pytest.raises(ConfigurationError) as error:
            load(self.config)
        return [(_inside(self, fault.place), fault.id, fault.data) for fault in said(error)]

    def load(self) -> LandingZone:
        return load(self.config)


def _inside(own: Own, place: str) -> str:
    return place.replace(f"{own.code}/", "").replace(f"{own.config}/", "")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Own:
    """A configuration, and an empty folder in the place of stacks/layers."""
    code, config = tmp_path / "code", tmp_path / "config"
    code.mkdir()
    shutil.copytree(SHIPPED, config)
    monkeypatch.setattr(layers, "CODE", code)
    monkeypatch.setattr(stacks.layers, "__path__", [str(code)])
    return Own(code, config)


def synthesized(own: Own, tmp_path: Path) -> Deployment:
    """Synthesizes, and forgets the code again, since the next test has other code under the same names."""
    outdir = tmp_path / "out"
    outdir.mkdir()
    try:
        return synthesize(own.config, outdir)
    finally:
        _forget_code()


def _forget_code() -> None:
    for name in [one for one in sys.modules if one.startswith("stacks.layers.")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("name", "file", "text"),
    [
        ("accounts", "organization.yaml", "defaults: {}\n"),
        ("baseline", "baseline.yaml", "settings: {}\n"),
        ("detection", "detection.yaml", "administrator: security\n"),
        ("detection-delegation", "detection.yaml", "administrator: security\n"),
    ],
)
def test_a_layer_that_has_a_name_of_stratas_is_told_how_to_get_another(
    own: Own, said: Said, name: str, file: str, text: str
) -> None:
    """It goes on as it is, until the file is there that switches on the one of Strata."""
    own.add(name, stack=STACK.format(inputs="landing_zone"))
    assert name in own.load().layers
    with (own.config / file).open("a") as switched:
        switched.write(text)

    [(place, id, data)] = own.faults(said)
    assert (place.partition(":")[0], id, data) == (file, "layer-name-taken", {"layer": name})


def test_settings_are_checked_by_the_model(own: Own, said: Said) -> None:
    """Every fault at once, with its line, as in the files of Strata."""
    own.add("topics", "nam: x\ndays: soon\nname: 012345678901\n", stack=IN_ACCOUNTS, model=MODEL)

    assert own.faults(said) == [
        (
            "layers/topics.yaml:1: nam",
            "unknown-key",
            {"key": "nam", "choices": ["account", "accounts", "days", "name", "roles", "rollout"]},
        ),
        ("layers/topics.yaml:2: days", "wrong-type", {}),
        ("layers/topics.yaml:3: name", "account-id-unquoted", {"value": "012345678901"}),
    ]
    own.add("topics", "", stack=IN_ACCOUNTS, model=MODEL)
    assert own.faults(said) == [("layers/topics.yaml:1: name", "key-missing", {"key": "name"})]


def _unknown(own: Own) -> None:
    own.add("topics", None, stack=IN_ACCOUNTS, model=MODEL)
    own.add("topic", "")


def _circles(own: Own) -> None:
    """With a layer that only reads from one of them."""
    circles = (("one", "two"), ("two", "one"), ("teamlogs", "one"), ("three", "four, teamlogs"), ("four", "three"))
    for name, reads in circles:
        own.add(name, "", stack=STACK.format(inputs=f"landing_zone, {reads}"))


def _reader_of_one_in_each_account(own: Own) -> None:
    own.add("topics", "name: x\n", stack=IN_ACCOUNTS, model=MODEL)
    own.add("reading", "", stack=STACK.format(inputs="landing_zone, topics"))


def _in_an_account(own: Own, account: str) -> None:
    own.add("topics", f"name: x\naccount: {account}\n", stack=IN_ACCOUNTS, model=MODEL)


def _in_a_retired_account(own: Own) -> None:
    _retire_shared(own)
    _in_an_account(own, "shared")


def _names(own: Own) -> None:
    for name in ("sso", "Topics", "my_topics", "reader"):
        own.add(name, "", stack=IN_ACCOUNTS)


def _waves(own: Own, *waves: str) -> None:
    lines = "".join(f"    - {wave}\n" for wave in waves)
    own.add("topics", f"rollout:\n  waves:\n{lines}name: x\n", stack=IN_ACCOUNTS, model=MODEL)


_WAITING = ["four", "one", "teamlogs", "three", "two"]
Case = tuple[Callable[[Own], None], list[Any]]
CASES: Mapping[str, Case] = {
    "unknown": (_unknown, [("layers/topic.yaml:1", "unknown-name", {"kind": "layer", "name": "topic"})]),
    "no model": (
        lambda own: own.add("topics", "# mine\nname: x\n", stack=STACK.format(inputs="landing_zone")),
        [("layers/topics.yaml:1", "layer-has-no-settings", {"layer": "topics"})],
    ),
    "broken model": (
        lambda own: own.add("topics", "", stack=IN_ACCOUNTS, model="import os\nos.nothing\n"),
        [("topics/model.py:2", "model-fails", {"error": "AttributeError"})],
    ),
    "a model that ends the program": (
        lambda own: own.add("topics", "", stack=IN_ACCOUNTS, model="import sys\n\nsys.exit('no')\n"),
        [("topics/model.py:3", "model-fails", {"error": "SystemExit"})],
    ),
    "no Python": (
        lambda own: own.add("topics", "", stack="class Stack(\n", model="def"),
        [("topics/model.py:1", "model-fails", {"error": "SyntaxError"}), ("topics/stack.py:1", "not-python", {})],
    ),
    "a model that takes all": (
        lambda own: own.add(
            "topics", "", stack=IN_ACCOUNTS, model="import pydantic\nclass Settings(pydantic.BaseModel): ...\n"
        ),
        [("topics/model.py:1", "class-missing", {"name": "Settings"})],
    ),
    "no stack": (
        lambda own: own.add("topics", "", stack="class Topics: ...\n"),
        [("topics/stack.py:1", "class-missing", {"name": "Stack"})],
    ),
    "another base": (
        lambda own: own.add("topics", "", stack="\nclass Stack(dict): ...\n"),
        [("topics/stack.py:2", "class-not-derived", {"name": "Stack"})],
    ),
    "a misspelt stack": (
        lambda own: own.add("topics", "", stack=STACK.format(inputs="landing_zone, organisations, settings")),
        [
            ("topics/stack.py:1", "unknown-name", {"kind": "argument", "name": "organisations"}),
            ("topics/stack.py:1", "unknown-name", {"kind": "argument", "name": "settings"}),
        ],
    ),
    "two circles": (
        _circles,
        [(f"{name}/stack.py:1", "layers-in-circle", {"layers": _WAITING}) for name in _WAITING],
    ),
    "an account in the management account": (
        lambda own: own.add("topics", "", stack=STACK.format(inputs="landing_zone, account")),
        [("topics/stack.py:1", "unknown-name", {"kind": "argument", "name": "account"})],
    ),
    "a layer that is in each account": (
        _reader_of_one_in_each_account,
        [("reading/stack.py:1", "unknown-name", {"kind": "argument", "name": "topics"})],
    ),
    "names": (
        _names,
        [
            ("layers/Topics.yaml:1", "text-malformed", {"kind": "layer", "value": "Topics"}),
            ("layers/my_topics.yaml:1", "text-malformed", {"kind": "layer", "value": "my_topics"}),
            ("layers/reader.yaml:1", "name-reserved", {"value": "reader"}),
            ("layers/sso.yaml:1", "name-reserved", {"value": "sso"}),
        ],
    ),
    "a rollout that is none": (
        lambda own: own.add(
            "topics", "name: x\nrollout: {stop_after: -1, at_once: 0, wave: []}\n", stack=IN_ACCOUNTS, model=MODEL
        ),
        [
            ("layers/topics.yaml:2: rollout.at_once", "number-out-of-range", {"value": 0, "limit": 1}),
            ("layers/topics.yaml:2: rollout.stop_after", "number-out-of-range", {"value": -1, "limit": 0}),
            (
                "layers/topics.yaml:2: rollout.wave",
                "unknown-key",
                {"key": "wave", "choices": ["at_once", "stop_after", "waves"]},
            ),
        ],
    ),
    "a wave without an entry": (
        lambda own: _waves(own, "[shared]", "[]", "[all]"),
        [("layers/topics.yaml:4: rollout.waves[2]", "list-empty", {})],
    ),
    "names that nothing has": (
        lambda own: _waves(own, "[shared, sharde]", "[all]", "[ou/none]"),
        [
            (
                f"layers/topics.yaml:{line}: rollout.waves[{wave}][{place}]",
                "unknown-name",
                {"name": name, "kinds": ["account", "organizational unit"]},
            )
            for line, wave, place, name in ((3, 1, 2, "sharde"), (5, 3, 1, "ou/none"))
        ],
    ),
    "a wave of nobody": (
        lambda own: _waves(own, "[ou/shared]", "[management, shared]", "[all]"),
        [("layers/topics.yaml:4: rollout.waves[2]", "wave-empty", {"wave": 2})],
    ),
    "an account in no wave": (
        lambda own: _waves(own, "[ou/shared]"),
        [("layers/topics.yaml:2: rollout.waves", "account-in-no-wave", {"accounts": ["security"]})],
    ),
    "waves and roles of one stack": (
        lambda own: own.add(
            "one", "rollout: {waves: [[shared]]}\nroles: {reader: r}\n", stack=STACK.format(inputs="landing_zone")
        ),
        [
            (f"layers/one.yaml:{line}: {key}", "layer-is-one-stack", {"layer": "one"})
            for line, key in ((1, "rollout"), (2, "roles"))
        ],
    ),
    "an account that there is not": (
        lambda own: _in_an_account(own, "sharde"),
        [("layers/topics.yaml:2: account", "unknown-name", {"kind": "account", "name": "sharde"})],
    ),
    "a retired account": (
        _in_a_retired_account,
        [("layers/topics.yaml:2: account", "account-retired", {"account": "shared"})],
    ),
    "roles that are none": (
        lambda own: own.add(
            "topics", "roles:\n  reader: 'a b'\n  writer: ops*\nname: x\n", stack=IN_ACCOUNTS, model=MODEL
        ),
        [
            (f"layers/topics.yaml:{line}: roles.{key}", "text-malformed", {"value": value})
            for line, key, value in ((2, "reader", "a b"), (3, "writer", "ops*"))
        ],
    ),
    "accounts at places that there are not": (
        lambda own: own.add(
            "topics", "name: x\naccounts:\n  - ou/shared\n  - ou/none\n  - sharde\n", stack=IN_ACCOUNTS, model=MODEL
        ),
        [
            (
                f"layers/topics.yaml:{line}: accounts[{place}]",
                "unknown-name",
                {"name": name, "kinds": ["account", "organizational unit"]},
            )
            for line, place, name in ((4, 2, "ou/none"), (5, 3, "sharde"))
        ],
    ),
    "accounts without a member": (
        lambda own: own.add("topics", "name: x\naccounts: [management]\n", stack=IN_ACCOUNTS, model=MODEL),
        [("layers/topics.yaml:2: accounts", "layer-in-no-account", {"layer": "topics"})],
    ),
    "a token": (
        lambda own: own.add("topics", "name: '${TfToken[TOKEN.1]}'\n", stack=IN_ACCOUNTS, model=MODEL),
        [("layers/topics.yaml:1: name", "terraform-placeholder", {"part": "TfToken["})],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_with_a_layer_is_one_clear_error(own: Own, said: Said, name: str) -> None:
    wrong, faults = CASES[name]
    wrong(own)
    assert own.faults(said) == faults


@pytest.mark.parametrize(("base", "inputs"), [("BaseStack", ("sso",)), ("AccountStack", ("account", "sso"))])
def test_a_base_of_the_stack_may_stand_in_its_file(own: Own, base: str, inputs: tuple[str, ...]) -> None:
    """It says where the stack is, and what that is given."""
    made = f"class Base({base}):\n    def __init__(self, scope, id, *, {', '.join(inputs)}): ...\n"
    own.add("topics", "", stack=f"{made}class Middle(Base): ...\nclass Stack(Middle): ...\n")

    code = own.load().layers["topics"].code

    assert (code.in_accounts, code.inputs) == (base == "AccountStack", inputs)


def test_an_account_is_in_the_first_wave_that_names_it(own: Own) -> None:
    _waves(own, "[ou/shared]", "[all]")

    landing_zone = own.load()

    assert [sorted(wave) for wave in landing_zone.waves["topics"]] == [["shared"], ["security"]]
    assert [landing_zone.wave(stack) for stack in ("sso", "topics_shared", "topics_security")] == [0, 1, 2]


def test_the_waves_of_the_page_are_those_of_the_shipped_configuration(own: Own) -> None:
    (example,) = blocks(CHECKOUT / "docs/many-accounts.md", "yaml", "Waves")
    own.add("topics", f"name: x\n{example.text}", stack=IN_ACCOUNTS, model=MODEL)

    assert [{*wave} for wave in own.load().waves["topics"]] == [{"security"}, {"shared"}]


def test_a_layer_in_some_accounts_has_a_stack_in_no_other(own: Own, tmp_path: Path) -> None:
    """Those of a unit and below; waves are about no other, and one that falls out is emptied first."""
    settings = "name: x\naccounts: [ou/shared]\nrollout: {waves: [[shared]]}\n"
    own.add("topics", settings, stack=IN_ACCOUNTS, model=MODEL)

    zone, found = own.load(), synthesized(own, tmp_path)

    assert zone.account_stacks == {"topics_shared": "shared"}
    assert [name for name in found if name.startswith("topics")] == ["topics_shared"]
    assert ["each of 1 " in row.owns[0] for row in reported(zone) if row.name == "topics"] == [True]
    (left,) = lost_layers(zone, {"topics_security": {"resources": [TOPIC]}})
    assert (left.fault.problem.id, left.fault.path, left.lines) == ("state-without-stack", "accounts", ())


def test_a_setting_of_a_layer_that_is_called_as_ours_is_its_own(own: Own) -> None:
    """Layers that had it before go on."""
    own.add("topics", "name: x\nroles: 3\n", stack=IN_ACCOUNTS, model=f"{MODEL}    roles: int\n")

    layer = own.load().layers["topics"]

    assert (layer.settings and layer.settings.model_dump()["roles"], layer.roles) == (3, Roles())


def test_a_rename_reaches_the_waves(own: Own) -> None:
    """Nothing else in the file of a layer, whose words are its own."""
    _waves(own, "[ou/shared, shared]", "[all]")
    own.add("alone", "account: shared\nname: shared\n", stack=IN_ACCOUNTS, model=MODEL)
    own.add("some", "accounts: [ou/shared, shared]\nname: x\n", stack=IN_ACCOUNTS, model=MODEL)
    own.add("own", "account: shared\n", stack=STACK.format(inputs="landing_zone"), model=NAMED)
    own.add("keys", "accounts: {shared: [shared]}\n", stack=STACK.format(inputs="landing_zone"), model=NESTED)

    for kind, new in (("ou", "common"), ("account", "data")):
        rename(Options(own.config), kind=kind, old="shared", new=new, prune=False, dry_run=False, yes=True)

    assert "    - [ou/common, data]\n" in (own.config / "layers/topics.yaml").read_text()
    assert (own.config / "layers/alone.yaml").read_text() == "account: data\nname: shared\n"
    assert (own.config / "layers/some.yaml").read_text() == "accounts: [ou/common, data]\nname: x\n"
    assert (own.config / "layers/own.yaml").read_text() == "account: shared\n"
    assert (own.config / "layers/keys.yaml").read_text() == "accounts: {shared: [shared]}\n"
    own.load()


def test_what_a_model_prints_is_no_output_of_the_command(own: Own, capsys: pytest.CaptureFixture[str]) -> None:
    checks = "    @field_validator('name')\n    def _c(cls, value: str) -> str:\n"
    says = f"{checks}        print('checked')\n        return value\n"
    model = f"from pydantic import field_validator\nprint('loaded')\n{MODEL}{says}"
    own.add("topics", "name: x\n", stack=IN_ACCOUNTS, model=model)

    own.load()

    shown = capsys.readouterr()
    assert (shown.out, shown.err.split()) == ("", ["loaded", "checked"])


def test_a_stack_in_each_account_and_one_that_others_read(own: Own, tmp_path: Path) -> None:
    """One provider each, which is in the account and nowhere else; inputs make the order; text stays text."""
    own.add("topics", 'name: "${x}"\n', stack=IN_ACCOUNTS, model=MODEL)
    read = STACK.format(inputs="landing_zone, our_base")
    own.add("a-reader", "", stack=read + "        self.add_dependency(our_base)\n")
    (own.code / "a-reader").rename(own.code / "a_reader")
    own.add("our-base", "", stack=STACK.format(inputs="landing_zone"))
    own.add("asleep", None, stack="raise RuntimeError\n")

    found = synthesized(own, tmp_path)

    assert set(found) - {"backend", "organizations", "security", "sso"} == {
        "a-reader",
        "our-base",
        "topics_security",
        "topics_shared",
    }
    assert found.dependencies("a-reader") == ["our-base"]
    assert found.dependencies("topics_shared") == ["organizations"]
    topic, provider = found["topics_shared"]["aws_sns_topic.events"], found["topics_shared"].provider
    assert topic == {"name": "$${x}", "tags": {"Unit": "shared"}}
    (id,) = provider["allowed_account_ids"]
    assert id.endswith(".outputs.cross-stack-output-aws_organizations_accountsharedid}")
    assert provider["assume_role"] == [
        {"role_arn": f"arn:aws:iam::{id}:role/OrganizationAccountAccessRole", "session_name": "strata"}
    ]
    assert provider["default_tags"] == [{"tags": {"Project": "example", "Layer": "topics", "ManagedBy": "strata"}}]
    assert "variable" not in found["topics_shared"].json
    backend = found["topics_shared"].backend
    assert backend["key"] == "management/topics_shared/terraform.tfstate"
    assert backend["allowed_account_ids"] == ["123456789012"]
    assert found["our-base"].provider["default_tags"][0]["tags"]["Layer"] == "our-base"


READER = """
from cdktf_cdktf_provider_aws.ssm_parameter import SsmParameter
from stacks.base import BaseStack

class Stack(BaseStack):
    def __init__(self, scope, id, *, landing_zone, topics):
        super().__init__(scope, id, project=landing_zone.project)
        self.add(SsmParameter, "topic", name="/topic", type="String", value=topics.topic.arn)
"""
READER_IN_ACCOUNTS = """
from cdktf_cdktf_provider_aws.ssm_parameter import SsmParameter
from stacks.account import AccountStack

class Stack(AccountStack):
    def __init__(self, scope, id, *, account, topics):
        super().__init__(scope, id, account=account)
        self.add(SsmParameter, "topic", name="/topic", type="String", value=topics.topic.arn)
"""


def _read_from_one_account(own: Own, more: str = "") -> None:
    """Adds a layer with a stack in `security` alone, and two that read from it."""
    code = IN_ACCOUNTS.replace("        self.add(", f"{more}        self.topic = self.add(")
    own.add("topics", "account: security\nname: x\n", stack=code, model=MODEL)
    own.add("here", "", stack=READER)
    own.add("there", "", stack=READER_IN_ACCOUNTS)


def test_a_stack_in_one_account_is_read_by_others(own: Own, tmp_path: Path) -> None:
    """By its state, which has the name of the stack; in what is told of them, too."""
    _read_from_one_account(own)

    landing_zone, found = own.load(), synthesized(own, tmp_path)

    assert [name for name in found if name.startswith("topics")] == ["topics_security"]
    for reader in ("here", "there_shared", "there_security"):
        assert "topics_security" in found.dependencies(reader)
        sources = found[reader].json["data"]["terraform_remote_state"]
        assert "management/topics_security/terraform.tfstate" in {one["config"]["key"] for one in sources.values()}
        value = found[reader]["aws_ssm_parameter.topic"]["value"]
        assert value.endswith("topics_security.outputs.cross-stack-output-aws_sns_topiceventsarn}"), value
    assert landing_zone.account_stacks.keys() == {"topics_security", "there_security", "there_shared"}
    rows = {row.name: row for row in reported(landing_zone)}
    assert rows["topics_security"].state == "management/topics_security/terraform.tfstate"
    assert [rows[name].reads for name in ("here", "there")] == [
        ("topics_security",),
        ("organizations", "topics_security"),
    ]
    (statement, *_) = layer_permissions(landing_zone.project, landing_zone.layers["topics"])["topics"]["Statement"]
    assert not any("topics_*" in one for one in statement["Resource"])


def test_what_reads_from_a_closed_account_stops_the_synth(own: Own, tmp_path: Path) -> None:
    _read_from_one_account(own)

    try:
        with pytest.raises(LookupError, match="whose account is closed"):
            build(own.load(), tmp_path, facts=Facts(closed={"security": "111122223333"}))
    finally:
        _forget_code()


def test_a_layer_that_names_roles_assumes_one_to_plan_and_one_to_apply(own: Own, tmp_path: Path) -> None:
    """Plain `cdktf deploy`, which says nothing, takes the writer; a layer that names none has no variable."""
    own.add("topics", "roles: {reader: looks, writer: ci/works}\nname: x\n", stack=IN_ACCOUNTS, model=MODEL)

    stack = synthesized(own, tmp_path)["topics_shared"]

    (id,), (assumed,) = stack.provider["allowed_account_ids"], stack.provider["assume_role"]
    assert assumed["role_arn"] == f"arn:aws:iam::{id}:role/${{var.strata_role}}"
    assert {key: stack.json["variable"]["strata_role"][key] for key in ("ephemeral", "default")} == {
        "ephemeral": True,
        "default": "ci/works",
    }


def test_the_permissions_of_a_layer_follow_from_the_types_of_its_code(own: Own, said: Said) -> None:
    """Its roles may read, or change, what its code imports the class of; who deploys it, its states alone."""
    other = "import cdktf_cdktf_provider_aws.data_aws_ami\nfrom cdktf_cdktf_provider_aws.vpc import Vpc\n"
    own.add("topics", "roles: {writer: works}\nname: x\n", stack=IN_ACCOUNTS, model=MODEL, more=other)
    own.add("one", "", stack=f"{STACK.format(inputs='landing_zone')}\n{other.replace('vpc', 'sns_topic')}")
    (layer, one) = (own.load().layers[name] for name in ("topics", "one"))

    found = layer_permissions(own.load().project, layer)
    here = layer_permissions(own.load().project, one)
    told = CliRunner().invoke(app, ["permissions", "topics/writer", "--config", str(own.config)])

    topic = "arn:aws:sns:us-east-1:111111111111:events"
    answers = {
        name: [allowed(found[name], action, topic) for action in ("sns:GetTopicAttributes", "sns:CreateTopic")]
        for name in ("topics/reader", "topics/writer")
    }
    assert answers == {"topics/reader": [True, False], "topics/writer": [True, True]}
    bucket = "arn:aws:s3:::ex-terraform-state-123456789012/management"
    states = [f"{bucket}/{stack}/terraform.tfstate" for stack in ("topics_shared", "sso", "topics")]
    assert [allowed(found["topics"], "s3:PutObject", state) for state in states] == [True, False, False]
    roles = [f"arn:aws:iam::111111111111:role/{role}" for role in ("OrganizationAccountAccessRole", "works", "other")]
    assert [allowed(found["topics"], "sts:AssumeRole", role) for role in roles] == [True, True, False]
    assert [*here] == ["one"]
    assert [allowed(here["one"], action, topic) for action in ("sns:CreateTopic", "sts:AssumeRole")] == [True, False]
    assert (told.exit_code, json.loads(told.stdout)) == (0, found["topics/writer"])
    assert [one.data for one in said(told.stderr)] == [{"types": ["aws_vpc", "data.aws_ami"]}]


def test_threads_parse_one_after_the_other() -> None:
    """They are let in at each collection of garbage, where CPython up to 3.11.7 mixed up what two of them parse."""

    def lets_others_in(*_: object) -> None:
        time.sleep(0)

    before = gc.get_threshold()
    gc.callbacks.append(lets_others_in)
    gc.set_threshold(200)
    try:
        with ThreadPoolExecutor(4) as threads:
            found = [*threads.map(layers.types_of, [layers.SHIPPED / "components"] * 40)]
    finally:
        gc.callbacks.remove(lets_others_in)
        gc.set_threshold(*before)

    assert len({*map(tuple, found)}) == 1


def test_the_terraform_of_two_accounts_is_the_same_but_for_what_is_said_of_them(own: Own, tmp_path: Path) -> None:
    """Its key stands there where Strata puts it, which makes no difference, and where a layer does."""
    more = '        self.output("home", account.id, description="the account")\n'
    own.add("topics", 'name: "${x}"\n', stack=IN_ACCOUNTS + more, model=MODEL)

    synthesized(own, tmp_path)
    files = [tmp_path / f"out/stacks/topics_{key}/cdk.tf.json" for key in ("security", "shared")]
    security, shared = (terraform(json.loads(file.read_text())) for file in files)

    assert security["output"]["home"]["value"].endswith(".outputs.(own account)}")
    assert security["resource"]["aws_sns_topic"]["events"].pop("tags") == {"Unit": "security"}
    assert shared["resource"]["aws_sns_topic"]["events"].pop("tags") == {"Unit": "shared"}
    assert security == shared


def test_a_layer_says_its_settings_by_place_as_the_page_has_it(own: Own, said: Said, tmp_path: Path) -> None:
    """The account is nearer than its unit, the unit than the root; a place that there is not is a fault."""
    page = CHECKOUT / "docs/layers.md"
    model, stack = (block.text for block in blocks(page, "python", "Different by place"))
    (settings,) = (block.text for block in blocks(page, "text", "Different by place"))
    own.add("logs", settings, model=model, stack=stack)

    made = synthesized(own, tmp_path)

    assert len(f"{model}{stack}".splitlines()) <= 40
    groups = {key: made[f"logs_{key}"].all("aws_cloudwatch_log_group") for key in ("security", "shared")}
    days = {key: group["events"].get("retention_in_days") for key, group in groups.items()}
    assert days == {"security": 365, "shared": None}, "null takes away what the root says"
    _edit(own, "layers/logs.yaml", "ou/security", "ou/securty")
    ((place, id, _),) = own.faults(said)
    assert (place, id) == ("layers/logs.yaml:3: places.ou/securty", "unknown-name")


def _from_the_page(own: Own, heading: str) -> None:
    """Writes the layer that a section of the page has."""
    for block in blocks(CHECKOUT / "docs/layers.md", "python", heading):
        (name,) = re.findall(r"layer `(\w+)`", block.text.partition("\n")[0])
        own.add(name, "", **{"model" if "class Settings" in block.text else "stack": block.text})


def test_the_layer_of_the_examples_makes_a_role_in_each_account(own: Own, tmp_path: Path) -> None:
    """It is short, and its role trusts the jobs of its settings alone."""
    example = CHECKOUT / "examples/layers"
    files = {file.stem: file.read_text() for file in (example / "roles").glob("*.py")}
    own.add("roles", (example / "roles.yaml").read_text(), **files)

    made = synthesized(own, tmp_path)

    assert sum(bool(line.strip()) for text in files.values() for line in text.splitlines()) < 40
    for account in own.load().members:
        (role,) = made[f"roles_{account}"].all("aws_iam_role").values()
        (statement,) = json.loads(role["assume_role_policy"])["Statement"]
        issuer = "token.actions.githubusercontent.com"
        assert statement["Condition"] == {
            "StringEquals": {
                f"{issuer}:aud": "sts.amazonaws.com",
                f"{issuer}:sub": "repo:acme/shop:ref:refs/heads/main",
            }
        }
        assert statement["Principal"] == {"Federated": "${aws_iam_openid_connect_provider.github.arn}"}
        (policy,) = made[f"roles_{account}"].all("aws_iam_role_policy_attachment").values()
        assert policy["policy_arn"] == "arn:aws:iam::aws:policy/PowerUserAccess"


def test_the_test_of_the_page_notices_what_it_is_about(own: Own, tmp_path: Path) -> None:
    (block,) = blocks(CHECKOUT / "docs/layers.md", "python", "Testing it")
    test: dict[str, Any] = {}
    exec(compile(block.text, str(block), "exec"), test)  # noqa: S102  # it is ours
    _from_the_page(own, "In every account")
    for number, name in enumerate(("events", "news")):
        own.add("topics", f"name: {name}\n")
        (folder := tmp_path / str(number)).mkdir()
        found = synthesized(own, folder)
        with contextlib.nullcontext() if name == "events" else pytest.raises(AssertionError):
            test["test_each_account_has_the_topic_and_says_its_arn"](found)


def test_a_construct_of_the_page_is_in_each_account(own: Own, tmp_path: Path) -> None:
    """Its data sources and components are at addresses that stay."""
    _from_the_page(own, "Constructs")

    shared = synthesized(own, tmp_path)["uploads_shared"]

    assert shared["aws_iam_role_policy.uploads"]["policy"] == "${data.aws_iam_policy_document.uploads.json}"
    (statement,) = shared["data.aws_iam_policy_document.uploads"]["statement"]
    assert statement["resources"] == ["${aws_s3_bucket.uploads.arn}/*"]
    assert shared.outputs["role"]["value"] == "${aws_iam_role.uploads.arn}"


def test_a_layer_changes_what_a_stack_of_strata_makes(own: Own, tmp_path: Path) -> None:
    _from_the_page(own, "Changing what a stack of Strata makes")

    found = synthesized(own, tmp_path)

    topics = found["security"].all("aws_sns_topic")
    assert topics
    assert {topic["display_name"] for topic in topics.values()} == {"AWS alerts"}
    assert found["names"].addresses == []


def test_a_retired_account_has_no_stack(own: Own) -> None:
    own.add("topics", "name: x\n", stack=IN_ACCOUNTS, model=MODEL)
    _retire_shared(own)

    landing_zone = own.load()

    assert landing_zone.account_stacks == {"topics_security": "security"}
    (row,) = [one for one in reported(landing_zone) if one.name == "topics"]
    in_each, retired = row.owns
    assert ("each of 1 " in in_each, retired.rpartition(" ")[2]) == (True, "shared")
    assert row.reads == ("organizations",)
    assert row.state == "management/topics_<account>/terraform.tfstate"


TOPIC = {"type": "aws_sns_topic", "name": "events", "mode": "managed", "instances": [{"attributes": {}}]}


def test_what_a_layer_left_in_an_account_is_refused_with_the_way(own: Own, said: Said) -> None:
    """An account that is retired, one with another key, and a layer that is gone; an empty state is nothing."""
    own.add("topics", "name: x\n", stack=IN_ACCOUNTS, model=MODEL)
    _edit(own, "organization.yaml", "  shared:\n    email", "  common:\n    retired: true\n    email")
    _edit(own, "sso.yaml", "      - shared\n", "      - security\n")
    _edit(own, "sso.yaml", "      - security\n      - security\n", "      - security\n")
    (own.config / "moves.yaml").write_text("- {kind: account, from: audit, to: security}\n")
    states: dict[str, dict[str, Any]] = {
        "topics_audit": {"resources": [TOPIC]},
        "topics_common": {"resources": [TOPIC, {**TOPIC, "name": "more"}]},
        "directory": {"resources": [TOPIC]},
        "empty_common": {"resources": []},
    }

    found = list(lost_layers(own.load(), states))

    held = ["aws_sns_topic.events"]
    bucket = "s3://ex-terraform-state-123456789012/management"
    assert [(one.id, one.data) for one in said([str(one.fault) for one in found])] == [
        ("state-without-stack", {"stack": "directory", "held": held}),
        ("state-not-moved", {"stack": "topics_audit", "new": "topics_security"}),
        ("account-not-emptied", {"stack": "topics_common", "account": "common"}),
    ]
    assert [(one.fault.path, one.lines[:1]) for one in found] == [
        ("", ()),
        (
            "accounts.security",
            (f"aws s3 mv {bucket}/topics_audit/terraform.tfstate {bucket}/topics_security/terraform.tfstate",),
        ),
        ("accounts.common.retired", ()),
    ]


def _retire_shared(own: Own) -> None:
    _edit(own, "organization.yaml", "  shared:\n    email", "  shared:\n    retired: true\n    email")
    _edit(own, "sso.yaml", "      - shared\n", "      - security\n")
    _edit(own, "sso.yaml", "      - security\n      - security\n", "      - security\n")


def _edit(own: Own, file: str, old: str, new: str) -> None:
    path = own.config / file
    path.write_text(path.read_text().replace(old, new))


ODD = """
import jsii
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from constructs import IValidation
from stacks.account import AccountStack

@jsii.implements(IValidation)
class Refusing:
    def validate(self):
        return ["odd at last"]

class Odd(Exception):
    pass

class Stack(AccountStack):
    def __init__(self, scope, id, *, account):
        super().__init__(scope, id, account=account)
        self.add(SnsTopic, "events", name="events")
        if account.key == "shared":
            {line}
"""


RAISING = {
    "raising": ('raise Odd("one")', "stacks/layers/raising/stack.py:20", "Odd: one"),
    "ending": ("exit(0)", "stacks/layers/ending/stack.py:20", "SystemExit: 0"),
    "doubling": ('self.add(SnsTopic, "events", name="x")', "", "aws_sns_topic.events"),
    "refusing": ("self.node.add_validation(Refusing())", "", "odd at last"),
}
"""Layers whose stack in one account does this, where it is said to happen, and the text."""


def test_code_of_a_layer_that_raises_stops_a_run_at_its_line(
    own: Own, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line, place, text = RAISING["raising"]
    own.add("raising", stack=ODD.replace("{line}", line))

    with pytest.raises(StrataError, match=text) as raised:
        _workspace(own, tmp_path, monkeypatch).synth()

    (why,) = raised.value.args
    assert (why.id, why.place) == ("synth-failed", place)


@pytest.mark.parametrize("name", RAISING)
def test_what_an_account_stack_raises_fails_a_plain_synth(
    own: Own, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Also the end of a process that would pass for the end of a good one."""
    line, _, text = RAISING[name]
    own.add(name, stack=ODD.replace("{line}", line))
    monkeypatch.setenv("STRATA_CONFIG", str(own.config))
    monkeypatch.setattr(deployment, "build", partial(build, outdir=tmp_path / "out"))

    try:
        with pytest.raises((Exception, SystemExit)) as raised:
            deployment.main()
    finally:
        _forget_code()

    assert not isinstance(raised.value, SystemExit) or raised.value.code not in (0, None)
    assert text in f"{type(raised.value).__name__}: {raised.value}" or name == "ending"


def _workspace(own: Own, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Returns where the Terraform of somebody's checkout is written, in processes of their own."""
    checkout = tmp_path / "checkout"
    (checkout / "stacks/layers").mkdir(parents=True)
    own.code.rename(checkout / "stacks/layers")
    own.code.symlink_to(checkout / "stacks/layers")
    (checkout / "main.py").write_text(
        "import sys\nfrom pathlib import Path\n"
        f"sys.path.insert(0, {str(CHECKOUT)!r})\n"
        "import stacks.layers\nfrom strata.config import layers\nfrom stacks.deployment import main\n"
        "layers.CODE = Path('stacks/layers').resolve()\nstacks.layers.__path__ = [str(layers.CODE)]\nmain()\n"
    )
    monkeypatch.setattr(tools, "CHECKOUT", checkout)
    variables = {**os.environ, "STRATA_CONFIG": str(own.config), "TF_PLUGIN_CACHE_DIR": str(tmp_path / "cache")}
    return Workspace(tmp_path / "out", variables)


CUT = """
from cdktf import TerraformOutput
from stacks.base import BaseStack

class Stack(BaseStack):
    def __init__(self, scope, id, *, landing_zone, security):
        super().__init__(scope, id, project=landing_zone.project)
        TerraformOutput(self, "cut", value=security.alert_topics["us-east-1"].arn[:12])
"""


def test_a_part_of_a_token_stops_a_run(own: Own, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cdktf does not see it where `add` did not make the construct."""
    own.add("cutting", "", stack=CUT)

    with pytest.raises(StrataError, match="token"):
        _workspace(own, tmp_path, monkeypatch).synth()


def test_an_import_goes_to_the_stack_of_strata_that_makes_the_address(own: Own, tmp_path: Path) -> None:
    """Also where a layer makes something at the same address, as each of its stacks does."""
    own.add("topics", "name: x\n", stack=IN_ACCOUNTS.replace('"events"', '"alerts_us-east-1"'), model=MODEL)
    (own.config / "imports.yaml").write_text("aws_sns_topic.alerts_us-east-1: arn:aws:sns:us-east-1:123456789012:a\n")
    text = (own.config / "security.yaml").read_text()
    assert "alerts:\n  mode: on" in text

    found = synthesized(own, tmp_path)

    assert "aws_sns_topic.alerts_us-east-1" in found["security"].imports
    assert found["topics_shared"].imports == {}


NAMED = "from strata.config.models import Model\nclass Settings(Model):\n    account: str\n"
NESTED = """
from pydantic import Field
from strata.config.models import Model

class Trust(Model):
    account: str = ""
    actions: list[str] = []

class Settings(Model):
    policy: str = "ReadOnlyAccess"
    trust: Trust = Field(default_factory=Trust)
    accounts: dict[str, list[str]] = {}
"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (None, "", ["access: layer base takes part, in the management"]),
        ("", None, ["losses: layer base takes part no"]),
        ("policy: ReadOnlyAccess\n", "trust: {account: ''}\naccounts: {}\n", []),
        (
            "trust: {account: '111122223333', actions: [a]}\n",
            "policy: AdministratorAccess\ntrust: {account: '999999999999', actions: [a, b]}\n",
            [
                "access: layer base has policy AdministratorAccess, not ReadOnlyAccess",
                "access: layer base has trust.account 999999999999, not 111122223333",
                "access: layer base has trust.actions a, b, not a",
            ],
        ),
    ],
)
def test_the_difference_between_revisions_tells_layers_key_by_key(
    own: Own, old: str | None, new: str | None, expected: list[str]
) -> None:
    own.add("base", old, stack=STACK.format(inputs="landing_zone, settings"), model=NESTED)
    before = own.load()
    own.add("base", new)
    if new is None:
        (own.config / "layers/base.yaml").unlink()
    after = own.load()

    changed = [f"{change.risk}: {change.text}" for change in layer_changes(before, after)]

    told = [text for text in changed if "None: " not in text]
    assert len(told) == len(expected)
    assert all(map(str.startswith, told, expected))
    assert list(layer_changes(after, own.load())) == []


def test_a_difference_of_roles_is_one_of_access_and_one_of_waves_is_none(own: Own) -> None:
    said = "roles: {{writer: {}}}\nrollout: {{waves: [{}]}}\nname: x\n"
    own.add("topics", said.format("works", "[shared], [all]"), stack=IN_ACCOUNTS, model=MODEL)
    before = own.load()
    own.add("topics", said.format("owns", "[shared, all]"))

    changed = [(change.risk, change.text) for change in layer_changes(before, own.load())]

    assert changed == [
        ("access", "layer topics has roles.writer owns, not works"),
        (None, "layer topics has rollout.waves [shared, all], not [shared], [all]"),
    ]


def test_a_layer_that_comes_is_told_with_its_settings(own: Own) -> None:
    before = own.load()
    own.add("topics", "name: x\n", stack=IN_ACCOUNTS, model=MODEL)
    (comes, *settings) = [(change.risk, change.text) for change in layer_changes(before, own.load())]
    assert (comes[0], "layer topics" in comes[1], "in member accounts" in comes[1]) == ("access", True, True)
    assert settings == [
        (None, "layer topics has days 7, not set before"),
        (None, "layer topics has name x, not set before"),
    ]


def test_a_layer_without_its_file_is_named(
    own: Own, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("strata.terraform.tools.CONFIG", own.config)
    own.add("topics", None, stack=IN_ACCOUNTS, model=MODEL)

    assert check(Options(config=own.config), as_of=None, json=False) == 0

    shown = capsys.readouterr().out
    assert "layers/topics takes no part" in shown
    assert "layers/topics.yaml\n" in shown


def test_check_loads_neither_stacks_nor_cdktf(tmp_path: Path) -> None:
    """With a layer that has both files; its stack would fail if it ran."""
    code = tmp_path / "code"
    (code / "topics").mkdir(parents=True)
    (code / "topics/stack.py").write_text(f"raise RuntimeError\n{IN_ACCOUNTS}")
    (code / "topics/model.py").write_text(MODEL)
    config = tmp_path / "config"
    shutil.copytree(SHIPPED, config)
    (config / "layers").mkdir()
    (config / "layers/topics.yaml").write_text("name: x\n")
    script = f"""
import sys
from pathlib import Path
from strata.config import layers
layers.CODE = Path({str(code)!r})
from strata.commands.check import run
from strata.options import Options
run(Options(config=Path({str(config)!r})), as_of=None, json=False)
loaded = {{"stacks", "cdktf", "jsii", "boto3", "constructs", "strata.kinds"}} & sys.modules.keys()
assert not loaded, loaded
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=CHECKOUT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "layer     topics, in each of 2 member accounts" in done.stdout


def test_an_account_that_is_left_out_keeps_its_id_for_layers(tmp_path: Path) -> None:
    """Else `account_ids["shared"]` of a layer would stop everything once somebody suspends the account."""
    app = build(load(SHIPPED), tmp_path, facts=Facts(closed={"shared": "111122223333"}))

    organizations = cast("OrganizationsStack", app.node.find_child("organizations"))

    assert organizations.account_ids["shared"] == "111122223333"
    assert organizations.accounts.keys() == {"management", "security"}
