"""Compares the account's settings with security.yaml, because a deploy replaces them silently."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import partial

from strata.aws.defaults import OF_ACCOUNT, REGIONAL, Values, setting
from strata.commands.doctor.context import Check, CheckContext, Needs
from strata.commands.doctor.findings import Finding, failure, ok, warning
from strata.config.models import RegionalSetting, Setting
from strata.config.weaker import is_weaker

DECLARATIVE = "declarative-policy"
"""The value that AWS returns where a declarative policy sets it."""


_NAMES: Mapping[str, str] = {
    "ebs_encryption": "ebs",
    "instance_metadata": "metadata",
    "snapshot_public_access": "snapshots",
    "image_public_access": "images",
    "s3_public_access": "s3-block",
    "password_policy": "passwords",
}
"""The name of the check of each setting, by key of security.yaml."""


def _check(key: str, context: CheckContext) -> Finding:
    zone = context.landing_zone
    live = setting(context.aws, key, context.project)
    return assess_setting(key, zone.security.settings[key], live, by_policy=key in zone.declared_controls)


CHECKS = tuple(Check(_NAMES[key], Needs.ACCOUNT, partial(_check, key)) for key in (*REGIONAL, *OF_ACCOUNT))


def assess_setting(key: str, control: Setting, live: Mapping[str, Values], *, by_policy: bool = False) -> Finding:
    """Compares a setting with what AWS has, by region or for the account as a whole.

    Args:
        key: its key in security.yaml.
        control: its entry in security.yaml.
        live: what AWS has by region; under the empty text for a setting of the account.
        by_policy: our own declarative policy sets it.
    """
    now = _described(control, live)
    if not control.on:
        return ok("control-not-on", f"{now}; {key} is {control.mode.value}, so a deploy leaves that", control=key)
    declared = sorted(region for region, values in live.items() if _is_declared(values))
    if declared and not by_policy:
        text = f"a declarative policy sets it in {', '.join(declared)}, so AWS rejects {key}"
        remedy = f"set {key}.mode to unmanaged"
        return failure("set-by-declarative-policy", text, remedy, control=key, regions=declared)
    differing = {
        region: values
        for region, values in sorted(live.items())
        if not _is_declared(values) and not control.is_as_set(values)
    }
    if not differing:
        return ok("setting-as-declared", f"{now}, as in security.yaml", control=key)
    but = f": {control.breaks}" if control.breaks else ""
    remedy = f"the next deploy sets it{but}; else set {key}.mode to unmanaged"
    weaker = {  # the parameters in which a deploy would protect less than AWS does now
        parameter
        for values in differing.values()
        for parameter, argument in control.arguments.items()
        if (value := values.get(argument)) is not None
        if is_weaker(type(control), parameter, value, getattr(control, parameter))
    }
    if weaker:
        remedy = f"raise it in security.yaml, or set {key}.mode to unmanaged"
        text = f"{now}; security.yaml has {_words(control.values)}, weaker in {', '.join(sorted(weaker))}"
        return warning("setting-would-weaken", text, remedy, control=key, parameters=sorted(weaker))
    text = f"{now}; security.yaml has {_words(control.values)}"
    return warning("setting-would-change", text, remedy, control=key, regions=[*filter(None, differing)])


def _is_declared(values: Values) -> bool:
    return values.get("managed_by") == DECLARATIVE


def _described(control: Setting, live: Mapping[str, Values]) -> str:
    by_text: dict[str, list[str]] = defaultdict(list)
    names = {*control.always, *control.arguments.values()}
    for region, values in sorted(live.items()):
        set_here = {name: values[name] for name in sorted(names & values.keys())}
        by_text[DECLARATIVE if _is_declared(values) else _words(set_here)].append(region)
    regional = isinstance(control, RegionalSetting)
    return "; ".join(f"{text} in {', '.join(regions)}" if regional else text for text, regions in by_text.items())


def _words(values: Values) -> str:
    """Returns values as in `http tokens required, enabled`."""
    words = [f"{name} {value}" for name, value in values.items() if not isinstance(value, bool)]
    words += [name if value else f"not {name}" for name, value in values.items() if isinstance(value, bool)]
    return ", ".join(words).replace("_", " ") or "not set"
