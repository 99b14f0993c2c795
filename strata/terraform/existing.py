"""What AWS may have already of that which a plan would create: how it shows, and the id by which it is imported.

A run that was killed leaves such things. Accounts, units, policies, the organization, the state bucket, its table and
the role of Access Analyzer are not here: the stacks import them themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from strata.aws.questions import Question
from strata.aws.session import Aws, AwsError
from strata.config.models import Project
from strata.kinds import resource_of
from strata.kinds.arguments import Attributes
from strata.terraform.plans import Plan


@dataclass(frozen=True)
class Existing:
    """The table, as one landing zone asks it."""

    aws: Aws
    project: Project

    def id_of(self, type: str, values: Attributes) -> str | None:
        """Returns the import id of a planned resource, None where it is not known or AWS has no such thing."""
        existing = resource_of(type).existing
        if existing is None or not existing.id:
            return None
        try:
            return existing.import_id(Question(self.aws, self.project, values))
        except (AwsError, IndexError, KeyError):
            return None

    def ids(self, planned: Plan, addresses: Iterable[str]) -> dict[str, str]:
        """Returns the import ids of what a plan would create, as far as they are known."""
        found = {
            address: self.id_of(address.partition(".")[0], planned.changes[address].arguments)
            for address in addresses
            if address in planned.changes and planned.changes[address].action == "create"
        }
        return {address: id for address, id in found.items() if id}

    def early(self, planned: Plan) -> dict[str, str]:
        """Returns the import ids of what AWS has, of the types that are asked about before Terraform starts."""
        return self.ids(planned, self._there(planned))

    def _there(self, planned: Plan) -> Iterator[str]:
        for address, change in planned.changes.items():
            row = resource_of(address).existing
            if row and row.early and change.action == "create":
                try:
                    if row.early(Question(self.aws, self.project, change.arguments)):
                        yield address
                except (AwsError, IndexError, KeyError):  # there is nothing, or Terraform says why not
                    continue


def exists_already(address: str, said: str) -> bool:
    """Says whether a creation failed because AWS has the thing."""
    row = resource_of(address).existing
    return bool(row and row.conflict and re.search(row.conflict, said))
