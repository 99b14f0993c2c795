"""`strata init`: a configuration of one's own from a few answers, in place of the example's.

The shipped files are edited, not generated: their comments, their order and whatever else was set in them stay.
Only an example's content is ever replaced; anything else is left alone, and a new folder is what `--to` makes.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from strata.aws.organization import describe, describe_account
from strata.aws.session import Aws, AwsError, emulator
from strata.config.limits import aws_limits
from strata.config.loader import FILES
from strata.config.models import MANAGEMENT, ROOT
from strata.config.text import Problem, check_length
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
)
from strata.errors import StrataError, UsageError
from strata.files.atomic import cannot, locked, read_text, with_line_ends_of
from strata.files.config_edit import fill, loaded, policies, print_diff, replace
from strata.landing_zone.examples import is_example
from strata.options import Options
from strata.printing import line, word
from strata.terminal import answer, confirmed, interactive

TEMPLATE = Path(__file__).parents[1] / "template"
"""The configuration as it is shipped, for `--to` when the one in use is an example no more."""

SCHEMA = TEMPLATE.with_name("schema")
DEFAULT_ACCOUNTS = ("security", "shared")


def run(options: Options, *, given: Mapping[str, Any], to: Path | None, dry_run: bool, yes: bool) -> int:
    """Gathers the answers, shows what changes, asks, and writes."""
    target = to or options.config
    base = _base(options.config, to)
    answers = gather(options, {name: value for name, value in given.items() if value})
    before = {name: _readable(base / name) for name in _EDITS}
    files = {name: _edit(before[name], partial(edit, answers), to) for name, edit in _EDITS.items()}
    changed = [name for name in files if to or files[name] != before[name]]
    if to is None:
        _refuse_others(target, {name: before[name] for name in changed})
    loaded(base, files, target)
    if not changed:
        options.note(f"nothing to do: {target} has these values already")
        return 0
    print_diff(target, {name: files[name] for name in changed}, policies(base) if to else ())
    if dry_run:
        return 0
    if not yes and not confirmed(f"write this to {target}?", instead="the changes with --dry-run"):
        options.note("nothing was changed")
        return 1
    if to:
        _make_folder(to, base, files)
    else:
        replace(target, before, {name: files[name] for name in changed})
    option = "" if target == Path("config") else f"--config {word(target)} "
    print(f"next:\n  strata {option}doctor\n  strata {option}bootstrap")
    return 0


# The answers


@dataclass(frozen=True)
class Answers:
    """What the configuration is made of."""

    name: str
    short_name: str
    primary: str
    secondary: str
    governed: tuple[str, ...]
    accounts: tuple[str, ...]
    email: str
    management_id: str
    management_name: str
    management_email: str
    admin_given_name: str
    admin_family_name: str
    admin_email: str

    @property
    def admin(self) -> str:
        """Returns the key of the administrator: the name in letters that a key may have."""
        name = unicodedata.normalize("NFKD", f"{self.admin_given_name}-{self.admin_family_name}")
        plain = re.sub(r"[^a-z0-9]+", "-", name.encode("ascii", "ignore").decode().lower()).strip("-")[:64]
        return plain if re.match(r"[a-z]", plain) else "administrator"


def account_address(email: str, account: str) -> str:
    """Returns an account's address: the pattern's, or that of a base address by plus-addressing."""
    if "{account}" in email:
        return email.replace("{account}", account)
    local, _, domain = email.partition("@")
    return f"{local}+{account}@{domain}"


Known = Mapping[str, Any]


@dataclass(frozen=True)
class Question:
    """One answer: its flag, what is asked, how it is read, and what Enter means at the prompt."""

    name: str
    words: str
    read: Callable[[str, Known], Any]
    suggest: str | Callable[[Known], str] = ""
    otherwise: Any = None

    @property
    def flag(self) -> str:
        """Returns the flag that gives the answer."""
        return f"--{'account' if self.name == 'accounts' else self.name.replace('_', '-')}"


def gather(options: Options, given: Mapping[str, Any]) -> Answers:
    """Returns all answers: from flags, from the caller's account, and from whoever sits at the terminal.

    Raises:
        StrataError: a flag's value is not allowed, or answers are missing and nobody can be asked.
    """
    known: dict[str, Any] = {}
    problems = list(_from_flags(given, known))
    if problems:
        raise StrataError(*problems)
    _from_account(options, known)
    missing = [question for question in QUESTIONS if question.name not in known]
    if not interactive():
        required = [question.flag for question in missing if question.otherwise is None]
        if required:
            raise UsageError(f"there is no terminal for the question; give {', '.join(required)}")
        known |= {question.name: question.otherwise for question in missing}
        missing = []
    for question in missing:
        known[question.name] = _ask(question, known)
    return Answers(**known)


def _from_flags(given: Mapping[str, Any], known: dict[str, Any]) -> Iterator[str]:
    """Reads what the flags give into `known`; yields what is wrong with it."""
    for question in QUESTIONS:
        value = given.get(question.name)
        if value is None:
            continue
        text = ",".join(value) if isinstance(value, list | tuple) else value
        try:
            known[question.name] = question.read(text, known)
        except Problem as problem:
            yield f"{question.flag}: {problem.problem}; {problem.remedy}"


def _ask(question: Question, known: Known) -> Any:
    suggestion = question.suggest if isinstance(question.suggest, str) else question.suggest(known)
    hint = f" [{suggestion}]" if suggestion else ""
    while True:
        typed = answer(f"{question.words}{hint}: ")
        if not typed:
            raise StrataError(f"no answer to '{question.words}'; give {question.flag}")
        try:
            return question.read(typed.strip() or suggestion, known)
        except Problem as problem:
            print(line(f"  {problem.problem}; {problem.remedy}"), file=sys.stderr)


def _typed(kind: Any) -> Callable[[str, Known], str]:
    """Makes a reader of one of the models' own types."""

    def read(text: str, _known: Known) -> str:
        if not text:
            raise Problem("an answer is needed", "give one")
        return _validated(kind, text)

    return read


