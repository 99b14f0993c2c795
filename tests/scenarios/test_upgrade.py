"""docs/upgrading.md, typed as written by the owner of an edited clone, from an older commit to what is here now."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents import CHECKOUT, blocks, commands
from tests.scenarios.site import Run, Site
from tests.scenarios.test_layer import write_layer

PAGE = CHECKOUT / "docs/upgrading.md"
SINCE = "tests/own/test_example.py"
"""The older commit is the one that added this file: before it an owner had no layers and tests of his own."""
OWN_TEST = """
from tests.synthesized import Deployment


def test_there_is_a_topic_in_each_account(own: Deployment) -> None:
    assert {"topics_security", "topics_shared"} < set(own)
"""

pytestmark = [pytest.mark.only("stand-in"), pytest.mark.e2e]


class Owner:
    """Somebody with a clone, the landing zone that it deploys, and a terminal."""

    def __init__(self, clone: Path, site: Site) -> None:
        self.clone, self.site = clone, site

    def types(self, words: list[str], **more: str) -> Run:
        kept = {"PYTHONPATH": os.environ["PYTHONPATH"], "STRATA_CONFIG": str(self.clone / "config")}
        environment = {**self.site.environment(), **kept, **PERSON, **more}
        done = subprocess.run(
            words,
            cwd=self.clone,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return Run(done.returncode, done.stdout, done.stderr)

    def strata(self, *arguments: str) -> Run:
        return self.types([sys.executable, "-m", "strata", *arguments])

    def does(self, *words: str) -> None:
        done = self.types(list(words))
        assert done.code == 0, done.text[-3000:]


PERSON = {f"GIT_{role}_{what}": "owner@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
PERSON |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, env={**os.environ, **PERSON}, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    """A repository with two commits: the older one, and what is here now."""
    try:
        old = _git(CHECKOUT, "log", "--diff-filter=A", "--format=%H", "-1", "--", SINCE).strip()
        files = _git(CHECKOUT, "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
        archive = tmp_path / "old.tar"
        _git(CHECKOUT, "archive", f"--output={archive}", old)
    except AssertionError as error:
        pytest.skip(f"this checkout has no older commit: {error}")
    folder = tmp_path / "upstream"
    folder.mkdir()
    shutil.unpack_archive(archive, folder, filter="data")
    _git(folder, "init", "-q", "-b", "main")
    _git(folder, "add", "-A")
    _git(folder, "commit", "-q", "-m", "older")
    _git(folder, "rm", "-rq", ".")
    for name in files:
        if (CHECKOUT / name).is_file() and not re.match(r"config/|tests/own/|stacks/layers/\w+/", name):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / name, folder / name)
    _git(folder, "checkout", "-q", "HEAD", "--", "config", "tests/own")
    _git(folder, "add", "-A")
    _git(folder, "commit", "-q", "--allow-empty", "-m", "now")
    return folder


@pytest.fixture
def owner(upstream: Path, shipped: Site, tmp_path: Path) -> Owner:
    """The owner of a clone of the older commit: his configuration, a layer and a test of his own, all deployed."""
    clone = tmp_path / "clone"
    _git(tmp_path, "clone", "-q", str(upstream), str(clone))
    _git(clone, "reset", "-q", "--hard", "HEAD^")
    shutil.rmtree(clone / "config")
    shutil.copytree(shipped.config, clone / "config")
    write_layer(clone, "topics")
    (clone / "config/layers").mkdir()
    (clone / "config/layers/topics.yaml").write_text("name: events\n")
    (clone / "tests/own/test_topics.py").write_text(OWN_TEST)
    with (clone / "README.md").open("a") as readme:
        readme.write("\nThis is the landing zone of Acme.\n")
    _git(clone, "add", "config", "stacks/layers", "tests/own", "README.md")
    _git(clone, "commit", "-q", "-m", "Ours")
    for name in (".venv", "node_modules"):
        (clone / name).symlink_to(CHECKOUT / name)
    found = Owner(clone, shipped)
    deployed = found.strata("deploy", "--yes")
    assert deployed.code == 0, deployed.text[-3000:]
    return found


def test_an_edited_clone_is_upgraded_as_the_page_says(owner: Owner, upstream: Path) -> None:
    """What is the owner's stays, the code is the new one, and the plan loses nothing."""
    remote, merge, look, deploy, template = (
        list(commands(block.text)) for block in blocks(PAGE) if block.language in ("text", "sh", "bash")
    )
    ours = {name: (owner.clone / name).read_bytes() for name in _git(owner.clone, "ls-files", *OURS).splitlines()}

    _git(upstream.parent, "init", "-q", "--bare", "-b", "main", "own.git")
    for line in (*remote, "\n".join(merge)):
        owner.does("sh", "-eu", "-c", line.replace("<your own repository>", str(upstream.parent / "own.git")))
    assert _git(owner.clone, "remote").split() == ["origin", "upstream"]

    assert {name: (owner.clone / name).read_bytes() for name in ours} == ours
    assert _git(owner.clone, "ls-files", *OURS).splitlines() == list(ours)
    changed = _git(
        owner.clone, "diff", "--name-only", "upstream/main", "HEAD", "--", "strata", ":(glob)stacks/*.py", "main.py"
    )
    assert changed.split() == [], "the code is upstream's"
    assert (owner.clone / "README.md").read_text().endswith("This is the landing zone of Acme.\n")

    assert look == ["make setup", "strata check", "make own", "strata plan"]
    owner.does(sys.executable, "-m", "strata", "check")
    owner.does(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/own")
    planned = owner.strata("plan", "--exit-code")
    assert planned.code in (0, 3), planned.text[-3000:]
    assert not {"delete", "replace", "forget"}.intersection(planned.stdout.split()), planned.stdout
    assert deploy == ["strata deploy"]
    if planned.code == 3:
        owner.does(sys.executable, "-m", "strata", "deploy", "--yes")
        planned = owner.strata("plan", "--exit-code")
    assert planned.code == 0, planned.stdout
    for line in template:
        owner.does("sh", "-eu", "-c", line)


OURS = ("config", "tests/own", "stacks/layers/topics")
