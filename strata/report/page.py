"""The report as an HTML page: everything is in it without a script, which adds search and the access matrix.

The page asks the network for nothing: style and script are in it, and its content security policy allows only them.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from strata.landing_zone import LandingZone
from strata.printing import html, script_data
from strata.report.edition import Edition
from strata.report.markup import SIGN
from strata.report.matrix import matrix
from strata.report.overview import overview
from strata.report.sections import Sections
from strata.report.tables import slots_note
from strata.text import counted


def page(landing_zone: LandingZone, edition: Edition) -> str:
    """Returns the page."""
    style, script = _beside("page.css"), _beside("page.js")
    name = html(landing_zone.project.name)
    allowed = f"img-src data:; style-src {_hash(style)}; script-src {_hash(script)}"
    policy = f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"
    first = overview(landing_zone, edition.as_of)
    sections = Sections(landing_zone, first)
    guardrails = sections.expectations() + sections.undoing()
    attributes = sections.attributes()
    body = "\n".join(
        (
            _section("overview", "At a glance", f"<p>{html(str(first.numbers))}.", sections.points(), look="points"),
            _ACCESS,
            _section("groups", "By group", _GROUPS, sections.groups()),
            _section("people", "By person", "", sections.people()),
            _section(
                "accounts",
                "By account",
                f"<p class=soft>{_ACCOUNTS} {html(slots_note(landing_zone))}",
                sections.accounts(),
            ),
            _section("attributes", "Attributes and settings", _ATTRIBUTES, attributes) if attributes else "",
            _section("sets", "Permission sets", "", sections.sets()),
            _section("policies", "Policies", "", sections.policies()),
            _section("guardrails", "Guardrails", _GUARDRAILS, guardrails),
            _section("controls", "Controls", _CONTROLS, sections.controls()),
            _section("layers", "Layers", _LAYERS, sections.layers(), look="layers"),
        )
    )
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
<a class="skip" href="#overview">Skip to the report</a>
<div class="page">
<header id="top">
<h1>{name}: access and organization</h1>
<p class="edition">{html(str(edition))}</p>
<ul class="numbers">{_numbers(landing_zone)}</ul>
</header>
<nav aria-label="Sections">
<div class="search script" role="search" aria-label="The report"><label for="search">Search</label>
<input type="search" id="search" placeholder="Person, account, OU" autocomplete="off" spellcheck="false">
<p id="found" role="status" class="soft"></p></div>
<ul>{_navigation(landing_zone, bool(attributes))}</ul>
<div class="folds script"><button type="button" class="button" id="expand">Expand all</button>
<button type="button" class="button" id="collapse">Collapse all</button></div>
</nav>
<main>
{body}
</main>
<a class="up" href="#top">Top</a>
</div>
<script type="application/json" id="data">{script_data(matrix(landing_zone))}</script>
<script>{script}</script>
</body>
</html>
"""


def _beside(name: str) -> str:
    lines = Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines()
    return "\n".join(line.strip() for line in lines if line.strip())


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _section(key: str, title: str, lead: str, content: str, *, look: str = "list") -> str:
    return (
        f'<section id="{key}" aria-labelledby="{key}-title"><h2 id="{key}-title">{title}</h2>'
        f"{lead}<div class={look}>{content}</div></section>"
    )


_GROUPS = "<p class=soft>What each group gives, by which entry, why and until when. Printed, each has a line to sign."
_ACCOUNTS = "What binds each account, from where, and who gets in. Accounts that differ in nothing are shown once."
_ATTRIBUTES = "<p class=soft>What the configuration gives accounts, as their own or inherited, and by which line."
_GUARDRAILS = "<p class=soft>Whether each expectation holds in the accounts right in a unit, and who can undo what."
_CONTROLS = "<p class=soft>Of security.yaml. Off is decided by Strata, unmanaged by somebody else."
_LAYERS = "<p class=soft>The stacks in the order they are deployed, and what each owns."

_ACCESS = f"""<section id="access" class="script" aria-labelledby="access-title">
<h2 id="access-title">Access matrix</h2>
<p class="soft">Who has which permission set in how many accounts; {SIGN} is full access. Choose a cell for the reasons,
with the lines that give it; in the matrix, arrow keys move.</p>
<form class="filters" id="filters" aria-label="Filter the access matrix">
<div><label for="person">Person</label>
<input type="search" id="person" list="persons" autocomplete="off" spellcheck="false"></div>
<div><label for="account">Account</label>
<input type="search" id="account" list="known-accounts" autocomplete="off" spellcheck="false"></div>
<div><label for="unit">OU</label><select id="unit"><option value="">all</option></select></div>
<div><label for="set">Permission set</label><select id="set"><option value="">all</option></select></div>
<div><label for="group">Group</label><select id="group"><option value="">all</option></select></div>
<fieldset><legend>Rows</legend><div class="choice">
<label><input type="radio" name="rows" value="people" checked> people</label>
<label><input type="radio" name="rows" value="accounts" id="by-account"> accounts</label></div></fieldset>
<div><button type="reset" class="button">Clear</button></div>
<datalist id="persons"></datalist><datalist id="known-accounts"></datalist>
</form>
<p id="status" role="status" class="small"></p>
<div class="frame" id="frame">
<div class="region" id="region" role="region" aria-labelledby="access-title" tabindex="-1">
<table class="matrix" id="matrix" role="grid" aria-labelledby="access-title"><thead></thead><tbody></tbody></table>
</div>
<span class="edge left" aria-hidden="true">←</span><span class="edge right" aria-hidden="true">more →</span>
<span class="edge above" aria-hidden="true">↑</span><span class="edge below" aria-hidden="true">more ↓</span>
</div>
<div class="turn" id="pages" hidden>
<button type="button" class="button" id="previous">Previous</button>
<button type="button" class="button" id="next">Next</button>
<span class="soft" id="position"></span>
</div>
<dialog id="details" aria-labelledby="what">
<h3 id="what"></h3><div id="why"></div>
<button type="button" class="button" id="close">Close</button>
</dialog>
</section>"""


def _numbers(landing_zone: LandingZone) -> str:
    numbers = (
        counted(len(landing_zone.accounts), "account"),
        counted(len(landing_zone.units), "OU"),
        counted(len(landing_zone.policies), "policy", "policies"),
        counted(len(landing_zone.users), "person", "people"),
        counted(len(landing_zone.groups), "group"),
        counted(len(landing_zone.permission_sets), "permission set"),
        counted(len(landing_zone.grants), "assignment"),
    )
    return "".join(f"<li><b>{text.partition(' ')[0]}</b> {text.partition(' ')[2]}</li>" for text in numbers)


def _navigation(landing_zone: LandingZone, attributes: bool) -> str:
    links: tuple[tuple[str, str, int | None], ...] = (
        ("overview", "At a glance", None),
        ("access", "Access matrix", None),
        ("groups", "By group", len(landing_zone.groups)),
        ("people", "By person", len(landing_zone.users)),
        ("accounts", "By account", len(landing_zone.accounts)),
        *((("attributes", "Attributes and settings", None),) if attributes else ()),
        ("sets", "Permission sets", len(landing_zone.permission_sets)),
        ("policies", "Policies", len(landing_zone.policies)),
        ("guardrails", "Guardrails", len(landing_zone.expectations)),
        ("controls", "Controls", len(landing_zone.security.controls)),
        ("layers", "Layers", None),
    )
    return "".join(
        f"<li{' class=script' if key == 'access' else ''}>"
        f'<a href="#{key}">{title}{f" <small>{number:,}</small>" if number is not None else ""}</a></li>'
        for key, title, number in links
    )
