"""The stores of the backend: the bucket of the states, its replica, and the lock table."""

from __future__ import annotations

from strata.errors import Message, StrataError
from strata.kinds.kind import AlreadyExists, Ask, Kind, Resource
from strata.kinds.shared import BUCKET, REPLICATION, ROLE, ROLE_POLICY, VERSIONING, named


def _key(ask: Ask) -> str | None:
    """Returns the id of a key in use that has the planned description and tags: nothing else tells keys apart.

    Raises:
        StrataError: somebody has such a key deleted; Terraform takes it for gone, and would put another in its place.
    """
    client, values = ask.client("kms"), ask.values
    doomed = ""
    for id in client.items("list_keys", "Keys[].KeyId"):
        key = client.describe_key(KeyId=id)["KeyMetadata"]
        if key["Description"] == values["description"] and key["KeyState"] in ("Enabled", PENDING_DELETION):
            tags = {tag["TagKey"]: tag["TagValue"] for tag in client.items("list_resource_tags", "Tags[]", KeyId=id)}
            if (values.get("tags_all") or {}).items() <= tags.items():
                if key["KeyState"] == "Enabled":
                    return str(id)
                doomed = str(id)
    if doomed:
        text = f"{values['description']}: {deletion_pending(doomed, ask.account)}, and run aws kms enable-key, too"
        raise StrataError(Message("key-pending-deletion", text, key=doomed, account=ask.account))
    return None


PENDING_DELETION = "PendingDeletion"
"""The state of a key that AWS deletes after some days, and that nobody can use until then."""


def deletion_pending(key: str, account: str) -> str:
    """Returns what is done about such a key, which no deploy replaces."""
    lines = f"in account {account} run aws kms cancel-key-deletion --key-id {key}"
    return f"AWS is about to delete the key {key}, and nobody can read then what it has encrypted; {lines}"


STATE, REPLICA, LOCK = "aws_s3_bucket.state", "aws_s3_bucket.replica", "aws_dynamodb_table.lock"
BOOTSTRAPPED = {"state bucket": STATE, "lock table": LOCK}
"""What `strata bootstrap` makes and the stack `backend` imports, by its word."""
OWN_OUTPUTS = "aws_s3_objects"
"""The data source by which a stack looks whether it has a state."""

KEY = (
    Resource(
        "aws_kms_alias",
        "<alias name>[@<region>]",
        existing=AlreadyExists("AlreadyExistsException", "{name}", regional=True),
    ),
    # AWS makes another key each time.
    Resource("aws_kms_key", "<key id>[@<region>]", existing=AlreadyExists(id=_key, early=_key, regional=True)),
)


STORE = Kind(
    "store",
    "backend",
    (
        *BUCKET,
        VERSIONING,
        REPLICATION,
        Resource(
            "aws_dynamodb_table",
            "<table name>[@<region>]",
            imported=True,
        ),
        *KEY,
        ROLE,
        ROLE_POLICY,
    ),
    addresses=lambda zone: (
        *(address for bucket in ("state", "replica") for address in named((*BUCKET, VERSIONING), bucket)),
        *(address for bucket in ("state", "replica") if zone.project.state.kms for address in named(KEY, bucket)),
        *named((ROLE, ROLE_POLICY), "replication"),
        *named((REPLICATION,), "state"),
        LOCK,
    ),
)
