"""IAM Access Analyzer, which moto has not: analyzers of a region."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.aws.calls import Call, Parameters, Refused, Service
from tests.aws.organizations import require_trust_seen

accessanalyzer = Service("accessanalyzer")
_ORGANIZATION_ANALYZERS = 5
_NOT_SEEN = "Service not enabled for AWS Organizations"
"""https://github.com/nozaq/terraform-aws-secure-baseline/issues/184"""


@dataclass
class Analyzers:
    """The analyzers of one account in one region, by name."""

    all: dict[str, Parameters] = field(default_factory=dict)


@accessanalyzer.answers("CreateAnalyzer")
def create(call: Call) -> Parameters:
    kept, name, type = call.keeps_here(Analyzers).all, call["analyzerName"], call["type"]
    if name in kept:
        raise Refused("ConflictException", f"An analyzer with the name {name} already exists.")
    if type.startswith("ORGANIZATION"):
        require_trust_seen("access-analyzer.amazonaws.com", "ValidationException", _NOT_SEEN, call.account)
        if sum(each["type"] == type for each in kept.values()) >= _ORGANIZATION_ANALYZERS:
            raise Refused("ServiceQuotaExceededException", f"there are {_ORGANIZATION_ANALYZERS} analyzers of {type}")
    arn = f"arn:aws:access-analyzer:{call.region}:{call.account}:analyzer/{name}"
    kept[name] = {
        "arn": arn,
        "name": name,
        "type": type,
        "status": "ACTIVE",
        "createdAt": "2026-01-01T00:00:00Z",
        "tags": call.parameters.get("tags") or {},
        **({"configuration": call["configuration"]} if call.parameters.get("configuration") else {}),
    }
    return {"arn": arn}


@accessanalyzer.answers("GetAnalyzer")
def get(call: Call) -> Parameters:
    return {"analyzer": _found(call, call["analyzerName"])}


@accessanalyzer.answers("DeleteAnalyzer")
def delete(call: Call) -> Parameters:
    del call.keeps_here(Analyzers).all[_found(call, call["analyzerName"])["name"]]
    return {}


@accessanalyzer.answers("ListAnalyzers")
def list_all(call: Call) -> Parameters:
    wanted = call.parameters.get("type")
    return {"analyzers": [each for each in call.keeps_here(Analyzers).all.values() if wanted in (None, each["type"])]}


@accessanalyzer.answers("ListTagsForResource", "TagResource", "UntagResource")
def tags(call: Call) -> Parameters:
    kept = _found(call, call["resourceArn"].rsplit("/", 1)[-1])["tags"]
    kept.update(call.parameters.get("tags") or {})
    for key in call.parameters.get("tagKeys") or ():
        kept.pop(key, None)
    return {"tags": kept} if call.operation.startswith("List") else {}


def _found(call: Call, name: str) -> Parameters:
    found = call.keeps_here(Analyzers).all.get(name)
    if found is None:
        raise Refused("ResourceNotFoundException", f"there is no analyzer {name} in {call.region}")
    return found
