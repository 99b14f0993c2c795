"""The texts that stand below the fields of a model, for the JSON Schema."""

import ast
import inspect
from functools import cache
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel


def descriptions(model: type[BaseModel]) -> dict[str, str]:
    """Returns the texts that stand below fields, those of the base models among them."""
    texts: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        if issubclass(kind, BaseModel) and kind is not BaseModel:
            texts |= _own(kind)
    return {name: text for name, text in texts.items() if name in model.model_fields}


def _own(model: type[BaseModel]) -> dict[str, str]:
    lines = _classes(inspect.getsourcefile(model) or "")[model.__name__].body
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(lines)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }


@cache
def _classes(file: str) -> dict[str, ast.ClassDef]:
    """Returns the classes of a file by name: inspect.getsource() parses the whole file for each."""
    body = ast.parse(Path(file).read_text(encoding="utf-8")).body
    return {declaration.name: declaration for declaration in body if isinstance(declaration, ast.ClassDef)}
