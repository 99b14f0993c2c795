"""Compares 1,000 accounts, of which one guardrail denies less, and prints the seconds of processor time.

Run by its path in the folder of the revision that is measured: `difference.py <template> <configuration>`.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path

from strata import diff
from strata.config.models import Targets
from strata.landing_zone import LandingZone
from strata.load import load

FILE = "policies/protect-foundation.json"


def landing_zones(template: Path, configuration: Path) -> tuple[LandingZone, LandingZone]:
    """Returns a configuration below the guardrails of another, and the same with one of them looser."""
    shipped, generated = load(template), load(configuration)
    everywhere = {
        key: policy.model_copy(update={"targets": Targets(root=True)})
        for key, policy in shipped.organization.policies.items()
    }
    policies = {**generated.organization.policies, **everywhere}
    organization = generated.organization.model_copy(update={"policies": policies})
    documents = {**generated.documents, **shipped.documents}
    before = replace(generated, organization=organization, documents=documents)
    looser = documents[FILE].replace('"cloudtrail:StopLogging",', "")
    return before, replace(generated, organization=organization, documents={**documents, FILE: looser})


def main(template: str, configuration: str) -> None:
    """Prints the time, and how many changes ask for an approval."""
    before, after = landing_zones(Path(template), Path(configuration))
    started = time.process_time()
    found = [one for one in diff.compare(before, after) if one.risk]
    print(json.dumps({"seconds": time.process_time() - started, "found": len(found)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
