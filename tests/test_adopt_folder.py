"""The folder of an adoption: new or empty; whatever is there is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from strata.commands.adopt.folder import check_free, write_new
from strata.errors import StrataError


def test_what_a_kill_leaves_is_no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"policies/a.json": "{}", "sso.yaml": "groups: {}\n", "project.yaml": "name: x\n"}
    replace, steps = Path.replace, iter(range(9))

    def dies(path: Path, place: Path) -> Path:
        if next(steps) == len(files) - 1:  # before project.yaml gets its place
            raise KeyboardInterrupt
        return replace(path, place)

    monkeypatch.setattr(Path, "replace", dies)
    with pytest.raises(KeyboardInterrupt):
        write_new(tmp_path, files)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["a.json", "sso.yaml"]


@pytest.mark.parametrize(
    ("there", "id"),
    [
        ("notes.txt", "folder-not-empty"),
        ("policies/a.json", "folder-not-empty"),
        ("project.yaml", "folder-not-empty"),
        ("../project.yaml", "folder-in-configuration"),
    ],
)
def test_a_folder_that_is_in_use_is_refused(tmp_path: Path, there: str, id: str) -> None:
    to = tmp_path / "around/to"
    to.mkdir(parents=True)
    (to / there).parent.mkdir(exist_ok=True)
    (to / there).write_text("mine")

    with pytest.raises(StrataError) as refused:
        check_free(to)

    assert [told.id for told in refused.value.args] == [id]


def test_what_others_put_there_meanwhile_stays(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")

    with pytest.raises(StrataError) as refused:
        write_new(tmp_path, {"project.yaml": "name: x\n"})

    assert [told.id for told in refused.value.args] == ["folder-not-empty"]
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert not (tmp_path / "project.yaml").exists()
