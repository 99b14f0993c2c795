"""Set-up has jsii write the index of the bindings; tests/scenarios/test_demo.py shows that a first synth reads it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from strata.errors import StrataError
from strata.terraform.tools import CHECKOUT, engine, environment
from tests.said import Said
from tools import kernel

VARIABLES = environment(os.environ, CHECKOUT / "strata" / "template")


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "record"


def test_every_package_of_the_bindings_gets_an_index_and_nothing_is_started_again(
    record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = kernel.warm(CHECKOUT, VARIABLES, record)

    # <cache>/<package>/<version>/<digest>/<index>
    assert sorted(index.parents[2].name for index in written) == [engine().name, "constructs", "provider-aws"]
    monkeypatch.setattr(subprocess, "Popen", _started)
    assert kernel.warm(CHECKOUT, VARIABLES, record) == written
    with pytest.raises(AssertionError, match="started"):
        kernel.warm(CHECKOUT, VARIABLES | {"JSII_RUNTIME_PACKAGE_CACHE_ROOT": "/elsewhere"}, record)


def test_an_index_that_is_gone_is_written_again(record: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when jsii threw away what nobody had used for a month."""
    index = tmp_path / "index"
    index.touch()
    record.write_text(f"/cache\n{index}")
    monkeypatch.setattr(subprocess, "Popen", _started)
    variables = {"JSII_RUNTIME_PACKAGE_CACHE_ROOT": "/cache"}
    assert kernel.warm(CHECKOUT, variables, record) == [index]

    index.unlink()

    with pytest.raises(AssertionError, match="started"):
        kernel.warm(CHECKOUT, variables, record)


def test_nothing_is_warmed_where_jsii_keeps_no_packages(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", _started)
    assert kernel.warm(CHECKOUT, {"JSII_RUNTIME_PACKAGE_CACHE": "disabled"}, record) == []


def test_a_program_that_does_not_load_is_told_by_its_last_line(record: Path, tmp_path: Path, said: Said) -> None:
    (tmp_path / "main.py").write_text("raise ValueError('no bindings')")
    with pytest.raises(StrataError) as failed:
        kernel.warm(tmp_path, {"PATH": os.defpath}, record)
    [told] = said(failed)
    assert told.id == "synth-failed"
    assert told.text.endswith("ValueError: no bindings")
    assert not record.exists()


def _started(*arguments: object, **settings: object) -> None:
    raise AssertionError(f"started {sys.executable}")
