"""What `strata plan` and `strata deploy` look at before they plan: account, states, and what an edit would lose."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, partial
from typing import Any

from strata.aws.access_role import account_ids, closed_to_us, entered, ids_of_accounts, way
from strata.aws.defaults import regional_setting
from strata.aws.identity_center import console, is_ours, list_instances
from strata.aws.organization import ListedAccount, describe, enabled_policy_types, is_new, list_accounts, list_roots
from strata.aws.prerequisites import ORGANIZATION, closed_regions, inspect, management_caller
from strata.aws.questions import ResourceQuestion
from strata.aws.quotas import account_quota, more_accounts
from strata.aws.resources import ResourceStatus
from strata.aws.session import DENIED, Aws, AwsError, asked_at_once, connect, emulator, unless_absent
from strata.aws.states import Version, etags, read_object, read_state, read_version, stacks_of
from strata.config.layers import (
    ARCHIVE,
    DELEGATION,
    DETECTION_LAYER,
    IN_ACCOUNT,
    STACKS,
    baseline_in,
    folder_of,
)
from strata.config.models import ACCESS_ROLE
from strata.config.types import did_you_mean
from strata.errors import ConfigurationError, Message, StrataError, UsageError
from strata.evaluation.organization import named_organization, organization_fault
from strata.identity import Examination, examine
from strata.identity.accounts import GONE
from strata.identity.archive import COMPLIANCE, SHORTER_LOCK, refused_locks, shut_archive, waiting_trail
from strata.identity.comparison import Refusal
from strata.identity.deletions import LAST_ADMINISTRATOR
from strata.identity.guard import DESTROY, IMPORT, MANY, WEAKEN
from strata.identity.held import attributes
from strata.identity.lost_states import lost_states
from strata.identity.protection import DISABLE_PROTECTION, refused_switches, unread_switches
from strata.identity.settled import lost_layers, settled, unsaid
from strata.identity.things import Holdings
from strata.kinds import TYPES
from strata.kinds.detection.administrator import ADMINISTRATOR
from strata.kinds.detection.archive import LOCK, NO_LOCK, live_retention
from strata.kinds.detection.made import administrators_here
from strata.kinds.detection.protection import UNREAD, Switch, switched, switches
from strata.kinds.setting import RESOURCES
from strata.landing_zone import LandingZone
from strata.landing_zone.archive import archive_of
from strata.landing_zone.examples import example_faults
from strata.landing_zone.expiry import over
from strata.landing_zone.facts import Facts
from strata.landing_zone.services import unknown_types
from strata.load import load
from strata.options import Options
from strata.printing import line
from strata.rules.expectations import require
from strata.rules.lockout import UNCERTAIN, Guard
from strata.rules.warnings import found_warnings
from strata.sides.states import State, managed, objects
from strata.terraform import whole
from strata.terraform.attributes import digest
from strata.terraform.change_list import ApprovedList, ChangeList
from strata.terraform.errors import PAUSES, wait
from strata.terraform.fleet import Fleet, layer_of
from strata.terraform.forgotten import forget
from strata.terraform.locks import abandoned, refuse_beside_another_run
from strata.terraform.plans import Plan
from strata.terraform.progress import Progress, duration
from strata.terraform.remarks import Remarks
from strata.terraform.workspace import StateObject, Workspace
from strata.text import counted, folded

ALLOWED = (
    *(LAST_ADMINISTRATOR, f"{DESTROY}ADDRESS", f"{WEAKEN}ADDRESS", f"{MANY}TYPE", f"{IMPORT}ADDRESS"),
    *(DISABLE_PROTECTION, SHORTER_LOCK, COMPLIANCE),
)
"""The words of `--allow`."""


@dataclass(frozen=True)
class Prepared:
    """The start of a plan: everything was read once, and nothing is refused."""

    landing_zone: LandingZone
    aws: Aws
    workspace: Workspace
    chosen: tuple[str, ...]
    states: Mapping[str, State]
    warnings: tuple[Message, ...] = ()
    """What was told before the plan and is no refusal."""
    lacking: tuple[ResourceStatus, ...] = ()
    """What `strata bootstrap` has yet to make, in a preview."""
    asks_all: bool = True
    """Terraform is started also for stacks in accounts that are as their last whole run left them."""
    left_out: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """What each stack forgets of accounts that are closed, by address."""
    shut_out: Mapping[str, Message] = field(default_factory=dict)
    """What is told of each stack that is left out, since a role cannot be assumed in its account."""
    late: frozenset[str] = frozenset()
    """The chosen stacks in accounts that AWS has just made, in which the access role cannot be assumed yet.

    With those that read from them.
    """
    spared: frozenset[str] = frozenset()
    """The chosen stacks in member accounts that are as their last whole run left them."""
    fleet: Fleet = field(default_factory=lambda: Fleet(1))
    """How many account stacks are planned and deployed at once."""
    empty: Message | None = None
    """That there is no account in the wave that was asked for."""
    allow: Collection[str] = ()
    """The words of `--allow`."""
    protection: Mapping[Switch, str] = field(default_factory=dict)
    """What AWS had of each switch of GuardDuty that no state has."""
    declared: Holdings = field(default_factory=Holdings)
    """What the configuration has, and what the states had when the run began under the keys of today."""
    recorded: Holdings = field(default_factory=Holdings)

    @cached_property
    def remarks(self) -> Remarks:
        """Returns what is told of plans beside their changes."""
        return Remarks(self.landing_zone, self.aws, self.protection)

    def reader(self, stack: str) -> str:
        """Returns the role by which a stack in a member account is planned."""
        return self.landing_zone.roles(stack).reader

    def writer(self, stack: str) -> str:
        """Returns the role by which a stack in a member account is deployed."""
        return self.landing_zone.roles(stack).writer

    def refreshes(self, stack: str) -> bool:
        """Says whether a plan refreshes; never of what is forgotten, into whose account no role need lead any more."""
        forgotten = {*map(baseline_in, self.landing_zone.leaving)}
        return stack not in forgotten

    def unasked(self) -> list[Plan]:
        """Returns the plans of the chosen stacks for which no Terraform is started."""
        return [Plan(stack, spared=True) for stack in sorted(self.spared)]

    def version(self, state: StateObject) -> Version | None:
        """Returns the version of a state now, None where there is none, or where somebody else's cannot be read."""
        try:
            return read_version(self.aws, *state)
        except AwsError:
            if state.bucket == self.landing_zone.project.state_bucket:
                raise
            return None

    def digest(self, state: StateObject, outputs: Collection[str]) -> str:
        """Returns a digest of the values of outputs as they are now, none of a state that is not there."""
        return _digest(read_object(self.aws, *state), outputs)

    def left_whole(self, stacks: Collection[str], listed: Mapping[str, str] | None = None) -> set[str]:
        """Returns those of the stacks in member accounts that are as their last whole run left them.

        Args:
            listed: the ETags of the states and of what lies beside them, where somebody has just read them.
        """
        project = self.landing_zone.project
        if listed is None:
            listed = etags(self.aws, project) if stacks else {}
        read = cache(lambda state: read_object(self.aws, *state))
        digest = lambda state, outputs: _digest(read(state), outputs)  # noqa: E731  # each state once
        return whole.unchanged(self.aws, project, stacks, self.origin, digest, listed)

    def origin(self, stack: str) -> whole.Origin:
        """Returns all that a plan of a stack in a member account follows from."""
        return whole.origin(self.workspace, stack, after=self._delegated(stack))

    def _delegated(self, stack: str) -> tuple[Any, ...]:
        """Returns which state of the delegation the administrator's stack comes after, of which it reads no output.

        AWS forgets what an administrator said with its delegation.
        """
        zone = self.landing_zone
        layer = zone.layers.get(DETECTION_LAYER)
        if not (layer and layer.source and stack == layer.stack):
            return ()
        return Version.of(read_state(self.aws, zone.project, zone.layers[DELEGATION].stack)) or ()

    @property
    def asked(self) -> tuple[str, ...]:
        """Returns the chosen stacks for which Terraform is started."""
        return tuple(stack for stack in self.chosen if stack not in self.spared)

    def account_ids(self, organizations: State | None = None) -> dict[str, str]:
        """Returns the id of its account by the stack in a member account, empty where there is none yet.

        Args:
            organizations: the state that has them, by default as it was when the run began.
        """
        zone, state = self.landing_zone, organizations or self.states.get("organizations", {})
        known = dict(account_ids(state, sorted({*zone.account_stacks.values()})))
        return {stack: known.get(key, "") for stack, key in zone.account_stacks.items()}

    def lists(self, plans: Sequence[Plan], later: Collection[str] = ()) -> ChangeList:
        """Returns the list of changes of plans without an error."""
        account, ids = self.landing_zone.project.management_account.id, self.account_ids()
        lineage = str(self.states.get("organizations", {}).get("lineage"))
        return ChangeList.of(plans, account, later=later, accounts=ids, lineage=lineage)

    def approved(self, expected: ApprovedList) -> ApprovedList:
        """Returns the part of an approved list that is asked for; all of it, unless only stacks in accounts are."""
        in_accounts = self.landing_zone.account_stacks.keys() >= {*self.chosen}
        return expected.only({*self.chosen, *self.shut_out}) if in_accounts else expected


