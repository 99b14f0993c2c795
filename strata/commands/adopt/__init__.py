"""`strata adopt`: reads a live organization and Identity Center, and writes the configuration that describes them.

Nothing changes at AWS, nothing is written outside the folder, and all of it but the kept answers at the end. Where the
folder has a configuration already, only what is new is added.
"""

from __future__ import annotations

import datetime as dt
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from strata.adoption import rendering
from strata.adoption.checking import REASON, accepted, until_accepted
from strata.adoption.describing import Description, describe, direct_full_access, sets_with_full_access
from strata.adoption.external import external_at_aws, overtaken, text_of
from strata.adoption.importing import import_ids
from strata.adoption.inheriting import with_defaults
from strata.adoption.members import Members, attributes, roles_to_make, settings, unread
from strata.adoption.record import RECORD, Record
from strata.adoption.recording import record_of
from strata.adoption.rerun import merge
from strata.aws import organization
from strata.aws.prerequisites import management_caller
from strata.aws.quotas import account_quota
from strata.aws.session import Aws, AwsError, connect
from strata.aws.states import read_states
from strata.commands.adopt.existing import (
    changed_texts,
    deployed,
    existing_at,
    gives_full_access,
    looked_over,
    offer,
    warn,
    worse,
)
from strata.commands.adopt.folder import CACHE, forget_answers, has_configuration, write_new
from strata.commands.adopt.members import read_members
from strata.config import ADOPTION, EXTERNAL, IMPORTS, ORGANIZATION, PROJECT, SECURITY
from strata.config.external import External, ExternalGroup
from strata.config.limits import aws_limits
from strata.config.models import Project
from strata.drift.comparison import compare
from strata.drift.difference import Difference
from strata.drift.difference import DifferenceKind as Kind
from strata.errors import Message, StrataError, UsageError
from strata.files.config_edit import write_texts
from strata.identity.lost_states import lost_states
from strata.inventory.kept import KeptAnswers
from strata.inventory.progress import InventoryReading
from strata.kinds.at_aws import Inventory
from strata.kinds.group import MEMBERSHIP, group_of
from strata.kinds.policy import POLICY_TYPE
from strata.kinds.thing import as_read
from strata.landing_zone import LandingZone
from strata.landing_zone.groups import Group
from strata.load import load
from strata.options import Options
from strata.outputs import output
from strata.printing import document, flat, line, readers_may_leave, word
from strata.rules.expectations import require
from strata.rules.quotas import ACCOUNTS, exceeded
from strata.rules.usual_expectations import holding
from strata.sides.states import State
from strata.terminal import confirmed, require_answer
from strata.text import listed


@dataclass(frozen=True)
class Names:
    """What no organization tells: Strata's names and regions, each None where it was not given."""

    name: str | None
    short_name: str | None
    primary: str | None
    secondary: str | None
    identity_center_region: str | None


@dataclass(frozen=True)
class AdoptOptions:
    """How to read, describe and write."""

    literal: bool = False
    thorough: bool = False
    yes: bool = False
    dry_run: bool = False
    json: bool = False
    members: bool = False

    @property
    def only_shows(self) -> bool:
        """Says that nothing is written."""
        return self.dry_run or (self.json and not self.yes)


def run(options: Options, *, to: Path, names: Names, how: AdoptOptions) -> int:
    """Reads, describes, checks the result, shows it, asks, and writes.

    Raises:
        UsageError: names are missing, or nobody can be asked.
    """
    require_answer("what was found", yes=how.yes, dry_run=how.dry_run, json=how.json)
    if has_configuration(to):
        if how.members:
            text = f"--members is for a first adoption, and {to} has a configuration; name an empty folder with --to"
            raise UsageError(Message("arguments-conflict", text, options=["--members"], place=str(to)))
        return _add(options, to, names, how)
    missing = [f"--{name.replace('_', '-')}" for name in _NEEDED if not getattr(names, name)]
    if missing:
        text = f"give {', '.join(missing)} as well: {to} has no configuration yet"
        raise UsageError(Message("argument-missing", text, options=missing))
    aws = Aws(options.profile, names.primary or "")
    project = _project(aws, names)
    connect(options, project)
    reading = _reading(options, to, project)
    inventory = reading.read(aws, thorough=how.thorough)
    members = read_members(reading, aws, project, inventory) if how.members else None
    quota = _quota(options, aws, inventory)
    description, files = configuration(project, inventory, members, literal=how.literal, day=_today(), quota=quota)
    if not how.json:
        with readers_may_leave():
            print(rendering.adoption(inventory, description, shown=flat))
            sys.stdout.flush()
        reading.tell()
    if not how.dry_run:
        if not how.yes and not confirmed(f"write this to {to}?", instead="what was found with --dry-run"):
            options.note(Message("nothing-changed", "nothing was written"))
            return 1
        write_new(to, files)
        forget_answers(to)
    if how.json:
        document(output("adopt", _facts(to, description, reading, written=not how.dry_run)))
    elif not how.dry_run:
        _tell_next(to)
    return 0


