"""The pipelines of GitHub and GitLab as their files have them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

CHECKOUT = Path(__file__).parents[1]


WORKFLOWS = CHECKOUT / ".github/workflows"


GITLAB = CHECKOUT / "pipeline/gitlab-ci.yml"


BIN = Path(sys.executable).parent


def workflow(name: str = "strata") -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((WORKFLOWS / f"{name}.yml").read_text())
    return found


def gitlab() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(GITLAB.read_text())
    return found
