"""Questions of an interview: answered by options, else asked until the answer can be read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from strata.config.text import Problem
from strata.config.types import validated
from strata.errors import Message, StrataError
from strata.printing import line
from strata.terminal import answer, interactive

Known: TypeAlias = Mapping[str, Any]
"""The answers so far, by name."""
Read: TypeAlias = Callable[[str, Known], Any]


@dataclass(frozen=True)
class Question:
    """A question: its option, what is asked, how the answer is read, and what Enter means.

    Attributes:
        name: the answer's; of a question that gives several, which `read` returns by their names, all these in a row.
        suggest: what Enter takes at a terminal.
        otherwise: the answer where nobody gives any; None where it is needed.
        many: the option can be repeated; at a terminal the answers stand in a row.
        asked: somebody at a terminal is asked for it.
        needed: other answers leave room for it.
        options: all of which any is enough, as the message that it is missing names them; else its own.
        line: reads the lines so far, where each part of the answer is a line of its own; an empty line ends them.
    """

    name: str
    words: str
    read: Read
    suggest: Callable[[Known], str] = lambda _: ""
    otherwise: Any = None
    many: bool = False
    asked: bool = True
    needed: Callable[[Known], bool] = lambda _: True
    options: str = ""
    line: Read | None = None

    @property
    def flag(self) -> str:
        """Returns the option or argument that gives the answer; several of several answers."""
        return ", ".join(_FLAGS.get(name) or f"--{name.replace('_', '-')}" for name in self.names)

    @property
    def names(self) -> tuple[str, ...]:
        """Returns the names of the answers."""
        return tuple(self.name.split())

    def ask(self, known: Known) -> dict[str, Any]:
        """Returns the answers of whoever sits at the terminal, who is asked again until they can be read.

        Raises:
            StrataError: the input has ended.
        """
        suggestion, is_optional = self.suggest(known), self.otherwise in ("", ())
        hint = f" [{suggestion}]" if suggestion else ", Enter for none" if is_optional else ""
        lines: list[str] = []
        while True:
            typed = answer("  one more, Enter for no more: " if lines else f"{self.words}{hint}: ")
            if not typed:
                text = f"no answer to '{self.words}'; give {self.flag}"
                raise StrataError(Message("answer-missing", text, option=self.flag))
            text = typed.strip()
            try:
                if self.line and text:
                    self.line("\n".join([*lines, text]), known)
                    lines.append(text)
                    continue
                text = "\n".join(lines) or text or suggestion
                value = self._read(text, known) if text or not is_optional else self.otherwise
            except Problem as problem:
                for wrong in problem.each:
                    print(line(f"  {wrong.problem}; {wrong.remedy}"), file=sys.stderr)
            else:
                return value if self.names[1:] else {self.name: value}

    def _read(self, text: str, known: Known) -> Any:
        words = text.replace(",", " ").split()
        if self.many and words:
            return tuple(dict.fromkeys(self.read(word, known) for word in words))
        if self.many or (not words and not self.names[1:] and (text or self.otherwise is None)):
            raise Problem(Message("answer-missing", "an answer is needed"), "give one")
        return self.read(text, known)


_FLAGS = {"key": "KEY", "accounts": "--account", "place": "--in", "units": "--ou"}


def is_given(given: Known, question: Question) -> bool:
    """Says whether an option answers a question."""
    return given.get(question.name) not in (None, [], ())


def from_options(
    questions: Sequence[Question],
    given: Known,
    known: dict[str, Any],
    place: Callable[[Question, Problem], str] = lambda question, _: question.flag,
) -> Iterator[Message]:
    """Reads what the options give into `known`; yields what is wrong with it, after the place that gives it."""
    for question in questions:
        if not is_given(given, question):
            continue
        value = given[question.name]
        try:
            if question.many:
                known[question.name] = tuple(dict.fromkeys(question.read(text, known) for text in value))
            else:
                known[question.name] = question.read(value, known)
        except Problem as problem:
            for wrong in problem.each:
                at = place(question, wrong)
                text = f"{at}: {wrong.problem}; {wrong.remedy}"
                yield wrong.problem.saying(text, **({"option": at} if at == question.flag else {"place": at}))


def complete(
    questions: Sequence[Question],
    known: dict[str, Any],
    together: Sequence[Question] = (),
    notice: Callable[[Known, Known], None] = lambda _answers, _known: None,
) -> None:
    """Adds the answers that lack: those of whoever sits at a terminal, else what stands for each.

    Args:
        questions: in their order.
        known: what options gave.
        together: those that ask for several answers at once, where none of these was given.
        notice: gets what somebody answered, and what was known before.

    Raises:
        StrataError: the input has ended.
    """
    for question in questions:
        if question.name in known:
            continue
        if not question.needed(known):
            known[question.name] = () if question.many else ""
        elif not (question.asked and interactive()):
            known[question.name] = question.otherwise
        else:
            free = (several for several in together if question.name in several.names)
            chosen = next((several for several in free if not known.keys() & set(several.names)), question)
            answers = chosen.ask(known)
            notice(answers, known)
            known |= answers


def typed(kind: Any) -> Read:
    """Makes a reader of one of the models' own types."""
    return lambda text, _known: validated(kind, text)
