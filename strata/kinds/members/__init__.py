"""The kinds of things in and of accounts, which the layers `accounts` and `baseline` make."""

from __future__ import annotations

from strata.kinds.kind import Kind
from strata.kinds.members.alias import ALIAS
from strata.kinds.members.contact import BUDGET_OF_ACCOUNT, CONTACT_OF_ACCOUNT
from strata.kinds.members.events import MEMBER_ROLE, SIGN_IN_RULE
from strata.kinds.members.primary_contact import PRIMARY_CONTACT
from strata.kinds.members.settings import (
    BACKUP,
    CONSOLE,
    DOCUMENTS,
    EMR,
    INTERNET,
    PASSWORDS,
    QUOTA,
    S3,
    VOLUME_KEY,
    VOLUMES,
)

OF_ACCOUNTS: tuple[Kind, ...] = (
    *(CONTACT_OF_ACCOUNT, PRIMARY_CONTACT, BUDGET_OF_ACCOUNT, SIGN_IN_RULE, MEMBER_ROLE, ALIAS),
    *(QUOTA, VOLUMES, VOLUME_KEY, CONSOLE, EMR, DOCUMENTS, INTERNET, BACKUP, S3, PASSWORDS),
)
