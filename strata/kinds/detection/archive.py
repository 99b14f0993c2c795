"""The buckets of the log archive and their keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from strata.config import DETECTION
from strata.config.layers import ARCHIVE
from strata.errors import Message
from strata.kinds.arguments import Attributes, block, text
from strata.kinds.change import Way
from strata.kinds.kind import Ask, Resource, account_of
from strata.kinds.members.made import BESIDE, Declared, as_it_is, made_by_layer
from strata.kinds.shared import BUCKET, VERSIONING
from strata.kinds.store import KEY, PENDING_DELETION, deletion_pending
from strata.kinds.thing import Thing, content
from strata.landing_zone import LandingZone
from strata.landing_zone.archive import TRAIL, archive_of

_LOCK = Resource("aws_s3_bucket_object_lock_configuration", "<bucket>[@<region>]")
_, _, _, _POLICY, _ACCESS, _ENCRYPTION = BUCKET
_CLOSED = {
    "block_public_acls": "BlockPublicAcls",
    "block_public_policy": "BlockPublicPolicy",
    "ignore_public_acls": "IgnorePublicAcls",
    "restrict_public_buckets": "RestrictPublicBuckets",
}


LOCK = f"{_LOCK.type}.{TRAIL}"
NO_LOCK = ("", 0)


def retention(lock: Attributes) -> tuple[str, int]:
    """Returns mode and days of the default retention that a state has, none where it has none."""
    its = block(block(lock.get("rule")).get("default_retention"))
    return text(its, "mode").lower(), int(its.get("days") or 0)


def live_retention(lock: Mapping[str, Any]) -> tuple[str, int]:
    """Returns the same of a bucket's ObjectLockConfiguration, in which somebody may have written years."""
    its = lock.get("Rule", {}).get("DefaultRetention", {})
    return its.get("Mode", "").lower(), its.get("Days") or 365 * its.get("Years", 0)


def _locked(mode: str, days: int) -> str:
    return f"{mode}, {days} days" if mode else ""


def _declared(zone: LandingZone, values: Attributes, lock: bool = False) -> Iterator[Declared]:
    if archive := archive_of(zone):
        for name in (TRAIL, "config"):
            its = _locked(archive.mode.value, archive.object_lock_days) if name == TRAIL else ""
            yield Declared(
                archive.account, name, {**values, **({"lock": its} if lock else {})}, DETECTION, ("log_archive",)
            )


def _recorded_bucket(state: Attributes) -> Attributes:
    def beside(type: str) -> Attributes:
        parts = state[BESIDE].get(type, {}).values()
        return next((its for its in parts if its.get("bucket") == state.get("bucket")), {})

    access, rule = beside(_ACCESS.type), block(beside(_ENCRYPTION.type).get("rule"))
    return {
        "lock": _locked(*retention(beside(_LOCK.type))),
        "versions": text(block(beside(VERSIONING.type).get("versioning_configuration")), "status"),
        "closed": all(access.get(name) for name in _CLOSED),
        "policy": content(text(beside(_POLICY.type), "policy")),
        "key": text(block(rule.get("apply_server_side_encryption_by_default")), "kms_master_key_id"),
    }


def _bucket_now(ask: Ask) -> Attributes | None:
    client, bucket = ask.client("s3"), {"Bucket": ask.values["bucket"]}

    def said(question: Callable[..., Any], part: str) -> Any:
        return (ask.unless_absent(partial(question, **bucket)) or {}).get(part) or {}

    if ask.unless_absent(partial(client.head_bucket, **bucket)) is None:
        return None
    lock = said(client.get_object_lock_configuration, "ObjectLockConfiguration")
    access = said(client.get_public_access_block, "PublicAccessBlockConfiguration")
    rules = said(client.get_bucket_encryption, "ServerSideEncryptionConfiguration").get("Rules") or [{}]
    return {
        "lock": _locked(*live_retention(lock)),
        "versions": said(client.get_bucket_versioning, "Status") or "",
        "closed": all(access.get(name) for name in _CLOSED.values()),
        "policy": content(said(client.get_bucket_policy, "Policy") or ""),
        "key": rules[0].get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID", ""),
    }


def _key_now(ask: Ask) -> Attributes | None:
    client, key = ask.client("kms"), {"KeyId": ask.values["key_id"]}
    found = ask.unless_absent(partial(client.describe_key, **key))
    if found is None:
        return None
    its = found["KeyMetadata"]["KeyState"]
    enabled = its == "Enabled"
    return {
        "enabled": its if its == PENDING_DELETION else enabled,
        # AWS answers neither of a key that is to be deleted.
        "rotated": enabled and client.get_key_rotation_status(**key)["KeyRotationEnabled"],
        "policy": content(client.get_key_policy(**key, PolicyName="default")["Policy"]),
    }


def _key_way(_: str, here: Thing | None, before: Thing | None, now: Thing | None) -> Way | None:
    """Returns the way back of a key that somebody has deleted: a deploy would make another, which reads nothing."""
    if not (here and before and now and now.values["enabled"] == PENDING_DELETION):
        return None
    account, key = account_of(now.name), before.ids["key"]
    text = f"{deletion_pending(key, account)}; strata deploy {ARCHIVE_KEY.stack_of(now.name)} enables it again"
    return Way(by_hand=Message("key-pending-deletion", text, key=key, account=account))


def _called(name: str, _: Attributes) -> str:
    return name


ARCHIVE_BUCKET = made_by_layer(
    ARCHIVE,
    "archive bucket",
    (*BUCKET, VERSIONING, _LOCK),
    called=_called,
    declared=partial(_declared, values={"versions": "Enabled", "closed": True, **as_it_is("policy", "key")}, lock=True),
    recorded=_recorded_bucket,
    asked=_bucket_now,
)
ARCHIVE_KEY = made_by_layer(
    ARCHIVE,
    "archive key",
    (KEY[1], KEY[0]),
    called=_called,
    declared=partial(_declared, values={"enabled": True, "rotated": True, **as_it_is("policy")}),
    recorded=lambda state: {
        "enabled": bool(state.get("is_enabled", True)),
        "rotated": bool(state.get("enable_key_rotation")),
        "policy": content(text(state, "policy")),
    },
    asked=_key_now,
    ids=lambda state: {"key": text(state, "key_id")},
    way=_key_way,
)
