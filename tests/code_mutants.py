"""Changes one line of the product at a time: `python -m tests.code_mutants` says which of the changes a test notices.

The list is `code_mutants.yaml`. `cover`, once a revision, runs the tests of `make test` and stores which of them pass
each of its lines. Then one process imports and collects the tests and forks for each mutant. In the child the functions
of the file get the code of the changed text, and the tests that pass the line run, quick ones first, until one fails. A
Python that a test starts runs the text as it is, and so does what is computed while the tests are collected.
"""

from __future__ import annotations

import argparse
import ast
import builtins
import contextlib
import functools
import gc
import hashlib
import importlib
import inspect
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType
from typing import IO, Any

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[1]
LIST = Path(__file__).with_suffix(".yaml")
STORE = CHECKOUT / ".pytest_cache" / "code_mutants"
COVERING = "STRATA_CODE_MUTANTS"
"""Names the folder into which the workers of `cover` write."""

CPU, WALL, AT_ONCE = 60, 900, 2
"""Seconds of processor time and of a clock for each mutant, and how many run beside each other."""

TESTS = ["-q", "--ignore", "tests/scenarios"]
"""The scenarios start a Python for every command."""

REMEMBERING = ("a_sound_configuration_is_evaluated_once", "an_expectation_is_asked_once")
"""Fixtures that answer the second test without passing a line."""

ROOMS = {
    "config": ("strata/config",),
    "rules": ("strata/rules",),
    "landing_zone": ("strata/landing_zone", "stacks"),
    "identity": ("strata/identity",),
    "drift": ("strata/drift", "strata/inventory", "strata/kinds", "strata/sides"),
    "adoption": ("strata/adoption",),
    "evaluation": ("strata/evaluation", "strata/policy"),
    "terraform": ("strata/terraform", "strata/aws", "tools"),
    "report": ("strata/report", "strata/diff"),
    "commands": ("strata/commands", "strata/files"),
}


@dataclass(frozen=True)
class Mutant:
    """One line of one function, and what becomes of it."""

    file: str
    function: str
    line: str
    becomes: str

    @property
    def room(self) -> str:
        return next(
            room for room, folders in ROOMS.items() if self.file.startswith(tuple(f"{one}/" for one in folders))
        )

    @property
    def place(self) -> str:
        return f"{self.file} {self.function}: {self.line}"

    @functools.cached_property
    def source(self) -> list[str]:
        return (CHECKOUT / self.file).read_text().splitlines()

    @functools.cached_property
    def number(self) -> int:
        """The number of the line; it stands in the function once."""
        [function] = [node for name, node in _functions(ast.parse("\n".join(self.source))) if name == self.function]
        lines = range(function.lineno, (function.end_lineno or 0) + 1)
        [number] = [number for number in lines if self.source[number - 1].strip() == self.line]
        return number

    def changed(self) -> CodeType:
        """Returns the code of the module with the changed line."""
        before = self.source[self.number - 1]
        indent = before[: len(before) - len(before.lstrip())]
        lines = [*self.source[: self.number - 1], indent + self.becomes, *self.source[self.number :]]
        return _compiled("\n".join(lines), self.file)


def mutants(only: str = "") -> list[Mutant]:
    """Returns the mutants of the list, all or those of a room or a file.

    Raises:
        SystemExit: an entry names no line, or more than one, or what becomes of it is no Python.
    """
    found, wrong = [Mutant(**entry) for entry in yaml.safe_load(LIST.read_text())], []
    for one in found:
        try:
            one.changed()
        except (OSError, StopIteration, SyntaxError, ValueError) as error:
            wrong.append(f"{one.place}: {error}")
    if wrong:
        raise SystemExit("\n".join(wrong))
    return [one for one in found if not only or only in (one.room, one.file)]


def _functions(tree: ast.AST, within: str = "") -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield within + node.name, node
        yield from _functions(node, f"{within}{node.name}." if isinstance(node, ast.ClassDef) else within)


def _compiled(source: str | ast.Module, file: str) -> CodeType:
    return compile(source, str(CHECKOUT / file), "exec", dont_inherit=True)


# The code of functions that are there already.

Functions = dict[str, list[FunctionType]]


