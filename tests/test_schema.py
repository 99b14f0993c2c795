"""The JSON Schemas say of every field what it is and what it may hold, and an editor's answer is that of `check`."""

from __future__ import annotations

import json
import typing
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import pytest
import yaml
from pydantic import BaseModel, TypeAdapter

from strata.commands.schema import AcceptedList, BaselineFile, DetectionFile, text
from strata.config import ACCEPTED, BASELINE, DETECTION, EXPECTATIONS, IMPORTS, ORGANIZATION, SSO
from strata.config.expectations import ExpectationList
from strata.config.loader import FILES, Imports
from strata.config.source import SourceFile, parse
from strata.config.text import Form, matches
from tests.bad_configurations import read
from tests.synthesized import CHECKOUT, COMPANY, SHIPPED

MODELS: dict[str, type[BaseModel]] = {
    **FILES,
    IMPORTS: Imports,
    ACCEPTED: AcceptedList,
    EXPECTATIONS: ExpectationList,
    BASELINE: BaselineFile,
    DETECTION: DetectionFile,
}
LISTS = (ACCEPTED, EXPECTATIONS)
NAMES = [name.removesuffix(".yaml") for name in MODELS]

Json = dict[str, Any]


@pytest.mark.parametrize("name", NAMES)
def test_every_field_is_described(name: str) -> None:
    bare = [
        f"{model}.{field}"
        for model, part in models(schema(name))
        for field, found in part.get("properties", {}).items()
        if not found.get("description")
    ]
    assert bare == []


@pytest.mark.parametrize("name", NAMES)
def test_every_text_has_a_form_and_an_example_of_it(name: str) -> None:
    loose = []
    for at, leaf in strings(schema(name)):
        if not ("enum" in leaf or "const" in leaf or leaf.get("format") == "date" or "pattern" in leaf):
            loose.append(f"{at} may be anything")
        elif not ("enum" in leaf or "const" in leaf or "examples" in leaf):
            loose.append(f"{at} has no example")
        loose += [f"{at}: {example}" for example in leaf.get("examples", ()) if not fits(example, leaf)]
    assert loose == []


@pytest.mark.parametrize("name", MODELS)
def test_every_example_passes_the_rules_of_its_field(name: str) -> None:
    found = list(forms(MODELS[name]))
    assert found
    for kind, form in found:
        assert TypeAdapter(kind).validate_python(form.example) == form.example
        assert matches(form.pattern, form.example)


@pytest.mark.parametrize("folder", [SHIPPED, COMPANY, CHECKOUT / "tests" / "every_option"], ids=lambda one: one.name)
def test_what_is_valid_fits_the_schema(folder: Path) -> None:
    for name in MODELS:
        if (folder / name).exists():
            assert list(misfits(tree(folder / name), schema(name.removesuffix(".yaml")))) == []


def test_the_schema_refuses_what_the_model_refuses() -> None:
    """An editor that reads the schema underlines it while it is typed."""
    texts = read()[0]
    for name, right, wrong in (
        ("organization", "aws+shop@acme.io", "aws shop@acme.io"),
        ("organization", "organizational_unit: security", "organizational_unit: se_curity"),
        ("sso", "- aws: AdministratorAccess", "- aws: arn:aws:iam::aws:policy/AdministratorAccess"),
        ("sso", "accounts: all", "accounts: [shop!]"),
        ("project", "primary: eu-west-1", "primary: eu-west-9"),
        ("project", 'id: "210987654321"', 'id: "21098765432"'),
        ("security", "emails:", "mails:"),
    ):
        document = yaml.safe_load(texts[f"{name}.yaml"])
        assert list(misfits(document, schema(name))) == []
        changed = yaml.safe_load(texts[f"{name}.yaml"].replace(right, wrong, 1))
        assert document != changed
        assert len(list(misfits(changed, schema(name)))) == 1, wrong


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("organization", {"defaults": {"root": {"budget": {"emails": None, "limit_usd": None}, "contacts": None}}}),
        ("organization", {"defaults": {"ou/a": {"contacts": {"billing": None}, "tags": {"a": None}}}}),
        ("baseline", {"settings": {"shop": {"ebs_encryption": {"key_arns": {"eu-west-1": None}, "mode": None}}}}),
        ("baseline", {"settings": {"shop": {"password_policy": {"minimum_length": None}, "backup": None}}}),
    ],
)
def test_a_value_that_takes_away_is_underlined_by_no_editor(name: str, document: Json) -> None:
    found = [at for at in misfits(document, schema(name)) if "required" not in at]
    assert found == []


