"""Holds this tree against an earlier revision: what each makes and says of the same things, side by side.

`python -m tests.against REV` prints the differences. One that a row of the owner's decision explains stands in
against.yaml with the row's name; any other fails. The release takes this module out.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

import yaml

CHECKOUT = Path(__file__).resolve().parents[1]
EXPLAINED = Path(__file__).with_suffix(".yaml")
IN_A_TREE = f"import runpy, sys; runpy.run_path({__file__!r})['_record'](*sys.argv[1:])"
GONE, NEW = "(gone)", "(new)"
WIDTH = 80
"""The letters of a value that are shown."""


class Recorded(NamedTuple):
    """What a tree was given by a name, as digests by file, and what it makes of that."""

    given: Mapping[str, str]
    answer: Any


Side = Mapping[str, Recorded]


def main(arguments: Sequence[str] | None = None) -> int:
    """Compares and prints; 1 where a difference stands in against.yaml for no row."""
    parser = argparse.ArgumentParser(prog="python -m tests.against", description=__doc__)
    parser.add_argument("revision", metavar="REV")
    parser.add_argument("--only", metavar="SECTION,...", default=",".join(SECTIONS), help=", ".join(SECTIONS))
    asked = parser.parse_args(arguments)
    sections = asked.only.split(",")
    if not set(sections) <= SECTIONS.keys():
        parser.error(f"the sections are {', '.join(SECTIONS)}")
    lines: list[str] = []
    with checkout(asked.revision) as earlier:
        for section in sections:
            before, after = sides(section, earlier)
            print("".join(f"{line}\n" for line in inputs(section, before, after)), end="", flush=True)
            lines += differences(section, before, after)
    return verdict(lines, yaml.safe_load(EXPLAINED.read_text(encoding="utf-8")) or [], sections)


@contextlib.contextmanager
def checkout(revision: str) -> Iterator[Path]:
    """Checks out a revision beside this tree, with this tree's environment."""
    git = ("git", "-C", str(CHECKOUT), "worktree")
    with tempfile.TemporaryDirectory(prefix="against-") as folder:
        place = Path(folder, "earlier")
        if subprocess.run([*git, "add", "--quiet", "--detach", str(place), revision], check=False).returncode:
            sys.exit(2)
        try:
            for shared in (".venv", "node_modules"):
                (place / shared).symlink_to(CHECKOUT / shared)
            yield place
        finally:
            subprocess.run([*git, "remove", "--force", str(place)], check=True)


def sides(section: str, earlier: Path) -> tuple[Side, Side]:
    """Returns what the earlier tree and this one make of a section, by name."""
    with ThreadPoolExecutor(2) as pool:
        before, after = pool.map(lambda tree: made_by(section, tree), (earlier, CHECKOUT))
    return before, after


def made_by(section: str, tree: Path) -> Side:
    """Runs this file in a process of its own, which imports the modules of a tree."""
    with tempfile.TemporaryDirectory(prefix="against-") as folder:
        environment = {**os.environ, "PYTHONPATH": str(tree), "COLUMNS": "80", "NO_COLOR": "1"}
        command = [sys.executable, "-P", "-c", IN_A_TREE, section, folder]
        done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{section} failed in {tree}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
        text = Path(folder, "recorded.json").read_text(encoding="utf-8")
    text = text.replace(folder, "SCRATCH").replace(str(tree), "TREE")
    return {name: Recorded(*its) for name, its in json.loads(text).items()}


# Differences


def inputs(section: str, before: Side, after: Side) -> Iterator[str]:
    """Yields a line for each file that the trees were given differently: of that a difference may come."""
    names: dict[str, list[str]] = {}
    for name in sorted(before.keys() & after.keys()):
        others = dict(before[name].given.items() ^ after[name].given.items())
        for file in others:
            names.setdefault(file, []).append(name)
    for file, given in sorted(names.items()):
        yield f"input: {section}: another {file} for {len(given)}: {'; '.join(given[:5])}"
    for name in sorted(after.keys() - before.keys()):
        yield f"input: {section}: only this tree has {name}"


