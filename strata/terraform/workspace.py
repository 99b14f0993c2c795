"""The synthesized folders of a configuration, and running Terraform in them."""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import weakref
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

from strata.config.layers import ACCOUNTS, DETECTION_LAYER, IN_ACCOUNT, ROLE, STACKS
from strata.errors import Message, StrataError
from strata.landing_zone.facts import FACTS, NO_FACTS, Facts
from strata.terraform import tools
from strata.terraform.process import Process, ProcessResult, run

ALLOW = "STRATA_ALLOW"
"""The variable that tells a synth what `strata deploy --allow` allows."""


_OURS = (*STACKS, ACCOUNTS, DETECTION_LAYER)
NOT_KNOWN = "strata_not_known_"
"""How resources of Terraform's own are called whose id a plan does not know, each for an output."""


class StateObject(NamedTuple):
    """Where a state lies in S3."""

    bucket: str
    key: str
    region: str

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> StateObject:
        """Returns the place that the configuration of a backend names."""
        return cls(config["bucket"], config["key"], config["region"])


@dataclass(frozen=True)
class Workspace:
    """Where the Terraform of a configuration lies."""

    folder: Path
    environment: Mapping[str, str]
    copies: Mapping[str, Path] = field(default_factory=dict)
    """Folders that stand in for those of stacks, with a state beside them that only a plan reads."""
    lock: _Lock | None = field(default=None, repr=False, compare=False)
    """Keeps other commands out of the folder for as long as it is there."""

    @classmethod
    def of(cls, config: Path, profile: str | None = None) -> Workspace:
        """Returns the workspace of a configuration, nothing written yet."""
        variables = tools.environment(os.environ, config)
        for name in (ALLOW, FACTS):  # a run's own, never the shell's
            variables.pop(name, None)
        if profile:
            variables["AWS_PROFILE"] = profile
        if "TERRAFORM_BINARY_NAME" not in variables:
            text = f"{tools.notice(variables)}; install Terraform 1.10 or newer"
            raise StrataError(Message("tool-missing", text, tool="terraform"))
        folder, lock = _free(tools.CHECKOUT / variables["CDKTF_OUTPUT"])
        return cls(folder, variables, lock=lock)

    def synth(self, allow: Sequence[str] = (), facts: Facts = NO_FACTS) -> None:
        """Writes the Terraform of every stack; what is allowed this time is not guarded against.

        Raises:
            StrataError: main.py failed; its message is passed on.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        Path(self.environment["TF_PLUGIN_CACHE_DIR"]).mkdir(parents=True, exist_ok=True)  # Terraform refuses to make it
        self._manifest.unlink(missing_ok=True)
        told = self.folder / "facts.json"
        facts.write(told)
        done = subprocess.run(
            [sys.executable, "main.py"],
            cwd=tools.CHECKOUT,
            env={
                **self.environment,
                "CDKTF_OUTDIR": str(self.folder),
                "PYTHONIOENCODING": "utf-8",
                ALLOW: ",".join(allow),
                FACTS: str(told),
            },
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        if done.returncode:
            raise StrataError(*reasons((done.stderr or done.stdout).strip().splitlines()))
        if not self._manifest.exists():
            text = "main.py ended without an error before the Terraform was written; look for an exit in a stack"
            raise StrataError(Message("synth-ended-early", text))

    @property
    def _manifest(self) -> Path:
        """Returns the file that the synthesis writes last."""
        return self.folder / "manifest.json"

    @cached_property
    def stacks(self) -> dict[str, tuple[str, ...]]:
        """Every stack with the stacks it reads from, in the order they are deployed in.

        Layers come after Strata's own where these do not read from them, and those in member accounts last: only what
        reads from a stack waits for it.
        """
        manifest = json.loads(self._manifest.read_text(encoding="utf-8"))
        needs = {name: tuple(stack["dependencies"]) for name, stack in manifest["stacks"].items()}
        order: dict[str, tuple[str, ...]] = {}
        while len(order) < len(needs):
            ready = [name for name in needs if name not in order and set(needs[name]) <= set(order)]
            if not ready:
                left = needs.keys() - order
                text = f"{', '.join(left)} can never be deployed: each waits for another"
                raise StrataError(Message("stacks-in-a-circle", text, stacks=sorted(left)))
            here = [name for name in ready if IN_ACCOUNT not in name]
            order |= {name: needs[name] for name in [name for name in here if name in _OURS] or here or sorted(ready)}
        return order

    def producers(self, *stacks: str) -> tuple[str, ...]:
        """Returns every stack that any of some stacks reads from, directly or through others, in order."""
        producers: set[str] = set()
        waiting = [*stacks]
        while waiting:
            new = set(self.stacks[waiting.pop()]) - producers
            producers |= new
            waiting += new
        return tuple(name for name in self.stacks if name in producers)

    def stack_folder(self, stack: str) -> Path:
        """Returns the folder Terraform runs in for a stack."""
        return self.copies.get(stack, self.folder / "stacks" / stack)

    def document(self, stack: str) -> dict[str, Any]:
        """Returns the Terraform JSON of a stack."""
        text = (self.stack_folder(stack) / "cdk.tf.json").read_text(encoding="utf-8")
        document: dict[str, Any] = json.loads(text)
        return document

    def assuming(self, stack: str, role: Callable[[str], str]) -> tuple[str, ...]:
        """Returns the option that says which role a stack assumes, where that is not always the access role."""
        return (f"-var={ROLE}={role(stack)}",) if ROLE in self.document(stack).get("variable", {}) else ()

    def import_next(self, stack: str, ids: Mapping[str, str]) -> None:
        """Adds an import block for each address to a stack's Terraform JSON, which the next synth writes anew."""
        document = self.document(stack)
        document.setdefault("import", []).extend({"to": address, "id": id} for address, id in ids.items())
        self._write(stack, document)

    def import_not(self, stack: str, addresses: Collection[str]) -> None:
        """Takes the import blocks of addresses out of a stack's Terraform JSON, which the next synth writes anew."""
        document = self.document(stack)
        document["import"] = [block for block in document.get("import", ()) if block["to"] not in addresses]
        self._write(stack, document)

    def forget_next(self, stack: str, addresses: Collection[str]) -> None:
        """Adds a block to a stack's Terraform JSON, which the next synth writes anew, that forgets each address."""
        if not addresses:
            return
        document = self.document(stack)
        removed = document.setdefault("removed", [])
        new = set(addresses) - {block["from"] for block in removed}
        removed.extend({"from": address, "lifecycle": {"destroy": False}} for address in sorted(new))
        self._write(stack, document)

    def _write(self, stack: str, document: Mapping[str, Any]) -> None:
        (self.stack_folder(stack) / "cdk.tf.json").write_text(json.dumps(document, indent=2), encoding="utf-8")

    def not_known(self, stack: str, outputs: Mapping[str, Any], folder: Path) -> Workspace:
        """Returns a workspace in which a stack reads outputs of others as given, by a copy of its Terraform.

        What is None is unknown.
        """
        read = re.compile(
            rf"data\.terraform_remote_state\.[\w-]+\.outputs\.({'|'.join(map(re.escape, outputs))})(?![\w-])"
        )
        unknown = {name: f"terraform_data.{NOT_KNOWN}{name}.id" for name, value in outputs.items() if value is None}
        stands = {name: f"local.{NOT_KNOWN}{name}" for name in outputs} | unknown
        document = json.loads(read.sub(lambda match: stands[match[1]], json.dumps(self.document(stack))))
        known = {f"{NOT_KNOWN}{name}": value for name, value in outputs.items() if value is not None}
        literal = json.dumps(known).replace("${", "$${").replace("%{", "%%{")
        document["locals"] = document.get("locals", {}) | json.loads(literal)
        if unknown:
            made = document.setdefault("resource", {}).setdefault("terraform_data", {})
            made |= {f"{NOT_KNOWN}{name}": {} for name in sorted(unknown)}
        return self.copied(stack, document, folder / f"{stack}.assumed")

    def copied(self, stack: str, document: Mapping[str, Any], copy: Path) -> Workspace:
        """Returns a workspace in which a copy stands in for a stack, with other Terraform in it."""
        copy.mkdir(exist_ok=True)
        locked = self.stack_folder(stack) / ".terraform.lock.hcl"
        if locked.exists() and locked.parent != copy:  # as where more turn out to be missing
            shutil.copy(locked, copy)
        workspace = replace(self, copies={**self.copies, stack: copy})
        workspace._write(stack, document)
        return workspace

    def guarded(self, stack: str) -> set[str]:
        """Returns the addresses Terraform must never destroy."""
        resources = self.document(stack).get("resource", {})
        return {
            f"{kind}.{name}"
            for kind, entries in resources.items()
            for name, entry in entries.items()
            if entry.get("lifecycle", {}).get("prevent_destroy")
        }

    def initialize(self, stack: str) -> ProcessResult:
        """Prepares Terraform in the folder of a stack, anew where locking changed since the last time.

        Bucket and key stay, so there is no state to migrate; plain `terraform init` would stop and ask. What Terraform
        noted of them goes: it is written anew, and stops Terraform where it is damaged.
        """
        (self.stack_folder(stack) / ".terraform/terraform.tfstate").unlink(missing_ok=True)
        return self.terraform(stack, "init", "-input=false", "-reconfigure", "-no-color")

    def reads(self, stack: str) -> Iterator[StateObject]:
        """Yields the states that a plan of a stack rests on: its own, and those whose outputs it reads."""
        document = self.document(stack)
        if "s3" in document["terraform"]["backend"]:
            yield StateObject.of(document["terraform"]["backend"]["s3"])
        yield from _sources(document).values()

    def outputs_read(self, stack: str) -> dict[StateObject, set[str]]:
        """Returns the outputs that a stack reads, by the state that they are in."""
        document = self.document(stack)
        outputs: dict[str, set[str]] = {}
        for name, output in _READS.findall(json.dumps(document)):
            outputs.setdefault(name, set()).add(output)
        return {state: outputs.get(name, set()) for name, state in _sources(document).items()}

    def terraform(self, stack: str, *arguments: str, heard: Callable[[str], None] = lambda _: None) -> ProcessResult:
        """Runs Terraform in the folder of a stack."""
        return run(self._command(stack, arguments), self.environment, heard)

    def started(self, stack: str, *arguments: str) -> Process:
        """Starts Terraform in the folder of a stack."""
        return Process(self._command(stack, arguments), self.environment)

    def _command(self, stack: str, arguments: Sequence[str]) -> list[str]:
        return [self.environment["TERRAFORM_BINARY_NAME"], f"-chdir={self.stack_folder(stack)}", *arguments]


