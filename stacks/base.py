"""The base of all stacks: provider, state backend, addresses that never move, imports and removals."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from cdktf import (
    S3Backend,
    TerraformDataSource,
    TerraformElement,
    TerraformOutput,
    TerraformResource,
    TerraformResourceLifecycle,
    TerraformStack,
)
from cdktf_cdktf_provider_aws.data_aws_s3_objects import DataAwsS3Objects
from cdktf_cdktf_provider_aws.provider import AwsProvider, AwsProviderAssumeRole, AwsProviderDefaultTags
from constructs import Construct

from stacks import hcl
from stacks.hcl import EACH_VALUE, Expression, escaped
from strata.config.models import TAKES_TABLE, Locking, Project, state_key
from strata.config.moves import Move
from strata.errors import Message
from strata.kinds.moves import moved_keys

Json = dict[str, Any]
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


class AddressTakenError(Exception):
    """Two resources claim the same Terraform address; the second would silently replace the first."""


class BaseStack(TerraformStack):
    """One stack of the landing zone: its state in S3, its provider tied to the management account.

    `add` creates resources and pins their Terraform address. An address is a contract: a resource with a new address
    is destroyed and created again.

    Text is text: everything for Terraform goes through `hcl.escaped`, which leaves expressions and tokens as they are.
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
        self._addresses: set[str] = set()
        self._imports: dict[str, dict[str, Any]] = {}
        self._removed: list[dict[str, Any]] = []
        self._moved: list[dict[str, str]] = []
        self.bulk = InBulk(self)
        self.resources: dict[str, TerraformElement] = {}
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
            allowed_account_ids=[escaped(self, self.account_id)],
            assume_role=self._role(),
            default_tags=[AwsProviderDefaultTags(tags=escaped(self, tags))] if tags else None,
            s3_use_path_style=True if emulated else None,
            skip_metadata_api_check="true" if emulated else None,
        )
        self.add_override("terraform", _of_the_writer(project))

    def _role(self) -> list[AwsProviderAssumeRole] | None:
        """Returns the role that the provider assumes; none in the management account."""
        return None

    def add(
        self, kind: Callable[Concatenate[Construct, str, P], E], name: str, /, *args: P.args, **arguments: P.kwargs
    ) -> E:
        """Makes a resource or data source in this stack, as `add` does; none within `removing_from_state`."""
        return add(self, kind, name, *args, **arguments)

    def add_json(self, kind: type[TerraformResource], name: str, /, **arguments: Any) -> str:
        """Writes a resource of which there are thousands, as `add_json` does, and returns its address."""
        return add_json(self, kind, name, **arguments)

    def take(self, address: str) -> bool:
        """Takes an address, and says whether a resource is made there: within `removing_from_state` it goes instead.

        Raises:
            AddressTakenError: something in this stack has the address already.
        """
        if self._removes:
            self.remove_from_state(address)
            return False
        if address in self._addresses:
            text = f"{self.node.id}: two resources have the address {address}; change one of the names it is made of"
            raise AddressTakenError(Message("address-taken", text, place=address, stack=self.node.id))
        self._addresses.add(address)
        return True

    def import_resource(self, address: str, import_id: str) -> None:
        """Imports what exists under an id that is known when planning, in place of what is found by name.

        It is a no-op once it is in the state.
        """
        self._import({"to": address, "id": import_id})

    def keep_tags(self, address: str) -> None:
        """Leaves the tags of a thing as they are at AWS, unless it says itself which of its settings it leaves."""
        resource = self.resources.get(address)
        if isinstance(resource, TerraformResource) and hasattr(resource, "tags_input"):
            lifecycle = resource.lifecycle
            left = (lifecycle and lifecycle.ignore_changes) or []
            if {*left} <= {TIMES}:
                resource.add_override("lifecycle.ignore_changes", [*left, "tags"])

    def import_if_exists(self, address: str, import_ids: Expression) -> None:
        """Imports what exists, if it exists: a set of at most one id."""
        self._import({"for_each": import_ids, "to": address, "id": EACH_VALUE})

    def _import(self, block: dict[str, str]) -> None:
        # cdktf's own import_from runs `terraform version` each time while synthesizing.
        self._imports[block["to"]] = escaped(self, block)  # Terraform takes a single block an address

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

    def prepare_stack(self) -> None:
        """Passes imports, moves and removals to cdktf at once, before synthesis: singly they take squared time."""
        self.bulk.is_preparing = True
        super().prepare_stack()
        self.bulk.is_preparing = False
        for block, entries in (
            ("import", [*self._imports.values()]),
            ("moved", self._moved),
            ("removed", self._removed),
        ):
            if entries:
                self.add_override(block, entries)

    def output(self, name: str, value: Any, *, description: str, preconditions: Iterable[Precondition] = ()) -> None:
        """Declares an output under its plain name; a precondition that fails stops plan and apply.

        Raises:
            ValueError: Terraform refuses the name.
        """
        _check_name(TerraformOutput, name)
        # Terraform does not evaluate the description.
        output = TerraformOutput(self, name, value=escaped(self, value), description=description)
        if preconditions:
            output.add_override("precondition", [escaped(self, vars(precondition)) for precondition in preconditions])

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
        self.add_override(f"locals.{hcl.DECLARED}", escaped(self, now))
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
        return frozenset(address for address in self._addresses if not address.startswith("data."))

    @property
    def removed(self) -> frozenset[str]:
        """Returns the addresses that the stack removes from the state."""
        return frozenset(block["from"] for block in self._removed)