def _validated(kind: Any, text: str) -> str:
    try:
        return str(TypeAdapter(kind).validate_python(text))
    except ValidationError as error:
        details = error.errors(include_url=False)[0]
        cause = details.get("ctx", {}).get("error")
        raise (cause if isinstance(cause, Problem) else Problem(details["msg"], "change it")) from error


def _words(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for word in re.split(r"[\s,]+", text) if word))


def _secondary(text: str, known: Known) -> str:
    region = _typed(Region)(text, known)
    if region == known.get("primary"):
        raise Problem(f"the secondary region is the primary one, {region!r}", "choose another for the replica")
    return region


def _governed(text: str, _known: Known) -> tuple[str, ...]:
    return tuple(_validated(Region, word) for word in _words(text))


def _accounts(text: str, known: Known) -> tuple[str, ...]:
    keys = tuple(_validated(Key, word) for word in _words(text))
    for key in keys:
        if key in (MANAGEMENT, ROOT):
            raise Problem(f"{key!r} stands for the {key} itself", "name member accounts only")
        if "name" in known:
            check_length(f"{known['name']}-{key}", aws_limits()["account_name"])
    if not keys:
        raise Problem("no account is named", f"name some, such as {', '.join(DEFAULT_ACCOUNTS)}")
    return keys


def _email(text: str, known: Known) -> str:
    """Accepts a base address or a pattern that makes an address for every account."""
    if "{account}" not in text:
        _typed(Email)(text, known)
    for key in known.get("accounts", DEFAULT_ACCOUNTS):
        _validated(RootEmail, account_address(text, key))
    return text


def _base_address(known: Known) -> str:
    email = str(known.get("email", ""))
    return "" if "{account}" in email else email


def _initials(known: Known) -> str:
    return str(known["name"]).replace("-", "")[:4]


QUESTIONS = (
    Question("name", "project name, the prefix of account names", _typed(ProjectName)),
    Question("short_name", "short name, the prefix of buckets and profiles", _typed(ShortName), suggest=_initials),
    Question("primary", "primary region", _typed(Region), suggest="us-east-1"),
    Question("secondary", "secondary region, for the replica of the state", _secondary, suggest="us-west-2"),
    Question("governed", "more regions with regional defaults, Enter for none", _governed, otherwise=()),
    Question(
        "accounts",
        "member accounts",
        _accounts,
        suggest=" ".join(DEFAULT_ACCOUNTS),
        otherwise=DEFAULT_ACCOUNTS,
    ),
    Question("email", "e-mail address that accounts get plus-addresses of, such as aws@example.org", _email),
    Question("management_id", "id of the management account", _typed(AccountId)),
    Question(
        "management_name",
        "name of the management account",
        _typed(AccountName),
        suggest=lambda known: f"{known['name']}-management",
    ),
    Question("management_email", "root e-mail of the management account", _typed(RootEmail), suggest=_base_address),
    Question("admin_given_name", "given name of the administrator", _typed(PersonName)),
    Question("admin_family_name", "family name of the administrator", _typed(PersonName)),
    Question("admin_email", "e-mail of the administrator", _typed(Email)),
)


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
        options.note(f"the management account is not looked up: the credentials are of account {account}")
        return
    found = {"management_id": account, **_described(aws, account)}
    known |= {name: found[name] for name in wanted if name in found and name not in known}


