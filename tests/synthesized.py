"""What Terraform gets of a configuration: every stack as the plain JSON that is written, for tests to read."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from strata.config.types import did_you_mean
from strata.options import usual_config
from strata.text import listed

CHECKOUT = Path(__file__).resolve().parents[1]
SHIPPED, COMPANY = CHECKOUT / "strata" / "template", CHECKOUT / "tests" / "company"
EVERY_OPTION = CHECKOUT / "tests" / "every_option"
OWN = CHECKOUT / usual_config()
"""The owner's, as every command finds it: for the tests in tests/own/, which are his too, and no others."""
STACKS = ("backend", "organizations", "security", "sso")

Json = dict[str, Any]


def synthesize(folder: Path, outdir: Path, *, emulated: bool = False) -> Deployment:
    """Synthesizes a configuration folder and returns what was written."""
    from stacks.deployment import build
    from strata.load import load

    build(load(folder), outdir, emulated=emulated).synth()
    return Deployment(outdir)


class Deployment(Mapping[str, "Stack"]):
    """The stacks of one configuration by name."""

    def __init__(self, outdir: Path) -> None:
        self.manifest: Json = json.loads((outdir / "manifest.json").read_text())
        written = {name: (outdir / "stacks" / name / "cdk.tf.json").read_text() for name in self.manifest["stacks"]}
        self._stacks = {name: Stack(_without_comments(json.loads(text))) for name, text in written.items()}

    def __getitem__(self, name: str) -> Stack:
        if name not in self._stacks:
            raise KeyError(_missing("stack", name, self._stacks))
        return self._stacks[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._stacks)

    def __len__(self) -> int:
        return len(self._stacks)

    def dependencies(self, name: str) -> list[str]:
        """Returns the stacks that cdktf deploys before this one."""
        return sorted(self.manifest["stacks"][name]["dependencies"])


class Stack:
    """The JSON of one stack, and the parts of it that tests ask for."""

    def __init__(self, json: Json) -> None:
        self.json = json

    def __repr__(self) -> str:
        return f"<stack with {', '.join(self.addresses)}>"

    def __getitem__(self, address: str) -> Json:
        """Returns the resource or data source with this address."""
        if address not in self:
            raise KeyError(_missing("resource or data source", address, self.addresses))
        data, type_name, name = _parts(address)
        found: Json = self.json["data" if data else "resource"][type_name][name]
        return found

    def __contains__(self, address: str) -> bool:
        data, type_name, name = _parts(address)
        return name in self.json.get("data" if data else "resource", {}).get(type_name, {})

    def all(self, type_name: str) -> dict[str, Json]:
        """Returns all resources of a type by name."""
        return dict(self.json.get("resource", {}).get(type_name, {}))

    @property
    def addresses(self) -> list[str]:
        """Returns the addresses of all resources and data sources, sorted; remote states are not ours."""
        resources = [f"{kind}.{name}" for kind, found in self.json.get("resource", {}).items() for name in found]
        data = [f"data.{kind}.{name}" for kind, found in self.json.get("data", {}).items() for name in found]
        return sorted([*resources, *(found for found in data if not found.startswith("data.terraform_remote_state."))])

    @property
    def provider(self) -> Json:
        """Returns the configuration of the one provider."""
        (provider,) = self.json["provider"]["aws"]
        return dict(provider)

    @property
    def backend(self) -> Json:
        """Returns where the state is."""
        return dict(self.json["terraform"]["backend"]["s3"])

    @property
    def imports(self) -> dict[str, Json]:
        """Returns the import blocks by the address they import to."""
        return {block["to"]: block for block in self.json.get("import", [])}

    @property
    def forgotten(self) -> list[str]:
        """Returns the addresses that are taken out of the state without being destroyed."""
        return [block["from"] for block in self.json.get("removed", [])]

    @property
    def outputs(self) -> dict[str, Json]:
        """Returns the outputs that are ours, without those cdktf makes for references between stacks."""
        outputs = self.json.get("output", {})
        return {name: output for name, output in outputs.items() if not name.startswith("cross-stack-output-")}

    @property
    def references(self) -> set[str]:
        """Returns what the stack reads of others, as in `backend aws_s3_bucket.state.arn`."""
        return set(_references(self.json))


def policy(text: str) -> Json:
    """Returns a policy document as AWS will see it: parsed, Terraform's escapes undone."""
    document: Json = json.loads(text.replace("$${", "${").replace("%%{", "%{"))
    return document


def statement(text: str, sid: str) -> Json:
    """Returns one statement of a policy document."""
    (found,) = [statement for statement in policy(text)["Statement"] if statement.get("Sid") == sid]
    return dict(found)


def walk(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yields every value of a JSON tree with the way to it."""
    yield path, value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from walk(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from walk(inner, (*path, index))


def _references(value: Any) -> Iterator[str]:
    import re

    pattern = re.compile(r"cross-stack-reference-input-(\w+)\.outputs\.cross-stack-output-([\w-]+)")
    for _, text in walk(value):
        if isinstance(text, str):
            yield from (f"{stack} {output}" for stack, output in pattern.findall(text))


def _parts(address: str) -> tuple[bool, str, str]:
    data = address.startswith("data.")
    type_name, _, name = address.removeprefix("data.").partition(".")
    return data, type_name, name


def _missing(kind: str, name: str, there: Collection[str]) -> str:
    near = did_you_mean(name, there) or f"; there are {listed(sorted(there))}"
    return f"there is no {kind} {name!r}{near}"


def _without_comments(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_comments(inner) for key, inner in value.items() if key != "//"}
    if isinstance(value, list):
        return [_without_comments(inner) for inner in value]
    return value
