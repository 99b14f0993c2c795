"""The report as one HTML page: static chart, policies and layers, and a matrix that its script draws from JSON.

The page asks the network for nothing: style and script are in it, and its content security policy allows only them.
"""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from strata.config import ORGANIZATION, SSO
from strata.config.source import Location
from strata.landing_zone import LandingZone
from strata.landing_zone.grants import Grant
from strata.landing_zone.policies import Policy
from strata.landing_zone.units import THE_ROOT, Target, children
from strata.printing import html, script_data
from strata.report.access import allowances, way_of
from strata.report.layers import layers
from strata.report.policies import Slots, short_type, slots
from strata.report.tables import SLOTS_NOTE, shown

FOLDED = 30
"""Accounts of one unit from which on the chart shows them folded."""


def page(landing_zone: LandingZone) -> str:
    """Returns the page."""
    style, script = _beside("page.css"), _beside("page.js")
    name = html(landing_zone.project.name)
    allowed = f"img-src data:; style-src {_hash(style)}; script-src {_hash(script)}"
    policy = f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>{name}: access and organization</title>
<style>{style}</style>
</head>
<body>
<a class="skip" href="#access">Skip to the access matrix</a>
<div class="page">
<header>
<h1>{name}: access and organization</h1>
<ul class="facts">{_facts(landing_zone)}</ul>
</header>
<nav aria-label="Sections"><ul>
<li><a href="#access">Access</a></li><li><a href="#organization">Organization</a></li>
<li><a href="#policies">Policies</a></li><li><a href="#layers">Layers</a></li>
</ul></nav>
<main>
{_ACCESS}
<section id="organization" aria-labelledby="organization-title">
<h2 id="organization-title">Organization</h2>
<p class="soft small">Units, accounts, and the policies attached to each with the slots they use.
{html(SLOTS_NOTE)}</p>
<div class="chart" id="chart">{_chart(landing_zone)}</div>
</section>
<section id="policies" aria-labelledby="policies-title">
<h2 id="policies-title">Policies</h2>
<div class="scroll" role="region" aria-labelledby="policies-title" tabindex="0">{_policies(landing_zone)}</div>
</section>
<section id="layers" aria-labelledby="layers-title">
<h2 id="layers-title">Layers</h2>
<p class="soft small">The stacks in the order they are deployed, and what each owns.</p>
<div class="layers">{_layers(landing_zone)}</div>
</section>
</main>
</div>
<script type="application/json" id="data">{script_data(matrix(landing_zone))}</script>
<script>{script}</script>
</body>
</html>
"""


def _beside(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_ACCESS = """<section id="access" aria-labelledby="access-title">
<h2 id="access-title">Access</h2>
<p class="soft small">Who has which permission set where. Choose a cell for the reasons, with the lines that give it;
in the matrix, arrow keys move.</p>
<noscript><p class="tag warm">The matrix needs JavaScript; the rest of the page does not.</p></noscript>
<form class="filters" id="filters" role="search" aria-label="Filter the access matrix">
<div><label for="person">Person</label>
<input type="search" id="person" list="people" autocomplete="off" spellcheck="false"></div>
<div><label for="account">Account</label>
<input type="search" id="account" list="accounts" autocomplete="off" spellcheck="false"></div>
<div><label for="set">Permission set</label><select id="set"><option value="">all</option></select></div>
<div><label for="group">Group</label><select id="group"><option value="">all</option></select></div>
<fieldset class="wide"><legend>Rows</legend><div class="choice">
<label><input type="radio" name="rows" value="people" checked> people</label>
<label><input type="radio" name="rows" value="accounts" id="by-account"> accounts</label></div></fieldset>
<div><button type="reset" class="button">Clear</button></div>
<datalist id="people"></datalist><datalist id="accounts"></datalist>
</form>
<p id="status" role="status" class="small"></p>
<div class="region" id="region" role="region" aria-labelledby="access-title" tabindex="-1">
<table class="matrix" id="matrix" role="grid" aria-labelledby="access-title"><thead></thead><tbody></tbody></table>
</div>
<div class="pages" id="pages" hidden>
<button type="button" class="button" id="previous">Previous</button>
<button type="button" class="button" id="next">Next</button>
<span class="soft small" id="position"></span>
</div>
<dialog id="details" aria-labelledby="what">
<h3 id="what"></h3><div id="why"></div>
<button type="button" class="button" id="close">Close</button>
</dialog>
</section>"""


def _facts(landing_zone: LandingZone) -> str:
    numbers = (
        (len(landing_zone.accounts), "account", "accounts"),
        (len(landing_zone.units), "organizational unit", "organizational units"),
        (len(landing_zone.policies), "policy", "policies"),
        (len(landing_zone.users), "person", "people"),
        (len(landing_zone.groups), "group", "groups"),
        (len(landing_zone.permission_sets), "permission set", "permission sets"),
        (len(landing_zone.grants), "assignment", "assignments"),
    )
    return "".join(f"<li><b>{number:,}</b> {one if number == 1 else many}</li>" for number, one, many in numbers)


# What the script draws the matrix from


def matrix(landing_zone: LandingZone) -> dict[str, Any]:
    """Returns accounts, people, groups and grants as the page's script reads them: by position, grants in bundles."""
    above, user_at = landing_zone.ancestors, _positions(landing_zone.users)
    entries: dict[Location, int] = {}
    given = list(_grants(landing_zone, entries))
    return {
        "accounts": [
            [key, one.name, " ".join(way.key for way in above[Target("account", key)][1:-1])]
            for key, one in landing_zone.accounts.items()
        ],
        "users": [[key, one.shown_name, one.email] for key, one in landing_zone.users.items()],
        "groups": [
            {
                "key": key,
                "name": group.name,
                "external": group.external,
                "members": [user_at[member] for member in group.members],
                "lines": [
                    str(landing_zone.source(SSO, (*group.location, "members", index)))
                    for index in range(len(group.members))
                ],
            }
            for key, group in landing_zone.groups.items()
        ],
        "sets": [
            {"key": key, "allows": allowances(one), "place": str(landing_zone.source(SSO, one.location))}
            for key, one in landing_zone.permission_sets.items()
        ],
        "entries": [_entry(landing_zone, entry) for entry in entries],
        "grants": given,
    }


