"""Compares policies by effect instead of by text: for which requests do two versions of them answer differently.

All requests are compared that their statements can tell apart: each action that any of them names or matches, and one
of every other service; each value that one compares a key with, one outside all of them, and none; each resource that
one names, and another. Where `Choices.complete` holds this is no sample: the statements tell no other request apart, so
that nothing found is a proof. Where it does not, where a search takes too long, and where a document has what the
evaluator does not know, the texts are compared as well, and what they do not show to be covered counts as a difference:
the gate asks once too often rather than pass what nobody has looked at.

A value with a variable counts as a test that may hold or not, whatever else the request has; written otherwise, it is
asked about. Actions are those of the data file: a pattern and the list of all that it matches are the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from strata.diff.actions import Actions
from strata.diff.boxes import RESOURCE, Box, Core, PossibleRequests, Side, Space, TooManyError
from strata.landing_zone.units import Target
from strata.policy.conditions import Test
from strata.policy.documents import Document, Statement
from strata.policy.values import Choice
from strata.text import listed

PRINCIPAL, REGION = "aws:principalarn", "aws:requestedregion"

Verb = str
"""`no longer denies`, `now denies`, `now allows`."""

EVERY = -1
"""All actions, as a set of bits."""

MOST_CONDITIONS = 3
"""Conditions of a difference that are told."""

ALLOWS_MORE, ALLOWS_LESS = ("now allows", "no longer denies"), ("no longer allows", "now denies")


class Effect(NamedTuple):
    """A difference for some actions; of one that only the texts show, the text alone."""

    verb: Verb
    actions: int = 0
    conditions: str = ""
    whom: str = ""
    statement: Statement | None = None


@dataclass(frozen=True)
class FoundDifferences:
    """The differences, and whether there is none besides."""

    effects: tuple[Effect, ...] = ()
    complete: bool = True

    @property
    def actions(self) -> int:
        """Returns the actions that may differ."""
        actions = 0
        for effect in self.effects:
            actions |= effect.actions
        return actions if self.complete else EVERY


class Part(NamedTuple):
    """A statement and the actions that it is about."""

    core: Core
    actions: int
    statement: Statement


Parts = Sequence[Part]


@dataclass(frozen=True)
class Identity:
    """What a permission set allows: the parts of its policies, and of its boundary if it has one."""

    allows: Parts
    denies: Parts
    """The boundary's as well."""
    within: Parts | None = None
    """What its boundary allows."""
    boundary_denies: Parts = ()

    @property
    def limit(self) -> Identity:
        """Returns the boundary alone: of what policies of resources allow, it lets this pass."""
        return Identity(self.within or (), self.boundary_denies)


