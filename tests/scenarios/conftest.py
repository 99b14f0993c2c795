"""Fixtures of the scenarios: one AWS a worker, one first deploy of a configuration a run, a copy of both a test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.aws import real_provider
from tests.aws.client import Aws, emulated_aws
from tests.provider.server import StandIn
from tests.scenarios.site import CONFIGURATIONS, STACKS, Provider, Site, Snapshot

PROVIDERS = ("stand-in", "real")
LONGEST = (
    *(f"scenarios/test_{name}.py" for name in ("company", "shipped", "layer", "baseline", "adopt", "demo")),
    "provider/test_conformance.py",
    *(f"scenarios/test_{name}.py" for name in ("detection", "closed", "member_drift", "drift_each", "edits")),
    *(f"scenarios/test_{name}.py" for name in ("survival",)),
    *("provider/test_existing.py", "scenarios/test_renames.py"),
)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Leaves to `make e2e` what Terraform does, but for the few scenarios that `make test` has as well."""
    if not item.get_closest_marker("quick"):
        item.add_marker(pytest.mark.e2e)


@pytest.hookimpl(trylast=True)  # pytest itself puts together what has one provider
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with the longest files and the other scenarios, so that no worker waits for them at the end.

    In each the real provider comes first: a file of which two tests are left has the next one wait for its worker.
    """
    first = {name: place for place, name in enumerate(LONGEST, -len(LONGEST))}

    def place(item: pytest.Item) -> tuple[int, bool]:
        file = "/".join(item.path.parts[-2:])
        return first.get(file, "scenarios" not in item.path.parts), "[real" not in item.name

    items.sort(key=place)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs a scenario with both providers, or with the one that it is marked with."""
    if "provider" in metafunc.fixturenames:
        only = metafunc.definition.get_closest_marker("only")
        long = metafunc.definition.get_closest_marker("long")
        names = [name for name in PROVIDERS if only is None or name in only.args]
        marks = {name: pytest.mark.e2e if name == "real" else () for name in names}
        marks |= {name: pytest.mark.large for name in names if long and name in long.args}
        marked = [pytest.param(name, marks=marks[name]) for name in names]
        metafunc.parametrize("provider", marked, indirect=True, scope="session")


@pytest.fixture(scope="session")
def provider(request: pytest.FixtureRequest) -> Provider:
    """What a command needs to run with the stand-in or the real provider."""
    found: Provider = request.getfixturevalue("stand_in" if request.param == PROVIDERS[0] else "installed")
    return found


@pytest.fixture(scope="session")
def stand_in(running_aws: Aws) -> Iterator[Provider]:
    """What a command needs to run with the stand-in."""
    served, terraform = StandIn(running_aws.url), {"TERRAFORM_BINARY_NAME": real_provider.terraform()}
    yield lambda environment: terraform | served.variables(environment)
    served.stop()


@pytest.fixture(scope="session")
def installed(real: real_provider.RealProvider, tmp_path_factory: pytest.TempPathFactory) -> Provider:
    """What a command needs to run with the real provider."""
    variables = real.environment(tmp_path_factory.mktemp("provider"), real_provider.terraform())
    return lambda _: variables


