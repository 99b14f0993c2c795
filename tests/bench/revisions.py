"""What goes into the history: ratios against an earlier revision and against JavaScript, and an unchanged deploy."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from strata.terraform.tools import CHECKOUT
from tests.aws import real_provider
from tests.aws.client import emulated_aws
from tests.bench import fleet, growth, history, javascript
from tests.bench.earlier import REVISION, earlier_checkout, pairs, processor_time
from tests.generated import write_configuration
from tests.provider.server import StandIn
from tests.scenarios.site import CONFIGURATIONS, Site

SHIPPED = CHECKOUT / "strata" / "template"
SYNTH = (sys.executable, "-c", "import runpy; runpy.run_path('main.py', run_name='__main__')")
COMPARE = (sys.executable, str(Path(__file__).with_name("difference.py")))
SIZES = (1000, 2000, 3000, 4000)
PICTURE = history.FILE.with_name("growth.svg")
UNCHANGED = 4.0
"""Seconds of processor time that a deploy of four stacks without a change may take, the provider left out."""


@dataclass
class Figures:
    """Ratios and seconds of processor time by what was measured."""

    ratios: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, name: str, taken: tuple[float, float, float], goal: float | None = None) -> None:
        """Takes and prints the processor time of this and the other program, and their ratio."""
        self.seconds[name], other, self.ratios[name] = taken
        wanted = f", the goal is {goal}" if goal else ""
        print(f"{name:36} {self.seconds[name]:6.2f} s {other:6.2f} s {self.ratios[name]:6.2f}{wanted}", flush=True)


def measure(runs: int) -> Figures:
    """Measures and prints everything; fails where the unchanged deploy takes too long."""
    figures = Figures()
    print(f"processor time of this revision and of the other program, median of {runs} pairs of runs in turns")
    with tempfile.TemporaryDirectory() as folder, earlier_checkout() as earlier:
        scratch = Path(folder)
        _against_javascript(figures, scratch, runs)
        if earlier:
            _against(earlier, figures, scratch, runs)
        _growth(figures, scratch, earlier)
        _unchanged_deploy(figures, scratch, runs)
    figures.seconds |= fleet.measure(runs)
    return figures


def _variables(configuration: Path, output: Path) -> dict[str, str]:
    return {
        "CDKTF_OUTDIR": str(output),
        "STRATA_CONFIG": str(configuration),
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
    }


def _against_javascript(figures: Figures, scratch: Path, runs: int) -> None:
    variables = _variables(SHIPPED, scratch / "python")
    processor_time(SYNTH, CHECKOUT, variables)
    (scratch / "javascript").mkdir()
    app = javascript.command(scratch / "python" / "stacks", scratch / "javascript")
    taken = pairs(SYNTH, app, (CHECKOUT, scratch / "javascript"), variables, runs)
    figures.add("shipped synth / JavaScript", taken, 3.3)


def _against(earlier: Path, figures: Figures, scratch: Path, runs: int) -> None:
    both = (CHECKOUT, earlier)
    shipped = pairs(SYNTH, SYNTH, both, _variables(SHIPPED, scratch / "python"), runs)
    figures.add(f"shipped synth / {REVISION}", shipped, 0.7)
    compare = (*COMPARE, str(SHIPPED), str(_configuration(scratch, 1000, 20)))
    mine, other = (compared(compare, folder) for folder in both)
    figures.add(f"difference, 1,000 accounts / {REVISION}", (mine, other, mine / other))


def _growth(figures: Figures, scratch: Path, earlier: Path | None) -> None:
    """Synthesizes ever more accounts, draws it, and fails where an account costs ever more."""
    found: dict[int, float] = {}
    for size in SIZES:
        variables = _variables(_configuration(scratch, size, 10), scratch / f"growth-{size}")
        if earlier and size == SIZES[0]:
            taken = pairs(SYNTH, SYNTH, (CHECKOUT, earlier), variables, 1)
            figures.add(f"synth, {size:,} accounts / {REVISION}", taken)
        found[size] = processor_time(SYNTH, CHECKOUT, variables)
        figures.seconds[f"synth, {size:,} accounts"] = found[size]
        print(f"synth, {size:,} accounts: {found[size]:.2f} s", flush=True)
    PICTURE.parent.mkdir(exist_ok=True)
    growth.draw(found, PICTURE)
    print(f"drawn in {PICTURE.relative_to(CHECKOUT)}")
    if not growth.is_linear(found):
        sys.exit("synth grows faster than the number of accounts")


def _unchanged_deploy(figures: Figures, scratch: Path, runs: int) -> None:
    """Deploys the shipped configuration, and again without a change; the provider runs beside and does not count."""
    with emulated_aws(scratch / "aws.log") as aws:
        served = StandIn(aws.url)
        terraform = {"TERRAFORM_BINARY_NAME": real_provider.terraform()}
        site = Site.of(aws, lambda given: terraform | served.variables(given), CONFIGURATIONS["shipped"], scratch)
        site.bootstrap()
        deploy = (str(Path(sys.executable).parent / "strata"), "deploy", "--yes")
        times = [processor_time(deploy, CHECKOUT, site.environment()) for _ in range(runs + 1)]
        served.stop()
    took = figures.seconds["unchanged deploy"] = statistics.median(times[1:])
    print(f"unchanged deploy of four stacks: {took:.2f} s of {UNCHANGED} s", flush=True)
    if took > UNCHANGED:
        sys.exit("an unchanged deploy takes too long")


def _configuration(scratch: Path, accounts: int, assignments: int) -> Path:
    folder = scratch / f"{accounts}-{assignments}"
    if not folder.exists():
        write_configuration(folder, accounts=accounts, assignments=assignments)
    return folder


def compared(command: tuple[str, ...], folder: Path) -> float:
    """Returns the seconds that a comparison took, without loading; the least of two."""
    environment: Mapping[str, str] = {"PYTHONPATH": str(folder)}
    taken = []
    for _ in range(2):
        done = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True)
        taken.append(json.loads(done.stdout))
    if any(one["found"] != 1 for one in taken):
        sys.exit(f"the comparison finds {taken[0]['found']} changes to ask about instead of one")
    return float(min(one["seconds"] for one in taken))
