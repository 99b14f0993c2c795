"""Measures what people wait for: `make bench`.

First main.py without the fast door to the AWS bindings, then on configurations of up to a thousand accounts; the
commands that only read files; at last deploys on emulated AWS. Each has its time and memory, and fails with more.
"""

from __future__ import annotations

import argparse
import filecmp
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from strata.terraform.tools import CHECKOUT, CONFIG, environment
from tests.access import Size
from tests.aws.client import Aws
from tests.bench import fleet
from tests.generated import write_configuration, write_expectations

SHIPPED = CHECKOUT / "strata" / "template"

MAIN = "import runpy; runpy.run_path('main.py', run_name='__main__')"
# An empty module in the door's place, before anything imports `stacks`.
WITHOUT = (
    "import sys, types; sys.modules['stacks.bindings'] = types.SimpleNamespace(install_lazy_bindings=lambda: None)"
)
PROGRAMS = {"plain": f"{WITHOUT}; {MAIN}", "fast": MAIN}


class Load(NamedTuple):
    """A generated configuration, and what the whole process may take with it."""

    accounts: int
    assignments: int
    """Of each account."""
    processor: float
    largest: float
    """Peak memory of the larger of Python and Node, in MB."""


SIZES = (Load(10, 10, 3, 300), Load(200, 10, 4, 300), Load(1000, 10, 5, 350), Load(1000, 20, 9, 500))


class Command(NamedTuple):
    """A strata command that reads files only, and the processor time it may take."""

    arguments: tuple[str, ...]
    accounts: int
    """Of a generated configuration; zero for the shipped one."""
    processor: float
    expectations: int = 0
    """Of a generated configuration; the shipped one has its own."""


COMMANDS = (
    Command(("check",), 0, 0.5),
    Command(("check",), 1000, 5),
    Command(("check",), 1000, 5, expectations=50),
    Command(("report", "--format", "text"), 1000, 15),
    Command(("report", "--format", "html"), 1000, 10),
)


class Run(NamedTuple):
    """What one whole process, with the Node processes below it, took."""

    seconds: float
    largest: float
    """Peak memory of the largest process in MB."""
    together: float
    """Peak of the sum over all processes in MB, zero where the system does not show it."""
    processor: float
    """Seconds of processor time of all processes."""


def main() -> None:
    """Prints all measurements; fails where the Terraform differs, or something takes too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="how often each program runs (default 5)")
    arguments = parser.parse_args()
    compare_programs(arguments.runs)
    measure_sizes()
    measure_commands()
    measure_adoption()
    measure_access()
    fleet.measure_unchanged(arguments.runs)
    fleet.measure()


def compare_programs(runs: int) -> None:
    """Runs both programs in turns and prints the medians; fails where their Terraform differs."""
    with tempfile.TemporaryDirectory() as folder:
        outputs = {name: Path(folder, name) for name in PROGRAMS}
        for name, output in outputs.items():
            measure(name, output)  # once without counting: fills the caches of Python and jsii
        results: dict[str, list[Run]] = {name: [] for name in PROGRAMS}
        for _ in range(runs):
            for name, output in outputs.items():
                results[name].append(measure(name, output))
        differing = differences(filecmp.dircmp(outputs["plain"], outputs["fast"]))
    medians = {name: Run(*map(statistics.median, zip(*taken, strict=True))) for name, taken in results.items()}
    print(f"python main.py, median of {runs} runs")
    print(f"{'':6} {'seconds':>9} {'largest process':>18} {'all processes':>16}")
    for name, run in medians.items():
        print(f"{name:6} {run.seconds:9.2f} {run.largest:15.0f} MB {run.together:13.0f} MB")
    ratios = [plain / fast if fast else 0 for plain, fast in zip(medians["plain"], medians["fast"], strict=True)]
    print(f"{'ratio':6} {ratios[0]:9.1f} {ratios[1]:18.1f} {ratios[2]:16.1f}")
    if differing:
        sys.exit(f"the Terraform differs: {', '.join(differing)}")
    print("the Terraform is the same")


def measure_sizes() -> None:
    """Synthesizes generated configurations and prints what each took; fails where that is more than it may."""
    print("\npython main.py with generated configurations")
    print(f"{'accounts':>8} {'assignments':>12} {'seconds':>9} {'processor':>11} {'largest process':>18}")
    too_much = []
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            config, output = (Path(folder, f"{kind}-{size.accounts}-{size.assignments}") for kind in ("config", "out"))
            write_configuration(config, accounts=size.accounts, assignments=size.assignments)
            run = measure("fast", output, config)
            number = f"{size.accounts * size.assignments:,}"
            took = f"{run.seconds:9.2f} {run.processor:9.2f} s {run.largest:15.0f} MB"
            print(f"{size.accounts:8} {number:>12} {took}", flush=True)
            if run.processor > size.processor or run.largest > size.largest:
                too_much.append(f"{size.accounts} accounts x {size.assignments}: {size.processor} s, {size.largest} MB")
    if too_much:
        sys.exit(f"more than it may take: {'; '.join(too_much)}")


def measure_commands() -> None:
    """Runs each command three times and prints the least processor time; fails where that is more than it may take."""
    print("\ncommands that read files, least of three runs")
    too_much = []
    with tempfile.TemporaryDirectory() as folder:
        for command in COMMANDS:
            config = SHIPPED
            if command.accounts:
                config = Path(folder, f"{command.accounts}-{command.expectations}")
                if not config.exists():
                    write_configuration(config, accounts=command.accounts, assignments=10)
                    write_expectations(config, number=command.expectations)
            least = min(processor_time(command.arguments, config) for _ in range(3))
            name = f"strata {' '.join(command.arguments)}, {command.accounts or 'shipped'}"
            name += f", {command.expectations} expectations" if command.expectations else ""
            print(f"{name:44} {least:6.2f} s of {command.processor} s", flush=True)
            if least > command.processor:
                too_much.append(f"{name}: {least:.2f} s")
    if too_much:
        sys.exit(f"more than it may take: {'; '.join(too_much)}")


CALLS, CALLS_OF_ONE = 1600, 1000
"""Calls that reading 500 accounts, 50 permission sets, 160 users and 60 groups may take, and those to one service."""


def measure_adoption() -> None:
    """Reads a large emulated organization at AWS's pace and prints calls and time; fails where it asks too often."""
    from tests.aws.client import emulated_aws
    from tests.organizations.emulated import emulate
    from tests.scenarios import seeds

    with tempfile.TemporaryDirectory() as folder, emulated_aws(Path(folder, "log")) as aws:
        emulate(seeds.grown(accounts=500, sets=50, users=160, groups=60), aws)
        names = ("--name", "acme", "--short-name", "ac", "--primary", "us-east-1", "--secondary", "us-west-2")
        command = [str(Path(sys.executable).parent / "strata"), "adopt", "--to", f"{folder}/config", *names]
        started = time.monotonic()
        done = subprocess.run(
            [*command, "--dry-run", "--json"], env={**os.environ, **aws.environment()}, capture_output=True, check=True
        )
        took = time.monotonic() - started
    requests: dict[str, int] = json.loads(done.stdout)["requests"]
    told = ", ".join(f"{count} to {service}" for service, count in sorted(requests.items()))
    print(f"\nstrata adopt, 500 accounts: {took:.0f} s, {sum(requests.values())} calls of {CALLS}: {told}")
    if sum(requests.values()) > CALLS or max(requests.values()) > CALLS_OF_ONE:
        sys.exit("adopting asks too often")


