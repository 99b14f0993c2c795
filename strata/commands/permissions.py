"""`strata permissions`: the IAM policies of the roles that plan and deploy."""

from __future__ import annotations

from strata import printing
from strata.config.layers import types_of
from strata.config.types import did_you_mean
from strata.errors import Message, StrataError, UsageError
from strata.landing_zone.permissions import NAMES, layer_permissions, permissions, types
from strata.load import load
from strata.options import Options


def run(options: Options, *, document: str | None) -> int:
    """Prints one policy document, for `aws iam create-policy`."""
    if document is None:
        raise UsageError(Message("argument-missing", f"name a policy: {', '.join(NAMES)}"))
    landing_zone = load(options.config)
    found = {name: document.content for name, document in permissions(landing_zone.project).items()}
    for layer in landing_zone.layers.values():
        found |= layer_permissions(landing_zone.project, layer)
    if document not in found:
        guess = did_you_mean(document, found)
        text = f"{document!r} is not a policy{guess}; name one of {', '.join(found)}"
        raise StrataError(Message("unknown-name", text, name=document, kind="policy"))
    own = landing_zone.layers.get(document.partition("/")[0])
    if own and (unknown := [type for type in types_of(own.code.folder) if type not in types()]):
        text = f"Strata does not know which actions {', '.join(unknown)} need: add them"
        options.note(Message("types-without-actions", text, types=unknown))
    printing.document(printing.as_json(found[document]))
    return 0
