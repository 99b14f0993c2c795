"""`strata selftest`: whether AWS answers as Strata reads it, each question once, a line a call. Reads only."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from strata.aws.identity_center import home
from strata.aws.session import DENIED, THROTTLED, Aws, AwsError, connect
from strata.aws.witness import SeenCall, seeing
from strata.commands.selftest.readers import ask_everything
from strata.config import PROJECT
from strata.config.models import Project
from strata.errors import Message, StrataError
from strata.landing_zone import LandingZone
from strata.load import load
from strata.options import Options
from strata.outputs import output
from strata.printing import Style, document, line, paint, readers_may_leave
from strata.text import listed

DIFFERS = 3


class Outcome(StrEnum):
    """How AWS answered, the best first."""

    OK = "ok"
    EMPTY = "empty"
    DENIED = "denied"
    THROTTLED = "throttled"
    UNKNOWN = "unknown error code"
    DIFFERS = "shape differs"


_STYLES = {Outcome.OK: Style.FINE, Outcome.EMPTY: Style.FINE, Outcome.DENIED: Style.WARNING}
_STYLES |= {Outcome.THROTTLED: Style.WARNING, Outcome.UNKNOWN: Style.FAULT, Outcome.DIFFERS: Style.FAULT}


@dataclass(frozen=True)
class Answered:
    """What became of a call, of all that are alike."""

    call: str
    outcome: Outcome
    regions: tuple[str, ...]
    detail: str


def run(options: Options, *, json: bool) -> int:
    """Asks everything once and prints how AWS answered; 3 where it is otherwise than Strata has it, 1 where unread.

    Raises:
        StrataError: the credentials cannot be used, or the configuration has faults.
    """
    looked = Selftest()
    with seeing(looked.saw):
        aws, project, zone = _subject(options)
        ask_everything(looked.ask, aws, project, zone)
    answered = looked.answered()
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


class Selftest:
    """Runs readers, and keeps what became of their calls."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: list[SeenCall] = []
        self._answered: list[tuple[str, Outcome, str, str]] = []

    def saw(self, call: SeenCall) -> None:
        """Keeps a call of whatever thread."""
        with self._lock:
            self._seen.append(call)

    def ask(self, reader: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
        """Runs a reader; one that fails is told by its calls, and one that AWS's answer breaks by its own line."""
        unhandled = broken = ""
        answer = None
        try:
            answer = reader(*arguments, **more)
        except AwsError as error:
            unhandled = error.code
        except StrataError:
            pass  # what it refuses is for doctor; AWS has answered
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            broken = f"{type(error).__name__} {error}"
        calls, self._seen = self._seen, []
        self._answered += [(call.action, *_judged(call, unhandled)) for call in calls]
        if broken:
            where = f"{getattr(reader, '__module__', '')}.{getattr(reader, '__name__', '')}"
            last = calls[-1].action if calls else where
            place = calls[-1].place if calls else ""
            self._answered.append((last, Outcome.DIFFERS, place, f"{where} needs what it has not: {broken}"))
        return answer

    def answered(self) -> list[Answered]:
        """Returns a line for each call and outcome, by the call."""
        calls, self._seen = self._seen, []
        met: dict[tuple[str, Outcome, str], set[str]] = {}
        first = [(call.action, *_judged(call, "")) for call in calls]
        for action, outcome, region, detail in [*first, *self._answered]:
            met.setdefault((action, outcome, detail), set()).add(region)
        # Of a call that had an answer somewhere it does not matter that another was empty.
        has = {action for action, outcome, _ in met if outcome is Outcome.OK}
        return [
            Answered(action, outcome, tuple(sorted(regions)), detail)
            for (action, outcome, detail), regions in sorted(met.items())
            if not (outcome is Outcome.EMPTY and not detail and action in has)
        ]


def _judged(call: SeenCall, unhandled: str) -> tuple[Outcome, str, str]:
    """Returns how AWS answered, where, and what is to be said of it."""
    if call.code in DENIED:
        return Outcome.DENIED, call.place, call.code
    if call.code in THROTTLED:
        return Outcome.THROTTLED, call.place, call.code
    if call.code:
        return (Outcome.UNKNOWN if call.code == unhandled else Outcome.EMPTY), call.place, call.code
    if differences := dict.fromkeys(call.differences()):
        return Outcome.DIFFERS, call.place, listed(list(differences)[:_SHOWN])
    return (Outcome.EMPTY if call.is_empty else Outcome.OK), call.place, ""


_SHOWN = 5


def _print(answered: Sequence[Answered]) -> None:
    with readers_may_leave():
        for each in answered:
            told = "; ".join(filter(None, (each.detail, ", ".join(each.regions))))
            print(f"{paint(f'{each.outcome:<18}', _STYLES[each.outcome])} {line(each.call)}  {line(told)}")
        sys.stdout.flush()


def _facts(each: Answered) -> Mapping[str, Any]:
    return {"call": each.call, "outcome": each.outcome, "regions": list(each.regions), "detail": each.detail}
