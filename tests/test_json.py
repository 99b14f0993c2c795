"""docs/json.md describes every field of the JSON that commands print, and no other."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from strata.aws.resources import ResourceStatus
from strata.cli import app
from strata.commands import drift, plan, profiles
from strata.deploy import run as running
from strata.deploy.ending import finish
from strata.drift.comparison import Drift
from strata.drift.difference import Difference, DifferenceKind
from strata.errors import Fault, Message
from strata.identity.comparison import Refusal
from strata.inventory.progress import InventoryReading
from strata.kinds.change import Way
from strata.kinds.cli import line
from strata.kinds.thing import Thing
from strata.load import load
from strata.outputs import FORMATS
from strata.terraform.change_list import ChangeList
from strata.terraform.expressions import PROVISIONER, ParsedExpression
from strata.terraform.guarded import Verdict
from strata.terraform.plans import Plan, changes
from tests import deploying
from tests.deploying import Json, Site, planned
from tests.json_page import tables
from tests.synthesized import COMPANY, EVERY_OPTION, SHIPPED

site = deploying.site  # the fixture

TYPES: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
    "text or null": (str, type(None)),
    "number or null": (int, float, type(None)),
}


# What the page says


def tree(fields: dict[str, str]) -> Json:
    """Returns fields as nested objects; a list is an object with the key `[]`."""
    top: Json = {}
    for path, kind in fields.items():
        *parents, last = path.replace("[]", ".[]").split(".")
        node = top
        for part in parents:
            node = node.setdefault(part, {})
        node[last] = kind
    return top


def walk(value: Any, spec: Json | str, path: str, met: set[str]) -> Iterator[str]:
    """Yields what the page and a value differ in; `met` gets the fields that were there."""
    met.add(path)
    if isinstance(spec, str):
        if spec != "any" and (not isinstance(value, TYPES[spec]) or isinstance(value, bool) is not (spec == "boolean")):
            yield f"{path} is {value!r}, not {spec}"
    elif "[]" in spec:
        if not isinstance(value, list):
            yield f"{path} is no list"
            return
        for one in value:
            yield from walk(one, spec["[]"], f"{path}[]", met)
    elif not isinstance(value, dict):
        yield f"{path} is no object"
    elif "*" in spec:
        for one in value.values():
            yield from walk(one, spec["*"], f"{path}.*", met)
    else:
        yield from _fields(value, spec, path, met)


def _fields(value: Json, spec: Json, path: str, met: set[str]) -> Iterator[str]:
    names = {name.removesuffix("?"): name for name in spec}
    yield from (f"{path}.{name} is not on the page" for name in value.keys() - names.keys())
    for name, written in names.items():
        if name in value:
            yield from walk(value[name], spec[written], f"{path}.{name}", met)
        elif name == written:
            yield f"{path}.{name} is on the page only"


def differences(title: str, *printed: str) -> list[str]:
    """Returns what the page and outputs differ in, the fields that none of them has included."""
    fields = tables()[title]
    met: set[str] = set()
    messages = {path.replace("messages", "messages?", 1): kind for path, kind in tables()["Messages"].items()}
    found = [text for one in printed for text in walk(json.loads(one), tree({**fields, **messages}), "", met)]
    shown = {path.replace("?", "").replace("[]", "[]") for path in fields}
    return [*found, *(f"{path} is in none of these outputs" for path in shown if f".{path}" not in met)]


def printed(*words: str | Path, config: Path = COMPANY) -> str:
    """Returns what a command prints."""
    return CliRunner().invoke(app, ["--config", str(config), *map(str, words)]).stdout


# The page and the outputs


_EMPTY = "  nobody:\n    description: Has no members.\n"


@pytest.fixture
def rich(tmp_path: Path) -> Path:
    """A configuration with warnings, ends and acceptances."""
    folder = Path(shutil.copytree(SHIPPED, tmp_path / "config"))
    who = "permission_sets: [ReadOnly], groups: [devops], users: [jane-doe]"
    entry = f"  - {{{who}, accounts: [shared], until: 2026-11-20}}\n"
    text = (folder / "sso.yaml").read_text().replace("accounts: all\n", f"accounts: all\n{entry}", 1)
    text = text.replace("groups:\n", f"groups:\n{_EMPTY}", 1)
    (folder / "sso.yaml").write_text(text.replace("groups: [devops]", "groups: [devops, nobody]"))
    accepted = "- {finding: example-value, at: users.jane-doe.email, reason: a test, until: 2026-11-21}\n"
    (folder / "accepted.yaml").write_text(accepted)
    with (folder / "expectations.yaml").open("a") as file:
        file.write("- {id: soon, reason: a test, denied: iam:*, in: root, as: root, until: 2026-11-24}\n")
    return folder


def test_check(rich: Path) -> None:
    shown = printed("check", "--json", "--as-of", "2026-11-25", config=rich)
    asked = "in: shared, as: Administrator, on: 'arn:aws:s3:::*', region: us-east-1"
    expected = f"- {{id: one, reason: a test, denied: [s3:GetObject, s3:PutObject], {asked}}}\n"
    (rich / "expectations.yaml").write_text(expected)
    broken = json.loads(shown) | {"expectations": json.loads(printed("check", "--json", config=rich))["expectations"]}

    missing = {f"{path} is in none of these outputs" for path in ("faults[]", "errors[]", "advice[]")}
    assert set(differences("strata check", shown, json.dumps(broken))) == missing


def test_explain(rich: Path) -> None:
    user = printed("explain", "paul-okafor", "--json")
    outside = json.loads(printed("explain", "payments-prod", "--json"))["access"]
    of_all = json.dumps({**json.loads(user), "access": outside})

    assert differences("A user", user, of_all) == []
    account = printed("explain", "shared", "--json", config=rich)
    given = printed("explain", "shop", "--json", config=EVERY_OPTION)
    assert differences("An account", account, printed("explain", "audit", "--json"), given) == []
    of_set = printed("explain", "--permission-set", "ReadOnly", "--json", config=rich)
    assert differences("`--permission-set`", of_set) == []


def test_can() -> None:
    asked = ("can", "s3:DeleteBucket", "--in", "payments-prod", "--json")
    exempt = ("can", "cloudtrail:StopLogging", "--in", "payments-prod", "--json")

    as_devops = ("--in", "shared", "--as", "DevOps", "--json", "--region")
    but_some = printed("can", "s3:DeleteBucket", *as_devops, "us-east-1", config=SHIPPED)
    nearly = printed("can", "ec2:StopInstances", *as_devops, "ap-south-1", config=SHIPPED)

    answers = (printed(*asked), printed(*asked, "--as", "paul-okafor"), printed(*exempt), but_some, nearly)
    assert differences("strata can", *answers) == []


def test_report(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(SHIPPED, tmp_path / "config"))
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(tmp_path))
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "first")):
        subprocess.run([*git, *words], check=True)
    (folder / "security.yaml").write_text((folder / "security.yaml").read_text().replace("mode: on", "mode: off"))

    given = printed("report", "--format", "json", config=EVERY_OPTION)
    assert differences("strata report", printed("report", "--format", "json"), given) == []
    changed = printed("report", "--diff", "HEAD", "--format", "json", config=folder)
    assert differences("strata report --diff", changed) == []


def test_profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = profiles.OrganizationFacts({"security": "111111111111"}, "https://d-1234567890.awsapps.com/start")
    monkeypatch.setattr(profiles, "organization_now", lambda *_, **__: facts)

    found = printed("profiles", "--json", "--file", tmp_path / "aws", config=SHIPPED)

    assert differences("strata profiles", found) == []


def test_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's credentials are enough: each finding is a line of the JSON."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")

    assert differences("strata doctor", printed("doctor", "--json", config=SHIPPED)) == []


LOOK, DENIED = Message("look-there", "look"), Message("aws-denied", "not allowed")


def test_drift(monkeypatch: pytest.MonkeyPatch) -> None:
    zone, here = load(SHIPPED), Way(("sso",), (line("iam", "list-roles"),), keep="write it", by_hand=LOOK)
    gone = Difference(DifferenceKind.GONE, "group", "ops", here, place="sso.yaml:1")
    trust = {"Effect": "Allow", "Principal": "*"}
    was, now = ({"trust": {"Statement": [{"Sid": sid, **trust}]}} for sid in ("A", "B"))
    sides: Any = {"recorded": Thing("role", "a of b", was), "live": Thing("role", "a of b", now)}
    changed = Difference(DifferenceKind.CHANGED, "role", "a of b", here, "trust", **sides)
    found = Drift((gone, changed), (gone,), (gone,), {"policies": DENIED})
    monkeypatch.setattr(drift, "connect", lambda *_: None)
    monkeypatch.setattr(drift, "management_caller", lambda *_: None)
    monkeypatch.setattr(drift, "steady_states", lambda *_: {})
    monkeypatch.setattr(drift, "check_same", lambda *_: None)
    monkeypatch.setattr(InventoryReading, "read", lambda *_, **__: None)
    monkeypatch.setattr(InventoryReading, "controls", lambda *_: None)
    monkeypatch.setattr(InventoryReading, "of_accounts", lambda *_: None)
    monkeypatch.setattr(drift, "shipped_stacks", lambda *_: ())
    monkeypatch.setattr(drift, "compare", lambda *given: found if given[0] == zone else None)

    assert differences("strata drift", printed("drift", "--json", config=SHIPPED)) == []


SEEN = {
    "resource_changes": [
        {
            "address": "aws_iam_role.new",
            "previous_address": "aws_iam_role.old",
            "mode": "managed",
            "change": {
                "actions": ["update"],
                "before": {"tags_all": {"a": "1"}, "secret": "hunter2"},
                "after": {"tags_all": {}, "secret": "hunter3"},
                "after_unknown": {"arn": True},
                "after_sensitive": {"secret": True},
                "before_sensitive": {"secret": True},
                "importing": {"id": "new"},
            },
        }
    ],
    "output_changes": {"account_ids": {"actions": ["update"]}},
}
WARNED = Message("a-warning", "something is not as meant; look at it")


def test_plan(site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    absent = "data.terraform_remote_state.cross-stack-reference-input-backend"
    waits = {"severity": "error", "summary": "Unable to find remote state", "address": absent}
    site.adds_accounts({"lab": "111111111111"})
    site.plans("backend", SEEN)
    site.plans("organizations", {"type": "diagnostic", "diagnostic": waits})
    monkeypatch.setattr(plan, "prepare", lambda *_, **__: site.prepared(warnings=(WARNED,)))
    site.states = {stack: {"resources": []} for stack in site.stacks}
    with_remark = partial(replace, remarks=(WARNED,), assumes=("organizations",))
    lost = Refusal(Fault("organization.yaml", 1, "accounts", WARNED, "put it back"), "destroy:a.b", ("a line",))
    monkeypatch.setattr(plan, "judged", lambda *_, **__: Verdict(told=(lost,)))
    monkeypatch.setattr(
        running, "with_remarks", lambda _, planned: with_remark(planned) if planned.changes else planned
    )

    code = plan.run(site.options(), stacks=(), exit_code=True, json=True, allow=())
    shown = capsys.readouterr().out
    site.plans("organizations", "Instance cannot be destroyed")
    failed = plan.run(site.options(), stacks=(), exit_code=True, json=True, allow=())
    shown_failed = capsys.readouterr().out
    site.states = {stack: {} for stack in site.stacks}
    lacking = (ResourceStatus("state bucket", "s3://a in b", "create", ("tags",)),)
    monkeypatch.setattr(plan, "prepare", lambda *_, **__: replace(site.prepared(), lacking=lacking))
    site.plans("organizations", {})
    plan.run(site.options(), stacks=(), exit_code=False, json=True, allow=(), expect="0" * 64)

    assert (code, failed) == (3, 1)
    assert "hunter" not in shown
    assert "preview" not in json.loads(shown)
    assert differences("strata plan", shown, shown_failed, capsys.readouterr().out) == []


def test_the_list_of_changes() -> None:
    there = {"name": "a", "tags": {"team": "lab"}}
    change = {"actions": ["delete", "create"], "before": there, "after": {**there, "name": "b"}}
    found = {"mode": "managed", "address": "aws_a.b", "change": {**change, "replace_paths": [["name"]]}}
    moved = {"actions": ["update"], "before": there, "after": {}, "importing": {"id": "i"}}
    other = {"mode": "managed", "address": "aws_a.c", "change": moved, "previous_address": "aws_a.old"}
    plans = [
        Plan(
            *("backend", dict(changes({"resource_changes": [found, other]})), ("state_bucket",)),
            written={"aws_a.b": {"name": ParsedExpression({"name": "${a}"})}},
        ),
        Plan("sso", waits_for=("backend",)),
    ]

    made = {"name": "c", "password": "x"}
    create = {"actions": ["create"], "after": made, "after_sensitive": {"password": True}}
    changed = {"resource_changes": [{"mode": "managed", "address": "aws_a.d", "change": create}]}
    runs = {"aws_a.d": {PROVISIONER: ParsedExpression({PROVISIONER: []})}}
    plans.append(Plan("topics_lab", dict(changes(changed)), ("topic",), written=runs))

    listed = ChangeList.of(plans, "123456789012", accounts={"topics_lab": ""})

    assert differences("The list of changes", listed.text) == []


@pytest.mark.parametrize("fails", [False, True])
def test_deploy(site: Site, capsys: pytest.CaptureFixture[str], *, fails: bool) -> None:
    done = {"type": "apply_complete", "hook": {"resource": {"addr": "aws_iam_role.new"}, "action": "update"}}
    lock = {"severity": "error", "summary": "NoSuchBucket"}
    site.plans("backend", SEEN)
    site.applies("backend", says=[{"type": "diagnostic", "diagnostic": lock}] if fails else [done], code=int(fails))
    site.plans("organizations", planned(("create", "aws_organizations_account.lab")))
    site.applies("organizations", code=0)
    site.write_state("organizations", 1, outputs={"account_ids": {"value": {"lab": "111111111111"}}})

    code = site.deploys(yes=True, warnings=(WARNED,))
    finish(site.run, code, json=True)

    shown = capsys.readouterr().out
    assert code == int(fails)
    absent = {"errors[]", "advice[]"} if not fails else {"stacks[].counts.*", "outputs.*", "new_accounts.*"}
    missing = {f"{path} is in none of these outputs" for path in ("faults[]", "unexpected[]", *absent)}
    assert set(differences("strata deploy", shown)) == missing


@pytest.mark.parametrize(
    "words",
    [
        ("check", "--json"),
        ("plan", "--json"),
        ("deploy", "--json", "--yes"),
        ("explain", "jane-doe", "--json"),
        ("can", "s3:GetObject", "--in", "shared", "--json"),
        ("report", "--format", "json"),
        ("report", "--diff", "HEAD", "--format", "json"),
        ("profiles", "--json"),
        ("doctor", "--json"),
        ("drift", "--json"),
    ],
)
def test_faults_are_json_wherever_json_is_asked_for(rich: Path, words: tuple[str, ...]) -> None:
    (rich / "security.yaml").write_text("trail: {mode: perhaps}\n")

    done = CliRunner().invoke(app, ["--config", str(rich), *words])

    found = json.loads(done.stdout)
    assert (done.exit_code, found["format"]) == (1, FORMATS[words[0]])
    (fault,) = found["faults"]
    assert (Path(fault["file"]).name, fault["line"], fault["path"]) == ("security.yaml", 1, "trail.mode")
    wanted = {"errors[]", "advice[]", "faults[].copy[]"} | (set() if words[0] == "check" else {"valid?"})
    missing = {f"{path.removesuffix('?')} is in none of these outputs" for path in wanted}
    assert set(differences("Errors", done.stdout)) == missing


def test_another_failure_is_json_too() -> None:
    done = CliRunner().invoke(app, ["--config", str(COMPANY), "explain", "nobody-of-that-name", "--json"])

    (told,) = json.loads(done.stdout)["messages"]
    assert (done.exit_code, told["id"], told["text"]) == (1, "unknown-name", json.loads(done.stdout)["errors"][0])
    assert done.stderr == f"error: {told['text']}\n"


def test_every_command_with_json_has_a_number() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]

    def takes_json(one: Any) -> bool:
        below = getattr(one, "commands", {}).values()
        return any("--json" in param.opts for param in one.params) or any(map(takes_json, below))

    found = {name for name, one in commands.items() if takes_json(one)}

    assert found == FORMATS.keys() - {"report", "diff"}
