"""Expectations: the sentences of expectations.yaml, each asked of everybody and everywhere that it is about.

Accounts under the same policies give the same answers and are asked once. `Examination.examine` returns what fails.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, product
from typing import NamedTuple

from strata.config.expectations import Expectation
from strata.config.limits import aws_limits
from strata.config.models import PARTITION
from strata.evaluation.landing_zone import Actor, Evaluated
from strata.evaluation.questions import (
    PrincipalQuestion,
    Who,
    actors,
    ask,
    find_action,
    request_of,
    resource_of,
    sets_of,
)
from strata.evaluation.sentences import Sentence
from strata.policy import unknown
from strata.policy.answers import Answer, Outcome
from strata.policy.keys import region_of
from strata.policy.layers import AccountLevels, PolicyLayer
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


def _matching(pattern: str) -> Iterator[Action]:
    """Yields the actions that a pattern matches, but for the one that nothing denies."""
    return (action for action in reference().actions(pattern) if action.full_name != FREE)


def _about(actions: Iterable[Action], resource: str | None) -> Iterator[Action]:
    """Yields the actions that may be about a resource: of others there is no such request."""
    return (action for action in actions if resource is None or takes(action, resource))


def _sent_to(
    sentence: Sentence, action: Action, written: str, resource: str | None, region: str | None
) -> Sequence[str | None]:
    """Returns the regions that the requests of one turn go to; none where another turn asks, or there is no request.

    A wildcard over services leaves out an action that no region of the sentence has; others are asked where they are.
    """
    fixed = region_of(action.full_name, resource or "*") if region else None
    every = isinstance(region, unknown.Other)
    if not fixed:
        return sentence.regions if every else (region,)
    if fixed in sentence.regions:
        return (fixed,) if every or region == fixed else ()
    first = every or region == sentence.regions[0]
    return (fixed,) if first and not is_pattern(written.partition(":")[0]) else ()


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
        self._answers: dict[object, tuple[Answer | None, Actor | None]] = {}
        self._layers: dict[AccountLevels, list[PolicyLayer]] = {}

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
        resource, there = resource_of(self.evaluated, question, self.evaluated.account(self.account))
        return (
            tuple(tuple(map(id, layer.about(name))) for layer in self._telling_apart(there)),
            resource,
            region_of(name, resource) or question.region,
            name if action.service in _SPECIAL else action.service in aws_limits().resource_control_prefixes,
        )

    def _telling_apart(self, there: AccountLevels) -> list[PolicyLayer]:
        """Returns the policies that say something else of some actions than of others, each once."""
        if there not in self._layers:
            layers = dict.fromkeys(layer for actor in self.acting for layer in _layers(actor, there))
            self._layers[there] = [layer for layer in layers if layer.tells_actions_apart]
        return self._layers[there]

    def surely_denied(self, pattern: str, region: str | None) -> bool:
        """Returns whether a statement denies every action of a pattern; false where it may be several."""
        prefix, _, name = pattern.partition(":")
        if region and prefix.lower() == "iam":
            return False  # iam:PassRole is asked in another region than the rest
        if (self.resource or "").startswith(f"arn:{PARTITION}:logs:"):
            return False  # actions ask about the same log group in different forms
        as_action = Action(prefix, name or "*", "Write", (), None)
        question = PrincipalQuestion(as_action, self.resource, region, self.keys)
        return all(self._denied(actor, question) for actor in self.acting)

    def _denied(self, actor: Actor, question: PrincipalQuestion) -> bool:
        if actor.principal.kind not in _BOUND:
            return False
        request, _ = request_of(self.evaluated, actor, question, self.account)
        return any(
            (
                not statement.actions.may_meet(request.name)
                if statement.not_actions
                else statement.actions.cover(request.name)
            )
            and statement.applies(request) is True
            for layer in _layers(actor)
            for document in layer.documents
            for statement in document.statements
            if not statement.allows
        )


def _layers(actor: Actor, there: AccountLevels | None = None) -> Iterator[PolicyLayer]:
    """Yields the policies of somebody, and those above, of an account with resources as well."""
    yield from () if actor.account.management else actor.account.service_control
    yield from there.resource_control if there else ()
    yield actor.identity
    yield from [actor.boundary] if actor.boundary else []


class _Subject(NamedTuple):
    """Somebody in an account, who may act in several ways: one that is allowed is enough."""

    name: str
    ways: tuple[tuple[str, str | None, str], ...]
    """Permission sets, each with the user of the session, and the external group that it depends on."""
    who: Who | None = None
    """Whoever acts by no permission set."""


class Examiner:
    """Asks the expectations of a landing zone; what is the same for several is found out once."""

    def __init__(self, evaluated: Evaluated) -> None:
        self.evaluated = evaluated
        self._signatures: dict[str, tuple[object, ...]] = {}
        self._grants: dict[str, tuple[tuple[str, str, str], ...]] = {}

    def examine(self, index: int, sentence: Sentence) -> ExpectationResult:
        """Returns the result of a sentence: the requests that are answered otherwise than expected."""
        groups: defaultdict[object, list[tuple[str, _Subject]]] = defaultdict(list)
        for account in sentence.accounts:
            signature = self._signature(account, sentence)
            for subject in self.subjects(sentence, account):
                ways = tuple((key, user if self._people_differ else None, group) for key, user, group in subject.ways)
                groups[signature, ways, subject.who].append((account, subject))
        failing: list[Case] = []
        for members in groups.values():  # all are answered as the first of them is
            otherwise = list(self._failing(sentence, *members[0]))
            named: defaultdict[str, list[str]] = defaultdict(list)
            for account, subject in members if otherwise else ():
                named[subject.name].append(account)
            failing += [Case(tuple(accounts), name, *rest) for name, accounts in named.items() for rest in otherwise]
        return ExpectationResult(index, sentence.expectation, tuple(failing))

    def _failing(
        self, sentence: Sentence, account: str, subject: _Subject
    ) -> Iterator[tuple[str, str, str | None, str | None, Answer | None]]:
        """Yields the requests of somebody in an account that are answered otherwise."""
        expected = Outcome.DENIED if sentence.expectation.denied else Outcome.ALLOWED
        acting = self._actors(sentence, subject, account)
        regions: Sequence[str | None] = sentence.regions
        if len(regions) > _FEW_REGIONS:  # one text stands for all of them
            regions = (unknown.Other.than(sorted(aws_limits().regions - set(regions))),)
        for resource, written, region in product(sentence.resources, sentence.expectation.actions, regions):
            asked = _Asked(self.evaluated, acting, account, resource, sentence.keys)
            otherwise = (
                (actor.name if actor else "", action.full_name, resource, where, answer)
                for action in self._actions(written, asked, region, expected)
                for places in (_sent_to(sentence, action, written, resource, region),)
                if places and asked.outcome(action, region) is not expected
                for where in places
                for answer, actor in (asked.answer(action, where),)
                if (answer.outcome if answer else Outcome.DENIED) is not expected
            )
            yield from islice(otherwise, MOST_CASES)

    def _actions(self, written: str, asked: _Asked, region: str | None, expected: Outcome) -> Iterable[Action]:
        """Returns the actions to ask about: of a pattern all, none where a statement denies them all."""
        if not is_pattern(written):
            return _about((find_action(written),), asked.resource)
        surely = expected is Outcome.DENIED and asked.surely_denied(written, region)
        return () if surely else _about(_matching(written), asked.resource)

    # Who

    def subjects(self, sentence: Sentence, account: str) -> Iterator[_Subject]:
        """Yields those in an account whom a sentence is about."""
        for who in sentence.who:
            if who is None:
                yield from self._everybody(sentence, account)
            elif who in sentence.but:
                continue
            elif who.kind in ("user", "group", "permission set"):
                user, given = who.key if who.kind == "user" else None, sets_of(self.evaluated, who, account)
                out = {left_out.key for left_out in sentence.but if left_out.kind == "permission set"}
                ways = tuple((key, user, group) for key, group in sorted(given.items()) if key not in out)
                yield _Subject(str(who), ways)
            else:
                yield _Subject("" if who.kind in ("anybody", "root", "deployer") else str(who), (), who)

    def _everybody(self, sentence: Sentence, account: str) -> Iterator[_Subject]:
        seen: set[tuple[str, str | None]] = set()
        for name, permission_set, user in self._granted(account):
            way = (permission_set, user or None, "")
            same = way[:2] if self._people_differ else (permission_set, None)
            if same not in seen and not self._left_out(sentence, permission_set, user, name):
                seen.add(same)
                yield _Subject(name, (way,))

    def _left_out(self, sentence: Sentence, permission_set: str, user: str, name: str) -> bool:
        groups = self.evaluated.landing_zone.groups
        for who in sentence.but:
            if who.kind == "permission set" and who.key == permission_set:
                return True
            if who.kind == "user" and who.key == user:
                return True
            if who.kind == "group" and (user in groups[who.key].members if user else name == str(who)):
                return True
        return False

    def _granted(self, account: str) -> tuple[tuple[str, str, str], ...]:
        """Returns who has which permission set in an account: a name, the set, and the user if it is one."""
        if account not in self._grants:
            groups, holders = self.evaluated.landing_zone.groups, set[tuple[str, str, str]]()
            for grant in self.evaluated.grants(account):
                if grant.principal_type == "USER":
                    holders.add((grant.principal, grant.permission_set, grant.principal))
                    continue
                group = groups[grant.principal]
                holders |= {(member, grant.permission_set, member) for member in group.members}
                if not group.is_known or not group.members:
                    holders.add((str(Who("group", group.key)), grant.permission_set, ""))
            self._grants[account] = tuple(sorted(holders))
        return self._grants[account]

    def _actors(self, sentence: Sentence, subject: _Subject, account: str) -> list[Actor]:
        if subject.who and subject.who.kind == "anybody":
            return [self.evaluated.somebody(account, self._exempt_roles(sentence))]
        if subject.who:
            return actors(self.evaluated, subject.who, account)
        return [self.evaluated.permission_set(key, account, user, group) for key, user, group in subject.ways]

    def _exempt_roles(self, sentence: Sentence) -> Iterator[str]:
        """Yields the names of the roles that a sentence leaves out, those of permission sets among them."""
        deployer, sets = self.evaluated.landing_zone.deployer, self.evaluated.landing_zone.permission_sets
        at_work = self.evaluated.baseline_roles_doing(sentence.expectation.actions)
        # Nobody else has its name, or gives it more.
        yield from (role for role in self.evaluated.baseline_roles if role not in at_work)
        for who in sentence.but:
            if who.kind == "role":
                yield who.key
            elif who.kind == "permission set":
                yield f"aws-reserved/sso.amazonaws.com/*AWSReservedSSO_{sets[who.key].name}_*"
            elif who.kind == "deployer" and deployer:
                yield deployer.role

    # Which accounts give the same answer

    def _signature(self, account: str, sentence: Sentence) -> tuple[object, ...]:
        if account not in self._signatures:
            levels = self.evaluated.account(account)
            path = levels.path if "orgpaths" in self._texts else ""
            marks = frozenset(
                mark
                for mark in self._marks
                if re.compile(mark.replace("?", ".").replace("*", ".*")).fullmatch(levels.id)
            )
            # What stands on each level, but for those where all is allowed.
            documents = (
                (id(level) if level.unknown else 0, *map(id, level.documents))
                for level in (*levels.service_control, *levels.resource_control)
                if len(level.documents) > 1 or level.unknown
            )
            self._signatures[account] = (levels.management, *documents, path, marks)
        named = any(account in (resource or "").split(":") for resource in sentence.resources)
        own = any(self.evaluated.account(account).id in (resource or "") for resource in sentence.resources)
        return (*self._signatures[account], account if named or own else "")

    @cached_property
    def _texts(self) -> str:
        """Returns the text of every document of the configuration, in lower case."""
        landing_zone = self.evaluated.landing_zone
        inline = (permission_set.inline for permission_set in landing_zone.permission_sets.values())
        deployer = landing_zone.deployer.policies if landing_zone.deployer else ()
        documents = (
            *(policy.document for policy in landing_zone.policies.values()),
            *(inline_policy.document for inline_policy in inline if inline_policy),
            *(document for policy in deployer if (document := getattr(policy, "document", None))),
        )
        return "\n".join(document.text for document in documents).lower()

    @cached_property
    def _marks(self) -> frozenset[str]:
        """Returns what may be the id of an account in a document, or a pattern for some."""
        return frozenset(mark for mark in re.findall(r"[0-9*?]+", self._texts) if re.search("[0-9]", mark) and mark[1:])

    @cached_property
    def _people_differ(self) -> bool:
        """Returns whether an answer may depend on whose session it is, beside the permission set."""
        if self.evaluated.landing_zone.sso.access_control_attributes:
            return True
        return any(key in self._texts for key in ("userid", "assumed-role", "principaltag", "sourceidentity"))


_FEW_REGIONS = 3
"""Regions that are asked one by one."""
_BEST = (Outcome.ALLOWED, Outcome.DEPENDS, Outcome.DENIED)
_SPECIAL = ("kms", "sts")
"""Services of which the evaluation knows actions by name."""
_BOUND = (PrincipalKind.ROLE, PrincipalKind.ROOT, PrincipalKind.USER)
