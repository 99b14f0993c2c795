"""Turns Terraform's objects into the parameters of AWS's operations and answers into objects, by the shapes of both.

`AnomalySubscription.MonitorArnList` is `monitor_arn_list`, `Rules` are blocks `rule`, a structure is a list with one
block. Where a word differs, a type has a row in its `names`: argument to member.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from botocore import xform_name
from msgpack import ExtType

from tests.provider.schema import Block

Object = dict[str, Any]
UNKNOWN = ExtType(0, b"\x00")


def is_unknown(value: object) -> bool:
    """Says whether a value is only known after the apply."""
    return isinstance(value, ExtType)


def to_aws(shape: Any, source: Object, names: Mapping[str, str]) -> Object:
    """Returns the members of a structure that an object has values for."""
    arguments = {member: argument for argument, member in names.items()}
    found = {}
    for member, inner in (shape.members if shape else {}).items():
        argument = next((name for name in _candidates(member, arguments) if name in source), None)
        value = _sent(inner, source[argument], names) if argument else None
        if value not in (None, "", [], {}):
            found[member] = value
    return found


def from_aws(shape: Any, value: Object, block: Block, names: Mapping[str, str]) -> Object:
    """Returns what a structure says of the attributes and blocks that it has members for."""
    members = _members(shape)
    found: Object = {}
    for name, attribute in block["attributes"].items():
        member = _member(shape, members, names, name)
        if member:
            found[name] = _shown(attribute["type"], value.get(member), names)
    for name, nested in block["blocks"].items():
        member = _member(shape, members, names, name)
        if member and shape.members[member].type_name in ("list", "structure"):
            inner = shape.members[member]
            listed = inner.type_name == "list"
            entries = value.get(member) or []
            entries = entries if listed else [entries] if entries else []
            shape_of_one = inner.member if listed else inner
            found[name] = [
                _empty(nested["block"]) | from_aws(shape_of_one, entry, nested["block"], names) for entry in entries
            ]
    return found


def tags_of(listed: Any) -> dict[str, str]:
    """Returns tags as a mapping, whichever of AWS's forms they come in, without those that are AWS's own."""
    if not isinstance(listed, dict):
        listed = {
            _either(tag, "Key", "TagKey", "key"): _either(tag, "Value", "TagValue", "value") for tag in listed or ()
        }
    return {key: value for key, value in listed.items() if not key.startswith("aws:")}


def shaped(kind: Any, value: Any) -> Any:
    """Gives a value exactly the attributes of its type, null where it has none."""
    if value is None or isinstance(kind, str):
        return value
    form, inner = kind
    if form == "object":
        return {name: shaped(attribute, value.get(name)) for name, attribute in inner.items()}
    if form == "map":
        return {name: shaped(inner, item) for name, item in value.items()}
    return [shaped(inner, item) for item in value]


def _candidates(member: str, arguments: Mapping[str, str]) -> Iterator[str]:
    if member in arguments:
        yield arguments[member]
        return
    if member.lower() in ("tags", "taglist", "tagslist", "resourcetags"):
        yield "tags_all"
        return
    name = xform_name(member)
    yield name
    yield _singular(name)


def _singular(name: str) -> str:
    return f"{name[:-3]}y" if name.endswith("ies") else name.removesuffix("s")


@functools.cache
def _member_names(members: tuple[str, ...]) -> dict[str, str]:
    found = {_singular(xform_name(member)): member for member in members}
    return found | {xform_name(member): member for member in members}


def _member(shape: Any, members: Mapping[str, str], names: Mapping[str, str], name: str) -> str | None:
    return next((found for found in (names.get(name), members.get(name)) if found in shape.members), None)


def _members(shape: Any) -> dict[str, str]:
    return _member_names(tuple(shape.members))


def _sent(shape: Any, value: Any, names: Mapping[str, str]) -> Any:
    if value is None or is_unknown(value):
        return None
    kind = shape.type_name
    if kind == "structure":
        entry = (value[0] if value else None) if isinstance(value, list) else value
        return None if entry is None else to_aws(shape, entry, names)
    if kind == "list":
        if isinstance(value, dict):
            key, word = _tag_words(shape.member)
            return [{key: name, word: text} for name, text in value.items()]
        return [_sent(shape.member, entry, names) for entry in value]
    if kind == "string" and isinstance(value, bool | int | float):
        return str(value).lower()
    return value


def _tag_words(shape: Any) -> tuple[str, str]:
    key = next(name for name in shape.members if name.lower().endswith("key"))
    return key, next(name for name in shape.members if name != key)


def _shown(kind: Any, value: Any, names: Mapping[str, str]) -> Any:
    if value is None or isinstance(kind, str):
        if isinstance(value, datetime):
            return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if kind == "string" and value is not None and not isinstance(value, str):
            return json.dumps(value, separators=(",", ":")) if isinstance(value, dict) else str(value)
        return value
    form, inner = kind
    if form == "map":
        return tags_of(value) if isinstance(value, list) else dict(value)
    if form == "object":
        return {
            name: _shown(of, value.get(names.get(name, "")) or _by_word(value, name), names)
            for name, of in inner.items()
        }
    # A structure is a list of one.
    return [_shown(inner, entry, names) for entry in ([value] if isinstance(value, dict) else value)]


def _by_word(value: Object, name: str) -> Any:
    return next((found for member, found in value.items() if xform_name(member) == name), None)


def _empty(block: Block) -> Object:
    return {**dict.fromkeys(block["attributes"]), **{name: [] for name in block["blocks"]}}


def _either(tag: Mapping[str, str], *words: str) -> str:
    return next((tag[word] for word in words if word in tag), "")