class RefusedError(StrataError):
    """Something is not done, since it would lose something or take what is somebody else's: each with lines to copy.

    Args:
        applied: whether this run has changed something before.
    """

    def __init__(self, refusals: Sequence[Refusal], *, applied: bool = False) -> None:
        super().__init__(*(refusal.fault.message for refusal in refusals))
        self.refusals = tuple(refusals)
        self.applied = applied

    def lines(self) -> Iterator[str]:
        """Yields each refusal, and below it the lines to copy, which are commands or belong into imports.yaml."""
        for refusal in self.refusals:
            yield f"error: {refusal.fault}"
            yield from (line(f"  {copied}", sys.maxsize) for copied in refusal.lines)
        if not self.applied:
            yield "nothing was changed"


def _digest(state: State, outputs: Collection[str]) -> str:
    known = state.get("outputs", {})
    values = {name: known[name]["value"] for name in sorted(outputs) if name in known}
    return digest(values)


def prepare(
    options: Options,
    progress: Progress,
    *,
    stacks: Sequence[str],
    allow: Sequence[str],
    preview: bool = False,
    refresh: bool | None = None,
    fleet: Fleet,
) -> Prepared:
    """Writes the Terraform, reads states and AWS, and compares them with the configuration.

    Args:
        fleet: which account stacks it takes.
        refresh: True takes those as well that are as their last whole run left them.
        preview: whether it is enough, before the first deploy, that there is an organization.

    Raises:
        ConfigurationError: the configuration has faults, or an expectation does not hold.
        UsageError: a word of --allow is none.
        RefusedError: the edit would lose something, or something is somebody else's; nothing was changed.
        StrataError: the account is another, bootstrap is missing, or AWS rejected a call.
    """
    check_allowed(allow)
    today = dt.datetime.now(tz=dt.UTC).date()
    landing_zone = _loaded(options, today)
    _check_wave(landing_zone, stacks, fleet.wave)
    if not emulator() and (faults := example_faults(landing_zone)):
        raise ConfigurationError(faults)
    ended = [*(fault.message for fault in over(landing_zone, today)), *_uncertain(landing_zone, today)]
    for warning in ended:
        print(line(f"warning: {warning}"), file=sys.stderr)
    progress.doing("asking AWS", seen_only=True)
    aws = connect(options, landing_zone.project)
    management_caller(aws, landing_zone.project)
    _check_settled(aws, landing_zone, stacks)
    lacking = _check_ground(
        aws, landing_zone, progress.note, needs_sign_in=not stacks or "sso" in stacks, preview=preview
    )
    workspace = Workspace.of(options.config, options.profile)
    progress.doing("comparing the configuration with the states and AWS")
    states = {stack: read_state(aws, landing_zone.project, stack) for stack in STACKS}
    examination = examine(
        aws,
        landing_zone,
        states=states,
        allow=allow,
        stacks=stacks,
        today=today,
        folder=str(workspace.folder),
    )
    for warning in examination.warnings:
        print(line(f"warning: {warning}"), file=sys.stderr)
    alone = partial(
        refuse_beside_another_run,
        aws,
        landing_zone.project,
        workspace,
        {stack: Version.of(state) for stack, state in states.items()},
        dt.datetime.now(tz=dt.UTC),
    )
    if examination.refusals:
        alone()
        raise RefusedError(examination.refusals)
    if not stacks or "organizations" in stacks:
        _check_quota(aws, landing_zone, states.get("organizations", {}), examination.closed, progress.note)
    listed = etags(aws, landing_zone.project)
    everywhere, landing_zone = landing_zone.account_stacks.keys(), landing_zone.at(stacks_of(listed))
    leaving = _leaving(aws, landing_zone, stacks_of(listed), examination.closed)
    landing_zone = replace(landing_zone, leaving=leaving)
    types = list(_types_left(aws, landing_zone))
    facts = Facts(
        closed=_closed(landing_zone, examination),
        leaving=tuple(sorted(leaving)),
        moved=examination.moved,
        absent=tuple(sorted(everywhere - landing_zone.account_stacks.keys())),
        types_stay=bool(types),
    )
    progress.doing("writing the Terraform")
    workspace.synth(sorted({LAST_ADMINISTRATOR}.intersection(allow)), facts)
    prepared = Prepared(
        *(landing_zone, aws, workspace, (), states, (), lacking, bool(refresh)),
        fleet=fleet,
        allow=allow,
        declared=examination.declared,
        recorded=examination.recorded,
    )
    forgotten = forget(aws, landing_zone, workspace)
    left_out = {stack: _leave_out(workspace, stack, states[stack], examination.closed) for stack in STACKS}
    chosen = tuple(_chosen(workspace, landing_zone, stacks, fleet))
    lost = _check_layers(aws, landing_zone, workspace, chosen if stacks else (), stacks_of(listed), examination.closed)
    prepared = replace(prepared, chosen=chosen, left_out=left_out)
    prepared = _selected(prepared, stacks, listed, progress.note, deploys=not preview)
    _check_regions(prepared)
    prepared, unread = _with_protection(prepared)
    goes = [(stack, _reset(aws, workspace.document(stack), prepared.states[stack])) for stack in _own(prepared)]
    told = [
        *types,
        *forgotten,
        *lost,
        *_archive_told(prepared, stacks, allow, stacks_of(listed), examination.closed),
        *unread,
        *(text.saying(f"{stack}: {text}", place=text.place) for stack, texts in goes for text in texts),
        *abandoned(aws, landing_zone.project, workspace, prepared.asked, dt.datetime.now(tz=dt.UTC)),
    ]
    for text in told:
        print(line(f"warning: {text}"), file=sys.stderr)
    return replace(
        prepared, warnings=(*ended, *examination.warnings, *dict.fromkeys(prepared.shut_out.values()), *told)
    )


