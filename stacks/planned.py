"""Resources that stay plain JSON until somebody uses one as the construct of cdktf that it is.

A construct takes three calls to cdktf's Node, some 3 ms and 25 KB. Most are written and never looked at again.
"""

from __future__ import annotations

import copy
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from cdktf import TerraformElement, TerraformStack

from stacks import hcl
from stacks.hcl import Expression

Json = dict[str, Any]

OTHERWISE = re.compile(r"\d|_$|[a-z][A-Z]|^equal_to$|^fetch_|_attribute$|^(?:egress|ingress|route|step)$")
"""Arguments that Terraform may name otherwise than Python, as `address_1` and `lambda`: cdktf knows how.

The last four are lists of blocks in which cdktf writes null for what is not set, as Terraform demands there.
"""
_MAPS = frozenset({"tags", "tags_all"})
"""Arguments in which names are text, and those of no argument."""
_META = frozenset({"connection", "count", "for_each", "provider", "provisioners"})
"""Arguments of every resource that are more than their JSON: cdktf writes them."""
REFERENCE = "{TfToken["
"""What cdktf has in every text, and in the one of a list or map, that stands for the attribute of a construct."""


@dataclass
class Plan:
    """What a resource or data source will be, and the construct once there is one, which writes it then."""

    kind: type
    data: bool
    type: str
    """Of Terraform, as `aws_s3_bucket`."""
    name: str
    arguments: Json
    """Those of the class, escaped."""
    make: Callable[[Json], Any]
    """Makes the construct with these arguments."""
    expressions: Json = field(default_factory=dict)
    """Arguments for which the class has no type."""
    _construct: Any = None

    @property
    def address(self) -> str:
        """Returns its address, with `data.` before that of a data source."""
        return f"data.{self.type}.{self.name}" if self.data else f"{self.type}.{self.name}"

    def expression(self, attribute: str) -> Expression:
        """Returns an attribute of it, for its own stack."""
        return hcl.attribute(self.address, attribute)

    def construct(self) -> Any:
        """Returns the construct, and makes it for the first who asks."""
        if self._construct is None:
            self._construct = self.make(_with_constructs(self.arguments))
            for name, expression in self.expressions.items():
                self._construct.add_override(name, expression)
        return self._construct

    @property
    def plain(self) -> bool:
        """Returns whether it is JSON alone."""
        return self._construct is None

    def set(self, expressions: Mapping[str, Any]) -> None:
        """Sets arguments for which the class has no type."""
        self.expressions |= expressions
        if not self.plain:
            for name, expression in expressions.items():
                self.construct().add_override(name, expression)

    def json(self, path: str) -> Json:
        """Returns it as cdktf writes it, of a stack at this path."""
        comment = {"metadata": {"path": f"{path}/{self.type}.{self.name}", "uniqueId": self.name}}
        return {"//": comment, **as_json(self.arguments), **self.expressions}


class Planned:
    """Stands for a resource in Python: whatever is asked of it is asked of the construct, which is made for it."""

    __slots__ = ("_plan",)

    def __init__(self, plan: Plan) -> None:
        object.__setattr__(self, "_plan", plan)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """Tells `isinstance` the class of the construct."""
        return plan_of(self).kind

    def __getattr__(self, name: str) -> Any:
        return getattr(plan_of(self).construct(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(plan_of(self).construct(), name, value)


def plan_of(planned: Any) -> Plan:
    """Returns the plan of what a stack has added."""
    plan: Plan = object.__getattribute__(planned, "_plan")
    return plan


class PlainResources(TerraformElement):
    """The one construct that writes all resources of a stack that have none."""

    def __init__(self, stack: TerraformStack) -> None:
        super().__init__(stack, "plain")
        self._stack = stack
        self.plans: dict[str, Plan] = {}
        self.json: defaultdict[str, Json] = defaultdict(dict)
        """Resources of types with thousands, by type and name."""
        self.outputs: Json = {}
        self.preparing = False

    def add(self, plan: Plan) -> None:
        """Adds a resource; one that JSON alone cannot say becomes a construct at once."""
        self.plans[plan.address] = plan
        derived = "__jsii_type__" not in vars(plan.kind)
        if derived or not (_META.isdisjoint(plan.arguments) and _is_json(plan.arguments)):
            plan.construct()

    def make_constructs(self) -> None:
        """Makes the constructs of all resources."""
        for plan in self.plans.values():
            plan.construct()

    def to_terraform(self) -> Any:
        """Returns the JSON; what refers to no other stack needs no look before synthesis."""
        path = self._path
        result: dict[str, Any] = {"data": defaultdict(dict), "resource": defaultdict(dict)}
        for plan in self.plans.values():
            if plan.plain:
                written = plan.json(path)
                if not self.preparing or REFERENCE in str(written):
                    result["data" if plan.data else "resource"][plan.type][plan.name] = written
        if not self.preparing:
            for kind, named in self.json.items():
                result["resource"][kind] |= named
            result["output"] = self.outputs
        return {part: dict(found) for part, found in result.items() if found}

    @cached_property
    def _path(self) -> str:
        return str(self._stack.node.path)


def as_json(value: Any) -> Any:
    """Returns arguments as Terraform's JSON: blocks as objects, a resource that comes before as its address."""
    if type(value) is Planned:
        return plan_of(value).address
    if hasattr(type(value), "__jsii_struct_bases__"):
        return as_json(value._values)
    if isinstance(value, Mapping):
        return {name: as_json(inner) for name, inner in value.items() if inner is not None}
    return [as_json(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def _is_json(value: Any, *, text: bool = False) -> bool:
    """Returns whether `as_json` writes a value as cdktf does: no other construct or dynamic block, no number as token.

    A token of a number is a float, and one of a boolean or of a block an object of cdktf's.

    Args:
        value: an argument, a block or all arguments.
        text: whether it is a map, whose names are text.
    """
    if type(value) is Planned or value is None or isinstance(value, (str, int)):
        return True
    if hasattr(type(value), "__jsii_struct_bases__"):
        return _is_json(value._values)
    if isinstance(value, Mapping):
        named_alike = text or not any(map(OTHERWISE.search, value))
        return named_alike and all(_is_json(inner, text=name in _MAPS) for name, inner in value.items())
    return isinstance(value, (list, tuple)) and all(map(_is_json, value))


def _with_constructs(value: Any) -> Any:
    """Returns arguments with the constructs of the resources in them.

    What has a resource replaced is told by address: cdktf writes `${...}` around it, which Terraform rejects there.
    """
    if type(value) is Planned:
        return plan_of(value).construct()
    if hasattr(type(value), "__jsii_struct_bases__"):
        block = copy.copy(value)
        block._values = _with_constructs(value._values)
        return block
    if isinstance(value, dict):
        return {name: (as_json if name == _TRIGGERS else _with_constructs)(inner) for name, inner in value.items()}
    return [_with_constructs(inner) for inner in value] if isinstance(value, list) else value


_TRIGGERS = "replace_triggered_by"
