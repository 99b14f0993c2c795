"""Contacts and names of accounts: what moto lacks, and who may ask about whom."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from moto.core.utils import get_service_model
from moto.organizations.models import FakeAccount, organizations_backends

from tests.aws.calls import Call, Parameters, Refused, Service, order
from tests.aws.memory import of
from tests.aws.organizations import MANAGEMENT, require_trust

account = Service("account")
_CONTACT = {
    "FullName": "Example Operator",
    "AddressLine1": "1 Example Street",
    "City": "Example",
    "CountryCode": "DE",
    "PostalCode": "10115",
    "PhoneNumber": "+49 30 1234567",
}


@dataclass
class Contact:
    """The primary contact of an account: at first the one of the account that made it.

    https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-update-contact-primary.html
    """

    information: Parameters = field(default_factory=_CONTACT.copy)


@account.answers("PutAlternateContact", "GetAlternateContact", "DeleteAlternateContact")
def alternate_contact(call: Call) -> None:
    require_member(call)


@account.answers("GetContactInformation")
def contact_information(call: Call) -> Parameters:
    return {"ContactInformation": of(Contact, require_member(call), "").information}


@account.answers("PutContactInformation")
def put_contact_information(call: Call) -> Parameters:
    """Replaces the whole contact: what is not sent is gone."""
    kept, wanted = of(Contact, require_member(call), ""), call["ContactInformation"]
    for name, shape in get_service_model("account").shape_for("ContactInformation").members.items():
        text, pattern = str(wanted.get(name) or ""), shape.metadata.get("pattern")
        if len(text) > shape.metadata["max"] or (text and pattern and not re.fullmatch(pattern, text)):
            raise Refused("ValidationException", f"{name} does not match {pattern or shape.metadata}: {text}")
    kept.information = dict(wanted)
    return {}


@account.answers("GetAccountInformation")
def account_information(call: Call) -> Parameters:
    require_member(call)
    found = _account(call)
    return {"AccountId": found.id, "AccountName": found.name, "AccountCreatedDate": found.create_time}


@account.answers("PutAccountName")
def rename(call: Call) -> Parameters:
    require_member(call)
    _account(call).name = call["AccountName"]
    return {}


@order("management-account")
def describe_management_account(name: str, email: str) -> None:
    """Names the management account and its root user, which moto calls master and master@example.com."""
    found = next(each for each in organizations_backends[MANAGEMENT]["aws"].accounts if each.id == MANAGEMENT)
    found.name, found.email = name, email


def require_member(call: Call) -> str:
    """Returns the account that a call is about.

    Raises unless a member is asked about with trusted access, and the management account without its id.
    """
    asked = call.parameters.get("AccountId")
    if asked == call.account:
        raise Refused("AccessDeniedException", "The management account can't be asked about by its AccountId.")
    if asked:
        require_trust("account.amazonaws.com", "AccessDeniedException", call.account)
        if organizations_backends.master_accounts.get(asked, ("",))[0] != call.account:
            raise Refused("AccessDeniedException", f"{asked} is not a member of this organization.")
    return str(asked or call.account)


def _account(call: Call) -> FakeAccount:
    asked = call.parameters.get("AccountId") or call.account
    for found in organizations_backends[call.account]["aws"].accounts:
        if found.id == asked:
            return found
    raise Refused("ResourceNotFoundException", f"there is no account {asked}")
