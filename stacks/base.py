"""The base of all stacks: provider, state backend, addresses that never move, imports and removals."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Concatenate, NoReturn, ParamSpec, TypeVar, cast

from cdktf import (
    Aspects,
    DefaultTokenResolver,
    S3Backend,
    StringConcat,
    TerraformDataSource,
    TerraformElement,
    TerraformOutput,
    TerraformResourceLifecycle,
    TerraformStack,
    Tokenization,
)
from cdktf_cdktf_provider_aws.data_aws_s3_objects import DataAwsS3Objects
from cdktf_cdktf_provider_aws.provider import AwsProvider, AwsProviderAssumeRole, AwsProviderDefaultTags
from constructs import Construct

from stacks import hcl
from stacks.arguments import check_arguments, check_value
from stacks.hcl import EACH_VALUE, Expression, written
from stacks.planned import Added, Json, PlainResources, Plan, as_json
from strata.config.models import TAKES_TABLE, Locking, Project, state_key
from strata.config.moves import Move
from strata.errors import Message
from strata.kinds.moves import moved_keys

P = ParamSpec("P")
E = TypeVar("E", bound=TerraformElement)

EMULATED = "emulated"
"""The context key of a run against an emulator."""
TIMES = "timeouts"
"""An import brings none, so that they alone would be a change; what is created has them all the same."""


@dataclass(frozen=True)
class Precondition:
    """A condition that must hold before a plan or apply, and Terraform's message if it does not."""

    condition: Expression
    error_message: str


RETIRED = "retired"
"""The part of `declared_keys` with retired accounts, by key."""


_NAME = re.compile(r"[^\W\d][\w-]*")
"""The names that Terraform takes for a resource or an output."""


def _check_name(kind: Any, name: str) -> None:
    if not _NAME.fullmatch(name):
        rule = "a letter or underscore, then such, digits and hyphens"
        raise ValueError(f"{kind.__name__} {name!r}: Terraform refuses this name, it takes {rule}")


class AddressTakenError(Exception):
    """Two resources claim the same Terraform address; the second would silently replace the first."""


