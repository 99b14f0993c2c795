"""What an edit would lose, one small function a case: where it stands, what goes, and the way to do it on purpose."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from strata.config.access import BREAK_GLASS, STATE_ACCESS
from strata.config.models import MANAGEMENT
from strata.config.tree import Location
from strata.errors import Fault
from strata.identity.live import Live, Met
from strata.identity.matching import Matches, matches, moved_address, moved_assignment, parts
from strata.identity.things import (
    STACKS,
    TYPES,
    WORDS,
    Assigned,
    Holdings,
    Kind,
    Thing,
    exact,
    folded,
)
from strata.report.words import listed

PROJECT, ORGANIZATION, SECURITY, SSO, IMPORTS = (
    "project.yaml",
    "organization.yaml",
    "security.yaml",
    "sso.yaml",
    "imports.yaml",
)
FOLDER = "cdktf.out"

LAST_ADMINISTRATOR = "last-administrator"
MASS_DELETION = "mass-deletion"
DELETE_TRAIL = "delete:trail"
DELETE_RAM_SHARING = "delete:ram-sharing"

FEW = 5
"""So many things of a kind may go in one run, whatever share of all they are."""


@dataclass(frozen=True, order=True)
class Refusal:
    """One thing that is not done: why, and how it can be done on purpose.

    Attributes:
        kind: the word for `strata deploy --allow`, empty where nothing allows it.
        lines: lines to copy, each whole: commands, or a line of imports.yaml.
    """

    fault: Fault
    kind: str = ""
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join((str(self.fault), *(f"  {line}" for line in self.lines)))


@dataclass(frozen=True)
class Comparison:
    """The three sides, and what matching them found."""

    declared: Holdings
    recorded: Holdings
    live: Live
    found: Matches
    announced: frozenset[tuple[str, str]]
    stacks: frozenset[str]
    folder: str

    def concerns(self, *stacks: str) -> bool:
        """Returns whether one of the stacks is chosen; none named means all."""
        return not self.stacks or bool(self.stacks.intersection(stacks))

    def fault(self, file: str, location: Location, problem: str, remedy: str) -> Fault:
        return self.declared.fault(file, location, problem, remedy)


def refusals(
    declared: Holdings,
    recorded: Holdings,
    live: Live,
    *,
    announced: Collection[tuple[str, str]] = (),
    allow: Collection[str] = (),
    stacks: Collection[str] = (),
    folder: str = FOLDER,
) -> list[Refusal]:
    """Returns everything that is refused, in the order of the files.

    Args:
        declared: the configuration.
        recorded: the states, or an older configuration in their place.
        live: what was seen at AWS; empty where nothing was.
        announced: kind and name of what a run of ours was about to create.
        allow: the words of `--allow`.
        stacks: those that are to be deployed; all when none is named.
        folder: where the Terraform of the configuration lies, for commands to copy.
    """
    names = frozenset((kind, _compared(kind, name)) for kind, name in announced)
    comparison = Comparison(
        declared, recorded, live, matches(declared, recorded, live), names, frozenset(stacks), folder
    )
    found = [refusal for case in CASES for refusal in case(comparison)]
    return sorted({refusal for refusal in found if not refusal.kind or refusal.kind not in allow})


def _compared(kind: str, name: str) -> str:
    return exact(name) if kind == "permission-set" else folded(name)


def _file(kind: Kind) -> str:
    return ORGANIZATION if STACKS[kind] == "organizations" else SSO


_SECTIONS: dict[Kind, str] = {
    "account": "accounts",
    "ou": "organizational_units",
    "policy": "policies",
    "group": "groups",
    "user": "users",
    "permission-set": "permission_sets",
}


# Accounts


def lost_accounts(c: Comparison) -> Iterator[Refusal]:
    """Refuses to remove an account from the organization that is live and that no entry keeps."""
    if not c.concerns("organizations", "sso"):
        return
    gone = c.recorded.keys("account") - c.declared.keys("account") - c.declared.retired.keys() - {MANAGEMENT}
    for key in sorted(gone):
        thing = c.recorded.things["account", key]
        if ("account", key) in c.found.given_up or not _is_live(c.live, thing):
            continue
        account = f"account {key} ({_facts(thing)})"
        under = next((one for one, email in c.declared.retired.items() if email == thing.identity), None)
        if under:
            at: Location = ("accounts", under)
            problem = f"retires {account} under another key, so Terraform would remove it from the organization"
            remedy = f"write the entry under its key {key!r}, with retired: true"
        elif entry := _unmanaged(c, thing):
            at = ("unmanaged_accounts", entry - 1)
            problem = f"{account} is in the state, unmanaged_accounts is for accounts that no state has"
            remedy = (
                "put its entry back under accounts with retired: true, deploy, and only then drop it and list it here"
            )
        else:
            at = ("accounts",)
            problem = f"{account} is deployed and no longer declared: Terraform would remove it from the organization"
            remedy = (
                "put the entry back with retired: true, deploy, and only then drop it; AWS keeps the account as it is"
            )
        yield Refusal(c.fault(ORGANIZATION, at, problem, remedy))


def _is_live(live: Live, thing: Thing) -> bool:
    return live.accounts is None or thing.id in live.accounts


def _facts(thing: Thing) -> str:
    return ", ".join(part for part in (thing.id, thing.name) if part)


def _unmanaged(c: Comparison, thing: Thing) -> int:
    """Returns the position of an account under unmanaged_accounts, counted from 1; 0 when it is not there."""
    now = c.live.accounts[thing.id].email if c.live.accounts and thing.id in c.live.accounts else ""
    names = {thing.identity, thing.id, folded(now)} - {""}
    return next((place for place, entry in enumerate(c.declared.unmanaged, 1) if entry in names), 0)


def changed_emails(c: Comparison) -> Iterator[Refusal]:
    """Refuses an e-mail address that AWS does not have for the account: Terraform changes none."""
    if not c.concerns("organizations"):
        return
    taken = {thing.key for thing, _ in c.found.taken if thing.kind == "account"}
    for thing in c.declared.of("account"):
        known = c.recorded.things.get(("account", thing.key))
        if thing.key == MANAGEMENT or thing.key in taken or not (known and c.live.accounts):
            continue
        now = c.live.accounts.get(known.id)
        if now and folded(now.email) != thing.identity:
            problem = (
                f"{thing.name!r} is not the e-mail address of account {thing.key} ({known.id}), AWS has {now.email!r}; "
                "Terraform changes no address, and whoever reads this takes it for another account"
            )
            remedy = (
                "change it at AWS first (AWS Organizations console, the account, Actions, Update email address), or "
                f"write {now.email!r}"
            )
            yield Refusal(c.fault(ORGANIZATION, (*thing.location, "email"), problem, remedy))


# Keys and identities


def renamed_keys(c: Comparison) -> Iterator[Refusal]:
    """Refuses a key that changed while the thing stayed: Terraform would destroy it, or adopt it twice."""
    told: set[str] = set()
    for (kind, old), thing in sorted(c.found.renamed.items()):
        if not c.concerns(STACKS[kind], *(["sso"] if kind == "account" else [])):
            continue
        lines = _moves(c, kind, old, told)
        remedy = f"write the key {old!r} again, since keys stay and names may change"
        if kind == "account":
            remedy += "; or leave it to Strata's care no more: retired: true under the old key"
        if lines:
            remedy += "; or move it in the state by hand, then deploy:"
        yield Refusal(c.fault(_file(kind), thing.location, _renamed_problem(c, kind, old, thing), remedy), "", lines)


def _renamed_problem(c: Comparison, kind: Kind, old: str, thing: Thing) -> str:
    loss = {
        "account": "it would be removed from the organization under the old one",
        "ou": "it would be deleted under the old one",
        "policy": f"it would be deleted under the old one{_and('no longer bind', _attached(c, old))}",
        "group": f"it would be destroyed with its memberships{_and('its assignments:', _assigned(c, kind, old))}",
        "user": "the person would be deleted with password and MFA devices"
        f"{_and('direct assignments:', _assigned(c, kind, old))}",
        "permission-set": f"it would be destroyed{_and('its assignments with it:', _assigned(c, kind, old))}",
    }[kind]
    return f"is {WORDS[kind]} {old} under another key, both are {thing.name!r}: {loss}"


def _and(words: str, names: Sequence[str]) -> str:
    return f" and {words} {listed(names)}" if names else ""


def _assigned(c: Comparison, kind: Kind, key: str) -> list[str]:
    """Returns the recorded assignments of a thing, in words."""
    return [str(one) for one in sorted(c.recorded.assignments) if _names(one, kind, key)]


def _names(one: Assigned, kind: Kind, key: str) -> bool:
    if kind == "account":
        return one.account == key
    if kind == "permission-set":
        return one.permission_set == key
    return one.principal_type == kind and one.principal == key


def _attached(c: Comparison, policy: str) -> list[str]:
    """Returns what a recorded policy is attached to, in words."""
    return [str(one) for one in sorted(c.recorded.attachments) if one.policy == policy]


def _moves(c: Comparison, kind: Kind, old: str, told: set[str]) -> tuple[str, ...]:
    """Returns the commands that move a thing, and what is named after it, in the states; each command once."""
    found: dict[str, list[str]] = {}
    for address in sorted(c.recorded.addresses, key=lambda one: (not one.startswith(f"{TYPES[kind]}."), one)):
        if (kind, old) not in parts(address) or address in told:
            continue
        told.add(address)
        terraform = _terraform(c, c.recorded.stacks[address])
        lines = found.setdefault(terraform, [f"{terraform} init"])
        lines.append(f"{terraform} state mv {shlex.quote(address)} {shlex.quote(moved_address(address, c.found))}")
    return tuple(line for lines in found.values() for line in lines)


def _terraform(c: Comparison, stack: str) -> str:
    return f"terraform {shlex.quote(f'-chdir={c.folder}/stacks/{stack}')}"


def taken_identities(c: Comparison) -> Iterator[Refusal]:
    """Refuses an e-mail, name or user name that a recorded thing has under another key: a swap, or a shift."""
    for thing, owner in c.found.taken:
        if not c.concerns(STACKS[thing.kind]):
            continue
        kind, part = thing.kind, _NAMED[thing.kind]
        at = (*thing.location, part)
        if (kind, thing.key) not in c.recorded.things:
            problem = (
                f"{thing.name!r} is {owner} at AWS{f' ({owner.id})' if owner.id else ''}, which the state has at "
                f"{owner.address} and would get at {thing.address} as well"
            )
        elif kind == "account":
            problem = (
                f"{thing.name!r} is the e-mail address of account {owner.key}{f' ({owner.id})' if owner.id else ''}; "
                "Terraform changes nothing, and whoever reads this takes one account for the other"
            )
        else:
            problem = f"{thing.name!r} is the {_PART_WORDS[kind]} of {owner}, which cannot be handed on in one run"
        yield Refusal(c.fault(_file(kind), at, problem, _taken_remedy(c, thing, owner)))


_NAMED: dict[Kind, str] = {
    "account": "email",
    "ou": "name",
    "policy": "name",
    "group": "name",
    "user": "user_name",
    "permission-set": "name",
}
_PART_WORDS: dict[Kind, str] = {
    "account": "e-mail address",
    "ou": "name",
    "policy": "name",
    "group": "name",
    "user": "user name",
    "permission-set": "name",
}


def _taken_remedy(c: Comparison, thing: Thing, owner: Thing) -> str:
    if thing.kind == "account":
        return f"give every account its own address again; {thing.name!r} belongs under {owner.key!r}"
    if thing.kind == "user":
        return (
            f"user names stay with their people: write {owner.name!r} under {owner.key!r} again, and change names and "
            "e-mail addresses there"
        )
    if owner.key not in c.declared.keys(thing.kind):
        return f"drop {owner.key!r} and deploy, then give its name to {thing.key!r}; or choose another name"
    if c.declared.things[thing.kind, owner.key].identity == owner.identity:
        was = f"AWS has it for {owner.key!r} since somebody renamed it there"
        return f"{was}: deploy without {thing.key!r} first, which puts the name right, or choose another name"
    free = f"give {owner.key!r} its new name and deploy, then give {owner.name!r} to {thing.key!r}"
    return f"do it in two deploys: {free}; a swap takes three, with a name in between"


def recorded_twice(c: Comparison) -> Iterator[Refusal]:
    """Refuses to destroy under an old key what a rename that was broken off has put under the new one as well."""
    for old, thing in c.found.twice:
        if not c.concerns(STACKS[old.kind]):
            continue
        terraform = _terraform(c, c.recorded.stacks.get(old.address, STACKS[old.kind]))
        problem = (
            f"the state has {thing.id} twice, at {old.address} and at {thing.address}: it would be destroyed under the "
            "one and is meant to stay under the other"
        )
        lines = (f"{terraform} init", f"{terraform} state rm {shlex.quote(old.address)}")
        at = c.declared.things[thing.kind, thing.key].location
        yield Refusal(
            c.fault(_file(old.kind), at, problem, "take the old address out of the state, then deploy:"), "", lines
        )


def replaced_things(c: Comparison) -> Iterator[Refusal]:
    """Refuses a change that destroys a thing and makes it again: a permission set's name, a policy's type."""
    taken = {(thing.kind, thing.key) for thing, _ in c.found.taken}
    for thing in (*c.declared.of("permission-set"), *c.declared.of("policy")):
        known = c.recorded.things.get((thing.kind, thing.key))
        if not known or (thing.kind, thing.key) in taken or not c.concerns(STACKS[thing.kind]):
            continue
        if thing.kind == "permission-set" and exact(known.name) != thing.identity:
            part, gone = "name", _assigned(c, thing.kind, thing.key)
            problem = (
                f"changes from {known.name!r} to {thing.name!r}: AWS cannot rename a permission set, so it is "
                "destroyed and made again, its sessions end, the ARNs of its roles change"
            )
            problem += f", and meanwhile these go: {listed(gone)}" if gone else ""
        elif thing.kind == "policy" and known.type != thing.type:
            part, gone = "type", _attached(c, thing.key)
            problem = (
                f"changes from {known.type} to {thing.type}: AWS cannot change the type of a policy, so it is "
                "destroyed and made again"
            )
            problem += f", and meanwhile it does not bind {listed(gone)}" if gone else ""
        else:
            continue
        kind = f"replace:{thing.key}"
        another = f"add a {WORDS[thing.kind]} under a new key, move what uses this one, and drop it then"
        remedy = f"change it back, or {another}; or {_allow(kind)}"
        fault = c.fault(_file(thing.kind), (*thing.location, part), problem, remedy)
        yield Refusal(fault, kind)


def _allow(kind: str) -> str:
    return f"strata deploy --allow {kind}"


def external_groups(c: Comparison) -> Iterator[Refusal]:
    """Refuses to hand a group of ours to an identity provider: it would be destroyed with its assignments."""
    if not c.concerns("sso"):
        return
    for key, identity in sorted(c.declared.external.items()):
        same = (
            one
            for one in c.recorded.of("group")
            if one.identity == identity and one.key not in c.declared.keys("group")
        )
        group = c.recorded.things.get(("group", key)) or next(same, None)
        if not group:
            continue
        names = _assigned(c, "group", group.key)
        problem = (
            f"group {group.key} is made here: as an external one it would be destroyed"
            f"{f', and its assignments with it ({listed(names)})' if names else ''}"
        )
        remedy = (
            "declare the group of the identity provider under another key and name with external: true, assign it "
            f"beside {group.key!r}, deploy, and drop {group.key!r} then"
        )
        yield Refusal(c.fault(SSO, ("groups", key, "external"), problem, remedy))


# People and numbers


def last_administrator(c: Comparison) -> Iterator[Refusal]:
    """Refuses to leave the management account to its root user alone."""
    had, has = c.recorded.administrators, c.declared.administrators
    if not had or has or not c.concerns("sso"):
        return
    who = [*sorted(had.people), *(f"group {key}" for key in sorted(had.external))]
    problem = f"nobody would keep full access to the management account, which {listed(who)} had"
    remedy = (
        "assign a permission set with aws: AdministratorAccess there, without a boundary and without a denial of "
        f"everything, to somebody, not ended yet; or {_allow(LAST_ADMINISTRATOR)}"
    )
    yield Refusal(c.fault(SSO, ("assignments",), problem, remedy), LAST_ADMINISTRATOR)


_MADE_BY_OPTIONS = frozenset({BREAK_GLASS, STATE_ACCESS, "region-restriction", "ec2-defaults"})
"""Keys of what options make: a section may be empty beside it."""


def mass_deletions(c: Comparison) -> Iterator[Refusal]:
    """Refuses to delete many things of a kind at once, or all of a section."""
    for kind in ("user", "group", "permission-set", "policy"):
        if not c.concerns(STACKS[kind]):
            continue
        aside = {key for its, key in c.found.given_up if its == kind}
        aside |= c.declared.external.keys() if kind == "group" else set()
        had, has = c.recorded.keys(kind) - aside, c.declared.keys(kind)
        own = had - _MADE_BY_OPTIONS
        whole = bool(own) and not has - _MADE_BY_OPTIONS
        yield from _many(c, _file(kind), _SECTIONS[kind], sorted(had - has), len(had), sorted(own) if whole else [])
    if c.concerns("sso"):
        yield from _assignments(c)


def _assignments(c: Comparison) -> Iterator[Refusal]:
    """Counts assignments, without those of what is renamed, retired or refused for itself."""
    retired = c.declared.retired.keys() & c.recorded.keys("account")
    lost = c.recorded.keys("account") - c.declared.keys("account") - retired
    aside = lost if len(retired) > FEW and 3 * len(retired) > len(c.recorded.keys("account")) else lost | retired
    had = {
        moved
        for one in c.recorded.assignments
        if (moved := moved_assignment(one, c.found)).account not in aside
        and not (
            moved.principal_type == "group" and moved.principal in c.declared.external.keys() & c.recorded.keys("group")
        )
    }
    own = {one for one in had if one.permission_set not in _MADE_BY_OPTIONS}
    stays = {one for one in c.declared.assignments if one.permission_set not in _MADE_BY_OPTIONS}
    gone = [str(one) for one in sorted(had - c.declared.assignments)]
    whole = [str(one) for one in sorted(own)] if own and not stays else []
    yield from _many(c, SSO, "assignments", gone, len(had), whole)


def _many(
    c: Comparison, file: str, section: str, gone: Sequence[str], of: int, whole: Sequence[str]
) -> Iterator[Refusal]:
    if section in c.declared.emptied:
        return
    words = section.replace("_", " ")
    if whole:
        problem = f"all {words} that are deployed would be deleted: {listed(whole)}"
        empty = "[]" if section == "assignments" else "{}"
        meant = f"write '{section}: {empty}' to say that none is meant to stay"
        remedy = f"put them back; or {meant}; or {_allow(MASS_DELETION)}"
    elif len(gone) > FEW and 3 * len(gone) > of:
        problem = f"{len(gone)} of the {of} {words} that are deployed would be deleted: {listed(gone)}"
        remedy = f"put them back, or delete them a few at a time; or {_allow(MASS_DELETION)}"
    else:
        return
    yield Refusal(c.fault(file, (section,), problem, remedy), MASS_DELETION)


# What AWS and the states have besides


def strangers(c: Comparison) -> Iterator[Refusal]:
    """Refuses to take what has a declared name at AWS, unless a run of ours made it or imports.yaml names it."""
    if not c.concerns("sso"):
        return
    renamed = {(thing.kind, thing.key) for thing in c.found.renamed.values()}
    for met in c.live.met:
        thing = c.declared.things[met.kind, met.key]
        if (met.kind, met.key) in renamed or _is_wanted(c, thing, met) or c.live.elsewhere or "sso" in c.live.tagged:
            continue
        at = (*thing.location, _NAMED[met.kind]) if thing.location else ()
        problem = (
            f"{thing.name!r} is a {WORDS[met.kind]} that AWS has and no run of Strata made: {met.id}{_holding(met)}"
        )
        if (met.kind, met.key) in c.recorded.things:
            yield Refusal(c.fault(SSO, at, problem, "choose another name, or delete that one at AWS"))
            continue
        address = thing.address
        remedy = "choose another name; or take it over as it is, by this line in imports.yaml:"
        if address in c.declared.imports:
            remedy = f"imports.yaml imports {c.declared.imports[address]!r} instead: correct it:"
        yield Refusal(c.fault(SSO, at, problem, remedy), "", (f"{address}: {met.id}",))


def _is_wanted(c: Comparison, thing: Thing, met: Met) -> bool:
    if (met.kind, met.key) in c.recorded.things:
        return False
    return c.declared.imports.get(thing.address) == met.id or (met.kind, _compared(met.kind, thing.name)) in c.announced


def _holding(met: Met) -> str:
    words = {"group": "members", "permission-set": "assigned in", "user": "in groups"}[met.kind]
    if met.holds:
        return f", {words} {listed(met.holds)}"
    return f", {_HOLDING_NOTHING[met.kind]}"


_HOLDING_NOTHING = {"group": "without members", "permission-set": "assigned nowhere", "user": "in no group"}


def imported_elsewhere(c: Comparison) -> Iterator[Refusal]:
    """Refuses an import of what a state has at another address, and of one thing at two."""
    holders = {(address.partition(".")[0], id): address for address, id in c.recorded.addresses.items() if id}
    for address, id in sorted(c.declared.imports.items()):
        type = address.partition(".")[0]
        if address in c.recorded.addresses:
            continue
        holder = holders.setdefault((type, id.strip()), address)
        if holder == address or not c.concerns(*_stacks_of(c, type, holder)):
            continue
        if holder in c.recorded.addresses:
            problem = f"{id} is in the state already, at {holder}"
            remedy = (
                "remove the line; to give the thing another key, write that key and let strata deploy print the way"
            )
        else:
            problem, remedy = f"{id} is imported at {holder} as well", "keep one of the two lines"
        yield Refusal(c.fault(IMPORTS, (address,), problem, remedy))


def _stacks_of(c: Comparison, type: str, holder: str) -> tuple[str, ...]:
    own = [STACKS[kind] for kind in TYPES if TYPES[kind] == type]
    return (c.recorded.stacks[holder],) if holder in c.recorded.stacks else tuple(own)


def states_elsewhere(c: Comparison) -> Iterator[Refusal]:
    """Refuses to begin anew with empty states where AWS has what a state of ours has made."""
    empty = sorted(stack for stack in c.recorded.empty if c.concerns(stack))
    seen = [*(f"s3://{bucket}" for bucket in c.live.elsewhere)]
    seen += [what for stack in empty for what in c.live.tagged.get(stack, ())]
    if not empty or not seen or c.announced:
        return
    states = "states" if empty[1:] else "state"
    problem = (
        f"the {states} of {', '.join(empty)} in s3://{c.live.bucket} {'are' if empty[1:] else 'is'} empty, while AWS "
        f"has what Strata made before: {listed(seen)}; all of it would be made again, or be in the way"
    )
    lines: tuple[str, ...] = ()
    if c.live.elsewhere:
        old = c.live.elsewhere[0]
        remedy = (
            f"set state.bucket to {old!r} again (bucket, short_name and account id make its name); or move the state:"
        )
        lines = (
            f"aws s3 cp --recursive {shlex.quote(f's3://{old}/management/')} {shlex.quote(f's3://{c.live.bucket}/management/')}",
        )
    else:
        remedy = (
            "set short_name, state.bucket, regions.primary and the account back to what they were; if the state is "
            "lost, an earlier version of it is in the bucket or in its replica"
        )
    at: Location = ("state", "bucket") if "state" in _data(c, PROJECT) else ("short_name",)
    yield Refusal(c.fault(PROJECT, at, problem, remedy), "", lines)


def _data(c: Comparison, file: str) -> Collection[str]:
    return c.declared.trees[file].data if file in c.declared.trees else ()


def deleted_trail(c: Comparison) -> Iterator[Refusal]:
    """Refuses to delete the organization trail."""
    if c.recorded.trail == "on" and c.declared.trail == "off" and c.concerns("security"):
        problem = "the organization trail would be deleted: no account is logged any more"
        remedy = f"write 'mode: unmanaged' to let it go and leave it running; or {_allow(DELETE_TRAIL)}"
        yield Refusal(c.fault(SECURITY, ("trail", "mode"), problem, remedy), DELETE_TRAIL)


def deleted_ram_sharing(c: Comparison) -> Iterator[Refusal]:
    """Refuses to end sharing within the organization."""
    if c.recorded.ram_sharing == "on" and c.declared.ram_sharing == "off" and c.concerns("organizations"):
        problem = "sharing within the organization would be switched off: what is shared across accounts breaks off"
        remedy = f"write 'ram_sharing: unmanaged' to let it go and leave it on; or {_allow(DELETE_RAM_SHARING)}"
        yield Refusal(c.fault(ORGANIZATION, ("ram_sharing",), problem, remedy), DELETE_RAM_SHARING)


CASES: tuple[Callable[[Comparison], Iterator[Refusal]], ...] = (
    lost_accounts,
    changed_emails,
    renamed_keys,
    taken_identities,
    recorded_twice,
    replaced_things,
    external_groups,
    last_administrator,
    mass_deletions,
    strangers,
    imported_elsewhere,
    states_elsewhere,
    deleted_trail,
    deleted_ram_sharing,
)


def warnings(declared: Holdings, recorded: Holdings) -> Iterator[str]:
    """Yields what is not refused and yet may not be meant."""
    has = declared.administrators
    if has.external and not has.people and declared.things:
        groups = listed(sorted(has.external))
        yield (
            f"full access to the management account is left to what the identity provider says of {groups}: if it "
            "fails, only root gets in"
        )
    for user in declared.of("user"):
        known = recorded.things.get(("user", user.key))
        if known and known.identity != user.identity and user.name != "":
            yield (
                f"the user name of {user.key} stays {known.name!r}: a new one would delete the person with password, "
                "MFA and assignments; to do that on purpose, give the user another key"
            )
