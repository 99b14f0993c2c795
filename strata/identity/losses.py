"""The table of the guard on the plan: what destroying, forgetting and changing costs, and how it is done on purpose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from strata.config import IMPORTS
from strata.config.models import MANAGEMENT
from strata.config.source import Location
from strata.errors import Message
from strata.identity.comparison import Refusal, allowed_by, file_of, hanging
from strata.identity.guard import MANY, Fate, Guard, Loss, Rule
from strata.identity.things import Kind
from strata.kinds import KEYED, KINDS, TYPES, WORDS, resource_of
from strata.kinds.assignment import ASSIGNMENT
from strata.kinds.group import MEMBERSHIP
from strata.kinds.kind import Kind as Described
from strata.kinds.loss import ACCESS, CONTROLS, GUARDRAILS, HOLDS_DATA, SWITCHES
from strata.kinds.moves import address_parts
from strata.kinds.organization import DELEGATED, RAM_SHARING
from strata.kinds.permission_set import BOUNDARY, INLINE, MANAGED
from strata.kinds.policy import ATTACHMENT, POLICY
from strata.landing_zone.units import Target
from strata.policy.strictness import judged
from strata.text import counted, listed

FEW = 5
"""So many things of a type may go in a run, whatever share of all they are."""
_GOES = ("delete", "replace")


def losses(guard: Guard) -> list[Loss]:
    """Returns all that the plans take away, in the order of the files."""
    return sorted({loss for rule in RULES for loss in rule(guard)})


# Identities


def _accounts(guard: Guard) -> Iterator[Loss]:
    """Refuses to take an account out of the organization: it is retired first, which leaves it as it is."""
    for fate, kind, thing in guard.keyed:
        if kind != "account" or fate.key == MANAGEMENT:
            continue
        stays = fate.key in guard.declared.retired or fate.key in guard.declared.keys("account")
        if fate.action not in _GOES and (fate.action != "forget" or stays):
            continue
        id, email = str(fate.before.get("id", "")), thing.identity if thing else ""
        account = f"account {fate.key}{f' ({id})' if id else ''}"
        under = next((key for key, its in guard.declared.retired.items() if its == email), None)
        entry = next((at for at, its in enumerate(guard.declared.unmanaged) if its in (email, id)), None)
        at: Location = ("accounts",)
        if under:
            text = f"retires {account} under another key, so Terraform would remove it from the organization"
            problem = Message("retired-under-another-key", text, account=fate.key, id=id, key=under)
            at, remedy = ("accounts", under), f"write the entry under its key {fate.key!r}, with retired: true"
        elif entry is not None:
            text = f"{account} is in the state, unmanaged_accounts is for accounts that no state has"
            problem = Message("unmanaged-account-in-state", text, account=fate.key, id=id)
            at = ("unmanaged_accounts", entry)
            remedy = (
                "put its entry back under accounts with retired: true, deploy, and only then drop it and list it here"
            )
        else:
            text = f"{account} is deployed and no longer declared: Terraform would remove it from the organization"
            problem = Message("account-undeclared", text, account=fate.key, id=id)
            remedy = (
                "put the entry back with retired: true, deploy, then close the account or list its e-mail address "
                "under unmanaged_accounts, and only then drop the entry"
            )
        yield Loss(Refusal(guard.fault(fate, at, problem, remedy)), "refused", fate.address)


def _replaced(guard: Guard) -> Iterator[Loss]:
    """Refuses to destroy a thing and create it again: it gets another id, and what hangs on it is gone meanwhile."""
    for fate, kind, _ in guard.keyed:
        if kind == "account" or fate.action != "replace":
            continue
        lost = hanging(guard.recorded, kind, fate.key)
        text = f"{WORDS[kind]} {fate.key} is destroyed and created again"
        if why := [said for name, said in _REPLACING.items() if name in fate.changed]:
            text += f", since {why[0]}"
        if lost:
            text += f"; meanwhile these do not exist: {listed(lost)}"
        problem = Message("would-be-replaced", text, kind=kind, key=fate.key, lost=lost)
        here = guard.declared.things.get((kind, fate.key))
        at = here.location if here else (_section(kind),)
        if kind == "ou":  # Terraform does not destroy it, whatever is allowed
            yield Loss(Refusal(guard.fault(fate, at, problem, _INSTEAD[True])), "refused", fate.address)
        else:
            yield guard.refused(fate, at, problem, _INSTEAD[False])


_INSTEAD = {
    True: (
        "write it back; or declare a unit with another key there, move its accounts and policies to it, deploy, and "
        "only then take this one out"
    ),
    False: "change it back; or add another, have it take over, deploy, and drop this one",
}
"""What to do instead, by whether it is a unit."""
_REPLACING = {
    "parent_id": "AWS moves accounts, and no units",
    "name": "AWS gives it no other name",
    "type": "AWS gives a policy no other type",
}
"""Why a thing is replaced, by the attribute."""


def _gone(guard: Guard) -> Iterator[Loss]:
    """Tells who goes, with all that AWS takes along, whether the plan has it or not."""
    for fate, kind, _ in guard.keyed:
        if kind in ("account", "policy") or fate.action != "delete":
            continue
        lost = hanging(guard.recorded, kind, fate.key)
        text = f"{WORDS[kind]} {fate.key} is destroyed{f', and with it {listed(lost, len(lost))}' if lost else ''}"
        yield guard.told(
            fate, (_section(kind),), Message("identity-destroyed", text, kind=kind, key=fate.key, lost=lost)
        )


def _access(guard: Guard) -> Iterator[Loss]:
    """Tells who loses access that goes by itself, once for all accounts in which it goes."""
    goes = {(kind, fate.key) for fate, kind, _ in guard.keyed if fate.action == "delete"}
    made = {(fate.type, ids) for fate in guard.fates if (ids := _between(fate, fate.after))}
    lost: dict[str, list[tuple[Fate, str]]] = {}
    for fate in guard.fates:
        if fate.action != "delete" or fate.is_deposed or (fate.type, _between(fate, fate.before)) in made:
            continue
        parts = fate.key.split("_")
        if fate.type == ASSIGNMENT.type and len(parts) == 4:  # noqa: PLR2004
            account, permission_set, of, principal = parts
            if not goes & {("permission-set", permission_set), ("user", principal), ("group", principal)}:
                lost.setdefault(f"{of} {principal} no longer has {permission_set}", []).append((fate, f"in {account}"))
        elif fate.type == MEMBERSHIP.type and len(parts) == 2:  # noqa: PLR2004
            group, user = parts
            if not goes & {("group", group), ("user", user)}:
                lost.setdefault(f"user {user} is no longer in group {group}", []).append((fate, ""))
        elif fate.type == MANAGED and ("permission-set", parts[0]) not in goes and not _weaker(guard, fate):
            policy = str(fate.before.get("managed_policy_arn", "")).rpartition("/")[2]
            lost.setdefault(f"permission set {parts[0]} no longer has {policy or fate.key}", []).append((fate, ""))
    for text, some in lost.items():
        where = listed([place for _, place in some if place])
        first = some[0][0]
        problem = Message("access-goes", f"{text} {where}".rstrip(), addresses=[fate.address for fate, _ in some])
        key = first.key.partition("_")[0]
        at = {MANAGED: ("permission_sets", key), MEMBERSHIP.type: ("groups", key)}.get(first.type, ("assignments",))
        yield guard.told(first, at, problem)


def _moved_accounts(guard: Guard) -> Iterator[Loss]:
    """Asks by itself about an account that moves away from guardrails, and tells of any other that moves."""
    units = {unit.id: unit.key for unit in guard.recorded.of("ou")}
    for fate, kind, _ in guard.keyed:
        before, _ = fate.changed.get("parent_id", (None, None))
        if kind != "account" or not before or fate.key not in guard.zone.accounts:
            continue
        unit = units.get(str(before), "")
        above, key = set[str](), unit
        while known := guard.recorded.things.get(("ou", key)):
            above.add(key)
            key = known.identity.partition("/")[0]
        bound = (
            on for on in guard.recorded.attachments if on.target == "root" or (on.target == "ou" and on.key in above)
        )
        had = {on.policy for on in bound}
        has = {its.policy.key for its in guard.zone.effective_policies[Target("account", fate.key)]}
        at: Location = ("accounts", fate.key, "organizational_unit")
        text = f"account {fate.key} moves out of {f'unit {unit}' if unit else 'the root'}"
        if lost := sorted(had - has):
            problem = Message("guardrail-goes", f"{text}, and {listed(lost)} no longer bind it", address=fate.address)
            yield guard.weakened(fate, at, problem, "attach these to it, or leave it there")
        else:
            yield guard.told(fate, at, Message("account-moves", text, address=fate.address))


def _section(kind: Kind) -> str:
    return KEYED[kind].section or "organizational_units"


def _lost_moves(guard: Guard) -> Iterator[Loss]:
    """Refuses to destroy what is made again between the same things at AWS: moves.yaml has lost a rename."""
    made = {(fate.type, ids): fate.address for fate in guard.fates if (ids := _between(fate, fate.after))}
    lost: dict[tuple[Kind, str, str], list[Fate]] = {}
    for fate in guard.fates:
        ids = _between(fate, fate.before)
        new = made.get((fate.type, ids), "") if fate.action == "delete" and ids else ""
        for (kind, old), (_, now) in zip(address_parts(fate.address), address_parts(new), strict=False):
            if new and kind and old != now:
                lost.setdefault((kind, old, now), []).append(fate)
    for (kind, old, now), fates in lost.items():
        text = (
            f"is {WORDS[kind]} {old} in the state of {fates[0].stack}: {counted(len(fates), 'resource')} would be "
            f"destroyed and made again, such as {fates[0].address}"
        )
        problem = Message("move-lost", text, kind=kind, old=old, new=now, stack=fates[0].stack, again=len(fates))
        thing = guard.declared.things.get((kind, now))
        fault = guard.zone.fault(
            file_of(kind), thing.location if thing else (), problem, "record the rename, then deploy:"
        )
        yield Loss(Refusal(fault, "", (f"strata rename {kind} {old} {now}",)), "refused", fates[0].address)


def _imported(guard: Guard) -> Iterator[Loss]:
    """Refuses to have a thing at two addresses: each deploy would change what it is at the other."""
    holders = {(address.partition(".")[0], id): address for address, id in guard.recorded.addresses.items() if id}
    for fate in guard.fates:
        if not fate.import_id or fate.type not in _KINDS:  # of what has no key, two accounts may have the same id
            continue
        holder = holders.setdefault((fate.type, fate.import_id), fate.address)
        if holder == fate.address:
            continue
        text = f"{fate.import_id} is imported at {fate.address}, and is there already at {holder}"
        problem = Message("import-in-state", text, id=fate.import_id, at=holder)
        remedy = "keep one of the two; to give the thing another key, use strata rename"
        at: Location = (fate.address,) if fate.address in guard.zone.imports else ()
        file = IMPORTS if at else file_of(_KINDS[fate.type])
        yield Loss(Refusal(guard.zone.fault(file, at, problem, remedy)), "refused", fate.address)


_KINDS: Mapping[str, Kind] = {type: kind for kind, type in TYPES.items()}


def _between(fate: Fate, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the ids between which a resource stands; empty where it has none, or one is not known."""
    ids = tuple(str(values.get(name) or "") for name in resource_of(fate.address).references)
    return ids if all(ids) else ()


