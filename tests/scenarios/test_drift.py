"""`strata drift` finds what people did by hand in a landing zone that is deployed, and its lines put it back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.scenarios.site import Site

pytestmark = [pytest.mark.only("stand-in"), pytest.mark.e2e]


def drift(site: Site, code: int) -> Any:
    found = site.strata("drift", "--json")
    assert found.code == code, found.text[-6000:]
    return json.loads(found.stdout)


def test_each_change_by_hand_is_found_and_put_back(shipped: Site) -> None:
    site = shipped
    before = len(site.aws.calls())
    clean = drift(site, 0)
    assert clean["differences"] == clean["waiting"] == clean["unread"] == []
    assert not site.aws.writing_calls(since=before)
