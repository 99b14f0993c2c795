"""`strata init`: your own configuration from twelve answers, by option or typed.

It writes where nothing is, or the example as it is shipped; whatever else stands there stays.
"""

from __future__ import annotations

import dataclasses
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from strata import atomic
from strata.aws.organization import describe, describe_account
from strata.aws.session import Aws, AwsError
from strata.config import types
from strata.config.text import Problem, short
from strata.config.types import validated
from strata.errors import Message, StrataError, UsageError
from strata.files.config_edit import agreed, loaded, policies
from strata.files.template import TEMPLATE, Person, TemplateAnswers, Way, rendered
from strata.landing_zone import LandingZone
from strata.options import Options
from strata.printing import line, readers_may_leave, word
from strata.terminal import answer, interactive
from strata.text import listed

TREE = "security infrastructure workloads/prod workloads/nonprod sandbox"
ACCOUNTS = "security shared@infrastructure"
"""The organizational units and the accounts that are offered."""

Known = dict[str, Any]
"""The answers so far, by name."""


def run(options: Options, *, to: Path | None, dry_run: bool, yes: bool, **given: Any) -> int:
    """Gathers the answers, says what they make, asks, and writes."""
    target = to or options.config
    option = "" if target == Path("config") else f"--config {word(target)} "
    if {"organization.yaml", "project.yaml", "security.yaml", "sso.yaml"} <= {*_own(target, {})}:
        text = f"{target} is yours already; for more of it: strata {option}add; for another one: strata init --to DIR"
        raise StrataError(Message("own-configuration", text, place=str(target)))
    gathered = gather(options, given, may_ask=not yes and interactive())
    files = {name: _with_schema(text, target) for name, text in rendered(gathered).items()}
    made = loaded(TEMPLATE, files, target)
    contents = {name: text.encode() for name, text in files.items()}
    contents |= {path.as_posix(): (TEMPLATE / path).read_bytes() for path in policies(TEMPLATE)}
    if own := _own(target, contents):
        text = "is not as in the example; edit it, or make a new folder with --to DIR"
        places = [str(target / name) for name in own]
        raise StrataError(*(Message("not-the-example", f"{place} {text}", place=place) for place in places))
    before = {name: atomic.current(target / name) for name in contents}
    changed = [name for name in contents if contents[name] != before[name]]
    with readers_may_leave():
        for text in (*_summary(made), *(f"file {target / name}" for name in changed)):
            print(line(text))
    if dry_run:
        return 0
    if not yes and not agreed(options, target):
        return 1
    with atomic.cannot("made", target):
        (target / "policies").mkdir(parents=True, exist_ok=True)
    writing = {target / name: contents[name] for name in changed}
    atomic.write(writing, instead_of={target / name: before[name] for name in changed})
    with readers_may_leave():
        print(line(f"next: strata {option}doctor, then strata {option}bootstrap"))
    return 0


def _own(target: Path, contents: Mapping[str, bytes]) -> list[str]:
    """Returns the files of the folder that are neither the example's nor what would be written."""
    own: list[str] = []
    for path in sorted(target.rglob("*")):
        name = path.relative_to(target).as_posix()
        if path.suffix in (".yaml", ".yml", ".json"):
            shipped = atomic.current(TEMPLATE / name)
            own += [name] if atomic.read_bytes(path) not in (shipped, contents.get(name)) else []
    return own


def _with_schema(text: str, target: Path) -> str:
    """Returns a file whose first line leads editors to its schema, none where that is not below the same checkout."""
    schema = TEMPLATE.with_name("schema")
    if target.resolve().is_relative_to(schema.parents[1]):
        folder = Path(os.path.relpath(schema, target.resolve())).as_posix()
        return re.sub(r"(?<=\$schema=)\S*(?=/\w+\.json)", folder, text, count=1)
    return re.sub(r"\A# yaml-language-server: .*\n", "", text)


