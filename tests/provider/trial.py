"""One configuration with every type goes through six Terraform runs; what happened is told in words that compare."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.aws.client import Aws, Recorded
from tests.provider.facts import facts_of, table

RUNS = ("apply", "empty plan", "import", "change in place", "replacement", "destroy")
Json = dict[str, Any]
_SECOND = ("-var", "text=second")
_THIRD = (*_SECOND, "-var", "name=two")
# What AWS and the providers make up.
_MADE_UP = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\d[T ][\d:.]+(?:Z|\+00:00)?)"
    r"|(?P<uuid>(?:mrk-)?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12})"
    r"|(?P<name>terraform-\d{20,})|(?P<instance>(?:ssoins|ps)-\w+)|(?P<unit>ou-\w{4}-\w{8})|(?P<root>\br-\w{4}\b)"
    r"|(?P<policy>\bp-[a-z0-9]{8}\b)|(?P<organization>\bo-[a-z0-9]+\b)|(?P<store>\bd-[a-z0-9]{10}\b)"
    r"|(?P<role>\bAROA\w+)|(?P<suffix>(?<=replication-(?:one|two)-)\d{20,})|(?P<account>\b(?!123456789012)\d{12}\b)"
)
# What a call carries besides its parameters.
_TRANSPORT = {"ClientToken", "clientToken", "ChecksumAlgorithm"}


@dataclass
class Run:
    """What one run did: planned actions and values by address, writing calls with parameters, reading actions."""

    actions: dict[str, str] = field(default_factory=dict)
    values: dict[str, Json] = field(default_factory=dict)
    writes: Counter[str] = field(default_factory=Counter)
    reads: set[str] = field(default_factory=set)
    needs: set[str] = field(default_factory=set)
    """The actions of IAM that all of it needs."""


@dataclass
class Trial:
    """One provider, one empty AWS, and the folder that Terraform runs in."""

    aws: Aws
    folder: Path
    terraform: str
    environment: Mapping[str, str]
    stack: Json

    def run(self) -> dict[str, Run]:
        """Goes through all six runs."""
        self.aws.order("prompt")
        self.aws.switch_identity_center_on("eu-central-1")
        main = self.folder_of("main", self.stack)
        runs = {"apply": self._apply(main)}
        runs["empty plan"] = self.plan_of(main)
        runs["import"] = self.plan_of(self.folder_of("fresh", {**self.stack, "import": self.imports_of(main)}))
        runs["change in place"] = self._apply(main, *_SECOND)
        runs["replacement"] = self._apply(main, *_THIRD)
        runs["destroy"] = self._apply(main, "-destroy", *_THIRD)
        return runs

    def folder_of(self, name: str, stack: Json) -> Path:
        """Makes a folder of a configuration, and has Terraform prepare it."""
        folder = self.folder / name
        folder.mkdir(parents=True)
        (folder / "main.tf.json").write_text(json.dumps(stack, indent=1))
        self.terraform_in(folder, "init")
        return folder

    def plan_of(self, folder: Path, *arguments: str) -> Run:
        """Plans, and returns what would be done."""
        before = len(self.aws.calls())
        self.terraform_in(folder, "plan", "-out=plan", *arguments)
        plan = json.loads(self.terraform_in(folder, "show", "-json", "plan"))
        changes = [change for change in plan.get("resource_changes", ()) if change["mode"] == "managed"]
        found = Run(actions={change["address"]: _action(change["change"]) for change in changes})
        found.values = {c["address"]: normal(c["change"]["before"]) for c in changes if c["change"]["before"]}
        self._count(found, self.aws.calls(since=before))
        return found

    def _apply(self, folder: Path, *arguments: str) -> Run:
        before = len(self.aws.calls())
        found = self.plan_of(folder, *arguments)
        self.terraform_in(folder, "apply", "plan")
        found.values = {address: normal(values) for address, values in self._state(folder).items()}
        self._count(found, self.aws.calls(since=before))
        return found

    def _count(self, run: Run, calls: list[Recorded]) -> None:
        provider = [call for call in calls if call.caller == "provider"]
        run.reads = {call.action for call in provider if not call.writes}
        run.writes = writes(provider)
        run.needs = {action for call in provider for action in call.needs}

    def _state(self, folder: Path) -> dict[str, Json]:
        """Reads the file: to be asked for it, Terraform would load the schema of the real provider for seconds."""
        file = folder / "terraform.tfstate"
        resources = json.loads(file.read_text())["resources"] if file.exists() else ()
        return {
            f"{'data.' if each['mode'] == 'data' else ''}{each['type']}.{each['name']}": instance["attributes"]
            for each in resources
            for instance in each["instances"]
        }

    def imports_of(self, folder: Path) -> list[Json]:
        """Returns an import block for each resource of a state."""
        found = []
        for address, values in self._state(folder).items():
            type, _, name = address.partition(".")
            forms = facts_of(type).imports if type.startswith("aws_") else ()
            if forms:
                entry = self.stack["resource"][type][name]
                block = {"to": address, "id": _import_id(forms, values, entry)}
                found.append(block | ({"provider": entry["provider"]} if "provider" in entry else {}))
        return found

    def terraform_in(self, folder: Path, *arguments: str, may_fail: bool = False) -> str:
        """Runs Terraform, and returns what it said."""
        done = subprocess.run(
            [self.terraform, *arguments],
            cwd=folder,
            env=dict(self.environment),
            capture_output=True,
            text=True,
            check=False,
        )
        assert may_fail or done.returncode == 0, f"terraform {' '.join(arguments)}: {done.stdout[-2000:]}{done.stderr}"
        return done.stdout


def everything() -> Json:
    """Returns the configuration."""
    version = {"terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": "6.25.0"}}}}
    types = {"resource": table()["resources"], "data": table()["data"]}
    examples = {kind: {type: row["example"] for type, row in rows.items()} for kind, rows in types.items()}
    return deepcopy({**version, **table()["everything"], **examples})


def writes(calls: Iterable[Recorded]) -> Counter[str]:
    """Returns how often each writing call was made that AWS did not refuse, with its parameters."""
    done = (call for call in calls if call.writes and call.outcome[0] == "2")
    return Counter(f"{call.action} {json.dumps(normal(call.parameters), sort_keys=True)}" for call in done)


def normal(value: Any) -> Any:
    """Returns a value without what is made up anew each time, with documents read and without an order of lists."""
    if isinstance(value, dict):
        return {key: normal(inner) for key, inner in value.items() if key not in _TRANSPORT}
    if isinstance(value, list):
        return sorted((normal(inner) for inner in value), key=lambda inner: json.dumps(inner, sort_keys=True))
    if isinstance(value, str):
        if value[:1] in "{[" and value.strip():
            try:
                return normal(json.loads(value))
            except ValueError:
                pass
        return _MADE_UP.sub(lambda found: f"<{found.lastgroup}>", value)
    return value


def _action(change: Json) -> str:
    verb = "+".join(change["actions"])
    return f"import, {verb}" if change.get("importing") else verb


def _import_id(forms: tuple[str, ...], values: Json, entry: Json) -> str:
    """Returns the id in the last form for which the state has all parts."""

    def part(found: re.Match[str]) -> str:
        name = "id" if found[1] == "any" else found[1]
        value: Any = values
        for step in name.split("."):
            value = (value[0] if isinstance(value, list) else value).get(step)
        return str(value or "")

    made = [re.sub(r"\{([\w.]+)(?::[^}]+)?\}", part, form) for form in forms]
    id = next(one for one in reversed(made) if not re.search(r"^[/,_]|[/,_]$", one) or one.startswith("/conf"))
    return f"{id}@{entry['region']}" if "region" in entry and not id.startswith("arn:") else id


CREDENTIALS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}


def environment() -> dict[str, str]:
    """Returns the variables of this process but for its AWS and Terraform."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_"))}
    return kept | {"CHECKPOINT_DISABLE": "1", "TF_CLI_ARGS": "-no-color", "TF_INPUT": "0"}
