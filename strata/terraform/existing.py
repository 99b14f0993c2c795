"""What AWS may have already of that which a plan would create: how it shows, and the id by which it is imported.

A run that was killed leaves such things. Accounts, units, policies, the organization, the state bucket, its table and
the role of Access Analyzer are not here: the stacks import them themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from strata.aws.access_role import account_ids, entered
from strata.aws.questions import ResourceQuestion
from strata.aws.session import Aws, AwsError
from strata.aws.states import read_state
from strata.config.models import ACCESS_ROLE, Project
from strata.kinds import resource_of
from strata.kinds.arguments import Attributes
from strata.terraform.plans import Plan


@dataclass(frozen=True)
class ExistingTable:
    """The table, as one landing zone asks it: each stack in its own account.

    Attributes:
        members: the key of the account that a stack is in, where that is not the management account.
        reader: returns the role by which such a stack is asked about.
    """

    aws: Aws
    project: Project
    members: Mapping[str, str] = field(default_factory=dict)
    reader: Callable[[str], str] = lambda _: ACCESS_ROLE
    _entered: dict[str, tuple[Aws, str]] = field(default_factory=dict, compare=False)

    def id_of(self, type: str, values: Attributes, stack: str = "") -> str | None:
        """Returns the import id of a planned resource, None where it is not known or AWS has no such thing."""
        existing = resource_of(type).existing
        if existing is None or not existing.id:
            return None
        try:
            return existing.import_id(self._question(stack, values))
        except (AwsError, IndexError, KeyError):
            return None

    def ids(self, planned: Plan, addresses: Iterable[str]) -> dict[str, str]:
        """Returns the import ids of what a plan would create, as far as they are known."""
        found = {
            address: self.id_of(address.partition(".")[0], planned.changes[address].arguments, planned.stack)
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
                    if row.early(self._question(planned.stack, change.arguments)):
                        yield address
                except (AwsError, IndexError, KeyError):  # there is nothing, or Terraform says why not
                    continue

    def _question(self, stack: str, values: Attributes) -> ResourceQuestion:
        """Returns a question to AWS as the provider of a stack would ask it.

        Raises:
            AwsError: the role of its account cannot be assumed.
            KeyError: no state has the id of its account.
        """
        if stack not in self.members:
            return ResourceQuestion(self.aws, self.project, values)
        if stack not in self._entered:
            key = self.members[stack]
            account = dict(account_ids(read_state(self.aws, self.project, "organizations"), [key]))[key]
            self._entered[stack] = entered(self.aws, account, self.reader(stack)), account
        aws, account = self._entered[stack]
        return ResourceQuestion(aws, self.project, values, account=account)


def exists_already(address: str, said: str) -> bool:
    """Says whether a creation failed because AWS has the thing."""
    row = resource_of(address).existing
    return bool(row and row.conflict and re.search(row.conflict, said))
