"""All losses of an edit at once: the place, the loss, and the way to do it on purpose."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from strata.errors import Message
from strata.identity import accounts, deletions, keys
from strata.identity.comparison import IdentityComparison, Refusal
from strata.identity.live import LiveSide
from strata.identity.matching import matches
from strata.identity.things import Holdings
from strata.text import folded, listed, plural

FOLDER = "cdktf.out"

Case = Callable[[IdentityComparison], Iterator[Refusal]]
CASES: tuple[Case, ...] = (
    accounts.changed_emails,
    accounts.closed_accounts,
    keys.renamed_keys,
    keys.taken_identities,
    keys.recorded_twice,
    deletions.own_becomes_external,
    deletions.last_administrator,
    deletions.occupied_units,
)


def refusals(
    declared: Holdings,
    recorded: Holdings,
    live: LiveSide,
    *,
    allow: Collection[str] = (),
    stacks: Collection[str] = (),
    folder: str = FOLDER,
    cases: Sequence[Case] = CASES,
) -> list[Refusal]:
    """Returns everything that is refused, in the order of the files.

    Args:
        declared: the configuration.
        recorded: the states, or an older configuration in their place.
        live: what was seen at AWS; `Live()` where nobody asked.
        allow: the words of `--allow`.
        stacks: those that are to be deployed; all when none is named.
        folder: where the Terraform of the configuration lies, for commands to copy.
        cases: what is looked for.
    """
    matched = matches(declared, recorded)
    comparison = IdentityComparison(declared, recorded, live, matched, frozenset(stacks), folder)
    every = {refusal for case in cases for refusal in case(comparison)}
    return sorted(refusal for refusal in every if not refusal.kind or refusal.kind not in allow)


def warnings(declared: Holdings, recorded: Holdings, live: LiveSide) -> Iterator[Message]:
    """Yields what is not refused and yet may not be meant."""
    has = declared.administrators
    if has.external and has.is_certain and not has.people:
        groups = f"external {plural(len(has.external), 'group')} {listed(sorted(has.external))}"
        text = (
            f"full access to the management account is left to the {groups} alone: when the identity provider fails, "
            "only its root user gets in"
        )
        yield Message("administrators-external", text, groups=sorted(has.external))
    for user in declared.of("user"):
        known = recorded.things.get(("user", user.key))
        name = live.user_names.get(known.id, known.name) if known else ""
        if name and folded(name) != user.identity:
            text = (
                f"{user.key} signs in as {name!r}, not as {user.name!r}: AWS has the user name from when it made the "
                f"user, and a deploy leaves it; write 'user_name: {name}' to keep it, or change it at AWS, see "
                "'Somebody changes their name' in docs/access.md"
            )
            yield Message("user-name-stays", text, user=user.key, name=name, value=user.name)
