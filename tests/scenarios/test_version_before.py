"""From the version before to this one: the first plan has nothing but the changes that CHANGELOG.md announces."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.aws.client import Aws
from tests.changelog import UNRELEASED, Version, versions
from tests.documents import CHECKOUT
from tests.scenarios.before import Defaults, bootstrapped, checkout
from tests.scenarios.clone import git
from tests.scenarios.site import Provider, Site

BEFORE: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("version_before.yaml").read_text(encoding="utf-8"))

DEFAULTS = {
    "strata/template": Defaults("shared", "deny-root-user", "jane-doe", "finops", "FinOps"),
    "tests/company": Defaults("data-dev", "data-perimeter", "jonas-brandt", "finance", "Billing"),
}
NOW = {"config": "strata/template"}
"""Where this version has a configuration."""

pytestmark = pytest.mark.only("stand-in")


@pytest.mark.parametrize("name", BEFORE["configurations"])
def test_an_upgrade_changes_what_the_changelog_says(
    name: str, tmp_path: Path, running_aws: Aws, provider: Provider
) -> None:
    """The deploy that upgrades puts back what has a default, too, and leaves nothing to do."""
    known = {version.number for version in versions(git(CHECKOUT, "show", f"{BEFORE['commit']}:CHANGELOG.md"))}
    news = [version for version in versions() if version.number == UNRELEASED or version.number not in known]
    site = deployed(name, tmp_path, running_aws, provider)
    for file, old, new in BEFORE["configurations"][name]["after"]:
        site.edit(file, (old, new))

    planned = site.strata("plan", "--json")
    assert planned.code == 0, planned.text[-3000:]
    assert unannounced(planned.stdout, news) == []

    DEFAULTS[NOW.get(name, name)].put_back(site)


def deployed(name: str, folder: Path, aws: Aws, provider: Provider) -> Site:
    """Deploys a configuration of the version before with its own code, as an administrator."""
    its = BEFORE["configurations"][name]
    tree = checkout(BEFORE["commit"], folder)
    for file, old, new in its["before"]:
        text = (tree / name / file).read_text()
        assert text.count(old) == 1
        (tree / name / file).write_text(text.replace(old, new))
    for file, text in its["added"].items():
        with (tree / name / file).open("a") as opened:
            opened.write(f"\n{text}")
    owner, _ = bootstrapped(tree, name, CHECKOUT / NOW.get(name, name), aws, provider)
    owner.strata("deploy", "--yes")  # it knows little of what passes by itself in the first hour
    aws.wait_an_hour()
    owner.does(sys.executable, "-m", "strata", "deploy", "--yes")
    aws.wait_an_hour()
    return owner.site


def unannounced(planned: str, news: list[Version]) -> list[str]:
    """Returns the changes of a plan, and of outputs in it, that no entry of the changelog announces."""
    changes = []
    for stack in json.loads(planned)["stacks"]:
        changes += [(change["action"], change["address"]) for change in stack["changes"]]
        changes += [("create", f"output.{name}") for name in stack["outputs"]]
    return [f"{action} {address}" for action, address in changes if not any(v.announces(action, address) for v in news)]
