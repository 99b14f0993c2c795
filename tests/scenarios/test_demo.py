"""The README's first command, as a newcomer runs it: on a fresh clone."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.aws.client import CHECKOUT
from tests.scenarios.site import TEMPLATE

# Each begins with what the one before left: `make e2e` keeps a file in one worker.
_DROPPED = ("AWS_", "CDKTF_", "STRATA_CONFIG", "TF_", "MAKE")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A clone that nothing was run in, with the configuration to begin with."""
    folder = tmp_path_factory.mktemp("fresh") / "strata"
    cloned = subprocess.run(["git", "clone", "--quiet", str(CHECKOUT), str(folder)], capture_output=True, check=False)
    if cloned.returncode:
        pytest.skip("this checkout is no git repository to clone")
    shutil.rmtree(folder / "config")
    shutil.copytree(TEMPLATE, folder / "config")
    yield folder
    subprocess.run(["rm", "-rf", folder.parent], check=False)  # a gigabyte of small files, which Python takes long for


@pytest.fixture(scope="module")
def variables(clone: Path) -> dict[str, str]:
    """The environment of somebody who works with AWS, on a machine where jsii never ran."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_DROPPED)}
    return {
        **kept,
        "AWS_PROFILE": "production",
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(clone.parent / "jsii"),
    }


def test_a_fresh_clone_deploys_its_configuration_and_leaves_nothing_running(
    clone: Path, variables: Mapping[str, str]
) -> None:
    """Also where the port that emulators like is taken."""
    with socket.socket() as taken:
        with contextlib.suppress(OSError):  # somebody has it, which is as good
            taken.bind(("127.0.0.1", 5000))
        done = _make(clone, variables, "demo")

    assert done.returncode == 0, done.stdout[-4000:]
    assert "\nAWS provider: the stand-in" in done.stdout
    assert "\nthe next plan is empty" in done.stdout
    assert re.findall(r"^ +\w+\.\w.* complete.*|.*[\u2800-\u28ff].*", done.stdout, re.MULTILINE) == []
    assert "<!doctype html>" in (clone / "cdktf.out-demo" / "report.html").read_text().lower()
    assert not (clone / "cdktf.out").exists()
    new = subprocess.run(["git", "-C", str(clone), "status", "--porcelain"], capture_output=True, text=True, check=True)
    assert [
        line for line in new.stdout.splitlines() if not line.endswith((" config/",)) and "config/" not in line
    ] == []
    assert _running(clone) == []


def test_the_shell_has_the_same_organization(clone: Path, variables: Mapping[str, str]) -> None:
    """What is typed there works on what the demo deployed, which takes no second deploy."""
    typed = "strata plan --exit-code && echo 'nothing to do'\n"
    done = _make(clone, variables, "demo-shell", typed)

    assert done.returncode == 0, done.stdout[-4000:]
    assert "as the last demo of this configuration left it" in done.stdout
    assert "'Invalid resource type'" in done.stdout
    assert "\nnothing to do\n" in done.stdout
    assert _running(clone) == []


def test_a_shell_begins_with_an_empty_account(clone: Path, variables: Mapping[str, str]) -> None:
    """One's own names, then what docs/first-deploy.md has, also by cdktf, which ran for the demo before."""
    init = (
        "strata init --yes --short-name ac --name acme --secondary eu-central-1 --primary eu-west-1 --email aws@acme.io"
    )
    people = "--management-name Example --management-email aws@example.com --admin 'Jo Doe jo@acme.io'"
    typed = [
        f"{init} {people}",
        "enable-identity-center || strata bootstrap --yes && enable-identity-center",
        "cdktf deploy backend --auto-approve && strata deploy --yes",
        "strata plan --exit-code && aws organizations list-accounts --query 'Accounts[].Name' --output text",
    ]
    done = _make(clone, {**variables, "FROM": "empty"}, "demo-shell", "\n".join([*typed, ""]))

    assert done.returncode == 0, done.stdout[-4000:]
    accounts = done.stdout.splitlines()[-1].split()
    assert {*accounts[1:]} == {"acme-security", "acme-shared"}, done.stdout[-4000:]
    assert "name: acme\n" in (clone / "cdktf.out-demo" / "empty" / "project.yaml").read_text()


def test_the_first_synth_after_set_up_reads_the_index(clone: Path, variables: Mapping[str, str]) -> None:
    """Without the index jsii reads the whole assembly of every package, which is taken away here."""
    assemblies = list((clone.parent / "jsii").glob("**/.jsii"))
    assert sorted(file.parents[2].name for file in assemblies) == ["cdktf", "constructs", "provider-aws"]
    for assembly in assemblies:
        assembly.unlink()

    done = _make(clone, variables, "synth")

    assert done.returncode == 0, done.stdout
    assert (clone / "cdktf.out" / "stacks" / "sso" / "cdk.tf.json").exists()


def _make(clone: Path, variables: Mapping[str, str], target: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", f"PYTHON={sys.executable}", target],
        cwd=clone,
        env=dict(variables),
        input=typed,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def _running(clone: Path) -> list[str]:
    """Returns the processes that run a program of the clone, or on one of its files."""
    listed = subprocess.run(["ps", "-A", "-o", "args="], stdout=subprocess.PIPE, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if str(clone) in line]