def _summary(made: LandingZone) -> Iterator[str]:
    """Yields in words what is made."""
    project, regions = made.project, made.project.regions
    more = f", with defaults in {listed(regions.governed)} too" if regions.governed else ""
    yield f"project {project.name}, short {project.short_name}"
    yield f"regions {regions.primary}, and {regions.secondary} for the replica{more}"
    yield f"units {listed(['/'.join(unit.keys) for unit in made.units.values()])}"
    for account in made.members.values():
        yield f"account {account.key} in {account.unit}, {account.email}"
    management = project.management_account
    yield f"management account {management.id}, {management.name}, {management.email}"
    for user in made.users.values():
        yield f"{user.shown_name}, {user.email}, in every group: {listed([*made.groups])}"
    if not made.users:
        yield f"your identity provider has the people; before a deploy it sends the groups {listed([*made.groups])}"
    if not made.delegated_administrators:
        yield "nobody is delegated Access Analyzer, since no account is called security"


# The questions


class Question(NamedTuple):
    """A question: what is asked, how the answer is read, and what Enter takes.

    Attributes:
        needed: somebody has to answer; else what Enter takes stands, and nobody is asked where that is nothing.
    """

    name: str
    words: str
    read: Callable[[str, Known], Any]
    suggest: Callable[[Known], str] = lambda _: ""
    needed: bool = True

    @property
    def option(self) -> str:
        """Returns the option that gives the answer."""
        return {"units": "--ou", "accounts": "--account"}.get(self.name, f"--{self.name.replace('_', '-')}")


def gather(options: Options, given: Mapping[str, Any], *, may_ask: bool) -> TemplateAnswers:
    """Returns all answers: from options, from the caller's account, and from whoever sits at the terminal.

    Raises:
        StrataError: an answer is not allowed, or one is missing and nobody can be asked.
    """
    known: Known = {}
    written = {name: value for name, value in given.items() if value}
    if "accounts" in written:
        written.setdefault("units", TREE)
    wrong: list[Message] = []
    for question in QUESTIONS:
        if question.name in written:
            text = written[question.name]
            try:
                known[question.name] = question.read(text if isinstance(text, str) else " ".join(text), known)
            except Problem as problem:
                known[question.name] = None
                text = f"{question.option}: {problem.problem}; {problem.remedy}"
                wrong.append(problem.problem.saying(text, place=question.option))
    if wrong:
        raise StrataError(*wrong)
    _from_account(options, known)
    lacking = [question for question in QUESTIONS if question.name not in known]
    if not may_ask and (needed := [question.option for question in lacking if question.needed]):
        text = f"there is nobody to ask; give {', '.join(needed)}"
        raise UsageError(Message("nobody-to-ask", text, options=needed))
    for question in lacking:
        if question.name not in known:  # another answer may have settled it
            asks = may_ask and (question.needed or question.suggest(known))
            known[question.name] = _asked(question, known) if asks else question.read(question.suggest(known), known)
    return TemplateAnswers(**{field.name: known[field.name] for field in dataclasses.fields(TemplateAnswers)})


def _asked(question: Question, known: Known) -> Any:
    """Returns the answer of whoever sits at the terminal, who is asked again until it can be read.

    Raises:
        StrataError: the input has ended.
    """
    suggestion = question.suggest(known)
    while True:
        typed = answer(f"{question.words} [{suggestion}]: " if suggestion else f"{question.words}: ")
        if not typed:
            text = f"no answer to '{question.words}'; give {question.option}"
            raise StrataError(Message("answer-missing", text, option=question.option))
        try:
            return question.read(typed.strip() or suggestion, known)
        except Problem as problem:
            print(line(f"  {problem.problem}; {problem.remedy}"), file=sys.stderr)


def _typed(kind: Any) -> Callable[[str, Known], Any]:
    """Makes a reader of one of the models' own types."""
    return lambda text, _: validated(kind, text)


def _words(text: str) -> list[str]:
    return re.findall(r"[^\s,]+", text)


def _regions(text: str, _: Known) -> tuple[str, ...]:
    return tuple(validated(types.Region, region) for region in _words(text))


def _units(text: str, _: Known) -> tuple[Way, ...]:
    """Accepts organizational units as `workloads/prod`."""
    return tuple(tuple(validated(types.Key, part) for part in unit.split("/")) for unit in _words(text))


