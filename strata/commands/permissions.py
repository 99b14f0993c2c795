"""`strata permissions`: the IAM policies of the roles that plan and deploy."""

from __future__ import annotations

from strata import printing
from strata.config.types import did_you_mean
from strata.errors import Message, StrataError, UsageError
from strata.landing_zone.permissions import NAMES, permissions
from strata.load import load
from strata.options import Options


def run(options: Options, *, document: str | None) -> int:
    """Prints one policy document, for `aws iam create-policy`."""
    if document is None:
        raise UsageError(Message("argument-missing", f"name a policy: {', '.join(NAMES)}"))
    if document not in NAMES:
        guess = did_you_mean(document, NAMES)
        text = f"{document!r} is not a policy{guess}; name one of {', '.join(NAMES)}"
        raise StrataError(Message("unknown-name", text, name=document, kind="policy"))
    printing.document(printing.as_json(permissions(load(options.config).project)[document].content))
    return 0
