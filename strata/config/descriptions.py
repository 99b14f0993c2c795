"""The texts that stand below the fields of a model, for the JSON Schema."""

import ast
import inspect
import textwrap
from itertools import pairwise

from pydantic import BaseModel


def descriptions(model: type[BaseModel]) -> dict[str, str]:
    """Returns the texts that stand below fields, those of the base models among them."""
    texts: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        if issubclass(kind, BaseModel) and kind is not BaseModel:
            texts |= _own(kind)
    return {name: text for name, text in texts.items() if name in model.model_fields}


def _own(model: type[BaseModel]) -> dict[str, str]:
    lines = [
        line
        for declaration in ast.parse(textwrap.dedent(inspect.getsource(model))).body
        if isinstance(declaration, ast.ClassDef)
        for line in declaration.body
    ]
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(lines)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }
