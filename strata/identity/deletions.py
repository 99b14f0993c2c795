"""Refusals about what a plan shows too late, or not at all: who is handed over, the last administrator, full units."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping

from strata.config import ORGANIZATION, SSO
from strata.errors import Message
from strata.identity.comparison import (
    IdentityComparison,
    Refusal,
    allowed_by,
    file_of,
    hanging,
    terraform,
)
from strata.identity.things import Kind
from strata.kinds import KEYED, SECTIONS, STACKS, WORDS, resource_of
from strata.kinds.moves import address_parts
from strata.text import listed

LAST_ADMINISTRATOR = "last-administrator"


def own_becomes_external(c: IdentityComparison) -> Iterator[Refusal]:
    """Refuses to hand over to others what a state has: it would be destroyed, and what hangs on it would go."""
    gone = {
        (kind, thing.identity): thing
        for kind in _HANDED_OVER
        for thing in c.recorded.of(kind)
        if thing.key not in c.declared.keys(kind)
    }
    for (kind, key), identity in sorted(c.declared.external.items()):
        known = c.recorded.things.get((kind, key)) or gone.get((kind, identity))
        if not known or not c.concerns(STACKS[kind]):
            continue
        lost = hanging(c.recorded, kind, known.key)
        text = f"{WORDS[kind]} {known.key} was created by Strata; as an external one it would be destroyed"
        if lost:
            text += f", and with it {listed(lost)}"
        problem = Message("external-in-state", text, kind=kind, key=known.key, lost=lost)
        remedy = _HANDED_OVER[kind].format(known.key, KEYED[kind].type)
        lines: tuple[str, ...] = ()
        if kind in ("permission-set", "policy"):  # no state has it then, nor what is attached to it
            its = (address for address in sorted(c.recorded.addresses) if resource_of(address).keys[:1] == (kind,))
            own = " ".join(shlex.quote(address) for address in its if (kind, known.key) in address_parts(address))
            command = terraform(c, STACKS[kind])
            lines = (f"{command} init", f"{command} state rm {own}")
        yield Refusal(c.fault(file_of(kind), (SECTIONS[kind], key, "external"), problem, remedy), "", lines)


_HANDED_OVER: Mapping[Kind, str] = {
    "group": (
        "add the group of the identity provider under its own key and name with external: true, assign it beside "
        "{0!r}, deploy, and only then drop {0!r}"
    ),
    "user": (
        "take it out of the state sso first, by terraform state rm {1}.{0}, see 'Stop managing "
        "something' in docs/leave.md: the user stays, and so does its access"
    ),
    "permission-set": "take it out of the state first, with its policies: all stays as it is, its assignments too:",
    "policy": "take it out of the state first, with its attachments: all of it stays as it is:",
}
"""The remedy by what is handed over."""


def last_administrator(c: IdentityComparison) -> Iterator[Refusal]:
    """Refuses to leave the management account to its root user alone."""
    had, has = c.recorded.administrators, c.declared.administrators
    if not had.are_lost(has) or not c.concerns("sso"):
        return
    who = [*sorted(had.people), *(f"group {key}" for key in sorted(had.external))]
    text = f"nobody would keep full access to the management account; {listed(who)} had it"
    if has:
        text += f"; whether {listed(sorted([*has.people, *has.external]))} has it is known only to others"
    problem = Message(LAST_ADMINISTRATOR, text, had=who)
    remedy = (
        "assign somebody a permission set there that has aws: AdministratorAccess, no boundary, no statement that "
        f"denies everything, and no last day in the past; or {allowed_by(LAST_ADMINISTRATOR)}"
    )
    yield Refusal(c.fault(SSO, ("assignments",), problem, remedy), LAST_ADMINISTRATOR)


def occupied_units(c: IdentityComparison) -> Iterator[Refusal]:
    """Refuses to take out a unit in which AWS has anything: its policies would be gone before that is elsewhere.

    Terraform detaches the policies of a unit before it moves accounts, and AWS deletes no unit that holds anything:
    https://docs.aws.amazon.com/organizations/latest/APIReference/API_DeleteOrganizationalUnit.html
    """
    if not c.concerns("organizations"):
        return
    goes = {unit.key: unit.id for unit in c.recorded.of("ou") if unit.key not in c.declared.keys("ou")}
    for unit, names in sorted(c.live.within.items()):
        inside = {id: name for id, name in names.items() if id not in goes.values()}
        if not inside or unit not in goes or ("ou", unit) in c.matches.given_up:
            continue
        has = listed([f"{name} ({id})" for id, name in inside.items()])
        text = f"unit {unit} is taken out, and AWS has {has} in it, which its policies would no longer bind"
        problem = Message("unit-not-empty", text, unit=unit, ids=list(inside))
        remedy = (
            "put the unit back, move its accounts to another one, deploy, and then take it out; accounts that are in "
            "no file, or closed, by aws organizations move-account"
        )
        yield Refusal(c.fault(ORGANIZATION, ("organizational_units",), problem, remedy))