def _loaded(options: Options, today: dt.date) -> LandingZone:
    landing_zone = load(options.config, today=today)
    if faults := list(Guard.of(landing_zone, today).faults(today)):
        raise ConfigurationError(faults)
    require(landing_zone)
    return landing_zone


def _uncertain(landing_zone: LandingZone, today: dt.date) -> Iterator[Message]:
    """Yields where somebody may lock themselves out, as `strata check` warns of it."""
    for warning in found_warnings(landing_zone, today=today):
        if warning.finding in UNCERTAIN:
            file = landing_zone.source_file(warning.source.file).file
            at = f"{file}:{warning.source.line}"
            yield warning.text.saying(f"{at}: {warning.told}", place=f"{at}: {warning.path}")


def _closed(landing_zone: LandingZone, examination: Examination) -> dict[str, str]:
    """Returns the ids of the declared accounts that are closed, by key; an account that is gone has none."""
    return {
        key: "" if account.state == GONE else account.id
        for key, account in examination.closed.items()
        if key in landing_zone.members
    }


def _check_layers(
    aws: Aws,
    landing_zone: LandingZone,
    workspace: Workspace,
    named: Collection[str],
    deployed: Collection[str],
    closed: Collection[str],
) -> list[Message]:
    """Refuses states that no stack has, and that of detection where its file says nothing of what it holds.

    Where stacks were named that all have a state, none of them can be it under another name: it is told alone. In an
    account that is closed nothing is left.

    Args:
        named: the stacks that were asked for; none where all are.
        deployed: all stacks that have a state.

    Raises:
        RefusedError: a state has no stack.
    """
    leaving = {*map(baseline_in, landing_zone.leaving)}
    reachable = {stack for stack in deployed if stack.partition(IN_ACCOUNT)[2] not in closed} - leaving
    # The names of its buckets stay taken, also where the account of an archive is closed.
    its = landing_zone.detection.log_archive if landing_zone.detection else None
    here = f"{ARCHIVE}{IN_ACCOUNT}"
    reachable |= {stack for stack in deployed if its and stack.startswith(here) and stack != f"{here}{its.account}"}
    has = {*workspace.stacks} - unsaid(landing_zone)
    states = {stack: read_state(aws, landing_zone.project, stack) for stack in reachable - has}
    lost = list(lost_layers(landing_zone, states))
    if lost and not (named and {*named} <= {*deployed}):
        raise RefusedError(lost)
    return [refusal.fault.message for refusal in lost]


