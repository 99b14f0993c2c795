"""The report as tables: those of every format, and those that the page shows as entries to fold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from strata.config import ORGANIZATION, SSO
from strata.config.models import Mode
from strata.landing_zone import MANAGEMENT, LandingZone
from strata.landing_zone.groups import known_to
from strata.landing_zone.layers import layers
from strata.policy.answers import Outcome
from strata.report.access import UNKNOWN, AccessPath, allowances
from strata.report.edition import Edition
from strata.report.facts import Facts, says_more
from strata.report.places import places
from strata.report.points import numbers, points
from strata.report.policies import Slots, short_type
from strata.report.reviews import Entering
from strata.report.words import in_words
from strata.text import counted, listed

INDENT = "\N{NO-BREAK SPACE}" * 2
"""What a level of the tree is indented by, since other white space is not kept."""

Cell = str | tuple[str, ...]
"""A text, or several of which the page makes a list."""
Row = tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """A table with its title and its notes."""

    title: str
    header: tuple[str, ...]
    rows: Sequence[Row]
    notes: tuple[str, ...] = ()
    lead: tuple[str, ...] = ()
    """Lines above the title: the day and the revision."""


def tables(landing_zone: LandingZone, edition: Edition) -> list[Table]:
    """Returns the report for a terminal and for Markdown."""
    facts = Facts(landing_zone, edition)
    entries = [_overview(facts), _people(facts), _groups(facts), _accounts(facts), _organization(facts)]
    return [*entries, *common_tables(facts)]


def common_tables(facts: Facts) -> list[Table]:
    """Returns the tables of every format; those about what is not there are left out."""
    every = [
        _attributes(facts),
        _permission_sets(facts),
        _policies(facts),
        _expectations(facts),
        _undoing(facts),
        _controls(facts),
        _layers(facts),
    ]
    return [table for table in every if table.rows]


# Entries of the page


def _overview(facts: Facts) -> Table:
    rows: list[Row] = [("Numbers", numbers(facts.overview))]
    first = points(facts.overview)
    for point in first:
        sign = "! " if point.level == "danger" else ""
        few = [*point.lines[:_FEW], *([f"and {len(point.lines) - _FEW:,} more"] if point.lines[_FEW:] else [])]
        together = all(" " not in line for line in point.lines)
        title = f"{sign}{point.title}"
        for text in [", ".join(point.lines)] if together else few:
            rows.append((title, text))
            title = ""
    notes = tuple(f"{point.title}: {point.remark[0].lower()}{point.remark[1:]}" for point in first if point.remark)
    title = f"{facts.landing_zone.project.name}: at a glance"
    return Table(title, ("Question", "Answer"), rows, notes, (str(facts.edition),))


_FEW = 20
"""Lines of one answer; --format json has all."""


def _people(facts: Facts) -> Table:
    zone = facts.landing_zone
    rows = [
        (str(given.holder), facts.marked(given.permission_set), places(zone, given.accounts), _through(given.ways))
        for given in facts.given
    ]
    notes = [f"{group} has no members, so its assignments reach nobody." for group in facts.overview.empty_groups]
    if external := facts.overview.external_groups:
        knowing = known_to(zone.groups[key] for key in external)
        notes.append(f"'members of' a group: its people are known to {knowing} only.")
    sign = "!: full access." + (f" ?: {UNKNOWN}." if facts.overview.not_known else "")
    return Table("By person", ("Who", "Permission set", "Accounts", "Through, given by"), rows, (sign, *notes))


def _through(ways: Iterable[AccessPath]) -> str:
    return ", ".join(
        f"{way.group or 'directly'} {way.entry}{f' until {way.until}' if way.until else ''}" for way in ways
    )


def _groups(facts: Facts) -> Table:
    rows: list[Row] = []
    for review in facts.groups:
        group = review.group
        members = listed(group.members) or "nobody" if group.is_known else f"known to {known_to([group])}"
        first = f"{group.key} {review.place}: {members}"
        for given in review.given:
            way = given.way
            terms = (str(way.entry), f"until {way.until}" if way.until else None, way.reason)
            where = places(facts.landing_zone, given.accounts)
            rows.append((first, facts.marked(given.permission_set), where, "; ".join(filter(None, terms))))
            first = ""
        if not review.given:
            rows.append((first, "nothing", "", ""))
    return Table("By group", ("Group: members", "Permission set", "Accounts", "Given by, until, why"), rows)


def _accounts(facts: Facts) -> Table:
    rows: list[Row] = []
    for alike in facts.families:
        bound = ", ".join(f"{policy} from {source.key}" for policy, source in alike.policies)
        if alike.accounts == (MANAGEMENT,):
            bound = f"{bound}; never by an SCP or RCP" if bound else "never by an SCP or RCP"
        who = tuple(f"{facts.marked(entering.permission_set)}: {_who(facts, entering)}" for entering in alike.entering)
        bound = bound or f"! {facts.landing_zone.no_policy}"
        rows.append((listed(alike.accounts), " > ".join(alike.path), bound, who or "nobody"))
    notes = ("Accounts of one OU that differ in nothing share a row.",)
    return Table("By account", ("Accounts", "In", "Bound by", "Who gets in"), rows, notes)


def _who(facts: Facts, entering: Entering) -> str:
    ends = {way.until for way in entering.ways}
    until = "" if None in ends else f" until {max(end for end in ends if end)}"
    if not entering.group:
        return f"{entering.principal}{until}"
    return f"group {entering.principal} ({group_size(facts.landing_zone, entering.principal)}){until}"


def group_size(landing_zone: LandingZone, key: str) -> str:
    """Returns how many people are in a group, as far as that is known."""
    group = landing_zone.groups[key]
    return counted(len(group.members), "person", "people") if group.is_known else "external"


def _organization(facts: Facts) -> Table:
    rows = []
    for target, way in facts.landing_zone.ancestors.items():
        label = f"{target.key}/"
        if target.kind == "account":
            name = says_more(facts.landing_zone.accounts[target.key].name, target.key)
            label = f"{target.key} ({name})" if name else target.key
        attached = ", ".join(policy for of_type in facts.slots[target] for policy in of_type.policies)
        rows.append((INDENT * (len(way) - 1) + label, attached, slots_used(facts.slots[target])))
    header = ("Where", "Policies attached here", "Slots used")
    return Table("Organization", header, rows, (slots_note(facts.landing_zone),))


def slots_used(slots: Sequence[Slots]) -> str:
    """Returns the slots worth a word: those with policies of one's own, else those of SCPs."""
    shown = [of_type for of_type in slots if of_type.policies] or slots[:1]
    return ", ".join(f"{short_type(of_type.type)} {of_type.used} of {of_type.limit}" for of_type in shown)


