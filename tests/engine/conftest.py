"""Fixtures of the engine tests: what is shared is made once per session, each test gets its own moto and world."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.engine.harness import Engine, Shared
    from tests.engine.site import Site, Snapshot


@pytest.fixture(scope="session")
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """The folder with the extracted schema, the certificate and the provider's mirror, and the fork server."""
    from tests.engine.harness import REAL, prepared

    assert request.config.cache is not None
    cache = request.config.cache.mkdir(f"engine-{os.environ.get('STRATA_ENGINE_PROVIDER', 'stand-in')}")
    with prepared(cache) as shared:
        if REAL:
            _expect_provider(shared, tmp_path_factory.mktemp("probe"))
        yield shared


def _expect_provider(shared: Shared, folder: Path) -> None:
    """Stops with the reason where the real provider is not to be had."""
    from tests.engine.harness import PROVIDER, scenario

    _, organization, name, version = PROVIDER.split("/")
    wanted = {"aws": {"source": f"{organization}/{name}", "version": version}}
    (folder / "main.tf.json").write_text(json.dumps({"terraform": {"required_providers": wanted}}))
    with scenario(shared, folder) as engine:
        got = engine.terraform(folder, "init")
    if got.code:
        pytest.fail(f"terraform init cannot get {PROVIDER} here: {' '.join(got.text.split())}", pytrace=False)


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