def _archive_told(
    prepared: Prepared,
    named: Collection[str],
    allow: Collection[str],
    deployed: Collection[str],
    closed: Collection[str],
) -> list[Message]:
    """Returns what is told of the trail that waits for the log archive, and of an archive that nobody can reach.

    Raises:
        RefusedError: files of the archive would be kept for less, or for good.
    """
    zone = prepared.landing_zone
    layer = zone.layers.get(ARCHIVE)
    if not (layer and layer.source):
        return []
    if shut := list(shut_archive(zone, closed)):
        return shut
    state = read_state(prepared.aws, zone.project, layer.stack) if layer.stack in deployed else {}
    told = list[Message]()
    if not named or {ARCHIVE, layer.stack}.intersection(named):
        at_aws = NO_LOCK if attributes(state, {}).get(LOCK) else _lock_at_aws(prepared, layer.stack, told)
        if refused := list(refused_locks(zone, state, allow, at_aws)):
            raise RefusedError(refused)
    security = prepared.states.get("security", {})
    return [*told, *(waiting_trail(zone, state, security) if "security" in prepared.chosen else ())]


def _lock_at_aws(prepared: Prepared, stack: str, told: list[Message]) -> tuple[str, int]:
    """Returns mode and days of the lock that the bucket of the trail has at AWS, none where there is none.

    Where AWS does not say it, that is told.
    """
    zone = prepared.landing_zone
    its = archive_of(zone)
    ids = dict(account_ids(prepared.states.get("organizations", {}), [its.account] if its else []))
    try:
        for id in ids.values():
            s3 = entered(prepared.aws, id, prepared.reader(stack)).client("s3")
            codes = ("NoSuchBucket", "ObjectLockConfigurationNotFoundError")
            ask = partial(s3.get_object_lock_configuration, Bucket=zone.project.archive_trail_bucket)
            return live_retention((unless_absent(ask, codes) or {}).get("ObjectLockConfiguration", {}))
    except AwsError as error:
        text = f"whether {zone.project.archive_trail_bucket} keeps files for longer already is not known: {error}"
        told.append(Message("lock-unread", text, bucket=zone.project.archive_trail_bucket))
    return NO_LOCK


def _with_protection(prepared: Prepared) -> tuple[Prepared, list[Message]]:
    """Returns it with what AWS has of GuardDuty that its stack sets anew, and what is told of that which is not read.

    Raises:
        RefusedError: a deploy would switch off what is on.
    """
    zone, layer = prepared.landing_zone, prepared.landing_zone.layers.get(DETECTION_LAYER)
    if not (layer and layer.source and layer.stack in {*prepared.asked} - prepared.late):
        return prepared, []
    held = {resource.address for resource in managed(prepared.states[layer.stack])}
    document = prepared.workspace.document(layer.stack)
    anew = [switch for switch in switches(document) if switch.address not in held]
    answers = _switched(prepared, layer.stack, sorted({switch.region for switch in anew}))
    why = {region: answer for region, answer in answers.items() if isinstance(answer, AwsError)}
    known = {region: answer for region, answer in answers.items() if not isinstance(answer, AwsError)}
    found, chosen = dict[Switch, str](), dict[Switch, str]()
    for switch in anew:
        fresh, has = known.get(switch.region, (False, {}))
        if at_aws := UNREAD if switch.region in why else has.get((switch.attribute, switch.plan)):
            found[switch] = at_aws
            chosen |= {} if fresh and switch.is_own else {switch: at_aws}
    if DISABLE_PROTECTION not in prepared.allow and (refused := list(refused_switches(zone, chosen))):
        raise RefusedError(refused)
    return replace(prepared, protection=found), list(unread_switches(zone, found, why))


