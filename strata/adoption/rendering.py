"""Renders a described configuration: its YAML, its documents, and ADOPTION.md, which says what is not in it."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import yaml

from strata.adoption.describing import Description, LeftAlone
from strata.config import (
    ACCEPTED,
    EXPECTATIONS,
    IMPORTS,
    ORGANIZATION,
    PROJECT,
    SECURITY,
    SSO,
)
from strata.config.models import Assignment, Control, Mode, Project, Security, Setting
from strata.errors import Message
from strata.kinds import WORDS
from strata.kinds.assignment import ASSIGNMENT, ENTITLEMENT
from strata.kinds.at_aws import Inventory
from strata.printing import markdown
from strata.rules.lockout import LOCK_OUT
from strata.text import counted, listed

_HEADS = {
    PROJECT: "What is managed, where, and from which account.",
    ORGANIZATION: "Units, accounts and policies, as found. Keys are identities and stay; names may change.",
    SECURITY: "Controls of the management account and of the organization as a whole: on, off or unmanaged.",
    SSO: "People, groups, permission sets, and who gets what where, as found. Keys are identities and stay.",
    IMPORTS: "Existing resources to import, by Terraform address; once deployed, a line has no effect.",
}


def project(content: Project) -> dict[str, Any]:
    """Returns the content of project.yaml: no tags of Strata's on what exists."""
    return {**content.model_dump(exclude_defaults=True, mode="json"), "default_tags": False}


def security(description: Description) -> dict[str, Any]:
    """Returns the content of security.yaml: controls as they are, and all others left as they are."""
    return {name: description.security.get(name, {"mode": Mode.UNMANAGED}) for name in Security.kinds(Control)}


def files(contents: Mapping[str, Mapping[str, Any]], documents: Mapping[str, str]) -> dict[str, str]:
    """Returns the texts of a configuration by path: YAML of contents, and documents as they are."""
    rendered = {name: f"# {_HEADS[name]}{_GAP}{_yaml(content)}".rstrip() + "\n" for name, content in contents.items()}
    return {**rendered, **documents}


