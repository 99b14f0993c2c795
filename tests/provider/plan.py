"""What the provider plans: defaults, what is known after the apply, what counts as no change, and what replaces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.provider.aws import Session
from tests.provider.facts import Facts
from tests.provider.mapping import UNKNOWN, Object, is_unknown
from tests.provider.resource import EMPTY, Resource
from tests.provider.schema import Block


def plan(resource: Resource, session: Session, prior: Object | None, config: Object) -> tuple[Object, list[str]]:
    """Returns the planned object, and the arguments whose change replaces it."""
    block, facts = resource.block, resource.facts
    planned = _settled(block, facts, prior, config, "")
    if "region" in block["attributes"] and config["region"] is None:
        planned["region"] = session.region
    if "tags_all" in block["attributes"] and not is_unknown(config["tags"]):
        planned["tags_all"] = {**session.default_tags, **(config["tags"] or {})}
    if "tags_all" in planned and is_unknown(config["tags"]):
        planned["tags_all"] = UNKNOWN
    resource.settle(planned, prior, config)
    if prior is None:
        return planned, []
    if not _is_change(prior, planned):
        return prior, []
    return planned, sorted(_replacing(resource, prior, planned))


def _is_change(prior: Object, planned: Object) -> bool:
    """Says whether there is something to do: a default that an import left empty is none, timeouts alone are none."""
    changed = {name for name in planned if planned[name] != prior[name]}
    defaults = {name for name in changed if prior[name] is None and planned[name] in EMPTY}
    return bool(changed - defaults - {"timeouts"}) or bool("timeouts" in changed and defaults)


def _replacing(resource: Resource, prior: Object, planned: Object) -> Iterator[str]:
    for name in resource.facts.force_new:
        if planned[name] != prior[name] and not (planned[name] in EMPTY and prior[name] in EMPTY):
            yield name
    if "region" in planned and planned["region"] != prior["region"]:
        yield "region"
    yield from resource.replaced_by(prior, planned)


def _settled(block: Block, facts: Facts, prior: Object | None, config: Object, path: str) -> Object:
    """Returns a block as it is planned: what is written, else the default, else what is there, else unknown."""
    planned: Object = {}
    before = prior or {}
    for name, attribute in block["attributes"].items():
        written, old = config[name], before.get(name)
        default = facts.defaults.get(path + name)
        if written is not None:
            same = prior is not None and not is_unknown(written) and facts.same(path + name, old, written)
            planned[name] = old if same else _in_form(attribute["type"], written, old)
        elif default is not None:
            planned[name] = default
        elif "computed" in attribute["is"]:
            planned[name] = UNKNOWN if prior is None and not path else old
        elif path + name in facts.kept:
            planned[name] = old
        else:
            planned[name] = old if old in EMPTY else None
    for name, nested in block["blocks"].items():
        written, old = config[name], before.get(name)
        if nested["nesting"] == "single" or is_unknown(written):
            planned[name] = written
        elif not written and path + name in facts.kept:
            planned[name] = old or []
        else:
            pairs = zip(written, _counterparts(nested["nesting"], written, old or []), strict=True)
            inner = f"{path}{name}."
            planned[name] = [
                one if is_unknown(one) else _settled(nested["block"], facts, was, one, inner) for one, was in pairs
            ]
            if nested["nesting"] == "set" and _as_set(planned[name]) == _as_set(old):
                planned[name] = old
    return planned


def _in_form(kind: Any, written: Any, old: Any) -> Any:
    """Returns the old value of a set that holds the same in another order."""
    if isinstance(kind, list) and kind[0] == "set" and _as_set(written) == _as_set(old):
        return old
    return written


def _as_set(value: Any) -> Any:
    return sorted(map(str, value)) if isinstance(value, list) else value


def _counterparts(nesting: str, written: list[Any], old: list[Any]) -> list[Object | None]:
    """Returns for each block the one it was before: at its place in a list, in a set one that agrees with it."""
    if nesting == "list":
        return [old[place] if place < len(old) else None for place in range(len(written))]
    return [next((was for was in old if _agrees(one, was)), None) for one in written]


def _agrees(written: Any, was: Any) -> bool:
    if written in EMPTY:
        return True
    if isinstance(written, Mapping):
        return isinstance(was, Mapping) and all(_agrees(value, was.get(name)) for name, value in written.items())
    if isinstance(written, list) and isinstance(was, list):
        return len(written) == len(was) and all(any(_agrees(one, other) for other in was) for one in written)
    return bool(written == was)
