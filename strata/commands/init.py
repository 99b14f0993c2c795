"""`strata init`: your own configuration from a few answers, in place of the example's.

Only an example's content is ever replaced; whatever else was set in its files stays, and `--to` makes a new folder.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from strata.atomic import BESIDE, cannot, read_text
from strata.aws.organization import describe, describe_account
from strata.aws.session import Aws, AwsError, emulator
from strata.config import EXPECTATIONS, LAYERS
from strata.config.expectations import ENTRIES
from strata.config.limits import aws_limits
from strata.config.loader import FILES, files_of
from strata.config.models import ROOT, Locking
from strata.config.reserved import reserved
from strata.config.source import Location, SourceFile, parse
from strata.config.text import Problem, Problems, check_length, short
from strata.config.types import (
    AccountId,
    AccountName,
    Email,
    Key,
    PersonName,
    ProjectName,
    Region,
    RootEmail,
    ShortName,
    did_you_mean,
    validated,
)
from strata.errors import Message, StrataError, UsageError
from strata.files.config_edit import agreed, fill, loaded, policies, print_diff, texts
from strata.files.replacing import replace
from strata.files.template import (
    DEFAULT_ACCOUNTS,
    TEMPLATE,
    TREE,
    Placed,
    TemplateAnswers,
    account_address,
    onto,
    rendered,
    template,
)
from strata.landing_zone import LandingZone
from strata.landing_zone.examples import is_example
from strata.options import Options
from strata.printing import line, readers_may_leave, word
from strata.questions import Known, Question, complete, from_options, typed
from strata.terminal import interactive
from strata.text import accounts_in_words, counted, listed, plural

T = TypeVar("T")
SCHEMA = TEMPLATE.with_name("schema")
_SCHEMA_PATH = r"(?<=\$schema=)\S*(?=/\w+\.json)"


def run(
    options: Options, *, given: Mapping[str, Any], to: Path | None, dry_run: bool, yes: bool, answers: str | None = None
) -> int:
    """Gathers the answers, says what they make and what changes, asks, and writes."""
    target = to or options.config
    source, wrong = _answers_file(answers) if answers else (SourceFile(""), [])
    flags = {name: value if isinstance(value, str) else ",".join(value) for name, value in given.items() if value}
    given = {**source.data, **flags}
    if to:
        _check_free(to)
    elif _is_own(target) and _would_ask(given):
        return _nothing_to_do(options, given)
    base = TEMPLATE if to and not _is_shipped(options.config) else options.config
    before = _texts(base)
    gathered = gather(options, given, source, wrong)
    base, files = _files(base, before, gathered, to)
    changed = [name for name in files if to or files[name] != before[name]]
    if not to:
        # What an interrupted run wrote already is not replaced.
        _refuse({target / name: _own_values(target / name, before[name]) for name in changed})
    made = loaded(base, files, target)
    if not changed:
        options.note(f"nothing to do: {target} has these values already")
        return 0
    with readers_may_leave():
        for text in (*_summary(made, gathered), ""):
            print(line(text))
    print_diff(target, {name: files[name] for name in changed}, policies(base) if to else ())
    if dry_run:
        return 0
    if not yes and not _agreed(options, target, given):
        return 1
    if to:
        _make_folder(to, base, files)
    else:
        replace(target, before, {name: files[name] for name in changed})
    with readers_may_leave():
        for text in ("next:", *_next(target, to)):
            print(line(text))
    return 0


def _files(
    base: Path, before: Mapping[str, str], answers: TemplateAnswers, to: Path | None
) -> tuple[Path, dict[str, str]]:
    """Returns the files with the answers in them, and the folder that they are made of."""
    try:
        files = _edited(base, before, answers)
    except StrataError:
        if to is None:
            raise
        base, files = TEMPLATE, rendered(answers)
    if to:
        schema = Path(os.path.relpath(SCHEMA, to)).as_posix()
        files = {name: re.sub(_SCHEMA_PATH, schema, text, count=1) for name, text in files.items()}
    return base, files


def _next(target: Path, to: Path | None) -> Iterator[str]:
    """Yields what to do then; a folder of its own has no history yet."""
    if to and not any((folder / ".git").exists() for folder in (to.absolute(), *to.absolute().parents)):
        yield f"  git init {word(to)}     # report --diff and pipelines need its history"
    option = _config(target)
    yield f"  strata {option}doctor"
    yield f"  strata {option}bootstrap"


# What comes of the answers


def _summary(made: LandingZone, answers: TemplateAnswers) -> Iterator[str]:
    """Yields in words what is made, and what of the example is not."""
    project, regions = made.project, made.project.regions
    more = f", with defaults in {listed(regions.governed)} too" if regions.governed else ""
    yield f"project {project.name}, short {project.short_name}"
    yield f"regions {regions.primary}, and {regions.secondary} for the replica{more}"
    yield f"{counted(len(made.units), 'unit')}: {listed(['/'.join(unit.keys) for unit in made.units.values()])}"
    ways = [tuple(unit.split("/")) for unit in answers.units]
    named = {way[:depth] for way in ways for depth in range(1, len(way) + 1)}
    for placed in answers.accounts if ways else ():
        if placed.units and placed.units not in named:
            yield f"unit {'/'.join(placed.units)} is there for account {placed.key} alone, which names it"
    for account in made.members.values():
        yield f"account {account.key} in {account.unit}, {account.email}"
    management = project.management_account
    yield f"management account {management.id}, {management.name}, {management.email}"
    for key, user in made.users.items():
        groups = [group.key for group in made.groups.values() if key in group.members]
        yield f"{user.shown_name}, {user.email}, in {plural(len(groups), 'group')} {listed(groups)}"
    for key in made.permission_sets:
        accounts = list(dict.fromkeys(grant.account for grant in made.grants if grant.permission_set == key))
        everywhere = accounts_in_words(accounts, made.accounts)
        if {*accounts} == made.members.keys():
            everywhere = "every member account, those that come as well"
        yield f"{key} in {everywhere or listed(accounts) or 'no account'}"
    if not made.delegated_administrators:
        yield "nobody is delegated Access Analyzer, since no account is called security"


def _agreed(options: Options, target: Path, given: Mapping[str, Any]) -> bool:
    """Says what nobody was asked, and asks whether all of it is written."""
    if not given.get("locking"):
        text = "locks of the state: both, by S3 and a DynamoDB table; --locking s3 for S3 alone"
        options.note(Message("locks-by-both", text))
    return agreed(options, target)


def _config(target: Path) -> str:
    """Returns the option that names the folder, nothing where a command looks there anyway."""
    return "" if target == Path("config") else f"--config {word(target)} "


# The answers


def _answers_file(name: str) -> tuple[SourceFile, list[Message]]:
    """Returns a file of answers, by the names of the questions, and what is wrong with it; `-` is what is piped in.

    An answer that cannot be read is None, as is any that may stand under an unknown key.
    """
    file = SourceFile("stdin" if name == "-" else name)
    parse(sys.stdin.read() if name == "-" else read_text(Path(name)), file)
    wrong = [fault.message for fault in file.faults]
    known = [question.name for question in QUESTIONS]
    several = [question.name for question in QUESTIONS if isinstance(question.otherwise, tuple)]
    for key, value in file.data.items():
        if key not in known:
            at = f"{file.file}:{file.line((key,))}"
            text = f"{at}: {short(key)} is no question{did_you_mean(key, known)}; there are {listed(known)}"
            wrong.append(Message("unknown-key", text, place=at, key=key))
            continue
        is_list = key in several and isinstance(value, list)
        parts: dict[Location, Any] = {(key, at): item for at, item in enumerate(value)} if is_list else {(key,): value}
        refused = {where: part for where, part in parts.items() if not isinstance(part, str)}
        for where, part in refused.items():
            if not any(where == invalid[: len(where)] for invalid in file.invalid):
                problem = Message("wrong-type", f"must be text, got {short(part)}", key=key)
                wrong.append(file.fault(where, problem, "put it in quotes if it is meant as text").message)
        file.data[key] = None if refused else value or ""
    if wrong and (() in file.incomplete or not file.data or not file.data.keys() <= {*known}):
        file.data = {key: file.data.get(key) for key in known}
    return file, wrong


def gather(
    options: Options, given: Mapping[str, Any], source: SourceFile | None = None, wrong: Sequence[Message] = ()
) -> TemplateAnswers:
    """Returns all answers: from flags or a file, from the caller's account, and from whoever sits at the terminal.

    Raises:
        StrataError: a flag's value is not allowed, or answers are missing and nobody can be asked.
    """
    known: dict[str, Any] = dict.fromkeys(given)  # None for what is given and cannot be read
    if "accounts" in given and "units" not in given:
        known["units"] = TREE if any("@" not in account for account in _words(given["accounts"] or "")) else ()

    def place(question: Question, problem: Problem) -> str:
        if source is None or given.get(question.name) is not source.data.get(question.name):
            return question.flag
        return source.fault((question.name, *problem.at), problem.problem, problem.remedy).place

    problems = [*wrong, *from_options(QUESTIONS, given, known, place)]
    if problems:
        raise StrataError(*problems)
    _warn_of_examples(known, {})
    _warn_of_units(known)
    _from_account(options, known)
    required = [question.flag for question in QUESTIONS if question.name not in known and question.otherwise is None]
    if required and not interactive():
        text = f"there is no terminal for the question; give {', '.join(required)}"
        raise UsageError(Message("nobody-to-ask", text, options=required))
    complete(QUESTIONS, known, TOGETHER, _warn)
    return TemplateAnswers(**known)


def _warn(answers: Known, known: Known) -> None:
    _warn_of_examples(answers, known)
    _warn_of_units({**known, **answers} if "accounts" in answers else {})


def _warn_of_examples(answers: Known, known: Known) -> None:
    """Warns of answers that are nobody's: init writes them, for a look around, and `strata bootstrap` refuses them."""
    said = set(known.values())
    for value in dict.fromkeys(answer for answer in answers.values() if isinstance(answer, str)):
        if value not in said and (re.fullmatch(r"\d{12}", value) or "@" in value) and is_example(value):
            what = "address" if "@" in value else "account id"
            text = f"{short(value)} is an example {what}; give your own, strata bootstrap refuses this one"
            print(line(f"warning: {Message('example-value', text, value=value)}"), file=sys.stderr)


