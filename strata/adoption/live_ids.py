"""The import ids of everything at AWS that the configuration imports by id, beside the Terraform type of each."""

from __future__ import annotations

from strata.kinds import KINDS
from strata.kinds.at_aws import Inventory

TypedId = tuple[str, str]
"""A Terraform type, and an import id in the form that the AWS provider's importer reads."""

_GIVEN = [kind for kind in KINDS if kind.import_ids]
TYPES = frozenset(resource.type for kind in _GIVEN for resource in kind.resources if not resource.imported)
"""The types whose ids are given: what AWS does not have of these is gone."""
OF_THE_CENTER = frozenset(resource.type for kind in _GIVEN if kind.stack == "sso" for resource in kind.resources)


def live_ids(inventory: Inventory) -> frozenset[TypedId]:
    """Returns the type and the id of everything of these types."""
    return frozenset(found for kind in _GIVEN if kind.import_ids for found in kind.import_ids(inventory))
