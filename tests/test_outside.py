"""What a command writes for people does not go into the configuration folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from strata.errors import UsageError
from strata.outside import refuse_in_configuration
from tests.said import Said


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which commands are run, with a configuration, links into it and links out of it."""
    (tmp_path / "config/policies").mkdir(parents=True)
    (tmp_path / "config/sso.yaml").write_text("users: {}\n")
    (tmp_path / "out").mkdir()
    (tmp_path / "linked").symlink_to("config/policies")
    (tmp_path / "out/link.json").symlink_to("../config/sso.yaml")
    (tmp_path / "config/leads-out.json").symlink_to("../out/report.html")
    (tmp_path / "loop").symlink_to("loop")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "path",
    [
        "config/sso.yaml",
        "config/new.json",
        "config/policies/new.json",
        "config",
        "out/../config/new.json",
        "linked/new.json",
        "out/link.json",
        "config/leads-out.json",
    ],
)
@pytest.mark.parametrize("absolute", [False, True])
def test_a_file_in_the_configuration_is_refused(folder: Path, path: str, said: Said, *, absolute: bool) -> None:
    given = folder / path if absolute else Path(path)

    with pytest.raises(UsageError) as refused:
        refuse_in_configuration(given, Path("config"), "--changes")

    (told,) = said(refused)
    assert (told.id, told.place) == ("file-in-configuration", str(given))


@pytest.mark.parametrize(
    "path", ["out/new.json", "config.json", "config-old/x.json", "new.json", "loop", "/dev/stdout"]
)
def test_a_file_elsewhere_is_taken(folder: Path, path: str) -> None:
    refuse_in_configuration(Path(path), folder / "config", "--output")
