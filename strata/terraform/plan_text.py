"""Plans as text for a person: each change with its attributes, old and new, and documents as a diff of lines."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, TextIO

from strata.config.layers import IN_ACCOUNT
from strata.kinds import resource_of
from strata.kinds.defaults import is_default
from strata.kinds.detection.detector import DETECTOR
from strata.kinds.detection.member import WATCHED
from strata.kinds.detection.protection import SWITCHES
from strata.kinds.detection.recorder import RECORDERS
from strata.printing import Style, cell_count, columns, line, painted, unguarded, wrapped
from strata.sides.states import objects
from strata.terraform.attributes import MASKED, NOTHING, UNKNOWN, Attribute, in_words
from strata.terraform.change_list import classes, without_own
from strata.terraform.document_diff import document, document_diff, pretty
from strata.terraform.expressions import ParsedExpression
from strata.terraform.fleet import layer_of
from strata.terraform.plans import Plan, PlannedChange
from strata.text import NAMED, counted, listed

STYLES: Mapping[str, Style] = {
    "create": Style.FINE,
    "update": Style.WARNING,
    "import": Style.NEWS,
    "import and update": Style.WARNING,
    "move": Style.NEWS,
    "forget": Style.WARNING,
    "delete": Style.FAULT,
    "replace": Style.FAULT,
}
"""The colour of each action: red is what destroys."""

_MARKS = {"-": Style.FAULT, "+": Style.FINE}


class _Line(NamedTuple):
    """A line, its colour, and how far what does not fit is indented."""

    text: str
    style: Style | None = None
    indent: int = 0


def show(
    plans: Iterable[Plan],
    to: TextIO,
    names: Mapping[str, str],
    *,
    every: bool = False,
    accounts: Mapping[str, str] | None = None,
) -> None:
    """Prints plans for a person; those that are the same in several accounts once.

    Args:
        to: stdout, or stderr where stdout is for a script.
        names: what people call the ids of AWS's, which say nothing to them.
        every: whether to print all arguments of what is created too, and all accounts.
        accounts: the id of its account, as far as it is known, by the stack in a member account.
    """
    shown = list(plans)
    for same in classes(shown, accounts or {}):
        id = (accounts or {}).get(same[0].stack, "")
        first = _without_own(same[0], id) if same[1:] else same[0]
        _print(_plan_lines([first, *same[1:]], names, every), to)
    if sum(1 for planned in shown if planned.count) > 1:
        number = Counter(change.action for planned in shown for change in planned.changes.values())
        total = listed([f"{number[action]} {action}" for action in STYLES if number[action]])
        _print([_Line(f"together: {total}")], to)
    to.flush()


def names_of(states: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Returns the keys of the configuration by the ids that AWS gave their things."""
    return {
        str(resource.attributes.get(id)): resource.name
        for state in states
        for resource in objects(state)
        if (id := resource_of(resource.type).id)
    }


def waits(planned: Plan) -> str:
    """Returns the stacks that have to be applied before a stack can be planned, in words."""
    if not planned.waits_for:
        return ""
    return f"can be planned once {' and '.join(planned.waits_for)} {'are' if planned.waits_for[1:] else 'is'} applied"


def _without_own(planned: Plan, id: str) -> Plan:
    """Returns a plan whose texts hold for all accounts of its class."""
    own = partial(without_own, id=id, key=planned.stack.partition(IN_ACCOUNT)[2])
    changes = {
        address: replace(
            change,
            attributes=tuple(
                replace(attribute, before=own(attribute.before), after=own(attribute.after))
                for attribute in change.attributes
            ),
            import_id=own(change.import_id),
            moved_from=own(change.moved_from),
            goes=own(change.goes),
        )
        for address, change in planned.changes.items()
    }
    written = {
        address: {name: expression._replace(written=own(expression.written)) for name, expression in arguments.items()}
        for address, arguments in planned.written.items()
    }
    told = planned.told or ([planned.error] if planned.error else ())
    remarks = tuple(map(own, planned.remarks))
    return replace(planned, changes=changes, written=written, told=tuple(own(told)), remarks=remarks)


