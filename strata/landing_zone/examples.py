"""Values that are still an example's: addresses at domains nobody can own, account ids of the AWS documentation."""

from __future__ import annotations

from collections.abc import Iterator

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
    project, organization = landing_zone.project, landing_zone.organization
    yield "project.yaml", ("management_account", "id"), project.management_account.id
    yield "project.yaml", ("management_account", "email"), project.management_account.email
    for key, account in organization.active_accounts.items():
        yield "organization.yaml", ("accounts", key, "email"), account.email
    for index, entry in enumerate(organization.unmanaged_accounts):
        yield "organization.yaml", ("unmanaged_accounts", index), entry
    for name in ("alerts", "budget", "anomaly_monitor"):
        for index, email in enumerate(getattr(landing_zone.security, name).emails):
            yield "security.yaml", (name, "emails", index), email
    for kind, contact in landing_zone.security.alternate_contacts.contacts.items():
        yield "security.yaml", ("alternate_contacts", kind.lower(), "email"), contact.email
    for key, user in sorted(landing_zone.sso.users.items()):
        yield "sso.yaml", ("users", key, "email"), user.email