def _switched(
    prepared: Prepared, stack: str, regions: Sequence[str]
) -> dict[str, tuple[bool, Mapping[tuple[str, str], str]] | AwsError]:
    """Returns what AWS has of GuardDuty in the administrator by region, or why that is not known.

    With it, whether the detector is of the last day, in an account that our state has as the administrator: a run that
    did not finish is repeated, and nobody has chosen the plans that AWS gives a new detector:
    https://docs.aws.amazon.com/guardduty/latest/APIReference/API_CreateDetector.html

    The account may be in no state yet, or not there.
    """
    zone, key = prepared.landing_zone, prepared.landing_zone.account_stacks[stack]
    emails, state = {key: zone.members[key].email}, prepared.states["organizations"]
    ids = (ids_of_accounts(prepared.aws, state, emails) or ids_of_accounts(prepared.aws, {}, emails)) if regions else {}
    if not ids:
        return {}
    try:
        member = entered(prepared.aws, ids[key], prepared.reader(stack))
    except AwsError as error:
        return dict.fromkeys(regions, error)

    delegation = prepared.states.get(zone.layers[DELEGATION].stack, {})
    ours = {each.attributes.get("region") for each in objects(delegation) if each.type == ADMINISTRATOR.type}
    yesterday = dt.datetime.now(tz=dt.UTC) - dt.timedelta(days=1)

    def asked(region: str) -> tuple[bool, Mapping[tuple[str, str], str]] | AwsError:
        here, there = (ResourceQuestion(aws, zone.project, {"region": region}) for aws in (prepared.aws, member))
        try:
            since, found = switched(there, administers=ids[key] in administrators_here(here))
            return bool(since and since > yesterday and region in ours), found
        except AwsError as error:
            return error

    return dict(zip(regions, asked_at_once(asked, regions), strict=True))


def _leaving(aws: Aws, landing_zone: LandingZone, deployed: Collection[str], closed: Collection[str]) -> frozenset[str]:
    """Returns the retired accounts whose baseline has something in its state still, which is forgotten.

    What is in an account that is closed goes with it.
    """
    going = [key for key in sorted(landing_zone.retired.keys() - {*closed}) if baseline_in(key) in deployed]
    states = (read_state(aws, landing_zone.project, baseline_in(key)) for key in going)
    return frozenset(key for key, state in zip(going, states, strict=True) if attributes(state, {}))


def _leave_out(workspace: Workspace, stack: str, state: State, closed: Mapping[str, ListedAccount]) -> frozenset[str]:
    """Has a stack forget what its state has of accounts that are closed, where AWS changes nothing any more."""
    declared = workspace.document(stack).get("resource", {})
    accounts = {account.id for account in closed.values() if account.id}
    forgotten = frozenset(
        resource.address
        for resource in managed(state)
        if {resource.attributes.get(name) for name in ("target_id", "account_id", "id")} & accounts
        and resource.name not in declared.get(resource.type, {})
    )
    if forgotten:
        workspace.forget_next(stack, forgotten)
    return forgotten


def _selected(
    prepared: Prepared,
    named: Sequence[str],
    listed: Mapping[str, str],
    note: Callable[[str], None],
    *,
    deploys: bool,
) -> Prepared:
    """Returns it without the stacks that cannot be reached, and with the states of all for which Terraform is started.

    Raises:
        StrataError: a stack was named that cannot be reached, or nothing is left of what was named.
    """
    aws, zone, chosen = prepared.aws, prepared.landing_zone, prepared.chosen
    empty = None if chosen else _empty(named, prepared.fleet.wave)
    if empty:
        note(empty)
    spared = set[str]()
    if not prepared.asks_all:
        spared = prepared.left_whole([stack for stack in chosen if stack in zone.account_stacks], listed)
    asked = [stack for stack in chosen if stack not in spared]
    read = {*asked, *prepared.workspace.producers(*chosen)}
    needed = sorted(read - {*prepared.states})
    bodies = asked_at_once(partial(read_state, aws, zone.project), needed)
    states = {**prepared.states, **dict(zip(needed, bodies, strict=True))}
    shut_out, late = _closed_to_us(aws, zone, states, asked, named, deploys=deploys)
    if late:
        new = sorted({zone.account_stacks[stack] for stack in late})
        text = f"{ACCESS_ROLE} lets nobody into the new {', '.join(new)} yet: planned and asked about last"
        note(Message("access-role-not-seen", text, accounts=new))
        late |= {stack for stack in asked if late.intersection(prepared.workspace.producers(stack))}
    chosen = tuple(stack for stack in chosen if stack not in shut_out)
    if named and prepared.chosen and not chosen:
        text = f"{', '.join(named)}: every account with a stack of it is left out"
        raise StrataError(Message("no-account-left", text, stacks=list(named)))
    spares = frozenset(spared)
    return replace(prepared, chosen=chosen, states=states, spared=spares, shut_out=shut_out, late=late, empty=empty)


def _own(prepared: Prepared) -> list[str]:
    """Returns the chosen stacks of the management account whose Terraform is written."""
    return [stack for stack in prepared.chosen if stack not in prepared.landing_zone.account_stacks]