def _plan_lines(same: Sequence[Plan], names: Mapping[str, str], every: bool) -> Iterator[_Line]:
    planned, stack, each = same[0], same[0].stack, ""
    keys = [plan.stack.partition(IN_ACCOUNT)[2] for plan in same]
    if keys[1:]:
        stack, each = f"{layer_of(stack)} in {len(keys)} accounts", " each"
    number = f"{counted(planned.count, 'change')}{each}" if planned.count else "no changes"
    if planned.outputs and not planned.count:
        number = "only outputs change"
    if planned.spared:
        number = "as the last deploy left it, AWS was not asked; --refresh asks"
    if planned.assumes:
        number += f", with outputs of {' and '.join(planned.assumes)} as planned"
    style = Style.FAULT if planned.error else Style.TITLE
    told = planned.told or (planned.error or waits(planned) or number,)
    yield from (_Line(f"{stack}: {text}", style) for text in told)
    if each:
        yield _Line(f"  {listed(keys, len(keys) if every else NAMED)}", indent=2)
    for address, change in planned.changes.items():
        first = f"  {change.action:<{_ACTION}}  {address}"
        yield _Line(first, STYLES.get(change.action), 4 + _ACTION)
        attributes = _told(change, every, SWITCHES.get(address.partition(".")[0], ""))
        goes = change.goes if IN_ACCOUNT in planned.stack else {}  # there an address does not say whose names it had
        named = {name: _value(go, names) for name, go in goes.items() if name not in {each.name for each in attributes}}
        about = [
            f"from {change.moved_from}" if change.moved_from else "",
            f"id {change.import_id}" if change.import_id else "",
            _left(address) if change.action == "forget" else "",
            *(f"{name}: {go}" for name, go in named.items() if every or (name != "region" and len(go) < _SHORT)),
        ]
        yield from (_Line(f"      {text}", indent=8) for text in about if text)
        for attribute in attributes:
            written = planned.written.get(address, {}).get(attribute.name)
            back = change.action.endswith("update") and is_default(address, attribute.name, attribute.after)
            note = " (put back to the default)" if back else ""
            yield from _attribute_lines(_as_written(attribute, written), names, note)
            if written and every and not attribute.sensitive:  # why an account is of another class may stand there
                yield _Line(f"        by {json.dumps(written.written, sort_keys=True)}", indent=10)
    yield from (_Line(f"  {remark}", indent=4) for remark in planned.remarks)


def _as_written(attribute: Attribute, written: ParsedExpression | None) -> Attribute:
    """Returns a document of which a part is not known as its Terraform has it, so that all else in it is seen."""
    text = written.written.get(attribute.name) if written and attribute.after == UNKNOWN else None
    return (
        replace(attribute, after=text.replace("$${", "${")) if isinstance(text, str) and document(text) else attribute
    )


def _left(address: str) -> str:
    goes_on = _GOING_ON.get(address.partition(".")[0])
    return f"left as it is at AWS: {goes_on}, and costs" if goes_on else "left as it is at AWS"


_GOING_ON = {
    **dict.fromkeys((DETECTOR.type, WATCHED.type), "GuardDuty goes on there"),
    RECORDERS[0].type: "Config goes on there, unless it was stopped",
}


_ACTION = len("replace")
"""The width of the column of actions; a longer action pushes its address to the right."""


# Attributes


def _told(change: PlannedChange, every: bool, switch: str) -> list[Attribute]:
    """Returns the attributes that somebody has to see: nothing that follows from what is created, or AWS just gives.

    Args:
        change: has them.
        every: whether all are to be seen.
        switch: the one without which a creation does not say whether it switches on or off.
    """
    if change.action == "create" and not every:
        return [attribute for attribute in change.attributes if attribute.name == switch]
    attributes = []
    for attribute in change.attributes:
        absent = attribute.before is None
        given = attribute.computed and (absent or attribute.after == UNKNOWN) and attribute.name != _ALL_TAGS
        # Nothing in other words, as where the provider fills in what AWS does not know.
        nothing = absent and not attribute.unknown and attribute.after in (None, False, "", [], {})
        if (every or not given) and not nothing:
            attributes.append(attribute)
    all_tags = any(attribute.name == _ALL_TAGS and not attribute.unknown for attribute in attributes)
    return [attribute for attribute in attributes if attribute.name != ("tags" if all_tags else _ALL_TAGS)]


_ALL_TAGS = "tags_all"