# Data


def _data(guard: Guard) -> Iterator[Loss]:
    """Refuses to destroy what holds data, or is needed to read some, also of a layer of one's own."""
    comes = [fate for fate in guard.fates if fate.action == "create"]
    for fate in guard.fates:
        if fate.type not in HOLDS_DATA or fate.action not in _GOES or fate.is_deposed:
            continue
        ways = [new.address for new in comes if (new.stack, new.type) == (fate.stack, fate.type)]
        again = " and created again" if fate.action == "replace" else ""
        problem = Message(
            "holds-data",
            f"{fate.stack}: {fate.address} is destroyed{again}, and all that it holds is lost",
            stack=fate.stack,
            address=fate.address,
        )
        remedy = "take that back"
        if len(ways) == 1:
            remedy = f'where it has another name only, write self.move("{fate.address}", "{ways[0]}") in the stack'
        yield guard.refused(fate, (), problem, remedy)


# Guardrails and controls


def _guardrails(guard: Guard) -> Iterator[Loss]:
    """Asks by itself about guardrails that go, and tells of those that change."""
    for fate in guard.fates:
        if fate.is_deposed:
            continue
        changed = sorted(_may_be_looser(fate)) if fate.action == "update" else []
        if of_retired := _of_retired(guard, fate):
            yield guard.told(fate, _at(fate), Message("guardrail-goes", of_retired, address=fate.address))
        elif what := _weaker(guard, fate):
            problem = Message("guardrail-goes", what, address=fate.address)
            yield guard.weakened(fate, _at(fate), problem, "put it back")
        elif changed and (fate.type in GUARDRAILS or fate.type in CONTROLS):
            text = f"{fate.address} is changed: {listed(changed)}"
            problem = Message("guardrail-changes", text, address=fate.address, changed=changed)
            yield guard.told(fate, _at(fate), problem)
        elif fate.type in CONTROLS and fate.action in _GOES:
            problem = Message("control-goes", f"{fate.address} is destroyed", address=fate.address)
            yield guard.told(fate, _at(fate), problem)