class Comparison:
    """A comparison of documents for the requests that are possible."""

    def __init__(self, documents: Iterable[Document], given: PossibleRequests) -> None:
        statements = [statement for document in documents for statement in document.statements]
        self.actions = Actions(statements)
        self._bound = self.actions.all
        self._given = given
        self._names: dict[str, str] = {}
        for test in (test for statement in statements for test in statement.condition):
            self._names.setdefault(test.key.lower(), test.key)
            self._names.setdefault(test.written.lower(), test.written)
        self._parts: dict[int, tuple[Document, Parts]] = {}

    def parts(self, documents: Iterable[Document]) -> Parts:
        """Returns the statements of documents."""
        return [part for document in documents for part in self._of(document)]

    def _of(self, document: Document) -> Parts:
        if id(document) not in self._parts:
            parts = [
                Part(Core.of(statement), self.actions.of(statement) & self._bound, statement)
                for statement in document.statements
            ]
            self._parts[id(document)] = document, parts
        return self._parts[id(document)][1]

    def bind(self, prefixes: Iterable[str]) -> None:
        """Confines the comparison to the actions of some services."""
        self._bound = self.actions.of_services(prefixes)

    # Denials

    def denied_less(
        self, old: Parts, new: Parts, others: Parts, verb: Verb = "no longer denies", among: int = EVERY
    ) -> FoundDifferences:
        """Returns what denials of a version cover, and neither those of another do nor those of other policies."""
        denials, besides = ([part for part in some if not part.statement.allows] for some in (new, others))
        differences: list[FoundDifferences] = []
        for part in old:
            if part.statement.allows:
                continue
            rest = part.actions & among
            for other in (*denials, *besides):
                if other.core == part.core:
                    rest &= ~other.actions
            for actions, (own, more) in self._groups(rest, denials, besides):
                differences.append(self._escape(verb, part.statement, actions, [part.core], own, more))
        return _together(differences)

    # Permissions

    def allowed_more(
        self,
        old: Identity,
        new: Identity,
        limits: Parts = (),
        verbs: tuple[Verb, Verb] = ALLOWS_MORE,
        among: int = EVERY,
    ) -> FoundDifferences:
        """Returns what a version of a permission set allows, and another does not, as far as SCPs let it.

        A denial that goes counts whether or not the set allows what it denied: the policy of a resource may.
        """
        limits = [part for part in limits if not part.statement.allows]
        parts = (new.allows, new.within or (), old.allows, old.within or (), new.denies, limits)
        every = 0
        for allow in new.allows:
            every |= allow.actions
        allows_now, denies_no_longer = verbs
        differences = [self.denied_less(old.denies, new.denies, limits, denies_no_longer, among)]
        for actions, (allows, within, allowed, inside, denies, limited) in self._groups(every & among, *parts):
            for core in allows:
                allowing = (part for part in new.allows if part.core == core and part.actions & actions)
                why, besides = next(allowing).statement, [*denies, *limited]
                for limit in [None] if new.within is None else within:
                    start = [core] if limit is None else [core, limit]
                    if core not in allowed:
                        differences.append(self._escape(allows_now, why, actions, start, allowed, besides))
                    if old.within is not None and limit not in inside:
                        differences.append(self._escape(allows_now, why, actions, start, inside, besides))
        return _together(differences)

    # Both

    def _groups(self, actions: int, *parts: Parts) -> Iterator[tuple[int, tuple[list[Core], ...]]]:
        """Yields actions that the same statements of each list are about, with those statements."""
        groups = [actions] if actions else []
        masks = dict.fromkeys([*(part.actions for some in parts for part in some), self.actions.global_services])
        for mask in masks:
            groups = [half for group in groups for half in (group & mask, group & ~mask) if half]
        for group in groups:
            yield (
                group,
                tuple(list(dict.fromkeys(part.core for part in some if part.actions & group)) for some in parts),
            )

    def _escape(
        self, verb: Verb, statement: Statement, actions: int, start: list[Core], own: list[Core], others: list[Core]
    ) -> FoundDifferences:
        """Returns requests of some statements in none of their own other version, as far as no others hold for them."""
        cores = [*start, *own, *others]
        given = self._given
        if actions & self.actions.global_services:
            given = given.with_fixed(REGION, Choice("us-east-1", "us-east-1"))
        space = Space(cores, given)
        within = space.within(start)
        if within is None:
            return FoundDifferences()
        try:
            told = space.without(within, own)
            if told is None:
                return FoundDifferences(complete=space.complete([*start, *own]))
            if space.without(told, others) is None and (told := space.without(within, [*own, *others])) is None:
                return FoundDifferences(complete=space.complete(cores))
        except TooManyError:
            return FoundDifferences(complete=False)
        conditions = [text for side in told if (text := self._told(space, side, within, told))]
        if len(conditions) > MOST_CONDITIONS:
            conditions = [*conditions[:MOST_CONDITIONS], "under more conditions"]
        words = f" {', '.join(conditions)}" if conditions else ""
        return FoundDifferences((Effect(verb, actions, words, self._whom(space, told), statement),))

    # Words

    def words(self, actions: int, alike: Sequence[Effect]) -> str:
        """Returns differences as text that are alike but for their actions."""
        first = alike[0]
        if not actions:
            return first.verb
        sources = listed(list(dict.fromkeys(str(effect.statement) for effect in alike)), 2)
        on = [bool(its.statement and its.statement.condition) for its in alike if its.whom == _EVERYBODY]
        held = " on conditions" if on and all(on) else ", some on conditions" if any(on) else ""
        whom = f" to {first.whom}{held}" if first.whom else ""
        return f"{first.verb} {self.actions.words(actions)}{first.conditions}{whom} ({sources})"

    def _told(self, space: Space, side: Side, start: Box, end: Box) -> str:
        """Returns what a side is narrowed to."""
        if side == PRINCIPAL or start.get(side) == end[side]:
            return ""
        chosen, left = space.chosen(side, end[side]), space.chosen(side, start.get(side, -1) & ~end[side])
        if not isinstance(side, str):
            holds = any(choice.value == "true" for choice in chosen)
            return f"{'if' if holds else 'unless'} {self._open(side)}"
        name = "" if side == RESOURCE else f"{self._names.get(side, side)} "
        words = [choice.words for choice in chosen if choice.words]
        if not any(choice.value for choice in chosen):
            return f"without {name.strip()}"
        if all(choice.words for choice in chosen if choice.value):
            some = listed([*words, *(["none"] if any(not choice.value for choice in chosen) else [])], 3)
            return f"on {some}" if side == RESOURCE else f"with {name}{some}"
        others = listed([choice.words or "none" for choice in left if choice.words or not choice.value], 3)
        if not others:
            return ""
        return f"on others than {others}" if side == RESOURCE else f"unless {name}is {others}"

    def _open(self, side: tuple[object, ...]) -> str:
        kind, value = side[0], side[1]
        if isinstance(value, Test):
            written, key = self._names.get(value.written, value.written), self._names.get(value.key, value.key)
            return f"{written} {key} {listed([template.text for template in value.values], 3)}"
        if kind == "resource" and isinstance(value, frozenset):
            return f"the resource is {listed(sorted(template.text for template in value), 3)}"
        return f"the {kind} is named"

    def _whom(self, space: Space, end: Box) -> str:
        if self._given.fixed:
            return ""
        if PRINCIPAL not in end:
            return _EVERYBODY
        chosen = space.chosen(PRINCIPAL, end[PRINCIPAL])
        if any(not choice.words and choice.value for choice in chosen):
            return _EVERYBODY
        return listed([choice.words or "services" for choice in chosen], 4)


_EVERYBODY = "everybody"


def _together(differences: Iterable[FoundDifferences]) -> FoundDifferences:
    every = list(differences)
    return FoundDifferences(
        tuple(chain.from_iterable(some.effects for some in every)), all(some.complete for some in every)
    )


def told(
    effects: Iterable[tuple[Effect, Target]], words: Callable[[int, Sequence[Effect]], str]
) -> dict[str, list[Target]]:
    """Returns differences as text with where they are, the most actions first; alike ones together.

    Those that differ in their actions only are one: where another policy denies some of them still, it counts too many.
    """
    alike: defaultdict[tuple[str, str, str], list[tuple[Effect, Target]]] = defaultdict(list)
    for effect, target in effects:
        alike[effect.verb, effect.conditions, effect.whom].append((effect, target))
    counted: list[tuple[int, str, list[Target]]] = []
    for some in alike.values():
        actions = 0
        for effect, _ in some:
            actions |= effect.actions
        targets = list(dict.fromkeys(target for _, target in some))
        counted.append((actions.bit_count(), words(actions, [effect for effect, _ in some]), targets))
    return {text: targets for _, text, targets in sorted(counted, key=lambda entry: -entry[0])}
