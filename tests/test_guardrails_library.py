"""The library of guardrails: each is added as it is offered, keeps its expectations, and no statement of it is idle."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from strata.commands.add import run
from strata.commands.add.guardrails import guardrail_additions, guardrail_document
from strata.config.entries import with_entry
from strata.config.models import PolicyType
from strata.errors import StrataError
from strata.files.library import Guardrail, library
from strata.files.template import TEMPLATE
from strata.landing_zone import LandingZone
from strata.landing_zone.units import Target
from strata.load import load
from strata.options import Options
from strata.rules.expectations import examined
from tests.mutants import Mutant, breaks_an_expectation, edited
from tests.said import Said
from tests.synthesized import synthesize


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Returns a copy of the configuration to begin with."""
    return Path(shutil.copytree(TEMPLATE, tmp_path / "config"))


ASKED = (PolicyType.SERVICE_CONTROL, PolicyType.RESOURCE_CONTROL)
"""The types that requests are held against, so that an expectation can ask."""
IDS = [*library()]


def bare(folder: Path) -> Path:
    """Returns the configuration to begin with, without any policy, so that no other one hides what a policy does."""
    shutil.copytree(TEMPLATE, folder, ignore=shutil.ignore_patterns("expectations.yaml", "policies"))
    shutil.copytree(TEMPLATE / "policies", folder / "policies", ignore=shutil.ignore_patterns("deny-*", "protect-*"))
    text = (folder / "organization.yaml").read_text()
    before, _, rest = text.partition("policies:\n")
    (folder / "organization.yaml").write_text(f"{before}{rest[rest.index('delegated') :]}")
    return folder


def add(folder: Path, kind: str, key: str, **more: object) -> int:
    place = {"attach" if kind == "policy" else "place": more.pop("at", ["root"])}
    return run(Options(config=folder), kind=kind, given={"key": key, **place}, json=False, dry_run=False, yes=True)  # type: ignore[arg-type]


@pytest.mark.parametrize("guardrail", library().values(), ids=IDS)
def test_each_keeps_its_expectations_and_every_mutant_of_it_is_caught(guardrail: Guardrail, tmp_path: Path) -> None:
    folder = bare(tmp_path / "config")
    assert add(folder, "policy", guardrail.key) == 0
    zone = load(folder)
    kept = {entry.id for entry in zone.expectations}

    assert [result.expectation.id for result in examined(zone) if not result.holds] == []
    assert kept == {entry["id"] for entry in guardrail.expectations}
    assert bool(kept) == (guardrail.type in ASKED)
    assert (folder / guardrail.file).exists() == (not guardrail.option)
    assert [mutant.name for mutant in mutants(guardrail, zone) if not breaks_an_expectation(zone, mutant.after)] == []


def mutants(guardrail: Guardrail, zone: LandingZone) -> list[Mutant]:
    """Returns one with each statement removed and one with it exempting another role; of an option, one without it."""
    if guardrail.type not in ASKED:
        return []
    if guardrail.option:
        less = zone.organization.model_copy(update={guardrail.option: None})
        return [Mutant(f"{guardrail.key}: gone", zone, replace(zone, organization=less), True)]
    document = json.loads(zone.documents[guardrail.file])
    found = []
    edits = {"removed": None} | (
        {} if any("as" in entry for entry in guardrail.expectations) else {"with an exempt role": exempt}
    )
    for index, statement in enumerate(document["Statement"]):
        for words, edit in edits.items():
            after = replace(
                zone, documents={**zone.documents, guardrail.file: json.dumps(edited(document, index, edit))}
            )
            found.append(Mutant(f"{statement['Sid']} {words}", zone, after, True))
    return found


def exempt(statement: dict[str, object]) -> None:
    """Lets a role through that a policy does not name."""
    condition = statement.setdefault("Condition", {})
    condition.setdefault("StringNotLike", {})["aws:PrincipalArn"] = "arn:*:iam::*:role/Mutant"  # type: ignore[attr-defined]


