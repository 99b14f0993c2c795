"""Connections of Glue, of which moto needs more than is installed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.aws.calls import Call, Parameters, Service

glue = Service("glue")


@dataclass
class Connections:
    """What was created, in order."""

    made: list[Any] = field(default_factory=list)


@glue.answers("CreateConnection")
def create_connection(call: Call) -> Parameters:
    call.keeps(Connections).made.append(call["ConnectionInput"])
    return {}


@glue.answers("GetConnections")
def connections(call: Call) -> Parameters:
    return {"ConnectionList": call.keeps(Connections).made}