def _warn_of_units(known: Known) -> None:
    """Warns of a unit that an account alone names, and that is spelt nearly as another."""
    ways = {tuple(unit.split("/")) for unit in known.get("units") or TREE}
    there = {way[:depth] for way in ways for depth in range(1, len(way) + 1)}
    for way in dict.fromkeys(account.units for account in known.get("accounts", ())):
        new = next((way[:depth] for depth in range(1, len(way) + 1) if way[:depth] not in there), ())
        beside = [unit[-1] for unit in there if unit[:-1] == new[:-1]]
        if new and (near := get_close_matches(new[-1], beside, 1, _NEAR)):
            meant = "/".join((*new[:-1], near[0], *way[len(new) :]))
            text = f"{short('/'.join(way))} is a new unit, did you mean {short(meant)}?"
            message = Message("unit-nearly-alike", text, unit="/".join(way), other=meant)
            print(line(f"warning: {message}"), file=sys.stderr)


_NEAR = 0.85
"""A letter more or less is near, `prod` and `nonprod`, `team-a` and `team-b` are not."""


def _words(written: str | list[str]) -> Sequence[str]:
    """Returns the words of a text, each once; in a list each is an item already."""
    return tuple(dict.fromkeys(re.findall(r"[^\s,]+", written))) if isinstance(written, str) else written