ACCESS = Size(accounts=1000, assignments=10_000, sets=50, groups=200, users=1000)
OF_DRIFT, OF_PEOPLE = 700 + ACCESS.users, 220
"""Calls that Identity Center may get for it from drift, and its identity store."""


def measure_access() -> None:
    """Reads 10,000 assignments as drift does, prints calls and time; fails where they ask too often."""
    from strata.aws.session import Aws as Session
    from strata.config.models import Project
    from strata.inventory.progress import InventoryReading
    from strata.options import Options
    from tests.access import made
    from tests.aws.client import ACCOUNT, emulated_aws

    project = Project.model_validate(
        {
            "name": "acme",
            "short_name": "ac",
            "management_account": {"id": ACCOUNT, "name": "acme", "email": "aws@example.com"},
            "regions": {"primary": "us-east-1", "secondary": "us-west-2"},
        }
    )
    told = []
    with tempfile.TemporaryDirectory() as folder, emulated_aws(Path(folder, "log")) as aws:
        made(aws, ACCESS)
        os.environ.update(aws.environment())
        session = Session(None, "us-east-1")
        before, started = len(aws.calls()), time.monotonic()
        found = InventoryReading(Options(Path(folder)), project).read(session, partly=True)
        told.append(("strata drift", _asked(aws, before), time.monotonic() - started, OF_DRIFT))
    number = len(found.center.assignments) if found.center else 0
    print(f"\n{number:,} assignments in {ACCESS.accounts:,} accounts, read without a refresh")
    for who, calls, seconds, most in told:
        admin, people = calls["sso-admin"], calls["identitystore"]
        asked = f"{admin:,} of {most:,} calls of sso-admin, {people} of {OF_PEOPLE} of identitystore"
        print(f"{who:13} {asked}, {seconds:.0f} s")
        if admin > most or people > OF_PEOPLE:
            sys.exit(f"{who} asks too often")


def _asked(aws: Aws, since: int) -> Counter[str]:
    return Counter(call.action.partition(":")[0] for call in aws.calls(since=since))


def processor_time(arguments: Sequence[str], config: Path) -> float:
    """Returns the processor time of one strata command in seconds."""
    variables = dict(os.environ)
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-m", "strata", "--config", str(config), *arguments]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=CHECKOUT, env=variables, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(name: str, output: Path, config: Path = CONFIG) -> Run:
    """Runs a program until it ends and returns what it took."""
    variables = environment(os.environ, config) | {"CDKTF_OUTDIR": str(output), "STRATA_CONFIG": str(config)}
    variables.pop("PYTHONDONTWRITEBYTECODE", None)  # or every run would compile what it imports
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAMS[name]], cwd=CHECKOUT, env=variables, start_new_session=True
    )
    together = 0.0
    while True:
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        if ended:
            break
        together = max(together, memory_of_session(process.pid))
        time.sleep(0.02)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"main.py failed with exit code {process.returncode}")
    # The largest of the process and all below it that it waited for; bytes on macOS, kilobytes elsewhere.
    largest = usage.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)
    return Run(seconds, largest, together, usage.ru_utime + usage.ru_stime)


def memory_of_session(leader: int) -> float:
    """Returns the resident memory of all processes in a session, in MB."""
    pages = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # ended in the meantime
            continue
        if int(fields[3]) == leader:
            pages += int(fields[21])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024**2


def differences(compared: filecmp.dircmp[str]) -> list[str]:
    """Returns the files that are not the same in both folders."""
    here = [*compared.left_only, *compared.right_only, *compared.diff_files, *compared.funny_files]
    return [*here, *(f"{name}/{below}" for name, sub in compared.subdirs.items() for below in differences(sub))]


if __name__ == "__main__":
    main()