def loaded(files: Iterable[str]) -> Functions:
    """Imports these files, and returns by file every function that is there of it."""
    for file in files:
        importlib.import_module(file.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
    by_path: Functions = {str(CHECKOUT / file): [] for file in files}
    gc.unfreeze()
    for each in gc.get_objects():
        if isinstance(each, FunctionType) and each.__code__.co_filename in by_path:
            by_path[each.__code__.co_filename].append(each)
    gc.freeze()
    return {file: by_path[str(CHECKOUT / file)] for file in files}


def replace(functions: list[FunctionType], module: CodeType) -> int:
    """Gives functions of a module their code in another version of it; returns how many are changed by that."""
    codes = {(code.co_qualname, code.co_firstlineno): code for code in _codes(module)}
    changed = 0
    for function in functions:
        code = codes.get((function.__code__.co_qualname, function.__code__.co_firstlineno))
        if code is not None and code != function.__code__:
            function.__code__ = code
            changed += 1
    return changed


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _codes(each)


# Which test passes which line: a plugin of the workers of one run of all tests.


class Covering:
    """Has each line of the list say that it is passed; notes in which test, or in which fixture of many tests."""

    def __init__(self, folder: Path, worker: str) -> None:
        self.file = folder / f"{worker}.json"
        self.within = ["while collecting"]
        self.cpu, self.passed = dict[str, float](), defaultdict[str, set[str]](set)
        self.fixtures, self.needs = dict[str, list[str]](), defaultdict[str, set[str]](set)

    def pytest_collection_finish(self) -> None:
        found = mutants()
        vars(builtins)["_passes"] = lambda place: self.passed[place].add(self.within[-1])
        functions = loaded({one.file for one in found})
        for file, those in functions.items():
            replace(those, telling([one for one in found if one.file == file]))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        forget()
        before = sum(os.times()[:4])
        with self.in_context(item.nodeid):
            result = yield
        self.cpu[item.nodeid] = sum(os.times()[:4]) - before
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: Any) -> Generator[None]:
        self.fixtures[item.nodeid] = [_named(each) for each in item._request._fixture_defs.values()]
        yield

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Generator[None, object, object]:
        if fixturedef.argname in REMEMBERING:
            fixturedef.func = lambda **_: None
        if fixturedef.scope == "function":
            return (yield)
        before = set(request._fixture_defs)
        with self.in_context(_named(fixturedef)):
            result = yield
        self.needs[_named(fixturedef)] |= {
            _named(each) for name, each in request._fixture_defs.items() if name not in before
        }
        return result

    @contextlib.contextmanager
    def in_context(self, name: str) -> Iterator[None]:
        self.within.append(name)
        try:
            yield
        finally:
            self.within.pop()

    def pytest_sessionfinish(self) -> None:
        tests = {name: (seconds, self.fixtures.get(name, [])) for name, seconds in self.cpu.items()}
        sets = {"passed": self.passed, "needs": self.needs}
        noted = {what: {name: sorted(those) for name, those in found.items()} for what, found in sets.items()}
        self.file.write_text(json.dumps({"tests": tests, **noted}))


def telling(those: list[Mutant]) -> CodeType:
    """Returns the code of a module in which a statement before each of these lines says that it is passed."""
    tree = ast.parse("\n".join(those[0].source))
    for one in those:
        around = [
            ((node.end_lineno or 0) - node.lineno, block, node)
            for parent in ast.walk(tree)
            for _, block in ast.iter_fields(parent)
            if isinstance(block, list)
            for node in block
            if isinstance(node, ast.stmt) and node.lineno <= one.number <= (node.end_lineno or 0)
        ]
        _, block, node = min(around, key=lambda each: each[0])
        [told] = ast.parse(f"_passes({one.place!r})").body
        block.insert(block.index(node), ast.fix_missing_locations(ast.copy_location(told, node)))
    return _compiled(tree, those[0].file)


def forget() -> None:
    """Empties caches of answers, behind which only the first test passes; not those of what comes with Strata."""
    for name, module in list(sys.modules.items()):
        if name.startswith(("strata.", "tests.test_")):
            for value in list(vars(module).values()):
                if isinstance(value, functools._lru_cache_wrapper) and (
                    name.startswith("tests.") or inspect.unwrap(value).__code__.co_argcount
                ):
                    value.cache_clear()


def _named(fixturedef: Any) -> str:
    return f"fixture {fixturedef.argname} of {fixturedef.baseid}"


def pytest_configure(config: pytest.Config) -> None:
    """Covers in the workers of `cover`, which have this module as a plugin."""
    if hasattr(config, "workerinput") and COVERING in os.environ:
        config.pluginmanager.register(Covering(Path(os.environ[COVERING]), config.workerinput["workerid"]))


def stored() -> Path:
    """Returns where the coverage of this revision is: of its product and tests, and of the lines of the list."""
    command = ["git", "ls-tree", "-r", "HEAD", "strata", "stacks", "tools", "tests"]
    listed = subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout.splitlines()
    what = [*(line for line in listed if "tests/code_mutants" not in line), *(one.place for one in mutants())]
    return STORE / f"{hashlib.sha256(repr(what).encode()).hexdigest()[:16]}.json"