def _each(words: Iterable[str], read: Callable[[str], T]) -> list[T]:
    """Returns every word as it is read; all that is wrong with them at once, each with its number."""
    values, wrong = [], []
    for at, written in enumerate(words):
        try:
            values.append(read(written))
        except Problem as problem:
            text = problem.problem if short(written) in problem.problem else f"{short(written)}: {problem.problem}"
            wrong.append(Problem(problem.problem.saying(text), problem.remedy, (at,)))
    if wrong:
        raise Problems(wrong)
    return values


def _raise_all(wrong: Iterable[Problem]) -> None:
    if every := list(wrong):
        raise Problems(every)


def _secondary(text: str, known: Known) -> str:
    region = validated(Region, text)
    if region == known.get("primary"):
        problem = Message("regions-the-same", f"the secondary region is the primary one, {region!r}", region=region)
        raise Problem(problem, "choose another for the replica")
    return region


def _regions(text: str, _known: Known) -> dict[str, Any]:
    """Accepts the primary and the secondary region, and more with regional defaults."""
    words = text.replace(",", " ").split()
    if not words[1:]:
        problem = Message("argument-malformed", f"{short(text)} is not two regions", value=text)
        raise Problem(problem, "name a primary and a secondary one, as in us-east-1 us-west-2")
    primary, secondary, *governed = _each(words, lambda word: validated(Region, word))
    _secondary(secondary, {"primary": primary})
    return {"primary": primary, "secondary": secondary, "governed": tuple(dict.fromkeys(governed))}


