"""A key, file, command or option that 1.0.0 had and this version has not is a line that says what to do instead."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

from strata.cli import app
from strata.config.loader import read_partial
from strata.config.removed import removals
from tests.bad_configurations import read, write

TABLE = sorted(removals())


def lines_of(arguments: list[str]) -> tuple[int, list[str]]:
    """Returns the exit code of a command line and what it says on stderr."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()), pytest.raises(SystemExit) as end:
        app(arguments, prog_name="strata")
    return int(end.value.code or 0), said.getvalue().splitlines()


@pytest.mark.parametrize("what", [what for what in TABLE if what.startswith(("command ", "option ", "argument "))])
def test_a_command_line_that_is_gone_is_a_line_with_what_to_do(what: str) -> None:
    kind, *words = what.split()
    if kind == "argument":
        words.append("group:admins")

    code, said = lines_of(words)

    assert (code, len(said)) == (2, 1)
    assert said[0].endswith(removals()[what])


def test_a_command_and_an_option_that_never_were_are_as_before() -> None:
    for arguments in (["prize"], ["check", "--love"]):
        code, said = lines_of(arguments)
        assert code == 2
        assert any("No such" in line for line in said)


def test_a_folder_with_all_that_is_gone_has_a_fault_for_each(tmp_path: Path) -> None:
    """All are said at once, each by itself, and each with its remedy."""
    write(tmp_path, read()[0])
    expected = set()
    for what in TABLE:
        kind, _, rest = what.partition(" ")
        if kind == "file":
            (tmp_path / rest).write_text("{}\n")
            expected.add((rest, "", removals()[what]))
        if kind == "key":
            file, _, path = rest.partition(" ")
            put(tmp_path / file, path.split("."))
            expected.add((file, re.sub(r"\*", "mine", path), removals()[what]))
        if kind == "finding":
            entry = f"- finding: {rest}\n  at: somewhere\n  reason: for the test\n"
            with (tmp_path / "accepted.yaml").open("a") as file_of_all:
                file_of_all.write(entry)

    _, faults = read_partial(tmp_path)

    assert {(Path(fault.file).name, fault.path, fault.remedy) for fault in faults} >= expected
    findings = {
        f"finding {fault.problem.data['name']}" for fault in faults if fault.problem.data.get("kind") == "finding"
    }
    assert findings == {what for what in TABLE if what.startswith("finding ")}
    assert {fault.problem.id for fault in faults if fault.remedy in removals().values()} <= {"no-longer-there"}


def put(path: Path, keys: list[str]) -> None:
    """Adds a key to a YAML file, below entries of its own where the table has a star."""
    import yaml

    data = yaml.safe_load(path.read_text()) if path.exists() else None
    top = data if isinstance(data, dict) else {}
    at = top
    for key in keys[:-1]:
        below = at.get("mine" if key == "*" else key)
        if not isinstance(below, dict):
            below = {}
        at["mine" if key == "*" else key] = below
        at = below
    at["mine" if keys[-1] == "*" else keys[-1]] = {}
    path.write_text(yaml.safe_dump(top, sort_keys=False))
