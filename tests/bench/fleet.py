"""What deploys take: one that changes nothing; a layer in 200 member accounts at first, unchanged, and changed."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from strata.terraform.fleet import machine
from strata.terraform.tools import CHECKOUT
from tests.aws import real_provider
from tests.aws.client import emulated_aws
from tests.provider.server import StandIn
from tests.scenarios.layers import Clone
from tests.scenarios.site import CONFIGURATIONS, Site

ACCOUNTS, RESOURCES = 200, 6
OF_STRATA = 4.0
"""Seconds of processor time that a deploy of four stacks without a change may take, the provider left out."""
UNCHANGED, CHANGED = 9.0, 2.5
"""Seconds of processor time that a deploy without a change may take, and for each account one with a new setting."""
BUSY, PARENT = 0.85, 0.1
"""The least part of the time in which every place for a Terraform has one, and the most of the work that is ours.

With the AWS provider an account costs more than three times as much, so there our part is a third of it.
"""
TERRAFORM = """#!/bin/bash
begun=$EPOCHREALTIME
{terraform} "$@"
code=$?
echo "$begun $EPOCHREALTIME $1" >> {log}
exit $code
"""
"""Runs Terraform, and writes down from when to when, and where."""
MODEL = """from strata.config.models import Model


class Settings(Model):
    name: str
"""
STACK = f"""from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from stacks.account import AccountStack


class Stack(AccountStack):
    def __init__(self, scope, id, *, account, settings):
        super().__init__(scope, id, account=account)
        for number in range({RESOURCES}):
            self.add(SnsTopic, f"topic-{{number}}", name=f"topic-{{number}}", display_name=settings.name)
"""
LOG = "terraform.log"
COUNTED = """import atexit, json, os, resource, runpy, sys
def told():
    used = resource.getrusage(resource.RUSAGE_SELF)
    with open(os.environ["USED"], "w") as file:
        json.dump(used.ru_utime + used.ru_stime, file)
atexit.register(told)
sys.argv[0] = "strata"
runpy.run_module("strata", run_name="__main__")
"""
"""Runs the command, and writes down what its own process has used."""


class Taken(NamedTuple):
    """Seconds of a run: of processors, of these by the command's own process; and how busy the places were."""

    processor: float
    own: float
    busy: float


def measure_unchanged(runs: int) -> None:
    """Deploys the shipped configuration, and again without a change; fails where that takes too long."""
    with tempfile.TemporaryDirectory() as folder, emulated_aws(Path(folder, "log")) as aws:
        served = StandIn(aws.url)
        terraform = {"TERRAFORM_BINARY_NAME": real_provider.terraform()}
        site = Site.of(aws, lambda given: terraform | served.variables(given), CONFIGURATIONS["shipped"], Path(folder))
        site.bootstrap()
        times = [_deployed(site) for _ in range(runs + 1)]
        served.stop()
    took = statistics.median(times[1:])
    print(f"unchanged deploy of four stacks: {took:.2f} s of {OF_STRATA} s", flush=True)
    if took > OF_STRATA:
        sys.exit("an unchanged deploy takes too long")


def _deployed(site: Site) -> float:
    """Returns the processor time of a deploy of everything, and of the processes below it."""
    command = [str(Path(sys.executable).parent / "strata"), "deploy", "--yes"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=CHECKOUT, env={**os.environ, **site.environment()}, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(runs: int = 3) -> None:
    """Measures and prints; fails where something takes more than it may."""
    os.environ.setdefault("PYTHONPATH", "")
    with tempfile.TemporaryDirectory() as folder, emulated_aws(Path(folder, "log")) as aws:
        served, terraform = StandIn(aws.url), {"TERRAFORM_BINARY_NAME": str(_watched(Path(folder)))}
        site = Site.of(aws, lambda given: terraform | served.variables(given), CONFIGURATIONS["shipped"], Path(folder))
        clone = _made(site, Path(folder, "clone"))
        used = Path(folder, "used")
        first = _run(clone, used)
        unchanged = min(_run(clone, used).processor for _ in range(runs))
        site.edit("layers/topics.yaml", ("events", "news"))
        edited = _run(clone, used)
        served.stop()
    seconds = {
        f"first deploy in {ACCOUNTS} accounts, each": first.processor / ACCOUNTS,
        f"unchanged deploy in {ACCOUNTS} accounts": unchanged,
        f"new setting in {ACCOUNTS} accounts, each": edited.processor / ACCOUNTS,
    }
    own = edited.own / edited.processor
    for name, value in seconds.items():
        print(f"{name}: {value:.2f} s", flush=True)
    print(f"while accounts are planned and deployed {edited.busy:.0%} of {machine()} places have a Terraform")
    print(f"with the stand-in {own:.0%} of the work is strata's own")
    if unchanged > UNCHANGED or edited.processor / ACCOUNTS > CHANGED or edited.busy < BUSY or own > PARENT:
        sys.exit(f"more than {UNCHANGED} s, {CHANGED} s each, {PARENT:.0%} its own, or busy less than {BUSY:.0%}")


def _made(site: Site, folder: Path) -> Clone:
    """Returns a checkout with the layer, whose organization has as many member accounts."""
    site.aws.order("organization", account_limit=ACCOUNTS + 10)
    site.append("project.yaml", f"limits:\n  accounts: {ACCOUNTS + 10}\n")
    accounts = "".join(
        f"  team-{number}:\n    email: aws+team-{number}@example.com\n    organizational_unit: shared\n"
        for number in range(ACCOUNTS - 2)  # beside those of the template
    )
    site.edit("organization.yaml", ("accounts:\n  security:\n", f"accounts:\n{accounts}  security:\n"))
    site.sign_in_as_administrator()
    site.bootstrap()
    clone = Clone(folder, site)
    code = folder / "stacks/layers/topics"
    code.mkdir()
    (code / "model.py").write_text(MODEL)
    (code / "stack.py").write_text(STACK)
    (site.config / "layers").mkdir()
    (site.config / "layers/topics.yaml").write_text("name: events\n")
    deployed = clone.strata("deploy", "backend", "organizations", "--yes")
    if deployed.code:
        sys.exit(deployed.text[-4000:])
    site.aws.wait_an_hour()
    return clone


def _run(clone: Clone, used: Path) -> Taken:
    command = [sys.executable, "-c", COUNTED, "deploy", "topics", "--yes"]
    variables = {**clone.site.environment(), "USED": str(used)}
    before, log = resource.getrusage(resource.RUSAGE_CHILDREN), used.with_name(LOG)
    log.write_text("")
    done = subprocess.run(command, cwd=clone.folder, env=variables, check=False, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{' '.join(command[3:])} failed:\n{done.stdout}{done.stderr}")
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Taken(processor, json.loads(used.read_text()), _busy(log.read_text()))


def _watched(folder: Path) -> Path:
    script = folder / "terraform"
    script.write_text(TERRAFORM.format(terraform=real_provider.terraform(), log=folder / LOG))
    script.chmod(0o755)
    return script


def _busy(log: str) -> float:
    """Returns in which part of the time from the first plan of an account to the last apply the places were taken."""
    times = [tuple(map(float, line.split()[:2])) for line in log.splitlines() if "/topics_" in line]
    if not times:
        return 1
    taken = max(end for _, end in times) - min(begin for begin, _ in times)
    return sum(end - begin for begin, end in times) / taken / machine()
