"""What the states have settled in project.yaml: short name, table, replica, regions; and your own layers."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence

from strata.config import BASELINE, DETECTION, LAYERS, ORGANIZATION, PROJECT
from strata.config.layers import ACCOUNTS, ARCHIVE, DELEGATION, DETECTION_LAYER, IN_ACCOUNT, baseline_in
from strata.config.models import Locking, Project, state_key
from strata.config.source import Location
from strata.errors import Fault, Message
from strata.identity.comparison import Refusal
from strata.identity.held import attributes
from strata.kinds.control import TRAIL_BUCKET
from strata.kinds.detection.made import OF_CONFIG
from strata.kinds.moves import moved_keys
from strata.kinds.store import LOCK, REPLICA, STATE
from strata.landing_zone import LandingZone
from strata.printing import word
from strata.sides.states import State
from strata.text import listed

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
        of_baseline = stack.startswith(baseline_in(""))
        if held := _unsaid(landing_zone, stack, sorted(attributes(state, {}))):
            account = stack.partition(IN_ACCOUNT)[2]
            has = f"the state of {stack!r} has {len(held)} {'things, such as' if held[1:] else 'thing:'} {held[0]}"
            lines: tuple[str, ...] = ()
            moved = account in moved_keys(landing_zone.moves, "account")
            if stack.partition(IN_ACCOUNT)[0] == ARCHIVE and account and not moved:
                fault = _archive_left(landing_zone, stack, account, has, held)
            elif account in landing_zone.retired:
                # Terraform reaches an account only while it is declared; what it leaves there nobody knows any more.
                text = f"the account is retired before it was emptied: {has}"
                problem = Message("account-not-emptied", text, stack=stack, account=account)
                remedy = f"take retired out, run cdktf destroy {stack}, then retire it; docs/layers.md says more"
                fault = landing_zone.fault(ORGANIZATION, ("accounts", account, "retired"), problem, remedy)
            elif key := moved_keys(landing_zone.moves, "account").get(account):
                # A stack is named after its account, and its state after it.
                new = f"{stack.partition(IN_ACCOUNT)[0]}{IN_ACCOUNT}{key}"
                text = f"{has}, and the stack is {new} now, as the account has another key"
                problem = Message("state-not-moved", text, stack=stack, new=new)
                lines = move_state(landing_zone.project, stack, new)
                remedy = "move its state, and deploy then:"
                fault = landing_zone.fault(ORGANIZATION, ("accounts", key), problem, remedy)
            elif stack == ACCOUNTS or of_baseline:
                fault = _shipped_left(landing_zone, stack, has, held)
                if fault.file.endswith(DETECTION) and fault.remedy in told:
                    continue
                told.add(fault.remedy)
            elif stack.partition(IN_ACCOUNT)[0] == DETECTION_LAYER:
                accounts = (other.partition(f"{DETECTION_LAYER}{IN_ACCOUNT}")[2] for other in sorted(states))
                administrator = account or next(filter(None, accounts), "KEY")
                fault = _detection_left(landing_zone, stack, administrator, has, held)
            else:
                fault = _layer_left(landing_zone, stack, has, held)
            yield Refusal(fault, lines=lines)


def _layer_left(landing_zone: LandingZone, stack: str, has: str, held: Sequence[str]) -> Fault:
    """Returns how a stack of a layer of one's own goes, or goes on."""
    name, _, account = stack.partition(IN_ACCOUNT)
    layer = landing_zone.layers.get(name)
    if layer and layer.deploying.accounts and account in landing_zone.members:
        problem = Message(LEFT, f"{has}, and {account} is not named", stack=stack, held=held)
        remedy = f"name {account} again, run cdktf destroy {stack}, then take it out; docs/layers.md says more"
        return landing_zone.fault(layer.file, ("accounts",), problem, remedy)
    problem = Message(LEFT, f"{has}, and no stack has this name", stack=stack, held=held)
    remedy = f"put {LAYERS}/{name}.yaml and its code back, run cdktf destroy {stack}, then take both out"
    remedy += "; where the layer has another name now, move its state as docs/layers.md#renaming says"
    return landing_zone.fault(PROJECT, (), problem, remedy)


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


