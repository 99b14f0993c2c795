"""Each kind of entry with its place in the files, and its fields as they are typed: `FIELD=VALUE`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from strata.config import EXPECTATIONS, ORGANIZATION, SSO, models
from strata.config.expectations import ENTRIES, Expectation
from strata.config.source import SourceFile, parse, plain
from strata.config.text import short
from strata.config.types import did_you_mean
from strata.errors import Message, StrataError, UsageError
from strata.text import listed


class Place(NamedTuple):
    """Where the entries of a kind stand, and by which model they are read."""

    file: str
    section: str
    model: type[models.Model]
    document: str = ""
    """The field that names its policy document."""
    is_list: bool = False


PLACES: Mapping[str, Place] = {
    "account": Place(ORGANIZATION, "accounts", models.AccountEntry),
    "ou": Place(ORGANIZATION, "organizational_units", models.OrganizationalUnit),
    "policy": Place(ORGANIZATION, "policies", models.PolicyEntry, "file"),
    "expectation": Place(EXPECTATIONS, ENTRIES, Expectation, is_list=True),
    "group": Place(SSO, "groups", models.GroupEntry),
    "user": Place(SSO, "users", models.User),
    "permission-set": Place(SSO, "permission_sets", models.PermissionSetEntry, "policies.inline"),
    "assignment": Place(SSO, "assignments", models.Assignment, is_list=True),
}


def place_of(kind: str | None) -> Place:
    """Returns where a kind stands.

    Raises:
        UsageError: there is no such kind.
    """
    if kind is None:
        raise UsageError(Message("argument-missing", f"name a kind of entry: {', '.join(PLACES)}"))
    if kind not in PLACES:
        text = f"{kind!r} is no kind of entry{did_you_mean(kind, PLACES)}; choose from {', '.join(PLACES)}"
        raise UsageError(Message("unknown-name", text, kind="kind", name=kind))
    return PLACES[kind]


def unknown(what: str, name: str, names: Collection[str]) -> StrataError:
    """Makes the error of a name that nothing has."""
    text = f"there is no {what} {name!r}{did_you_mean(name, names)}; choose from {listed(sorted(names))}"
    return StrataError(Message("unknown-name", text, kind=what, name=name))


def read(kind: str, words: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """Returns the key that words name, empty of a kind without keys, and the fields, as the file would have them.

    Raises:
        UsageError: a word is neither, or a field is none of the kind.
    """
    place, given = PLACES[kind], dict[str, Any]()
    keys = [word for word in words if "=" not in word]
    named = [*fields_of(place.model)]
    wrong = [Message("argument-malformed", f"{word!r}: write FIELD=VALUE, of {listed(named)}") for word in keys[1:]]
    for word in words:
        field, equals, text = word.partition("=")
        if equals:
            wrong += put(given, field, _value(field, text))
    if keys and place.is_list and "id" in named:
        wrong += put(given, "id", keys[0])
    if bool(keys) == (place.is_list and "id" not in named):
        has = "has no key: name its fields, as FIELD=VALUE" if keys else "needs its key, right behind the kind"
        wrong.append(Message("argument-missing", f"{kind} {has}"))
    if wrong:
        raise UsageError(*wrong)
    return (keys or [""])[0], given


def put(given: dict[str, Any], field: str, value: Any) -> Iterable[Message]:
    """Gives a field its value; one inside another is named by both, as in `except.accounts`."""
    name, _, inner = field.partition(".")
    if inner:
        return put(given.setdefault(name, {}), inner, value)
    if name in given:
        return [Message("listed-twice", f"{name} is given twice; write a list, as in {name}=[a, b]", place=name)]
    given[name] = value
    return []


def _value(field: str, text: str) -> Any:
    """Returns what a value says: in brackets, braces or quotes as YAML has it, else true, false, a number or text."""
    if text[:1] in ("[", "{", '"', "'"):
        source_file = SourceFile(field)
        parse(f"value: {text}", source_file)
        for fault in source_file.faults:
            wrong = f"{field}: {short(text)} {fault.problem}; {fault.remedy}"
            raise StrataError(Message("argument-malformed", wrong, place=field, value=text))
        return source_file.data["value"]
    value = plain(text)
    return value if isinstance(value, bool | int) else text


def fields_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Returns the fields of an entry by the names that the file has."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def entry_of(model: type[BaseModel], given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns fields in the order of the model; a single value of a list stands in one."""
    fields = fields_of(model)
    known = {name: _as_written(fields[name].annotation, given[name]) for name in fields if name in given}
    return {**known, **{name: value for name, value in given.items() if name not in fields}}


def _as_written(annotation: Any, value: Any) -> Any:
    choices = (annotation, *get_args(annotation))
    words = [word for choice in choices if get_origin(choice) is Literal for word in get_args(choice)]
    if any(get_origin(choice) is tuple for choice in choices):
        return [value] if isinstance(value, str | Mapping) and value not in words else value
    inner = next((choice for choice in choices if isinstance(choice, type) and issubclass(choice, BaseModel)), None)
    return entry_of(inner, value) if inner and isinstance(value, Mapping) else value
