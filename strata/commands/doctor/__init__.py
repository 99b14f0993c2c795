"""`strata doctor`: can this machine and this account deploy? One line a check. Reads only.

What differs from the configuration, `strata plan` and `strata drift` say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from strata.aws.session import AwsError, connect
from strata.commands.doctor import account, organization, sign_in, tools
from strata.commands.doctor.context import Check, CheckContext, Needs
from strata.commands.doctor.findings import NOT_YET, Finding, Level, refused, unanswered, warning
from strata.errors import StrataError
from strata.landing_zone import LandingZone
from strata.load import load
from strata.options import Options
from strata.outputs import output
from strata.printing import document, line, readers_may_leave
from strata.text import counted

CHECKS: tuple[Check, ...] = (
    Check("node", Needs.NOTHING, tools.check_node),
    Check("cdktf", Needs.NOTHING, tools.check_cdktf),
    Check("terraform", Needs.NOTHING, tools.check_terraform),
    Check("activation", Needs.ACCOUNT, account.check_activation),
    Check("contact", Needs.ACCOUNT, account.check_contact),
    Check("regions", Needs.ACCOUNT, account.check_regions),
    Check("billing", Needs.ACCOUNT, account.check_billing),
    Check("state-bucket", Needs.ACCOUNT, account.check_state_bucket),
    Check("replica", Needs.ACCOUNT, account.check_replica_bucket),
    Check("trail-bucket", Needs.ACCOUNT, account.check_trail_bucket),
    Check("lock-table", Needs.ACCOUNT, account.check_lock_table),
    Check("quota", Needs.ACCOUNT, organization.check_quota),
    Check("names", Needs.ORGANIZATION, organization.check_names),
    Check("accounts", Needs.ORGANIZATION, organization.check_accounts),
    Check("policy-types", Needs.ORGANIZATION, organization.check_policy_types),
    Check("sign-in", Needs.ORGANIZATION, sign_in.check_identity_center),
)
"""Everything that is looked into, in the order of the report; caller and organization come before the account."""

Line = tuple[str, Finding]


def run(options: Options, *, json: bool) -> int:
    """Runs all checks and prints the findings."""
    lines: list[Line] = []
    for name, finding in _findings(options, load(options.config)):
        lines.append((name, finding))
        if not json and finding.level is not Level.LATER:
            _print_line(finding.level, f"{name:<13} {finding}")
    later = [name for name, finding in lines if finding.level is Level.LATER]
    if json:
        _print_json(lines)
    elif later:
        _print_line(Level.LATER, f"after strata bootstrap: {', '.join(later)}")
    number = Counter(finding.level for _, finding in lines)
    options.note(", ".join(counted(number[level], level.value) for level in (Level.FAILURE, Level.WARNING)))
    return 1 if number[Level.FAILURE] else 0


def _findings(options: Options, landing_zone: LandingZone) -> Iterator[Line]:
    """Yields the findings of this machine, then of the account as far as the credentials reach."""
    aws = connect(options, landing_zone.project)
    context = CheckContext(landing_zone, aws, has_organization=False)
    remote = [check for check in CHECKS if check.needs is not Needs.NOTHING]
    for check in CHECKS:
        if check not in remote:
            yield from _looked_into(check, context)
    caller, reachable = account.check_caller(aws, landing_zone.project)
    yield "caller", caller
    if reachable:
        found = organization.check_organization(aws, landing_zone.project)
        yield from (("organization", finding) for finding in found)
        context = replace(context, has_organization=NOT_YET not in found)
        # In somebody else's organization every further answer would be about something else.
        reachable = found[0].level is not Level.FAILURE
    if not reachable:
        text = f"{len(remote)} checks were skipped because of the failure above"
        yield "aws", warning("checks-skipped", text, checks=len(remote))
        return
    for check in remote:
        yield from _looked_into(check, context)


def _looked_into(check: Check, context: CheckContext) -> Iterator[Line]:
    """Runs one check; whatever keeps it from its answer becomes its line, so that the others still have theirs."""
    if check.needs is Needs.ORGANIZATION and not context.has_organization:
        yield check.name, NOT_YET
        return
    try:
        finding = check.look(context)
        for each in [finding] if isinstance(finding, Finding) else finding:
            yield check.name, each
    except AwsError as error:
        yield check.name, unanswered(error)
    except StrataError as error:
        yield from ((check.name, refused(text)) for text in error.args)


# The report


def _print_line(level: Level, text: str) -> None:
    with readers_may_leave():
        print(line(f"{level:<8} {text}"), flush=True)


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
