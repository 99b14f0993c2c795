"""What a reader carries: `python -m tests.weight` prints code lines and decisions by room.

A code line has a token that is no comment and no docstring. A decision is a branch, a loop, an `except`, a `case`, an
`assert`, a walrus, an operand of `and` or `or`, or a filter: both count, since a denser line saves no reader anything.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).resolve().parents[1]
IN_PARTS = {"accounts", "archive", "baseline", "detection", "detection_delegation", "members"}
"""The folders of stacks/ for what is in member accounts: a room of their own."""
NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
BRANCHES = (ast.If, ast.IfExp, ast.For, ast.While, ast.ExceptHandler, ast.match_case, ast.Assert, ast.NamedExpr)
LIMITS = {"methods": 25, "attributes": 15, "imports": 30, "lines": 60}
"""The most that a class, a module and a function have."""


class Weight(NamedTuple):
    """The code lines and the decisions of a room."""

    code: int
    decisions: int


def modules() -> Iterator[tuple[Path, str, ast.Module]]:
    """Yields each module of the product: its path in the checkout, its text, its tree."""
    for folder in ("strata", "stacks"):
        for file in sorted((CHECKOUT / folder).rglob("*.py")):
            path = file.relative_to(CHECKOUT)
            if "tests" not in path.parts:
                text = file.read_text(encoding="utf-8")
                yield path, text, ast.parse(text)


def room_of(path: Path) -> str:
    """Returns the room of a module: a folder of strata/, or stacks/."""
    top, *below = path.parts
    if top == "stacks":
        return "stacks/parts" if below[0] in IN_PARTS else "stacks"
    if below[0] == "parts" and len(below) > 2:
        return f"strata/parts/{below[1]}"
    return f"strata/{below[0]}" if len(below) > 1 else "strata/*.py"


def weights() -> dict[str, Weight]:
    """Returns what each room weighs."""
    code, decided = Counter[str](), Counter[str]()
    for path, text, tree in modules():
        code[room_of(path)] += code_lines(text, tree)
        decided[room_of(path)] += decisions(tree)
    return {room: Weight(code[room], decided[room]) for room in sorted(code)}


def code_lines(text: str, tree: ast.Module) -> int:
    """Returns how many lines hold code."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else ():
            value = getattr(statement, "value", None) if isinstance(statement, ast.Expr) else None
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                lines.difference_update(range(statement.lineno, statement.end_lineno + 1))
    return len(lines)


def decisions(tree: ast.AST) -> int:
    """Returns how many decisions a reader follows."""
    total = 0
    for node in ast.walk(tree):
        if isinstance(node, BRANCHES):
            total += 1
        elif isinstance(node, ast.BoolOp):
            total += len(node.values) - 1
        elif isinstance(node, ast.comprehension):
            total += 1 + len(node.ifs)
    return total


def outgrown() -> Iterator[tuple[str, str, int]]:
    """Yields the classes, modules and functions that are over a limit, each with which one and how much it has."""
    for path, _, tree in modules():
        imports = sum(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(tree))
        if imports > LIMITS["imports"]:
            yield str(path), "imports", imports
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > LIMITS["lines"]:
                    yield f"{path}:{node.name}", "lines", length
            elif isinstance(node, ast.ClassDef):
                for limit, has in (("methods", methods(node)), ("attributes", attributes(node))):
                    if has > LIMITS[limit]:
                        yield f"{path}:{node.name}", limit, has


def methods(node: ast.ClassDef) -> int:
    """Returns how many methods a class has."""
    return sum(isinstance(child, ast.FunctionDef) for child in node.body)


def attributes(node: ast.ClassDef) -> int:
    """Returns how many attributes a class has: those that are annotated, and those that are set on self."""
    named = {
        child.target.id
        for child in node.body
        if isinstance(child, ast.AnnAssign) and isinstance(child.target, ast.Name)
    }
    for inner in ast.walk(node):
        if isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Store) and ast.unparse(inner.value) == "self":
            named.add(inner.attr)
    return len(named)


if __name__ == "__main__":
    rows = weights()
    rows["all"] = Weight(*map(sum, zip(*rows.values(), strict=True)))
    for room, weight in rows.items():
        print(f'    "{room}": ({weight.code}, {weight.decisions}),')
    for name, limit, has in sorted(outgrown()):
        print(f'    ("{name}", "{limit}"): {has},')
