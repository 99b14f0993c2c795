"""When two policy documents are one, whatever their wording: AWS gives them back in words of its own.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any


def meaning(value: Any) -> Any:
    """Returns a value in the form in which Terraform compares it: text composed, and a policy whatever its wording."""
    if isinstance(value, Mapping) and "Statement" in value:
        several = value["Statement"]
        return {
            **value,
            "Statement": [_sorted(statement) for statement in (several if isinstance(several, list) else [several])],
        }
    return _composed(value)


def _sorted(value: Any) -> Any:
    """Returns a part of a statement with each text as a list, in whose order nothing lies."""
    if isinstance(value, Mapping):
        return {_composed(name): _sorted(part) for name, part in value.items() if (name, part) != _NO_SID}
    texts = [value] if isinstance(value, str) else value
    if isinstance(texts, list) and all(isinstance(text, str) for text in texts):
        return sorted({_composed(text) for text in texts})
    return value


_NO_SID = ("Sid", "")
"""An empty one is none, as for the AWS provider, which wrote it before version 5."""


def _composed(value: Any) -> Any:
    """Returns a value with its texts in Unicode's normal form C, into which Terraform brings each."""
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, Mapping):
        return {_composed(name): _composed(part) for name, part in value.items()}
    return [_composed(part) for part in value] if isinstance(value, list) else value