def test_the_whole_library_stands_beside_what_is_shipped(folder: Path, tmp_path: Path) -> None:
    """All of it synthesizes, in the slots that AWS has, and breaks no expectation and no way to repair an account."""
    zone, files = (
        load(folder),
        {name: (folder / name).read_text() for name in ("organization.yaml", "expectations.yaml")},
    )
    keys = [key for key in IDS if key not in zone.policies]
    places = [*(["root"] * 9), *(["ou/shared"] * 5), *(["account/shared"] * 9), *(["ou/security"] * 5)]
    control = iter(places)
    for key in keys:
        place = next(control) if library()[key].type is PolicyType.SERVICE_CONTROL else "root"
        known = {"key": key, "attach": (_target(place),), "file": "organization.yaml"}
        for new in guardrail_additions("policy", zone, known):
            files[new.file] = with_entry(files[new.file], new.way, new.new, new.file)
        for file, content in guardrail_document("policy", folder, known).items():
            (folder / file).write_text(content)
    for name, text in files.items():
        (folder / name).write_text(text)
    policies = synthesize(folder, tmp_path / "out")["organizations"].all("aws_organizations_policy")

    assert {key: policy["type"] for key, policy in policies.items()} == {
        key: one.type for key, one in library().items()
    }
    assert [key for key, policy in policies.items() if "{{" in policy["content"]] == []
    assert [result.expectation.id for result in examined(load(folder)) if not result.holds] == []


def _target(place: str) -> Target:
    kind, _, key = place.partition("/")
    return Target("unit" if kind == "ou" else "account", key) if key else Target("root", "root")


def test_what_is_there_is_not_added_again(folder: Path, said: Said) -> None:
    """A policy or an option with the key, another document at its path, a name the library has not, two of a name."""
    for file in ("deny-iam-users", "require-tls", "keep-backups"):
        (folder / f"policies/{file}.json").write_bytes(
            {"deny-iam-users": b"{}", "require-tls": b"\xff"}.get(file, b"{")
        )
    (folder / "policies/keep-flow-logs.json").symlink_to(folder.parent / "nowhere.json")
    for key in ("require-tls", "keep-backups", "keep-flow-logs"):
        with pytest.raises(StrataError) as error:
            add(folder, "policy", key, at=["root"])
        assert said.ids(error.value) == ["file-differs"]
    cases = {
        "key-taken": ("policy", "deny-root-user", ["root"]),
        "file-differs": ("policy", "deny-iam-users", ["root"]),
        "unknown-name": ("policy", "deny-iam-user", ["root"]),
        "key-of-two": ("policy", "ai-opt-out", ["shared"]),
    }
    for id, (kind, key, at) in cases.items():
        with pytest.raises(StrataError) as error:
            add(folder, kind, key, at=at)
        assert said.ids(error.value) == [id]


def test_an_expectation_that_does_not_hold_is_not_added(folder: Path, said: Said) -> None:
    before = (folder / "expectations.yaml").read_bytes()
    with pytest.raises(StrataError) as error:
        add(folder, "expectation", "no-passwords-of-iam-users")

    assert "refused-by-check" in said.ids(error.value)
    assert (folder / "expectations.yaml").read_bytes() == before
    assert add(folder, "policy", "deny-iam-users", at=["root"]) == 0
    assert load(folder).expectations[-1].id == "no-passwords-of-iam-users"


def test_an_expectation_of_another_account_is_written_in_the_words_of_the_configuration(folder: Path) -> None:
    """Its own roles and whoever administers the security services are left out, as the policy leaves them out."""
    bare_one = bare(folder.parent / "bare")
    project = (bare_one / "project.yaml").read_text().replace("short_name: ex", "short_name: nw")
    (bare_one / "project.yaml").write_text(f"{project}exempt_roles:\n  - AWSControlTowerExecution\n")
    text = (bare_one / "organization.yaml").read_text()
    (bare_one / "organization.yaml").write_text(text.replace("amazonaws.com: security", "amazonaws.com: shared"))
    assert add(bare_one, "policy", "protect-foundation", at=["ou/shared", "ou/security"]) == 0
    entries = {entry.id: entry for entry in load(bare_one).expectations}
    entry, recorded = entries["findings-keep-coming"], entries["security-services-stay-on"].except_

    assert recorded
    assert recorded.as_[1:] == ("role/nw-baseline", "role/AWSControlTowerExecution")
    assert entry.in_ == ("root",), "attached to every unit"
    assert entry.except_
    assert entry.except_.in_ == ("shared",)
    assert entry.except_.as_[-1] == "role/AWSControlTowerExecution"


BASELINE = """settings:
  root:
    ebs_encryption: {mode: on}
    document_public_access: {mode: on}
    roles: {deploy: {trust: {github: {repository: acme/app, repository_id: "1", owner_id: "2", branch: main}}}}
"""
TAKEN_BACK = {"ec2:DisableEbsEncryptionByDefault"}
"""What the baseline may do only to end what it set."""
