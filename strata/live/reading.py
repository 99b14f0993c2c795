"""Reads AWS, or a file that keeps what was read, and makes the landing zone and the evidence of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from strata.adoption.describing import FULL_ACCESS, SERVICE_CONTROL
from strata.atomic import write
from strata.aws.prerequisites import management_caller
from strata.aws.session import DENIED, Aws, AwsError, connect
from strata.aws.states import read_states
from strata.config.models import PolicyType, Setting
from strata.config.moves import KINDS, Kind
from strata.drift.comparison import CONTROLS, STATES, account_of_part, controls_of, shipped_stacks
from strata.drift.steady import check_same
from strata.errors import Message, StrataError
from strata.identity.lost_states import lost_states
from strata.inventory.controls import KEYS
from strata.inventory.progress import InventoryReading
from strata.kinds.at_aws import Inventory
from strata.kinds.control import TRAIL
from strata.kinds.setting import key_of
from strata.kinds.thing import ACTIVE
from strata.landing_zone import LandingZone
from strata.landing_zone.units import Target
from strata.live import Source
from strata.live.differences import (
    concerning,
    differences,
    of_account,
    of_group,
    of_set,
    of_user,
    unread_parts,
)
from strata.live.evidence import Evidence, kept_in
from strata.live.landing_zone import LiveLandingZone, all_keys, live_landing_zone
from strata.options import Options
from strata.report.live import NOT_READ, ControlAtAws, LiveEvidence, ReportedDifference, Unread
from strata.sides.join import Keys, known_keys, live_names
from strata.sides.recorded import States, states_of
from strata.text import listed


@dataclass(frozen=True)
class Read:
    """What was read.

    Attributes:
        zone: the landing zone as AWS has it.
        live: the evidence.
        called: how differences call what there is, by kind and key: what no file has by name and id.
        evidence: what a file keeps of it.
    """

    zone: LiveLandingZone
    live: LiveEvidence
    called: Keys
    evidence: Evidence

    def keep(self, options: Options, source: Source) -> None:
        """Writes the file that keeps it, where that is asked for; it has names and addresses."""
        if source.save:
            write({source.save: self.evidence.written()}, private=True)
            options.note(f"kept what was read in {source.save}")

    def about(self, kind: Kind, key: str) -> LiveEvidence:
        """Returns the evidence with what concerns a user, group, permission set or account, and so no control."""
        differences = concerning(self.live.differences, self._patterns(kind, key))
        concerned = (None, "", key) if kind == "account" else (None,)
        unread = tuple(
            unread
            for unread in self.live.unread
            if unread.part not in {CONTROLS, *KEYS.values()} and account_of_part(unread.part) in concerned
        )
        return replace(self.live, differences=differences, unread=unread)

    def _patterns(self, kind: Kind, key: str) -> Iterator[str]:
        zone, called, name = self.zone, self.called, self.called[kind].get(key, key)
        sets = called["permission-set"]
        if kind == "user":
            groups = {group_key for group_key, group in zone.groups.items() if key in group.members}
            who = {("USER", key), *(("GROUP", group) for group in groups)}
            held = {grant.permission_set for grant in zone.grants if (grant.principal_type, grant.principal) in who}
            yield from of_user(name, (called["group"][group] for group in groups), (sets[set_] for set_ in held))
        elif kind == "group":
            grants = (grant for grant in zone.grants if (grant.principal_type, grant.principal) == ("GROUP", key))
            yield from of_group(name, (sets[set_] for set_ in {grant.permission_set for grant in grants}))
        elif kind == "permission-set":
            yield from of_set(name)
        else:
            held = {grant.permission_set for grant in zone.grants if grant.account == key}
            target = Target("account", key)
            units = (called["ou"][ancestor.key] for ancestor in zone.ancestors[target] if ancestor.unit)
            policies = (called["policy"][policy.policy.key] for policy in zone.effective_policies[target])
            yield from of_account(name, units, policies, (sets[set_] for set_ in held))


def read(options: Options, zone: LandingZone, source: Source, *, controls: bool = True, account: str = "") -> Read:
    """Returns what AWS has, or had when a file was made.

    Args:
        options: how to ask AWS.
        zone: the configuration.
        source: AWS, or the file.
        controls: whether AWS is asked of the controls as well, and whether a run changes things meanwhile; a reading
            that is kept has them.
        account: the key of an account of which AWS is asked what is set in it, where it is not asked of all.

    Raises:
        StrataError: AWS rejects a call, or the file is no such file, changed, or of another organization's account.
    """
    evidence = (
        kept_in(source.kept)
        if source.kept
        else _from_aws(options, zone, controls=controls or bool(source.save), account=account)
    )
    management = evidence.inventory.organization.management
    if management != zone.project.management_account.id:
        other = (
            f"{source.kept} is about management account {management}, and {options.config} about "
            f"{zone.project.management_account.id}; name the configuration of that organization with --config"
        )
        raise StrataError(Message("other-organization", other, place=str(source.kept), account=management))
    return told(zone, evidence)


def _from_aws(options: Options, zone: LandingZone, *, controls: bool, account: str) -> Evidence:
    aws = connect(options, zone.project)
    caller = management_caller(aws, zone.project)
    states = _states(aws, zone)
    lost = "" if states is None or any(states.values()) else lost_states(aws, zone)
    reading = InventoryReading(options, zone.project)
    inventory = reading.read(aws, partly=True)
    if lost:
        states, inventory = None, replace(inventory, unread={**inventory.unread, STATES: lost})
    if controls and states is not None:
        inventory = reading.controls(aws, inventory, controls_of(zone, states))
    if states is not None and (controls or account):
        only = "" if controls else account
        inventory = reading.of_accounts(aws, inventory, shipped_stacks(zone, states, inventory, only))
        try:
            check_same(aws, zone, states)
        except StrataError as error:
            states, inventory = None, replace(inventory, unread={**inventory.unread, STATES: str(error)})
    reading.tell()
    said = None if states is None else states_of(states, zone)
    # To the second, as every form of it tells the time.
    return Evidence.of(dt.datetime.now(dt.UTC).replace(microsecond=0), caller.arn, inventory, said)


def _states(aws: Aws, zone: LandingZone) -> dict[str, dict[str, Any]] | None:
    """Returns the states by stack, None where they may not be read; nothing before the first deploy."""
    try:
        return read_states(aws, zone.project)
    except AwsError as error:
        if error.code in DENIED:
            return None
        raise


def told(zone: LandingZone, evidence: Evidence) -> Read:
    """Returns what a reading says beside a configuration."""
    inventory, states = evidence.inventory, evidence.states
    known = known_keys(zone, inventory, imported=states.ids if states else {})
    keys = all_keys(zone, inventory, known)
    live = live_landing_zone(zone, inventory, keys)
    center, unread = inventory.center, unread_parts(zone, inventory, states)
    if reason := live.unread.get("documents"):
        inside = ("expectations", "who can undo a deploy")
        unread.append(Unread("documents", inside, Message("document-unreadable", reason)))
    differing = differences(zone, inventory, known, states, unread, evidence.read_at.date())
    live_evidence = LiveEvidence(
        read_at=evidence.read_at,
        caller=evidence.caller,
        organization=inventory.organization.id,
        management=inventory.organization.management,
        identity_center=center.instance if center else "",
        identity_store=center.store if center else "",
        accounts={key: id for id, key in sorted(keys["account"].items(), key=lambda item: item[1])},
        sha256=evidence.sha256,
        differences=tuple(differing),
        unread=tuple(unread),
        not_read=tuple(_not_read(zone)),
        notes=tuple(_notes(inventory)),
        controls=dict(_controls(zone, inventory, states, differing)),
    )
    return Read(live, live_evidence, _called(inventory, known, keys), evidence)


def _called(inventory: Inventory, known: Keys, keys: Keys) -> dict[Kind, dict[str, str]]:
    names = live_names(inventory)
    return {
        kind: {
            key: known[kind].get(id) or f"{names[kind].get(id, '')} ({id.rpartition('/')[2]})"
            for id, key in keys[kind].items()
        }
        for kind in KINDS
    }


# What there is to say beside


def _not_read(zone: LandingZone) -> Iterator[str]:
    read = {*KEYS.values()}
    others = [
        name for name, control in zone.security.controls.items() if not (isinstance(control, Setting) or name in read)
    ]
    yield f"{listed(others, most=len(others))}: as in security.yaml, which strata plan compares"
    yield "bucket and event selectors of the trail, archive rules of analyzers"
    if zone.deployer:
        yield f"role {zone.deployer.role}, the deployer: as in project.yaml"
    but = " but for those of baseline.yaml" if zone.baseline else ""
    yield f"IAM users and roles inside accounts{but}, the management account among them"
    yield "policies of resources, customer managed policies by name"


def _notes(inventory: Inventory) -> Iterator[Message]:
    live = inventory.organization
    closed = {
        account.id: f"{account.name} ({account.id}, {account.state})"
        for account in live.accounts
        if account.state != ACTIVE
    }
    if closed:
        text = f"not open, and so not among the accounts: {listed(list(closed.values()))}"
        yield Message("account-inactive", text, accounts=list(closed))
    types = {policy_type.value for policy_type in PolicyType}
    others = [policy for policy in live.policies if policy.type not in types and not policy.aws_managed]
    if others:
        text = (
            f"policies of types that are not shown: {listed([f'{policy.name} ({policy.type})' for policy in others])}"
        )
        yield Message("not-declarable", text, policies=[policy.name for policy in others])
    if SERVICE_CONTROL not in live.policy_types:
        text = "service control policies are switched off in this organization, so that none binds"
        yield Message("policy-type-off", text, type=SERVICE_CONTROL)
    full = {id for policy in live.policies if policy.id == FULL_ACCESS for id in policy.targets}
    everything = {live.root: "root"} | {unit.id: f"unit {unit.name}" for unit in live.units}
    everything |= {account.id: f"account {account.name}" for account in live.accounts if account.state == ACTIVE}
    without = [name for id, name in everything.items() if id not in full]
    if full and without:
        text = f"FullAWSAccess is not attached to {listed(without)}, so only what other policies allow is allowed there"
        yield Message("full-access-not-attached", text, targets=without)


def _controls(
    zone: LandingZone, inventory: Inventory, states: States | None, differing: Iterable[ReportedDifference]
) -> Iterator[tuple[str, ControlAtAws]]:
    """Yields what AWS has of each control."""
    for name, control in zone.security.controls.items():
        if isinstance(control, Setting):
            yield name, _setting(control, inventory.settings.get(name))
        else:
            differs = [each for each in differing if each.kind == TRAIL.name and key_of(each.name) == name]
            yield name, _control(name, inventory, states, differs)


def _setting(setting: Setting, read: Mapping[str, Mapping[str, Any]] | None) -> ControlAtAws:
    if not read:
        return NOT_READ
    sets = "sets" if setting.on else "would set"
    as_set = setting if setting.on else type(setting)()
    if regions := [region or "the account" for region, values in sorted(read.items()) if not as_set.is_as_set(values)]:
        return ControlAtAws(f"not as Strata {sets} it in {', '.join(regions)}", differs=setting.on)
    return ControlAtAws(f"as Strata {sets} it")


def _control(
    name: str, inventory: Inventory, states: States | None, differs: Iterable[ReportedDifference]
) -> ControlAtAws:
    """Returns what AWS has of a thing of its own, which it is asked about where the states have it."""
    types = [type for type, key in KEYS.items() if key == name]
    asked = states is not None and inventory.controls is not None and name not in inventory.unread
    if not asked or not any(states.attributes.get(type) for type in types if states):
        return NOT_READ
    if words := [difference.what.removeprefix(f"{TRAIL.name} {name}").lstrip(": ") for difference in differs]:
        return ControlAtAws(listed(words), differs=True)
    return ControlAtAws(f"as deployed{_APART.get(name, '')}")


_APART = {
    "trail": "; its bucket and event selectors are not read",
    "access_analyzer": "; archive rules are not read",
}
"""What nobody asks AWS about a control."""
