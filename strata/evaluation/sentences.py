"""Expectations with everything that they name: accounts, principals, resources, regions; and what they name in vain."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple

from strata.config.expectations import OTHER_REGIONS, Expectation
from strata.config.limits import aws_limits
from strata.config.reserved import ANYBODY, EVERYBODY
from strata.config.text import Problem, short
from strata.config.types import did_you_mean
from strata.errors import Message, StrataError
from strata.evaluation.landing_zone import Evaluated
from strata.evaluation.questions import Who, check_resource, find_action, find_who
from strata.landing_zone.placeholders import LISTS, PATTERN, fill, placeholder_values
from strata.policy.operators import moment, network, number, truth
from strata.policy.patterns import is_pattern
from strata.policy.reference import reference
from strata.policy.requests import Value
from strata.policy.resources import taken_by, takes


class Sentence(NamedTuple):
    """An expectation with everything that it names."""

    expectation: Expectation
    accounts: tuple[str, ...]
    who: tuple[Who | None, ...]
    """Whom it is about; None for everybody who has a permission set there."""
    but: tuple[Who, ...]
    """Whom it leaves out."""
    resources: tuple[str | None, ...]
    regions: tuple[str | None, ...]
    """None where it names none; of `other` each one."""
    keys: Mapping[str, Value]


def problems(evaluated: Evaluated, expectation: Expectation) -> Iterator[Problem]:
    """Yields what an expectation names and is not there, each with its place in the entry."""
    yield from problems_of_words(expectation)
    yield from filter(None, (evaluated.landing_zone.selector.problem(place, at) for at, place in places(expectation)))
    yield from problems_of_names(evaluated, expectation, places=True, principals=True)


def places(expectation: Expectation) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yields the places that an expectation names, each with where it stands in the entry."""
    but = expectation.except_
    yield from (*_listed(("in",), expectation.in_), *_listed(("except", "in"), but.in_ if but else ()))


def problems_of_words(expectation: Expectation) -> Iterator[Problem]:
    """Yields the actions and condition keys that AWS does not have."""
    for at, written in _listed((expectation.expects,), expectation.actions):
        yield from _action_problem(written, at)
    yield from _key_problems(expectation.with_)


def problems_of_names(
    evaluated: Evaluated, expectation: Expectation, *, places: bool, principals: bool
) -> Iterator[Problem]:
    """Yields the principals, resources, regions and values that are not there, or that no action or key is about.

    Args:
        places: whether all accounts are known, so that a resource in another is wrong.
        principals: whether all users, groups and permission sets are known.
    """
    but = expectation.except_
    for at, name in (*_listed(("as",), expectation.as_), *_listed(("except", "as"), but.as_ if but else ())):
        if principals or name.startswith("role/"):
            yield from _principal_problem(evaluated, name, at)
    misspelt = list(_placeholder_problems(evaluated, expectation))
    yield from misspelt
    unread = {problem.at[0] for problem in misspelt}
    expectation = filled(evaluated, expectation)
    if "on" not in unread:
        on = _listed(("on",), expectation.on)
        wrong = [found for at, resource in on for found in _resource_problem(evaluated, resource, at, places=places)]
        yield from wrong or _untaken(expectation)
    if "with" not in unread:
        yield from value_problems(expectation.with_)


def filled(evaluated: Evaluated, expectation: Expectation) -> Expectation:
    """Returns an expectation with the values of its placeholders, as policies have them."""
    values = placeholder_values(evaluated.landing_zone.project)
    with_ = {key: tuple(fill(value, values) for value in its) for key, its in expectation.with_.items()}
    return expectation.model_copy(update={"on": tuple(fill(name, values) for name in expectation.on), "with_": with_})


def _listed(at: tuple[str, ...], names: Sequence[str]) -> list[tuple[tuple[str | int, ...], str]]:
    return [((*at, index), name) for index, name in enumerate(names)]


