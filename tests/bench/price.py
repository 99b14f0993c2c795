"""What a month costs with everything on, by line, at 10, 100 and 1,000 accounts: `python -m tests.bench.price`.

The usage is that of a small account; the time is of the bill alone, without the check of the configuration.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from strata.commands.price import text
from strata.config.detection import Plan, Usage
from strata.load import load
from strata.price import Bill
from tests.generated import write_configuration

SIZES = (10, 100, 1000)
LONGEST = 1.0
"""Seconds of processor time."""
USAGE = {"management_events_million": 0.5, "flow_gb": 10, "s3_data_events_million": 2, "iam_roles_and_users": 40}


def main() -> None:
    """Prints the bills, the first month of each among them; fails where one takes too long."""
    for accounts in SIZES:
        with tempfile.TemporaryDirectory() as parent:
            folder = Path(parent, "config")
            write_configuration(folder, accounts=accounts, assignments=1)
            (folder / "detection.yaml").write_text(_detection(), encoding="utf-8")
            with (folder / "security.yaml").open("a", encoding="utf-8") as security:
                security.write("access_analyzer:\n  unused_access_days: 90\n")
            zone = load(folder)
        begun = time.process_time()
        lines = list(text(Bill.of(zone)))
        taken = time.process_time() - begun
        print(f"{accounts:,} accounts, {taken:.2f} s", *lines, "", sep="\n")
        if taken > LONGEST:
            raise SystemExit(f"the bill of {accounts:,} accounts took {taken:.2f} s, more than {LONGEST}")


def _detection() -> str:
    plans = ", ".join(plan.value for plan in Plan)
    usage = ", ".join(f"{word}: {USAGE.get(word, 1)}" for word in Usage.model_fields)
    guardduty = f"guardduty: {{mode: on, plans: [{plans}], alert_severity: high}}"
    return f"administrator: account-1\n{guardduty}\nusage:\n  root: {{{usage}}}\n"


if __name__ == "__main__":
    main()
