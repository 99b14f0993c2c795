"""Reads what tests/provider/schema.json has out of the pinned bindings; `make golden` writes it.

The JavaScript in the package carries its TypeScript source in the source map; there every argument stands with its
type and its computed, optional and required flags. A shape this module does not know is an error, never a guess.
"""

from __future__ import annotations

import base64
import importlib.metadata
import importlib.util
import json
import re
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypedDict

from strata.terraform.engine import CDKTF, CDKTN
from strata.terraform.tools import engine
from tests.provider.schema import Attribute, Block, NestedBlock, ProviderSchema

BINDINGS = {CDKTF: "cdktf-cdktf-provider-aws", CDKTN: "cdktn-provider-aws"}[engine().name]


class UnknownShape(Exception):
    """The bindings say something in a way that this module does not understand."""


def as_text(schema: ProviderSchema) -> str:
    """Returns the schema as the file has it."""
    lines = [f'"bindings": {json.dumps(schema["bindings"])}', f'"provider": {_line(schema["provider"])}']
    for kind, blocks in (("resources", schema["resources"]), ("data_sources", schema["data_sources"])):
        rows = ",\n".join(f"{json.dumps(name)}: {_line(block)}" for name, block in sorted(blocks.items()))
        lines.append(f'"{kind}": {{\n{rows}\n}}')
    return "{" + ",\n".join(lines) + "}\n"


def _line(block: Block) -> str:
    return json.dumps(block, sort_keys=True, separators=(",", ":"))


def extract_schema(resources: Iterable[str], data_sources: Iterable[str]) -> ProviderSchema:
    """Reads the TypeScript of these types out of the bindings package and turns it into a schema."""
    folders = {name: name.removeprefix("aws_").replace("_", "-") for name in sorted(resources)}
    data_folders = {name: name.replace("aws_", "data-aws-", 1).replace("_", "-") for name in sorted(data_sources)}
    sources = _typescript({"provider", *folders.values(), *data_folders.values()})
    return {
        "bindings": importlib.metadata.version(BINDINGS),
        "provider": _Source("provider", sources["provider"]).top_block(),
        "resources": {name: _Source(name, sources[folder]).top_block() for name, folder in folders.items()},
        "data_sources": {name: _Source(name, sources[folder]).top_block() for name, folder in data_folders.items()},
    }


def _typescript(folders: set[str]) -> dict[str, str]:
    """Returns the TypeScript source of each folder of the package."""
    wanted = {f"package/lib/{folder}/index.js": folder for folder in folders}
    found: dict[str, str] = {}
    with tarfile.open(_package(), "r|gz") as package:
        for member in package:
            if member.name in wanted and (content := package.extractfile(member)):
                found[wanted[member.name]] = _source_of(wanted[member.name], content.read().decode())
    if missing := folders - found.keys():
        raise UnknownShape(f"the bindings have no {', '.join(sorted(missing))}")
    return found


