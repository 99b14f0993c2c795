"""Alternate contacts of every account, to whom AWS writes."""

from __future__ import annotations

from collections.abc import Collection

from cdktf_cdktf_provider_aws.account_alternate_contact import AccountAlternateContact

from stacks import hcl
from stacks.base import resource_name
from stacks.organizations import OrganizationsStack
from stacks.security.controls import Controls
from strata.config.models import MANAGEMENT, AlternateContacts, Contact

CONTACT_TYPES = ("BILLING", "OPERATIONS", "SECURITY")


def contacts(
    stack: Controls, control: AlternateContacts, *, organizations: OrganizationsStack, retired: Collection[str]
) -> None:
    """Sets the contacts that are given; an account that is retired, and a contact that is not given, keep theirs."""
    given = control.contacts if control.on else {}
    accounts = organizations.accounts
    # AWS rejects the id of the management account when that account itself asks.
    members = {key: organizations.account_ids[key] for key in accounts if key != MANAGEMENT}
    account_ids = hcl.resolved(stack, members) if given else {}
    for key in sorted({*accounts, *retired}):
        for kind in CONTACT_TYPES:
            contact = given.get(kind)
            if contact and key in accounts:
                alternate_contact(stack, key, account_ids.get(key), kind, contact)
            else:
                stack.remove_from_state(f"aws_account_alternate_contact.{resource_name(key, kind.lower())}")


def alternate_contact(stack: Controls, key: str, account_id: str | None, kind: str, contact: Contact) -> None:
    """Sets one of the contacts of an account, without its id where it is the account that asks."""
    stack.add_json(
        AccountAlternateContact,
        resource_name(key, kind.lower()),
        alternate_contact_type=kind,
        account_id=account_id,
        name=contact.name,
        title=contact.title,
        email_address=contact.email,
        phone_number=contact.phone,
    )
