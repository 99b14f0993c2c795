"""Values as they travel between Terraform and the engine: unknown ones, empty ones, and those that AWS computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgpack import ExtType

from tests.engine import catalog
from tests.engine.schema import Block
from tests.engine.world import Contents, Object, new_id

UNKNOWN = ExtType(0, b"\x00")


def is_unknown(value: object) -> bool:
    """Says whether a value is only known after the apply."""
    return isinstance(value, ExtType)


def holds_unknown(value: object) -> bool:
    """Says whether a value or anything in it is only known after the apply."""
    if isinstance(value, dict):
        return any(holds_unknown(inner) for inner in value.values())
    if isinstance(value, list):
        return any(holds_unknown(inner) for inner in value)
    return is_unknown(value)


def empty_object(block: Block) -> Object:
    """Returns an object of which nothing is known yet, as an import begins with."""
    empty: Object = dict.fromkeys(block["attributes"])
    for name, nested in block["blocks"].items():
        empty[name] = {"list": [], "set": [], "map": {}, "single": None}[nested["nesting"]]
    return empty


def shaped(type: Any, value: Any) -> Any:
    """Gives a value exactly the attributes of its type, null where it has none."""
    if value is None or isinstance(type, str):
        return value
    kind, inner = type
    if kind == "object":
        return {name: shaped(attribute, value.get(name)) for name, attribute in inner.items()}
    if kind == "map":
        return {name: shaped(inner, item) for name, item in value.items()}
    return [shaped(inner, item) for item in value]


class Computation:
    """Fills in what AWS computes for one object of a type."""

    def __init__(
        self, type: str, block: Block, object: Object, contents: Contents | None, context: Callable[[str], Any]
    ) -> None:
        self._type = type
        self._block = block
        self._object = object
        self._contents = contents
        self._context = context

    def fill_in(self) -> None:
        """Replaces every unknown value of the object; without contents, new ids cannot be made and stay null."""
        row = {"id": self._generic_id(), **catalog.COMPUTED.get(self._type, {})}
        for name in [*catalog.COMPUTED.get(self._type, {}), "id", "arn", *self._block["attributes"]]:
            if is_unknown(self._object.get(name)):
                self._object[name] = self._value(name, row.get(name))

    def _value(self, name: str, rule: Any) -> Any:
        if isinstance(rule, str):
            try:
                return rule.format_map(_Names(self))
            except _NoNewIds:
                return None
        if rule is not None:
            return rule
        if name == "arn":
            return self._generic_arn()
        kind = self._block["attributes"][name]["type"]
        return None if isinstance(kind, str) or kind[0] == "object" else {} if kind[0] == "map" else []

    def lookup(self, name: str) -> Any:
        """Returns what a name in a template stands for."""
        if name in ("digits", "hex", "lower", "upper", "uuid"):
            return _NewId(name, self._contents)
        if name == "region":
            return _Text(self._object.get("region") or self._context("region"))
        if name in self._object:
            return _as_text(name, self._object[name])
        if name == "member":
            return _as_text(name, self._context(str(self._object.get("account_id"))))
        return _as_text(name, self._context(name))

    def _generic_id(self) -> str:
        return "{name}" if self._object.get("name") and not is_unknown(self._object["name"]) else "{lower:17}"

    def _generic_arn(self) -> str:
        service, _, kind = self._type.removeprefix("aws_").partition("_")
        region = self._object.get("region") or ""
        return f"arn:aws:{service}:{region}:{self._context('account')}:{kind or service}/{self._object['id']}"


class _NoNewIds(Exception):
    """A template asks for a new id where none may be made."""


class _Names(dict[str, Any]):
    def __init__(self, computation: Computation) -> None:
        super().__init__()
        self._computation = computation

    def __missing__(self, name: str) -> Any:
        return self._computation.lookup(name)


class _NewId:
    def __init__(self, alphabet: str, contents: Contents | None) -> None:
        self._alphabet = alphabet
        self._contents = contents

    def __format__(self, length: str) -> str:
        if self._contents is None:
            raise _NoNewIds
        if self._alphabet != "uuid":
            return new_id(self._contents, self._alphabet, int(length))
        hex = new_id(self._contents, "hex", 32)
        return f"{hex[:8]}-{hex[8:12]}-4{hex[13:16]}-a{hex[17:20]}-{hex[20:]}"


class _Text(str):
    def __format__(self, form: str) -> str:
        forms: dict[str, Callable[[], str]] = {
            "": lambda: str(self),
            "last": lambda: self.rsplit("/", 1)[-1],
            "suffix": lambda: self.split("-", 1)[-1],
            "host": lambda: self.split("://", 1)[-1],
            "slash": lambda: f"{self}/" if self else "",
            "comma": lambda: f"{self}," if self else "",
            "default": lambda: str(self) or "default",
            "low": self.lower,
            "path": lambda: "/" + self.lstrip("/"),
            "service": lambda: catalog.SERVICE_LINKED_ROLES.get(self, self.split(".")[0].title().replace("-", "")),
        }
        return forms[form]()


def _as_text(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_text(key, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_as_text(name, inner) for inner in value]
    if value is None or is_unknown(value):
        return _Text("/" if name == "path" else "")
    return _Text(value)
