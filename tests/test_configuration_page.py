"""docs/configuration.md says what the models say, and its examples are one valid configuration.

`make golden` stores the page: every field of every file, from the models that also make the JSON Schemas. The examples
are the files of tests/annotated.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
import typing
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from strata.commands.schema import AcceptedList, BaselineFile, DetectionFile
from strata.config import ACCEPTED, BASELINE, DETECTION, EXPECTATIONS, IMPORTS, MOVES, SECURITY, types
from strata.config.expectations import ExpectationList
from strata.config.loader import FILES, Imports
from strata.config.moves import MoveList
from strata.config.text import Text
from strata.load import load
from strata.rules import warnings
from tests.conftest import Golden
from tests.synthesized import CHECKOUT, SHIPPED

# The page, from the models

ANNOTATED = CHECKOUT / "tests/annotated"
MODELS: dict[str, type[BaseModel]] = {
    **FILES,
    EXPECTATIONS: ExpectationList,
    IMPORTS: Imports,
    MOVES: MoveList,
    ACCEPTED: AcceptedList,
    BASELINE: BaselineFile,
    DETECTION: DetectionFile,
}
NOTES = {
    "project.yaml": "Required.",
    "organization.yaml": "Required, as one file or as several in `organization/` "
    "([edits.md](edits.md#files-that-teams-own)). A policy document is plain AWS JSON in `policies/`, in which "
    "`{{name}}` stands for a value that Strata knows.",
    SECURITY: "Required. [controls.md](controls.md) says what each mode does at AWS.",
    "sso.yaml": "Required, as one file or as several in `sso/` ([edits.md](edits.md#files-that-teams-own)). "
    "[access.md](access.md) has the reasoning, [identity-providers.md](identity-providers.md) the groups that are "
    "external.",
    BASELINE: "Optional: with it each member account has a stack of these settings. "
    "[accounts.md](accounts.md#a-baseline-in-every-account) has what each does.",
    DETECTION: "Optional: with it an account watches all others, as [detection.md](detection.md) says.",
    EXPECTATIONS: "Optional. A list; [guardrails.md](guardrails.md#expectations) says how it is asked.",
    IMPORTS: "Optional. Strata finds the organization and accounts that exist by itself, and refuses an entry for "
    "them; units and policies, which it finds by their names, may have one. An address that no stack creates is an "
    "error; `strata check` knows the form of each id.",
    MOVES: "Optional. A list; [edits.md](edits.md#another-key) says when a key changes.",
    ACCEPTED: "Optional. A list; [messages.md](messages.md#findings-that-can-be-accepted) has every finding.",
}
FEW = 6
"""Choices that are listed where the type stands."""

Json = dict[str, Any]

INTRODUCTION = """\
# Configuration, field by field

Every field of the files in `config/`, with type, default, limits and an example. `make golden` writes this page from
the models that `strata check` uses, and a test fails when they differ. Editors get the same from the first line of
each file, `# yaml-language-server: $schema=...`.