def _action_problem(written: str, at: tuple[str | int, ...]) -> Iterator[Problem]:
    if not is_pattern(written):
        try:
            find_action(written)
        except StrataError as error:
            yield Problem(error.args[0], "write the action as AWS has it", at=at)
        return
    known, (prefix, _, name) = reference(), written.partition(":")
    if not name.strip("*") and not prefix.strip("*"):
        return
    if is_pattern(prefix):
        has = bool(known.actions(written))
    elif service := known.service(prefix):
        has = service.has(name)
    else:
        problem = f"{prefix!r} is not an AWS service{did_you_mean(prefix, known.prefixes)}"
        yield Problem(Message("unknown-service", problem, service=prefix), "write it as in s3:Delete*", at=at)
        return
    if not has:
        told = Message("unknown-action", f"{short(written)} matches no action", action=written)
        yield Problem(told, "write the start of one, as in s3:Delete*", at=at)


def _principal_problem(evaluated: Evaluated, name: str, at: tuple[str | int, ...]) -> Iterator[Problem]:
    exempt = at[0] == "except"
    if exempt and name in (ANYBODY, EVERYBODY):
        nobody = Message("nobody-asked-about", f"leaves {name} out, and so nobody is asked about", name=name)
        yield Problem(nobody, "name some", at=at)
        return
    try:
        _who(evaluated, name, exempt=exempt)
    except StrataError as error:
        yield Problem(error.args[0], "name them as strata can --as does, or anybody, or everybody", at=at)


def _key_problems(keys: Iterable[str]) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for key in keys:
        if seen.setdefault(key.lower(), key) != key:
            twice = Message("listed-twice", f"is {short(seen[key.lower()])} in another case", key=key)
            yield Problem(twice, "keep one of the two", at=("with", key))
        elif not reference().key(key):
            known = {key.name for key in reference().global_keys.values()}
            text = f"{short(key)} is no condition key of AWS's{did_you_mean(key, known)}"
            problem = Message("unknown-condition-key", text, key=key)
            yield Problem(problem, "write the key as AWS documents it", at=("with", key))


_FORMS: Mapping[str, tuple[Callable[[str], object], str]] = {
    "Bool": (truth, "write 'true' or 'false', in quotes"),
    "Numeric": (number, "write its digits, in quotes"),
    "Date": (moment, "write it as in '2027-01-31T12:00:00Z', in quotes"),
    "IPAddress": (network, "write an address, as in 203.0.113.7, or a range of them"),
    "Region": (lambda region: region if region in aws_limits().regions else None, "write a code such as eu-west-1"),
}
"""By type how a value is read, and written; every other one is a text."""


