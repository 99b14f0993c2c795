"""Fixtures of all tests: the two configurations synthesized once a run, variants of them, expected files."""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import shutil
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from hypothesis import HealthCheck, settings

import tests.guard.sitecustomize
from tests.guard.sitecustomize import lifted
from tests.said import Said, Words, recorded
from tests.synthesized import CHECKOUT, COMPANY, EVERY_OPTION, OWN, SHIPPED, Deployment, synthesize

if TYPE_CHECKING:
    from strata.aws.session import Aws as Session
    from strata.errors import Fault
    from strata.testing import Zone
    from tests.aws.client import Aws
    from tests.aws.real_provider import RealProvider

# An example of a property may take as long as it does: a machine that is busy is no fault.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")
NO_PROVIDER = "no real AWS provider"
GOLDEN = Path(__file__).parent / "golden"
OWN_TESTS = CHECKOUT / "tests" / "own"
"""The owner's: they run by `make own` and not by `make test`, and they alone may read his configuration."""


def pytest_configure(config: pytest.Config) -> None:
    """Keeps config/, which is its owner's, from the processes that tests start, as it is kept from the tests."""
    if config.getoption("--golden") and os.environ.get("CI"):
        raise pytest.UsageError("--golden writes what is expected, and nobody reads it in CI; run it where you commit")
    if _names_own_tests(config) and not OWN.is_dir():
        raise pytest.UsageError(f"{OWN} is no folder: STRATA_CONFIG names the configuration that tests/own/ reads")
    guard = str(Path(tests.guard.sitecustomize.__file__).parent)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [guard, os.environ.get("PYTHONPATH")]))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Gives one worker of `make test` all scenarios, which begin with a first deploy, and any other file to the next.

    What the tests of a file share is made once so, and not in each worker. The groups of xdist 3.8 change an attribute
    that pytest has no longer.
    """
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

    class Scheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
        def _split_scope(self, nodeid: str) -> str:
            return "scenarios" if nodeid.startswith("tests/scenarios/") else nodeid.partition("::")[0]

    return Scheduling(config, log)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leaves the owner's tests to who names them: what is wrong there fails no test of Strata's."""
    if not collection_path.is_relative_to(OWN_TESTS):
        return None
    return None if _names_own_tests(config) else True


def _names_own_tests(config: pytest.Config) -> bool:
    named = [config.invocation_params.dir / argument.partition("::")[0] for argument in config.args]
    return any(path.resolve().is_relative_to(OWN_TESTS) for path in named)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--golden", action="store_true", help="rewrite the expected files in tests/golden, run nothing else"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With --golden only the tests run that have expected texts."""
    if config.getoption("--golden"):
        items[:] = [item for item in items if {"golden", "said"}.intersection(getattr(item, "fixturenames", ()))]


def pytest_collection_finish() -> None:
    """Looks for garbage less often, and not in what was collected, which stays: it took a tenth of a run."""
    gc.freeze()
    gc.set_threshold(200_000, 20, 20)


@pytest.fixture(scope="session", autouse=True)
def patched() -> Iterator[pytest.MonkeyPatch]:
    """What stays patched all session."""
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="session", autouse=True)
def aws_is_described_once(patched: pytest.MonkeyPatch) -> None:
    """Reads boto3's descriptions of the services and the names of its events once, and moto's of images never."""
    import botocore.hooks
    import botocore.session

    made, names = botocore.hooks.EventAliaser.__init__, dict[str, str]()

    def knowing_names(self: Any, *emitter: Any, **aliases: Any) -> None:
        made(self, *emitter, **aliases)
        self._alias_name_cache = names

    patched.setattr(botocore.hooks.EventAliaser, "__init__", knowing_names)
    patched.setattr(botocore.session, "create_loader", functools.cache(botocore.session.create_loader))
    patched.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")


@pytest.fixture(scope="session", autouse=True)
def the_command_line_is_built_once(patched: pytest.MonkeyPatch) -> None:
    """Has typer make click's commands of the app once, and not for each command that a test runs."""
    from typer.main import get_command

    patched.setattr("typer.testing._get_command", functools.cache(get_command))


