"""From the version before to this one: the first plan has nothing but the changes that CHANGELOG.md announces."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.aws.client import Aws
from tests.changelog import UNRELEASED, Version, versions
from tests.documents import CHECKOUT
from tests.scenarios.clone import Owner, git
from tests.scenarios.site import Provider, Site

BEFORE: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("version_before.yaml").read_text(encoding="utf-8"))

pytestmark = pytest.mark.only("stand-in")


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """The tree of the version before, with the packages of this one, which are the same."""
    archive, tree = tmp_path / "before.tar", tmp_path / "before"
    try:
        git(CHECKOUT, "archive", f"--output={archive}", BEFORE["commit"])
    except (AssertionError, OSError) as error:
        pytest.skip(f"this checkout does not have the commit of the version before: {error}")
    shutil.unpack_archive(archive, tree, filter="data")
    for name in (".venv", "node_modules"):
        (tree / name).symlink_to(CHECKOUT / name)
    return tree


@pytest.mark.parametrize("name", BEFORE["configurations"])
def test_an_upgrade_changes_what_the_changelog_says(
    name: str, before: Path, running_aws: Aws, provider: Provider
) -> None:
    known = {version.number for version in versions(git(CHECKOUT, "show", f"{BEFORE['commit']}:CHANGELOG.md"))}
    news = [version for version in versions() if version.number == UNRELEASED or version.number not in known]
    site = deployed(name, before, running_aws, provider)
    for file, old, new in BEFORE["configurations"][name]["after"]:
        site.edit(file, (old, new))

    planned = site.strata("plan", "--json")
    assert planned.code == 0, planned.text[-3000:]
    assert unannounced(planned.stdout, news) == []

    site.sign_in_as_administrator()  # nobody else changes the roles of github_actions
    upgraded = site.strata("deploy", "--yes")
    assert upgraded.code == 0, upgraded.text[-3000:]
    again = site.strata("plan", "--exit-code")
    assert again.code == 0, again.text[-3000:]


def deployed(name: str, before: Path, aws: Aws, provider: Provider) -> Site:
    """Deploys a configuration of the version before with its own code, as an administrator."""
    aws.restore()
    source = (before / name).rename(before / "source")
    shutil.rmtree(before / "config", ignore_errors=True)
    site = Site.of(aws, provider, source, before)
    site.sign_in_as_administrator()
    for file, old, new in BEFORE["configurations"][name]["before"]:
        site.edit(file, (old, new))
    owner = Owner(before, site)
    site.make_room()
    owner.does(sys.executable, "-m", "strata", "bootstrap", "--yes")
    aws.switch_identity_center_on(site.region)
    site.make_external_groups()
    for address in site.unmanaged():
        site.open_account(address)
    for file, text in BEFORE["configurations"][name]["added"].items():
        site.append(file, text)
    owner.strata("deploy", "--yes")  # it knows little of what passes by itself in the first hour
    aws.wait_an_hour()
    owner.does(sys.executable, "-m", "strata", "deploy", "--yes")
    aws.wait_an_hour()
    site.sign_in_as_deployer()
    return site


def unannounced(planned: str, news: list[Version]) -> list[str]:
    """Returns the changes of a plan, and of outputs in it, that no entry of the changelog announces."""
    changes = []
    for stack in json.loads(planned)["stacks"]:
        changes += [(change["action"], change["address"]) for change in stack["changes"]]
        changes += [("create", f"output.{name}") for name in stack["outputs"]]
    return [f"{action} {address}" for action, address in changes if not any(v.announces(action, address) for v in news)]
