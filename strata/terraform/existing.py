"""What AWS has already of that which a plan would create, with its import id, and what it has no more of imports.yaml.

A run that was killed leaves such things. Accounts, units, policies, the organization, the state bucket, its table and
the role of Access Analyzer are not here: the stacks import them themselves.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Self

from strata.aws.access_role import entered, ids_of_accounts
from strata.aws.questions import ResourceQuestion
from strata.aws.session import Aws, AwsError
from strata.aws.states import read_state
from strata.config import IMPORTS
from strata.config.models import ACCESS_ROLE, Project
from strata.errors import Message
from strata.kinds import resource_of
from strata.kinds.arguments import Attributes
from strata.landing_zone import LandingZone
from strata.printing import line
from strata.sides.states import State, managed
from strata.terraform.events import Failure
from strata.terraform.plans import Plan, PlannedChange


@dataclass(frozen=True)
class ExistingTable:
    """The table, as a landing zone asks it: each stack in its own account.

    Attributes:
        members: the key of the account that a stack is in, where that is not the management account.
        reader: returns the role by which such a stack is asked about.
        emails: the address of each account by key.
        state: returns the state of a stack.
    """

    aws: Aws
    project: Project
    members: Mapping[str, str] = field(default_factory=dict)
    reader: Callable[[str], str] = lambda _: ACCESS_ROLE
    emails: Mapping[str, str] = field(default_factory=dict)
    state: Callable[[str], State] = lambda _: {}
    _ids: dict[str, str] = field(default_factory=dict, compare=False)
    _entered: dict[str, tuple[Aws, str]] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, aws: Aws, zone: LandingZone, reader: Callable[[str], str]) -> Self:
        """Returns the table of a landing zone."""
        emails = {key: account.email for key, account in zone.members.items()}
        return cls(aws, zone.project, zone.account_stacks, reader, emails, partial(read_state, aws, zone.project))

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
        """Returns the import ids of what a plan would create, as far as they are known.

        What its stack has at another address is left out: it may lose that, and be destroyed as it does.
        """
        found = {
            address: id
            for address in addresses
            if (change := planned.changes.get(address))
            and _may_exist(address, change)
            and (id := self.id_of(address.partition(".")[0], change.arguments, planned.stack))
        }
        held = {
            (one.type, f"{one.attributes.get('id')}{end}")
            for one in (managed(self.state(planned.stack)) if found else ())
            for end in ("", f"@{one.attributes.get('region')}")
        }
        ids = dict[str, str]()
        for address, id in found.items():
            its = address.partition(".")[0], id
            if its not in held:
                held.add(its)  # of two that are alike one is made
                ids[address] = id
        return ids

    def early(self, planned: Plan) -> dict[str, str]:
        """Returns the import ids of what AWS has, of the types that are asked about before Terraform starts."""
        there, answers = list[str](), dict[tuple[str, ...], Any]()
        for address, change in planned.changes.items():
            row = resource_of(address).existing
            if row and row.early and _may_exist(address, change):
                # There is nothing, or Terraform says why not.
                with suppress(AwsError, IndexError, KeyError):
                    asked = replace(self._question(planned.stack, change.arguments), answers=answers)
                    there += [address] if row.early(asked) else []
        return self.ids(planned, there)

    def _question(self, stack: str, values: Attributes) -> ResourceQuestion:
        """Returns a question to AWS as the provider of a stack would ask it.

        Raises:
            AwsError: the role of its account cannot be assumed.
            KeyError: its account has no id yet.
        """
        if stack not in self.members:
            return ResourceQuestion(self.aws, self.project, values)
        if stack not in self._entered:
            key = self.members[stack]
            if key not in self._ids:
                state = read_state(self.aws, self.project, "organizations")
                self._ids.update(ids_of_accounts(self.aws, state, self.emails))
            account = self._ids[key]
            self._entered[stack] = entered(self.aws, account, self.reader(stack)), account
        aws, account = self._entered[stack]
        return ResourceQuestion(aws, self.project, values, account=account)


def _may_exist(address: str, change: PlannedChange) -> bool:
    """Returns whether a plan creates something that AWS may have: not of what AWS has yet to give an id."""
    return change.action == "create" and change.unknown.isdisjoint(resource_of(address).references)


def exists_already(address: str, said: str) -> bool:
    """Says whether a creation failed because AWS has the thing."""
    row = resource_of(address).existing
    return bool(row and row.conflict and re.search(row.conflict, said))


@dataclass
class GoneImports:
    """The lines of imports.yaml whose thing is gone at AWS, where Terraform would plan nothing: advice, once a run."""

    landing_zone: LandingZone
    warnings: dict[str, Message] = field(default_factory=dict)
    """What was told, by address."""

    def among(self, failures: Sequence[Failure]) -> list[str]:
        """Returns the addresses whose import failed for want of a thing, and warns of each."""
        named = [match[1] for failure in failures if (match := _GONE.match(failure.text))]
        new = [
            address
            for address in dict.fromkeys(named)
            if address in self.landing_zone.imports and address not in self.warnings
        ]
        for address in new:
            id = self.landing_zone.imports[address]
            problem = Message("import-of-nothing", f"AWS has nothing with the id {id}, so the deploy creates it", id=id)
            remedy = "take the line out; if it should not exist, remove its entry from the YAML"
            self.warnings[address] = self.landing_zone.fault(IMPORTS, (address,), problem, remedy).message
            print(line(f"warning: {self.warnings[address]}"), file=sys.stderr)
        return new


_GONE = re.compile(r'Cannot import non-existent remote object: .*? to "([^"]+)"')
