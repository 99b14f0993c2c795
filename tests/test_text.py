"""Text of the configuration is text: every value and every key with every payload is refused, or arrives as it is.

A payload stands alone, behind, and inside of what was there, so that it also passes as an e-mail address or a URL.
What `check` refuses, it refuses at its line. What it takes is synthesized, and Terraform itself is asked for what it
reads there.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from strata.commands.schema import BaselineFile, DetectionFile
from strata.config import BASELINE, DETECTION
from strata.config.loader import FILES
from strata.config.source import Location, read
from strata.errors import ConfigurationError, Fault
from strata.landing_zone import LandingZone
from strata.load import load
from tests.aws.real_provider import terraform
from tests.synthesized import EVERY_OPTION, Json, walk

NAMED_IN = {"deny-leaving": "organization.yaml", "own-team": "sso.yaml"}
"""Documents of which there is a copy for each of their texts, so that each is judged alone, and who names them."""

PAYLOADS = (
    "${env}",
    "${",
    '${file("/etc/hostname")}',
    "%{ if }",
    "$${",
    "%%{",
    "${TfToken[TOKEN.3]}",
    "TOKEN.99999",
    "$",
    "\"'",
    "\\",
    "\n",
    "</script>",
    "x" * 5000,
)
PLACES: tuple[Callable[[str, str], str], ...] = (
    lambda _, payload: payload,
    lambda original, payload: original + payload,
    lambda original, payload: original[:1] + payload + original[1:],
    lambda original, payload: original[:-1] + payload + original[-1:],
)
# A tag that another text replaces is missed in another line: the assignment that asks for it, and the account that
# takes it away.
MISSED_IN: dict[Location, tuple[str, str]] = {
    ("accounts", "shop", "tags", "Team"): ("sso.yaml", '"sh*"'),
    ("defaults", "root", "tags", "Stage"): ("organization.yaml", '"Stage": null'),
}
MARK = re.compile(r"q\d+q")


@dataclass(frozen=True)
class Leaf:
    """One text of the configuration: a value, or the key of a mapping."""

    file: str
    location: Location
    is_key: bool

    def original(self, files: Mapping[str, Json]) -> str:
        """Returns what stands there."""
        return str(self.location[-1] if self.is_key else _at(files[self.file], self.location))


def every_option() -> dict[str, Json]:
    """Returns the files of the configuration, with the copies of documents."""
    files = {name: read(EVERY_OPTION / name, name).data for name in (*FILES, "imports.yaml", BASELINE, DETECTION)}
    files |= {f"policies/{path.name}": json.loads(path.read_text()) for path in EVERY_OPTION.glob("policies/*.json")}
    for document in NAMED_IN:
        data = files[f"policies/{document}.json"]
        for index, _ in enumerate(_leaves("", data)):
            file = f"policies/{document}-{index}.json"
            files[file] = data
            if document == "own-team":
                files["sso.yaml"]["permission_sets"][f"{document}-{index}"] = {"policies": [{"inline": file}]}
            else:
                policy = {"type": "SERVICE_CONTROL_POLICY", "file": file}
                files["organization.yaml"]["policies"][f"{document}-{index}"] = policy
    return files


def leaves(files: Mapping[str, Json]) -> Iterator[Leaf]:
    """Yields every text of the YAML files, and another one of each copy of a document."""
    for file, data in files.items():
        copy = re.search(r"-(\d+)\.json$", file)
        if copy:
            yield list(_leaves(file, data))[int(copy[1])]
        elif file.endswith(".yaml"):
            yield from (leaf for leaf in _leaves(file, data) if not any(map(_names_copy, leaf.location)))


def _names_copy(part: str | int) -> bool:
    return re.search(r"-\d+$", str(part)) is not None


def _leaves(file: str, data: Json) -> Iterator[Leaf]:
    for location, value in walk(data):
        if location and isinstance(location[-1], str):
            yield Leaf(file, location, is_key=True)
        if isinstance(value, str):
            yield Leaf(file, location, is_key=False)


class Checker:
    """Says which texts `check` takes, trying as many at a time as there are."""

    def __init__(self, files: dict[str, Json], folder: Path) -> None:
        self.files, self.folder = files, folder
        self.texts = {file: _text(file, data) for file, data in files.items()}
        (folder / "policies").mkdir(parents=True)
        self._written: dict[str, str] = {}

    def accepted(self, wanted: Mapping[Leaf, str], then: Callable[[LandingZone], object] = id) -> dict[Leaf, str]:
        """Returns those of some texts that are taken together; makes sure that the others are refused at their line."""
        left = dict(wanted)
        while True:
            self.write(left)
            try:
                then(load(self.folder))
            except ConfigurationError as error:
                left = self._without_refused(left, error.faults)
            else:
                return left

    def _without_refused(self, texts: dict[Leaf, str], faults: Iterable[Fault]) -> dict[Leaf, str]:
        places = {(Path(fault.file).name, fault.line) for fault in faults}
        refused = {leaf for leaf, text in texts.items() if self._lines(leaf, text) & places}
        assert refused, [str(fault)[:300] for fault in faults]
        return {leaf: text for leaf, text in texts.items() if leaf not in refused}

    def write(self, texts: Mapping[Leaf, str]) -> None:
        """Writes the configuration with some of its texts replaced."""
        by_file: dict[str, dict[Leaf, str]] = {}
        for leaf, text in texts.items():
            by_file.setdefault(leaf.file, {})[leaf] = text
        for file, plain in self.texts.items():
            text = _text(file, _changed(self.files[file], by_file[file])) if file in by_file else plain
            if self._written.get(file) != text:
                (self.folder / file).write_text(text, encoding="utf-8")
                self._written[file] = text

    def _lines(self, leaf: Leaf, text: str) -> set[tuple[str, int]]:
        """Returns the line of a text, and the one that names the document that it is in or gets into."""
        found = {self._line(leaf.file, mark(text))}
        if leaf.location[0] == "region_restriction" and not leaf.is_key:
            found.add(self._line(leaf.file, '"region_restriction":'))
        for document, file in NAMED_IN.items():
            if document in leaf.file:
                found.add(self._line(file, f'"{leaf.file}"'))
        file, missing = MISSED_IN.get(leaf.location, ("", ""))
        if missing and missing in self._written[file]:
            found.add(self._line(file, missing))
        return found

    def _line(self, file: str, text: str) -> tuple[str, int]:
        written = self._written[file]
        return Path(file).name, written.count("\n", 0, written.index(text)) + 1


def mark(text: str) -> str:
    """Returns what makes a text unique."""
    found = MARK.search(text)
    assert found
    return found[0]


def _changed(data: Json, texts: Mapping[Leaf, str]) -> Json:
    result = deepcopy(data)
    # Values before keys, and the innermost first: what is changed already is not looked for again.
    for leaf in sorted(texts, key=lambda leaf: (leaf.is_key, -len(leaf.location))):
        holder = _at(result, leaf.location[:-1])
        if not leaf.is_key:
            holder[leaf.location[-1]] = texts[leaf]
            continue
        items = [(texts[leaf] if key == leaf.location[-1] else key, value) for key, value in holder.items()]
        holder.clear()
        holder.update(items)
    return result


def _at(data: Any, location: Location) -> Any:
    for part in location:
        data = data[part]
    return data


def _text(file: str, data: Json) -> str:
    """Returns a file with every value and every key on a line of its own."""
    if file.endswith(".json"):
        return json.dumps(data, indent=1, ensure_ascii=False)
    return "\n".join(_yaml(data, ""))


def _yaml(value: Any, indent: str) -> Iterator[str]:
    if not value or not isinstance(value, dict | list):
        yield f"{indent}{json.dumps(value, ensure_ascii=False, default=str)}"
    elif isinstance(value, list):
        for inner in value:
            first, *more = _yaml(inner, f"{indent}  ")
            yield from (f"{indent}- {first.strip()}", *more)
    else:
        for key, inner in value.items():
            # A key that nothing announces has at most 1,024 characters in YAML.
            start = f"{indent}{'? ' if len(key) > 1000 else ''}{json.dumps(key, ensure_ascii=False)}"
            if isinstance(inner, dict | list) and inner:
                yield from (
                    *([start, f"{indent}:"] if len(key) > 1000 else [f"{start}:"]),
                    *_yaml(inner, f"{indent}  "),
                )
            else:
                scalar = json.dumps(inner, ensure_ascii=False, default=str)
                yield from [start, f"{indent}: {scalar}"] if len(key) > 1000 else [f"{start}: {scalar}"]


# Terraform as the judge


@dataclass(frozen=True)
class Found:
    """A string of the synthesized JSON in which a text of the configuration stands, and the texts by their marks."""

    where: str
    string: str
    texts: dict[str, str]


def strings(stack: Json, texts: Mapping[str, str], name: str) -> Iterator[Found]:
    """Yields every string and every key that Terraform evaluates and that has a text of the configuration in it."""
    for path, value in walk(stack):
        where = " ".join(map(str, (name, *path)))
        found = [value] if isinstance(value, str) else list(value) if isinstance(value, dict) else []
        for string in found:
            marks = set(MARK.findall(string))
            if marks and _is_evaluated((*path, string) if isinstance(value, dict) else path):
                yield Found(where, string, {mark: texts[mark] for mark in marks})
            elif marks and "//" not in path:
                assert not {"${", "%{"} & {string[index : index + 2] for index in range(len(string))}, where


def _is_evaluated(path: Location) -> bool:
    """Returns whether Terraform takes a string for a template there, and not for a name or as it stands."""
    if "//" in path or path[0] == "terraform" or path[:1] == ("removed",):
        return False
    names = (path[0] in ("resource", "data") and len(path) == 3) or (path[0] == "output" and len(path) == 2)
    described = path[0] == "output" and path[-1] == "description"
    return not (names or described or path[-1] == "to" or "depends_on" in path)


OTHER = "arn:aws:s3:::a-value-of-another-resource"

# What the expressions of the stacks ask AWS for: accounts, units and policies by the names in the configuration.
STAND_INS = (
    (r"data\.aws_organizations_organizational_units\.[\w-]+", "local.units"),
    (r"data\.aws_organizations_policy\.\w+", "local.live"),
    (r"data\.aws_organizations_organization\.live\.accounts", "local.live"),
    (r"data\.terraform_remote_state\.[\w-]+\.outputs\.[\w-]+(\[[^]]*\])?", "local.other"),
    (r"(data\.)?aws_\w+\.[\w-]+\.\w+", "local.other"),
)


def evaluated(found: Iterable[Found], folder: Path) -> list[Any]:
    """Returns what Terraform makes of strings, where everything that they refer to is there and has their texts."""
    asked = []
    live: dict[str, str] = {}
    for one in found:
        string = one.string
        for pattern, stand_in in STAND_INS:
            string = re.sub(pattern, stand_in, string)
        asked.append(string)
        live |= one.texts
    folder.mkdir()
    things = [
        {"id": mark, "name": text, "email": text, "state": "ACTIVE", "aws_managed": False}
        for mark, text in live.items()
    ]
    (folder / "live.json").write_text(json.dumps(things))
    there = {
        "live": '${jsondecode(file("${path.module}/live.json"))}',
        "units": "${{all = {children = local.live}}}",
        "other": OTHER,
    }
    outputs = {f"_{index}": {"value": string} for index, string in enumerate(asked)}
    (folder / "main.tf.json").write_text(json.dumps({"locals": there, "output": outputs}))
    environment = {"PATH": os.environ["PATH"], "CHECKPOINT_DISABLE": "1", "TF_INPUT": "0"}
    for command in (["init"], ["apply", "-auto-approve"], ["output", "-json"]):
        run = [terraform(), *command, "-no-color"]
        done = subprocess.run(run, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[:3000]
    values = json.loads(done.stdout)
    return [values[f"_{index}"]["value"] for index in range(len(asked))]


def as_given(one: Found, value: Any) -> bool:
    """Returns whether Terraform read the texts as the configuration gives them."""
    if isinstance(value, bool):
        # A condition, of which the message shows what it found.
        return True
    if isinstance(value, list):
        # Import blocks: what is live is found by the text.
        return value == list(one.texts)
    if "declared" in one.where:
        # As AWS compares names, and with the slashes marked that separate nothing.
        found = "\n".join([value] if isinstance(value, str) else value).casefold().replace("\\/", "/")
        return all(text.casefold() in found for text in one.texts.values())
    if "error_message" in one.where:
        # It lists what is live and not in the configuration.
        return not {*MARK.findall(value)} & {*one.texts}
    return all(any(_filled(text) in found for found in _inside(value)) for text in one.texts.values())


def _filled(text: str) -> str:
    return text.replace("{{state_bucket_arn}}", OTHER).replace("{{access_role}}", "OrganizationAccountAccessRole")


def _inside(value: str) -> list[str]:
    """Returns a string, and if it is a document all values and keys of it."""
    try:
        document = json.loads(value)
    except ValueError:
        return [value]
    keys = [key for _, found in walk(document) if isinstance(found, dict) for key in found]
    return [value, *keys, *(found for _, found in walk(document) if isinstance(found, str))]


@pytest.mark.e2e
def test_every_text_is_refused_at_its_line_or_reaches_terraform_as_it_is(tmp_path: Path) -> None:
    files = every_option()
    checker = Checker(files, tmp_path / "config")
    found: list[Found] = []
    for number, payload in enumerate(PAYLOADS):
        taken = _taken(checker, list(leaves(files)), payload, number)
        found += _synthesized(checker, taken, tmp_path / f"{number}") if taken else []

    values = evaluated(found, tmp_path / "terraform")

    wrong = [(one, value) for one, value in zip(found, values, strict=True) if not as_given(one, value)]
    assert not wrong, "\n".join(f"{one.where}: {one.string[:300]!r} is {str(value)[:300]!r}" for one, value in wrong)
    assert len(found) > 500


def _taken(checker: Checker, every: list[Leaf], payload: str, number: int) -> dict[Leaf, str]:
    """Returns the texts with a payload that `check` takes, each with the payload in the first place where it does."""
    taken: dict[Leaf, str] = {}
    # What a key may hold does not depend on where in the key it stands.
    for place, is_key in (*((place, False) for place in PLACES), *((place, True) for place in PLACES[:2])):
        wanted = {
            leaf: place(leaf.original(checker.files), f"{payload}q{number * len(every) + index}q")
            for index, leaf in enumerate(every)
            if leaf.is_key == is_key and leaf not in taken
        }
        taken |= checker.accepted(wanted)
    return taken


def _synthesized(checker: Checker, taken: dict[Leaf, str], outdir: Path) -> Iterator[Found]:
    from stacks.deployment import build

    together = checker.accepted(taken, lambda landing_zone: build(landing_zone, outdir).synth())
    texts = {mark(text): text for text in together.values()}
    for path in sorted(outdir.glob("stacks/*/cdk.tf.json")):
        yield from strings(json.loads(path.read_text()), texts, path.parent.name)


def test_text_beside_expressions_and_tokens_is_text(tmp_path: Path) -> None:
    """Dollar signs right before a value and braces left open do not change how Terraform reads the value."""
    from cdktf import App
    from cdktf_cdktf_provider_aws.sns_topic import SnsTopic

    from stacks import hcl
    from stacks.base import BaseStack

    layer = BaseStack(App(outdir=str(tmp_path / "out")), "mine", project=load(EVERY_OPTION).project)
    topic = layer.add(SnsTopic, "one")
    other = hcl.interpolated("local.other")
    pairs = [("a$", ""), ("$$", "$"), ("%", "%{"), ("{", "}"), ("${", "}"), ("${a}$", "${"), ("$${", ""), ("\\", '"')]
    for index, (before, after) in enumerate(pairs):
        layer.add(SnsTopic, f"token-{index}", name=f"{before}{topic.arn}{after}")
        layer.add_json(SnsTopic, f"plain-{index}", name=hcl.template(before, other, after))
        layer.add_json(SnsTopic, f"bulk-{index}", name=f"{before}{topic.arn}{after}")
    layer.node.scope.synth()  # type: ignore[union-attr]

    topics = json.loads((tmp_path / "out/stacks/mine/cdk.tf.json").read_text())["resource"]["aws_sns_topic"]
    asked = [
        Found("", topics[f"{kind}-{index}"]["name"], {})
        for kind in ("token", "bulk", "plain")
        for index in range(len(pairs))
    ]

    assert evaluated(asked, tmp_path / "terraform") == [f"{before}{OTHER}{after}" for before, after in pairs] * 3


def test_the_configuration_has_every_option() -> None:
    """An option that is added is tried with every payload too."""
    given: dict[type[BaseModel], set[str]] = {}
    for file, model in (*FILES.items(), (BASELINE, BaselineFile), (DETECTION, DetectionFile)):
        _options(model, read(EVERY_OPTION / file, file).data, given)
    missing = {
        f"{model.__name__}.{field.alias or name}"
        for model, names in given.items()
        for name, field in model.model_fields.items()
        if (field.alias or name) not in names
    }
    assert missing == set()


def _options(kind: Any, value: Any, given: dict[type[BaseModel], set[str]]) -> None:
    """Notes which fields of which models a value gives."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        names = given.setdefault(kind, set())
        for name, field in kind.model_fields.items():
            if isinstance(value, dict) and (field.alias or name) in value:
                names.add(field.alias or name)
                _options(field.annotation, value[field.alias or name], given)
        return
    arguments = [argument for argument in typing.get_args(kind) if argument is not ...]
    for argument in arguments[-1:] if typing.get_origin(kind) is dict else arguments:
        for inner in value.values() if typing.get_origin(kind) is dict and isinstance(value, dict) else [value]:
            for one in inner if typing.get_origin(kind) is tuple and isinstance(inner, list) else [inner]:
                _options(argument, one, given)
