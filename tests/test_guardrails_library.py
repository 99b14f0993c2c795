"""The guardrails to copy from examples/: each keeps its expectations, and no statement of it is idle."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from strata.config.entries import with_entry
from strata.config.models import PolicyType
from strata.files.template import TEMPLATE
from strata.landing_zone import LandingZone
from strata.load import load
from strata.rules.expectations import examined
from tests.conftest import Golden
from tests.documents import CHECKOUT, with_rows
from tests.mutants import Mutant, breaks_an_expectation, edited
from tests.synthesized import synthesize

FOLDER = CHECKOUT / "examples/guardrails"


@dataclass(frozen=True)
class Guardrail:
    """A guardrail to copy: its document, its entry, its expectations, what it breaks."""

    key: str
    entry: dict[str, Any]
    expectations: list[dict[str, Any]]
    breaks: str

    @property
    def type(self) -> PolicyType:
        return PolicyType(self.entry["type"])

    @property
    def document(self) -> Path:
        return FOLDER / f"{self.key}.json"


def guardrail_of(path: Path) -> Guardrail:
    text = path.read_text(encoding="utf-8")
    organization, *expectations = yaml.safe_load_all(text)
    _, breaks, *_ = text.splitlines()
    entry = organization["policies"][path.stem]
    return Guardrail(path.stem, entry, expectations[0] if expectations else [], breaks.removeprefix("# Breaks: "))


GUARDRAILS = [guardrail_of(path) for path in sorted(FOLDER.glob("*.yaml"))]
ASKED = (PolicyType.SERVICE_CONTROL, PolicyType.RESOURCE_CONTROL)
"""The types that requests are held against, so that an expectation can ask."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Returns a copy of the configuration to begin with."""
    return Path(shutil.copytree(TEMPLATE, tmp_path / "config"))


def bare(folder: Path) -> Path:
    """Returns the configuration to begin with, without any policy, so that no other one hides what a policy does."""
    shutil.copytree(TEMPLATE, folder, ignore=shutil.ignore_patterns("expectations.yaml", "policies"))
    shutil.copytree(TEMPLATE / "policies", folder / "policies", ignore=shutil.ignore_patterns("deny-*", "protect-*"))
    text = (folder / "organization.yaml").read_text()
    before, _, rest = text.partition("policies:\n")
    (folder / "organization.yaml").write_text(f"{before}{rest[rest.index('delegated') :]}")
    return folder


def copy(folder: Path, guardrail: Guardrail, **targets: Any) -> None:
    """Copies a guardrail into a configuration, as somebody does by hand."""
    shutil.copy(guardrail.document, folder / guardrail.entry["file"])
    entry = {**guardrail.entry, "targets": targets} if targets else guardrail.entry
    file = folder / "organization.yaml"
    file.write_text(with_entry(file.read_text(), ("policies",), {guardrail.key: entry}, "organization.yaml"))
    there = folder / "expectations.yaml"
    text = there.read_text() if there.exists() else ""
    for expectation in guardrail.expectations:
        text = with_entry(text, (), [expectation], "expectations.yaml")
    if text:
        there.write_text(text)


@pytest.mark.parametrize("guardrail", GUARDRAILS, ids=lambda one: one.key)
def test_each_keeps_its_expectations_and_every_mutant_of_it_is_caught(guardrail: Guardrail, tmp_path: Path) -> None:
    folder = bare(tmp_path / "config")
    copy(folder, guardrail)
    zone = load(folder)
    kept = {entry.id for entry in zone.expectations}

    assert [result.expectation.id for result in examined(zone) if not result.holds] == []
    assert kept == {entry["id"] for entry in guardrail.expectations}
    assert bool(kept) == (guardrail.type in ASKED)
    assert [mutant.name for mutant in mutants(guardrail, zone) if not breaks_an_expectation(zone, mutant.after)] == []


def mutants(guardrail: Guardrail, zone: LandingZone) -> list[Mutant]:
    """Returns one with each statement removed and one with it exempting another role."""
    if guardrail.type not in ASKED:
        return []
    file = guardrail.entry["file"]
    document = json.loads(zone.documents[file])
    found = []
    edits = {"removed": None} | (
        {} if any("as" in entry for entry in guardrail.expectations) else {"with an exempt role": exempt}
    )
    for index, statement in enumerate(document["Statement"]):
        for words, edit in edits.items():
            after = replace(zone, documents={**zone.documents, file: json.dumps(edited(document, index, edit))})
            found.append(Mutant(f"{statement['Sid']} {words}", zone, after, True))
    return found


def exempt(statement: dict[str, object]) -> None:
    """Lets a role through that a policy does not name."""
    condition = statement.setdefault("Condition", {})
    condition.setdefault("StringNotLike", {})["aws:PrincipalArn"] = "arn:*:iam::*:role/Mutant"  # type: ignore[attr-defined]


def test_all_stand_beside_what_is_shipped(folder: Path, tmp_path: Path) -> None:
    """All of it synthesizes, in the slots that AWS has, and breaks no way to repair an account."""
    places = [{"root": True}] * 2 + [{"organizational_units": ["shared"]}] * 3 + [{"accounts": ["shared"]}] * 8
    places += [{"organizational_units": ["security"]}] * 3 + [{"accounts": ["security"]}] * 8
    control = iter(places)
    for guardrail in GUARDRAILS:
        targets = next(control) if guardrail.type is PolicyType.SERVICE_CONTROL else {"root": True}
        copy(folder, replace(guardrail, expectations=[]), **targets)
    policies = synthesize(folder, tmp_path / "out")["organizations"].all("aws_organizations_policy")

    assert {one.key: one.type for one in GUARDRAILS}.items() <= {
        key: policy["type"] for key, policy in policies.items()
    }.items()
    assert [key for key, policy in policies.items() if "{{" in policy["content"]] == []


def test_each_document_has_its_entry() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == {one.key for one in GUARDRAILS}
    assert len(GUARDRAILS) == 29


def test_the_page_lists_them(golden: Golden) -> None:
    page = (CHECKOUT / "docs/guardrails.md").read_text(encoding="utf-8")
    types = {"SERVICE_CONTROL_POLICY": "SCP", "RESOURCE_CONTROL_POLICY": "RCP"}
    rows = [
        f"| [`{one.key}`](../examples/guardrails/{one.key}.yaml) | {types.get(one.type, one.type)} | "
        f"{one.entry['description']} | {one.breaks} |"
        for one in GUARDRAILS
    ]

    golden("../../docs/guardrails.md", with_rows(page, "| Guardrail | Type | What it does | What it breaks |", rows))