def _person(text: str, _known: Known) -> dict[str, Any]:
    """Accepts given name, family name and e-mail address in a row."""
    words = text.replace("<", " ").replace(">", " ").split()
    emails, names = [word for word in words if "@" in word], [word for word in words if "@" not in word]
    if len(emails) != 1 or not names[1:]:
        problem = f"{short(text)} is not given name, family name and e-mail address"
        raise Problem(
            Message("argument-malformed", problem, value=text),
            "write them as in Jane Doe jane.doe@example.org; a family name of several words needs --admin-family-name",
        )
    return {
        "admin_given_name": validated(PersonName, " ".join(names[:-1])),
        "admin_family_name": validated(PersonName, names[-1]),
        "admin_email": validated(Email, emails[0]),
    }


def _governed(written: str | list[str], _known: Known) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_each(_words(written), lambda word: validated(Region, word))))


def _units(written: str | list[str], _known: Known) -> tuple[str, ...]:
    """Accepts organizational units as `workloads/prod`; keys are unique in the whole tree."""
    ways = _each(_words(written), _way)
    _raise_all(_not_unique(ways))
    return tuple("/".join(way) for way in dict.fromkeys(ways))


def _way(text: str) -> tuple[str, ...]:
    """Returns the keys of a unit and of those above it, from the top."""
    way, deepest = tuple(validated(Key, part) for part in text.split("/")), aws_limits()["organizational_unit_depth"]
    if ROOT in way:
        problem = f"{short(text)} begins at the root without saying so"
        raise Problem(Message("name-reserved", problem, key=ROOT), "leave 'root' out")
    if len(way) > deepest.value:
        problem = f"{short(text)} is on level {len(way)}, AWS allows {deepest.value} ({deepest.cited})"
        raise Problem(Message("too-deep", problem, level=len(way), limit=deepest.value), "move it up")
    return way


def _not_unique(ways: Sequence[tuple[str, ...]], declared: Sequence[tuple[str, ...]] = ()) -> Iterator[Problem]:
    """Yields what is wrong with keys that two units have, each at the first of the ways that comes too late."""
    seen: dict[str, tuple[str, ...]] = {}
    places: dict[tuple[str, ...], int] = {}
    for at, whole in enumerate((*declared, *ways), -len(declared)):
        for depth in range(1, len(whole) + 1):
            places.setdefault(whole[:depth], at)
    for way, at in places.items():
        other = seen.setdefault(way[-1], way)
        if other != way:
            misspelt = did_you_mean("/".join(way[:-1]), ["/".join(other[:-1])])
            meant = f", did you mean {short('/'.join(other))}?" if misspelt else ""
            problem = f"{short(way[-1])} is the key of two units, {'/'.join(other)} and {'/'.join(way)}{meant}"
            units = ["/".join(other), "/".join(way)]
            message = Message("key-taken", problem, key=way[-1], units=units, meant=units[0] if misspelt else None)
            remedy = f"call one {way[-2] if way[1:] else 'other'}-{way[-1]}, names may be alike later"
            yield Problem(message, remedy, (at,))


