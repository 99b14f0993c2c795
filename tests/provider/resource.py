"""A type of the provider: its calls at AWS. Here is what all types share; services/ has the rest."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

from tests.provider.aws import Aws, AwsError, Session
from tests.provider.facts import Facts, facts_of
from tests.provider.mapping import UNKNOWN, Object, from_aws, is_unknown, shaped, tags_of
from tests.provider.schema import Block, empty_object, load_schema

REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
RESOURCES: dict[str, Resource] = {}
EMPTY: tuple[Any, ...] = (None, "", 0, False, [], {})


class Refused(Exception):
    """The provider itself says no."""


class HalfDone(Exception):
    """Something is there, and an error is reported: Terraform keeps it as tainted."""

    def __init__(self, state: Object, error: Exception) -> None:
        super().__init__(str(error))
        self.state = state
        self.error = error


def words(**members: str) -> Mapping[str, str]:
    """Names the members of AWS that are not called as the arguments are."""
    return MappingProxyType(members)


class Tagging(NamedTuple):
    """The calls for the tags of a service: the argument `by` names the thing, in the parameter `under`."""

    list: str
    put: str
    drop: str
    under: str
    by: str = "arn"
    keys: str = "TagKeys"
    tags: str = "Tags"


class Resource:
    """One type. A subclass names its operations, or says in methods what is more than one call."""

    type: ClassVar[str]
    service: ClassVar[str]
    title: ClassVar[str]
    names: ClassVar[Mapping[str, str]] = words()
    make: ClassVar[str] = ""
    change: ClassVar[str] = ""
    get: ClassVar[str] = ""
    drop: ClassVar[str] = ""
    answer: ClassVar[str] = ""
    id: ClassVar[str] = ""
    gone: ClassVar[tuple[str, ...]] = ()
    tagging: ClassVar[Tagging | None] = None
    tags_in_answer: ClassVar[bool] = False
    looks_back: ClassVar[bool] = True

    def __init_subclass__(cls, type: str = "", **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if type:
            cls.type = type
            RESOURCES[type] = cls()

    # Of one type

    def create(self, aws: Aws, new: Object) -> None:
        """Makes the thing and sets what AWS computes; an error after `id` is set leaves it tainted."""
        answer = aws.send(self.make, new)
        inside = self.answer if self.answer in answer else ""
        shape = aws.output(self.make, inside)
        self.fill(new, from_aws(shape, answer[inside] if inside else answer, self.block, self.names) if shape else {})
        self.name(new)

    def read(self, aws: Aws, old: Object) -> Object | None:
        """Returns what AWS says of the thing, or None when it is gone."""
        return self.shown(aws, aws.send(self.get, old))

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        """Changes the thing; its tags are changed already."""
        if self.change and self.changed(old, new):
            aws.send(self.change, new)

    def delete(self, aws: Aws, old: Object) -> None:
        """Deletes the thing."""
        aws.send(self.drop, old)

    def settle(self, planned: Object, prior: Object | None, config: Object) -> None:
        """Changes a plan as only this type does."""

    def replaced_by(self, prior: Object, planned: Object) -> list[str]:
        """Returns arguments whose change replaces only sometimes."""
        return []

    # For the types

    @property
    def block(self) -> Block:
        """The schema of the type."""
        return load_schema()["resources"][self.type]

    @property
    def facts(self) -> Facts:
        """What tests/provider/types.yaml says of the type."""
        return facts_of(self.type)

    def name(self, new: Object) -> None:
        """Sets the id of a new thing, which from here on is in the state."""
        new["id"] = self.id.format(**new)

    def fill(self, new: Object, found: Object) -> None:
        """Sets what is known now of a planned thing."""
        new.update({name: value for name, value in found.items() if is_unknown(new.get(name)) and value is not None})

    def shown(self, aws: Aws, answer: Any, operation: str = "", path: str | None = None) -> Object | None:
        """Returns the attributes that an answer holds."""
        path = self.answer if path is None else path
        shape = aws.output(operation or self.get, path)
        for name in path.split(".") if path else ():
            answer = answer.get(name)
            if not answer:
                return None
            answer = answer[0] if isinstance(answer, list) else answer
        if shape.type_name == "list":
            shape = shape.member
        found = from_aws(shape, answer, self.block, self.names)
        for name in ("id", "region", "tags", "tags_all"):
            found.pop(name, None)
        if self.tags_in_answer:
            found["tags_all"] = tags_of(next((answer[name] for name in ("Tags", "tags") if name in answer), ()))
        return found

    def changed(self, old: Object, new: Object, *names: str) -> set[str]:
        """Returns which arguments change, of some or of all but the tags."""
        names = names or tuple(
            {*self.block["attributes"], *self.block["blocks"]} - {"id", "tags", "tags_all", "timeouts"}
        )
        return {name for name in names if not is_unknown(new[name]) and new[name] != old[name]}

    # For the server

    def created(self, session: Session, planned: Object) -> Object:
        """Creates, and returns the state.

        Raises:
            HalfDone: it is there, and something after that failed.
        """
        aws, new = self.aws(session, planned), dict(planned)
        new["id"] = UNKNOWN
        try:
            self.create(aws, new)
            return self._complete(aws, new)
        except AwsError as error:
            if is_unknown(new["id"]):
                raise
            raise HalfDone(_known(new), error) from error

    def updated(self, session: Session, prior: Object, planned: Object) -> Object:
        """Changes, and returns the state.

        Raises:
            HalfDone: something was refused; the state has the new values all the same, as the real one leaves it.
        """
        aws, new = self.aws(session, planned), dict(planned)
        try:
            self._retag(aws, prior, new)
            self.update(aws, prior, new)
            return self._complete(aws, new)
        except AwsError as error:
            raise HalfDone(_known(new), error) from error

    def deleted(self, session: Session, prior: Object) -> None:
        """Deletes; what is gone already is no error."""
        try:
            self.delete(self.aws(session, prior), prior)
        except AwsError as error:
            if error.code not in self.gone:
                raise

    def refreshed(self, session: Session, state: Object) -> Object | None:
        """Returns the state as it is now, or None when the thing is gone."""
        aws = self.aws(session, state)
        try:
            found = self.read(aws, state)
        except AwsError as error:
            if error.code in self.gone:
                return None
            raise
        return None if found is None else self._merged(aws, state, found)

    def imported(self, session: Session, id: str) -> Object:
        """Returns the state that an import begins with."""
        state = empty_object(self.block) | self.facts.set_by_import
        if "region" in self.block["attributes"]:
            bare, _, region = id.rpartition("@")
            named = bool(bare and REGION.fullmatch(region))
            id, state["region"] = (bare, region) if named else (id, session.region)
            if id.startswith("arn:") and self.facts.imports == ("{arn}",) and id.split(":")[3]:
                state["region"] = id.split(":")[3]
        parts = self.facts.parsed(id)
        if parts is None:
            expected = " or ".join(self.facts.imports) or "nothing: the provider cannot import this type"
            raise Refused(f"unexpected format of ID ({id}), expected {expected}")
        for name, value in parts.items():
            if "." in name:
                block, inner = name.split(".")
                state[block] = [{**(state[block] or [{}])[0], inner: value}]
            else:
                state[name] = value
        state["id"] = id
        return state

    def aws(self, session: Session, object: Object) -> Aws:
        """Returns the calls for one object."""
        return Aws(session, self.service, object.get("region") or session.region, self.names)

    def _complete(self, aws: Aws, new: Object) -> Object:
        found = self.read(aws, new) if self.looks_back else None
        return _known(new) if found is None else self._merged(aws, new, found)

    def _merged(self, aws: Aws, state: Object, found: Object) -> Object:
        """Lays what AWS says over a state; what is empty in both stays as it is, what means the same too."""
        merged = _known(state)
        if "tags_all" in self.block["attributes"]:
            tags = found.pop("tags_all", None)
            tags = self.tags(aws, {**merged, **found}) if tags is None else tags
            merged["tags_all"] = tags
            defaults = aws.session.default_tags
            own = {name: value for name, value in tags.items() if defaults.get(name) != value}
            if own or merged["tags"]:
                merged["tags"] = own
        attributes = self.block["attributes"]
        for name, live in found.items():
            if name in merged and name not in self.facts.not_read:
                old = merged[name]
                value = shaped(attributes[name]["type"], live) if name in attributes else live
                if not (value in EMPTY and old in EMPTY) and not self.facts.same(name, old, value, refreshing=True):
                    merged[name] = value
        return merged

    def tags(self, aws: Aws, state: Object) -> dict[str, str]:
        """Returns the tags of the thing."""
        assert self.tagging, self.type
        answer = aws(self.tagging.list, **self._tagged(state))
        return tags_of(next((value for name, value in answer.items() if "Tag" in name and value), ()))

    def _retag(self, aws: Aws, old: Object, new: Object) -> None:
        before, after = old.get("tags_all") or {}, new.get("tags_all") or {}
        if before == after or not self.tagging:
            return
        if dropped := sorted(before.keys() - after.keys()):
            whole = self.tagging.keys == "TagsList"  # CloudTrail takes tags, not their keys
            keys: list[Any] = [{"Key": name} for name in dropped] if whole else dropped
            aws(self.tagging.drop, **self._tagged(new), **{self.tagging.keys: keys})
        if put := {name: value for name, value in after.items() if before.get(name) != value}:
            aws.send(self.tagging.put, {"tags_all": put}, **self._tagged(new))

    def _tagged(self, state: Object) -> Object:
        assert self.tagging
        return {self.tagging.under: state[self.tagging.by]}


def json_equal(one: Any, other: Any) -> bool:
    """Says whether two texts are the same JSON, with one text the same as a list of it, as in IAM's policies."""
    try:
        return bool(_policy(json.loads(one)) == _policy(json.loads(other)))
    except (TypeError, ValueError):
        return False


def _policy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _policy(inner) for key, inner in value.items()}
    if isinstance(value, list):
        items = [_policy(inner) for inner in value]
        return items[0] if len(items) == 1 else sorted(items, key=str)
    return value


def _known(state: Object) -> Object:
    return {name: None if is_unknown(value) else value for name, value in state.items()}