def cover() -> None:
    """Runs the tests of `make test` and stores which of them pass each line of the list, and their processor time."""
    file = stored()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pytest", *TESTS, "-p", "tests.code_mutants", "-n", "2", "--dist", "loadgroup"]
        subprocess.run(command, cwd=CHECKOUT, check=False, env={**os.environ, COVERING: folder})
        noted = [json.loads(each.read_text()) for each in sorted(Path(folder).glob("*.json"))]
    tests: dict[str, tuple[float, list[str]]] = {}
    passed, needs = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    for each in noted:
        tests |= each["tests"]
        for kept, name in ((passed, "passed"), (needs, "needs")):
            for key, values in each[name].items():
                kept[key] |= set(values)

    def every(fixtures: set[str]) -> set[str]:
        more = fixtures.union(*(needs[one] for one in fixtures))
        return fixtures if more == fixtures else every(more)

    lines: dict[str, list[str]] = defaultdict(list)
    for test, (_, fixtures) in tests.items():
        contexts = {test} | every(set(fixtures))
        for place, by in passed.items():
            if not contexts.isdisjoint(by):
                lines[place].append(test)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"cpu": {test: seconds for test, (seconds, _) in tests.items()}, "lines": lines}))
    print(f"{len(tests)} tests, {sum(seconds for seconds, _ in tests.values()):.0f} CPU seconds; {file}")


# The mutants: a plugin that forks where pytest would run the tests.

Run = tuple[Mutant | None, list[str]]


@dataclass(frozen=True)
class Ran:
    """What became of tests in one child: which failed, in which its time was over, or how many it had no time for."""

    failed: str = ""
    over: str = ""
    left: int = 0
    wrong: str = ""


class Forking:
    """Runs each mutant against the tests that pass its line."""

    def __init__(self, those: list[Mutant], out: IO[str]) -> None:
        noted = json.loads(stored().read_text())
        self.mutants, self.out, self.cpu, self.lines = those, out, noted["cpu"], noted["lines"]
        self.items, self.functions = dict[str, pytest.Item](), Functions()
        self.verdicts, self.bindings = dict[Mutant, str](), Bindings()

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.items = {item.nodeid: item for item in session.items}
        self.functions = loaded({one.file for one in self.mutants})
        waiting = [(one, self.judged(one)) for one in reversed(self.mutants)]
        running: dict[int, tuple[Mutant, Judging, Path, float]] = {}
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                self.go_on(*waiting.pop(), None, running)
            time.sleep(0.02)
            for child, (mutant, judging, folder, since) in list(running.items()):
                ended, status = os.waitpid(child, os.WNOHANG)
                if ended or time.monotonic() - since > WALL:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(child, signal.SIGKILL)
                    if not ended:
                        os.waitpid(child, 0)
                    del running[child]
                    ran = _read(folder / "journal", killed=not ended or os.WIFSIGNALED(status))
                    shutil.rmtree(folder, ignore_errors=True)
                    self.go_on(mutant, judging, ran, running)
        return True

    def go_on(self, mutant: Mutant, judging: Judging, ran: Ran | None, running: dict[int, Any]) -> None:
        """Starts the next child that a mutant needs, or tells what it came to."""
        try:
            run = judging.send(ran)  # type: ignore[arg-type]  # None begins it
        except StopIteration as end:
            self.verdicts[mutant] = end.value
            print(f"{mutant.room}: {end.value}\n    {mutant.place}\n    {mutant.becomes}", file=self.out, flush=True)
            return
        folder = Path(tempfile.mkdtemp(prefix="mutant-"))
        child = os.fork()
        if not child:
            self.in_child(folder, *run)
        running[child] = mutant, judging, folder, time.monotonic()

    def judged(self, mutant: Mutant) -> Judging:
        """Asks for children until it is clear that a test notices a mutant, or none does.

        A test that fails among the same tests without the mutant as well notices nothing.
        """
        tests = sorted(set(self.lines.get(mutant.place, ())) & self.items.keys(), key=self._order)
        if not tests:
            return "not covered"
        while True:
            ran = yield mutant, tests
            if ran.wrong:
                return f"error: {ran.wrong}"
            if not ran.failed:
                return (
                    f"timeout in {ran.over}" if ran.over else f"survived {len(tests) - ran.left} of {len(tests)} tests"
                )
            control = yield None, tests[: tests.index(ran.failed) + 1]
            if not control.failed:
                return f"noticed by {ran.failed}"
            tests = [test for test in tests if test != control.failed]

    def _order(self, test: str) -> tuple[int, str, float]:
        """Quick ones first, and those of a file together, which share what they set up."""
        seconds = self.cpu[test]
        return sum(seconds > limit for limit in (0.1, 1)), test.partition("::")[0], seconds

    def in_child(self, folder: Path, mutant: Mutant | None, tests: list[str]) -> None:
        """Runs tests and writes what became of them into a file of this folder."""
        with (folder / "journal").open("a", buffering=1) as journal:
            try:
                os.setpgid(0, 0)
                resource.setrlimit(resource.RLIMIT_CPU, (CPU, CPU))
                os.environ["PYTEST_DEBUG_TEMPROOT"] = os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
                self.bindings.begin_anew()
                if mutant and not replace(self.functions[mutant.file], mutant.changed()):
                    raise ValueError("no function of it is there")  # noqa: TRY301
            except Exception as error:
                print("wrong", f"{type(error).__name__}: {error}", file=journal)
                os._exit(0)
            self.test(journal, [self.items[test] for test in tests])
        os._exit(0)

    def test(self, journal: IO[str], items: list[Any]) -> None:
        config, failing = items[0].config, Failing()
        config.pluginmanager.register(failing)
        # Files of its own instead of those that it shares with the other children.
        capturing = config.pluginmanager.getplugin("capturemanager")
        capturing.stop_global_capturing()
        capturing.start_global_capturing()
        capturing.suspend_global_capture()
        for number, (item, after) in enumerate(zip(items, [*items[1:], None], strict=True)):
            if sum(os.times()[:4]) + 2 * self.cpu[item.nodeid] > CPU - 5:
                print("left", len(items) - number, file=journal)
                break
            print("began", item.nodeid, file=journal)
            try:
                config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            except BaseException:
                failing.failed = True
            if failing.failed:
                break
            print("passed", item.nodeid, file=journal)


