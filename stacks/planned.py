"""Resources that are plain JSON until somebody asks for the construct of cdktf.

A construct takes three calls to cdktf's Node, some 3 ms and 25 KB. Most are written and never looked at again.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, NoReturn, TypeVar

from cdktf import TerraformElement, TerraformStack

Json = dict[str, Any]
E_co = TypeVar("E_co", bound=TerraformElement, covariant=True)

OTHERWISE = re.compile(r"\d|_$|[a-z][A-Z]|^equal_to$|^fetch_|_attribute$|^(?:egress|ingress|route|step)$")
"""Arguments that Terraform may name otherwise than Python, as `address_1` and `lambda`: cdktf knows how.

The last four are lists of blocks in which cdktf writes null for what is not set, as Terraform demands there.
"""
_MAPS = frozenset({"tags", "tags_all"})
"""Arguments in which names are text, and those of no argument."""
_META = frozenset({"connection", "count", "for_each", "provider", "provisioners"})
"""Arguments of every resource that are more than their JSON: cdktf writes them."""
REFERENCE = "{TfToken["
"""What cdktf has in every text, and in that of a list or map, that stands for the attribute of a construct."""


@dataclass
class Plan:
    """What a resource or data source will be, and the construct once it is made, which writes it then."""

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
    made: Any = None
    """The construct, once it is made."""

    @property
    def address(self) -> str:
        """Returns its address, with `data.` before that of a data source."""
        return f"data.{self.type}.{self.name}" if self.data else f"{self.type}.{self.name}"

    def construct(self) -> Any:
        """Returns the construct, and makes it for the first who asks."""
        if self.made is None:
            given = dict(self.arguments)
            if before := given.get("depends_on"):
                given["depends_on"] = [other.construct() if isinstance(other, Added) else other for other in before]
            self.made = self.make(given)
            self.set(self.expressions)
        return self.made

    def set(self, expressions: Mapping[str, Any]) -> None:
        """Sets arguments for which the class has no type."""
        self.expressions |= expressions
        if self.made is not None:
            for name, expression in expressions.items():
                self.made.add_override(name, expression)

    def json(self, path: str) -> Json:
        """Returns it as cdktf writes it, of a stack at this path."""
        comment = {"metadata": {"path": f"{path}/{self.type}.{self.name}", "uniqueId": self.name}}
        return {"//": comment, **as_json(self.arguments), **self.expressions}


@dataclass(frozen=True, eq=False)
class Added(Generic[E_co]):
    """A resource or data source by its address, which is all of it that `depends_on` needs.

    It is no construct of cdktf: `construct()` makes that, as does an attribute, whose value other stacks take, too.
    """

    fqn: str
    """Its address, by the name that cdktf has for it: attributes of a resource have most others."""
    _kind: type = field(repr=False)
    _make: Callable[[], E_co] = field(repr=False)

    def construct(self) -> E_co:
        """Returns the construct: to set an argument, for an override or an aspect, and for other constructs."""
        return self._make()

    def __getattr__(self, name: str) -> Any:
        if isinstance(getattr(self._kind, name, None), property):
            return getattr(self._make(), name)
        raise AttributeError(f"{self.fqn} has no attribute {name!r}; what its construct has, .construct() has")

    def _refuse(self) -> NoReturn:
        raise TypeError(f"{self.fqn} is no value and no construct: write an attribute of it, as `.id`, or .construct()")

    __str__ = _refuse
    __jsii_type__ = property(_refuse)
    """Asked first of everything that goes to cdktf, where it would become an empty object."""


class PlainResources(TerraformElement):
    """The construct that writes all resources of a stack that have none."""

    def __init__(self, stack: TerraformStack) -> None:
        super().__init__(stack, "plain")
        self._path = stack.node.path
        self.plans: dict[str, Plan] = {}
        self.json: defaultdict[str, Json] = defaultdict(dict)
        """Resources of types with thousands, by type and name."""
        self.outputs: Json = {}
        self.preparing = False

    def add(self, plan: Plan) -> None:
        """Adds a resource; what JSON alone cannot say becomes a construct at once."""
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
        result: dict[str, Any] = {"data": defaultdict(dict), "resource": defaultdict(dict)}
        for plan in self.plans.values():
            if plan.made is None:
                written = plan.json(self._path)
                if not self.preparing or REFERENCE in str(written):
                    result["data" if plan.data else "resource"][plan.type][plan.name] = written
        if not self.preparing:
            for kind, named in self.json.items():
                result["resource"][kind] |= named
            result["output"] = self.outputs
        return {part: dict(named) for part, named in result.items() if named}


def as_json(value: Any) -> Any:
    """Returns arguments as Terraform's JSON: blocks as objects, a resource that comes before as its address."""
    if isinstance(value, Added):
        return value.fqn
    if hasattr(type(value), "__jsii_struct_bases__"):
        return as_json(value._values)
    if isinstance(value, Mapping):
        return {name: as_json(inner) for name, inner in value.items() if inner is not None}
    return [as_json(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def _is_json(value: Any, *, text: bool = False) -> bool:
    """Says whether `as_json` writes a value as cdktf does: no other construct or dynamic block, no number as token.

    A token of a number is a float, and that of a boolean or of a block an object of cdktf's.

    Args:
        value: an argument, a block or all arguments.
        text: whether it is a map, whose names are text.
    """
    if value is None or isinstance(value, (str, int, Added)):
        return True
    if hasattr(type(value), "__jsii_struct_bases__"):
        return _is_json(value._values)
    if isinstance(value, Mapping):
        named_alike = text or not any(map(OTHERWISE.search, value))
        return named_alike and all(_is_json(inner, text=name in _MAPS) for name, inner in value.items())
    return isinstance(value, (list, tuple)) and all(map(_is_json, value))
