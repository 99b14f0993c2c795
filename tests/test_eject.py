"""`strata eject`: all of the Terraform, or nothing; tests/scenarios/test_recover.py plans what it writes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from strata.cli import app
from strata.terraform.workspace import Workspace
from tests.synthesized import SHIPPED


def ejected(folder: Path, config: Path = SHIPPED) -> int:
    return CliRunner().invoke(app, ["--config", str(config), "eject", str(folder)]).exit_code


@pytest.mark.parametrize("there", ["file", "folder", "link"])
def test_what_is_there_stays(tmp_path: Path, there: str) -> None:
    target = tmp_path / "out"
    if there == "file":
        target.write_text("mine")
    elif there == "folder":
        target.mkdir()
        (target / "mine").touch()
    else:
        target.symlink_to(tmp_path / "nowhere")

    assert ejected(target) == 1
    assert [path.name for path in tmp_path.rglob("*")] == ["out", *(["mine"] if there == "folder" else [])]


def test_a_configuration_with_faults_writes_nothing(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()

    assert ejected(tmp_path / "out", config) == 1
    assert ejected(config / "out", config) == 2
    assert [path.name for path in tmp_path.rglob("*")] == ["config"]


def test_what_a_killed_run_left_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "written/stacks/backend").mkdir(parents=True)
    (tmp_path / "written/stacks/backend/cdk.tf.json").write_text(
        json.dumps({"//": {"metadata": {}}, "resource": {"aws_x": {"a": {"//": {}, "path": "//"}}}})
    )
    left = tmp_path / ".out.partial/backend"
    left.mkdir(parents=True)
    (left / "half").touch()
    workspace = Workspace(tmp_path / "written", os.environ)
    monkeypatch.setattr(Workspace, "of", lambda _: workspace)
    monkeypatch.setattr(Workspace, "synth", lambda _: None)
    monkeypatch.setattr(Workspace, "stacks", {"backend": ()})

    assert ejected(tmp_path / "out") == 0
    assert {path.name for path in tmp_path.iterdir()} == {"out", "written"}
    assert json.loads((tmp_path / "out/backend/main.tf.json").read_text()) == {
        "resource": {"aws_x": {"a": {"path": "//"}}}
    }