def _check_regions(prepared: Prepared) -> None:
    """Refuses regions that the account has to enable first; AWS is asked about those that no state has anything in.

    Raises:
        StrataError: a region is not enabled.
    """
    used = {prepared.landing_zone.project.regions.primary}
    wanted: set[str] = set()
    for stack in _own(prepared):
        used |= {str(resource.attributes.get("region")) for resource in objects(prepared.states[stack])}
        for resources in prepared.workspace.document(stack).get("resource", {}).values():
            wanted |= {str(arguments.get("region", "")) for arguments in resources.values()}
    wanted = {region for region in wanted if region and "${" not in region}
    try:
        closed = closed_regions(prepared.aws, wanted - used) if wanted - used else {}
    except AwsError:
        return  # Terraform says it of a resource
    texts = {
        region: f"the region {region} is not enabled in this account: {remedy}" for region, remedy in closed.items()
    }
    if texts:
        raise StrataError(*(Message("region-not-enabled", text, region=region) for region, text in texts.items()))


def await_access(aws: Aws, accounts: Mapping[str, str], note: Callable[[str], None]) -> list[str]:
    """Waits until the access role of accounts that AWS has just made can be assumed; returns where it still cannot.

    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_create.html (AWS finishes an account
    after the request).
    """
    pauses, told = iter(PAUSES), False
    while accounts := {key: accounts[key] for key in not_entered_yet(aws, accounts)}:
        seconds = next(pauses, None)
        if seconds is None:
            break
        if not told:  # fewer are left with each try
            text = f"{ACCESS_ROLE} lets nobody into the new {', '.join(accounts)} yet"
            text = f"{text}; trying again for {duration(sum(PAUSES))}"
            note(Message("access-role-not-seen", text, accounts=[*accounts], seconds=sum(PAUSES)))
            told = True
        wait(seconds)
    return [*accounts]


def not_entered_yet(aws: Aws, accounts: Mapping[str, str]) -> list[str]:
    """Returns the keys of the accounts that AWS has just made, and whose access role cannot be assumed yet."""
    return [key for key in closed_to_us(aws, accounts) if is_new(aws, accounts[key])]


def _closed_to_us(
    aws: Aws,
    landing_zone: LandingZone,
    states: Mapping[str, State],
    chosen: Collection[str],
    named: Collection[str],
    *,
    deploys: bool,
) -> tuple[dict[str, Message], frozenset[str]]:
    """Returns the stacks in accounts in which a role cannot be assumed, and what is told of each, which is printed.

    Those in accounts that AWS has just made follow alone: a deploy waits for them.

    Args:
        deploys: whether they are deployed, for which the writer is needed too.

    Raises:
        StrataError: one of these was named.
    """
    accounts = landing_zone.account_stacks
    keys = sorted({accounts[stack] for stack in chosen if stack in accounts})
    emails = {key: landing_zone.members[key].email for key in keys if key in landing_zone.members}
    ids = ids_of_accounts(aws, states["organizations"], emails) if emails else {}
    here, assumed = [stack for stack in chosen if accounts.get(stack) in ids], dict[str, list[str]]()
    left, late = dict[str, Message](), set[str]()
    refused = []
    aws.client("sts")  # before the threads
    for stack in here:
        roles = landing_zone.roles(stack)
        for role in dict.fromkeys((roles.reader, roles.writer) if deploys else (roles.reader,)):
            assumed.setdefault(role, []).append(stack)
    for role, stacks in assumed.items():
        into = {accounts[stack]: ids[accounts[stack]] for stack in stacks}
        closed = closed_to_us(aws, into, role)
        new = {key for key in closed if deploys and role == ACCESS_ROLE and is_new(aws, into[key])}
        late |= {stack for stack in stacks if accounts[stack] in new}
        lost = {*closed} - new
        for stack in (stack for stack in stacks if accounts[stack] in lost and stack not in left):
            if (why := closed[accounts[stack]]).code not in DENIED:
                left[stack] = _unread(stack, why)
                refused += [left[stack]] if stack in named else []
        if shut := [stack for stack in stacks if accounts[stack] in lost and stack not in left]:
            remedy = way(role, {name: landing_zone.layers[name] for name in map(layer_of, shut)})
            left |= dict.fromkeys(shut, warn_left_out(role, shut, remedy))
            for stack in (stack for stack in shut if stack in named):
                text = f"{stack}: {role} cannot be assumed in its account; {remedy}"
                refused.append(Message("role-not-assumable", text, stacks=[stack]))
    if refused:
        raise StrataError(*refused)
    return left, frozenset(late - {*left})


def _unread(stack: str, why: AwsError) -> Message:
    """Prints that a stack is left out whose account answers with an error, and returns that."""
    text = f"{stack}: left out, since the roles in its account cannot be read: {why}"
    warning = Message("roles-unread", text, stacks=[stack], code=why.code)
    print(line(f"warning: {warning}"), file=sys.stderr)
    return warning


def warn_left_out(role: str, stacks: Sequence[str], remedy: str) -> Message:
    """Prints which stacks are left out, and returns that."""
    text = f"{', '.join(stacks)}: left out, since {role} cannot be assumed there; {remedy}"
    warning = Message("role-not-assumable", text, stacks=[*stacks])
    print(line(f"warning: {warning}"), file=sys.stderr)
    return warning


