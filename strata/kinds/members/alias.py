"""The alias in the sign-in address of a member account: an account has one at most, and another takes its place."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config.layers import BASELINE_LAYER
from strata.config.source import Location
from strata.kinds.arguments import Attributes
from strata.kinds.kind import AlreadyExists, Ask, Resource
from strata.kinds.members.made import given, made_by_layer, of_baseline
from strata.landing_zone import LandingZone


def _own(ask: Ask) -> str | None:
    """Returns the alias of the account, whatever it is: a creation would take it away, and no plan would say so."""
    return next(iter(ask.client("iam").list_account_aliases()["AccountAliases"]), None)


def _asked(ask: Ask) -> Attributes | None:
    aliases = ask.client("iam").list_account_aliases()["AccountAliases"]
    return {"name": aliases[0]} if aliases else None


def _declared(zone: LandingZone, account: str) -> Iterator[tuple[str, Attributes, Location]]:
    if control := given(zone, account, "account_alias"):
        name = control.name.replace("{key}", account)
        yield "", {"name": name}, zone.baseline[account].location("account_alias")


ALIAS = made_by_layer(
    BASELINE_LAYER,
    "account alias",
    (
        Resource(
            "aws_iam_account_alias", "<account alias>", existing=AlreadyExists("EntityAlreadyExists", _own, early=_own)
        ),
    ),
    called=lambda *_: "",
    declared=of_baseline(_declared),
    recorded=lambda state: {"name": state.get("account_alias")},
    asked=_asked,
)
