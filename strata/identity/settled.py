"""What the states have settled in project.yaml: short name, table, replica, regions; and your own layers."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence

from strata.config import BASELINE, DETECTION, LAYERS, ORGANIZATION, PROJECT
from strata.config.layers import ACCOUNTS, ARCHIVE, BASELINE_LAYER, DELEGATION, DETECTION_LAYER, IN_ACCOUNT, baseline_in
from strata.config.models import Locking, Project, state_key
from strata.config.source import Location
from strata.errors import Message
from strata.identity.comparison import Refusal
from strata.identity.held import attributes
from strata.kinds.control import TRAIL_BUCKET
from strata.kinds.detection.made import OF_CONFIG
from strata.kinds.moves import moved_keys
from strata.kinds.store import LOCK, REPLICA, STATE
from strata.landing_zone import LandingZone
from strata.printing import word
from strata.sides.states import State

LEFT = "state-without-stack"
_GUIDE = "docs/recover.md says how it is really done"


def settled(landing_zone: LandingZone, states: Mapping[str, State], stacks: Collection[str] = ()) -> Iterator[Refusal]:
    """Refuses a setting by which the states hold buckets, a table or topics that cannot follow it.

    Args:
        landing_zone: the configuration.
        states: the state of every stack, empty where it was never deployed.
        stacks: those that are to be deployed; all when none is named.
    """
    project = landing_zone.project
    tables: tuple[tuple[str, str, str, str, Location], ...] = (
        ("backend", LOCK, "name", project.lock_table, _named(landing_zone, "table")),
        ("backend", STATE, "bucket", project.state_bucket, _named(landing_zone, "bucket")),
        ("backend", REPLICA, "bucket", project.replica_bucket, _named(landing_zone, "bucket")),
        ("backend", STATE, "region", project.regions.primary, ("regions", "primary")),
        ("backend", REPLICA, "region", project.regions.secondary, ("regions", "secondary")),
    )
    if landing_zone.security.trail.on:
        tables += (("security", TRAIL_BUCKET, "bucket", project.trail_bucket, ("short_name",)),)
    told: set[tuple[Location, str]] = set()
    for stack, address, argument, wanted, at in tables:
        was = attributes(states.get(stack, {}), {}).get(address, {}).get(argument)
        if not was or was == wanted or (stacks and stack not in stacks) or (at, str(was)) in told:
            continue
        told.add((at, str(was)))
        text = (
            f"the state of {stack} has {address} with {argument} {was!r}, which would be {wanted!r}: AWS renames and "
        )
        text += "moves none, so that Terraform would create it again without what it holds"
        problem = Message("setting-settled", text, stack=stack, address=address, old=was, new=wanted)
        remedy = f"set it back to what it was; {_GUIDE}"
        yield Refusal(landing_zone.fault(PROJECT, at, problem, remedy))


def lost_layers(landing_zone: LandingZone, states: Mapping[str, State]) -> Iterator[Refusal]:
    """Refuses a deploy while a state that no stack has holds something.

    A layer got another name, or was dropped; or its account was retired, or got another key.

    Args:
        landing_zone: the configuration.
        states: those that no stack has.
    """
    told = set[str]()
    for stack, state in sorted(states.items()):
        if held := _unsaid(landing_zone, stack, sorted(attributes(state, {}))):
            refusal = _lost(landing_zone, stack, held)
            of_all = stack.startswith(baseline_in("")) and refusal.fault.file.endswith(DETECTION)
            if not (of_all and refusal.fault.remedy in told):
                yield refusal
            told.add(refusal.fault.remedy)


def _lost(landing_zone: LandingZone, stack: str, held: list[str]) -> Refusal:
    """Returns why the state of a stack may not be left behind, and how its things go or go on."""
    layer, _, account = stack.partition(IN_ACCOUNT)
    has = f"the state of {stack!r} has {len(held)} {'things, such as' if held[1:] else 'thing:'} {held[0]}"
    if key := moved_keys(landing_zone.moves, "account").get(account):
        # A stack is named after its account, and its state after it.
        new = f"{layer}{IN_ACCOUNT}{key}"
        text = f"{has}, and the stack is {new} now, as the account has another key"
        problem = Message("state-not-moved", text, stack=stack, new=new)
        fault = landing_zone.fault(ORGANIZATION, ("accounts", key), problem, "move its state, and deploy then:")
        return Refusal(fault, lines=move_state(landing_zone.project, stack, new))
    now = _account_now(landing_zone, layer)
    if account and now not in ("", account):
        case, at = _MOVED[layer]
        problem = Message(case, f"{has}, and AWS moves none of it", stack=stack, old=account, new=now)
        remedy = f"write {at[-1]}: {account} again; docs/detection.md says what can be done"
        return Refusal(landing_zone.fault(DETECTION, at, problem, remedy))
    if account in landing_zone.retired:
        # Terraform reaches an account only while it is declared; what it leaves there nobody knows any more.
        text = f"the account is retired before it was emptied: {has}"
        problem = Message("account-not-emptied", text, stack=stack, account=account)
        way = f"let go of the archive: {_archive(account)}" if layer == ARCHIVE else f"run cdktf destroy {stack}"
        remedy = f"take retired out, {way}; then retire it; docs/layers.md says more"
        return Refusal(landing_zone.fault(ORGANIZATION, ("accounts", account, "retired"), problem, remedy))
    problem = Message(LEFT, f"{has}, and no stack has this name", stack=stack, held=held)
    file, at, remedy = _way(landing_zone, stack, held)
    return Refusal(landing_zone.fault(file, at, problem, remedy))


def _account_now(landing_zone: LandingZone, layer: str) -> str:
    """Returns the account of a layer that is in one alone, empty of any other, or where its file has none."""
    detection = landing_zone.detection
    if detection and layer == DETECTION_LAYER:
        return detection.administrator
    return detection.log_archive.account if detection and detection.log_archive and layer == ARCHIVE else ""


_MOVED: Mapping[str, tuple[str, Location]] = {
    DETECTION_LAYER: ("administrator-moved", ("administrator",)),
    ARCHIVE: ("archive-moved", ("log_archive", "account")),
}


def _way(landing_zone: LandingZone, stack: str, held: Sequence[str]) -> tuple[str, Location, str]:
    """Returns how the things of a stack go, with the place in the YAML."""
    name, _, account = stack.partition(IN_ACCOUNT)
    then = "a deploy removes it from the state; then take it out"
    if name == ARCHIVE:
        return DETECTION, (), f"write {_archive(account)}; {then}"
    if name == DETECTION_LAYER:
        words = f"administrator: {account or 'KEY'}, guardduty: {{mode: unmanaged}} and config: {{mode: unmanaged}}"
        return DETECTION, (), f"write {words}; {then}"
    if any(map(OF_CONFIG.match, held)):
        return DETECTION, (), f"write config: {{mode: unmanaged}}; {then}"
    if name == BASELINE_LAYER:
        remedy = (
            "put the file back with settings: {}; a deploy deletes rules for sign-ins, settings stay; then delete it"
        )
        return BASELINE, (), remedy
    if stack == ACCOUNTS:
        remedy = (
            "write defaults: {}, with which a deploy deletes its budgets and leaves contacts; then take defaults out"
        )
        return ORGANIZATION, (), remedy
    layer = landing_zone.layers.get(name)
    if layer and layer.deploying.accounts and account in landing_zone.members:
        remedy = f"name {account} again, run cdktf destroy {stack}, then take it out; docs/layers.md says more"
        return layer.file, ("accounts",), remedy
    remedy = f"put {LAYERS}/{name}.yaml and its code back, run cdktf destroy {stack}, then take both out"
    return PROJECT, (), f"{remedy}; where it has another name now, move its state as docs/layers.md#renaming says"


def _archive(account: str) -> str:
    return f"log_archive: {{account: {account}, mode: unmanaged}}, and bucket: own below trail"


def move_state(project: Project, stack: str, new: str) -> tuple[str, ...]:
    """Returns the commands that have a stack of another name find its state.

    A digest that stayed in the lock table under the old name would have Terraform refuse the next state there.
    """
    bucket = f"s3://{project.state_bucket}/"
    move = f"aws s3 mv {bucket}{state_key(stack)} {bucket}{state_key(new)}"
    if project.state.locking is Locking.S3:
        return (move,)
    row = json.dumps({"LockID": {"S": project.digest_key(stack)}})
    key = f"--key {word(row)} --region {project.regions.primary}"
    return move, f"aws dynamodb delete-item --table-name {project.lock_table} {key}"


def _unsaid(landing_zone: LandingZone, stack: str, held: list[str]) -> list[str]:
    """Returns what a state holds; of a stack of detection that takes part, that of which its file says nothing."""
    if not (detection := landing_zone.detection) or stack not in unsaid(landing_zone):
        return held
    said = (bool(detection.config), bool(detection.guardduty))
    return [address for address in held if not said[_is_guarddutys(address)]]


def unsaid(landing_zone: LandingZone) -> set[str]:
    """Returns the stacks of detection where its file does not say what is to become of GuardDuty, or of Config."""
    detection = landing_zone.detection
    some = detection and not (detection.guardduty and detection.config)
    return {landing_zone.layers[name].stack for name in (DETECTION_LAYER, DELEGATION)} if some else set()


def _is_guarddutys(address: str) -> bool:
    """Returns whether it is not Config's; what mails findings is GuardDuty's as well."""
    return not OF_CONFIG.match(address)


def _named(landing_zone: LandingZone, part: str) -> Location:
    """Returns where a name is given: below `state`, or it follows from the short name."""
    state = landing_zone.source_file(PROJECT).data.get("state")
    return ("state", part) if isinstance(state, dict) and part in state else ("short_name",)
