"""The primary contact of an account: whom AWS takes for its owner."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config import ORGANIZATION
from strata.config.layers import ACCOUNTS
from strata.kinds.arguments import Attributes
from strata.kinds.kind import Ask, Resource
from strata.kinds.members.contact import is_on
from strata.kinds.members.made import Declared, made_by_layer
from strata.landing_zone import LandingZone

_WORDS = {
    "full_name": "FullName",
    "company_name": "CompanyName",
    "phone_number": "PhoneNumber",
    "address_line_1": "AddressLine1",
    "address_line_2": "AddressLine2",
    "city": "City",
    "state_or_region": "StateOrRegion",
    "postal_code": "PostalCode",
    "country_code": "CountryCode",
    "website_url": "WebsiteUrl",
}
"""AWS's words."""


def _recorded(state: Attributes) -> Attributes:
    return {name: state.get(name) or "" for name in _WORDS}


def _asked(ask: Ask) -> Attributes | None:
    """Returns what AWS has of a contact; that of an account that is not active counts as it is in the state."""
    account = str(ask.values.get("account_id") or "")
    if account and account not in ask.accounts:
        return _recorded(ask.values)
    of = {"AccountId": account} if account and account != ask.account else {}
    answer = ask.client("account").get_contact_information(**of)["ContactInformation"]
    return {name: answer.get(word, "") for name, word in _WORDS.items()}


def _declared(zone: LandingZone) -> Iterator[Declared]:
    for account in zone.accounts if is_on(zone) else ():
        its = zone.attributes[account]
        if name := its.contacts.get("primary"):
            contact = zone.security.primary_contacts[name].model_dump()
            yield Declared(account, "", _recorded(contact), ORGANIZATION, its.location("contacts", "primary"))


PRIMARY_CONTACT = made_by_layer(
    ACCOUNTS,
    "primary contact",
    (Resource("aws_account_primary_contact", "<account id>", keys=("account",), references=("account_id",)),),
    called=lambda name, _: name,
    declared=_declared,
    recorded=_recorded,
    asked=_asked,
)
