"""The fast door to the AWS bindings is open, changes nothing, and lets everybody else through the slow one."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stacks import bindings

CHECKOUT = Path(__file__).resolve().parents[1]
SAMPLE = CHECKOUT / "tests" / "bindings_sample.py"
PACKAGE = ("__init__.py", "bindings.py", "cdktn_alias.py")

Run = Callable[..., tuple[dict[str, Any], str]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Returns a function that runs the sample with a copy of the door, and returns what it took and its Terraform."""

    def run(*files: str) -> tuple[dict[str, Any], str]:
        checkout = tmp_path_factory.mktemp("a folder with spaces") / 'and "quotes"'
        (checkout / "stacks").mkdir(parents=True)
        for name in files:
            shutil.copy(CHECKOUT / "stacks" / name, checkout / "stacks")
        command = [sys.executable, "-P", str(SAMPLE), str(checkout), str(checkout / "out")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout), (checkout / "out/stacks/sample/cdk.tf.json").read_text()

    return run


@pytest.fixture(scope="module")
def fast(run: Run) -> tuple[dict[str, Any], str]:
    return run(*PACKAGE, "lazy_bindings.cjs")


def test_python_loads_only_the_modules_in_use(fast: tuple[dict[str, Any], str]) -> None:
    assert fast[0]["modules"] < 60


def test_node_loads_only_the_modules_in_use(fast: tuple[dict[str, Any], str]) -> None:
    if fast[0]["megabytes"] is None:
        pytest.skip("no other process shows its memory here")
    assert fast[0]["megabytes"] < 300, "plain it is 600"


def test_terraform_is_the_same_and_the_kernel_lives_without_the_hook(
    fast: tuple[dict[str, Any], str], run: Run
) -> None:
    assert run(*PACKAGE)[1] == fast[1]


def test_main_opens_the_door_before_it_imports_cdktf() -> None:
    if not Path("/proc/self/task").exists():
        pytest.skip("no other process shows its environment here")
    program = (
        "import main, cdktf, os, pathlib;"
        "kernel = pathlib.Path(f'/proc/self/task/{os.getpid()}/children').read_text().split()[0];"
        "print(pathlib.Path(f'/proc/{kernel}/environ').read_text())"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert bindings.HOOK.name in done.stdout


def test_bindings_of_another_shape_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other_bindings").mkdir()
    (tmp_path / "other_bindings" / "__init__.py").write_text("loaded = 'plainly'\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(bindings, "BINDINGS", "other_bindings")
    bindings.install_lazy_bindings()
    assert "other_bindings" not in sys.modules


def test_a_machine_without_node_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JSII_NODE", raising=False)

    with pytest.raises(SystemExit) as ended, bindings._kernel_environment():
        pass

    assert "node" in str(ended.value)
    assert "\n" not in str(ended.value)


def test_a_fault_inside_a_module_of_the_bindings_is_not_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`AttributeError: no attribute 's3_bucket'` would send the reader the wrong way."""
    (tmp_path / "broken_bindings").mkdir()
    (tmp_path / "broken_bindings" / "__init__.py").touch()
    (tmp_path / "broken_bindings" / "s3_bucket.py").write_text("import not_installed\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(bindings, "BINDINGS", "broken_bindings")
    with pytest.raises(ModuleNotFoundError, match="not_installed"):
        bindings._submodule("s3_bucket")
