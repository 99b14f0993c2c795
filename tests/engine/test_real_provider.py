"""The stacks held against the real AWS provider, where `terraform init` can get one: `make e2e`.

`terraform validate` needs no AWS, yet runs the provider's own checks of names, enums, ARNs and policy documents. What
is applied is what moto answers to the real provider: the state backend, here and in the scenarios elsewhere that are
marked `any_provider`. moto lacks calls of the other stacks, such as tagging a permission set, so those are applied on
the stand-in only.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.harness import Engine
from tests.engine.site import CHECKOUT, STACKS, Site

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("configuration", ["config", "tests/company"])
def test_the_provider_accepts_every_argument(engine: Engine, tmp_path: Path, configuration: str) -> None:
    """No stack has an argument that the real provider refuses without asking AWS."""
    site = Site.of(engine, CHECKOUT / configuration, tmp_path)
    site.synth()
    for stack in STACKS:
        assert site.terraform(stack, "init", "-backend=false").code == 0
        validated = site.terraform(stack, "validate")
        assert validated.code == 0, f"{stack}: {validated.text}"


def test_the_backend_applies_and_has_nothing_left_to_do(engine: Engine, tmp_path: Path) -> None:
    """What bootstrap made is imported, the rest made, and a second plan is empty."""
    site = Site.of(engine, CHECKOUT / "config", tmp_path)
    assert site.strata("bootstrap", "--yes").code == 0
    site.synth()
    assert site.terraform("backend", "init").code == 0

    applied = site.apply("backend")

    assert applied.code == 0, applied.text
    assert site.plan("backend") == {}