def value_problems(keys: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
    """Yields the values of keys that are not of the type of the key: no policy would match them."""
    for key, values in keys.items():
        known = reference().key(key)
        kind = "Region" if key.lower() == "aws:requestedregion" else known.type if known else ""
        if known is None or kind not in _FORMS:
            continue
        read, remedy = _FORMS[kind]
        for index, value in enumerate(values):
            if read(value) is None:
                text = f"{short(value)} is no {kind}, the type of {known.name}"
                problem = Message("text-malformed", text, kind=kind, key=key, value=value)
                yield Problem(problem, remedy, at=("with", key, index))


def _placeholder_problems(evaluated: Evaluated, expectation: Expectation) -> Iterator[Problem]:
    known = placeholder_values(evaluated.landing_zone.project).keys() - LISTS
    texts = _listed(("on",), expectation.on)
    for key, its in expectation.with_.items():
        texts += _listed(("with", key), its)
    for at, written in texts:
        name = next((name for name in map(str.strip, PATTERN.findall(written)) if name not in known), None)
        if name is not None:
            text = f"{{{{{name}}}}} is not a placeholder that Strata knows here{did_you_mean(name, known)}"
            problem = Message("unknown-placeholder", text, name=name)
            yield Problem(problem, f"known: {', '.join(sorted(known))}", at=at)


def _resource_problem(
    evaluated: Evaluated, resource: str, at: tuple[str | int, ...], *, places: bool
) -> Iterator[Problem]:
    try:
        check_resource(evaluated, resource)
    except StrataError as error:
        said: Message = error.args[0]
        text, _, remedy = said.partition("; ")
        if places or remedy:
            yield Problem(said.saying(text), remedy or "write the key of an account, its id, or *", at=at)


def _untaken(expectation: Expectation) -> Iterator[Problem]:
    """Yields the actions that are about none of the resources, else the resources that none of them is about."""
    if not expectation.on:
        return
    actions = {action: named for action in expectation.actions if (named := reference().actions(action))}
    taken: defaultdict[str, set[str]] = defaultdict(set)
    for action, resource in product(actions, expectation.on):
        if any(takes(each, resource) for each in actions[action]):
            taken[action].add(resource)
    for at, action in _listed((expectation.expects,), expectation.actions):
        if action in actions and not taken[action]:
            name, resource = actions[action][0].full_name, expectation.on[0]
            text = f"{name} is never about {short(resource)}: {taken_by(actions[action][0])}"
            problem = Message("action-not-on-resource", text, action=name, resource=resource)
            yield Problem(problem, "name such a resource in on, or leave it out", at=at)
    if actions and all(taken[action] for action in actions):
        for at, resource in _listed(("on",), expectation.on):
            if resource not in set[str]().union(*taken.values()):
                problem = Message(
                    "action-not-on-resource", f"no action is ever about {short(resource)}", resource=resource
                )
                yield Problem(problem, "name one that an action takes", at=at)


# What it names


def resolved(evaluated: Evaluated, expectation: Expectation) -> Sentence:
    """Returns an expectation without problems with everything that it names."""
    expectation, but = filled(evaluated, expectation), expectation.except_
    out = frozenset(_accounts(evaluated, but.in_)) if but else frozenset()
    governed = evaluated.landing_zone.project.regions.all_governed
    no_region = frozenset(_regions(but.region, governed)) if but else frozenset()
    regions = tuple(region for region in _regions(expectation.region, governed) if region not in no_region)
    return Sentence(
        expectation=expectation,
        accounts=tuple(account for account in _accounts(evaluated, expectation.in_) if account not in out),
        who=tuple(dict.fromkeys(_who(evaluated, name) for name in expectation.as_)),
        but=tuple(who for name in (but.as_ if but else ()) if (who := _who(evaluated, name, exempt=True))),
        resources=expectation.on or (None,),
        regions=regions if expectation.region else (None,),
        keys={key.lower(): its[0] if len(its) == 1 else tuple(its) for key, its in expectation.with_.items()},
    )


def _accounts(evaluated: Evaluated, places: Iterable[str]) -> list[str]:
    """Returns the accounts of some places, the management account first, each once."""
    inside = frozenset[str]().union(*map(evaluated.landing_zone.selector.at, places))
    return [key for key in evaluated.keys if key in inside]


def _regions(written: Iterable[str], governed: Iterable[str]) -> Iterator[str]:
    for region in written:
        if region == OTHER_REGIONS:
            yield from sorted(aws_limits().regions - set(governed))
        else:
            yield region


def _who(evaluated: Evaluated, name: str, *, exempt: bool = False) -> Who | None:
    """Returns whom a name means, None for everybody.

    Raises:
        StrataError: it is nobody's name.
    """
    if name == ANYBODY:
        return Who("anybody")
    if name == EVERYBODY:
        return None
    if exempt and re.fullmatch(r"role/[\w+=,.@/*?-]+", name, re.ASCII):
        return Who("role", name.removeprefix("role/"))
    who = find_who(evaluated, name)
    if who.account:
        text = f"{name!r} names an account, which `in` already does; write role/{who.key}"
        raise StrataError(Message("keys-exclude-each-other", text, keys=["as", "in"], name=name))
    return who
