"""Policies and expectations of the library: what is asked about them, and what is written where."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strata.commands.add.questions import one_of
from strata.config import EXPECTATIONS
from strata.config.entries import Way
from strata.config.models import MANAGEMENT, ROOT
from strata.config.source import Value
from strata.config.text import Problem, short
from strata.config.types import did_you_mean
from strata.errors import Message, StrataError
from strata.files.library import Guardrail, library, offered_expectations
from strata.landing_zone import LandingZone
from strata.landing_zone.detection import guardduty_of
from strata.landing_zone.units import THE_ROOT, Target
from strata.printing import line
from strata.questions import Known, Question, Read
from strata.rules.usual_expectations import Entry, adapted
from strata.text import listed

_DELEGATED = "access-analyzer.amazonaws.com"


@dataclass(frozen=True)
class Addition:
    """What is added: to which section of which file, and what."""

    file: str
    way: Way
    new: Mapping[str, Value] | Sequence[Value]


def print_offered(kind: str, landing_zone: LandingZone, *, details: bool) -> None:
    """Prints what the library has of a kind, each with its sentence, and which of it is there already."""
    there = _there(landing_zone) if kind == "policy" else {entry.id for entry in landing_zone.expectations}
    offered = (
        {guardrail.key: guardrail.description for guardrail in library().values()}
        if kind == "policy"
        else {id: entry["reason"] for id, entry in offered_expectations().items()}
    )
    width = max(map(len, offered))
    for key, text in offered.items():
        print(line(f"{'+' if key in there else ' '} {key:<{width}}  {text}"))
        if details and kind == "policy":
            print(line(f"  {'':<{width}}  breaks: {library()[key].breaks}"))
    print(line(f"+ is there already; strata add {kind} KEY {'--attach' if kind == 'policy' else '--in'} PLACE"))


def _there(landing_zone: LandingZone) -> set[str]:
    """Returns the guardrails that a configuration has, by their keys."""
    organization = landing_zone.organization
    return {
        guardrail.key
        for guardrail in library().values()
        if guardrail.key in organization.policies or (guardrail.option and getattr(organization, guardrail.option))
    }


# The questions


def policy_questions(landing_zone: LandingZone, _folder: Path) -> tuple[Question, ...]:
    return (
        Question("key", "which policy", _of_library("policy", tuple(library()), _there(landing_zone))),
        Question("attach", "what it is attached to: root, units, accounts", _place(landing_zone), many=True),
    )


def expectation_questions(landing_zone: LandingZone, _folder: Path) -> tuple[Question, ...]:
    there = {entry.id for entry in landing_zone.expectations}
    return (
        Question("key", "which expectation", _of_library("expectation", tuple(offered_expectations()), there)),
        Question("place", "where it holds: root, units, accounts", _place(landing_zone), many=True),
    )


def _of_library(what: str, keys: Sequence[str], there: Collection[str]) -> Read:
    place = "targets" if what == "policy" else "in"

    def read(text: str, _known: Known) -> str:
        if text not in keys:
            problem = f"the library has no {what} {short(text)}{did_you_mean(text, keys)}"
            raise Problem(Message("unknown-name", problem, kind=what, name=text), f"strata add {what} lists them")
        if text in there:
            problem = f"{what} {short(text)} is in the configuration already"
            raise Problem(Message("key-taken", problem, key=text), f"name more places there, under its {place}")
        return text

    return read


def _place(landing_zone: LandingZone) -> Read:
    """Makes a reader of the root, a unit or a member account; `ou/KEY` and `account/KEY` where both have the key."""
    units, accounts = landing_zone.units, landing_zone.members

    def read(text: str, known: Known) -> Target:
        kind, slash, key = text.partition("/")
        if text == ROOT:
            return Target("root", ROOT)
        if slash and kind in ("ou", "account"):
            one_of("organizational unit" if kind == "ou" else "account", tuple(units if kind == "ou" else accounts))(
                key, known
            )
            return Target("unit" if kind == "ou" else "account", key)
        if text in units and text in accounts:
            problem = Message("key-of-two", f"{short(text)} is a unit and an account", key=text)
            raise Problem(problem, f"write ou/{text} or account/{text}")
        keys = {"ou": units, "account": accounts}
        places = (f"{kind}/{key}" if key in units and key in accounts else key for kind in keys for key in keys[kind])
        one_of("place", (ROOT, *places))(text, known)
        return Target("unit" if text in units else "account", text)

    return read


# The entries


def guardrail_additions(kind: str, landing_zone: LandingZone, known: Known) -> list[Addition]:
    """Returns the policy with the expectations that are not there yet, or one expectation."""
    if kind == "expectation":
        entry = offered_expectations()[known["key"]]
        return [Addition(EXPECTATIONS, (), [_placed(landing_zone, entry, known["place"])])]
    guardrail, places = library()[known["key"]], known["attach"]
    there, tree = {entry.id for entry in landing_zone.expectations}, landing_zone.ancestors
    # Attached to all that there is, it is expected of what comes later as well, as in a new configuration.
    members = tree.keys() - {THE_ROOT, Target("account", MANAGEMENT)}
    held = places if any({*places}.isdisjoint(tree[member]) for member in members) else [THE_ROOT]
    new = [_placed(landing_zone, entry, held) for entry in guardrail.expectations if entry["id"] not in there]
    policy = _policy(guardrail, landing_zone, places, known["file"])
    return [policy, *(Addition(EXPECTATIONS, (), [entry]) for entry in new)]


def guardrail_document(kind: str, folder: Path, known: Known) -> dict[str, str]:
    """Returns the document that comes with a policy, nothing where the same one is there.

    Raises:
        StrataError: another one is there.
    """
    guardrail = library()[known["key"]] if kind == "policy" else None
    if guardrail is None or guardrail.option:
        return {}
    path = folder / guardrail.file
    if not os.path.lexists(path):  # a link that leads nowhere would be written through
        return {guardrail.file: guardrail.document}
    try:
        there = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, RecursionError, ValueError):
        there = None
    if there != json.loads(guardrail.document):
        text = f"{path} is there and says something else; rename it, or write the entry by hand"
        raise StrataError(Message("file-differs", text, place=str(path)))
    return {}


def _policy(guardrail: Guardrail, landing_zone: LandingZone, places: Sequence[Target], file: str) -> Addition:
    keys = {kind: [place.key for place in places if place.kind == kind] for kind in ("unit", "account")}
    by_kind: dict[str, Any] = {
        "root": any(place.kind == "root" for place in places),
        "organizational_units": keys["unit"],
        "accounts": keys["account"],
    }
    targets = {name: value for name, value in by_kind.items() if value}
    if guardrail.option:
        regions = list(landing_zone.project.regions.all_governed)
        allowed = {"allowed": regions} if guardrail.option == "region_restriction" else {}
        return Addition(file, (guardrail.option,), {**allowed, "targets": targets})
    entry = {
        "type": guardrail.type.value,
        "file": guardrail.file,
        "description": guardrail.description,
        "targets": targets,
    }
    return Addition(file, ("policies",), {guardrail.key: entry})


def _placed(landing_zone: LandingZone, entry: Entry, places: Sequence[Target]) -> Entry:
    """Returns an expectation of some places, in the words of a configuration."""
    where = [place.key if place.kind != "unit" else f"ou/{place.key}" for place in places]
    left_out = dict(entry.get("except", {}))
    if "in" in left_out:  # of who administers the security services for all
        administrator = landing_zone.organization.delegated_administrators.get(_DELEGATED)
        left_out |= {"in": administrator or ""}
    changed = {**entry, "except": {name: value for name, value in left_out.items() if value}}
    kept = adapted(landing_zone, {name: value for name, value in changed.items() if name != "in" and value})
    placed: Entry = {}
    for name in ("id", "reason", "denied", "allowed", "as", "in", "on", "region", "with", "except"):
        if name == "in":
            placed["in"] = where if where[1:] else where[0]
        elif name in kept:
            placed[name] = kept[name]
    return placed


# What it means


def guardrail_effects(kind: str, before: LandingZone, after: LandingZone, known: Known) -> dict[str, Any]:
    """Returns whom a new policy binds, what it breaks, and the new expectations."""
    were = {entry.id for entry in before.expectations}
    shown: dict[str, Any] = {
        "gives": [],
        "expectations": [entry.id for entry in after.expectations if entry.id not in were],
    }
    if kind == "policy":
        new = after.policies.keys() - before.policies.keys()
        shown["binds"] = [
            key
            for key in after.accounts
            if any(policy.policy.key in new and policy.binds for policy in after.effective_policies[_account(key)])
        ]
        shown["breaks"] = library()[known["key"]].breaks
        administrator = _administrator(after, _WATCHING.get(known["key"], ""))
        shown["breaks"] += f" This binds it: {administrator}." if administrator in shown["binds"] else ""
    return shown


_WATCHING = {"keep-guardduty-on": "guardduty.amazonaws.com", "keep-security-hub-on": "securityhub.amazonaws.com"}
"""The guardrails that keep a service on, whose administrator cannot work under them."""


def _administrator(zone: LandingZone, service: str) -> str:
    """Returns the account that administers a service for all, empty where none does."""
    if zone.detection and service == "guardduty.amazonaws.com" and guardduty_of(zone.detection):
        return zone.detection.administrator
    return zone.organization.delegated_administrators.get(service, "")


def guardrail_told(kind: str, known: Known, shown: Mapping[str, Any]) -> Iterator[str]:
    """Yields the same in words."""
    if kind == "policy":
        yield f"policy {known['key']} binds {listed(shown['binds']) or 'no account yet'}"
        yield f"policy {known['key']} breaks: {shown['breaks']}"
        there = [
            entry["id"] for entry in library()[known["key"]].expectations if entry["id"] not in shown["expectations"]
        ]
        if there:
            yield f"{listed(there)} is in {EXPECTATIONS} already, and stays as it is"
        if not shown["binds"]:
            return
    for id in shown["expectations"]:
        yield f"expectation {id} holds now: strata check fails once it is broken"


def _account(key: str) -> Target:
    return Target("account", key)
