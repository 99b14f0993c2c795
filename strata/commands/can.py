"""`strata can`: whether somebody may do something in an account, and which line of which policy says so."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from strata.config.limits import aws_limits
from strata.config.models import ROOT
from strata.config.types import did_you_mean
from strata.errors import Message, StrataError, UsageError
from strata.evaluation.landing_zone import NO_DEPLOYER, Actor, Evaluated
from strata.evaluation.names import find
from strata.evaluation.questions import (
    ANYBODY,
    PrincipalQuestion,
    Who,
    actors,
    ask,
    check_region,
    check_resource,
    everybody,
    find_action,
    find_who,
)
from strata.evaluation.sentences import value_problems
from strata.landing_zone.undescribed import UNKNOWN
from strata.load import load
from strata.options import Options
from strata.outputs import output
from strata.policy.answers import NOT_KNOWN, Answer, Outcome, Step
from strata.policy.documents import RESOURCE
from strata.policy.keys import PRESENT
from strata.policy.reference import Action, reference
from strata.policy.requests import ABSENT, Value
from strata.policy.resources import taken_by, takes
from strata.printing import document, line, readers_may_leave
from strata.text import counted, listed

DIFFERS = 3

NOT_LOOKED_AT = (
    "policies of resources, unless the answer names one: a bucket policy can allow or deny more",
    "session policies and policies of VPC endpoints",
    "policies that are attached outside the configuration, and AWS's FullAWSAccess where somebody took it off",
    "limits and checks of the service itself",
)
"""The assumptions of an answer."""


@dataclass(frozen=True)
class CanAnswer:
    """The answer for a way of acting in an account."""

    account: str
    who: str
    acts_as: str
    answer: Answer | None
    """None for somebody without access to the account."""
    exempt: tuple[str, ...] = ()
    """The roles of which alone the answer depends, as `role/NAME`: any other is denied."""
    denied_on: tuple[str, ...] = ()
    """The resources of which alone the answer depends: it is allowed on any other."""
    near_misses: tuple[str, ...] = ()
    """Statements that would allow what none allows, but for a condition."""
    of_group: bool = False
    """Whether it is about the members of a group whom nobody knows here."""

    @property
    def outcome(self) -> Outcome:
        """Returns the answer; who has no access is denied."""
        return self.answer.outcome if self.answer else Outcome.DENIED

    @property
    def exception(self) -> str:
        """Returns the answer for all but some roles or resources; empty where it is another."""
        if self.exempt:
            return f"{Outcome.DENIED}, except {', '.join(self.exempt)}"
        return f"{Outcome.ALLOWED}, except on {listed(self.denied_on)}" if self.denied_on else ""


def run(
    options: Options,
    *,
    action: str,
    where: str,
    who: str | None,
    on: str | None,
    keys: Sequence[str],
    list_all: bool,
    json: bool,
) -> int:
    """Answers a question about an account, or about each account of a unit."""
    if who is not None and list_all:
        text = "--who asks for everybody and --as for one; give one of them"
        raise UsageError(Message("arguments-conflict", text, options=["--who", "--as"]))
    asked = find_action(action)
    question = PrincipalQuestion(asked, on, _region(options.region), dict(_keys(keys, asked)))
    landing_zone = load(options.config)
    evaluated = Evaluated(landing_zone)
    if on:
        check_resource(evaluated, on)
        if not takes(asked, on):
            text = f"{asked.full_name} is never about {on!r}: {taken_by(asked)}; or leave --on out"
            raise UsageError(Message("action-not-on-resource", text, action=asked.full_name, resource=on))
    for region in (question.region, question.keys.get("aws:requestedregion")):
        if region is not None:
            check_region(asked, on, region)
    accounts = _accounts(evaluated, where)
    person = None if list_all else find_who(evaluated, who) if who is not None else ANYBODY
    cases = [case for account in accounts for case in _cases(evaluated, question, person, account)]
    outcome = _best(cases) if list_all else _overall(cases)
    omissions = list(NOT_LOOKED_AT)
    if landing_zone.undescribed:
        omissions.append(f"{UNKNOWN} ({listed(list(landing_zone.undescribed))})")
    with readers_may_leave():
        if json:
            document(output("can", {**_facts(question, outcome, cases), "not_looked_at": omissions}))
        else:
            primary = landing_zone.project.regions.primary
            lines = _lines(outcome, cases, list_all, every=options.verbose, primary=primary)
            print("\n".join(map(line, (*lines, "", "not looked at:", *(f"  {text}" for text in omissions)))))
    return 0 if outcome is Outcome.ALLOWED else DIFFERS


def _region(region: str | None) -> str | None:
    regions = aws_limits().regions
    if region and region not in regions:
        text = f"--region {region!r} is not an AWS region{did_you_mean(region, regions)}"
        raise UsageError(Message("unknown-region", text, region=region))
    return region


def _keys(written: Sequence[str], action: Action) -> Iterator[tuple[str, Value]]:
    """Yields the keys that --with gives: several values of a key are given in a row, none means absent."""
    conditions: dict[str, list[str]] = {}
    for argument in written:
        key, equals, value = argument.partition("=")
        if not equals or ":" not in key:
            text = f"--with {argument!r} is not KEY=VALUE; write it as in aws:SourceIp=203.0.113.7"
            raise UsageError(Message("argument-malformed", text, option="--with", value=argument))
        if not reference().key(key):
            known = {known.name for known in reference().global_keys.values()} | set(action.keys)
            text = f"--with {key!r} is no condition key of AWS's{did_you_mean(key, known)}"
            raise UsageError(Message("unknown-condition-key", text, key=key))
        conditions.setdefault(key.lower(), []).append(value)
    if wrong := list(value_problems({key: values for key, values in conditions.items() if values != [""]})):
        texts = (f"--with {one.problem}; {one.remedy.removesuffix(', in quotes')}" for one in wrong)
        raise UsageError(*(one.problem.saying(text) for one, text in zip(wrong, texts, strict=True)))
    for key, values in conditions.items():
        if values == [""]:
            yield key, ABSENT
        else:
            yield key, tuple(values) if values[1:] else values[0]


UNIT, ACCOUNT = "ou/", "account/"
"""The prefixes that distinguish a unit from an account of the same name."""


def _accounts(evaluated: Evaluated, where: str) -> Sequence[str]:
    """Returns the accounts that --in names: an account, or all of a unit."""
    units = {ROOT, *evaluated.landing_zone.units}
    unit = where.removeprefix(UNIT)
    is_unit = unit in units and not where.startswith(ACCOUNT)
    inside = evaluated.landing_zone.selector.in_unit(unit) if is_unit else ()
    accounts = tuple(key for key in evaluated.keys if key in inside)
    if where in units and where in evaluated.keys and accounts != (where,):
        problem = f"{where!r} is an account and an organizational unit with others"
        text = f"{problem}; write {ACCOUNT}{where} or {UNIT}{where}"
        raise UsageError(Message("name-ambiguous", text, name=where, keys=[f"{ACCOUNT}{where}", f"{UNIT}{where}"]))
    if accounts:
        return accounts
    if is_unit:
        raise StrataError(Message("unit-empty", f"organizational unit {unit} has no account", unit=unit))
    try:
        return (find(evaluated.landing_zone, where, "account")[1],)
    except StrataError as error:
        guess = did_you_mean(where, {*units, *evaluated.keys})
        text = f"{where!r} is neither an account nor an organizational unit{guess}"
        message = Message("unknown-name", text, name=where, kinds=["account", "organizational unit"])
        raise StrataError(message) from error


def _cases(evaluated: Evaluated, question: PrincipalQuestion, who: Who | None, account: str) -> Iterator[CanAnswer]:
    """Yields the answers for somebody, or for each who has a permission set in the account."""
    if who is None:
        for holder, permission_set in everybody(evaluated, account):
            actor = evaluated.permission_set(permission_set, account, holder.key if holder.kind == "user" else None)
            yield _case(evaluated, question, actor, account, str(holder), of_group=holder.kind == "group")
        return
    acting = actors(evaluated, who, account)
    if not acting:
        yield CanAnswer(account, str(who), "", None)
    for actor in acting:
        name = "" if who is ANYBODY or actor.name.endswith(str(who)) else str(who)
        yield _case(evaluated, question, actor, account, name, anybody=who is ANYBODY)


def _case(
    evaluated: Evaluated,
    question: PrincipalQuestion,
    actor: Actor,
    account: str,
    who: str,
    *,
    anybody: bool = False,
    of_group: bool = False,
) -> CanAnswer:
    answer = ask(evaluated, actor, question, account)
    return CanAnswer(
        account,
        who,
        actor.name,
        answer,
        _exempt(evaluated, answer, question, account) if anybody else (),
        _denied_on(evaluated, actor, answer, question, account),
        tuple(_near_misses(actor, answer)),
        of_group,
    )


_PRINCIPAL = "aws:PrincipalArn"
_ROLE = re.compile(r"arn:[^:]*:iam::[^:]*:role/(.+)")


def _exempt(evaluated: Evaluated, answer: Answer, question: PrincipalQuestion, account: str) -> tuple[str, ...]:
    """Returns the roles that policies exempt by their names, where every other role is denied; else nothing."""
    exempt: list[str] = []
    while answer.outcome is Outcome.DEPENDS:
        tests = (
            test for step in answer.steps if step.statement for test in step.statement.undecided(answer.request.context)
        )
        written = (value.text for test in tests if test.key.lower() == _PRINCIPAL.lower() for value in test.values)
        names = [role[1] for text in written if (role := _ROLE.fullmatch(text)) and role[1] not in exempt]
        if not names:
            return ()
        exempt += dict.fromkeys(names)
        answer = ask(evaluated, evaluated.somebody(account, exempt), question, account)
    if answer.outcome is Outcome.ALLOWED:
        return ()

    def perhaps_allowed(name: str) -> bool:
        # Somebody who may be that role and none of the others; and the role itself, unless the name is a pattern.
        actors_of_name = [evaluated.somebody(account, [other for other in exempt if other != name])]
        actors_of_name += [] if re.search(r"[*?]", name) else [evaluated.role(name, account)]
        return all(ask(evaluated, actor, question, account).outcome is not Outcome.DENIED for actor in actors_of_name)

    return tuple(f"role/{name}" for name in exempt if perhaps_allowed(name))


def _denied_on(
    evaluated: Evaluated, actor: Actor, answer: Answer, question: PrincipalQuestion, account: str
) -> tuple[str, ...]:
    """Returns the resources that statements deny by name, where every other one is allowed; else nothing."""
    named: list[str] = []
    while answer.keys == (RESOURCE,):
        denying = [step.statement for step in answer.steps if step.statement and step.statement.denies]
        new = [name for statement in denying for name in statement.values("Resource") if name not in named]
        if not new or "${" in "".join(new):
            return ()
        named += dict.fromkeys(new)
        answer = ask(evaluated, actor, replace(question, but=tuple(named)), account)
    return tuple(named) if answer.outcome is Outcome.ALLOWED else ()


def _near_misses(actor: Actor, answer: Answer) -> Iterator[str]:
    """Yields the statements of the deciding level that would allow what none allows, but for their condition."""
    if answer.outcome is not Outcome.DENIED or answer.decided.statement:
        return
    account, name = actor.account, answer.request.name
    layers = (actor.identity, actor.boundary, *account.service_control, *account.resource_control)
    deciding = [layer for layer in layers if layer and layer.name == answer.decided.level]
    for statement in (statement for layer in deciding for statement in layer.about(name) if statement.allows):
        failing = dict.fromkeys(test.key for test in statement.condition if test.holds(answer.request.context) is False)
        bare = replace(statement, content={**statement.content, "Condition": {}})
        if failing and bare.applies(answer.request) is not False:
            yield f"{statement} allows it but for {', '.join(failing)}"


def _best(cases: Iterable[CanAnswer]) -> Outcome:
    """Returns the answer for somebody with several access paths: a path that allows is enough."""
    outcomes = {case.outcome for case in cases}
    return next((outcome for outcome in (Outcome.ALLOWED, Outcome.DEPENDS) if outcome in outcomes), Outcome.DENIED)


def _overall(cases: Sequence[CanAnswer]) -> Outcome:
    """Returns the answer for all accounts: allowed only where it is in each of them."""
    accounts = dict.fromkeys(case.account for case in cases)
    outcomes = {_best(case for case in cases if case.account == account) for account in accounts}
    return next(outcome for outcome in (Outcome.DENIED, Outcome.DEPENDS, Outcome.ALLOWED) if outcome in outcomes)


# Text


def _lines(outcome: Outcome, cases: Sequence[CanAnswer], list_all: bool, *, every: bool, primary: str) -> Iterator[str]:
    exceptions = {case.exception for case in cases}
    yield (exceptions.pop() if len(exceptions) == 1 else "") or outcome.value
    if list_all:
        yield from _list_lines(cases, every=every)
    else:
        # The whole way of the case that decides; of the others, which may be thousands, what decided them.
        first = next(case for case in cases if case.outcome is _best(cases))
        same_account = all(case.account == first.account for case in cases)
        for case, accounts in _alike(sorted(cases, key=lambda case: same_account and case is not first)):
            yield ""
            yield from _case_lines(case, _places(accounts, every=every), whole=same_account and case is first)
    open_answers = [case.answer for case in cases if case.answer and not case.exception]
    hints = sorted({_hint(key, cases, primary) for answer in open_answers for key in answer.keys} - {""})
    yield from ["", *hints] if hints else ()


def _alike(cases: Iterable[CanAnswer]) -> Iterator[tuple[CanAnswer, list[str]]]:
    """Yields the first case of those that only the account tells apart, with their accounts."""
    accounts: defaultdict[object, list[str]] = defaultdict(list)
    firsts: dict[object, CanAnswer] = {}
    for case in cases:
        decided = case.answer.decided if case.answer else None
        tests = tuple(case.answer.undecided(decided)) if case.answer and decided else ()
        same = (
            case.who,
            case.of_group,
            case.acts_as,
            case.outcome,
            case.exception,
            case.near_misses,
            _on(case.answer),
            _step_words(decided),
            tests,
        )
        firsts.setdefault(same, case)
        accounts[same].append(case.account)
    yield from ((case, accounts[same]) for same, case in firsts.items())


def _step_words(step: Step | None) -> str:
    return f"{step.level}: {step.reason}{f', {step.statement}' if step.statement else ''}" if step else ""


def _places(accounts: Sequence[str], *, every: bool) -> str:
    if every or len(accounts) <= _NAMED:
        return ", ".join(accounts)
    return f"{counted(len(accounts), 'account')} ({listed(accounts, _NAMED)})"


_NAMED = 3


def _case_lines(case: CanAnswer, where: str, *, whole: bool) -> Iterator[str]:
    if case.answer is None:
        yield f"{case.who} in {where}: denied, has no access there"
        return
    name = f"{case.who} as {case.acts_as}" if case.who else case.acts_as
    yield f"{name} in {where}: {case.exception or f'{case.outcome}{_on(case.answer)}'}"
    decided = case.answer.decided
    yield from _step_lines(case.answer, decided, ">")
    yield from (f"    {text}" for text in case.near_misses)
    hidden = {step.level for step in case.answer.steps if step.reason == NOT_KNOWN}
    for step in _without_full_access(case.answer.steps) if whole else ():
        # A policy that is not known neither allows nor denies; once is enough.
        once = step.reason == NOT_KNOWN or step.level not in hidden or step.statement is not None
        if step is not decided and once:
            yield from _step_lines(case.answer, step, " ")


def _step_lines(answer: Answer, step: Step, mark: str) -> Iterator[str]:
    yield f"{mark} {step.level}: {step.reason}"
    if step.statement:
        yield f"    {step.statement}"
    yield from (f"    if {test}" for test in answer.undecided(step))


def _without_full_access(steps: Sequence[Step]) -> Iterator[Step]:
    """Yields the steps; levels that allow by AWS's own policy alone, as most do, are a single step for each chain."""
    chains: dict[str, list[Step]] = {}
    for step in steps:
        full = step.statement and step.statement.file.endswith("FullAWSAccess")
        if full and step.outcome is Outcome.ALLOWED:
            chains.setdefault(step.level[:4], []).append(step)
        else:
            yield step
    for chain, levels in chains.items():
        where = ", ".join(step.level.removeprefix(f"{chain} of ") for step in levels)
        policy = "RCPFullAWSAccess" if chain == "RCPs" else "FullAWSAccess"
        yield Step(f"{chain} of {where}", Outcome.ALLOWED, f"{policy} allows it")


