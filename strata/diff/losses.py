"""Edits that `strata deploy` would refuse, as far as two configurations show them without the states and AWS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from strata.config.models import Mode
from strata.diff.change import Change, Topic
from strata.identity.declared import declared
from strata.identity.guard import Fate, Guard
from strata.identity.live import LiveSide
from strata.identity.losses import losses
from strata.identity.matching import matches
from strata.identity.moves import replayed
from strata.identity.refusals import refusals
from strata.identity.things import Holdings, KeyedThing
from strata.kinds import KINDS, STACKS, TYPES, addresses
from strata.kinds.loss import ACCESS, GUARDRAILS
from strata.kinds.moves import Keys, address_now, address_parts, newest_keys
from strata.kinds.organization import DELEGATED, RAM_SHARING
from strata.kinds.policy import ATTACHMENT, POLICY
from strata.landing_zone import LandingZone


def loss_changes(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    """Yields the refusals, with the older configuration as the deployed one."""
    keys, wanted = newest_keys(after.moves), declared(after)
    had = {address_now(address, keys): "" for some in addresses(before).values() for address in some}
    known = replace(replayed(declared(before), keys), addresses=had)
    renamed = matches(wanted, known).given_up
    gone = [fate for fate in _gone(before, after, keys) if renamed.isdisjoint(address_parts(fate.address))]
    fates = [*gone, *_replaced(wanted, known)]
    found = losses(Guard(after, wanted, known, fates))
    # Of policies the difference tells itself what they did.
    told = [loss.refusal for loss in found if loss.how != "told" and not loss.address.startswith(f"{POLICY.type}.")]
    for refusal in (*refusals(wanted, known, LiveSide(within=_within(before))), *told):
        fault = refusal.fault
        unless = f", unless --allow {refusal.kind} is given" if refusal.kind else ""
        yield Change(
            Topic.LOSSES, f"{fault.path or fault.file}: {fault.problem}; strata deploy refuses it{unless}", "losses"
        )


def _within(zone: LandingZone) -> dict[str, dict[str, str]]:
    """Returns the accounts in each unit, as AWS has them after a deploy."""
    held: dict[str, dict[str, str]] = {}
    for key, account in zone.accounts.items():
        held.setdefault(account.unit, {})[key] = account.name
    return held


def _gone(before: LandingZone, after: LandingZone, keys: Keys) -> Iterator[Fate]:
    """Yields what a plan would destroy, or forget, where it is retired or left unmanaged."""
    stay = addresses(after)
    controls = {resource.type: kind.control for kind in KINDS for resource in kind.resources if kind.control}
    unmanaged = {key for key, control in after.security.controls.items() if control.mode is Mode.UNMANAGED}
    left = {f"{TYPES['account']}.{key}" for key in after.retired}
    if after.organization.ram_sharing == "unmanaged":
        left.update(RAM_SHARING.addresses(before))
    for stack, some in addresses(before).items():
        for address in sorted({address_now(address, keys) for address in some} - stay[stack]):
            type = address.partition(".")[0]
            forgets = address in left or controls.get(type) in unmanaged
            if type in _LOST:
                yield Fate(stack, address, "forget" if forgets else "delete")


_LOST = {*TYPES.values(), *ACCESS, *GUARDRAILS} - {ATTACHMENT.type, DELEGATED.type}
"""The types that the difference does not tell by itself."""


def _replaced(wanted: Holdings, known: Holdings) -> Iterator[Fate]:
    """Yields what Terraform would destroy and create again, for an attribute that AWS does not change."""
    for (kind, key), now in wanted.things.items():
        was = known.things.get((kind, key))
        if was and (changed := _forced(was, now)):
            yield Fate(STACKS[kind], now.address, "replace", changed={changed: (None, None)})


def _forced(was: KeyedThing, now: KeyedThing) -> str:
    """Returns the attribute for which a thing is replaced, empty where it is not."""
    if now.kind == "permission-set":
        return "name" if was.identity != now.identity else ""
    if now.kind == "policy":
        return "type" if was.type != now.type else ""
    above = [thing.identity.partition("/")[0] for thing in (was, now)]
    return "parent_id" if now.kind == "ou" and above[0] != above[1] else ""