def accepted(entries: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Returns accepted.yaml by its path, nothing where nothing needs to be accepted."""
    return _entries(ACCEPTED, "Findings that AWS has as they are; correct them, or look them up.", entries)


def expectations(entries: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Returns expectations.yaml by its path, nothing where none of the usual ones holds."""
    return _entries(EXPECTATIONS, "What holds today, whatever else is configured: strata check asks it.", entries)


def _entries(name: str, head: str, entries: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    if not entries:
        return {}
    parts = [yaml.dump([entry], Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110) for entry in entries]
    between = "\n" if name == EXPECTATIONS else ""
    text = between.join(parts).replace('\n  "on":', "\n  on:")  # a key, which our readers take as text
    return {name: f"# {head}{_GAP}{text}"}


def looks_of(entries: Sequence[Mapping[str, Any]]) -> Iterator[Message]:
    """Yields what to look at among the accepted findings, by what each means."""
    places = defaultdict[str, list[str]](list)
    for entry in entries:
        places["unknown-name" if entry["finding"].startswith("unknown-") else entry["finding"]].append(entry["at"])
    for finding, at in places.items():
        id, text = _LOOKS[finding]
        yield Message(id, f"{text}: {listed(at)}.", at=at)


_LOOKS = {
    "unknown-name": (
        "unknown-names-found",
        "Strata's data of AWS lacks these names, and a Deny of such a name may deny nothing",
    ),
    "unmatched-pattern": (
        "unmatched-patterns-found",
        "No action that Strata's data of AWS has is meant by these patterns, and a Deny of such a one may deny nothing",
    ),
    LOCK_OUT: ("lock-out-found", "Nobody could undo this, as it is at AWS"),
}
"""Id and sentence by what accepted.yaml calls it, of all that `strata.adoption.checking` finds."""


_GAP = "\n\n"


def _yaml(content: Mapping[str, Any]) -> str:
    """Returns sections with a line between them, and no empty ones."""
    scalars, others = "", list[str]()
    for key, value in content.items():
        if value not in ({}, [], ()):
            text = yaml.dump({key: value}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
            if isinstance(value, dict | list):
                others.append(text)
            else:
                scalars += text
    return "\n".join([*([scalars] if scalars else []), *others])


class _Dumper(yaml.SafeDumper):
    """Indents lists below their key, and quotes what a reader could take for something else."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Returns to the next level."""
        super().increase_indent(flow, False)

    def choose_scalar_style(self) -> str:
        """Returns double quotes where PyYAML takes single ones, if nothing needs an escape then."""
        style: str = super().choose_scalar_style()
        escaped = isinstance(self.event, yaml.ScalarEvent) and {'"', "\\"}.intersection(self.event.value)
        return '"' if style == "'" and not escaped else style


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    tag: str = dumper.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    plain = tag == _TEXT and not _NUMBER.fullmatch(text)
    return dumper.represent_scalar(_TEXT, text, style="|" if "\n" in text else None if plain else '"')


def _mode(dumper: _Dumper, mode: Mode) -> yaml.ScalarNode:
    """Writes `on` without quotes, as everywhere in a configuration."""
    return dumper.represent_scalar("tag:yaml.org,2002:bool" if mode is not Mode.UNMANAGED else _TEXT, mode.value)


_TEXT = "tag:yaml.org,2002:str"
_NUMBER = re.compile(r"[-+]?[0-9][0-9_.:eE+-]*")
_Dumper.add_representer(str, _text)
_Dumper.add_representer(Mode, _mode)


def adoption(inventory: Inventory, description: Description, *, shown: Callable[[str], str] = markdown) -> str:
    """Returns ADOPTION.md; `shown` makes texts of AWS safe elsewhere."""
    parts = (
        _opening(inventory, description),
        _future(description, shown),
        _left_alone(description, shown),
        _next(description, shown),
    )
    return "\n".join(line for part in parts for line in part)


def _opening(inventory: Inventory, description: Description) -> Iterator[str]:
    described = {word: len(description.keys[kind]) for kind, word in WORDS.items()}
    described |= {ASSIGNMENT.name: len(description.grants), ENTITLEMENT.name: 0}
    alone = Counter(omission.kind for omission in dict.fromkeys(description.left_alone))
    yield "# Adoption"
    yield ""
    yield "What `strata adopt` found and wrote. It changed nothing at AWS."
    yield ""
    yield "| | described | left alone |"
    yield "|---|---|---|"
    yield from (f"| {word} | {number} | {alone[word]} |" for word, number in described.items())
    yield ""
    if inventory.center:
        rules = counted(len(description.assignments), "rule")
        yield f"The account assignments stand in {rules}, which give exactly these."
    else:
        yield "IAM Identity Center is not enabled in the region that was asked, so sso.yaml is empty."
    yield ""


def _future(description: Description, shown: Callable[[str], str]) -> Iterator[str]:
    wide = [
        assignment
        for assignment in description.assignments
        if assignment.accounts == "all" or assignment.organizational_units
    ]
    if not wide:
        return
    yield "## Rules that reach future accounts"
    yield ""
    yield "An account that comes into the organizational unit, or is opened at all, gets this too."
    yield "`strata adopt --literal` names every account instead."
    yield ""
    yield from (f"- {shown(_rule(assignment))}" for assignment in wide)
    yield ""


def _rule(assignment: Assignment) -> str:
    who = ", ".join([*assignment.groups, *(f"user {key}" for key in assignment.users)])
    where = ["every account"] if assignment.accounts == "all" else []
    where += [f"everything below {unit}" for unit in assignment.organizational_units]
    return f"{', '.join(assignment.permission_sets)} for {who} in {', '.join(where)}"


def _left_alone(description: Description, shown: Callable[[str], str]) -> Iterator[str]:
    yield "## Left alone"
    yield ""
    if not description.left_alone:
        yield "Nothing: the configuration describes everything that was found."
        yield ""
        return
    yield "Strata neither changes nor removes this."
    yield ""
    for (kind, reason), things in _alike(description.left_alone).items():
        yield f"- {kind}: {shown(reason)}"
        for thing in things:
            yield f"  - '{shown(thing.name)}'{f' ({shown(thing.at_aws)})' if thing.at_aws else ''}"
    yield ""


def _alike(left_alone: Iterable[LeftAlone]) -> dict[tuple[str, str], list[LeftAlone]]:
    """Returns what is left alone, each once, by kind and reason."""
    alike = defaultdict[tuple[str, str], list[LeftAlone]](list)
    for omission in dict.fromkeys(left_alone):
        alike[omission.kind, omission.reason].append(omission)
    return alike


def _next(description: Description, shown: Callable[[str], str]) -> Iterator[str]:
    yield "## Look at"
    yield ""
    for text in description.looks:
        yield f"- {shown(text)}"
    if description.sso:
        yield "- `strata adopt --thorough` alone finds an assignment of a deleted user beside one of a living user."
    yield from _written_once(description)
    yield ""


def _written_once(description: Description) -> Iterator[str]:
    """Yields what to know of each file."""
    yield "- `security.yaml`: a control is `on` where it is set as Strata sets it, and `unmanaged` everywhere else."
    yield "  Switch one on at a time, and read the plan."
    unread = [f"`{control}`" for control in Security.kinds(Control) if control not in Security.kinds(Setting)]
    yield f"- Not read, and left as it is whether the account has it or not: {', '.join(unread)}."
    yield "- `project.yaml`: `default_tags: false` keeps Strata's tags off what exists."
    if description.organization["disable_services"]:
        yield "- `organization.yaml`: `disable_services` names what Strata switches on otherwise."
        yield "  Without account.amazonaws.com it renames no account."
    yield "- `strata plan` shows imports, and of `backend` what Strata adds, before you deploy."