def slots_note(landing_zone: LandingZone) -> str:
    """Returns the note on the slots that AWS takes itself."""
    but = " One that is detached takes none." if landing_zone.without_full_access else ""
    return f"One SCP slot of every target is taken by AWS's FullAWSAccess, one RCP slot by RCPFullAWSAccess.{but}"


# Tables of every format


def _attributes(facts: Facts) -> Table:
    """Returns what the configuration gives accounts, as their own or inherited."""
    rows = [
        (word.name, word.value, word.by, places(facts.landing_zone, word.accounts), str(word.place))
        for word in facts.words
    ]
    return Table("Attributes and settings", ("What", "Value", "From", "Accounts", "Declared at"), rows)


def _permission_sets(facts: Facts) -> Table:
    holders = defaultdict[str, dict[str, None]](dict)
    for grant in facts.landing_zone.grants:
        holders[grant.permission_set][grant.principal] = None
    rows = [
        (
            facts.marked(key),
            tuple(allowances(held)),
            listed(sorted(holders[key])) or "nobody",
            str(facts.landing_zone.source(SSO, held.location)),
        )
        for key, held in facts.landing_zone.permission_sets.items()
    ]
    return Table("Permission sets", ("Permission set", "Allows", "Given to", "Declared at"), rows)


def _policies(facts: Facts) -> Table:
    rows = []
    for policy in facts.landing_zone.policies.values():
        attached = ((target, facts.landing_zone.source(ORGANIZATION, at)) for target, at in policy.attachments.items())
        where = tuple(f"{target} {source}" for target, source in attached) or "nothing"
        size = facts.landing_zone.project.aws_limits.policy_type(policy.type).size.value
        length = f"{policy.document.length:,} of {size:,}" if policy.is_known else UNKNOWN
        rows.append((policy.key, short_type(policy.type), policy.description or "", where, length))
    return Table("Policies", ("Policy", "Type", "Says", "Attached to", "Characters"), rows)


def _expectations(facts: Facts) -> Table:
    rows: list[Row] = []
    for expected in facts.guardrails.expected:
        expectation = expected.expectation
        about = [held for held in expected.held.values() if held is not None]
        holds = ", ".join(place for place, held in expected.held.items() if held) or "nowhere"
        if expected.ended:
            holds = f"ended on {expectation.until}"
        elif about and all(about):
            holds = "everywhere"
        more = [f"and {len(expected.broken) - _FEW:,} more"] if expected.broken[_FEW:] else []
        otherwise = (*(f"! {text}" for text in expected.broken[:_FEW]), *more)
        rows.append((expectation.id, expectation.reason, holds, otherwise))
    return Table("Expectations", ("Expectation", "Reason", "Holds in", "Otherwise"), rows)


def _undoing(facts: Facts) -> Table:
    signs = {Outcome.DENIED: "! "}
    rows = [
        (
            undoing.by,
            undoing.what,
            undoing.where,
            f"{signs.get(undoing.outcome, '')}{undoing.outcome}{f': {undoing.why}' if undoing.why else ''}",
        )
        for undoing in facts.guardrails.undoing
    ]
    return Table("Who can undo what", ("By", "What", "In", "Answer"), rows)


def _controls(facts: Facts) -> Table:
    rows: list[Row] = []
    for name, control in facts.landing_zone.security.controls.items():
        values = control.model_dump(mode="json", exclude={"mode"}, exclude_none=True)
        means: dict[Mode, Cell] = {
            Mode.ON: tuple(f"{part}: {in_words(value)}" for part, value in values.items() if value not in ("", [], {})),
            Mode.OFF: f"where it was on, {control.off}",
            Mode.UNMANAGED: "it stays at AWS as it is",
        }
        rows.append((name, control.mode.value, means[control.mode]))
    return Table("Controls", ("Control", "Mode", "At AWS"), rows)


def _layers(facts: Facts) -> Table:
    rows = [
        (layer.name, tuple(layer.owns), ", ".join(layer.reads) or "none", layer.state)
        for layer in layers(facts.landing_zone)
    ]
    return Table("Layers", ("Stack", "Owns", "Reads", "State"), rows)