_NEEDED = ("name", "short_name", "primary", "secondary")


def _add(options: Options, to: Path, names: Names, how: AdoptOptions) -> int:
    """Adds what is new to a configuration that exists; a member account's credentials are refused."""
    zone = load(to)
    _check_same(to, zone.project, names)
    aws = connect(options, zone.project)
    management_caller(aws, zone.project)
    states = read_states(aws, zone.project)
    if not states and (lost := lost_states(aws, zone)):
        raise StrataError(lost)
    reading = _reading(options, to, zone.project)
    inventory = reading.read(aws, thorough=how.thorough)
    existing = existing_at(to, load(to), inventory.organization.id, *deployed(states, zone))
    merged = looked_over(existing, merge(existing, inventory, literal=how.literal, day=_today()), inventory)
    merged.description.looks += [
        *_left(merged.landing_zone, inventory, states)[1],
        *direct_full_access(inventory, merged.description),
    ]
    texts = changed_texts(to, merged, inventory)
    warned = worse(to, existing, merged) if texts else []
    new = merged.landing_zone
    if differs := overtaken(new.external, external_at_aws(new, inventory, merged.description.keys, None)):
        way = f"strata adopt --refresh-external --config {word(to)}"  # which alone writes external.yaml
        text = f"AWS differs from {EXTERNAL}: {listed(differs)}; strata drift says what, {way} writes it"
        warned.append(Message("external-differs", text, things=differs))
    forget_answers(to)  # what is at AWS may change before the next run, and a deploy may change it
    written = bool(texts) and how.yes and not how.dry_run
    if how.json:
        warn(warned)
        if written:
            offer(options, to, existing, texts, merged, dry_run=False, yes=True, quiet=True)
            forget_answers(to)
        facts = _facts(to, merged.description, reading, written=written)
        document(output("adopt", {**facts, **merged.since.facts(), "warnings": warned}))
        return 0
    reading.tell()
    if not texts:
        with readers_may_leave():
            for words in rendering.told(merged.since):
                print(line(words))
        warn(warned)
        options.note(Message("nothing-to-do", f"nothing to do: {to} has all that is new at AWS", place=str(to)))
        return 0
    code = offer(options, to, existing, texts, merged, dry_run=how.dry_run, yes=how.yes, warned=warned)
    if code == 0 and not how.dry_run:
        forget_answers(to)
        _tell_next(to)
    return code


def _check_same(to: Path, project: Project, names: Names) -> None:
    """Refuses names that are other than those of the configuration."""
    regions = project.regions
    here = {
        "name": project.name,
        "short_name": project.short_name,
        "primary": regions.primary,
        "secondary": regions.secondary,
        "identity_center_region": project.identity_center_region,
    }
    other = {
        f"--{name.replace('_', '-')}": (given, value)
        for name, value in here.items()
        if (given := getattr(names, name)) not in (None, value)
    }
    if other:
        raise UsageError(
            *(
                Message("not-as-configured", f"{flag}: {given} is not the {value} of {to / PROJECT}", option=flag)
                for flag, (given, value) in other.items()
            )
        )


def _tell_next(to: Path) -> None:
    with readers_may_leave():
        print(line(f"next: read {to / ADOPTION}, then strata check --config {word(to)}"))


def _reading(options: Options, to: Path, project: Project) -> InventoryReading:
    """Returns a reading whose answers are kept until they are written; no other run reads into the folder meanwhile."""
    return InventoryReading(options, project, KeptAnswers(to / CACHE / "answers.jsonl", project.management_account.id))


# The management account


