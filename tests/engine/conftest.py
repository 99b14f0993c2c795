"""Fixtures of the engine tests: what is shared is made once per session, each test gets its own moto and world."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.engine.harness import Engine, Shared
    from tests.engine.site import Site, Snapshot


@pytest.fixture(scope="session")
def shared(request: pytest.FixtureRequest) -> Iterator[Shared]:
    """The folder with the extracted schema, the certificate and the provider's mirror, and the fork server."""
    from tests.engine.harness import prepared

    assert request.config.cache is not None
    cache = request.config.cache.mkdir(f"engine-{os.environ.get('STRATA_ENGINE_PROVIDER', 'stand-in')}")
    with prepared(cache) as shared:
        yield shared


@pytest.fixture
def engine(shared: Shared, tmp_path: Path) -> Iterator[Engine]:
    """A scenario of its own: fresh moto, fresh world."""
    from tests.engine.harness import scenario

    with scenario(shared, tmp_path) as engine:
        yield engine


@pytest.fixture(scope="session")
def snapshot(shared: Shared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    """The shipped configuration, deployed once."""
    from tests.engine.harness import scenario
    from tests.engine.site import CHECKOUT, Site, Snapshot

    folder = tmp_path_factory.mktemp("deployed")
    with scenario(shared, folder) as engine:
        yield Snapshot.of(Site.of(engine, CHECKOUT / "config", folder))


@pytest.fixture
def deployed(snapshot: Snapshot, tmp_path: Path) -> Site:
    """The shipped configuration as it is right after its first deploy, to be spoiled by one test."""
    return snapshot.restored(tmp_path)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with the longest tests, so that no worker waits for them at the end."""
    items.sort(key=lambda item: item.name not in LONGEST)


LONGEST = (
    "test_from_a_new_account_to_profiles",
    "test_one_command_builds_everything_and_an_edit_lands_in_one_more",
    "test_killed_after_an_account_was_made",
    "test_the_company_deploys_and_its_second_plan_is_empty",
)


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """Runs a test once more, and says so, after what was seen to happen on a busy machine and never twice in a row."""
    from _pytest.runner import runtestprotocol

    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, nextitem=nextitem, log=False)
    seen = next((hit[0] for report in reports if report.failed and (hit := _HICCUP.search(report.longreprtext))), None)
    if seen:
        said = warnings.WarningMessage(f"run again after: {seen}", pytest.PytestWarning, __file__, 1)
        item.ihook.pytest_warning_recorded.call_historic(
            kwargs={"warning_message": said, "when": "runtest", "nodeid": item.nodeid, "location": None}
        )
        item._initrequest()  # type: ignore[attr-defined]
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


_HICCUP = re.compile(r"Error acquiring the state lock|force-unlock -force|fork/exec \S+: no such file or directory")
"""moto refusing Terraform its own lock; a provider that was there before and after."""
