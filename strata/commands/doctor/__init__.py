"""`strata doctor`: checks before the first deploy and afterwards, one line each. Reads only."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

from strata.aws.session import AwsError, connect
from strata.commands.doctor import account, conflicts, defaults, layers, members, sign_in, state, tools
from strata.commands.doctor.context import Check, CheckContext, Needs, build_context
from strata.commands.doctor.findings import NOT_YET, Finding, Level, failure, refused, unanswered, unreadable, warning
from strata.errors import StrataError
from strata.evaluation.organization import organization_fault
from strata.identity.lost_states import lost_states
from strata.load import load
from strata.options import Options
from strata.outputs import output
from strata.printing import Style, document, line, paint, readers_may_leave, unguarded
from strata.text import counted

CHECKS: tuple[Check, ...] = (
    Check("python", Needs.NOTHING, tools.check_python),
    Check("node", Needs.NOTHING, tools.check_node),
    Check("cdktf", Needs.NOTHING, tools.check_cdktf),
    Check("terraform", Needs.NOTHING, tools.check_terraform),
    Check("configuration", Needs.NOTHING, tools.check_configuration),
    Check("activation", Needs.ACCOUNT, account.check_activation),
    Check("contact", Needs.ACCOUNT, account.check_contact),
    Check("plan", Needs.ACCOUNT, account.check_plan),
    Check("names", Needs.ORGANIZATION, account.check_names),
    Check("quota", Needs.ACCOUNT, account.check_quota),
    Check("regions", Needs.ACCOUNT, account.check_regions),
    Check("billing", Needs.ACCOUNT, account.check_billing),
    Check("state-bucket", Needs.ACCOUNT, state.check_state_bucket),
    Check("replica", Needs.ACCOUNT, state.check_replica_bucket),
    Check("trail-bucket", Needs.ACCOUNT, state.check_trail_bucket),
    Check("lock-table", Needs.ACCOUNT, state.check_lock_table),
    Check("accounts", Needs.ORGANIZATION, members.check_accounts),
    Check("services", Needs.ORGANIZATION, members.check_services),
    Check("policy-types", Needs.ORGANIZATION, members.check_policy_types),
    Check("delegations", Needs.ORGANIZATION, members.check_delegations),
    *defaults.CHECKS,
    Check("trails", Needs.ACCOUNT, conflicts.check_trails),
    Check("analyzers", Needs.ACCOUNT, conflicts.check_analyzers),
    Check("detectors", Needs.ACCOUNT, conflicts.check_detectors),
    Check("recorders", Needs.ACCOUNT, conflicts.check_recorders),
    Check("anomalies", Needs.ACCOUNT, account.check_anomaly_monitor),
    Check("sign-in", Needs.ORGANIZATION, sign_in.check_identity_center),
    Check("directory", Needs.ORGANIZATION, sign_in.check_directory),
    Check("permissions", Needs.ORGANIZATION, sign_in.check_permission_sets),
    Check("alert-mails", Needs.ACCOUNT, sign_in.check_alert_mails),
    Check("layers", Needs.ACCOUNT, layers.check_layers),
)
"""Everything that is looked into, in the order of the report."""

Line = tuple[str, Finding]


def run(options: Options, *, json: bool) -> int:
    """Runs all checks and prints the findings."""
    landing_zone = load(options.config)
    project, aws = landing_zone.project, connect(options, landing_zone.project)
    caller, reachable = account.check_caller(aws, project)
    gate: list[Line] = [("caller", caller)]
    has_organization = False
    if reachable:
        organization, has_organization = account.check_organization(aws, project)
        gate.append(("organization", organization))
        id = organization.text.data.get("organization", "")
        if has_organization and id and (fault := organization_fault(landing_zone, id)):
            gate.append(("organization", refused(fault.message)))
        # In somebody else's organization every further answer would be about something else.
        reachable = organization.level is not Level.FAILURE
    if reachable and (lost := lost_states(aws, landing_zone)):
        # What the other checks miss in the states would be told as made by somebody else.
        gate.append(("state-bucket", refused(lost)))
        reachable = False
    local = [check for check in CHECKS if check.needs is Needs.NOTHING]
    remote = [check for check in CHECKS if check.needs is not Needs.NOTHING]
    context = build_context(landing_zone, options.config, aws, has_organization=has_organization)
    findings = examine(
        [*local, *(remote if reachable else ())], context, debug=options.debug, progress=_progress(options)
    )
    lines = [*_lines(findings, local), *gate, *(_lines(findings, remote) if reachable else ())]
    if not reachable:
        text = f"{len(remote)} checks were skipped because of the failure above"
        lines.append(("aws", warning("checks-skipped", text, checks=len(remote))))
    _print_json(lines) if json else _print_lines(lines)
    number = Counter(finding.level for _, finding in lines)
    counts = [counted(number[level], level.value) for level in (Level.FAILURE, Level.WARNING)]
    options.note(", ".join([*counts, *([f"{number[Level.LATER]} for later"] if number[Level.LATER] else [])]))
    return 1 if number[Level.FAILURE] else 0


# The checks, side by side

AT_ONCE = 8
PATIENCE = 2.0
"""Seconds until progress is shown on a terminal."""

Found = Mapping[str, Sequence[Finding]]
Progress = Callable[[int, int], None]


def examine(
    checks: Sequence[Check], context: CheckContext, *, debug: bool = False, progress: Progress | None = None
) -> Found:
    """Returns the findings of every check by its name; which of them is done first changes nothing."""
    pool = ThreadPoolExecutor(max_workers=AT_ONCE)
    try:
        futures = {check.name: pool.submit(_look, check, context, debug) for check in checks}
        pending, started = set(futures.values()), time.monotonic()
        while pending:
            _, pending = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
            if progress and time.monotonic() - started > PATIENCE:
                progress(len(futures) - len(pending), len(futures))
        return {name: future.result() for name, future in futures.items()}
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _look(check: Check, context: CheckContext, debug: bool) -> Sequence[Finding]:
    """Runs one check; whatever keeps it from its answer becomes its line, so that the others still have theirs."""
    if check.needs is Needs.ORGANIZATION and not context.has_organization:
        return [NOT_YET]
    try:
        finding = check.look(context)
        return [finding] if isinstance(finding, Finding) else list(finding)
    except AwsError as error:
        return [unanswered(error)]
    except StrataError as error:
        return [refused(text) for text in error.args]
    except Exception as error:
        if unreadable(error):
            return [warning("emulator-lacks-call", "skipped: the emulator does not support this")]
        if debug:
            raise
        text = " ".join(f"{type(error).__name__}: {error}".split())
        remedy = "this is a fault of Strata, --debug shows where"
        return [failure("fault-of-strata", text, remedy, error=type(error).__name__)]


def _progress(options: Options) -> Progress | None:
    """Returns a printer of the progress, None where nobody watches."""
    if options.quiet or not sys.stderr.isatty():
        return None

    def show(done: int, total: int) -> None:
        text = f"{done} of {total} checks" if done < total else ""
        # The carriage return and a blank line's worth of spaces: no escape codes, whatever the terminal.
        print(f"\r{text:<24}\r{text}", end="", file=unguarded(sys.stderr), flush=True)

    return show


# The report


def _lines(findings: Found, checks: Sequence[Check]) -> list[Line]:
    return [(check.name, finding) for check in checks for finding in findings[check.name]]


def _print_lines(lines: Sequence[Line]) -> None:
    with readers_may_leave():
        for name, finding in lines:
            level, gap, text = line(f"{finding.level:<8} {name:<13} {finding}").partition(" ")
            print(f"{paint(level, _STYLES[finding.level])}{gap}{text}")
        sys.stdout.flush()


_STYLES = {Level.OK: Style.FINE, Level.LATER: Style.NEWS, Level.WARNING: Style.WARNING, Level.FAILURE: Style.FAULT}


def _print_json(lines: Sequence[Line]) -> None:
    findings = [
        {
            "check": name,
            "level": finding.level,
            "text": finding.text,
            "remedy": finding.remedy,
            "id": finding.text.id,
        }
        for name, finding in lines
    ]
    document(output("doctor", {"findings": findings}))
