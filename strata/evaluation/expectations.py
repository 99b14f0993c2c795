"""Expectations: the sentences of expectations.yaml, each asked of everybody and everywhere that it is about.

Accounts under the same policies give the same answers and are asked once. `Examination.examine` returns what fails.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from strata.config.expectations import Expectation
from strata.config.limits import aws_limits
from strata.evaluation.landing_zone import Actor, Evaluated
from strata.evaluation.questions import (
    PrincipalQuestion,
    Who,
    actors,
    ask,
    everybody,
    find_action,
    request_of,
    resource_of,
    sets_of,
)
from strata.evaluation.sentences import Sentence
from strata.policy import unknown
from strata.policy.answers import Answer, Outcome
from strata.policy.keys import region_of
from strata.policy.layers import PolicyLayer
from strata.policy.patterns import is_pattern
from strata.policy.reference import Action, reference
from strata.policy.requests import PrincipalKind, Value
from strata.policy.resources import takes

MOST_CASES = 1000
"""Cases that are looked for where a wildcard fails, of a principal in accounts alike: more tell nobody more."""

FREE = "sts:GetCallerIdentity"
"""The action that nothing denies, which no wildcard of `denied` stands for."""


class Case(NamedTuple):
    """Requests that an expectation is about and that are answered otherwise, in each of some accounts."""

    accounts: tuple[str, ...]
    who: str
    acts_as: str
    action: str
    resource: str | None
    region: str | None
    answer: Answer | None
    """The answer in the first account; None for somebody without access to it."""

    @property
    def account(self) -> str:
        """Returns the first of the accounts."""
        return self.accounts[0]

    @property
    def outcome(self) -> Outcome:
        """Returns the answer; who has no access is denied."""
        return self.answer.outcome if self.answer else Outcome.DENIED

    @property
    def same_as(self) -> tuple[object, ...]:
        """Returns what is equal in accounts that are answered alike, with the statement that decides."""
        decided = self.answer.decided if self.answer else None
        why = (decided.level, decided.reason, str(decided.statement)) if decided else ()
        return (self.acts_as, self.action, self.resource, str(self.region), self.outcome, why)


@dataclass(frozen=True)
class ExpectationResult:
    """How an expectation fares."""

    index: int
    """Its position in the file."""
    expectation: Expectation
    failing: tuple[Case, ...]

    @property
    def holds(self) -> bool:
        """Returns whether every request is answered as expected."""
        return not self.failing

    @property
    def number(self) -> int:
        """Returns how many requests are answered otherwise."""
        return sum(len(case.accounts) for case in self.failing)

    @property
    def cut(self) -> bool:
        """Returns whether there may be more: a wildcard matches thousands, and nobody looks at all of them."""
        return len(self.failing) >= MOST_CASES

    def fails_in(self, accounts: Iterable[str]) -> bool:
        """Returns whether a request in some accounts is answered otherwise."""
        wanted = frozenset(accounts)
        return any(not wanted.isdisjoint(case.accounts) for case in self.failing)


# Asking


class _Asked:
    """Questions about somebody in an account, on one resource; actions that the same statements are about share one."""

    def __init__(
        self,
        evaluated: Evaluated,
        acting: Sequence[Actor],
        account: str,
        resource: str | None,
        keys: Mapping[str, Value],
    ) -> None:
        self.evaluated, self.acting, self.account = evaluated, acting, account
        self.resource, self.keys = resource, keys
        self._there = evaluated.account(account)
        layers = dict.fromkeys(self._there.resource_control)
        layers |= dict.fromkeys(layer for actor in acting for layer in _layers(actor))
        self._telling_apart = [layer for layer in layers if layer.tells_actions_apart]
        self._answers: dict[object, tuple[Answer | None, Actor | None]] = {}

    def outcome(self, action: Action, region: str | None) -> Outcome:
        """Returns the answer; who has no access is denied."""
        answer, _ = self.answer(action, region)
        return answer.outcome if answer else Outcome.DENIED

    def answer(self, action: Action, region: str | None) -> tuple[Answer | None, Actor | None]:
        """Returns the best answer of somebody with several ways to act, with the way."""
        question = PrincipalQuestion(action, self.resource, region, self.keys)
        kind = self._kind(question)
        if kind not in self._answers:
            answers = [(ask(self.evaluated, actor, question, self.account), actor) for actor in self.acting]
            best = min(answers, key=lambda answered: _BEST.index(answered[0].outcome), default=(None, None))
            self._answers[kind] = best
        return self._answers[kind]

    def _kind(self, question: PrincipalQuestion) -> object:
        """Returns all that the answer to a question depends on."""
        action, name = question.action, question.action.full_name.lower()
        resource, _ = resource_of(self.evaluated, question, self._there)
        return (
            tuple(tuple(map(id, layer.about(name))) for layer in self._telling_apart),
            resource,
            region_of(name, resource) or question.region,
            name if action.service in _SPECIAL else action.service in aws_limits().resource_control_prefixes,
        )

    def denies_all_of(self, pattern: str) -> bool:
        """Returns whether one statement denies whatever a pattern matches, so that nobody asks about each action."""
        prefix, _, name = pattern.partition(":")
        every = PrincipalQuestion(Action(prefix, name or "*", "Write", (), None), self.resource, None, self.keys)
        return all(self._denies(actor, every) for actor in self.acting)

    def _denies(self, actor: Actor, every: PrincipalQuestion) -> bool:
        if actor.principal.kind not in _BOUND:
            return False
        request, _ = request_of(self.evaluated, actor, every, self.account)
        statements = (
            statement for layer in _layers(actor) for document in layer.documents for statement in document.statements
        )
        return any(
            not statement.allows
            and not statement.not_actions
            and statement.actions.cover(request.name)
            and statement.applies(request) is True
            for statement in statements
        )


def _layers(actor: Actor) -> Iterator[PolicyLayer]:
    """Yields the policies of somebody, and those above."""
    yield from () if actor.account.management else actor.account.service_control
    yield actor.identity
    yield from [actor.boundary] if actor.boundary else []


def _actions(written: str, resource: str | None) -> Iterator[Action]:
    """Yields the actions of a name or a pattern that may be about a resource; of a pattern not the one left free."""
    named = reference().actions(written) if is_pattern(written) else [find_action(written)]
    for action in named:
        is_free = is_pattern(written) and action.full_name == FREE
        if not is_free and (resource is None or takes(action, resource)):
            yield action


def _regions(sentence: Sentence, written: str, action: Action, resource: str | None) -> Sequence[str | None]:
    """Returns the regions that the requests for an action go to.

    A wildcard over services leaves out an action that no region of the sentence has; others are asked where they are.
    """
    fixed = region_of(action.full_name, resource or "*") if sentence.regions != (None,) else None
    if not fixed:
        return sentence.regions
    over_services = is_pattern(written.partition(":")[0])
    return () if over_services and fixed not in sentence.regions else (fixed,)


class _Subject(NamedTuple):
    """Somebody in an account, who may act in several ways: one that is allowed is enough."""

    name: str
    ways: tuple[tuple[str, str | None, str], ...]
    """Permission sets, each with the user of the session, and the external group that it depends on."""
    who: Who | None = None
    """Whoever acts by no permission set."""


class Examiner:
    """Asks the expectations of a landing zone; accounts under the same policies are asked once."""

    def __init__(self, evaluated: Evaluated) -> None:
        self.evaluated = evaluated

    def examine(self, index: int, sentence: Sentence) -> ExpectationResult:
        """Returns the result of a sentence: the requests that are answered otherwise than expected."""
        alike: defaultdict[object, list[tuple[str, _Subject]]] = defaultdict(list)
        for account in sentence.accounts:
            signature = self._signature(account, sentence)
            for subject in self.subjects(sentence, account):
                ways = tuple((key, user if self._people_differ else None, group) for key, user, group in subject.ways)
                alike[signature, ways, subject.who].append((account, subject))
        cases: dict[object, Case] = {}
        accounts: defaultdict[object, list[str]] = defaultdict(list)
        for members in alike.values():  # all are answered as the first of them is
            otherwise = list(islice(self._failing(sentence, *members[0]), MOST_CASES))
            for account, subject in members:
                for case in otherwise:
                    same = (subject.name, case.same_as)
                    cases.setdefault(same, case._replace(who=subject.name))
                    accounts[same].append(account)
        failing = (case._replace(accounts=tuple(accounts[same])) for same, case in cases.items())
        return ExpectationResult(index, sentence.expectation, tuple(failing))

    def _failing(self, sentence: Sentence, account: str, subject: _Subject) -> Iterator[Case]:
        """Yields the requests of somebody in an account that are answered otherwise."""
        expected = Outcome.DENIED if sentence.expectation.denied else Outcome.ALLOWED
        acting = self._actors(sentence, subject, account)
        for resource in sentence.resources:
            asked = _Asked(self.evaluated, acting, account, resource, sentence.keys)
            for written in sentence.expectation.actions:
                whole = is_pattern(written) and resource is None and sentence.regions == (None,)
                if whole and expected is Outcome.DENIED and asked.denies_all_of(written):
                    continue
                for action in _actions(written, resource):
                    for region in _otherwise(asked, action, _regions(sentence, written, action, resource), expected):
                        answer, actor = asked.answer(action, region)
                        name = actor.name if actor else ""
                        yield Case((account,), subject.name, name, action.full_name, resource, region, answer)

    # Who

    def subjects(self, sentence: Sentence, account: str) -> Iterator[_Subject]:
        """Yields those in an account whom a sentence is about."""
        out = {left_out.key for left_out in sentence.but if left_out.kind == "permission set"}
        for who in sentence.who:
            if who is None:
                yield from self._everybody(sentence, account)
            elif who in sentence.but:
                continue
            elif who.kind in ("user", "group", "permission set"):
                held = self._held(who, account) if sentence.expectation.allowed else True
                given = sets_of(self.evaluated, who, account) if held else {}
                user = who.key if who.kind == "user" else None
                yield _Subject(str(who), tuple((key, user, given[key]) for key in sorted(given.keys() - out)))
            else:
                yield _Subject("" if who.kind in ("anybody", "root", "deployer") else str(who), (), who)

    def _held(self, who: Who, account: str) -> bool:
        """Returns whether anybody acts as a group or by a permission set: where all groups are empty nobody may."""
        if who.kind == "permission set":
            return any(key == who.key for _, key in everybody(self.evaluated, account))
        group = self.evaluated.landing_zone.groups[who.key] if who.kind == "group" else None
        return group is None or bool(group.members) or not group.is_known

    def _everybody(self, sentence: Sentence, account: str) -> Iterator[_Subject]:
        """Yields one who has each permission set, but for those left out; each person where people may differ."""
        groups, out = self.evaluated.landing_zone.groups, set(sentence.but)
        for left_out in sentence.but:
            if left_out.kind == "group":
                out |= {Who("user", member) for member in groups[left_out.key].members}
        subjects: dict[object, _Subject] = {}
        for who, key in everybody(self.evaluated, account):
            if not out & {who, Who("permission set", key)}:
                user = who.key if who.kind == "user" else None
                subjects.setdefault((key, self._people_differ and user), _Subject(str(who), ((key, user, ""),)))
        yield from subjects.values()

    def _actors(self, sentence: Sentence, subject: _Subject, account: str) -> list[Actor]:
        if subject.who and subject.who.kind == "anybody":
            return [self.evaluated.somebody(account, self._exempt_roles(sentence))]
        if subject.who:
            return actors(self.evaluated, subject.who, account)
        return [self.evaluated.permission_set(key, account, user, group) for key, user, group in subject.ways]

    def _exempt_roles(self, sentence: Sentence) -> Iterator[str]:
        """Yields the names of the roles that a sentence leaves out, those of permission sets among them."""
        deployer, sets = self.evaluated.landing_zone.deployer, self.evaluated.landing_zone.permission_sets
        for who in sentence.but:
            if who.kind == "role":
                yield who.key
            elif who.kind == "permission set":
                yield f"aws-reserved/sso.amazonaws.com/*AWSReservedSSO_{sets[who.key].name}_*"
            elif who.kind == "deployer" and deployer:
                yield deployer.role

    def _signature(self, account: str, sentence: Sentence) -> tuple[object, ...]:
        """Returns what an account has in common with those that are answered alike; one that is named is by itself."""
        there = self.evaluated.account(account)
        delegated = account in self.evaluated.landing_zone.organization.delegated_administrators.values()
        named = any(account in (on or "").split(":") or there.id in (on or "") for on in sentence.resources)
        return (*self.evaluated.bound(account), account if delegated or named else "")

    @cached_property
    def _people_differ(self) -> bool:
        """Returns whether an answer may depend on whose session it is, beside the permission set."""
        if self.evaluated.landing_zone.sso.access_control_attributes:
            return True
        texts = self.evaluated.texts
        return any(key in texts for key in ("userid", "assumed-role", "principaltag", "sourceidentity"))


def _otherwise(asked: _Asked, action: Action, regions: Sequence[str | None], expected: Outcome) -> Iterator[str | None]:
    """Yields the regions in which an action is answered otherwise; one text stands for many."""
    if len(regions) > _FEW_REGIONS:
        outside = unknown.Other.than(sorted(aws_limits().regions.difference(filter(None, regions))))
        if asked.outcome(action, outside) is expected:
            return
    yield from (region for region in regions if asked.outcome(action, region) is not expected)


_BOUND = (PrincipalKind.ROLE, PrincipalKind.ROOT, PrincipalKind.USER)
_FEW_REGIONS = 3
"""Regions that are asked one by one."""
_BEST = (Outcome.ALLOWED, Outcome.DEPENDS, Outcome.DENIED)
_SPECIAL = ("kms", "sts")
"""Services of which the evaluation knows actions by name."""
