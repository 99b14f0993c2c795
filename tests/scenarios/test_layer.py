"""CONTRIBUTING.md's own layer, made exactly as it says, deployed, and tested with its own test."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents import CHECKOUT, Block, blocks
from tests.scenarios.site import TEMPLATE, Site

PAGE = CHECKOUT / "CONTRIBUTING.md"
EXTRA_TYPE = "aws_ssm_parameter"

pytestmark = pytest.mark.only("stand-in")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A checkout in which somebody followed 'A layer of your own'."""
    clone = tmp_path / "clone"
    clone.mkdir()
    for name in ("main.py", "cdktf.json"):
        shutil.copy(CHECKOUT / name, clone)
    shutil.copytree(CHECKOUT / "stacks", clone / "stacks", ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("config", "strata/template"):
        shutil.copytree(TEMPLATE, clone / folder)
    layer, call = (block for block in blocks(PAGE, "python", "A layer of your own"))
    (clone / "stacks/directory.py").write_text(layer.text)
    _insert(clone / "main.py", call)
    return clone


def _insert(main: Path, call: Block) -> None:
    """Edits main.py as the page says: the import, the call at the end of build before `adopt`, the list there."""
    text = main.read_text()
    adoption = re.search(r"^    adopt\(.*\)\n", text, re.MULTILINE)
    assert adoption, "main.py calls adopt no more"
    assert call.text.count("adopt(landing_zone, ") == 1
    text = text.replace(adoption[0], call.text)
    first = "from stacks.base import"
    assert text.count(first) == 1
    main.write_text(text.replace(first, f"from stacks.directory import DirectoryStack\n{first}"))


def python(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs Python in a folder whose main and stacks are meant; strata is the installed one."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "STRATA_", "PYTEST_"))}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_layer_deploys(shipped: Site, clone: Path) -> None:
    """The layer gets the account ids of the deployed organization and publishes them under the names of the page."""
    site = shipped
    shutil.rmtree(site.output)
    site.output.mkdir()
    emulator = {"AWS_ENDPOINT_URL": site.aws.url, "CDKTF_OUTDIR": str(site.output)}
    synthesized = python(clone, "main.py", **emulator)
    assert synthesized.returncode == 0, synthesized.stderr

    assert site.terraform("organizations", "init").code == 0
    produced = site.apply("organizations")
    assert produced.code == 0, produced.text
    initialized = site.terraform("directory", "init")
    assert initialized.code == 0, initialized.text
    applied = site.apply("directory")

    assert applied.code == 0, applied.text
    accounts = {email: account["Id"] for email, account in site.accounts().items()}
    names = [f"/ex/accounts/{key}" for key in ("management", "security", "shared")]
    found = site.client("ssm").get_parameters(Names=names)["Parameters"]
    parameters = {parameter["Name"]: parameter["Value"] for parameter in found}
    assert parameters == {
        "/ex/accounts/management": "123456789012",
        "/ex/accounts/security": accounts["aws+security@example.com"],
        "/ex/accounts/shared": accounts["aws+shared@example.com"],
    }
    assert site.addresses("directory") == {f"{EXTRA_TYPE}.{key}" for key in ("management", "security", "shared")}


def test_the_test_of_the_page_passes(clone: Path) -> None:
    """The example test holds as it stands, with pytest in the clone."""
    (example,) = blocks(PAGE, "python", "Testing it")
    (clone / "tests").mkdir()
    (clone / "tests/test_directory.py").write_text(example.text)

    done = python(clone, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib", "tests")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
