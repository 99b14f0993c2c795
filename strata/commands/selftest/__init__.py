"""`strata selftest`: whether AWS answers as Strata reads it, each question once, a line a call. Reads only."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from strata.aws.identity_center import home
from strata.aws.session import Aws, AwsError, connect
from strata.aws.witness import seeing
from strata.commands.selftest.outcomes import Answered, Outcome, Selftest
from strata.commands.selftest.readers import ask_everything
from strata.commands.selftest.trying import check_asked, try_everything
from strata.config import PROJECT
from strata.config.models import Project
from strata.errors import Message
from strata.landing_zone import LandingZone
from strata.load import load
from strata.options import Options
from strata.outputs import output
from strata.printing import Style, document, line, paint, readers_may_leave

DIFFERS = 3
_STYLES = {Outcome.OK: Style.FINE, Outcome.EMPTY: Style.FINE, Outcome.DENIED: Style.WARNING}
_STYLES |= {Outcome.THROTTLED: Style.WARNING, Outcome.UNKNOWN: Style.FAULT, Outcome.DIFFERS: Style.FAULT}


def run(options: Options, *, json: bool, trial: bool = False, yes: bool = False, beside: bool = False) -> int:
    """Asks everything once and prints how AWS answered; 3 where it is otherwise than Strata has it, 1 where unread.

    Args:
        trial: makes and removes throw-away things instead.
        yes: does so without asking.
        beside: does so also where a state of Strata is in use.

    Raises:
        StrataError: the credentials cannot be used, the configuration has faults, or a state is in use.
        UsageError: nobody can be asked.
    """
    if trial:
        check_asked(yes=yes)
    looked = Selftest()
    with seeing(looked.saw):
        aws, project, zone = _subject(options)
        if not trial:
            ask_everything(looked.ask, aws, project, zone)
        elif not try_everything(looked, options, aws, project, yes=yes, beside=beside):
            return 1
    answered = looked.answered(is_refused_on_purpose=trial)
    if json:
        document(output("selftest", {"calls": [_facts(each) for each in answered]}))
    else:
        _print(answered)
    number = Counter(each.outcome for each in answered)
    options.note(", ".join(f"{number[outcome]} {outcome}" for outcome in Outcome if number[outcome]))
    if number[Outcome.UNKNOWN] or number[Outcome.DIFFERS]:
        return DIFFERS
    return 1 if number[Outcome.DENIED] or number[Outcome.THROTTLED] else 0


def _subject(options: Options) -> tuple[Aws, Project, LandingZone | None]:
    """Returns what is asked about: the organization of the credentials, with its states if they are of --config."""
    zone = load(options.config) if (options.config / PROJECT).is_file() else None
    region = options.region or (zone.project.regions.primary if zone else "us-east-1")
    project = _unnamed("111122223333", region, region)
    aws = connect(options, zone.project if zone else project)
    account = aws.caller().account
    if zone and zone.project.management_account.id == account:
        return aws, zone.project, zone
    text = f"{options.config} is no configuration of account {account}: states are not read"
    options.note(Message("states-not-read", text, account=account))
    project = _unnamed(account, region, region)
    try:
        return aws, _unnamed(account, region, home(aws, project) or region), None
    except AwsError:  # it has its line
        return aws, project, None


def _unnamed(account: str, region: str, center: str) -> Project:
    """Returns a project for an organization without a configuration: what is asked names neither it nor a bucket."""
    management = {"id": account, "name": "selftest", "email": "selftest@example.com"}
    other = next(name for name in ("us-east-1", "us-west-2") if name != region)
    content = {"name": "selftest", "short_name": "st", "management_account": management}
    regions = {"primary": region, "secondary": other}
    return Project.model_validate({**content, "regions": regions, "identity_center": {"region": center}})


def _print(answered: Sequence[Answered]) -> None:
    with readers_may_leave():
        for each in answered:
            told = "; ".join(filter(None, (each.detail, ", ".join(each.regions))))
            print(f"{paint(f'{each.outcome:<18}', _STYLES[each.outcome])} {line(each.call)}  {line(told)}")
        sys.stdout.flush()


def _facts(each: Answered) -> Mapping[str, Any]:
    return {"call": each.call, "outcome": each.outcome, "regions": list(each.regions), "detail": each.detail}