def check_allowed(allow: Collection[str]) -> None:
    """Accepts the words of `--allow`.

    Raises:
        UsageError: a word is none.
    """
    for word in allow:
        if word in ALLOWED or (word.startswith((DESTROY, WEAKEN, MANY, IMPORT)) and not word.endswith(":")):
            continue
        guess = did_you_mean(word, ALLOWED)
        text = f"--allow does not accept {word!r}{guess}; it accepts {', '.join(ALLOWED)}"
        raise UsageError(Message("argument-malformed", text, option="--allow", value=word))


def _chosen(workspace: Workspace, landing_zone: LandingZone, stacks: Sequence[str], fleet: Fleet) -> list[str]:
    """Returns the stacks to deploy in their order, all when none is named; a layer stands for its account stacks.

    A wave takes stacks in accounts only; wave 0 is all that is in none.
    """
    layers = {name for name, layer in landing_zone.layers.items() if layer.code.in_accounts}
    for stack in stacks:
        if stack not in workspace.stacks and stack not in layers:
            known = [
                *(stack for stack in workspace.stacks if stack not in landing_zone.account_stacks),
                *sorted(layers),
            ]
            guess = did_you_mean(stack, {*known, *workspace.stacks})
            if (folder_of(stack) / "stack.py").is_file():
                file = f"{workspace.environment['STRATA_CONFIG']}/layers/{stack}.yaml"
                guess = f": {file} does not exist, which switches its code on"
            text = f"there is no stack {stack!r}{guess}; there are {', '.join(known)}"
            raise StrataError(Message("no-such-stack", text, stack=stack))
    accounts = landing_zone.account_stacks
    in_accounts = _chosen_in_accounts(landing_zone, stacks, fleet)
    return [
        stack
        for stack in workspace.stacks
        if (stack in in_accounts if stack in accounts else not fleet.part and (not stacks or stack in stacks))
    ]


def _chosen_in_accounts(landing_zone: LandingZone, named: Sequence[str], fleet: Fleet) -> Mapping[str, str]:
    """Returns the chosen stacks in member accounts; a layer stands for all that it has."""
    return {
        stack: account
        for stack, account in landing_zone.account_stacks.items()
        if (not named or {stack, layer_of(stack)} & {*named}) and fleet.wave in (None, landing_zone.wave(stack))
    }


def _empty(named: Sequence[str], wave: int | None) -> Message | None:
    """Returns that a wave has no account, of what was named; None where no wave was asked for."""
    if wave is None:
        return None
    whose = f" of {', '.join(named)}" if named else ""
    return Message("part-empty", f"no account{whose} is in wave {wave}", stacks=list(named), wave=wave)


def _check_wave(landing_zone: LandingZone, stacks: Sequence[str], wave: int | None) -> None:
    """Refuses a wave that no layer has, and one of what has no rollout.

    Raises:
        UsageError: there is no such wave.
    """
    if not wave:
        return
    waves = landing_zone.waves
    named = {*map(layer_of, stacks)} & {*STACKS, *landing_zone.layers}
    if others := sorted(named - waves.keys()):
        text = f"--wave is for layers whose file has a rollout: deploy {', '.join(others)} without it"
        raise UsageError(Message("arguments-conflict", text, options=["--wave", *others]))
    numbers = {name: len(waves[name]) for name in waves if not named or name in named}
    if wave > (most := max(numbers.values(), default=0)):
        there = ", ".join(f"{name} has {counted(number, 'wave')}" for name, number in numbers.items())
        text = f"--wave {wave}: {there or 'no layer has a rollout'}"
        raise UsageError(Message("number-out-of-range", text, value=wave, limit=most))


def _check_organization(aws: Aws, landing_zone: LandingZone) -> None:
    """Refuses documents that name another organization: what they keep out was judged by it."""
    organization = describe(aws) if named_organization(landing_zone) else None
    fault = organization_fault(landing_zone, organization["Id"]) if organization else None
    if fault:
        raise ConfigurationError([fault])


def _check_settled(aws: Aws, landing_zone: LandingZone, stacks: Collection[str]) -> None:
    """Refuses states that are gone, and another name or region of what they hold, before anybody is told to make it."""
    try:
        states = {stack: read_state(aws, landing_zone.project, stack) for stack in ("backend", "security")}
    except AwsError:
        return  # the bucket is elsewhere, or somebody else's: what follows says so
    if not states["backend"] and (lost := lost_states(aws, landing_zone)):
        raise StrataError(lost)
    if refusals := list(settled(landing_zone, states, stacks)):
        raise RefusedError(refusals)


def _check_ground(
    aws: Aws, landing_zone: LandingZone, note: Callable[[str], None], *, needs_sign_in: bool, preview: bool
) -> tuple[ResourceStatus, ...]:
    """Refuses what would fail half way: no bootstrap, Identity Center off or elsewhere.

    Returns what is missing and a preview does without: before the first deploy, the store of the state.
    """
    _check_organization(aws, landing_zone)
    findings, refusals = inspect(aws, landing_zone)
    lacking = tuple(finding for finding in findings if finding.missing)
    if lacking and not (
        preview
        and not any(finding.thing == ORGANIZATION for finding in lacking)
        and not read_state(aws, landing_zone.project, "backend")
    ):
        told = "; ".join(f"{finding.thing} ({', '.join(finding.missing)})" for finding in lacking)
        things = {finding.thing: list(finding.missing) for finding in lacking}
        refusals.append(Message("bootstrap-missing", f"missing: {told}; run strata bootstrap first", missing=things))
    if needs_sign_in and not refusals:
        refusals += identity_center_refusals(aws, landing_zone, note)
    if refusals:
        raise StrataError(*refusals)
    return lacking


