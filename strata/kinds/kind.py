"""What Strata knows of a kind of thing, always in the same order; a part that a kind has not is its default."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeAlias

from strata.config import moves
from strata.config.layers import ACCOUNTS, ARCHIVE, BASELINE_LAYER, DETECTION_LAYER, IN_ACCOUNT
from strata.config.models import PARTITION, Project
from strata.kinds.arguments import Attributes
from strata.kinds.at_aws import Inventory
from strata.kinds.change import Way
from strata.kinds.thing import AtAws, InStates, Thing
from strata.landing_zone import LandingZone
from strata.policy.equality import meaning

Key: TypeAlias = moves.Kind
"""The word for a kind whose things have keys that may change."""
Ids: TypeAlias = Mapping[Key, Mapping[str, str]]
"""Kind to key to id."""


class Ask(Protocol):
    """Whoever asks AWS about a resource that a plan creates or a state has."""

    @property
    def values(self) -> Attributes:
        """Returns its arguments, as far as they are known, or what the state has."""

    @property
    def accounts(self) -> Collection[str]:
        """Returns the ids of the active accounts, where they are known."""

    @property
    def account(self) -> str:
        """Returns the id of the account that is asked."""

    @property
    def project(self) -> Project:
        """Returns its id and regions."""

    @property
    def center(self) -> Any:
        """Returns the questions to Identity Center, by the instance and the identity store that the resource names."""

    def once(self, ask: Callable[..., Any], *about: str) -> Any:
        """Returns the answer to a question that several resources of a plan have, which AWS is asked once."""

    def client(self, service: str) -> Any:
        """Returns a client in the region of the resource."""

    def unless_absent(self, ask: Callable[[], Any]) -> Any | None:
        """Returns the answer to a question, None where AWS has no such thing."""

    def setting(self, key: str) -> Attributes:
        """Returns what the account has of a setting of security.yaml."""


@dataclass(frozen=True)
class AlreadyExists:
    """How AWS says that it has what a plan creates, and the id by which that is imported.

    Attributes:
        conflict: what AWS or the provider says when it exists already; empty where creating it overwrites.
        id: the import id, a template of the arguments or a question, which answers nothing where AWS has none;
            empty where AWS is asked by its name.
        early: asked before Terraform starts: a creation would wait for most of an hour, make it twice, or reset it; or
            others make it as often as we, and the list to approve would have it as created.
        regional: the id ends with the region.
    """

    conflict: str = ""
    id: str | Callable[[Ask], str | None] = ""
    early: Callable[[Ask], object] | None = None
    regional: bool = False

    def import_id(self, ask: Ask) -> str | None:
        """Returns the id, None where AWS has nothing.

        Raises:
            KeyError, IndexError: an argument is not known.
        """
        if callable(self.id):
            import_id = self.id(ask)
        else:
            known = {"region": ask.project.regions.primary, **ask.values}
            import_id = self.id.format_map({**known, "account": ask.account, "partition": PARTITION})
        region = ask.values.get("region")
        return f"{import_id}@{region}" if import_id and self.regional and region else import_id or None


@dataclass(frozen=True)
class Resource:
    """A Terraform resource that things of a kind are, or have.

    Attributes:
        form: the form of its import ids, in the words of `import_ids`; empty where the provider imports none.
        keys: the kinds of the keys that its name begins with.
        branches: the words in its name after which another key follows, with its kind.
        references: the attributes with the ids of the things of these keys, in their order.
        id: the attribute that holds the id by which other resources name it.
        imported: the stack finds what exists itself, by an import block.
        existing: what AWS may have of it already.
        provisioned: AWS takes its changes to all accounts that have the permission set.
    """

    type: str
    form: str
    keys: tuple[Key, ...] = ()
    branches: Mapping[str, Key] = field(default_factory=dict)
    references: tuple[str, ...] = ()
    id: str = ""
    imported: bool = False
    existing: AlreadyExists | None = None
    provisioned: bool = False


READABLE = 40
"""How many characters a key of names has at most, where there are others."""


class LiveName(NamedTuple):
    """A thing that AWS has, of a kind whose things have keys.

    Attributes:
        id: the id by which other things refer to it.
        name: what AWS calls it.
        identity: what tells it from its like; empty as long as that hangs on a thing whose key is not known.
        names: those of which a key is made, the best first; the others tell apart those of which the best is the same.
    """

    id: str
    name: str
    identity: str
    names: Sequence[str]


OF = " of "
"""What stands before the account in the name of a thing of a layer that comes with Strata."""


def account_of(name: str) -> str:
    """Returns the key of the account of such a thing, by its name."""
    return name.rpartition(OF)[2]


def _nothing(_: object) -> tuple[Thing, ...]:
    return ()


@dataclass(frozen=True)
class Kind:
    """A kind of thing.

    Attributes:
        name: its word.
        stack: the stack of its resources.
        resources: the Terraform resources, that which is the thing first.
        key: the word for it in moves.yaml, where its things have keys.
        section: the section of the YAML of what is deleted as soon as its entry goes.
        control: the key of security.yaml of what is a thing of its own.
        addresses: the Terraform addresses of what a landing zone declares.
        import_ids: type and import id of all that AWS has of it, of the types that the configuration imports by id.
        wanted: address and import id of what is declared, as AWS has it or would have it; keys that AWS has nothing of
            are not among the ids.
        declared: what the configuration would have a deploy make, with the values that a deploy puts back.
        recorded: what the states of Strata's stacks hold.
        asked: what AWS has of a thing that a state has, as `inventory.controls` keeps it; None where it has it no more.
        called: what a thing in or of an account is called, by the name of its first resource and what a state has.
        given: what AWS has until somebody takes it away, without any deploy: what it gives by itself, or others put in.
        live: what AWS has, but for what your own layers or others look after.
        named: the names of what AWS has of it, by the keys of the units by id, as far as they are known.
        live_fields: what AWS has of the fields of an entry, of a thing, without those that it says nothing of.
        id_of: the id by which other things refer to it, in its import id.
        meaning: what counts of a value where two are compared, by the attribute.
        fields: the fields of the entry that hold an attribute; empty where the entry is the value.
        stays: what no deploy switches off of it does nothing by itself, so that it is no difference.
        left: the attribute that a deploy leaves as it is, because Terraform would replace the thing.
        way: the way back where it is not that of every kind, by the attribute and what is declared, recorded and live.
    """

    name: str
    stack: str
    resources: tuple[Resource, ...] = ()
    key: Key | None = None
    section: str = ""
    control: str = ""
    addresses: Callable[[LandingZone], Iterable[str]] = lambda _: ()
    import_ids: Callable[[Inventory], Iterable[tuple[str, str]]] | None = None
    wanted: Callable[[LandingZone, Inventory, Ids], Iterable[tuple[str, str]]] | None = None
    declared: Callable[[LandingZone], Iterable[Thing]] = _nothing
    recorded: Callable[[InStates], Iterable[Thing]] = _nothing
    asked: Callable[[Ask], Attributes | None] | None = None
    called: Callable[[str, Attributes], str] = lambda name, _: name
    live: Callable[[AtAws], Iterable[Thing]] = _nothing
    given: Callable[[AtAws], Iterable[Thing]] = _nothing
    named: Callable[[Inventory, Mapping[str, str]], Iterable[LiveName]] = lambda *_: ()
    live_fields: Callable[[Any], dict[str, Any]] = lambda _: {}
    id_of: Callable[[str], str] = str
    meaning: Callable[[str, Any], Any] = lambda _, value: meaning(value)
    fields: Mapping[str, str] = field(default_factory=dict)
    stays: bool = False
    left: str = ""
    way: Callable[[str, Thing | None, Thing | None, Thing | None], Way | None] = lambda *_: None

    @property
    def is_compared(self) -> bool:
        """Returns whether what AWS has of it is held against the YAML and the states."""
        return self.live is not _nothing

    @property
    def is_control(self) -> bool:
        """Returns whether security.yaml has it, under the key with which the names of its things begin."""
        return self.stack == "security"

    @property
    def is_shipped(self) -> bool:
        """Returns whether a layer that comes with Strata makes it: the name of each ends with its account."""
        return self.stack in (ACCOUNTS, BASELINE_LAYER, DETECTION_LAYER, ARCHIVE)

    def stack_of(self, name: str) -> str:
        """Returns the stack that has a thing, by its name."""
        return f"{self.stack}{IN_ACCOUNT}{account_of(name)}" if self.is_in_account(name) else self.stack

    def is_in_account(self, name: str) -> bool:
        """Returns whether a thing is in a member account, by its name: of detection not who administers it."""
        return self.stack in (BASELINE_LAYER, ARCHIVE) or (self.stack == DETECTION_LAYER and OF in name)

    @property
    def type(self) -> str:
        """Returns the Terraform type of the thing itself."""
        return self.resources[0].type
