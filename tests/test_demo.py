"""The parts of `make demo`: it leads nowhere but to the emulated AWS, leaves nothing running, and says what failed.

tests/scenarios/test_demo.py runs the whole.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from strata.config import IMPORTS
from tests.aws.client import ACCOUNT, Aws
from tests.demo.commands import DemoError, run
from tests.demo.configuration import copied, is_edited
from tests.demo.environment import assert_emulated, environment
from tests.demo.providers import Provider
from tests.synthesized import SHIPPED

NOWHERE = Aws("http://127.0.0.1:9")
STAND_IN = Provider("stand-in", lambda _: {"TERRAFORM_BINARY_NAME": "terraform"})
OWNERS = {
    "AWS_PROFILE": "production",
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SESSION_TOKEN": "token",
    "AWS_ENDPOINT_URL_STS": "https://sts.amazonaws.com",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "BASH_ENV": "/home/jane/.bashrc",
    "CDKTF_OUTPUT": "cdktf.out",
    "STRATA_CONFIG": "/home/jane/config",
    "TF_CLI_CONFIG_FILE": "/home/jane/.terraformrc",
    "https_proxy": "http://proxy.example.com",
    "no_proxy": "amazonaws.com",
}


# Where its commands lead


def test_nothing_of_its_owner_that_leads_to_aws_gets_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in OWNERS.items():
        monkeypatch.setenv(name, value)

    given = environment(NOWHERE, STAND_IN, tmp_path)

    assert not OWNERS.items() & given.items()
    assert {given["AWS_ENDPOINT_URL"], given["HTTP_PROXY"], given["HTTPS_PROXY"]} == {NOWHERE.url}
    assert given["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
    assert given["AWS_CONFIG_FILE"] == f"{tmp_path}/aws-config", "which strata profiles writes"
    assert {given["CDKTF_OUTPUT"], given["STRATA_CONFIG"]} == {f"{tmp_path}/out", f"{tmp_path}/config"}
    assert {name for name in given if name.lower() in ("no_proxy", "all_proxy")} == {"NO_PROXY"}


def test_who_answers_for_the_emulated_aws_is_asked_first(tmp_path: Path) -> None:
    with pytest.raises(
        DemoError, match=rf"127\.0\.0\.1:9 should say that this is account {ACCOUNT}: .*Could not connect"
    ):
        assert_emulated(NOWHERE, environment(NOWHERE, STAND_IN, tmp_path))


# What it deploys


def test_the_copy_is_of_the_emulated_account_and_imports_nothing(tmp_path: Path) -> None:
    source, copy = tmp_path / "config", tmp_path / "copy"
    shutil.copytree(SHIPPED, source)
    for file in source.rglob("*.*"):
        file.write_text(file.read_text().replace("123456789012", "210987654321"))
        file.chmod(0o444)
    (source / "policies" / "mine.json").write_text('{"Principal": "arn:aws:iam::210987654321:root"}')
    (source / IMPORTS).write_text("aws_budgets_budget.monthly: 210987654321:mine\n")

    landing_zone = copied(source, copy)

    assert landing_zone.project.management_account.id == ACCOUNT
    assert not landing_zone.imports
    assert not [file for file in copy.rglob("*.*") if file.is_file() and "210987654321" in file.read_text()]
    assert (source / IMPORTS).exists()
    (source / "project.yaml").write_text((source / "project.yaml").read_text() + "# new\n")
    copied(source, copy)
    assert (copy / "project.yaml").read_text().endswith("# new\n")


def test_an_edited_copy_stays_and_says_how_to_begin_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "out" / "config"
    copy.parent.mkdir()
    copied(SHIPPED, copy)
    assert not is_edited(copy)
    assert (copy / ".git" / "HEAD").exists(), "so that strata report --diff HEAD has something to compare with"
    (copy / "more.txt").write_text("edited")
    assert capsys.readouterr().out == ""

    assert copied(SHIPPED, copy).project.name
    assert (copy / "more.txt").exists()
    assert "out/config has edits" in capsys.readouterr().out

    (copy / "sso.yaml").write_text("users: 3\n")
    with pytest.raises(DemoError, match=r"(?s)sso\.yaml.*or to begin anew from \w+/: rm -r out/config"):
        copied(SHIPPED, copy)
    shutil.rmtree(copy)
    copied(SHIPPED, copy)
    assert not is_edited(copy)


# Its commands


def test_what_is_interrupted_ends_with_all_it_started(tmp_path: Path) -> None:
    """Also what has a session of its own, as Terraform has under cdktf, and listens to no signal."""
    script = tmp_path / "stubborn.sh"
    script.write_text(
        "trap '' HUP INT TERM\necho $$\n"
        f"[ $1 = 0 ] || {sys.executable} -c 'import os, sys; os.setsid(); os.execvp(sys.argv[1], sys.argv[1:])' "
        "sh $0 $(($1 - 1)) &\nsleep 600 & wait\n"
    )
    seen: list[int] = []

    def interrupted(line: str) -> None:
        seen.append(int(line))
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(["sh", str(script), "2"], os.environ, tmp_path / "log", interrupted, folder=tmp_path)

    # What is killed ends a moment after the signal, on a loaded machine a longer one.
    for _ in range(100):
        if not any(map(_runs, seen)):
            break
        time.sleep(0.05)
    assert [pid for pid in seen if _runs(pid)] == []


def _runs(process: int) -> bool:
    """Says whether a process does anything: one that nobody waited for is still listed."""
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], stdout=subprocess.PIPE, text=True, check=False)
    return listed.stdout.strip()[:1] not in ("", "Z")