def _list_lines(cases: Sequence[CanAnswer], *, every: bool) -> Iterator[str]:
    for outcome, title in ((Outcome.ALLOWED, "may"), (Outcome.DEPENDS, "depends"), (Outcome.DENIED, "may not")):
        chosen = [case for case in cases if case.outcome is outcome]
        if chosen:
            yield ""
            yield f"{title}:"
        for case, accounts in _alike(chosen):
            name = f"members of {case.who}" if case.of_group else case.who
            yield f"  {name} as {case.acts_as} in {_places(accounts, every=every)}{_on(case.answer)}"
            if case.answer:
                yield f"    {_step_words(case.answer.decided)}"
            yield from (f"    {text}" for text in case.near_misses)
    if not cases:
        yield ""
        yield "nobody has a permission set there"


def _on(answer: Answer | None) -> str:
    return f" on {', '.join(answer.keys)}" if answer and answer.keys else ""


def _hint(key: str, cases: Sequence[CanAnswer], primary: str) -> Message | Literal[""]:
    """Returns the options that resolve an answer's dependencies."""
    if key == _PRINCIPAL and not any(case.who for case in cases):
        return Message("say-who-acts", "say who acts: --as WHO", key=key)
    if key == RESOURCE:
        return Message("name-resource", "name the resource: --on arn:aws:...", key=key)
    if key == "aws:RequestedRegion":
        return Message("name-region", f"name the region: --region {primary}", key=key)
    if key == NO_DEPLOYER:
        return Message(
            "name-deployer", "name the role that deploys in project.yaml: deployer: {role, policies}", key=key
        )
    none = "" if key.lower() in PRESENT else f", or --with {key}= if it has none"
    text = f"say what the request has: --with {key}=VALUE{none}"
    # Of a key of several values nothing is left to say: a policy tests it without ForAnyValue or ForAllValues.
    several = any(case.answer and isinstance(case.answer.request.context.get(key.lower()), tuple) for case in cases)
    return Message("say-what-request-has", text, key=key) if ":" in key and not several else ""


# JSON


def _facts(question: PrincipalQuestion, outcome: Outcome, cases: Sequence[CanAnswer]) -> dict[str, Any]:
    return {
        "answer": outcome.value,
        "action": question.action.full_name,
        "resource": question.resource,
        "region": question.region,
        "cases": [_case_facts(case) for case in cases],
    }


def _case_facts(case: CanAnswer) -> dict[str, Any]:
    return {
        "account": case.account,
        "who": case.who or case.acts_as,
        "as": case.acts_as,
        "answer": case.outcome.value,
        "depends_on": list(case.answer.keys) if case.answer else [],
        "except": list(case.exempt),
        "except_on": list(case.denied_on),
        "near_misses": list(case.near_misses),
        "decided_by": _step_facts(case.answer.decided) if case.answer else None,
        "chain": [_step_facts(step) for step in case.answer.steps] if case.answer else [],
    }


def _step_facts(step: Step) -> dict[str, Any]:
    return {
        "level": step.level,
        "answer": step.outcome.value,
        "reason": step.reason,
        "file": step.statement.file if step.statement else None,
        "line": step.statement.line if step.statement else None,
        "sid": step.statement.sid if step.statement else None,
        "depends_on": list(step.keys),
    }
