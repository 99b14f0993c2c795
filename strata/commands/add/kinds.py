"""Each kind of entry: the questions that it needs answered, and what is written where."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import get_annotations
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from strata.commands.add.questions import new_key, one_of
from strata.config import EXPECTATIONS, ORGANIZATION, SSO, models
from strata.config.entries import Way
from strata.config.expectations import Expectation
from strata.config.loader import files_of
from strata.config.models import ROOT
from strata.config.source import Value
from strata.config.text import Problem, short
from strata.config.types import AwsManagedPolicy, ManagedPolicyName, TagKey, TagValue, did_you_mean, validated
from strata.errors import Message, StrataError
from strata.files.config_edit import files_with
from strata.landing_zone import LandingZone
from strata.landing_zone.accounts import default_name
from strata.landing_zone.groups import is_of_control_tower
from strata.landing_zone.selection import is_wildcard, matching
from strata.questions import Known, Question, Read, typed
from strata.text import listed


@dataclass(frozen=True)
class Addition:
    """What is added: to which section of which file, and what."""

    file: str
    way: Way
    new: Mapping[str, Value] | Sequence[Value]


Kind: TypeAlias = Literal["account", "ou", "policy", "expectation", "group", "user", "permission-set", "assignment"]
KINDS: tuple[Kind, ...] = get_args(Kind)


def questions(kind: Kind, landing_zone: LandingZone, folder: Path) -> tuple[Question, ...]:
    """Returns the questions of a kind in their order, that for the file among them where several may take the entry."""
    file, section, _ = SECTIONS[kind]
    return (*_QUESTIONS[kind](landing_zone, folder), _file(landing_zone, folder, file, section, kind))


def additions(kind: Kind, landing_zone: LandingZone, known: Known) -> list[Addition]:
    """Returns the entry, for a user the memberships, with their places."""
    way: Way = (SECTIONS[kind][1],)
    file = known["file"]
    if kind == "ou" and known["under"] != ROOT:
        unit = landing_zone.units[known["under"]]
        way = (*map(str, unit.location), "organizational_units")
        file = landing_zone.source(ORGANIZATION, unit.location).file
    if kind == "account" and not known["name"]:
        prefix, members = default_name(landing_zone.project, ""), landing_zone.members.values()
        # Where no account is named as an entry without `name` would be, a new one is named as they are.
        if members and not any(account.name.startswith(prefix) for account in members):
            known = {**known, "name": known["key"]}
    entry = _entry(kind, known)
    entries = [Addition(file, way, [entry] if kind == "assignment" else {known["key"]: entry})]
    for group in known["group"] if kind == "user" else ():
        at = landing_zone.groups[group].location
        member = Addition(landing_zone.source(SSO, at).file, (*map(str, at), "members"), [known["key"]])
        entries.append(member)
    return entries


SECTIONS: Mapping[Kind, tuple[str, str, type[models.Model]]] = {
    "account": (ORGANIZATION, "accounts", models.AccountEntry),
    "expectation": (EXPECTATIONS, "", Expectation),
    "policy": (ORGANIZATION, "policies", models.PolicyEntry),
    "ou": (ORGANIZATION, "organizational_units", models.OrganizationalUnit),
    "group": (SSO, "groups", models.GroupEntry),
    "user": (SSO, "users", models.User),
    "permission-set": (SSO, "permission_sets", models.PermissionSetEntry),
    "assignment": (SSO, "assignments", models.Assignment),
}


# The file


def _file(landing_zone: LandingZone, folder: Path, file: str, section: str, kind: Kind) -> Question:
    """Returns the question for the file, which is not asked where a single file has such entries."""
    names, choice = files_of(folder, file), files_with(landing_zone, folder, file, section)
    words = f"file, one of {', '.join(choice)}"
    read, only = one_of("file of this configuration", names), choice[0] if len(choice) == 1 else None
    return Question(
        "file",
        words,
        read,
        otherwise=only,
        needed=lambda known: kind != "ou" or known.get("under", ROOT) == ROOT,
    )


# The questions


def _of_field(kind: Kind, name: str, words: str, **more: Any) -> Question:
    """Returns the question for a field of the entry, read as its model reads it."""
    return Question(name, words, typed(_annotation(SECTIONS[kind][2], _FIELDS.get(name, name))), **more)


def _annotation(model: type[models.Model], name: str) -> Any:
    return next(its[name] for kind in model.__mro__ if name in (its := get_annotations(kind)))


_FIELDS = {
    "group": "groups",
    "member": "members",
    "permission_set": "permission_sets",
    "session": "session_duration",
    "user": "users",
}
"""The fields that are not called as their options."""


def _account(landing_zone: LandingZone, _folder: Path) -> tuple[Question, ...]:
    units = (*landing_zone.units, ROOT)
    taken = dict.fromkeys(landing_zone.members, "the key of an account already")
    taken |= dict.fromkeys(landing_zone.retired, "the key of a retired account, which stays its own")
    return (
        Question("key", "key of the account, such as data-prod", new_key("account", taken)),
        _of_field("account", "email", "its root e-mail address"),
        Question(
            "ou",
            f"organizational unit, one of {listed(units)}",
            lambda text, known: one_of("organizational unit", units)(text.removeprefix("ou/"), known),
            # The unit whose key is a part of the account's, if one is.
        ),
        _of_field("account", "name", "its name", otherwise=""),
        Question("tag", "tags, as in Team=data", _tag, otherwise=(), many=True),
    )


def _tag(text: str, _known: Known) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise Problem(Message("argument-malformed", f"{short(text)} is no tag", value=text), "write it as Team=data")
    return validated(TagKey, key), validated(TagValue, value)


def _ou(landing_zone: LandingZone, _folder: Path) -> tuple[Question, ...]:
    units = (ROOT, *landing_zone.units)
    taken = dict.fromkeys(landing_zone.units, "the key of a unit already")
    return (
        Question("key", "key of the organizational unit", new_key("ou", taken)),
        Question(
            "under",
            f"the unit above it, one of {listed(units)}",
            one_of("organizational unit", units),
            otherwise=ROOT,
        ),
        _of_field("ou", "name", "its name", otherwise=""),
    )


def _group(landing_zone: LandingZone, _folder: Path) -> tuple[Question, ...]:
    users = tuple(landing_zone.users)
    taken = dict.fromkeys(landing_zone.groups, "the key of a group already")
    return (
        Question("key", "key of the group", new_key("group", taken)),
        _of_field("group", "description", "what it is for", otherwise=""),
        Question("member", f"members, of {listed(users)}", one_of("user", users), otherwise=(), many=True),
        _of_field("group", "name", "its display name", otherwise=""),
    )


def _user(landing_zone: LandingZone, _folder: Path) -> tuple[Question, ...]:
    own = tuple(key for key, group in landing_zone.groups.items() if not group.external)
    taken = dict.fromkeys(landing_zone.users, "the key of a user already")
    return (
        Question("key", "key of the person, such as jane-doe", new_key("user", taken)),
        _of_field("user", "given_name", "given name"),
        _of_field("user", "family_name", "family name"),
        _of_field(
            "user",
            "email",
            "e-mail address, which is what the person signs in with",
        ),
        Question("group", f"groups, of {listed(own)}", _own_group(landing_zone, own), otherwise=(), many=True),
    )


def _own_group(landing_zone: LandingZone, own: Sequence[str]) -> Read:
    """Makes a reader of the key of a group that a deploy fills."""

    def read(text: str, known: Known) -> Any:
        group = landing_zone.groups.get(text)
        if group and group.external:
            where = "Identity Center" if is_of_control_tower(group) else "its identity provider"
            problem = f"group {text} is external: its members are added in {where}"
            raise Problem(Message("unknown-name", problem, kind="group", name=text), f"choose from {listed(own)}")
        return one_of("group", own)(text, known)

    return read


def _permission_set(landing_zone: LandingZone, folder: Path) -> tuple[Question, ...]:
    taken = dict.fromkeys(landing_zone.permission_sets, "the key of a permission set already")
    return (
        Question("key", "key of the permission set, such as DataReader", new_key("permission-set", taken)),
        _of_field("permission-set", "description", "what it is for", otherwise=""),
        Question("aws", "AWS managed policies, such as ReadOnlyAccess", _managed, otherwise=(), many=True),
        Question("customer", "customer managed policies", typed(ManagedPolicyName), otherwise=(), many=True),
        Question(
            "inline",
            "a policy document below the configuration, such as policies/data.json",
            _document(folder),
            needed=lambda known: not known.get("aws") and not known.get("customer"),
            options="--aws, --customer or --inline",
        ),
        _of_field("permission-set", "session", "length of a session", otherwise=""),
        _of_field("permission-set", "name", "its name", otherwise=""),
    )


def _managed(text: str, _known: Known) -> str:
    from strata.policy.reference import reference
    from strata.policy.spelling import unknown_managed_policy

    name = validated(AwsManagedPolicy, text)
    name = reference().managed_policy(name) or name
    if problem := unknown_managed_policy(name):
        message = Message("unknown-managed-policy", problem, value=name)
        raise Problem(message, "write the name of a policy that AWS has")
    return name


def _document(folder: Path) -> Read:
    def read(text: str, _known: Known) -> str:
        if not (folder / text).is_file():
            there = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.json"))
            problem = f"{short(text)} is no file below {folder}{did_you_mean(text, there)}"
            message = Message("file-missing", problem, place=text)
            raise Problem(message, "write the policy document first, then add what names it")
        return text

    return read


def _assignment(landing_zone: LandingZone, _folder: Path) -> tuple[Question, ...]:
    sets, groups, users = (
        tuple(keys) for keys in (landing_zone.sso.permission_sets, landing_zone.groups, landing_zone.users)
    )
    units = (*landing_zone.units, ROOT)
    return (
        Question("permission_set", f"permission sets, of {listed(sets)}", one_of("permission set", sets), many=True),
        Question("group", f"groups, of {listed(groups)}", one_of("group", groups), otherwise=(), many=True),
        Question(
            "user",
            f"users, of {listed(users)}",
            one_of("user", users),
            many=True,
            needed=lambda known: not known.get("group"),
            options="--user or --group",
        ),
        Question(
            "ou",
            f"organizational units, of {listed(units)}",
            one_of("organizational unit", units),
            otherwise=(),
            many=True,
        ),
        Question(
            "account",
            f"accounts, of all, {listed([*landing_zone.accounts])}",
            _account_names(landing_zone),
            many=True,
            needed=lambda known: not known.get("ou"),
            options="--account or --ou",
        ),
        Question("except_ou", "units left out", one_of("organizational unit", units), otherwise=(), many=True),
        Question("except_account", "accounts left out", _account_names(landing_zone), otherwise=(), many=True),
        _of_field("assignment", "reason", "why, for those who review it", otherwise=""),
        _of_field("assignment", "until", "its last day, as in 2027-01-31", otherwise=""),
    )


def _account_names(landing_zone: LandingZone) -> Read:
    known = tuple(landing_zone.accounts)

    def read(text: str, _known: Known) -> str:
        if text in landing_zone.retired:
            problem = Message("account-retired", f"the account {short(text)} is retired", account=text)
            raise Problem(problem, f"choose from {listed(known)}")
        if text == "all" or (is_wildcard(text) and matching(text, known)):
            return text
        return str(one_of("account", known)(text, _known))

    return read


_QUESTIONS: Mapping[Kind, Callable[[LandingZone, Path], tuple[Question, ...]]] = {
    "account": _account,
    "ou": _ou,
    "group": _group,
    "user": _user,
    "permission-set": _permission_set,
    "assignment": _assignment,
}


# The entries


def _entry(kind: Kind, known: Known) -> dict[str, Any]:
    """Returns the entry, in the order of its model."""
    answers = {_FIELDS.get(name, name): answer for name, answer in known.items()}
    if kind == "account":
        answers |= {"organizational_unit": known["ou"], "tags": dict(known["tag"])}
        if len(answers["tags"]) < len(known["tag"]):
            raise StrataError(Message("listed-twice", "--tag: a tag has two values; give each tag once", place="--tag"))
    elif kind == "ou":
        answers["name"] = known["name"] or known["key"]
    elif kind == "permission-set":
        policies = [*({"aws": name} for name in known["aws"]), *({"customer": name} for name in known["customer"])]
        answers["policies"] = [*policies, *([{"inline": known["inline"]}] if known["inline"] else [])]
    elif kind == "assignment":
        left_out = {"accounts": list(known["except_account"]), "organizational_units": list(known["except_ou"])}
        answers["accounts"] = "all" if known["account"] == ("all",) else known["account"]
        answers["organizational_units"] = known["ou"]
        answers["except_"] = {name: keys for name, keys in left_out.items() if keys}
    fields = SECTIONS[kind][2].model_fields
    entry = {fields[name].alias or name: answers[name] for name in fields if answers.get(name)}
    return {name: [*value] if isinstance(value, tuple) else value for name, value in entry.items()}