def _package() -> Path:
    spec = importlib.util.find_spec(BINDINGS.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise UnknownShape(f"the package {BINDINGS} is not installed")
    folder = Path(spec.submodule_search_locations[0]) / "_jsii"
    return next(folder.glob("provider-aws@*.jsii.tgz"))


def _source_of(name: str, javascript: str) -> str:
    source_map = re.search(r"^//# sourceMappingURL=data:application/json;base64,(\S+)", javascript, re.MULTILINE)
    if source_map is None:
        raise UnknownShape(f"{name}: no source map with the TypeScript source")
    source = str(json.loads(base64.b64decode(source_map[1]))["sourcesContent"][0])
    return source.replace(f"{CDKTN}.", f"{CDKTF}.")


_CLASS = re.compile(r"^export class (\w+) extends cdktf\.(\w+) \{$", re.MULTILINE)
_INTERFACE = re.compile(r"^export interface (\w+)[^{]*\{$(.*?)^\}$", re.MULTILINE | re.DOTALL)
_MEMBER = re.compile(
    r"^  // (\w+) - computed: (\w+), optional: (\w+), required: (\w+)\n  (?:private|public) (.*(?:\n    return .*)?)",
    re.MULTILINE,
)
_HCL_FUNCTION = re.compile(r"^export function (\w+)ToHclTerraform\(.*?^\}$", re.MULTILINE | re.DOTALL)
_HCL_ENTRY = re.compile(
    r"^ {4,6}(\w+): \{\n\s+value: (.*),\n\s+isBlock: (true|false),\n"
    r"\s+type: \"(\w+)\",\n\s+storageClassType: \"(\w+)\"",
    re.MULTILINE,
)
_STRUCT = re.compile(r"_\w+ = new (\w+?)(OutputReference|List|Map)\(this, \"\w+\"(?:, (true|false))?\)")
_PROVIDER_STRUCT = re.compile(r"_\w+\?: (\w+)\[\] \| cdktf\.IResolvable;$")
_INTERFACE_FIELD = re.compile(r"^  readonly (\w+)(\??): ", re.MULTILINE)
_TOP_CLASSES = {"TerraformResource", "TerraformDataSource", "TerraformProvider"}
_STORAGE = {
    "string": "string",
    "number": "number",
    "boolean": "bool",
    "any": "dynamic",
    "stringMap": ["map", "string"],
    "numberMap": ["map", "number"],
    "booleanMap": ["map", "bool"],
}
_GETTERS = {
    "this.getStringAttribute": "string",
    "this.getNumberAttribute": "number",
    "this.getBooleanAttribute": "bool",
    "this.getStringMapAttribute": ["map", "string"],
    "this.getNumberMapAttribute": ["map", "number"],
    "this.getBooleanMapAttribute": ["map", "bool"],
    "this.getListAttribute": ["list", "string"],
    "this.getNumberListAttribute": ["list", "number"],
    "cdktf.Fn.tolist(this.getListAttribute": ["set", "string"],
    "cdktf.Fn.tolist(this.getNumberListAttribute": ["set", "number"],
    "cdktf.Token.asNumberList(this.getNumberListAttribute": ["list", "number"],
    "cdktf.Token.asNumberList(cdktf.Fn.tolist(this.getNumberListAttribute": ["set", "number"],
}
_COLLECTIONS = {"stringList": "string", "numberList": "number", "stringMapList": ["map", "string"]}


class _HclEntry(TypedDict):
    value: str
    is_block: bool
    type: str
    storage: str


class _Source:
    """The TypeScript source of one resource, data source or provider, read class by class."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._interfaces = {found[1]: found[2] for found in _INTERFACE.finditer(text)}
        self._hcl = {found[1]: _hcl_entries(found[0]) for found in _HCL_FUNCTION.finditer(text)}
        self._classes: dict[str, str] = {}
        self._top = ""
        starts = list(_CLASS.finditer(text))
        for start, following in zip(starts, [*starts[1:], None], strict=True):
            self._classes[start[1]] = text[start.end() : following.start() if following else len(text)]
            if start[2] in _TOP_CLASSES:
                self._top = start[1]

    def top_block(self) -> Block:
        """Returns the block of the resource itself."""
        if not self._top:
            raise UnknownShape(f"{self._name}: no class of a resource, data source or provider")
        body = self._classes[self._top]
        members, synthesis = body.split("synthesizeHclAttributes", 1)
        block = self._block(members, _hcl_entries(synthesis))
        if self._name == "provider":
            del block["attributes"]["alias"]  # Terraform's own argument, no part of a provider's schema
        return block

    def _block(self, members: str, hcl: dict[str, _HclEntry]) -> Block:
        block: Block = {"attributes": {}, "blocks": {}}
        for name, computed, optional, required, declaration in _MEMBER.findall(members):
            flags = {"computed": computed == "true", "optional": optional == "true", "required": required == "true"}
            self._add_member(block, name, flags, declaration.strip(), hcl)
        if unread := hcl.keys() - block["attributes"].keys() - block["blocks"].keys():
            raise UnknownShape(f"{self._name}: no declaration found for {', '.join(sorted(unread))}")
        return block

    def _add_member(
        self, block: Block, name: str, flags: dict[str, bool], declaration: str, hcl: dict[str, _HclEntry]
    ) -> None:
        struct = _STRUCT.match(declaration)
        provider_struct = _PROVIDER_STRUCT.match(declaration)
        if struct and "cdktf." not in struct[0]:
            self._add_struct(block, name, flags, struct, hcl.get(name))
        elif provider_struct:
            inner = self._interface_block(name, provider_struct[1])
            block["blocks"][name] = _nested(hcl[name]["type"], 0, flags, inner, self._name, name)
        else:
            block["attributes"][name] = _attribute(self._simple_type(name, declaration, hcl.get(name)), flags)

    def _add_struct(
        self, block: Block, name: str, flags: dict[str, bool], struct: re.Match[str], hcl: _HclEntry | None
    ) -> None:
        inner = self._struct_block(name, struct[1])
        if flags["computed"]:
            kind = {"OutputReference": None, "Map": "map", "List": "set" if struct[3] == "true" else "list"}[struct[2]]
            object_type = self._object_type(name, inner)
            block["attributes"][name] = _attribute([kind, object_type] if kind else object_type, flags)
        elif hcl is not None and hcl["is_block"]:
            at_most = 1 if struct[2] == "OutputReference" else 0
            block["blocks"][name] = _nested(hcl["type"], at_most, flags, inner, self._name, name)
        else:
            raise UnknownShape(f"{self._name}.{name}: a nested attribute that is neither computed nor a block")

    def _struct_block(self, name: str, struct: str) -> Block:
        body = self._classes.get(f"{struct}OutputReference")
        if body is None:
            raise UnknownShape(f"{self._name}.{name}: no class {struct}OutputReference")
        return self._block(body, self._hcl[struct[0].lower() + struct[1:]])

    def _interface_block(self, name: str, struct: str) -> Block:
        """Returns the block of a struct that has no class of its own, as those of the provider have none."""
        optional = {key: bool(mark) for key, mark in _INTERFACE_FIELD.findall(self._interfaces[struct])}
        block: Block = {"attributes": {}, "blocks": {}}
        for key, entry in self._hcl[struct[0].lower() + struct[1:]].items():
            field = re.search(r"struct!\.(\w+)\)", entry["value"])
            if field is None or entry["is_block"]:
                raise UnknownShape(f"{self._name}.{name}.{key}: {entry['value']}")
            flags = {"computed": False, "optional": optional[field[1]], "required": not optional[field[1]]}
            block["attributes"][key] = _attribute(self._stored_type(f"{name}.{key}", entry), flags)
        return block

    def _simple_type(self, name: str, declaration: str, hcl: _HclEntry | None) -> Any:
        if hcl is not None:
            return self._stored_type(name, hcl)
        getter = re.search(r"return (.*)\('\w+'\)+;$", declaration)
        if getter and getter[1] in _GETTERS:
            return _GETTERS[getter[1]]
        computed_map = re.match(r"_\w+ = new cdktf\.(String|Number|Boolean)Map\(", declaration)
        if computed_map:
            return ["map", {"String": "string", "Number": "number", "Boolean": "bool"}[computed_map[1]]]
        raise UnknownShape(f"{self._name}.{name}: {declaration}")

    def _stored_type(self, name: str, hcl: _HclEntry) -> Any:
        if not hcl["is_block"] and hcl["type"] in ("simple", "map") and hcl["storage"] in _STORAGE:
            return _STORAGE[hcl["storage"]]
        if not hcl["is_block"] and hcl["type"] in ("list", "set") and hcl["storage"] in _COLLECTIONS:
            return [hcl["type"], _COLLECTIONS[hcl["storage"]]]
        raise UnknownShape(f"{self._name}.{name}: type {hcl['type']} of {hcl['storage']}")

    def _object_type(self, name: str, block: Block) -> Any:
        if block["blocks"]:
            raise UnknownShape(f"{self._name}.{name}: a block inside a computed object")
        return ["object", {key: attribute["type"] for key, attribute in block["attributes"].items()}]


def _hcl_entries(text: str) -> dict[str, _HclEntry]:
    return {
        name: {"value": value, "is_block": is_block == "true", "type": kind, "storage": storage}
        for name, value, is_block, kind, storage in _HCL_ENTRY.findall(text)
    }


def _attribute(kind: Any, flags: dict[str, bool]) -> Attribute:
    return {"type": kind, "is": " ".join(name for name in ("required", "optional", "computed") if flags[name])}


def _nested(kind: str, at_most: int, flags: dict[str, bool], block: Block, resource: str, name: str) -> NestedBlock:
    if kind == "struct":
        return {"nesting": "single", "min_items": 0, "max_items": 0, "block": block}
    at_least = 1 if flags["required"] else 0
    if kind == "list":
        return {"nesting": "list", "min_items": at_least, "max_items": at_most, "block": block}
    if kind == "set":
        return {"nesting": "set", "min_items": at_least, "max_items": at_most, "block": block}
    if kind == "map":
        return {"nesting": "map", "min_items": 0, "max_items": 0, "block": block}
    raise UnknownShape(f"{resource}.{name}: block of type {kind}")
