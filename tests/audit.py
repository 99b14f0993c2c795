"""Audits what the locks install: licences, and known vulnerabilities where an advisory database answers.

`make audit` runs it. It exits with 1 on a licence that nobody allowed and on a vulnerability that nobody accepted; with
--strict it exits with 3 where the database did not answer.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Literal, NamedTuple

import yaml
from packaging.markers import Marker
from pydantic import BaseModel, ConfigDict, ValidationError

from strata.printing import line
from strata.terraform.tools import CHECKOUT
from strata.text import counted

ADVISORIES = "https://api.osv.dev/v1/querybatch"
"""It has the advisories of PyPI, npm and GitHub, see https://google.github.io/osv.dev/post-v1-querybatch/ ."""
RULES = "requirements/audit.yaml"
CDKTN_LOCK = "requirements/cdktn/package-lock.json"
CDKTN_ENVIRONMENT = ".venv-cdktn"

Ecosystem = Literal["PyPI", "npm"]


def main(arguments: Sequence[str]) -> int:
    """Prints what was found; returns the exit code."""
    options = _options(arguments)
    try:
        rules = read_rules(options.checkout / RULES)
        packages = [*python_packages(options.checkout), *node_packages(options.checkout)]
    except _UnreadableError as error:
        print(line(f"error: {error}"), file=sys.stderr)
        return 1
    faults = [*licence_faults(packages, rules), *stale_reviews(packages, rules)]
    print(line(f"licences: {counted(len({one.name for one in packages}), 'package')}: {summary(packages, rules)}"))
    answered = True
    try:
        known = advisories(packages, options.advisories)
    except _UnansweredError as error:
        answered = False
        print(line(f"known vulnerabilities: could not ask {options.advisories}: {error}"), file=sys.stderr)
    else:
        faults += vulnerability_faults(known, rules)
        print(line(f"known vulnerabilities: {options.advisories} knows {len(known)} of these versions"))
    for fault in faults:
        print(line(f"error: {fault}"), file=sys.stderr)
    if faults:
        return 1
    return 3 if options.strict and not answered else 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make audit", description=__doc__)
    parser.add_argument("--advisories", default=ADVISORIES, help="an address that answers as OSV's querybatch does")
    parser.add_argument("--strict", action="store_true", help="exit with 3 if it does not answer")
    parser.add_argument("--checkout", type=Path, default=CHECKOUT, help="the folder with the locks")
    return parser.parse_args(arguments)


class _UnreadableError(Exception):
    """A lock or the rules cannot be read as what they are."""


class _UnansweredError(Exception):
    """The database gave no answer that can be used."""


# The rules


class Rules(BaseModel):
    """What requirements/audit.yaml says."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    allowed: dict[str, str]
    spelled: dict[str, str]
    reviewed: dict[Ecosystem, dict[str, str]]
    accepted: dict[str, str]


def read_rules(file: Path) -> Rules:
    try:
        return Rules.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, yaml.YAMLError) as error:
        reasons = error.errors() if isinstance(error, ValidationError) else ()
        said = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg'].lower()}" for one in reasons)
        raise _UnreadableError(f"{RULES}: {said or ' '.join(str(error).split())}") from error


# What the locks install


@dataclass(frozen=True)
class Package:
    """One pinned package, with what its installed metadata says of its licence, if it is installed."""

    ecosystem: Ecosystem
    name: str
    version: str
    where: str
    licence: str = ""
    installed: str = ""
    """The version that is installed, empty if none is."""


_PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)\s*(?:;([^\\]*))?\\?")


def python_packages(checkout: Path) -> Iterator[Package]:
    """Yields every package of requirements/*.txt, in each file that has it; `make cdktn` has an environment of its own.

    Raises:
        _UnreadableError: a line is neither a pin nor the hash of one, or there is no lock.
    """
    files = sorted((checkout / "requirements").glob("*.txt"))
    if not files:
        raise _UnreadableError("requirements/: no lock; run `make lock`")
    cdktn = [str(folder) for folder in checkout.glob(f"{CDKTN_ENVIRONMENT}/lib/python*/site-packages")]
    for file in files:
        places = cdktn if file.name.startswith("cdktn") else None
        for number, text in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            if not text.strip() or text.startswith(("    --hash=sha256:", "#")):
                continue
            where = f"requirements/{file.name}:{number}"
            pin = _PIN.fullmatch(text.strip())
            if not pin:
                raise _UnreadableError(f"{where}: {text.strip()!r} is no pin of a version; run `make lock`")
            licence, installed = _installed(pin[1], places or sys.path)
            if places == [] and installed != pin[2]:  # that of the other environment says nothing of this version
                licence = installed = ""
            if pin[3] and not Marker(pin[3].strip()).evaluate():  # a pin for other machines; here another one holds
                installed = ""
            yield Package("PyPI", _normalized(pin[1]), pin[2], where, licence, installed)


