"""An account of the organization."""

from __future__ import annotations

import json
from collections.abc import Iterator

from strata.config import models
from strata.config.models import MANAGEMENT
from strata.kinds import cli
from strata.kinds.arguments import text
from strata.kinds.events import GONE, MADE, TAGS
from strata.kinds.identity import Mark, folded
from strata.kinds.kind import Found, Kind, Resource
from strata.kinds.thing import ACTIVE, AtAws, InStates, Thing, written
from strata.landing_zone import LandingZone

_NAME, _TYPE = "account", "aws_organizations_account"


def _declared(zone: LandingZone) -> Iterator[Thing]:
    for key, one in zone.accounts.items():
        values = {"name": one.name, "email": one.email, "unit": one.unit, "state": ACTIVE, "tags": dict(one.tags)}
        # AWS neither renames nor moves the management account, and a deploy leaves it as it is.
        compared = written(values, one.unwritten) if key != MANAGEMENT else {}
        mark = Mark(folded(one.email), one.email)
        yield Thing(_NAME, key, compared, one.file, one.location, ids={"id": one.id}, mark=mark)


def _recorded(states: InStates) -> Iterator[Thing]:
    for key, one in states.of(_TYPE).items():
        email = text(one, "email")
        values = {
            "name": text(one, "name"),
            "email": email,
            "unit": states.place(one),
            "state": ACTIVE,
            "tags": dict(one.get("tags") or {}),
        }
        mark = Mark(folded(email), email)
        yield Thing(_NAME, key, values if key != MANAGEMENT else {}, ids={"id": text(one, "id")}, mark=mark)


def _live(aws: AtAws) -> Iterator[Thing]:
    """Yields the accounts but those that are left to others, retired, or closed without being declared."""
    for one in aws.inventory.organization.accounts:
        key = aws.known["account"].get(one.id, "")
        if one.id in aws.left or aws.is_elsewhere(_TYPE, one.id):
            continue
        values = {**ACCOUNT.live_fields(one), "unit": aws.place(one.parent), "state": one.state}
        values["tags"] = aws.tags(_TYPE, key, one.tags)
        name, ids = aws.key("account", one.id, one.name), {"id": one.id, "unit": one.parent}
        yield Thing(_NAME, name, values if key != MANAGEMENT else {}, ids=ids, thing=("account", one.id))


ACCOUNT = Kind(
    _NAME,
    "organizations",
    (Resource(_TYPE, "<account id>", keys=("account",), id="id", imported=True, kept=True),),
    key="account",
    addresses=lambda zone: (f"{_TYPE}.{key}" for key in zone.accounts),
    declared=_declared,
    recorded=_recorded,
    live=_live,
    found=lambda inventory, _: (
        Found(one.id, one.name, folded(one.email), [one.name, one.email.partition("@")[0], one.id[-4:]])
        for one in inventory.organization.accounts
    ),
    live_fields=lambda one: {"email": one.email, "name": one.name, "tags": dict(sorted(one.tags.items()))},
    is_added=True,
    model=models.Account,
    fields={"name": "name", "email": "email", "unit": "organizational_unit", "tags": "tags"},
    events={
        MADE: ("CreateAccountResult", "CreateAccount", "AcceptHandshake", "InviteAccountToOrganization"),
        GONE: ("RemoveAccountFromOrganization", "LeaveOrganization"),
        "name": ("PutAccountName",),
        "email": ("AcceptPrimaryEmailUpdate", "StartPrimaryEmailUpdate"),
        "unit": ("MoveAccount",),
        "state": ("CloseAccount",),
        **TAGS,
    },
)


def invite(account: str) -> cli.Lines:
    """Returns the line that invites an account that left, which has to accept."""
    target = json.dumps({"Id": account, "Type": "ACCOUNT"})
    return (cli.line("organizations", "invite-account-to-organization", target=target),)
