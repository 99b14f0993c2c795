"""The kinds of things in and of accounts, which the layers `accounts` and `baseline` make."""

from __future__ import annotations

from strata.kinds.kind import Kind
from strata.kinds.members.alias import ALIAS
from strata.kinds.members.backup import BACKUP
from strata.kinds.members.budget import BUDGET_OF_ACCOUNT
from strata.kinds.members.contact import CONTACT_OF_ACCOUNT
from strata.kinds.members.documents import DOCUMENTS
from strata.kinds.members.ebs_encryption import VOLUMES
from strata.kinds.members.ebs_key import VOLUME_KEY
from strata.kinds.members.emr import EMR
from strata.kinds.members.password_policy import PASSWORDS
from strata.kinds.members.primary_contact import PRIMARY_CONTACT
from strata.kinds.members.quota import QUOTA
from strata.kinds.members.role import MEMBER_ROLE
from strata.kinds.members.s3 import S3
from strata.kinds.members.serial_console import CONSOLE
from strata.kinds.members.sign_in_rule import SIGN_IN_RULE
from strata.kinds.members.vpc import INTERNET

OF_ACCOUNTS: tuple[Kind, ...] = (
    *(CONTACT_OF_ACCOUNT, PRIMARY_CONTACT, BUDGET_OF_ACCOUNT, SIGN_IN_RULE, MEMBER_ROLE, ALIAS),
    *(QUOTA, VOLUMES, VOLUME_KEY, CONSOLE, EMR, DOCUMENTS, INTERNET, BACKUP, S3, PASSWORDS),
)
