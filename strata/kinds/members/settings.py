"""Settings of a member account, and of each region of it, which baseline.yaml gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from strata.config.layers import BASELINE_LAYER
from strata.config.models import PasswordPolicy, S3PublicAccess, Setting
from strata.config.source import Location
from strata.kinds.arguments import Attributes
from strata.kinds.kind import Ask, Kind, Resource
from strata.kinds.members.made import given, governed, made_by_layer, of_baseline
from strata.kinds.setting import RESOURCES, name_of, set_values, values_of
from strata.landing_zone import LandingZone

_SET = "member setting"


def _setting(
    key: str,
    resource: Resource,
    *,
    asked: Callable[[Ask], Attributes | None],
    recorded: Callable[[Attributes], Attributes],
    values: Callable[[Any], Attributes] = set_values,
    regional: bool = True,
) -> Kind:
    """Returns a setting that every account has, and where it is regional each of its regions.

    Args:
        key: its key in baseline.yaml.
        resource: the resource that it is.
        asked: what AWS has of what is compared.
        recorded: what is compared, by what a state has.
        values: what a control sets of that.
        regional: whether each region has its own.
    """
    return made_by_layer(
        BASELINE_LAYER,
        _SET,
        (resource,),
        control=key,
        called=lambda name, _: name_of(key, name.partition("_")[2]),
        declared=of_baseline(
            lambda zone, account: (
                (name_of(key, region), values(control), zone.baseline[account].location(key))
                for control in (given(zone, account, key),)
                if control
                for region in (governed(zone, account) if regional else ("",))
            )
        ),
        recorded=recorded,
        asked=asked,
    )


def _of_account(key: str, control: Setting) -> Kind:
    """Returns a setting of the whole account, which the management account has as well."""

    def asked(ask: Ask) -> Attributes | None:
        now = ask.setting(key)
        return values_of(control, now) if now else None

    return _setting(key, RESOURCES[key], asked=asked, recorded=partial(values_of, control), regional=False)


S3, PASSWORDS = _of_account("s3_public_access", S3PublicAccess()), _of_account("password_policy", PasswordPolicy())
VOLUMES = _setting(
    "ebs_encryption",
    RESOURCES["ebs_encryption"],
    recorded=lambda state: {"enabled": bool(state.get("enabled"))},
    asked=lambda ask: {"enabled": ask.client("ec2").get_ebs_encryption_by_default()["EbsEncryptionByDefault"]},
)
CONSOLE = _setting(
    "serial_console_access",
    Resource("aws_ec2_serial_console_access", "default[@<region>]"),
    recorded=lambda state: {"enabled": bool(state.get("enabled"))},
    asked=lambda ask: {"enabled": ask.client("ec2").get_serial_console_access_status()["SerialConsoleAccessEnabled"]},
)


def _documents_now(ask: Ask) -> Attributes:
    answer = ask.client("ssm").get_service_setting(SettingId=ask.values["setting_id"])
    return {"setting_value": answer["ServiceSetting"]["SettingValue"]}


DOCUMENTS = _setting(
    "document_public_access",
    Resource("aws_ssm_service_setting", "<service setting>[@<region>]"),
    recorded=lambda state: {"setting_value": state.get("setting_value")},
    asked=_documents_now,
)

_MODE = "internet_gateway_block_mode"


def _internet_now(ask: Ask) -> Attributes:
    answer = ask.client("ec2").describe_vpc_block_public_access_options()
    return {_MODE: answer["VpcBlockPublicAccessOptions"]["InternetGatewayBlockMode"]}


INTERNET = _setting(
    "vpc_public_access",
    Resource("aws_vpc_block_public_access_options", "<region>[@<region>]"),
    values=lambda control: {_MODE: str(control.block)},
    recorded=lambda state: {_MODE: state.get(_MODE)},
    asked=_internet_now,
)

_TYPES = "resource_type_opt_in_preference"


def _backup_now(ask: Ask) -> Attributes:
    """Returns what AWS has of the types that the state has: a type that is new in the region changes nothing."""
    now = ask.client("backup").describe_region_settings()["ResourceTypeOptInPreference"]
    return {type: now.get(type) for type in ask.values.get(_TYPES) or ()}


BACKUP = _setting(
    "backup",
    Resource("aws_backup_region_settings", "<region>[@<region>]"),
    values=lambda control: dict(control.resource_types),
    recorded=lambda state: dict(state.get(_TYPES) or {}),
    asked=_backup_now,
)

_BLOCKED = "block_public_security_group_rules"


def _ports(ranges: Iterable[Attributes], lowest: str, highest: str) -> str:
    """Returns ranges of ports as a text."""
    return ", ".join(sorted(f"{int(ports[lowest])}-{int(ports[highest])}" for ports in ranges))


def _emr_recorded(state: Attributes) -> Attributes:
    ranges = state.get("permitted_public_security_group_rule_range") or ()
    return {_BLOCKED: bool(state.get(_BLOCKED)), "but_for_ports": _ports(ranges, "min_range", "max_range")}


def _emr_now(ask: Ask) -> Attributes:
    its = ask.client("emr").get_block_public_access_configuration()["BlockPublicAccessConfiguration"]
    ranges = its.get("PermittedPublicSecurityGroupRuleRanges") or ()
    return {_BLOCKED: its["BlockPublicSecurityGroupRules"], "but_for_ports": _ports(ranges, "MinRange", "MaxRange")}


EMR = _setting(
    "emr_public_access",
    Resource("aws_emr_block_public_access_configuration", "current[@<region>]"),
    values=lambda control: {**control.values, "but_for_ports": ""},
    recorded=_emr_recorded,
    asked=_emr_now,
)


# Not of every region


def _keys(zone: LandingZone, account: str) -> Iterator[tuple[str, Attributes, Location]]:
    control = given(zone, account, "ebs_encryption")
    for region in governed(zone, account) if control else ():
        if arn := control.key_arns.get(region):
            at = zone.baseline[account].location("ebs_encryption", "key_arns", region)
            yield f"ebs_key in {region}", {"key_arn": arn}, at


VOLUME_KEY = made_by_layer(
    BASELINE_LAYER,
    _SET,
    (Resource("aws_ebs_default_kms_key", "<key ARN>[@<region>]"),),
    control="ebs_key",
    called=lambda name, _: f"ebs_key in {name.partition('_')[2]}",
    declared=of_baseline(_keys),
    recorded=lambda state: {"key_arn": state.get("key_arn")},
    asked=lambda ask: {"key_arn": ask.client("ec2").get_ebs_default_kms_key_id()["KmsKeyId"]},
)


def _quota_now(ask: Ask) -> Attributes:
    """Returns what is wanted where AWS grants as much or more, or still thinks about it: that is nobody's change."""
    client, wanted = ask.client("service-quotas"), float(ask.values["value"])
    quota = {"ServiceCode": ask.values["service_code"], "QuotaCode": ask.values["quota_code"]}
    answer = ask.unless_absent(partial(client.get_service_quota, **quota))
    answer = answer or client.get_aws_default_service_quota(**quota)
    granted = float(answer["Quota"]["Value"])
    if granted < wanted:
        requests = client.items("list_requested_service_quota_change_history_by_quota", "RequestedQuotas[]", **quota)
        if any(request["Status"] in _OPEN and request["DesiredValue"] >= wanted for request in requests):
            granted = wanted
    return {"value": min(granted, wanted)}


_OPEN = ("PENDING", "CASE_OPENED")


def _quotas(zone: LandingZone, account: str) -> Iterator[tuple[str, Attributes, Location]]:
    control = given(zone, account, "quotas")
    for quota, value in sorted(control.values.items()) if control else ():
        at = zone.baseline[account].location("quotas", "values", quota)
        yield from ((f"{quota} in {region}", {"value": float(value)}, at) for region in governed(zone, account))


QUOTA = made_by_layer(
    BASELINE_LAYER,
    "quota",
    (Resource("aws_servicequotas_service_quota", "<service code>/<quota code>[@<region>]"),),
    called=lambda name, state: f"{state['service_code']}/{state['quota_code']} in {name.rpartition('_')[2]}",
    declared=of_baseline(_quotas),
    recorded=lambda state: {"value": float(state["value"])},
    asked=_quota_now,
)
