"""One emulated AWS for every test: moto, and what it lacks or answers otherwise, a module per service."""

SERVICES = (
    "access_manager",
    "account",
    "accessanalyzer",
    "cloudtrail",
    "cost",
    "defaults",
    "iam",
    "identitystore",
    "kms",
    "organizations",
    "s3",
    "ssoadmin",
    "sts",
    "tagging",
)
"""The modules that answer calls."""
