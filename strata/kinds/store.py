"""The stores of the backend: the bucket of the states, its replica, and the lock table."""

from __future__ import annotations

from strata.kinds.kind import AlreadyExists, Ask, Kind, Resource
from strata.kinds.shared import BUCKET, REPLICATION, ROLE, ROLE_POLICY, VERSIONING, named


def _key(ask: Ask) -> str | None:
    """Returns the id of a key in use that has the planned description and tags: nothing else tells keys apart."""
    client, values = ask.client("kms"), ask.values
    for id in client.items("list_keys", "Keys[].KeyId"):
        key = client.describe_key(KeyId=id)["KeyMetadata"]
        if key["Description"] == values["description"] and key["KeyState"] == "Enabled":
            tags = {tag["TagKey"]: tag["TagValue"] for tag in client.items("list_resource_tags", "Tags[]", KeyId=id)}
            if (values.get("tags_all") or {}).items() <= tags.items():
                return str(id)
    return None


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
            arn="arn:{partition}:dynamodb:{region}:{account}:table/{name}",
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
