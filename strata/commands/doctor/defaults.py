"""Checks of what the account's own settings are now, compared with security.yaml: a deploy replaces them silently."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from strata.commands.doctor.findings import Finding, failure, ok, warning
from strata.commands.doctor.ground import Ground
from strata.config.models import Control, PasswordPolicy
from strata.session import AwsError, Client


def check_ebs_encryption(ground: Ground) -> Iterator[Finding]:
    """Checks the default encryption of EBS volumes in each governed region."""

    def read(ec2: Client) -> str:
        return "on" if ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"] else "off"

    control = ground.landing_zone.security.ebs_encryption
    yield judge_regional("ebs_encryption", control, "on", _by_region(ground, read))


def check_instance_metadata(ground: Ground) -> Iterator[Finding]:
    """Checks the defaults of the instance metadata service in each governed region."""
    control = ground.landing_zone.security.instance_metadata

    def read(ec2: Client) -> str:
        found = ec2.get_instance_metadata_defaults().get("AccountLevel", {})
        if found.get("ManagedBy") == DECLARATIVE:
            return DECLARATIVE
        tokens, hops = found.get("HttpTokens", "no preference"), found.get("HttpPutResponseHopLimit", "any")
        return f"tokens {tokens}, hop limit {hops}"

    wanted = f"tokens required, hop limit {control.hop_limit}"
    ours = "instance_metadata" in ground.landing_zone.declared_controls
    yield judge_regional("instance_metadata", control, wanted, _by_region(ground, read), by_policy=ours)


def check_snapshot_block(ground: Ground) -> Iterator[Finding]:
    """Checks the block of public snapshots in each governed region."""
    control = ground.landing_zone.security.snapshot_public_access

    def read(ec2: Client) -> str:
        found = ec2.get_snapshot_block_public_access_state()
        return DECLARATIVE if found.get("ManagedBy") == DECLARATIVE else str(found["State"])

    ours = "snapshot_public_access" in ground.landing_zone.declared_controls
    found = _by_region(ground, read)
    yield judge_regional("snapshot_public_access", control, control.state.value, found, by_policy=ours)


DECLARATIVE = "declarative-policy"


def _by_region(ground: Ground, read: Callable[[Client], str]) -> dict[str, str]:
    return {region: read(ground.aws.client("ec2", region)) for region in ground.project.regions.all_governed}


def judge_regional(
    name: str, control: Control, wanted: str, found: Mapping[str, str], *, by_policy: bool = False
) -> Finding:
    """Judges a setting that every region has of its own; `by_policy` says that our own declarative policy sets it."""
    by_value: dict[str, list[str]] = defaultdict(list)
    for region, value in sorted(found.items()):
        by_value[value].append(region)
    now = "; ".join(f"{value} in {', '.join(regions)}" for value, regions in sorted(by_value.items()))
    if not control.on:
        return ok(f"{now}; {name} is {control.mode.value}, so it stays")
    if DECLARATIVE in by_value and not by_policy:
        text = f"a declarative policy sets it in {', '.join(by_value[DECLARATIVE])}, AWS refuses that {name} does"
        return failure(text, f"set {name}.mode to unmanaged")
    expected = {wanted, DECLARATIVE} if by_policy else {wanted}
    if set(by_value) <= expected:
        return ok(f"{now}, as security.yaml says")
    return warning(f"{now}; security.yaml says {wanted}", f"the next deploy sets it, else set {name}.mode to unmanaged")


# Settings of the account as a whole


def check_s3_block(ground: Ground) -> Iterator[Finding]:
    """Checks the account's block of public S3 access."""
    try:
        found = ground.aws.client("s3control").get_public_access_block(AccountId=ground.account_id)
    except AwsError as error:
        if error.code != "NoSuchPublicAccessBlockConfiguration":
            raise
        found = {}
    yield judge_s3_block(ground.landing_zone.security.s3_public_access, found.get("PublicAccessBlockConfiguration", {}))


def judge_s3_block(control: Control, found: Mapping[str, bool]) -> Finding:
    """Judges the four flags."""
    flags = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    off = [flag for flag in flags if not found.get(flag)]
    now = f"not set: {', '.join(off)}" if off else "all four flags are set"
    if not control.on:
        return ok(f"{now}; s3_public_access is {control.mode.value}, so it stays")
    if off:
        remedy = "the next deploy sets them: a public bucket of this account would close; else set mode to unmanaged"
        return warning(now, remedy)
    return ok(f"{now}, as security.yaml says")


def check_password_policy(ground: Ground) -> Iterator[Finding]:
    """Checks the password policy of IAM users."""
    try:
        found = ground.aws.client("iam").get_account_password_policy()["PasswordPolicy"]
    except AwsError as error:
        if error.code not in ("NoSuchEntity", "NoSuchEntityException"):
            raise
        found = {}
    yield judge_password_policy(ground.landing_zone.security.password_policy, found)


def judge_password_policy(control: PasswordPolicy, found: Mapping[str, Any]) -> Finding:
    """Judges the password policy; AWS leaves out what is not set."""
    now = {
        "minimum length": found.get("MinimumPasswordLength", 0),
        "reuse prevention": found.get("PasswordReusePrevention", 0),
        "maximum age": found.get("MaxPasswordAge", 0),
    }
    wanted = {
        "minimum length": control.minimum_length,
        "reuse prevention": control.reuse_prevention,
        "maximum age": control.max_age_days,
    }
    words = ", ".join(f"{name} {value}" for name, value in now.items()) if found else "none is set"
    if not control.on:
        return ok(f"{words}; password_policy is {control.mode.value}, so it stays")
    differing = {name: value for name, value in wanted.items() if now[name] != value}
    if not differing:
        return ok(f"{words}, as security.yaml says")
    changes = ", ".join(f"{name} {value}" for name, value in differing.items())
    weaker = [name for name in differing if now[name] > wanted[name] and name != "maximum age"]
    if weaker:
        text = f"{words}; security.yaml says {changes}, which is weaker in {', '.join(weaker)}"
        return warning(text, "raise it in security.yaml, or set password_policy.mode to unmanaged")
    return warning(f"{words}; security.yaml says {changes}", "the next deploy sets it, else set mode to unmanaged")
