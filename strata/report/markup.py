"""Small pieces of the HTML page: pills, links, names that are not said twice."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from strata.evaluation.administrators import allows_everything
from strata.landing_zone import LandingZone
from strata.landing_zone.units import Target
from strata.printing import html
from strata.report.access import AccessPath

SIGN = "▲"
"""The sign of full access, so that it is not only a colour."""
FULL = f"<b class=f>{SIGN} full access</b>"


def soft(text: str) -> str:
    """Returns secondary text, nothing for none."""
    return f" <small>{html(text)}</small>" if text else ""


def anchor(kind: str, key: str) -> str:
    """Returns the id of an entry: `g-finance` of a group."""
    return html(f"{kind}-{key}")


def link(kind: str, key: str) -> str:
    """Returns a link to an entry of the page."""
    return f'<a href="#{anchor(kind, key)}">{html(key)}</a>'


def items(markups: Iterable[str], kind: str = "plain") -> str:
    """Returns a list of what is markup already."""
    return f"<ul class={kind}>{''.join(f'<li>{markup}' for markup in markups)}</ul>"


def until_and_why(ways: Collection[AccessPath]) -> str:
    """Returns last days and reasons, nothing where there are none."""
    dates = sorted({way.until for way in ways if way.until})
    reasons = list(dict.fromkeys(way.reason for way in ways if way.reason))
    text = "".join(f" <b class=until>until {html(day)}</b>" for day in dates)
    return text + "".join(f" <i>{html(reason)}</i>" for reason in reasons)


class Pills:
    """Permission sets and policies as pills; full access with its sign. The style makes them of bold text in a list."""

    def __init__(self, landing_zone: LandingZone) -> None:
        self.full = {
            key for key, permission_set in landing_zone.permission_sets.items() if allows_everything(permission_set)
        }
        self._unread = {
            key for key, permission_set in landing_zone.permission_sets.items() if not permission_set.is_known
        }

    def sets(self, keys: Iterable[str]) -> str:
        """Returns the pills of permission sets, those of full access first."""
        ordered = sorted(keys, key=lambda key: (key not in self.full, key))
        return " ".join(
            f"<b class=f>{SIGN} {html(key)}</b>"
            if key in self.full
            else f"<b>{'? ' if key in self._unread else ''}{html(key)}</b>"
            for key in ordered
        )

    def policy(self, key: str, source: Target | None = None) -> str:
        """Returns the pill of a policy, with the target that it comes from."""
        return f"<b>{html(key)}{f' <small>{html(source.key)}</small>' if source else ''}</b>"
