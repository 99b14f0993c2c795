"""What the Terraform of a stack in a member account is written from: where that is the same, it need not be written."""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from strata.aws.session import emulator
from strata.config import DETECTION
from strata.config.layers import ARCHIVE, GIVEN, SHIPPED, Code, Layer
from strata.landing_zone import LandingZone
from strata.landing_zone.detection import recorders_of
from strata.terraform.attributes import digest
from strata.terraform.tools import CHECKOUT, LOCK

_SEEN = frozenset(
    (
        *("cdktf", "cdktf_cdktf_provider_aws", "cdktn", "cdktn_provider_aws", "constructs"),
        *("__future__", "collections", "dataclasses", "enum", "functools", "hashlib", "ipaddress", "itertools", "json"),
        *("pydantic", "re", "string", "textwrap", "typing"),
    )
)
"""The modules that read no file, clock or variable of which the digest knows nothing."""
_OURS = (
    *("stacks.account", "stacks.base", "stacks.hcl", "stacks.organizations"),
    *("strata.config.models", "strata.config.types", "strata.landing_zone"),
)
"""Those of Strata."""
_READING = frozenset(("open", "eval", "exec", "__import__", "TerraformAsset"))
_LIBRARIES = frozenset(
    ("cdktf", "cdktf-cdktf-provider-aws", "cdktn", "cdktn-provider-aws", "constructs", "jsii", "pydantic")
)


def sources(landing_zone: LandingZone) -> dict[str, str | None]:
    """Returns a digest of all that the Terraform of each account stack follows from, None where nobody knows that."""
    found: dict[str, str | None] = {}
    plain: set[str] = set()
    for name, layer in landing_zone.layers.items():
        if landing_zone.layers.keys() & {*layer.reads} <= plain and (layer.source or _is_plain(layer.code)):
            plain.add(name)
        if layer.code.in_accounts:
            common = [*_common(), *_of_layer(landing_zone, layer)] if name in plain else None
            for key, account in landing_zone.members.items():
                if layer.is_in(key):
                    its = [asdict(account), *([recorders_of(landing_zone, key)] if layer.source else [])]
                    found[layer.stack_in(key)] = digest([*common, *its], _plain) if common else None
    return found | {stack: None for stack in landing_zone.account_stacks if stack not in found}


def may_change_others(code: Code) -> bool:
    """Says whether a layer may change other stacks, which would be others without it.

    It does more with those that it asks for than to read their attributes, or looks for some in the app.
    """
    if code.in_accounts and code.folder.parent == SHIPPED:
        return False
    try:
        trees = [ast.parse(file.read_bytes()) for file in sorted(code.folder.rglob("*.py"))]
    except (SyntaxError, ValueError):
        return True
    nodes = [node for tree in trees for node in ast.walk(tree)]
    if any(map(_looks_into_the_app, nodes)):
        return True
    asked = {*code.inputs} - {*GIVEN, "account"}
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    read = {
        id(node.value)
        for node in nodes
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
        if node.attr != "node" and id(node) not in called
    }
    return any(
        (bool(asked) and name in _CHANGING) or (name in asked and isinstance(node, ast.Name) and id(node) not in read)
        for node in nodes
        for name in _named(node)
    )


_CHANGING = frozenset(("Aspects", "construct", "children"))
"""What code calls that changes things of a stack that it asks for, or looks for them; without any they are its own."""


def _looks_into_the_app(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr in ("root", "scope", "scopes") or (node.attr == "node" and _is_scope(node.value))
    # An aspect of the app visits the stacks, and what they have made of constructs.
    is_of = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "of"
    return is_of and any(_is_scope(child) for child in ast.iter_child_nodes(node))


def _is_scope(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in ("app", "scope")


def _of_layer(landing_zone: LandingZone, layer: Layer) -> list[Any]:
    """Returns what a layer is given: of another stack, or of the landing zone, everything that is configured."""
    # A model may hide what is secret. Of detection.yaml a stack in an account has its recorders alone.
    settings = None if layer.file == DETECTION else landing_zone.source_files[layer.file].data
    zone: list[Any] = [
        landing_zone.project.model_dump(mode="json"),
        [move.model_dump(mode="json") for move in landing_zone.moves],
    ]
    if not {*layer.code.inputs} - {ARCHIVE if layer.source else ""} <= {"account", "settings"}:
        files = {name: source_file.data for name, source_file in landing_zone.source_files.items()}
        zone += [files, landing_zone.documents]
    roles = layer.other_roles
    return [layer.name, settings, roles and roles.model_dump(), *zone]


@cache
def _common() -> list[Any]:
    """Returns the digest of the code, whatever its version, and the libraries that it calls."""
    files = sorted(path for folder in ("stacks", "strata") for path in (CHECKOUT / folder).rglob("*") if _is_read(path))
    code = hashlib.sha256()
    for path in [CHECKOUT / "main.py", *files, *([LOCK] if LOCK.exists() else [])]:
        body = path.read_bytes()
        code.update(f"{path.relative_to(CHECKOUT)} {len(body)}\n".encode() + body)
    return [code.hexdigest(), sys.version, sorted(_versions()), bool(emulator())]


def _versions() -> Iterator[str]:
    for name in _LIBRARIES:
        with suppress(PackageNotFoundError):  # one engine is installed, or the other
            yield f"{name} {version(name)}"


def _is_read(path: Path) -> bool:
    return path.is_file() and path.suffix != ".pyc"


def _is_plain(code: Code) -> bool:
    """Says whether the code of a layer reads nothing but what it is given, and nothing of it lies elsewhere."""
    folder, own = code.folder, code.package
    if folder.is_symlink() or any(path.is_symlink() for path in folder.rglob("*")):
        return False
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_bytes())):
            if not all(_is_seen(name, own) for name in _imported(node)) or _READING & {*_named(node)}:
                return False
    return True


def _is_seen(module: str, own: str) -> bool:
    return module.partition(".")[0] in _SEEN or module in (own, *_OURS) or module.startswith(f"{own}.")


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module


def _named(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.ImportFrom):
        yield from (alias.name for alias in node.names)


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset | set):
        return sorted(value)
    return dict(value) if isinstance(value, Mapping) else str(value)