def _shipped_left(landing_zone: LandingZone, stack: str, has: str, held: Sequence[str]) -> Fault:
    """Returns how a stack that comes with Strata goes; one error for all accounts in which Config records."""
    if any(map(OF_CONFIG.match, held)):
        text = f"{has}: Config records there and in other accounts, and {DETECTION} says nothing of it any more"
        problem = Message(LEFT, text, stack=stack, held=held)
        remedy = "write config: {mode: unmanaged} there; a deploy removes it from the states; then take it out"
        return landing_zone.fault(DETECTION, (), problem, remedy)
    problem = Message(LEFT, f"{has}, and nothing switches the stack on", stack=stack, held=held)
    file, remedy = _SHIPPED[stack == ACCOUNTS]
    return landing_zone.fault(file, (), problem, remedy)


def _detection_left(landing_zone: LandingZone, stack: str, account: str, has: str, held: Sequence[str]) -> Fault:
    """Returns why detection may not go with its file, nor its administrator move: AWS has steps for that."""
    detection = landing_zone.detection
    if detection and account != detection.administrator and IN_ACCOUNT in stack:
        watches = any(map(_is_guarddutys, held))
        why = (
            "AWS lets GuardDuty's administrator not move while it has members"
            if watches
            else "remove all of it from the states before"
        )
        text = f"{has}: {why}"
        problem = Message("administrator-moved", text, stack=stack, old=account, new=detection.administrator)
        remedy = f"write administrator: {account} again; {_MOVING} has the steps"
        return landing_zone.fault(DETECTION, ("administrator",), problem, remedy)
    of_guardduty = [address for address in held if _is_guarddutys(address)]
    sections = [name for name, some in (("guardduty", of_guardduty), ("config", len(of_guardduty) < len(held))) if some]
    why = f"{DETECTION} has no {listed(sections)}" if detection else "nothing switches the stack on"
    problem = Message(LEFT, f"{has}, and {why}", stack=stack, held=held)
    back = "write" if detection else f"put the file back with administrator: {account} and"
    words = " and ".join(f"{name}: {{mode: unmanaged}}" for name in sections)
    remedy = f"{back} {words}; a deploy removes it from the states; then delete the file"
    return landing_zone.fault(DETECTION, (), problem, remedy)


def _archive_left(landing_zone: LandingZone, stack: str, account: str, has: str, held: Sequence[str]) -> Fault:
    """Returns why the log archive may not go with its lines, nor move: its buckets stay, and with them their names."""
    archive = landing_zone.detection.log_archive if landing_zone.detection else None
    words = f"log_archive: {{account: {account}, mode: unmanaged}}"
    if account in landing_zone.retired and not (archive and archive.account != account):
        problem = Message("account-not-emptied", f"the account is retired before: {has}", stack=stack, account=account)
        remedy = f"take retired out, write {words}, and bucket: own below trail, deploy; then retire it"
        return landing_zone.fault(ORGANIZATION, ("accounts", account, "retired"), problem, remedy)
    if archive and archive.account != account:
        text = f"{has}: AWS moves no bucket to another account, nor gives its name twice"
        problem = Message("archive-moved", text, stack=stack, old=account, new=archive.account)
        remedy = f"write account: {account} again; docs/detection.md#the-log-archive says what can be done"
        if account in landing_zone.retired:
            state = f"s3://{landing_zone.project.state_bucket}/{state_key(stack)}"
            remedy = f"write {words}; once S3 has neither bucket any more, aws s3 rm {state}, and name another account"
        return landing_zone.fault(DETECTION, ("log_archive", "account"), problem, remedy)
    problem = Message(LEFT, f"{has}, and {DETECTION} has no log_archive", stack=stack, held=held)
    remedy = f"write {words}; a deploy removes it from the state; then take it out"
    return landing_zone.fault(DETECTION, (), problem, remedy)


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


_MOVING = "docs/detection.md#another-administrator"

_SHIPPED = {
    True: (
        ORGANIZATION,
        "write defaults: {}, with which a deploy deletes its budgets and leaves contacts; then take defaults out",
    ),
    False: (
        BASELINE,
        "put the file back with settings: {}; a deploy deletes rules for sign-ins, settings stay; then delete it",
    ),
}


def _named(landing_zone: LandingZone, part: str) -> Location:
    """Returns where a name is given: below `state`, or it follows from the short name."""
    state = landing_zone.source_file(PROJECT).data.get("state")
    return ("state", part) if isinstance(state, dict) and part in state else ("short_name",)