def _described(aws: Aws, account: str) -> dict[str, str]:
    """Returns name and e-mail of the caller's account, as much as AWS returns.

    Raises:
        StrataError: it is a member of an organization.
    """
    try:
        organization = describe(aws)
        if organization and organization["MasterAccountId"] != account:
            raise StrataError(
                f"account {account} is a member of the organization {organization['Id']}; "
                f"use a profile of its management account {organization['MasterAccountId']}"
            )
        if organization:  # before it exists, nobody tells the e-mail
            found = describe_account(aws, account)
            return {"management_name": found.name, "management_email": found.email}
    except AwsError:
        pass
    try:
        return {"management_name": aws.client("account").get_account_information()["AccountName"]}
    except AwsError:
        return {}


# The files


def _base(config: Path, to: Path | None) -> Path:
    """Returns the folder whose files are edited."""
    if to is None:
        if missing := next((name for name in FILES if not os.path.lexists(config / name)), None):
            raise StrataError(f"{config / missing} does not exist; make a new folder with --to DIR")
        return config
    _check_free(to)
    return config if _shipped(config) else TEMPLATE


def _shipped(config: Path) -> bool:
    try:
        return not any(_own_values(_readable(config / name)) for name in FILES)
    except (OSError, StrataError):
        return False


def _readable(path: Path) -> str:
    """Returns the text of a file that can be edited."""
    from ruamel.yaml.error import YAMLError

    text = read_text(path)
    try:
        found = _round_trip().load(text)
    except YAMLError as error:
        raise StrataError(f"{path} is not YAML; strata check shows where") from error
    if not isinstance(found, dict):
        raise StrataError(f"{path} is not a mapping of keys to values; make a new folder with --to DIR")
    return text


def _check_free(to: Path) -> None:
    if os.path.lexists(to) and (not to.is_dir() or any(to.iterdir())):
        raise StrataError(f"{to} exists and is not an empty folder; name another one with --to")


def _refuse_others(folder: Path, changed: Mapping[str, str]) -> None:
    """Refuses to replace what is not an example's; what an interrupted run wrote already is not replaced."""
    for name, text in changed.items():
        if own := _own_values(text):
            raise StrataError(
                f"{folder / name} no longer has the example value, it has {own[0]!r}; edit it, or make a new "
                "folder with --to DIR"
            )


def _own_values(text: str) -> list[str]:
    """Returns the e-mail addresses and account ids in a file that are nobody's example."""
    leaves = list(_leaves(_round_trip().load(text)))
    emails = [leaf for leaf in leaves if re.fullmatch(r"[^\s@]+@[^\s@]+", leaf)]
    ids = [leaf for leaf in leaves if re.fullmatch(r"\d{12}", leaf)]
    return [value for value in (*emails, *ids) if not is_example(value)]


def _leaves(data: Any) -> Iterator[str]:
    if isinstance(data, dict | list):
        for below in data.values() if isinstance(data, dict) else data:
            yield from _leaves(below)
    else:
        yield str(data)