def _project(aws: Aws, names: Names) -> Project:
    """Returns project.yaml's content: the names, and the management account as it is.

    Raises:
        StrataError: the caller is in no organization, or in a member account.
        UsageError: a name is not allowed.
    """
    caller = aws.caller()
    own = organization.describe(aws)
    if own is None:
        text = f"account {caller.account} is in no organization; strata init and strata bootstrap make one"
        raise StrataError(Message("no-organization", text, account=caller.account))
    if own["MasterAccountId"] != caller.account:
        text = (
            f"account {caller.account} is a member of the organization {own['Id']}; use a profile of its management "
            f"account {own['MasterAccountId']}, see --profile"
        )
        raise StrataError(Message("wrong-account", text, account=caller.account, expected=own["MasterAccountId"]))
    management = organization.describe_account(aws, caller.account)
    content: dict[str, Any] = {
        "name": names.name,
        "short_name": names.short_name,
        "management_account": {"id": management.id, "name": management.name, "email": management.email},
        "regions": {"primary": names.primary, "secondary": names.secondary},
        "identity_center": {"region": names.identity_center_region} if names.identity_center_region else {},
    }
    try:
        return Project.model_validate(content)
    except ValidationError as error:
        objections = []
        for objection in error.errors():
            name = ".".join(map(str, objection["loc"]))
            argument = _FLAGS.get(name, name)
            # Pydantic puts words of its own before those of a rule.
            text = f"{argument}: {objection.get('ctx', {}).get('error') or objection['msg']}"
            objections.append(Message("argument-malformed", text, option=argument, value=objection["input"]))
        raise UsageError(*objections) from error


_FLAGS = {
    "name": "--name",
    "short_name": "--short-name",
    "regions.primary": "--primary",
    "regions.secondary": "--secondary",
    "identity_center.region": "--identity-center-region",
}


# The configuration


def configuration(
    project: Project,
    inventory: Inventory,
    members: Members | None = None,
    *,
    literal: bool = False,
    day: dt.date | None = None,
    quota: int = 0,
) -> tuple[Description, dict[str, str]]:
    """Returns the description, and all files; the imports come from the configuration as it is read back.

    An entry that AWS took and the configuration does not is left where it is, with whatever names it. The quota is that
    of accounts.

    Raises:
        StrataError: the configuration does not give what is there; nothing is written then.
    """

    def attempt(refused: Mapping[str, Message]) -> Description:
        return describe(inventory, project, literal=literal, refused=refused)

    files = partial(_files, project, inventory, members, literal=literal, day=day, quota=quota)
    return until_accepted(attempt, lambda description: (description, files(description)))


def _quota(options: Options, aws: Aws, inventory: Inventory) -> int:
    """Returns the quota of accounts of an organization with more than AWS gives by default; 0 where nobody knows it."""
    if len(inventory.organization.accounts) <= aws_limits()[ACCOUNTS].value:
        return 0
    try:
        return account_quota(aws)
    except AwsError as error:
        text = f"the quota of accounts is not known, and limits in {PROJECT} says how many there are: {error}"
        options.note(Message("account-quota-unknown", text, accounts=len(inventory.organization.accounts)))
        return 0


def _today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()


