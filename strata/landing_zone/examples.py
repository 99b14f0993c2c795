"""Values that are still an example's: addresses at domains nobody can own, account ids of the AWS documentation."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config import ORGANIZATION, PROJECT, SECURITY, SSO
from strata.config.tree import Location
from strata.landing_zone import LandingZone

# RFC 2606 and 6761.
_DOMAINS = ("example.com", "example.net", "example.org", "example", "invalid", "localhost", "test")
_ACCOUNT_IDS = frozenset({"012345678901", "111122223333", "123456789012", "444455556666", "777788889999"})


def example_values(landing_zone: LandingZone) -> Iterator[tuple[str, Location, str]]:
    """Yields file, location and value of every account id and e-mail address that somebody has to replace."""
    for file, location, value in _values(landing_zone):
        if is_example(value):
            yield file, location, value


def is_example(value: str) -> bool:
    """Returns whether an e-mail address or account id is an example's."""
    if "@" not in value:
        return value in _ACCOUNT_IDS or len(set(value)) == 1
    domain = value.rpartition("@")[2].lower()
    return any(domain == example or domain.endswith(f".{example}") for example in _DOMAINS)


def _values(landing_zone: LandingZone) -> Iterator[tuple[str, Location, str]]:
    yield PROJECT, ("management_account", "id"), landing_zone.project.management_account.id
    for account in landing_zone.accounts.values():
        yield account.file, (*account.location, "email"), account.email
    for index, entry in enumerate(landing_zone.organization.unmanaged_accounts):
        yield ORGANIZATION, ("unmanaged_accounts", index), entry
    for name in ("alerts", "budget", "anomaly_monitor"):
        for index, email in enumerate(getattr(landing_zone.security, name).emails):
            yield SECURITY, (name, "emails", index), email
    for kind, contact in landing_zone.security.alternate_contacts.contacts.items():
        yield SECURITY, ("alternate_contacts", kind.lower(), "email"), contact.email
    for key, user in landing_zone.users.items():
        yield SSO, ("users", key, "email"), user.email
