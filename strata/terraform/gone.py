"""Lines of imports.yaml whose thing is gone at AWS: advice, where Terraform would plan nothing at all."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from strata.config import IMPORTS
from strata.errors import Message
from strata.landing_zone import LandingZone
from strata.printing import line
from strata.terraform.events import Failure

PRUNE = "strata adopt --prune"


@dataclass
class GoneImports:
    """The lines that were told of in one run, each once."""

    landing_zone: LandingZone
    warnings: dict[str, Message] = field(default_factory=dict)
    """What was told, by address."""

    def among(self, failures: Sequence[Failure]) -> list[str]:
        """Returns the addresses whose import failed for want of a thing, and warns of each."""
        named = [match[1] for failure in failures if (match := _GONE.match(failure.text))]
        new = [
            address
            for address in dict.fromkeys(named)
            if address in self.landing_zone.imports and address not in self.warnings
        ]
        for address in new:
            id = self.landing_zone.imports[address]
            problem = Message("import-of-nothing", f"AWS has nothing of the id {id}, so it is created", id=id)
            remedy = f"{PRUNE} takes the line out; where it shall stay away, take its entry out of the YAML"
            self.warnings[address] = self.landing_zone.fault(IMPORTS, (address,), problem, remedy).message
            print(line(f"warning: {self.warnings[address]}"), file=sys.stderr)
        return new


_GONE = re.compile(r'Cannot import non-existent remote object: .*? to "([^"]+)"')
