"""The `accounts` stack: contacts and budgets of accounts, their own or inherited, set from the management account."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.account_primary_contact import AccountPrimaryContact
from cdktf_cdktf_provider_aws.budgets_budget import BudgetsBudgetCostFilter
from constructs import Construct

from stacks import hcl
from stacks.base import resource_name
from stacks.organizations import OrganizationsStack
from stacks.security.contacts import CONTACT_TYPES, alternate_contact
from stacks.security.controls import Controls
from stacks.security.cost import budget
from strata.config.models import MANAGEMENT
from strata.landing_zone import LandingZone


class AccountsStack(Controls):
    """The attributes of accounts; a contact that is not given stays as AWS has it, a budget is deleted."""

    def __init__(
        self, scope: Construct, id: str, *, landing_zone: LandingZone, organizations: OrganizationsStack
    ) -> None:
        super().__init__(scope, id, project=landing_zone.project)
        self._zone = landing_zone
        # Contacts of members need trusted access, which `organizations` turns on.
        self.add_dependency(organizations)
        accounts = organizations.accounts
        given = {key: own for key, own in landing_zone.attributes.items() if own.contacts or own.budget}
        ids = hcl.resolved(self, {key: organizations.account_ids[key] for key in given if key in accounts})
        for key in sorted({*accounts, *landing_zone.retired}):
            self._contacts(key, ids.get(key))
            if key in ids:
                self._budget(key, ids[key])

    def _contacts(self, key: str, account_id: str | None) -> None:
        given = self._zone.attributes[key].contacts if account_id else {}
        # AWS rejects the id of the management account when that account itself asks.
        asked = account_id if key != MANAGEMENT else None
        for kind in CONTACT_TYPES:
            name = given.get(kind.lower())
            if name:
                alternate_contact(self, key, asked, kind, self._zone.security.contacts[name])
            else:
                self.remove_from_state(f"aws_account_alternate_contact.{resource_name(key, kind.lower())}")
        if "primary" in given:
            contact = self._zone.security.primary_contacts[given["primary"]]
            arguments = {name.replace("line_", "line"): value for name, value in contact.model_dump().items()}
            self.add(AccountPrimaryContact, key, account_id=asked, **arguments)
        else:
            self.remove_from_state(f"aws_account_primary_contact.{key}")

    def _budget(self, key: str, account_id: str) -> None:
        control = self._zone.attributes[key].budget
        if control is None:
            return
        of_account = BudgetsBudgetCostFilter(name="LinkedAccount", values=[account_id])
        self.make(control, lambda: budget(self, key, control, cost_filter=[of_account]))
