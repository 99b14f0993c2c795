"""The answers that an entry is made of: from options, else from whoever sits at the terminal, each checked at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from strata.config.text import Problem, short
from strata.config.types import did_you_mean, validated
from strata.errors import Message, StrataError, UsageError
from strata.questions import Known, Question, Read, ask, from_options, is_given
from strata.terminal import interactive
from strata.text import listed


def gather(questions: Sequence[Question], given: Known) -> dict[str, Any]:
    """Returns all answers.

    Raises:
        StrataError: a value is not allowed.
        UsageError: answers are missing and nobody can be asked: one line each.
    """
    known: dict[str, Any] = {}
    wrong = list(from_options(questions, given, known))
    missing = [question for question in questions if question.name not in known and not is_given(given, question)]
    if not interactive():
        rest = {**given, **known}
        lacking = [_missing(question) for question in missing if question.otherwise is None and question.needed(rest)]
        if lacking:
            raise UsageError(*lacking, *wrong)
    if wrong:
        raise StrataError(*wrong)
    for one in missing:
        if one.needed(known):
            known[one.name] = _ask(one, known) if interactive() and one.asked else one.otherwise
        else:
            known[one.name] = () if one.many else ""
    return known


def _missing(question: Question) -> Message:
    told = "" if question.words == question.name.replace("_", " ") else f": {question.words}"
    options = question.options or question.flag
    return Message("argument-missing", f"{options} is missing{told}", place=options)


def _ask(question: Question, known: Known) -> Any:
    suggestion = question.suggest(known)
    hint = f" [{suggestion}]" if suggestion else ", Enter for none" if question.otherwise is not None else ""

    def read(typed: str) -> Any:
        text = typed or suggestion
        if not text and question.otherwise is not None:
            return question.otherwise
        return _read(question, text, known)

    return ask(question.words, question.flag, read, hint=hint)


def _read(question: Question, text: str, known: Known) -> Any:
    if not text.strip(" ,"):
        raise Problem(Message("answer-missing", "an answer is needed"), "give one")
    if not question.many:
        return question.read(text, known)
    return tuple(dict.fromkeys(question.read(word, known) for word in text.replace(",", " ").split()))


# How an answer is read


def typed(kind: Any) -> Read:
    """Makes a reader of one of the models' own types."""
    return lambda text, _known: validated(kind, text)


def new_key(kind: Any, what: str, keys: Mapping[str, str]) -> Read:
    """Makes a reader of a key that nothing has yet; `keys` says of each that is taken by what."""

    def read(text: str, _known: Known) -> str:
        key = validated(kind, text)
        if key in keys:
            problem = Message("key-taken", f"{short(key)} is {keys[key]}", key=key)
            raise Problem(problem, f"choose another key for the {what}")
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
