"""Compares the account's settings with security.yaml, because a deploy replaces them silently.

Each control has one reader, which returns AWS's values under Terraform's argument names.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from strata.aws.session import AwsError, Client
from strata.commands.doctor.context import Check, CheckContext, Needs
from strata.commands.doctor.findings import Finding, failure, ok, warning
from strata.config.models import RegionalSetting, Setting
from strata.config.weaker import is_weaker

Values = Mapping[str, Any]
DECLARATIVE = "declarative-policy"
"""The value that AWS returns where a declarative policy sets it."""


def _ebs_encryption(ec2: Client) -> Values:
    return {"enabled": ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"]}


def _instance_metadata(ec2: Client) -> Values:
    return _by_argument(ec2.get_instance_metadata_defaults().get("AccountLevel", {}))


def _snapshot_public_access(ec2: Client) -> Values:
    return _by_argument(ec2.get_snapshot_block_public_access_state())


def _image_public_access(ec2: Client) -> Values:
    found = _by_argument(ec2.get_image_block_public_access_state())
    return {**found, "state": found.get("image_block_public_access_state")}


def _s3_public_access(s3control: Client, account_id: str) -> Values:
    read = partial(s3control.get_public_access_block, AccountId=account_id)
    return _unless(read, "PublicAccessBlockConfiguration", "NoSuchPublicAccessBlockConfiguration")


def _password_policy(iam: Client, _: str) -> Values:
    return _unless(iam.get_account_password_policy, "PasswordPolicy", "NoSuchEntity", "NoSuchEntityException")


_REGIONAL: Mapping[str, tuple[str, Callable[[Client], Values]]] = {
    "ebs_encryption": ("ebs", _ebs_encryption),
    "instance_metadata": ("metadata", _instance_metadata),
    "snapshot_public_access": ("snapshots", _snapshot_public_access),
    "image_public_access": ("images", _image_public_access),
}
"""By key of security.yaml: the name of the check, and its reader for each governed region."""

_OF_ACCOUNT: Mapping[str, tuple[str, str, Callable[[Client, str], Values]]] = {
    "s3_public_access": ("s3-block", "s3control", _s3_public_access),
    "password_policy": ("passwords", "iam", _password_policy),
}
"""By key of security.yaml: the name of the check, the service, and its reader."""


def _check_regional(key: str, read: Callable[[Client], Values], context: CheckContext) -> Iterator[Finding]:
    landing_zone = context.landing_zone
    found = {region: read(context.aws.client("ec2", region)) for region in context.project.regions.all_governed}
    declared = key in landing_zone.declared_controls
    yield assess_setting(key, landing_zone.security.settings[key], found, by_policy=declared)


def _check_account(
    key: str, service: str, read: Callable[[Client, str], Values], context: CheckContext
) -> Iterator[Finding]:
    found = {"": read(context.aws.client(service), context.account_id)}
    yield assess_setting(key, context.landing_zone.security.settings[key], found)


CHECKS = (
    *(Check(name, Needs.ACCOUNT, partial(_check_regional, key, read)) for key, (name, read) in _REGIONAL.items()),
    *(
        Check(name, Needs.ACCOUNT, partial(_check_account, key, service, read))
        for key, (name, service, read) in _OF_ACCOUNT.items()
    ),
)


def assess_setting(key: str, control: Setting, found: Mapping[str, Values], *, by_policy: bool = False) -> Finding:
    """Compares a setting with what AWS has, by region or for the account as a whole.

    Args:
        key: its key in security.yaml.
        control: its entry in security.yaml.
        found: what AWS has by region; under the empty text for a setting of the account.
        by_policy: our own declarative policy sets it.
    """
    now = _described(control, found)
    if not control.on:
        return ok(f"{now}; {key} is {control.mode.value}, so it stays")
    declared = [region for region, values in found.items() if _is_declared(values)]
    if declared and not by_policy:
        text = f"a declarative policy sets it in {', '.join(sorted(declared))}, so AWS rejects {key}"
        return failure(text, f"set {key}.mode to unmanaged")
    differing = [values for values in found.values() if not _is_declared(values) and not _is_as_said(control, values)]
    if not differing:
        return ok(f"{now}, as in security.yaml")
    but = f": {control.breaks}" if control.breaks else ""
    remedy = f"the next deploy sets it{but}; else set {key}.mode to unmanaged"
    if weaker := sorted({name for values in differing for name in _weaker(control, values)}):
        remedy = f"raise it in security.yaml, or set {key}.mode to unmanaged"
        return warning(f"{now}; security.yaml has {_words(control.values)}, weaker in {', '.join(weaker)}", remedy)
    return warning(f"{now}; security.yaml has {_words(control.values)}", remedy)


def _is_declared(values: Values) -> bool:
    return values.get("managed_by") == DECLARATIVE


def _is_as_said(control: Setting, values: Values) -> bool:
    chosen = dict.fromkeys(control.arguments.values(), 0)  # which AWS has nothing of where it is not set
    return all((values.get(name) or 0) == value for name, value in {**chosen, **control.values}.items())


def _weaker(control: Setting, values: Values) -> Iterator[str]:
    """Yields the parameters in which a deploy would protect less than AWS does now."""
    for parameter, argument in control.arguments.items():
        now = values.get(argument)
        if now is not None and is_weaker(type(control), parameter, now, getattr(control, parameter)):
            yield parameter


def _described(control: Setting, found: Mapping[str, Values]) -> str:
    by_text: dict[str, list[str]] = defaultdict(list)
    names = {*control.always, *control.arguments.values()}
    for region, values in sorted(found.items()):
        set_here = {name: values[name] for name in sorted(names & values.keys())}
        by_text[DECLARATIVE if _is_declared(values) else _words(set_here)].append(region)
    regional = isinstance(control, RegionalSetting)
    return "; ".join(f"{text} in {', '.join(regions)}" if regional else text for text, regions in by_text.items())


def _words(values: Values) -> str:
    """Returns values as in `http tokens required, enabled`."""
    words = [f"{name} {value}" for name, value in values.items() if not isinstance(value, bool)]
    words += [name if value else f"not {name}" for name, value in values.items() if isinstance(value, bool)]
    return ", ".join(words).replace("_", " ") or "not set"


def _unless(read: Callable[[], Any], key: str, *absent: str) -> Values:
    """Returns the values under a key of a response, by argument; empty where AWS has none."""
    try:
        return _by_argument(read()[key])
    except AwsError as error:
        if error.code in absent:
            return {}
        raise


def _by_argument(values: Values) -> Values:
    """Returns an answer of AWS by the names that Terraform gives its arguments: HttpTokens is http_tokens."""
    return {re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower(): value for name, value in values.items()}