def add(
    scope: Construct,
    kind: Callable[Concatenate[Construct, str, P], E],
    name: str,
    /,
    *args: P.args,
    **arguments: P.kwargs,
) -> E:
    """Makes a resource or data source of the bindings, and pins its Terraform address to `<type>.<name>`.

    Text in its arguments is text for Terraform, too.

    Raises:
        AddressTakenError: something in the stack has the address already.
        ValueError: Terraform refuses the name.
        TypeError: the class has no such argument, needs another, or an argument has another type.
    """
    _check_name(kind, name)
    address, stack = address_in(kind, name), _stack_of(scope)
    if stack and not stack.take(address):
        return cast("E", _Removed(address))
    if lost := next(_lost_keys(arguments), None):
        text = f"{address}: cdktf loses {lost!r}: write the class of the bindings for a block that is in a list"
        raise TypeError(text)
    try:
        element = kind(scope, address, *args, **escaped(scope, arguments))
    except RuntimeError as error:
        raise TypeError(f"{address}: {_reason(error)}") from None
    element.override_logical_id(name)
    if stack:
        stack.resources[address] = element
    return element


def add_json(scope: Construct, kind: type[TerraformResource], name: str, /, **arguments: Any) -> str:
    """Writes a resource without a construct, which costs 3 ms and 25 KB, and returns its address.

    It is for what comes by the thousand. The arguments are those of Terraform's JSON; aspects do not see it.

    Raises:
        AddressTakenError: something in the stack has the address already.
        ValueError: Terraform refuses the name.
    """
    _check_name(kind, name)
    address, stack = address_in(kind, name), _stack_of(scope)
    if stack and not stack.take(address):
        return address
    given = escaped(scope, {key: value for key, value in arguments.items() if value is not None})
    if hcl.PLACEHOLDER in str(given):
        given = hcl.resolved(scope, given)
    bulk = stack.bulk if stack else InBulk.of(scope)
    bulk.resources[type_of(kind)][name] = given
    return address


def _lost_keys(value: Any, *, in_list: bool = False) -> Iterator[str]:
    """Yields the keys of dicts in lists that cdktf leaves out, since it knows them by names of JavaScript alone."""
    if isinstance(value, (list, tuple)):
        for inner in value:
            yield from _lost_keys(inner, in_list=True)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if in_list and "_" in key:
                yield key
            yield from _lost_keys(inner, in_list=in_list)
    elif hasattr(type(value), "__jsii_struct_bases__"):
        for inner in value._values.values():
            yield from _lost_keys(inner)


def _reason(error: RuntimeError) -> str:
    """Returns in a line what cdktf says of arguments on a page."""
    keys = [re.sub("([A-Z])", r"_\1", key).lower() for key in re.findall(r"Key '(\w+)'", str(error))]
    first, *_ = str(error).strip().splitlines()
    return f"{'.'.join(keys)} has another type than the class takes" if keys else first


def _stack_of(scope: Construct) -> BaseStack | None:
    """Returns the stack of Strata in which something is; a component may be in anybody's."""
    stack = scope if isinstance(scope, TerraformStack) else TerraformStack.of(scope)
    return stack if isinstance(stack, BaseStack) else None


class InBulk(TerraformElement):
    """The construct that writes all resources of a stack that have none of their own."""

    ID = "bulk"

    def __init__(self, stack: TerraformStack) -> None:
        super().__init__(stack, self.ID)
        self.resources: defaultdict[str, dict[str, Json]] = defaultdict(dict)
        """The arguments of each, by type and name."""
        self.is_preparing = False

    @classmethod
    def of(cls, scope: Construct) -> InBulk:
        """Returns that of the stack in which something is."""
        stack = TerraformStack.of(scope)
        there = stack.node.try_find_child(cls.ID)
        return there if isinstance(there, InBulk) else cls(stack)

    def to_terraform(self) -> Any:
        """Returns their JSON; it refers to other stacks by expressions already, so that nothing is to prepare."""
        return {"resource": dict(self.resources)} if self.resources and not self.is_preparing else {}


class _Removed:
    """A resource that leaves the state and is not made; nobody uses its attributes."""

    def __init__(self, fqn: str) -> None:
        self.fqn = fqn

    def __getattr__(self, name: str) -> str:
        return f"{self.fqn}.{name}"


def address_in(kind: Any, name: str) -> str:
    """Returns the address of a resource or data source of a class."""
    address = f"{type_of(kind)}.{name}"
    return f"data.{address}" if issubclass(kind, TerraformDataSource) else address


def address_of(resource: TerraformElement) -> str:
    """Returns the address of what `add` has made, as text, which `depends_on` of `add_json` takes."""
    return resource.node.id


@cache
def type_of(kind: Any) -> str:
    """Returns the Terraform type that a class of the bindings stands for."""
    return str(kind.TF_RESOURCE_TYPE)


_NAME = re.compile(r"[^\W\d][\w-]*")
"""The names that Terraform takes for a resource or an output."""


def _check_name(kind: Any, name: str) -> None:
    if not _NAME.fullmatch(name):
        rule = "a letter or underscore, then such, digits and hyphens"
        raise ValueError(f"{kind.__name__} {name!r}: Terraform refuses this name, it takes {rule}")


@cache
def ignore_changes(*arguments: str) -> TerraformResourceLifecycle | None:
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
