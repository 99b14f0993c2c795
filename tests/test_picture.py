"""docs/picture.svg shows what the shipped configuration becomes."""

from __future__ import annotations

from strata.load import load
from tests.conftest import Golden
from tests.documents import CHECKOUT
from tests.picture import picture
from tests.synthesized import SHIPPED


def test_the_picture_is_current(golden: Golden) -> None:
    golden("../../docs/picture.svg", picture(load(SHIPPED)))

    assert "](docs/picture.svg)" in (CHECKOUT / "README.md").read_text(encoding="utf-8")
