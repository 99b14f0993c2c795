"""`strata remove` and `strata retire`: take an entry out with all that hangs on it, named before it is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from strata.commands.add.consequences import consequences
from strata.commands.add.effects import losses
from strata.commands.add.kinds import KINDS
from strata.commands.add.questions import gather, one_of
from strata.config import EXPECTATIONS, ORGANIZATION, SSO
from strata.config.entries import with_value, without_places
from strata.config.expectations import ENTRIES
from strata.config.keys import places_expected, places_of
from strata.config.models import Leaving
from strata.config.source import Location, SourceFile, dotted, parse
from strata.config.text import short
from strata.config.types import did_you_mean
from strata.errors import Message, StrataError, UsageError
from strata.evaluation.administrators import administrators
from strata.files.config_edit import check_unchanged, offer, result, texts
from strata.kinds import TYPES, WORDS
from strata.kinds.renaming import keys_of
from strata.landing_zone import LandingZone
from strata.load import load
from strata.options import Options
from strata.questions import Question
from strata.text import listed

Gone: TypeAlias = dict[str, set[Location]]
"""What goes, by file: the ways to keys and to items of lists."""
_OF_SETS: Mapping[str, str] = {
    "permission_set": "permission_sets",
    "group": "groups",
    "user": "users",
    "ou": "organizational_units",
    "account": "accounts",
}
"""The lists of an assignment by the option that names one of their keys."""
_VANISH = frozenset({"targets", "except", "organizational_units"})
"""Mappings that say nothing once they are empty."""


def remove(
    options: Options, *, kind: str | None, key: str | None, given: Mapping[str, Any], dry_run: bool, yes: bool
) -> int:
    """Shows what goes and who loses access, asks, and writes the files without it."""
    named: Mapping[str, Sequence[str]] = {name: keys or () for name, keys in given.items()}
    if kind is not None and kind not in KINDS:
        text = f"{kind!r} is nothing that strata add adds{did_you_mean(kind, KINDS)}; choose from {', '.join(KINDS)}"
        raise UsageError(Message("unknown-name", text, kind="kind", name=kind))
    is_keyed = kind != "assignment"
    if kind is None or (key is None) is is_keyed or (is_keyed and any(named.values())):
        text = "name a kind and a key, as in strata remove group data; of an assignment, its sets, groups and places"
        raise UsageError(Message("argument-missing", text))
    before, landing_zone = texts(options.config), load(options.config)
    sources = _read(before)
    gone = _assignments(landing_zone, named) if key is None else _of_key(landing_zone, sources, kind, key)
    files = _without(before, gone)
    if kind == "account":
        options.note(f"strata deploy refuses this until {key} is closed: deploy it as retired and close it before")
    return _offer(options, before, files, landing_zone, sources, gone, dry_run=dry_run, yes=yes)


def retire(options: Options, *, key: str | None, baseline: str | None, dry_run: bool, yes: bool) -> int:
    """Marks an account as retired and takes its key out of wherever it stands; asks what becomes of its baseline."""
    before, landing_zone = texts(options.config), load(options.config)
    if key in landing_zone.retired:
        options.note(f"nothing to do: account {key} is retired already")
        return 0
    known = gather(_retirement(landing_zone), {"key": key, "baseline": baseline})
    sources, key = _read(before), str(known["key"])
    own, gone = _held(sources, "account", key)
    files = _without(before, gone)
    (file,) = own
    text = files.get(file, before[file])
    for name, value in (("retired", True), ("baseline", known["baseline"])):
        text = with_value(text, ("accounts", key, name), value, file) if value else text
    return _offer(
        options, before, {**files, file: text}, landing_zone, sources, gone, dry_run=dry_run, yes=yes, closes=key
    )


def _retirement(landing_zone: LandingZone) -> tuple[Question, ...]:
    members, choices = tuple(landing_zone.members), tuple(Leaving)
    return (
        Question("key", "which account", one_of("account", members)),
        Question(
            "baseline",
            "its baseline: emptied deletes its roles and rules, forgotten leaves all as it is",
            one_of("way to leave a baseline", choices),
            needed=lambda known: known.get("key") in landing_zone.baseline,
        ),
    )


# What goes


def _read(before: Mapping[str, str]) -> dict[str, SourceFile]:
    """Returns the data of every file, with the lines of its entries; that of a list under a key."""
    sources = {}
    for file, text in before.items():
        sources[file] = SourceFile(file)
        parse(text, sources[file], ENTRIES if file == EXPECTATIONS else "")
    return sources


def _of_key(landing_zone: LandingZone, sources: Mapping[str, SourceFile], kind: Any, key: str) -> Gone:
    """Returns what has a key: its entry, and every place that names it.

    Raises:
        StrataError: there is no such entry, or AWS or Strata would refuse it: the way is said.
    """
    if kind == "expectation":
        ids = [entry.id for entry in landing_zone.expectations]
        if key not in ids:
            raise _unknown("expectation", key, ids)
        return {EXPECTATIONS: {(ids.index(key),)}}
    own, gone = _held(sources, kind, key)
    if not own:
        keys = keys_of(landing_zone, kind)
        if key in keys:
            text = f"{WORDS[kind]} {key} is made by an option; take that out of the file"
            raise StrataError(Message("made-by-option", text, kind=kind, key=key))
        raise _unknown(WORDS[kind], key, keys)
    _refuse_in_use(landing_zone, kind, key)
    for file, places in own.items():
        gone.setdefault(file, set()).update(places)
    return _with_emptied(sources, gone)


def _unknown(what: str, key: str, keys: Iterable[str]) -> StrataError:
    text = f"there is no {what} {key!r}{did_you_mean(key, keys)}"
    return StrataError(Message("unknown-name", text, kind=what, name=key))


def _is_of(file: str, name: str) -> bool:
    """Returns whether a file is one of organization.yaml or sso.yaml, or stands beside it."""
    return file == name or file.startswith(f"{name.removesuffix('.yaml')}/")


def _held(sources: Mapping[str, SourceFile], kind: Any, key: str) -> tuple[Gone, Gone]:
    """Returns where an entry itself stands, and where else its key does and can go."""
    own: Gone = {}
    gone: Gone = {}
    for file, source in sources.items():
        if file == EXPECTATIONS:
            entries = source.data.get(ENTRIES) or []
            gone[file] = set(places_expected(kind, key, entries))
        elif _is_of(file, ORGANIZATION) or _is_of(file, SSO):
            for place in places_of(kind, key, source.data):
                is_own = place[-1] == key and place[0] != "defaults" and len(place) % 2 == 0
                (own if is_own else gone).setdefault(file, set()).add(place)
    return own, {file: places for file, places in _with_emptied(sources, gone).items() if places}


def _refuse_in_use(landing_zone: LandingZone, kind: str, key: str) -> None:
    """Refuses what only goes after something else, and says how.

    Raises:
        StrataError: an account that is not retired, a unit that is not empty, a group that an option names.
    """
    text = ""
    if kind == "account" and key not in landing_zone.retired:
        text = f"account {key} stays while AWS has it: strata retire account {key}, deploy, close it, then remove it"
    elif kind == "ou":
        every = landing_zone.organization.accounts.items()
        within = [account for account, entry in every if entry.organizational_unit == key]
        below = [unit.key for unit in landing_zone.units.values() if unit.parent == key]
        if within or below:
            inside = [*(f"unit {unit}" for unit in below), *(f"account {account}" for account in within)]
            text = f"organizational unit {key} is not empty, it has {listed(inside)}; move them and deploy first"
    elif kind == "group":
        sso = landing_zone.sso
        named = [sso.break_glass.group] if sso.break_glass else []
        named += sso.state_access.groups if sso.state_access and len(sso.state_access.groups) == 1 else ()
        if key in named:
            option = "break_glass" if named[0] == key and sso.break_glass else "state_access"
            text = f"group {key} is the only one of {option} in {SSO}; name another one there, or take {option} out"
    if text:
        raise StrataError(Message("still-in-use", text, kind=kind, key=key))


def _with_emptied(sources: Mapping[str, SourceFile], gone: Gone) -> Gone:
    """Returns what goes with what says nothing, or something else, once its last key has gone."""
    return {file: _emptied(sources[file].data, file == EXPECTATIONS, places) for file, places in gone.items()}


def _emptied(data: Any, expected: bool, places: set[Location]) -> set[Location]:
    gone, entries = set(places), data.get(ENTRIES) if expected else data
    size = 0
    while len(gone) != size:
        size = len(gone)
        for place in sorted(gone, key=len, reverse=True):
            above = place[:-1]
            inner = _at(entries, above)
            children = {(*above, part) for part in (inner if isinstance(inner, Mapping) else range(len(inner)))}
            vanishes = isinstance(inner, list) or (above and above[-1] in _VANISH)
            if len(above) > 1 and vanishes and children <= gone:
                gone.add(above)
        # Without its last word an expectation would be about everybody, or everything.
        if expected:
            gone |= {place[:1] for place in gone if place[1:] in (("as",), ("in",), ("on",))}
        else:
            gone |= {("assignments", at) for at in _pointless(data, gone)}
    return {place for place in gone if not any(place[:length] in gone for length in range(1, len(place)))}


def _at(data: Any, way: Location) -> Any:
    for part in way:
        data = data[part]
    return data


def _pointless(data: Mapping[str, Any], gone: set[Location]) -> Iterator[int]:
    """Yields the assignments that give nothing, to nobody, or nowhere, once something has gone."""
    for at, entry in enumerate(data.get("assignments") or []):
        left = {name for name in entry if ("assignments", at, name) not in gone}
        whole = "permission_sets" in left and left & {"groups", "users"}
        if not (whole and left & {"accounts", "organizational_units", "tags"}):
            yield at


def _assignments(landing_zone: LandingZone, named: Mapping[str, Sequence[str]]) -> Gone:
    """Returns the assignment that has exactly what is named, of each kind that is.

    Raises:
        UsageError: nothing is named.
        StrataError: none has exactly that, or several have.
    """
    asked = {_OF_SETS[name]: {*keys} for name, keys in named.items() if keys}
    if not asked:
        text = "name the assignment: --permission-set, --group, --user, --ou, --account"
        raise UsageError(Message("argument-missing", text))
    exact, near = [], []
    for at, assignment in enumerate(landing_zone.sso.assignments):
        values = {name: getattr(assignment, name) for name in asked}
        lists = {name: {"all"} if value == "all" else {*value} for name, value in values.items()}
        if lists == asked:
            exact.append(at)
        elif all(asked[name] <= keys for name, keys in lists.items()):
            near.append(at)
    if len(exact) != 1:
        places = [str(landing_zone.source(SSO, ("assignments", at))) for at in exact or near]
        what = "more than one assignment has exactly this" if exact else "no assignment has exactly this"
        more = (
            f"; these have {'it' if exact else 'more'}: {listed(places)}; name more, or edit the file" if places else ""
        )
        raise StrataError(Message("assignment-unclear", f"{what}{more}", places=places))
    part, here = landing_zone.source_file(SSO).origin(("assignments", exact[0]))
    return {part.name or SSO: {here}}


# What is shown and written


def _without(before: Mapping[str, str], gone: Gone) -> dict[str, str]:
    roots = {file: ENTRIES if file == EXPECTATIONS else "" for file in gone}
    return {file: without_places(before[file], places, file, roots[file]) for file, places in gone.items() if places}


def _offer(
    options: Options,
    before: Mapping[str, str],
    files: Mapping[str, str],
    landing_zone: LandingZone,
    sources: Mapping[str, SourceFile],
    gone: Gone,
    *,
    dry_run: bool,
    yes: bool,
    closes: str = "",
) -> int:
    folder = options.config
    check_unchanged(folder, before)
    after = result(folder, {**before, **files}, f"once {closes} is retired" if closes else "without it")
    if administrators(landing_zone).are_lost(administrators(after)):
        text = "nothing was changed; without it nobody has administrator access to the management account"
        raise StrataError(Message("last-admin-lost", text))
    warnings = consequences(folder, landing_zone, after, dry_run=dry_run)
    named = {policy.file for policy in landing_zone.policies.values() if policy.file and not policy.external}
    left, used = "\n".join({**before, **files}.values()), {(folder / file).resolve() for file in after.documents}
    unused = (file for file in named if file not in left and (folder / file).resolve() not in used)
    documents = sorted(file for file in unused if (folder / file).is_file())
    words = [*_named(sources, gone), *losses(landing_zone, after)]
    words += [f"warning: {folder}/{message}" for message in warnings]
    where = listed([str(folder / name) for name in sorted(files)])
    then = f"next: strata deploy{options.config_words}"
    if closes:
        id = landing_zone.imports.get(f"{TYPES['account']}.{closes}", "ID")
        then += f", then close account {closes}: aws organizations close-account --account-id {id}"
    return offer(options, before, files, where, dry_run=dry_run, yes=yes, told=words, then=then, gone=documents)


def _named(sources: Mapping[str, SourceFile], gone: Gone) -> Iterator[str]:
    """Yields what goes, each with the line that it begins in."""
    for file, places in gone.items():
        for place in sorted(places, key=lambda place: (sources[file].line(_in_source(file, place)), str(place))):
            here = _in_source(file, place)
            entry = _at(sources[file].data, here)
            id = f" {entry['id']}" if file == EXPECTATIONS and isinstance(entry, Mapping) else ""
            value = f" {short(entry)}" if isinstance(entry, str) else ""
            yield f"{file}:{sources[file].line(here)}: {dotted(here)}{id or value} goes"


def _in_source(file: str, place: Location) -> Location:
    return (ENTRIES, *place) if file == EXPECTATIONS else place
