"""An account of the organization."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from strata.config.models import MANAGEMENT
from strata.errors import Message
from strata.kinds import cli
from strata.kinds.arguments import text
from strata.kinds.change import Way
from strata.kinds.identity import Mark
from strata.kinds.kind import Kind, LiveName, Resource
from strata.kinds.thing import ACTIVE, AtAws, InStates, Thing, as_declared
from strata.landing_zone import LandingZone
from strata.text import folded

_NAME, _TYPE = "account", "aws_organizations_account"


def _declared(zone: LandingZone) -> Iterator[Thing]:
    for key, account in zone.accounts.items():
        values: dict[str, Any] = {"name": account.name, "email": account.email, "unit": account.unit, "state": ACTIVE}
        if not account.keeps_tags:
            values["tags"] = dict(account.tags)
        # AWS neither renames nor moves the management account, and a deploy leaves it as it is.
        compared = values if key != MANAGEMENT else {}
        mark, ids = Mark(folded(account.email), account.email), {"id": account.id}
        yield Thing(_NAME, key, compared, account.file, account.location, ids, mark=mark)


def _recorded(states: InStates) -> Iterator[Thing]:
    for key, account in states.of(_TYPE).items():
        name, email, tags = text(account, "name"), text(account, "email"), dict(account.get("tags") or {})
        values = {"name": name, "email": email, "unit": states.place(account), "state": ACTIVE, "tags": tags}
        mark = Mark(folded(email), email)
        yield Thing(_NAME, key, values if key != MANAGEMENT else {}, ids={"id": text(account, "id")}, mark=mark)


def _live(aws: AtAws) -> Iterator[Thing]:
    """Yields the accounts but those that are left to others, retired, or closed without being declared."""
    for account in aws.inventory.organization.accounts:
        key = aws.known["account"].get(account.id, "")
        if account.id in aws.left or aws.is_elsewhere(_TYPE, account.id):
            continue
        values = {**ACCOUNT.live_fields(account), "unit": aws.place(account.parent), "state": account.state}
        values["tags"] = aws.tags(_TYPE, key, account.tags)
        if key in aws.zone.accounts:
            values["email"] = as_declared(account.email, aws.zone.accounts[key].email)
        name, ids = aws.key("account", account.id, account.name), {"id": account.id, "unit": account.parent}
        note = Message("leave-to-others", "unmanaged_accounts in organization.yaml leaves it to others")
        yield Thing(_NAME, name, values if key != MANAGEMENT else {}, ids=ids, note=note)


def _way(attribute: str, here: Thing | None, before: Thing | None, _: Thing | None) -> Way | None:
    """Returns the way back where no deploy makes an account again, opens it again or gives it its address or name."""
    if not (here and before):
        return None
    if not attribute:
        id = before.ids.get("id")  # where no state was read, nobody knows it
        target = {"Id": id, "Type": "ACCOUNT"}
        invite = cli.line("organizations", "invite-account-to-organization", target=target)
        accepted = "the account has to accept the invitation"
        invited = Message("invitation-to-accept", f"{accepted}; if it was closed, set retired: true on its entry")
        return Way(undo=(invite,) if id else (), by_hand=invited)
    if attribute == "state":
        return Way(by_hand=Message("account-closed", "reopen it with AWS Support, or set retired: true on its entry"))
    if attribute == "email":
        left = "change it back at AWS; a deploy leaves an account's address as it is"
        return Way(by_hand=Message("email-left-by-deploy", left))
    return None


ACCOUNT = Kind(
    _NAME,
    "organizations",
    (Resource(_TYPE, "<account id>", keys=("account",), id="id", imported=True),),
    key="account",
    addresses=lambda zone: (f"{_TYPE}.{key}" for key in zone.accounts),
    declared=_declared,
    recorded=_recorded,
    live=_live,
    named=lambda inventory, _: (
        LiveName(live.id, live.name, folded(live.email), [live.name, live.email.partition("@")[0], live.id[-4:]])
        for live in inventory.organization.accounts
    ),
    live_fields=lambda live: {"email": live.email, "name": live.name, "tags": dict(sorted(live.tags.items()))},
    fields={name: name for name in ("name", "email", "tags")},
    left="email",
    way=_way,
)
