"""The rotation period of keys, which moto does not keep."""

from __future__ import annotations

from typing import Any

from moto.kms.models import kms_backends

from tests.aws.calls import Call, Parameters, Service

kms = Service("kms")


@kms.answers("EnableKeyRotation")
def enable_rotation(call: Call) -> Parameters:
    call.moto  # noqa: B018  # moto says whether there is such a key
    _key(call).rotation_period = call.parameters.get("RotationPeriodInDays") or 365
    return {}


@kms.answers("GetKeyRotationStatus")
def rotation_status(call: Call) -> Parameters:
    said = call.moto
    if said["KeyRotationEnabled"]:
        said["RotationPeriodInDays"] = _key(call).rotation_period
    return said


def _key(call: Call) -> Any:
    backend = kms_backends[call.account][call.region]
    return backend.keys[backend.get_key_id(call["KeyId"])]