def _normalized(name: str) -> str:
    """Returns a name as PyPI compares them, see https://packaging.python.org/specifications/name-normalization/ ."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _installed(name: str, places: list[str]) -> tuple[str, str]:
    """Returns licence and version of a package in an environment, both empty if it is not there."""
    found = next(iter(distributions(name=name, path=places)), None)
    if found is None:
        return "", ""
    metadata = found.metadata
    classifiers = [
        text.rpartition(" :: ")[2] for text in metadata.get_all("Classifier") or () if text.startswith("License :: ")
    ]
    named = [text for text in classifiers if text != "OSI Approved"]
    said = [metadata[field] for field in ("License-Expression", "License") if field in metadata]
    # The whole text of a licence stands there as well, in older packages.
    short = [text for text in said if text and text not in {"UNKNOWN", "Dual License"} and "\n" not in text]
    return short[0] if short else " AND ".join(named), metadata["Version"]


def node_packages(checkout: Path) -> Iterator[Package]:
    """Yields every package of both locks; one that is not for this platform has the licence that stands there.

    Raises:
        _UnreadableError: a lock has another form.
    """
    yield from _node_lock(checkout, "package-lock.json", checkout)
    if (checkout / CDKTN_LOCK).exists():
        yield from _node_lock(checkout, CDKTN_LOCK, checkout / CDKTN_ENVIRONMENT)


def _node_lock(checkout: Path, name: str, folder: Path) -> Iterator[Package]:
    try:
        packages = json.loads((checkout / name).read_text(encoding="utf-8"))["packages"]
        found = [(path, entry) for path, entry in packages.items() if path and not entry.get("link")]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _UnreadableError(f"{name}: no list of packages ({error}); run `make lock`") from error
    for path, entry in found:
        where = f"{name}: {path}"
        metadata = _package_json(folder / path / "package.json", where)
        yield Package(
            "npm",
            entry.get("name") or path.rpartition("node_modules/")[2],
            entry.get("version", ""),
            where,
            _licence(metadata or entry),
            metadata.get("version", ""),
        )


def _package_json(file: Path, where: str) -> dict[str, Any]:
    """Returns what an installed package says of itself, empty if it is not installed."""
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        found.keys()
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as error:
        raise _UnreadableError(f"{where}: its package.json cannot be read ({error})") from error
    return found


def _licence(metadata: dict[str, Any]) -> str:
    """Returns what a package.json says, in the form of today or one of the older two."""
    said = metadata.get("license") or metadata.get("licenses") or ""
    parts = said if isinstance(said, list) else [said]
    return " OR ".join(str(one.get("type", "")) if isinstance(one, dict) else str(one) for one in parts)


# Licences


def licence_faults(packages: Sequence[Package], rules: Rules) -> Iterator[str]:
    """Yields a line for each package with another licence than the allowed ones, or another version than its lock."""
    for package in packages:
        pinned = f"{package.where}: {package.name} {package.version}"
        if package.installed and _version(package.installed) != _version(package.version):
            yield f"{pinned}: {package.installed} is installed; run `make dev`"
        elif package.name in rules.reviewed.get(package.ecosystem, {}):
            continue
        elif not package.licence:
            why = "names no licence" if package.installed else "is not installed here"
            yield f"{pinned}: {why}; read its licence, and write it below `reviewed.{package.ecosystem}` in {RULES}"
        elif not allowed(package.licence, rules):
            yield (
                f"{pinned}: licence {package.licence!r} is not allowed; replace the package, or write the licence "
                f"below `allowed` in {RULES}, with the reason"
            )


def _version(text: str) -> str:
    """Returns a version without what an equal one may be written with."""
    return text.lower().removeprefix("v")


def allowed(licence: str, rules: Rules) -> str:
    """Returns the first alternative of an SPDX expression of which all licences are allowed, empty if there is none.

    An expression with brackets inside is not taken apart, and so is not allowed.
    """
    inner = licence[1:-1] if licence.startswith("(") and licence.endswith(")") else licence
    whole = _spelled(inner, rules)
    if "(" in whole or ")" in whole:
        return ""
    for one in re.split(r" OR ", whole, flags=re.IGNORECASE):
        parts = [_spelled(part, rules) for part in re.split(r" AND ", one, flags=re.IGNORECASE)]
        if all(part in rules.allowed for part in parts):
            return " and ".join(parts)
    return ""


def _spelled(licence: str, rules: Rules) -> str:
    name = licence.strip()
    return rules.spelled.get(name, name)


def stale_reviews(packages: Sequence[Package], rules: Rules) -> Iterator[str]:
    """Yields a line for each reviewed package that no lock has any more."""
    locked = {(package.ecosystem, package.name) for package in packages}
    for ecosystem, names in rules.reviewed.items():
        for name in names:
            if (ecosystem, name) not in locked:
                yield f"{RULES}: reviewed.{ecosystem}.{name}: no lock has it; remove the line"


def summary(packages: Sequence[Package], rules: Rules) -> str:
    """Returns how many packages have which licence, the most frequent first."""
    each = {(one.ecosystem, one.name): one for one in packages}.values()
    counts = Counter(
        "reviewed"
        if one.name in rules.reviewed.get(one.ecosystem, {})
        else allowed(one.licence, rules) or "not allowed"
        for one in each
    )
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items(), key=lambda one: (-one[1], one)))


# Known vulnerabilities


class Version(NamedTuple):
    """A package as the database knows it."""

    ecosystem: Ecosystem
    name: str
    version: str


_MOST = 1000
"""Questions of one request."""
_PAGES = 20
_SECONDS = 20
_BYTES = 32 * 1024 * 1024


def advisories(packages: Sequence[Package], address: str) -> dict[Version, set[str]]:
    """Asks the database for the advisories of each version; names and versions are all it gets.

    Raises:
        _UnansweredError: it does not answer, or not in its form.
    """
    left = [(version, "") for version in sorted({Version(one.ecosystem, one.name, one.version) for one in packages})]
    known: dict[Version, set[str]] = {}
    for _ in range(_PAGES):
        more = []
        for start in range(0, len(left), _MOST):
            asked = left[start : start + _MOST]
            for (version, _), (found, token) in zip(asked, _ask(asked, address), strict=True):
                if found:
                    known.setdefault(version, set()).update(found)
                if token:
                    more.append((version, token))
        left = more
        if not left:
            return known
    raise _UnansweredError(f"more than {_PAGES} pages of answers")


def _ask(asked: Sequence[tuple[Version, str]], address: str) -> list[tuple[list[str], str]]:
    """Returns for each question the ids of advisories, and the token of the next page if there is one."""
    queries = [
        {"package": {"ecosystem": one.ecosystem, "name": one.name}, "version": one.version}
        | ({"page_token": token} if token else {})
        for one, token in asked
    ]
    if not address.startswith(("https://", "http://")):
        raise _UnansweredError("it is no address of the web")
    request = urllib.request.Request(
        address, json.dumps({"queries": queries}).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as response:
            results = json.loads(response.read(_BYTES))["results"]
        answers = [
            ([str(one["id"]) for one in result.get("vulns") or ()], str(result.get("next_page_token") or ""))
            for result in results
        ]
    except urllib.error.HTTPError as error:
        raise _UnansweredError(str(error)) from error
    except urllib.error.URLError as error:
        raise _UnansweredError(str(error.reason)) from error
    except (OSError, http.client.HTTPException) as error:
        raise _UnansweredError(str(error) or type(error).__name__) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _UnansweredError("its answer is none of this database") from error
    if len(answers) != len(asked):
        raise _UnansweredError(f"{len(asked)} questions have {len(answers)} answers")
    return answers


def vulnerability_faults(known: dict[Version, set[str]], rules: Rules) -> Iterator[str]:
    """Yields a line for each version with advisories that nobody accepted."""
    for version, ids in sorted(known.items()):
        if left := sorted(ids - rules.accepted.keys()):
            yield (
                f"{version.ecosystem}: {version.name} {version.version}: {', '.join(left)}; update it, or write each "
                f"id below `accepted` in {RULES}, with the reason; https://osv.dev/{left[0]} says more"
            )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