def _accounts(written: str | list[str], known: Known) -> tuple[Placed, ...]:
    """Accepts accounts as `data-prod@workloads/prod`, or by a key that ends or begins with that of a unit."""
    placed = _accounts_so_far(written, known)
    if not placed:
        raise Problem(
            Message("nothing-named", "no account is named"), f"name some, such as {', '.join(DEFAULT_ACCOUNTS)}"
        )
    if known["units"] == () and not any(account.units for account in placed):
        problem = Message("accounts-unbound", "every account is directly under the root, where no policy binds it")
        raise Problem(problem, "name a unit for one at least")
    return placed


def _accounts_so_far(written: str | list[str], known: Known) -> tuple[Placed, ...]:
    """Accepts some accounts, to which others may come; where the units cannot be read, in none."""
    units = known["units"]
    placed = _each(_words(written), lambda word: _placed(word, units, known.get("name") or ""))
    if units is None:
        return tuple(placed)
    first: dict[str, Placed] = {}
    for at, account in enumerate(placed):
        if first.setdefault(account.key, account) != account:
            problem = Message("listed-twice", f"{short(account.key)} is named for two units", account=account.key)
            raise Problem(problem, "name each account once", (at,))
    _raise_all(_not_unique([account.units for account in placed], [tuple(unit.split("/")) for unit in units]))
    return tuple(first.values())


def _placed(text: str, units: Sequence[str] | None, project: str) -> Placed:
    key, at, written = text.partition("@")
    if refused := reserved("account", validated(Key, key)):
        raise refused
    if project:
        check_length(f"{project}-{key}", aws_limits()["account_name"])
    ways = [tuple(unit.split("/")) for unit in units or ()]
    by_key = {way[depth - 1]: way[:depth] for way in ways for depth in range(1, len(way) + 1)}
    if at:
        # A key is that of one unit, so that it stands for the way down to it.
        return Placed(key, () if written == ROOT else by_key.get(written) or _way(written))
    for part in (key, key.rpartition("-")[2], key.partition("-")[0]):
        if part in by_key:
            return Placed(key, by_key[part])
    if units is None:
        return Placed(key, ())
    there = ["/".join(way) for way in ways]
    near = get_close_matches(key.rpartition("-")[2], by_key, 1)
    unit = "/".join(by_key[near[0]]) if near else "UNIT" if there[1:] else (*there, "workloads")[0]
    choice = f"; there are {listed(there)}" if there[1:] else ""
    problem = Message("unit-unnamed", f"no organizational unit is named for {short(key)}", account=key)
    raise Problem(problem, f"write its unit too, as in {key}@{unit}{choice}")


def _email(text: str, known: Known) -> str:
    """Accepts a base address or a pattern that makes an address for every account."""
    if "{account}" not in text:
        validated(Email, text)
    for account in known.get("accounts", _DEFAULT) or ():
        validated(RootEmail, account_address(text, account.key))
    return text


def _locking(text: str, _known: Known) -> Locking:
    if text not in list(Locking):
        problem = Message("argument-malformed", f"{short(text)} is no way to lock the state", value=text)
        raise Problem(problem, f"choose from {', '.join(Locking)}")
    return Locking(text)


_DEFAULT = tuple(
    Placed(key, (unit,)) for key, _, unit in (default_account.partition("@") for default_account in DEFAULT_ACCOUNTS)
)