_PLAIN = frozenset(("tags", "tags_all", "description", "name"))
"""What lets nobody do more."""
_DOCUMENTS = frozenset(("content", "inline_policy"))


def _may_be_looser(fate: Fate) -> Iterator[str]:
    """Yields the attributes that change otherwise than to what is surely as strict."""
    for name, (before, after) in fate.changed.items():
        if name in _DOCUMENTS and not judged(before, after).changed:
            continue
        if name not in _PLAIN:
            yield name


def _weaker(guard: Guard, fate: Fate) -> str:
    """Returns in words which guardrail goes, empty where none does."""
    if gone := [said for said in fate.loses if said.partition(" of ")[2] in SWITCHES]:
        return f"the organization loses {listed(gone)}"
    if fate.action not in (*_GOES, "forget") or (fate.action == "forget" and _is_elsewhere(guard, fate)):
        return ""
    if fate.type == POLICY.type:
        binds = sorted(str(attached) for attached in guard.recorded.attachments if attached.policy == fate.key)
        return f"policy {fate.key} is destroyed{f', and no longer binds {listed(binds)}' if binds else ''}"
    if fate.type == ATTACHMENT.type:
        policy, _, target = fate.key.partition("_")
        kind, _, key = target.partition("_")
        stays = kind == "root" or (kind, key) in guard.declared.things
        goes = any(other.address == f"{POLICY.type}.{policy}" and other.action in _GOES for other in guard.fates)
        return f"policy {policy} no longer binds {target.replace('_', ' ')}" if stays and not goes else ""
    if fate.type == MANAGED:
        denies = str(fate.before.get("managed_policy_arn", "")).endswith(":policy/AWSDenyAll")
        return f"permission set {fate.key.partition('_')[0]} loses AWSDenyAll" if denies else ""
    if fate.type not in GUARDRAILS or fate.action == "forget":
        return ""
    why = GUARDRAILS[fate.type]
    return f"{fate.address} is destroyed{f': {why}' if why else ''}"


