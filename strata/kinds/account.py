"""An account of the organization."""

from __future__ import annotations

from strata.kinds.kind import Kind, Resource

ACCOUNT = Kind(
    "account",
    "organizations",
    (Resource("aws_organizations_account", "<account id>", keys=("account",), id="id", imported=True, kept=True),),
    key="account",
    addresses=lambda zone: (f"aws_organizations_account.{key}" for key in zone.accounts),
)
