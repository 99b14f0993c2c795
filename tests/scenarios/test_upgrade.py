"""docs/upgrading.md, typed as written by the owner of an edited clone, from an older commit to what is here now."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.documents import CHECKOUT, blocks, commands
from tests.scenarios.clone import Owner, git
from tests.scenarios.layers import write_layer
from tests.scenarios.site import Site

PAGE = CHECKOUT / "docs/upgrading.md"
SINCE = "tests/own/test_example.py"
"""The older commit is the one that added this file: before it an owner had no layers and tests of his own."""
OWN_TEST = """
from tests.synthesized import Deployment


def test_there_is_a_topic_in_each_account(own: Deployment) -> None:
    assert {"topics_security", "topics_shared"} < set(own)
"""

pytestmark = pytest.mark.only("stand-in")


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    """A repository with two commits: the older one, and what is here now."""
    try:
        old = git(CHECKOUT, "log", "--diff-filter=A", "--format=%H", "-1", "--", SINCE).strip()
        files = git(CHECKOUT, "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
        archive = tmp_path / "old.tar"
        git(CHECKOUT, "archive", f"--output={archive}", old)
    except AssertionError as error:
        pytest.skip(f"this checkout has no older commit: {error}")
    folder = tmp_path / "upstream"
    folder.mkdir()
    shutil.unpack_archive(archive, folder, filter="data")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "older")
    git(folder, "rm", "-rq", ".")
    for name in files:
        if (CHECKOUT / name).is_file() and not re.match(r"config/|tests/own/|stacks/layers/\w+/", name):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / name, folder / name)
    git(folder, "checkout", "-q", "HEAD", "--", "config", "tests/own")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", "now")
    return folder


@pytest.fixture
def owner(upstream: Path, shipped: Site, tmp_path: Path) -> Owner:
    """The owner of a clone of the older commit: his configuration, a layer and a test of his own, all deployed."""
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(upstream), str(clone))
    git(clone, "reset", "-q", "--hard", "HEAD^")
    policy = clone / "config/policies/protect-foundation.json"
    of_then = policy.read_text()  # that of now has a placeholder which the older commit does not know
    shutil.rmtree(clone / "config")
    shutil.copytree(shipped.config, clone / "config")
    policy.write_text(of_then)
    write_layer(clone, "topics")
    (clone / "config/layers").mkdir()
    (clone / "config/layers/topics.yaml").write_text("name: events\n")
    (clone / "tests/own/test_topics.py").write_text(OWN_TEST)
    with (clone / ".npmrc").open("a") as settings:  # upstream's, in a line that upstream leaves alone
        settings.write(MIRROR)
    git(clone, "add", "config", "stacks/layers", "tests/own", ".npmrc")
    git(clone, "commit", "-q", "-m", "Ours")
    for name in (".venv", "node_modules"):
        (clone / name).symlink_to(CHECKOUT / name)
    shipped.sign_in_as_administrator()  # who may assume the roles of the layer
    found = Owner(clone, shipped)
    deployed = found.strata("deploy", "--yes")
    assert deployed.code == 0, deployed.text[-3000:]
    return found


def test_an_edited_clone_is_upgraded_as_the_page_says(owner: Owner, upstream: Path) -> None:
    """What is the owner's stays, the code is the new one, and the plan loses nothing."""
    _, remote, merge, look, deploy, template = (
        list(commands(block.text)) for block in blocks(PAGE) if block.language in ("text", "sh", "bash")
    )
    ours = {name: (owner.clone / name).read_bytes() for name in git(owner.clone, "ls-files", *OURS).splitlines()}

    git(upstream.parent, "init", "-q", "--bare", "-b", "main", "own.git")
    for line in (*remote, "\n".join(merge)):
        owner.does("sh", "-eu", "-c", line.replace("<your own repository>", str(upstream.parent / "own.git")))
    assert git(owner.clone, "remote").split() == ["origin", "upstream"]

    assert {name: (owner.clone / name).read_bytes() for name in ours} == ours
    assert git(owner.clone, "ls-files", *OURS).splitlines() == list(ours)
    changed = git(
        owner.clone, "diff", "--name-only", "upstream/main", "HEAD", "--", "strata", ":(glob)stacks/*.py", "main.py"
    )
    assert changed.split() == [], "the code is upstream's"
    assert (owner.clone / ".npmrc").read_text().endswith(MIRROR)

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


MIRROR = "registry=https://npm.example.com/\n"
OURS = ("config", "tests/own", "stacks/layers/topics")