@pytest.fixture(scope="session", autouse=True)
def what_no_test_edits_is_read_once(patched: pytest.MonkeyPatch) -> None:
    """Reads a configuration of the checkout once: tests load it some hundred times, and edit copies of it."""
    from strata.config import loader
    from strata.config.loader import PartialConfiguration

    read, found = loader.read_partial, dict[tuple[Path, Path], PartialConfiguration]()

    def read_partial(folder: Path) -> tuple[PartialConfiguration, list[Fault]]:
        if folder not in (SHIPPED, COMPANY, EVERY_OPTION):
            return read(folder)
        here = folder, Path.cwd()  # by which faults name their file
        if here not in found:
            found[here], faults = read(folder)
            assert not faults
        return replace(found[here]), []

    patched.setattr("strata.load.read_partial", read_partial)


@pytest.fixture(scope="session", autouse=True)
def a_sound_configuration_is_evaluated_once(patched: pytest.MonkeyPatch) -> None:
    """Looks for lock-outs once in what many tests load; where there is one, each time anew."""
    from strata.rules.lockout import Guard, LockOut

    look: Callable[[Guard], tuple[LockOut, ...]] = Guard.__dict__["lock_outs"].func
    sound = set[str]()

    def lock_outs(self: Guard) -> tuple[LockOut, ...]:
        evaluated = replace(self.landing_zone, source_files={}, accepted=(), moves=(), expectations=())
        key = repr((evaluated, self.day))
        found = () if key in sound else look(self)
        sound.update(() if found else (key,))
        return found

    once = functools.cached_property(lock_outs)
    once.__set_name__(Guard, "lock_outs")
    patched.setattr(Guard, "lock_outs", once)


@pytest.fixture(scope="session", autouse=True)
def an_expectation_is_asked_once(patched: pytest.MonkeyPatch) -> None:
    """Asks an expectation once of what many tests load, which is most of a report."""
    from strata.evaluation.expectations import Examiner, ExpectationResult
    from strata.evaluation.sentences import Sentence

    examine, results = Examiner.examine, dict[object, ExpectationResult]()

    def examined(self: Examiner, index: int, sentence: Sentence) -> ExpectationResult:
        zone = self.evaluated.landing_zone
        if "content" not in zone.derived:
            zone.derived["content"] = repr(zone)
        key = (zone.derived["content"], index, repr(sentence))
        if key not in results:
            results[key] = examine(self, index, sentence)
        return results[key]

    patched.setattr(Examiner, "examine", examined)


@pytest.fixture(scope="session")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """An emulated AWS for whoever empties it first (`restore`): starting one takes longer than what most ask."""
    from tests.aws.client import emulated_aws

    with emulated_aws(tmp_path_factory.mktemp("aws") / "log") as aws:
        yield aws


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """An account in this process, with an instance of Identity Center and nothing else."""
    from moto import mock_aws

    from strata.aws.session import Aws

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield Aws(profile=None, region="us-east-1")