@pytest.mark.parametrize("name", [ORGANIZATION, SSO])
def test_nothing_is_required_of_a_file_that_has_a_part(name: str) -> None:
    assert "required" not in schema(name.removesuffix(".yaml"))


# Walking


@cache
def schema(name: str) -> Json:
    found: Json = json.loads(text(name))
    return found


def models(whole: Json) -> Iterator[tuple[str, Json]]:
    yield whole["title"], whole
    yield from whole.get("$defs", {}).items()


def strings(whole: Json) -> Iterator[tuple[str, Json]]:
    """Yields every schema of a text, keys of mappings among them, with its place."""
    for model, part in models(whole):
        yield from _strings(part, model)


def _strings(part: Json, at: str) -> Iterator[tuple[str, Json]]:
    if part.get("type") == "string":
        yield at, part
    for name, below in part.get("properties", {}).items():
        yield from _strings(below, f"{at}.{name}")
    for below in (*part.get("patternProperties", {}).values(), *part.get("anyOf", ()), part.get("items")):
        if isinstance(below, dict):
            yield from _strings(below, at)
    if part.get("type") == "object" and isinstance(part.get("additionalProperties"), dict):
        yield from _strings(part["additionalProperties"], at)
        assert part.get("propertyNames", {}).get("enum"), f"{at} takes any key"


def fits(value: str, leaf: Json) -> bool:
    long = leaf.get("minLength", 0) <= len(value) <= leaf.get("maxLength", len(value))
    return long and matches(leaf.get("pattern", ".*").removeprefix("^").removesuffix("$"), value)


def forms(annotation: Any, seen: frozenset[Any] = frozenset()) -> Iterator[tuple[Any, Form]]:
    """Yields the type of every text below a type, with its form."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if annotation not in seen:
            for field in annotation.model_fields.values():
                yield from forms(Annotated[field.annotation, *field.metadata, None], seen | {annotation})
        return
    for form in getattr(annotation, "__metadata__", ()):
        if isinstance(form, Form) and typing.get_args(annotation)[0] is str:
            yield annotation, form
    for below in typing.get_args(annotation):
        yield from forms(below, seen)


def tree(path: Path) -> Any:
    found = SourceFile(path.name)
    parse(path.read_text(encoding="utf-8"), found, "entries" if path.name in LISTS else "")
    assert not found.faults
    return found.data["entries"] if path.name in LISTS else found.data


def misfits(value: Any, whole: Json, part: Json | None = None, at: str = "") -> Iterator[str]:
    """Yields where a value is not as a schema says, for as much of JSON Schema as ours use."""
    part = whole if part is None else part
    if "$ref" in part:
        part = whole["$defs"][part["$ref"].removeprefix("#/$defs/")]
    if "anyOf" in part:
        found = [list(misfits(value, whole, one, at)) for one in part["anyOf"]]
        yield from min(found, key=len) if all(found) else ()
    elif isinstance(value, dict) and part["type"] == "object":
        yield from _misfits_of_mapping(value, whole, part, at)
    elif isinstance(value, list) and part["type"] == "array":
        for index, below in enumerate(value):
            yield from misfits(below, whole, part["items"], f"{at}[{index}]")
    elif isinstance(value, str):
        fine = value in part["enum"] if "enum" in part else fits(value, part) and value == part.get("const", value)
        yield from [] if fine and part["type"] == "string" else [f"{at}: {value}"]
    elif part["type"] in ("object", "array") or (part["type"] == "string" and part.get("format") != "date"):
        yield f"{at}: {value}"


def _misfits_of_mapping(value: Json, whole: Json, part: Json, at: str) -> Iterator[str]:
    for key, below in value.items():
        inner = _property(part, key)
        if inner is None:
            yield f"{at}.{key} is unknown"
        elif below is not None:  # a key without a value is not given
            yield from misfits(below, whole, inner, f"{at}.{key}")
    yield from (f"{at}.{key} is missing" for key in part.get("required", ()) if key not in value)


def _property(part: Json, key: str) -> Json | None:
    """Returns the schema of the value of a key, None for a key that is not allowed."""
    found: dict[str, Json] = {**part.get("properties", {})}
    for pattern, inner in part.get("patternProperties", {}).items():
        if fits(key, {**part.get("propertyNames", {}), "pattern": pattern}):
            found.setdefault(key, inner)
    for allowed in part.get("propertyNames", {}).get("enum", ()):
        found.setdefault(allowed, part["additionalProperties"])
    return found.get(key)