QUESTIONS = (
    Question("name", "project name, the prefix of account names", typed(ProjectName)),
    Question(
        "short_name",
        "short name, the prefix of buckets and profiles",
        typed(ShortName),
        suggest=lambda known: str(known["name"]).replace("-", "")[:4],
    ),
    Question("primary", "primary region", typed(Region), suggest=lambda _: "us-east-1"),
    Question("secondary", "secondary region, for the replica of the state", _secondary, suggest=lambda _: "us-west-2"),
    Question("governed", "more regions with regional defaults", _governed, otherwise=()),
    Question("units", "organizational units", _units, suggest=lambda _: " ".join(TREE), otherwise=TREE),
    Question(
        "accounts",
        "member accounts, one a line as key@unit",
        _accounts,
        line=_accounts_so_far,
        suggest=lambda known: " ".join(DEFAULT_ACCOUNTS) if set(TREE[:2]) <= set(known["units"]) else "",
        otherwise=_DEFAULT,
    ),
    Question("email", "e-mail address that accounts get plus-addresses of, such as aws@example.org", _email),
    Question("management_id", "id of the management account", typed(AccountId)),
    Question(
        "management_name",
        "name of the management account",
        typed(AccountName),
        suggest=lambda known: f"{known['name']}-management",
    ),
    Question(
        "management_email",
        "root e-mail of the management account",
        typed(RootEmail),
        suggest=lambda known: "" if "{account}" in known.get("email", "") else known.get("email", ""),
    ),
    Question("admin_given_name", "given name of the administrator", typed(PersonName)),
    Question("admin_family_name", "family name of the administrator", typed(PersonName)),
    Question("admin_email", "e-mail of the administrator", typed(Email)),
    Question("locking", "locks of the state", _locking, otherwise=Locking.BOTH, asked=False),
)
TOGETHER = (
    Question(
        "primary secondary governed",
        "regions: the primary, the secondary for the replica of the state, more with regional defaults",
        _regions,
        suggest=lambda _: "us-east-1 us-west-2",
    ),
    Question(
        "admin_given_name admin_family_name admin_email",
        "the administrator, as in Jane Doe jane.doe@example.org",
        _person,
    ),
)
"""What is asked at once."""


# What the caller's account says of itself


def _from_account(options: Options, known: dict[str, Any]) -> None:
    """Adds id, name and e-mail of the management account as far as the credentials, if there are any, can tell."""
    wanted = ("management_id", "management_name", "management_email")
    if all(name in known for name in wanted):
        return
    if url := emulator():
        options.note(f"AWS_ENDPOINT_URL is set: this asks the emulator at {url}, not AWS")
    aws = Aws(profile=options.profile, region=options.region or known.get("primary") or "us-east-1")
    try:
        account = aws.caller().account
    except AwsError as error:
        if options.profile:
            raise
        options.note(f"the management account is not looked up: {error}")
        return
    if known.get("management_id", account) != account:
        text = f"the management account is not looked up: the credentials belong to account {account}"
        options.note(Message("wrong-account", text, account=account, expected=known["management_id"]))
        return
    described = {"management_id": account, **_described(aws, account)}
    known |= {name: described[name] for name in wanted if name in described and name not in known}


def _described(aws: Aws, account: str) -> dict[str, str]:
    """Returns name and e-mail of the caller's account, as much as AWS returns.

    Raises:
        StrataError: it is a member of an organization.
    """
    try:
        organization = describe(aws)
        if organization and organization["MasterAccountId"] != account:
            management = organization["MasterAccountId"]
            text = (
                f"account {account} is a member of the organization {organization['Id']}; "
                f"use a profile of its management account {management}"
            )
            raise StrataError(Message("other-organization", text, account=account, management=management))
        if organization:  # before it exists, nobody tells the e-mail
            management_account = describe_account(aws, account)
            return {"management_name": management_account.name, "management_email": management_account.email}
    except AwsError:
        pass
    try:
        return {"management_name": aws.client("account").get_account_information()["AccountName"]}
    except AwsError:
        return {}


# The files


def _texts(folder: Path) -> dict[str, str]:
    """Returns the texts of the files that are edited.

    Raises:
        StrataError: a file is missing or has faults, or there are others beside them.
    """
    for name in FILES:
        if not os.path.lexists(folder / name):
            text = f"{folder / name} does not exist; make a new folder with --to DIR"
            raise StrataError(Message("file-missing", text, place=str(folder / name)))
        if others := files_of(folder, name)[1:]:
            text = f"{folder / others[0]} is a file that init does not write; {_REMEDY}"
            raise StrataError(Message("file-beside", text, place=str(folder / others[0])))
    more = [EXPECTATIONS] if os.path.lexists(folder / EXPECTATIONS) else []
    return {name: read_text(folder / name) for name in (*FILES, *more)}


def _is_shipped(config: Path) -> bool:
    """Says that a folder has nobody's addresses but an example's."""
    try:
        return not any(_own_values(config / name, text) for name, text in _texts(config).items())
    except (OSError, StrataError):
        return False