def differences(section: str, before: Side, after: Side) -> list[str]:
    """Returns a line `section: name: path: before -> after` for each difference, sorted; what is new is none."""
    lines = [f"{section}: {name}: (gone)" for name in before.keys() - after.keys()]
    for name in before.keys() & after.keys():
        lines += [f"{section}: {name}: {one}" for one in _compared("", before[name].answer, after[name].answer)]
    return sorted(lines)


def _compared(path: str, before: Any, after: Any) -> Iterator[str]:
    old, new = _parsed(before), _parsed(after)
    if isinstance(old, dict) and isinstance(new, dict) and old != new:
        for key in sorted(old.keys() | new.keys()):
            if old.get(key, NEW) != new.get(key, GONE):
                yield from _compared(f"{path}.{key}".lstrip("."), old.get(key, NEW), new.get(key, GONE))
    elif isinstance(old, list) and isinstance(new, list) and sorted(map(_text, old)) != sorted(map(_text, new)):
        yield from _compared_lists(path, old, new)
    elif before != after:
        yield _line(path, before, after)


def _parsed(value: Any) -> Any:
    """Returns the data of a text that is JSON, as policy documents are."""
    if isinstance(value, str) and value.startswith(("{", "[")):
        with contextlib.suppress(ValueError):
            return json.loads(value)
    return value


def _compared_lists(path: str, old: list[Any], new: list[Any]) -> Iterator[str]:
    """Takes what went for what came if they are as many."""
    gone = [one for one in old if old.count(one) > new.count(one)]
    came = [one for one in new if new.count(one) > old.count(one)]
    if len(gone) == len(came):
        for one, other in zip(gone, came, strict=True):
            yield from _compared(f"{path}.{old.index(one)}".lstrip("."), one, other)
    else:
        yield from (_line(path, one, GONE) for one in gone)
        yield from (_line(path, NEW, one) for one in came)


def _line(path: str, before: Any, after: Any) -> str:
    old, new = _text(before), _text(after)
    same = next((at for at, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), 0)
    begin = same - WIDTH // 4 if same > WIDTH // 2 else 0
    values = (f"{'…' if begin else ''}{text[begin : begin + WIDTH]}" for text in (old, new))
    return f"{path}: {' -> '.join(values)}"


def _text(value: Any) -> str:
    return value if value in (GONE, NEW) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def verdict(lines: Sequence[str], entries: Sequence[Mapping[str, str]], sections: Sequence[str]) -> int:
    """Prints what no row explains, and the entries that explain nothing; 1 where there is some of the first."""
    open_lines = [line for line in lines if not any(fnmatchcase(line, entry["what"]) for entry in entries)]
    for line in open_lines:
        print(line)
    for entry in entries:
        asked = entry["what"].partition(":")[0] in sections
        if asked and not any(fnmatchcase(line, entry["what"]) for line in lines):
            print(f"{EXPLAINED.name}: explains nothing: {entry['what']} ({entry['row']})")
    print(f"{len(lines)} differences, {len(open_lines)} of them without a row")
    return 1 if open_lines else 0


# In a tree: what is imported below is the tree's

Answers = Iterator[tuple[str, Mapping[str, str], Any]]


def _invoked(*words: str) -> Any:
    """Returns how a command ends, and its JSON or its lines."""
    from typer.testing import CliRunner

    from strata.cli import app

    done = CliRunner().invoke(app, words)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    try:
        return {"exit": done.exit_code, **json.loads(done.stdout)}
    except ValueError:
        return {"exit": done.exit_code, "stdout": done.stdout.splitlines(), "stderr": done.stderr.splitlines()}


