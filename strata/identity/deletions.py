"""Refusals about what would be deleted, replaced or cut off: things, access, whole sections, units, services."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from strata.config import ORGANIZATION, PROJECT, SECURITY, SSO
from strata.config.models import MANAGEMENT
from strata.errors import Fault, Message
from strata.identity.comparison import (
    IdentityComparison,
    Refusal,
    allowed_by,
    assigned,
    attached,
    beside,
    file_of,
    terraform,
)
from strata.identity.things import Kind
from strata.kinds import KEYED, SECTIONS, STACKS, WORDS, resource_of
from strata.kinds.moves import address_parts
from strata.landing_zone.permission_sets import BREAK_GLASS, STATE_ACCESS
from strata.landing_zone.services import CONTROL_TOWER
from strata.text import listed, plural

LAST_ADMINISTRATOR = "last-administrator"

MASS_DELETION = "mass-deletion"

DELETE_UNIT = "delete:unit"

DELETE_TRAIL = "delete:trail"

DELETE_RAM_SHARING = "delete:ram-sharing"

DISABLE_CONTROL_TOWER = "disable:control-tower"

FEW = 5
"""So many things of a kind may go in a run, whatever share of all they are."""

_MADE_BY_OPTIONS = frozenset({BREAK_GLASS, STATE_ACCESS, "region-restriction", "ec2-defaults"})
"""Keys that options create: a section may be empty beside them."""


def replaced_things(c: IdentityComparison) -> Iterator[Refusal]:
    """Refuses a change that destroys a thing and creates it again: a permission set's name, a policy's type."""
    taken = {(thing.kind, thing.key) for thing, _ in c.matches.taken}
    for thing in (*c.declared.of("permission-set"), *c.declared.of("policy")):
        known = c.recorded.things.get((thing.kind, thing.key))
        if not known or (thing.kind, thing.key) in taken or not c.concerns(STACKS[thing.kind]):
            continue
        if thing.kind == "permission-set" and known.identity != thing.identity:
            part, was, is_now = "name", known.name, thing.name
            loss = "AWS cannot rename a permission set: it is destroyed and created again, the ARNs of its roles change"
            lost = assigned(c, thing.kind, thing.key)
            loss += beside("and meanwhile these do not exist:", lost)
        elif thing.kind == "policy" and known.type != thing.type:
            part, was, is_now = "type", known.type, thing.type
            loss = "AWS cannot change the type of a policy: it is destroyed and created again"
            lost = attached(c, thing.key)
            loss += beside("and meanwhile does not bind", lost)
        else:
            continue
        kind = f"replace:{thing.key}"
        text = f"changes from {was!r} to {is_now!r}; {loss}"
        problem = Message("would-be-replaced", text, kind=thing.kind, key=thing.key, old=was, new=is_now, lost=lost)
        remedy = f"change it back; or add another, have it take over, deploy, and drop this one; or {allowed_by(kind)}"
        yield Refusal(c.fault(file_of(thing.kind), (*thing.location, part), problem, remedy), kind)


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
        lost = attached(c, known.key) if kind == "policy" else assigned(c, kind, known.key)
        text = f"{WORDS[kind]} {known.key} was created by Strata; as an external one it would be destroyed"
        text += beside("and no longer bind" if kind == "policy" else "with its assignments:", lost)
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


def mass_deletions(c: IdentityComparison) -> Iterator[Refusal]:
    """Refuses to delete many things of a kind at once, or all of a section, in a file of a team as in all files."""
    sections = list(_sections(c))
    files = {file: lost for file in sorted(c.recorded.files) if (lost := _lost_with(c, file, sections))}
    for file, lost in files.items():
        yield _lost_file(c, file, lost)
    for section in sections:
        with_files = set[str]().union(*(lost.get(section.section, {}) for lost in files.values()))
        had = {name: text for name, text in section.had.items() if name not in with_files}
        whole = [had[name] for name in section.whole if name in had]
        yield from _many(
            c, section.file, section.section, [had[name] for name in section.gone if name in had], len(had), whole
        )


class _Section(NamedTuple):
    """The resources that the states have of a section, without those that are refused for themselves.

    Attributes:
        had: name to text.
        gone: the names of those that would be deleted.
        whole: the names of all that no option makes, where the section keeps none of them.
    """

    file: str
    section: str
    had: Mapping[str, str]
    gone: Sequence[str]
    whole: Sequence[str]


def _sections(c: IdentityComparison) -> Iterator[_Section]:
    for kind, section in SECTIONS.items():
        if c.concerns(STACKS[kind]):
            aside = {key for its, key in c.matches.given_up if its == kind}
            aside |= {key for its, key in c.declared.external if its == kind}
            had, has = c.recorded.keys(kind) - aside, c.declared.keys(kind)
            own = had - _MADE_BY_OPTIONS
            whole = sorted(own) if not has - _MADE_BY_OPTIONS else []
            yield _Section(file_of(kind), section, {key: key for key in had}, sorted(had - has), whole)
    if c.concerns("sso"):
        yield _assignments(c)


def _assignments(c: IdentityComparison) -> _Section:
    """Returns the assignments, without what is refused for itself and those that go with their accounts.

    Those are lost accounts, and retired ones unless these are many.
    """
    handed_over = c.declared.external.keys() & c.recorded.things.keys()
    recorded = c.recorded.keys("account")
    retired = c.declared.retired.keys() & recorded
    lost = recorded - c.declared.keys("account") - retired
    aside = lost if _is_many(len(retired), len(recorded)) else lost | retired
    moved = {assignment.moved(c.matches.new_key) for assignment in c.recorded.assignments}
    had = {
        assignment
        for assignment in moved
        if assignment.account not in aside and (assignment.principal_type, assignment.principal) not in handed_over
    }
    own = {assignment for assignment in had if assignment.permission_set not in _MADE_BY_OPTIONS}
    stays = {assignment for assignment in c.declared.assignments if assignment.permission_set not in _MADE_BY_OPTIONS}
    gone = [assignment.name for assignment in sorted(had - c.declared.assignments)]
    whole = [assignment.name for assignment in sorted(own)] if not stays else []
    return _Section(SSO, "assignments", {assignment.name: str(assignment) for assignment in had}, gone, whole)


def _lost_with(c: IdentityComparison, file: str, sections: Sequence[_Section]) -> dict[str, dict[str, str]]:
    """Returns the sections that a file has no more and of which it had nothing that stays: name to text of each."""
    lost: dict[str, dict[str, str]] = {}
    for section in sections:
        names = c.recorded.files[file].get(section.section, frozenset()) & section.had.keys()
        is_written = section.section in c.declared.files.get(file, {}) or section.section in c.declared.emptied
        if names and not is_written and names.issubset(section.gone):
            lost[section.section] = {name: section.had[name] for name in section.gone if name in names}
    return lost


def _lost_file(c: IdentityComparison, file: str, lost: Mapping[str, Mapping[str, str]]) -> Refusal:
    entries = "; ".join(f"{_words(section)} {listed(list(names.values()))}" for section, names in lost.items())
    if file in c.declared.files:
        text = f"has no {' and no '.join(map(_words, lost))} any more; all that it had would be deleted: {entries}"
    else:
        text = f"is gone, or its name begins with a dot; all that it had would be deleted: {entries}"
    gone = [name for names in lost.values() for name in names.values()]
    problem = Message(MASS_DELETION, text, sections=list(lost), gone=gone)
    empty = ", ".join(f"'{_empty(section)}'" for section in lost)
    remedy = f"put them back; or deploy it once with {empty}, to say that none is meant to stay; or "
    path = str(Path(c.fault(PROJECT, (), problem, "").file).parent / file)
    return Refusal(Fault(path, 1, "", problem, remedy + allowed_by(MASS_DELETION)), MASS_DELETION)


def _words(section: str) -> str:
    return section.replace("_", " ")


def _empty(section: str) -> str:
    return f"{section}: {'[]' if section == 'assignments' else '{}'}"


def _is_many(gone: int, of: int) -> bool:
    return gone > FEW and 3 * gone > of


def _many(
    c: IdentityComparison, file: str, section: str, gone: Sequence[str], of: int, whole: Sequence[str]
) -> Iterator[Refusal]:
    if section in c.declared.emptied:
        return
    words, on_purpose = _words(section), allowed_by(MASS_DELETION)
    if whole:
        text = f"all {words} that are deployed would be deleted: {listed(whole)}"
        remedy = f"put them back; or write '{_empty(section)}' to say that none is meant to stay; or {on_purpose}"
    elif _is_many(len(gone), of):
        text = f"{len(gone)} of the {of} {words} that are deployed would be deleted: {listed(gone)}"
        remedy = f"put them back, or delete a few at a time; or {on_purpose}"
    else:
        return
    problem = Message(MASS_DELETION, text, sections=[section], gone=list(whole or gone), of=of)
    yield Refusal(c.fault(file, (section,), problem, remedy), MASS_DELETION)


def removed_units(c: IdentityComparison) -> Iterator[Refusal]:
    """Refuses to take out a unit with policies while the state has accounts in it: these would be unbound for a while.

    Terraform destroys the attachments of a unit, then moves its accounts, then deletes it.
    """
    if not c.concerns("organizations"):
        return
    known = c.declared.keys("account") | c.declared.retired.keys()
    for unit in sorted(c.recorded.keys("ou") - c.declared.keys("ou")):
        if ("ou", unit) in c.matches.given_up:
            continue
        its = {
            attachment.policy
            for attachment in c.recorded.attachments
            if (attachment.target, attachment.key) == ("ou", unit)
        }
        lost = {
            account: its - _still_bound_by(c, account)
            for account in sorted((known & c.recorded.placed.keys()) - {MANAGEMENT})
            if unit in _way_up(c, account)
        }
        accounts, policies = [key for key, from_it in lost.items() if from_it], sorted(set().union(*lost.values()))
        if accounts:
            yield _unbound(c, unit, accounts, policies)


def _unbound(c: IdentityComparison, unit: str, accounts: Sequence[str], policies: Sequence[str]) -> Refusal:
    word, until = plural(len(accounts), "account"), plural(len(accounts), "it is", "they are")
    text = (
        f"unit {unit} is taken out, and {word} {listed(accounts)} would be without its "
        f"{plural(len(policies), 'policy', 'policies')} {listed(policies)} until {until} moved: Terraform detaches "
        "policies before it moves accounts"
    )
    problem = Message("delete-unit", text, unit=unit, accounts=list(accounts), policies=list(policies))
    remedy = (
        f"deploy once with the {word} moved and the unit still there with its policies, then take it out; or "
        f"{allowed_by(DELETE_UNIT)}"
    )
    return Refusal(c.fault(ORGANIZATION, ("organizational_units",), problem, remedy), DELETE_UNIT)


def occupied_units(c: IdentityComparison) -> Iterator[Refusal]:
    """Refuses to take out a unit in which AWS keeps something: it would stay, and without its policies.

    Terraform detaches the policies of a unit before it asks AWS to delete it, and AWS deletes none that holds anything:
    https://docs.aws.amazon.com/organizations/latest/APIReference/API_DeleteOrganizationalUnit.html
    """
    if not c.concerns("organizations"):
        return
    accounts = c.live.accounts or {}
    goes = {unit.id for unit in c.recorded.of("ou") if unit.key not in c.declared.keys("ou")}
    moves = c.declared.keys("account") & c.recorded.placed.keys() - {MANAGEMENT}
    for unit, names in sorted(c.live.within.items()):
        if ("ou", unit) in c.matches.given_up:
            continue
        ids = {c.recorded.things["account", key].id for key in moves if c.recorded.placed[key] == unit}
        # A deploy leaves out what is closed.
        stays = sorted(names.keys() - goes - {id for id in ids if id in accounts and not accounts[id].shut})
        if stays:
            yield _occupied(c, unit, {id: names[id] for id in stays}, [id for id in stays if id in accounts])


def _occupied(c: IdentityComparison, unit: str, names: Mapping[str, str], inside: Sequence[str]) -> Refusal:
    accounts = c.live.accounts or {}
    closed = [id for id in inside if accounts[id].shut]
    said = [f"{id} ({', '.join([name, *(['closed'] if id in closed else [])])})" for id, name in names.items()]
    text = (
        f"unit {unit} is taken out, and AWS has {listed(said)} in it, which no deploy moves: Terraform would detach "
        "its policies, and then AWS reject its deletion"
    )
    problem = Message("unit-not-empty", text, unit=unit, ids=list(names), closed=closed)
    remedy = "put the unit back with its policies; or move what is in it to where policies bind it"
    if inside:
        remedy += ", by aws organizations move-account"
    if closed:
        remedy += "; a closed account may go to the root, and AWS removes it 90 days after it was closed"
    return Refusal(c.fault(ORGANIZATION, ("organizational_units",), problem, remedy))


def _way_up(c: IdentityComparison, account: str) -> list[str]:
    """Returns the recorded units above an account, nearest first."""
    way: list[str] = []
    unit = c.recorded.placed.get(account, "")
    while unit not in way and ("ou", unit) in c.recorded.things:
        way.append(unit)
        unit = c.recorded.things["ou", unit].identity.partition("/")[0]
    return way


def _still_bound_by(c: IdentityComparison, account: str) -> set[str]:
    """Returns the policies that bind a recorded account throughout, by attachments that stay."""
    at = {("root", ""), ("account", account), *(("ou", unit) for unit in _way_up(c, account))}
    return {
        attachment.policy
        for attachment in c.recorded.attachments & c.declared.attachments
        if (attachment.target, attachment.key) in at
    }


def deleted_trail(c: IdentityComparison) -> Iterator[Refusal]:
    """Refuses to delete the organization trail."""
    if c.recorded.trail == "on" and c.declared.trail == "off" and c.concerns("security"):
        problem = Message("delete-trail", "the organization trail would be deleted: no account is logged any more")
        remedy = f"write 'mode: unmanaged' to stop managing it and leave it running; or {allowed_by(DELETE_TRAIL)}"
        yield Refusal(c.fault(SECURITY, ("trail", "mode"), problem, remedy), DELETE_TRAIL)


def deleted_ram_sharing(c: IdentityComparison) -> Iterator[Refusal]:
    """Refuses to end sharing within the organization."""
    if c.recorded.ram_sharing == "on" and c.declared.ram_sharing == "off" and c.concerns("organizations"):
        text = "sharing within the organization would be switched off: what is shared across accounts breaks off"
        problem = Message("delete-ram-sharing", text)
        remedy = f"write 'ram_sharing: unmanaged' to leave it on; or {allowed_by(DELETE_RAM_SHARING)}"
        yield Refusal(c.fault(ORGANIZATION, ("ram_sharing",), problem, remedy), DELETE_RAM_SHARING)


def disabled_control_tower(c: IdentityComparison) -> Iterator[Refusal]:
    """Refuses to take Control Tower's trusted access away where it has it."""
    if c.live.loses_control_tower and c.concerns("organizations"):
        text = (
            f"{CONTROL_TOWER} would lose its trusted access, without which neither the landing zone of Control Tower "
            "nor Account Factory works"
        )
        problem = Message("disable-control-tower", text, service=CONTROL_TOWER)
        remedy = "keep it in trusted_services; or decommission Control Tower before, then "
        remedy += allowed_by(DISABLE_CONTROL_TOWER)
        yield Refusal(c.fault(ORGANIZATION, ("disable_services",), problem, remedy), DISABLE_CONTROL_TOWER)