def _check_quota(
    aws: Aws, landing_zone: LandingZone, state: State, closed: Collection[str], note: Callable[[str], None]
) -> None:
    """Refuses more new accounts than AWS has room for: what exists has its room, whatever the quota says.

    Raises:
        StrataError: AWS would refuse to make some of them.
    """
    known = {*(resource.name for resource in objects(state) if resource.type == TYPES["account"]), *closed}
    new = {folded(account.email) for key, account in landing_zone.members.items() if key not in known}
    if not new:
        return
    try:
        there = {folded(account.email) for account in list_accounts(aws)}
        new -= there
        quota = account_quota(aws) if new else 0
    except AwsError as error:
        text = f"whether AWS has room for {len(new)} more accounts is not known: {error}"
        note(Message("account-quota-unknown", text, accounts=len(new)))
        return
    total = len(there) + len(new)
    if new and total > quota:
        text = (
            f"{len(new)} account{'s are' if len(new) > 1 else ' is'} to be made, the organization has {len(there)}, "
            f"and AWS allows {quota}; ask for more, which takes minutes to days: {more_accounts(total)}"
        )
        raise StrataError(Message("account-quota-reached", text, accounts=len(new), has=len(there), limit=quota))


def identity_center_refusals(aws: Aws, landing_zone: LandingZone, note: Callable[[str], None]) -> list[Message]:
    """Returns why the `sso` stack cannot be deployed; its own postcondition is the last to say so.

    Waits for an instance that somebody has just enabled.
    """
    project = landing_zone.project
    region = project.identity_center_region
    try:
        instances, pauses = list_instances(aws, project), iter(PAUSES)
        while any(instance.get("Status") == _BEGINS and is_ours(instance, project) for instance in instances):
            seconds = next(pauses, None)
            if seconds is None:
                text = f"AWS is still setting up Identity Center in {region}; run the command again in some minutes"
                return [Message("identity-center-not-active", text, region=region)]
            text = f"AWS is setting up Identity Center in {region}; looking again in {seconds} s"
            note(Message("identity-center-begins", text, region=region, seconds=seconds))
            wait(seconds)
            instances = list_instances(aws, project)
    except AwsError as error:
        return list(error.args)
    owners = [instance["OwnerAccountId"] for instance in instances if "OwnerAccountId" in instance]
    if project.management_account.id in owners:
        return []
    case, text = (
        "identity-center-off",
        f"IAM Identity Center is not enabled in {region}, and no API call enables it; enable it in the console, "
        f"{console(region)}, or set identity_center.region in "
        "project.yaml to where it is; the other stacks: strata deploy backend organizations security",
    )
    if owners:
        case, text = (
            "identity-center-of-account",
            f"Identity Center in {region} is an account instance of {', '.join(owners)}, not the organization's; "
            "delete it and enable Identity Center in the management account",
        )
    return [Message(case, text, region=region, owners=owners)]


_BEGINS = "CREATE_IN_PROGRESS"
"""https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_InstanceMetadata.html"""


def _reset(aws: Aws, document: Mapping[str, Any], state: State) -> Iterator[Message]:
    """Yields the instance metadata defaults that a region has and the provider, which sends all four, would reset."""
    type = RESOURCES["instance_metadata"].type
    known = {resource.address for resource in managed(state)}
    for name, arguments in document.get("resource", {}).get(type, {}).items():
        address, region = f"{type}.{name}", arguments["region"]
        try:
            metadata = {} if address in known else regional_setting(aws, "instance_metadata", [region])[region]
        except AwsError:
            continue
        for argument in ("http_endpoint", "instance_metadata_tags"):
            if (value := metadata.get(argument)) and argument not in arguments:
                text = f"{address} loses {argument}={value}, which the provider cannot keep when it sets the others"
                yield Message("setting-reset", text, place=address, argument=argument, value=value)


def _types_left(aws: Aws, zone: LandingZone) -> Iterator[Message]:
    """Yields that the enabled policy types stay as they are, where the provider does not know all of them.

    Raises:
        StrataError: a type that the configuration needs is not enabled, and only the AWS CLI can enable it then.
    """
    enabled = enabled_policy_types(aws)
    if not (unknown := unknown_types(enabled)):
        return
    known = f"{', '.join(unknown)} is enabled, which the pinned AWS provider does not know"
    if off := sorted({*zone.policy_types} - {*enabled}):
        root = list_roots(aws)[0]
        ways = "; ".join(
            f"aws organizations enable-policy-type --root-id {root} --policy-type {policy_type}" for policy_type in off
        )
        text = f"the policy type {', '.join(off)} has to be enabled, and no deploy can do it while {known}: {ways}"
        raise StrataError(Message("policy-type-not-enabled", text, types=off, unknown=unknown))
    text = f"the policy type {known}: a deploy leaves the enabled types as they are"
    yield Message("policy-type-unknown", text, types=unknown)