class BaseStack(TerraformStack):
    """One stack of the landing zone: its state in S3, its provider tied to the management account.

    `add` creates resources and pins their Terraform address. An address is a contract: a resource with a new address
    is destroyed and created again.

    Text is text: everything for Terraform goes through `_written`, which escapes all but an `Expression`.
    Addresses, as of imports, removals and dependencies, are names and no templates, nor is anything of the backend.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        project: Project,
        region: str | None = None,
        layer: str | None = None,
        account_id: str | None = None,
    ) -> None:
        super().__init__(scope, id)
        self.project = project
        self.account_id = account_id or project.management_account.id
        self.region = region or project.regions.primary
        self._addresses: set[tuple[bool, str]] = set()
        self._imports: list[dict[str, Any]] = []
        self._removed: list[dict[str, Any]] = []
        self._moved: list[dict[str, str]] = []
        self._plain = PlainResources(self)
        self._retired: frozenset[str] = frozenset()
        self._removes = False
        emulated = self._emulated = _is_emulated(scope)
        # From the first run; this travels into the remote-state sources of other stacks.
        S3Backend(
            self,
            bucket=project.state_bucket,
            key=state_key(id),
            region=project.regions.primary,
            use_path_style=True if emulated else None,
            skip_metadata_api_check=True if emulated else None,
        )
        self.own_tags = {"Project": project.name, "Layer": layer or id, "ManagedBy": "strata"}
        tags = {**project.tags, **(self.own_tags if project.default_tags else {})}
        AwsProvider(
            self,
            "aws",
            region=self.region,
            allowed_account_ids=[self._written(self.account_id)],
            assume_role=self._role(),
            default_tags=[AwsProviderDefaultTags(tags=self._written(tags))] if tags else None,
            s3_use_path_style=True if emulated else None,
            skip_metadata_api_check="true" if emulated else None,
        )
        self.add_override("terraform", _of_the_writer(project))

    def __getattr__(self, name: str) -> NoReturn:
        text = f"{type(self).__name__!r} object has no attribute {name!r}"
        if "_plain" not in vars(self):
            line = type(self).__init__.__code__.co_firstlineno
            text = f"super().__init__ is missing: call it first in __init__, line {line}"
        raise AttributeError(text)

    def _role(self) -> list[AwsProviderAssumeRole] | None:
        """Returns the role that the provider assumes; none in the management account."""
        return None

    def add(
        self, kind: Callable[Concatenate[Construct, str, P], E], name: str, /, *args: P.args, **arguments: P.kwargs
    ) -> Added[E]:
        """Adds a resource or data source at `<type>.<name>`; within `removing_from_state` it removes it from the state.

        It is written as plain JSON, unless somebody asks for an attribute or the construct: that makes it.

        Raises:
            AddressTakenError: something in this stack has the address already.
            ValueError: Terraform refuses the name.
            TypeError: the class has no such argument, needs another, or an argument has another type.
        """
        if self._removes:
            return self._remove(kind, name)
        data, type_name = self._take(kind, name), _type_of(kind)

        def make(given: Json) -> E:
            element = kind(self, f"{type_name}.{name}", *args, **given)
            element.override_logical_id(name)
            return element

        plan = Plan(cast("type", kind), data, type_name, name, self._written(arguments), make)
        self._plain.add(plan)
        if plan.made is None:
            check_arguments(plan)
        return Added(plan.address, plan.kind, plan.construct)

    def make_constructs(self) -> None:
        """Makes the constructs of all resources: for `Testing.synth` with aspects, and to look through the tree.

        An app does it for a stack that has aspects.
        """
        self._plain.make_constructs()

    def add_json(self, kind: type[TerraformElement], name: str, /, **arguments: Any) -> None:
        """Adds a resource without a construct, which costs 2 ms and 25 KB: for types with thousands of resources.

        The arguments are those of Terraform's JSON; references are expressions, as `resolved` returns them.

        Raises:
            AddressTakenError: something in this stack has the address already.
            ValueError: Terraform refuses the name.
        """
        self._take(kind, name)
        given = {key: value for key, value in arguments.items() if value is not None}
        self._plain.json[_type_of(kind)][name] = self._written(given)

    def override(self, element: Added[Any], **expressions: Expression) -> None:
        """Sets arguments to expressions for which the bindings have no type, such as `for_each` or a whole list."""
        self._plain.plans[element.fqn].set(self._written(expressions))

    def _take(self, kind: Any, name: str) -> bool:
        data, made = issubclass(kind, TerraformDataSource), f"{_type_of(kind)}.{name}"
        _check_name(kind, name)
        if (data, made) in self._addresses:
            text = f"{self.node.id}: two resources have the address {made}; change one of the names it is made of"
            raise AddressTakenError(Message("address-taken", text, place=made, stack=self.node.id))
        self._addresses.add((data, made))
        return data

    def expression(self, element: Added[Any], attribute: str) -> Expression:
        """Returns an attribute of what this stack has added, for other things in it; it makes no construct."""
        return hcl.attribute(element.fqn, attribute)

    def expressions_of(
        self, other: BaseStack, elements: Mapping[str, Added[Any]], attribute: str
    ) -> dict[str, Expression]:
        """Returns an attribute of things in another stack, which it outputs as cdktf would have it do.

        The first is a reference of cdktf's, which makes the dependency and the source of the rest.
        """
        if not elements:
            return {}
        first = next(iter(elements.values()))
        (pattern,) = self.resolved({"": getattr(first, attribute)}).values()
        begin, end = pattern.split(_output_name(first, attribute))
        result = {}
        for key, element in elements.items():
            name = _output_name(element, attribute)
            other._plain.outputs[name] = {"sensitive": True, "value": hcl.attribute(element.fqn, attribute)}
            result[key] = Expression(f"{begin}{name}{end}")
        return result

    def resolved(self, values: Mapping[str, str]) -> dict[str, Expression]:
        """Returns values of other stacks as expressions of this, all in a single call to cdktf."""
        resolver = DefaultTokenResolver(StringConcat())
        texts = Tokenization.resolve(dict(values), scope=self, resolver=resolver, preparing=True)
        return {key: Expression(text) for key, text in texts.items()}

    def _written(self, value: Any) -> Any:
        return written(value, lambda token: self.resolved({"token": token})["token"])

    def import_resource(self, address: str, import_id: str) -> None:
        """Imports what exists under an id that is known when planning; a no-op once it is in the state."""
        self._import({"to": address, "id": import_id})

    def keep_tags(self, address: str) -> None:
        """Leaves the tags of a thing as they are at AWS, unless it says itself which of its settings it leaves."""
        plan = self._plain.plans.get(address)
        if plan and hasattr(plan.kind, "tags_input"):
            lifecycle = as_json(plan.arguments.get("lifecycle") or {})
            left = lifecycle.get("ignore_changes", [])
            if {*left} <= {TIMES}:
                plan.set({"lifecycle": {**lifecycle, "ignore_changes": [*left, "tags"]}})

    def import_if_exists(self, address: str, import_ids: Expression) -> None:
        """Imports what exists, if it exists: a set of at most one id."""
        self._import({"for_each": import_ids, "to": address, "id": EACH_VALUE})

    def _import(self, block: dict[str, str]) -> None:
        # cdktf's own import_from runs `terraform version` each time while synthesizing.
        self._imports.append(self._written(block))

    def remove_from_state(self, *addresses: str) -> None:
        """Removes resources from the state, if it has them, and leaves them unchanged in AWS."""
        self._removed += [{"from": address, "lifecycle": {"destroy": False}} for address in addresses]

    def move(self, old: str, new: str) -> None:
        """Has what a state has at an address go on at another."""
        self._moved.append({"from": old, "to": new})

    @contextmanager
    def removing_from_state(self) -> Iterator[None]:
        """Lets `add` remove resources from the state instead of adding them, so that the same list serves both."""
        self._removes = True
        try:
            yield
        finally:
            self._removes = False

    def _remove(self, kind: Any, name: str) -> Added[Any]:
        address = f"{_type_of(kind)}.{name}"
        self.remove_from_state(address)

        def refuse() -> NoReturn:
            raise TypeError(f"{address} is removed from the state and has no construct")

        return _Removed(address, kind, refuse)

    def prepare_stack(self) -> None:
        """Passes imports, moves and removals to cdktf at once, before synthesis: singly they take squared time."""
        if Aspects.of(self).all:
            self.make_constructs()
        self._plain.preparing = True
        super().prepare_stack()
        self._plain.preparing = False
        for block, entries in (("import", self._imports), ("moved", self._moved), ("removed", self._removed)):
            if entries:
                self.add_override(block, entries)

    def output(self, name: str, value: Any, *, description: str, preconditions: Iterable[Precondition] = ()) -> None:
        """Declares an output under its plain name; a precondition that fails stops plan and apply.

        Raises:
            TypeError: the value is a resource, or has any in it.
            ValueError: Terraform refuses the name.
        """
        _check_name(TerraformOutput, name)
        check_value(f"output {name}", value)
        # Terraform does not evaluate the description.
        output = TerraformOutput(self, name, value=self._written(value), description=description)
        if preconditions:
            output.add_override("precondition", [self._written(vars(precondition)) for precondition in preconditions])

    def declare_keys(
        self,
        keys: Mapping[str, Any],
        *,
        preconditions: Sequence[Precondition],
        moves: Sequence[Move],
    ) -> None:
        """Declares the identity of each key for the guards of the next run, which read it from this stack's state.

        The values are constants, which Terraform writes even when an apply breaks half way.

        Args:
            keys: the identity of each key by kind.
            preconditions: what else has to hold.
            moves: the recorded moves, which are allowed if the thing stays.
        """
        self.read_state(hcl.OWN_STATE, self.node.id)
        kinds = [kind for kind, some in keys.items() if isinstance(some, Mapping) and kind != RETIRED]
        now = {kind: hcl.keys_by_identity(keys[kind]) for kind in kinds}
        self.add_override(f"locals.{hcl.DECLARED}", self._written(now))
        description = "What each configuration key stands for"
        changed = [guard for kind in kinds for guard in self._unchanged(kind, moved_keys(moves, kind))]
        self.output("declared_keys", dict(keys), description=description, preconditions=[*changed, *preconditions])

    def read_state(self, name: str, stack: str) -> None:
        """Reads the state of a stack as the last apply left it, where there is one: what depends on it can do without.

        Args:
            name: that of the data sources.
            stack: the stack.
        """
        project, key = self.project, state_key(stack)
        region = project.regions.primary
        self.add(DataAwsS3Objects, name, bucket=project.state_bucket, prefix=key, region=region)
        config: dict[str, Any] = {"bucket": project.state_bucket, "key": key, "region": region}
        if self._emulated:
            config |= {"use_path_style": True, "skip_metadata_api_check": True}
        source = {"backend": "s3", "config": config, "count": str(hcl.state_exists(name, key))}
        self.add_override(f"data.terraform_remote_state.{name}", source)

    def _unchanged(self, kind: str, moves: Mapping[str, str]) -> Iterator[Precondition]:
        """Stops when something is declared under another key than it is deployed under, but for recorded moves."""
        changed = hcl.changed_keys(kind, self._retired, moves)
        yield Precondition(
            hcl.is_empty(changed),
            hcl.template(
                f"The key of a thing changed while the thing stayed ({kind}): ",
                hcl.listed(changed),
                ". Nothing was changed: Terraform would destroy it under the old key, or mix two up. Write the old key "
                "again, or record the rename with strata rename; strata deploy prints the command.",
            ),
        )
        if moves:
            joined = hcl.joined_keys(kind, moves)
            yield Precondition(
                hcl.is_empty(joined),
                hcl.template(
                    f"moves.yaml moves a thing to the key of another ({kind}): ",
                    hcl.listed(joined),
                    ". Nothing was changed. A move changes the key alone: give the thing its e-mail address, name, "
                    "path or user name back, deploy, and change that after.",
                ),
            )

    @property
    def addresses(self) -> frozenset[str]:
        """Returns the addresses of all resources of the stack."""
        return frozenset(address for is_data, address in self._addresses if not is_data)

    @property
    def removed(self) -> frozenset[str]:
        """Returns the addresses that the stack removes from the state."""
        return frozenset(block["from"] for block in self._removed)


class _Removed(Added[NoReturn]):
    """A resource that was removed from the state, which no construct may add again; nobody uses its attributes."""

    def __getattr__(self, name: str) -> str:
        return f"{self.fqn}.{name}"


@cache
def _type_of(kind: Any) -> str:
    """Returns the Terraform type that a class of the bindings stands for, which its docstring says."""
    said = DOCSTRING.fullmatch(kind.__doc__ or "")
    # Asking the class takes a call to cdktf's Node, which loads the module for it.
    return said[1] if said else str(kind.TF_RESOURCE_TYPE)


DOCSTRING = re.compile(r"Represents a \{@link \S+ (\w+)\}\.")
"""Of every resource and data source of the bindings. Names of modules divide words otherwise: `s3_control_bucket`."""


def _output_name(element: Added[Any], attribute: str) -> str:
    """Returns the output with which cdktf gives an attribute to other stacks."""
    return f"cross-stack-output-{element.fqn}.{attribute}".replace(".", "")


@cache
def leaving(*arguments: str) -> TerraformResourceLifecycle | None:
    """Leaves arguments as they are at AWS once the thing is there, whoever set them."""
    return TerraformResourceLifecycle(ignore_changes=list(arguments)) if arguments else None


def resource_name(*parts: str) -> str:
    """Joins configuration keys to the name of a resource. Keys have no underscore, so the result is unique."""
    return "_".join(parts)


def policy_json(document: Mapping[str, Any]) -> str:
    """Returns a policy document minified, as it goes to AWS."""
    return json.dumps(document, separators=(",", ":"))


def _of_the_writer(project: Project) -> Json:
    """Returns the settings of this stack alone: locking, encryption, the allowed account, and which Terraform may run.

    It has to know the lock file, and the lock table where there is any.
    """
    table, end = {}, ""
    if project.state.locking is Locking.BOTH:
        major, minor = TAKES_TABLE
        table, end = {"dynamodb_table": project.lock_table}, f", < {major}.{minor + 1}.0"
    # With an own key the bucket's default encryption applies; `encrypt` would override it with AES256.
    encryption = {} if project.state.kms else {"encrypt": True}
    account = {"allowed_account_ids": [project.management_account.id]}
    s3 = {"use_lockfile": True, **table, **account, **encryption}
    return {"backend": {"s3": s3}, "required_version": f">= 1.10.0{end}"}


@lru_cache(maxsize=1)
def _is_emulated(scope: Construct) -> bool:
    """Says whether the app is for an emulator, which all its stacks ask."""
    return bool(scope.node.try_get_context(EMULATED))
