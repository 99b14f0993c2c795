"""The synthesized folders of one configuration, and running Terraform and the cdktf CLI in them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from strata import toolchain
from strata.errors import StrataError

HAS_CHANGES = 2
"""The exit code of `terraform plan -detailed-exitcode` where there is something to do; 0 is nothing, 1 an error."""

ALLOW = "STRATA_ALLOW"
"""The variable that tells a synth what `strata deploy --allow` allows."""

_TERMINAL_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""What cdktf redraws its progress with, also where nobody looks at it."""


@dataclass(frozen=True)
class Result:
    """How a command ended and all it said, in order."""

    code: int
    text: str


@dataclass(frozen=True)
class Workspace:
    """Where the Terraform of one configuration lies."""

    folder: Path
    environment: Mapping[str, str]

    @classmethod
    def of(cls, config: Path, profile: str | None = None) -> Workspace:
        """Returns the workspace of a configuration, nothing written yet."""
        variables = toolchain.environment(os.environ, config)
        variables.pop(ALLOW, None)  # one run's, never the shell's
        if profile:
            variables["AWS_PROFILE"] = profile
        if "TERRAFORM_BINARY_NAME" not in variables:
            raise StrataError(f"{toolchain.notice(variables)}; install Terraform 1.10 or newer")
        return cls(toolchain.CHECKOUT / variables["CDKTF_OUTPUT"], variables)

    def synth(self, allow: Sequence[str] = ()) -> None:
        """Writes the Terraform of every stack; what is allowed this time is not guarded against.

        Raises:
            StrataError: main.py failed; its message is passed on.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        Path(self.environment["TF_PLUGIN_CACHE_DIR"]).mkdir(parents=True, exist_ok=True)  # Terraform refuses to make it
        done = subprocess.run(
            [sys.executable, "main.py"],
            cwd=toolchain.CHECKOUT,
            env={
                **self.environment,
                "CDKTF_OUTDIR": str(self.folder),
                "PYTHONIOENCODING": "utf-8",
                ALLOW: ",".join(allow),
            },
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise StrataError(*(one.removeprefix("error: ") for one in said))

    @cached_property
    def stacks(self) -> dict[str, tuple[str, ...]]:
        """Every stack with the stacks it reads from, in the order they are deployed in."""
        manifest = json.loads((self.folder / "manifest.json").read_text(encoding="utf-8"))
        needs = {name: tuple(stack["dependencies"]) for name, stack in manifest["stacks"].items()}
        order: dict[str, tuple[str, ...]] = {}
        while len(order) < len(needs):
            ready = [name for name in needs if name not in order and set(needs[name]) <= set(order)]
            order |= {name: needs[name] for name in ready}
        return order

    def producers(self, stack: str) -> tuple[str, ...]:
        """Returns every stack that one reads from, directly or through others, in order."""
        found: set[str] = set()
        waiting = [stack]
        while waiting:
            new = set(self.stacks[waiting.pop()]) - found
            found |= new
            waiting += new
        return tuple(name for name in self.stacks if name in found)

    def stack_folder(self, stack: str) -> Path:
        """Returns the folder Terraform runs in for one stack."""
        return self.folder / "stacks" / stack

    def document(self, stack: str) -> dict[str, Any]:
        """Returns the Terraform JSON of one stack."""
        text = (self.stack_folder(stack) / "cdk.tf.json").read_text(encoding="utf-8")
        document: dict[str, Any] = json.loads(text)
        return document

    def import_next(self, stack: str, ids: Mapping[str, str]) -> None:
        """Adds an import block for each address to a stack's Terraform JSON, which the next synth writes anew."""
        document = self.document(stack)
        document.setdefault("import", []).extend({"to": address, "id": id} for address, id in ids.items())
        (self.stack_folder(stack) / "cdk.tf.json").write_text(json.dumps(document, indent=2), encoding="utf-8")

    def guarded(self, stack: str) -> set[str]:
        """Returns the addresses Terraform must never destroy."""
        resources = self.document(stack).get("resource", {})
        return {
            f"{kind}.{name}"
            for kind, entries in resources.items()
            for name, entry in entries.items()
            if entry.get("lifecycle", {}).get("prevent_destroy")
        }

    def initialize(self, stack: str) -> Result:
        """Prepares Terraform in the folder of one stack, anew where locking changed since the last time.

        Bucket and key stay, so there is no state to migrate; plain `terraform init` would stop and ask.
        """
        return self.terraform(stack, "init", "-input=false", "-reconfigure")

    def backend_differs(self, stack: str) -> bool:
        """Says whether Terraform was prepared for another backend: plain `terraform init` would stop and ask."""
        prepared = self.stack_folder(stack) / ".terraform/terraform.tfstate"
        if not prepared.exists():
            return False
        config = json.loads(prepared.read_text(encoding="utf-8")).get("backend", {}).get("config", {})
        before = {name: value for name, value in config.items() if value is not None}
        return bool(before != self.document(stack)["terraform"]["backend"]["s3"])

    def terraform(self, stack: str, *arguments: str) -> Result:
        """Runs Terraform in the folder of one stack."""
        binary = self.environment["TERRAFORM_BINARY_NAME"]
        command = [binary, f"-chdir={self.stack_folder(stack)}", *arguments, "-no-color"]
        return _run(command, self.environment, _silent)

    def plan(self, stack: str) -> tuple[Result, dict[str, Any]]:
        """Plans one stack, locking nothing; returns how that ended and what would change, in Terraform's plan format.

        The plan file is removed: it may hold what nobody shall read.

        Raises:
            StrataError: Terraform cannot show the plan it made.
        """
        file = self.stack_folder(stack) / "strata.plan"
        try:
            result = self.terraform(
                stack, "plan", "-input=false", "-lock=false", "-detailed-exitcode", f"-out={file.name}"
            )
            if result.code != HAS_CHANGES:
                return result, {}
            command = [self.environment["TERRAFORM_BINARY_NAME"], f"-chdir={file.parent}", "show", "-json", file.name]
            done = subprocess.run(
                command, env=dict(self.environment), capture_output=True, encoding="utf-8", check=False
            )
        finally:
            file.unlink(missing_ok=True)
        if done.returncode:
            raise StrataError(f"{stack}: the plan cannot be read: {done.stderr.strip()}")
        return Result(0, result.text), json.loads(done.stdout)

    def cdktf(self, *arguments: str, heard: Callable[[str], None]) -> Result:
        """Runs the pinned cdktf CLI; every line it says is handed on as it comes."""
        return _run(toolchain.command(arguments), self.environment, heard)


def _silent(line: str) -> None:
    """Hears a line and says nothing."""


def _run(command: list[str], environment: Mapping[str, str], heard: Callable[[str], None]) -> Result:
    """Runs a command to its end, also when the operator interrupts: Terraform then saves its state first."""
    process = subprocess.Popen(
        command,
        cwd=toolchain.CHECKOUT,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",  # Terraform's and Node's, whatever the locale
        errors="replace",
    )
    lines: list[str] = []
    interrupted = False
    while True:
        try:
            for raw in process.stdout or ():
                line = _TERMINAL_CODES.sub("", raw)
                lines.append(line)
                heard(line.rstrip("\n"))
            code = process.wait()
            break
        except KeyboardInterrupt:
            # The whole process group has it too; Terraform stops after the call under way and lets go of its lock.
            interrupted = True
    if interrupted:
        raise KeyboardInterrupt
    return Result(code, "".join(lines))