def _accounts(text: str, known: Known) -> dict[str, Way]:
    """Accepts accounts as `data@workloads/prod` or `data@prod`, or by a key that is or ends with that of a unit.

    The last word on an account counts.
    """
    accounts: dict[str, Way] = {}
    ways = _by_name(known["units"] or ())
    for account in _words(text) if known["units"] is not None else ():
        key, _, unit = account.partition("@")
        unit = unit or key.rpartition("-")[2]
        if unit not in ways:
            there = ["/".join(way) for way in known["units"]]
            problem = Message("unknown-name", f"{short(unit)} is none of the units", kind="ou", name=unit)
            raise Problem(problem, f"list it with --ou too, or write {key}@ and one of {listed(there)}")
        accounts[validated(types.Key, key)] = ways[unit]
    return accounts


def _by_name(units: Iterable[Way]) -> dict[str, Way]:
    """Returns the way to each unit, and to those above, by its key and in full."""
    ways = [unit[:depth] for unit in units for depth in range(1, len(unit) + 1)]
    return {name: way for way in ways for name in (way[-1], "/".join(way))}


def _email(text: str, _: Known) -> str:
    """Accepts a base address or a pattern that makes an address for every account."""
    validated(types.Email, text.replace("{account}", "account"))
    return text


def _identity(text: str, known: Known) -> str:
    """Accepts who has the people; where that is an identity provider, nobody is declared."""
    identity = validated(Literal["directory", "external"], text)
    if identity == "external":
        known["admin"] = None
    return identity


def _admin(text: str, known: Known) -> Person:
    """Accepts given name, family name and e-mail address in a row."""
    *given, family, email = ["", "", *re.findall(r"[^\s<>]+", text)]
    if known.get("identity") == "external" or not "".join(given) or "@" not in email:
        problem = f"{short(text)} is not given name, family name and e-mail address of somebody in the directory"
        raise Problem(Message("argument-malformed", problem, value=text), "write them as in Jane Doe jane@example.org")
    name = validated(types.PersonName, " ".join(filter(None, given)))
    return Person(name, validated(types.PersonName, family), validated(types.Email, email))


_WHO = "who has the people: directory, or external, as Entra ID and Okta"
QUESTIONS = (
    Question("name", "project name, the prefix of account names", _typed(types.ProjectName)),
    Question("short_name", "short name, for buckets", _typed(types.ShortName), lambda known: known["name"][:4]),
    Question("primary", "primary region", _typed(types.Region), lambda _: "us-east-1"),
    Question("secondary", "region of the state's replica", _typed(types.Region), lambda _: "us-west-2"),
    Question("governed", "more regions with regional defaults", _regions, needed=False),
    Question("units", "organizational units", _units, lambda _: TREE, needed=False),
    Question("accounts", "member accounts, as key@unit", _accounts, lambda _: ACCOUNTS, needed=False),
    Question("email", "e-mail address that accounts get plus-addresses of, such as aws@example.org", _email),
    Question("management_id", "id of the management account", _typed(types.AccountId)),
    Question(
        "management_name",
        "name of the management account",
        _typed(types.AccountName),
        lambda known: f"{known['name']}-management",
    ),
    Question("management_email", "its root e-mail address", _typed(types.RootEmail), lambda known: known["email"]),
    Question("identity", _WHO, _identity, lambda _: "directory", needed=False),
    Question("admin", "the first administrator, as in Jane Doe jane.doe@example.org", _admin),
)


def _from_account(options: Options, known: Known) -> None:
    """Adds id, name and e-mail of the management account as far as the credentials, if there are any, can tell.

    Raises:
        StrataError: they are of a member of an organization.
    """
    if {"management_id", "management_name", "management_email"} <= known.keys():
        return
    aws = Aws(profile=options.profile, region=options.region or known.get("primary") or "us-east-1")
    try:
        id = aws.caller().account
        organization = describe(aws)
        if organization and organization["MasterAccountId"] != id:
            management = organization["MasterAccountId"]
            text = f"account {id} is a member; use a profile of its organization's management account {management}"
            raise StrataError(Message("other-organization", text, account=id, management=management))
        if known.setdefault("management_id", id) == id and organization:  # before it exists, nobody tells the e-mail
            account = describe_account(aws, id)
            known.setdefault("management_email", account.email)
            known.setdefault("management_name", account.name)
    except AwsError as error:
        if options.profile:
            raise
        options.note(f"the management account is not looked up: {error}")
