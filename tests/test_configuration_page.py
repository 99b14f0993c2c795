"""docs/configuration.md says what the models say, and its examples are one valid configuration."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pytest

from strata.load import load
from strata.rules import warnings
from tests.configuration_page import ANNOTATED, MODELS, File, page
from tests.conftest import Golden
from tests.documents import CHECKOUT
from tests.synthesized import SHIPPED


def test_the_page_is_current(golden: Golden) -> None:
    golden("../../docs/configuration.md", page())


def test_the_annotated_files_are_one_valid_configuration(tmp_path: Path) -> None:
    """What they show is checked as an operator's own is: no fault, and no warning that nobody accepted."""
    folder = tmp_path / "config"
    shutil.copytree(ANNOTATED, folder)
    shutil.copytree(SHIPPED / "policies", folder / "policies")

    landing_zone = load(folder)

    assert warnings(landing_zone, dt.date(2026, 1, 1)) == []
    assert landing_zone.units["experiments"].parent == "nonproduction"


def test_every_file_has_an_annotated_example() -> None:
    assert {file.name for file in ANNOTATED.glob("*.yaml")} == MODELS.keys()


@pytest.mark.parametrize("name", MODELS)
def test_every_field_has_its_row(name: str) -> None:
    """Also those of models that only others lead to; each with a meaning."""
    text = (CHECKOUT / "docs/configuration.md").read_text(encoding="utf-8")
    section = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    schema = File(name).schema
    models = [schema, *schema.get("$defs", {}).values()]
    fields = {field for model in models for field in model.get("properties", {})}
    rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| `")]

    assert {row[0].strip("| `") for row in rows} == fields
    assert [row for row in rows if not row[-1].strip(" |")] == []
