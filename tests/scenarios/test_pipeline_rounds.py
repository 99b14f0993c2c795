"""The pipeline from end to end, as its jobs call it: a pull request, its merge, the approval, rounds, a night."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from strata.config.layers import READER
from strata.landing_zone.permissions import permissions
from strata.load import load
from tests.aws.center import STORE
from tests.aws.client import CHECKOUT
from tests.scenarios.site import SANDBOX, Run, Site, _command

pytestmark = pytest.mark.only("stand-in")

PERSON = {f"GIT_{who}_{what}": "jane@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
GROUP = ("  finops:\n", "  night-shift:\n    description: Looks after it.\n  finops:\n")
"""An edit of sso.yaml that adds a group."""


@dataclass(frozen=True)
class Clone:
    """A clone of the repository of a configuration, in which a job runs."""

    site: Site
    folder: Path

    @classmethod
    def of(cls, site: Site, origin: Path, name: str) -> Clone:
        git(origin.parent, "clone", "-q", str(origin), name)
        return cls(site, origin.parent / name)

    def runs(self, *words: str | Path) -> Run:
        """Runs pipeline/run.sh as a job does."""
        here = Site(self.site.aws, self.site.provider, self.folder)
        done = subprocess.run(
            [CHECKOUT / "pipeline/run.sh", *words],
            cwd=self.folder,
            env=here.environment(STRATA=_command("strata")),
            capture_output=True,
            text=True,
            check=False,
        )
        assert not list(self.folder.rglob("*.tfplan")), "a plan was kept"
        return Run(done.returncode, done.stdout, done.stderr)

    def plans(self, *words: str | Path) -> Path:
        """Plans with the policy of the role that plans, and returns the list."""
        with_reader(self.site)
        planned = self.runs("plan", *words)
        assert planned.code == 0, planned.text[-4000:]
        return self.folder / "pipeline.out/changes.json"

    def deploys(self, approved: Path | str) -> Run:
        """Deploys with the policies of the role that deploys."""
        self.site.sign_in_as_deployer()
        return self.runs("deploy", approved)

    def edits(self, file: str, *changes: tuple[str, str]) -> None:
        """Edits a file and commits it."""
        Site(self.site.aws, self.site.provider, self.folder).edit(file, *changes)
        git(self.folder, "commit", "-qam", "edited")


def git(folder: Path, *words: str) -> None:
    done = subprocess.run(["git", *words], cwd=folder, env={**os.environ, **PERSON}, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def with_reader(site: Site) -> None:
    """Has commands run with the policy of the role that plans, and no other permission."""
    site.aws.allow_only(permissions(load(site.config).project)[READER].text)


def repository(site: Site) -> Path:
    """Makes the repository of a configuration that is deployed, or about to be."""
    origin = site.folder / "origin"
    origin.mkdir()
    shutil.copytree(site.config, origin / "config")
    for words in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-qm", "begun")):
        git(origin, *words)
    return origin


def merged(site: Site, origin: Path, pull: Clone) -> Clone:
    """Merges what a clone has, and returns a clone of main after it."""
    git(origin, "fetch", "-q", str(pull.folder), "HEAD")
    git(origin, "merge", "-q", "--no-ff", "-m", "merged", "FETCH_HEAD")
    return Clone.of(site, origin, f"after-{pull.folder.name}")


def changes(file: Path) -> dict[str, list[str]]:
    """Returns the addresses of a list, by stack."""
    groups: list[dict[str, Any]] = json.loads(file.read_text())["groups"]
    return {stack: list(group["changes"]) for group in groups for stack in group["stacks"]}


def test_what_was_reviewed_is_approved_deployed_and_watched(shipped: Site) -> None:
    """A new account and its access are one list, one approval and one deploy."""
    origin = repository(shipped)
    pull = Clone.of(shipped, origin, "pull")
    pull.edits("organization.yaml", SANDBOX)
    before = len(shipped.aws.calls())

    reviewed = pull.plans("--base", "origin/main")
    main = merged(shipped, origin, pull)
    approved = main.plans("--reviewed", reviewed)

    assert approved.read_bytes() == reviewed.read_bytes()
    assert changes(reviewed) == {
        "organizations": ["aws_organizations_account.sandbox"],
        "sso": ["aws_ssoadmin_account_assignment.sandbox_Administrator_group_administrators"],
    }
    assert json.loads(reviewed.read_text())["later"] == []
    summary = (pull.folder / "pipeline.out/summary.md").read_text()
    assert "sandbox" in summary.partition("## Plan")[0]
    assert hashlib.sha256(reviewed.read_bytes()).hexdigest() in summary
    assert not shipped.aws.writing_calls(since=before)

    deployed = main.deploys(approved)
    assert deployed.code == 0, deployed.text[-4000:]
    assert "aws+sandbox@example.com" in shipped.accounts()
    assert changes(main.plans()) == {}

    with_reader(shipped)
    shipped.aws.wait_an_hour()
    assert main.runs("drift").code == 0
    shipped.sign_in_as_administrator()
    shipped.client("identitystore").create_group(IdentityStoreId=STORE, DisplayName="::error::$(touch x) `y`")
    with_reader(shipped)
    before = len(shipped.aws.calls())
    drifted = main.runs("drift")

    assert drifted.code == 3
    assert (main.folder / "pipeline.out/drift.txt").read_text() == drifted.stdout
    assert "made outside: group" in drifted.stdout
    assert not re.search(r"^\s*::", drifted.stdout, re.MULTILINE)
    assert not shipped.aws.writing_calls(since=before)


def test_another_list_than_the_reviewed_one_stops_and_shows_the_difference(shipped: Site) -> None:
    """Somebody else's pull request is merged in between: nothing is deployed before people have seen the whole."""
    origin = repository(shipped)
    pull, other = (Clone.of(shipped, origin, name) for name in ("pull", "other"))
    pull.edits("sso.yaml", GROUP)
    other.edits(
        "security.yaml", ("password_policy:\n  mode: on\n", "password_policy:\n  mode: on\n  minimum_length: 20\n")
    )
    reviewed = pull.plans()
    merged(shipped, origin, other)
    main = merged(shipped, origin, pull)
    before = len(shipped.aws.calls())

    with_reader(shipped)
    planned = main.runs("plan", "--reviewed", reviewed)
    refused = main.deploys(reviewed)

    assert (planned.code, refused.code) == (3, 3), planned.text[-4000:] + refused.text[-4000:]
    difference = "+ security: update aws_iam_account_password_policy.main"
    for said in (planned, refused):
        assert "not the expected" in said.stdout
        assert any(line.startswith(difference) for line in said.stdout.splitlines()), said.stdout
    assert "nothing was changed" in refused.stderr
    assert not shipped.aws.writing_calls(since=before)

    now = main.folder / "pipeline.out/changes.json"
    approved = hashlib.sha256(now.read_bytes()).hexdigest()
    deployed = main.deploys(approved)
    assert deployed.code == 0, deployed.text[-4000:]
    assert {stack: len(found) for stack, found in changes(now).items()} == {"security": 1, "sso": 1}


def test_a_first_deploy_has_a_list_for_each_round(fresh: Site) -> None:
    main = Clone.of(fresh, repository(fresh), "main")
    rounds: list[int] = []
    while not rounds or rounds[-1] == 4:
        approved = main.plans()
        rounds.append(main.deploys(approved).code)
        assert len(rounds) <= 4

    assert rounds == [4, 4, 4, 0]  # backend, organizations, security, sso
    assert changes(main.plans()) == {}
    with_reader(fresh)
    fresh.aws.wait_an_hour()
    assert main.runs("drift").code == 0