def _entry(landing_zone: LandingZone, entry: Location) -> str:
    way = way_of(landing_zone, entry)
    until = f", until {way.until}" if way.until else ""
    return f"{way.entry}{until}{f' ({way.reason})' if way.reason else ''}"


def _positions(keys: Iterable[str]) -> dict[str, int]:
    return {key: index for index, key in enumerate(keys)}


def _grants(landing_zone: LandingZone, entries: dict[Location, int]) -> Iterator[list[Any]]:
    """Yields `[set, user or -1 - group, accounts or 0 for all, entries]`, for accounts that differ in nothing else."""
    bundled: dict[tuple[Grant, tuple[Location, ...]], list[int]] = defaultdict(list)
    set_at, account_at = _positions(landing_zone.permission_sets), _positions(landing_zone.accounts)
    user_at, group_at = _positions(landing_zone.users), _positions(landing_zone.groups)
    for grant, given_by in landing_zone.grants.items():
        anywhere = Grant("", grant.permission_set, grant.principal_type, grant.principal)
        bundled[anywhere, given_by].append(account_at[grant.account])
    for (grant, given_by), where in sorted(bundled.items()):
        user = grant.principal_type == "USER"
        principal = user_at[grant.principal] if user else -1 - group_at[grant.principal]
        numbered = [entries.setdefault(entry, len(entries)) for entry in given_by]
        accounts: list[int] | int = sorted(where) if len(where) < len(account_at) else 0
        yield [set_at[grant.permission_set], principal, accounts, numbered]


# The chart


def _chart(landing_zone: LandingZone) -> str:
    below, found = children(landing_zone.ancestors), slots(landing_zone)

    def unit(target: Target) -> str:
        accounts = [one for one in below[target] if not one.unit]
        listed = "".join(f"<li>{_account(landing_zone, one, found[one])}</li>" for one in accounts)
        if len(accounts) > FOLDED:
            summary = f"<summary>{len(accounts):,} accounts</summary>"
            listed = f'<details>{summary}<ul class="accounts">{listed}</ul></details>'
        elif accounts:
            listed = f'<ul class="accounts">{listed}</ul>'
        units = "".join(f"<li>{unit(one)}</li>" for one in below[target] if one.unit)
        name = landing_zone.units[target.key].name if target.unit else target.key
        label = f'<span class="unit">{html(target.key)}</span>'
        label += f'<span class="soft small">{html(name)}</span>' if name.lower() != target.key else ""
        row = f'<summary><span class="row">{label}{_slots(found[target])}</span></summary>'
        return f"<details open>{row}{listed}{f'<ul>{units}</ul>' if units else ''}</details>"

    return unit(THE_ROOT)


def _account(landing_zone: LandingZone, target: Target, found: list[Slots]) -> str:
    name = landing_zone.accounts[target.key].name
    own = _slots(found) if any(one.policies for one in found) else ""
    return (
        f'<span class="row"><span>{html(target.key)}</span><span class="soft small">{html(name)}</span>{own}'
        f'<button type="button" class="link" data-account="{html(target.key)}" '
        f'aria-label="Who gets into {html(target.key)}">who gets in</button></span>'
    )


def _slots(found: list[Slots]) -> str:
    return "".join(
        "".join(f'<span class="tag policy">{html(policy)}</span>' for policy in one.policies)
        + f'<span class="tag{" warm" if one.free == 0 else ""}" title="{one.free} free">'
        + f"{html(short_type(one.type))} {one.used} of {one.limit}</span>"
        for one in shown(found)
    )


def _policies(landing_zone: LandingZone) -> str:
    head = '<tr><th scope="col">Policy</th><th scope="col">Type</th><th scope="col">Attached to</th></tr>'
    rows = "".join(_policy(landing_zone, policy) for policy in landing_zone.policies.values())
    return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def _policy(landing_zone: LandingZone, policy: Policy) -> str:
    lines = {target: landing_zone.source(ORGANIZATION, at) for target, at in policy.attachments.items()}
    attached = [f"{html(str(target))} <code>{html(str(line))}</code>" for target, line in lines.items()]
    return (
        f'<tr><th scope="row">{html(policy.key)}<div class="soft small">{html(policy.description)}</div></th>'
        f"<td>{html(short_type(policy.type))}</td><td>{_list(attached or ['nothing'])}</td></tr>"
    )


def _layers(landing_zone: LandingZone) -> str:
    return "".join(
        f'<div class="layer"><h3>{html(one.name)}</h3>{_list(map(html, one.owns))}'
        f'<p class="soft small">reads {html(", ".join(one.reads) or "no other stack")}<br>'
        f"<code>{html(one.state)}</code></p></div>"
        for one in layers(landing_zone)
    )


def _list(items: Iterable[str]) -> str:
    return f'<ul class="plain">{"".join(f"<li>{item}</li>" for item in items)}</ul>'
