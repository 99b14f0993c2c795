"""Alternate contacts of every account, to whom AWS writes."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from cdktf_cdktf_provider_aws.account_alternate_contact import AccountAlternateContact

from stacks.base import resource_name
from stacks.security.controls import Controls
from strata.config.models import MANAGEMENT, AlternateContacts, Contact

CONTACT_TYPES = ("BILLING", "OPERATIONS", "SECURITY")


def contacts(
    stack: Controls, control: AlternateContacts, *, account_ids: Mapping[str, str], retired: Collection[str]
) -> None:
    """Sets the contacts that are given; an account that is retired, and a contact that is not given, keep theirs."""
    given = control.contacts if control.on else {}
    for key in sorted({*account_ids, *retired}):
        for kind in CONTACT_TYPES:
            contact = given.get(kind)
            if contact and key in account_ids:
                _contact(stack, key, account_ids[key], kind, contact)
            else:
                stack.remove_from_state(f"aws_account_alternate_contact.{resource_name(key, kind.lower())}")


def _contact(stack: Controls, key: str, account_id: str, kind: str, contact: Contact) -> None:
    stack.add(
        AccountAlternateContact,
        resource_name(key, kind.lower()),
        alternate_contact_type=kind,
        # AWS rejects the id of the management account when that account itself asks.
        account_id=None if key == MANAGEMENT else account_id,
        name=contact.name,
        title=contact.title,
        email_address=contact.email,
        phone_number=contact.phone,
    )
