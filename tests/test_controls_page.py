"""docs/controls.md says of each control what the stack does, in each mode."""

from __future__ import annotations

import pytest

from strata.config.models import Control, Security
from strata.config.source import read
from tests.conftest import Changes, Golden, Variant
from tests.controls_page import FACTS, Effects, Page
from tests.synthesized import COMPANY, EVERY_OPTION


@pytest.fixture
def effects(variant: Variant) -> Effects:
    """Every control in each mode."""
    given, controls = read(EVERY_OPTION / "security.yaml", "security.yaml").data, Security.kinds(Control)
    every = {key: one for key, one in given.items() if key in controls}
    freed: Changes = {"sso.yaml": {"break_glass": None}, "expectations.yaml": lambda one: one.clear()}
    on, off, unmanaged = (
        variant({"security.yaml": {key: {**one, "mode": mode} for key, one in every.items()}, **freed}, of=COMPANY)
        for mode in ("on", "off", "unmanaged")
    )
    return Effects(*(one["security"] for one in (on, off, unmanaged)))


def test_the_page_is_current(effects: Effects, golden: Golden) -> None:
    """With the page, every sentence about a mode is held against the stack: made, destroyed, or left as it is."""
    kinds = [kind for facts in FACTS.values() for kind in facts.things]

    assert FACTS.keys() == Security.kinds(Control).keys()
    assert sorted(kinds) == sorted({address.partition(".")[0] for address in effects.on.addresses})
    golden("../../docs/controls.md", Page(effects).text())


def test_what_off_does_at_aws_is_what_the_control_says(effects: Effects) -> None:
    """`report --diff` tells it in the words of the model."""
    controls = Security.kinds(Control)
    stays = {name for name, facts in FACTS.items() if not effects.destroyed(next(iter(facts.things)), mode="off")}

    assert stays == {name for name, control in controls.items() if "stay" in control.off} - {"trail"}
    assert "aws_s3_bucket.trail" in effects.off.forgotten
    assert "log files stays" in controls["trail"].off