def _make_folder(target: Path, base: Path, files: Mapping[str, str]) -> None:
    """Makes the whole folder beside its place and puts it there in one step."""
    target = target.absolute()
    with cannot("made", target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
    with locked(target.parent), cannot("made", target):
        _check_free(target)
        making = Path(tempfile.mkdtemp(prefix=".strata-", dir=target.parent))
        try:
            fill(making, base, files)
            making.chmod(0o755)
            making.replace(target.resolve())
        except BaseException:
            shutil.rmtree(making)
            raise


# The edits


def _edit(text: str, change: Callable[[Any], None], folder: Path | None) -> str:
    """Returns a file after a change; for a new folder with the path from there to its schema."""
    yaml = _round_trip()
    data = yaml.load(StringIO(text, newline=None).read())
    change(data)
    out = StringIO()
    yaml.dump(data, out)
    edited = with_line_ends_of(text, out.getvalue().rstrip("\n") + "\n")
    if folder is None:
        return edited
    return re.sub(r"(?<=\$schema=)\S*(?=/\w+\.json)", Path(os.path.relpath(SCHEMA, folder)).as_posix(), edited, count=1)


def _round_trip() -> Any:
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 10_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _edit_project(answers: Answers, data: Any) -> None:
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    data["name"], data["short_name"] = answers.name, answers.short_name
    account, regions = data["management_account"], data["regions"]
    account["id"] = DoubleQuotedScalarString(answers.management_id)
    account["name"], account["email"] = answers.management_name, answers.management_email
    regions["primary"], regions["secondary"] = answers.primary, answers.secondary
    with _tail_kept(regions):
        if answers.governed:
            _set_list(regions, "governed", answers.governed)
        else:
            regions.pop("governed", None)


def _edit_organization(answers: Answers, data: Any) -> None:
    """Makes the accounts those of the answers, each new one in a unit of its own."""
    accounts, units = data["accounts"], data["organizational_units"]
    gone = [key for key in accounts if key not in answers.accounts]
    with _tail_kept(accounts), _tail_kept(units):
        for key in gone:
            del accounts[key]
            units.pop(key, None)
        for key in answers.accounts:
            if key not in accounts:
                units.setdefault(key, _mapping(name=key))
                accounts[key] = _mapping(email="", organizational_unit=key)
            accounts[key]["email"] = account_address(answers.email, key)
    for policy in data.get("policies", {}).values():
        _follow(policy["targets"], "organizational_units", answers.accounts)
    delegated = data.get("delegated_administrators", {})
    for service in [service for service, key in delegated.items() if key in gone]:
        del delegated[service]
    if not delegated:
        data.pop("delegated_administrators", None)


def _edit_security(answers: Answers, data: Any) -> None:
    for control in data.values():
        if "emails" in control:
            _set_list(control, "emails", [answers.management_email])


def _edit_sso(answers: Answers, data: Any) -> None:
    """Makes the administrator the only person, in every group that had one."""
    users = data["users"]
    with _tail_kept(users):
        for key in [key for key in users if key != answers.admin]:
            del users[key]
        person = users.setdefault(answers.admin, _mapping())
        person["given_name"], person["family_name"] = answers.admin_given_name, answers.admin_family_name
        person["email"] = answers.admin_email
    for group in data["groups"].values():
        if "members" in group:
            _set_list(group, "members", [answers.admin])
    for assignment in data["assignments"]:
        _follow(assignment, "accounts", answers.accounts)


_EDITS: Mapping[str, Callable[[Answers, Any], None]] = {
    "project.yaml": _edit_project,
    "organization.yaml": _edit_organization,
    "security.yaml": _edit_security,
    "sso.yaml": _edit_sso,
}


def _follow(holder: Any, name: str, accounts: Sequence[str]) -> None:
    """Takes accounts that went out of a list; one that named them all, or only such that went, names all there are."""
    named = holder.get(name)
    if not isinstance(named, list):
        return
    kept = [key for key in named if key in accounts or key == MANAGEMENT]
    everywhere = not kept or set(DEFAULT_ACCOUNTS) <= set(named)
    _set_list(holder, name, [*kept, *(key for key in accounts if everywhere and key not in kept)])


def _set_list(holder: Any, name: str, values: Sequence[str]) -> None:
    from ruamel.yaml.comments import CommentedSeq

    if list(holder.get(name, ())) == list(values):
        return
    with _tail_kept(holder):
        holder[name] = CommentedSeq(values)


def _mapping(**values: str) -> Any:
    from ruamel.yaml.comments import CommentedMap

    return CommentedMap(values)


@contextmanager
def _tail_kept(section: Any) -> Iterator[None]:
    """Keeps the blank line and comments after a section: ruamel ties them to the last value in it."""
    node, key = _last(section)
    entry = node.ca.items.get(key)
    slot = 2 if isinstance(node, dict) else 0
    tail = entry[slot] if entry else None
    if entry:
        entry[slot] = None
    yield
    if tail and len(section):
        node, key = _last(section)
        node.ca.items[key] = [None, None, tail, None] if isinstance(node, dict) else [tail, None]


def _last(section: Any) -> tuple[Any, Any]:
    """Returns the mapping or list that holds the last value of a section, and the value's key there."""
    key = next(reversed(section)) if isinstance(section, dict) else len(section) - 1
    below = section[key] if len(section) else None
    return _last(below) if isinstance(below, dict | list) and len(below) else (section, key)