@pytest.fixture(scope="session")
def real(request: pytest.FixtureRequest) -> RealProvider:
    """The real AWS provider; without one, the tests that need it are skipped."""
    from tests.aws import real_provider

    assert request.config.cache is not None
    try:
        return real_provider.find(os.environ.get("STRATA_PROVIDER_MIRROR", "search"), request.config.cache)
    except real_provider.NotFoundError as error:
        pytest.skip(f"{NO_PROVIDER}: {error}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Has one line say that there is no provider, instead of one for each test that needs it."""
    report = yield
    if report.skipped and isinstance(report.longrepr, tuple) and NO_PROVIDER in report.longrepr[2]:
        report.longrepr = (__file__, None, report.longrepr[2])  # type: ignore[assignment]  # no line: pytest can do it
    return report


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """What `strata/template` becomes, with which everybody begins."""
    return synthesize(SHIPPED, tmp_path_factory.mktemp("shipped"))


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """What `tests/company/` becomes: a company that uses every option."""
    return synthesize(COMPANY, tmp_path_factory.mktemp("company"))


@pytest.fixture(scope="session")
def own(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """What the owner's configuration becomes, for tests in tests/own/."""
    with lifted():
        return synthesize(OWN, tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="session")
def zone() -> Zone:
    """The owner's configuration, of which tests in tests/own/ assert who can do what."""
    from strata.testing import Zone

    with lifted():
        return Zone.of(OWN)


@pytest.fixture(autouse=True)
def may_read_config(request: pytest.FixtureRequest) -> Iterator[None]:
    """Lets the tests in tests/own/ read config/."""
    with lifted() if request.path.is_relative_to(OWN_TESTS) else contextlib.nullcontext():
        yield


@pytest.fixture(scope="session", params=["shipped", "company"])
def deployment(request: pytest.FixtureRequest) -> Deployment:
    """Both, one after the other, for what holds for every configuration."""
    found: Deployment = request.getfixturevalue(request.param)
    return found


class Variant(Protocol):
    """Synthesizes a configuration of which some values are changed."""

    def __call__(self, changes: Changes, /, *, of: Path = ..., emulated: bool = ...) -> Deployment:
        """Returns what the changed configuration becomes."""


Changes = dict[str, dict[str, Any] | Callable[[dict[str, Any]], None]]
"""File to values laid over its own (`None` removes a key), or to a function that edits them."""


@pytest.fixture
def variant(tmp_path: Path) -> Variant:
    """A function that changes a copy of a configuration and synthesizes it."""
    from ruamel.yaml import YAML  # keeps quotes, and `on` a word

    yaml, number = YAML(), 0

    def changed(changes: Changes, /, *, of: Path = SHIPPED, emulated: bool = False) -> Deployment:
        nonlocal number
        number += 1
        folder, outdir = tmp_path / f"config-{number}", tmp_path / f"out-{number}"
        shutil.copytree(of, folder)
        outdir.mkdir()
        for file, change in changes.items():
            values = yaml.load(folder / file) if (folder / file).exists() else {}
            if callable(change):
                change(values)
            else:
                _overlay(values, change)
            yaml.dump(values, folder / file)
        return synthesize(folder, outdir, emulated=emulated)

    return changed


def _overlay(values: dict[str, Any], change: dict[str, Any]) -> None:
    for key, value in change.items():
        if value is None:
            del values[key]
        elif isinstance(value, dict) and isinstance(values.get(key), dict):
            _overlay(values[key], value)
        else:
            values[key] = value


class Golden:
    """Compares text with an expected file, or writes the file when pytest runs with --golden."""

    def __init__(self, *, rewrites: bool) -> None:
        self.rewrites = rewrites

    def __call__(self, name: str, text: str) -> None:
        """Holds a text against the file of a name below tests/golden."""
        file = GOLDEN / name
        if self.rewrites:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert text == file.read_text(encoding="utf-8"), f"{name} differs: read the difference, then run make golden"


@pytest.fixture(scope="session")
def golden(request: pytest.FixtureRequest) -> Golden:
    """What pinned texts are held against."""
    return Golden(rewrites=request.config.getoption("--golden"))


@pytest.fixture(scope="session")
def golden_messages(request: pytest.FixtureRequest) -> Iterator[Words]:
    """The words of messages, which a run of all tests with --golden writes anew."""
    config = request.config
    every = config.args_source is not pytest.Config.ArgsSource.ARGS and not config.option.keyword
    golden = config.getoption("--golden")
    found = Words(rewrites=golden, anew=golden and every)
    yield found
    found.write()


@pytest.fixture
def said(
    golden_messages: Words, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Said]:
    """What commands say, by id: ask for it before the command runs. `make golden` runs no test of `make e2e`."""
    hidden = {str(CHECKOUT): "CHECKOUT"}
    if "tmp_path" in request.fixturenames:
        hidden = {str(request.getfixturevalue("tmp_path")): "TMP", **hidden}
    with pytest.MonkeyPatch.context() as patch:
        words = None if request.node.get_closest_marker("e2e") else golden_messages
        yield Said(recorded(patch), words, hidden)