@pytest.fixture(scope="session")
def running_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """The emulated AWS of this worker."""
    with emulated_aws(tmp_path_factory.mktemp("aws") / "log") as aws:
        yield aws


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Shows what AWS was called with a scenario that failed."""
    report = yield
    aws = getattr(item, "funcargs", {}).get("running_aws")
    if report.failed and call.when == "call" and isinstance(aws, Aws):
        report.sections.append(("AWS was called", aws.trace()[-20_000:]))
    return report


@dataclass(frozen=True)
class FirstDeploys:
    """What takes long with a provider; the first worker that asks makes it for all of a run."""

    aws: Aws
    provider: Provider
    name: str
    folders: pytest.TempPathFactory

    def bootstrapped(self) -> Snapshot:
        """Returns the shipped configuration after `strata bootstrap`."""
        return self._once("bootstrapped", lambda: self._bootstrapped("shipped"))

    def backend(self) -> Snapshot:
        """Returns the same with the stack `backend`."""
        return self._once("backend", lambda: self._deployed("backend"))

    def shipped(self) -> Snapshot:
        """Returns the shipped configuration, deployed by the command of the README an hour ago."""
        return self._once("shipped", lambda: self._deployed(*STACKS))

    def company(self) -> Snapshot:
        """Returns the company, deployed by `strata deploy` an hour ago."""
        return self._once("company", self._company)

    def _once(self, what: str, make: Callable[[], Site]) -> Snapshot:
        own = self.folders.getbasetemp()
        run = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
        return Snapshot.once(run / f"{what}-{self.name}", self.aws, self.provider, make)

    def _bootstrapped(self, configuration: str) -> Site:
        self.aws.restore()
        site = Site.of(self.aws, self.provider, CONFIGURATIONS[configuration], self.folders.mktemp(configuration))
        site.bootstrap()
        return site

    def _deployed(self, *stacks: str) -> Site:
        site = self.bootstrapped().restored(self.folders.mktemp("shipped"))
        if self.name == PROVIDERS[1]:  # whose second attempt takes half a minute of a processor
            self.aws.order("prompt")
        deployed = site.deployed_by_cdktf(*stacks)
        assert deployed.code == 0, deployed.text[-4000:]
        self.aws.order("prompt", on=False)
        if stacks == STACKS:
            self.aws.wait_an_hour()
        return site

    def _company(self) -> Site:
        site = self._bootstrapped("company")
        site.make_external_groups()
        for address in site.unmanaged():
            site.open_account(address)
        deployed = site.strata("deploy", "--yes")
        assert deployed.code == 0, deployed.text[-4000:]
        self.aws.wait_an_hour()
        return site


@pytest.fixture(scope="session")
def first_deploys(
    running_aws: Aws, provider: Provider, stand_in: Provider, tmp_path_factory: pytest.TempPathFactory
) -> FirstDeploys:
    """What takes long with the provider of a test."""
    return FirstDeploys(running_aws, provider, PROVIDERS[provider is not stand_in], tmp_path_factory)


@pytest.fixture(scope="session")
def bootstrapped_backend(first_deploys: FirstDeploys) -> Snapshot:
    """The shipped configuration of which only `backend` is deployed."""
    return first_deploys.backend()


@pytest.fixture(scope="session")
def deployed_shipped(first_deploys: FirstDeploys) -> Snapshot:
    """The shipped configuration an hour after its first deploy."""
    return first_deploys.shipped()


@pytest.fixture(scope="session")
def deployed_company(first_deploys: FirstDeploys) -> Snapshot:
    """The company an hour after its first deploy."""
    return first_deploys.company()


@pytest.fixture
def deployed_with_stand_in(running_aws: Aws, stand_in: Provider, tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """The shipped configuration after a first deploy with the stand-in, whichever provider a test has."""
    return FirstDeploys(running_aws, stand_in, PROVIDERS[0], tmp_path_factory).shipped()


@pytest.fixture
def empty(running_aws: Aws, provider: Provider, tmp_path: Path) -> Site:
    """The shipped configuration on an empty account."""
    running_aws.restore()
    return Site.of(running_aws, provider, CONFIGURATIONS["shipped"], tmp_path)


@pytest.fixture
def fresh(empty: Site) -> Site:
    """The shipped configuration on an account that was bootstrapped and has Identity Center."""
    empty.bootstrap()
    return empty


@pytest.fixture
def backend(bootstrapped_backend: Snapshot, tmp_path: Path) -> Site:
    """The shipped configuration of which only `backend` is deployed."""
    return bootstrapped_backend.restored(tmp_path)


@pytest.fixture
def shipped(deployed_shipped: Snapshot, tmp_path: Path) -> Site:
    """The shipped configuration an hour after its first deploy."""
    return deployed_shipped.restored(tmp_path)


@pytest.fixture
def company(deployed_company: Snapshot, tmp_path: Path) -> Site:
    """The company an hour after its first deploy."""
    return deployed_company.restored(tmp_path)
