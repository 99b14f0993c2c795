"""docs/controls.md says of each control what the stack does, in each mode."""

from __future__ import annotations

from typing import Any

import pytest

from strata.config.models import Control, Security
from tests.conftest import Golden, Variant
from tests.controls_page import FACTS, Effects, Page

CONTACT = {"name": "Jane", "title": "Lead", "email": "jane@example.com", "phone": "+49 30 1"}
PARAMETERS: dict[str, dict[str, Any]] = {
    "alternate_contacts": dict.fromkeys(("billing", "operations", "security"), CONTACT),
    "anomaly_monitor": {"emails": ["aws@example.com"]},
    "github_actions": {"repository": "acme/landing-zone", "repository_id": "4567", "owner_id": "1234"},
}


@pytest.fixture
def effects(variant: Variant) -> Effects:
    """Every control in each mode."""

    def all_of_them(mode: str) -> dict[str, Any]:
        return {name: {"mode": mode, **PARAMETERS.get(name, {})} for name in Security.kinds(Control)}

    on, off, unmanaged = (
        variant({"security.yaml": all_of_them(mode)})["security"] for mode in ("on", "off", "unmanaged")
    )
    return Effects(on, off, unmanaged)


def test_the_page_is_current(effects: Effects, golden: Golden) -> None:
    """With the page, every sentence about a mode is held against the stack: made, destroyed, or left as it is."""
    kinds = [kind for facts in FACTS.values() for kind in facts.things]

    assert FACTS.keys() == Security.kinds(Control).keys()
    assert sorted(kinds) == sorted({address.partition(".")[0] for address in effects.on.addresses})
    golden("../../docs/controls.md", Page(effects).text())