def _files(
    project: Project,
    inventory: Inventory,
    members: Members | None,
    description: Description,
    *,
    literal: bool,
    day: dt.date | None,
    quota: int,
) -> dict[str, str]:
    inherited, contacts = attributes(members, description, literal=literal) if members else ({}, {})
    description.organization = with_defaults(description.organization, inherited, literal=literal)
    contents: dict[str, Mapping[str, Any]] = {
        PROJECT: rendering.project(project),
        ORGANIZATION: {
            **description.organization,
            "policies": {**description.full_access, **description.organization["policies"]},
        },
        SECURITY: {**rendering.security(description), "contacts": contacts},
        **rendering.people_and_access(description.sso),
    }
    files = rendering.files(contents, description.documents)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def loaded(more: Mapping[str, str]) -> LandingZone:
            files.update(more)
            write_texts(folder, files)
            return load(folder)

        write_texts(folder, files)
        entries = accepted(folder)
        landing_zone = loaded(rendering.accepted(entries))
        if members:
            description.baseline = settings(members, description, landing_zone, literal=literal)
            landing_zone = loaded(rendering.baseline(description))
        if external := text_of(external_at_aws(landing_zone, inventory, description.keys, day)):
            landing_zone = loaded(external)
        if limits := exceeded(landing_zone):
            limits |= {ACCOUNTS: max(quota, limits[ACCOUNTS])} if ACCOUNTS in limits else {}
            files |= rendering.files({PROJECT: rendering.project(project.model_copy(update={"limits": limits}))}, {})
        if set(landing_zone.grants) != set(description.grants):
            fault = "the rules would not give what is there; give --literal, and report this fault of Strata"
            raise StrataError(Message("fault-of-strata", fault))
        lines = import_ids(landing_zone, inventory, description.keys, description.security)
        landing_zone = loaded(rendering.files({IMPORTS: lines} if lines else {}, {}))
        left, apart = _left(landing_zone, inventory)
        landing_zone = loaded(rendering.accepted([*entries, *left]))
        require(loaded(rendering.expectations(holding(landing_zone))))
    apart += [*unread(members, description), *roles_to_make(landing_zone, inventory)] if members else []
    description.looks += [*apart, *direct_full_access(inventory, description), *rendering.looks_of(entries)]
    files[ADOPTION] = rendering.adoption(inventory, description)
    record = Record().with_more(*record_of(landing_zone, inventory, description, lines))
    files[RECORD] = record.written(inventory.organization.id)
    return files


def _left(
    landing_zone: LandingZone, inventory: Inventory, states: Mapping[str, State] = MappingProxyType({})
) -> tuple[list[dict[str, Any]], list[Message]]:
    """Returns the entries of accepted.yaml for what is left alone, and a sentence for each that somebody has to decide.

    Nobody made it outside of what was there then. A grant of full access gets no entry: drift tells it, with the line
    that accepts it, until somebody has looked at it; external.yaml has who is in Control Tower's groups.
    """
    external = landing_zone.external
    memberless = dict.fromkeys(external.groups, ExternalGroup())
    without = replace(landing_zone, external=external.model_copy(update={"groups": memberless}))
    meant = {(acceptance.finding, acceptance.at) for acceptance in landing_zone.accepted}
    drift = compare(without, states, inventory, meant)
    made = [difference for difference in drift.differences if difference.how is Kind.MADE]
    policies = inventory.organization.policies
    full, entries, apart = sets_with_full_access(inventory), list[dict[str, Any]](), list[Message]()
    for difference in made:
        group = landing_zone.groups.get(group_of(difference.name)) if difference.kind == MEMBERSHIP.name else None
        in_tower = group is not None and group.external  # such a group gives what is declared
        if gives := gives_full_access(difference, inventory, full):
            read = group is not None and in_tower and _has(external, group, difference, inventory)
            until = f"which {EXTERNAL} has" if read else "which strata drift reports until accepted.yaml has it"
            text = f"Full access, {until}: {difference.kind} {difference.name!r}."
            apart.append(Message("full-access-left", text, kind=difference.kind, name=difference.name))
        # The first deploy notes the types that are on, and drift tells the policies of those that nobody declares.
        if not (in_tower or gives or difference.kind == POLICY_TYPE.name):
            type = "".join(policy.type for policy in policies if f"({policy.id})" in difference.at)
            reason = f"{REASON} {type}".strip()
            entries.append({"finding": difference.how.value, "at": difference.at, "reason": reason})
    return entries, apart


def _has(external: External, group: Group, membership: Difference, inventory: Inventory) -> bool:
    """Returns whether external.yaml has a member of a group."""
    id = membership.live.ids["principal"] if membership.live else ""
    names = {as_read(user.user_name).casefold() for one in inventory.centers for user in one.users if user.id == id}
    read = external.groups.get(group.name)
    return read is not None and not names.isdisjoint(name.casefold() for name in read.members)


def _facts(to: Path, description: Description, reading: InventoryReading, *, written: bool) -> dict[str, Any]:
    counts = {name: len(description.organization[name]) for name in ("accounts", "policies")}
    counts["assignments"] = len(description.grants)
    left = [{**omission._asdict(), "id": omission.reason.id} for omission in description.left_alone]
    return {
        "folder": str(to),
        "written": written,
        "requests": dict(reading.requests),
        "described": counts,
        "left_alone": left,
        "looks": list(description.looks),
    }
