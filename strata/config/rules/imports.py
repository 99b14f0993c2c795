"""Rules on imports.yaml; whether a stack makes the address shows when Terraform is written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from strata.config.limits import Limits
from strata.config.loader import Draft
from strata.config.rules.faults import IMPORTS
from strata.config.text import short
from strata.config.tree import Location
from strata.errors import Fault

_ADOPTED = (
    "aws_dynamodb_table.lock",
    "aws_iam_service_linked_role.access-analyzer",
    "aws_organizations_organization.main",
    "aws_s3_bucket.state",
)
_FOUND = ("aws_organizations_account.", "aws_organizations_organizational_unit.")
"""What the stacks import themselves; a second import block for one address is an error in Terraform."""


def imports(draft: Draft, _: Limits) -> Iterator[Fault]:
    """Addresses and ids have their form, and each thing is imported once."""
    owners: dict[tuple[str, str], str] = {}
    for address, import_id in draft.imports.items():
        at: Location = (address,)
        if not re.fullmatch(r"aws_[a-z0-9_]+\.[A-Za-z0-9_-]+", address):
            problem = f"{short(address)} is not a Terraform address"
            yield draft.fault(IMPORTS, at, problem, "write it as in aws_organizations_policy.deny-root")
            continue
        if address in _ADOPTED or address.startswith(_FOUND):
            yield draft.fault(IMPORTS, at, f"Strata finds and imports {address} itself", "remove it")
        if not import_id.strip() or "${" in import_id or "%{" in import_id:
            yield draft.fault(
                IMPORTS, at, f"{short(import_id)} is not an import id", "write the id AWS shows, as plain text"
            )
        owner = owners.setdefault((address.partition(".")[0], import_id), address)
        if owner != address:
            yield draft.fault(
                IMPORTS, at, f"{short(import_id)} is also imported to {owner}", "import it to one address"
            )