def _of_retired(guard: Guard, fate: Fate) -> str:
    """Returns in words which policy no longer binds an account that retires, and that nobody has closed yet."""
    policy, _, target = fate.key.partition("_")
    kind, _, key = target.partition("_")
    goes = any(other.address == f"{POLICY.type}.{policy}" and other.action in _GOES for other in guard.fates)
    if fate.type != ATTACHMENT.type or fate.action != "delete" or kind != "account" or goes:
        return ""
    return f"policy {policy} no longer binds account {key}, which retires" if key in guard.declared.retired else ""


def _is_elsewhere(guard: Guard, fate: Fate) -> bool:
    """Says whether the states have a thing at another address as well, as a rename that was broken off leaves it."""
    its = str(fate.before.get("id"))
    return any(id == its and address != fate.address for address, id in guard.recorded.addresses.items())


def _at(fate: Fate) -> Location:
    """Returns where the entry of a guardrail stands."""
    if fate.type in (POLICY.type, ATTACHMENT.type):
        key = fate.key.partition("_")[0]
        return {"ec2-defaults": ("ec2_defaults",), "region-restriction": ("region_restriction",)}.get(
            key, ("policies", key)
        )
    if fate.type in _types(DELEGATED):
        return ("delegated_administrators",)
    if fate.type in (MANAGED, INLINE.type, BOUNDARY.type):
        return ("permission_sets", fate.key.partition("_")[0])
    if fate.type == RAM_SHARING.type:
        return ("ram_sharing",)
    control = next((kind.control for kind in KINDS if kind.control and fate.type in _types(kind)), "")
    return (control,) if control else ()


def _types(of: Described) -> list[str]:
    return [resource.type for resource in of.resources]


# Much at once


def _many(guard: Guard) -> Iterator[Loss]:
    """Refuses to destroy many things of a type at once, or all of them; counted where the plan is whole."""
    retired = guard.declared.retired

    def counts(address: str) -> bool:
        type, _, name = address.partition(".")
        leaves = type == ASSIGNMENT.type and name.partition("_")[0] in retired
        known = address in guard.recorded.addresses
        return known and (type in ACCESS or type in TYPES.values()) and not leaves

    had = Counter(address.partition(".")[0] for address in guard.recorded.addresses if counts(address))
    gone: dict[str, list[Fate]] = {}
    for fate in guard.fates:
        if fate.action == "delete" and fate.is_whole and not fate.is_deposed and counts(fate.address):
            gone.setdefault(fate.type, []).append(fate)
    for type, fates in gone.items():
        number, all_of_them = len(fates), len(fates) >= had[type] > 1
        if not all_of_them and (number <= FEW or 3 * number <= had[type]):
            continue
        names = [fate.key for fate in fates]
        text = f"{'all' if all_of_them else number} of {had[type]} {type} would be destroyed: {listed(names)}"
        problem = Message("mass-deletion", text, type=type, gone=names, of=had[type])
        word = f"{MANY}{type}"
        fault = guard.fault(fates[0], (), problem, f"put them back, or delete a few at a time; or {allowed_by(word)}")
        yield Loss(Refusal(fault, word), "refused")


RULES: tuple[Rule, ...] = (
    _accounts,
    _moved_accounts,
    _replaced,
    _gone,
    _access,
    _lost_moves,
    _imported,
    _data,
    _guardrails,
    _many,
)
