"""expectations.yaml: sentences about who may do what where, and who may not, that hold whatever else is configured."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from strata.config.models import Dated, Listing, Model
from strata.config.text import Problem
from strata.config.types import (
    Action,
    AskedRegion,
    ConditionKey,
    ConditionValue,
    Key,
    LastDay,
    Many,
    OneOrMany,
    PlaceReference,
    PrincipalReference,
    Reason,
    ResourceReference,
)
from strata.errors import Message

ENTRIES = "expectations"
"""The key under which the list of the file is read."""

OTHER_REGIONS = "other"
"""Stands for every region that project.yaml does not govern."""


class Exemptions(Model):
    """What an expectation leaves out."""

    as_: OneOrMany[PrincipalReference] = Field(default=(), alias="as")
    """Principals, in the words of `strata can --as`; `*` and `?` are wildcards in the name of a role."""
    in_: OneOrMany[PlaceReference] = Field(default=(), alias="in")
    """Accounts by key, units as `ou/KEY`."""
    region: OneOrMany[AskedRegion] = ()
    """Regions."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.as_ or self.in_ or self.region):
            message = Message("nothing-named", "leaves nothing out", keys=["as", "in", "region"])
            raise Problem(message, "name something under as, in or region, or remove it")
        return self


class Expectation(Dated, Model):
    """One sentence: what is allowed, or denied, to whom, where."""

    id: Key
    """Its name, unique in the file."""
    reason: Reason
    """Why, for whoever breaks it."""
    denied: OneOrMany[Action] = ()
    """Actions that are denied, each of them; `s3:Delete*` is every action that it matches."""
    allowed: OneOrMany[Action] = ()
    """Actions that are allowed, each of them, with the same wildcards. Either this or `denied`."""
    as_: Annotated[OneOrMany[PrincipalReference], Field(min_length=1)] = Field(default=("anybody",), alias="as")
    """Each of them by itself: a user, a group, a permission set, `role/NAME`, `root`, `deployer`, a service;
    `anybody` is any role with full access, `everybody` each who has a permission set there."""
    in_: Annotated[OneOrMany[PlaceReference], Field(min_length=1)] = Field(alias="in")
    """In each of these accounts: keys, `ou/KEY` for a unit and all below, `root` for all members, `all` for all."""
    on: OneOrMany[ResourceReference] = ()
    """ARNs of resources, `*` is any text, and as the account the one that is asked about. An account key may stand for
    its id, and `{{name}}` for what it does in policies. Without it: any resource."""
    region: OneOrMany[AskedRegion] = ()
    """In each of these regions; `other` is every region that `regions` of project.yaml does not govern."""
    with_: dict[ConditionKey, OneOrMany[ConditionValue]] = Field(default={}, alias="with")
    """Condition keys that the request has, with their values, where `{{name}}` may stand as in `on`; an empty list for
    one that it does not have."""
    except_: Exemptions | None = Field(default=None, alias="except")
    """What is left out of all that is named above."""
    until: LastDay | None = None
    """Its last day, YYYY-MM-DD: `strata check --as-of` reports when it comes, and no longer asks after it."""

    @model_validator(mode="after")
    def _either(self) -> Self:
        if bool(self.denied) == bool(self.allowed):
            problem = f"has {'both denied and' if self.denied else 'neither denied nor'} allowed"
            id = "keys-exclude-each-other" if self.denied else "key-missing"
            message = Message(id, problem, keys=["denied", "allowed"])
            raise Problem(message, "give exactly one of the two, with actions")
        if self.except_ and self.except_.region and not self.region:
            message = Message("key-missing", "leaves regions out and names none", key="region")
            raise Problem(message, "name some under region", at=("except", "region"))
        return self

    @property
    def expects(self) -> str:
        """Returns which answer it expects, as the field that has its actions is called."""
        return "denied" if self.denied else "allowed"

    @property
    def actions(self) -> tuple[str, ...]:
        """Returns the actions, as they are written."""
        return self.denied or self.allowed


class ExpectationList(Listing[Many[Expectation]]):
    """expectations.yaml: what holds whatever else is configured, which `strata check` asks the policies."""