| File | Content |
|---|---|
| `project.yaml` | name, management account, regions, state |
| `organization.yaml` | units, accounts, policies and their targets, delegated administrators |
| `security.yaml` | each control: `on`, `off` or `unmanaged` |
| `sso.yaml` | people, groups, permission sets, assignments |
| `organization/*.yaml`, `sso/*.yaml` | optional: the same, in [files that teams own](edits.md#files-that-teams-own) |
| `policies/*.json` | policy documents as plain AWS JSON |
| `baseline.yaml` | optional: settings of member accounts, for all, by unit or by account |
| `detection.yaml` | optional: GuardDuty for the organization, by an account that administers it |
| `expectations.yaml` | optional: who may do what where and who may not, which `strata check` asks the policies |
| `imports.yaml` | optional: existing resources to import, by Terraform address |
| `moves.yaml` | optional: keys that changed, as `strata rename` records them |
| `layers/*.yaml` | optional: the settings of [layers of your own](layers.md) |
| `accepted.yaml` | optional: warnings and new names of AWS's that somebody accepts, and why |

`config/` is the folder of every command; `--config DIR` or `STRATA_CONFIG=DIR` names another, such as one in a
repository of your own, which `strata init --to DIR` makes.

- A key is an identity: letters, digits and hyphens, starting with a letter. `strata rename` changes one.
- A field that is not written, or has no value, takes its default. An unknown field is an error.
- A file that is empty is an error: a comment, `{}` or `[]` says that it is to have nothing. That of a layer may be.
- Account ids and other numbers with a leading zero stand in quotes.
- The examples belong together: they are one valid configuration, and a test checks it.
"""


def page() -> str:
    """Returns the whole page."""
    return "\n".join([INTRODUCTION, *(part for name in MODELS for part in File(name).parts())]).rstrip() + "\n"


@dataclass
class File:
    """One configuration file and the sections of its page, in the order in which fields lead to them."""

    name: str
    schema: Json = field(init=False)
    places: dict[str, str] = field(default_factory=dict)
    """The model of each section, to the place where it is met first."""

    def __post_init__(self) -> None:
        self.schema = schema_of(self.name)

    def parts(self) -> Iterator[str]:
        """Yields the paragraphs on the file."""
        yield f"## {self.name}\n"
        text = " ".join(self.schema["description"].partition(": ")[2].split()).rstrip(".")
        yield f"{text[:1].upper()}{text[1:]}. {NOTES[self.name]}\n"
        yield f"```yaml\n{(ANNOTATED / self.name).read_text(encoding='utf-8').rstrip()}\n```\n"
        whole = self.schema
        if whole["type"] == "array":
            whole = self.resolved(whole["items"])
        if "properties" in whole:
            yield from self.table(whole, "")
        todo = list(self.places)
        while todo:
            model = todo.pop(0)
            yield f"### `{self.places[model]}`\n"
            found = self.schema["$defs"][model]
            yield f"{prose(found['description'])}\n"
            known = set(self.places)
            yield from self.table(found, self.places[model])
            todo += [one for one in self.places if one not in known]

    def table(self, model: Json, place: str) -> Iterator[str]:
        """Yields the fields of a model; notes the models that they lead to."""
        rows = ["| Field | Type | Default | Limits | Example | Meaning |", "|---|---|---|---|---|---|"]
        for name, found in model["properties"].items():
            below = f"{place}.{name}" if place else name
            cells = (
                f"`{name}`",
                self.type_of(found, below),
                default_of(found, name in model.get("required", ())),
                ", ".join(dict.fromkeys(limits_of(self.flat(found)))),
                example_of(self.flat(found)),
                prose(found.get("description", "")),
            )
            rows.append(f"| {' | '.join(cells)} |")
        yield "\n".join([*rows, ""])

    def type_of(self, found: Json, place: str) -> str:
        """Returns what a field holds, in words; a model as a link to its section."""
        if "$ref" in found:
            name = found["$ref"].rpartition("/")[2]
            target = self.resolved(found)
            if "enum" in target:
                return self.type_of(target, place)
            self.places.setdefault(name, place)
            heading = self.places[name]
            return f"[`{heading}`](#{''.join(one for one in heading.lower() if one.isalnum() or one in '_-')})"
        if "anyOf" in found:
            kinds = [self.type_of(one, place) for one in found["anyOf"] if one.get("type") != "null"]
            return " or ".join(dict.fromkeys(kinds))
        if "const" in found:
            return f"`{found['const']}`"
        if "enum" in found:
            choices = found["enum"]
            if "us-east-1" in choices:
                return "region"
            return ", ".join(f"`{one}`" for one in choices) if len(choices) <= FEW else "one of a list"
        match found["type"]:
            case "array":
                return f"list: {self.type_of(found['items'], f'{place}[]')}"
            case "object":
                values = [*found.get("patternProperties", {}).values(), found.get("additionalProperties")]
                inner = next(one for one in values if isinstance(one, dict))
                return f"by key: {self.type_of(inner, f'{place}.<key>')}"
            case "string":
                return "date" if found.get("format") == "date" else "text"
            case kind:
                return {"integer": "number", "number": "number", "boolean": "`true`, `false`"}[kind]

    def flat(self, found: Json) -> Json:
        """Returns the schema of one value: of an entry of a list, of what is no null, of what a reference names."""
        if "$ref" in found:
            return self.resolved(found)
        if "anyOf" in found:
            return self.flat({**found["anyOf"][-2 if found["anyOf"][-1].get("type") == "null" else -1]})
        if found.get("type") == "array":
            least = {"minItems": found["minItems"]} if "minItems" in found else {}
            return {**self.flat(found["items"]), **least, "in_list": True}
        if found.get("type") == "object" and "patternProperties" in found:
            (inner,) = found["patternProperties"].values()
            return {**self.flat(inner), "keys": found.get("propertyNames", {})}
        return found

    def resolved(self, found: Json) -> Json:
        """Returns the model that a reference names."""
        model: Json = self.schema["$defs"][found["$ref"].rpartition("/")[2]]
        return model


@cache
def schema_of(name: str) -> Json:
    """Returns the schema of a file, its fields in the order of the model."""
    return MODELS[name].model_json_schema()


def default_of(found: Json, required: bool) -> str:
    """Returns the default in words."""
    if required:
        return "required"
    default = found.get("default")
    if default in (None, "", [], {}):
        return ""
    return f"`{', '.join(map(str, default)) if isinstance(default, list) else json.dumps(default).strip(chr(34))}`"


def limits_of(found: Json) -> Iterator[str]:
    """Yields what a value must be."""
    if found.get("minItems"):
        yield f"at least {found['minItems']}"
    if len(found.get("enum", ())) > FEW:
        choices = found["enum"]
        if "us-east-1" in choices:
            yield "of AWS's commercial partition"
        elif "unbound-account" in choices:
            yield "[the findings](messages.md#findings-that-can-be-accepted)"
        else:
            yield ", ".join(f"`{one}`" for one in choices)
    if words := _WORDS.get(found.get("pattern", "")):
        yield escaped(words)
    for least, most, unit in (("minLength", "maxLength", " characters"), ("minimum", "maximum", "")):
        low, high = found.get(least), found.get(most)
        if low is not None and high is not None:
            yield f"{low:,} to {high:,}{unit}"
        elif high is not None:
            yield f"at most {high:,}{unit}"
        elif low is not None and least == "minimum":
            yield f"at least {low:,}"


def example_of(found: Json) -> str:
    """Returns one value that fits."""
    if found.get("examples"):
        text = str(found["examples"][0])
        shown = f'"{text}"' if text.isdigit() or text.startswith(("*", "$")) else text
    elif "enum" in found:
        shown = str(found["enum"][-1])
    elif found.get("type") == "boolean":
        shown = str(not found.get("default", False)).lower()
    elif found.get("type") == "integer":
        shown = str(found.get("default") or found.get("minimum", 1))
    else:
        return "above" if found.get("type") == "object" else ""
    shown = f"- {shown}" if found.get("in_list") else shown
    if (keys := found.get("keys")) is not None:
        key = (keys.get("examples") or keys.get("enum") or ["key"])[0]
        shown = f"{key}: {shown}"
    return f"`{shown}`"


def prose(text: str) -> str:
    """Returns a description as one line of a table."""
    return " ".join(text.split()).replace("|", r"\|")


def escaped(text: str) -> str:
    """Returns words with characters in them that Markdown would read."""
    return "".join(f"\\{letter}" if letter in r"\`*_{}[]<>|~#$!" else letter for letter in text)


def _words() -> dict[str, str]:
    """Returns the form of each kind of text in words, by its pattern in the schema."""
    found = {}
    for kind in vars(types).values():
        for form in getattr(kind, "__metadata__", ()) if typing.get_origin(kind) is typing.Annotated else ():
            if isinstance(form, Text):
                found[f"^(?:{form.pattern})$"] = form.rule.partition(": ")[2]
    return found


_WORDS = _words()


# What must hold


def test_the_page_is_current(golden: Golden) -> None:
    golden("../../docs/configuration.md", page())


def test_the_annotated_files_are_one_valid_configuration(tmp_path: Path) -> None:
    """What they show is checked as an operator's own is: no fault, and no warning that nobody accepted."""
    folder = tmp_path / "config"
    shutil.copytree(ANNOTATED, folder)
    shutil.copytree(SHIPPED / "policies", folder / "policies")

    landing_zone = load(folder)

    assert warnings(landing_zone, dt.date(2026, 1, 1)) == []
    assert landing_zone.units["experiments"].parent == "nonproduction"


def test_every_file_has_an_annotated_example() -> None:
    assert {file.name for file in ANNOTATED.glob("*.yaml")} == MODELS.keys()


@pytest.mark.parametrize("name", MODELS)
def test_every_field_has_its_row(name: str) -> None:
    """Also those of models that only others lead to; each with a meaning."""
    text = (CHECKOUT / "docs/configuration.md").read_text(encoding="utf-8")
    section = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    schema = File(name).schema
    models = [schema, *schema.get("$defs", {}).values()]
    fields = {field for model in models for field in model.get("properties", {})}
    rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| `")]

    assert {row[0].strip("| `") for row in rows} == fields
    assert [row for row in rows if not row[-1].strip(" |")] == []
