"""What stands behind a value that only an apply knows: its expression, and what that refers to as far as it is known.

A plan in Terraform's JSON says of such a value that it is unknown, and no more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from strata.terraform.attributes import MASKED, any_true, digest

Json = dict[str, Any]


class ParsedExpression(NamedTuple):
    """The Terraform of an argument, by its name, and what it refers to, by its address."""

    written: Json
    secret: str = ""
    """A digest of what is sensitive in that and is masked."""


def terraform(document: Mapping[str, Any]) -> Json:
    """Returns the Terraform of a stack without what names the stack; the id of its own account is named alike in all.

    So two accounts have the same where the same would be made in them.
    """
    provider, *_ = document.get("provider", {}).get("aws") or [{}]
    own, *_ = provider.get("allowed_account_ids") or [""]
    text = json.dumps({part: found for part, found in document.items() if part not in ("terraform", "//")})
    if match := re.fullmatch(r"\$\{(data\..+\.outputs\.)([\w-]+)\}", own):
        text = re.sub(rf"{re.escape(match[1])}{match[2]}(?![\w-])", f"{match[1]}{_OWN}", text)
    without_places: Json = json.loads(text, object_hook=_without_place)
    return without_places


_OWN = "(own account)"
"""No name that an output may have."""


def _without_place(entry: Json) -> Json:
    return {name: value for name, value in entry.items() if not (name == "//" and isinstance(value, dict))}


def expressions(document: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, dict[str, ParsedExpression]]:
    """Returns the Terraform of the arguments that a plan in Terraform's JSON does not know, by address and argument.

    With them the commands that Terraform runs where it creates something: no plan says them.
    """
    known = _known(shown)
    found: dict[str, dict[str, ParsedExpression]] = {}
    for resource in shown.get("resource_changes", ()):
        type, _, name = resource["address"].partition(".")
        written = document.get("resource", {}).get(type, {}).get(name.partition("[")[0], {})
        given = {**written.get("dynamic", {}), **written}
        unknown = [name for name, marks in (resource["change"].get("after_unknown") or {}).items() if any_true(marks)]
        arguments = [*unknown, *([PROVISIONER] if "create" in resource["change"]["actions"] else [])]
        if here := {name: _expression(name, given, document, known) for name in arguments if name in given}:
            found[resource["address"]] = here
    return found


PROVISIONER = "provisioner"
"""The argument that has the commands of a resource."""


def _expression(
    argument: str, given: Json, document: Mapping[str, Any], known: Mapping[str, list[Mapping[str, Any]]]
) -> ParsedExpression:
    written, secrets, waiting = {argument: given[argument]}, [], [given[argument]]
    if "each." in json.dumps(given[argument]):
        written["for_each"] = given.get("for_each")
        waiting.append(given.get("for_each"))
    while waiting:
        for reference in _REFERENCE.finditer(json.dumps(waiting.pop())):
            for place, defined in _defined(document, *reference.group("data", "type", "name")):
                if place not in written:
                    written[place] = defined
                    waiting.append(defined)
            for resource in known.get(reference["address"], ()):
                value, hidden = _at(resource, reference["attribute"], reference["below"])
                if value is not None:
                    place = resource["address"] + reference["path"]
                    written[place] = MASKED if hidden else value
                    secrets += [f"{place} {digest(value)}"] if hidden else []
    return ParsedExpression(dict(sorted(written.items())), digest(sorted(secrets)) if secrets else "")


_REFERENCE = re.compile(
    r"(?<![\w.-])(?P<address>(?P<data>data\.)?(?P<type>[a-z]\w*)\.(?P<name>[\w-]+))(?:\[[^\]]*\])?"
    r"(?P<path>\.(?P<attribute>[\w-]+)(?:\.(?P<below>[\w-]+))?|)"
)
_STATE = "terraform_remote_state"


def _defined(document: Mapping[str, Any], data: str | None, type: str, name: str) -> Iterator[tuple[str, Any]]:
    """Yields what a document says of a data source or a local value, which its address alone does not."""
    if type == "local" and name in document.get("locals", {}):
        yield f"local.{name}", document["locals"][name]
    if data and type != _STATE and name in document.get("data", {}).get(type, {}):
        yield f"data.{type}.{name}", document["data"][type][name]


def _known(shown: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    """Returns what a plan knows of resources and data sources, by the address that an expression has."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    before = shown.get("prior_state", {}).get("values", {}).get("root_module", {}).get("resources", ())
    planned = shown.get("planned_values", {}).get("root_module", {}).get("resources", ())
    for resource in (*(one for one in before if one["mode"] == "data"), *planned):
        found.setdefault(resource["address"].partition("[")[0], []).append(resource)
    return found


def _at(resource: Mapping[str, Any], attribute: str | None, below: str | None) -> tuple[Any, bool]:
    """Returns a value of a resource, and whether it is sensitive.

    Of the outputs of a state it is the one that is named, and Terraform forgets which of them are sensitive.
    """
    value = resource["values"].get(attribute)
    if resource["address"].startswith(f"data.{_STATE}."):
        return (value.get(below) if isinstance(value, dict) and below else None), True
    return value, any_true((resource.get("sensitive_values") or {}).get(attribute))
