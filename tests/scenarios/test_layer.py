"""CONTRIBUTING.md's own layer, made exactly as it says, deployed, and tested with its own test."""

from __future__ import annotations

import json
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
    """A checkout in which somebody followed 'Adding a stack'."""
    clone = tmp_path / "clone"
    clone.mkdir()
    for name in ("main.py", "cdktf.json"):
        shutil.copy(CHECKOUT / name, clone)
    for name in ("stacks", "strata"):
        shutil.copytree(CHECKOUT / name, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(TEMPLATE, clone / "config")
    layer, call = (block for block in blocks(PAGE, "python", "Adding a stack"))
    (clone / "stacks/directory.py").write_text(layer.text)
    _insert(clone / "stacks/deployment.py", call)
    return clone


def _insert(deployment: Path, call: Block) -> None:
    """Edits deployment.py as the page says: the import, the call before `import_existing`, the list there."""
    text = deployment.read_text()
    adoption = re.search(r"^    import_existing\(.*\)\n", text, re.MULTILINE)
    assert adoption, "deployment.py does not call import_existing"
    assert call.text.count("import_existing(landing_zone, ") == 1
    text = text.replace(adoption[0], call.text)
    first = "from stacks.base import"
    assert text.count(first) == 1
    deployment.write_text(text.replace(first, f"from stacks.directory import DirectoryStack\n{first}"))


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


def policy_of_the_page(site: Site) -> str:
    """Returns the policy that the page asks for: its actions, and the four statements about the state."""
    (listed,) = re.findall(
        r"Its deployer\nneeds a policy, too: (.*?), and the four statements", PAGE.read_text(), re.DOTALL
    )
    sso = json.loads(site.policies()[-1].replace("management/sso/", "management/directory/"))
    state = [one for one in sso["Statement"] if one["Sid"] in ("LockTable", "State", "StateKey", "StateLock")]
    own = {"Effect": "Allow", "Action": re.findall(r"`(.*?)`", listed), "Resource": "*"}
    return json.dumps({**sso, "Statement": [own, *state]})


def test_the_layer_deploys(shipped: Site, clone: Path) -> None:
    """`strata deploy` knows it by the manifest; it gets the account ids and publishes them as the page says."""
    site = shipped
    site.sign_in_as_deployer(policy_of_the_page(site))
    deployed = python(
        clone, "-m", "strata", "deploy", "organizations", "directory", "--yes", "--json", **site.environment()
    )

    assert deployed.returncode == 0, deployed.stderr
    ended = [(stack["stack"], stack["counts"]) for stack in json.loads(deployed.stdout)["stacks"]]
    assert ended == [("organizations", {}), ("directory", {"added": 3})]
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