def _attribute_lines(attribute: Attribute, names: Mapping[str, str], note: str) -> Iterator[_Line]:
    name = "tags" if attribute.name == _ALL_TAGS else attribute.name
    why = " (forces the replacement)" if attribute.replaces else note
    before, after = attribute.before, attribute.after
    old, new = document(before), document(after)
    if (old or before is None) and (new or after is None) and (old or new):
        yield _Line(f"      {name}{why}")
        if old and new:
            lines = document_diff(old, new) or ["  (written otherwise, means the same)"]
        else:
            lines = [f"{'-' if old else '+'} {text}" for text in pretty(old or new)]
        for text in lines:
            deep = len(text) - len(text.lstrip("-+ "))
            yield _Line(f"        {text}", _MARKS.get(text[0]), 8 + deep + 2)
    elif before == after:  # both are masked
        yield _Line(f"      {name}: {MASKED} -> {MASKED}{why}")
    else:
        for member, was, becomes in _members(name, before, after):
            yield from _member_lines(member, _value(was, names), _value(becomes, names), why)


def _member_lines(name: str, before: str, after: str, why: str) -> Iterator[_Line]:
    """Yields a value, old and new on a line each where both are long."""
    if name.endswith(_ENTRY):
        gone = after == NOTHING
        sign, value, style = ("-", before, Style.FAULT) if gone else ("+", after, Style.FINE)
        yield _Line(f"      {name.removesuffix(_ENTRY)}: {sign} {value}{why}", style, 8)
    elif before == NOTHING:
        yield _Line(f"      {name}: {after}{why}", indent=8)
    elif len(name) + len(before) + len(after) < _SHORT:
        yield _Line(f"      {name}: {before} -> {after}{why}", Style.FAULT if after == NOTHING else None, 8)
    else:
        yield _Line(f"      {name}{why}")
        yield _Line(f"        - {before}", Style.FAULT, 10)
        yield _Line(f"        + {after}", Style.FINE, 10)


_SHORT = 64
_ENTRY = "[]"
"""The end of the name of a list of which a single entry goes or comes."""


def _members(name: str, before: object, after: object) -> Iterator[tuple[str, object, object]]:
    """Yields the members of two values that differ, each with its path."""
    if before == after:
        return
    if isinstance(before, dict | None) and isinstance(after, dict | None):
        old, new = before or {}, after or {}
        for key in sorted({*old, *new}):
            yield from _members(f"{name}.{key}", old.get(key), new.get(key))
    elif isinstance(before, list | None) and isinstance(after, list | None):
        yield from _entries(name, before or [], after or [])
    else:
        yield name, before, after


def _entries(name: str, before: list[Any], after: list[Any]) -> Iterator[tuple[str, object, object]]:
    """Yields the entries that go and come; blocks that are as many are compared in pairs."""
    if len(before) == len(after) and all(isinstance(entry, dict) for entry in (*before, *after)):
        for number, (old, new) in enumerate(zip(before, after, strict=True), start=1):
            yield from _members(f"{name}[{number}]" if before[1:] else name, old, new)
        return
    gone, come = ([entry for entry in here if entry not in there] for here, there in ((before, after), (after, before)))
    yield from ((f"{name}{_ENTRY}", entry, None) for entry in gone)
    yield from ((f"{name}{_ENTRY}", None, entry) for entry in come)
    if not gone and not come:
        yield name, before, after


def _value(value: object, names: Mapping[str, str]) -> str:
    text = in_words(value)
    if text not in names:
        return text
    return names[text] if len(text) > _SHORT // 2 else f"{text} ({names[text]})"


# Printing


def _print(lines: Iterable[_Line], to: TextIO) -> None:
    """Prints lines; at a terminal wrapped to its width and in colour, in a pipe each as it is."""
    width = columns(to)
    for text, style, indent in lines:
        parts = _wrapped(line(text), width, indent) if width else [line(text)]
        print(*(painted(part, style, to) for part in parts), sep="\n", file=unguarded(to) if width else to)


_ADDRESS = re.compile(r"(  [a-z ]* +aws_\w+\.)(\S+)$")


def _wrapped(text: str, width: int, indent: int) -> list[str]:
    if cell_count(text) > width and (match := _ADDRESS.match(text)):  # at its dot, it has no other place to break at
        return [match[1], *_wrapped(f"{' ' * indent}{match[2]}", width, indent)]
    return wrapped(text, width, indent or None)