def _files(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _helped(_: Path) -> Answers:
    from tests.command_line import every_command

    for command in every_command():
        yield command or "strata", {}, _invoked(*command.split(), "--help")


def _checked(scratch: Path) -> Answers:
    from tests.bad_configurations import read

    valid, bad, doubtful = read()
    for number, case in enumerate([*bad, *doubtful]):
        folder = scratch / str(number)
        folder.mkdir()
        case.write(folder, valid)
        said = _invoked("check", "--json", "--config", str(folder))
        yield case.name, _files(folder), sorted(_message(one["id"], one["place"], folder) for one in said["messages"])


def _message(id: str, place: str, folder: Path) -> str:
    """Returns the file and line of a message, and its id."""
    return f"{place.replace(f'{folder}/', '').partition(': ')[0]} {id}"


def _reported(_: Path) -> Answers:
    folder = Path("tests/company")
    config, given = ("--json", "--config", str(folder)), _files(folder)
    organization, sso = (yaml.safe_load((folder / f"{name}.yaml").read_text()) for name in ("organization", "sso"))
    yield "report", given, _invoked("report", *config)
    for key in ["management", *sso["users"], *sso["groups"], *organization["accounts"]]:
        yield f"explain {key}", given, _invoked("explain", key, *config)
    for key in sso["permission_sets"]:
        yield f"explain --permission-set {key}", given, _invoked("explain", "--permission-set", key, *config)


def _synthesized(scratch: Path) -> Answers:
    from tests.synthesized import synthesize

    examples = sorted(path.parent for path in Path("examples").glob("*/project.yaml"))
    for folder in (Path("strata/template"), Path("tests/company"), Path("tests/every_option"), *examples):
        made = synthesize(folder, scratch / folder.name)
        stacks = {name: {**stack.json, "depends on": made.dependencies(name)} for name, stack in made.items()}
        yield folder.name, _files(folder), stacks


def _answered(_: Path) -> Answers:
    from tests.vectors.vectors import answer, documented, recorded

    for source, vectors in (("documented", documented()), ("recorded", recorded())):
        for number, vector in enumerate(vectors):
            found = answer(vector)
            statement = found.decided.statement
            denied = statement is not None and not statement.allows
            told = {"outcome": found.outcome, "by a statement that denies": denied, "keys": found.keys}
            yield f"{source} {number}", {"vector": json.dumps(vector, sort_keys=True)}, told


def _edited(_: Path) -> Answers:
    """Plans and deploys each edit of the tests of scenarios, in place of what the test does with it."""
    import pytest

    found: list[tuple[str, Mapping[str, str], Any]] = []

    class InPlaceOfTheTest:
        def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool:
            its: dict[str, Any] = pyfuncitem.funcargs
            site, edit, told = its["shipped"], its["edited"], {}
            allow = ("--allow", edit.allow) if edit.allow else ()
            for words in (("plan", "--json"), ("plan", "--json", *allow), ("deploy", "--yes", "--json")):
                run = site.strata(*words)
                messages = sorted(_message(one.id, one.place, site.config) for one in run.told)
                stacks = json.loads(run.stdout).get("stacks", []) if words[0] == "plan" else []
                planned = {one["stack"]: {its["address"]: its["action"] for its in one["changes"]} for one in stacks}
                told[" ".join(words)] = {"exit": run.code, "messages": messages, "planned": planned}
            told["writes"] = site.aws.writing_calls()
            found.append((pyfuncitem.callspec.id, {}, told))
            return True

    test = "tests/scenarios/test_edits.py::test_an_edit_loses_nobody"
    ended = pytest.main([test, "-q", "-m", "e2e or not e2e"], plugins=[InPlaceOfTheTest()])
    assert ended == 0, f"pytest ended with {ended}"
    yield from found


SECTIONS: dict[str, Callable[[Path], Answers]] = {
    "help": _helped,
    "check": _checked,
    "report": _reported,
    "synth": _synthesized,
    "vectors": _answered,
    "edits": _edited,
}
"""What is compared; what takes minutes comes last."""


def _record(section: str, folder: str) -> None:
    """Writes what the modules of this process make of a section."""
    if Path.cwd() != CHECKOUT:  # which is installed in the environment of both trees
        sys.path[:] = [path for path in sys.path if Path(path).resolve() != CHECKOUT]
    found = {name: (given, answer) for name, given, answer in SECTIONS[section](Path(folder))}
    Path(folder, "recorded.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
