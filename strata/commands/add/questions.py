"""The answers that an entry is made of, from options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from strata.config.moves import Kind
from strata.config.reserved import reserved
from strata.config.text import Problem, short
from strata.config.types import Key, did_you_mean, validated
from strata.errors import Message, StrataError, UsageError
from strata.questions import Known, Question, Read, from_options, is_given
from strata.text import listed


def gather(questions: Sequence[Question], given: Known) -> dict[str, Any]:
    """Returns all answers.

    Raises:
        StrataError: a value is not allowed.
        UsageError: answers are missing: a line for each, with what there is to choose from.
    """
    known: dict[str, Any] = {}
    lacking: list[Message] = []
    wrong = list(from_options(questions, given, known))
    for question in questions:
        is_lacking = question.otherwise is None and question.name not in known and not is_given(given, question)
        if is_lacking and question.needed({**given, **known}):
            what = "" if question.words == question.name.replace("_", " ") else f": {question.words}"
            options = question.options or question.flag
            lacking.append(Message("argument-missing", f"{options} is missing{what}", place=options))
    if lacking:
        raise UsageError(*lacking, *wrong)
    if wrong:
        raise StrataError(*wrong)
    for question in questions:
        if question.name not in known:
            nothing = () if question.many else ""
            known[question.name] = question.otherwise if question.needed(known) else nothing
    return known


# How an answer is read


def new_key(kind: Kind, keys: Mapping[str, str]) -> Read:
    """Makes a reader of a key that nothing has yet; `keys` says of each that is taken by what."""

    def read(text: str, _known: Known) -> str:
        key = validated(Key, text)
        if problem := reserved(kind, key):
            raise problem
        if key in keys:
            raise Problem(Message("key-taken", f"{short(key)} is {keys[key]}", key=key), "choose another key")
        return key

    return read


def one_of(what: str, keys: Sequence[str]) -> Read:
    """Makes a reader of a key that there is."""

    def read(text: str, _known: Known) -> str:
        if text not in keys:
            remedy = (
                f"choose from {listed(keys)}" if keys else f"there is none yet: strata add {what.replace(' ', '-')}"
            )
            problem = f"there is no {what} {short(text)}{did_you_mean(text, keys)}"
            raise Problem(Message("unknown-name", problem, kind=what, name=text), remedy)
        return text

    return read
