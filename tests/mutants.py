"""Weakens every statement of the guardrails in turn; lists what no expectation notices: `python -m tests.mutants`."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from strata.landing_zone import LandingZone
from strata.load import load
from strata.rules.expectations import examined
from tests.synthesized import COMPANY, SHIPPED

EXEMPTION = "arn:*:iam::*:role/admin-*"
CONDITION = {"StringEquals": {"aws:PrincipalTag/Team": "none"}}
CONTROLS = ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY")


class Mutant(NamedTuple):
    """A configuration with one statement that does less."""

    name: str
    landing_zone: LandingZone

    @property
    def noticed(self) -> bool:
        """Whether an expectation fails."""
        return not all(one.holds for one in examined(self.landing_zone))


def mutants(landing_zone: LandingZone) -> Iterator[Mutant]:
    """Yields a configuration for each statement that is removed, loses an action, gets a condition or an exemption."""
    files = {one.file for one in landing_zone.policies.values() if one.file and one.type.value in CONTROLS}
    for file in sorted(files):
        document = json.loads(landing_zone.documents[file])
        for index, statement in enumerate(document["Statement"]):
            for what, changed in _weaker(statement):
                mutant = copy.deepcopy(document)
                mutant["Statement"][index : index + 1] = changed
                documents = {**landing_zone.documents, file: json.dumps(mutant)}
                yield Mutant(f"{file} {statement['Sid']} {what}", replace(landing_zone, documents=documents))


def _weaker(statement: dict[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    yield "is removed", []
    yield "has a condition more", [statement | {"Condition": {**statement.get("Condition", {}), **CONDITION}}]
    actions = statement["Action"] if isinstance(statement["Action"], list) else []
    for action in actions:
        yield f"is not about {action}", [statement | {"Action": [one for one in actions if one != action]}]
    for operator, keys in statement.get("Condition", {}).items():
        for key, values in keys.items() if operator == "ArnNotLike" else ():
            listed = [*(values if isinstance(values, list) else [values]), EXEMPTION]
            condition = {**statement["Condition"], operator: {**keys, key: listed}}
            yield f"exempts {EXEMPTION}", [statement | {"Condition": condition}]


def main() -> None:
    """Prints how many are noticed, and each that is not; fails where these are more than one in twenty."""
    worst = 1.0
    for folder in map(Path, sys.argv[1:] or (SHIPPED, COMPANY)):
        landing_zone = load(folder)
        if failing := [one.expectation.id for one in examined(landing_zone) if not one.holds]:
            sys.exit(f"{folder}: {', '.join(failing)} fails before anything is weakened")
        every = list(mutants(landing_zone))
        lost = [one.name for one in every if not one.noticed]
        print(f"{folder}: {len(every) - len(lost)} of {len(every)} are noticed", *lost, sep="\n  ", flush=True)
        worst = min(worst, 1 - len(lost) / len(every))
    sys.exit(worst < 0.95)


if __name__ == "__main__":
    main()