class Failing:
    """Whether a test failed in this child; the log says how."""

    failed = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed = True
            print(report.nodeid, report.longreprtext, flush=True)


class Bindings:
    """The process of the bindings: the one that collecting has started is not for several children at once."""

    def __init__(self) -> None:
        self.jsii: Any = importlib.import_module("jsii._kernel.providers.process")
        self.provider, self.loads = self.jsii.ProcessProvider, list[Any]()
        self.own: Any = None
        self.others = vars(self.provider)["_process"]  # which would end if nobody had it
        load = self.provider.load

        def loading(provider: Any, request: Any) -> Any:
            self.loads.append(request)
            return load(provider, request)

        self.provider.load = loading

    def begin_anew(self) -> None:
        """Has this child start one of its own when it asks for something."""
        self.provider._process = self

    def send(self, request: Any, kind: Any) -> Any:
        from stacks.bindings import _kernel_environment

        if self.own is None:
            self.own = self.jsii._NodeProcess()
            with _kernel_environment():
                self.own.start()
            for each in self.loads:
                self.own.send(each, self.jsii.LoadResponse)
        return self.own.send(request, kind)


Judging = Generator[Run, Ran, str]


def _read(journal: Path, *, killed: bool) -> Ran:
    what, _, name = (journal.read_text().splitlines() or ["passed"])[-1].partition(" ")
    if what == "began":
        return Ran(over=name) if killed else Ran(failed=name)
    return Ran(left=int(name) if what == "left" else 0, wrong=name if what == "wrong" else "")


def table(verdicts: dict[Mutant, str]) -> str:
    """Returns how many mutants of each room are noticed."""
    rows: list[tuple[str, ...]] = [("room", "mutants", "noticed", "survived", "not covered", "share")]
    for room in [*ROOMS, "all"]:
        counts = Counter(verdict.split()[0] for one, verdict in verdicts.items() if room in (one.room, "all"))
        if some := sum(counts.values()):
            noticed = counts["noticed"] + counts["timeout"]
            rows.append((room, *map(str, (some, noticed, counts["survived"], counts["not"])), f"{noticed / some:.1%}"))
    return "\n".join(f"{row[0]:14}" + "".join(f"{cell:>13}" for cell in row[1:]) for row in rows)


def run(only: str) -> int:
    """Runs the mutants of the list, a room or a file; returns how many entries are wrong."""
    if not (those := mutants(only)):
        raise SystemExit(f"no mutant is in {only}: name a room ({', '.join(ROOMS)}) or a file")
    if not stored().exists():
        cover()
    out = os.fdopen(os.dup(1), "w")
    with (STORE / "log").open("w") as log:
        for stream in (1, 2):
            os.dup2(log.fileno(), stream)
        forking = Forking(those, out)
        pytest.main(TESTS, plugins=[forking])
    print(table(forking.verdicts), file=out, flush=True)
    return sum(verdict.startswith("error") for verdict in forking.verdicts.values())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.code_mutants", description=str(__doc__).split("\n")[0])
    parser.add_argument("what", nargs="?", default="", help="cover, a room or a file; all mutants where none is given")
    what = parser.parse_args().what
    if "PYTHONHASHSEED" not in os.environ:  # whose order a set has
        os.execve(sys.executable, [*sys.orig_argv], {**os.environ, "PYTHONHASHSEED": "1"})
    if what == "cover":
        cover()
    else:
        sys.exit(run(what))
