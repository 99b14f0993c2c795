"""Quotas of services and requests to raise them: moto has those of VPCs alone, and no requests."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime

from moto.servicequotas.resources.default_quotas.vpc import VPC_DEFAULT_QUOTAS

from tests.aws import late, memory
from tests.aws.calls import Call, Parameters, Refused, Service, order, page

quotas = Service("service-quotas")
HOME = "us-east-1"
ACCOUNTS = "organizations", "L-E619E033"
_AT_ONCE = 20
"""https://docs.aws.amazon.com/servicequotas/latest/userguide/reference_limits.html"""


def _quota(service: str, code: str, name: str, value: float, *, everywhere: bool = False) -> Parameters:
    return {
        "ServiceCode": service,
        "ServiceName": service,
        "QuotaCode": code,
        "QuotaName": name,
        "Value": value,
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": everywhere,
    }


_QUOTAS = {
    (one["ServiceCode"], one["QuotaCode"]): one
    for one in (
        *VPC_DEFAULT_QUOTAS,
        _quota("ec2", "L-0263D0A3", "EC2-VPC Elastic IPs", 5.0),
        _quota("ec2", "L-1216C47A", "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", 5.0),
        _quota("iam", "L-FE177D64", "Roles per account", 1000.0, everywhere=True),
        _quota("lambda", "L-B99A9384", "Concurrent executions", 1000.0),
        _quota(*ACCOUNTS, "Default maximum number of accounts", 10.0, everywhere=True),
    )
}
"""Quotas that there are in every account; AWS has thousands more."""


@dataclass
class Requests:
    """What an account asked for, by id of the request, and what was granted before, by region and quota."""

    all: dict[str, Parameters] = field(default_factory=dict)
    granted: dict[tuple[str, str, str], float] = field(default_factory=dict)


@order("quota")
def grant(account: str, region: str, service: str, code: str, value: float) -> None:
    """Has an account have more of something, as it was granted before."""
    memory.of(Requests, account, "").granted[region, service, code] = value


@order("quota-lowered")
def lower(account: str, region: str, service: str, code: str, value: float) -> None:
    """Has AWS grant less again, as if it had denied what was asked for."""
    kept = memory.of(Requests, account, "")
    kept.granted[region, service, code] = value
    for request in kept.all.values():
        request["Status"] = "DENIED" if _of(request) == (region, service, code) else request["Status"]


@quotas.answers("GetAWSDefaultServiceQuota")
def default_quota(call: Call) -> Parameters:
    return {"Quota": _shown(call)}


@quotas.answers("GetServiceQuota")
def quota(call: Call) -> Parameters:
    return {"Quota": {**_shown(call), "Value": _applied(call)}}


@quotas.answers("RequestServiceQuotaIncrease")
def request(call: Call) -> Parameters:
    """Begins, in the words of https://github.com/cloud-custodian/cloud-custodian/pull/8939 where it does not.

    https://github.com/hashicorp/terraform-provider-aws/pull/43606 (a second request),
    https://github.com/awslabs/landing-zone-accelerator-on-aws/issues/946 (too many)
    """
    shown, requests = _shown(call), call.keeps(Requests).all
    running = [one for one in requests.values() if _status(one) == "PENDING"]
    if any(_of(one) == _of({**shown, "Region": call.region}) for one in running):
        text = "Only one open service quota increase request is allowed per quota."
        raise Refused("ResourceAlreadyExistsException", text)
    if not shown["Adjustable"]:
        raise Refused("InvalidResourceStateException", f"{shown['QuotaName']} is not adjustable")
    if call["DesiredValue"] <= _applied(call):
        text = "You must provide a quota value greater than the current quota value"
        raise Refused("IllegalArgumentException", text)
    if len(running) >= _AT_ONCE:
        raise Refused("QuotaExceededException", f"{len(running)} requests are open")
    id = uuid.uuid4().hex
    kept = {name: shown[name] for name in ("ServiceCode", "ServiceName", "QuotaCode", "QuotaName", "QuotaArn", "Unit")}
    requests[id] = {
        **kept,
        "Id": id,
        "GlobalQuota": shown["GlobalQuota"],
        "DesiredValue": call["DesiredValue"],
        "Created": datetime.now(UTC),
        "LastUpdated": datetime.now(UTC),
        "Status": "APPROVED",
        "Region": call.region,
    }
    late.begin(_decision(id))
    return {"RequestedQuota": {**requests[id], "Status": _status(requests[id])}}


@quotas.answers("GetRequestedServiceQuotaChange")
def requested(call: Call) -> Parameters:
    found = call.keeps(Requests).all.get(call["RequestId"])
    if found is None:
        raise Refused("NoSuchResourceException", "The request failed because the specified request does not exist.")
    return {"RequestedQuota": _told(found)}


@quotas.answers("ListRequestedServiceQuotaChangeHistory", "ListRequestedServiceQuotaChangeHistoryByQuota")
def history(call: Call) -> Parameters:
    asked = {name: call.parameters[name] for name in ("ServiceCode", "QuotaCode") if name in call.parameters}
    here = [one for one in call.keeps(Requests).all.values() if one["Region"] == call.region]
    shown = [_told(one) for one in here if asked.items() <= one.items()]
    wanted = call.parameters.get("Status")
    return page(call, [one for one in shown if wanted in (None, one["Status"])], "RequestedQuotas")


def _shown(call: Call) -> Parameters:
    """Returns AWS's default of a quota. Those of all regions are told in one, `us-east-1`.

    https://docs.aws.amazon.com/servicequotas/latest/userguide/gs-request-quota.html
    """
    found = _QUOTAS.get((call["ServiceCode"], call["QuotaCode"]))
    if found is None or (found["GlobalQuota"] and call.region != HOME):
        raise Refused("NoSuchResourceException", "The request failed because the specified quota does not exist.")
    arn = f"arn:aws:servicequotas:{call.region}:{call.account}:{call['ServiceCode']}/{call['QuotaCode']}"
    return {**found, "QuotaArn": arn}


def _applied(call: Call) -> float:
    return applied(call.account, call.region, call["ServiceCode"], call["QuotaCode"])


def applied(account: str, region: str, service: str, code: str) -> float:
    """Returns how much an account may have of something."""
    kept, here = memory.of(Requests, account, ""), (region, service, code)
    done = [one["DesiredValue"] for one in kept.all.values() if _of(one) == here and _status(one) == "APPROVED"]
    return float(max([kept.granted.get(here, _QUOTAS[service, code]["Value"]), *done]))


def _told(request: Parameters) -> Parameters:
    """Returns a request as it is now, which brings its end nearer."""
    status = _status(request)
    late.look(_decision(request["Id"]))
    return {**request, "Status": status}


def _status(request: Parameters) -> str:
    return "PENDING" if late.is_late(_decision(request["Id"])) else str(request["Status"])


def _of(request: Parameters) -> tuple[str, str, str]:
    return request["Region"], request["ServiceCode"], request["QuotaCode"]


def _decision(id: str) -> str:
    return f"decision on quota request {id}"