class _Lock:
    """A file that this process has locked, until nobody has this any more."""

    def __init__(self, file: Path) -> None:
        """Locks it.

        Raises:
            OSError: another process has.
        """
        opened = os.open(file, os.O_WRONLY | os.O_CREAT, 0o600)
        weakref.finalize(self, os.close, opened)
        fcntl.lockf(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _free(folder: Path) -> tuple[Path, _Lock]:
    """Returns the first of a folder and of those beside it, `-2` and on, in which no other command works, locked."""
    for number in itertools.count(1):
        path = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        path.mkdir(parents=True, exist_ok=True)
        with suppress(BlockingIOError, PermissionError):  # one or the other, by the system
            return path, _Lock(path / ".in-use")
    raise AssertionError


def _sources(document: Mapping[str, Any]) -> dict[str, StateObject]:
    """Returns the states that a stack reads outputs of, by the name of the data source."""
    sources = document.get("data", {}).get("terraform_remote_state", {})
    return {name: StateObject.of(source["config"]) for name, source in sources.items() if source["backend"] == "s3"}


_READS = re.compile(r"\bdata\.terraform_remote_state\.([\w-]+)\.outputs\.([\w-]+)")


def reasons(said: Sequence[str]) -> Iterator[Message]:
    """Yields the errors that main.py said at its end; of an unforeseen error what came first, and where."""
    begun = next((number for number, text in enumerate(said) if text.startswith("Traceback ")), len(said))
    first = next((number for number, text in enumerate(said) if number > begun and text[:1].strip()), None)
    if first is None:
        yield from (Message("synth-refused", text.removeprefix("error: ")) for text in said)
        return
    frames = re.findall(
        rf'File "{re.escape(str(tools.CHECKOUT))}/((?!{_NOBODYS})[^"]+)", line (\d+)', "\n".join(said[:first])
    )
    blamed = [frame for frame in frames if frame[0] not in _KERNEL] or frames
    where = f"{':'.join(blamed[-1])}: " if blamed else ""
    # jsii begins its message with a line break, and cdktf has a list on lines of their own.
    told, *more = (text.strip() for text in takewhile(str.strip, said[first:]))
    for text in more[:2]:
        told += f" {text}" if told.endswith(":") else ""
    text = f"the Terraform cannot be written: {where}{told}; make synth shows how it came to that"
    yield Message("synth-failed", text, place=":".join(blamed[-1]) if blamed else "")


_NOBODYS = r"\.venv/|stacks/(?:deployment|own)\.py"
"""Nobody who extends Strata is to blame for what is raised there."""
_KERNEL = frozenset(f"stacks/{module}.py" for module in ("base", "hcl"))
"""What stacks call, so that an error in there is its caller's."""