def _nothing_to_do(options: Options, given: Mapping[str, Any]) -> int:
    """Says, before anything is asked, that the configuration is somebody's, and how it is added to.

    Raises:
        StrataError: some flags ask for something else.
    """
    text = (
        f"{options.config} is yours already; for an account, organizational unit, group, user, permission set or "
        f"assignment more: strata {_config(options.config)}add; for another configuration: strata init --to DIR"
    )
    message = Message("own-configuration", text, place=str(options.config))
    if any(given.values()):
        raise StrataError(message)
    options.note(f"nothing to do: {message}")
    return 0


def _would_ask(given: Mapping[str, Any]) -> bool:
    """Says that something is left to be asked, or that nothing was said at all."""
    lacking = any(question.otherwise is None and not given.get(question.name) for question in QUESTIONS)
    return not any(given.values()) or (lacking and interactive())


def _is_own(config: Path) -> bool:
    """Says that a folder has somebody's addresses and no example's: init has done its work, or was not needed."""
    files = {name: text for name, text in texts(config).items() if not name.startswith(f"{LAYERS}/")}
    try:
        leaves = [leaf for name, text in files.items() for leaf in _personal(config / name, text)]
    except StrataError:
        return False
    return bool(leaves) and not any(map(is_example, leaves))


def _edited(folder: Path, before: Mapping[str, str], answers: TemplateAnswers) -> dict[str, str]:
    """Returns the files with the answers in place of the example's; what else was set in them stays.

    Raises:
        StrataError: a line that an answer decides is neither the example's nor what it would be.
    """
    files: dict[str, str] = {}
    for name, text in rendered(answers).items():
        if name not in before:
            continue
        own = _own_values(folder / name, before[name])
        changed = onto(before[name], template(name), text)
        if isinstance(changed, int):
            _refuse({folder / name: own})
            place = f"{folder / name}:{changed}"
            problem = f"{place} is not as in the example, and init would change it; {_REMEDY}"
            raise StrataError(Message("not-the-example", problem, place=place))
        files[name] = changed
    return files


_REMEDY = "edit the file, or make a new folder with --to DIR"


def _check_free(to: Path) -> None:
    if os.path.lexists(to) and (not to.is_dir() or any(to.iterdir())):
        text = f"{to} exists and is not an empty folder; name another one with --to"
        raise StrataError(Message("folder-not-empty", text, place=str(to)))


def _refuse(own: Mapping[Path, list[str]]) -> None:
    """Refuses files with values that are not an example's."""
    for path, values in own.items():
        if values:
            text = f"{path} no longer has the example value, it has {values[0]!r}; {_REMEDY}"
            raise StrataError(Message("not-the-example", text, place=str(path), value=values[0]))


def _own_values(path: Path, text: str) -> list[str]:
    """Returns the e-mail addresses and account ids in a file that are nobody's example.

    Raises:
        StrataError: it cannot be read as YAML.
    """
    return [value for value in _personal(path, text) if not is_example(value)]


def _personal(path: Path, text: str) -> list[str]:
    tree = SourceFile(str(path))
    parse(text, tree, ENTRIES if path.name == EXPECTATIONS else "")
    if tree.faults:
        raise StrataError(*(fault.message for fault in tree.faults))
    leaves = list(_leaves(tree.data))
    emails = [leaf for leaf in leaves if re.fullmatch(r"[^\s@]+@[^\s@]+", leaf)]
    return [*emails, *(leaf for leaf in leaves if re.fullmatch(r"\d{12}", leaf))]


def _leaves(data: Any) -> Iterator[str]:
    if isinstance(data, dict | list):
        for below in data.values() if isinstance(data, dict) else data:
            yield from _leaves(below)
    else:
        yield str(data)


def _make_folder(target: Path, base: Path, files: Mapping[str, str]) -> None:
    """Makes the whole folder beside its place and puts it there at once."""
    target = target.absolute()
    with cannot("made", target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
    with cannot("made", target):
        _check_free(target)
        making = target.with_name(f"{BESIDE}{os.getpid()}.new")
        making.mkdir()
        try:
            fill(making, base, files)
            making.chmod(0o755)
            making.replace(target.resolve())
        except BaseException:
            shutil.rmtree(making)
            raise
