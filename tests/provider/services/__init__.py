"""The types of the provider, a module for each corner of AWS: to add one, write its class and its row of types.yaml."""

from tests.provider.resource import RESOURCES
from tests.provider.services import baseline, config, guardduty, iam, identity, organizations, security, storage

DATA_SOURCES = {
    **organizations.DATA_SOURCES,
    **iam.DATA_SOURCES,
    **identity.DATA_SOURCES,
    **storage.DATA_SOURCES,
}

__all__ = ["DATA_SOURCES", "RESOURCES", "baseline", "config", "guardduty", "security"]
